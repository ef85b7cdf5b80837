/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Exits decoded: what the hardware says, by reason, into what the core handles. Pure logic. */
#include "vtx_priv.h"

#define QUAL  VTX_N_QUAL
#define EVENT VTX_N_EVENT
#define IDT   VTX_N_IDT

/* A reason that is not here has the kind UNKNOWN: the controls that cause it are off. */
const struct vtx_kind vtx_kinds[VMX_REASONS] = {
	[VMX_REASON_EXCEPTION] = {VCPU_EXIT_EXCEPTION, QUAL | EVENT | IDT},
	[VMX_REASON_IRQ] = {VCPU_EXIT_IRQ, EVENT},
	[VMX_REASON_TRIPLE_FAULT] = {VCPU_EXIT_TRIPLE, 0},
	[VMX_REASON_INIT] = {VCPU_EXIT_INIT, 0},
	[VMX_REASON_SIPI] = {VCPU_EXIT_SIPI, QUAL},
	[VMX_REASON_IRQ_WINDOW] = {VCPU_EXIT_WINDOW, 0},
	[VMX_REASON_TASK_SWITCH] = {VCPU_EXIT_TASK, QUAL | IDT},
	[VMX_REASON_CPUID] = {VCPU_EXIT_CPUID, 0},
	[VMX_REASON_GETSEC] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_HLT] = {VCPU_EXIT_HLT, 0},
	[VMX_REASON_INVD] = {VCPU_EXIT_WBINVD, 0}, /* INVD would drop what others wrote */
	[VMX_REASON_RDPMC] = {VCPU_EXIT_GP, 0},
	[VMX_REASON_RSM] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMCALL] = {VCPU_EXIT_CALL, 0},
	[VMX_REASON_VMCLEAR] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMLAUNCH] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMPTRLD] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMPTRST] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMREAD] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMRESUME] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMWRITE] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMXOFF] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_VMXON] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_CR] = {VCPU_EXIT_CR, QUAL},
	[VMX_REASON_DR] = {VCPU_EXIT_DR, QUAL},
	[VMX_REASON_IO] = {VCPU_EXIT_IO, QUAL},
	[VMX_REASON_RDMSR] = {VCPU_EXIT_RDMSR, 0},
	[VMX_REASON_WRMSR] = {VCPU_EXIT_WRMSR, 0},
	[VMX_REASON_ENTRY_STATE] = {VCPU_EXIT_ENTRY, QUAL},
	[VMX_REASON_ENTRY_MSR] = {VCPU_EXIT_ENTRY, QUAL},
	[VMX_REASON_MWAIT] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_MONITOR] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_PAUSE] = {VCPU_EXIT_PAUSE, 0},
	[VMX_REASON_ENTRY_MC] = {VCPU_EXIT_ENTRY, 0},
	[VMX_REASON_TPR_THRESHOLD] = {VCPU_EXIT_WINDOW, 0},
	[VMX_REASON_APIC_ACCESS] = {VCPU_EXIT_APIC_ACCESS, QUAL | IDT},
	[VMX_REASON_EOI] = {VCPU_EXIT_EOI, QUAL},
	[VMX_REASON_EPT_VIOLATION] = {VCPU_EXIT_MEM, QUAL | VTX_N_PHYS | IDT},
	[VMX_REASON_EPT_MISCONFIG] = {VCPU_EXIT_MISCONFIG, VTX_N_PHYS | IDT},
	[VMX_REASON_INVEPT] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_TIMER] = {VCPU_EXIT_TIMER, VTX_N_OWN},
	[VMX_REASON_INVVPID] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_WBINVD] = {VCPU_EXIT_WBINVD, 0},
	[VMX_REASON_XSETBV] = {VCPU_EXIT_XSETBV, 0},
	[VMX_REASON_APIC_WRITE] = {VCPU_EXIT_APIC_WRITE, QUAL},
	[VMX_REASON_VMFUNC] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_ENCLS] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_XSAVES] = {VCPU_EXIT_UNDEFINED, 0},
	[VMX_REASON_XRSTORS] = {VCPU_EXIT_UNDEFINED, 0},
};
_Static_assert(VMX_REASONS < VCPU_REASONS, "reasons are indexes of the core's counters");

#define REASON_NAME(name, code) [code] = #name,
static const char *const names[VMX_REASONS] = {VMX_REASON_LIST(REASON_NAME)};

const char *vtx_reason_name(uint32_t reason)
{
	return reason < VMX_REASONS && names[reason] ? names[reason] : "UNNAMED";
}

