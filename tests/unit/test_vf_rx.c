/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Receive queue: bursts, wrap, chains, errors, offload flags, an empty pool, start and stop. */
#include "tests/unit/vf_sim.h"

#include "base/errno.h"

#define ALL  (VFQ_F_OFFLOAD | VFQ_F_MULTISEG)
#define GOOD (IGB_RXD_DD | IGB_RXD_EOP)

static const uint32_t feature_sets[] = {0, VFQ_F_OFFLOAD, VFQ_F_MULTISEG, ALL};

static void test_start_programs_the_queue(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	uint32_t regs = IGB_VF_RXQ(0), srrctl = vsim_reg(s, regs + IGB_SRRCTL);

	(void)state;
	assert_int_equal(vsim_reg(s, regs + IGB_RDBAL), (uint32_t)s->rx->mem.iova);
	assert_int_equal(vsim_reg(s, regs + IGB_RDBAH), (uint32_t)(s->rx->mem.iova >> 32));
	assert_int_equal(vsim_reg(s, regs + IGB_RDLEN), SIM_RING * 16);
	assert_int_equal(field_get(IGB_SRRCTL_BSIZEPKT, srrctl), 2);
	assert_int_equal(field_get(IGB_SRRCTL_DESCTYPE, srrctl), IGB_SRRCTL_DESCTYPE_ADV1);
	assert_true(vsim_reg(s, regs + IGB_RXDCTL) & IGB_RXDCTL_ENABLE);
	assert_int_equal(vsim_reg(s, regs + IGB_RDT), SIM_RING - 1);
	assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	vsim_free(s);
}

static void test_tail_is_written_after_enable(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	long enable, tail;

	(void)state;
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	fake_log_clear(s->dev);
	assert_int_equal(vfq_rx_start(s->rx), 0);
	enable = fake_log_find(s->dev, IGB_VF_RXQ(0) + IGB_RXDCTL, 0);
	tail = fake_log_find(s->dev, IGB_VF_RXQ(0) + IGB_RDT, (size_t)enable);
	assert_true(enable >= 0 && tail > enable);
	assert_int_equal(s->dev->log[tail].val, SIM_RING - 1);
	vsim_free(s);
}

static void test_init_refuses_bad_sizes(void **state)
{
	static const unsigned int bad[] = {0, 32, 63, 96, 8192};
	struct os_dev *dev = fake_new();
	struct vfq_pool pool;
	void *mem = vsim_mem(vfq_rx_size());
	struct vfq_rx *q;

	(void)state;
	assert_int_equal(vfq_pool_init(&pool, dev, 0), -EINVAL);
	assert_int_equal(vfq_pool_init(&pool, dev, VFQ_POOL_MAX + 1), -EINVAL);
	assert_int_equal(vfq_pool_init(&pool, dev, 64), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vfq_config cfg = {.size = bad[i], .pool = &pool};

		assert_int_equal(vfq_rx_init(mem, dev, &cfg, &q), -EINVAL);
	}
	assert_int_equal(vfq_rx_init(mem, dev, &(struct vfq_config){.size = 64}, &q), -EINVAL);
	dev->dma_fail_after = 0;
	assert_int_equal(vfq_rx_init(mem, dev, &(struct vfq_config){.size = 64, .pool = &pool}, &q),
			 -ENOMEM);
	vfq_pool_fini(&pool);
	dev->dma_fail_after = 1;
	assert_int_equal(vfq_pool_init(&pool, dev, 64), -ENOMEM);
	free(mem);
	fake_free(dev);
}

/* Every burst size over every place in the ring: nothing lost, nothing reordered. */
static void receive_all(uint32_t features, unsigned int burst)
{
	struct vsim *s = vsim_new(features, 512);
	unsigned int sent = 0, got = 0;
	struct vfq_buf *bufs[VFQ_BURST_MAX];

	while (got < 1000) {
		unsigned int n;
		uint64_t bells = s->dev->doorbells;

		for (unsigned int i = 0; i < 40; i++)
			if (vsim_rx_frame(s, (uint8_t)sent, (uint16_t)(60 + sent % 1400)))
				sent++;
		n = vfq_rx_burst(s->rx, bufs, burst);
		assert_true(n <= burst);
		assert_true(s->dev->doorbells <= bells + 1);
		assert_true(n > 0);
		for (unsigned int i = 0; i < n; i++, got++) {
			assert_int_equal(bufs[i]->len, 60 + got % 1400);
			assert_int_equal(bufs[i]->frame_len, bufs[i]->len);
			assert_int_equal(bufs[i]->data[0], (uint8_t)got);
			assert_int_equal(bufs[i]->data[bufs[i]->len - 1], (uint8_t)got);
			assert_int_equal(bufs[i]->nsegs, 1);
			assert_null(bufs[i]->next);
			vfq_buf_put(bufs[i]);
		}
	}
	assert_int_equal(s->dev->reads, 0);
	assert_int_equal(s->rx->stats.packets, got);
	assert_int_equal(s->rx->stats.errors, 0);
	assert_int_equal(s->rx->stats.no_buf, 0);
	vsim_free(s);
}

