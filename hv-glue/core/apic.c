/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The local APIC of each CPU: vectors and their handlers, the timer, interrupts between CPUs,
 * sleep. Registers by memory, or by MSR when firmware left the CPU in x2APIC mode. SDM 3A
 * chapter 11.
 */
#include "boot.h"

#include "base/errno.h"
#include "glue/cpu.h"
#include "hw/x86.h"

enum {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_INITIAL = 0x380,
	APIC_CURRENT = 0x390,
	APIC_DIVIDE = 0x3e0,
};

#define BASE	     UINT64_C(0xfee00000)
#define ICR_BUSY     BIT(12)
#define LVT_NMI	     0x400u
#define LVT_MASKED   BIT(16)
#define LVT_DEADLINE BIT(18)
#define SVR_ON	     BIT(8)
#define DIVIDE_BY_1  0xbu
#define POLLS	     100000u /* of the ICR */

struct irq {
	void (*fn)(void *ctx);
	void *ctx;
};

static struct {
	struct spin lock; /* of handlers' places */
	bool x2apic, deadline;
	uint64_t hz;
	struct irq irq[CORE_CPUS][VEC_LAST - VEC_FIRST + 1];
	unsigned int next[CORE_CPUS];
	int serving[CORE_CPUS]; /* atomic: the vector whose handler runs; 0: none */
	uint64_t stray;		/* interrupts that nobody asked for */
} a;

static uint32_t rd(uint32_t reg)
{
	if (a.x2apic)
		return (uint32_t)cpu_rdmsr(X86_MSR_X2APIC + (reg >> 4));
	return *(volatile uint32_t *)(BASE + reg);
}

static void wr(uint32_t reg, uint32_t val)
{
	if (a.x2apic)
		cpu_wrmsr(X86_MSR_X2APIC + (reg >> 4), val);
	else
		*(volatile uint32_t *)(BASE + reg) = val;
}

bool apic_is_x2(void)
{
	return a.x2apic;
}

