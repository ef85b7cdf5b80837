/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* PF and two VFs exchange frames by the internal switch and the wire; a third VF looks on. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/igb.h"

#define VFS   3
#define P(n)  BIT(n)
#define RING  256
#define MANY  5000 /* frames: many times around a ring of 256 */
#define JUMBO 9000

static struct rig *r;

static int group_start(void **state)
{
	const struct rig_args args = {
		.num_vfs = VFS,
		.open = VFS,
		.vf = {.queues = 1,
		       .rx_size = 2 * RING,
		       .tx_size = RING,
		       .buffers = 4 * RING,
		       .features = VFQ_F_OFFLOAD | VFQ_F_MULTISEG},
	};

	(void)state;
	r = calloc(1, sizeof(*r));
	return r ? rig_start(r, &args) : -1;
}

static int group_stop(void **state)
{
	(void)state;
	rig_stop(r);
	free(r);
	return 0;
}

static void test_unicast_reaches_its_vf_alone(void **state)
{
	(void)state;
	for (unsigned int from = 0; from < VFS; from++)
		for (unsigned int to = 0; to < VFS; to++) {
			const struct rig_tx t = {.from = from, .to = &r->mac[to], .n = 20};

			if (from == to)
				continue;
			rig_check(r, &t, P(to));
			assert_int_equal(r->in[to].disorder, 0);
			assert_memory_equal(r->in[to].frame[0].head + 6, r->mac[from].b, 6);
		}
}

static void test_vf_and_pf_reach_each_other(void **state)
{
	const struct rig_tx up = {.from = 0, .to = &r->mac[RIG_PF], .n = 50};
	const struct rig_tx down = {.from = RIG_PF, .to = &r->mac[1], .n = 50};

	(void)state;
	rig_check(r, &up, P(RIG_PF));
	rig_check(r, &down, P(1));
}

static void test_vf_and_wire_reach_each_other(void **state)
{
	const struct rig_tx out = {.from = 1, .to = &r->mac[RIG_WIRE], .n = 200, .len = 1514};
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[1], .n = 200, .len = 1514};

	(void)state;
	rig_check(r, &out, P(RIG_WIRE));
	rig_check(r, &in, P(1));
}

/*
 * QEMU gives the sender its own broadcast back, where the card does not; so that one is left out.
 */
static void test_broadcast_reaches_all_others(void **state)
{
	const struct rig_tx wire = {.from = RIG_WIRE, .to = &rig_broadcast, .n = 5};
	const struct rig_tx vf = {.from = 0, .to = &rig_broadcast, .n = 5};

	(void)state;
	rig_check(r, &wire, P(0) | P(1) | P(2) | P(RIG_PF));
	rig_settle(r);
	rig_clear(r);
	rig_send(r, &vf);
	rig_settle(r);
	r->in[0].n = 0;
	rig_expect(r, P(1) | P(2) | P(RIG_PF) | P(RIG_WIRE), 5);
}

static void test_sizes_arrive_as_sent(void **state)
{
	static const unsigned int len[] = {60, 61, 64, 127, 128, 1500, 1513, 1514};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(len); i++) {
		const struct rig_tx t = {.from = 0, .to = &r->mac[1], .len = len[i], .n = 3};

		rig_check(r, &t, P(1));
		assert_int_equal(r->in[1].frame[0].len, len[i]);
		assert_int_equal(r->in[1].frame[0].nsegs, 1);
	}
}

/* TCTL.PSP: the card pads to the shortest frame of Ethernet, with zeros. */
static void test_short_frames_are_padded(void **state)
{
	static const uint8_t zero[60];
	const unsigned int at = 14 + sizeof(uint32_t);

	(void)state;
	for (unsigned int len = at; len < 60; len += 7) {
		const struct rig_tx t = {.from = 0, .to = &r->mac[1], .len = len};

		rig_settle(r);
		rig_clear(r);
		rig_send(r, &t);
		rig_settle(r);
		assert_int_equal(r->in[1].n, 1);
		assert_int_equal(r->in[1].frame[0].len, 60);
		assert_memory_equal(r->in[1].frame[0].head + len, zero, 60 - len);
	}
}

static void test_bursts_of_1_to_256_are_complete(void **state)
{
	static const unsigned int burst[] = {1, 2, 3, 31, 32, 128, 255, 256};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(burst); i++) {
		const struct rig_tx t = {.from = 1, .to = &r->mac[0], .n = burst[i]};

		rig_check(r, &t, P(0));
		assert_int_equal(r->in[0].disorder, 0);
	}
}

