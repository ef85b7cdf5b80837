/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * AMD-V: the VM control block (VMCB), intercepts, exit codes, MSRs and CPUID bits.
 *
 * Source: AMD64 Architecture Programmer's Manual, volume 2 (24593) revision 3.41: chapter 15,
 * appendix B (layout of the VMCB), appendix C (exit codes); volume 3 (24594), E.4.9.
 */
#ifndef SLUICE_HW_SVM_H
#define SLUICE_HW_SVM_H

#include "base/field.h"

/* ---- CPUID leaf 8000000a: EBX is the number of ASIDs; EDX: */
#define SVM_CPUID_LEAF		0x8000000au
#define SVM_CPUID_NPT		BIT(0)
#define SVM_CPUID_LOCK		BIT(2)
#define SVM_CPUID_NRIP		BIT(3)
#define SVM_CPUID_FLUSH_ASID	BIT(6)
#define SVM_CPUID_DECODE	BIT(7)
#define SVM_CPUID_PAUSE_FILTER	BIT(10)

/* ---- MSRs, 15.30 */
#define SVM_MSR_VM_CR		0xc0010114
#define   SVM_VM_CR_LOCK		BIT64(3)
#define   SVM_VM_CR_SVMDIS		BIT64(4) /* EFER.SVME cannot be set */
#define SVM_MSR_HSAVE_PA	0xc0010117

/* ---- intercepts: each vector's first exit code, then its bits, B.1 */
#define SVM_CODE_INTERCEPT1	0x60
#define   SVM_I1_INTR		BIT(0)
#define   SVM_I1_NMI		BIT(1)
#define   SVM_I1_SMI		BIT(2)
#define   SVM_I1_INIT		BIT(3)
#define   SVM_I1_VINTR		BIT(4)
#define   SVM_I1_RDPMC		BIT(15)
#define   SVM_I1_CPUID		BIT(18)
#define   SVM_I1_RSM		BIT(19)
#define   SVM_I1_IRET		BIT(20)
#define   SVM_I1_INVD		BIT(22)
#define   SVM_I1_PAUSE		BIT(23)
#define   SVM_I1_HLT		BIT(24)
#define   SVM_I1_INVLPGA	BIT(26)
#define   SVM_I1_IOIO		BIT(27)
#define   SVM_I1_MSR		BIT(28)
#define   SVM_I1_TASK		BIT(29)
#define   SVM_I1_FERR		BIT(30)
#define   SVM_I1_SHUTDOWN	BIT(31)
#define SVM_CODE_INTERCEPT2	0x80
#define   SVM_I2_VMRUN		BIT(0) /* must be set */
#define   SVM_I2_VMMCALL	BIT(1)
#define   SVM_I2_VMLOAD		BIT(2)
#define   SVM_I2_VMSAVE		BIT(3)
#define   SVM_I2_STGI		BIT(4)
#define   SVM_I2_CLGI		BIT(5)
#define   SVM_I2_SKINIT		BIT(6)
#define   SVM_I2_WBINVD		BIT(9)
#define   SVM_I2_MONITOR	BIT(10)
#define   SVM_I2_MWAIT		BIT(11)
#define   SVM_I2_MWAIT_ARMED	BIT(12)
#define   SVM_I2_XSETBV		BIT(13)
#define   SVM_I2_RDPRU		BIT(14)
#define SVM_CODE_INTERCEPT3	0xa0
#define   SVM_I3_INVLPGB	BIT(0)
#define   SVM_I3_INVLPGB_BAD	BIT(1)
#define   SVM_I3_MCOMMIT	BIT(3)
#define   SVM_I3_TLBSYNC	BIT(4)

