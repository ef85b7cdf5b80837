/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The PF driver comes up on the card: link, VFs, its own pool to and from the wire. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

#include "hw/igb.h"

#define VFS 7

static struct rig *r;

static int group_start(void **state)
{
	const struct rig_args args = {.num_vfs = VFS};

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

static void test_link_is_up_at_a_gigabit(void **state)
{
	struct pf_link link;

	(void)state;
	pf_link(r->pf, &link);
	assert_true(link.up);
	assert_true(link.full_duplex);
	assert_int_equal(link.mbps, 1000);
	assert_true(r->events[PF_EV_LINK] >= 1);
}

static void test_mac_is_the_cards(void **state)
{
	const struct mac card = {{0x52, 0x54, 0, 0, 0, 1}};
	struct mac mac;

	(void)state;
	pf_mac(r->pf, &mac);
	assert_memory_equal(mac.b, card.b, ETH_MAC_LEN);
}

static void test_vfs_are_off_and_have_an_address_each(void **state)
{
	struct pf_vf_info info[VFS];
	struct pf_vf_policy pol;

	(void)state;
	assert_int_equal(pf_num_vfs(r->pf), VFS);
	for (unsigned int i = 0; i < VFS; i++) {
		assert_int_equal(pf_vf_info(r->pf, i, &info[i]), 0);
		assert_int_equal(info[i].state, PF_VF_OFF);
		assert_true(mac_is_usable(&info[i].mac));
		for (unsigned int k = 0; k < i; k++)
			assert_false(mac_equal(&info[i].mac, &info[k].mac));
		assert_false(mac_equal(&info[i].mac, &r->mac[RIG_PF]));
		assert_int_equal(pf_vf_policy_get(r->pf, i, &pol), 0);
		assert_true(pol.spoofchk);
		assert_false(pol.trust);
	}
	assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_VFTE), BIT(PF_POOL));
	assert_true(os_rd32(qemu_func(r->q, -1), IGB_CTRL_EXT) & IGB_CTRL_EXT_NS_DIS);
}

static void test_calls_refuse_a_vf_that_is_not_there(void **state)
{
	struct pf_vf_info info;
	struct pf_vf_policy pol;
	struct pf_stats st;
	uint32_t reg;

	(void)state;
	pf_vf_policy_default(&pol);
	assert_int_equal(pf_vf_info(r->pf, VFS, &info), -EINVAL);
	assert_int_equal(pf_vf_policy_get(r->pf, VFS, &pol), -EINVAL);
	assert_int_equal(pf_vf_policy_set(r->pf, VFS, &pol, NULL), -EINVAL);
	assert_int_equal(pf_vf_stats(r->pf, VFS, &st), -EINVAL);
	assert_int_equal(pf_vf_scrub(r->pf, VFS, &reg), -EINVAL);
}

static void test_own_pool_sends_to_the_wire(void **state)
{
	const struct rig_tx t = {.from = RIG_PF, .to = &r->mac[RIG_WIRE], .n = 300, .len = 200};

	(void)state;
	rig_check(r, &t, BIT(RIG_WIRE));
	assert_int_equal(r->in[RIG_WIRE].disorder, 0);
	assert_int_equal(r->in[RIG_WIRE].frame[0].len, 200);
}

static void test_own_pool_receives_from_the_wire(void **state)
{
	struct rig_tx t = {.from = RIG_WIRE, .to = &r->mac[RIG_PF], .n = 300, .len = 1514};

	(void)state;
	rig_check(r, &t, BIT(RIG_PF));
	assert_int_equal(r->in[RIG_PF].disorder, 0);
	t.to = &rig_broadcast;
	t.n = 3;
	rig_check(r, &t, BIT(RIG_PF));
}

static void test_own_pool_is_the_default_for_unknown_unicast(void **state)
{
	const struct mac nobody = {{2, 1, 2, 3, 4, 5}};
	const struct rig_tx t = {.from = RIG_WIRE, .to = &nobody, .n = 2};

	(void)state;
	rig_check(r, &t, BIT(RIG_PF));
}

