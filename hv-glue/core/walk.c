/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's linear addresses by its own page tables: in 64-bit code, where it has to be fast. */
#include "base/errno.h"
#include "guest.h"
#include "hw/x86.h"

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

int guest_walk(struct gcpu *c, bool code64, uint64_t linear, uint64_t *gpa)
{
	if (likely(code64))
		return walk64(c->guest, c->v->ops->get(c->v, VCPU_CR3), linear, gpa);
	return vcpu_linear(c->v, linear, gpa) ? 0 : -EFAULT;
}