/* ---- exit codes, appendix C; the others are a vector's first code and the bit's number */
#define SVM_EXIT_CR_READ	0x000 /* and the register's number */
#define SVM_EXIT_CR_WRITE	0x010
#define SVM_EXIT_DR_READ	0x020
#define SVM_EXIT_DR_WRITE	0x030
#define SVM_EXIT_EXCEPTION	0x040 /* and the vector, to 5f */
#define SVM_EXIT_INTR		0x060
#define SVM_EXIT_NMI		0x061
#define SVM_EXIT_SMI		0x062
#define SVM_EXIT_INIT		0x063
#define SVM_EXIT_VINTR		0x064
#define SVM_EXIT_RDPMC		0x06f
#define SVM_EXIT_CPUID		0x072
#define SVM_EXIT_RSM		0x073
#define SVM_EXIT_IRET		0x074
#define SVM_EXIT_INVD		0x076
#define SVM_EXIT_PAUSE		0x077
#define SVM_EXIT_HLT		0x078
#define SVM_EXIT_INVLPGA	0x07a
#define SVM_EXIT_IOIO		0x07b
#define SVM_EXIT_MSR		0x07c
#define SVM_EXIT_TASK		0x07d
#define SVM_EXIT_FERR		0x07e
#define SVM_EXIT_SHUTDOWN	0x07f
#define SVM_EXIT_VMRUN		0x080
#define SVM_EXIT_VMMCALL	0x081
#define SVM_EXIT_VMLOAD		0x082
#define SVM_EXIT_VMSAVE		0x083
#define SVM_EXIT_STGI		0x084
#define SVM_EXIT_CLGI		0x085
#define SVM_EXIT_SKINIT		0x086
#define SVM_EXIT_WBINVD		0x089
#define SVM_EXIT_MONITOR	0x08a
#define SVM_EXIT_MWAIT		0x08b
#define SVM_EXIT_MWAIT_ARMED	0x08c
#define SVM_EXIT_XSETBV		0x08d
#define SVM_EXIT_RDPRU		0x08e
#define SVM_EXIT_INVLPGB	0x0a0
#define SVM_EXIT_INVLPGB_BAD	0x0a1
#define SVM_EXIT_MCOMMIT	0x0a3
#define SVM_EXIT_TLBSYNC	0x0a4
#define SVM_EXIT_NPF		0x400
#define SVM_EXIT_INVALID	UINT32_MAX /* VMRUN refused the state, 15.5.1: -1, low half */

/* EXITINFO1 of CR_WRITE with decode assists, 15.8.1 */
#define SVM_CR_INFO_GPR		GENMASK(3, 0)
/* EXITINFO1 of IOIO, 15.10.2; EXITINFO2 is the next RIP */
#define SVM_IO_INFO_IN		BIT(0)
#define SVM_IO_INFO_STRING	BIT(2)
#define SVM_IO_INFO_REP		BIT(3)
#define SVM_IO_INFO_SIZE	GENMASK(6, 4) /* bytes */
#define SVM_IO_INFO_PORT	GENMASK(31, 16)
/* EXITINFO1 of MSR, 15.11 */
#define SVM_MSR_INFO_WRITE	BIT64(0)
/* EXITINFO1 of NPF, 15.25.6; EXITINFO2 is the guest-physical address */
#define SVM_NPF_WRITE		BIT64(1)
#define SVM_NPF_RESERVED	BIT64(3) /* a reserved bit in a nested table */
#define SVM_NPF_FETCH		BIT64(4)
#define SVM_NPF_TABLE		BIT64(33) /* while walking the guest's own page tables */

/* ---- int_ctl, 15.21 */
#define SVM_INT_TPR		GENMASK(3, 0)
#define SVM_INT_IRQ		BIT(8)
#define SVM_INT_PRIO		GENMASK(19, 16)
#define SVM_INT_IGN_TPR		BIT(20)
#define SVM_INT_MASKING		BIT(24)
#define SVM_SHADOW		BIT64(0) /* int_state */

/* ---- EVENTINJ and EXITINTINFO, 15.20 */
#define SVM_EVENT_VECTOR	GENMASK(7, 0)
#define SVM_EVENT_TYPE		GENMASK(10, 8)
#define   SVM_EVENT_INTR		0
#define   SVM_EVENT_NMI			2
#define   SVM_EVENT_EXCEPTION		3
#define   SVM_EVENT_SOFT		4 /* INTn */
#define SVM_EVENT_ERROR		BIT(11) /* error_code is pushed */
#define SVM_EVENT_VALID		BIT(31)

