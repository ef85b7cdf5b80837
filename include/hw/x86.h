/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * x86 system registers, MSRs, CPUID bits, segments and vectors that both CPU back ends and the
 * hypervisor core use.
 *
 * Source: Intel 64 and IA-32 Architectures Software Developer's Manual (SDM), December 2023: volume
 * 3A chapters 2 to 6 and 11, volume 4 chapter 2, volume 2A "CPUID"; AMD64 Architecture Programmer's
 * Manual, volume 2 (24593) revision 3.41 for what is AMD's.
 */
#ifndef SLUICE_HW_X86_H
#define SLUICE_HW_X86_H

#include "base/field.h"

/* ---- control registers, SDM 3A 2.5 */
#define X86_CR0_PE	   BIT64(0)
#define X86_CR0_MP	   BIT64(1)
#define X86_CR0_EM	   BIT64(2)
#define X86_CR0_TS	   BIT64(3)
#define X86_CR0_ET	   BIT64(4) /* always 1 */
#define X86_CR0_NE	   BIT64(5)
#define X86_CR0_WP	   BIT64(16)
#define X86_CR0_AM	   BIT64(18)
#define X86_CR0_NW	   BIT64(29)
#define X86_CR0_CD	   BIT64(30)
#define X86_CR0_PG	   BIT64(31)
#define X86_CR0_KNOWN	   UINT64_C(0xe005003f)

#define X86_CR4_VME	   BIT64(0)
#define X86_CR4_PVI	   BIT64(1)
#define X86_CR4_TSD	   BIT64(2)
#define X86_CR4_DE	   BIT64(3)
#define X86_CR4_PSE	   BIT64(4)
#define X86_CR4_PAE	   BIT64(5)
#define X86_CR4_MCE	   BIT64(6)
#define X86_CR4_PGE	   BIT64(7)
#define X86_CR4_PCE	   BIT64(8)
#define X86_CR4_OSFXSR	   BIT64(9)
#define X86_CR4_OSXMMEXCPT BIT64(10)
#define X86_CR4_UMIP	   BIT64(11)
#define X86_CR4_LA57	   BIT64(12)
#define X86_CR4_VMXE	   BIT64(13)
#define X86_CR4_SMXE	   BIT64(14)
#define X86_CR4_FSGSBASE   BIT64(16)
#define X86_CR4_PCIDE	   BIT64(17)
#define X86_CR4_OSXSAVE	   BIT64(18)
#define X86_CR4_SMEP	   BIT64(20)
#define X86_CR4_SMAP	   BIT64(21)
#define X86_CR4_PKE	   BIT64(22)
#define X86_CR4_CET	   BIT64(23)

#define X86_XCR0_X87	   BIT64(0) /* always 1, SDM 1 13.3 */
#define X86_XCR0_SSE	   BIT64(1)
#define X86_XCR0_AVX	   BIT64(2)
#define X86_XCR0_AVX512	   (BIT64(5) | BIT64(6) | BIT64(7)) /* all or none */

#define X86_RFLAGS_ONE	   BIT64(1) /* always 1 */
#define X86_RFLAGS_TF	   BIT64(8)
#define X86_RFLAGS_IF	   BIT64(9)
#define X86_RFLAGS_RF	   BIT64(16)
#define X86_RFLAGS_VM	   BIT64(17)
#define X86_RFLAGS_KNOWN   UINT64_C(0x003f7fd7)

#define X86_DR6_INIT	   UINT64_C(0xffff0ff0) /* after reset, 9.1.1 */
#define X86_DR7_INIT	   UINT64_C(0x00000400)

