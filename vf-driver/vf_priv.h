/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The VF's state and its mailbox client, private to vf-driver. */
#ifndef SLUICE_VF_PRIV_H
#define SLUICE_VF_PRIV_H

#include "abi/mbx.h"
#include "drv/vf.h"
#include "queue.h"

/*
 * Where the VF stands.
 *
 *   STOPPED --vf_reset()--> READY --PF reset seen, CTS lost, time-out--> LOST
 *      ^                      |                                           |
 *      +------vf_stop()-------+<---------------vf_reset()-----------------+
 */
enum vf_state {
	VF_STOPPED,
	VF_READY, /* RESET was answered, queues run */
	VF_LOST,  /* the PF does not know us any more: nothing but vf_reset() helps */
};

/* In the caller's memory from vf_init() to vf_fini(); one thread. */
struct vf {
	struct vfq_rx rx[VF_QUEUES];
	struct vfq_tx tx[VF_QUEUES];
	struct vfq_pool pool;
	struct os_dev *dev;
	struct vf_config cfg;
	enum vf_state state;
	struct mac mac;
	uint32_t kept; /* read-to-clear bits of V2PMAILBOX that a read returned and nobody used */
	struct vf_stats stats; /* rx and tx unused */
};

/*
 * Sends @words of @msg (1..16) and waits up to 1 s for the answer, whose first @answer words
 * replace those of @msg. 0: acknowledged; -EACCES: refused; -ETIMEDOUT; -ECONNRESET: the PF was
 * reset or has forgotten us. Changes no state.
 */
int vf_mbx_request(struct vf *vf, uint32_t *msg, unsigned int words,
		   unsigned int answer) must_check;
/* Takes what the PF sent unasked, without waiting. 0, or -ECONNRESET as above. */
int vf_mbx_poll(struct vf *vf) must_check;

#endif
