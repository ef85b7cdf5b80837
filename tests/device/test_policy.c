/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the administrator allows a VF, in force at once, and every refusal with its rule. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/igb.h"

#define VFS  3
#define P(n) BIT(n)

static const struct mac mac_a = {{2, 0, 0, 0, 0xaa, 1}};
static const struct mac mac_b = {{2, 0, 0, 0, 0xbb, 2}};
static const struct mac group = {{1, 0, 0x5e, 0, 0, 1}};

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
	struct pf_vf_policy pol;

	(void)state;
	pf_vf_policy_default(&pol);
	for (unsigned int i = 0; i < VFS; i++) {
		if (qemu_flr(r->q, (int)i) || pf_vf_policy_set(r->pf, i, &pol, NULL) ||
		    vf_reset(r->vf[i]))
			return -1;
		vf_mac(r->vf[i], &r->mac[i]);
	}
	return 0;
}

static struct pf_vf_policy policy(unsigned int vf)
{
	struct pf_vf_policy pol;

	assert_int_equal(pf_vf_policy_get(r->pf, vf, &pol), 0);
	return pol;
}

static void set(unsigned int vf, const struct pf_vf_policy *pol)
{
	enum pf_rule rule = PF_RULE_UNKNOWN;

	assert_int_equal(pf_vf_policy_set(r->pf, vf, pol, &rule), 0);
	assert_int_equal(rule, PF_OK);
}

/* Refused by @want with @err, said in words, and nothing is other than before. */
static void refused(unsigned int vf, const struct pf_vf_policy *pol, int err, enum pf_rule want)
{
	const struct pf_vf_policy before = policy(vf);
	struct pf_vf_policy after;
	enum pf_rule rule = PF_OK;

	assert_int_equal(pf_vf_policy_set(r->pf, vf, pol, &rule), err);
	assert_int_equal(rule, want);
	assert_true(strlen(pf_rule_text(rule)) > 10);
	assert_true(strlen(pf_rule_mend(rule)) > 10);
	after = policy(vf);
	assert_memory_equal(&after, &before, sizeof(before));
}

static void last_refusal(unsigned int vf, enum pf_rule rule)
{
	struct pf_vf_info info;

	assert_int_equal(pf_vf_info(r->pf, vf, &info), 0);
	assert_int_equal(info.last_refusal, rule);
}

static void reaches(const struct mac *to, uint32_t ports)
{
	const struct rig_tx t = {.from = RIG_WIRE, .to = to, .n = 3};

	rig_check(r, &t, ports);
}

static void test_free_address_is_the_guests(void **state)
{
	(void)state;
	reaches(&r->mac[0], P(0));
	assert_int_equal(vf_mac_set(r->vf[0], &mac_a), 0);
	reaches(&mac_a, P(0));
	/* Its former one is unknown now: the default pool's, which is the PF. */
	reaches(&r->mac[0], P(RIG_PF));
	assert_true(r->events[PF_EV_VF_MAC] >= 1);
}

static void test_fixed_address_is_the_administrators(void **state)
{
	struct pf_vf_policy pol = policy(0);
	struct mac got;

	(void)state;
	pol.mac = mac_a;
	set(0, &pol);
	reaches(&mac_a, P(0));
	assert_int_equal(vf_mac_set(r->vf[0], &mac_b), -EACCES);
	last_refusal(0, PF_RULE_MAC_FIXED);
	assert_int_equal(vf_mac_add(r->vf[0], &mac_b), -EACCES);
	assert_int_equal(vf_mac_set(r->vf[0], &mac_a), 0);
	reaches(&mac_b, P(RIG_PF));
	assert_int_equal(vf_reset(r->vf[0]), 0);
	vf_mac(r->vf[0], &got);
	assert_memory_equal(got.b, mac_a.b, ETH_MAC_LEN);
	reaches(&mac_a, P(0));
}

static void test_trust_lets_a_guest_change_a_fixed_address(void **state)
{
	struct pf_vf_policy pol = policy(0);

	(void)state;
	pol.mac = mac_a;
	pol.trust = true;
	set(0, &pol);
	assert_int_equal(vf_mac_set(r->vf[0], &mac_b), 0);
	reaches(&mac_b, P(0));
	/* Until its next reset, or until trust ends. */
	pol.trust = false;
	set(0, &pol);
	reaches(&mac_a, P(0));
	reaches(&mac_b, P(RIG_PF));
}