static void test_burst_sizes_all_features(void **state)
{
	static const unsigned int bursts[] = {1, 2, 3, 8, 31, 32, 63, 64, 65, 128, 255, 256};

	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++)
		for (size_t i = 0; i < ARRAY_SIZE(bursts); i++)
			receive_all(feature_sets[f], bursts[i]);
}

static void test_empty_ring_gives_nothing(void **state)
{
	struct vsim *s = vsim_new(ALL, 256);
	struct vfq_buf *bufs[4];

	(void)state;
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 4), 0);
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 0), 0);
	assert_int_equal(s->dev->reads, 0);
	assert_int_equal(s->dev->doorbells, 0);
	vsim_free(s);
}

static void test_full_ring_drains_whole(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	unsigned int sent = 0;

	(void)state;
	for (int round = 0; round < 5; round++) {
		sent = 0;
		while (vsim_rx_frame(s, 1, 64))
			sent++;
		assert_int_equal(sent, SIM_RING - 1);
		assert_int_equal(vfq_rx_burst(s->rx, bufs, 256), SIM_RING - 1);
		for (unsigned int i = 0; i < sent; i++)
			vfq_buf_put(bufs[i]);
	}
	assert_int_equal(s->dev->doorbells, 5);
	vsim_free(s);
}

/* A device that marks descriptors it was never given: the burst ends at what it was. */
static void test_device_cannot_run_past_the_tail(void **state)
{
	struct vsim *s = vsim_new(ALL, 512);
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	unsigned int n;

	(void)state;
	for (unsigned int i = 0; i < SIM_RING; i++) {
		s->rx->ring[i].wb.length = cpu_to_le16(64);
		s->rx->ring[i].wb.status_error = cpu_to_le32(GOOD);
	}
	n = vfq_rx_burst(s->rx, bufs, 256);
	assert_int_equal(n, SIM_RING - 1);
	while (n--)
		vfq_buf_put(bufs[n]);
	vsim_free(s);
}

static void test_empty_pool_stops_and_recovers(void **state)
{
	struct vsim *s = vsim_new(ALL, SIM_RING + 4);
	struct vfq_buf *bufs[64];

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		assert_true(vsim_rx_frame(s, (uint8_t)i, 100));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 64), 4);
	assert_int_equal(s->rx->stats.no_buf, 1);
	assert_int_equal(vfq_rx_burst(s->rx, bufs + 4, 60), 0);
	assert_int_equal(s->rx->stats.no_buf, 2);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(bufs[i]->data[0], i);
		vfq_buf_put(bufs[i]);
	}
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 3), 3);
	assert_int_equal(bufs[0]->data[0], 4);
	assert_int_equal(vfq_rx_burst(s->rx, bufs + 3, 60), 1);
	assert_int_equal(bufs[3]->data[0], 7);
	for (unsigned int i = 0; i < 4; i++)
		vfq_buf_put(bufs[i]);
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 64), 2);
	assert_int_equal(bufs[1]->data[0], 9);
	vfq_buf_put(bufs[0]);
	vfq_buf_put(bufs[1]);
	assert_int_equal(s->rx->stats.packets, 10);
	vsim_free(s);
}

