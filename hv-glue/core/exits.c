/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What an exit does: a table by kind. Every exit is counted and audited; nobody's ends the guest.
 */
#include "abi/guest.h"
#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"
#include "vnic.h"

static enum exit_next skip(struct gcpu *c, const struct vcpu_exit *e)
{
	c->v->ops->skip(c->v, e);
	return EXIT_RESUME;
}

static enum exit_next fault(struct gcpu *c, int vector, int64_t error)
{
	c->v->ops->inject(c->v, vector, error);
	return EXIT_RESUME;
}

#define MACHINE_CHECK "machine check while it ran"

static enum exit_next fail(struct gcpu *c, const struct vcpu_exit *e, const char *what)
{
	/* It may show as a shutdown or as an entry that failed: APM 15.14.3, SDM 3C 27.9. */
	if (mce_here()) {
		(void)mce_take(c->guest);
		what = MACHINE_CHECK;
	}
	guest_fail(c->guest, c, "%s (exit %s, qualification 0x%llx)", what,
		   core.ops->reason_name(e->reason), (unsigned long long)e->qualification);
	return EXIT_BLOCK;
}

static bool ring0(struct gcpu *c)
{
	return !(c->v->ops->get(c->v, VCPU_SS_ATTR) & X86_SEG_DPL);
}

/* ---- the host's own ------------------------------------------------------------------------- */

static enum exit_next on_irq(struct gcpu *c, struct vcpu_exit *e)
{
	(void)c;
	if (e->vector < 0)
		irq_window();
	else
		irq_dispatch(e->vector);
	return EXIT_RESUME;
}

/* Timers are looked at before each entry; a window, INIT, SIPI and NMI of the host likewise ask for
 * nothing more than to have come out. */
static enum exit_next on_nothing(struct gcpu *c, struct vcpu_exit *e)
{
	(void)c;
	(void)e;
	return EXIT_RESUME;
}

/* ---- instructions --------------------------------------------------------------------------- */

static enum exit_next on_cpuid(struct gcpu *c, struct vcpu_exit *e)
{
	cpuid_exit(c);
	return skip(c, e);
}

/* No interrupt, no NMI from another of its CPUs: nothing will ever wake it. */
static bool all_dead(const struct guest *g)
{
	for (unsigned int i = 0; i < g->cfg.cpus; i++) {
		const struct gcpu *o = &g->cpu[i];
		enum gcpu_state s = __atomic_load_n(&o->state, __ATOMIC_ACQUIRE);

		if (s == GCPU_SIPI || s == GCPU_READY || s == GCPU_RUNNING)
			return false;
		if (s == GCPU_HALTED && (o->v->rflags & X86_RFLAGS_IF))
			return false;
	}
	return true;
}

static enum exit_next on_hlt(struct gcpu *c, struct vcpu_exit *e)
{
	enum gcpu_state from = GCPU_RUNNING; /* or another CPU has just sent it INIT */

	skip(c, e);
	if (lapic_pending(c))
		return EXIT_RESUME;
	if (!(c->v->rflags & X86_RFLAGS_IF)) {
		__atomic_compare_exchange_n(&c->state, &from, GCPU_HALTED, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
		if (all_dead(c->guest))
			return fail(c, e, "HLT with interrupts off: it halted for good");
	}
	return EXIT_BLOCK;
}

static enum exit_next on_pause(struct gcpu *c, struct vcpu_exit *e)
{
	skip(c, e);
	return EXIT_RESCHED;
}

static enum exit_next on_rdmsr(struct gcpu *c, struct vcpu_exit *e)
{
	uint64_t val;

	if (msr_read(c, (uint32_t)c->v->gpr[VCPU_RCX], &val))
		return fault(c, X86_VEC_GP, 0);
	c->v->gpr[VCPU_RAX] = (uint32_t)val;
	c->v->gpr[VCPU_RDX] = val >> 32;
	return skip(c, e);
}

static enum exit_next on_wrmsr(struct gcpu *c, struct vcpu_exit *e)
{
	uint64_t val = (uint32_t)c->v->gpr[VCPU_RAX] | c->v->gpr[VCPU_RDX] << 32;

