/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The buffers behind a queue: a header each, flags for both directions, and a pool. A pool is
 * touched by one thread, that of its queues.
 */
#ifndef SLUICE_DRV_BUF_H
#define SLUICE_DRV_BUF_H

#include "os/os.h"

#define VFQ_BUF_SIZE 2048 /* bytes of data in a buffer; SRRCTL.BSIZEPKT counts in KiB */

/*
 * Flags of a received frame, in its first buffer. Where a bit of the descriptor says the same, the
 * flag has that bit's place (status_error for VLAN and LOOPBACK, pkt_info for the types), so that
 * receiving masks and does not translate.
 */
enum vfq_rx_flags {
	VFQ_RX_IP_CSUM_GOOD = 1 << 0,
	VFQ_RX_IP_CSUM_BAD = 1 << 1,
	VFQ_RX_L4_CSUM_GOOD = 1 << 2,
	VFQ_RX_VLAN = 1 << 3, /* vlan holds the TCI that was stripped */
	VFQ_RX_IP4 = 1 << 4,
	VFQ_RX_L4_CSUM_BAD = 1 << 5,
	VFQ_RX_IP6 = 1 << 6,
	VFQ_RX_RSS = 1 << 7, /* rss holds the hash */
	VFQ_RX_TCP = 1 << 8,
	VFQ_RX_UDP = 1 << 9,
	VFQ_RX_SCTP = 1 << 10,
	VFQ_RX_LOOPBACK = 1 << 18, /* came from the internal switch */
};

/*
 * Flags of a frame to send, in its first buffer. None of them is a receive flag, so a received
 * frame can be sent on as it is.
 */
enum vfq_tx_flags {
	VFQ_TX_VLAN = 1 << 24,	  /* insert vlan */
	VFQ_TX_IP_CSUM = 1 << 25, /* l2_len, l3_len set; IPv4 */
	/* L4 sums: l2_len, l3_len set, the pseudo-header's sum is in the frame already */
	VFQ_TX_TCP_CSUM = 1 << 26,
	VFQ_TX_UDP_CSUM = 1 << 27,
	VFQ_TX_SCTP_CSUM = 1 << 28,
	VFQ_TX_IP4 = 1 << 29, /* the frame is IPv4, otherwise IPv6 */
};

struct vfq_pool;

/*
 * A buffer's header: one cache line. data, iova and pool are the pool's and never change. While a
 * buffer is in its pool or on a ring, nsegs is 1 and next is NULL.
 */
struct vfq_buf {
	uint8_t *data; /* CPU address of VFQ_BUF_SIZE bytes */
	uint64_t iova; /* the device's address of the same */
	uint32_t flags;
	union {
		struct {
			uint16_t len;	/* bytes in this segment */
			uint16_t nsegs; /* first segment: how many */
		};
		uint32_t len_nsegs; /* both, for one comparison */
	};
	struct vfq_buf *next; /* next segment, NULL in the last */
	struct vfq_pool *pool;
	uint32_t rss;
	uint16_t frame_len; /* first segment: bytes in the whole frame; not looked at by tx */
	union {
		struct {
			uint16_t vlan;
			uint16_t l3_len; /* IP header, up to 511 */
			uint16_t l2_len; /* Ethernet header with its tags, up to 127 */
			uint16_t zero;	 /* stays 0 */
		};
		uint64_t ask; /* all of them, for one comparison */
	};
} cache_aligned;

/* A LIFO of free buffers: the last one freed is the warmest in the cache. */
struct vfq_pool {
	struct vfq_buf **free; /* stack, nfree entries */
	unsigned int nfree;
	unsigned int count;
	struct os_dma data; /* count * VFQ_BUF_SIZE */
	struct os_dma meta; /* headers and the stack */
	struct os_dev *dev;
};

#define VFQ_POOL_MAX 65536 /* buffers */

/*
 * @count buffers, 1..VFQ_POOL_MAX. Returns 0, -EINVAL, -ENOMEM. fini: all buffers are back or their
 * queues are stopped.
 */
int vfq_pool_init(struct vfq_pool *pool, struct os_dev *dev, unsigned int count) must_check;
void vfq_pool_fini(struct vfq_pool *pool);
/* One buffer, empty, a single segment; NULL when there is none. */
struct vfq_buf *vfq_buf_get(struct vfq_pool *pool);
/* Returns a whole frame, all its segments. */
void vfq_buf_put(struct vfq_buf *buf);

#endif
