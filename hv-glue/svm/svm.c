/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* AMD-V found and switched on, a virtual CPU's VMCB set up, and the calls as the core knows them.
 */
#include "svm_priv.h"

#include "base/errno.h"

#define LEAF_MAX      0x80000000u
#define LEAF_FEATURES 0x80000001u
#define LEAF_SIZES    0x80000008u
#define SIZES_IBPB    BIT(12) /* EBX */
#define PAUSES	      128     /* in a row, before a spinning guest gives way */

/* Those that the core answers with #UD are here as well: what is not intercepted works. */
#define INTERCEPT1                                                                           \
	(SVM_I1_INTR | SVM_I1_NMI | SVM_I1_SMI | SVM_I1_INIT | SVM_I1_RDPMC | SVM_I1_CPUID | \
	 SVM_I1_RSM | SVM_I1_INVD | SVM_I1_HLT | SVM_I1_INVLPGA | SVM_I1_IOIO | SVM_I1_MSR | \
	 SVM_I1_TASK | SVM_I1_FERR | SVM_I1_SHUTDOWN)
#define INTERCEPT2                                                                     \
	(SVM_I2_VMRUN | SVM_I2_VMMCALL | SVM_I2_VMLOAD | SVM_I2_VMSAVE | SVM_I2_STGI | \
	 SVM_I2_CLGI | SVM_I2_SKINIT | SVM_I2_WBINVD | SVM_I2_MONITOR | SVM_I2_MWAIT | \
	 SVM_I2_MWAIT_ARMED | SVM_I2_XSETBV | SVM_I2_RDPRU)
#define INTERCEPT3 (SVM_I3_INVLPGB | SVM_I3_INVLPGB_BAD | SVM_I3_MCOMMIT | SVM_I3_TLBSYNC)

static bool svm_present(void)
{
	return cpu_cpuid(LEAF_MAX, 0).eax >= SVM_CPUID_LEAF &&
	       (cpu_cpuid(LEAF_FEATURES, 0).ecx & X86_CPUID_81_ECX_SVM);
}

/* APM 15.4. */
static int svm_cpu_on(struct vcpu_host *host)
{
	host->caps = 0;
	if (!svm_present()) {
		host->why = "this CPU has no AMD-V (CPUID 80000001:ECX.SVM is 0)";
		return -ENODEV;
	}
	if (cpu_rdmsr(SVM_MSR_VM_CR) & SVM_VM_CR_SVMDIS) {
		host->why =
			"firmware switched AMD-V off (VM_CR.SVMDIS): enable \"SVM Mode\" in the "
			"firmware's CPU settings and switch the power off and on";
		return -EACCES;
	}
	if (!(cpu_cpuid(SVM_CPUID_LEAF, 0).edx & SVM_CPUID_NPT)) {
		host->why = "this CPU has no nested paging (CPUID 8000000a:EDX.NP is 0): one of "
			    "2008 (family 10h) or later is needed";
		return -EOPNOTSUPP;
	}
	cpu_fpu_on();
	/* NXE: the nested tables are walked by the host's settings. */
	cpu_wrmsr(X86_MSR_EFER, cpu_rdmsr(X86_MSR_EFER) | X86_EFER_SVME | X86_EFER_NXE);
	cpu_wrmsr(SVM_MSR_HSAVE_PA, (uintptr_t)host->region);
	host->caps = VCPU_CAP_2M | VCPU_CAP_AD;
	if (cpu_cpuid(LEAF_FEATURES, 0).edx & X86_CPUID_81_EDX_1G)
		host->caps |= VCPU_CAP_1G;
	host->why = NULL;
	return 0;
}

static void svm_cpu_off(struct vcpu_host *host)
{
	cpu_wrmsr(SVM_MSR_HSAVE_PA, 0);
	cpu_wrmsr(X86_MSR_EFER, cpu_rdmsr(X86_MSR_EFER) & ~X86_EFER_SVME);
	host->caps = 0;
}

/* The bits of CR4 that this CPU has and a guest may know; SDM 2A "CPUID" for which is which. */
static uint64_t cr4_allowed(void)
{
	struct cpu_id l1 = cpu_cpuid(1, 0), l7 = {0};
	uint64_t bits = X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE |
			X86_CR4_PAE | X86_CR4_MCE | X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR |
			X86_CR4_OSXMMEXCPT;

	if (cpu_cpuid(0, 0).eax >= 7)
		l7 = cpu_cpuid(7, 0);
	bits |= l1.ecx & X86_CPUID_1_ECX_PCID ? X86_CR4_PCIDE : 0;
	bits |= l1.ecx & X86_CPUID_1_ECX_XSAVE ? X86_CR4_OSXSAVE : 0;
	bits |= l7.ebx & X86_CPUID_7_EBX_FSGSBASE ? X86_CR4_FSGSBASE : 0;
	bits |= l7.ebx & X86_CPUID_7_EBX_SMEP ? X86_CR4_SMEP : 0;
	bits |= l7.ebx & X86_CPUID_7_EBX_SMAP ? X86_CR4_SMAP : 0;
	bits |= l7.ecx & X86_CPUID_7_ECX_UMIP ? X86_CR4_UMIP : 0;
	return bits;
}

