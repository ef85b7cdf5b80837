/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * VT-x: capability MSRs, controls, VMCS fields, exit reasons, instruction errors and EPT entries.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), volume 3C and 3D,
 * December 2023: chapters 25 (VMCS), 26 to 28 (non-root, entry, exit), 29 (EPT, VPID), 30 (APIC),
 * 31 (instructions), appendices A (capabilities), B (field encodings), C (exit reasons).
 */
#ifndef SLUICE_HW_VMX_H
#define SLUICE_HW_VMX_H

#include "base/field.h"

/* ---- capability MSRs, RO, appendix A */
#define VMX_MSR_BASIC		0x480 /* A.1 */
#define   VMX_BASIC_REVISION	       GENMASK(30, 0)
#define   VMX_BASIC_TRUE	       BIT64(55) /* the TRUE_ MSRs below are there */
#define VMX_MSR_PIN		0x481 /* A.3: low half may be 0, high half may be 1 */
#define VMX_MSR_PROC		0x482
#define VMX_MSR_EXIT		0x483 /* A.4 */
#define VMX_MSR_ENTRY		0x484 /* A.5 */
#define VMX_MSR_MISC		0x485 /* A.6 */
#define   VMX_MISC_TIMER_RATE	       GENMASK(4, 0) /* the timer ticks when this TSC bit changes */
#define   VMX_MISC_LMA		       BIT(5) /* exits store EFER.LMA into the entry controls */
#define VMX_MSR_CR0_FIXED0	0x486 /* A.7: bits that are 1 must be 1 */
#define VMX_MSR_CR0_FIXED1	0x487 /* bits that are 0 must be 0 */
#define VMX_MSR_CR4_FIXED0	0x488 /* A.8 */
#define VMX_MSR_CR4_FIXED1	0x489
#define VMX_MSR_PROC2		0x48b
#define VMX_MSR_EPT_VPID	0x48c /* A.10 */
#define   VMX_EPT_VPID_WALK4	       BIT64(6)
#define   VMX_EPT_VPID_UC	       BIT64(8)
#define   VMX_EPT_VPID_WB	       BIT64(14)
#define   VMX_EPT_VPID_2M	       BIT64(16)
#define   VMX_EPT_VPID_1G	       BIT64(17)
#define   VMX_EPT_VPID_INVEPT	       BIT64(20)
#define   VMX_EPT_VPID_AD	       BIT64(21)
#define   VMX_EPT_VPID_INVEPT_ONE      BIT64(25)
#define   VMX_EPT_VPID_INVEPT_ALL      BIT64(26)
#define   VMX_EPT_VPID_INVVPID	       BIT64(32)
#define   VMX_EPT_VPID_INVVPID_ONE     BIT64(41)
#define   VMX_EPT_VPID_INVVPID_ALL     BIT64(42)
#define VMX_MSR_TRUE_PIN	0x48d
#define VMX_MSR_TRUE_PROC	0x48e
#define VMX_MSR_TRUE_EXIT	0x48f
#define VMX_MSR_TRUE_ENTRY	0x490

#define VMX_INV_ONE 1u /* INVEPT and INVVPID: of one EPTP or VPID, 31.3 */
#define VMX_INV_ALL 2u

/* ---- controls */
#define VMX_PIN_IRQ		BIT(0) /* 25.6.1: external interrupts exit */
#define VMX_PIN_NMI		BIT(3)
#define VMX_PIN_VIRTUAL_NMI	BIT(5)
#define VMX_PIN_TIMER		BIT(6)

#define VMX_PROC_IRQ_WINDOW	BIT(2) /* 25.6.2 */
#define VMX_PROC_HLT		BIT(7)
#define VMX_PROC_INVLPG		BIT(9)
#define VMX_PROC_MWAIT		BIT(10)
#define VMX_PROC_RDPMC		BIT(11)
#define VMX_PROC_RDTSC		BIT(12)
#define VMX_PROC_CR3_LOAD	BIT(15)
#define VMX_PROC_CR3_STORE	BIT(16)
#define VMX_PROC_CR8_LOAD	BIT(19)
#define VMX_PROC_CR8_STORE	BIT(20)
#define VMX_PROC_TPR_SHADOW	BIT(21)
#define VMX_PROC_NMI_WINDOW	BIT(22)
#define VMX_PROC_MOV_DR		BIT(23)
#define VMX_PROC_IO		BIT(24) /* all of it */
#define VMX_PROC_IO_BITMAP	BIT(25)
#define VMX_PROC_MSR_BITMAP	BIT(28)
#define VMX_PROC_MONITOR	BIT(29)
#define VMX_PROC_PAUSE		BIT(30)
#define VMX_PROC_PROC2		BIT(31)