static void test_chain_is_one_frame(void **state)
{
	struct vsim *s = vsim_new(ALL, 512);
	uint8_t data[VFQ_BUF_SIZE];
	struct vfq_buf *bufs[8], *b;

	(void)state;
	for (unsigned int round = 0; round < 40; round++) { /* over the wrap, too */
		memset(data, (int)round, sizeof(data));
		assert_true(vsim_rx_frame(s, 7, 60));
		assert_true(vsim_rx_desc(s, data, 2048, IGB_RXD_DD));
		assert_true(vsim_rx_desc(s, data, 2048, IGB_RXD_DD));
		assert_true(vsim_rx_desc(s, data, 5, GOOD | IGB_RXD_IPCS));
		assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 2);
		b = bufs[1];
		assert_int_equal(b->nsegs, 3);
		assert_int_equal(b->frame_len, 4101);
		assert_int_equal(b->flags, VFQ_RX_IP_CSUM_GOOD);
		assert_int_equal(b->len, 2048);
		assert_int_equal(b->next->len, 2048);
		assert_int_equal(b->next->next->len, 5);
		assert_int_equal(b->next->next->data[4], (uint8_t)round);
		assert_null(b->next->next->next);
		vfq_buf_put(bufs[0]);
		vfq_buf_put(b);
	}
	vsim_free(s);
}

static void test_chain_arrives_in_pieces(void **state)
{
	struct vsim *s = vsim_new(VFQ_F_MULTISEG, SIM_RING + 2);
	struct vfq_buf *bufs[8];

	(void)state;
	assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0);
	assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_true(vsim_rx_desc(s, NULL, 10, GOOD));
	/* Two buffers are there for three segments: it waits for one, and loses nothing. */
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0);
	assert_int_equal(s->rx->stats.no_buf, 1);
	assert_int_equal(s->pool.nfree, 0);
	assert_int_equal(vfq_rx_stop(s->rx), 0); /* the half frame comes back, too */
	assert_int_equal(s->pool.nfree, SIM_RING + 2);
	vsim_free(s);
}

static void test_chain_without_multiseg_is_dropped(void **state)
{
	struct vsim *s = vsim_new(VFQ_F_OFFLOAD, 256);
	struct vfq_buf *bufs[8];

	(void)state;
	assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0);
	assert_true(vsim_rx_desc(s, NULL, 100, GOOD)); /* the end of the dropped one */
	assert_true(vsim_rx_frame(s, 9, 64));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 1);
	assert_int_equal(bufs[0]->data[0], 9);
	assert_int_equal(s->rx->stats.errors, 1);
	assert_int_equal(s->rx->stats.packets, 1);
	vfq_buf_put(bufs[0]);
	vsim_free(s);
}

static void test_endless_chain_is_dropped(void **state)
{
	struct vsim *s = vsim_new(ALL, 512);
	struct vfq_buf *bufs[8];
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		if (!vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD))
			n += vfq_rx_burst(s->rx, bufs, 8);
	}
	n += vfq_rx_burst(s->rx, bufs, 8);
	assert_int_equal(n, 0);
	assert_null(s->rx->first);
	assert_int_equal(s->pool.nfree, 512 - SIM_RING);
	assert_true(vsim_rx_desc(s, NULL, 1, GOOD));
	assert_true(vsim_rx_frame(s, 5, 64));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 1);
	assert_int_equal(s->rx->stats.errors, 1);
	vfq_buf_put(bufs[0]);
	vsim_free(s);
}

static void test_error_frames_are_dropped_and_counted(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++) {
		struct vsim *s = vsim_new(feature_sets[f], 256);
		struct vfq_buf *bufs[16];

		for (unsigned int i = 0; i < 100; i++) {
			assert_true(vsim_rx_frame(s, 1, 64));
			assert_true(vsim_rx_desc(s, NULL, 64, GOOD | IGB_RXD_ERR_RX));
			assert_true(vsim_rx_desc(s, NULL, 0, GOOD));
			assert_true(vsim_rx_desc(s, NULL, VFQ_BUF_SIZE + 1, GOOD));
			assert_true(vsim_rx_frame(s, 2, 64));
			assert_int_equal(vfq_rx_burst(s->rx, bufs, 16), 2);
			assert_int_equal(bufs[0]->data[0], 1);
			assert_int_equal(bufs[1]->data[0], 2);
			vfq_buf_put(bufs[0]);
			vfq_buf_put(bufs[1]);
		}
		assert_int_equal(s->rx->stats.errors, 300);
		assert_int_equal(s->rx->stats.packets, 200);
		assert_int_equal(s->pool.nfree, 256 - SIM_RING);
		vsim_free(s);
	}
}

/*
 * QEMU stores a status twice; the second may land on a descriptor that was handed back meanwhile.
 */
