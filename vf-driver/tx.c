/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Transmit bursts. Frames of one buffer of the queue's own pool without offloads take a short loop;
 * everything else goes frame by frame. A burst has one write-back and one doorbell.
 */
#include "queue.h"

#define DATA_CMD (IGB_TXD_DTYP_DATA | IGB_TXD_DEXT | IGB_TXD_IFCS)
#define ONE_SEG	 (1u << 16) /* nsegs in len_nsegs */
#define TX_L4	 ((uint32_t)(VFQ_TX_TCP_CSUM | VFQ_TX_UDP_CSUM | VFQ_TX_SCTP_CSUM))
#define TX_FLAGS ((uint32_t)(VFQ_TX_VLAN | VFQ_TX_IP_CSUM | VFQ_TX_IP4) | TX_L4)
#define TX_WORK	 ((uint32_t)(VFQ_TX_VLAN | VFQ_TX_IP_CSUM) | TX_L4) /* needs a context */

#define ETH_HEADER 14
#define IP_HEADER  20
#define MACLEN_MAX field_get(IGB_TXD_CTX_MACLEN, UINT32_MAX)
#define IPLEN_MAX  field_get(IGB_TXD_CTX_IPLEN, UINT32_MAX)

_Static_assert(offsetof(struct vfq_buf, nsegs) == offsetof(struct vfq_buf, len) + 2 &&
		       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "len_nsegs has the length in its low half");

static FORCE_INLINE uint32_t tx_used(const struct vfq_tx *q)
{
	return (q->tail - q->clean) & (q->size - 1);
}

static FORCE_INLINE uint32_t tx_room(const struct vfq_tx *q)
{
	return q->size - 1 - tx_used(q);
}

/* ---- the way back */

/* Four at a time: the common batch is whole bursts of one pool. */
static FORCE_INLINE void copy_bufs(struct vfq_buf **dst, struct vfq_buf *const *src, uint32_t n)
{
	for (; n >= 4; n -= 4, dst += 4, src += 4)
		__builtin_memcpy(dst, src, 4 * sizeof(*src));
	for (; n; n--)
		*dst++ = *src++;
}

static NOINLINE void put_mixed(struct vfq_tx *q, uint32_t from, uint32_t n)
{
	for (; n; n--, from = (from + 1) & (q->size - 1))
		vfq_buf_put(q->slot[from]); /* NULL behind a context */
}

static FORCE_INLINE void put_batch(struct vfq_tx *q, uint32_t from, uint32_t n)
{
	struct vfq_pool *pool = q->pool;
	uint32_t head = q->size - from;

	if (unlikely(q->batch[from].mixed)) {
		put_mixed(q, from, n);
		return;
	}
	if (unlikely(head < n)) {
		copy_bufs(pool->free + pool->nfree, q->slot + from, head);
		copy_bufs(pool->free + pool->nfree + head, q->slot, n - head);
	} else {
		copy_bufs(pool->free + pool->nfree, q->slot + from, n);
	}
	pool->nfree += n;
}

static NOINLINE void clean(struct vfq_tx *q)
{
	while (q->clean != q->tail) {
		uint32_t from = q->clean, last = q->batch[from].last;

		if (!(vfq_load(&q->ring[last].wb.status) & IGB_TXD_DD))
			break;
		/* Partner: the device has read descriptors and buffers before it writes DD. */
		os_dma_rmb();
		put_batch(q, from, ((last - from) & (q->size - 1)) + 1);
		q->clean = (last + 1) & (q->size - 1);
	}
}

/* ---- onto the ring */

/* Does @buf ask what the last user of @ctx asked? Then all about it is known. */
static FORCE_INLINE bool same_ask(const struct vfq_ctx *ctx, const struct vfq_buf *buf,
				  uint32_t bytes)
{
	return (buf->flags & TX_FLAGS) == ctx->flags && buf->ask == ctx->ask && bytes >= ctx->min;
}

