/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Transmit queue: bursts, wrap, full ring, gathered frames, contexts, refusals, reclaim, stop. */
#include "tests/unit/vf_sim.h"

#include "base/errno.h"

#define ALL (VFQ_F_OFFLOAD | VFQ_F_MULTISEG)

static const uint32_t feature_sets[] = {0, VFQ_F_OFFLOAD, VFQ_F_MULTISEG, ALL};

static void test_start_programs_the_queue(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	uint32_t regs = IGB_VF_TXQ(0);

	(void)state;
	assert_int_equal(vsim_reg(s, regs + IGB_TDBAL), (uint32_t)s->tx->mem.iova);
	assert_int_equal(vsim_reg(s, regs + IGB_TDBAH), (uint32_t)(s->tx->mem.iova >> 32));
	assert_int_equal(vsim_reg(s, regs + IGB_TDLEN), SIM_RING * 16);
	assert_int_equal(field_get(IGB_TXDCTL_WTHRESH, vsim_reg(s, regs + IGB_TXDCTL)), 0);
	assert_true(vsim_reg(s, regs + IGB_TXDCTL) & IGB_TXDCTL_ENABLE);
	vsim_free(s);
}

static void test_start_clears_head_writeback(void **state)
{
	struct vsim *s = vsim_new(0, 256);

	(void)state;
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	s->dev->reg[(IGB_VF_TXQ(0) + IGB_TDWBAL) / 4] = 0x1001;
	assert_int_equal(vfq_tx_start(s->tx), 0);
	assert_int_equal(vsim_reg(s, IGB_VF_TXQ(0) + IGB_TDWBAL), 0);
	vsim_free(s);
}

/* Every burst size over every place in the ring; the device takes a few frames at a time. */
static void send_all(uint32_t features, unsigned int burst)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(features, 512);
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	unsigned int sent = 0, seen = 0;

	while (seen < 1000) {
		unsigned int n = 0, took;
		uint64_t bells = s->dev->doorbells;

		while (n < burst && s->pool.nfree) {
			bufs[n] = vsim_buf(s, (uint8_t)(sent + n),
					   (uint16_t)(60 + (sent + n) % 1400));
			n++;
		}
		took = n ? vfq_tx_burst(s->tx, bufs, n) : 0;
		assert_true(took <= n);
		assert_int_equal(s->dev->doorbells, bells + (took > 0));
		while (n > took)
			vfq_buf_put(bufs[--n]);
		sent += took;
		for (unsigned int i = 0; i < 50 && vsim_tx_frame(s, &f, true); i++, seen++) {
			assert_int_equal(f.len, 60 + seen % 1400);
			assert_int_equal(f.paylen, f.len);
			assert_int_equal(f.segs, 1);
			assert_int_equal(f.data[0], (uint8_t)seen);
			assert_int_equal(f.data[f.len - 1], (uint8_t)seen);
		}
	}
	while (vsim_tx_frame(s, &f, true))
		seen++;
	assert_int_equal(seen, sent);
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	assert_int_equal(s->pool.nfree, 512 - SIM_RING);
	assert_int_equal(s->tx->stats.packets, sent);
	assert_int_equal(s->tx->stats.errors, 0);
	assert_int_equal(s->dev->reads, 0);
	assert_int_equal(s->contexts, 0);
	vsim_free(s);
}

static void test_burst_sizes_all_features(void **state)
{
	static const unsigned int bursts[] = {1, 2, 3, 8, 31, 32, 63, 64, 65, 128, 255, 256};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++)
		for (size_t i = 0; i < ARRAY_SIZE(bursts); i++)
			send_all(feature_sets[f], bursts[i]);
}

static void test_full_ring_keeps_the_rest(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *bufs[100];

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		bufs[i] = vsim_buf(s, 0, 64);
	assert_int_equal(vfq_tx_burst(s->tx, bufs, 100), SIM_RING - 1);
	assert_int_equal(s->tx->stats.no_buf, 1);
	fake_log_clear(s->dev);
	assert_int_equal(vfq_tx_burst(s->tx, bufs + 63, 37), 0);
	assert_int_equal(s->dev->nlog, 0); /* no doorbell without a descriptor */
	assert_int_equal(vfq_tx_reclaim(s->tx), SIM_RING - 1);
	for (unsigned int i = 63; i < 100; i++)
		vfq_buf_put(bufs[i]);
	vsim_free(s); /* with all of them on the ring: none is lost */
}

