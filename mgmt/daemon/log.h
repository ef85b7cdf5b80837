/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's own log: lines on stderr. Any thread. */
#ifndef SLUICE_MGMT_DAEMON_LOG_H
#define SLUICE_MGMT_DAEMON_LOG_H

#include "os/err.h"
#include "os/os.h"

/* Lines above @level are left out; OS_LOG_INFO at start. Before other threads run. */
void mgmt_log_level(enum os_log_level level);
/* One line without its newline. */
void mgmt_log(enum os_log_level level, const char *fmt, ...) printf_like(2, 3);
/* An error with its rule and remedy, as one line. */
void mgmt_log_err(enum os_log_level level, const struct os_err *err);

/* At most @burst lines in @per_us, for what a guest can trigger; plain data, zeroed at start. */
struct mgmt_ratelimit {
	uint64_t since_us;
	unsigned int said, held;
};
/* May a line be said at @now_us? When a period ends, *@held says how many were not. */
bool mgmt_ratelimit(struct mgmt_ratelimit *r, uint64_t now_us, unsigned int burst, uint64_t per_us,
		    unsigned int *held);

#endif
