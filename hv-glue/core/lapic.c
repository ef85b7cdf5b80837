/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A virtual local APIC in xAPIC mode (SDM 3A chapter 11): registers in a page that the hardware may
 * read and write by itself, a timer, interrupts between a guest's CPUs and from its devices.
 *
 * Others raise vectors in irr_new; the CPU that runs the guest CPU merges them before its next
 * entry, so that the page has one writer. Vector 2 there stands for an NMI: it can be no interrupt.
 */
#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"

/* Offsets, table 11-1. */
#define ID	 0x020
#define VERSION	 0x030
#define TPR	 0x080
#define PPR	 0x0a0
#define EOI	 0x0b0
#define LDR	 0x0d0
#define DFR	 0x0e0
#define SVR	 0x0f0
#define ISR	 0x100
#define IRR	 0x200
#define ESR	 0x280
#define ICR	 0x300
#define ICR_HIGH 0x310
#define LVT	 0x320 /* timer, thermal, performance, LINT0, LINT1, error */
#define INITIAL	 0x380
#define CURRENT	 0x390
#define DIVIDE	 0x3e0

#define SVR_ON	       BIT(8)
#define LVT_MASKED     BIT(16)
#define TIMER_MODE     GENMASK(18, 17)
#define TIMER_PERIODIC 1
#define TIMER_DEADLINE 2
#define ICR_MODE       GENMASK(10, 8)
#define ICR_LOGICAL    BIT(11)
#define ICR_PENDING    BIT(12)
#define ICR_SHORT      GENMASK(19, 18)
#define DELIVER_FIXED  0
#define DELIVER_LOWEST 1
#define DELIVER_NMI    4
#define DELIVER_INIT   5
#define DELIVER_SIPI   6
#define NMI_BIT	       BIT64(X86_VEC_NMI)

/* Shorter ones would leave the guest no time for anything else; the core does not mind. */
#define PERIOD_MIN_US 100

#define R(c, off) ((c)->apic[(off) / 4])

void lapic_init(struct gcpu *c)
{
	for (unsigned int i = 0; i < 1024; i++)
		c->apic[i] = 0;
	R(c, ID) = c->index << 24;
	R(c, VERSION) = 0x14 | 5 << 16; /* integrated, six LVT entries */
	R(c, DFR) = UINT32_MAX;
	R(c, SVR) = 0xff;
	for (unsigned int i = 0; i < 6; i++)
		R(c, LVT + 16 * i) = LVT_MASKED;
	/* In this order: what comes meanwhile is gone, or is merged. */
	__atomic_store_n(&c->kicked, false, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 4; i++)
		__atomic_store_n(&c->irr_new[i], 0, __ATOMIC_SEQ_CST);
	c->apic_deadline = c->tsc_deadline_msr = 0;
	c->apic_base = GPA_APIC | X86_APIC_BASE_ENABLE | (c->index ? 0 : X86_APIC_BASE_BSP);
}

/* ---- the vectors that wait ------------------------------------------------------------------ */

/* The highest bit of the eight words at @reg; -1: none. */
static int highest(const struct gcpu *c, uint32_t reg)
{
	for (unsigned int i = 8; i--;) {
		uint32_t w = R(c, reg + 16 * i);

		if (w)
			return (int)(32 * i + 31 - (unsigned int)__builtin_clz(w));
	}
	return -1;
}

static void change(struct gcpu *c, uint32_t reg, int vector, bool on)
{
	uint32_t *w = &R(c, reg + 16 * ((uint32_t)vector >> 5)), bit = BIT(vector & 31);

	*w = on ? *w | bit : *w & ~bit;
}

static uint32_t priority(const struct gcpu *c)
{
	int isr = highest(c, ISR);
	uint32_t tpr = R(c, TPR) & 0xff, class = isr < 0 ? 0 : (uint32_t)isr & 0xf0;

	return class > (tpr & 0xf0) ? class : tpr;
}