static void test_late_second_done_is_no_frame(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++) {
		struct vsim *s = vsim_new(feature_sets[f], 256);
		struct vfq_buf *bufs[8];
		union igb_rx_desc *d;

		for (unsigned int i = 0; i < 3 * SIM_RING; i++) {
			d = &s->rx->ring[s->rx->next];
			d->wb.status_error = cpu_to_le32(GOOD);
			assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0);
			assert_int_equal(le64_to_cpu(d->read.hdr_addr), 0);
			assert_true(vsim_rx_frame(s, 7, 64));
			assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 1);
			assert_int_equal(bufs[0]->len, 64);
			vfq_buf_put(bufs[0]);
		}
		assert_int_equal(s->rx->stats.errors, 0);
		assert_int_equal(s->pool.nfree, 256 - SIM_RING);
		vsim_free(s);
	}
}

/* One bad descriptor at each place among good ones, which are looked at four at a time. */
static void test_one_bad_among_four(void **state)
{
	static const struct {
		uint16_t len;
		uint32_t status;
		unsigned int good;
	} cases[] = {{0, GOOD, 7},
		     {VFQ_BUF_SIZE + 1, GOOD, 7},
		     {64, GOOD | IGB_RXD_ERR_RX, 7},
		     {VFQ_BUF_SIZE, GOOD, 8},
		     {1, GOOD, 8}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(feature_sets) * 8; i++) {
		struct vsim *s = vsim_new(feature_sets[i / 8 % ARRAY_SIZE(feature_sets)], 256);
		size_t c = i / 8 / ARRAY_SIZE(feature_sets);
		struct vfq_buf *bufs[8];

		for (unsigned int k = 0; k < 8; k++)
			assert_true(k == i % 8
					    ? vsim_rx_desc(s, NULL, cases[c].len, cases[c].status)
					    : vsim_rx_frame(s, 1, 64));
		assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), cases[c].good);
		assert_int_equal(s->rx->stats.errors, 8 - cases[c].good);
		for (unsigned int k = 0; k < cases[c].good; k++)
			vfq_buf_put(bufs[k]);
		vsim_free(s);
	}
}

static void test_error_frames_need_no_buffer(void **state)
{
	struct vsim *s = vsim_new(0, SIM_RING);
	struct vfq_buf *bufs[1];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_true(vsim_rx_desc(s, NULL, 64, GOOD | IGB_RXD_ERR_RX));
		assert_int_equal(vfq_rx_burst(s->rx, bufs, 1), 0);
	}
	assert_int_equal(s->rx->stats.errors, 1000);
	assert_int_equal(s->rx->stats.no_buf, 0);
	vsim_free(s);
}

struct offload_case {
	uint32_t status;
	uint16_t info;
	uint32_t flags;
};

static const struct offload_case offload_cases[] = {
	{0, 0, 0},
	{IGB_RXD_IPCS, 0x0010, VFQ_RX_IP_CSUM_GOOD | VFQ_RX_IP4},
	{IGB_RXD_IPCS | IGB_RXD_ERR_IP, 0x0010, VFQ_RX_IP_CSUM_BAD | VFQ_RX_IP4},
	{IGB_RXD_IPCS | IGB_RXD_L4CS, 0x0110,
	 VFQ_RX_IP_CSUM_GOOD | VFQ_RX_L4_CSUM_GOOD | VFQ_RX_IP4 | VFQ_RX_TCP},
	{IGB_RXD_IPCS | IGB_RXD_L4CS | IGB_RXD_UDPCS | IGB_RXD_ERR_L4, 0x0211,
	 VFQ_RX_IP_CSUM_GOOD | VFQ_RX_L4_CSUM_BAD | VFQ_RX_IP4 | VFQ_RX_UDP | VFQ_RX_RSS},
	{IGB_RXD_IPCS | IGB_RXD_L4CS | IGB_RXD_ERR_L4 | IGB_RXD_ERR_IP, 0x0110,
	 VFQ_RX_IP_CSUM_BAD | VFQ_RX_L4_CSUM_BAD | VFQ_RX_IP4 | VFQ_RX_TCP},
	{IGB_RXD_UDPCS, 0x0240, VFQ_RX_L4_CSUM_GOOD | VFQ_RX_IP6 | VFQ_RX_UDP},
	{IGB_RXD_ERR_L4 | IGB_RXD_ERR_IP, 0x0440, VFQ_RX_IP6 | VFQ_RX_SCTP}, /* not computed */
	{IGB_RXD_VP | IGB_RXD_LB, 0, VFQ_RX_VLAN | VFQ_RX_LOOPBACK},
	{0, 0x8771, VFQ_RX_RSS}, /* an EtherType filter's number is not a type */
};

