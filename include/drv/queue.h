/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * One receive or transmit queue of the 82576 with advanced descriptors, and the buffers behind
 * them. The VF driver and the PF's own pool use the same queue at different register offsets.
 *
 * A queue and its pool are touched by one thread. Buffers are the pool's; a receive burst lends
 * them to the caller, a transmit burst takes them back and returns them to their pool when the
 * device has sent them.
 */
#ifndef SLUICE_DRV_QUEUE_H
#define SLUICE_DRV_QUEUE_H

#include "drv/buf.h"
#include "hw/igb_desc.h"
#include "os/os.h"

#define VFQ_BURST_MAX 256
#define VFQ_SIZE_MIN  64 /* descriptors; a power of two */
#define VFQ_SIZE_MAX  4096
#define VFQ_SEGS_MAX  8 /* buffers a transmitted frame may have */

struct vfq_stats {
	uint64_t packets;
	uint64_t bytes;
	uint64_t no_buf; /* rx: times that the pool was empty; tx: times that the ring was full */
	uint64_t errors; /* rx: frames dropped for a receive error, or of more than one buffer
			    without VFQ_F_MULTISEG; tx: frames refused (too short, too long, too
			    many segments, header lengths that cannot be) */
};

struct vfq_rx; /* vf-driver/queue.h has the layout; a caller gets the size by vfq_rx_size() */
struct vfq_tx;

/* What a queue does beyond plain frames; chooses the burst function once, at init. */
enum vfq_features {
	/* checksum, VLAN, type and RSS flags; without it rx sets none and tx looks at none */
	VFQ_F_OFFLOAD = 1 << 0,
	VFQ_F_MULTISEG = 1 << 1, /* frames of more than one buffer */
};

struct vfq_config {
	uint32_t regs;	   /* IGB_RXQ(n), IGB_VF_RXQ(n), IGB_TXQ(n) or IGB_VF_TXQ(n) */
	unsigned int size; /* descriptors */
	uint32_t features; /* enum vfq_features */
	bool drop_en;	   /* rx: a full ring drops here and does not block other pools */
	/*
	 * rx: where fresh buffers come from. tx: where most frames come from, which makes their
	 * return cheap; may be NULL. Outlives the queue.
	 */
	struct vfq_pool *pool;
};

size_t vfq_rx_size(void);
size_t vfq_tx_size(void);
/*
 * @mem: vfq_rx_size() or vfq_tx_size() bytes, 64-aligned, zeroed. Allocates the ring; touches no
 * register. 0, -EINVAL, -ENOMEM.
 */
int vfq_rx_init(void *mem, struct os_dev *dev, const struct vfq_config *cfg,
		struct vfq_rx **out) must_check;
int vfq_tx_init(void *mem, struct os_dev *dev, const struct vfq_config *cfg,
		struct vfq_tx **out) must_check;
void vfq_rx_fini(struct vfq_rx *q);
void vfq_tx_fini(struct vfq_tx *q);
/*
 * Programs the registers, fills a receive ring, enables the queue and waits for it. 0,
 * -ENOBUFS (rx), -ETIMEDOUT.
 */
int vfq_rx_start(struct vfq_rx *q) must_check;
int vfq_tx_start(struct vfq_tx *q) must_check;
/*
 * Disables the queue, waits, returns all buffers to their pools. -ETIMEDOUT: the device still may
 * write; nothing is freed.
 */
int vfq_rx_stop(struct vfq_rx *q) must_check;
int vfq_tx_stop(struct vfq_tx *q) must_check;
/* As stop, but the device was reset and does no DMA: no register is touched. */
void vfq_rx_drop(struct vfq_rx *q);
void vfq_tx_drop(struct vfq_tx *q);

/* Up to @n frames (1..VFQ_BURST_MAX) into @bufs; how many. No MMIO read; at most one doorbell. */
unsigned int vfq_rx_burst(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n);
/*
 * Takes up to @n frames; returns how many, from the front: the caller keeps the rest. A frame that
 * can never be sent is counted as an error and taken. No MMIO read; at most one doorbell.
 */
unsigned int vfq_tx_burst(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n);
/*
 * Returns sent buffers to their pools; a burst does so only when 32 descriptors or more are out.
 * How many descriptors are still with the device, 0: all sent.
 */
unsigned int vfq_tx_reclaim(struct vfq_tx *q);
void vfq_rx_stats(const struct vfq_rx *q, struct vfq_stats *st);
void vfq_tx_stats(const struct vfq_tx *q, struct vfq_stats *st);

#endif
