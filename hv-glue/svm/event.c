/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Exceptions, NMIs and interrupts into a guest: EVENTINJ and the virtual interrupt as a window (APM
 * 15.20, 15.21), what an exit cut off, the guest's TPR.
 */
#include "svm_priv.h"

#define DR6_BS	 BIT64(14)
#define APIC_TPR 0x80
#define APIC_IRR 0x200 /* eight words, 16 bytes apart */

static uint32_t event(unsigned int type, int vector)
{
	return SVM_EVENT_VALID | field_prep(SVM_EVENT_TYPE, type) |
	       field_prep(SVM_EVENT_VECTOR, (uint32_t)vector);
}

void svm_inject(struct vcpu *v, int vector, int64_t error)
{
	struct svm_vmcb *b = svm_of(v)->vmcb;
	bool pushes = error >= 0 && (X86_VEC_ERROR_CODE >> (vector & 31) & 1);

	/* In real mode no exception pushes an error code. */
	b->event = event(SVM_EVENT_EXCEPTION, vector & 31) |
		   (pushes && (b->cr0 & X86_CR0_PE) ? SVM_EVENT_ERROR : 0);
	b->event_error = pushes ? (uint32_t)error : 0;
}

void svm_inject_nmi(struct vcpu *v)
{
	svm_of(v)->nmi = true;
}

bool svm_can_irq(struct vcpu *v)
{
	const struct svm_vcpu *s = svm_of(v);

	return svm_open(s) && !(s->vmcb->event & SVM_EVENT_VALID);
}

void svm_inject_irq(struct vcpu *v, int vector)
{
	svm_of(v)->vmcb->event = event(SVM_EVENT_INTR, vector);
}

/* A virtual interrupt that exits instead of being taken: as soon as the guest could take one. */
void svm_want_window(struct vcpu *v, bool on)
{
	struct svm_vmcb *b = svm_of(v)->vmcb;
	uint32_t bits = SVM_INT_IRQ | SVM_INT_IGN_TPR;

	svm_of(v)->window = on;
	b->int_ctl = on ? b->int_ctl | bits : b->int_ctl & ~bits;
	b->intercept1 = on ? b->intercept1 | SVM_I1_VINTR : b->intercept1 & ~SVM_I1_VINTR;
}

/* No virtual-interrupt delivery in hardware: the core injects. */
void svm_irq_sync(struct vcpu *v, int requested, int in_service)
{
	(void)v;
	(void)requested;
	(void)in_service;
}

void svm_skip(struct vcpu *v, const struct vcpu_exit *e)
{
	struct svm_vcpu *s = svm_of(v);

	v->rip += e->insn_len;
	if (!svm_code64(s))
		v->rip = (uint32_t)v->rip;
	v->state_dirty = true;
	s->vmcb->int_state &= ~SVM_SHADOW;
	/* A single step ends behind an emulated instruction too. */
	if ((v->rflags & X86_RFLAGS_TF) && !(s->vmcb->event & SVM_EVENT_VALID)) {
		s->vmcb->dr6 |= DR6_BS;
		svm_inject(v, X86_VEC_DB, -1);
	}
}

static unsigned int top_class(const uint8_t *apic)
{
	for (unsigned int i = 8; i--;) {
		uint32_t w = *(const volatile uint32_t *)(const void *)(apic + APIC_IRR + 16 * i);

		if (w)
			return 2 * i + (w >> 16 ? 1 : 0);
	}
	return 0;
}

/*
 * The guest's CR8 is V_TPR, and free, but for one case: an interrupt that waits for its TPR alone.
 * Then the write exits, so that it is not late.
 */
static void tpr_entry(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;
	unsigned int tpr, top;

	if (!s->apic)
		return;
	tpr = s->apic[APIC_TPR] >> 4;
	top = top_class(s->apic);
	b->int_ctl = field_set(b->int_ctl, SVM_INT_TPR, tpr);
	b->cr_write = (uint16_t)field_set(b->cr_write, BIT(8), top && top <= tpr);
}

void svm_set_tpr(struct svm_vcpu *s, unsigned int tpr)
{
	if (s->apic && s->apic[APIC_TPR] >> 4 != tpr)
		s->apic[APIC_TPR] = (uint8_t)(tpr << 4);
}

void svm_event_entry(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;

	tpr_entry(s);
	if (s->nmi && !s->nmi_masked && !s->nmi_hold && !(b->event & SVM_EVENT_VALID) &&
	    !(b->int_state & SVM_SHADOW)) {
		b->event = event(SVM_EVENT_NMI, X86_VEC_NMI);
		s->nmi = false;
		s->nmi_masked = true;
		b->intercept1 |= SVM_I1_IRET; /* its end */
	}
}

/*
 * What an exit cut off is delivered again at the next entry, unless the core injects something
 * else. Not so INT n, INT3 and INTO: RIP is still on them, and they are executed again.
 */
static void recover(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;
	uint32_t ev = b->exit_int, type = field_get(SVM_EVENT_TYPE, ev);
	uint32_t vec = field_get(SVM_EVENT_VECTOR, ev);

	b->event = 0; /* a CPU may leave it as it was */
	if (!(ev & SVM_EVENT_VALID) || (uint32_t)b->exit_code == SVM_EXIT_INVALID)
		return;
	if (type == SVM_EVENT_SOFT ||
	    (type == SVM_EVENT_EXCEPTION && (vec == X86_VEC_BP || vec == X86_VEC_OF)))
		return;
	/* QEMU calls an interrupt that it took by itself an exception, and refuses it then. */
	if (type == SVM_EVENT_EXCEPTION && vec > 31)
		ev = event(SVM_EVENT_INTR, (int)vec);
	b->event = ev;
	b->event_error = b->exit_int_error;
}

void svm_event_exit(struct svm_vcpu *s)
{
	struct svm_vmcb *b = s->vmcb;

	s->nmi_hold = false;
	svm_set_tpr(s, field_get(SVM_INT_TPR, b->int_ctl));
	recover(s);
	/* The IRET itself is still to be executed: another NMI has to wait for one exit more. */
	if (b->exit_code == SVM_EXIT_IRET) {
		b->intercept1 &= ~SVM_I1_IRET;
		s->nmi_masked = false;
		s->nmi_hold = true;
	}
}