/* ---- tlb_control, 15.16 */
#define SVM_TLB_KEEP		0
#define SVM_TLB_FLUSH_ALL	1
#define SVM_TLB_FLUSH_ASID	3 /* SVM_CPUID_FLUSH_ASID */

#define SVM_NESTED_PAGING	BIT64(0)

/* ---- permission maps */
#define SVM_IOPM_SIZE		12288u /* a bit a port, and what a wide access to the last reaches */
#define SVM_MSRPM_SIZE		8192u  /* 2 bits an MSR: read, write; 0, c0000000, c0010000 */
#define SVM_MSRPM_BANK		2048u  /* bytes for 8192 MSRs */

/* Attributes are a descriptor's bits 47:40 and 55:52, without the gap, B.2. */
#define SVM_ATTR_LOW		GENMASK(7, 0)
#define SVM_ATTR_HIGH		GENMASK(11, 8)
#define SVM_ATTR_L		BIT(9)
#define SVM_ATTR_DB		BIT(10)

struct svm_seg {
	uint16_t selector, attr;
	uint32_t limit;
	uint64_t base;
};

/* 4 KiB, aligned to itself. What is not named is reserved, or not used here, and 0. */
struct svm_vmcb {
	uint16_t cr_read, cr_write, dr_read, dr_write;
	uint32_t exceptions, intercept1, intercept2, intercept3;
	uint8_t r18[36];
	uint16_t pause_threshold, pause_count;
	uint64_t iopm, msrpm, tsc_offset;
	uint32_t asid;
	uint8_t tlb_control, r5d[3];
	uint32_t int_ctl, int_vector;
	uint64_t int_state;
	uint64_t exit_code, exit_info1, exit_info2;
	uint32_t exit_int, exit_int_error;
	uint64_t nested_ctl;
	uint8_t r98[16];
	uint32_t event, event_error;
	uint64_t nested_cr3, lbr_ctl;
	uint64_t clean; /* 0: nothing of this is kept inside the CPU */
	uint64_t next_rip;
	uint8_t rd0[0x400 - 0xd0];
	/* state save area */
	struct svm_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	uint8_t r4a0[43], cpl, r4cc[4];
	uint64_t efer;
	uint8_t r4d8[112];
	uint64_t cr4, cr3, cr0, dr7, dr6, rflags, rip;
	uint8_t r580[88];
	uint64_t rsp;
	uint8_t r5e0[24];
	uint64_t rax, star, lstar, cstar, fmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip, cr2;
	uint8_t r648[32];
	uint64_t pat, debugctl;
	uint8_t r678[0x1000 - 0x678];
};
_Static_assert(offsetof(struct svm_vmcb, pause_threshold) == 0x3c, "layout");
_Static_assert(offsetof(struct svm_vmcb, asid) == 0x58, "layout");
_Static_assert(offsetof(struct svm_vmcb, exit_code) == 0x70, "layout");
_Static_assert(offsetof(struct svm_vmcb, nested_ctl) == 0x90, "layout");
_Static_assert(offsetof(struct svm_vmcb, event) == 0xa8, "layout");
_Static_assert(offsetof(struct svm_vmcb, next_rip) == 0xc8, "layout");
_Static_assert(offsetof(struct svm_vmcb, es) == 0x400, "layout");
_Static_assert(offsetof(struct svm_vmcb, cpl) == 0x4cb, "layout");
_Static_assert(offsetof(struct svm_vmcb, efer) == 0x4d0, "layout");
_Static_assert(offsetof(struct svm_vmcb, cr4) == 0x548, "layout");
_Static_assert(offsetof(struct svm_vmcb, rsp) == 0x5d8, "layout");
_Static_assert(offsetof(struct svm_vmcb, rax) == 0x5f8, "layout");
_Static_assert(offsetof(struct svm_vmcb, cr2) == 0x640, "layout");
_Static_assert(offsetof(struct svm_vmcb, pat) == 0x668, "layout");
_Static_assert(sizeof(struct svm_vmcb) == 4096, "layout");

#endif
