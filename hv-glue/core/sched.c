/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A CPU's life: on CPU 0 the service of card, control line and ended guests; virtual CPUs, which
 * stay where they were put, round robin; and idling. A lone guest on another CPU meets no timer.
 */
#include "base/errno.h"
#include "control.h"
#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"
#include "nic.h"

#define LEAVE_US 2000000 /* a CPU has left a guest long before; else something is broken */

/* A CPU's own. */
static struct {
	uint64_t slice;		/* TSC when its guest CPU got it */
	uint64_t service, soon; /* TSC of the next round of service; if the card calls. CPU 0 */
	bool yield;		/* the guest CPU lets others go first */
} own[CORE_CPUS];

static enum gcpu_state state(const struct gcpu *c)
{
	return __atomic_load_n(&c->state, __ATOMIC_SEQ_CST);
}

/* From @from to @to, unless another was quicker to say something else. */
static bool turn(struct gcpu *c, enum gcpu_state from, enum gcpu_state to)
{
	return __atomic_compare_exchange_n(&c->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* ---- the queue; lock held ------------------------------------------------------------------- */

static void unlink(struct gcpu *c)
{
	struct gcpu **p = &c->cpu->queue;

	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	c->next = NULL;
}

static void append(struct gcpu *c)
{
	struct gcpu **p = &c->cpu->queue;

	while (*p)
		p = &(*p)->next;
	*p = c;
	c->next = NULL;
}

void sched_add(struct gcpu *c)
{
	append(c);
	cpu_kick(c->cpu);
}

/* Its registers leave the CPU. */
static void put(struct core_cpu *cpu)
{
	if (cpu->running)
		cpu->running->v->ops->put(cpu->running->v);
	__atomic_store_n(&cpu->running, NULL, __ATOMIC_SEQ_CST);
}

/* Until another CPU's registers hold it no more. */
static int wait_put(const struct gcpu *c)
{
	uint64_t end = core_now() + us_to_tsc(LEAVE_US);

	while (__atomic_load_n(&c->cpu->running, __ATOMIC_SEQ_CST) == c) {
		core_unlock();
		cpu_pause();
		core_lock();
		if (core_now() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

int sched_del(struct gcpu *c)
{
	struct core_cpu *cpu = c->cpu;

	sched_kill(c);
	unlink(c);
	if (cpu == this_cpu() && cpu->running == c)
		put(cpu);
	return wait_put(c);
}

int sched_release(struct gcpu *c)
{
	int err;

	if (c->cpu == this_cpu())
		return 0;
	c->cpu->release = true;
	cpu_kick(c->cpu);
	err = wait_put(c);
	if (err)
		sched_resume(c);
	return err;
}

void sched_resume(struct gcpu *c)
{
	if (c->cpu == this_cpu())
		return;
	c->cpu->release = false;
	cpu_kick(c->cpu);
}

void sched_kill(struct gcpu *c)
{
	__atomic_store_n(&c->state, GCPU_OFF, __ATOMIC_SEQ_CST);
	if (c->cpu)
		cpu_kick(c->cpu);
}

/* It halted with interrupts off: until an NMI. */
static bool shut(const struct gcpu *c)
{
	return state(c) == GCPU_HALTED && !(c->v->rflags & X86_RFLAGS_IF);
}

void sched_wake(struct gcpu *c, bool nmi)
{
	struct core_cpu *cpu = c->cpu;
	bool woke;

	if (!cpu || (!nmi && shut(c)))
		return;
	woke = turn(c, GCPU_HALTED, GCPU_READY);
	/* Here: a guest CPU that runs gets to share its slice from its next exit on. Elsewhere: one
	 * whose turn has to come sees it then, and whoever has that CPU is not disturbed. */
	if (cpu == this_cpu() && woke)
		cpu->slice_end = cpu->due = 0;
	else if (cpu != this_cpu() && (woke || state(c) == GCPU_RUNNING))
		cpu_kick(cpu);
}

void sched_reset(struct gcpu *c)
{
	enum gcpu_state s;

	/* Its guest may end at this moment, without the lock: OFF is for good. */
	do {
		s = state(c);
		if (s == GCPU_OFF || s == GCPU_WAIT || !c->cpu)
			return;
	} while (!turn(c, s, GCPU_WAIT));
	cpu_kick(c->cpu);
}

void sched_sipi(struct gcpu *c, unsigned int vector)
{
	if (state(c) != GCPU_WAIT)
		return;
	c->sipi = (uint8_t)vector;
	turn(c, GCPU_WAIT, GCPU_SIPI);
	if (c->cpu == this_cpu())
		c->cpu->slice_end = c->cpu->due = 0;
	cpu_kick(c->cpu);
}

/* XCR0 stays as it was: INIT leaves it alone, as the FPU. */
static void start(struct gcpu *c)
{
	lapic_init(c);
	c->halted = false;
	c->v->ops->start(c->v, &(struct vcpu_start){.real = true, .vector = c->sipi});
	turn(c, GCPU_SIPI, GCPU_READY);
}

/* The guest CPU whose turn it is, RUNNING and alone in the registers; and in slice_end when that
 * has to be thought over: an end of its slice, others' timers, service. */
static struct gcpu *pick(struct core_cpu *cpu)
{
	struct gcpu *cur = cpu->running, *next = NULL;
	uint64_t now = core_now(), end = cpu->id ? UINT64_MAX : own[cpu->id].service;
	unsigned int ready = 0;

	if (cur && (state(cur) < GCPU_READY || cpu->release)) {
		put(cpu);
		cur = NULL;
	}
	cpu->slice_end = UINT64_MAX;
	if (cpu->release) /* until who asked has had his look */
		return NULL;
	for (struct gcpu *c = cpu->queue; c; c = c->next) {
		if (state(c) == GCPU_SIPI)
			start(c);
		if (shut(c))
			continue;
		if (state(c) == GCPU_HALTED && lapic_next(c) <= now)
			turn(c, GCPU_HALTED, GCPU_READY);
		if (state(c) == GCPU_HALTED && lapic_next(c) < end)
			end = lapic_next(c);
		if (state(c) != GCPU_READY)
			continue;
		ready++;
		if (!next)
			next = c;
	}
	if (cur && state(cur) == GCPU_READY && !own[cpu->id].yield &&
	    now - own[cpu->id].slice < core.slice)
		next = cur;
	own[cpu->id].yield = false;
	if (next && !turn(next, GCPU_READY, GCPU_RUNNING))
		next = NULL;
	if (next && next != cur) {
		put(cpu);
		__atomic_store_n(&cpu->running, next, __ATOMIC_SEQ_CST);
	}
	if (next && (next != cur || now - own[cpu->id].slice >= core.slice)) {
		unlink(next);
		append(next);
		own[cpu->id].slice = now;
	}
	if (next && next->shares != (ready > 1)) {
		next->shares = ready > 1;
		next->v->ops->share(next->v, next->shares);
	}
	if (ready > 1 && own[cpu->id].slice + core.slice < end)
		end = own[cpu->id].slice + core.slice;
	cpu->slice_end = end;
	return next;
}

/* ---- running -------------------------------------------------------------------------------- */

/* An exit at TSC @want; UINT64_MAX: none. */
static void arm(struct core_cpu *cpu, struct gcpu *c, uint64_t want)
{
	uint64_t now = cpu_rdtsc();

	if (!(cpu->host.caps & VCPU_CAP_TIMER))
		apic_timer(want == UINT64_MAX ? 0 : want);
	else if (want == UINT64_MAX)
		c->v->ops->set_timer(c->v, UINT64_MAX);
	else
		c->v->ops->set_timer(c->v, want > now ? want - now : 0);
}

/* Brings up to date what the next entry needs. */
static void prepare(struct core_cpu *cpu, struct gcpu *c)
{
	uint64_t want;

	lapic_prepare(c);
	want = lapic_next(c);
	if (want > cpu->slice_end)
		want = cpu->slice_end;
	if (want != cpu->armed)
		arm(cpu, c, want);
	cpu->armed = want;
	/* It may come out often, and with interrupts off: the core takes its own now and then. */
	cpu->due = c->v->tsc_exit + core.slice;
	cpu->due = want < cpu->due ? want : cpu->due;
}

/* Whether an exit, handled, left interrupts and timers as they were: on with the guest at once. */
static bool plain(const struct core_cpu *cpu, const struct gcpu *c, const struct vcpu_exit *e)
{
	if (e->kind == VCPU_EXIT_CPUID)
		return true;
	return e->kind == VCPU_EXIT_MEM && (cpu->host.caps & VCPU_CAP_VID) &&
	       !__atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE);
}

static enum exit_next enter(struct core_cpu *cpu, struct gcpu *c)
{
	struct vcpu *v = c->v;
	uint64_t begin = cpu_rdtsc(), last = begin;
	enum exit_next next = EXIT_RESUME;
	struct vcpu_exit e;

	v->tsc_exit = last;
	/* What woke it may be masked: its timer's tick, a vector below its priority. */
	if (c->halted && !lapic_pending(c))
		return EXIT_BLOCK;
	c->halted = false;
	cpu->armed = 0;
	prepare(cpu, c);
	/* Whoever wants it to leave has set its state, and interrupts wait: the entry exits. */
	while (likely(state(c) == GCPU_RUNNING)) {
		v->ops->run(v, &e);
		c->tsc_root += v->tsc_entry - last;
		last = v->tsc_exit;
		c->tsc_guest += last - v->tsc_entry;
		next = exit_handle(c, &e);
		if (likely(plain(cpu, c, &e) && last < cpu->due && next == EXIT_RESUME))
			continue;
		if (next != EXIT_RESUME || e.kind == VCPU_EXIT_IRQ || last >= cpu->slice_end ||
		    last - begin >= core.slice)
			break;
		if (e.kind == VCPU_EXIT_TIMER)
			cpu->armed = 0;
		prepare(cpu, c);
	}
	own[cpu->id].yield = next == EXIT_RESCHED;
	c->tsc_root += cpu_rdtsc() - last;
	return next;
}

static void run(struct core_cpu *cpu, struct gcpu *c)
{
	if (enter(cpu, c) != EXIT_BLOCK) {
		turn(c, GCPU_RUNNING, GCPU_READY);
		return;
	}
	c->halted = true;
	turn(c, GCPU_RUNNING, GCPU_HALTED);
	/* What came between its look and its state is seen here; what comes later sees the state.
	 */
	if (state(c) != GCPU_HALTED || !lapic_pending(c))
		return;
	c->halted = false; /* an NMI is not seen twice */
	turn(c, GCPU_HALTED, GCPU_READY);
}

/* ---- CPU 0's service ------------------------------------------------------------------------ */

static void service(void)
{
	uint64_t begin = core_now(), end, took;

	if (begin < own[0].service && (begin < own[0].soon || !(core.nic && core.nic->pending)))
		return;
	core_lock();
	nic_service();
	guest_reap();
	core_unlock();
	control_poll();
	mce_report();
	log_drain(2); /* what was said while another CPU had the console */
	/* Guests get at least as much time as this took, whatever they keep the card busy with. */
	end = core_now();
	took = end - begin < 10 * core.slice ? end - begin : 10 * core.slice;
	own[0].soon = end + took;
	own[0].service = end + (took > core.slice ? took : core.slice);
}

_Noreturn void cpu_loop(struct core_cpu *cpu)
{
	for (;;) {
		struct gcpu *c;

		/* Where an interrupt does not exit (Bochs, a guest entered with interrupts off),
		 * and the guest leaves for other reasons, it comes in here. */
		irq_window();
		if (!cpu->id)
			service();
		core_lock();
		c = pick(cpu);
		core_unlock();
		if (c)
			run(cpu, c);
		else
			cpu_idle(cpu->slice_end);
	}
}
