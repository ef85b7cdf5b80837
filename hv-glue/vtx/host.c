/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A virtual CPU comes to a physical one and leaves it: host state, and guest state that no VMCS
 * has. */
#include "vtx_priv.h"

/* After KERNEL_GS_BASE: only when the guest has RDTSCP. */
const uint32_t vtx_lazy_msr[VTX_LAZY_MSR] = {
	X86_MSR_STAR,  X86_MSR_LSTAR,	       X86_MSR_CSTAR,
	X86_MSR_FMASK, X86_MSR_KERNEL_GS_BASE, X86_MSR_TSC_AUX,
};

static size_t lazy_count(const struct vtx_vcpu *x)
{
	return x->tsc_aux ? VTX_LAZY_MSR : VTX_LAZY_MSR - 1;
}

/* A 64-bit TSS descriptor's base, SDM 3A 8.2.3. */
static uint64_t tss_base(const struct cpu_table *gdt, uint16_t tr)
{
	const uint32_t *d = (const uint32_t *)(uintptr_t)(gdt->base + (tr & ~7u));

	return d[0] >> 16 | (d[1] & 0xff) << 16 | (d[1] & 0xff000000) | (uint64_t)d[2] << 32;
}

/* SDM 3C 27.2.2, 27.2.3: what an exit restores. Selectors with RPL 0, DS and ES may be null. */
void vtx_host_state(void)
{
	struct cpu_table gdt = cpu_gdt(), idt = cpu_idt();
	uint16_t tr = cpu_tr();

	vtx_write(VMX_HOST_CR0, cpu_cr0());
	vtx_write(VMX_HOST_CR3, cpu_cr3());
	vtx_write(VMX_HOST_CR4, cpu_cr4());
	vtx_write(VMX_HOST_EFER, cpu_rdmsr(X86_MSR_EFER));
	vtx_write(VMX_HOST_PAT, cpu_rdmsr(X86_MSR_PAT));
	vtx_write(VMX_HOST_CS_SEL, cpu_cs());
	vtx_write(VMX_HOST_SS_SEL, cpu_ss());
	vtx_write(VMX_HOST_DS_SEL, cpu_ds());
	vtx_write(VMX_HOST_ES_SEL, cpu_es());
	vtx_write(VMX_HOST_FS_SEL, cpu_fs());
	vtx_write(VMX_HOST_GS_SEL, cpu_gs());
	vtx_write(VMX_HOST_TR_SEL, tr);
	vtx_write(VMX_HOST_FS_BASE, cpu_rdmsr(X86_MSR_FS_BASE));
	vtx_write(VMX_HOST_GS_BASE, cpu_rdmsr(X86_MSR_GS_BASE));
	vtx_write(VMX_HOST_TR_BASE, tss_base(&gdt, tr));
	vtx_write(VMX_HOST_GDTR_BASE, gdt.base);
	vtx_write(VMX_HOST_IDTR_BASE, idt.base);
	vtx_write(VMX_HOST_SYSENTER_CS, 0);
	vtx_write(VMX_HOST_SYSENTER_ESP, 0);
	vtx_write(VMX_HOST_SYSENTER_EIP, 0);
	vtx_write(VMX_HOST_RIP, (uint64_t)(uintptr_t)vtx_exit);
}

static void invalidate(bool ept, uint64_t type, uint64_t what)
{
	struct {
		uint64_t what, rest;
	} d = {what, 0};

	if (ept)
		__asm__ volatile("invept %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
	else
		__asm__ volatile("invvpid %0, %1" : : "m"(d), "r"(type) : "cc", "memory");
}

/* What this CPU has cached of the guest: translations through EPT, and linear ones by VPID. SDM 3C
 * 29.4.3.3: INVEPT alone covers changes of EPT; a move between CPUs needs both. */
void vtx_flush_tlb(struct vtx_vcpu *x)
{
	uint64_t caps = x->caps.ept_vpid;

	/* First: what changes from here on makes it flush again. */
	x->generation = __atomic_load_n(&x->v.space->generation, __ATOMIC_ACQUIRE);
	if (caps & VMX_EPT_VPID_INVEPT_ONE)
		invalidate(true, VMX_INV_ONE, x->eptp);
	else
		invalidate(true, VMX_INV_ALL, 0);
	if (!(x->fit.ctl[VTX_PROC2] & VMX_PROC2_VPID))
		return;
	if (caps & VMX_EPT_VPID_INVVPID_ONE)
		invalidate(false, VMX_INV_ONE, x->vpid);
	else
		invalidate(false, VMX_INV_ALL, 0);
}

void vtx_load(struct vtx_vcpu *x)
{
	uint32_t cpu = cpu_cpuid(1, 0).ebx >> 24;

	vtx_vmptrld((uint64_t)(uintptr_t)x->vmcs);
	x->loaded = true;
	vtx_host_state();
	for (size_t i = 0; i < lazy_count(x); i++)
		cpu_wrmsr(vtx_lazy_msr[i], x->lazy[i]);
	cpu_dr_load(x->dr);
	cpu_dr6_set(x->dr6);
	cpu_cr2_set(x->cr2);
	cpu_fpu_load(&x->fpu);
	if (x->ibpb)
		cpu_wrmsr(X86_MSR_PRED_CMD, X86_PRED_CMD_IBPB);
	if (cpu != x->cpu)
		vtx_flush_tlb(x);
	x->cpu = cpu;
}

void vtx_put(struct vcpu *v)
{
	struct vtx_vcpu *x = vtx_of(v);

	if (!x->loaded)
		return;
	cpu_fpu_save(&x->fpu);
	x->cr2 = cpu_cr2();
	x->dr6 = cpu_dr6();
	cpu_dr_save(x->dr);
	for (size_t i = 0; i < lazy_count(x); i++)
		x->lazy[i] = cpu_rdmsr(vtx_lazy_msr[i]);
	vtx_vmclear((uint64_t)(uintptr_t)x->vmcs);
	x->loaded = false;
	x->launched = false;
}
