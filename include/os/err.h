/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* An error for a person: what was refused, by which rule, what would mend it. Hosted code only. */
#ifndef SLUICE_OS_ERR_H
#define SLUICE_OS_ERR_H

#include "base/types.h"

/* Lives on the caller's stack; filled by whoever fails first. */
struct os_err {
	int no;		/* negative errno; 0: nothing failed */
	char what[192]; /* "VF 3 was not attached to vm1" */
	char rule[160]; /* "IOMMU group 14 holds 0000:00:1f.0 as well" */
	char mend[192]; /* "enable ACS on the root port, or ..." */
};

/*
 * Fills @err (NULL is allowed) and returns @no, so that a caller can return the call itself.
 * @rule and @mend are plain text; @what is a format for the arguments. Text that does not fit is
 * cut off.
 */
int os_err_set(struct os_err *err, int no, const char *rule, const char *mend, const char *what,
	       ...) printf_like(5, 6);

#endif