static const void *iopm_init(struct svm_vcpu *s, const uint8_t *allow)
{
	uint8_t *iopm = s->iopm + (-(uintptr_t)s->iopm & (VCPU_PAGE - 1));

	if (!allow)
		return svm_iopm_closed;
	for (unsigned int i = 0; i < SVM_IOPM_SIZE; i++)
		iopm[i] = i < 65536 / 8 ? (uint8_t)~allow[i] : 0xff;
	return iopm;
}

static void vmcb_init(struct svm_vcpu *s, const struct vcpu_config *cfg)
{
	struct svm_vmcb *b = s->vmcb;

	b->intercept1 = INTERCEPT1;
	b->intercept2 = INTERCEPT2;
	b->intercept3 = INTERCEPT3;
	b->cr_write = BIT(4);
	/* #DB and #AC can come of their own delivery, for ever, with no exit in between. */
	b->exceptions = BIT(X86_VEC_DB) | BIT(X86_VEC_AC) | BIT(X86_VEC_MC);
	b->pause_count = s->cpuid & SVM_CPUID_PAUSE_FILTER ? PAUSES : 0;
	b->iopm = (uintptr_t)iopm_init(s, cfg->io_allow);
	b->msrpm = (uintptr_t)svm_msrpm;
	b->asid = 1; /* anyone's: there are few (QEMU: 15), and a load flushes it, run.c */
	b->int_ctl = SVM_INT_MASKING;
	b->nested_ctl = SVM_NESTED_PAGING;
	b->nested_cr3 = (uintptr_t)cfg->space->root;
}

/* Without the filter each PAUSE would exit: a short wait for a device would cost a switch of
 * guests. */
static void svm_share(struct vcpu *v, bool on)
{
	struct svm_vmcb *b = svm_of(v)->vmcb;

	on = on && b->pause_count;
	b->intercept1 = on ? b->intercept1 | SVM_I1_PAUSE : b->intercept1 & ~SVM_I1_PAUSE;
}

static void svm_fini(struct vcpu *v)
{
	struct svm_vcpu *s = svm_of(v);
	void *pages[] = {s->vmcb, s->host, s->fpu.area};

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i])
			s->mem->free(s->mem->ctx, pages[i]);
}

static int svm_init(void *mem, const struct vcpu_config *cfg, const struct vcpu_host *host,
		    struct vcpu **out)
{
	struct cpu_id features = cpu_cpuid(SVM_CPUID_LEAF, 0);
	struct svm_vcpu *s = mem;
	void *fpu;

	(void)host;
	s->v.ops = &svm_ops;
	s->v.space = cfg->space;
	s->mem = cfg->mem;
	s->apic = cfg->apic_page;
	s->cpuid = features.edx;
	s->cr4_allowed = cr4_allowed();
	s->tsc_aux = cpu_cpuid(LEAF_FEATURES, 0).edx & X86_CPUID_81_EDX_RDTSCP;
	s->ibpb = cpu_cpuid(LEAF_MAX, 0).eax >= LEAF_SIZES &&
		  (cpu_cpuid(LEAF_SIZES, 0).ebx & SIZES_IBPB);
	s->vmcb = s->mem->alloc(s->mem->ctx);
	s->host = s->mem->alloc(s->mem->ctx);
	fpu = s->mem->alloc(s->mem->ctx);
	if (!s->vmcb || !s->host || !fpu) {
		s->fpu.area = fpu;
		svm_fini(&s->v);
		return -ENOMEM;
	}
	cpu_fpu_init(&s->fpu, fpu);
	vmcb_init(s, cfg);
	svm_start(&s->v, &(struct vcpu_start){.real = true, .vector = 0x100});
	*out = &s->v;
	return 0;
}

/* No timer of a guest's own: the core's interrupt ends its run. */
static void svm_set_timer(struct vcpu *v, uint64_t ticks)
{
	(void)v;
	(void)ticks;
}

const struct vcpu_ops svm_ops = {
	.name = "AMD-V",
	.size = (sizeof(struct svm_vcpu) + 63) & ~(size_t)63,
	.vcpu_pages = 3,
	.format = &svm_format,
	.present = svm_present,
	.cpu_on = svm_cpu_on,
	.cpu_off = svm_cpu_off,
	.init = svm_init,
	.fini = svm_fini,
	.start = svm_start,
	.put = svm_put,
	.run = svm_run,
	.get = svm_get,
	.set = svm_set,
	.inject = svm_inject,
	.inject_nmi = svm_inject_nmi,
	.can_irq = svm_can_irq,
	.inject_irq = svm_inject_irq,
	.want_window = svm_want_window,
	.irq_sync = svm_irq_sync,
	.share = svm_share,
	.set_timer = svm_set_timer,
	.skip = svm_skip,
	.reason_name = svm_reason_name,
	.dump = svm_dump,
};
