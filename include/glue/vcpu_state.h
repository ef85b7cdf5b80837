/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The registers of a virtual CPU by name, and the states that it starts in. Plain data. */
#ifndef SLUICE_GLUE_VCPU_STATE_H
#define SLUICE_GLUE_VCPU_STATE_H

#include "base/types.h"

/* Index into gpr[]: the encoding of instructions. */
/* clang-format off */
enum vcpu_gpr {
	VCPU_RAX, VCPU_RCX, VCPU_RDX, VCPU_RBX, VCPU_RSP, VCPU_RBP, VCPU_RSI, VCPU_RDI,
	VCPU_R8, VCPU_R9, VCPU_R10, VCPU_R11, VCPU_R12, VCPU_R13, VCPU_R14, VCPU_R15,
};
/* clang-format on */

enum vcpu_reg {
	VCPU_CR0,
	VCPU_CR2,
	VCPU_CR3,
	VCPU_CR4, /* CR0 and CR4 as the guest reads them */
	VCPU_EFER,
	VCPU_DR7,
	VCPU_GS_BASE,
	VCPU_FS_BASE,
	VCPU_CS_BASE,
	VCPU_CS_SEL,
	VCPU_CS_ATTR,
	VCPU_SS_ATTR,
	VCPU_DS_BASE,
	VCPU_ES_BASE,
	VCPU_SS_BASE,
	VCPU_GDT_BASE,
	VCPU_IDT_BASE,
	VCPU_PAT,
	VCPU_SYSENTER_CS,
	VCPU_SYSENTER_ESP,
	VCPU_SYSENTER_EIP,
	VCPU_STAR,
	VCPU_LSTAR,
	VCPU_CSTAR,
	VCPU_FMASK,
	VCPU_KERNEL_GS_BASE,
	VCPU_INTERRUPTIBILITY,
	VCPU_REGS
};

/* The states that a virtual CPU can be put into. */
struct vcpu_start {
	bool real; /* true: real mode at vector << 12 (SIPI), or f000:fff0 with vector 0x100 */
	unsigned int vector;
	/* Not real: 64-bit, flat, interrupts off, paging by cr3; selectors 0x10 and 0x18, as
	 * Linux's 64-bit boot protocol wants them, from the GDT at gdt. */
	uint64_t rip, rsp, rsi, cr3, gdt;
	uint16_t gdt_limit;
};

#endif
