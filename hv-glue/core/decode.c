/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Decodes the instructions that compilers make for device registers: MOV, MOVZX, MOVSX, STOS, TEST,
 * CMP, OR, AND, XOR with memory. The rest is refused, which ends the guest. SDM 2A chapter 2 and
 * appendix A. Every access that a guest makes to a device comes through here: few instructions.
 */
#include "base/errno.h"
#include "guest.h"

#define MAX   15u /* bytes of an instruction */
#define READS 32u /* at most so many are looked at: MAX prefixes, then 2 + 2 + 4 + 8 */

#define REX_W 8
#define REX_R 4

/* What an opcode has, beside the flags of struct insn. */
enum { MODRM = 1, IMM = 2 /* of the operand's size, 4 at most */, IMM8 = 4, GROUP = 8, KNOWN = 16 };

struct form {
	uint8_t op, has, flags;
};

/* Two sizes each. */
#define PAIR(code, what, has, flags) \
	[code] = {what, KNOWN | (has), flags}, [(code) + 1] = {what, KNOWN | (has), flags}

static const struct form one[256] = {
	PAIR(0x08, INSN_OR, MODRM, INSN_WRITE),
	PAIR(0x0a, INSN_OR, MODRM, INSN_SECOND),
	PAIR(0x20, INSN_AND, MODRM, INSN_WRITE),
	PAIR(0x22, INSN_AND, MODRM, INSN_SECOND),
	PAIR(0x30, INSN_XOR, MODRM, INSN_WRITE),
	PAIR(0x32, INSN_XOR, MODRM, INSN_SECOND),
	PAIR(0x38, INSN_CMP, MODRM, 0),
	PAIR(0x3a, INSN_CMP, MODRM, INSN_SECOND),
	PAIR(0x80, INSN_CMP, MODRM | GROUP | IMM, INSN_IMM),
	[0x83] = {INSN_CMP, KNOWN | MODRM | GROUP | IMM8, INSN_IMM},
	PAIR(0x84, INSN_TEST, MODRM, 0),
	PAIR(0x88, INSN_MOV, MODRM, INSN_WRITE),
	PAIR(0x8a, INSN_MOV, MODRM, INSN_SECOND),
	PAIR(0xa0, INSN_MOV, 0, INSN_SECOND), /* an address instead of ModRM */
	PAIR(0xa2, INSN_MOV, 0, INSN_WRITE),
	PAIR(0xaa, INSN_STOS, 0, INSN_WRITE),
	PAIR(0xc6, INSN_MOV, MODRM | GROUP | IMM, INSN_IMM | INSN_WRITE),
	PAIR(0xf6, INSN_TEST, MODRM | GROUP | IMM, INSN_IMM),
};

/* Behind 0f: MOVZX b6 b7, MOVSX be bf. 63: MOVSXD, ARPL outside of 64 bits. */
static const struct form move_zero = {INSN_MOV, KNOWN | MODRM, INSN_SECOND};
static const struct form move_sign = {INSN_MOV, KNOWN | MODRM, INSN_SECOND | INSN_SIGN};

/* Where the bytes are read, and what the prefixes said. */
struct at {
	const uint8_t *p;
	unsigned int bits, opsize;
	bool op66, addr67, rep;
	uint8_t rex;
};

