/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What an exit was, and the names of exits. */
#include "svm_priv.h"

/* Codes that do not fit below VCPU_REASONS: behind the last one that is in use. */
enum { R_NPF = 0x90, R_INVALID, R_OTHER, R_INTERCEPT3 };

/* By reason. What is not here has the kind UNKNOWN: nobody asks for it. */
static const struct rule {
	const char *name;
	uint8_t kind;
	uint8_t op;	 /* bytes of the instruction behind its prefixes; 0: not asked for */
	bool privileged; /* QEMU looks at some intercepts before it looks at the CPL */
} rules[VCPU_REASONS] = {
	[SVM_EXIT_CR_WRITE + 4] = {"CR4_WRITE", VCPU_EXIT_CR, 3, true},
	[SVM_EXIT_CR_WRITE + 8] = {"CR8_WRITE", VCPU_EXIT_CR, 3, true},
	[SVM_EXIT_EXCEPTION + X86_VEC_DB] = {"DB", VCPU_EXIT_EXCEPTION, 0, false},
	[SVM_EXIT_EXCEPTION + X86_VEC_AC] = {"AC", VCPU_EXIT_EXCEPTION, 0, false},
	[SVM_EXIT_EXCEPTION + X86_VEC_MC] = {"MC", VCPU_EXIT_EXCEPTION, 0, false},
	[SVM_EXIT_INTR] = {"INTR", VCPU_EXIT_IRQ, 0, false},
	[SVM_EXIT_NMI] = {"NMI", VCPU_EXIT_NMI, 0, false},
	[SVM_EXIT_SMI] = {"SMI", VCPU_EXIT_IRQ, 0, false},
	[SVM_EXIT_INIT] = {"INIT", VCPU_EXIT_INIT, 0, false},
	[SVM_EXIT_VINTR] = {"VINTR", VCPU_EXIT_WINDOW, 0, false},
	[SVM_EXIT_RDPMC] = {"RDPMC", VCPU_EXIT_GP, 0, false},
	[SVM_EXIT_CPUID] = {"CPUID", VCPU_EXIT_CPUID, 2, false},
	[SVM_EXIT_RSM] = {"RSM", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_INVD] = {"INVD", VCPU_EXIT_WBINVD, 2, true},
	[SVM_EXIT_PAUSE] = {"PAUSE", VCPU_EXIT_PAUSE, 1, false},
	[SVM_EXIT_HLT] = {"HLT", VCPU_EXIT_HLT, 1, true},
	[SVM_EXIT_INVLPGA] = {"INVLPGA", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_IOIO] = {"IOIO", VCPU_EXIT_IO, 0, false},
	[SVM_EXIT_MSR] = {"MSR", VCPU_EXIT_RDMSR, 2, true},
	[SVM_EXIT_TASK] = {"TASK_SWITCH", VCPU_EXIT_TASK, 0, false},
	[SVM_EXIT_FERR] = {"FERR_FREEZE", VCPU_EXIT_UNKNOWN, 0, false},
	[SVM_EXIT_SHUTDOWN] = {"SHUTDOWN", VCPU_EXIT_TRIPLE, 0, false},
	[SVM_EXIT_VMRUN] = {"VMRUN", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_VMMCALL] = {"VMMCALL", VCPU_EXIT_CALL, 3, false},
	[SVM_EXIT_VMLOAD] = {"VMLOAD", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_VMSAVE] = {"VMSAVE", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_STGI] = {"STGI", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_CLGI] = {"CLGI", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_SKINIT] = {"SKINIT", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_WBINVD] = {"WBINVD", VCPU_EXIT_WBINVD, 2, true},
	[SVM_EXIT_MONITOR] = {"MONITOR", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_MWAIT] = {"MWAIT", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_MWAIT_ARMED] = {"MWAIT_ARMED", VCPU_EXIT_UNDEFINED, 0, false},
	[SVM_EXIT_XSETBV] = {"XSETBV", VCPU_EXIT_XSETBV, 3, true},
	[SVM_EXIT_RDPRU] = {"RDPRU", VCPU_EXIT_UNDEFINED, 0, false},
	[R_NPF] = {"NPF", VCPU_EXIT_MEM, 0, false},
	[R_INVALID] = {"INVALID", VCPU_EXIT_ENTRY, 0, false},
	[R_OTHER] = {"OTHER", VCPU_EXIT_UNKNOWN, 0, false},
	[R_INTERCEPT3] = {"INVLPGB", VCPU_EXIT_UNDEFINED, 0, false},
	[R_INTERCEPT3 + 1] = {"INVLPGB_ILLEGAL", VCPU_EXIT_UNDEFINED, 0, false},
	[R_INTERCEPT3 + 3] = {"MCOMMIT", VCPU_EXIT_UNDEFINED, 0, false},
	[R_INTERCEPT3 + 4] = {"TLBSYNC", VCPU_EXIT_UNDEFINED, 0, false},
};

const char *svm_reason_name(uint32_t reason)
{
	return reason < VCPU_REASONS && rules[reason].name ? rules[reason].name : "UNNAMED";
}

