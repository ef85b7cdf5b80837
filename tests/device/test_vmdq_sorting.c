/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * vmdq on QEMU's 82576: frames from the wire and from a VF, and the pools whose queues they reach.
 * Seven VFs with a queue each by their own registers, the eighth pool by the PF's.
 *
 * That a frame is nowhere is known, not waited for: a sentinel follows it on the same way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/endian.h"
#include "base/errno.h"
#include "drv/vmdq.h"
#include "hw/igb.h"
#include "os/poll.h"
#include "os/qemu.h"
#include "raw.h"

#define POOLS	   8
#define PF_POOL	   7
#define WIRE	   (1u << 8) /* beside the pools in a mask of where a frame came out */
#define RING	   64
#define ARRIVES_MS 5000
#define TYPE	   0xb5 /* 0x88b5, local experimental */
#define SENTINEL   0xb6 /* 0x88b6, the other one */

static struct qemu *q;

struct fixture {
	struct os_dev *pf;
	struct vmdq v;
	struct raw ring[POOLS];
	uint8_t wire[2048]; /* the last frame that came out there */
	/* of the last frame in each pool */
	unsigned int len[POOLS];
	bool vlan_seen[POOLS];
	uint16_t vlan[POOLS];
};

static const struct mac far_end = {{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}};
static const struct mac sentinel_mac = {{2, 0, 0, 0, 1, 0xff}};
static const struct mac broadcast = {{255, 255, 255, 255, 255, 255}};
static const struct mac group = {{1, 0, 0x5e, 1, 2, 3}};
static const struct mac nobody = {{2, 0, 0, 0, 9, 9}};

static struct mac station(unsigned int n)
{
	return (struct mac){{2, 0, 0, 0, 0, (uint8_t)(0x10 + n)}};
}

/* What the PF driver sets and vmdq relies on. */
static int card_up(struct os_dev *pf)
{
	os_wr32(pf, IGB_CTRL_EXT, os_rd32(pf, IGB_CTRL_EXT) | IGB_CTRL_EXT_PFRSTD);
	os_wr32(pf, IGB_VET, IGB_VET_8021Q);
	os_wr32(pf, IGB_RLPML, IGB_FRAME_MAX);
	os_wr32(pf, IGB_VFRE, 0xff);
	os_wr32(pf, IGB_VFTE, 0xff);
	os_wr32(pf, IGB_TCTL, IGB_TCTL_EN | IGB_TCTL_PSP);
	os_wr32(pf, IGB_RCTL,
		IGB_RCTL_EN | IGB_RCTL_BAM | IGB_RCTL_SECRC | IGB_RCTL_VFE | IGB_RCTL_LPE);
	return raw_link_up(pf);
}

static int rings_up(struct fixture *f)
{
	int rc = 0;

	for (unsigned int p = 0; p < POOLS && !rc; p++)
		rc = p == PF_POOL ? raw_open(&f->ring[p], f->pf, IGB_RXQ(p), IGB_TXQ(p), RING)
				  : raw_open(&f->ring[p], qemu_func(q, (int)p), IGB_VF_RXQ(0),
					     IGB_VF_TXQ(0), RING);
	return rc;
}

static void rings_down(struct fixture *f)
{
	for (unsigned int p = 0; p < POOLS; p++)
		raw_close(&f->ring[p]);
}

static int group_start(void **state)
{
	const struct qemu_args args = {.num_vfs = 7};
	struct os_err err = {0};

	(void)state;
	if (qemu_start(&args, &q, &err)) {
		print_error("%s: %s (%s)\n", err.what, err.rule, err.mend);
		return -1;
	}
	return card_up(qemu_func(q, -1));
}

static int group_stop(void **state)
{
	(void)state;
	qemu_stop(q);
	return 0;
}

/* A station in every pool, and the sentinel's in the PF's. */
static int setup(void **state)
{
	static struct fixture f;
	int rc;

	memset(&f, 0, sizeof(f));
	f.pf = qemu_func(q, -1);
	rc = vmdq_init(&f.v, f.pf, PF_POOL);
	if (!rc)
		rc = vmdq_mac_add(&f.v, PF_POOL, &sentinel_mac);
	for (unsigned int p = 0; p < POOLS && !rc; p++) {
		struct mac m = station(p);

		rc = vmdq_mac_add(&f.v, p, &m);
	}
	vmdq_restore(&f.v);
	*state = &f;
	return rc ? rc : rings_up(&f);
}

static int teardown(void **state)
{
	rings_down(*state);
	return 0;
}

/*
 * ---- frames -----------------------------------------------------------------------------------
 */

