/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Resets of a VF by itself, by FLR and by the PF, recovery after each, and a VF's next owner. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/igb.h"
#include "os/poll.h"

#define VFS	 3
#define P(n)	 BIT(n)
#define RED	 100
#define LIMIT_US 5000000
#define ROUNDS	 20

static struct rig *r;

static int group_start(void **state)
{
	const struct rig_args args = {.num_vfs = VFS, .open = VFS, .vf.features = VFQ_F_OFFLOAD};

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

static int each_start(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VFS; i++)
		if (vf_reset(r->vf[i]))
			return -1;
	return 0;
}

static void flows(unsigned int from, unsigned int to)
{
	const struct rig_tx t = {.from = from, .to = &r->mac[to], .n = 50};

	rig_check(r, &t, P(to));
}

static void all_flow(void)
{
	flows(0, 1);
	flows(1, 0);
	flows(0, RIG_WIRE);
	flows(RIG_WIRE, 1);
	flows(RIG_PF, 0);
}

/* Auto-negotiation takes half a second after a reset. */
static void link_wait(void)
{
	struct pf_link link;

	assert_int_equal(os_poll32(qemu_func(r->q, -1), IGB_STATUS, IGB_STATUS_LU, IGB_STATUS_LU,
				   1000, LIMIT_US),
			 0);
	rig_serve(r);
	pf_link(r->pf, &link);
	assert_true(link.up);
}

static struct pf_vf_info info(unsigned int vf)
{
	struct pf_vf_info i;

	assert_int_equal(pf_vf_info(r->pf, vf, &i), 0);
	return i;
}

static void test_vf_reset_many_times_loses_nothing(void **state)
{
	size_t live = qemu_dma_live(r->q);
	struct vf_stats a, b;

	(void)state;
	vf_stats(r->vf[0], &a);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 100};

		rig_send(r, &t);
		assert_int_equal(vf_reset(r->vf[0]), 0);
		assert_int_equal(vf_link(r->vf[0]), VF_LINK_UP);
	}
	vf_stats(r->vf[0], &b);
	assert_int_equal(b.resets - a.resets, ROUNDS);
	assert_int_equal(b.mbx_timeouts, a.mbx_timeouts);
	assert_int_equal(qemu_dma_live(r->q), live);
	all_flow();
}

static void test_vf_reset_leaves_the_others_alone(void **state)
{
	const struct rig_tx there = {.from = 1, .to = &r->mac[2], .n = 400, .seq = 0};
	const struct rig_tx more = {.from = 1, .to = &r->mac[2], .n = 400, .seq = 400};

	(void)state;
	assert_int_equal(vf_vlan_add(r->vf[1], RED), 0);
	rig_settle(r);
	rig_clear(r);
	rig_send(r, &there);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	rig_send(r, &more);
	rig_settle(r);
	rig_expect(r, P(2), 800);
	assert_int_equal(r->in[2].disorder, 0);
	assert_int_equal(vf_link(r->vf[1]), VF_LINK_UP);
	assert_int_equal(info(1).vlans, 1);
}

static void test_stopped_vf_gets_and_sends_nothing(void **state)
{
	const struct rig_tx t = {.from = RIG_WIRE, .to = &r->mac[0], .n = 5};

	(void)state;
	vf_stop(r->vf[0]);
	rig_serve(r);
	assert_int_equal(info(0).state, PF_VF_OFF);
	rig_check(r, &t, 0);
	assert_int_equal(vf_link(r->vf[0]), VF_LINK_RESET);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	rig_check(r, &t, P(0));
}