static void test_further_addresses_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(vf_mac_add(r->vf[0], &mac_a), 0);
	assert_int_equal(vf_mac_add(r->vf[0], &mac_b), 0);
	reaches(&mac_a, P(0));
	reaches(&mac_b, P(0));
	reaches(&r->mac[0], P(0));
	assert_int_equal(vf_mac_add(r->vf[1], &mac_b), -EACCES);
	last_refusal(1, PF_RULE_MAC_TAKEN);
	assert_int_equal(vf_mac_clear(r->vf[0]), 0);
	reaches(&mac_a, P(RIG_PF));
	reaches(&r->mac[0], P(0));
	assert_int_equal(vf_mac_add(r->vf[1], &mac_b), 0);
	reaches(&mac_b, P(1));
}

static void test_address_of_another_is_refused(void **state)
{
	struct pf_vf_policy pol = policy(1);

	(void)state;
	assert_int_equal(vf_mac_set(r->vf[1], &r->mac[0]), -EACCES);
	last_refusal(1, PF_RULE_MAC_TAKEN);
	pol.mac = r->mac[0];
	refused(1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	pol.mac = r->mac[RIG_PF];
	refused(1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	assert_int_equal(vf_mac_add(r->vf[0], &mac_a), 0);
	pol.mac = mac_a;
	refused(1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	reaches(&r->mac[0], P(0));
	reaches(&r->mac[1], P(1));
}

static void test_impossible_values_are_refused(void **state)
{
	const struct pf_vf_policy base = policy(0);
	struct pf_vf_policy pol;

	(void)state;
	pol = base;
	pol.mac = group;
	refused(0, &pol, -EINVAL, PF_RULE_MAC_INVALID);
	pol.mac = rig_broadcast;
	refused(0, &pol, -EINVAL, PF_RULE_MAC_INVALID);
	pol = base;
	pol.vlan = 4095;
	refused(0, &pol, -EINVAL, PF_RULE_VLAN_RANGE);
	pol.vlan = 4094;
	pol.qos = 8;
	refused(0, &pol, -EINVAL, PF_RULE_QOS_RANGE);
	pol = base;
	pol.qos = 1;
	refused(0, &pol, -EINVAL, PF_RULE_QOS_NO_VLAN);
	pol = base;
	pol.link = (enum pf_vf_link)7;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_LINK_FORCE);
}

static void test_what_the_card_cannot_do_is_said(void **state)
{
	const struct pf_vf_policy base = policy(0);
	struct pf_vf_policy pol = base;

	(void)state;
	pol.link = PF_VF_LINK_ENABLE;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_LINK_FORCE);
	pol = base;
	pol.rate_min = 10;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_RATE_MIN);
	pol = base;
	pol.rate_max = 1001;
	refused(0, &pol, -EINVAL, PF_RULE_RATE_RANGE);
	/* QEMU's card has no rate limiter: its register reads 0, so nothing is pretended. */
	pol.rate_max = 100;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_RATE_HW);
	pol.rate_max = 1000;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_RATE_HW);
	/* Refused whole: the port VLAN beside it is not set either. */
	pol.vlan = 5;
	refused(0, &pol, -EOPNOTSUPP, PF_RULE_RATE_HW);
	reaches(&r->mac[0], P(0));
}