/* 11.8.3.1: what waits and is not masked by priority; -1: none. */
static int deliverable(const struct gcpu *c)
{
	int irr = highest(c, IRR);

	return irr >= 0 && ((uint32_t)irr & 0xf0) > (priority(c) & 0xf0) ? irr : -1;
}

static void raise(struct gcpu *c, unsigned int bit)
{
	__atomic_fetch_or(&c->irr_new[bit >> 6 & 3], BIT64(bit & 63), __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->kicked, true, __ATOMIC_SEQ_CST);
}

void lapic_raise(struct gcpu *c, uint8_t vector)
{
	if (vector < 16)
		return;
	raise(c, vector);
	sched_wake(c, false);
}

static void merge(struct gcpu *c)
{
	bool on = R(c, SVR) & SVR_ON;

	__atomic_store_n(&c->kicked, false, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 4; i++) {
		uint64_t w = __atomic_exchange_n(&c->irr_new[i], 0, __ATOMIC_SEQ_CST);

		if (!i && (w & NMI_BIT)) {
			c->v->ops->inject_nmi(c->v);
			w &= ~NMI_BIT;
		}
		if (!w || !on)
			continue;
		R(c, IRR + 32 * i) |= (uint32_t)w;
		R(c, IRR + 32 * i + 16) |= (uint32_t)(w >> 32);
	}
}

/* ---- the timer ------------------------------------------------------------------------------ */

/* It counts the TSC, divided: CPUID leaf 15H says so. */
static unsigned int divide_shift(const struct gcpu *c)
{
	uint32_t d = R(c, DIVIDE);

	return ((d & 3) + (d >> 1 & 4) + 1) & 7;
}

static uint64_t period(const struct gcpu *c)
{
	return (uint64_t)R(c, INITIAL) << divide_shift(c);
}

static uint32_t timer_mode(const struct gcpu *c)
{
	return field_get(TIMER_MODE, R(c, LVT));
}

static void timer_start(struct gcpu *c)
{
	if (timer_mode(c) == TIMER_DEADLINE)
		return;
	c->apic_deadline = R(c, INITIAL) ? cpu_rdtsc() + period(c) : 0;
}

void lapic_deadline(struct gcpu *c, uint64_t tsc)
{
	if (timer_mode(c) == TIMER_DEADLINE)
		c->tsc_deadline_msr = c->apic_deadline = tsc;
}

uint64_t lapic_next(const struct gcpu *c)
{
	return c->apic_deadline ? c->apic_deadline : UINT64_MAX;
}

static void timer_fire(struct gcpu *c, uint64_t now)
{
	uint64_t least = us_to_tsc(PERIOD_MIN_US), p = period(c);
	uint32_t lvt = R(c, LVT);

	if (timer_mode(c) == TIMER_PERIODIC && p) {
		p = p > least ? p : least;
		c->apic_deadline += p;
		if (c->apic_deadline <= now)
			c->apic_deadline = now + p;
	} else {
		c->apic_deadline = c->tsc_deadline_msr = 0;
	}
	if (!(lvt & LVT_MASKED) && (lvt & 0xf0))
		raise(c, lvt & 0xff);
}

static uint32_t current(const struct gcpu *c)
{
	uint64_t now = cpu_rdtsc();

	if (timer_mode(c) == TIMER_DEADLINE || c->apic_deadline <= now)
		return 0;
	return (uint32_t)((c->apic_deadline - now) >> divide_shift(c));
}

/* ---- before an entry ------------------------------------------------------------------------ */

/* Without help of the hardware: one is injected when the guest can take it, or a window asked for.
 */
static void offer(struct gcpu *c)
{
	const struct vcpu_ops *ops = c->v->ops;
	int vector = deliverable(c);

	if (vector >= 0 && ops->can_irq(c->v)) {
		change(c, IRR, vector, false);
		change(c, ISR, vector, true);
		ops->inject_irq(c->v, vector);
		vector = deliverable(c);
	}
	ops->irq_sync(c->v, highest(c, IRR), -1);
	ops->want_window(c->v, vector >= 0);
}