#define VMX_PROC2_APIC_ACCESS	BIT(0)
#define VMX_PROC2_EPT		BIT(1)
#define VMX_PROC2_RDTSCP	BIT(3)
#define VMX_PROC2_VPID		BIT(5)
#define VMX_PROC2_WBINVD	BIT(6)
#define VMX_PROC2_UNRESTRICTED	BIT(7)
#define VMX_PROC2_APIC_REGS	BIT(8)
#define VMX_PROC2_VID		BIT(9) /* virtual-interrupt delivery */
#define VMX_PROC2_PAUSE_LOOP	BIT(10)
#define VMX_PROC2_INVPCID	BIT(12)
#define VMX_PROC2_ENCLS		BIT(15)
#define VMX_PROC2_XSAVES	BIT(20)

#define VMX_EXIT_SAVE_DEBUG	BIT(2) /* 25.7.1 */
#define VMX_EXIT_HOST64		BIT(9)
#define VMX_EXIT_ACK_IRQ	BIT(15)
#define VMX_EXIT_SAVE_PAT	BIT(18)
#define VMX_EXIT_LOAD_PAT	BIT(19)
#define VMX_EXIT_SAVE_EFER	BIT(20)
#define VMX_EXIT_LOAD_EFER	BIT(21)

#define VMX_ENTRY_LOAD_DEBUG	BIT(2) /* 25.8.1 */
#define VMX_ENTRY_LONG		BIT(9) /* the guest is in IA-32e mode */
#define VMX_ENTRY_LOAD_PAT	BIT(14)
#define VMX_ENTRY_LOAD_EFER	BIT(15)

