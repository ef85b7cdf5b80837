/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* AMD-V unit image: TAP, host traps, pages; the tests one after the other. Runs on QEMU alone. */
#include "unit.h"

#include "base/errno.h"
#include "glue/cpu.h"
#include "hw/x86.h"
#include "svm.h"

#define COM1	  0x3f8
#define EXIT_PORT 0xf4
#define APIC	  0xfee00000u
#define VEC_TIMER 0x40

extern uint8_t image_end[], trap_stubs[];
void unit_main(void);
void unit_trap(uint64_t vector, uint64_t error, uint64_t rip);

static unsigned int tests, failed;
static uint64_t idt[512] __attribute__((aligned(16)));
static uint8_t region[VCPU_PAGE] __attribute__((aligned(VCPU_PAGE)));
static uint8_t *bump;
static void *free_list;
size_t unit_pages;
volatile uint64_t unit_irqs[256];
struct vcpu_host unit_host = {.region = region};

static void put(const char *s)
{
	for (; *s; s++) {
		while (!(cpu_inb(COM1 + 5) & 0x20))
			;
		cpu_outb(COM1, (uint8_t)*s);
	}
}

static void put_number(uint64_t n, unsigned int base)
{
	char text[24], *p = text + sizeof(text) - 1;

	*p = 0;
	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	put(base == 16 ? "0x" : "");
	put(p);
}

void note(const char *text, uint64_t val)
{
	put("# ");
	put(text);
	put(" ");
	put_number(val, 16);
	put("\n");
}

void ok(bool cond, const char *what)
{
	failed += !cond;
	put(cond ? "ok " : "not ok ");
	put_number(++tests, 10);
	put(" - ");
	put(what);
	put("\n");
}

void is(uint64_t got, uint64_t want, const char *what)
{
	if (got != want) {
		note("got", got);
		note("want", want);
	}
	ok(got == want, what);
}

static _Noreturn void end(void)
{
	put("1..");
	put_number(tests, 10);
	put("\n");
	cpu_outb(EXIT_PORT, failed ? 1 : 0);
	for (;;)
		cpu_hlt();
}

_Noreturn void bail(const char *why)
{
	ok(false, why);
	end();
}

void unit_trap(uint64_t vector, uint64_t error, uint64_t rip)
{
	unit_irqs[vector]++;
	if (vector < 32) {
		note("host exception", vector);
		note("error code", error);
		note("RIP", rip);
		bail("no exception in the host");
	}
	*(volatile uint32_t *)(uintptr_t)(APIC + 0xb0) = 0;
}

void unit_timer(uint32_t ticks)
{
	volatile uint32_t *apic = (volatile uint32_t *)(uintptr_t)APIC;

	apic[0xf0 / 4] = 0x1ff;
	apic[0x3e0 / 4] = 0xb;
	apic[0x320 / 4] = VEC_TIMER;
	apic[0x380 / 4] = ticks;
}

static void *page_alloc(void *ctx)
{
	void **p = free_list;

	(void)ctx;
	if (p) {
		free_list = *p;
	} else {
		p = (void *)bump;
		bump += VCPU_PAGE;
	}
	for (size_t i = 0; i < VCPU_PAGE / sizeof(*p); i++)
		p[i] = NULL;
	unit_pages++;
	return p;
}

static void page_free(void *ctx, void *page)
{
	(void)ctx;
	*(void **)page = free_list;
	free_list = page;
	unit_pages--;
}

const struct vcpu_mem unit_mem = {page_alloc, page_free, NULL};

static void traps_on(void)
{
	struct cpu_table t = {sizeof(idt) - 1, (uintptr_t)idt};

	for (unsigned int i = 0; i < 256; i++) {
		uint64_t at = (uintptr_t)trap_stubs + 16 * i;

		idt[2 * i] = (at & 0xffff) | 8 << 16 | UINT64_C(0x8e00) << 32 |
			     (at >> 16 & 0xffff) << 48;
		idt[2 * i + 1] = at >> 32;
	}
	__asm__ volatile("lidt %0" : : "m"(t));
	cpu_outb(0x21, 0xff);
	cpu_outb(0xa1, 0xff);
}

static void test_on(void)
{
	ok(svm_ops.present(), "AMD-V is present");
	if (svm_ops.cpu_on(&unit_host))
		bail(unit_host.why);
	ok(!unit_host.why, "cpu_on has nothing to complain of");
	ok(unit_host.caps & VCPU_CAP_2M, "2 MiB pages");
	ok(!(unit_host.caps & (VCPU_CAP_TIMER | VCPU_CAP_VID)), "no timer, no virtual delivery");
}

void unit_main(void)
{
	bump = (uint8_t *)(((uintptr_t)image_end + 0x1fffff) & ~UINT64_C(0x1fffff)) + 0x1000000;
	traps_on();
	test_on();
	test_starts();
	test_exits();
	test_refused();
	test_npt();
	test_events();
	test_switch();
	test_random();
	is(unit_pages, 0, "every page was given back");
	svm_ops.cpu_off(&unit_host);
	ok(!(cpu_rdmsr(X86_MSR_EFER) & X86_EFER_SVME), "cpu_off leaves AMD-V off");
	end();
}
