/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The six mailbox requests of a VF, taken and refused by each rule. */
#include "pf-driver/pf_priv.h"
#include "pf_sim.h"

#define ACKED(id)   ((id) | MBX_ACK | MBX_CTS)
#define REFUSED(id) ((id) | MBX_NACK | MBX_CTS)
#define INFO(n)	    field_prep(MBX_INFO, n)

static const uint8_t mac_a[6] = {0x02, 0xaa, 0, 0, 0, 1};
static const uint8_t mac_b[6] = {0x02, 0xaa, 0, 0, 0, 2};
static const uint8_t mac_zero[6];
static const uint8_t mac_group[6] = {0x01, 0, 0x5e, 0, 0, 1};

static void assert_refused(struct sim *s, unsigned int vf, uint32_t answer, uint32_t word0,
			   enum pf_rule rule)
{
	assert_int_equal(answer, REFUSED(word0));
	assert_int_equal(sim_info(s, vf).last_refusal, rule);
	sim_assert_nothing_done(s);
}

static void test_reset_answers_ack_without_cts_and_a_mac(void **state)
{
	struct sim *s = *state;
	struct mac mac = sim_info(s, 2).mac;

	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	sim_vf_reset(s, 2);
	assert_int_equal(sim_get(s, IGB_VMBMEM(2)), 0x80000001);
	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(sim_get(s, IGB_VMBMEM(2) + 4 + 4 * (i / 4)) >> 8 * (i % 4) & 0xff,
				 mac.b[i]);
	assert_true(mac_is_usable(&mac));
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL) | BIT(2));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL) | BIT(2));
	assert_int_equal(sim_info(s, 2).state, PF_VF_READY);
	assert_int_equal(sim_events(s, PF_EV_VF_READY, 2), 1);
}

static void test_reset_holds_the_lock_until_its_answer(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;
	long lock, taken, word, sent;

	sim_ask(s, 0, &msg, 1);
	lock = fake_log_find(s->dev, IGB_P2VMAILBOX(0), 0);
	taken = fake_log_find(s->dev, IGB_P2VMAILBOX(0), (size_t)lock + 1);
	word = fake_log_find(s->dev, IGB_VMBMEM(0), 0);
	sent = fake_log_find(s->dev, IGB_P2VMAILBOX(0), (size_t)taken + 1);
	assert_int_equal(s->dev->log[lock].val, IGB_P2V_PFU);
	assert_int_equal(s->dev->log[taken].val, IGB_P2V_ACK | IGB_P2V_PFU);
	assert_int_equal(s->dev->log[sent].val, IGB_P2V_STS);
	assert_true(lock < taken && taken < word && word < sent);
}

static void test_made_up_macs_are_unique_local_and_stable(void **state)
{
	struct sim *s = *state;
	struct mac pf, seen[SIM_VFS], again;

	pf_mac(s->pf, &pf);
	for (unsigned int vf = 0; vf < SIM_VFS; vf++) {
		seen[vf] = sim_info(s, vf).mac;
		assert_true(mac_is_usable(&seen[vf]));
		assert_int_equal(seen[vf].b[0] & 2, 2);
		assert_false(mac_equal(&seen[vf], &pf));
		for (unsigned int i = 0; i < vf; i++)
			assert_false(mac_equal(&seen[vf], &seen[i]));
	}
	assert_int_equal(pf_reset(s->pf), 0);
	for (unsigned int vf = 0; vf < SIM_VFS; vf++) {
		again = sim_info(s, vf).mac;
		assert_true(mac_equal(&seen[vf], &again));
	}
}

static void test_requests_before_reset_are_refused_without_cts(void **state)
{
	static const uint32_t ids[] = {MBX_SET_MAC, MBX_SET_MULTICAST, MBX_SET_VLAN,
				       MBX_SET_LPE, MBX_SET_PROMISC,   0x77};
	struct sim *s = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(sim_ask2(s, i, ids[i], 1500), ids[i] | MBX_NACK);
		assert_int_equal(sim_info(s, i).last_refusal, PF_RULE_NO_RESET);
		assert_int_equal(sim_info(s, i).refused, 1);
		sim_assert_nothing_done(s);
	}
}

