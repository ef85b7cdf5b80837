/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The administrator's policy: refused whole with its rule, or in force at once. */
#include "pf_sim.h"

#include "pf-driver/pf_priv.h"

static const uint8_t mac_a[6] = {0x02, 0xaa, 0, 0, 0, 1};
static const uint8_t mac_b[6] = {0x02, 0xaa, 0, 0, 0, 2};

static void assert_refused(struct sim *s, unsigned int vf, const struct pf_vf_policy *pol, int err,
			   enum pf_rule want)
{
	struct pf_vf_policy before, after;
	enum pf_rule rule = PF_OK;

	assert_int_equal(pf_vf_policy_get(s->pf, vf, &before), 0);
	assert_int_equal(sim_set(s, vf, pol, &rule), err);
	assert_int_equal(rule, want);
	assert_int_equal(pf_vf_policy_set(s->pf, vf, pol, NULL), err);
	sim_assert_nothing_done(s);
	assert_int_equal(pf_vf_policy_get(s->pf, vf, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_default_is_free_mac_with_spoof_check(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol;

	assert_int_equal(pf_vf_policy_get(s->pf, 3, &pol), 0);
	assert_true(mac_is_zero(&pol.mac));
	assert_true(pol.spoofchk);
	assert_false(pol.trust);
	assert_int_equal(pol.link, PF_VF_LINK_AUTO);
	assert_int_equal(pol.vlan + pol.qos, 0);
	assert_int_equal(pol.rate_max + pol.rate_min, 0);
}

static void test_every_rule_refuses_and_changes_nothing(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	pol.mac.b[0] = 0x01;
	assert_refused(s, 0, &pol, -EINVAL, PF_RULE_MAC_INVALID);
	memcpy(pol.mac.b, s->pf_mac, 6);
	assert_refused(s, 0, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	pol.mac = sim_info(s, 1).mac;
	assert_refused(s, 0, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	pol = sim_policy();
	pol.vlan = 4095;
	assert_refused(s, 0, &pol, -EINVAL, PF_RULE_VLAN_RANGE);
	pol.vlan = 5;
	pol.qos = 8;
	assert_refused(s, 0, &pol, -EINVAL, PF_RULE_QOS_RANGE);
	pol.vlan = 0;
	pol.qos = 3;
	assert_refused(s, 0, &pol, -EINVAL, PF_RULE_QOS_NO_VLAN);
	pol = sim_policy();
	pol.link = PF_VF_LINK_ENABLE;
	assert_refused(s, 0, &pol, -EOPNOTSUPP, PF_RULE_LINK_FORCE);
	pol = sim_policy();
	pol.rate_min = 1;
	assert_refused(s, 0, &pol, -EOPNOTSUPP, PF_RULE_RATE_MIN);
	pol = sim_policy();
	pol.rate_max = 1001;
	assert_refused(s, 0, &pol, -EINVAL, PF_RULE_RATE_RANGE);
}

static void test_calls_refuse_a_vf_that_is_not_there(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	struct pf_vf_info info;
	struct pf_stats st;
	enum pf_rule rule;
	uint32_t reg;

	assert_int_equal(sim_set(s, SIM_VFS, &pol, &rule), -EINVAL);
	assert_int_equal(rule, PF_RULE_NO_VF);
	assert_int_equal(pf_vf_policy_get(s->pf, SIM_VFS, &pol), -EINVAL);
	assert_int_equal(pf_vf_info(s->pf, SIM_VFS, &info), -EINVAL);
	assert_int_equal(pf_vf_stats(s->pf, SIM_VFS, &st), -EINVAL);
	assert_int_equal(pf_vf_scrub(s->pf, SIM_VFS, &reg), -EINVAL);
	assert_int_equal(s->dev->nlog, 0);
}

static void test_a_stopped_pf_still_checks(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	pf_stop(s->pf);
	memcpy(pol.mac.b, s->pf_mac, 6);
	assert_refused(s, 0, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	memcpy(pol.mac.b, mac_a, 6);
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_refused(s, 1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
}

static void test_mac_is_in_force_at_once(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	struct mac old = sim_info(s, 0).mac;

	sim_vf_reset(s, 0);
	memcpy(pol.mac.b, mac_a, 6);
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(0));
	assert_int_equal(sim_pools_of(s, old.b), 0);
	assert_int_equal(sim_info(s, 0).state, PF_VF_READY);
	/* its made-up one stays its own, in case it comes back to it */
	pol.mac = old;
	assert_refused(s, 1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
}

static void test_two_vfs_cannot_have_one_mac(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	memcpy(pol.mac.b, mac_a, 6);
	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_refused(s, 1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
	/* also while the trusted guest uses another for the time being */
	sim_vf_reset(s, 0);
	sim_ask_mac(s, 0, MBX_MAC_SET, mac_b);
	assert_refused(s, 1, &pol, -EADDRINUSE, PF_RULE_MAC_TAKEN);
}

static void test_freed_mac_stays_with_a_running_guest_until_its_reset(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	struct mac made_up = sim_info(s, 0).mac;

	memcpy(pol.mac.b, mac_a, 6);
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	sim_vf_reset(s, 0);
	pol = sim_policy();
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(0));
	sim_put(s, IGB_VFLRE, BIT(0));
	sim_serve(s);
	assert_int_equal(sim_pools_of(s, mac_a), 0);
	assert_int_equal(sim_pools_of(s, made_up.b), BIT(0));
}

static void test_trust_taken_away_takes_what_it_allowed(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	uint32_t promisc = MBX_SET_PROMISC | field_prep(MBX_INFO, MBX_PROMISC_UC | MBX_PROMISC_MC);
	uint8_t extra[6] = {0x02, 0xee, 0, 0, 0, 1};

	memcpy(pol.mac.b, mac_a, 6);
	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	sim_vf_reset(s, 0);
	sim_ask(s, 0, &promisc, 1);
	sim_ask_mac(s, 0, MBX_MAC_SET, mac_b);
	sim_ask_mac(s, 0, MBX_MAC_ADD, extra);
	assert_true(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_ROPE);
	assert_int_equal(sim_pools_of(s, mac_b), BIT(0));
	assert_int_equal(sim_set(s, 0, &pol, NULL),
			 0); /* the same policy leaves the guest's choice */
	assert_int_equal(sim_pools_of(s, mac_b), BIT(0));
	pol.trust = false;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_false(sim_get(s, IGB_VMOLR(0)) & (IGB_VMOLR_ROPE | IGB_VMOLR_MPME));
	assert_int_equal(sim_pools_of(s, mac_a), BIT(0));
	assert_int_equal(sim_pools_of(s, mac_b), 0);
	assert_int_equal(sim_pools_of(s, extra), 0);
}

static void test_port_vlan_comes_and_goes(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	sim_vf_reset(s, 2);
	sim_ask2(s, 2, MBX_SET_VLAN | 1 << 16, 100);
	pol.vlan = 9;
	pol.qos = 6;
	assert_int_equal(sim_set(s, 2, &pol, NULL), 0);
	assert_int_equal(sim_pools_of_vlan(s, 9), BIT(2));
	assert_int_equal(sim_pools_of_vlan(s, 100), 0);
	assert_int_equal(field_get(IGB_VMVIR_VID, sim_get(s, IGB_VMVIR(2))), 9);
	assert_int_equal(field_get(IGB_VMVIR_PRI, sim_get(s, IGB_VMVIR(2))), 6);
	pol = sim_policy();
	assert_int_equal(sim_set(s, 2, &pol, NULL), 0);
	assert_int_equal(sim_get(s, IGB_VMVIR(2)), 0);
	assert_int_equal(sim_pools_of_vlan(s, 9), 0);
	assert_int_equal(sim_pools_of_vlan(s, 100), BIT(2));
}

static void test_no_free_vlan_filter_undoes_the_rate_and_all(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy(), now;
	enum pf_rule rule;
	uint32_t rate;

	s->rate_kept = true;
	pol.rate_max = 100;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	rate = sim_get(s, IGB_RTTBCNRC);
	sim_vf_reset(s, 0);
	/* no guest can take the last filters, so the PF's own pool does */
	for (unsigned int vid = 1; vid <= IGB_VLVFS; vid++)
		assert_int_equal(vmdq_vlan_add(&s->pf->vmdq, PF_POOL, VMDQ_ADMIN, vid), 0);
	pol.rate_max = 200;
	pol.vlan = 77;
	pol.spoofchk = false;
	memcpy(pol.mac.b, mac_a, 6);
	assert_int_equal(sim_set(s, 1, &pol, &rule), -ENOSPC);
	assert_int_equal(rule, PF_RULE_VLAN_FULL);
	assert_int_equal(sim_get(s, IGB_RTTBCNRC), rate);
	assert_int_equal(sim_get(s, IGB_VMVIR(1)), 0);
	assert_int_equal(sim_pools_of(s, mac_a), 0);
	assert_int_equal(sim_pools_of_vlan(s, 77), 0);
	assert_true(sim_get(s, IGB_DTXSWC) & BIT(1));
	assert_int_equal(pf_vf_policy_get(s->pf, 1, &now), 0);
	assert_int_equal(now.rate_max, 100);
	assert_int_equal(now.vlan, 0);
}

static void test_rate_that_is_not_kept_is_undone_and_refused(void **state)
{
	static const uint32_t rates[] = {1, 100, 999, 1000};
	struct sim *s = *state;
	enum pf_rule rule;

	for (unsigned int i = 0; i < ARRAY_SIZE(rates); i++) {
		struct pf_vf_policy pol = sim_policy(), now;

		pol.rate_max = rates[i];
		pol.vlan = 5;
		assert_int_equal(sim_set(s, 0, &pol, &rule), -EOPNOTSUPP);
		assert_int_equal(rule, PF_RULE_RATE_HW);
		assert_int_equal(s->dev->log[s->dev->nlog - 1].reg, IGB_RTTBCNRC);
		assert_int_equal(s->dev->log[s->dev->nlog - 1].val, 0);
		assert_int_equal(sim_pools_of_vlan(s, 5), 0);
		assert_int_equal(pf_vf_policy_get(s->pf, 0, &now), 0);
		assert_int_equal(now.rate_max, 0);
	}
}

/* What the card was told for a queue: the last value written while it was selected. */
static uint32_t rate_of(struct sim *s, unsigned int queue)
{
	uint32_t sel = UINT32_MAX, val = UINT32_MAX;

	for (size_t i = 0; i < s->dev->nlog; i++) {
		if (s->dev->log[i].reg == IGB_RTTDQSEL)
			sel = s->dev->log[i].val;
		if (s->dev->log[i].reg == IGB_RTTBCNRC && sel == queue)
			val = s->dev->log[i].val;
	}
	return val;
}

static void test_rate_is_shared_by_the_queues_in_use(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	s->rate_kept = true;
	pol.rate_max = 400; /* 1000 / 400 = 2.5 */
	assert_int_equal(sim_set(s, 3, &pol, NULL), 0);
	assert_int_equal(rate_of(s, 3), IGB_RTTBCNRC_EN | 2 << 14 | 1 << 13);
	assert_int_equal(rate_of(s, 11), IGB_RTTBCNRC_EN | 2 << 14 | 1 << 13);
	sim_forget(s);
	sim_put(s, IGB_TXQ(11) + IGB_TXDCTL, IGB_TXDCTL_ENABLE);
	s->dev->now_us += 1000000;
	sim_serve(s);
	assert_int_equal(rate_of(s, 3), IGB_RTTBCNRC_EN | 5 << 14);
	assert_int_equal(rate_of(s, 11), IGB_RTTBCNRC_EN | 5 << 14);
	pol.rate_max = 0;
	assert_int_equal(sim_set(s, 3, &pol, NULL), 0);
	assert_int_equal(rate_of(s, 3), 0);
	assert_int_equal(rate_of(s, 11), 0);
}

static void test_rate_comes_back_after_a_reset_and_follows_the_link(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	s->rate_kept = true;
	pol.rate_max = 50;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	sim_forget(s);
	assert_int_equal(pf_reset(s->pf), 0);
	assert_int_equal(rate_of(s, 0), IGB_RTTBCNRC_EN | 20 << 14);
	sim_forget(s);
	sim_put(s, IGB_STATUS,
		field_set(sim_get(s, IGB_STATUS), IGB_STATUS_SPEED, 1)); /* 100 Mb/s */
	sim_put(s, IGB_ICR, IGB_ICR_LSC);
	sim_serve(s);
	assert_int_equal(rate_of(s, 0), IGB_RTTBCNRC_EN | 2 << 14);
}

static void test_disabled_link_answers_reset_and_keeps_queues_off(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	sim_vf_reset(s, 0);
	pol.link = PF_VF_LINK_DISABLE;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	sim_vf_reset(s, 0);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	pol.link = PF_VF_LINK_AUTO;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL) | BIT(0));
	/* a VF without a driver stays off whatever its policy */
	pol.spoofchk = false;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL) | BIT(0));
}

static void test_every_rule_has_its_words(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PF_RULES; i++) {
		assert_non_null(pf_rule_text(i));
		assert_non_null(pf_rule_mend(i));
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(pf_rule_text(i), pf_rule_text(k));
	}
	assert_non_null(pf_rule_text(PF_RULES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_default_is_free_mac_with_spoof_check),
		sim_test(test_every_rule_refuses_and_changes_nothing),
		sim_test(test_calls_refuse_a_vf_that_is_not_there),
		sim_test(test_a_stopped_pf_still_checks),
		sim_test(test_mac_is_in_force_at_once),
		sim_test(test_two_vfs_cannot_have_one_mac),
		sim_test(test_freed_mac_stays_with_a_running_guest_until_its_reset),
		sim_test(test_trust_taken_away_takes_what_it_allowed),
		sim_test(test_port_vlan_comes_and_goes),
		sim_test(test_no_free_vlan_filter_undoes_the_rate_and_all),
		sim_test(test_rate_that_is_not_kept_is_undone_and_refused),
		sim_test(test_rate_is_shared_by_the_queues_in_use),
		sim_test(test_rate_comes_back_after_a_reset_and_follows_the_link),
		sim_test(test_disabled_link_answers_reset_and_keeps_queues_off),
		cmocka_unit_test(test_every_rule_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
