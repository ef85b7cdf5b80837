/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The card as the manager sees it: a few calls, so that the manager's logic runs without hardware.
 * The real one sends each call to the PF's thread; any thread may call.
 */
#ifndef SLUICE_MGMT_DAEMON_CARD_H
#define SLUICE_MGMT_DAEMON_CARD_H

#include "drv/pf.h"
#include "os/err.h"
#include "os/vfio.h"

struct mgmt_pf_now {
	struct mac mac;
	struct pf_link link;
	struct pf_stats stats;
};

struct mgmt_vf_now {
	struct pf_vf_policy policy;
	struct pf_vf_info info;
	struct pf_stats stats;
};

/* As the pf_ calls of the same names. */
struct mgmt_card_ops {
	int (*pf_read)(void *ctx, struct mgmt_pf_now *out);
	int (*vf_read)(void *ctx, unsigned int vf, struct mgmt_vf_now *out);
	int (*policy_set)(void *ctx, unsigned int vf, const struct pf_vf_policy *pol,
			  enum pf_rule *rule);
	int (*scrub)(void *ctx, unsigned int vf, uint32_t *reg);
};

/* Plain data; ctx is borrowed. */
struct mgmt_card {
	const struct mgmt_card_ops *ops;
	void *ctx;
};

struct mgmt_hw;

/*
 * Opens the PF @bdf with @token, creates @vfs VFs, starts the driver and its thread. The card is in
 * *@card until mgmt_hw_stop(). 0 or why not; nothing is left open then.
 */
int mgmt_hw_start(const char *bdf, const struct vfio_token *token, unsigned int vfs,
		  struct mgmt_hw **out, struct mgmt_card *card, struct os_err *err) must_check;
/* The thread ends, the card is quiet, its descriptor closed (which resets it). NULL is ignored. */
void mgmt_hw_stop(struct mgmt_hw *hw);

#endif
