/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The VFIO host: PCI functions of a Linux machine as struct os_dev, and what sysfs has to say of
 * them. A BDF is text, "0000:01:10.0" or "01:10.0". All calls fill @err (may be NULL) and return a
 * negative errno.
 */
#ifndef SLUICE_OS_VFIO_H
#define SLUICE_OS_VFIO_H

#include "os/err.h"
#include "os/os.h"

#define VFIO_TOKEN_LEN 16
#define VFIO_NAME_LEN  32
#define VFIO_BDF_LEN   16

/* A VF token, RFC 4122 UUID in network order: who holds it may open a VF whose PF VFIO holds. */
struct vfio_token {
	uint8_t b[VFIO_TOKEN_LEN];
};

int vfio_token_make(struct vfio_token *t, struct os_err *err) must_check; /* random, version 4 */
void vfio_token_format(const struct vfio_token *t, char text[37]);
int vfio_token_parse(const char *text, struct vfio_token *t, struct os_err *err) must_check;

/* What sysfs says of a function; strings are empty where there is nothing. */
struct vfio_func {
	char bdf[VFIO_BDF_LEN]; /* with domain */
	uint16_t vendor, device;
	char driver[VFIO_NAME_LEN];	 /* bound now */
	char override[VFIO_NAME_LEN];	 /* driver_override */
	int group;			 /* IOMMU group, -1: none */
	unsigned int group_size;	 /* functions in it, bridges not counted */
	unsigned int total_vfs, num_vfs; /* PF */
	char physfn[VFIO_BDF_LEN];	 /* VF: its PF */
};
int vfio_func_read(const char *bdf, struct vfio_func *f, struct os_err *err) must_check;
/* The BDF of VF @vf of the PF @bdf. */
int vfio_vf_bdf(const char *bdf, unsigned int vf, char out[VFIO_BDF_LEN],
		struct os_err *err) must_check;
/* The other functions of @bdf's group, as text for a message; count, 0 when it is alone. */
int vfio_group_others(const char *bdf, char *out, size_t len, struct os_err *err) must_check;
/* Does the IOMMU remap interrupts? 1, 0 or an error. */
int vfio_intremap(struct os_err *err) must_check;
/* Allows VFIO without interrupt remapping (allow_unsafe_interrupts): the administrator's risk. */
int vfio_unsafe_interrupts(struct os_err *err) must_check;
/*
 * Has somebody opened the function through VFIO, this process included? 1, 0 or an error. Opens the
 * group for a moment, so that a QEMU that starts just then fails with EBUSY: never poll it while a
 * VM may be starting with the function.
 */
int vfio_in_use(const char *bdf, struct os_err *err) must_check;

/*
 * Binds @bdf to vfio-pci by driver_override; what was there before goes to *@was (for
 * vfio_restore()). Loads vfio-pci if need be. -EBUSY: a PF whose kernel driver has VFs. Nothing is
 * changed on an error.
 */
int vfio_bind(const char *bdf, struct vfio_func *was, struct os_err *err) must_check;
/* Puts back driver and override; a PF's VFs go first. -EBUSY while it or a VF of it is open. */
int vfio_restore(const struct vfio_func *was, struct os_err *err) must_check;
/*
 * Sets sriov_numvfs of a PF that VFIO holds; 0 first when it has another number. Enables vfio-pci's
 * enable_sriov, waits (15 s) until all VFs are bound to vfio-pci. -ERANGE: more than the card has
 * (an 82576 under vfio-pci says 8; with 8 VFs no pool is left for the PF). -EBUSY: a VF is open.
 */
int vfio_sriov_set(const char *bdf, unsigned int n, struct os_err *err) must_check;
/*
 * Function-level reset through sysfs. Sleeps 100 ms. A function still open is waited for, up to 3 s
 * (a process that ends takes its time), then -EBUSY. Nobody can open it during the reset.
 */
int vfio_function_reset(const char *bdf, struct os_err *err) must_check;

struct vfio_args {
	const char *bdf;
	const struct vfio_token *token; /* the PF's own, or the PF's for a VF; NULL: none */
};
/* Opens the function: container, group, device, BAR 0, DMA by an IOVA allocator. 0 or why not. */
int vfio_open(const struct vfio_args *args, struct os_dev **out, struct os_err *err) must_check;
/* Frees its DMA memory too; the kernel resets the function. NULL is ignored. */
void vfio_close(struct os_dev *dev);
/* MSI-X vector @vec (0..count-1) signals @fds[vec]; -1 in it: not used. @count 0 disables. */
int vfio_irq_set(struct os_dev *dev, const int *fds, unsigned int count,
		 struct os_err *err) must_check;
const char *vfio_bdf(const struct os_dev *dev);
/* os_log() shows levels up to @max from now on, on all functions; OS_LOG_INFO at the start. */
void vfio_log_level(enum os_log_level max);

#endif
