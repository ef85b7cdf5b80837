/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Receive bursts. Good frames take a short loop, compiled once for each set of features; what it
 * does not take is dropped, or waits.
 */
#include "queue.h"

#define RX_TYPES   ((uint32_t)(VFQ_RX_IP4 | VFQ_RX_IP6 | VFQ_RX_TCP | VFQ_RX_UDP | VFQ_RX_SCTP))
#define RX_TYPE_L2 BIT(15) /* of pkt_info: an EtherType filter's number is in the type's place */

_Static_assert(VFQ_RX_IP4 == IGB_RXD_TYPE_IP4 && VFQ_RX_IP6 == IGB_RXD_TYPE_IP6 &&
		       VFQ_RX_TCP == IGB_RXD_TYPE_TCP && VFQ_RX_UDP == IGB_RXD_TYPE_UDP &&
		       VFQ_RX_SCTP == IGB_RXD_TYPE_SCTP,
	       "types are masked, not translated");
_Static_assert((uint32_t)VFQ_RX_VLAN == IGB_RXD_VP && (uint32_t)VFQ_RX_LOOPBACK == IGB_RXD_LB,
	       "status bits are masked, not translated");

/* IPCS, L4CS, UDPCS in 2:0 as in status 6:4, then the errors of L4 and IP as in status 30:29. */
#define SUM_INDEX(st) ((((st) >> 4) & 7) | (((st) >> 26) & 0x18))

/* What the sums' bits of the status say; a sum that was not computed is neither good nor bad. */
#define IP_GOOD		VFQ_RX_IP_CSUM_GOOD
#define IP_BAD		VFQ_RX_IP_CSUM_BAD
#define L4_GOOD		VFQ_RX_L4_CSUM_GOOD
#define L4_BAD		VFQ_RX_L4_CSUM_BAD
#define SUM_ROW(ip, l4) 0, l4, l4, l4, ip, (ip) | (l4), (ip) | (l4), (ip) | (l4)
static const uint8_t sum_flags[32] = {
	SUM_ROW(IP_GOOD, L4_GOOD),
	SUM_ROW(IP_GOOD, L4_BAD),
	SUM_ROW(IP_BAD, L4_GOOD),
	SUM_ROW(IP_BAD, L4_BAD),
};

/* Flags, tag and hash of a frame from its last descriptor. */
static FORCE_INLINE void rx_offload(struct vfq_buf *buf, const union igb_rx_desc *desc, uint32_t st)
{
	uint32_t info = le16_to_cpu(desc->wb.pkt_info);
	uint32_t flags = sum_flags[SUM_INDEX(st)] | (st & (IGB_RXD_VP | IGB_RXD_LB));

	if (likely(!(info & RX_TYPE_L2)))
		flags |= info & RX_TYPES;
	if (info & 0xf)
		flags |= VFQ_RX_RSS;
	buf->flags = flags;
	buf->vlan = le16_to_cpu(desc->wb.vlan);
	buf->rss = le32_to_cpu(desc->wb.rss);
}

/*
 * How many descriptors the device may have finished: those up to the tail it was told. It bounds a
 * burst, whatever a device writes.
 */
static FORCE_INLINE uint32_t rx_given(const struct vfq_rx *q)
{
	return (q->told - 1 - q->next) & (q->size - 1);
}

/* May this descriptor's buffer go to the caller, now or with the rest of its frame? */
static FORCE_INLINE bool rx_good(uint32_t st, uint32_t len, const struct vfq_buf *first,
				 const uint32_t features)
{
	const uint32_t want = features & VFQ_F_MULTISEG ? IGB_RXD_DD : IGB_RXD_DD | IGB_RXD_EOP;

	if (unlikely((st & (want | IGB_RXD_ERR_RX)) != want || len - 1 >= VFQ_BUF_SIZE))
		return false;
	return !(features & VFQ_F_MULTISEG) || likely(!first) ||
	       first->frame_len + len <= VFQ_RX_BYTES;
}

#define WHOLE (IGB_RXD_DD | IGB_RXD_EOP)

/*
 * Four descriptors, a cache line, that all hold whole good frames: the common case, and cheaper to
 * tell for four than for each. Their lengths and states go to @len and @st.
 */