/* @vid 0: untagged. Returns its length, which counts the tag. */
static unsigned int make(uint8_t *b, const struct mac *to, const struct mac *from, unsigned int vid,
			 unsigned int len)
{
	unsigned int at = 12;

	memset(b, 0, len + 4);
	memcpy(b, to->b, 6);
	memcpy(b + 6, from->b, 6);
	if (vid) {
		b[at++] = 0x81;
		b[at++] = 0;
		b[at++] = (uint8_t)(vid >> 8);
		b[at++] = (uint8_t)vid;
	}
	b[at++] = 0x88;
	b[at] = TYPE;
	return len + (vid ? 4 : 0);
}

static void make_sentinel(uint8_t *b, const struct mac *to, const struct mac *from)
{
	(void)make(b, to, from, 0, 60);
	b[13] = SENTINEL;
}

static bool is_sentinel(const uint8_t *b)
{
	return b[12] == 0x88 && b[13] == SENTINEL;
}

/* One frame of pool @p, looked at: 0 none, 1 a frame, 2 the sentinel. */
static int take(struct fixture *f, unsigned int p)
{
	struct raw *r = &f->ring[p];
	const volatile union igb_rx_desc *d = &r->rx[r->rx_head % r->size];
	uint32_t status = le32_to_cpu(d->wb.status_error);
	uint16_t vlan = le16_to_cpu(d->wb.vlan);
	uint8_t b[RAW_BUF];
	unsigned int len = (status & IGB_RXD_DD) ? raw_rx(r, b, sizeof(b)) : 0;

	if (!len)
		return 0;
	if (is_sentinel(b))
		return 2;
	assert_true(status & IGB_RXD_EOP);
	f->len[p] = len;
	f->vlan_seen[p] = status & IGB_RXD_VP;
	f->vlan[p] = vlan;
	return 1;
}

/* Everything in the pools; none gets a frame twice. */
static unsigned int collect(struct fixture *f, unsigned int had)
{
	for (unsigned int p = 0; p < POOLS; p++) {
		while (take(f, p) == 1) {
			assert_int_equal(had & 1u << p, 0);
			had |= 1u << p;
		}
	}
	return had;
}

/* The pools that get a frame from the wire. */
static unsigned int sorted_len(struct fixture *f, const struct mac *to, unsigned int vid,
			       unsigned int len)
{
	uint64_t end = os_now_us(f->pf) + ARRIVES_MS * 1000;
	uint8_t b[RAW_BUF];
	unsigned int had = 0;
	int got;

	os_flush(f->pf);
	assert_int_equal(qemu_wire_tx(q, b, make(b, to, &far_end, vid, len)), 0);
	make_sentinel(b, &sentinel_mac, &far_end);
	assert_int_equal(qemu_wire_tx(q, b, 60), 0);
	while ((got = take(f, PF_POOL)) != 2) {
		if (got) {
			assert_int_equal(had, 0);
			had = 1u << PF_POOL;
			continue;
		}
		assert_true(os_now_us(f->pf) < end);
		os_delay_us(f->pf, 50);
	}
	return collect(f, had);
}

static unsigned int sorted(struct fixture *f, const struct mac *to, unsigned int vid)
{
	return sorted_len(f, to, vid, 60);
}

/* Where a frame that VF @from sends comes out: pools, WIRE. */
static unsigned int switched(struct fixture *f, unsigned int from, const struct mac *to,
			     unsigned int vid)
{
	struct raw *r = &f->ring[from];
	struct mac own = station(from);
	uint8_t b[RAW_BUF];
	unsigned int out = 0, n = make(raw_tx_buf(r), to, &own, vid, 60);

	raw_tx(r, n);
	raw_kick(r);
	make_sentinel(raw_tx_buf(&f->ring[PF_POOL]), &far_end, &sentinel_mac);
	raw_tx(&f->ring[PF_POOL], 60);
	raw_kick(&f->ring[PF_POOL]);
	os_flush(f->pf);
	for (;;) {
		assert_true(qemu_wire_wait(q, b, sizeof(b), ARRIVES_MS) > 0);
		if (is_sentinel(b))
			return collect(f, out);
		/* A port VLAN may have put a tag before the sentinel's type, never before ours. */
		assert_int_equal(out & WIRE, 0);
		memcpy(f->wire, b, sizeof(b));
		out |= WIRE;
	}
}

/*
 * ---- tests ------------------------------------------------------------------------------------
 */

