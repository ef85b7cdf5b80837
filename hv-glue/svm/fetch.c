/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The instruction that exited, read through the guest's own page tables: for CPUs without NRIP save
 * or decode assists (QEMU's), which tell neither its length nor its operand. A guest that changes
 * its code or tables meanwhile deceives itself alone: whatever is read, it is its own memory.
 */
#include "svm_priv.h"

#define INSN_MAX 15u
#define REX_B	 1
#define REX_R	 4
#define LOCK	 16 /* beside REX's bits */

/* Guest memory at @gpa to the end of its page, NULL: none, or a device's. */
static const uint8_t *guest_mem(const struct svm_vcpu *s, uint64_t gpa)
{
	enum vcpu_memtype type;
	uint32_t perm;
	uint64_t hpa = vcpu_walk(s->v.space, gpa, &perm, &type);

	return perm && type == VCPU_WB ? (const uint8_t *)(uintptr_t)hpa : NULL;
}

/* Linear to guest-physical; the CPU has just done the same, so permissions are not asked. */
static bool translate(const struct svm_vcpu *s, uint64_t lin, uint64_t *gpa)
{
	const struct svm_vmcb *b = s->vmcb;
	bool lma = b->efer & X86_EFER_LMA, wide = b->cr4 & X86_CR4_PAE;
	unsigned int bits = wide ? 9 : 10, level = lma ? 4 : wide ? 3 : 2;
	uint64_t table = lma ? b->cr3 & X86_PTE_ADDR : b->cr3 & (wide ? 0xffffffe0 : 0xfffff000);

	*gpa = lin;
	if (!(b->cr0 & X86_CR0_PG))
		return true;
	while (level--) {
		unsigned int shift = 12 + bits * level;
		uint64_t entry, mask = BIT64(shift) - 1;
		const uint8_t *p =
			guest_mem(s, table + (lin >> shift & (BIT64(bits) - 1)) * (wide ? 8 : 4));

		if (!p)
			return false;
		entry = wide ? *(const volatile uint64_t *)(const void *)p
			     : *(const volatile uint32_t *)(const void *)p;
		if (!(entry & X86_PTE_P))
			return false;
		table = entry & X86_PTE_ADDR;
		if (!level || (level < 3 && (entry & X86_PTE_PS))) {
			*gpa = (table & ~mask) | (lin & mask);
			return true;
		}
	}
	return false;
}

/* The bytes at RIP, one after the other. */
struct code {
	struct svm_vcpu *s;
	const uint8_t *p;
	unsigned int n;
	uint8_t rex;
};

/* The next byte; -1: there is none, or it is one too many for an instruction. */
static int next(struct code *c)
{
	const struct svm_vmcb *b = c->s->vmcb;
	uint64_t lin = b->cs.base + c->s->v.rip + c->n, gpa;

	if (!(b->efer & X86_EFER_LMA))
		lin = (uint32_t)lin;
	if (!c->n || !(lin & (VCPU_PAGE - 1)))
		c->p = translate(c->s, lin, &gpa) ? guest_mem(c->s, gpa) : NULL;
	if (!c->p || c->n == INSN_MAX)
		return -1;
	c->n++;
	return *(const volatile uint8_t *)c->p++;
}

/* Legacy prefixes (APM 3, 1.2.1), and REX in 64-bit mode: the byte behind them, n bytes were taken.
 */
static int opcode(struct code *c)
{
	for (;;) {
		int byte = next(c);

		switch (byte) {
		case 0xf0: /* AMD: LOCK MOV CR0 is CR8 */
			c->rex |= LOCK;
			continue;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64 ... 0x67:
		case 0xf2:
		case 0xf3:
			continue;
		default:
			if ((byte & ~15) != 0x40 || !svm_code64(c->s))
				return byte;
			c->rex |= byte & 15;
			return next(c);
		}
	}
}

unsigned int svm_insn_len(struct svm_vcpu *s, unsigned int op)
{
	struct code c = {.s = s};

	return opcode(&c) < 0 || c.n + op - 1 > INSN_MAX ? op : c.n + op - 1;
}

int svm_mov_cr(struct svm_vcpu *s, uint8_t *gpr)
{
	struct code c = {.s = s};
	int modrm;

	if (opcode(&c) != 0x0f || next(&c) != 0x22)
		return -1;
	modrm = next(&c);
	if (modrm < 0)
		return -1;
	*gpr = (uint8_t)((modrm & 7) | (c.rex & REX_B) << 3);
	return (modrm >> 3 & 7) | (c.rex & REX_R) << 1 | (c.rex & LOCK ? 8 : 0);
}
