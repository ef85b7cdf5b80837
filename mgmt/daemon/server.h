/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The control thread: clients, signals, seconds, finished jobs and ended VMs, one loop for all. */
#ifndef SLUICE_MGMT_DAEMON_SERVER_H
#define SLUICE_MGMT_DAEMON_SERVER_H

#include "core.h"

#define MGMT_CLIENTS_MAX 32

struct mgmt_server;

/*
 * Sets @core's ops, ctx and jobs; @listen_fd (borrowed) is mgmt_listen()'s. SIGTERM and SIGINT must
 * be blocked in all threads. 0 or a negative errno.
 */
int mgmt_server_init(struct mgmt_core *core, int listen_fd, struct mgmt_server **out) must_check;
/* Serves until a signal says to end, or mgmt_server_stop(). */
void mgmt_server_run(struct mgmt_server *s);
/* Makes mgmt_server_run() return; any thread. */
void mgmt_server_stop(struct mgmt_server *s);
/* Lets jobs end and answers their clients, then closes all. NULL is ignored. */
void mgmt_server_fini(struct mgmt_server *s);

#endif