/* ---- fields, appendix B; X(name, encoding) */
#define VMX_FIELDS(X)                                                                              \
	X(VPID, 0x0000) X(GUEST_ES_SEL, 0x0800) X(GUEST_CS_SEL, 0x0802) X(GUEST_SS_SEL, 0x0804)    \
	X(GUEST_DS_SEL, 0x0806) X(GUEST_FS_SEL, 0x0808) X(GUEST_GS_SEL, 0x080a)                    \
	X(GUEST_LDTR_SEL, 0x080c) X(GUEST_TR_SEL, 0x080e) X(GUEST_IRQ_STATUS, 0x0810)              \
	X(HOST_ES_SEL, 0x0c00) X(HOST_CS_SEL, 0x0c02) X(HOST_SS_SEL, 0x0c04)                       \
	X(HOST_DS_SEL, 0x0c06) X(HOST_FS_SEL, 0x0c08) X(HOST_GS_SEL, 0x0c0a)                       \
	X(HOST_TR_SEL, 0x0c0c)                                                                     \
	X(IO_BITMAP_A, 0x2000) X(IO_BITMAP_B, 0x2002) X(MSR_BITMAP, 0x2004)                        \
	X(EXIT_MSR_STORE, 0x2006) X(EXIT_MSR_LOAD, 0x2008) X(ENTRY_MSR_LOAD, 0x200a)               \
	X(TSC_OFFSET, 0x2010) X(VIRTUAL_APIC, 0x2012) X(APIC_ACCESS, 0x2014) X(EPTP, 0x201a)       \
	X(EOI_EXIT_0, 0x201c) X(EOI_EXIT_1, 0x201e) X(EOI_EXIT_2, 0x2020) X(EOI_EXIT_3, 0x2022)    \
	X(XSS_EXIT, 0x202c) X(ENCLS_EXIT, 0x202e) X(GUEST_PHYS, 0x2400)                            \
	X(VMCS_LINK, 0x2800) X(GUEST_DEBUGCTL, 0x2802) X(GUEST_PAT, 0x2804)                        \
	X(GUEST_EFER, 0x2806) X(GUEST_PDPTE0, 0x280a) X(GUEST_PDPTE1, 0x280c)                      \
	X(GUEST_PDPTE2, 0x280e) X(GUEST_PDPTE3, 0x2810) X(HOST_PAT, 0x2c00) X(HOST_EFER, 0x2c02)   \
	X(PIN, 0x4000) X(PROC, 0x4002) X(EXCEPTIONS, 0x4004) X(PF_MASK, 0x4006)                    \
	X(PF_MATCH, 0x4008) X(CR3_TARGETS, 0x400a) X(EXIT, 0x400c) X(EXIT_STORE_COUNT, 0x400e)     \
	X(EXIT_LOAD_COUNT, 0x4010) X(ENTRY, 0x4012) X(ENTRY_LOAD_COUNT, 0x4014)                    \
	X(ENTRY_EVENT, 0x4016) X(ENTRY_ERROR, 0x4018) X(ENTRY_LENGTH, 0x401a)                      \
	X(TPR_THRESHOLD, 0x401c) X(PROC2, 0x401e) X(PLE_GAP, 0x4020) X(PLE_WINDOW, 0x4022)         \
	X(INSTRUCTION_ERROR, 0x4400) X(REASON, 0x4402) X(EXIT_EVENT, 0x4404)                       \
	X(EXIT_ERROR, 0x4406) X(IDT_EVENT, 0x4408) X(IDT_ERROR, 0x440a)                            \
	X(EXIT_LENGTH, 0x440c) X(EXIT_INFO, 0x440e)                                                \
	X(GUEST_ES_LIMIT, 0x4800) X(GUEST_CS_LIMIT, 0x4802) X(GUEST_SS_LIMIT, 0x4804)              \
	X(GUEST_DS_LIMIT, 0x4806) X(GUEST_FS_LIMIT, 0x4808) X(GUEST_GS_LIMIT, 0x480a)              \
	X(GUEST_LDTR_LIMIT, 0x480c) X(GUEST_TR_LIMIT, 0x480e) X(GUEST_GDTR_LIMIT, 0x4810)          \
	X(GUEST_IDTR_LIMIT, 0x4812) X(GUEST_ES_ATTR, 0x4814) X(GUEST_CS_ATTR, 0x4816)              \
	X(GUEST_SS_ATTR, 0x4818) X(GUEST_DS_ATTR, 0x481a) X(GUEST_FS_ATTR, 0x481c)                 \
	X(GUEST_GS_ATTR, 0x481e) X(GUEST_LDTR_ATTR, 0x4820) X(GUEST_TR_ATTR, 0x4822)               \
	X(GUEST_INTERRUPTIBILITY, 0x4824) X(GUEST_ACTIVITY, 0x4826) X(GUEST_SMBASE, 0x4828)        \
	X(GUEST_SYSENTER_CS, 0x482a) X(GUEST_TIMER, 0x482e) X(HOST_SYSENTER_CS, 0x4c00)            \
	X(CR0_MASK, 0x6000) X(CR4_MASK, 0x6002) X(CR0_SHADOW, 0x6004) X(CR4_SHADOW, 0x6006)        \
	X(QUALIFICATION, 0x6400) X(GUEST_LINEAR, 0x640a)                                           \
	X(GUEST_CR0, 0x6800) X(GUEST_CR3, 0x6802) X(GUEST_CR4, 0x6804)                             \
	X(GUEST_ES_BASE, 0x6806) X(GUEST_CS_BASE, 0x6808) X(GUEST_SS_BASE, 0x680a)                 \
	X(GUEST_DS_BASE, 0x680c) X(GUEST_FS_BASE, 0x680e) X(GUEST_GS_BASE, 0x6810)                 \
	X(GUEST_LDTR_BASE, 0x6812) X(GUEST_TR_BASE, 0x6814) X(GUEST_GDTR_BASE, 0x6816)             \
	X(GUEST_IDTR_BASE, 0x6818) X(GUEST_DR7, 0x681a) X(GUEST_RSP, 0x681c) X(GUEST_RIP, 0x681e)  \
	X(GUEST_RFLAGS, 0x6820) X(GUEST_PENDING_DEBUG, 0x6822) X(GUEST_SYSENTER_ESP, 0x6824)       \
	X(GUEST_SYSENTER_EIP, 0x6826) X(HOST_CR0, 0x6c00) X(HOST_CR3, 0x6c02)                      \
	X(HOST_CR4, 0x6c04) X(HOST_FS_BASE, 0x6c06) X(HOST_GS_BASE, 0x6c08)                        \
	X(HOST_TR_BASE, 0x6c0a) X(HOST_GDTR_BASE, 0x6c0c) X(HOST_IDTR_BASE, 0x6c0e)                \
	X(HOST_SYSENTER_ESP, 0x6c10) X(HOST_SYSENTER_EIP, 0x6c12) X(HOST_RSP, 0x6c14)              \
	X(HOST_RIP, 0x6c16)