static void test_set_mac_replaces_the_address(void **state)
{
	struct sim *s = *state;
	struct mac old = sim_info(s, 1).mac;

	sim_vf_reset(s, 1);
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_SET, mac_a), ACKED(MBX_SET_MAC));
	assert_int_equal(sim_pools_of(s, mac_a), BIT(1));
	assert_int_equal(sim_pools_of(s, old.b), 0);
	assert_int_equal(sim_events(s, PF_EV_VF_MAC, 1), 1);
	assert_memory_equal(sim_info(s, 1).mac.b, mac_a, 6);
}

static void test_set_mac_to_what_it_is_changes_nothing(void **state)
{
	struct sim *s = *state;
	struct mac mac = sim_info(s, 1).mac;

	sim_vf_reset(s, 1);
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_SET, mac.b), ACKED(MBX_SET_MAC));
	sim_assert_nothing_done(s);
	assert_int_equal(sim_events(s, PF_EV_VF_MAC, 1), 0);
}

static void test_set_mac_refuses_invalid_addresses(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 1);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, mac_zero), MBX_SET_MAC,
		       PF_RULE_MAC_INVALID);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, mac_group), MBX_SET_MAC,
		       PF_RULE_MAC_INVALID);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_ADD, mac_group),
		       MBX_SET_MAC | INFO(MBX_MAC_ADD), PF_RULE_MAC_INVALID);
}

static void test_set_mac_refuses_what_another_pool_has(void **state)
{
	struct sim *s = *state;
	struct mac made_up = sim_info(s, 3).mac;

	sim_vf_reset(s, 1);
	sim_vf_reset(s, 3);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, s->pf_mac), MBX_SET_MAC,
		       PF_RULE_MAC_TAKEN);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, made_up.b), MBX_SET_MAC,
		       PF_RULE_MAC_TAKEN);
	assert_int_equal(sim_ask_mac(s, 3, MBX_MAC_SET, mac_a), ACKED(MBX_SET_MAC));
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, mac_a), MBX_SET_MAC, PF_RULE_MAC_TAKEN);
	/* VF 3 uses another one now, and falls back to it at its next reset */
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_ADD, made_up.b),
		       MBX_SET_MAC | INFO(MBX_MAC_ADD), PF_RULE_MAC_TAKEN);
}

static void test_fixed_mac_is_refused_unless_trusted(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	memcpy(pol.mac.b, mac_a, 6);
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	sim_vf_reset(s, 1);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_SET, mac_b), MBX_SET_MAC, PF_RULE_MAC_FIXED);
	assert_refused(s, 1, sim_ask_mac(s, 1, MBX_MAC_ADD, mac_b), MBX_SET_MAC | INFO(MBX_MAC_ADD),
		       PF_RULE_MAC_FIXED);
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_SET, mac_a), ACKED(MBX_SET_MAC));
	pol.trust = true;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_SET, mac_b), ACKED(MBX_SET_MAC));
	assert_int_equal(sim_pools_of(s, mac_b), BIT(1));
}

static void test_mac_clear_with_zero_address_is_taken(void **state)
{
	struct sim *s = *state;
	struct mac mac = sim_info(s, 1).mac;

	sim_vf_reset(s, 1);
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_ADD, mac_a),
			 ACKED(MBX_SET_MAC | INFO(MBX_MAC_ADD)));
	assert_int_equal(sim_pools_of(s, mac_a), BIT(1));
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_CLEAR, mac_zero),
			 ACKED(MBX_SET_MAC | INFO(MBX_MAC_CLEAR)));
	assert_int_equal(sim_pools_of(s, mac_a), 0);
	assert_int_equal(sim_pools_of(s, mac.b), BIT(1));
}