static void test_unicast_goes_to_the_owner_alone(void **state)
{
	struct fixture *f = *state;
	struct mac m, other = station(40);

	for (unsigned int p = 0; p < POOLS; p++) {
		m = station(p);
		assert_int_equal(sorted(f, &m, 0), 1u << p);
		assert_int_equal(f->len[p], 60); /* without its CRC */
	}
	m = station(3);
	assert_int_equal(vmdq_mac_replace(&f->v, 3, &m, &other), 0);
	assert_int_equal(sorted(f, &m, 0), 1u << PF_POOL);
	assert_int_equal(sorted(f, &other, 0), 1u << 3);
	assert_int_equal(vmdq_mac_del(&f->v, 3, &other), 0);
	assert_int_equal(sorted(f, &other, 0), 1u << PF_POOL);
}

static void test_all_24_addresses_match(void **state)
{
	struct fixture *f = *state;
	struct mac m;

	for (unsigned int n = POOLS; n < VMDQ_MACS - 1; n++) {
		m = station(n);
		assert_int_equal(vmdq_mac_add(&f->v, n % 7, &m), 0);
	}
	for (unsigned int n = 0; n < VMDQ_MACS - 1; n++) {
		m = station(n);
		assert_int_equal(sorted(f, &m, 0), 1u << (n < POOLS ? n : n % 7));
	}
	m = station(VMDQ_MACS);
	assert_int_equal(vmdq_mac_add(&f->v, 0, &m), -ENOSPC);
	assert_int_equal(sorted(f, &m, 0), 1u << PF_POOL);
}

static void test_broadcast_goes_to_those_who_accept_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sorted(f, &broadcast, 0), 0xff);
	assert_int_equal(vmdq_accept(&f->v, 2, VMDQ_UNTAGGED), 0);
	assert_int_equal(sorted(f, &broadcast, 0), 0xfb);
	assert_int_equal(vmdq_accept(&f->v, 4, VMDQ_BROADCAST), 0);
	assert_int_equal(sorted(f, &broadcast, 0), 0xeb);
}

static void test_multicast_needs_hash_and_mode(void **state)
{
	struct fixture *f = *state;
	uint16_t hash = vmdq_mc_hash(&group);
	uint32_t mode = VMDQ_BROADCAST | VMDQ_UNTAGGED | VMDQ_MC_HASH;

	assert_int_equal(vmdq_accept(&f->v, 1, mode), 0);
	assert_int_equal(vmdq_accept(&f->v, 2, mode), 0);
	assert_int_equal(sorted(f, &group, 0), 0);
	assert_int_equal(vmdq_mc_set(&f->v, 1, &hash, 1), 0);
	assert_int_equal(vmdq_mc_set(&f->v, 5, &hash, 1), 0);
	assert_int_equal(sorted(f, &group, 0), 0x06);
	assert_int_equal(vmdq_mc_set(&f->v, 1, NULL, 0), 0);
	assert_int_equal(sorted(f, &group, 0), 0x06);
	assert_int_equal(vmdq_pool_clear(&f->v, 5), 0);
	assert_int_equal(sorted(f, &group, 0), 0);
}

static void test_vlan_admits_members_alone(void **state)
{
	struct fixture *f = *state;
	struct mac m1 = station(1), m2 = station(2), m3 = station(3);

	assert_int_equal(sorted(f, &m1, 100), 0);
	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_GUEST, 100), 0);
	assert_int_equal(vmdq_vlan_add(&f->v, 2, VMDQ_GUEST, 100), 0);
	assert_int_equal(sorted(f, &m1, 100), 0x02);
	assert_int_equal(f->len[1], 64);
	assert_false(f->vlan_seen[1]);
	assert_int_equal(sorted(f, &m2, 100), 0x04);
	assert_int_equal(sorted(f, &broadcast, 100), 0x06);
	/* The card's rule: a unicast frame that matches outside its VLAN is the default pool's. */
	assert_int_equal(sorted(f, &m3, 100), 1u << PF_POOL);
	assert_int_equal(sorted(f, &m1, 101), 0);
	assert_int_equal(vmdq_vlan_del(&f->v, 1, VMDQ_GUEST, 100), 0);
	assert_int_equal(sorted(f, &broadcast, 100), 0x04);
	assert_int_equal(sorted(f, &m2, 100), 0x04);
	assert_int_equal(vmdq_vlan_del(&f->v, 2, VMDQ_GUEST, 100), 0);
	assert_int_equal(sorted(f, &m2, 100), 0);
}

