/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Guests that want others' share of the card's tables, others' frames, another's name, or something
 * of a VF's next owner. A test passes when its attack fails.
 */
#include "hostile.h"

#include <string.h>

#include "abi/mbx.h"
#include "raw.h"

#define RING 64

static struct rig *r;

static int group_start(void **state)
{
	(void)state;
	r = hostile_start();
	return r ? 0 : -1;
}

static int group_stop(void **state)
{
	(void)state;
	hostile_stop();
	return 0;
}

/* ---- tables that all share */

static bool add_mac(unsigned int vf, unsigned int n)
{
	const uint32_t msg[3] = {MBX_SET_MAC | field_prep(MBX_INFO, MBX_MAC_ADD), 0x0002,
				 (uint32_t)n << 8};

	return hostile_ask(vf, msg, 3) & MBX_ACK;
}

static void test_addresses_and_vlans_cannot_be_used_up(void **state)
{
	struct pf_vf_policy pol;
	unsigned int n = 0;

	(void)state;
	for (unsigned int vf = BAD; vf < VFS; vf++)
		for (unsigned int i = 0; i < 40; i++) {
			n += add_mac(vf, 50 * (vf - BAD) + i);
			(void)hostile_ask2(vf, MBX_SET_VLAN | ADD, 200 + 50 * vf + i);
		}
	assert_true(n >= 2 * (VFS - BAD));
	assert_int_equal(hostile_info(BAD).last_refusal, PF_RULE_VLAN_FULL);
	/* Who behaves has his share: two addresses and three VLANs more, and they work. */
	for (unsigned int i = 0; i < GOOD; i++) {
		struct mac extra[2] = {{{2, 0, 0, 0, 0xee, (uint8_t)(2 * i)}},
				       {{2, 0, 0, 0, 0xee, (uint8_t)(2 * i + 1)}}};

		for (unsigned int k = 0; k < 2; k++) {
			const struct rig_tx t = {.from = RIG_WIRE, .to = &extra[k], .n = 3};

			assert_int_equal(vf_mac_add(r->vf[i], &extra[k]), 0);
			rig_check(r, &t, P(i));
		}
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(vf_vlan_add(r->vf[i], 1000 + 10 * i + k), 0);
		/* They follow into those, so as to be left with them. */
		for (unsigned int vf = BAD; vf < VFS; vf++)
			for (unsigned int k = 0; k < 3; k++)
				(void)hostile_ask2(vf, MBX_SET_VLAN | ADD, 1000 + 10 * i + k);
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(vf_vlan_del(r->vf[i], 1000 + 10 * i + k), 0);
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(vf_vlan_add(r->vf[i], 2000 + 10 * i + k), 0);
		assert_int_equal(vf_mac_clear(r->vf[i]), 0);
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(vf_vlan_del(r->vf[i], 2000 + 10 * i + k), 0);
	}
	/* The administrator's port VLANs, each another one. */
	for (unsigned int vf = 0; vf < VFS; vf++) {
		assert_int_equal(pf_vf_policy_get(r->pf, vf, &pol), 0);
		pol.vlan = (uint16_t)(3000 + vf);
		assert_int_equal(pf_vf_policy_set(r->pf, vf, &pol, NULL), 0);
	}
	for (unsigned int vf = 0; vf < VFS; vf++) {
		pol.vlan = 0;
		assert_int_equal(pf_vf_policy_set(r->pf, vf, &pol, NULL), 0);
	}
	hostile_assert_good();
}

/* All its hashes at once, and again: the table is the card's, the bits of others stay. */
static void test_multicast_hashes_of_others_stay(void **state)
{
	const struct mac group = {{1, 0, 0x5e, 0, 0x12, 0x34}};
	const struct rig_tx t = {.from = RIG_WIRE, .to = &group, .n = 5};
	uint32_t msg[MBX_WORDS] = {MBX_SET_MULTICAST | field_prep(MBX_INFO, MBX_MC_MAX)};
	uint32_t none = MBX_SET_MULTICAST;
	uint32_t hash = (0x12 >> 4) | 0x34 << 4;

	(void)state;
	assert_int_equal(vf_multicast_set(r->vf[0], &group, 1), 0);
	for (unsigned int i = 0; i < 4096; i += 30) {
		for (unsigned int k = 0; k < 30; k++) {
			uint32_t h = (hash + i + k) % 4096;

			msg[1 + k / 2] = k % 2 ? msg[1 + k / 2] | h << 16 : h;
		}
		assert_true(hostile_ask(BAD, msg, MBX_WORDS) & MBX_ACK);
	}
	assert_true(hostile_ask(BAD, &none, 1) & MBX_ACK);
	rig_check(r, &t, P(0));
	assert_int_equal(vf_multicast_set(r->vf[0], NULL, 0), 0);
	/* Nothing is left of them: no hit, nobody's frame. */
	rig_check(r, &t, 0);
	for (unsigned int w = 0; w < IGB_MTA_WORDS; w++)
		assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_MTA(w)), 0);
}

