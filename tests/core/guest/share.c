/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Guests that show how CPUs are shared, and what a guest finds on a CPU where another was. */
#include "guest.h"

#define TICK	0x71
#define PATTERN UINT64_C(0x00005a5a5a5a5a5a) /* canonical: bases take it */
#define LINEAR	(UINT64_C(1) << 39)	     /* where the first tables have nothing */
#define TABLES	UINT64_C(0x9000)
#define PRESENT UINT64_C(3)

/* Never gives way by itself; beats each 10 ms with what it has counted. */
void role_spin(void)
{
	uint64_t n = 0;

	irq_on();
	for (;;) {
		uint64_t end = tsc() + ms(10);

		while (tsc() < end)
			n++;
		call(GUEST_CALL_BEAT, n);
	}
}

/* Sleeps 2 ms at a time, by its timer; beats with the longest time that it overslept, in us. */
void role_nap(void)
{
	uint64_t late = 0;

	APIC[0x320 / 4] = TICK;
	APIC[0x3e0 / 4] = 0xb;
	irq_on();
	APIC[0x320 / 4] = TICK;
	for (uint64_t i = 0;; i++) {
		uint64_t end = tsc() + ms(2), now;

		irq_off();
		APIC[0x380 / 4] = (uint32_t)ms(2);
		while (irq_count[TICK] <= i)
			__asm__ volatile("sti; hlt; cli" ::: "memory");
		now = tsc();
		if (now > end && now - end > late)
			late = now - end;
		call(GUEST_CALL_BEAT, late * 1000 / ms(1));
	}
}

/* ---- what is there at the start ---------------------------------------------------------------
 */

static unsigned int found;

static void clean(const char *what, uint64_t is, uint64_t wants)
{
	if (is == wants)
		return;
	say("keep: %s is %lx, not %lx", what, is, wants);
	found++;
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t a, d;

	__asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(msr));
	return a | (uint64_t)d << 32;
}

static void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(msr));
}

static void msrs(void)
{
	static const struct {
		const char *name;
		uint32_t msr;
	} m[] = {
		{"SYSENTER_ESP", 0x175}, {"SYSENTER_EIP", 0x176}, {"STAR", 0xc0000081},
		{"LSTAR", 0xc0000082},	 {"FMASK", 0xc0000084},	  {"KERNEL_GS_BASE", 0xc0000102},
		{"FS_BASE", 0xc0000100},
	};
	uint64_t v[2] = {0, 0};

	for (unsigned int i = 0; i < ARRAY_SIZE(m); i++) {
		clean(m[i].name, rdmsr(m[i].msr), 0);
		wrmsr(m[i].msr, PATTERN);
	}
	__asm__ volatile("mov %%cr4, %0; or $0x200, %0; mov %0, %%cr4" : "=&r"(v[0]));
	__asm__ volatile("movups %%xmm3, %0" : "=m"(v));
	clean("XMM3", v[0] | v[1], 0);
	v[0] = v[1] = PATTERN;
	__asm__ volatile("movups %0, %%xmm3" ::"m"(v));
	__asm__ volatile("mov %%dr2, %0; mov %%cr2, %1" : "=r"(v[0]), "=r"(v[1]));
	clean("DR2", v[0], 0);
	clean("CR2", v[1], 0);
	__asm__ volatile("mov %0, %%dr2; mov %0, %%cr2" ::"r"(PATTERN));
}

static void apic(void)
{
	clean("TPR", APIC[0x80 / 4], 0);
	clean("SVR", APIC[0xf0 / 4], 0xff);
	clean("IRR", APIC[0x220 / 4], 0);
	clean("the timer's LVT", APIC[0x320 / 4], 0x10000);
	clean("the timer", APIC[0x390 / 4], 0);
	APIC[0xf0 / 4] = 0x1ff;
	APIC[0x320 / 4] = 0x20044;
	APIC[0x3e0 / 4] = 0xb;
	APIC[0x380 / 4] = (uint32_t)ms(1); /* waits for ever, for interrupts are off */
	APIC[0x80 / 4] = 0x20;
}

static void peek(void *p)
{
	(void)*(volatile uint64_t *)p;
}

/* A translation of this CPU's former guest would make a page that has no table readable. */
static void linear(void)
{
	uint64_t *t = env.pages(4 * 4096), *data = t + 3 * 512;
	volatile uint64_t *at = (volatile uint64_t *)LINEAR;

	clean("an address without a page", (uint64_t)(int64_t)attempt(peek, (void *)LINEAR), 14);
	t[0] = (uint64_t)(t + 512) | PRESENT;
	t[512] = (uint64_t)(t + 1024) | PRESENT;
	t[1024] = (uint64_t)data | PRESENT;
	((uint64_t *)TABLES)[1] = (uint64_t)t | PRESENT;
	*at = PATTERN;
	clean("its page", *data, PATTERN);
}

/* Finds nothing of a former guest, then leaves something everywhere. */
void role_keep(void)
{
	msrs();
	apic();
	linear();
	say("keep: %u found", found);
	if (found)
		done(1);
	role_beat();
}
