/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The one thread that touches a PF: it serves the card on interrupts and once a second, and runs
 * the closures that others send it.
 */
#ifndef SLUICE_MGMT_DAEMON_PFT_H
#define SLUICE_MGMT_DAEMON_PFT_H

#include "base/types.h"

struct mgmt_pft;

/* What the thread serves; called on it alone, with the start's ctx. */
struct mgmt_pft_ops {
	int (*service)(void *ctx);  /* as pf_service(): events served, negative: the card is gone */
	void (*irq_ack)(void *ctx); /* the interrupt may come again */
	void (*failed)(void *ctx, int ret); /* service() failed */
};

/*
 * Starts the thread. @irq_fd is an eventfd, borrowed until mgmt_pft_stop(). 0 or a negative errno.
 */
int mgmt_pft_start(const struct mgmt_pft_ops *ops, void *ctx, int irq_fd,
		   struct mgmt_pft **out) must_check;
/* Runs what was sent before, ends the thread and frees it. Later calls must not come. NULL is
 * ignored. */
void mgmt_pft_stop(struct mgmt_pft *t);
/*
 * Runs @fn(ctx, @arg) on the thread and waits for it; returns what it returned, -ESHUTDOWN when the
 * thread ends. Any thread but the PF's own.
 */
int mgmt_pft_call(struct mgmt_pft *t, int (*fn)(void *ctx, void *arg), void *arg) must_check;

#endif