/* ---- others' frames */

static bool set_mac(unsigned int vf, uint32_t op, const struct mac *m)
{
	const uint32_t msg[3] = {MBX_SET_MAC | field_prep(MBX_INFO, op),
				 m->b[0] | (uint32_t)m->b[1] << 8 | (uint32_t)m->b[2] << 16 |
					 (uint32_t)m->b[3] << 24,
				 m->b[4] | (uint32_t)m->b[5] << 8};

	return hostile_ask(vf, msg, 3) & MBX_ACK;
}

static void test_addresses_of_others_cannot_be_had(void **state)
{
	const struct mac other = {{2, 0, 0, 0, 0x11, 0x22}}, base = r->mac[0];
	const struct mac *wanted[] = {&r->mac[0],     &r->mac[1], &r->mac[RIG_PF],
				      &rig_broadcast, &base,	  &other};
	struct pf_vf_policy pol;
	struct mac was;

	(void)state;
	/* VF 0 uses another than the one it falls back to, VF 1 has one from the administrator. */
	assert_int_equal(vf_mac_set(r->vf[0], &other), 0);
	was = r->mac[0];
	r->mac[0] = other;
	assert_int_equal(pf_vf_policy_get(r->pf, 1, &pol), 0);
	pol.mac = r->mac[1];
	assert_int_equal(pf_vf_policy_set(r->pf, 1, &pol, NULL), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_false(set_mac(BAD, MBX_MAC_SET, wanted[i]));
		assert_false(set_mac(BAD, MBX_MAC_ADD, wanted[i]));
	}
	hostile_assert_good();
	assert_int_equal(vf_mac_set(r->vf[0], &was), 0);
	r->mac[0] = was;
}

/* A frame of a VF that was not admitted goes nowhere, and none comes to it. */
static void test_no_frame_passes_without_reset(void **state)
{
	struct rig_tx t = {.from = BAD, .to = &r->mac[0], .n = 4};
	struct rig_tx in = {.from = RIG_WIRE, .to = &rig_broadcast, .n = 4};
	struct raw q;
	uint8_t f[64];

	(void)state;
	os_wr32(hostile_dev(BAD), IGB_CTRL, IGB_CTRL_RST);
	os_flush(hostile_dev(BAD));
	hostile_quiet();
	assert_int_equal(raw_open(&q, hostile_dev(BAD), IGB_VF_RXQ(0), IGB_VF_TXQ(0), RING), 0);
	rig_settle(r);
	rig_clear(r);
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int len;

		t.src = &r->mac[1];
		len = rig_frame_make(r, &t, i, raw_tx_buf(&q));
		raw_tx(&q, len);
		raw_kick(&q);
		/* Asking for all but RESET does not help. */
		(void)hostile_ask2(BAD, MBX_SET_PROMISC, 0);
		raw_kick(&q);
	}
	rig_settle(r);
	rig_expect(r, 0, 0);
	rig_check(r, &in, P(0) | P(1) | P(RIG_PF));
	assert_int_equal(raw_rx(&q, f, sizeof(f)), 0);
	raw_close(&q);
	hostile_assert_good();
}

/* QEMU does not drop by source address; that no frame is drawn by it is what can be seen here. */
static void test_frames_under_anothers_address_draw_nothing(void **state)
{
	const struct vf_config cfg = {.features = VFQ_F_OFFLOAD};
	struct rig_tx t = {.from = BAD, .to = &r->mac[RIG_WIRE], .n = 20};
	uint32_t both = field_prep(IGB_DTXSWC_MAC_SPOOF, BIT(BAD)) |
			field_prep(IGB_DTXSWC_VLAN_SPOOF, BIT(BAD));

	(void)state;
	rig_vf_open(r, BAD, &cfg);
	t.src = &r->mac[0];
	rig_send(r, &t);
	t.src = &r->mac[RIG_PF];
	rig_send(r, &t);
	rig_settle(r);
	hostile_assert_good();
	/* The check is on, and nothing that the guest asked for has turned it off. */
	assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_DTXSWC) & both, both);
	rig_vf_close(r, BAD);
}

