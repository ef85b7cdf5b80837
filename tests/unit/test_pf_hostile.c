/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Guests that do all they can, at random from fixed seeds, among an administrator's changes: the PF
 * never fails in what cannot fail, and nobody takes what is kept for another.
 */
#include "pf_sim.h"

#include "pf-driver/pf_priv.h"

#define STEPS	  20000
#define FRESH_VID 4000 /* nobody asks for it */

static uint32_t next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Near a request: few addresses and VLANs, so that guests meet. */
static void message(uint32_t *seed, uint32_t msg[MBX_WORDS])
{
	static const uint32_t ids[] = {MBX_RESET,    MBX_SET_MAC, MBX_SET_MULTICAST,
				       MBX_SET_VLAN, MBX_SET_LPE, MBX_SET_PROMISC};

	for (unsigned int i = 0; i < MBX_WORDS; i++)
		msg[i] = next(seed);
	if (next(seed) % 8 == 0)
		return;
	msg[0] = ids[next(seed) % ARRAY_SIZE(ids)] | field_prep(MBX_INFO, next(seed) % 4);
	if ((msg[0] & MBX_ID) == MBX_RESET && next(seed) % 64)
		msg[0] = MBX_SET_MAC | field_prep(MBX_INFO, MBX_MAC_ADD);
	if ((msg[0] & MBX_ID) == MBX_SET_VLAN && next(seed) % 4)
		msg[0] = MBX_SET_VLAN | field_prep(MBX_INFO, 1);
	if (msg[0] == (MBX_SET_MAC | field_prep(MBX_INFO, MBX_MAC_CLEAR)) && next(seed) % 8)
		msg[0] = MBX_SET_VLAN | field_prep(MBX_INFO, 1);
	switch (msg[0] & MBX_ID) {
	case MBX_SET_MAC:
		msg[1] = 0xaa02;
		msg[2] = (next(seed) % 60) << 8;
		break;
	case MBX_SET_VLAN:
		msg[1] = next(seed) % 60;
		break;
	case MBX_SET_LPE:
		msg[1] %= 10000;
		break;
	default:
		break;
	}
}

static void ask(struct sim *s, uint32_t *seed)
{
	unsigned int vf = next(seed) % SIM_VFS;
	uint32_t msg[MBX_WORDS];

	message(seed, msg);
	sim_put_request(s, vf, msg, MBX_WORDS);
	if (next(seed) % 16 == 0)
		sim_put(s, IGB_P2VMAILBOX(vf), IGB_P2V_VFU);
	if (next(seed) % 200 == 0)
		s->flr_on_word |= BIT(vf);
	if (next(seed) % 8 == 0)
		sim_put(s, IGB_MBVFICR, next(seed));
	if (next(seed) % 200 == 0)
		sim_put(s, IGB_VFLRE, BIT(next(seed) % SIM_VFS));
}

/* A port VLAN is never refused for want of a filter; an address may be somebody's already. */
static void administer(struct sim *s, uint32_t *seed, bool trust)
{
	unsigned int vf = next(seed) % SIM_VFS;
	struct pf_vf_policy pol = sim_policy();
	enum pf_rule rule = PF_OK;

	pol.vlan = next(seed) % 4 == 0 ? (uint16_t)(next(seed) % 60) : 0;
	pol.trust = trust && next(seed) % 3 == 0;
	pol.spoofchk = next(seed) % 2;
	pol.link = next(seed) % 4 ? PF_VF_LINK_AUTO : PF_VF_LINK_DISABLE;
	if (next(seed) % 3 == 0)
		pol.mac = (struct mac){{2, 0xaa, 0, 0, 0, (uint8_t)(next(seed) % 60)}};
	if (pf_vf_policy_set(s->pf, vf, &pol, &rule))
		assert_int_equal(rule, PF_RULE_MAC_TAKEN);
}