/* ---- MSRs, SDM 4 table 2-2 */
#define X86_MSR_TSC		0x00000010
#define X86_MSR_APIC_BASE	0x0000001b
#define   X86_APIC_BASE_BSP		  BIT64(8)
#define   X86_APIC_BASE_X2APIC		  BIT64(10)
#define   X86_APIC_BASE_ENABLE		  BIT64(11)
#define X86_MSR_FEATURE_CONTROL 0x0000003a
#define   X86_FEATURE_CONTROL_LOCK	  BIT64(0)
#define   X86_FEATURE_CONTROL_VMX	  BIT64(2) /* VMXON outside of SMX */
#define   X86_FEATURE_CONTROL_LMCE	  BIT64(20)
#define X86_MSR_TSC_ADJUST	0x0000003b
#define X86_MSR_SPEC_CTRL	0x00000048
#define X86_MSR_PRED_CMD	0x00000049 /* WO */
#define   X86_PRED_CMD_IBPB		  BIT64(0)
#define X86_MSR_UCODE_REV	0x0000008b
#define X86_MSR_MTRRCAP		0x000000fe
#define X86_MSR_ARCH_CAPS	0x0000010a
#define X86_MSR_SYSENTER_CS	0x00000174
#define X86_MSR_SYSENTER_ESP	0x00000175
#define X86_MSR_SYSENTER_EIP	0x00000176
#define X86_MSR_MCG_CAP		0x00000179 /* RO; SDM 3B 16.3.1 */
#define   X86_MCG_CAP_COUNT		  GENMASK(7, 0)
#define   X86_MCG_CAP_CTL		  BIT64(8)
#define   X86_MCG_CAP_SER		  BIT64(24) /* S and AR in a bank's status */
#define   X86_MCG_CAP_LMCE		  BIT64(27)
#define X86_MSR_MCG_STATUS	0x0000017a
#define   X86_MCG_RIPV			  BIT64(0)
#define   X86_MCG_MCIP			  BIT64(2)
#define X86_MSR_MCG_CTL		0x0000017b
#define X86_MSR_MISC_ENABLE	0x000001a0
#define X86_MSR_DEBUGCTL	0x000001d9
#define X86_MSR_MTRR_PHYS0	0x00000200 /* base and mask pairs up */
#define X86_MSR_PAT		0x00000277
#define   X86_PAT_INIT			  UINT64_C(0x0007040600070406) /* 11.12.4 */
#define X86_MSR_MTRR_DEF	0x000002ff
#define X86_MSR_PERF_GLOBAL	0x0000038f
#define X86_MSR_TSC_DEADLINE	0x000006e0
#define X86_MSR_MC_CTL(n)	(0x00000400 + 4 * (n)) /* a bank; SDM 3B 16.3.2 */
#define X86_MSR_MC_STATUS(n)	(0x00000401 + 4 * (n))
#define   X86_MC_AR			  BIT64(55)
#define   X86_MC_PCC			  BIT64(57)
#define   X86_MC_ADDRV			  BIT64(58)
#define   X86_MC_MISCV			  BIT64(59)
#define   X86_MC_UC			  BIT64(61)
#define   X86_MC_OVER			  BIT64(62)
#define   X86_MC_VAL			  BIT64(63)
#define X86_MSR_MC_ADDR(n)	(0x00000402 + 4 * (n))
#define X86_MSR_MC_MISC(n)	(0x00000403 + 4 * (n))
#define X86_MSR_MCG_EXT_CTL	0x000004d0
#define   X86_MCG_EXT_CTL_LMCE		  BIT64(0)
#define X86_MSR_X2APIC		0x00000800 /* to 8ff */
#define X86_MSR_XSS		0x00000da0
#define X86_MSR_EFER		0xc0000080
#define   X86_EFER_SCE			  BIT64(0)
#define   X86_EFER_LME			  BIT64(8)
#define   X86_EFER_LMA			  BIT64(10)
#define   X86_EFER_NXE			  BIT64(11)
#define   X86_EFER_SVME			  BIT64(12) /* AMD */
#define X86_MSR_STAR		0xc0000081
#define X86_MSR_LSTAR		0xc0000082
#define X86_MSR_CSTAR		0xc0000083
#define X86_MSR_FMASK		0xc0000084
#define X86_MSR_FS_BASE		0xc0000100
#define X86_MSR_GS_BASE		0xc0000101
#define X86_MSR_KERNEL_GS_BASE	0xc0000102
#define X86_MSR_TSC_AUX		0xc0000103