/* @vf's further addresses from @mac on, until one is refused; how many there were. */
static unsigned int take_macs(struct sim *s, unsigned int vf, uint8_t mac[6])
{
	uint32_t add = MBX_SET_MAC | INFO(MBX_MAC_ADD);
	unsigned int n = 0;

	while (n <= IGB_RARS && sim_ask_mac(s, vf, MBX_MAC_ADD, mac) == ACKED(add)) {
		mac[5]++;
		n++;
	}
	assert_refused(s, vf, sim_ask_mac(s, vf, MBX_MAC_ADD, mac), add, PF_RULE_MAC_FULL);
	return n;
}

/* 24 addresses; the PF and each VF have their own, two stay for each other VF. */
static void test_mac_add_leaves_the_others_their_share(void **state)
{
	struct sim *s = *state;
	uint8_t mac[6] = {0x02, 0xbb, 0, 0, 0, 0};
	unsigned int n = pf_num_vfs(s->pf), all = 0;

	for (unsigned int vf = 0; vf < n; vf++)
		sim_vf_reset(s, vf);
	assert_int_equal(take_macs(s, 1, mac), IGB_RARS - 1 - n - 2 * (n - 1));
	for (unsigned int vf = 0; vf < n; vf++)
		if (vf != 1)
			assert_int_equal(take_macs(s, vf, mac), 2);
	for (unsigned int p = 0; p < IGB_POOLS; p++)
		all += vmdq_mac_count(&s->pf->vmdq, p);
	assert_int_equal(all, IGB_RARS);
	/* another address of its own needs no further entry */
	assert_int_equal(sim_ask_mac(s, 1, MBX_MAC_SET, mac), ACKED(MBX_SET_MAC));
}

static void test_mac_add_of_a_trusted_vf_leaves_the_others_their_own(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	uint8_t mac[6] = {0x02, 0xbb, 0, 0, 0, 0};

	pol.trust = true;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	sim_vf_reset(s, 1);
	assert_int_equal(take_macs(s, 1, mac), VMDQ_MACS_POOL - 1);
	sim_vf_reset(s, 2);
	assert_int_equal(sim_ask_mac(s, 2, MBX_MAC_SET, mac), ACKED(MBX_SET_MAC));
}

static void test_set_mac_unknown_operation_is_refused(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 1);
	assert_refused(s, 1, sim_ask_mac(s, 1, 3, mac_a), MBX_SET_MAC | INFO(3), PF_RULE_UNKNOWN);
}

static void test_set_multicast_takes_hashes(void **state)
{
	struct sim *s = *state;
	uint32_t msg[3] = {MBX_SET_MULTICAST | INFO(3), 0x0fff0000, 0xdead0021};

	sim_vf_reset(s, 0);
	assert_int_equal(sim_ask(s, 0, msg, 3), ACKED(msg[0]));
	assert_int_equal(sim_get(s, IGB_MTA(0)), BIT(0));
	assert_int_equal(sim_get(s, IGB_MTA(127)), BIT(31));
	assert_int_equal(sim_get(s, IGB_MTA(1)), BIT(1));
	assert_true(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_ROMPE);
	msg[0] = MBX_SET_MULTICAST;
	assert_int_equal(sim_ask(s, 0, msg, 1), ACKED(MBX_SET_MULTICAST));
	assert_int_equal(sim_get(s, IGB_MTA(0)), 0);
	assert_false(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_ROMPE);
}

static void test_set_multicast_refuses_too_many_and_too_large(void **state)
{
	struct sim *s = *state;
	uint32_t msg[16] = {MBX_SET_MULTICAST | INFO(31)};

	sim_vf_reset(s, 0);
	assert_refused(s, 0, sim_ask(s, 0, msg, 16), msg[0], PF_RULE_MULTICAST);
	msg[0] = MBX_SET_MULTICAST | INFO(2);
	msg[1] = 0x10000000;
	assert_refused(s, 0, sim_ask(s, 0, msg, 16), msg[0], PF_RULE_MULTICAST);
	msg[0] = MBX_SET_MULTICAST | INFO(0x20);
	assert_refused(s, 0, sim_ask(s, 0, msg, 16), msg[0], PF_RULE_UNKNOWN);
}

