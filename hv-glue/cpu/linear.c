/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's linear addresses by its own page tables, in all paging modes (SDM 3A 4.3 to 4.5). */
#include "glue/vcpu.h"
#include "hw/x86.h"

const void *vcpu_memory(const struct vcpu_space *s, uint64_t gpa)
{
	enum vcpu_memtype type;
	uint32_t perm;
	uint64_t hpa = vcpu_walk(s, gpa, &perm, &type);

	return perm && type == VCPU_WB ? (const void *)(uintptr_t)hpa : NULL;
}

/* A table entry of 4 or 8 bytes, read once; those that lie in no memory are not present. */
static uint64_t entry(const struct vcpu_space *s, uint64_t gpa, bool wide)
{
	const void *p = vcpu_memory(s, gpa);

	if (!p)
		return 0;
	return wide ? *(const volatile uint64_t *)p : *(const volatile uint32_t *)p;
}

NOINLINE bool vcpu_linear(struct vcpu *v, uint64_t lin, uint64_t *gpa)
{
	bool lma = v->ops->get(v, VCPU_EFER) & X86_EFER_LMA;
	bool wide = v->ops->get(v, VCPU_CR4) & X86_CR4_PAE;
	unsigned int bits = wide ? 9 : 10, level = lma ? 4 : wide ? 3 : 2;
	uint64_t base = lma ? X86_PTE_ADDR : wide ? 0xffffffe0 : 0xfffff000;
	uint64_t table = v->ops->get(v, VCPU_CR3) & base;

	*gpa = lma ? lin : (uint32_t)lin;
	if (!(v->ops->get(v, VCPU_CR0) & X86_CR0_PG))
		return true;
	lin = *gpa;
	while (level--) {
		unsigned int shift = 12 + bits * level;
		uint64_t index = lin >> shift & (BIT64(bits) - 1), low = BIT64(shift) - 1;
		uint64_t e = entry(v->space, table + index * (wide ? 8 : 4), wide);

		if (!(e & X86_PTE_P))
			return false;
		table = e & X86_PTE_ADDR;
		/* Pages of 1 GiB are long mode's alone. */
		if (!level || ((e & X86_PTE_PS) && level < (lma ? 3 : 2))) {
			*gpa = (table & ~low) | (lin & low);
			return true;
		}
	}
	return false;
}
