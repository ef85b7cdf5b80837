/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Multicast. The card's hash table is one for all pools: a VF that joined any group gets every
 * frame that hits it, and a VF that joined none gets none.
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

#include "abi/mbx.h"
#include "hw/igb.h"

#define VFS  3
#define P(n) BIT(n)

static const struct mac group_a = {{1, 0, 0x5e, 0, 0x10, 1}};
static const struct mac group_b = {{0x33, 0x33, 0, 0, 0x20, 2}};

static struct rig *r;

static int group_start(void **state)
{
	const struct rig_args args = {.num_vfs = VFS, .open = VFS};

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

static void join(unsigned int vf, const struct mac *group)
{
	assert_int_equal(vf_multicast_set(r->vf[vf], group, group ? 1 : 0), 0);
}

/* From the wire: the PF's pool takes all multicast, which QEMU does not model, so it is not looked
 * at. */
static void wire(const struct mac *group, uint32_t vfs)
{
	const struct rig_tx t = {.from = RIG_WIRE, .to = group, .n = 3};

	rig_settle(r);
	rig_clear(r);
	rig_send(r, &t);
	rig_settle(r);
	r->in[RIG_PF].n = 0;
	rig_expect(r, vfs, 3);
}

static void test_nobody_joined_nobody_gets_it(void **state)
{
	(void)state;
	wire(&group_a, 0);
}

static void test_who_joined_gets_it_alone(void **state)
{
	(void)state;
	join(0, &group_a);
	wire(&group_a, P(0));
	wire(&group_b, 0);
}

static void test_vf_sends_to_members_and_wire(void **state)
{
	const struct rig_tx t = {.from = 2, .to = &group_a, .n = 4};

	(void)state;
	join(0, &group_a);
	rig_settle(r);
	rig_clear(r);
	rig_send(r, &t);
	rig_settle(r);
	r->in[RIG_PF].n = 0;
	rig_expect(r, P(0) | P(RIG_WIRE), 4);
}

static void test_leaving_keeps_a_shared_hash(void **state)
{
	(void)state;
	join(0, &group_a);
	join(1, &group_a);
	wire(&group_a, P(0) | P(1));
	join(0, NULL);
	wire(&group_a, P(1));
	join(1, NULL);
	wire(&group_a, 0);
}

static void test_leaving_takes_its_own_hash(void **state)
{
	(void)state;
	join(0, &group_a);
	join(1, &group_b);
	/* One table: who joined something gets every hit. */
	wire(&group_b, P(0) | P(1));
	join(0, NULL);
	wire(&group_a, 0);
	wire(&group_b, P(1));
}

static void test_resets_forget_groups(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VFS; i++)
		join(i, &group_a);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	wire(&group_a, P(1) | P(2));
	assert_int_equal(qemu_flr(r->q, 1), 0);
	rig_serve(r);
	wire(&group_a, P(2));
	assert_int_equal(pf_reset(r->pf), 0);
	assert_int_equal(vf_reset(r->vf[2]), 0);
}

/* Group @i of many, each with a hash of its own. */
static struct mac many(unsigned int i)
{
	return (struct mac){{1, 0, 0x5e, 1, (uint8_t)(i << 4), (uint8_t)(0x80 + (i >> 4))}};
}

static void test_thirty_groups_are_taken(void **state)
{
	struct mac list[MBX_MC_MAX];

	(void)state;
	for (unsigned int i = 0; i < MBX_MC_MAX; i++)
		list[i] = many(i);
	assert_int_equal(vf_multicast_set(r->vf[0], list, MBX_MC_MAX), 0);
	wire(&list[0], P(0));
	wire(&list[MBX_MC_MAX - 1], P(0));
	wire(&group_a, 0);
}

static void test_more_groups_need_trust(void **state)
{
	struct mac list[MBX_MC_MAX + 1];
	struct pf_vf_policy pol;
	struct pf_vf_info info;

	(void)state;
	for (unsigned int i = 0; i <= MBX_MC_MAX; i++)
		list[i] = many(i);
	/* The first 30 are taken all the same: no guest looks at this answer. */
	assert_int_equal(vf_multicast_set(r->vf[0], list, MBX_MC_MAX + 1), 0);
	assert_int_equal(pf_vf_info(r->pf, 0, &info), 0);
	assert_false(info.mc_all);
	assert_int_equal(info.last_refusal, PF_RULE_MULTICAST);
	wire(&list[0], P(0));
	wire(&list[MBX_MC_MAX], 0);

	assert_int_equal(pf_vf_policy_get(r->pf, 0, &pol), 0);
	pol.trust = true;
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	assert_int_equal(vf_multicast_set(r->vf[0], list, MBX_MC_MAX + 1), 0);
	assert_int_equal(pf_vf_info(r->pf, 0, &info), 0);
	assert_true(info.mc_all);
	/* QEMU stores the bit and does not act on it. */
	assert_true(os_rd32(qemu_func(r->q, -1), IGB_VMOLR(0)) & IGB_VMOLR_MPME);
	pol.trust = false;
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	assert_false(os_rd32(qemu_func(r->q, -1), IGB_VMOLR(0)) & IGB_VMOLR_MPME);
}

static void test_unicast_in_the_list_is_refused(void **state)
{
	(void)state;
	assert_int_equal(vf_multicast_set(r->vf[0], &r->mac[1], 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nobody_joined_nobody_gets_it, each_start),
		cmocka_unit_test_setup(test_who_joined_gets_it_alone, each_start),
		cmocka_unit_test_setup(test_vf_sends_to_members_and_wire, each_start),
		cmocka_unit_test_setup(test_leaving_keeps_a_shared_hash, each_start),
		cmocka_unit_test_setup(test_leaving_takes_its_own_hash, each_start),
		cmocka_unit_test_setup(test_resets_forget_groups, each_start),
		cmocka_unit_test_setup(test_thirty_groups_are_taken, each_start),
		cmocka_unit_test_setup(test_more_groups_need_trust, each_start),
		cmocka_unit_test_setup(test_unicast_in_the_list_is_refused, each_start),
	};

	return cmocka_run_group_tests_name("multicast", tests, group_start, group_stop);
}
