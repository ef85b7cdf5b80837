/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A virtual CPU runs until an exit that the core has to see. This is the fast path. */
#include "vtx_priv.h"

#define DR7_GD BIT64(13)
/* TSC ticks for which a guest that is entered with RFLAGS.IF 0 may run without the core looking for
 * host interrupts. They exit whatever IF is (SDM 3C 26.2), but Bochs holds them back until the
 * guest next writes IF: its VM entry computes the mask of events as if still in root mode. */
#define SHUT_LIMIT (UINT64_C(1) << 18)

/* NMIs stay blocked after one made a guest exit until an IRET (SDM 3C 28.1); this is one. */
static void unblock_nmi(void)
{
	uint64_t scratch;

	__asm__ volatile("mov %%ss, %0\n\tpush %0\n\tlea 8(%%rsp), %0\n\tpush %0\n\tpushfq\n\t"
			 "mov %%cs, %0\n\tpush %0\n\tlea 1f(%%rip), %0\n\tpush %0\n\tiretq\n1:"
			 : "=&r"(scratch)
			 :
			 : "cc", "memory");
}

/* The timer counts the TSC's bit @rate, and fires up to one of its ticks early: one more. It starts
 * anew at each entry, hence a deadline. SDM 3C 26.5.1. */
static void arm_timer(const struct vtx_vcpu *x, uint64_t now)
{
	uint64_t most = x->v.rflags & X86_RFLAGS_IF ? x->timer_most : SHUT_LIMIT;
	uint64_t left = x->deadline - now, n = 0;

	if (likely(x->deadline > now))
		n = ((left < most ? left : most) >> x->timer_rate) + 1;
	vtx_write(VMX_GUEST_TIMER, n);
}

/* Ahead of the deadline it was SHUT_LIMIT, or the timer's 32 bits were too few. */
static bool timer_early(struct vtx_vcpu *x, uint64_t entered, struct vcpu_exit *e)
{
	if (x->deadline != VTX_NEVER && x->v.tsc_exit >= x->deadline) {
		x->deadline = VTX_NEVER;
		return false;
	}
	if (entered & X86_RFLAGS_IF)
		return true;
	e->kind = VCPU_EXIT_IRQ;
	e->vector = -1;
	return false;
}

static uint64_t read_current(void *ctx, uint32_t field)
{
	(void)ctx;
	return vtx_read(field);
}

static void entry_failed(struct vcpu_exit *e, uint32_t reason, const char *fallback)
{
	*e = (struct vcpu_exit){.kind = VCPU_EXIT_ENTRY, .reason = reason};
	e->why = vtx_explain(read_current, NULL);
	if (!e->why)
		e->why = fallback;
}

/* The frequent exits: an access to a device, in which no event was being delivered; instructions,
 * most of which bring their length alone. False: there is more to it. */
static inline bool plain(uint32_t reason, struct vcpu_exit *e)
{
	const struct vtx_kind *k = &vtx_kinds[reason];

	if (reason == VMX_REASON_EPT_VIOLATION) {
		e->qualification = vtx_read(VMX_QUALIFICATION);
		if ((vtx_read(VMX_IDT_EVENT) & VMX_EVENT_VALID) ||
		    (e->qualification & VMX_QUAL_EPT_IRET))
			return false;
		e->gpa = vtx_read(VMX_GUEST_PHYS);
		e->access = field_get(VMX_QUAL_EPT_ACCESS, (uint32_t)e->qualification);
	} else {
		if (reason >= VMX_REASONS || !k->kind || k->needs)
			return false;
		e->qualification = 0;
		e->insn_len = (uint32_t)vtx_read(VMX_EXIT_LENGTH);
	}
	e->kind = k->kind;
	e->reason = reason;
	return true;
}

/* The exit read and decoded. */
static NOINLINE void collect(struct vtx_vcpu *x, struct vtx_raw *raw, struct vcpu_exit *e)
{
	uint32_t basic = raw->reason & VMX_REASON_BASIC;
	uint32_t needs = basic < VMX_REASONS ? vtx_kinds[basic].needs : 0;

	raw->length = (uint32_t)vtx_read(VMX_EXIT_LENGTH);
	raw->qualification = needs & VTX_N_QUAL ? vtx_read(VMX_QUALIFICATION) : 0;
	raw->event = needs & VTX_N_EVENT ? (uint32_t)vtx_read(VMX_EXIT_EVENT) : 0;
	raw->phys = needs & VTX_N_PHYS ? vtx_read(VMX_GUEST_PHYS) : 0;
	if (needs & VTX_N_IDT)
		vtx_recover(x, raw);
	*e = (struct vcpu_exit){0};
	vtx_decode(raw, e);
}