#define VMX_FIELD_ENUM(name, code) VMX_##name = (code),
enum vmx_field { VMX_FIELDS(VMX_FIELD_ENUM) };
#define VMX_SEG_STEP 2u /* between ES, CS, SS, DS, FS, GS, LDTR, TR in selectors, limits, ... */

#define VMX_ATTR_UNUSABLE	BIT(16) /* 25.4.1; the rest as X86_SEG_ */

#define VMX_BLOCK_STI		BIT(0) /* GUEST_INTERRUPTIBILITY, 25.4.2 */
#define VMX_BLOCK_MOV_SS	BIT(1)
#define VMX_BLOCK_NMI		BIT(3)
#define VMX_PENDING_DEBUG_BS	BIT(14)

#define VMX_EVENT_VECTOR	GENMASK(7, 0) /* ENTRY_EVENT, EXIT_EVENT, IDT_EVENT: 25.8.3, 25.9.2 */
#define VMX_EVENT_TYPE		GENMASK(10, 8)
#define   VMX_EVENT_IRQ		       0
#define   VMX_EVENT_NMI		       2
#define   VMX_EVENT_EXCEPTION	       3
#define   VMX_EVENT_SOFT_IRQ	       4
#define   VMX_EVENT_SOFT_PRIV	       5
#define   VMX_EVENT_SOFT_EXCEPTION     6
#define VMX_EVENT_ERROR		BIT(11) /* an error code comes with it */
#define VMX_EVENT_IRET		BIT(12) /* IRET had unblocked NMIs */
#define VMX_EVENT_VALID		BIT(31)

#define VMX_REASON_BASIC	GENMASK(15, 0)
#define VMX_REASON_ENTRY	BIT(31) /* the entry failed */

/* ---- exit qualifications, 28.2.1 */
#define VMX_QUAL_CR		GENMASK(3, 0)
#define VMX_QUAL_CR_TYPE	GENMASK(5, 4) /* 0 to, 1 from, 2 CLTS, 3 LMSW */
#define VMX_QUAL_CR_GPR		GENMASK(11, 8)
#define VMX_QUAL_CR_LMSW	GENMASK(31, 16)
#define VMX_QUAL_DR		GENMASK(2, 0)
#define VMX_QUAL_DR_FROM	BIT(4)
#define VMX_QUAL_IO_SIZE	GENMASK(2, 0) /* bytes less 1 */
#define VMX_QUAL_IO_IN		BIT(3)
#define VMX_QUAL_IO_STRING	BIT(4)
#define VMX_QUAL_IO_REP		BIT(5)
#define VMX_QUAL_IO_PORT	GENMASK(31, 16)
#define VMX_QUAL_EPT_ACCESS	GENMASK(2, 0) /* read, write, fetch */
#define VMX_QUAL_EPT_LINEAR	BIT(7)
#define VMX_QUAL_EPT_IRET	BIT(12)
#define VMX_QUAL_APIC_OFFSET	GENMASK(11, 0)
#define VMX_QUAL_APIC_TYPE	GENMASK(15, 12) /* 0 read, 1 write, 2 fetch, others: event, physical */
#define VMX_QUAL_DB_BITS	UINT32_C(0x0000600f) /* B0 to B3, BD, BS, where DR6 has them */

/* ---- exit reasons, appendix C; X(name, number) */
#define VMX_REASON_LIST(X)                                                                         \
	X(EXCEPTION, 0) X(IRQ, 1) X(TRIPLE_FAULT, 2) X(INIT, 3) X(SIPI, 4) X(IO_SMI, 5)            \
	X(OTHER_SMI, 6) X(IRQ_WINDOW, 7) X(NMI_WINDOW, 8) X(TASK_SWITCH, 9) X(CPUID, 10)           \
	X(GETSEC, 11) X(HLT, 12) X(INVD, 13) X(INVLPG, 14) X(RDPMC, 15) X(RDTSC, 16) X(RSM, 17)    \
	X(VMCALL, 18) X(VMCLEAR, 19) X(VMLAUNCH, 20) X(VMPTRLD, 21) X(VMPTRST, 22)                 \
	X(VMREAD, 23) X(VMRESUME, 24) X(VMWRITE, 25) X(VMXOFF, 26) X(VMXON, 27) X(CR, 28)          \
	X(DR, 29) X(IO, 30) X(RDMSR, 31) X(WRMSR, 32) X(ENTRY_STATE, 33) X(ENTRY_MSR, 34)          \
	X(MWAIT, 36) X(TRAP_FLAG, 37) X(MONITOR, 39) X(PAUSE, 40) X(ENTRY_MC, 41)                  \
	X(TPR_THRESHOLD, 43) X(APIC_ACCESS, 44) X(EOI, 45) X(GDTR_IDTR, 46) X(LDTR_TR, 47)         \
	X(EPT_VIOLATION, 48) X(EPT_MISCONFIG, 49) X(INVEPT, 50) X(RDTSCP, 51) X(TIMER, 52)         \
	X(INVVPID, 53) X(WBINVD, 54) X(XSETBV, 55) X(APIC_WRITE, 56) X(RDRAND, 57)                 \
	X(INVPCID, 58) X(VMFUNC, 59) X(ENCLS, 60) X(RDSEED, 61) X(PML_FULL, 62) X(XSAVES, 63)      \
	X(XRSTORS, 64) X(PCONFIG, 65) X(SPP, 66) X(UMWAIT, 67) X(TPAUSE, 68) X(LOADIWKEY, 69)      \
	X(ENCLV, 70) X(ENQCMD_PASID, 72) X(ENQCMDS_PASID, 73) X(BUS_LOCK, 74) X(NOTIFY, 75)        \
	X(SEAMCALL, 76) X(TDCALL, 77) X(RDMSRLIST, 78) X(WRMSRLIST, 79)

