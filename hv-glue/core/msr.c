/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's model-specific registers: those named here, the rest are #GP. What the hardware
 * switches with the guest (FS, GS, STAR, SYSENTER ...) does not exit and is not here. SDM 4 table
 * 2-2.
 */
#include "base/errno.h"
#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"

#define MISC_FAST_STRINGS BIT64(0)
#define MISC_NO_BTS_PEBS  (BIT64(11) | BIT64(12))
#define AMD_SYSCFG	  UINT32_C(0xc0010010)
#define AMD_HWCR	  UINT32_C(0xc0010015)
#define AMD_DE_CFG	  UINT32_C(0xc0011029)
#define AMD_LFENCE_ORDERS BIT64(1)
#define PLATFORM_ID	  0x17
#define PLATFORM_INFO	  0xce
#define MISC_FEATURES	  0x140

/* Read as said; written with what they hold already, or with anything where it does not matter. */
static const struct {
	uint32_t msr;
	bool ignore; /* writes of other values are dropped, not refused */
	uint64_t value;
} fixed[] = {
	{PLATFORM_ID, false, 0},
	{X86_MSR_FEATURE_CONTROL, false, X86_FEATURE_CONTROL_LOCK},
	{X86_MSR_UCODE_REV, true, 0},
	{X86_MSR_MTRRCAP, false, 0},
	{X86_MSR_MTRR_DEF, false, 6}, /* off, write-back */
	{X86_MSR_MCG_CAP, false, 0},
	{X86_MSR_MCG_STATUS, false, 0},
	{X86_MSR_MISC_ENABLE, false, MISC_FAST_STRINGS | MISC_NO_BTS_PEBS},
	{X86_MSR_DEBUGCTL, false, 0},
	{MISC_FEATURES, false, 0},
	{AMD_SYSCFG, false, 0},
	{AMD_HWCR, true, 0},
	{AMD_DE_CFG, true, AMD_LFENCE_ORDERS},
};

static const struct {
	uint32_t msr;
	enum vcpu_reg reg;
} state[] = {
	{X86_MSR_EFER, VCPU_EFER},
	{X86_MSR_PAT, VCPU_PAT},
	{X86_MSR_SYSENTER_CS, VCPU_SYSENTER_CS},
	{X86_MSR_SYSENTER_ESP, VCPU_SYSENTER_ESP},
	{X86_MSR_SYSENTER_EIP, VCPU_SYSENTER_EIP},
	{X86_MSR_STAR, VCPU_STAR},
	{X86_MSR_LSTAR, VCPU_LSTAR},
	{X86_MSR_CSTAR, VCPU_CSTAR},
	{X86_MSR_FMASK, VCPU_FMASK},
	{X86_MSR_FS_BASE, VCPU_FS_BASE},
	{X86_MSR_GS_BASE, VCPU_GS_BASE},
	{X86_MSR_KERNEL_GS_BASE, VCPU_KERNEL_GS_BASE},
};

static int refuse(struct gcpu *c, const char *how, uint32_t msr)
{
	struct guest *g = c->guest;

	/* A few are probed by every kernel; who goes through all of them is held back by the log.
	 */
	guest_refused(g);
	guest_log(g, "%s MSR 0x%x: refused", how, msr);
	return -EPERM;
}

int msr_read(struct gcpu *c, uint32_t msr, uint64_t *val)
{
	switch (msr) {
	case X86_MSR_TSC:
		*val = cpu_rdtsc();
		return 0;
	case X86_MSR_APIC_BASE:
		*val = c->apic_base;
		return 0;
	case X86_MSR_TSC_DEADLINE:
		*val = c->tsc_deadline_msr;
		return 0;
	case PLATFORM_INFO: /* in units of 100 MHz, bits 15:8 */
		*val = core.tsc_hz / 100000000 << 8 & 0xff00;
		return 0;
	default:
		break;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (fixed[i].msr == msr) {
			*val = fixed[i].value;
			return 0;
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(state); i++) {
		if (state[i].msr == msr) {
			*val = c->v->ops->get(c->v, state[i].reg);
			return 0;
		}
	}
	return refuse(c, "reads", msr);
}

int msr_write(struct gcpu *c, uint32_t msr, uint64_t val)
{
	if (msr == X86_MSR_TSC_DEADLINE) {
		lapic_deadline(c, val);
		return 0;
	}
	/* The APIC stays where it is, and in xAPIC mode. */
	if (msr == X86_MSR_APIC_BASE && val == c->apic_base)
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (fixed[i].msr == msr && (fixed[i].ignore || fixed[i].value == val))
			return 0;
	}
	/* Values are the back end's to judge: it knows what an entry would refuse. */
	for (unsigned int i = 0; i < ARRAY_SIZE(state); i++) {
		if (state[i].msr == msr && !c->v->ops->set(c->v, state[i].reg, val))
			return 0;
	}
	return refuse(c, "writes", msr);
}