static void test_one_writeback_a_burst(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *bufs[8];
	unsigned int rs = 0;

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		bufs[i] = vsim_buf(s, 0, 64);
	assert_int_equal(vfq_tx_burst(s->tx, bufs, 8), 8);
	for (unsigned int i = 0; i < 8; i++)
		rs += !!(le32_to_cpu(s->tx->ring[i].read.cmd_type_len) & IGB_TXD_RS);
	assert_int_equal(rs, 1);
	assert_true(le32_to_cpu(s->tx->ring[7].read.cmd_type_len) & IGB_TXD_RS);
	for (unsigned int i = 0; i < 7; i++)
		assert_true(vsim_tx_frame(s, &f, true));
	assert_int_equal(vfq_tx_reclaim(s->tx), 8); /* seven gone, none reported */
	assert_true(vsim_tx_frame(s, &f, true));
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	vsim_free(s);
}

/* Small bursts share a batch, but not without end: a device that lags gives the older ones back. */
static void test_small_bursts_are_returned_in_batches(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(0, 256);

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		struct vfq_buf *buf = vsim_buf(s, 0, 64);

		assert_int_equal(vfq_tx_burst(s->tx, &buf, 1), 1);
	}
	for (unsigned int i = 0; i < VFQ_TX_BATCH; i++)
		assert_true(vsim_tx_frame(s, &f, true));
	assert_int_equal(vfq_tx_reclaim(s->tx), 40 - VFQ_TX_BATCH);
	while (vsim_tx_frame(s, &f, true))
		;
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	vsim_free(s);
}

static void test_chain_is_gathered(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *bufs[3];

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		bufs[0] = vsim_buf(s, 9, 60);
		bufs[1] = vsim_chain(s, 4, 700);
		bufs[2] = vsim_buf(s, 8, 61);
		assert_int_equal(vfq_tx_burst(s->tx, bufs, 3), 3);
		assert_true(vsim_tx_frame(s, &f, true));
		assert_int_equal(f.len, 60);
		assert_true(vsim_tx_frame(s, &f, true));
		assert_int_equal(f.segs, 4);
		assert_int_equal(f.len, 2800);
		assert_int_equal(f.paylen, 2800);
		assert_int_equal(f.data[0], 1);
		assert_int_equal(f.data[2799], 4);
		assert_true(vsim_tx_frame(s, &f, true));
		assert_int_equal(f.len, 61);
		assert_false(vsim_tx_frame(s, &f, true));
		assert_int_equal(vfq_tx_reclaim(s->tx), 0);
		assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	}
	vsim_free(s);
}

static void test_chain_needs_room_for_all_of_it(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *bufs[61], *chain;

	(void)state;
	for (unsigned int i = 0; i < 60; i++)
		bufs[i] = vsim_buf(s, 0, 64);
	chain = bufs[60] = vsim_chain(s, 4, 100);
	assert_int_equal(vfq_tx_burst(s->tx, bufs, 61), 60);
	assert_int_equal(chain->nsegs, 4); /* still whole, still the caller's */
	while (vsim_tx_frame(s, &f, true))
		;
	assert_int_equal(vfq_tx_burst(s->tx, &chain, 1), 1);
	assert_true(vsim_tx_frame(s, &f, true));
	assert_int_equal(f.len, 400);
	vsim_free(s);
}

static void refuse(struct vsim *s, struct vfq_buf *buf)
{
	uint64_t errors = s->tx->stats.errors;
	struct vfq_buf *bufs[2] = {buf, vsim_buf(s, 1, 64)};
	static struct vsim_frame f;

	/* The bad one is taken and counted, the good one behind it goes out. */
	assert_int_equal(vfq_tx_burst(s->tx, bufs, 2), 2);
	assert_int_equal(s->tx->stats.errors, errors + 1);
	assert_true(vsim_tx_frame(s, &f, true));
	assert_int_equal(f.len, 64);
	assert_false(vsim_tx_frame(s, &f, true));
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	assert_int_equal(s->pool.nfree, s->pool.count - SIM_RING);
}

