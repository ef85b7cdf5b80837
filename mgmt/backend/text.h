/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Text into a buffer that may be too short for it: cut off on purpose. */
#ifndef SLUICE_MGMT_BACKEND_TEXT_H
#define SLUICE_MGMT_BACKEND_TEXT_H

#include "base/types.h"

/* Formats into @out of @size bytes (not 0); what does not fit is left out. Returns @out. */
char *mgmt_text(char *out, size_t size, const char *fmt, ...) printf_like(3, 4);

/* Copies @from into the array @to. */
#define mgmt_copy(to, from) mgmt_text((to), sizeof(to), "%s", (from))

#endif