	if (msr_write(c, (uint32_t)c->v->gpr[VCPU_RCX], val))
		return fault(c, X86_VEC_GP, 0);
	return skip(c, e);
}

static uint64_t cr_value(struct gcpu *c, const struct vcpu_exit *e)
{
	uint64_t cr0 = c->v->ops->get(c->v, VCPU_CR0), val;

	if (e->cr.gpr == 0xff)
		return cr0 & ~X86_CR0_TS;
	if (e->cr.gpr == 0xfe) /* LMSW sets PE, and never clears it */
		return (cr0 & ~UINT64_C(0xe)) | (e->cr.value & 0xf);
	val = c->v->gpr[e->cr.gpr & 15];
	return c->v->ops->get(c->v, VCPU_CS_ATTR) & X86_SEG_L ? val : (uint32_t)val;
}

static enum exit_next on_cr(struct gcpu *c, struct vcpu_exit *e)
{
	enum vcpu_reg reg = e->cr.n == 0 ? VCPU_CR0 : e->cr.n == 3 ? VCPU_CR3 : VCPU_CR4;

	if (e->cr.n != 0 && e->cr.n != 3 && e->cr.n != 4)
		return fault(c, X86_VEC_UD, -1);
	if (!e->cr.write) {
		c->v->gpr[e->cr.gpr & 15] = c->v->ops->get(c->v, reg);
		return skip(c, e);
	}
	/* The back end refuses what MOV would: reserved bits, bits that guests do not get. */
	if (c->v->ops->set(c->v, reg, cr_value(c, e))) {
		guest_refused(c->guest);
		return fault(c, X86_VEC_GP, 0);
	}
	return skip(c, e);
}

/* SDM 2D "XSETBV"; the guest's XCR0 is in the CPU while it is on it. */
static enum exit_next on_xsetbv(struct gcpu *c, struct vcpu_exit *e)
{
	uint64_t val = (uint32_t)c->v->gpr[VCPU_RAX] | c->v->gpr[VCPU_RDX] << 32;
	bool ok = ring0(c) && !(uint32_t)c->v->gpr[VCPU_RCX];

	ok = ok && (val & X86_XCR0_X87) && !(val & ~cpuid_xcr0());
	if (!ok || (val & (X86_XCR0_SSE | X86_XCR0_AVX)) == X86_XCR0_AVX) {
		guest_refused(c->guest);
		return fault(c, X86_VEC_GP, 0);
	}
	cpu_xsetbv(val);
	c->xcr0 = val;
	return skip(c, e);
}

static enum exit_next on_undefined(struct gcpu *c, struct vcpu_exit *e)
{
	(void)e;
	guest_refused(c->guest);
	return fault(c, X86_VEC_UD, -1);
}

static enum exit_next on_gp(struct gcpu *c, struct vcpu_exit *e)
{
	(void)e;
	guest_refused(c->guest);
	return fault(c, X86_VEC_GP, 0);
}

/* Memory is write-back and coherent with the devices: there is nothing to write back for. */
static enum exit_next on_wbinvd(struct gcpu *c, struct vcpu_exit *e)
{
	return skip(c, e);
}

static uint64_t total(const struct gcpu *c)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < VCPU_REASONS; i++)
		n += c->exits[i];
	return n;
}

static enum exit_next on_call(struct gcpu *c, struct vcpu_exit *e)
{
	uint64_t *ret = &c->v->gpr[VCPU_RAX], nr = *ret, arg = c->v->gpr[VCPU_RDI];