static void test_bad_frames_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feature_sets); i++) {
		struct vsim *s = vsim_new(feature_sets[i], 256);
		struct vfq_buf *buf;

		refuse(s, vsim_buf(s, 0, 0));
		refuse(s, vsim_buf(s, 0, VFQ_TX_MIN - 1));
		buf = vsim_buf(s, 0, 64);
		buf->len = VFQ_BUF_SIZE + 1;
		refuse(s, buf);
		buf = vsim_buf(s, 0, 64);
		buf->len = UINT16_MAX;
		refuse(s, buf);
		refuse(s, vsim_chain(s, VFQ_SEGS_MAX + 1, 100));
		refuse(s, vsim_chain(s, 5, 2000)); /* above the largest frame */
		buf = vsim_chain(s, 3, 100);
		buf->nsegs = 2; /* says less than it has */
		refuse(s, buf);
		buf = vsim_chain(s, 3, 100);
		buf->next->len = 0;
		refuse(s, buf);
		if (!(feature_sets[i] & VFQ_F_MULTISEG))
			refuse(s, vsim_chain(s, 2, 100));
		vsim_free(s);
	}
}

static void test_errors_alone_ring_no_bell(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *buf = vsim_buf(s, 0, 0);

	(void)state;
	assert_int_equal(vfq_tx_burst(s->tx, &buf, 1), 1);
	assert_int_equal(s->dev->nlog, 0);
	vsim_free(s);
}

static struct vfq_buf *csum_buf(struct vsim *s, uint32_t flags, uint16_t vlan)
{
	struct vfq_buf *buf = vsim_buf(s, 0, 100);

	buf->flags = flags;
	buf->vlan = vlan;
	buf->l2_len = 14;
	buf->l3_len = 20;
	return buf;
}

static void send_one(struct vsim *s, struct vfq_buf *buf, struct vsim_frame *f)
{
	assert_int_equal(vfq_tx_burst(s->tx, &buf, 1), 1);
	assert_true(vsim_tx_frame(s, f, true));
}

struct tx_case {
	uint32_t flags;
	uint32_t tucmd, popts, cmd;
};

static const struct tx_case tx_cases[] = {
	{VFQ_TX_VLAN, 0, 0, IGB_TXD_VLE},
	{VFQ_TX_IP_CSUM, IGB_TXD_TUCMD_IPV4, IGB_TXD_IXSM, 0},
	{VFQ_TX_IP4 | VFQ_TX_TCP_CSUM, IGB_TXD_TUCMD_IPV4 | IGB_TXD_TUCMD_TCP, IGB_TXD_TXSM, 0},
	{VFQ_TX_UDP_CSUM, 0, IGB_TXD_TXSM, 0}, /* IPv6 */
	{VFQ_TX_IP4 | VFQ_TX_IP_CSUM | VFQ_TX_UDP_CSUM, IGB_TXD_TUCMD_IPV4,
	 IGB_TXD_IXSM | IGB_TXD_TXSM, 0},
	{VFQ_TX_IP_CSUM | VFQ_TX_SCTP_CSUM | VFQ_TX_VLAN, IGB_TXD_TUCMD_IPV4 | IGB_TXD_TUCMD_SCTP,
	 IGB_TXD_IXSM | IGB_TXD_TXSM, IGB_TXD_VLE},
};

static void test_offloads_reach_the_descriptors(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tx_cases); i++) {
		const struct tx_case *c = &tx_cases[i];
		unsigned int idx;

		send_one(s, csum_buf(s, c->flags, 0x2abc), &f);
		idx = field_get(IGB_TXD_IDX, f.olinfo);
		assert_in_range(idx, 0, 1);
		assert_int_equal(f.olinfo & (IGB_TXD_IXSM | IGB_TXD_TXSM), c->popts);
		assert_int_equal(f.cmd & IGB_TXD_VLE, c->cmd);
		assert_int_equal(s->ctx_tucmd[idx] & (IGB_TXD_TUCMD_IPV4 | IGB_TXD_TUCMD_TCP |
						      IGB_TXD_TUCMD_SCTP),
				 c->tucmd);
		assert_int_equal(field_get(IGB_TXD_CTX_MACLEN, s->ctx_lens[idx]), 14);
		if (c->popts)
			assert_int_equal(field_get(IGB_TXD_CTX_IPLEN, s->ctx_lens[idx]), 20);
		if (c->cmd)
			assert_int_equal(field_get(IGB_TXD_CTX_VLAN, s->ctx_lens[idx]), 0x2abc);
		assert_int_equal(f.paylen, 100);
	}
	vsim_free(s);
}

