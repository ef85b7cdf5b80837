/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's registers: the states it starts in, reading and changing them, what VMRUN would refuse.
 */
#include "svm_priv.h"

#include "base/errno.h"

#define AT(field)     offsetof(struct svm_vmcb, field)
#define RESET_VECTOR  0x100
#define INT_SHADOW    BIT64(0) /* as VT-x has it: STI, MOV SS, -, NMI */
#define INT_SHADOW_SS BIT64(1)
#define INT_NMI	      BIT64(3)
#define PAT_TYPES     UINT32_C(0xf3) /* UC WC WT WP WB UC-: APM 7.8.1 */
#define EFER_GUEST    (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE)

/* Where the plain ones are; 0: not plain. */
static const uint16_t where[VCPU_REGS] = {
	[VCPU_CR0] = AT(cr0),
	[VCPU_CR2] = AT(cr2),
	[VCPU_CR3] = AT(cr3),
	[VCPU_CR4] = AT(cr4),
	[VCPU_DR7] = AT(dr7),
	[VCPU_GS_BASE] = AT(gs.base),
	[VCPU_FS_BASE] = AT(fs.base),
	[VCPU_CS_BASE] = AT(cs.base),
	[VCPU_DS_BASE] = AT(ds.base),
	[VCPU_ES_BASE] = AT(es.base),
	[VCPU_SS_BASE] = AT(ss.base),
	[VCPU_GDT_BASE] = AT(gdtr.base),
	[VCPU_IDT_BASE] = AT(idtr.base),
	[VCPU_PAT] = AT(pat),
	[VCPU_SYSENTER_CS] = AT(sysenter_cs),
	[VCPU_SYSENTER_ESP] = AT(sysenter_esp),
	[VCPU_SYSENTER_EIP] = AT(sysenter_eip),
	[VCPU_STAR] = AT(star),
	[VCPU_LSTAR] = AT(lstar),
	[VCPU_CSTAR] = AT(cstar),
	[VCPU_FMASK] = AT(fmask),
	[VCPU_KERNEL_GS_BASE] = AT(kernel_gs_base),
};

/* A descriptor's bytes 5 and 6, and the VMCB's form without the gap. */
static uint32_t attr_out(uint32_t a)
{
	return (a & SVM_ATTR_LOW) | (a & SVM_ATTR_HIGH) << 4;
}

static uint16_t attr_in(uint64_t a)
{
	return (uint16_t)((a & SVM_ATTR_LOW) | (a >> 4 & SVM_ATTR_HIGH));
}

static struct svm_seg seg(uint16_t selector, uint32_t attr, uint32_t limit, uint64_t base)
{
	return (struct svm_seg){selector, attr_in(attr), limit, base};
}

static void start_real(struct svm_vcpu *s, unsigned int vector)
{
	bool reset = vector == RESET_VECTOR;
	struct svm_vmcb *b = s->vmcb;

	b->es = b->ds = b->fs = b->gs = b->ss =
		seg(0, X86_SEG_P | X86_SEG_S | X86_SEG_DATA, 0xffff, 0);
	b->cs = seg(reset ? 0xf000 : (uint16_t)(vector << 8), X86_SEG_P | X86_SEG_S | X86_SEG_CODE,
		    0xffff, reset ? 0xffff0000 : (uint64_t)vector << 12);
	b->gdtr.limit = b->idtr.limit = 0xffff;
	b->cr0 = X86_CR0_ET;
	s->v.rip = reset ? 0xfff0 : 0;
}

static void start_long(struct svm_vcpu *s, const struct vcpu_start *st)
{
	struct svm_vmcb *b = s->vmcb;

	b->es = b->ds = b->fs = b->gs = b->ss = seg(
		0x18, X86_SEG_G | X86_SEG_DB | X86_SEG_P | X86_SEG_S | X86_SEG_DATA, UINT32_MAX, 0);
	b->cs = seg(0x10, X86_SEG_G | X86_SEG_L | X86_SEG_P | X86_SEG_S | X86_SEG_CODE, UINT32_MAX,
		    0);
	b->gdtr = seg(0, 0, st->gdt_limit, st->gdt);
	b->cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | X86_CR0_PG;
	b->cr3 = st->cr3;
	b->cr4 |= X86_CR4_PAE;
	b->efer |= X86_EFER_LME | X86_EFER_LMA;
	s->v.rip = st->rip;
	s->v.gpr[VCPU_RSP] = st->rsp;
	s->v.gpr[VCPU_RSI] = st->rsi;
}

