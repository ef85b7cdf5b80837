/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's own log: lines on stderr. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

static enum os_log_level max_level = OS_LOG_INFO;

void mgmt_log_level(enum os_log_level level)
{
	max_level = level;
}

void mgmt_log(enum os_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error: ", "warning: ", "", "debug: "};
	char line[640];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* One call, so that lines of several threads do not mix. */
	fprintf(stderr, "sluiced: %s%s\n", names[level], line);
}

void mgmt_log_err(enum os_log_level level, const struct os_err *err)
{
	mgmt_log(level, "%s; rule: %s; mend: %s", err->what, err->rule, err->mend);
}

bool mgmt_ratelimit(struct mgmt_ratelimit *r, uint64_t now_us, unsigned int burst, uint64_t per_us,
		    unsigned int *held)
{
	*held = 0;
	if (!r->since_us || now_us - r->since_us >= per_us) {
		*held = r->held;
		r->since_us = now_us ? now_us : 1;
		r->said = 0;
		r->held = 0;
	}
	if (r->said < burst) {
		r->said++;
		return true;
	}
	r->held++;
	return false;
}