static void test_burst_costs_one_doorbell_and_no_read(void **state)
{
	struct os_dev *tx = qemu_func(r->q, 0), *rx = qemu_func(r->q, 1);
	const struct rig_tx t = {.from = 0, .to = &r->mac[1]};
	struct vfq_buf *bufs[64], *got[64];
	struct qemu_count a[2], b[2];
	uint8_t f[64];
	unsigned int n;

	(void)state;
	rig_settle(r);
	for (unsigned int i = 0; i < 64; i++) {
		rig_frame_make(r, &t, i, f);
		bufs[i] = rig_chain(r, 0, f, 60, 0);
		assert_non_null(bufs[i]);
	}
	qemu_func_counts(tx, &a[0]);
	qemu_func_counts(rx, &a[1]);
	assert_int_equal(vf_tx_burst(r->vf[0], 0, bufs, 64), 64);
	qemu_func_counts(tx, &b[0]);
	assert_int_equal(b[0].mmio_reads, a[0].mmio_reads);
	assert_int_equal(b[0].mmio_writes, a[0].mmio_writes + 1);
	os_flush(tx);
	n = vf_rx_burst(r->vf[1], 0, got, 64);
	qemu_func_counts(rx, &b[1]);
	assert_int_equal(n, 64);
	assert_int_equal(b[1].mmio_reads, a[1].mmio_reads);
	assert_true(b[1].mmio_writes <= a[1].mmio_writes + 1);
	for (unsigned int i = 0; i < n; i++)
		vfq_buf_put(got[i]);
}

static void test_rings_wrap_over_thousands_of_frames(void **state)
{
	struct vf_stats a[2], b[2];
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = MANY, .seq = 1000};

	(void)state;
	vf_stats(r->vf[0], &a[0]);
	vf_stats(r->vf[1], &a[1]);
	rig_check(r, &t, P(1));
	assert_int_equal(r->in[1].disorder, 0);
	vf_stats(r->vf[0], &b[0]);
	vf_stats(r->vf[1], &b[1]);
	assert_int_equal(b[0].tx[0].packets - a[0].tx[0].packets, MANY);
	assert_int_equal(b[1].rx[0].packets - a[1].rx[0].packets, MANY);
	assert_int_equal(b[1].rx[0].bytes - a[1].rx[0].bytes, MANY * 60);
}

static void test_both_directions_at_once(void **state)
{
	(void)state;
	rig_settle(r);
	rig_clear(r);
	for (uint32_t i = 0; i < 40; i++) {
		const struct rig_tx there = {.from = 0, .to = &r->mac[1], .n = 50, .seq = i * 50};
		const struct rig_tx back = {.from = 1, .to = &r->mac[0], .n = 50, .seq = i * 50};

		rig_send(r, &there);
		rig_send(r, &back);
	}
	rig_settle(r);
	rig_expect(r, P(0) | P(1), 2000);
	assert_int_equal(r->in[0].disorder + r->in[1].disorder, 0);
}

static void test_segments_make_one_frame(void **state)
{
	static const struct {
		unsigned int len, seg;
	} cut[] = {{100, 50}, {100, 14}, {1514, 1000}, {1514, 190}, {300, 299}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cut); i++) {
		const struct rig_tx t = {
			.from = 0, .to = &r->mac[1], .len = cut[i].len, .seg = cut[i].seg, .n = 40};

		rig_check(r, &t, P(1));
		assert_int_equal(r->in[1].frame[39].len, cut[i].len);
	}
}

static void test_jumbo_arrives_in_segments(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .len = JUMBO, .n = 30};
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[1], .len = JUMBO, .n = 30};

	(void)state;
	assert_int_equal(vf_frame_max_set(r->vf[1], JUMBO + 4), 0);
	rig_check(r, &t, P(1));
	assert_int_equal(r->in[1].frame[0].len, JUMBO);
	assert_int_equal(r->in[1].frame[0].nsegs, (JUMBO + VFQ_BUF_SIZE - 1) / VFQ_BUF_SIZE);
	rig_check(r, &in, P(1));
	assert_int_equal(vf_frame_max_set(r->vf[1], 1518), 0);
}

static void test_frame_above_the_limit_is_not_delivered(void **state)
{
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[1], .len = 1515};
	const struct rig_tx fits = {.from = RIG_WIRE, .to = &r->mac[1], .len = 1514};

	(void)state;
	rig_check(r, &in, 0);
	rig_check(r, &fits, P(1));
}