/* ---- CPUID, SDM 2A: leaf, register, bit */
#define X86_CPUID_1_ECX_MONITOR	    BIT(3)
#define X86_CPUID_1_ECX_VMX	    BIT(5)
#define X86_CPUID_1_ECX_SMX	    BIT(6)
#define X86_CPUID_1_ECX_PCID	    BIT(17)
#define X86_CPUID_1_ECX_X2APIC	    BIT(21)
#define X86_CPUID_1_ECX_TSC_DEADLINE BIT(24)
#define X86_CPUID_1_ECX_XSAVE	    BIT(26)
#define X86_CPUID_1_ECX_OSXSAVE	    BIT(27)
#define X86_CPUID_1_ECX_AVX	    BIT(28)
#define X86_CPUID_1_ECX_HYPERVISOR  BIT(31)
#define X86_CPUID_1_EDX_MCE	    BIT(7)
#define X86_CPUID_1_EDX_APIC	    BIT(9)
#define X86_CPUID_1_EDX_MTRR	    BIT(12)
#define X86_CPUID_1_EDX_MCA	    BIT(14)
#define X86_CPUID_7_EBX_FSGSBASE    BIT(0)
#define X86_CPUID_7_EBX_SMEP	    BIT(7)
#define X86_CPUID_7_EBX_INVPCID	    BIT(10)
#define X86_CPUID_7_EBX_SMAP	    BIT(20)
#define X86_CPUID_7_ECX_UMIP	    BIT(2)
#define X86_CPUID_7_ECX_PKU	    BIT(3)
#define X86_CPUID_7_EDX_IBPB	    BIT(26)
#define X86_CPUID_D1_EAX_XSAVEOPT   BIT(0)
#define X86_CPUID_D1_EAX_XSAVES	    BIT(3)
#define X86_CPUID_81_ECX_SVM	    BIT(2)  /* AMD, leaf 80000001 */
#define X86_CPUID_81_EDX_NX	    BIT(20)
#define X86_CPUID_81_EDX_1G	    BIT(26)
#define X86_CPUID_81_EDX_RDTSCP	    BIT(27)
#define X86_CPUID_81_EDX_LM	    BIT(29)

/* ---- paging, SDM 3A 4.5 */
#define X86_PTE_P	BIT64(0)
#define X86_PTE_W	BIT64(1)
#define X86_PTE_U	BIT64(2)
#define X86_PTE_PWT	BIT64(3)
#define X86_PTE_PCD	BIT64(4)
#define X86_PTE_A	BIT64(5)
#define X86_PTE_D	BIT64(6)
#define X86_PTE_PS	BIT64(7) /* a page, not a table, above the last level */
#define X86_PTE_NX	BIT64(63)
#define X86_PTE_ADDR	UINT64_C(0x000ffffffffff000)

/* ---- segments, SDM 3A 3.4.5; attributes as in a descriptor's bytes 5 and 6 */
#define X86_SEG_TYPE	GENMASK(3, 0)
#define X86_SEG_CODE	0x0b /* execute, read, accessed */
#define X86_SEG_DATA	0x03 /* read, write, accessed */
#define X86_SEG_LDT	0x02
#define X86_SEG_TSS16	0x03 /* busy */
#define X86_SEG_TSS	0x0b /* busy, 32 or 64 bits */
#define X86_SEG_S	BIT(4) /* code or data */
#define X86_SEG_DPL	GENMASK(6, 5)
#define X86_SEG_P	BIT(7)
#define X86_SEG_L	BIT(13)
#define X86_SEG_DB	BIT(14)
#define X86_SEG_G	BIT(15)

/* ---- exceptions, SDM 3A table 6-1 */
#define X86_VEC_DE 0
#define X86_VEC_DB 1
#define X86_VEC_NMI 2
#define X86_VEC_BP 3
#define X86_VEC_OF 4
#define X86_VEC_UD 6
#define X86_VEC_NM 7
#define X86_VEC_DF 8
#define X86_VEC_TS 10
#define X86_VEC_NP 11
#define X86_VEC_SS 12
#define X86_VEC_GP 13
#define X86_VEC_PF 14
#define X86_VEC_AC 17
#define X86_VEC_MC 18
/* Those that push an error code: DF TS NP SS GP PF AC CP. */
#define X86_VEC_ERROR_CODE UINT32_C(0x00227d00)

#endif