static void test_flr_is_seen_by_both_and_recovers(void **state)
{
	const struct rig_tx t = {.from = RIG_WIRE, .to = &r->mac[0], .n = 5};
	unsigned int events = r->events[PF_EV_VF_FLR];
	struct mac own = r->mac[0], changed = {{2, 0, 0, 0, 0x77, 1}};

	(void)state;
	assert_int_equal(vf_mac_set(r->vf[0], &changed), 0);
	assert_int_equal(vf_vlan_add(r->vf[0], RED), 0);
	assert_int_equal(qemu_flr(r->q, 0), 0);
	rig_serve(r);
	assert_int_equal(r->events[PF_EV_VF_FLR], events + 1);
	assert_int_equal(info(0).state, PF_VF_OFF);
	assert_int_equal(info(0).vlans, 0);
	/* An address that the administrator did not set is forgotten. */
	assert_memory_equal(info(0).mac.b, own.b, ETH_MAC_LEN);
	rig_check(r, &t, 0);
	assert_int_equal(vf_link(r->vf[0]), VF_LINK_RESET);
	assert_int_equal(vf_vlan_add(r->vf[0], RED), -ECONNRESET);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	vf_mac(r->vf[0], &r->mac[0]);
	assert_true(mac_equal(&r->mac[0], &own));
	all_flow();
}

static void test_flr_with_frames_in_the_rings(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct rig_tx t = {.from = 1, .to = &r->mac[0], .n = 60};
		struct vfq_buf *buf;
		uint8_t f[64];

		rig_send(r, &t);
		rig_frame_make(r, &t, i, f);
		buf = rig_chain(r, 0, f, 60, 0);
		assert_non_null(buf);
		assert_int_equal(rig_tx_burst(r, 0, 0, &buf, 1), 1);
		assert_int_equal(qemu_flr(r->q, 0), 0);
		rig_serve(r);
		assert_int_equal(vf_reset(r->vf[0]), 0);
	}
	all_flow();
}

static void test_pf_reset_recovers_both(void **state)
{
	struct pf_vf_policy pol;
	struct pf_stats before, after;
	struct pf_link link;

	(void)state;
	assert_int_equal(pf_vf_policy_get(r->pf, 2, &pol), 0);
	pol.vlan = RED;
	assert_int_equal(pf_vf_policy_set(r->pf, 2, &pol, NULL), 0);
	flows(0, 1);
	assert_int_equal(pf_vf_stats(r->pf, 0, &before), 0);
	assert_int_equal(pf_reset(r->pf), 0);
	/* The link is being negotiated anew, and that is what the PF says. */
	pf_link(r->pf, &link);
	assert_false(link.up);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(info(i).state, PF_VF_OFF);
		assert_int_equal(vf_link(r->vf[i]), VF_LINK_RESET);
		assert_int_equal(vf_vlan_add(r->vf[i], RED), -ECONNRESET);
		assert_int_equal(vf_reset(r->vf[i]), 0);
	}
	link_wait();
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vf_link(r->vf[i]), VF_LINK_UP);
	all_flow();
	assert_int_equal(pf_vf_stats(r->pf, 0, &after), 0);
	assert_true(after.tx_packets >= before.tx_packets + 100);
	/* The policy is in force again without anybody's doing. */
	assert_int_equal(pf_vf_policy_get(r->pf, 2, &pol), 0);
	assert_int_equal(pol.vlan, RED);
	assert_int_equal(vf_reset(r->vf[2]), 0);
	{
		const struct rig_tx t = {.from = 1, .to = &r->mac[2]};

		rig_settle(r);
		rig_clear(r);
		rig_send(r, &t);
		rig_settle(r);
		assert_int_equal(r->in[2].n, 0);
	}
	pol.vlan = 0;
	assert_int_equal(pf_vf_policy_set(r->pf, 2, &pol, NULL), 0);
}

/* A request that is under way when the PF is reset tells its VF so, and in time. */
static void test_request_into_a_pf_reset_is_told(void **state)
{
	int ret;

	(void)state;
	assert_int_equal(pf_reset(r->pf), 0);
	ret = vf_vlan_add(r->vf[0], RED);
	assert_int_equal(ret, -ECONNRESET);
	assert_int_equal(vf_vlan_add(r->vf[0], RED), -ECONNRESET);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	assert_int_equal(vf_reset(r->vf[1]), 0);
	link_wait();
	flows(0, 1);
}

static void test_flr_of_the_pf_and_start_again(void **state)
{
	(void)state;
	assert_int_equal(qemu_flr(r->q, -1), 0);
	assert_int_equal(pf_reset(r->pf), 0);
	for (unsigned int i = 0; i < VFS; i++)
		assert_int_equal(vf_reset(r->vf[i]), 0);
	link_wait();
	all_flow();
}

