/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Text into a buffer that may be too short for it. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>

char *mgmt_text(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, size, fmt, ap);
	va_end(ap);
	return out;
}
