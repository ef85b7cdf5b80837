/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Guests that run whatever bytes there are, with registers and tables as they come: the host goes
 * on. */
#include "hw/x86.h"
#include "svm.h"
#include "unit.h"

void *memset(void *to, int val, size_t len);

#define GUESTS 40
#define EXITS  500
#define TICKS  20000 /* for a guest that spins */

static uint64_t seed = 88172645463325252u;

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Instructions that exit, change modes, fault or move through tables, in any order. Not all bytes
 * that there are: some of them end QEMU's translator itself. Nor MOV to DR7: a data breakpoint that
 * is hit while QEMU delivers an exception ends it, since it takes its big lock twice. */
static void fill(struct vm *m, uint32_t at)
{
	static const char *const menu[] = {
		"\x0f\xa2",	"\xf3\x0f\xa2", "\xf4",		"\xfb",		"\xfa",
		"\x0f\x32",	"\x0f\x30",	"\x0f\x01\xd1", "\x0f\x01\xd9", "\x0f\x01\xd8",
		"\x0f\x01\xda", "\x0f\x01\xdb", "\x0f\x01\xdc", "\x0f\x01\xdd", "\x0f\x01\xdf",
		"\x0f\x22\xc0", "\x0f\x22\xc3", "\x0f\x22\xd8", "\x0f\x22\xe0", "\x0f\x22\xe1",
		"\x0f\x20\xc0", "\x0f\x20\xe1", "\x0f\x23\xc1", "\x0f\x21\xff", "\xe4\x70",
		"\xe6\x80",	"\xee",		"\xed",		"\x6e",		"\xf3\x6c",
		"\xcd\x80",	"\xcc",		"\x9c",		"\x9d",		"\xcf",
		"\xc3",		"\x8b\x01",	"\x89\x03",	"\x0f\x08",	"\x0f\x09",
		"\x0f\x33",	"\x0f\x06",	"\x0f\x34",	"\x0f\x05",	"\x8e\xd8",
		"\x50",		"\x58",		"\x0f\x01\x1b", "\x0f\x01\x13",
	};
	unsigned int i = 0;

	while (i < 4090) {
		const char *op = menu[next() % ARRAY_SIZE(menu)];

		while (*op)
			m->ram[at + i++] = (uint8_t)*op++;
	}
}

/* Anywhere in its code, with registers as they come. */
static void begin(struct vm *m, bool real)
{
	svm_ops.start(m->v, &(struct vcpu_start){.real = real,
						 .vector = VM_REAL >> 12,
						 .rip = VM_REAL,
						 .cr3 = VM_TABLES,
						 .gdt = 0x6000,
						 .gdt_limit = 0x2f});
	for (unsigned int i = 0; i < 16; i++)
		m->v->gpr[i] = next() & (next() & 1 ? UINT64_MAX : 0x3fffff);
	m->v->gpr[VCPU_RSP] = VM_STACK;
	m->v->rip += next() & 0xfff;
	m->v->state_dirty = true;
	if (!real && next() & 1 &&
	    svm_ops.set(m->v, VCPU_SS_ATTR, 0xc0f3)) /* a user's stack: level 3 */
		bail("a level can be set");
	unit_timer(TICKS);
}

/* As a core does, more or less; false: this guest is at its end. */
static bool answer(struct vm *m)
{
	switch (m->e.kind) {
	case VCPU_EXIT_UNDEFINED:
		svm_ops.inject(m->v, X86_VEC_UD, -1);
		return true;
	case VCPU_EXIT_GP:
		svm_ops.inject(m->v, X86_VEC_GP, 0);
		return true;
	case VCPU_EXIT_EXCEPTION:
		svm_ops.inject(m->v, m->e.vector, 0);
		return true;
	case VCPU_EXIT_CR:
		if (svm_ops.set(m->v, VCPU_CR4, m->v->gpr[m->e.cr.gpr]))
			svm_ops.inject(m->v, X86_VEC_GP, 0);
		else
			vm_skip(m);
		return true;
	case VCPU_EXIT_MEM:
		m->e.insn_len = (unsigned int)(next() & 7);
		vm_skip(m);
		return next() & 7;
	case VCPU_EXIT_IRQ:
		__asm__ volatile("sti; nop; nop; cli" : : : "memory");
		return false;
	case VCPU_EXIT_TRIPLE:
	case VCPU_EXIT_ENTRY:
		return false;
	case VCPU_EXIT_UNKNOWN:
		bail("no exit that nobody asks for");
	default:
		if (next() & 1)
			svm_ops.inject_nmi(m->v);
		vm_skip(m);
		return true;
	}
}

void test_random(void)
{
	uint64_t kinds = 0;
	struct vm m;

	for (unsigned int i = 0; i < GUESTS; i++) {
		vm_new(&m, CODE(g_start));
		/* HLT wherever it may get lost to: its vectors too are f4f4:f4f4. */
		memset(m.ram, 0xf4, VM_TABLES);
		memset(m.ram + 0x100000, 0xf4, 0x100000);
		fill(&m, VM_REAL);
		begin(&m, i & 1);
		for (unsigned int n = 0; n < EXITS; n++) {
			m.v->ops->run(m.v, &m.e);
			kinds |= BIT64(m.e.kind);
			if (!answer(&m))
				begin(&m, next() & 1);
		}
		vm_free(&m);
	}
	note("kinds of exits, a bit each", kinds);
	ok(true, "the host outlives guests of random bytes");
}