/* Plain frames up to the ring's end; stops in front of anything else. Returns how many. */
static FORCE_INLINE unsigned int tx_run(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n,
					const uint32_t features)
{
	struct vfq_pool *pool = q->pool;
	union igb_tx_desc *desc = q->ring + q->tail;
	struct vfq_buf **slot = q->slot + q->tail;
	const struct vfq_ctx *ctx = &q->ctx[q->ctx_last];
	uint32_t room = tx_room(q);
	uint64_t bytes = 0;
	unsigned int k;

	if (room > q->size - q->tail)
		room = q->size - q->tail;
	if (n > room)
		n = room;
	UNROLL4
	for (k = 0; k < n; k++) {
		struct vfq_buf *buf = bufs[k];
		uint32_t len = buf->len_nsegs - ONE_SEG, cmd, olinfo;

		if (unlikely(len - VFQ_TX_MIN > VFQ_BUF_SIZE - VFQ_TX_MIN))
			break;
		if (unlikely(buf->pool != pool))
			break;
		cmd = (DATA_CMD | IGB_TXD_EOP) + len;
		olinfo = field_prep(IGB_TXD_PAYLEN, len);
		if ((features & VFQ_F_OFFLOAD) && (buf->flags & TX_WORK)) {
			if (unlikely(!same_ask(ctx, buf, len)))
				break;
			cmd |= ctx->cmd;
			olinfo |= ctx->olinfo;
		}
		desc[k].read.addr = cpu_to_le64(buf->iova);
		desc[k].read.cmd_type_len = cpu_to_le32(cmd);
		desc[k].read.olinfo_status = cpu_to_le32(olinfo);
		slot[k] = buf;
		bytes += len;
	}
	q->tail = (q->tail + k) & (q->size - 1);
	q->stats.packets += k;
	q->stats.bytes += bytes;
	return k;
}

/* Bytes of the frame, or 0 when it cannot be sent. */
static uint32_t tx_frame_len(const struct vfq_tx *q, const struct vfq_buf *buf)
{
	const struct vfq_buf *seg;
	uint32_t bytes = 0, n = 0;

	for (seg = buf; seg; seg = seg->next) {
		if (!seg->len || seg->len > VFQ_BUF_SIZE || ++n > VFQ_SEGS_MAX)
			return 0;
		bytes += seg->len;
	}
	if (n != buf->nsegs || (n > 1 && !(q->features & VFQ_F_MULTISEG)))
		return 0;
	return bytes >= VFQ_TX_MIN && bytes <= VFQ_TX_MAX ? bytes : 0;
}

/* What a context descriptor and its users have to say for @buf; false: they cannot. */
static bool ctx_make(const struct vfq_buf *buf, uint32_t bytes, struct vfq_ctx *ctx)
{
	uint32_t flags = buf->flags & TX_FLAGS, l2 = buf->l2_len ? buf->l2_len : ETH_HEADER, l3 = 0;
	bool sums = flags & (VFQ_TX_IP_CSUM | TX_L4);

	if (sums) {
		l3 = buf->l3_len;
		if (l2 < ETH_HEADER || l3 < IP_HEADER || l2 > MACLEN_MAX || l3 > IPLEN_MAX ||
		    l2 + l3 > bytes)
			return false;
		if ((flags & TX_L4) & ((flags & TX_L4) - 1))
			return false; /* one L4 protocol at most */
	}
	*ctx = (struct vfq_ctx){
		.lens = field_prep(IGB_TXD_CTX_IPLEN, l3) | field_prep(IGB_TXD_CTX_MACLEN, l2) |
			(flags & VFQ_TX_VLAN ? field_prep(IGB_TXD_CTX_VLAN, buf->vlan) : 0),
		.tucmd = IGB_TXD_DTYP_CTX | IGB_TXD_DEXT |
			 (flags & (VFQ_TX_IP4 | VFQ_TX_IP_CSUM) ? IGB_TXD_TUCMD_IPV4 : 0) |
			 (flags & VFQ_TX_TCP_CSUM ? IGB_TXD_TUCMD_TCP : 0) |
			 (flags & VFQ_TX_SCTP_CSUM ? IGB_TXD_TUCMD_SCTP : 0),
		.ask = buf->ask,
		.flags = flags,
		.min = sums ? l2 + l3 : 0,
		.cmd = flags & VFQ_TX_VLAN ? IGB_TXD_VLE : 0,
		.olinfo = (flags & VFQ_TX_IP_CSUM ? IGB_TXD_IXSM : 0) |
			  (flags & TX_L4 ? IGB_TXD_TXSM : 0),
	};
	return true;
}