static FORCE_INLINE bool rx_four(const union igb_rx_desc *desc, uint32_t len[4], uint32_t st[4])
{
	uint32_t bad = 0, size = 0;

	UNROLL4
	for (unsigned int i = 0; i < 4; i++) {
		st[i] = vfq_load(&desc[i].wb.status_error);
		bad |= st[i] ^ WHOLE;
	}
	if (bad & (WHOLE | IGB_RXD_ERR_RX))
		return false;
	/* Partner: the device writes the rest of a descriptor before DD. */
	os_dma_rmb();
	UNROLL4
	for (unsigned int i = 0; i < 4; i++) {
		len[i] = le16_to_cpu(desc[i].wb.length);
		size |= len[i] - 1;
	}
	return size < VFQ_BUF_SIZE;
}
_Static_assert((VFQ_BUF_SIZE & (VFQ_BUF_SIZE - 1)) == 0, "a bound of four by one comparison");

/* The buffer of a descriptor goes to the caller, a fresh one takes its place. */
static FORCE_INLINE struct vfq_buf *rx_swap(union igb_rx_desc *desc, struct vfq_buf **slot,
					    struct vfq_buf *fresh)
{
	struct vfq_buf *buf = *slot;

	*slot = fresh;
	desc->read.pkt_addr = cpu_to_le64(fresh->iova);
	desc->read.hdr_addr = cpu_to_le64(0);
	return buf;
}

static FORCE_INLINE struct vfq_buf *rx_whole(union igb_rx_desc *desc, struct vfq_buf **slot,
					     struct vfq_buf *fresh, uint32_t len, uint32_t st,
					     const uint32_t features)
{
	struct vfq_buf *buf = *slot;

	if (features & VFQ_F_OFFLOAD)
		rx_offload(buf, desc, st);
	else
		buf->flags = 0;
	rx_swap(desc, slot, fresh);
	buf->len = (uint16_t)len;
	buf->frame_len = (uint16_t)len;
	return buf;
}

/* One descriptor of a frame that has more; the frame when this is its end, otherwise NULL. */
static FORCE_INLINE struct vfq_buf *rx_part(struct vfq_rx *q, union igb_rx_desc *desc,
					    struct vfq_buf **slot, struct vfq_buf *fresh,
					    uint32_t st)
{
	uint16_t len = le16_to_cpu(desc->wb.length);
	struct vfq_buf *buf = *slot, *first = q->first;

	buf->len = len;
	if (!first) {
		first = buf;
		buf->frame_len = len;
		buf->flags = 0;
	} else {
		q->last->next = buf;
		first->nsegs++;
		first->frame_len = (uint16_t)(first->frame_len + len);
	}
	q->last = buf;
	q->first = first;
	if (!(st & IGB_RXD_EOP)) {
		rx_swap(desc, slot, fresh);
		return NULL;
	}
	if (q->features & VFQ_F_OFFLOAD)
		rx_offload(first, desc, st);
	rx_swap(desc, slot, fresh);
	q->first = NULL;
	return first;
}

/* How many descriptors a run may look at: no wrap, none that was not given, a buffer for each. */
static FORCE_INLINE unsigned int rx_limit(const struct vfq_rx *q)
{
	unsigned int n = q->size - q->next;

	if (n > rx_given(q))
		n = rx_given(q);
	return n > q->pool->nfree ? q->pool->nfree : n;
}

/* Good frames, up to @n; stops in front of anything else. Returns how many. */
static FORCE_INLINE unsigned int rx_run(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n,
					const uint32_t features)
{
	union igb_rx_desc *desc = q->ring + q->next;
	struct vfq_buf **slot = q->slot + q->next;
	struct vfq_buf **top = q->pool->free + q->pool->nfree;
	const bool chains = features & VFQ_F_MULTISEG;
	unsigned int left = rx_limit(q), got = 0, used;
	uint32_t len[4], st[4];
	uint64_t bytes = 0;

	if (!chains && left > n)
		left = n; /* a descriptor a frame: one bound for both */
	used = left;
	while (left && (!chains || got < n)) {
		struct vfq_buf *buf;

		if (left >= 4 && (!chains || (n - got >= 4 && !q->first)) &&
		    rx_four(desc, len, st)) {
			UNROLL4
			for (unsigned int i = 0; i < 4; i++) {
				bytes += len[i];
				bufs[got + i] = rx_whole(desc + i, slot + i, top[-1 - (int)i],
							 len[i], st[i], features);
			}
			got += 4;
			left -= 4;
			desc += 4;
			slot += 4;
			top -= 4;
			continue;
		}
		st[0] = vfq_load(&desc->wb.status_error);
		os_dma_rmb(); /* partner: as in rx_four() */
		len[0] = le16_to_cpu(desc->wb.length);
		if (!rx_good(st[0], len[0], q->first, features))
			break;
		if (!chains || (!q->first && (st[0] & IGB_RXD_EOP)))
			buf = rx_whole(desc, slot, *--top, len[0], st[0], features);
		else
			buf = rx_part(q, desc, slot, *--top, st[0]);
		left--;
		desc++;
		slot++;
		if (buf) {
			bytes += buf->frame_len;
			bufs[got++] = buf;
		}
	}
	used -= left;
	q->pool->nfree -= used;
	q->next = (q->next + used) & (q->size - 1);
	q->stats.packets += got;
	q->stats.bytes += bytes;
	return got;
}