/* SDM 3C table 28-3. */
static void decode_cr(uint32_t qual, struct vcpu_exit *e)
{
	uint32_t type = field_get(VMX_QUAL_CR_TYPE, qual);

	e->cr.n = (uint8_t)field_get(VMX_QUAL_CR, qual);
	e->cr.write = type != 1;
	e->cr.gpr = (uint8_t)field_get(VMX_QUAL_CR_GPR, qual);
	if (type == 2)
		e->cr.gpr = 0xff;
	if (type == 3)
		e->cr.gpr = 0xfe;
	e->cr.value = type == 3 ? (uint16_t)field_get(VMX_QUAL_CR_LMSW, qual) : 0;
}

/* SDM 3C table 28-4. */
static void decode_dr(uint32_t qual, struct vcpu_exit *e)
{
	e->cr.n = (uint8_t)field_get(VMX_QUAL_DR, qual);
	e->cr.gpr = (uint8_t)field_get(VMX_QUAL_CR_GPR, qual);
	e->cr.write = !(qual & VMX_QUAL_DR_FROM);
}

/* SDM 3C table 28-5. */
static void decode_io(const struct vtx_raw *raw, struct vcpu_exit *e)
{
	uint32_t qual = (uint32_t)raw->qualification;

	e->io.port = (uint16_t)field_get(VMX_QUAL_IO_PORT, qual);
	e->io.size = (uint8_t)(field_get(VMX_QUAL_IO_SIZE, qual) + 1);
	e->io.in = qual & VMX_QUAL_IO_IN;
	e->io.string = qual & VMX_QUAL_IO_STRING;
	e->io.rep = qual & VMX_QUAL_IO_REP;
}

/* SDM 3C table 28-6: 0 read, 1 write, 2 fetch, 3 in event delivery; 10 and 15 physical. */
static void decode_apic(uint32_t qual, struct vcpu_exit *e)
{
	static const uint8_t access[16] = {
		[0] = VCPU_R, [1] = VCPU_W,  [2] = VCPU_X,
		[3] = VCPU_W, [10] = VCPU_W, [15] = VCPU_R,
	};

	e->gpa = field_get(VMX_QUAL_APIC_OFFSET, qual);
	e->access = access[field_get(VMX_QUAL_APIC_TYPE, qual)];
}

static void decode_event(const struct vtx_raw *raw, struct vcpu_exit *e)
{
	e->vector = (int)field_get(VMX_EVENT_VECTOR, raw->event);
	if (e->kind == VCPU_EXIT_IRQ && !(raw->event & VMX_EVENT_VALID))
		e->vector = -1;
	if (e->kind == VCPU_EXIT_EXCEPTION &&
	    field_get(VMX_EVENT_TYPE, raw->event) == VMX_EVENT_NMI)
		e->kind = VCPU_EXIT_NMI;
}

void vtx_decode(const struct vtx_raw *raw, struct vcpu_exit *e)
{
	uint32_t qual = (uint32_t)raw->qualification;

	e->reason = raw->reason & VMX_REASON_BASIC;
	e->kind = e->reason < VMX_REASONS ? vtx_kinds[e->reason].kind : VCPU_EXIT_UNKNOWN;
	e->insn_len = e->kind == VCPU_EXIT_APIC_WRITE ? 0 : raw->length; /* it is done already */
	e->qualification = raw->qualification;
	if (e->reason >= VCPU_REASONS) { /* the last stands for all that nobody knows */
		e->qualification = e->reason;
		e->reason = VCPU_REASONS - 1;
	}
	switch (e->kind) {
	case VCPU_EXIT_IRQ:
	case VCPU_EXIT_EXCEPTION:
		decode_event(raw, e);
		break;
	case VCPU_EXIT_IO:
		decode_io(raw, e);
		break;
	case VCPU_EXIT_CR:
		decode_cr(qual, e);
		break;
	case VCPU_EXIT_DR:
		decode_dr(qual, e);
		break;
	case VCPU_EXIT_MEM:
		e->gpa = raw->phys;
		e->access = field_get(VMX_QUAL_EPT_ACCESS, qual);
		break;
	case VCPU_EXIT_MISCONFIG:
		e->gpa = raw->phys;
		break;
	case VCPU_EXIT_APIC_WRITE:
	case VCPU_EXIT_APIC_ACCESS:
		decode_apic(e->kind == VCPU_EXIT_APIC_WRITE ? (qual & VMX_QUAL_APIC_OFFSET) | 0x1000
							    : qual,
			    e);
		break;
	case VCPU_EXIT_SIPI:
	case VCPU_EXIT_EOI:
		e->vector = (int)(qual & 0xff);
		break;
	case VCPU_EXIT_UNKNOWN:
		e->why = "an exit that no control of this guest asks for";
		break;
	default:
		break;
	}
}
