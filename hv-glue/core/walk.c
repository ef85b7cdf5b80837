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

/* Tables of 512 entries: PAE's three levels and the four of long mode. As entry(), but without a
 * call a level: each access to a device comes here. */
static int walk64(const struct guest *g, uint64_t table, unsigned int levels, uint64_t linear,
		  uint64_t *gpa)
{
	uint64_t last = g->ram_len - 8, ram = g->ram, e, low;
	unsigned int shift = 12 + 9 * (levels - 1);

	for (;; shift -= 9) {
		table += (linear >> shift & 511) * 8;
		if (table > last)
			return -EFAULT;
		e = *(const volatile uint64_t *)(uintptr_t)(ram + table);
		if (!(e & X86_PTE_P))
			return -EFAULT;
		if (shift == 12 || (shift <= 30 && (e & X86_PTE_PS)))
			break;
		table = e & X86_PTE_ADDR;
	}
	low = (UINT64_C(1) << shift) - 1;
	*gpa = (e & X86_PTE_ADDR & ~low) | (linear & low);
	return 0;
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

int guest_walk(struct gcpu *c, uint64_t linear, uint64_t *gpa)
{
	const struct vcpu_ops *ops = c->v->ops;
	uint64_t cr3, cr4;

	if (ops->get(c->v, VCPU_EFER) & X86_EFER_LMA)
		return walk64(c->guest, ops->get(c->v, VCPU_CR3) & X86_PTE_ADDR, 4, linear, gpa);
	linear &= UINT32_MAX;
	*gpa = linear;
	if (!(ops->get(c->v, VCPU_CR0) & X86_CR0_PG))
		return 0;
	cr3 = ops->get(c->v, VCPU_CR3);
	cr4 = ops->get(c->v, VCPU_CR4);
	/* Four entries on top, found by two bits: the same as a table of 512 of 32 bytes'
	 * alignment. */
	if (cr4 & X86_CR4_PAE)
		return walk64(c->guest, cr3 & UINT32_C(0xffffffe0), 3, linear, gpa);
	return walk32(c->guest, cr3 & UINT32_C(0xfffff000), (uint32_t)linear, gpa);
}