static void test_multicast_overflow_opens_all_for_the_trusted_alone(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	uint32_t msg[2] = {MBX_SET_MULTICAST | INFO(MBX_MC_OVERFLOW | 1), 5};

	sim_vf_reset(s, 0);
	assert_int_equal(sim_ask(s, 0, msg, 2), ACKED(msg[0]));
	assert_int_equal(sim_get(s, IGB_MTA(0)), BIT(5));
	assert_false(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_MPME);
	assert_int_equal(sim_info(s, 0).last_refusal, PF_RULE_MULTICAST);
	assert_int_equal(sim_info(s, 0).refused, 1);
	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_ask(s, 0, msg, 2), ACKED(msg[0]));
	assert_true(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_MPME);
	assert_true(sim_info(s, 0).mc_all);
}

static void test_set_vlan_adds_and_removes(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	sim_vf_reset(s, 1);
	assert_int_equal(sim_ask2(s, 0, MBX_SET_VLAN | INFO(1), 100),
			 ACKED(MBX_SET_VLAN | INFO(1)));
	assert_int_equal(sim_ask2(s, 1, MBX_SET_VLAN | INFO(1), 100),
			 ACKED(MBX_SET_VLAN | INFO(1)));
	assert_int_equal(sim_ask2(s, 0, MBX_SET_VLAN | INFO(1), 100),
			 ACKED(MBX_SET_VLAN | INFO(1)));
	assert_int_equal(sim_pools_of_vlan(s, 100), BIT(0) | BIT(1));
	assert_int_equal(sim_info(s, 0).vlans, 1);
	assert_true(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_STRVLAN);
	assert_int_equal(sim_ask2(s, 0, MBX_SET_VLAN, 100), ACKED(MBX_SET_VLAN));
	assert_int_equal(sim_pools_of_vlan(s, 100), BIT(1));
	assert_int_equal(sim_info(s, 0).vlans, 0);
	assert_false(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_STRVLAN);
}

static void test_set_vlan_zero_is_taken_and_does_nothing(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	assert_int_equal(sim_ask2(s, 0, MBX_SET_VLAN, 0), ACKED(MBX_SET_VLAN));
	sim_assert_nothing_done(s);
	assert_int_equal(sim_ask2(s, 0, MBX_SET_VLAN | INFO(1), 0), ACKED(MBX_SET_VLAN | INFO(1)));
	sim_assert_nothing_done(s);
}

/* @vf's VLANs from @vid on, until one is refused; how many there were. */
static unsigned int take_vlans(struct sim *s, unsigned int vf, unsigned int vid)
{
	uint32_t add = MBX_SET_VLAN | INFO(1);
	unsigned int n = 0;

	while (n <= IGB_VLVFS && sim_ask2(s, vf, add, vid + n) == ACKED(add))
		n++;
	return n;
}

/* 32 filters; one stays for each VF's port VLAN, three for each other VF that has none yet. */
static void test_set_vlan_leaves_the_others_their_share(void **state)
{
	struct sim *s = *state;
	unsigned int n = pf_num_vfs(s->pf), own = IGB_VLVFS - n - 3 * (n - 1);
	uint32_t add = MBX_SET_VLAN | INFO(1);

	for (unsigned int vf = 0; vf < n; vf++)
		sim_vf_reset(s, vf);
	assert_int_equal(take_vlans(s, 0, 1), own);
	assert_refused(s, 0, sim_ask2(s, 0, add, 40), add, PF_RULE_VLAN_FULL);
	assert_int_equal(sim_ask2(s, 1, add, 1), ACKED(add)); /* shared: needs no further filter */
	for (unsigned int vf = 1; vf < n; vf++)
		assert_true(take_vlans(s, vf, 100 * vf) >= (vf == 1 ? 2 : 3));
}