static void test_all_32_vlans_filter(void **state)
{
	struct fixture *f = *state;
	struct mac m;

	for (unsigned int n = 0; n < VMDQ_VLANS; n++)
		assert_int_equal(vmdq_vlan_add(&f->v, n % 7, VMDQ_GUEST, 4094 - 100 * n), 0);
	assert_int_equal(vmdq_vlan_add(&f->v, 0, VMDQ_GUEST, 5), -ENOSPC);
	for (unsigned int n = 0; n < VMDQ_VLANS; n++) {
		m = station(n % 7);
		assert_int_equal(sorted(f, &m, 4094 - 100 * n), 1u << n % 7);
		assert_int_equal(sorted(f, &broadcast, 4094 - 100 * n), 1u << n % 7);
	}
	m = station(0);
	assert_int_equal(sorted(f, &m, 5), 0);
}

static void test_vlan_strip_moves_the_tag_to_the_descriptor(void **state)
{
	struct fixture *f = *state;
	struct mac m = station(1);

	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_GUEST, 100), 0);
	assert_int_equal(vmdq_accept(&f->v, 1, VMDQ_BROADCAST | VMDQ_VLAN_STRIP), 0);
	assert_int_equal(sorted(f, &m, 100), 0x02);
	assert_int_equal(f->len[1], 60);
	assert_true(f->vlan_seen[1]);
	assert_int_equal(f->vlan[1], 100);
	/* VMDQ_UNTAGGED is not in the set. */
	assert_int_equal(sorted(f, &m, 0), 1u << PF_POOL);
}

static void test_port_vlan_tags_strips_and_shuts_out(void **state)
{
	struct fixture *f = *state;
	struct mac m1 = station(1), m2 = station(2);

	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_GUEST, 50), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 300, 5), 0);
	assert_int_equal(sorted(f, &m1, 300), 0x02);
	assert_int_equal(f->len[1], 60);
	assert_int_equal(sorted(f, &m1, 0), 1u << PF_POOL);
	assert_int_equal(sorted(f, &m1, 50), 0);
	assert_int_equal(sorted(f, &broadcast, 0), 0xfd);
	assert_int_equal(sorted(f, &broadcast, 300), 0x02);

	/* Sent: tagged with the port's priority, and not for pools outside. */
	assert_int_equal(switched(f, 1, &far_end, 0), WIRE);
	assert_memory_equal(f->wire + 12, "\x81\x00\xa1\x2c\x88\xb5", 6);
	assert_int_equal(switched(f, 1, &m2, 0) & 0xff, 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 300, 0), 0);
	assert_int_equal(switched(f, 1, &m2, 0), 0x04);
	assert_int_equal(f->len[2], 60);

	assert_int_equal(vmdq_port_vlan(&f->v, 1, 0, 0), 0);
	assert_int_equal(sorted(f, &m1, 0), 0x02);
	assert_int_equal(sorted(f, &m1, 50), 0x02);
	assert_int_equal(sorted(f, &m1, 300), 1u << PF_POOL);
	assert_int_equal(sorted(f, &m2, 300), 0x04);
	assert_int_equal(switched(f, 1, &far_end, 0), WIRE);
	assert_memory_equal(f->wire + 12, "\x88\xb5", 2);
}

static void test_loopback_switch_on_and_off(void **state)
{
	struct fixture *f = *state;
	struct mac m1 = station(1);

	assert_int_equal(switched(f, 0, &m1, 0), 0x02);
	assert_int_equal(switched(f, 0, &nobody, 0), WIRE);
	vmdq_loopback(&f->v, false);
	assert_int_equal(switched(f, 0, &m1, 0), WIRE);
	vmdq_loopback(&f->v, true);
	assert_int_equal(switched(f, 0, &m1, 0), 0x02);
}

static void test_frame_max_is_each_pools_own(void **state)
{
	struct fixture *f = *state;
	struct mac m1 = station(1), m2 = station(2);

	assert_int_equal(vmdq_frame_max(&f->v, 1, 1604), 0);
	assert_int_equal(sorted_len(f, &m1, 0, 1600), 0x02);
	assert_int_equal(f->len[1], 1600);
	assert_int_equal(sorted_len(f, &m1, 0, 1601), 0);
	assert_int_equal(sorted_len(f, &m2, 0, 1514), 0x04);
	assert_int_equal(sorted_len(f, &m2, 0, 1515), 0);
	assert_int_equal(vmdq_frame_max(&f->v, 2, 1000), 0);
	assert_int_equal(sorted_len(f, &m2, 0, 996), 0x04);
	assert_int_equal(sorted_len(f, &m2, 0, 997), 0);
	/* The tag of a port VLAN is not the guest's. */
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 7, 0), 0);
	assert_int_equal(sorted_len(f, &m2, 7, 996), 0x04);
	assert_int_equal(sorted_len(f, &m2, 7, 997), 0);
}

