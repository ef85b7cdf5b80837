/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Decodes the instructions that compilers make for device registers: MOV, MOVZX, MOVSX, STOS, TEST,
 * CMP, OR, AND, XOR with memory. The rest is refused, which ends the guest. SDM 2A chapter 2 and
 * appendix A. Every access that a guest makes to a device comes through here: few instructions.
 */
#include "base/errno.h"
#include "guest.h"

#define MAX 15u /* bytes of an instruction */

#define REX_W 8
#define REX_R 4

/* What an opcode has. */
enum {
	KNOWN = 1 << 0,
	WRITE = 1 << 1,
	SECOND = 1 << 2,
	SIGN = 1 << 3,
	MODRM = 1 << 4,
	IMM = 1 << 5,  /* of the operand's size, 4 at most */
	IMM8 = 1 << 6, /* sign-extended */
	GROUP = 1 << 7 /* ModRM.reg says more */
};

struct form {
	uint8_t op, has;
};

/* Memory and register, by bits 1 (direction) and 0 (size); CMP and TEST write neither. */
#define ALU(base, what)                                                                     \
	[base] = {what, KNOWN | MODRM | WRITE}, [base + 1] = {what, KNOWN | MODRM | WRITE}, \
	[base + 2] = {what, KNOWN | MODRM | SECOND}, [base + 3] = {what, KNOWN | MODRM | SECOND}

static const struct form one[256] = {
	ALU(0x08, INSN_OR),
	ALU(0x20, INSN_AND),
	ALU(0x30, INSN_XOR),
	[0x38] = {INSN_CMP, KNOWN | MODRM},
	[0x39] = {INSN_CMP, KNOWN | MODRM},
	[0x3a] = {INSN_CMP, KNOWN | MODRM | SECOND},
	[0x3b] = {INSN_CMP, KNOWN | MODRM | SECOND},
	[0x63] = {INSN_MOV, KNOWN | MODRM | SECOND | SIGN}, /* MOVSXD; ARPL outside of 64 bits */
	[0x80] = {INSN_CMP, KNOWN | MODRM | GROUP | IMM},
	[0x81] = {INSN_CMP, KNOWN | MODRM | GROUP | IMM},
	[0x83] = {INSN_CMP, KNOWN | MODRM | GROUP | IMM8},
	[0x84] = {INSN_TEST, KNOWN | MODRM},
	[0x85] = {INSN_TEST, KNOWN | MODRM},
	ALU(0x88, INSN_MOV),
	[0xa0] = {INSN_MOV, KNOWN | SECOND}, /* an address instead of ModRM */
	[0xa1] = {INSN_MOV, KNOWN | SECOND},
	[0xa2] = {INSN_MOV, KNOWN | WRITE},
	[0xa3] = {INSN_MOV, KNOWN | WRITE},
	[0xaa] = {INSN_STOS, KNOWN | WRITE},
	[0xab] = {INSN_STOS, KNOWN | WRITE},
	[0xc6] = {INSN_MOV, KNOWN | MODRM | GROUP | WRITE | IMM},
	[0xc7] = {INSN_MOV, KNOWN | MODRM | GROUP | WRITE | IMM},
	[0xf6] = {INSN_TEST, KNOWN | MODRM | GROUP | IMM},
	[0xf7] = {INSN_TEST, KNOWN | MODRM | GROUP | IMM},
};

/* Legacy prefixes; LOCK is none that a device can honour. */
struct prefix {
	bool op66, addr67, rep;
	uint8_t rex;
};

/* The opcode's first byte. The bytes end with zeros, which are no prefix. */
static const uint8_t *prefixes(const uint8_t *p, unsigned int bits, struct prefix *x)
{
	for (;; p++) {
		switch (*p) {
		case 0x66:
			x->op66 = true;
			continue;
		case 0x67:
			x->addr67 = true;
			continue;
		case 0xf2:
		case 0xf3:
			x->rep = true;
			continue;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
			continue;
		default:
			break;
		}
		break;
	}
	if (bits == 64 && (*p & 0xf0) == 0x40)
		x->rex = *p++;
	return p;
}