static void test_no_pf_is_a_timeout(void **state)
{
	(void)state;
	pf_stop(r->pf);
	assert_int_equal(vf_reset(r->vf[0]), -ETIMEDOUT);
	assert_int_equal(vf_link(r->vf[0]), VF_LINK_RESET);
	assert_int_equal(pf_start(r->pf), 0);
	for (unsigned int i = 0; i < VFS; i++)
		assert_int_equal(vf_reset(r->vf[i]), 0);
	link_wait();
	all_flow();
}

/* ---- the next owner */

static void assert_queue_is_clear(unsigned int n)
{
	static const uint32_t rx[] = {IGB_RDBAL, IGB_RDBAH, IGB_RDLEN,	IGB_RDH,
				      IGB_RDT,	 IGB_RXCTL, IGB_SRRCTL, IGB_RXDCTL};
	static const uint32_t tx[] = {IGB_TDBAL, IGB_TDBAH,  IGB_TDLEN,	 IGB_TDH,
				      IGB_TDT,	 IGB_TXDCTL, IGB_TDWBAL, IGB_TDWBAH};
	struct os_dev *dev = qemu_func(r->q, -1);

	for (unsigned int i = 0; i < ARRAY_SIZE(rx); i++)
		assert_int_equal(os_rd32(dev, IGB_RXQ(n) + rx[i]), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(tx); i++)
		assert_int_equal(os_rd32(dev, IGB_TXQ(n) + tx[i]), 0);
}

static void assert_no_trace(unsigned int vf)
{
	struct os_dev *dev = qemu_func(r->q, (int)vf), *pf = qemu_func(r->q, -1);
	struct pf_stats st;

	assert_queue_is_clear(vf);
	assert_queue_is_clear(vf + IGB_POOLS);
	for (unsigned int w = 0; w < IGB_MBX_WORDS; w++)
		assert_int_equal(os_rd32(dev, IGB_VF_VMBMEM + 4 * w), 0);
	assert_int_equal(os_rd32(dev, IGB_IVAR(0)), 0);
	assert_int_equal(os_rd32(dev, IGB_IVAR_MISC), 0);
	assert_false(os_rd32(pf, IGB_VFRE) & BIT(vf));
	assert_false(os_rd32(pf, IGB_VFTE) & BIT(vf));
	for (unsigned int i = 0; i < IGB_VLVFS; i++)
		assert_false(field_get(IGB_VLVF_POOLS, os_rd32(pf, IGB_VLVF(i))) & BIT(vf));
	assert_int_equal(pf_vf_stats(r->pf, vf, &st), 0);
	assert_int_equal(st.rx_packets | st.tx_packets | st.rx_bytes | st.tx_bytes, 0);
	assert_int_equal(info(vf).resets | info(vf).requests | info(vf).refused, 0);
}