static inline void tick(struct gcpu *c)
{
	/* 0, which is off, becomes the largest. */
	if (unlikely(c->apic_deadline - 1 < c->v->tsc_exit))
		timer_fire(c, c->v->tsc_exit);
}

void lapic_prepare(struct gcpu *c)
{
	bool vid = c->cpu->host.caps & VCPU_CAP_VID;

	tick(c);
	if (__atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE)) {
		merge(c);
		if (vid)
			c->v->ops->irq_sync(c->v, highest(c, IRR), highest(c, ISR));
	}
	if (!vid)
		offer(c);
}

bool lapic_pending(struct gcpu *c)
{
	bool nmi = __atomic_load_n(&c->irr_new[0], __ATOMIC_SEQ_CST) & NMI_BIT;

	tick(c);
	if (__atomic_load_n(&c->kicked, __ATOMIC_SEQ_CST)) {
		merge(c);
		if (c->cpu->host.caps & VCPU_CAP_VID)
			c->v->ops->irq_sync(c->v, highest(c, IRR), highest(c, ISR));
	}
	return nmi || ((c->v->rflags & X86_RFLAGS_IF) && deliverable(c) >= 0);
}

/* ---- interrupts on their way ---------------------------------------------------------------- */

/* 11.6.2: is @c meant by destination @dest? */
static bool matches(const struct gcpu *c, uint32_t dest, bool logical)
{
	uint32_t ldr = R(c, LDR) >> 24;

	if (!logical)
		return dest == 0xff || dest == c->index;
	if (R(c, DFR) >> 28 == 0xf)
		return ldr & dest;
	return (ldr >> 4 == dest >> 4 || dest >> 4 == 15) && (ldr & dest & 15);
}

/* The first CPU that is meant, and runs: lowest priority takes any, and devices have one target. */
static struct gcpu *first(struct guest *g, uint32_t dest, bool logical)
{
	for (unsigned int i = 0; i < g->cfg.cpus; i++) {
		struct gcpu *c = &g->cpu[i];

		if (c->v && matches(c, dest, logical))
			return c;
	}
	return NULL;
}

/* SDM 3A 11.11: destination in bits 19:12, logical in bit 2; edge-triggered alone. */
struct gcpu *lapic_target(struct guest *g, uint64_t addr, uint32_t data, uint8_t *vector)
{
	uint32_t mode = field_get(ICR_MODE, data);

	*vector = (uint8_t)data;
	if (addr - GPA_APIC >= UINT64_C(0x100000) || mode > DELIVER_LOWEST || *vector < 16)
		return NULL;
	return first(g, (uint32_t)addr >> 12 & 0xff, addr & BIT(2));
}

bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data)
{
	uint8_t vector;
	struct gcpu *c = lapic_target(g, addr, data, &vector);

	if (c)
		lapic_raise(c, vector);
	else
		guest_refused(g);
	return c;
}

static void send_one(struct gcpu *from, struct gcpu *to, uint32_t icr)
{
	switch (field_get(ICR_MODE, icr)) {
	case DELIVER_FIXED:
	case DELIVER_LOWEST:
		lapic_raise(to, (uint8_t)icr);
		break;
	case DELIVER_NMI:
		raise(to, X86_VEC_NMI);
		sched_wake(to, true);
		break;
	case DELIVER_INIT:
		/* De-assert is a message to all, and does nothing since the Pentium 4. */
		if (from != to && (icr & BIT(14)))
			sched_reset(to);
		break;
	case DELIVER_SIPI:
		if (from != to)
			sched_sipi(to, icr & 0xff);
		break;
	default:
		guest_refused(from->guest);
	}
}

