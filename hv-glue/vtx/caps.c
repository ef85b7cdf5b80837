/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a CPU's VT-x offers, the controls fitted to it, and VMX switched on and off. */
#include "vtx_priv.h"

#include "base/errno.h"

/* 29.3.2. No aliases of RAM with another type than the host's: the guest's PAT does not count. */
const struct vcpu_format vtx_format = {
	.table = VMX_EPT_RWX,
	.leaf = VMX_EPT_R,
	.write = VMX_EPT_W,
	.fetch = VMX_EPT_X,
	.wb = (uint64_t)VCPU_WB << VMX_EPT_TYPE_SHIFT | VMX_EPT_IGNORE_PAT,
};

/* One control field: what the driver cannot do without, takes when offered, cannot live with. */
struct need {
	uint32_t must, want, never;
	const char *why;
};

static const struct need needs[VTX_CTLS] = {
	[VTX_PIN] = {VMX_PIN_IRQ | VMX_PIN_NMI | VMX_PIN_VIRTUAL_NMI, VMX_PIN_TIMER, 0,
		     "this CPU cannot make interrupts and NMIs exit (VMX pin-based controls)"},
	[VTX_PROC] = {VMX_PROC_HLT | VMX_PROC_MWAIT | VMX_PROC_RDPMC | VMX_PROC_TPR_SHADOW |
			      VMX_PROC_MSR_BITMAP | VMX_PROC_MONITOR | VMX_PROC_PROC2 | VMX_PROC_IO,
		      VMX_PROC_IO_BITMAP,
		      VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE | VMX_PROC_INVLPG | VMX_PROC_RDTSC |
			      VMX_PROC_CR8_LOAD | VMX_PROC_CR8_STORE | VMX_PROC_MOV_DR,
		      "this CPU lacks the TPR shadow, MSR bitmaps or secondary controls, or makes "
		      "CR3 accesses exit (VMX processor-based controls)"},
	[VTX_PROC2] = {VMX_PROC2_EPT | VMX_PROC2_UNRESTRICTED | VMX_PROC2_WBINVD,
		       VMX_PROC2_RDTSCP | VMX_PROC2_VPID | VMX_PROC2_APIC_ACCESS |
			       VMX_PROC2_APIC_REGS | VMX_PROC2_VID | VMX_PROC2_PAUSE_LOOP |
			       VMX_PROC2_INVPCID | VMX_PROC2_ENCLS | VMX_PROC2_XSAVES,
		       0,
		       "this CPU has no extended page tables or no unrestricted guest: one of 2010 "
		       "(Westmere) or later is needed"},
	[VTX_EXIT] = {VMX_EXIT_HOST64 | VMX_EXIT_SAVE_DEBUG | VMX_EXIT_SAVE_PAT |
			      VMX_EXIT_LOAD_PAT | VMX_EXIT_SAVE_EFER | VMX_EXIT_LOAD_EFER,
		      VMX_EXIT_ACK_IRQ, 0,
		      "this CPU cannot switch PAT and EFER when a guest exits (VM-exit controls)"},
	[VTX_ENTRY] =
		{VMX_ENTRY_LOAD_DEBUG | VMX_ENTRY_LOAD_PAT | VMX_ENTRY_LOAD_EFER, 0, VMX_ENTRY_LONG,
		 "this CPU cannot switch PAT and EFER when a guest enters (VM-entry controls)"},
};

void vtx_caps_read(struct vtx_caps *c, uint64_t (*rdmsr)(uint32_t msr))
{
	bool tr;

	c->basic = rdmsr(VMX_MSR_BASIC);
	tr = c->basic & VMX_BASIC_TRUE;
	c->misc = rdmsr(VMX_MSR_MISC);
	c->ctl[VTX_PIN] = rdmsr(tr ? VMX_MSR_TRUE_PIN : VMX_MSR_PIN);
	c->ctl[VTX_PROC] = rdmsr(tr ? VMX_MSR_TRUE_PROC : VMX_MSR_PROC);
	c->ctl[VTX_EXIT] = rdmsr(tr ? VMX_MSR_TRUE_EXIT : VMX_MSR_EXIT);
	c->ctl[VTX_ENTRY] = rdmsr(tr ? VMX_MSR_TRUE_ENTRY : VMX_MSR_ENTRY);
	c->cr0_fixed0 = rdmsr(VMX_MSR_CR0_FIXED0);
	c->cr0_fixed1 = rdmsr(VMX_MSR_CR0_FIXED1);
	c->cr4_fixed0 = rdmsr(VMX_MSR_CR4_FIXED0);
	c->cr4_fixed1 = rdmsr(VMX_MSR_CR4_FIXED1);
	c->ctl[VTX_PROC2] = c->ept_vpid = 0;
	if (c->ctl[VTX_PROC] >> 32 & VMX_PROC_PROC2)
		c->ctl[VTX_PROC2] = rdmsr(VMX_MSR_PROC2);
	if (c->ctl[VTX_PROC2] >> 32 & (VMX_PROC2_EPT | VMX_PROC2_VPID))
		c->ept_vpid = rdmsr(VMX_MSR_EPT_VPID);
}

/* VPID is of use only when its translations can be flushed. */
static bool has_vpid(const struct vtx_caps *c)
{
	return (c->ept_vpid & VMX_EPT_VPID_INVVPID) &&
	       (c->ept_vpid & (VMX_EPT_VPID_INVVPID_ONE | VMX_EPT_VPID_INVVPID_ALL));
}