static void test_next_owner_sees_nothing_of_the_former(void **state)
{
	const struct mac extra = {{2, 0, 0, 0, 0x55, 5}}, group = {{1, 0, 0x5e, 0, 0, 9}};
	const struct mac changed = {{2, 0, 0, 0, 0x55, 6}}, base = info(0).mac;
	const struct vf_config two = {.queues = 2}, one = {.features = VFQ_F_OFFLOAD};
	const struct rig_tx old[] = {{.from = RIG_WIRE, .to = &extra},
				     {.from = RIG_WIRE, .to = &group},
				     {.from = RIG_WIRE, .to = &changed},
				     {.from = RIG_WIRE, .to = &rig_broadcast, .vlan = RED}};
	const struct rig_tx between = {.from = RIG_WIRE, .to = &base, .n = 10};
	uint32_t reg = 0;

	(void)state;
	/* The former owner leaves all it can behind, and dies without a word. */
	rig_vf_close(r, 0);
	rig_vf_open(r, 0, &two);
	assert_int_equal(vf_mac_set(r->vf[0], &changed), 0);
	assert_int_equal(vf_mac_add(r->vf[0], &extra), 0);
	assert_int_equal(vf_multicast_set(r->vf[0], &group, 1), 0);
	assert_int_equal(vf_vlan_add(r->vf[0], RED), 0);
	assert_int_equal(vf_frame_max_set(r->vf[0], 9000), 0);
	assert_int_equal(vf_vlan_add(r->vf[1], RED), 0);
	os_wr32(qemu_func(r->q, 0), IGB_VF_TXQ(1) + IGB_TDWBAL, 0x1000001);
	os_wr32(qemu_func(r->q, 0), IGB_IVAR(0), 0x8181);
	os_wr32(qemu_func(r->q, 0), IGB_IVAR_MISC, 0x82);
	os_wr32(qemu_func(r->q, 0), IGB_VF_VMBMEM + 60, 0x5ec4e7);
	flows(RIG_WIRE, 1);
	assert_int_equal(qemu_flr(r->q, 0), 0);
	rig_serve(r);
	assert_int_equal(pf_vf_scrub(r->pf, 0, &reg), 0);
	assert_no_trace(0);
	/* What comes between two owners is nobody's. */
	rig_settle(r);
	rig_clear(r);
	rig_send(r, &between);
	rig_settle(r);
	r->in[RIG_PF].n = 0;
	rig_vf_close(r, 0);
	rig_vf_open(r, 0, &one);
	rig_settle(r);
	rig_expect(r, 0, 0);
	assert_true(mac_equal(&r->mac[0], &base));
	assert_int_equal(info(0).frame_max, 1518);
	for (unsigned int i = 0; i < ARRAY_SIZE(old); i++) {
		rig_settle(r);
		rig_clear(r);
		rig_send(r, &old[i]);
		rig_settle(r);
		assert_int_equal(r->in[0].n, 0);
	}
	/* The neighbour kept what it shared with the former owner. */
	assert_int_equal(r->in[1].n, 1);
	all_flow();
}

static void test_scrub_keeps_the_policy(void **state)
{
	struct pf_vf_policy pol, after;
	uint32_t reg;

	(void)state;
	assert_int_equal(pf_vf_policy_get(r->pf, 0, &pol), 0);
	pol.mac = (struct mac){{2, 0, 0, 0, 0x66, 6}};
	pol.vlan = RED;
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	vf_stop(r->vf[0]);
	rig_serve(r);
	assert_int_equal(pf_vf_scrub(r->pf, 0, &reg), 0);
	assert_int_equal(pf_vf_policy_get(r->pf, 0, &after), 0);
	assert_memory_equal(&after, &pol, sizeof(pol));
	assert_int_equal(vf_reset(r->vf[0]), 0);
	vf_mac(r->vf[0], &r->mac[0]);
	assert_true(mac_equal(&r->mac[0], &pol.mac));
	{
		const struct rig_tx in = {
			.from = RIG_WIRE, .to = &r->mac[0], .vlan = RED, .n = 5, .len = 100};

		rig_check(r, &in, P(0));
	}
	pf_vf_policy_default(&pol);
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	vf_mac(r->vf[0], &r->mac[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_vf_reset_many_times_loses_nothing, each_start),
		cmocka_unit_test_setup(test_vf_reset_leaves_the_others_alone, each_start),
		cmocka_unit_test_setup(test_stopped_vf_gets_and_sends_nothing, each_start),
		cmocka_unit_test_setup(test_flr_is_seen_by_both_and_recovers, each_start),
		cmocka_unit_test_setup(test_flr_with_frames_in_the_rings, each_start),
		cmocka_unit_test_setup(test_pf_reset_recovers_both, each_start),
		cmocka_unit_test_setup(test_request_into_a_pf_reset_is_told, each_start),
		cmocka_unit_test_setup(test_flr_of_the_pf_and_start_again, each_start),
		cmocka_unit_test_setup(test_no_pf_is_a_timeout, each_start),
		cmocka_unit_test_setup(test_next_owner_sees_nothing_of_the_former, each_start),
		cmocka_unit_test_setup(test_scrub_keeps_the_policy, each_start),
	};

	return cmocka_run_group_tests_name("resets", tests, group_start, group_stop);
}
