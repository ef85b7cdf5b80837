/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The layout of receive and transmit queues, private to vf-driver. */
#ifndef SLUICE_VF_QUEUE_H
#define SLUICE_VF_QUEUE_H

#include "base/endian.h"
#include "drv/queue.h"
#include "hw/igb.h"
#include "os/barrier.h"

#define FORCE_INLINE inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL4 _Pragma("unroll 4")
#else
#define UNROLL4 _Pragma("GCC unroll 4")
#endif

#define VFQ_POLL_STEP_US  10
#define VFQ_POLL_LIMIT_US 10000 /* enable or disable of a queue; Linux igb gives it 10 ms too */

#define VFQ_TX_MIN   17 /* bytes; shorter frames hang the transmitter, Linux igb pads to it too */
#define VFQ_TX_MAX   (IGB_FRAME_MAX - 4)
#define VFQ_TX_CTXS  2		/* contexts the device keeps a queue, 82576 datasheet 7.2.2 */
#define VFQ_RX_BYTES UINT16_MAX /* a longer chain is a device gone mad: dropped */
#define VFQ_TX_BATCH 32		/* descriptors, from which on a batch is joined no more */
#define VFQ_RX_HOLD  32 /* descriptors refilled for one RDT write; a quarter of a small ring */

/*
 * Receive queue; the caller's memory, one thread.
 *
 * A descriptor from `next` on belongs to the device until its DD reads 1 (os_dma_rmb() is the
 * partner of the device's ordered write-back); then it is ours until the RDT write that hands it
 * back (os_doorbell() orders the refill before it). Every slot has a buffer at all times: it is
 * swapped against a fresh one or left in place, so no slot can be lost.
 */
struct vfq_rx {
	unsigned int (*burst)(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n);
	union igb_rx_desc *ring;
	struct vfq_buf **slot; /* the buffer behind each descriptor */
	struct vfq_pool *pool;
	uint32_t next; /* descriptor to look at next */
	uint32_t told; /* next, when RDT was written last */
	uint32_t size; /* a power of two */
	uint32_t hold; /* descriptors gathered before RDT is written */
	/* A frame whose end has not arrived: its buffers so far, or drop the rest (skip). */
	struct vfq_buf *first, *last;
	bool skip;
	bool running;
	bool drop_en;
	uint32_t features;
	uint32_t regs;
	struct vfq_stats stats;
	struct os_dev *dev;
	struct os_dma mem;
} cache_aligned;

/* Descriptors that are given back together, kept at the index of the first. */
struct vfq_batch {
	uint16_t last;	/* its last descriptor, which has RS */
	uint16_t mixed; /* has context descriptors or buffers of another pool */
};

/* A context that the device holds, and the last request that led to it, to know it again. */
struct vfq_ctx {
	uint32_t lens, tucmd; /* as the device has them; 0, 0: not set */
	uint64_t ask;	      /* vfq_buf.ask of the request */
	uint32_t flags;	      /* its flags, those of transmit */
	uint32_t min;	      /* bytes its headers take: a shorter frame is refused */
	uint32_t cmd, olinfo; /* what a data descriptor says to use it */
};

/*
 * Transmit queue; the caller's memory, one thread.
 *
 * Descriptors from `clean` to `tail` are the device's, in batches of a burst or, when bursts are
 * small, several. The last of a burst asks for a write-back (RS); the DD of a batch's last gives
 * the whole batch back, since the device takes descriptors in order. A batch that is added to has
 * the newest burst's end as its last, so what was sent is always reported.
 */
struct vfq_tx {
	unsigned int (*burst)(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n);
	union igb_tx_desc *ring;
	struct vfq_buf **slot; /* the buffer behind each descriptor, NULL behind a context */
	struct vfq_batch *batch;
	struct vfq_pool *pool;
	uint32_t tail;
	uint32_t clean;
	uint32_t size; /* a power of two; one descriptor stays free, so that full is not empty */
	uint32_t open; /* first descriptor of the batch that the next burst may join */
	bool mixed;    /* of the open batch */
	bool running;
	uint32_t features;
	uint32_t regs;
	struct vfq_ctx ctx[VFQ_TX_CTXS];
	unsigned int ctx_last; /* used last; the other one is replaced */
	struct vfq_stats stats;
	struct os_dev *dev;
	struct os_dma mem;
} cache_aligned;

/* A descriptor word that the device may write at any time: one load, never repeated. */
static inline uint32_t vfq_load(const le32 *word)
{
	return le32_to_cpu(*(const volatile le32 *)word);
}

/* Hands the slot @i its buffer @buf to receive into; the caller still owns the descriptor. */
static inline void vfq_rx_arm(struct vfq_rx *q, uint32_t i, struct vfq_buf *buf)
{
	q->slot[i] = buf;
	q->ring[i].read.pkt_addr = cpu_to_le64(buf->iova);
	q->ring[i].read.hdr_addr = cpu_to_le64(0); /* DD is in this word */
}

/* Chooses the burst function: by features, or one that does nothing while the queue is stopped. */
void vfq_rx_select(struct vfq_rx *q);
void vfq_tx_select(struct vfq_tx *q);

#endif