/* This card's model lets VMDQ_MC_HASH stand for VMDQ_UC_HASH too, so both are asked for. */
static void test_unknown_unicast_goes_to_who_asked(void **state)
{
	struct fixture *f = *state;
	uint32_t all = VMDQ_UNTAGGED | VMDQ_UC_HASH | VMDQ_MC_HASH;
	struct mac m1 = station(1);

	assert_int_equal(sorted(f, &nobody, 0), 1u << PF_POOL);
	assert_int_equal(vmdq_accept(&f->v, 2, all), 0);
	assert_int_equal(vmdq_accept(&f->v, 3, all), 0);
	assert_int_equal(sorted(f, &nobody, 0), 0x0c);
	assert_int_equal(sorted(f, &m1, 0), 0x02);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 2), 0);
	assert_int_equal(sorted(f, &nobody, 0), 0x08);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 3), 0);
	assert_int_equal(sorted(f, &nobody, 0), 1u << PF_POOL);
}

static void test_cleared_pool_gets_nothing_and_others_keep_theirs(void **state)
{
	struct fixture *f = *state;
	struct mac m1 = station(1), m2 = station(2);
	uint32_t reg;

	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_GUEST, 100), 0);
	assert_int_equal(vmdq_vlan_add(&f->v, 2, VMDQ_GUEST, 100), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 100, 0), 0);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 1, &reg), -EBUSY);
	assert_int_equal(vmdq_pool_clear(&f->v, 1), 0);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 1, &reg), 0);
	assert_int_equal(sorted(f, &m1, 0), 1u << PF_POOL);
	assert_int_equal(sorted(f, &m1, 100), 1u << PF_POOL);
	assert_int_equal(sorted(f, &m2, 100), 0x04);
	assert_int_equal(sorted(f, &broadcast, 100), 0x04);
}

static void check_after_restore(struct fixture *f)
{
	struct mac m1 = station(1), m2 = station(2);

	assert_int_equal(sorted(f, &m1, 100), 0x02);
	assert_int_equal(sorted(f, &m2, 300), 0x04);
	assert_int_equal(sorted(f, &m2, 0), 1u << PF_POOL);
	assert_int_equal(sorted(f, &group, 0), 0x08);
	assert_int_equal(sorted(f, &broadcast, 0), 0xfb);
	assert_int_equal(switched(f, 2, &far_end, 0), WIRE);
	assert_memory_equal(f->wire + 12, "\x81\x00\x01\x2c", 4);
}

static void test_restore_after_reset_sorts_as_before(void **state)
{
	struct fixture *f = *state;
	uint16_t hash = vmdq_mc_hash(&group);

	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_GUEST, 100), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 300, 0), 0);
	assert_int_equal(vmdq_mc_set(&f->v, 3, &hash, 1), 0);
	assert_int_equal(vmdq_accept(&f->v, 3, VMDQ_BROADCAST | VMDQ_UNTAGGED | VMDQ_MC_HASH), 0);
	check_after_restore(f);

	rings_down(f);
	os_wr32(f->pf, IGB_CTRL, os_rd32(f->pf, IGB_CTRL) | IGB_CTRL_RST);
	assert_int_equal(os_poll32(f->pf, IGB_CTRL, IGB_CTRL_RST, 0, 100, 1000000), 0);
	assert_int_equal(os_rd32(f->pf, IGB_MRQC), 0);
	assert_true(os_rd32(f->pf, IGB_RAH(0)) & IGB_RAH_AV); /* the card's own address is back */
	vmdq_restore(&f->v);
	assert_int_equal(card_up(f->pf), 0);
	assert_int_equal(rings_up(f), 0);
	check_after_restore(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_unicast_goes_to_the_owner_alone),
		T(test_all_24_addresses_match),
		T(test_broadcast_goes_to_those_who_accept_it),
		T(test_multicast_needs_hash_and_mode),
		T(test_vlan_admits_members_alone),
		T(test_all_32_vlans_filter),
		T(test_vlan_strip_moves_the_tag_to_the_descriptor),
		T(test_port_vlan_tags_strips_and_shuts_out),
		T(test_loopback_switch_on_and_off),
		T(test_frame_max_is_each_pools_own),
		T(test_unknown_unicast_goes_to_who_asked),
		T(test_cleared_pool_gets_nothing_and_others_keep_theirs),
		T(test_restore_after_reset_sorts_as_before),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmdq_sorting", tests, group_start, group_stop);
}
