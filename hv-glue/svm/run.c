/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Entering a guest and leaving it, and what is switched only when another one had the CPU. */
#include "svm_priv.h"

static uint64_t phys(const void *p)
{
	return (uintptr_t)p;
}

/* The host's FS, GS, TR, LDTR and system-call MSRs of this CPU are what the exits come back to. */
static void load(struct svm_vcpu *s)
{
	__asm__ volatile("vmsave %0" : : "a"(phys(s->host)) : "memory");
	if (s->ibpb) /* nobody's branches are predicted from another guest's */
		cpu_wrmsr(X86_MSR_PRED_CMD, X86_PRED_CMD_IBPB);
	if (s->tsc_aux)
		cpu_wrmsr(X86_MSR_TSC_AUX, s->tsc_aux_val);
	cpu_fpu_load(&s->fpu);
	cpu_dr_load(s->dr);
	s->flush = true; /* what this CPU knew of the ASID is of another time */
	s->loaded = true;
}

void svm_put(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);

	if (!s->loaded)
		return;
	cpu_dr_save(s->dr);
	cpu_fpu_save(&s->fpu);
	if (s->tsc_aux)
		s->tsc_aux_val = cpu_rdmsr(X86_MSR_TSC_AUX);
	s->loaded = false;
}

static void before(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;

	b->rax = s->v.gpr[VCPU_RAX];
	if (s->v.state_dirty) {
		b->rip = s->v.rip;
		b->rflags = s->v.rflags;
		b->rsp = s->v.gpr[VCPU_RSP];
		s->v.state_dirty = false;
	}
	svm_event_entry(s);
	b->tlb_control = SVM_TLB_KEEP;
	if (s->flush || s->generation != s->v.space->generation) {
		s->generation = s->v.space->generation;
		s->flush = false;
		b->tlb_control =
			s->cpuid & SVM_CPUID_FLUSH_ASID ? SVM_TLB_FLUSH_ASID : SVM_TLB_FLUSH_ALL;
	}
}

static void after(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;

	s->v.gpr[VCPU_RAX] = b->rax;
	s->v.gpr[VCPU_RSP] = b->rsp;
	s->v.rip = b->rip;
	s->v.rflags = b->rflags;
	/* QEMU lets a guest set what a CPU answers with #GP, and does not enter with it. */
	b->cr0 &= X86_CR0_KNOWN;
	if (!(b->cr0 & X86_CR0_CD))
		b->cr0 &= ~X86_CR0_NW;
	svm_event_exit(s);
}

void svm_run(struct vcpu *v, struct vcpu_exit *e)
{
	struct svm_vcpu *s = svm_of(v);

	*e = (struct vcpu_exit){0};
	if (!s->loaded)
		load(s);
	v->tsc_entry = cpu_rdtsc();
	/* IRET ends an NMI, which is nobody's business but event.c's: back to it at once. */
	do {
		/* With its barrier, whose partner is in who takes pages away. */
		(void)__atomic_exchange_n(&v->inside, true, __ATOMIC_SEQ_CST);
		before(s);
		/* Looked at first, since QEMU overwrites the state that it refuses. */
		e->why = svm_state_fault(s);
		if (e->why) {
			s->vmcb->exit_code = SVM_EXIT_INVALID;
			break;
		}
		svm_enter(v, phys(s->vmcb), phys(s->host));
		after(s);
	} while (s->vmcb->exit_code == SVM_EXIT_IRET);
	v->tsc_exit = cpu_rdtsc();
	__atomic_store_n(&v->inside, false, __ATOMIC_RELEASE);
	svm_decode(s, e);
}
