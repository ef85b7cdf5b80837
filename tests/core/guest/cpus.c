/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest of several CPUs: starts the others by INIT and start-up interrupts, sends interrupts of
 * every kind among them, halts and wakes them, and counts what arrives where.
 */
#include "guest.h"

#define ROUNDS	   200
#define PING	   0x67
#define PONG	   0x68
#define TICK	   0x70
#define LVT_MASKED 0x10000u
#define ICR_ASSERT 0x4000u
enum { LOWEST = 0x100, NMI = 0x400, INIT = 0x500, SIPI = 0x600, LOGICAL = 0x800 };
enum { SELF = 0x40000, ALL = 0x80000, OTHERS = 0xc0000 };

static void ap_main(unsigned int id);

/* What the other CPUs do. */
enum mode { COUNT, HALT, SHUT, TIMER, MASKED, DONE };
static volatile enum mode mode;

static volatile struct {
	uint64_t ups, count, woke, bad;
	enum mode seen;
	bool again; /* the next NMI sends itself another */
} ap[GUEST_CPUS_MAX];

static unsigned int bad, cpus;

static void check(bool ok, const char *what, unsigned int cpu)
{
	if (ok)
		return;
	say("cpus: CPU %u: %s", cpu, what);
	bad++;
}

/* Polls until *@p is at least @least. */
static bool until(const volatile uint64_t *p, uint64_t least)
{
	uint64_t end = tsc() + ms(2000);

	while (*p < least && tsc() < end)
		relax();
	return *p >= least;
}

static void ipi(unsigned int to, uint32_t icr)
{
	APIC[0x310 / 4] = to << 24;
	APIC[0x300 / 4] = ICR_ASSERT | icr;
}

/* ---- the other CPUs -------------------------------------------------------------------------- */

static void own_state(unsigned int id, bool set)
{
	uint64_t want = UINT64_C(0x5a5a000000000000) + id, x, dr;

	if (set) {
		__asm__ volatile("mov %%cr4, %0; or $0x200, %0; mov %0, %%cr4" : "=&r"(x));
		__asm__ volatile("movq %0, %%xmm7; mov %1, %%dr1" ::"r"(want), "r"((uint64_t)id));
	}
	__asm__ volatile("movq %%xmm7, %0; mov %%dr1, %1" : "=r"(x), "=r"(dr));
	ap[id].bad += x != want || dr != id;
}

static void on_irq(unsigned int cpu, unsigned int vector)
{
	if (vector == PING)
		ipi(0, PONG);
	if (vector != 2 || !ap[cpu].again)
		return;
	ap[cpu].again = false;
	ipi(cpu, NMI);
}

static void apic_on(unsigned int id)
{
	APIC[0x0f0 / 4] = 0x1ff;
	APIC[0x0d0 / 4] = UINT32_C(1) << (24 + id);
	APIC[0x3e0 / 4] = 0xb;
}

static void ap_main(unsigned int id)
{
	trap_load();
	apic_on(id);
	own_state(id, true);
	__atomic_fetch_add(&ap[id].ups, 1, __ATOMIC_SEQ_CST);
	for (;;) {
		/* An interrupt that comes from here on ends the halt; an NMI may come before it. */
		__asm__ volatile("cli");
		ap[id].seen = mode;
		switch (ap[id].seen) {
		case COUNT:
			__asm__ volatile("sti");
			if (!(++ap[id].count & 0xff))
				own_state(id, false);
			break;
		case MASKED:
			/* Ticks that come to nothing, in turn: masked, and below its priority. */
			APIC[0x320 / 4] = TICK | (ap[id].woke & 1 ? 0 : LVT_MASKED);
			APIC[0x080 / 4] = ap[id].woke & 1 ? TICK : 0;
			APIC[0x380 / 4] = (uint32_t)ms(1);
			__asm__ volatile("sti; hlt");
			APIC[0x080 / 4] = 0;
			ap[id].woke++;
			break;
		case TIMER:
			APIC[0x320 / 4] = TICK;
			APIC[0x380 / 4] = (uint32_t)ms(1);
			/* fall through */
		case HALT:
			__asm__ volatile("sti; hlt");
			ap[id].woke++;
			break;
		case SHUT:
			__asm__ volatile("hlt");
			ap[id].woke++;
			break;
		case DONE:
			done(0);
		}
	}
}

