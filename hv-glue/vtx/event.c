/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What goes into a guest at its next entry: exceptions, NMIs, interrupts, and events whose delivery
 * an exit cut off; windows, the timer, and the end of an emulated instruction.
 */
#include "vtx_priv.h"

/* Exceptions of the class "contributory", SDM 3A table 6-4: DE TS NP SS GP. */
#define CONTRIBUTORY \
	(BIT(X86_VEC_DE) | BIT(X86_VEC_TS) | BIT(X86_VEC_NP) | BIT(X86_VEC_SS) | BIT(X86_VEC_GP))
#define TASK_PRIORITY 0x80u /* of the APIC page, SDM 3A 11.8.3.1 */

/* SDM 3A table 6-5: does @second, raised while @first was delivered, make a double fault? */
static bool doubles(uint32_t first, uint32_t second)
{
	if (!(first & VMX_EVENT_VALID) || field_get(VMX_EVENT_TYPE, first) != VMX_EVENT_EXCEPTION)
		return false;
	first = field_get(VMX_EVENT_VECTOR, first);
	if (first > 31 || !(BIT(second) & (CONTRIBUTORY | BIT(X86_VEC_PF))))
		return false;
	if (first == X86_VEC_PF || first == X86_VEC_DF)
		return true;
	return (BIT(first) & CONTRIBUTORY) && second != X86_VEC_PF;
}

void vtx_inject(struct vcpu *v, int vector, int64_t error)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint32_t n = (uint32_t)vector & 31;

	if (doubles(x->event, n)) {
		n = X86_VEC_DF;
		error = 0;
	}
	x->event = VMX_EVENT_VALID | field_prep(VMX_EVENT_TYPE, VMX_EVENT_EXCEPTION) | n;
	if (error >= 0 && (X86_VEC_ERROR_CODE & BIT(n)))
		x->event |= VMX_EVENT_ERROR;
	x->event_error = (uint32_t)error & 0xffff;
	x->event_length = 0;
}

void vtx_inject_nmi(struct vcpu *v)
{
	vtx_of(v)->nmi = VMX_EVENT_VALID;
}

static uint64_t interruptibility(struct vtx_vcpu *x)
{
	uint64_t before = vtx_begin(x), val = vtx_read(VMX_GUEST_INTERRUPTIBILITY);

	vtx_end(x, before);
	return val;
}

bool vtx_can_irq(struct vcpu *v)
{
	struct vtx_vcpu *x = vtx_of(v);

	return (v->rflags & X86_RFLAGS_IF) && !(x->event & VMX_EVENT_VALID) &&
	       !(interruptibility(x) & (VMX_BLOCK_STI | VMX_BLOCK_MOV_SS));
}

void vtx_inject_irq(struct vcpu *v, int vector)
{
	struct vtx_vcpu *x = vtx_of(v);

	x->event = VMX_EVENT_VALID | field_prep(VMX_EVENT_TYPE, VMX_EVENT_IRQ) |
		   ((uint32_t)vector & 0xff);
}

static void set_proc(struct vtx_vcpu *x, uint32_t bit, bool on)
{
	uint32_t proc = on ? x->proc | bit : x->proc & ~bit;

	x->dirty |= proc != x->proc ? (uint32_t)VTX_D_PROC : 0;
	x->proc = proc;
}

void vtx_want_window(struct vcpu *v, bool on)
{
	set_proc(vtx_of(v), VMX_PROC_IRQ_WINDOW, on);
}

/* SDM 3C 30.1.1 (with VID): RVI and SVI. Without: an exit when the guest's TPR no longer masks what
 * is requested; not above the TPR, which entry refuses (27.2.1.1). */
void vtx_irq_sync(struct vcpu *v, int requested, int in_service)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint32_t rvi = requested < 0 ? 0 : (uint32_t)requested & 0xff;
	uint32_t svi = in_service < 0 ? 0 : (uint32_t)in_service & 0xff;

	x->irq_status = (uint16_t)(svi << 8 | rvi);
	x->threshold = (uint8_t)(rvi >> 4 <= x->apic[TASK_PRIORITY] >> 4 ? rvi >> 4 : 0);
	x->dirty |= VTX_D_IRQ;
}

void vtx_set_timer(struct vcpu *v, uint64_t ticks)
{
	uint64_t now = cpu_rdtsc();

	vtx_of(v)->deadline = ticks < VTX_NEVER - now ? now + ticks : VTX_NEVER;
}

/* SDM 3C 28.3.3 and 3A 6.8.3: shadows end with the instruction, a single step is due behind it. */
static void finish_skip(const struct vtx_vcpu *x, uint64_t block)
{
	const uint64_t shadows = VMX_BLOCK_STI | VMX_BLOCK_MOV_SS;

	if (block & shadows)
		vtx_write(VMX_GUEST_INTERRUPTIBILITY, block & ~shadows);
	if (x->v.rflags & X86_RFLAGS_TF)
		vtx_write(VMX_GUEST_PENDING_DEBUG,
			  vtx_read(VMX_GUEST_PENDING_DEBUG) | VMX_PENDING_DEBUG_BS);
}

