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
	uint64_t lin = c->s->vmcb->cs.base + c->s->v.rip + c->n, gpa;

	if (!c->n || !(lin & (VCPU_PAGE - 1)))
		c->p = vcpu_linear(&c->s->v, lin, &gpa) ? vcpu_memory(c->s->v.space, gpa) : NULL;
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
