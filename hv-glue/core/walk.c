/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's linear addresses by its own page tables, in all paging modes (SDM 3A 4.3 to 4.5). */
#include "base/errno.h"
#include "guest.h"
#include "hw/x86.h"

#define LARGE_4M_ADDR UINT32_C(0xffc00000)

/* A table entry in the guest's memory; entries that lie elsewhere read as not present. */
static uint32_t entry(const struct guest *g, uint64_t gpa)
{
	const volatile uint32_t *p = guest_ptr(g, gpa, 4);

	return p ? *p : 0;
}

/* The entry of @linear in @table, whose index is at bit @shift; *@e: what it says. False: absent.
 */
static inline bool step(const struct guest *g, uint64_t table, uint64_t linear, unsigned int shift,
			uint64_t *e)
{
	uint64_t at = (table & X86_PTE_ADDR) + (linear >> shift & 511) * 8;

	/* RAM is whole pages. */
	if (unlikely(at >= g->ram_len))
		return false;
	*e = *(const volatile uint64_t *)(uintptr_t)(g->ram + at);
	return *e & X86_PTE_P;
}

static int page(uint64_t e, uint64_t linear, unsigned int shift, uint64_t *gpa)
{
	uint64_t low = (UINT64_C(1) << shift) - 1;

	*gpa = (e & X86_PTE_ADDR & ~low) | (linear & low);
	return 0;
}

/* Each access to a device comes here. */
static inline int walk64(const struct guest *g, uint64_t e, uint64_t linear, uint64_t *gpa)
{
	if (!step(g, e, linear, 39, &e) || !step(g, e, linear, 30, &e))
		return -EFAULT;
	if (e & X86_PTE_PS)
		return page(e, linear, 30, gpa);
	if (!step(g, e, linear, 21, &e))
		return -EFAULT;
	if (e & X86_PTE_PS)
		return page(e, linear, 21, gpa);
	if (!step(g, e, linear, 12, &e))
		return -EFAULT;
	return page(e, linear, 12, gpa);
}

/* Four entries on top, aligned to 32 bytes only. */
static int walk_pae(const struct guest *g, uint64_t table, uint64_t linear, uint64_t *gpa)
{
	const volatile uint64_t *p = guest_ptr(g, table + (linear >> 30) * 8, 8);
	uint64_t e = p ? *p : 0;

	if (!(e & X86_PTE_P) || !step(g, e, linear, 21, &e))
		return -EFAULT;
	if (e & X86_PTE_PS)
		return page(e, linear, 21, gpa);
	return step(g, e, linear, 12, &e) ? page(e, linear, 12, gpa) : -EFAULT;
}

static int walk32(const struct guest *g, uint32_t table, uint32_t linear, uint64_t *gpa)
{
	uint32_t e = entry(g, table + (linear >> 22) * 4);

	if (!(e & X86_PTE_P))
		return -EFAULT;
	if (e & X86_PTE_PS) {
		*gpa = (e & LARGE_4M_ADDR) | (linear & ~LARGE_4M_ADDR);
		return 0;
	}
	e = entry(g, (e & UINT32_C(0xfffff000)) + (linear >> 12 & 1023) * 4);
	if (!(e & X86_PTE_P))
		return -EFAULT;
	*gpa = (e & UINT32_C(0xfffff000)) | (linear & 0xfff);
	return 0;
}

static NOINLINE int walk_other(struct gcpu *c, uint64_t cr3, uint64_t linear, uint64_t *gpa)
{
	const struct vcpu_ops *ops = c->v->ops;

	if (ops->get(c->v, VCPU_EFER) & X86_EFER_LMA)
		return walk64(c->guest, cr3, linear, gpa);
	linear &= UINT32_MAX;
	*gpa = linear;
	if (!(ops->get(c->v, VCPU_CR0) & X86_CR0_PG))
		return 0;
	if (!(ops->get(c->v, VCPU_CR4) & X86_CR4_PAE))
		return walk32(c->guest, (uint32_t)cr3 & UINT32_C(0xfffff000), (uint32_t)linear,
			      gpa);
	return walk_pae(c->guest, cr3 & UINT32_C(0xffffffe0), linear, gpa);
}

int guest_walk(struct gcpu *c, bool code64, uint64_t linear, uint64_t *gpa)
{
	uint64_t cr3 = c->v->ops->get(c->v, VCPU_CR3);

	return likely(code64) ? walk64(c->guest, cr3, linear, gpa)
			      : walk_other(c, cr3, linear, gpa);
}