static void send(struct gcpu *c, uint32_t icr)
{
	struct guest *g = c->guest;
	uint32_t dest = R(c, ICR_HIGH) >> 24, to = field_get(ICR_SHORT, icr);
	struct gcpu *low;

	if (to == 1) {
		send_one(c, c, icr);
		return;
	}
	if (!to && field_get(ICR_MODE, icr) == DELIVER_LOWEST) {
		low = first(g, dest, icr & ICR_LOGICAL);
		if (low)
			send_one(c, low, icr);
		return;
	}
	for (unsigned int i = 0; i < g->cfg.cpus; i++) {
		struct gcpu *o = &g->cpu[i];

		if (to ? to == 2 || o != c : matches(o, dest, icr & ICR_LOGICAL))
			send_one(c, o, icr);
	}
}

/* ---- registers ------------------------------------------------------------------------------ */

uint32_t lapic_read(struct gcpu *c, uint32_t off)
{
	if (off > DIVIDE)
		return 0;
	if (off == CURRENT)
		return current(c);
	return off == PPR ? priority(c) : R(c, off);
}

/* Bits that stick; of the registers without an action of their own. */
static uint32_t writable(uint32_t off)
{
	switch (off) {
	case TPR:
		return 0xff;
	case LDR:
		return UINT32_C(0xff000000);
	case DFR:
		return UINT32_C(0xf0000000);
	case SVR:
		return 0x1ff;
	case ICR_HIGH:
		return UINT32_C(0xff000000);
	case LVT:
		return 0x700ff;
	case LVT + 0x10:
	case LVT + 0x20:
		return 0x107ff;
	case LVT + 0x30:
	case LVT + 0x40:
		return 0x1a7ff;
	case LVT + 0x50:
		return 0x100ff;
	case INITIAL:
		return UINT32_MAX;
	case DIVIDE:
		return 0xb;
	default:
		return 0;
	}
}

static void set_svr(struct gcpu *c)
{
	/* 11.4.7.2: switched off by software, all of the LVT is masked. */
	for (unsigned int i = 0; i < 6 && !(R(c, SVR) & SVR_ON); i++)
		R(c, LVT + 16 * i) |= LVT_MASKED;
}

/* 11.5.4.1: into or out of deadline mode the timer is disarmed. What it was, the MSR tells: the
 * page may have the new mode already. */
static void set_timer_mode(struct gcpu *c)
{
	bool deadline = timer_mode(c) == TIMER_DEADLINE;

	/* Equal when nothing changes; when both are false, a one-shot may be running on. */
	if (deadline != (c->tsc_deadline_msr != 0))
		c->apic_deadline = c->tsc_deadline_msr = 0;
}

static void end_of_interrupt(struct gcpu *c)
{
	int isr = highest(c, ISR);

	R(c, EOI) = 0;
	if (isr >= 0)
		change(c, ISR, isr, false);
}

/*
 * The page of a hardware APIC has the value before we hear of it: whatever is stored here replaces
 * it, and the read-only ID comes back.
 */
void lapic_write(struct gcpu *c, uint32_t off, uint32_t val)
{
	uint32_t mask = writable(off);

	if (mask)
		R(c, off) = (val & mask) | (off == DFR ? ~mask : 0);
	if (off >= LVT && off <= LVT + 0x50 && !(R(c, SVR) & SVR_ON))
		R(c, off) |= LVT_MASKED;
	switch (off) {
	case ID:
		R(c, ID) = c->index << 24;
		break;
	case EOI:
		end_of_interrupt(c);
		break;
	case SVR:
		set_svr(c);
		break;
	case ESR:
		R(c, ESR) = 0;
		break;
	case ICR:
		R(c, ICR) = val & 0xccfff & ~ICR_PENDING;
		send(c, val);
		break;
	case LVT:
		set_timer_mode(c);
		break;
	case INITIAL:
	case DIVIDE:
		if (off == INITIAL || c->apic_deadline)
			timer_start(c);
		break;
	default:
		break;
	}
}