void apic_ipi(uint32_t apic_id, uint32_t icr)
{
	if (a.x2apic) {
		cpu_wrmsr(X86_MSR_X2APIC + (APIC_ICR >> 4), (uint64_t)apic_id << 32 | icr);
		return;
	}
	for (unsigned int i = 0; i < POLLS && (rd(APIC_ICR) & ICR_BUSY); i++)
		cpu_pause();
	wr(APIC_ICR_HIGH, apic_id << 24);
	wr(APIC_ICR, icr);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

void apic_cpu_init(struct core_cpu *cpu)
{
	uint64_t base = cpu_rdmsr(X86_MSR_APIC_BASE);

	if (!(base & X86_APIC_BASE_ENABLE))
		cpu_wrmsr(X86_MSR_APIC_BASE, base |= X86_APIC_BASE_ENABLE);
	if (!(cpu_cpuid(1, 0).edx & X86_CPUID_1_EDX_APIC))
		core_refuse(
			"CPU %u: its local APIC is off and stays so: enable \"Local APIC\" in the "
			"firmware's setup",
			cpu->id);
	if (!cpu->id)
		a.x2apic = base & X86_APIC_BASE_X2APIC;
	if (a.x2apic)
		cpu_wrmsr(X86_MSR_APIC_BASE, base | X86_APIC_BASE_X2APIC);
	else if ((base & X86_PTE_ADDR) != BASE)
		core_refuse("CPU %u: its local APIC is at 0x%lx, not at fee00000: let the firmware "
			    "leave it there",
			    cpu->id, (unsigned long)(base & X86_PTE_ADDR));
	cpu->apic_id = a.x2apic ? rd(APIC_ID) : rd(APIC_ID) >> 24;
	wr(APIC_TPR, 0);
	wr(APIC_LVT_LINT0, LVT_MASKED); /* the PICs' way in */
	wr(APIC_LVT_LINT1, LVT_NMI);
	wr(APIC_LVT_ERROR, VEC_ERROR);
	wr(APIC_SVR, SVR_ON | VEC_SPURIOUS);
	wr(APIC_DIVIDE, DIVIDE_BY_1);
	wr(APIC_LVT_TIMER, VEC_TIMER | (a.deadline ? LVT_DEADLINE : 0));
	wr(APIC_INITIAL, 0);
	wr(APIC_ESR, 0);
	cpu_wrmsr(X86_MSR_PAT, X86_PAT_INIT);
}

/* Both 8259s to vectors that are told apart, and silent. */
static void pic_off(void)
{
	static const uint8_t seq[][2] = {
		{0x20, 0x11}, {0xa0, 0x11}, {0x21, VEC_PIC}, {0xa1, VEC_PIC + 8}, {0x21, 4},
		{0xa1, 2},    {0x21, 1},    {0xa1, 1},	     {0x21, 0xff},	  {0xa1, 0xff},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(seq); i++)
		cpu_outb(seq[i][0], seq[i][1]);
}

void apic_init(void)
{
	uint64_t begin, ticks;

	pic_off();
	a.deadline = cpu_cpuid(1, 0).ecx & X86_CPUID_1_ECX_TSC_DEADLINE;
	apic_cpu_init(this_cpu());
	if (!a.deadline) {
		wr(APIC_LVT_TIMER, LVT_MASKED);
		wr(APIC_INITIAL, UINT32_MAX);
		begin = core_now();
		while (core_now() - begin < us_to_tsc(2000))
			cpu_pause();
		ticks = UINT32_MAX - rd(APIC_CURRENT);
		a.hz = ticks * core.tsc_hz / (core_now() - begin);
		wr(APIC_INITIAL, 0);
		wr(APIC_LVT_TIMER, VEC_TIMER);
		if (!a.hz)
			core_refuse("the local APIC's timer does not count");
	}
	core_log(OS_LOG_INFO, "APIC: id %u, %s, timer by %s", this_cpu()->apic_id,
		 a.x2apic ? "x2APIC (firmware's choice)" : "xAPIC",
		 a.deadline ? "TSC deadline" : "its own count");
}

/* ---- vectors --------------------------------------------------------------------------------- */

int irq_alloc(struct core_cpu *cpu, void (*fn)(void *ctx), void *ctx)
{
	const unsigned int n = ARRAY_SIZE(a.irq[0]);
	int vector = -ENOSPC;

	spin_lock(&a.lock);
	/* Not at once the one that was freed last: of that, one may still be on its way. */
	for (unsigned int i = 0; i < n && vector < 0; i++) {
		unsigned int at = a.next[cpu->id];

		a.next[cpu->id] = (at + 1) % n;
		if (a.irq[cpu->id][at].fn)
			continue;
		a.irq[cpu->id][at].ctx = ctx;
		__atomic_store_n(&a.irq[cpu->id][at].fn, fn, __ATOMIC_RELEASE);
		vector = VEC_FIRST + (int)at;
	}
	spin_unlock(&a.lock);
	return vector;
}

void irq_free(struct core_cpu *cpu, int vector)
{
	uint64_t end = core_now() + us_to_tsc(10000);

	if (vector < VEC_FIRST || vector > VEC_LAST)
		return;
	__atomic_store_n(&a.irq[cpu->id][vector - VEC_FIRST].fn, NULL, __ATOMIC_SEQ_CST);
	/* Its handler may run right now, with what the caller is about to free. */
	while (cpu != this_cpu() && core_now() < end &&
	       __atomic_load_n(&a.serving[cpu->id], __ATOMIC_SEQ_CST) == vector)
		cpu_pause();
}

static void serve(struct core_cpu *cpu, int vector)
{
	struct irq *q = &a.irq[cpu->id][vector - VEC_FIRST];
	void (*fn)(void *);

	__atomic_store_n(&a.serving[cpu->id], vector, __ATOMIC_SEQ_CST);
	fn = __atomic_load_n(&q->fn, __ATOMIC_SEQ_CST);
	if (fn)
		fn(q->ctx);
	else
		a.stray++;
	__atomic_store_n(&a.serving[cpu->id], 0, __ATOMIC_RELEASE);
}

void irq_dispatch(int vector)
{
	struct core_cpu *cpu = this_cpu();

	if (vector < 0) { /* not taken yet */
		irq_window();
		return;
	}
	cpu->irqs++;
	if (vector != VEC_SPURIOUS) /* of that, and of the PICs, nothing is in service: no harm */
		wr(APIC_EOI, 0);
	if (vector == VEC_SPURIOUS || vector < VEC_FIRST)
		a.stray++;
	else if (vector <= VEC_LAST)
		serve(cpu, vector);
	else if (vector == VEC_KICK)
		cpu->kicks++;
	else if (vector == VEC_STOP)
		smp_stop_here();
	else
		a.stray += vector != VEC_TIMER;
}

void cpu_kick(struct core_cpu *cpu)
{
	if (cpu != this_cpu())
		apic_ipi(cpu->apic_id, ICR_FIXED | VEC_KICK);
}

/* ---- the timer ------------------------------------------------------------------------------- */

void apic_timer(uint64_t tsc)
{
	uint64_t now, ticks;

	if (a.deadline) {
		cpu_wrmsr(X86_MSR_TSC_DEADLINE, tsc == UINT64_MAX ? 0 : tsc);
		return;
	}
	if (!tsc || tsc == UINT64_MAX) {
		wr(APIC_INITIAL, 0);
		return;
	}
	/* At most a second: whoever wakes too early looks at the clock. */
	now = core_now();
	ticks = tsc <= now ? 1 : tsc - now > core.tsc_hz ? core.tsc_hz : tsc - now;
	ticks = ticks * (a.hz / 1000 + 1) / (core.tsc_hz / 1000);
	wr(APIC_INITIAL, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)(ticks + !ticks));
}

void cpu_idle(uint64_t tsc)
{
	log_drain(4);
	apic_timer(tsc);
	cpu_halt();
	apic_timer(0); /* a guest that runs next meets no timer that was not meant for it */
}
