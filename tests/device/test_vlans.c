/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VLANs of guests and port VLANs: who reaches whom, and that one VF's leaving takes nothing of
 * another. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/igb.h"

#define VFS    3
#define P(n)   BIT(n)
#define RED    100
#define BLUE   200
#define PORT   300
#define VLANS  32 /* filters of the card */
#define TCI(f) ((f)[14] << 8 | (f)[15])

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

/* Every test starts without VLANs: a reset forgets the guest's, the policy is the default. */
static int each_start(void **state)
{
	struct pf_vf_policy pol;

	(void)state;
	pf_vf_policy_default(&pol);
	for (unsigned int i = 0; i < VFS; i++) {
		if (pf_vf_policy_set(r->pf, i, &pol, NULL) || vf_reset(r->vf[i]))
			return -1;
		vf_mac(r->vf[i], &r->mac[i]);
	}
	return 0;
}

static void join(unsigned int vf, unsigned int vid)
{
	assert_int_equal(vf_vlan_add(r->vf[vf], vid), 0);
}

static void port_vlan(unsigned int vf, uint16_t vid, uint8_t qos)
{
	enum pf_rule rule;
	struct pf_vf_policy pol;

	assert_int_equal(pf_vf_policy_get(r->pf, vf, &pol), 0);
	pol.vlan = vid;
	pol.qos = qos;
	assert_int_equal(pf_vf_policy_set(r->pf, vf, &pol, &rule), 0);
}

/* Sends on @vlan and looks at the VFs and the PF alone: a frame that no VLAN filter admits leaves
 * QEMU's card by the wire. */
static void inside(unsigned int from, unsigned int to, unsigned int vlan, uint32_t ports)
{
	const struct rig_tx t = {.from = from, .to = &r->mac[to], .vlan = vlan, .len = 100, .n = 4};

	rig_settle(r);
	rig_clear(r);
	rig_send(r, &t);
	rig_settle(r);
	r->in[RIG_WIRE].n = 0;
	rig_expect(r, ports, 4);
}

static void test_members_reach_each_other(void **state)
{
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[1], .vlan = RED, .len = 100};

	(void)state;
	join(0, RED);
	join(1, RED);
	inside(0, 1, RED, P(1));
	inside(1, 0, RED, P(0));
	/* The tag is stripped and told beside the frame. */
	assert_true(r->in[0].frame[0].flags & VFQ_RX_VLAN);
	assert_int_equal(r->in[0].frame[0].vlan, RED);
	assert_int_equal(r->in[0].frame[0].len, 96);
	rig_check(r, &in, P(1));
	assert_int_equal(r->in[1].frame[0].vlan, RED);
}

static void test_others_are_not_reached(void **state)
{
	const struct rig_tx all = {.from = RIG_WIRE, .to = &rig_broadcast, .vlan = RED};

	(void)state;
	join(0, RED);
	join(1, BLUE);
	inside(0, 1, RED, 0);
	inside(0, 2, RED, 0);
	inside(0, 1, BLUE, P(1)); /* spoof check would stop it on the card; QEMU has none */
	rig_check(r, &all, P(0));
}

static void test_untagged_passes_beside_vlans(void **state)
{
	(void)state;
	join(0, RED);
	inside(0, 1, 0, P(1));
	inside(1, 0, 0, P(0));
	assert_false(r->in[0].frame[0].flags & VFQ_RX_VLAN);
}

static void test_leaving_takes_only_the_leaver_out(void **state)
{
	const struct rig_tx in = {.from = RIG_WIRE, .to = &rig_broadcast, .vlan = RED};

	(void)state;
	for (unsigned int i = 0; i < VFS; i++)
		join(i, RED);
	rig_check(r, &in, P(0) | P(1) | P(2));
	assert_int_equal(vf_vlan_del(r->vf[0], RED), 0);
	rig_check(r, &in, P(1) | P(2));
	inside(1, 2, RED, P(2));
	inside(1, 0, RED, 0);
	/* Leaving twice is no harm. */
	assert_int_equal(vf_vlan_del(r->vf[0], RED), 0);
	rig_check(r, &in, P(1) | P(2));
	assert_int_equal(vf_reset(r->vf[1]), 0);
	rig_check(r, &in, P(2));
	assert_int_equal(qemu_flr(r->q, 2), 0);
	rig_serve(r);
	rig_check(r, &in, 0);
}

static void test_port_vlan_tags_and_strips(void **state)
{
	const struct rig_tx out = {.from = 0, .to = &r->mac[RIG_WIRE], .len = 100, .n = 3};
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[0], .vlan = PORT, .len = 104};
	const struct rig_tx plain = {.from = RIG_WIRE, .to = &rig_broadcast, .len = 100};

	(void)state;
	port_vlan(0, PORT, 5);
	rig_check(r, &out, P(RIG_WIRE));
	assert_int_equal(r->in[RIG_WIRE].frame[0].len, 104);
	assert_int_equal(TCI(r->in[RIG_WIRE].frame[0].head), 5 << 13 | PORT);
	rig_check(r, &in, P(0));
	assert_int_equal(r->in[0].frame[0].len, 100);
	/* Untagged frames of the wire are not of its VLAN. */
	rig_check(r, &plain, P(1) | P(2) | P(RIG_PF));
}

