/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Decodes the instructions that compilers make for device registers: MOV, MOVZX, MOVSX, STOS, TEST,
 * CMP, OR, AND, XOR with memory. The rest is refused, which ends the guest. SDM 2A chapter 2.
 */
#include "base/errno.h"
#include "guest.h"

/* The bytes that there are; reading behind them sets bad. */
struct cursor {
	const uint8_t *p;
	size_t n, at;
	unsigned int bits, opsize, addr; /* addr: 16, 32 or 64 */
	uint8_t rex;
	bool rep, bad;
};

#define REX_W 8
#define REX_R 4

static uint8_t next(struct cursor *s)
{
	if (s->at >= s->n) {
		s->bad = true;
		return 0;
	}
	return s->p[s->at++];
}

/* @len bytes, sign-extended. */
static uint64_t immediate(struct cursor *s, unsigned int len)
{
	uint64_t v = 0;
	unsigned int shift = 64 - 8 * len;

	for (unsigned int i = 0; i < len; i++)
		v |= (uint64_t)next(s) << 8 * i;
	return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* Legacy prefixes and REX; the opcode's first byte. LOCK is no prefix that we know. */
static uint8_t prefixes(struct cursor *s)
{
	bool op66 = false, addr67 = false;
	uint8_t b;

	for (;;) {
		b = next(s);
		if (b == 0x66)
			op66 = true;
		else if (b == 0x67)
			addr67 = true;
		else if (b == 0xf2 || b == 0xf3)
			s->rep = true;
		else if (b != 0x26 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x64 && b != 0x65)
			break;
		if (s->bad)
			return 0;
	}
	if (s->bits == 64 && (b & 0xf0) == 0x40) {
		s->rex = b;
		b = next(s);
	}
	s->opsize = (s->bits == 16) != op66 ? 2 : 4;
	if (s->rex & REX_W)
		s->opsize = 8;
	s->addr = s->bits;
	if (addr67)
		s->addr = s->bits == 32 ? 16 : 32;
	return b;
}

/* ModRM, SIB and displacement; the reg field. Memory operands alone. */
static uint8_t modrm(struct cursor *s)
{
	uint8_t m = next(s), mod = m >> 6, rm = m & 7;
	unsigned int disp = mod == 1 ? 1 : 0;

	if (mod == 3)
		s->bad = true;
	if (s->addr == 16) {
		if (mod == 2 || (mod == 0 && rm == 6))
			disp = 2;
	} else {
		uint8_t base = rm == 4 ? next(s) & 7 : rm;

		if (mod == 2 || (mod == 0 && base == 5))
			disp = 4;
	}
	while (disp--)
		next(s);
	return m >> 3 & 7;
}

static void set_reg(const struct cursor *s, struct insn *in, uint8_t reg)
{
	in->reg = (uint8_t)(reg | (s->rex & REX_R ? 8 : 0));
	if (in->reg_size == 1 && !s->rex && reg >= 4) {
		in->reg = (uint8_t)(reg - 4);
		in->high = true;
	}
}

static void with_imm(struct cursor *s, struct insn *in, bool byte)
{
	in->imm = true;
	in->value = immediate(s, byte ? 1 : in->size < 4 ? in->size : 4);
}

/* 80, 81, 83: an immediate and memory. */
static void group1(struct cursor *s, struct insn *in, uint8_t op)
{
	static const int8_t ops[8] = {-1, INSN_OR, -1, -1, INSN_AND, -1, INSN_XOR, INSN_CMP};
	int8_t o = ops[modrm(s)];

	s->bad |= o < 0;
	in->op = o < 0 ? INSN_CMP : (enum insn_op)o;
	in->write = in->op != INSN_CMP;
	with_imm(s, in, op == 0x83);
}

/* 00..3b: the low three bits say which operand is memory, and of what size. */
static bool alu(struct cursor *s, struct insn *in, uint8_t op)
{
	switch (op & 0xfc) {
	case 0x08:
		in->op = INSN_OR;
		break;
	case 0x20:
		in->op = INSN_AND;
		break;
	case 0x30:
		in->op = INSN_XOR;
		break;
	case 0x38:
		in->op = INSN_CMP;
		break;
	default:
		return false;
	}
	in->second = op & 2;
	in->write = !in->second && in->op != INSN_CMP;
	set_reg(s, in, modrm(s));
	return true;
}

static bool two_bytes(struct cursor *s, struct insn *in)
{
	uint8_t op = next(s);

	if ((op & 0xf6) != 0xb6)
		return false;
	in->size = op & 1 ? 2 : 1;
	in->reg_size = (uint8_t)s->opsize;
	in->second = true;
	in->sign = op & 8;
	set_reg(s, in, modrm(s));
	return true;
}

static bool moves(struct cursor *s, struct insn *in, uint8_t op)
{
	switch (op) {
	case 0x88:
	case 0x89:
	case 0x8a:
	case 0x8b:
		in->second = op & 2;
		in->write = !in->second;
		set_reg(s, in, modrm(s));
		return true;
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3:
		in->second = !(op & 2);
		in->write = !in->second;
		immediate(s, s->addr / 8);
		return true;
	case 0xaa:
	case 0xab:
		in->op = INSN_STOS;
		in->write = true;
		in->rep = s->rep;
		s->bad |= s->addr != 64;
		return true;
	case 0xc6:
	case 0xc7:
		in->write = true;
		s->bad |= modrm(s) != 0;
		with_imm(s, in, false);
		return true;
	default:
		return false;
	}
}

static bool others(struct cursor *s, struct insn *in, uint8_t op)
{
	switch (op) {
	case 0x0f:
		return two_bytes(s, in);
	case 0x63: /* MOVSXD; ARPL where it is not */
		in->size = 4;
		in->second = in->sign = true;
		set_reg(s, in, modrm(s));
		return s->bits == 64;
	case 0x80:
	case 0x81:
	case 0x83:
		group1(s, in, op);
		return true;
	case 0x84:
	case 0x85:
		in->op = INSN_TEST;
		set_reg(s, in, modrm(s));
		return true;
	case 0xf6:
	case 0xf7:
		in->op = INSN_TEST;
		s->bad |= modrm(s) > 1;
		with_imm(s, in, false);
		return true;
	default:
		return false;
	}
}

int decode(const uint8_t *bytes, size_t n, unsigned int bits, struct insn *in)
{
	struct cursor s = {.p = bytes, .n = n < 15 ? n : 15, .bits = bits};
	uint8_t op = prefixes(&s);

	*in = (struct insn){.op = INSN_MOV};
	in->size = op & 1 ? s.opsize : 1;
	in->reg_size = (uint8_t)in->size;
	if (op == 0x63)
		in->reg_size = (uint8_t)s.opsize;
	if (s.bad || (!moves(&s, in, op) && !others(&s, in, op) && !alu(&s, in, op)))
		return -EINVAL;
	if (s.bad || (s.rep && in->op != INSN_STOS))
		return -EINVAL;
	in->len = (unsigned int)s.at;
	return 0;
}