/* The device's context that says the same already, or VFQ_TX_CTXS. */
static unsigned int ctx_find(const struct vfq_tx *q, const struct vfq_ctx *want)
{
	unsigned int i;

	for (i = 0; i < VFQ_TX_CTXS; i++)
		if (q->ctx[i].lens == want->lens && q->ctx[i].tucmd == want->tucmd)
			break;
	return i;
}

static void tx_advance(struct vfq_tx *q, struct vfq_buf *buf)
{
	q->slot[q->tail] = buf;
	q->tail = (q->tail + 1) & (q->size - 1);
}

static void ctx_write(struct vfq_tx *q, unsigned int i, const struct vfq_ctx *ctx)
{
	union igb_tx_desc *desc = q->ring + q->tail;

	desc->ctx.vlan_macip_lens = cpu_to_le32(ctx->lens);
	desc->ctx.seqnum = cpu_to_le32(0);
	desc->ctx.type_tucmd = cpu_to_le32(ctx->tucmd);
	desc->ctx.mss_l4len_idx = cpu_to_le32(field_prep(IGB_TXD_CTX_IDX, i));
	q->mixed = true;
	tx_advance(q, NULL);
}

static void tx_segments(struct vfq_tx *q, struct vfq_buf *seg, uint32_t cmd, uint32_t olinfo)
{
	while (seg) {
		struct vfq_buf *next = seg->next;
		union igb_tx_desc *desc = q->ring + q->tail;

		if (!next)
			cmd |= IGB_TXD_EOP;
		desc->read.addr = cpu_to_le64(seg->iova);
		desc->read.cmd_type_len = cpu_to_le32(cmd | seg->len);
		desc->read.olinfo_status = cpu_to_le32(olinfo);
		if (seg->pool != q->pool)
			q->mixed = true;
		/* From here on each segment is on its own. */
		seg->next = NULL;
		seg->nsegs = 1;
		tx_advance(q, seg);
		seg = next;
	}
}

enum tx_step { TX_FULL, TX_BAD, TX_READY };

/*
 * Makes q->ctx[q->ctx_last] the context that @buf asks for, when there is room for it and @segs
 * descriptors more.
 */
static enum tx_step ctx_use(struct vfq_tx *q, const struct vfq_buf *buf, uint32_t bytes,
			    uint32_t segs)
{
	struct vfq_ctx want;
	unsigned int i;

	if (same_ask(&q->ctx[q->ctx_last], buf, bytes))
		return segs > tx_room(q) ? TX_FULL : TX_READY;
	if (!ctx_make(buf, bytes, &want))
		return TX_BAD;
	i = ctx_find(q, &want);
	if (segs + (i == VFQ_TX_CTXS) > tx_room(q))
		return TX_FULL;
	if (i == VFQ_TX_CTXS) {
		i = q->ctx_last ^ 1;
		ctx_write(q, i, &want);
	}
	want.olinfo |= field_prep(IGB_TXD_IDX, i);
	q->ctx[i] = want;
	q->ctx_last = i;
	return TX_READY;
}