static void assert_only_in(unsigned int port, unsigned int vlan)
{
	for (unsigned int i = 0; i < r->in[port].n && i < RIG_KEEP; i++) {
		const uint8_t *f = r->in[port].frame[i].head;

		assert_int_equal(f[12] << 8 | f[13], 0x8100);
		assert_int_equal((f[14] << 8 | f[15]) & 0xfff, vlan);
	}
}

/* In the frame, by the descriptor, by both, and with priority alone. */
static void test_port_vlan_cannot_be_left(void **state)
{
	const struct vf_config cfg = {.features = VFQ_F_OFFLOAD};
	struct rig_tx t[] = {{.vlan = RED},
			     {.flags = VFQ_TX_VLAN, .flag_vlan = RED},
			     {.vlan = RED, .flags = VFQ_TX_VLAN, .flag_vlan = RED},
			     {.vlan = 0xe000},
			     {.flags = VFQ_TX_VLAN, .flag_vlan = 0},
			     {.vlan = 0}};
	struct pf_vf_policy pol;

	(void)state;
	rig_vf_open(r, BAD, &cfg);
	assert_int_equal(pf_vf_policy_get(r->pf, BAD, &pol), 0);
	pol.vlan = 666;
	assert_int_equal(pf_vf_policy_set(r->pf, BAD, &pol, NULL), 0);
	for (unsigned int i = 0; i < GOOD; i++)
		assert_int_equal(vf_vlan_add(r->vf[i], RED), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		t[i].from = BAD;
		t[i].len = 100;
		for (unsigned int to = 0; to <= RIG_WIRE; to += to ? RIG_WIRE - 1 : 1) {
			t[i].to = to == RIG_WIRE ? &rig_broadcast : &r->mac[to];
			rig_settle(r);
			rig_clear(r);
			rig_send(r, &t[i]);
			rig_settle(r);
			assert_int_equal(r->in[0].n + r->in[1].n + r->in[RIG_PF].n, 0);
			assert_only_in(RIG_WIRE, 666);
		}
	}
	for (unsigned int i = 0; i < GOOD; i++)
		assert_int_equal(vf_vlan_del(r->vf[i], RED), 0);
	rig_vf_close(r, BAD);
	hostile_assert_good();
}

/* All of its BAR but the rings, whose addresses would be memory of this test. */
static void test_a_vfs_registers_reach_nothing_of_the_pfs(void **state)
{
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	for (unsigned int pass = 0; pass < 2; pass++)
		for (uint32_t reg = 0; reg < 0x4000; reg += 4) {
			if (reg >= IGB_VF_RXQ(0) && reg < IGB_VF_RXQ(2))
				continue;
			if (reg >= IGB_VF_TXQ(0) && reg < IGB_VF_TXQ(2))
				continue;
			os_wr32(hostile_dev(BAD), reg, pass ? UINT32_MAX : hostile_random());
		}
	os_flush(hostile_dev(BAD));
	hostile_quiet();
	hostile_assert_same(&before);
	hostile_up(BAD);
	hostile_assert_good();
}

/* Its queue is on and it takes nothing: others' frames, replicated ones too, do not wait for it. */
static void test_a_ring_without_descriptors_blocks_nobody(void **state)
{
	const struct rig_tx t = {.from = RIG_WIRE, .to = &rig_broadcast, .n = 300};
	struct raw q[VFS];

	(void)state;
	for (unsigned int vf = BAD; vf < VFS; vf++) {
		assert_int_equal(
			raw_open(&q[vf], hostile_dev(vf), IGB_VF_RXQ(0), IGB_VF_TXQ(0), RING), 0);
		os_wr32(hostile_dev(vf), IGB_VF_RXQ(0) + IGB_SRRCTL,
			field_prep(IGB_SRRCTL_DESCTYPE, IGB_SRRCTL_DESCTYPE_ADV1) | 2);
		os_wr32(hostile_dev(vf), IGB_VF_RXQ(0) + IGB_RDT, 0);
	}
	rig_check(r, &t, P(0) | P(1) | P(RIG_PF));
	hostile_assert_good();
	for (unsigned int vf = BAD; vf < VFS; vf++)
		raw_close(&q[vf]);
}

/* ---- between two owners */