	*ret = GUEST_CALL_REFUSED;
	if (!ring0(c))
		return skip(c, e);
	switch (nr) {
	case GUEST_CALL_BEAT:
		c->guest->beats++;
		c->guest->beat_value = arg;
		*ret = 0;
		break;
	case GUEST_CALL_EXITS:
		*ret = total(c);
		break;
	case GUEST_CALL_ROOT:
		*ret = c->tsc_root;
		break;
	case GUEST_CALL_TICKS:
		*ret = c->tsc_guest;
		break;
	case GUEST_CALL_VNIC:
		*ret = c->guest->tsc_vnic;
		break;
	case GUEST_CALL_COPIES:
		*ret = virtio_copies(c->guest);
		break;
	case GUEST_CALL_DONE:
		guest_done(c->guest, "done, status %u", (unsigned int)arg);
		return EXIT_BLOCK;
	default:
		guest_refused(c->guest);
	}
	return skip(c, e);
}

/* ---- ports ---------------------------------------------------------------------------------- */

#define COM1	   0x3f8
#define KBD	   0x64
#define KBD_RESET  0xfe
#define RESET	   0xcf9
#define RESET_CPU  0x04
#define FAST_RESET 0x92

/* Looked for by every kernel, and not there: PICs, PIT, speaker, delay, RTC, keyboard, PCI. */
static bool probed(uint16_t p)
{
	return p == 0x20 || p == 0x21 || p == 0xa0 || p == 0xa1 || (p >= 0x40 && p <= 0x43) ||
	       p == 0x60 || p == 0x61 || p == 0x64 || (p >= 0x70 && p <= 0x71) || p == 0x80 ||
	       p == 0xed || (p >= 0xcf8 && p <= 0xcff);
}

static bool wants_reset(uint16_t port, uint32_t val)
{
	return (port == KBD && (val & 0xff) == KBD_RESET) || (port == RESET && (val & RESET_CPU)) ||
	       (port == FAST_RESET && (val & 1));
}

static enum exit_next on_io(struct gcpu *c, struct vcpu_exit *e)
{
	uint64_t *rax = &c->v->gpr[VCPU_RAX];
	uint32_t mask = e->io.size == 4 ? UINT32_MAX : BIT(8 * e->io.size) - 1;
	bool uart = c->guest->uart && (e->io.port & ~7u) == COM1 && e->io.size == 1;
	uint32_t val = mask;

	if (e->io.string)
		return fail(c, e, "string input or output, which no port here has");
	if (!uart && !probed(e->io.port))
		guest_refused(c->guest);
	if (!e->io.in) {
		if (uart)
			uart_out(c->guest->uart, e->io.port & 7, (uint8_t)*rax);
		if (wants_reset(e->io.port, (uint32_t)*rax)) {
			guest_done(c->guest, "asked for a reset");
			return EXIT_BLOCK;
		}
		return skip(c, e);
	}
	if (uart)
		val = uart_in(c->guest->uart, e->io.port & 7);
	*rax = e->io.size == 4 ? val : (*rax & ~(uint64_t)mask) | val;
	return skip(c, e);
}

/* ---- memory and the virtual APIC ------------------------------------------------------------ */

static enum exit_next on_mem(struct gcpu *c, struct vcpu_exit *e)
{
	return mmio_access(c, e, e->gpa);
}

static enum exit_next on_apic_access(struct gcpu *c, struct vcpu_exit *e)
{
	return mmio_access(c, e, GPA_APIC + (e->gpa & 0xfff));
}

static enum exit_next on_apic_write(struct gcpu *c, struct vcpu_exit *e)
{
	uint32_t off = (uint32_t)e->gpa & 0xff0;

	lapic_write(c, off, c->apic[off / 4]);
	return EXIT_RESUME;
}

/* ---- ends ----------------------------------------------------------------------------------- */

static enum exit_next on_exception(struct gcpu *c, struct vcpu_exit *e)
{
	/* They exit so that their delivery cannot go round and round; SDM 3A 6.15. */
	if (e->vector == X86_VEC_DB)
		return fault(c, X86_VEC_DB, -1);
	if (e->vector == X86_VEC_AC)
		return fault(c, X86_VEC_AC, 0);
	if (e->vector == X86_VEC_MC)
		return mce_take(c->guest) ? fail(c, e, MACHINE_CHECK) : EXIT_RESUME;
	return fail(c, e, "exception");
}