static void test_contexts_are_reused(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);

	(void)state;
	for (unsigned int i = 0; i < 50; i++) {
		send_one(s, csum_buf(s, VFQ_TX_VLAN, 100), &f);
		send_one(s, csum_buf(s, VFQ_TX_IP_CSUM, 0), &f);
		send_one(s, vsim_buf(s, 0, 64), &f);
		assert_int_equal(f.olinfo & (IGB_TXD_IXSM | IGB_TXD_TXSM), 0);
	}
	assert_int_equal(s->contexts, 2);
	send_one(s, csum_buf(s, VFQ_TX_VLAN, 101), &f); /* a third replaces the older one */
	send_one(s, csum_buf(s, VFQ_TX_IP_CSUM, 0), &f);
	assert_int_equal(s->contexts, 3);
	send_one(s, csum_buf(s, VFQ_TX_VLAN, 100), &f);
	assert_int_equal(s->contexts, 4);
	vsim_free(s);
}

static void test_contexts_are_forgotten_on_restart(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);

	(void)state;
	send_one(s, csum_buf(s, VFQ_TX_VLAN, 100), &f);
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	assert_int_equal(vfq_tx_start(s->tx), 0);
	s->tx_head = 0;
	send_one(s, csum_buf(s, VFQ_TX_VLAN, 100), &f);
	assert_int_equal(s->contexts, 2);
	vsim_free(s);
}

/* A new context for every frame, in bursts, over the wrap: buffers all come back. */
static void test_context_each_frame(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *bufs[20];

	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int i = 0; i < 20; i++)
			bufs[i] = csum_buf(s, VFQ_TX_VLAN, (uint16_t)(1 + i));
		assert_int_equal(vfq_tx_burst(s->tx, bufs, 20), 20);
		for (unsigned int i = 0; i < 20; i++) {
			assert_true(vsim_tx_frame(s, &f, true));
			assert_int_equal(field_get(IGB_TXD_CTX_VLAN,
						   s->ctx_lens[field_get(IGB_TXD_IDX, f.olinfo)]),
					 1 + i);
		}
		assert_int_equal(vfq_tx_reclaim(s->tx), 0);
		assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	}
	vsim_free(s);
}

static void test_bad_header_lengths_are_refused(void **state)
{
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *buf = csum_buf(s, VFQ_TX_IP_CSUM, 0);

	(void)state;
	buf->l2_len = 13;
	refuse(s, buf);
	buf = csum_buf(s, VFQ_TX_IP_CSUM, 0);
	buf->l2_len = 128;
	refuse(s, buf);
	buf = csum_buf(s, VFQ_TX_UDP_CSUM, 0);
	buf->l3_len = 0;
	refuse(s, buf);
	buf = csum_buf(s, VFQ_TX_TCP_CSUM, 0);
	buf->l3_len = 512;
	refuse(s, buf);
	buf = csum_buf(s, VFQ_TX_TCP_CSUM, 0);
	buf->l3_len = 87; /* 14 + 87 > 100 */
	refuse(s, buf);
	refuse(s, csum_buf(s, VFQ_TX_TCP_CSUM | VFQ_TX_UDP_CSUM, 0));
	vsim_free(s);
}

/* The context fits, but this frame ends within its headers. */
static void test_short_frame_with_a_known_context_is_refused(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *buf;

	(void)state;
	send_one(s, csum_buf(s, VFQ_TX_IP_CSUM, 0), &f);
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	buf = csum_buf(s, VFQ_TX_IP_CSUM, 0);
	buf->len = 33;
	refuse(s, buf);
	buf = csum_buf(s, VFQ_TX_IP_CSUM, 0);
	buf->len = 34;
	send_one(s, buf, &f);
	vsim_free(s);
}

