/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a bare guest and the hypervisor core say to each other: the page a guest finds at its start,
 * its image's header, and its calls (VMCALL or VMMCALL: number in RAX, arguments in RDI and RSI,
 * result in RAX). A kernel that does not know them never makes one.
 */
#ifndef SLUICE_ABI_GUEST_H
#define SLUICE_ABI_GUEST_H

#include "base/types.h"

/* At the start of a bare image; linked at load, entered at entry in 64-bit mode, RSI: guest_boot.
 */
#define GUEST_IMAGE_MAGIC UINT64_C(0x54534555474c5553) /* "SULGUEST" */
struct guest_image {
	uint64_t magic;
	uint64_t load;	/* guest-physical, 4 KiB aligned, at least 1 MiB */
	uint64_t entry; /* within the image */
	uint64_t size;	/* bytes that the image has in memory, with its zeroed part */
};
_Static_assert(sizeof(struct guest_image) == 32, "layout");

#define GUEST_BOOT_MAGIC UINT64_C(0x544f4f42454c5553) /* "SULEBOOT" */
struct guest_boot {
	uint64_t magic;
	uint64_t mem;	    /* bytes of RAM from 0 */
	uint64_t tsc_hz;    /* of the TSC, which is the machine's own */
	uint64_t ecam;	    /* bus 0 */
	uint32_t cpus, svm; /* svm 1: calls are by VMMCALL */
	char args[256];	    /* zero-terminated */
};

enum guest_call {
	GUEST_CALL_BEAT = 1, /* I go on; RDI is kept for people to see */
	GUEST_CALL_EXITS,    /* RAX: exits of this virtual CPU so far, this one among them */
	GUEST_CALL_ROOT,     /* RAX: TSC ticks that the core has spent on its exits */
	GUEST_CALL_DONE,     /* RDI: exit status; the guest is stopped, without blame */
	GUEST_CALL_COPIES,   /* RAX: copies that its vNICs' frames took so far */
	GUEST_CALL_TICKS,    /* RAX: TSC ticks that it has spent in the guest */
	GUEST_CALL_VNIC,     /* RAX: TSC ticks of service rounds that served its vNICs */
};
/* RAX of a call that is not known, or not allowed. */
#define GUEST_CALL_REFUSED UINT64_MAX

#endif