/* An NMI that comes before the halt does not end it: then it takes another. */
static bool nmi_wakes(unsigned int i)
{
	uint64_t woke = ap[i].woke;

	for (unsigned int n = 0; n < 5; n++) {
		uint64_t nmis = irq_cpu[i][2], end;

		ipi(i, NMI);
		if (!until(&irq_cpu[i][2], nmis + 1))
			return false;
		for (end = tsc() + ms(200); tsc() < end && ap[i].woke == woke;)
			relax();
		if (ap[i].woke != woke)
			return true;
	}
	return false;
}

static void all_to(enum mode m)
{
	bool shut = mode == SHUT;

	mode = m;
	ipi(0, OTHERS | 0x51);
	for (unsigned int i = 1; i < cpus; i++) {
		uint64_t end = tsc() + ms(2000), next = 0;

		for (; ap[i].seen != m && tsc() < end; relax()) {
			if (!shut || tsc() < next)
				continue;
			ipi(i, NMI);
			next = tsc() + ms(20);
		}
		check(ap[i].seen == m, "does not do what it is told", i);
	}
}

/* ---- the first one --------------------------------------------------------------------------- */

/* No time between the two: none is lost. */
static void start(unsigned int i, const char *what)
{
	uint64_t ups = ap[i].ups;

	ipi(i, INIT);
	ipi(i, SIPI | AP_PAGE);
	check(until(&ap[i].ups, ups + 1), what, i);
}

static void start_all(void)
{
	uint64_t t = tsc();

	ap_place(ap_main);
	for (unsigned int i = 1; i < cpus; i++)
		start(i, "does not start");
	say("cpus: %u up after %lu us", cpus, (tsc() - t) * 1000 / ms(1));
}

static void counts(void)
{
	for (unsigned int i = 1; i < cpus; i++) {
		check(until(&ap[i].count, ap[i].count + 20000), "does not count", i);
		check(!ap[i].bad, "has another's registers", i);
	}
}

/* Sends @icr with its vector; each CPU of the mask @to has to get one, the others none. */
static void send(unsigned int dest, uint32_t icr, uint32_t to)
{
	unsigned int v = (icr & 0x700) == NMI ? 2 : icr & 0xff;
	uint64_t before[GUEST_CPUS_MAX];

	for (unsigned int i = 0; i < cpus; i++)
		before[i] = irq_cpu[i][v];
	ipi(dest, icr);
	for (unsigned int i = 0; i < cpus; i++)
		if (to & BIT(i))
			check(until(&irq_cpu[i][v], before[i] + 1), "gets no interrupt", i);
	/* It has come everywhere when a second one has, from the same CPU to each. */
	for (unsigned int i = 0; i < cpus; i++) {
		uint64_t n = irq_cpu[i][0x50];

		ipi(i, 0x50);
		check(until(&irq_cpu[i][0x50], n + 1), "gets no second interrupt", i);
		check(irq_cpu[i][v] == before[i] + (to >> i & 1), "counts another number", i);
	}
}

static void kinds(void)
{
	const uint32_t all = BIT(cpus) - 1;
	uint64_t n = 0;

	for (unsigned int i = 0; i < cpus; i++) {
		send(i, 0x60, BIT(i));
		send(BIT(i), LOGICAL | 0x61, BIT(i));
	}
	for (unsigned int i = 1; i < cpus; i++)
		send(i, NMI, BIT(i));
	send(0xff, 0x62, all);
	send(BIT(0) | BIT(cpus - 1), LOGICAL | 0x63, BIT(0) | BIT(cpus - 1));
	send(0, SELF | 0x64, 1);
	send(0, ALL | 0x65, all);
	send(0, OTHERS | 0x66, all & ~1u);
	send(0, OTHERS | NMI, all & ~1u);
	ipi(0xff, LOGICAL | LOWEST | 0x69);
	send(0, ALL | 0x65, all); /* by then it has come, too */
	for (unsigned int i = 0; i < cpus; i++)
		n += irq_cpu[i][0x69];
	check(n == 1, "lowest priority does not reach one CPU", 0);
}

/* To and fro: none is lost, whether both run, or both sleep between them. */
static void to_and_fro(bool sleep)
{
	for (unsigned int i = 1; i < cpus; i++) {
		uint64_t t = tsc(), n = irq_cpu[0][PONG];

		for (unsigned int r = 0; r < ROUNDS; r++) {
			__asm__ volatile("cli");
			ipi(i, PING);
			while (sleep && irq_cpu[0][PONG] <= n + r)
				__asm__ volatile("sti; hlt; cli" ::: "memory");
			__asm__ volatile("sti");
			if (until(&irq_cpu[0][PONG], n + r + 1))
				continue;
			check(false, "does not answer", i);
			return;
		}
		check(irq_cpu[0][PONG] == n + ROUNDS, "answers another number", i);
		say("cpus: CPU %u: %u answers, %lu ticks each%s", i, ROUNDS, (tsc() - t) / ROUNDS,
		    sleep ? ", asleep between" : "");
	}
}