/* Legacy prefixes and REX. LOCK is none that a device can honour. */
static void prefixes(struct at *a)
{
	for (unsigned int i = 0; i < MAX; i++, a->p++) {
		switch (*a->p) {
		case 0x66:
			a->op66 = true;
			continue;
		case 0x67:
			a->addr67 = true;
			continue;
		case 0xf2:
		case 0xf3:
			a->rep = true;
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
	if (a->bits == 64 && (*a->p & 0xf0) == 0x40)
		a->rex = *a->p++;
	a->opsize = a->rex & REX_W ? 8 : (a->bits == 16) != a->op66 ? 2 : 4;
}

/* An opcode that one[] does not have as the first byte; its form, and the sizes. */
static struct form others(struct at *a, struct insn *in)
{
	uint8_t code;

	prefixes(a);
	code = *a->p++;
	in->size = in->reg_size = (uint8_t)(code & 1 ? a->opsize : 1);
	if (code == 0x63 && a->bits == 64) {
		in->size = 4;
		return move_sign;
	}
	if (code != 0x0f)
		return one[code];
	code = *a->p++;
	in->size = code & 1 ? 2 : 1;
	in->reg_size = (uint8_t)a->opsize;
	if ((code & 0xf6) != 0xb6)
		return (struct form){0};
	return code & 8 ? move_sign : move_zero;
}

/* ModRM.reg as a part of the opcode; false: one that is not known. */
static bool group(uint8_t code, uint8_t reg, struct insn *in)
{
	static const uint8_t ops[8] = {
		[1] = INSN_OR, [4] = INSN_AND, [6] = INSN_XOR, [7] = INSN_CMP};

	if (code >= 0xf6)
		return reg < 2;
	if (code >= 0xc6)
		return !reg;
	in->op = ops[reg];
	in->flags |= in->op != INSN_CMP ? INSN_WRITE : 0;
	return in->op;
}

/* Behind ModRM, SIB and displacement. */
static inline const uint8_t *skip_modrm(const uint8_t *p, uint8_t m, bool addr16)
{
	uint8_t mod = m >> 6, rm = m & 7;

	p++;
	if (addr16)
		return p + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
	if (rm == 4)
		rm = *p++ & 7;
	return p + (mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0);
}

/* True: a memory operand, and a group's member that is known. */
static bool operands(struct at *a, uint8_t code, const struct form *f, struct insn *in)
{
	uint8_t m = *a->p, reg = m >> 3 & 7;

	if (m >= 0xc0 || ((f->has & GROUP) && !group(code, reg, in)))
		return false;
	in->reg = (uint8_t)(reg | (a->rex & REX_R) << 1);
	if (in->reg_size == 1 && !a->rex && reg >= 4) {
		in->reg = (uint8_t)(reg - 4);
		in->flags |= INSN_HIGH;
	}
	a->p = skip_modrm(a->p, m, a->bits != 64 && (a->bits == 16) != a->addr67);
	return true;
}

static void immediate(struct at *a, unsigned int len, struct insn *in)
{
	unsigned int shift = 64 - 8 * len;
	uint64_t v = 0;

	for (unsigned int i = 0; i < len; i++)
		v |= (uint64_t)*a->p++ << 8 * i;
	in->value = (uint64_t)((int64_t)(v << shift) >> shift);
}

/* READS bytes at @a; false: not known. */
static bool parse(struct at *a, struct insn *in)
{
	uint8_t code = *a->p;
	struct form f = one[code];

	if (likely(f.has)) {
		a->p++;
		in->size = in->reg_size = (uint8_t)(code & 1 ? a->opsize : 1);
	} else {
		f = others(a, in);
		code = a->p[-1];
	}
	in->op = f.op;
	in->flags = f.flags;
	if (f.has & MODRM) {
		if (a->rep || !operands(a, code, &f, in))
			return false;
	} else if (!f.has || (a->rep && f.op != INSN_STOS)) {
		return false;
	} else if (f.op == INSN_MOV) {
		a->p += a->addr67 ? (a->bits == 32 ? 2 : 4) : a->bits / 8;
	} else if (a->bits != 64 || a->addr67) {
		return false; /* STOS by EDI or DI */
	}
	in->flags |= a->rep ? INSN_REP : 0;
	if (f.has & IMM)
		immediate(a, in->size < 4 ? in->size : 4, in);
	else if (f.has & IMM8)
		immediate(a, 1, in);
	return true;
}

/* Bytes behind ModRM in 64-bit code, by mod and rm; a SIB byte with base 5 may bring four more. */
static const uint8_t behind[32] = {0, 0, 0, 0, 1, 4, 0, 0, 1, 1, 1, 1,
				   2, 1, 1, 1, 4, 4, 4, 4, 5, 4, 4, 4};

/* Nearly all there are: MOV between memory and a register, by 64-bit code. */
static inline bool common(const uint8_t *p, struct insn *in)
{
	unsigned int word = *p == 0x66, rex, m, n;

	rex = (p[word] & 0xf0) == 0x40 ? p[word] : 0;
	n = word + (rex != 0);
	m = p[n + 1];
	if ((p[n] & 0xfd) != 0x89 || m >= 0xc0)
		return false;
	in->op = INSN_MOV;
	in->flags = p[n] & 2 ? INSN_SECOND : INSN_WRITE;
	in->size = in->reg_size = (uint8_t)(rex & REX_W ? 8 : 4 >> word);
	in->reg = (uint8_t)((m >> 3 & 7) | (rex & REX_R) << 1);
	in->value = 0;
	if (unlikely((m & 0xc7) == 4 && (p[n + 2] & 7) == 5))
		n += 4;
	in->len = (uint8_t)(n + 2 + behind[(m >> 3 & 0x18) | (m & 7)]);
	return true;
}

static NOINLINE int any(const uint8_t *bytes, size_t n, unsigned int bits, struct insn *in)
{
	struct at a = {.p = bytes, .bits = bits, .opsize = bits == 16 ? 2 : 4};
	uint8_t copy[READS];
	size_t len;

	*in = (struct insn){0};
	if (n < READS) {
		for (size_t i = 0; i < READS; i++)
			copy[i] = i < n ? bytes[i] : 0;
		a.p = bytes = copy;
	}
	if (!parse(&a, in))
		return -EINVAL;
	len = (size_t)(a.p - bytes);
	if (len > n || len > MAX)
		return -EINVAL;
	in->len = (uint8_t)len;
	return 0;
}

int decode(const uint8_t *bytes, size_t n, unsigned int bits, struct insn *in)
{
	if (likely(bits == 64 && n >= READS && common(bytes, in)))
		return 0;
	return any(bytes, n, bits, in);
}