static void leave_all_behind(void)
{
	static const uint32_t msg[MBX_WORDS] = {MBX_RESET, 0x5ec4e7, 0x5ec4e7};
	struct os_dev *dev = hostile_dev(BAD);

	(void)add_mac(BAD, 7);
	(void)hostile_ask2(BAD, MBX_SET_VLAN | ADD, RED);
	(void)hostile_ask2(BAD, MBX_SET_LPE, 9000);
	for (unsigned int i = 0; i < IGB_VF_MSIX_VECTORS; i++)
		os_wr32(dev, IGB_EITR(i), 0x7ffc);
	os_wr32(dev, IGB_EIAC, 7);
	os_wr32(dev, IGB_EIAM, 7);
	os_wr32(dev, IGB_EIMS, 7);
	os_wr32(dev, IGB_IVAR(0), 0x8180);
	os_wr32(dev, IGB_IVAR_MISC, 0x82);
	hostile_words(BAD, msg, MBX_WORDS);
	/* A request is left, and the lock with it. */
	hostile_bell(BAD, IGB_V2P_VFU | IGB_V2P_REQ | IGB_V2P_ACK);
	os_flush(dev);
}

static void test_nothing_outlives_a_scrub(void **state)
{
	static const uint32_t regs[] = {IGB_EIAC,      IGB_EIAM,      IGB_EIMS,		IGB_IVAR(0),
					IGB_IVAR_MISC, IGB_VF_VMBMEM, IGB_VF_VMBMEM + 4};
	const struct vf_config cfg = {.features = VFQ_F_OFFLOAD};
	const struct rig_tx all = {.from = RIG_WIRE, .to = &rig_broadcast, .n = 20};
	struct hostile_view before;
	struct raw q;
	uint8_t *seen;

	(void)state;
	hostile_look(&before);
	assert_int_equal(raw_open(&q, hostile_dev(BAD), IGB_VF_RXQ(0), IGB_VF_TXQ(0), RING), 0);
	leave_all_behind();
	assert_int_equal(qemu_flr(r->q, BAD), 0);
	assert_int_equal(pf_vf_scrub(r->pf, BAD, NULL), 0);
	hostile_serve();
	/* What the former owner asked for just before is not answered to the next one. */
	assert_int_equal(hostile_info(BAD).state, PF_VF_OFF);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		assert_int_equal(os_rd32(hostile_dev(BAD), regs[i]), 0);
	for (unsigned int i = 0; i < IGB_VF_MSIX_VECTORS; i++)
		assert_int_equal(os_rd32(hostile_dev(BAD), IGB_EITR(i)), 0);
	/* Its rings get nothing more, though it rings the bell and has the memory still. */
	memset(q.rx_buf, 0x5a, RING * RAW_BUF);
	raw_tx(&q, rig_frame_make(r, &(struct rig_tx){.from = BAD, .to = &r->mac[0]}, 1,
				  raw_tx_buf(&q)));
	raw_kick(&q);
	os_doorbell(hostile_dev(BAD), IGB_VF_RXQ(0) + IGB_RDT, RING - 1);
	rig_check(r, &all, P(0) | P(1) | P(RIG_PF));
	seen = q.rx_buf;
	for (unsigned int i = 0; i < RING * RAW_BUF; i++)
		assert_int_equal(seen[i], 0x5a);
	raw_close(&q);
	/* The next owner is served although the former one kept the lock. */
	assert_int_equal(pf_vf_scrub(r->pf, BAD, NULL), 0);
	rig_vf_open(r, BAD, &cfg);
	assert_int_equal(hostile_info(BAD).vlans, 0);
	assert_int_equal(hostile_info(BAD).frame_max, 1518);
	hostile_exchange(RIG_WIRE, BAD, 0, P(BAD));
	hostile_exchange(0, BAD, 0, P(BAD));
	rig_vf_close(r, BAD);
	hostile_quiet();
	hostile_assert_same(&before);
	hostile_assert_good();
}

#define T(f) cmocka_unit_test_setup(f, hostile_each)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_addresses_and_vlans_cannot_be_used_up),
		T(test_multicast_hashes_of_others_stay),
		T(test_addresses_of_others_cannot_be_had),
		T(test_no_frame_passes_without_reset),
		T(test_frames_under_anothers_address_draw_nothing),
		T(test_port_vlan_cannot_be_left),
		T(test_a_vfs_registers_reach_nothing_of_the_pfs),
		T(test_a_ring_without_descriptors_blocks_nobody),
		T(test_nothing_outlives_a_scrub),
	};

	return cmocka_run_group_tests_name("hostile VF, shares and frames", tests, group_start,
					   group_stop);
}