static bool has_ept(const struct vtx_caps *c)
{
	uint64_t must =
		VMX_EPT_VPID_WALK4 | VMX_EPT_VPID_UC | VMX_EPT_VPID_WB | VMX_EPT_VPID_INVEPT;

	return (c->ept_vpid & must) == must &&
	       (c->ept_vpid & (VMX_EPT_VPID_INVEPT_ONE | VMX_EPT_VPID_INVEPT_ALL));
}

static uint32_t fit_caps(const struct vtx_caps *c, const struct vtx_fit *f)
{
	uint32_t proc2 = f->ctl[VTX_PROC2], apic = VMX_PROC2_APIC_ACCESS | VMX_PROC2_APIC_REGS;
	bool vapic = (proc2 & apic) == apic;
	bool vid = vapic && (proc2 & VMX_PROC2_VID) && (f->ctl[VTX_EXIT] & VMX_EXIT_ACK_IRQ);

	return (f->ctl[VTX_PIN] & VMX_PIN_TIMER ? (uint32_t)VCPU_CAP_TIMER : 0) |
	       (vapic ? (uint32_t)VCPU_CAP_VAPIC : 0) | (vid ? (uint32_t)VCPU_CAP_VID : 0) |
	       (c->ept_vpid & VMX_EPT_VPID_2M ? (uint32_t)VCPU_CAP_2M : 0) |
	       (c->ept_vpid & VMX_EPT_VPID_1G ? (uint32_t)VCPU_CAP_1G : 0) |
	       (c->ept_vpid & VMX_EPT_VPID_AD ? (uint32_t)VCPU_CAP_AD : 0);
}

void vtx_limit(struct vtx_fit *fit, uint32_t caps)
{
	fit->caps &= caps;
	if (!(fit->caps & VCPU_CAP_TIMER))
		fit->ctl[VTX_PIN] &= ~VMX_PIN_TIMER;
	if (!(fit->caps & VCPU_CAP_VAPIC)) {
		fit->ctl[VTX_PROC2] &= ~(VMX_PROC2_APIC_ACCESS | VMX_PROC2_APIC_REGS);
		fit->caps &= ~(uint32_t)VCPU_CAP_VID;
	}
	if (!(fit->caps & VCPU_CAP_VID))
		fit->ctl[VTX_PROC2] &= ~VMX_PROC2_VID;
}

int vtx_fit(const struct vtx_caps *c, struct vtx_fit *fit, const char **why)
{
	for (size_t i = 0; i < VTX_CTLS; i++) {
		uint32_t on = (uint32_t)c->ctl[i], may = (uint32_t)(c->ctl[i] >> 32);
		const struct need *n = &needs[i];

		if ((n->must & ~may) || (n->never & on)) {
			*why = n->why;
			return -EOPNOTSUPP;
		}
		fit->ctl[i] = (n->must | n->want | on) & may;
	}
	if (!has_ept(c) || !(c->misc & VMX_MISC_LMA)) {
		*why = "this CPU's extended page tables lack four levels, write-back or INVEPT";
		return -EOPNOTSUPP;
	}
	if (!has_vpid(c))
		fit->ctl[VTX_PROC2] &= ~VMX_PROC2_VPID;
	fit->caps = fit_caps(c, fit);
	vtx_limit(fit, fit->caps);
	return 0;
}

/* SDM 3C 24.6: CPUID.1:ECX.VMX. */
bool vtx_present(void)
{
	return cpu_cpuid(1, 0).ecx & X86_CPUID_1_ECX_VMX;
}

/* SDM 3C 24.7: VMXON is a general-protection fault unless the lock and this bit are set. */
static int unlock(const char **why)
{
	uint64_t fc = cpu_rdmsr(X86_MSR_FEATURE_CONTROL);

	if (!(fc & X86_FEATURE_CONTROL_LOCK)) {
		fc |= X86_FEATURE_CONTROL_LOCK | X86_FEATURE_CONTROL_VMX;
		cpu_wrmsr(X86_MSR_FEATURE_CONTROL, fc);
	}
	if (fc & X86_FEATURE_CONTROL_VMX)
		return 0;
	*why = "firmware locked VT-x off: enable \"Intel Virtualization Technology\" (VT-x, VMX) "
	       "in "
	       "the firmware's CPU settings and switch the power off and on";
	return -EACCES;
}

int vtx_cpu_on(struct vcpu_host *host)
{
	struct vtx_caps c;
	struct vtx_fit fit;
	int ret;

	host->caps = 0;
	if (!vtx_present()) {
		host->why = "this CPU has no VT-x (CPUID.1:ECX.VMX is 0)";
		return -ENODEV;
	}
	ret = unlock(&host->why);
	if (ret)
		return ret;
	vtx_caps_read(&c, cpu_rdmsr);
	ret = vtx_fit(&c, &fit, &host->why);
	if (ret)
		return ret;
	cpu_fpu_on();
	cpu_cr0_set((cpu_cr0() | c.cr0_fixed0) & c.cr0_fixed1);
	cpu_cr4_set((cpu_cr4() | X86_CR4_VMXE | c.cr4_fixed0) & c.cr4_fixed1);
	*(uint32_t *)host->region = (uint32_t)c.basic & VMX_BASIC_REVISION;
	if (!vtx_vmxon((uint64_t)(uintptr_t)host->region)) {
		host->why = "VMXON was refused: VMX is on already, or its region is no page";
		return -EOPNOTSUPP;
	}
	host->caps = fit.caps;
	host->why = NULL;
	return 0;
}

void vtx_cpu_off(struct vcpu_host *host)
{
	__asm__ volatile("vmxoff" : : : "cc", "memory");
	cpu_cr4_set(cpu_cr4() & ~X86_CR4_VMXE);
	host->caps = 0;
}