static void step(struct sim *s, uint32_t *seed, bool trust)
{
	switch (next(seed) % 256) {
	case 0:
		assert_int_equal(pf_vf_scrub(s->pf, next(seed) % SIM_VFS, NULL), 0);
		break;
	case 1:
	case 2:
		administer(s, seed, trust);
		break;
	case 3:
		if (next(seed) % 8 == 0)
			assert_int_equal(pf_reset(s->pf), 0);
		break;
	default:
		ask(s, seed);
	}
	s->dev->now_us += next(seed) % 5000;
	assert_true(pf_service(s->pf) >= 0);
}

/* Each VF has its own address, and one entry for each that it is said to have. */
static void assert_addresses(const struct pf *pf)
{
	for (unsigned int vf = 0; vf < SIM_VFS; vf++) {
		const struct pf_vf *v = &pf->vf[vf];

		assert_int_equal(vmdq_mac_owner(&pf->vmdq, &v->mac), vf);
		assert_int_equal(vmdq_mac_count(&pf->vmdq, vf), 1 + v->nextra);
		for (unsigned int i = 0; i < v->nextra; i++)
			assert_int_equal(vmdq_mac_owner(&pf->vmdq, &v->extra[i]), vf);
	}
	assert_int_equal(vmdq_mac_owner(&pf->vmdq, &pf->mac), PF_POOL);
}

/* Who is within his share may have one more; no trusted VF is about, which may take all of it. */
static void assert_shares(const struct pf *pf)
{
	const struct mac fresh = {{2, 0xfe, 0, 0, 0, 0}};

	for (unsigned int vf = 0; vf < SIM_VFS; vf++) {
		const struct pf_vf *v = &pf->vf[vf];

		if (v->nvids < 3 && !v->policy.vlan)
			assert_int_equal(pf_may_vlan(pf, vf, 1, FRESH_VID + vf), PF_OK);
		if (v->nextra < 2 && mac_is_zero(&v->policy.mac))
			assert_int_equal(pf_may_mac_add(pf, vf, &fresh), PF_OK);
		assert_false(v->uc_promisc || v->mc_all);
	}
}

static void run(struct sim *s, uint32_t seed, bool trust)
{
	unsigned int logs = s->dev->logs;
	uint64_t start = s->dev->now_us;
	unsigned int full_macs = 0, full_vlans = 0;

	for (unsigned int i = 0; i < STEPS; i++) {
		sim_forget(s);
		step(s, &seed, trust);
		assert_null(strstr(s->dev->last_log, "could not"));
		assert_addresses(s->pf);
		for (unsigned int vf = 0; vf < SIM_VFS; vf++) {
			full_macs += s->pf->vf[vf].last_refusal == PF_RULE_MAC_FULL;
			full_vlans += s->pf->vf[vf].last_refusal == PF_RULE_VLAN_FULL;
		}
		if (!trust)
			assert_shares(s->pf);
	}
	assert_true(full_macs && full_vlans); /* the seed got where it hurts */
	/*
	 * Three kinds of line a VF may cause, each once in 2 s; scrubs and resets add one or two.
	 */
	assert_true(s->dev->logs - logs <
		    3 * SIM_VFS * ((s->dev->now_us - start) / PF_LIMIT_US + 1) + STEPS / 8);
	sim_put(s, IGB_MBVFICR, 0);
	sim_put(s, IGB_VFLRE, 0);
	for (unsigned int vf = 0; vf < SIM_VFS; vf++)
		sim_put(s, IGB_P2VMAILBOX(vf), 0);
	s->flr_on_word = 0;
	for (unsigned int vf = 0; vf < SIM_VFS; vf++)
		sim_vf_reset(s, vf);
}

static void test_random_guests_leave_each_other_their_shares(void **state)
{
	for (uint32_t seed = 1; seed <= 4; seed++)
		run(*state, seed * 82576, false);
}

static void test_random_trusted_guests_break_nothing(void **state)
{
	for (uint32_t seed = 1; seed <= 4; seed++)
		run(*state, seed * 82576, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_random_guests_leave_each_other_their_shares),
		sim_test(test_random_trusted_guests_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