static void test_set_vlan_of_a_trusted_vf_leaves_the_port_vlans(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	unsigned int n = pf_num_vfs(s->pf);
	enum pf_rule rule;

	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	sim_vf_reset(s, 0);
	assert_int_equal(take_vlans(s, 0, 1), IGB_VLVFS - n);
	for (unsigned int vf = 0; vf < n; vf++) {
		pol = sim_policy();
		pol.vlan = (uint16_t)(200 + vf);
		assert_int_equal(sim_set(s, vf, &pol, &rule), 0);
	}
}

/*
 * A filter that another pays for is no way around the share: when that one leaves, the filter stays
 * with whoever rode on it.
 */
static void test_set_vlan_on_anothers_filter_takes_no_share(void **state)
{
	struct sim *s = *state;
	unsigned int n = pf_num_vfs(s->pf);
	uint32_t add = MBX_SET_VLAN | INFO(1);

	for (unsigned int vf = 0; vf < n; vf++)
		sim_vf_reset(s, vf);
	take_vlans(s, 0, 1);
	for (unsigned int vf = 1; vf < n; vf++)
		assert_int_equal(take_vlans(s, vf, 100 * vf), 3);
	/* VF 0 and a confederate now ask for all that the others have. */
	for (unsigned int vf = 1; vf < n; vf++)
		for (unsigned int i = 0; i < 3; i++) {
			(void)sim_ask2(s, 0, add, 100 * vf + i);
			(void)sim_ask2(s, 1, add, 100 * vf + i);
		}
	for (unsigned int vf = 2; vf < n; vf++)
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(sim_ask2(s, vf, MBX_SET_VLAN, 100 * vf + i),
					 ACKED(MBX_SET_VLAN));
	for (unsigned int vf = 2; vf < n; vf++)
		assert_true(take_vlans(s, vf, 1000 * vf / 2) >= 3);
}

static void test_set_vlan_on_a_port_vlans_filter_leaves_the_next_one(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	unsigned int n = pf_num_vfs(s->pf);

	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	sim_vf_reset(s, 0);
	pol = sim_policy();
	/* the administrator moves all to others, which VF 0 cannot know yet */
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int vf = 1; vf < n; vf++) {
			pol.vlan = (uint16_t)(100 * (round + 1) + vf);
			assert_int_equal(sim_set(s, vf, &pol, NULL), 0);
		}
		for (unsigned int vf = 1; vf < n; vf++)
			(void)sim_ask2(s, 0, MBX_SET_VLAN | INFO(1), 100 * (round + 1) + vf);
		take_vlans(s, 0, 1);
	}
}

static void test_set_vlan_of_all_vfs_in_the_same_few(void **state)
{
	struct sim *s = *state;
	unsigned int n = pf_num_vfs(s->pf);

	for (unsigned int vf = 0; vf < n; vf++)
		sim_vf_reset(s, vf);
	for (unsigned int vf = 0; vf < n; vf++)
		assert_int_equal(take_vlans(s, vf, 1), IGB_VLVFS - n - 3 * (n - 1));
}

static void test_set_vlan_refusals(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	uint32_t add = MBX_SET_VLAN | INFO(1);

	sim_vf_reset(s, 0);
	assert_refused(s, 0, sim_ask2(s, 0, add, 4095), add, PF_RULE_VLAN_RANGE);
	assert_refused(s, 0, sim_ask2(s, 0, MBX_SET_VLAN, 70000), MBX_SET_VLAN, PF_RULE_VLAN_RANGE);
	assert_refused(s, 0, sim_ask2(s, 0, MBX_SET_VLAN | INFO(2), 5), MBX_SET_VLAN | INFO(2),
		       PF_RULE_UNKNOWN);
	pol.vlan = 7;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_refused(s, 0, sim_ask2(s, 0, add, 41), add, PF_RULE_VLAN_PORT);
	assert_refused(s, 0, sim_ask2(s, 0, MBX_SET_VLAN, 3), MBX_SET_VLAN, PF_RULE_VLAN_PORT);
}