/* After INIT, APM 14.1.3, or as Linux's 64-bit boot protocol wants it. */
void svm_start(struct vcpu *v, const struct vcpu_start *st)
{
	struct svm_vcpu *s = svm_of(v);
	struct svm_vmcb *b = s->vmcb;

	for (unsigned int i = 0; i < ARRAY_SIZE(v->gpr); i++)
		v->gpr[i] = 0;
	b->gdtr = b->idtr = seg(0, 0, 0, 0);
	b->ldtr = seg(0, X86_SEG_P | X86_SEG_LDT, 0xffff, 0);
	b->tr = seg(0, X86_SEG_P | X86_SEG_TSS, 0xffff, 0);
	b->cpl = 0;
	b->efer = X86_EFER_SVME; /* VMRUN demands it; get() hides it */
	b->cr2 = b->cr3 = 0;
	b->cr4 = X86_CR4_MCE; /* a machine check is the host's, whatever the guest thinks of it */
	b->dr6 = X86_DR6_INIT;
	b->dr7 = X86_DR7_INIT;
	b->pat = X86_PAT_INIT;
	b->int_state = 0;
	b->event = 0;
	b->star = b->lstar = b->cstar = b->fmask = b->kernel_gs_base = 0;
	b->sysenter_cs = b->sysenter_esp = b->sysenter_eip = 0;
	b->intercept1 &= ~SVM_I1_IRET;
	s->nmi = s->nmi_masked = s->nmi_hold = false;
	s->flush = true;
	v->rflags = X86_RFLAGS_ONE;
	if (st->real)
		start_real(s, st->vector);
	else
		start_long(s, st);
	v->state_dirty = true;
}

uint64_t svm_get(struct vcpu *v, enum vcpu_reg r)
{
	const struct svm_vcpu *s = svm_of(v);
	const struct svm_vmcb *b = s->vmcb;

	switch (r) {
	case VCPU_EFER:
		return b->efer & ~X86_EFER_SVME;
	case VCPU_CS_SEL:
		return b->cs.selector;
	case VCPU_CS_ATTR:
		return attr_out(b->cs.attr);
	case VCPU_SS_ATTR:
		return attr_out(b->ss.attr);
	case VCPU_INTERRUPTIBILITY:
		return (b->int_state & SVM_SHADOW ? INT_SHADOW : 0) | (s->nmi_masked ? INT_NMI : 0);
	default:
		if (r >= VCPU_REGS || !where[r])
			return 0;
		return *(const uint64_t *)(const void *)((const char *)b + where[r]);
	}
}

static int set_cr0(struct svm_vcpu *s, uint64_t val)
{
	struct svm_vmcb *b = s->vmcb;

	val |= X86_CR0_ET;
	if ((val & ~X86_CR0_KNOWN) || ((val & X86_CR0_NW) && !(val & X86_CR0_CD)) ||
	    ((val & X86_CR0_PG) && !(val & X86_CR0_PE)))
		return -EINVAL;
	if ((val & X86_CR0_PG) && (b->efer & X86_EFER_LME)) {
		if (!(b->cr4 & X86_CR4_PAE))
			return -EINVAL;
		b->efer |= X86_EFER_LMA;
	} else {
		b->efer &= ~X86_EFER_LMA;
	}
	b->cr0 = val;
	s->flush = true;
	return 0;
}

static int set_cr4(struct svm_vcpu *s, uint64_t val)
{
	bool lma = s->vmcb->efer & X86_EFER_LMA;

	if ((val & ~s->cr4_allowed) || (lma && !(val & X86_CR4_PAE)) ||
	    (!lma && (val & X86_CR4_PCIDE)))
		return -EINVAL;
	s->vmcb->cr4 = val | X86_CR4_MCE;
	s->flush = true;
	return 0;
}

static int set_efer(struct svm_vcpu *s, uint64_t val)
{
	struct svm_vmcb *b = s->vmcb;

	if ((val & ~EFER_GUEST) || ((b->cr0 & X86_CR0_PG) && ((val ^ b->efer) & X86_EFER_LME)))
		return -EINVAL;
	/* LMA is the CPU's own: a write of it is ignored. */
	b->efer = (val & ~X86_EFER_LMA) | (b->efer & X86_EFER_LMA) | X86_EFER_SVME;
	s->flush = true;
	return 0;
}