static void test_card_counters_agree(void **state)
{
	const struct rig_tx out = {.from = RIG_PF, .to = &r->mac[RIG_WIRE], .n = 20, .len = 100};
	struct pf_stats a, b;

	(void)state;
	rig_settle(r);
	pf_stats(r->pf, &a);
	rig_send(r, &out);
	os_flush(qemu_func(r->q, -1));
	pf_stats(r->pf, &b);
	assert_int_equal(b.tx_packets - a.tx_packets, 20);
	/* The card counts the CRC. */
	assert_int_equal(b.tx_bytes - a.tx_bytes, 20 * 104);
	rig_settle(r);
}

static void test_start_again_is_a_reset(void **state)
{
	const struct rig_tx out = {.from = RIG_PF, .to = &r->mac[RIG_WIRE], .n = 5};
	struct pf_stats a, b;
	struct pf_link link;

	(void)state;
	pf_stats(r->pf, &a);
	assert_int_equal(pf_start(r->pf), 0);
	pf_link(r->pf, &link);
	for (int i = 0; !link.up && i < 5000; i++) {
		os_delay_us(qemu_func(r->q, -1), 1000);
		pf_link(r->pf, &link);
	}
	assert_true(link.up);
	pf_stats(r->pf, &b);
	assert_true(b.tx_packets >= a.tx_packets && b.rx_packets >= a.rx_packets);
	rig_check(r, &out, BIT(RIG_WIRE));
}

static void test_stop_leaves_the_device_quiet(void **state)
{
	struct os_dev *dev = qemu_func(r->q, -1);

	(void)state;
	pf_stop(r->pf);
	assert_int_equal(os_rd32(dev, IGB_IMS), 0);
	assert_int_equal(os_rd32(dev, IGB_RCTL) & IGB_RCTL_EN, 0);
	assert_int_equal(os_rd32(dev, IGB_VFRE), 0);
	assert_int_equal(os_rd32(dev, IGB_VFTE), 0);
	/* Queue 0 comes out of a reset enabled, but without a ring. */
	for (unsigned int n = 0; n < IGB_QUEUES; n++) {
		assert_int_equal(os_rd32(dev, IGB_RXQ(n) + IGB_RDLEN), 0);
		assert_int_equal(os_rd32(dev, IGB_TXQ(n) + IGB_RDLEN), 0);
	}
	assert_int_equal(pf_service(r->pf), 0);
	assert_int_equal(pf_start(r->pf), 0);
}

static void test_init_refuses_what_is_no_82576(void **state)
{
	const struct pf_config cfg = {.num_vfs = VFS}, many = {.num_vfs = 8};
	void *mem = calloc(1, pf_size() + CACHE_LINE);
	void *at = (void *)(((uintptr_t)mem + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
	struct pf *pf = NULL;

	(void)state;
	/* A VF's ids read as ones. */
	assert_int_equal(pf_init(at, qemu_func(r->q, 0), &cfg, &pf), -ENODEV);
	assert_int_equal(pf_init(at, qemu_func(r->q, -1), &many, &pf), -EINVAL);
	assert_null(pf);
	free(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_is_up_at_a_gigabit),
		cmocka_unit_test(test_mac_is_the_cards),
		cmocka_unit_test(test_vfs_are_off_and_have_an_address_each),
		cmocka_unit_test(test_calls_refuse_a_vf_that_is_not_there),
		cmocka_unit_test(test_own_pool_sends_to_the_wire),
		cmocka_unit_test(test_own_pool_receives_from_the_wire),
		cmocka_unit_test(test_own_pool_is_the_default_for_unknown_unicast),
		cmocka_unit_test(test_card_counters_agree),
		cmocka_unit_test(test_start_again_is_a_reset),
		cmocka_unit_test(test_stop_leaves_the_device_quiet),
		cmocka_unit_test(test_init_refuses_what_is_no_82576),
	};

	return cmocka_run_group_tests_name("pf_start", tests, group_start, group_stop);
}
