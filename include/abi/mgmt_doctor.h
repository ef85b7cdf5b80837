/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Checks that need no daemon: is this machine fit to partition a card and to hand out its VFs? */
#ifndef SLUICE_ABI_MGMT_DOCTOR_H
#define SLUICE_ABI_MGMT_DOCTOR_H

#include "abi/mgmt.h"

#define MGMT_CHECKS_MAX 12

/* One line of the doctor's. */
struct mgmt_check {
	const char *name; /* "iommu"; a literal */
	bool ok;
	char found[360]; /* what is there */
	char mend[192];	 /* what would mend it, when not ok */
};

/*
 * Looks at the card @bdf (NULL: the first 82576 found), the IOMMU, vfio-pci, QEMU, permissions and
 * the state directory. Changes nothing; may run QEMU for its version. Returns how many of @out
 * (MGMT_CHECKS_MAX) were filled.
 */
unsigned int mgmt_doctor(const char *bdf, const char *state_dir, struct mgmt_check *out);

#endif
