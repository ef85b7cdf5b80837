/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Policy on a card of plain memory: whole or not at all, on disk before the card, in force before
 * a VF is handed out. */
#include "mgmt_fixture.h"

static void test_set_is_applied_stored_and_restored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, &vlan_and_mac), 0);
	assert_int_equal(f->fake.policy[3].vlan, 100);
	assert_true(f->fake.policy[3].trust);
	assert_true(f->fake.policy[3].spoofchk);
	fake_init(&f->fake, f->vm);
	fixture_restart(f);
	assert_int_equal(f->fake.policy[3].vlan, 100);
	assert_int_equal(f->fake.policy[3].mac.b[5], 0x10);
}

static void test_set_refused_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct mgmt_vf_set s = vlan_and_mac;
	struct pf_vf_policy pol;

	assert_int_equal(set(f, &vlan_and_mac), 0);
	s.vf = 4;
	assert_int_equal(set(f, &s), -EADDRINUSE);
	assert_non_null(strstr(f->err.rule, "VF 3"));
	assert_int_equal(f->fake.policy[4].vlan, 0);
	assert_int_equal(mgmt_store_policy_get(f->store, 4, &pol, &f->err), -ENOENT);
}

static int set_one(struct fixture *f, struct mgmt_vf_set s)
{
	return set(f, &s);
}

static void test_set_bad_values(void **state)
{
	struct fixture *f = *state;
	struct mac multicast = {{1, 0, 0, 0, 0, 1}}, zero = {{0}};

	assert_int_equal(set_one(f, (struct mgmt_vf_set){.has = MGMT_SET_MAC, .mac = multicast}),
			 -EINVAL);
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.has = MGMT_SET_MAC, .mac = zero}),
			 -EINVAL);
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.has = MGMT_SET_VLAN, .vlan = 4095}),
			 -EINVAL);
	/* 65636 is 100 in 16 bits. */
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.has = MGMT_SET_VLAN, .vlan = 65636}),
			 -EINVAL);
	assert_int_equal(set_one(f,
				 (struct mgmt_vf_set){.has = MGMT_SET_VLAN, .vlan = 1, .qos = 8}),
			 -EINVAL);
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.has = MGMT_SET_LINK, .link = 3}),
			 -EINVAL);
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.vf = 7, .has = MGMT_SET_TRUST}), -EINVAL);
	assert_int_equal(f->fake.sets, 0);
}

static void test_set_free_mac_and_rates(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, &vlan_and_mac), 0);
	assert_int_equal(set_one(f, (struct mgmt_vf_set){.vf = 3, .has = MGMT_SET_MAC_FREE}), 0);
	assert_true(mac_is_zero(&f->fake.policy[3].mac));
	assert_int_equal(f->fake.policy[3].vlan, 100);
	assert_int_equal(
		set_one(f, (struct mgmt_vf_set){.vf = 3, .has = MGMT_SET_TX_RATE, .rate_max = 50}),
		0);
	assert_int_equal(f->fake.policy[3].rate_max, 50);
}

/*
 * Two VFs in one message, the second refused: unlike the kernel's, the first is not changed either.
 */
static void test_set_of_several_vfs_is_one(void **state)
{
	struct fixture *f = *state;
	struct mgmt_vf_set s[2] = {{.vf = 1, .has = MGMT_SET_VLAN, .vlan = 10},
				   {.vf = 2, .has = MGMT_SET_VLAN, .vlan = 20}};
	struct pf_vf_policy pol;
	struct os_err err;

	f->fake.refuse_vf = 2;
	assert_int_equal(mgmt_policy_apply(&f->core, s, 2, &err), -ENOSPC);
	assert_int_equal(f->fake.policy[1].vlan, 0);
	assert_int_equal(mgmt_store_policy_get(f->store, 1, &pol, &err), -ENOENT);
	f->fake.refuse_vf = -1;
	assert_int_equal(mgmt_policy_apply(&f->core, s, 2, &err), 0);
	assert_int_equal(f->fake.policy[1].vlan, 10);
	assert_int_equal(f->fake.policy[2].vlan, 20);
}

/* Files may not grow: nothing may reach the card. */
static void disk_full(bool full)
{
	static struct rlimit was;
	struct rlimit none = {512, 0};

	if (full) {
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
		none.rlim_max = was.rlim_max;
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, full ? &none : &was), 0);
}

static void test_full_disk_refuses_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	int ret_set, ret_attach, ret_detach;

	assert_int_equal(attach(f, "vm0", 0, false), 0);
	disk_full(true);
	ret_set = set(f, &vlan_and_mac);
	ret_attach = attach(f, "vm1", 1, false);
	ret_detach = detach(f, "vm0", 0);
	disk_full(false);
	assert_int_equal(ret_set, -ENOSPC);
	assert_int_equal(ret_attach, -ENOSPC);
	assert_int_equal(ret_detach, -ENOSPC);
	assert_int_equal(f->fake.sets, 0);
	assert_string_equal(f->fake.log, "");
	assert_lease(f, 0, MGMT_ATTACHED, "vm0");
	assert_lease(f, 1, MGMT_FREE, "");
	assert_int_equal(detach(f, "vm0", 0), 0);
}

/* Its VLAN is what parts it from others: without it the VF stays here. */
static void test_restart_without_its_policy_hands_out_no_vf(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	assert_int_equal(set(f, &vlan_and_mac), 0);
	fake_init(&f->fake, f->vm);
	f->fake.refuse_vf = 3;
	fixture_restart(f);
	assert_int_equal(attach(f, "vm1", 3, true), -ENOSPC);
	assert_non_null(strstr(f->err.what, "policy of VF 3"));
	assert_lease(f, 3, MGMT_FREE, "");
	assert_int_equal(stored(f, 3, &l), -ENOENT);
	assert_int_equal(attach(f, "vm1", 2, true), 0);
	f->fake.refuse_vf = -1;
	assert_int_equal(attach(f, "vm2", 3, true), 0);
	assert_int_equal(f->fake.policy[3].vlan, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_set_is_applied_stored_and_restored),
		TEST(test_set_refused_changes_nothing),
		TEST(test_set_bad_values),
		TEST(test_set_free_mac_and_rates),
		TEST(test_set_of_several_vfs_is_one),
		TEST(test_full_disk_refuses_and_changes_nothing),
		TEST(test_restart_without_its_policy_hands_out_no_vf),
	};

	return cmocka_run_group_tests_name("mgmt_policy", tests, NULL, NULL);
}