/* Any frame: sends it, refuses it, or leaves it for want of room (false). */
static NOINLINE bool tx_frame(struct vfq_tx *q, struct vfq_buf *buf)
{
	uint32_t bytes = tx_frame_len(q, buf);
	uint32_t cmd = DATA_CMD, olinfo = field_prep(IGB_TXD_PAYLEN, bytes);
	enum tx_step step = TX_BAD;

	if (bytes && (q->features & VFQ_F_OFFLOAD) && (buf->flags & TX_WORK)) {
		step = ctx_use(q, buf, bytes, buf->nsegs);
		cmd |= q->ctx[q->ctx_last].cmd;
		olinfo |= q->ctx[q->ctx_last].olinfo;
	} else if (bytes) {
		step = buf->nsegs > tx_room(q) ? TX_FULL : TX_READY;
	}
	if (step == TX_READY) {
		tx_segments(q, buf, cmd, olinfo);
		q->stats.packets++;
		q->stats.bytes += bytes;
	} else if (step == TX_BAD) {
		vfq_buf_put(buf);
		q->stats.errors++;
	}
	return step != TX_FULL;
}

/* What the first run left: behind the ring's end, and frames that are not for a run. */
static NOINLINE unsigned int tx_rest(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n) {
		unsigned int k = 0;

		if (bufs[sent]->nsegs == 1)
			k = tx_run(q, bufs + sent, n - sent, q->features);
		if (!k && !tx_frame(q, bufs[sent]))
			break;
		sent += k ? k : 1;
	}
	q->stats.no_buf += sent < n;
	return sent;
}

/* A burst joins the open batch or starts one; the batch ends where the burst does. */
static FORCE_INLINE void tx_report(struct vfq_tx *q)
{
	uint32_t last = (q->tail - 1) & (q->size - 1);
	struct vfq_batch *batch = &q->batch[q->open];

	q->ring[last].read.cmd_type_len |= cpu_to_le32(IGB_TXD_RS);
	batch->last = (uint16_t)last;
	batch->mixed = q->mixed;
}

static FORCE_INLINE unsigned int tx_burst(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n,
					  const uint32_t features)
{
	uint32_t start = q->tail, used = tx_used(q);
	unsigned int sent;

	/* Not at each burst: a batch is given back at the price of a frame or two. */
	if (unlikely(used >= VFQ_TX_BATCH || used + n >= q->size))
		clean(q);
	if (unlikely(q->clean == start || ((start - q->open) & (q->size - 1)) >= VFQ_TX_BATCH)) {
		q->open = start;
		q->mixed = false;
	}
	sent = tx_run(q, bufs, n, features);
	if (unlikely(sent < n))
		sent += tx_rest(q, bufs + sent, n - sent);
	if (unlikely(q->tail == start))
		return sent;
	tx_report(q);
	/* Orders the descriptors before the tail; its partner is the device's fetch. */
	os_doorbell(q->dev, q->regs + IGB_TDT, q->tail);
	return sent;
}

static unsigned int tx_burst_plain(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n)
{
	return tx_burst(q, bufs, n, 0);
}

static unsigned int tx_burst_offload(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n)
{
	return tx_burst(q, bufs, n, VFQ_F_OFFLOAD);
}

static unsigned int tx_burst_off(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n)
{
	(void)q;
	(void)bufs;
	(void)n;
	return 0;
}

void vfq_tx_select(struct vfq_tx *q)
{
	if (!q->running)
		q->burst = tx_burst_off;
	else if (q->features & VFQ_F_OFFLOAD)
		q->burst = tx_burst_offload;
	else
		q->burst = tx_burst_plain; /* chains are not for a run in any case */
}

unsigned int vfq_tx_burst(struct vfq_tx *q, struct vfq_buf **bufs, unsigned int n)
{
	if (unlikely(n > VFQ_BURST_MAX))
		n = VFQ_BURST_MAX;
	return q->burst(q, bufs, n);
}

unsigned int vfq_tx_reclaim(struct vfq_tx *q)
{
	clean(q);
	return tx_used(q);
}