static uint32_t reason_of(uint64_t code)
{
	if (code < R_NPF)
		return (uint32_t)code;
	if (code == SVM_EXIT_NPF)
		return R_NPF;
	if ((uint32_t)code == SVM_EXIT_INVALID) /* QEMU stores 32 bits of -1 */
		return R_INVALID;
	if (code - SVM_CODE_INTERCEPT3 < 8)
		return R_INTERCEPT3 + (uint32_t)(code - SVM_CODE_INTERCEPT3);
	return R_OTHER;
}

static void decode_io(const struct svm_vcpu *s, struct vcpu_exit *e)
{
	uint32_t info = (uint32_t)s->vmcb->exit_info1;
	uint64_t len = s->vmcb->exit_info2 - s->v.rip;

	e->io.port = (uint16_t)field_get(SVM_IO_INFO_PORT, info);
	e->io.size = (uint8_t)field_get(SVM_IO_INFO_SIZE, info);
	e->io.in = info & SVM_IO_INFO_IN;
	e->io.string = info & SVM_IO_INFO_STRING;
	e->io.rep = info & SVM_IO_INFO_REP;
	e->insn_len = len <= 15 ? (unsigned int)len : 0;
}

static void decode_mem(const struct svm_vcpu *s, struct vcpu_exit *e)
{
	uint64_t info = s->vmcb->exit_info1;

	if (info & SVM_NPF_RESERVED)
		e->kind = VCPU_EXIT_MISCONFIG;
	e->gpa = s->vmcb->exit_info2;
	if (info & SVM_NPF_FETCH)
		e->access = VCPU_X;
	else
		e->access = info & SVM_NPF_WRITE ? VCPU_W : VCPU_R;
}

static unsigned int insn_len(struct svm_vcpu *s, unsigned int op)
{
	uint64_t len = s->vmcb->next_rip - s->v.rip;

	if (s->cpuid & SVM_CPUID_NRIP)
		return len <= 15 ? (unsigned int)len : 0;
	return svm_insn_len(s, op);
}

/* CR4: the core decides. CR8: an interrupt waits for it (event.c), so it is done here. */
static void decode_cr(struct svm_vcpu *s, struct vcpu_exit *e)
{
	e->cr.n = s->vmcb->exit_code & 0xf;
	e->cr.write = true;
	if (s->cpuid & SVM_CPUID_DECODE)
		e->cr.gpr = (uint8_t)(s->vmcb->exit_info1 & SVM_CR_INFO_GPR);
	else if (svm_mov_cr(s, &e->cr.gpr) != e->cr.n)
		e->kind = VCPU_EXIT_UNDEFINED; /* the code changed under it */
	if (e->cr.n != 8 || e->kind != VCPU_EXIT_CR)
		return;
	if (s->v.gpr[e->cr.gpr] >> 4) {
		e->kind = VCPU_EXIT_GP;
		return;
	}
	svm_set_tpr(s, (unsigned int)s->v.gpr[e->cr.gpr]);
	e->kind = VCPU_EXIT_WINDOW;
	svm_skip(&s->v, e);
}

/* A CPU answers a reserved bit of CR3 with #GP; QEMU ends the guest's run as if VMRUN had failed.
 */
static void decode_invalid(struct svm_vcpu *s, struct vcpu_exit *e)
{
	uint8_t gpr;

	if (e->why)
		return;
	if (svm_mov_cr(s, &gpr) == 3)
		e->kind = VCPU_EXIT_GP;
	else
		e->why = "VMRUN refused the state by a rule that is not known here";
}

void svm_decode(struct svm_vcpu *s, struct vcpu_exit *e)
{
	const struct svm_vmcb *b = s->vmcb;
	const struct rule *r;

	e->reason = reason_of(b->exit_code);
	e->qualification = b->exit_info1;
	r = &rules[e->reason];
	e->kind = r->privileged && b->cpl ? VCPU_EXIT_GP : r->kind;
	if (r->op)
		e->insn_len = insn_len(s, r->op);
	switch (e->kind) {
	case VCPU_EXIT_IRQ:
		e->vector = -1; /* still pending: taken when the core lets it */
		break;
	case VCPU_EXIT_EXCEPTION:
		e->vector = (int)(b->exit_code - SVM_EXIT_EXCEPTION);
		break;
	case VCPU_EXIT_IO:
		decode_io(s, e);
		break;
	case VCPU_EXIT_MEM:
		decode_mem(s, e);
		break;
	case VCPU_EXIT_CR:
		decode_cr(s, e);
		break;
	case VCPU_EXIT_RDMSR:
		if (b->exit_info1 & SVM_MSR_INFO_WRITE)
			e->kind = VCPU_EXIT_WRMSR;
		break;
	case VCPU_EXIT_HLT:
		if (!s->nmi || s->nmi_masked)
			break;
		/* An NMI waited for this exit (event.c): it ends the halt. */
		svm_skip(&s->v, e);
		e->kind = VCPU_EXIT_WINDOW;
		break;
	case VCPU_EXIT_XSETBV:
		if (!(b->cr4 & X86_CR4_OSXSAVE)) /* QEMU does not look */
			e->kind = VCPU_EXIT_UNDEFINED;
		break;
	case VCPU_EXIT_ENTRY:
		decode_invalid(s, e);
		break;
	case VCPU_EXIT_UNKNOWN:
		e->why = b->exit_code == SVM_EXIT_FERR
				 ? "an x87 error in the old way (CR0.NE clear), which freezes a CPU"
				 : "an exit that nobody asks for";
		break;
	default:
		break;
	}
}