static void rx_advance(struct vfq_rx *q)
{
	q->next = (q->next + 1) & (q->size - 1);
}

/* The frame that the next descriptor is of is lost; when it has more of them, they are skipped. */
static void rx_discard(struct vfq_rx *q, bool eop)
{
	vfq_rx_arm(q, q->next, q->slot[q->next]);
	rx_advance(q);
	vfq_buf_put(q->first);
	q->first = NULL;
	q->last = NULL;
	q->skip = !eop;
	q->stats.errors += eop;
}

/*
 * A DD that came late: QEMU writes the status by a copy of two stores, and when we see the first
 * and hand the descriptor back at once, the second lands on it. One that was written back has lost
 * its buffer's address; this one has not. The DD goes, unless the device is writing right now.
 */
static bool rx_ghost(const struct vfq_rx *q, union igb_rx_desc *desc, uint32_t st)
{
	uint64_t seen = (__force uint64_t)cpu_to_le64(st);

	if (le64_to_cpu(desc->read.pkt_addr) != q->slot[q->next]->iova || desc->wb.length)
		return false;
	__atomic_compare_exchange_n((__force uint64_t *)&desc->read.hdr_addr, &seen, 0, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return true;
}

/*
 * What a run stopped at, or a frame to skip: drops what has to be dropped, which needs no buffer.
 * True: a run can go on.
 */
static NOINLINE bool rx_next(struct vfq_rx *q)
{
	for (;;) {
		union igb_rx_desc *desc = &q->ring[q->next];
		uint32_t st = vfq_load(&desc->wb.status_error);

		if (!(st & IGB_RXD_DD) || !rx_given(q))
			return false;
		os_dma_rmb(); /* partner: as in rx_run() */
		if (rx_ghost(q, desc, st))
			return false;
		if (!q->skip && rx_good(st, le16_to_cpu(desc->wb.length), q->first, q->features))
			break;
		rx_discard(q, st & IGB_RXD_EOP);
	}
	if (!q->pool->nfree)
		q->stats.no_buf++;
	return q->pool->nfree;
}

/* What the first run left: behind the ring's end, and behind frames that are dropped. */
static NOINLINE unsigned int rx_rest(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n)
{
	unsigned int got = 0;

	while (got < n && rx_next(q))
		got += rx_run(q, bufs + got, n - got, q->features);
	return got;
}

static FORCE_INLINE unsigned int rx_burst(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n,
					  const uint32_t features)
{
	unsigned int got = 0;

	if (likely(!q->skip))
		got = rx_run(q, bufs, n, features);
	if (unlikely(got < n))
		got += rx_rest(q, bufs + got, n - got);
	if (((q->next - q->told) & (q->size - 1)) >= q->hold) {
		q->told = q->next;
		os_doorbell(q->dev, q->regs + IGB_RDT, (q->next - 1) & (q->size - 1));
	}
	return got;
}

#define RX_BURST(name, features)                                                          \
	static unsigned int name(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n) \
	{                                                                                 \
		return rx_burst(q, bufs, n, features);                                    \
	}

RX_BURST(rx_burst_plain, 0)
RX_BURST(rx_burst_offload, VFQ_F_OFFLOAD)
RX_BURST(rx_burst_multiseg, VFQ_F_MULTISEG)
RX_BURST(rx_burst_all, VFQ_F_OFFLOAD | VFQ_F_MULTISEG)

static unsigned int rx_burst_off(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n)
{
	(void)q;
	(void)bufs;
	(void)n;
	return 0;
}

void vfq_rx_select(struct vfq_rx *q)
{
	if (!q->running)
		q->burst = rx_burst_off;
	else if (q->features == (VFQ_F_OFFLOAD | VFQ_F_MULTISEG))
		q->burst = rx_burst_all;
	else if (q->features == VFQ_F_MULTISEG)
		q->burst = rx_burst_multiseg;
	else if (q->features == VFQ_F_OFFLOAD)
		q->burst = rx_burst_offload;
	else
		q->burst = rx_burst_plain;
}

unsigned int vfq_rx_burst(struct vfq_rx *q, struct vfq_buf **bufs, unsigned int n)
{
	if (unlikely(n - 1 >= VFQ_BURST_MAX)) {
		if (!n)
			return 0;
		n = VFQ_BURST_MAX;
	}
	return q->burst(q, bufs, n);
}