static void timers(void)
{
	all_to(TIMER);
	for (unsigned int i = 1; i < cpus; i++)
		check(until(&irq_cpu[i][TICK], 10), "has no timer", i);
	all_to(COUNT);
	counts();
}

static void wait_ms(uint64_t n)
{
	for (uint64_t end = tsc() + ms(n); tsc() < end;)
		relax();
}

/* A halt ends by an interrupt that is taken, not by a timer's tick that is masked. */
static void masked(void)
{
	all_to(MASKED);
	wait_ms(5); /* what told them may have ended a halt already */
	for (unsigned int n = 0; n < 4; n++)
		for (unsigned int i = 1; i < cpus; i++) {
			uint64_t woke = ap[i].woke;

			wait_ms(5);
			check(ap[i].woke == woke, "is woken by a tick that is masked", i);
			ipi(i, 0x8a);
			check(until(&ap[i].woke, woke + 1), "is not woken by an interrupt", i);
		}
	mode = COUNT;
	ipi(0, OTHERS | 0x8a); /* above the priority that they may have */
	all_to(COUNT);
	counts();
}

/* Interrupts off and halted: an NMI wakes it; an interrupt does not, and is not lost. */
static void shut(void)
{
	all_to(SHUT);
	for (unsigned int i = 1; i < cpus; i++) {
		uint64_t nmis, woke;

		check(nmi_wakes(i), "is not woken by an NMI", i);
		woke = ap[i].woke;
		ipi(i, 0x6a);
		wait_ms(20);
		check(ap[i].woke == woke, "is woken with interrupts off", i);
		check(!irq_cpu[i][0x6a], "took an interrupt with interrupts off", i);
		check(nmi_wakes(i), "is not woken by a second NMI", i);
		check(!irq_cpu[i][0x6a], "took an interrupt within an NMI", i);
		/* Blocked until the first one's IRET, and behind that it halts. */
		nmis = irq_cpu[i][2];
		ap[i].again = true;
		ipi(i, NMI);
		check(until(&irq_cpu[i][2], nmis + 2), "lost an NMI sent within an NMI", i);
	}
	all_to(COUNT);
	for (unsigned int i = 1; i < cpus; i++)
		check(until(&irq_cpu[i][0x6a], 1), "lost an interrupt that waited", i);
	counts();
}

/* INIT alone: it stands still, and what is sent to it is gone when it starts. */
static void wait_for_sipi(unsigned int i)
{
	uint64_t ups = ap[i].ups, count = ap[i].count, end = tsc() + ms(2000), quiet = tsc();

	ipi(i, INIT);
	ipi(i, 0x6b);
	for (; tsc() < end && tsc() - quiet < ms(20);) {
		if (ap[i].count != count)
			quiet = tsc();
		count = ap[i].count;
	}
	check(tsc() < end, "counts after INIT", i);
	ipi(i, SIPI | AP_PAGE);
	check(until(&ap[i].ups, ups + 1), "does not start after a wait", i);
	check(until(&ap[i].count, count + 20000), "does not count again", i);
	check(!irq_cpu[i][0x6b], "gets an interrupt of before its start", i);
}

static void restarts(void)
{
	for (unsigned int i = 1; i < cpus; i++) {
		uint64_t ups;

		start(i, "does not start again while it runs");
		all_to(SHUT);
		start(i, "does not start again from a halt");
		all_to(COUNT);
		counts();
		ups = ap[i].ups;
		ipi(i, SIPI | AP_PAGE);
		counts();
		check(ap[i].ups == ups, "starts without INIT", i);
		wait_for_sipi(i);
	}
}

/* arguments: end=done, ap (another CPU says it), dead (all halt for good) */
void role_cpus(void)
{
	const char *end = arg("end", "done");

	cpus = boot->cpus;
	irq_hook = on_irq;
	apic_on(0);
	__asm__ volatile("sti");
	start_all();
	counts();
	if (same(end, "done")) {
		kinds();
		to_and_fro(false);
		all_to(HALT);
		to_and_fro(true);
		timers();
		masked();
		shut();
		restarts();
	}
	say("cpus: %u bad", bad);
	if (bad)
		done(1);
	if (same(end, "ap")) {
		mode = DONE;
		for (;;)
			__asm__ volatile("hlt");
	}
	if (same(end, "dead")) {
		all_to(SHUT);
		for (;;)
			__asm__ volatile("cli; hlt");
	}
}