static void offload_run(uint32_t features)
{
	struct vsim *s = vsim_new(features, 256);
	struct vfq_buf *bufs[1];

	for (size_t i = 0; i < ARRAY_SIZE(offload_cases); i++) {
		const struct offload_case *c = &offload_cases[i];
		uint32_t head = s->rx_head;

		assert_true(vsim_rx_desc(s, NULL, 64, GOOD | c->status));
		s->rx->ring[head].wb.pkt_info = cpu_to_le16(c->info);
		s->rx->ring[head].wb.vlan = cpu_to_le16(0x2abc);
		s->rx->ring[head].wb.rss = cpu_to_le32(0x12345678);
		assert_int_equal(vfq_rx_burst(s->rx, bufs, 1), 1);
		if (features & VFQ_F_OFFLOAD) {
			assert_int_equal(bufs[0]->flags, c->flags);
			assert_int_equal(bufs[0]->vlan, 0x2abc);
			assert_int_equal(bufs[0]->rss, 0x12345678);
		} else {
			assert_int_equal(bufs[0]->flags, 0);
		}
		vfq_buf_put(bufs[0]);
	}
	vsim_free(s);
}

static void test_offload_flags_with_and_without(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++)
		offload_run(feature_sets[f]);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* What the mixture below put on the ring and has not got back. */
struct expect {
	unsigned int head, tail, errors;
	uint16_t len[4096], segs[4096];
};

static void mix_in(struct vsim *s, struct expect *e, uint32_t *seed, bool chains)
{
	uint32_t room = (vsim_reg(s, IGB_VF_RXQ(0) + IGB_RDT) - s->rx_head) % SIM_RING;
	uint32_t kind = next_random(seed) % 8;
	unsigned int segs = kind == 0 ? 2 + next_random(seed) % 3 : 1;
	uint16_t len = (uint16_t)(1 + next_random(seed) % VFQ_BUF_SIZE);

	if (room < segs)
		return;
	for (unsigned int i = 1; i < segs; i++)
		assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_true(vsim_rx_desc(s, NULL, len, GOOD | (kind == 1 ? IGB_RXD_ERR_RX : 0)));
	if (kind == 1 || (segs > 1 && !chains)) {
		e->errors++;
		return;
	}
	e->len[e->head] = (uint16_t)(2048 * (segs - 1) + len);
	e->segs[e->head++] = (uint16_t)segs;
}

/* Plain, chained and bad frames, bursts of any size, a pool that runs dry now and then. */
static void test_any_mixture_comes_out_in_order(void **state)
{
	(void)state;
	for (size_t f = 0; f < ARRAY_SIZE(feature_sets); f++) {
		struct vsim *s = vsim_new(feature_sets[f], SIM_RING + 40);
		struct expect *e = calloc(1, sizeof(*e));
		struct vfq_buf *bufs[VFQ_BURST_MAX], *held[64];
		unsigned int nheld = 0;
		uint32_t seed = 1;

		while (e->tail < 3000) {
			unsigned int n = next_random(&seed) % 40;

			while (n-- && e->head < ARRAY_SIZE(e->len))
				mix_in(s, e, &seed, feature_sets[f] & VFQ_F_MULTISEG);
			n = vfq_rx_burst(s->rx, bufs, 1 + next_random(&seed) % 70);
			for (unsigned int i = 0; i < n; i++, e->tail++) {
				assert_int_equal(bufs[i]->frame_len, e->len[e->tail]);
				assert_int_equal(bufs[i]->nsegs, e->segs[e->tail]);
				held[nheld++] = bufs[i];
			}
			if (next_random(&seed) % 3 || nheld > 30)
				while (nheld)
					vfq_buf_put(held[--nheld]);
		}
		while (nheld)
			vfq_buf_put(held[--nheld]);
		assert_int_equal(s->rx->stats.packets, e->tail);
		assert_true(s->rx->stats.no_buf > 0);
		assert_true(s->rx->stats.errors > 100 && s->rx->stats.errors <= e->errors);
		assert_int_equal(s->dev->reads, 0);
		free(e);
		vsim_free(s);
	}
}