#define VMX_REASON_ENUM(name, code) VMX_REASON_##name = (code),
enum vmx_reason { VMX_REASON_LIST(VMX_REASON_ENUM) VMX_REASONS };

/* ---- VM-instruction errors, 31.4; X(number, text) */
#define VMX_ERROR_LIST(X)                                                                          \
	X(1, "VMCALL executed in VMX root operation")                                              \
	X(2, "VMCLEAR with invalid physical address")                                              \
	X(3, "VMCLEAR with VMXON pointer")                                                         \
	X(4, "VMLAUNCH with non-clear VMCS")                                                       \
	X(5, "VMRESUME with non-launched VMCS")                                                    \
	X(6, "VMRESUME after VMXOFF")                                                              \
	X(7, "VM entry with invalid control fields")                                               \
	X(8, "VM entry with invalid host-state fields")                                            \
	X(9, "VMPTRLD with invalid physical address")                                              \
	X(10, "VMPTRLD with VMXON pointer")                                                        \
	X(11, "VMPTRLD with incorrect VMCS revision identifier")                                   \
	X(12, "VMREAD or VMWRITE from or to unsupported VMCS component")                           \
	X(13, "VMWRITE to read-only VMCS component")                                               \
	X(15, "VMXON executed in VMX root operation")                                              \
	X(16, "VM entry with invalid executive-VMCS pointer")                                      \
	X(17, "VM entry with non-launched executive VMCS")                                         \
	X(18, "VM entry with executive-VMCS pointer not VMXON pointer")                            \
	X(19, "VMCALL with non-clear VMCS")                                                        \
	X(20, "VMCALL with invalid VM-exit control fields")                                        \
	X(22, "VMCALL with incorrect MSEG revision identifier")                                    \
	X(23, "VMXOFF under dual-monitor treatment of SMIs and SMM")                               \
	X(24, "VMCALL with invalid SMM-monitor features")                                          \
	X(25, "VM entry with invalid VM-execution control fields in executive VMCS")               \
	X(26, "VM entry with events blocked by MOV SS")                                            \
	X(28, "INVEPT or INVVPID with invalid operand")

/* ---- EPT, 29.3.2 */
#define VMX_EPTP_WB	     UINT64_C(6)	/* memory type of the tables, 25.6.11 */
#define VMX_EPTP_WALK4	     (UINT64_C(3) << 3) /* levels less 1 */
#define VMX_EPTP_AD	     BIT64(6)
#define VMX_EPT_R	     BIT64(0)
#define VMX_EPT_W	     BIT64(1)
#define VMX_EPT_X	     BIT64(2)
#define VMX_EPT_RWX	     UINT64_C(7)
#define VMX_EPT_TYPE_SHIFT   3
#define VMX_EPT_IGNORE_PAT   BIT64(6)
#define VMX_EPT_LARGE	     BIT64(7)
#define VMX_EPT_A	     BIT64(8)
#define VMX_EPT_D	     BIT64(9)
#define VMX_EPT_ADDR	     UINT64_C(0x000ffffffffff000)

/* MSR bitmap, 25.6.9: reads of 0-1fff, reads of c0000000-c0001fff, writes of both; 1 KiB each. */
#define VMX_MSR_BITMAP_HIGH  0x400u
#define VMX_MSR_BITMAP_WRITE 0x800u

#endif
