/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The VF driver: an 82576 virtual function under any PF driver that speaks the igb mailbox (ours,
 * Linux igb). Freestanding; poll mode; one thread.
 */
#ifndef SLUICE_DRV_VF_H
#define SLUICE_DRV_VF_H

#include "base/mac.h"
#include "drv/queue.h"
#include "os/os.h"

#define VF_QUEUES 2

struct vf;

struct vf_config {
	unsigned int queues;  /* pairs, 1..2; our PF has no RSS on: all frames come by queue 0 */
	unsigned int rx_size; /* descriptors, VFQ_SIZE_MIN..VFQ_SIZE_MAX */
	unsigned int tx_size;
	unsigned int buffers; /* of the pool: more than queues * rx_size, which the rings hold;
				 tx_size and two bursts on top keep it from running dry */
	uint32_t features;    /* enum vfq_features */
};

enum vf_link_state {
	VF_LINK_DOWN,
	VF_LINK_UP,
	VF_LINK_RESET, /* the PF was reset, or refused us: call vf_reset() */
};

size_t vf_size(void);
/* @mem: vf_size() bytes, 64-aligned, zeroed. Allocates rings and buffers. 0, -EINVAL, -ENOMEM. */
int vf_init(void *mem, struct os_dev *dev, const struct vf_config *cfg, struct vf **out) must_check;
void vf_fini(struct vf *vf);

/*
 * Resets the function, does the RESET handshake, learns the MAC, starts the queues. Also the way
 * back after a PF reset or a function-level reset: whatever was in flight is given back to the
 * pool. One mailbox round trip; VLANs, multicast, further addresses and the frame size of before
 * are gone with the PF's side of it: ask again. 0; -ETIMEDOUT: the PF does not answer; -EACCES: it
 * gave no address or refused; -EIO: a queue did not start; -ENOBUFS: the caller holds buffers that
 * the rings need. After an error the VF is stopped.
 */
int vf_reset(struct vf *vf) must_check;
/* Stops the queues and resets the function. */
void vf_stop(struct vf *vf);

void vf_mac(const struct vf *vf, struct mac *mac);
/* Looks at STATUS, the queue and the mailbox: for the control path, once in a while. */
enum vf_link_state vf_link(struct vf *vf);
unsigned int vf_link_mbps(struct vf *vf);

/*
 * Requests, up to 1 s each. 0; -EINVAL; -EACCES: the PF refused; -ETIMEDOUT: no answer;
 * -ECONNRESET: the PF was reset. After the last two all requests fail with -ECONNRESET until
 * vf_reset().
 */
int vf_mac_set(struct vf *vf, const struct mac *mac) must_check;
int vf_mac_add(struct vf *vf, const struct mac *mac) must_check; /* a further address */
int vf_mac_clear(struct vf *vf) must_check;			 /* all further addresses */
int vf_multicast_set(struct vf *vf, const struct mac *list,
		     unsigned int n) must_check; /* 30 at most by hash, more: all multicast */
int vf_vlan_add(struct vf *vf, unsigned int vid) must_check;
int vf_vlan_del(struct vf *vf, unsigned int vid) must_check;
int vf_frame_max_set(struct vf *vf, unsigned int bytes) must_check; /* with CRC; SET_LPE */
int vf_promisc_set(struct vf *vf, bool unicast, bool multicast) must_check;

/* Bursts on queue @q (0..queues-1), see queue.h. */
unsigned int vf_rx_burst(struct vf *vf, unsigned int q, struct vfq_buf **bufs, unsigned int n);
unsigned int vf_tx_burst(struct vf *vf, unsigned int q, struct vfq_buf **bufs, unsigned int n);
struct vfq_buf *vf_buf_get(struct vf *vf);
struct vfq_rx *vf_rxq(struct vf *vf, unsigned int q);
struct vfq_tx *vf_txq(struct vf *vf, unsigned int q);

struct vf_stats {
	struct vfq_stats rx[VF_QUEUES], tx[VF_QUEUES];
	uint64_t mbx_requests, mbx_refused, mbx_timeouts, resets;
};
void vf_stats(const struct vf *vf, struct vf_stats *st);

#endif