static bool valid(enum vcpu_reg r, uint64_t val)
{
	switch (r) {
	case VCPU_CR3:
		return !(val & ~(X86_PTE_ADDR | 0xfff));
	case VCPU_DR7:
		return !(val >> 32);
	case VCPU_PAT:
		for (; val; val >>= 8)
			if ((val & 0xff) > 7 || !(PAT_TYPES >> (val & 7) & 1))
				return false;
		return true;
	case VCPU_CR2:
	case VCPU_STAR:
	case VCPU_FMASK:
	case VCPU_SYSENTER_CS:
		return true;
	default: /* an address: canonical */
		return (uint64_t)((int64_t)(val << 16) >> 16) == val;
	}
}

int svm_set(struct vcpu *v, enum vcpu_reg r, uint64_t val)
{
	struct svm_vcpu *s = svm_of(v);
	struct svm_vmcb *b = s->vmcb;

	switch (r) {
	case VCPU_CR0:
		return set_cr0(s, val);
	case VCPU_CR4:
		return set_cr4(s, val);
	case VCPU_EFER:
		return set_efer(s, val);
	case VCPU_CS_SEL:
		b->cs.selector = (uint16_t)val;
		return 0;
	case VCPU_CS_ATTR:
		b->cs.attr = attr_in(val);
		return 0;
	case VCPU_SS_ATTR:
		b->ss.attr = attr_in(val);
		b->cpl = (uint8_t)field_get(X86_SEG_DPL, b->ss.attr);
		return 0;
	case VCPU_INTERRUPTIBILITY:
		b->int_state = val & (INT_SHADOW | INT_SHADOW_SS) ? SVM_SHADOW : 0;
		s->nmi_masked = val & INT_NMI;
		b->intercept1 = field_set(b->intercept1, SVM_I1_IRET, s->nmi_masked);
		return 0;
	default:
		if (r >= VCPU_REGS || !where[r] || !valid(r, val))
			return -EINVAL;
		*(uint64_t *)(void *)((char *)b + where[r]) = val;
		s->flush |= r == VCPU_CR3;
		return 0;
	}
}

/* APM 15.5.1, in its order; what init sets once is not looked at. */
const char *svm_state_fault(const struct svm_vcpu *s)
{
	const struct svm_vmcb *b = s->vmcb;
	bool lme_pg = (b->efer & X86_EFER_LME) && (b->cr0 & X86_CR0_PG);
	uint32_t type = field_get(SVM_EVENT_TYPE, b->event);

	if (!(b->cr0 & X86_CR0_CD) && (b->cr0 & X86_CR0_NW))
		return "CR0.NW is set without CR0.CD";
	if (b->cr0 >> 32)
		return "a bit of CR0 above 31 is set";
	if (b->cr3 & ~(X86_PTE_ADDR | 0xfff))
		return "a reserved bit of CR3 is set";
	if (b->cr4 & ~s->cr4_allowed)
		return "CR4 has a bit that this CPU does not have";
	if ((b->dr6 | b->dr7) >> 32)
		return "a bit of DR6 or DR7 above 31 is set";
	if ((b->efer & ~(EFER_GUEST | X86_EFER_SVME)) || !(b->efer & X86_EFER_SVME))
		return "EFER has a bit that a guest cannot have, or lacks SVME";
	if (lme_pg && !(b->cr4 & X86_CR4_PAE))
		return "long mode and paging without CR4.PAE";
	if (lme_pg && !(b->cr0 & X86_CR0_PE))
		return "long mode and paging without CR0.PE";
	if (lme_pg && (b->cs.attr & SVM_ATTR_L) && (b->cs.attr & SVM_ATTR_DB))
		return "CS is a 64-bit segment with its D bit set";
	if (!(b->event & SVM_EVENT_VALID))
		return NULL;
	if (type == 1 || type > SVM_EVENT_SOFT)
		return "an event of a type that there is not";
	if (type == SVM_EVENT_EXCEPTION && (field_get(SVM_EVENT_VECTOR, b->event) > 31 ||
					    field_get(SVM_EVENT_VECTOR, b->event) == X86_VEC_NMI))
		return "an exception of a vector that is none";
	return NULL;
}