static void test_set_lpe_checks_its_range(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	assert_int_equal(sim_ask2(s, 0, MBX_SET_LPE, 9728), ACKED(MBX_SET_LPE));
	assert_int_equal(field_get(IGB_VMOLR_RLPML, sim_get(s, IGB_VMOLR(0))), 9728);
	assert_int_equal(sim_info(s, 0).frame_max, 9728);
	assert_refused(s, 0, sim_ask2(s, 0, MBX_SET_LPE, 9729), MBX_SET_LPE, PF_RULE_FRAME_SIZE);
	assert_refused(s, 0, sim_ask2(s, 0, MBX_SET_LPE, 63), MBX_SET_LPE, PF_RULE_FRAME_SIZE);
	assert_int_equal(sim_info(s, 0).frame_max, 9728);
}

static void test_set_promisc_needs_trust(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();
	uint32_t uc = MBX_SET_PROMISC | INFO(MBX_PROMISC_UC);
	uint32_t mc = MBX_SET_PROMISC | INFO(MBX_PROMISC_MC);
	uint32_t none = MBX_SET_PROMISC, odd = MBX_SET_PROMISC | INFO(4);

	sim_vf_reset(s, 0);
	assert_refused(s, 0, sim_ask(s, 0, &uc, 1), uc, PF_RULE_PROMISC);
	assert_refused(s, 0, sim_ask(s, 0, &mc, 1), mc, PF_RULE_MULTICAST);
	assert_refused(s, 0, sim_ask(s, 0, &odd, 1), odd, PF_RULE_UNKNOWN);
	pol.trust = true;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(sim_ask(s, 0, &uc, 1), ACKED(uc));
	assert_true(sim_info(s, 0).uc_promisc);
	assert_int_equal(sim_ask(s, 0, &mc, 1), ACKED(mc));
	assert_false(sim_info(s, 0).uc_promisc);
	assert_true(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_MPME);
	assert_int_equal(sim_ask(s, 0, &none, 1), ACKED(none));
	assert_false(sim_get(s, IGB_VMOLR(0)) & IGB_VMOLR_MPME);
}

static void test_unknown_requests_are_refused(void **state)
{
	static const uint32_t words[] = {0, 0x07, 0x100, 0xffff, 0x01000002};
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		assert_refused(s, 0, sim_ask(s, 0, &words[i], 1), words[i], PF_RULE_UNKNOWN);
}

static void test_answers_coming_back_are_no_requests(void **state)
{
	static const uint32_t words[] = {MBX_ACK | MBX_RESET, MBX_NACK | MBX_SET_MAC,
					 MBX_ACK | MBX_CTS | MBX_SET_LPE};
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(sim_ask(s, 0, &words[i], 1), 0);
		assert_int_equal(s->replies[0], 0);
		sim_assert_nothing_done(s);
	}
	assert_int_equal(sim_info(s, 0).requests, 1);
}

static void test_reset_forgets_what_the_guest_asked_for(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	sim_ask2(s, 0, MBX_SET_VLAN | INFO(1), 100);
	sim_ask2(s, 0, MBX_SET_LPE, 9000);
	sim_ask2(s, 0, MBX_SET_MULTICAST | INFO(1), 5);
	sim_ask_mac(s, 0, MBX_MAC_ADD, mac_b);
	sim_ask_mac(s, 0, MBX_MAC_SET, mac_a);
	sim_vf_reset(s, 0);
	assert_int_equal(sim_pools_of_vlan(s, 100), 0);
	assert_int_equal(sim_get(s, IGB_MTA(0)), 0);
	assert_int_equal(sim_pools_of(s, mac_b), 0);
	assert_int_equal(sim_info(s, 0).frame_max, 1518);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(0)); /* its own address lasts until a VFLR */
}

static uint32_t (*sim_read)(struct os_dev *dev, uint32_t reg, uint32_t val);
static unsigned int word_reads[MBX_WORDS];

/* A guest that overwrites each word of VF 1's message, and those before it, once it is read. */
static uint32_t overwriting(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	uint32_t at = IGB_VMBMEM(1);

	if (reg < at || reg >= at + 4 * MBX_WORDS)
		return sim_read(dev, reg, val);
	word_reads[(reg - at) / 4]++;
	for (; at <= reg; at += 4)
		dev->reg[at / 4] = UINT32_MAX;
	return val;
}