static void test_offload_flags_without_the_feature_are_not_looked_at(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(VFQ_F_MULTISEG, 256);
	struct vfq_buf *chain = vsim_chain(s, 2, 100);

	(void)state;
	send_one(s, csum_buf(s, VFQ_TX_VLAN | VFQ_TX_IP_CSUM, 5), &f);
	assert_int_equal(f.cmd & IGB_TXD_VLE, 0);
	chain->flags = VFQ_TX_VLAN;
	send_one(s, chain, &f);
	assert_int_equal(f.segs, 2);
	assert_int_equal(s->contexts, 0);
	vsim_free(s);
}

static void test_buffers_of_another_pool_go_home(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(0, 256);
	struct vfq_pool other;
	struct vfq_buf *bufs[6];

	(void)state;
	assert_int_equal(vfq_pool_init(&other, s->dev, 8), 0);
	for (unsigned int round = 0; round < 40; round++) {
		for (unsigned int i = 0; i < 6; i++) {
			bufs[i] = i % 2 ? vsim_buf(s, 0, 64) : vfq_buf_get(&other);
			bufs[i]->len = 64;
		}
		assert_int_equal(vfq_tx_burst(s->tx, bufs, 6), 6);
		while (vsim_tx_frame(s, &f, true))
			;
		assert_int_equal(vfq_tx_reclaim(s->tx), 0);
		assert_int_equal(other.nfree, 8);
		assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	}
	vfq_pool_fini(&other);
	vsim_free(s);
}