/* SDM 3C 28.1: DR6 and DR7.GD are left as they were by an exit for #DB; the core injects it. */
static void debug_exception(struct vtx_vcpu *x, const struct vtx_raw *raw)
{
	const uint64_t shadows = VMX_BLOCK_STI | VMX_BLOCK_MOV_SS;

	cpu_dr6_set((cpu_dr6() & ~UINT64_C(0xf)) | (raw->qualification & VMX_QUAL_DB_BITS));
	vtx_write(VMX_GUEST_DR7, vtx_read(VMX_GUEST_DR7) & ~DR7_GD);
	/* INT1 exits as a fault, and is a trap. */
	if (field_get(VMX_EVENT_TYPE, raw->event) == VMX_EVENT_SOFT_PRIV) {
		x->v.rip += raw->length;
		x->v.state_dirty = true;
	}
	/* Entry wants a single step to be pending in a shadow with TF set, 27.3.1.5. */
	if ((x->v.rflags & X86_RFLAGS_TF) && (vtx_read(VMX_GUEST_INTERRUPTIBILITY) & shadows))
		vtx_write(VMX_GUEST_PENDING_DEBUG, VMX_PENDING_DEBUG_BS);
}

/* What the back end does for itself; true: enter again. @entered: RFLAGS at entry. */
static bool internal(struct vtx_vcpu *x, uint64_t entered, const struct vtx_raw *raw,
		     struct vcpu_exit *e)
{
	switch (raw->reason) {
	case VMX_REASON_NMI_WINDOW:
		return true; /* vtx_write_event() puts it in, and closes the window */
	case VMX_REASON_TIMER:
		return timer_early(x, entered, e);
	case VMX_REASON_EXCEPTION:
		if (e->kind == VCPU_EXIT_NMI)
			unblock_nmi();
		else if (e->vector == X86_VEC_DB)
			debug_exception(x, raw);
		return false;
	default:
		return false;
	}
}

static void prepare(struct vtx_vcpu *x)
{
	if (unlikely(!x->loaded))
		vtx_load(x);
	if (unlikely(x->generation != x->v.space->generation))
		vtx_flush_tlb(x);
	if (unlikely((x->event | x->nmi) & VMX_EVENT_VALID))
		vtx_write_event(x);
	if (unlikely(x->dirty | x->v.state_dirty))
		vtx_flush_dirty(x);
}

void vtx_run(struct vcpu *v, struct vcpu_exit *e)
{
	struct vtx_vcpu *x = vtx_of(v);
	struct vtx_raw raw;
	uint64_t flags;
	int failed;

	do {
		/* With its barrier, whose partner is in who takes pages away. */
		(void)__atomic_exchange_n(&v->inside, true, __ATOMIC_SEQ_CST);
		prepare(x);
		v->tsc_entry = cpu_rdtsc();
		if (x->fit.caps & VCPU_CAP_TIMER)
			arm_timer(x, v->tsc_entry);
		flags = v->rflags;
		failed = vtx_enter(v, x->launched);
		v->tsc_exit = cpu_rdtsc();
		__atomic_store_n(&v->inside, false, __ATOMIC_RELEASE);
		if (unlikely(failed)) {
			entry_failed(e, VCPU_REASONS - 1,
				     failed == 1 ? vtx_error_name(vtx_error())
						 : "no current VMCS on this CPU");
			return;
		}
		raw.reason = (uint32_t)vtx_read(VMX_REASON);
		v->rip = vtx_read(VMX_GUEST_RIP);
		v->gpr[VCPU_RSP] = vtx_read(VMX_GUEST_RSP);
		v->rflags = vtx_read(VMX_GUEST_RFLAGS);
		x->launched = true;
		if (likely(plain(raw.reason, e)))
			return;
		collect(x, &raw, e);
		if (unlikely(raw.reason & VMX_REASON_ENTRY)) {
			entry_failed(e, e->reason, vtx_reason_name(e->reason));
			return;
		}
	} while (internal(x, flags, &raw, e));
}