static void test_promiscuity_needs_trust(void **state)
{
	const struct mac nobody = {{2, 1, 2, 3, 4, 5}};
	struct pf_vf_policy pol = policy(0);
	struct pf_vf_info info;
	struct os_dev *dev = qemu_func(r->q, -1);

	(void)state;
	assert_int_equal(vf_promisc_set(r->vf[0], true, false), -EACCES);
	last_refusal(0, PF_RULE_PROMISC);
	assert_int_equal(vf_promisc_set(r->vf[0], false, true), -EACCES);
	last_refusal(0, PF_RULE_MULTICAST);
	assert_int_equal(vf_promisc_set(r->vf[0], false, false), 0);
	reaches(&nobody, P(RIG_PF));

	pol.trust = true;
	set(0, &pol);
	assert_int_equal(vf_promisc_set(r->vf[0], true, true), 0);
	assert_true(os_rd32(dev, IGB_VMOLR(0)) & IGB_VMOLR_ROPE);
	assert_false(os_rd32(dev, IGB_VMOLR(1)) & IGB_VMOLR_ROPE);
	/* QEMU lets a hit in the unicast table obey the multicast bit: join a group to see it. */
	assert_int_equal(vf_multicast_set(r->vf[0], &group, 1), 0);
	reaches(&nobody, P(0));
	reaches(&r->mac[1], P(1));

	pol.trust = false;
	set(0, &pol);
	assert_int_equal(pf_vf_info(r->pf, 0, &info), 0);
	assert_false(info.uc_promisc || info.mc_all);
	assert_false(os_rd32(dev, IGB_VMOLR(0)) & (IGB_VMOLR_ROPE | IGB_VMOLR_MPME));
	reaches(&nobody, P(RIG_PF));
}

static void test_disabled_link_passes_nothing(void **state)
{
	const struct rig_tx out = {.from = 0, .to = &r->mac[RIG_WIRE], .n = 3};
	struct pf_vf_policy pol = policy(0);

	(void)state;
	pol.link = PF_VF_LINK_DISABLE;
	set(0, &pol);
	reaches(&r->mac[0], 0);
	rig_check(r, &out, 0);
	/* A new driver in the VF does not open it. */
	assert_int_equal(vf_reset(r->vf[0]), 0);
	reaches(&r->mac[0], 0);
	rig_check(r, &out, 0);
	reaches(&r->mac[1], P(1));
	assert_int_equal(vf_reset(r->vf[0]), 0);
	pol.link = PF_VF_LINK_AUTO;
	set(0, &pol);
	reaches(&r->mac[0], P(0));
	rig_check(r, &out, P(RIG_WIRE));
}

static void test_spoof_check_is_set_for_its_vf(void **state)
{
	struct os_dev *dev = qemu_func(r->q, -1);
	struct pf_vf_policy pol = policy(1);
	uint32_t v;

	(void)state;
	v = os_rd32(dev, IGB_DTXSWC);
	assert_int_equal(field_get(IGB_DTXSWC_MAC_SPOOF, v) & 7, 7);
	assert_int_equal(field_get(IGB_DTXSWC_VLAN_SPOOF, v) & 7, 7);
	assert_true(v & IGB_DTXSWC_LOOPBACK);
	pol.spoofchk = false;
	set(1, &pol);
	v = os_rd32(dev, IGB_DTXSWC);
	assert_int_equal(field_get(IGB_DTXSWC_MAC_SPOOF, v) & 7, 5);
	assert_int_equal(field_get(IGB_DTXSWC_VLAN_SPOOF, v) & 7, 5);
}

static void test_every_rule_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < PF_RULES; i++) {
		assert_non_null(pf_rule_text((enum pf_rule)i));
		assert_non_null(pf_rule_mend((enum pf_rule)i));
		assert_true(*pf_rule_text((enum pf_rule)i) && *pf_rule_mend((enum pf_rule)i));
	}
	assert_non_null(pf_rule_text((enum pf_rule)1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_free_address_is_the_guests, each_start),
		cmocka_unit_test_setup(test_fixed_address_is_the_administrators, each_start),
		cmocka_unit_test_setup(test_trust_lets_a_guest_change_a_fixed_address, each_start),
		cmocka_unit_test_setup(test_further_addresses_come_and_go, each_start),
		cmocka_unit_test_setup(test_address_of_another_is_refused, each_start),
		cmocka_unit_test_setup(test_impossible_values_are_refused, each_start),
		cmocka_unit_test_setup(test_what_the_card_cannot_do_is_said, each_start),
		cmocka_unit_test_setup(test_promiscuity_needs_trust, each_start),
		cmocka_unit_test_setup(test_disabled_link_passes_nothing, each_start),
		cmocka_unit_test_setup(test_spoof_check_is_set_for_its_vf, each_start),
		cmocka_unit_test_setup(test_every_rule_has_words, each_start),
	};

	return cmocka_run_group_tests_name("policy", tests, group_start, group_stop);
}
