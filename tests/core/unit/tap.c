/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* TAP on COM1, exceptions of the host as results, and the end of the machine. */
#include "unit.h"

#define COM1	  0x3f8
#define EXIT_PORT 0xf4

extern const uint8_t unit_stubs[];

unsigned int unit_irqs;
int unit_irq_last = -1;
volatile bool unit_fault_expected;
volatile uint64_t unit_fault_rip;
volatile int unit_fault_vector;

static unsigned int count, bad;
static uint64_t idt[512] __attribute__((aligned(16)));

void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);

/* The compiler may call these two. */
void *memset(void *d, int c, size_t n)
{
	uint8_t *p = d;

	while (n--)
		*p++ = (uint8_t)c;
	return d;
}

void *memcpy(void *d, const void *s, size_t n)
{
	uint8_t *p = d;
	const uint8_t *q = s;

	while (n--)
		*p++ = *q++;
	return d;
}

void unit_puts(const char *s)
{
	for (; *s; s++) {
		while (!(cpu_inb(COM1 + 5) & 0x20))
			cpu_pause();
		cpu_outb(COM1, (uint8_t)*s);
	}
}

void unit_hex(uint64_t v)
{
	char text[17];
	size_t i = sizeof(text) - 1;

	text[i] = 0;
	do {
		text[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	unit_puts(text + i);
}

static void decimal(unsigned int v)
{
	char text[12];
	size_t i = sizeof(text) - 1;

	text[i] = 0;
	do
		text[--i] = (char)('0' + v % 10);
	while (v /= 10);
	unit_puts(text + i);
}

void unit_note(const char *text, uint64_t v)
{
	unit_puts("# ");
	unit_puts(text);
	unit_puts(" 0x");
	unit_hex(v);
	unit_puts("\n");
}

void unit_ok(bool ok, const char *what)
{
	bad += !ok;
	unit_puts(ok ? "ok " : "not ok ");
	decimal(++count);
	unit_puts(" - ");
	unit_puts(what);
	unit_puts("\n");
}

void unit_eq(uint64_t got, uint64_t want, const char *what)
{
	unit_ok(got == want, what);
	if (got == want)
		return;
	unit_note("got", got);
	unit_note("want", want);
}

bool unit_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

void unit_text(const char *got, const char *want, const char *what)
{
	bool same = got && unit_same(got, want);

	unit_ok(same, what);
	if (same)
		return;
	unit_puts("# got: ");
	unit_puts(got ? got : "nothing");
	unit_puts("\n");
}

_Noreturn void unit_end(void)
{
	unit_puts("1..");
	decimal(count);
	unit_puts("\n");
	cpu_outb(EXIT_PORT, bad || !count);
	for (;;) {
		cpu_cli();
		cpu_hlt();
	}
}

struct frame {
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};
void unit_trap(struct frame *f);
void unit_main(void);

void unit_trap(struct frame *f)
{
	if (unit_fault_expected && f->vector < 32) {
		unit_fault_expected = false;
		unit_fault_vector = (int)f->vector;
		f->rip = unit_fault_rip;
		return;
	}
	if (f->vector >= 32 || f->vector == X86_VEC_NMI) {
		unit_irqs++;
		unit_irq_last = (int)f->vector;
		*(volatile uint32_t *)(UNIT_APIC + 0xb0ul) = 0;
		return;
	}
	unit_note("exception", f->vector);
	unit_note("error code", f->error);
	unit_note("rip", f->rip);
	unit_note("cr2", cpu_cr2());
	unit_ok(false, "no exception in the host");
	unit_end();
}

void unit_main(void)
{
	struct cpu_table t = {sizeof(idt) - 1, (uintptr_t)idt};

	for (size_t i = 0; i < 256; i++) {
		uint64_t a = (uintptr_t)unit_stubs + 16 * i;

		idt[2 * i] = (a & 0xffff) | UINT64_C(8) << 16 | UINT64_C(0x8e00) << 32 |
			     (a >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = a >> 32;
	}
	__asm__ volatile("lidt %0" : : "m"(t));
	cpu_outb(0x21, 0xff); /* both 8259: nothing */
	cpu_outb(0xa1, 0xff);
	*(volatile uint32_t *)(UNIT_APIC + 0xf0ul) = 0x1ff; /* local APIC on */
	unit_test();
	unit_end();
}