static void test_queue_without_a_pool_returns_to_any(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(0, 256);
	struct vfq_config cfg = {.regs = IGB_VF_TXQ(0), .size = SIM_RING};
	struct vfq_buf *buf;

	(void)state;
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	vfq_tx_fini(s->tx);
	assert_int_equal(vfq_tx_init(s->tx_mem, s->dev, &cfg, &s->tx), 0);
	assert_int_equal(vfq_tx_start(s->tx), 0);
	buf = vsim_buf(s, 0, 64);
	send_one(s, buf, &f);
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	vsim_free(s);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* A frame of any kind whose first bytes are its number; NULL: the pool is empty. */
static struct vfq_buf *mix_buf(struct vsim *s, struct vfq_pool *other, uint32_t *seed, uint32_t seq)
{
	uint32_t kind = next_random(seed) % 8;
	struct vfq_buf *buf;

	if (s->pool.nfree < 4)
		return NULL;
	if (kind == 0)
		buf = vsim_chain(s, 2 + next_random(seed) % 3, 500);
	else if (kind == 1 && other->nfree)
		buf = vfq_buf_get(other);
	else
		buf = vsim_buf(s, 0, 60);
	buf->l2_len = 14;
	buf->l3_len = 20;
	buf->vlan = (uint16_t)(1 + next_random(seed) % 3);
	buf->flags = kind == 2 || kind == 3 ? VFQ_TX_VLAN : kind == 4 ? VFQ_TX_IP_CSUM : 0;
	buf->len = kind == 0 ? 500 : 60;
	memcpy(buf->data, &seq, sizeof(seq));
	return buf;
}

/* Plain, chained, foreign and offloaded frames, bursts of any size, a device that lags behind. */
static void test_any_mixture_goes_out_in_order(void **state)
{
	static struct vsim_frame f;
	struct vsim *s = vsim_new(ALL, 300);
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	uint32_t seed = 1, sent = 0, seen = 0, seq;
	struct vfq_pool other;

	(void)state;
	assert_int_equal(vfq_pool_init(&other, s->dev, 16), 0);
	while (seen < 5000) {
		unsigned int want = 1 + next_random(&seed) % 70, n = 0, took;

		while (n < want && (bufs[n] = mix_buf(s, &other, &seed, sent + n)))
			n++;
		took = n ? vfq_tx_burst(s->tx, bufs, n) : 0;
		sent += took;
		while (n > took)
			vfq_buf_put(bufs[--n]);
		n = next_random(&seed) % 60;
		while (n-- && vsim_tx_frame(s, &f, true)) {
			memcpy(&seq, f.data, sizeof(seq));
			assert_int_equal(seq, seen++);
			assert_int_equal(f.paylen, f.len);
		}
		if (!(next_random(&seed) % 8))
			vfq_tx_reclaim(s->tx);
	}
	while (vsim_tx_frame(s, &f, true))
		seen++;
	assert_int_equal(seen, sent);
	assert_int_equal(vfq_tx_reclaim(s->tx), 0);
	assert_int_equal(other.nfree, 16);
	assert_int_equal(s->pool.nfree, 300 - SIM_RING);
	assert_int_equal(s->tx->stats.errors, 0);
	vfq_pool_fini(&other);
	vsim_free(s);
}

static void test_stopped_queue_takes_nothing(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *buf = vsim_buf(s, 0, 64);

	(void)state;
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	fake_log_clear(s->dev);
	assert_int_equal(vfq_tx_burst(s->tx, &buf, 1), 0);
	assert_int_equal(s->dev->nlog, 0);
	vfq_buf_put(buf);
	vsim_free(s);
}

static uint32_t never_enables(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	(void)dev;
	return reg == IGB_VF_TXQ(0) + IGB_TXDCTL ? val & ~IGB_TXDCTL_ENABLE : val;
}

static uint32_t never_disables(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	(void)dev;
	return reg == IGB_VF_TXQ(0) + IGB_TXDCTL ? val | IGB_TXDCTL_ENABLE : val;
}

static void test_timeouts_are_reported(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *buf = vsim_buf(s, 0, 64);

	(void)state;
	assert_int_equal(vfq_tx_burst(s->tx, &buf, 1), 1);
	s->dev->on_read = never_disables;
	assert_int_equal(vfq_tx_stop(s->tx), -ETIMEDOUT);
	assert_int_equal(s->pool.nfree, 256 - SIM_RING - 1); /* the device may still read it */
	s->dev->on_read = NULL;
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	s->dev->on_read = never_enables;
	assert_int_equal(vfq_tx_start(s->tx), -ETIMEDOUT);
	s->dev->on_read = NULL;
	vsim_free(s);
}

static void test_drop_touches_no_register(void **state)
{
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *bufs[2] = {csum_buf(s, VFQ_TX_VLAN, 3), vsim_chain(s, 3, 64)};

	(void)state;
	assert_int_equal(vfq_tx_burst(s->tx, bufs, 2), 2);
	fake_log_clear(s->dev);
	vfq_tx_drop(s->tx);
	assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(s->dev->reads, 0);
	vsim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_programs_the_queue),
		cmocka_unit_test(test_start_clears_head_writeback),
		cmocka_unit_test(test_burst_sizes_all_features),
		cmocka_unit_test(test_full_ring_keeps_the_rest),
		cmocka_unit_test(test_one_writeback_a_burst),
		cmocka_unit_test(test_small_bursts_are_returned_in_batches),
		cmocka_unit_test(test_chain_is_gathered),
		cmocka_unit_test(test_chain_needs_room_for_all_of_it),
		cmocka_unit_test(test_bad_frames_are_refused),
		cmocka_unit_test(test_errors_alone_ring_no_bell),
		cmocka_unit_test(test_offloads_reach_the_descriptors),
		cmocka_unit_test(test_contexts_are_reused),
		cmocka_unit_test(test_contexts_are_forgotten_on_restart),
		cmocka_unit_test(test_context_each_frame),
		cmocka_unit_test(test_bad_header_lengths_are_refused),
		cmocka_unit_test(test_short_frame_with_a_known_context_is_refused),
		cmocka_unit_test(test_offload_flags_without_the_feature_are_not_looked_at),
		cmocka_unit_test(test_buffers_of_another_pool_go_home),
		cmocka_unit_test(test_queue_without_a_pool_returns_to_any),
		cmocka_unit_test(test_any_mixture_goes_out_in_order),
		cmocka_unit_test(test_stopped_queue_takes_nothing),
		cmocka_unit_test(test_timeouts_are_reported),
		cmocka_unit_test(test_drop_touches_no_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