/* Behind ModRM, SIB and displacement. */
static const uint8_t *skip_modrm(const uint8_t *p, bool addr16)
{
	uint8_t m = *p++, mod = m >> 6, rm = m & 7;

	if (addr16)
		return p + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
	if (rm == 4)
		rm = *p++ & 7;
	return p + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

/* ModRM.reg as a part of the opcode; false: one that is not known. */
static bool group(uint8_t opcode, uint8_t reg, struct insn *in)
{
	static const uint8_t ops[8] = {0, INSN_OR, 0, 0, INSN_AND, 0, INSN_XOR, INSN_CMP};

	if (opcode >= 0xf6)
		return reg < 2;
	if (opcode >= 0xc6)
		return !reg;
	in->op = ops[reg];
	in->write = in->op != INSN_CMP;
	return in->op;
}

static const uint8_t *immediate(const uint8_t *p, unsigned int len, struct insn *in)
{
	unsigned int shift = 64 - 8 * len;
	uint64_t v = 0;

	for (unsigned int i = 0; i < len; i++)
		v |= (uint64_t)p[i] << 8 * i;
	in->imm = true;
	in->value = (uint64_t)((int64_t)(v << shift) >> shift);
	return p + len;
}

static void set_reg(struct insn *in, uint8_t reg, uint8_t rex)
{
	in->reg = (uint8_t)(reg | (rex & REX_R) << 1);
	if (in->reg_size == 1 && !rex && reg >= 4) {
		in->reg = (uint8_t)(reg - 4);
		in->high = true;
	}
}

/* The opcode, and what it says of operands. */
static const uint8_t *opcode(const uint8_t *p, unsigned int opsize, struct form *f, struct insn *in)
{
	bool wide = *p & 1;

	*f = one[*p];
	in->size = wide ? opsize : 1;
	in->reg_size = (uint8_t)in->size;
	if (*p == 0x63)
		in->size = 4;
	if (*p == 0x0f) { /* MOVZX b6 b7, MOVSX be bf */
		uint8_t second = *++p;
		bool known = (second & 0xf6) == 0xb6;

		f->has = known ? KNOWN | MODRM | SECOND | (second & 8 ? SIGN : 0) : 0;
		in->size = second & 1 ? 2 : 1;
		in->reg_size = (uint8_t)opsize;
	}
	in->op = f->op;
	in->write = f->has & WRITE;
	in->second = f->has & SECOND;
	in->sign = f->has & SIGN;
	return p + 1;
}

/* Up to MAX bytes at @p, as many zeros behind them; where the instruction ends, NULL: not known. */
static const uint8_t *parse(const uint8_t *p, unsigned int bits, struct insn *in)
{
	struct prefix x = {0};
	const uint8_t *first = prefixes(p, bits, &x);
	struct form f;

	p = opcode(first, x.rex & REX_W ? 8 : (bits == 16) != x.op66 ? 2 : 4, &f, in);
	in->rep = x.rep;
	if (!(f.has & KNOWN) || (x.rep && f.op != INSN_STOS) || (*first == 0x63 && bits != 64))
		return NULL;
	if (f.has & MODRM) {
		uint8_t reg = *p >> 3 & 7;

		if (*p >= 0xc0 || ((f.has & GROUP) && !group(*first, reg, in)))
			return NULL;
		set_reg(in, reg, x.rex);
		p = skip_modrm(p, bits != 64 && (bits == 16) != x.addr67);
	} else if (f.op == INSN_STOS && (bits != 64 || x.addr67)) {
		return NULL; /* by EDI or DI */
	} else if (f.op == INSN_MOV) {
		p += x.addr67 ? (bits == 32 ? 2 : 4) : bits / 8;
	}
	if (f.has & IMM)
		p = immediate(p, in->size < 4 ? in->size : 4, in);
	else if (f.has & IMM8)
		p = immediate(p, 1, in);
	return p;
}

int decode(const uint8_t *bytes, size_t n, unsigned int bits, struct insn *in)
{
	/* The longest that parse() can make of 15 prefixes or fewer. */
	uint8_t copy[2 * MAX + 2] = {0};
	const uint8_t *end;

	if (n >= MAX) {
		n = MAX;
		__builtin_memcpy(copy, bytes, MAX);
	} else {
		for (size_t i = 0; i < n; i++)
			copy[i] = bytes[i];
	}
	*in = (struct insn){.op = INSN_MOV};
	end = parse(copy, bits, in);
	if (!end || (size_t)(end - copy) > n)
		return -EINVAL;
	in->len = (unsigned int)(end - copy);
	return 0;
}