static void test_message_that_changes_while_it_is_read_counts_as_it_was(void **state)
{
	const struct {
		uint32_t msg[3];
		unsigned int words; /* needed of it */
	} x[] = {
		{{MBX_SET_MAC, 0xaa02, 0x0100}, 3},
		{{MBX_SET_MAC | INFO(MBX_MAC_ADD), 0xaa02, 0x0200}, 3},
		{{MBX_SET_MULTICAST | INFO(2), 0x00070005}, 2},
		{{MBX_SET_VLAN | INFO(1), 100}, 2},
		{{MBX_SET_LPE, 9000}, 2},
		{{MBX_SET_PROMISC}, 1},
	};
	struct sim *s = *state;

	sim_vf_reset(s, 1);
	sim_read = s->dev->on_read;
	for (unsigned int i = 0; i < ARRAY_SIZE(x); i++) {
		memset(word_reads, 0, sizeof(word_reads));
		sim_forget(s);
		sim_put_request(s, 1, x[i].msg, 3);
		s->dev->on_read = overwriting;
		assert_int_equal(pf_service(s->pf), 1);
		s->dev->on_read = sim_read;
		assert_int_equal(sim_get(s, IGB_VMBMEM(1)), ACKED(x[i].msg[0]));
		for (unsigned int w = 0; w < MBX_WORDS; w++)
			assert_int_equal(word_reads[w], w < x[i].words);
	}
	assert_int_equal(sim_pools_of(s, mac_a), BIT(1));
	assert_int_equal(sim_pools_of(s, mac_b), BIT(1));
	assert_int_equal(sim_get(s, IGB_MTA(0)), BIT(5) | BIT(7));
	assert_int_equal(sim_pools_of_vlan(s, 100), BIT(1));
	assert_int_equal(sim_info(s, 1).frame_max, 9000);
	assert_int_equal(sim_info(s, 1).refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_reset_answers_ack_without_cts_and_a_mac),
		sim_test(test_reset_holds_the_lock_until_its_answer),
		sim_test(test_made_up_macs_are_unique_local_and_stable),
		sim_test(test_requests_before_reset_are_refused_without_cts),
		sim_test(test_set_mac_replaces_the_address),
		sim_test(test_set_mac_to_what_it_is_changes_nothing),
		sim_test(test_set_mac_refuses_invalid_addresses),
		sim_test(test_set_mac_refuses_what_another_pool_has),
		sim_test(test_fixed_mac_is_refused_unless_trusted),
		sim_test(test_mac_clear_with_zero_address_is_taken),
		sim_test(test_mac_add_leaves_the_others_their_share),
		sim_test(test_mac_add_of_a_trusted_vf_leaves_the_others_their_own),
		sim_test(test_set_mac_unknown_operation_is_refused),
		sim_test(test_set_multicast_takes_hashes),
		sim_test(test_set_multicast_refuses_too_many_and_too_large),
		sim_test(test_multicast_overflow_opens_all_for_the_trusted_alone),
		sim_test(test_set_vlan_adds_and_removes),
		sim_test(test_set_vlan_zero_is_taken_and_does_nothing),
		sim_test(test_set_vlan_refusals),
		sim_test(test_set_vlan_leaves_the_others_their_share),
		sim_test(test_set_vlan_of_a_trusted_vf_leaves_the_port_vlans),
		sim_test(test_set_vlan_on_anothers_filter_takes_no_share),
		sim_test(test_set_vlan_on_a_port_vlans_filter_leaves_the_next_one),
		sim_test(test_set_vlan_of_all_vfs_in_the_same_few),
		sim_test(test_set_lpe_checks_its_range),
		sim_test(test_set_promisc_needs_trust),
		sim_test(test_unknown_requests_are_refused),
		sim_test(test_answers_coming_back_are_no_requests),
		sim_test(test_reset_forgets_what_the_guest_asked_for),
		sim_test(test_message_that_changes_while_it_is_read_counts_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
