/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* How many of each the core holds, and where a guest finds what: all fixed numbers in one place. */
#ifndef SLUICE_CORE_BOUNDS_H
#define SLUICE_CORE_BOUNDS_H

#define CORE_CPUS   8
#define GUESTS	    8
#define GUEST_CPUS  4
#define GUEST_MMIO  24
#define GUEST_FUNCS 8
#define GUEST_NICS  2
#define NAME_LEN    32
#define ARGS_LEN    256
#define WHY_LEN	    160
#define EXIT_RING   256
#define MODULES	    16
#define SLICE_US                                                                        \
	1000 /* of a virtual CPU, when another waits; and between two rounds of service \
	      */

/* Guest-physical map. */
#define GPA_GDT	 UINT64_C(0x6000)
#define GPA_BOOT UINT64_C(0x7000) /* boot_params or struct guest_boot */
#define GPA_TABLES                                                                    \
	UINT64_C(0x9000) /* page tables at the start: one to one up to 4 GiB, 6 pages \
			  */
#define GPA_CMDLINE UINT64_C(0x20000)
#define GPA_ACPI                                                                        \
	UINT64_C(0xe0000) /* RSDP and tables, within 0x9f000..0xfffff, reserved in E820 \
			   */
#define GPA_IMAGE   UINT64_C(0x1000000)	 /* a kernel; a bare guest is at 1 MiB */
#define GPA_ECAM    UINT64_C(0xb0000000) /* bus 0 alone, 1 MiB */
#define GPA_PCI	    UINT64_C(0xe0000000) /* BARs */
#define GPA_PCI_LEN UINT64_C(0x10000000)
#define GPA_APIC    UINT64_C(0xfee00000)

#endif