static void test_port_vlans_isolate_and_join(void **state)
{
	(void)state;
	port_vlan(0, PORT, 0);
	port_vlan(1, PORT, 0);
	port_vlan(2, BLUE, 0);
	inside(0, 1, 0, P(1));
	inside(1, 0, 0, P(0));
	inside(0, 2, 0, 0);
	inside(2, 0, 0, 0);
	port_vlan(2, PORT, 0);
	inside(0, 2, 0, P(2));
	/* At once, without a reset of the VF; and the others keep theirs. */
	port_vlan(2, 0, 0);
	inside(0, 2, 0, 0);
	inside(0, 1, 0, P(1));
}

static void test_port_vlan_is_not_the_guests(void **state)
{
	struct pf_vf_info info;

	(void)state;
	port_vlan(0, PORT, 0);
	assert_int_equal(vf_vlan_add(r->vf[0], RED), -EACCES);
	assert_int_equal(vf_vlan_del(r->vf[0], PORT), -EACCES);
	assert_int_equal(pf_vf_info(r->pf, 0, &info), 0);
	assert_int_equal(info.last_refusal, PF_RULE_VLAN_PORT);
	port_vlan(1, PORT, 0);
	inside(1, 0, 0, P(0));
	/* It outlives the guest's driver. */
	assert_int_equal(vf_reset(r->vf[0]), 0);
	inside(1, 0, 0, P(0));
	inside(2, 0, 0, 0);
}

static void test_port_vlan_puts_guest_vlans_aside(void **state)
{
	(void)state;
	join(0, RED);
	join(1, RED);
	port_vlan(0, PORT, 0);
	inside(1, 0, RED, 0);
	port_vlan(0, 0, 0);
	inside(1, 0, RED, P(0));
	inside(0, 1, RED, P(1));
}

static void test_filters_run_out_with_nothing_half_done(void **state)
{
	unsigned int n = 0;
	struct pf_vf_policy pol;
	struct pf_vf_info info;
	enum pf_rule rule;

	(void)state;
	/* VF 0 takes all it can get; what is left is the others' share and their port VLANs */
	while (n < VLANS && !vf_vlan_add(r->vf[0], n + 1))
		n++;
	assert_in_range(n, 1, VLANS - pf_num_vfs(r->pf));
	assert_int_equal(vf_vlan_add(r->vf[0], n + 1), -EACCES);
	assert_int_equal(pf_vf_info(r->pf, 0, &info), 0);
	assert_int_equal(info.last_refusal, PF_RULE_VLAN_FULL);
	assert_int_equal(info.vlans, n);
	/*
	 * One that another has already needs no further filter, and the others still get their own.
	 */
	join(2, n);
	inside(0, 2, n, P(2));
	join(1, VLANS + 1);
	assert_int_equal(pf_vf_policy_get(r->pf, 1, &pol), 0);
	pol.vlan = PORT;
	assert_int_equal(pf_vf_policy_set(r->pf, 1, &pol, &rule), 0);
	assert_int_equal(vf_vlan_del(r->vf[0], 2), 0);
	assert_int_equal(vf_vlan_add(r->vf[0], VLANS + 2), 0);
	join(2, VLANS + 2);
	inside(2, 0, VLANS + 2, P(0));
}

static void test_vid_limits(void **state)
{
	(void)state;
	join(0, 1);
	join(0, ETH_VLAN_MAX);
	join(0, 0);
	assert_int_equal(vf_vlan_del(r->vf[0], 0), 0);
	assert_int_equal(vf_vlan_add(r->vf[0], ETH_VLAN_MAX + 1), -EINVAL);
	inside(1, 0, ETH_VLAN_MAX, P(0));
	inside(1, 0, 0, P(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_members_reach_each_other, each_start),
		cmocka_unit_test_setup(test_others_are_not_reached, each_start),
		cmocka_unit_test_setup(test_untagged_passes_beside_vlans, each_start),
		cmocka_unit_test_setup(test_leaving_takes_only_the_leaver_out, each_start),
		cmocka_unit_test_setup(test_port_vlan_tags_and_strips, each_start),
		cmocka_unit_test_setup(test_port_vlans_isolate_and_join, each_start),
		cmocka_unit_test_setup(test_port_vlan_is_not_the_guests, each_start),
		cmocka_unit_test_setup(test_port_vlan_puts_guest_vlans_aside, each_start),
		cmocka_unit_test_setup(test_filters_run_out_with_nothing_half_done, each_start),
		cmocka_unit_test_setup(test_vid_limits, each_start),
	};

	return cmocka_run_group_tests_name("vlans", tests, group_start, group_stop);
}
