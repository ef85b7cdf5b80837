/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * VT-x behind struct vcpu_ops: one VMCS a virtual CPU, EPT, VPID, unrestricted guest, virtual APIC.
 *
 * Beyond glue/vcpu.h: init() makes do with the struct vcpu_host.caps it is given, which may be
 * fewer than cpu_on() set, and the same on every CPU that shall run the virtual CPU. put() a
 * virtual CPU before another runs on its CPU. After map and unmap, every other CPU that runs in
 * that space must exit once; the next run flushes. XCR0 of the guest stays in the CPU between run
 * and put: the core answers VCPU_EXIT_XSETBV with cpu_xsetbv(), inside of cpu_fpu_mask()
 * (glue/cpu_fpu.h). The host's GS base, GDT, IDT and TSS are read when a virtual CPU first runs on
 * a CPU and come back at each exit; KERNEL_GS_BASE, STAR, LSTAR, CSTAR, FMASK, TSC_AUX and DR0 to
 * DR3 of the host are not kept.
 */
#ifndef SLUICE_VTX_VTX_H
#define SLUICE_VTX_VTX_H

#include "glue/vcpu.h"

extern const struct vcpu_ops vtx_ops;

enum vtx_ctl { VTX_PIN, VTX_PROC, VTX_PROC2, VTX_EXIT, VTX_ENTRY, VTX_CTLS };

/* The capability MSRs of a CPU, SDM 3D appendix A; ctl of VTX_CTLS, the TRUE_ ones where it has
 * them. */
struct vtx_caps {
	uint64_t basic, misc, ept_vpid;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t ctl[VTX_CTLS];
};

/* What was made of them: the controls of every VMCS, and enum vcpu_caps. */
struct vtx_fit {
	uint32_t ctl[VTX_CTLS];
	uint32_t caps;
};

/* @rdmsr is called for MSRs that are there. */
void vtx_caps_read(struct vtx_caps *c, uint64_t (*rdmsr)(uint32_t msr));
/* 0, or -EOPNOTSUPP with *@why: a sentence that names the missing control. */
int vtx_fit(const struct vtx_caps *c, struct vtx_fit *fit, const char **why) must_check;

/* Takes away what @caps, of enum vcpu_caps, does not have, and the controls that go with it. */
void vtx_limit(struct vtx_fit *fit, uint32_t caps);

/* What the SDM calls VM-instruction error @n (31.4); never NULL. */
const char *vtx_error_name(uint32_t n);
/* The error of the last VM instruction that failed with a current VMCS on this CPU. */
uint32_t vtx_error(void);
/* The rule of SDM 27.2 and 27.3 that a VMCS breaks, as a clause, or NULL: none that is known here.
 * @read: the value of an enum vmx_field. */
const char *vtx_explain(uint64_t (*read)(void *ctx, uint32_t field), void *ctx);

/* An exit as the CPU reports it; what the reason has no use for is not read and 0. */
struct vtx_raw {
	uint32_t reason; /* with VMX_REASON_ENTRY */
	uint32_t length, event;
	uint64_t qualification, phys;
};

/* @e is zeroed by the caller. */
void vtx_decode(const struct vtx_raw *raw, struct vcpu_exit *e);

#endif