static enum exit_next on_triple(struct gcpu *c, struct vcpu_exit *e)
{
	return fail(c, e, "triple fault");
}

static enum exit_next on_task(struct gcpu *c, struct vcpu_exit *e)
{
	return fail(c, e, "task switch by hardware, which is not offered");
}

static enum exit_next on_misconfig(struct gcpu *c, struct vcpu_exit *e)
{
	guest_fail(c->guest, c, "the core's table for 0x%llx cannot be",
		   (unsigned long long)e->gpa);
	return EXIT_BLOCK;
}

static enum exit_next on_unknown(struct gcpu *c, struct vcpu_exit *e)
{
	return fail(c, e, e->why ? e->why : "an exit that nobody handles");
}

static const struct {
	enum exit_next (*fn)(struct gcpu *c, struct vcpu_exit *e);
	bool lock;
} table[VCPU_EXIT_KINDS] = {
	[VCPU_EXIT_UNKNOWN] = {on_unknown, false},
	[VCPU_EXIT_IRQ] = {on_irq, false},
	[VCPU_EXIT_TIMER] = {on_nothing, false},
	[VCPU_EXIT_WINDOW] = {on_nothing, false},
	[VCPU_EXIT_CPUID] = {on_cpuid, false},
	[VCPU_EXIT_HLT] = {on_hlt, true},
	[VCPU_EXIT_PAUSE] = {on_pause, false},
	[VCPU_EXIT_IO] = {on_io, true},
	[VCPU_EXIT_RDMSR] = {on_rdmsr, false},
	[VCPU_EXIT_WRMSR] = {on_wrmsr, false},
	[VCPU_EXIT_CR] = {on_cr, false},
	[VCPU_EXIT_XSETBV] = {on_xsetbv, false},
	[VCPU_EXIT_MEM] = {on_mem, true},
	[VCPU_EXIT_MISCONFIG] = {on_misconfig, false},
	[VCPU_EXIT_APIC_WRITE] = {on_apic_write, true},
	[VCPU_EXIT_APIC_ACCESS] = {on_apic_access, true},
	[VCPU_EXIT_EOI] = {on_nothing, false},
	[VCPU_EXIT_CALL] = {on_call, true},
	[VCPU_EXIT_UNDEFINED] = {on_undefined, false},
	[VCPU_EXIT_GP] = {on_gp, false},
	[VCPU_EXIT_EXCEPTION] = {on_exception, false},
	[VCPU_EXIT_NMI] = {on_nothing, false},
	[VCPU_EXIT_TRIPLE] = {on_triple, false},
	[VCPU_EXIT_INIT] = {on_nothing, false},
	[VCPU_EXIT_SIPI] = {on_nothing, false},
	[VCPU_EXIT_WBINVD] = {on_wbinvd, false},
	[VCPU_EXIT_TASK] = {on_task, false},
	[VCPU_EXIT_DR] = {on_gp, false},
	[VCPU_EXIT_ENTRY] = {on_unknown, false},
};

/* Counts and audits an exit. */
static void note(struct gcpu *c, const struct vcpu_exit *e)
{
	struct exit_record *r = &c->ring[c->ring_next % EXIT_RING];

	c->exits[e->reason]++;
	r->tsc = c->v->tsc_exit;
	r->rip = c->v->rip;
	r->qualification = e->qualification;
	r->reason = e->reason;
	c->ring_next++;
}

enum exit_next exit_handle(struct gcpu *c, struct vcpu_exit *e)
{
	enum exit_next next;

	note(c, e);
	if (likely(e->kind == VCPU_EXIT_CPUID))
		return on_cpuid(c, e);
	if (!table[e->kind].lock)
		return table[e->kind].fn(c, e);
	core_lock();
	next = table[e->kind].fn(c, e);
	core_unlock();
	return next;
}
