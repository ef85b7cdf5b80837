/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Permission maps that all virtual CPUs share: every port exits, and every MSR but the guest's own;
 * and the bits of nested page tables. */
#include "svm_priv.h"

#define BANK1 SVM_MSRPM_BANK /* of c0000000 */

/*
 * Two bits an MSR, read and write, set: exits (APM 15.11). Open are those that VMLOAD and VMSAVE
 * switch (SYSENTER, STAR, LSTAR, CSTAR, FMASK, FS, GS and KERNEL_GS base), TSC_AUX, which run.c
 * switches, and reading the TSC.
 */
__attribute__((aligned(VCPU_PAGE))) const uint8_t svm_msrpm[SVM_MSRPM_SIZE] = {
	[0 ... 3] = 0xff,
	[4] = 0xfe, /* 10: TSC */
	[5 ... 0x5c] = 0xff,
	[0x5d] = 0xc0, /* 174, 175, 176 */
	[0x5e ... BANK1 + 0x1f] = 0xff,
	[BANK1 + 0x20] = 0x03, /* 81, 82, 83; 80 is EFER */
	[BANK1 + 0x21] = 0xfc, /* 84 */
	[BANK1 + 0x22 ... BANK1 + 0x3f] = 0xff,
	[BANK1 + 0x40] = 0x00, /* 100, 101, 102, 103 */
	[BANK1 + 0x41 ... SVM_MSRPM_SIZE - 1] = 0xff,
};

__attribute__((aligned(VCPU_PAGE))) const uint8_t svm_iopm_closed[SVM_IOPM_SIZE] = {
	[0 ... SVM_IOPM_SIZE - 1] = 0xff,
};

/*
 * Long mode's, where an access counts as a user's. PAT entry 3 of the host is uncached, 0
 * write-back, as after reset: APM 7.8.2, 15.25.
 */
const struct vcpu_format svm_format = {
	.table = X86_PTE_P | X86_PTE_W | X86_PTE_U,
	.leaf = X86_PTE_P | X86_PTE_U | X86_PTE_NX,
	.write = X86_PTE_W,
	.fetch = X86_PTE_NX,
	.uc = X86_PTE_PCD | X86_PTE_PWT,
};