static void test_stopped_queue_gives_nothing(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *bufs[8];

	(void)state;
	assert_true(vsim_rx_frame(s, 1, 64));
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	assert_int_equal(s->pool.nfree, 256);
	fake_log_clear(s->dev);
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(vfq_rx_start(s->rx), 0);
	s->rx_head = 0;
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0); /* the old one is gone */
	vsim_free(s);
}

static void test_restart_forgets_a_half_frame(void **state)
{
	struct vsim *s = vsim_new(0, 256);
	struct vfq_buf *bufs[8];

	(void)state;
	assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 0); /* the rest of it would be skipped */
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	assert_int_equal(vfq_rx_start(s->rx), 0);
	s->rx_head = 0;
	assert_true(vsim_rx_frame(s, 3, 64));
	assert_int_equal(vfq_rx_burst(s->rx, bufs, 8), 1);
	vfq_buf_put(bufs[0]);
	vsim_free(s);
}

static void test_start_without_buffers_fails_clean(void **state)
{
	struct vsim *s = vsim_new(0, SIM_RING);
	struct vfq_buf *b;

	(void)state;
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	b = vfq_buf_get(&s->pool);
	assert_int_equal(vfq_rx_start(s->rx), -ENOBUFS);
	vfq_buf_put(b);
	assert_int_equal(vfq_rx_start(s->rx), 0);
	vsim_free(s);
}

static uint32_t never_enables(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	(void)dev;
	return reg == IGB_VF_RXQ(0) + IGB_RXDCTL ? val & ~IGB_RXDCTL_ENABLE : val;
}

static uint32_t never_disables(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	(void)dev;
	return reg == IGB_VF_RXQ(0) + IGB_RXDCTL ? val | IGB_RXDCTL_ENABLE : val;
}

static void test_enable_timeout_returns_buffers(void **state)
{
	struct vsim *s = vsim_new(0, 256);

	(void)state;
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	s->dev->on_read = never_enables;
	assert_int_equal(vfq_rx_start(s->rx), -ETIMEDOUT);
	assert_int_equal(s->pool.nfree, 256);
	vsim_free(s);
}

static void test_disable_timeout_frees_nothing(void **state)
{
	struct vsim *s = vsim_new(0, 256);

	(void)state;
	s->dev->on_read = never_disables;
	assert_int_equal(vfq_rx_stop(s->rx), -ETIMEDOUT);
	assert_int_equal(s->pool.nfree, 256 - SIM_RING);
	s->dev->on_read = NULL;
	vsim_free(s);
}

static void test_drop_touches_no_register(void **state)
{
	struct vsim *s = vsim_new(ALL, 256);

	(void)state;
	assert_true(vsim_rx_desc(s, NULL, 2048, IGB_RXD_DD));
	assert_int_equal(vfq_rx_burst(s->rx, (struct vfq_buf *[1]){NULL}, 1), 0);
	vfq_rx_drop(s->rx);
	assert_int_equal(s->pool.nfree, 256);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(s->dev->reads, 0);
	vsim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_programs_the_queue),
		cmocka_unit_test(test_tail_is_written_after_enable),
		cmocka_unit_test(test_init_refuses_bad_sizes),
		cmocka_unit_test(test_burst_sizes_all_features),
		cmocka_unit_test(test_empty_ring_gives_nothing),
		cmocka_unit_test(test_full_ring_drains_whole),
		cmocka_unit_test(test_device_cannot_run_past_the_tail),
		cmocka_unit_test(test_empty_pool_stops_and_recovers),
		cmocka_unit_test(test_chain_is_one_frame),
		cmocka_unit_test(test_chain_arrives_in_pieces),
		cmocka_unit_test(test_chain_without_multiseg_is_dropped),
		cmocka_unit_test(test_endless_chain_is_dropped),
		cmocka_unit_test(test_error_frames_are_dropped_and_counted),
		cmocka_unit_test(test_late_second_done_is_no_frame),
		cmocka_unit_test(test_one_bad_among_four),
		cmocka_unit_test(test_error_frames_need_no_buffer),
		cmocka_unit_test(test_offload_flags_with_and_without),
		cmocka_unit_test(test_any_mixture_comes_out_in_order),
		cmocka_unit_test(test_stopped_queue_gives_nothing),
		cmocka_unit_test(test_restart_forgets_a_half_frame),
		cmocka_unit_test(test_start_without_buffers_fails_clean),
		cmocka_unit_test(test_enable_timeout_returns_buffers),
		cmocka_unit_test(test_disable_timeout_frees_nothing),
		cmocka_unit_test(test_drop_touches_no_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