/* At once: its VMCS is current after an exit, and nearly every exit comes here. */
void vtx_skip(struct vcpu *v, const struct vcpu_exit *e)
{
	uint64_t block = vtx_read(VMX_GUEST_INTERRUPTIBILITY);

	v->rip += e->insn_len;
	vtx_write(VMX_GUEST_RIP, v->rip);
	if (unlikely((block & (VMX_BLOCK_STI | VMX_BLOCK_MOV_SS)) || (v->rflags & X86_RFLAGS_TF)))
		finish_skip(vtx_of(v), block);
}

void vtx_flush_dirty(struct vtx_vcpu *x)
{
	if (x->v.state_dirty) {
		vtx_write(VMX_GUEST_RIP, x->v.rip);
		vtx_write(VMX_GUEST_RSP, x->v.gpr[VCPU_RSP]);
		vtx_write(VMX_GUEST_RFLAGS, (x->v.rflags & X86_RFLAGS_KNOWN) | X86_RFLAGS_ONE);
		x->v.state_dirty = false;
	}
	if (x->dirty & VTX_D_PROC)
		vtx_write(VMX_PROC, x->proc);
	if (x->dirty & VTX_D_IRQ && x->fit.caps & VCPU_CAP_VID)
		vtx_write(VMX_GUEST_IRQ_STATUS, x->irq_status);
	else if (x->dirty & VTX_D_IRQ)
		vtx_write(VMX_TPR_THRESHOLD, x->threshold);
	x->dirty = 0;
}

/* SDM 3C 28.2.4: an event in IDT_EVENT was not delivered; entry has to do it again. 28.2.3: IRET
 * had unblocked NMIs and then faulted. */
void vtx_recover(struct vtx_vcpu *x, const struct vtx_raw *raw)
{
	uint32_t idt = (uint32_t)vtx_read(VMX_IDT_EVENT);
	bool iret = (raw->event & VMX_EVENT_IRET) ||
		    ((raw->reason & VMX_REASON_BASIC) == VMX_REASON_EPT_VIOLATION &&
		     (raw->qualification & VMX_QUAL_EPT_IRET));

	if (!(idt & VMX_EVENT_VALID)) {
		if (iret)
			vtx_write(VMX_GUEST_INTERRUPTIBILITY,
				  vtx_read(VMX_GUEST_INTERRUPTIBILITY) | VMX_BLOCK_NMI);
		return;
	}
	x->event = idt & (VMX_EVENT_VALID | VMX_EVENT_ERROR | VMX_EVENT_TYPE | VMX_EVENT_VECTOR);
	x->event_error = idt & VMX_EVENT_ERROR ? (uint32_t)vtx_read(VMX_IDT_ERROR) : 0;
	x->event_length = raw->length;
	if (field_get(VMX_EVENT_TYPE, idt) == VMX_EVENT_NMI)
		vtx_write(VMX_GUEST_INTERRUPTIBILITY,
			  vtx_read(VMX_GUEST_INTERRUPTIBILITY) & ~(uint64_t)VMX_BLOCK_NMI);
}

/* An NMI that is due goes in when nothing else does and nothing blocks it; else its window exits.
 * STI's shadow does not keep the window shut (26.2), yet may make entry refuse an NMI: it ends. */
static void try_nmi(struct vtx_vcpu *x)
{
	uint64_t block = vtx_read(VMX_GUEST_INTERRUPTIBILITY);

	if ((x->event & VMX_EVENT_VALID) || (block & (VMX_BLOCK_NMI | VMX_BLOCK_MOV_SS))) {
		set_proc(x, VMX_PROC_NMI_WINDOW, true);
		return;
	}
	if (block & VMX_BLOCK_STI)
		vtx_write(VMX_GUEST_INTERRUPTIBILITY, block & ~(uint64_t)VMX_BLOCK_STI);
	x->event = VMX_EVENT_VALID | field_prep(VMX_EVENT_TYPE, VMX_EVENT_NMI) | X86_VEC_NMI;
	x->nmi = 0;
	set_proc(x, VMX_PROC_NMI_WINDOW, false);
}

void vtx_write_event(struct vtx_vcpu *x)
{
	uint32_t event;

	if (x->nmi)
		try_nmi(x);
	event = x->event;
	if (!(event & VMX_EVENT_VALID))
		return;
	/* SDM 3C 27.2.1.3: in real mode no exception pushes an error code. */
	if ((event & VMX_EVENT_ERROR) && !(vtx_read(VMX_GUEST_CR0) & X86_CR0_PE))
		event &= ~VMX_EVENT_ERROR;
	vtx_write(VMX_ENTRY_EVENT, event);
	vtx_write(VMX_ENTRY_ERROR, x->event_error);
	vtx_write(VMX_ENTRY_LENGTH, x->event_length);
	x->event = 0;
}