static void test_too_many_segments_are_counted_not_sent(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1]};
	struct vf_stats a, b;
	struct vfq_buf *buf;
	uint8_t f[64];

	(void)state;
	rig_settle(r);
	rig_clear(r);
	vf_stats(r->vf[0], &a);
	rig_frame_make(r, &t, 0, f);
	buf = rig_chain(r, 0, f, 60, 60 / (VFQ_SEGS_MAX + 1));
	assert_non_null(buf);
	assert_true(buf->nsegs > VFQ_SEGS_MAX);
	assert_int_equal(vf_tx_burst(r->vf[0], 0, &buf, 1), 1);
	vf_stats(r->vf[0], &b);
	assert_int_equal(b.tx[0].errors - a.tx[0].errors, 1);
	rig_settle(r);
	rig_expect(r, 0, 0);
	rig_check(r, &t, P(1));
}

/* ---- offloads */

#define L2_LEN	14
#define IP_LEN	20
#define UDP_LEN 8
#define DATA	32
#define UDP_ALL (L2_LEN + IP_LEN + UDP_LEN + DATA)

static uint32_t sum(const uint8_t *p, unsigned int len, uint32_t s)
{
	for (unsigned int i = 0; i + 1 < len; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	return s;
}

static uint16_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Addresses, protocol and length: what an L4 sum counts of the IP header (RFC 768). */
static uint32_t pseudo(const uint8_t *ip)
{
	return sum(ip + 12, 8, (uint32_t)ip[9] + UDP_LEN + DATA);
}

/* IPv4 and UDP; the sums are right, or @raw as a driver leaves them to the card. */
static void udp_make(uint8_t *f, const struct mac *to, const struct mac *from, bool raw)
{
	uint8_t *ip = f + L2_LEN, *udp = ip + IP_LEN;
	const uint8_t head[IP_LEN] = {0x45, 0,	  0, IP_LEN + UDP_LEN + DATA,
				      0x12, 0x34, 0, 0,
				      64,   17,	  0, 0,
				      10,   0,	  0, 1,
				      10,   0,	  0, 2};

	memset(f, 0, UDP_ALL);
	memcpy(f, to->b, 6);
	memcpy(f + 6, from->b, 6);
	put16(f + 12, 0x0800);
	memcpy(ip, head, IP_LEN);
	put16(udp, 1234);
	put16(udp + 2, 4321);
	put16(udp + 4, UDP_LEN + DATA);
	for (unsigned int i = 0; i < DATA; i++)
		udp[UDP_LEN + i] = (uint8_t)(i * 3);
	put16(udp + 6, fold(pseudo(ip)));
	if (raw)
		return;
	put16(ip + 10, (uint16_t)~fold(sum(ip, IP_LEN, 0)));
	put16(udp + 6, 0);
	put16(udp + 6, (uint16_t)~fold(sum(udp, UDP_LEN + DATA, pseudo(ip))));
}

static void send_udp(const uint8_t *f, uint32_t flags)
{
	struct vfq_buf *b = rig_chain(r, 0, f, UDP_ALL, 0);

	assert_non_null(b);
	b->flags = flags;
	b->l2_len = L2_LEN;
	b->l3_len = IP_LEN;
	assert_int_equal(rig_tx_burst(r, 0, 0, &b, 1), 1);
}

static void test_checksums_are_made_on_transmit(void **state)
{
	uint8_t want[UDP_ALL], f[UDP_ALL];

	(void)state;
	for (unsigned int to = 1; to < RIG_PORTS; to += RIG_WIRE - 1) {
		rig_settle(r);
		rig_clear(r);
		udp_make(want, &r->mac[to], &r->mac[0], false);
		udp_make(f, &r->mac[to], &r->mac[0], true);
		send_udp(f, VFQ_TX_IP4 | VFQ_TX_IP_CSUM | VFQ_TX_UDP_CSUM);
		rig_settle(r);
		rig_expect(r, P(to), 1);
		assert_memory_equal(r->in[to].frame[0].head, want, UDP_ALL);
	}
}

static void test_checksums_are_judged_on_receive(void **state)
{
	const uint32_t good = VFQ_RX_IP_CSUM_GOOD | VFQ_RX_L4_CSUM_GOOD;
	const uint32_t bad = VFQ_RX_IP_CSUM_BAD | VFQ_RX_L4_CSUM_BAD;
	uint8_t f[UDP_ALL];
	uint32_t flags;

	(void)state;
	rig_settle(r);
	rig_clear(r);
	udp_make(f, &r->mac[1], &r->mac[RIG_WIRE], false);
	rig_send_bytes(r, RIG_WIRE, f, UDP_ALL);
	f[UDP_ALL - 1] ^= 1;
	rig_send_bytes(r, RIG_WIRE, f, UDP_ALL);
	f[UDP_ALL - 1] ^= 1;
	f[L2_LEN + 8] ^= 1;
	rig_send_bytes(r, RIG_WIRE, f, UDP_ALL);
	rig_settle(r);
	rig_expect(r, P(1), 3);
	flags = r->in[1].frame[0].flags;
	assert_int_equal(flags & (good | bad), good);
	assert_true((flags & VFQ_RX_IP4) && (flags & VFQ_RX_UDP));
	assert_false(flags & (VFQ_RX_IP6 | VFQ_RX_TCP | VFQ_RX_VLAN));
	flags = r->in[1].frame[1].flags;
	assert_int_equal(flags & (good | bad), VFQ_RX_IP_CSUM_GOOD | VFQ_RX_L4_CSUM_BAD);
	flags = r->in[1].frame[2].flags;
	assert_true(flags & VFQ_RX_IP_CSUM_BAD);
	assert_false(flags & VFQ_RX_IP_CSUM_GOOD);
}

static void test_vlan_tag_is_inserted_from_the_descriptor(void **state)
{
	const struct rig_tx t = {.from = 0,
				 .to = &r->mac[RIG_WIRE],
				 .flags = VFQ_TX_VLAN,
				 .flag_vlan = 3 << 13 | 77,
				 .n = 3,
				 .len = 100};

	(void)state;
	assert_int_equal(vf_vlan_add(r->vf[0], 77), 0);
	rig_check(r, &t, P(RIG_WIRE));
	assert_int_equal(r->in[RIG_WIRE].frame[2].len, 104);
	assert_memory_equal(r->in[RIG_WIRE].frame[2].head + 12, "\x81\x00\x60\x4d", 4);
	assert_int_equal(vf_vlan_del(r->vf[0], 77), 0);
}

static void test_second_queue_sends_as_well(void **state)
{
	const struct vf_config two = {.queues = 2, .features = VFQ_F_OFFLOAD};
	struct rig_tx t = {.from = 2, .to = &r->mac[0], .n = 100, .queue = 1};

	(void)state;
	rig_vf_close(r, 2);
	rig_vf_open(r, 2, &two);
	rig_check(r, &t, P(0));
	t.queue = 0;
	rig_check(r, &t, P(0));
	r->queues = 1;
}

static void test_no_buffer_is_lost(void **state)
{
	struct vfq_buf *all[4 * RING + 1];
	unsigned int n = 0;

	(void)state;
	rig_settle(r);
	vfq_tx_reclaim(vf_txq(r->vf[0], 0));
	while (n < ARRAY_SIZE(all) && (all[n] = vf_buf_get(r->vf[0])))
		n++;
	/* All of the pool but what the receive ring holds. */
	assert_true(n >= 4 * RING - 2 * RING && n <= 4 * RING - 2 * RING + 1);
	while (n)
		vfq_buf_put(all[--n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unicast_reaches_its_vf_alone),
		cmocka_unit_test(test_vf_and_pf_reach_each_other),
		cmocka_unit_test(test_vf_and_wire_reach_each_other),
		cmocka_unit_test(test_broadcast_reaches_all_others),
		cmocka_unit_test(test_sizes_arrive_as_sent),
		cmocka_unit_test(test_short_frames_are_padded),
		cmocka_unit_test(test_bursts_of_1_to_256_are_complete),
		cmocka_unit_test(test_burst_costs_one_doorbell_and_no_read),
		cmocka_unit_test(test_rings_wrap_over_thousands_of_frames),
		cmocka_unit_test(test_both_directions_at_once),
		cmocka_unit_test(test_segments_make_one_frame),
		cmocka_unit_test(test_jumbo_arrives_in_segments),
		cmocka_unit_test(test_frame_above_the_limit_is_not_delivered),
		cmocka_unit_test(test_too_many_segments_are_counted_not_sent),
		cmocka_unit_test(test_checksums_are_made_on_transmit),
		cmocka_unit_test(test_checksums_are_judged_on_receive),
		cmocka_unit_test(test_vlan_tag_is_inserted_from_the_descriptor),
		cmocka_unit_test(test_second_queue_sends_as_well),
		cmocka_unit_test(test_no_buffer_is_lost),
	};

	return cmocka_run_group_tests_name("vf_traffic", tests, group_start, group_stop);
}
