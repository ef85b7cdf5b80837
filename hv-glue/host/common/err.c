/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Fills an error for a person: what, rule and mend. */
#include "os/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int os_err_set(struct os_err *err, int no, const char *rule, const char *mend, const char *what,
	       ...)
{
	int saved = errno;
	va_list ap;

	if (!err)
		return no;
	err->no = no;
	va_start(ap, what);
	vsnprintf(err->what, sizeof(err->what), what, ap);
	va_end(ap);
	snprintf(err->rule, sizeof(err->rule), "%s", rule ? rule : "");
	snprintf(err->mend, sizeof(err->mend), "%s", mend ? mend : "");
	errno = saved;
	return no;
}
