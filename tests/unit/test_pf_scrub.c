/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Scrubbing between two owners: nothing stays, and what stays is named. */
#include "pf_sim.h"

#define DIRT 0x5a5a5a5au

static const uint8_t mac_a[6] = {0x02, 0xaa, 0, 0, 0, 1};
static const uint8_t mac_b[6] = {0x02, 0xaa, 0, 0, 0, 2};

/* All that a VF can leave behind, by register; TXCTL's ordering bits are its reset value. */
static const uint32_t rx_regs[] = {IGB_RDBAL, IGB_RDBAH, IGB_RDLEN, IGB_SRRCTL,
				   IGB_RDH,   IGB_RDT,	 IGB_RXCTL, IGB_RXDCTL};
static const uint32_t tx_regs[] = {IGB_TDBAL, IGB_TDBAH,  IGB_TDLEN,  IGB_TDH,
				   IGB_TDT,   IGB_TXDCTL, IGB_TDWBAL, IGB_TDWBAH};

static unsigned int left_behind(struct sim *s, unsigned int vf, uint32_t *regs, bool fill)
{
	unsigned int n = 0;

	for (unsigned int q = vf; q < IGB_QUEUES; q += IGB_POOLS) {
		for (unsigned int i = 0; i < ARRAY_SIZE(rx_regs); i++)
			regs[n++] = IGB_RXQ(q) + rx_regs[i];
		for (unsigned int i = 0; i < ARRAY_SIZE(tx_regs); i++)
			regs[n++] = IGB_TXQ(q) + tx_regs[i];
	}
	regs[n++] = IGB_IVAR(vf);
	regs[n++] = IGB_VTIVAR(vf);
	regs[n++] = IGB_VTIVAR_MISC(vf);
	regs[n++] = IGB_PVTEIMS(vf);
	regs[n++] = IGB_PVTEIAC(vf);
	regs[n++] = IGB_PVTEIAM(vf);
	for (unsigned int i = 0; i < IGB_VF_MSIX_VECTORS; i++)
		regs[n++] = IGB_VF_EITR(vf, i);
	regs[n++] = IGB_PSRTYPE(vf);
	for (unsigned int i = 0; i < MBX_WORDS; i++)
		regs[n++] = IGB_VMBMEM(vf) + 4 * i;
	for (unsigned int i = 0; fill && i < n; i++)
		sim_put(s, regs[i], DIRT);
	return n;
}

static void test_scrub_clears_all_that_a_vf_leaves(void **state)
{
	struct sim *s = *state;
	uint32_t regs[64], other[64];
	unsigned int n;

	sim_vf_reset(s, 2);
	n = left_behind(s, 2, regs, true);
	assert_int_equal(left_behind(s, 3, other, true), n);
	assert_int_equal(pf_vf_scrub(s->pf, 2, NULL), 0);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(sim_get(s, regs[i]), 0);
		assert_int_equal(sim_get(s, other[i]), DIRT); /* the neighbour's */
	}
	assert_int_equal(sim_get(s, IGB_TXQ(2) + IGB_TXCTL), IGB_TXCTL_RELAXED);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	assert_int_equal(sim_info(s, 2).state, PF_VF_OFF);
	assert_int_equal(sim_ask2(s, 2, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
}

static void test_scrub_names_each_register_that_stays(void **state)
{
	struct sim *s = *state;
	uint32_t regs[64], reg;
	unsigned int n = left_behind(s, 2, regs, false);

	for (unsigned int i = 0; i < n; i++) {
		left_behind(s, 2, regs, true);
		s->keeps = regs[i];
		reg = 0;
		assert_int_equal(pf_vf_scrub(s->pf, 2, &reg), -EBUSY);
		assert_int_equal(reg, regs[i]);
		for (unsigned int k = 0; k < n; k++) /* the rest is cleared all the same */
			assert_int_equal(sim_get(s, regs[k]), k == i ? DIRT : 0);
	}
	s->keeps = 0;
	assert_int_equal(pf_vf_scrub(s->pf, 2, &reg), 0);
}

static void test_scrub_names_a_filter_that_stays(void **state)
{
	struct sim *s = *state;
	uint32_t reg = 0;

	sim_vf_reset(s, 1);
	sim_ask2(s, 1, MBX_SET_VLAN | 1 << 16, 100);
	s->keeps = IGB_VLVF(0);
	assert_int_equal(pf_vf_scrub(s->pf, 1, &reg), -EBUSY);
	assert_int_equal(reg, IGB_VLVF(0));
}

static void test_scrub_takes_the_guests_filters_and_leaves_policy(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy(), after;

	memcpy(pol.mac.b, mac_a, 6);
	pol.trust = true;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	sim_vf_reset(s, 1);
	sim_ask_mac(s, 1, MBX_MAC_SET, mac_b);
	sim_ask2(s, 1, MBX_SET_VLAN | 1 << 16, 100);
	sim_ask2(s, 1, MBX_SET_LPE, 9000);
	pol.vlan = 20;
	assert_int_equal(sim_set(s, 1, &pol, NULL), 0);
	assert_int_equal(pf_vf_scrub(s->pf, 1, NULL), 0);
	assert_int_equal(sim_pools_of(s, mac_b), 0);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(1));
	assert_int_equal(sim_pools_of_vlan(s, 100), 0);
	assert_int_equal(sim_pools_of_vlan(s, 20), BIT(1));
	assert_int_equal(sim_info(s, 1).frame_max, 1518);
	assert_true(sim_get(s, IGB_DTXSWC) & BIT(1));
	assert_int_equal(pf_vf_policy_get(s->pf, 1, &after), 0);
	assert_memory_equal(&pol, &after, sizeof(pol));
}

static void test_scrub_starts_the_counters_at_zero(void **state)
{
	struct sim *s = *state;
	struct pf_stats st;

	sim_vf_reset(s, 1);
	sim_ask2(s, 1, MBX_SET_LPE, 1);
	sim_put(s, IGB_PVFGPRC(1), 500);
	assert_int_equal(pf_vf_scrub(s->pf, 1, NULL), 0);
	assert_int_equal(pf_vf_stats(s->pf, 1, &st), 0);
	assert_int_equal(st.rx_packets, 0);
	sim_put(s, IGB_PVFGPRC(1), 503);
	assert_int_equal(pf_vf_stats(s->pf, 1, &st), 0);
	assert_int_equal(st.rx_packets, 3);
	assert_int_equal(sim_info(s, 1).resets + sim_info(s, 1).requests + sim_info(s, 1).refused,
			 0);
}

/* What the former owner provoked does not silence the next one. */
static void test_scrub_lets_the_next_owner_be_told_at_once(void **state)
{
	struct sim *s = *state;

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(sim_ask2(s, 1, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
		assert_int_equal(sim_events(s, PF_EV_VF_REFUSED, 1), 1);
		assert_int_equal(sim_ask2(s, 1, MBX_SET_LPE, 1500), 0);
		assert_int_equal(pf_vf_scrub(s->pf, 1, NULL), 0);
	}
}

static void test_scrub_drops_what_the_former_owner_asked(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;

	sim_put_request(s, 1, &msg, 1);
	sim_put(s, IGB_VFLRE, BIT(1));
	assert_int_equal(pf_vf_scrub(s->pf, 1, NULL), 0);
	assert_int_equal(pf_service(s->pf), 0);
	assert_int_equal(sim_info(s, 1).state, PF_VF_OFF);
}

static void test_scrub_of_a_locked_mailbox_comes_to_an_end(void **state)
{
	struct sim *s = *state;
	uint64_t start = s->dev->now_us;

	s->vfu_sticks = true;
	sim_put(s, IGB_P2VMAILBOX(1), IGB_P2V_VFU);
	assert_int_equal(pf_vf_scrub(s->pf, 1, NULL), 0);
	assert_true(s->dev->now_us - start < 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_scrub_clears_all_that_a_vf_leaves),
		sim_test(test_scrub_names_each_register_that_stays),
		sim_test(test_scrub_names_a_filter_that_stays),
		sim_test(test_scrub_takes_the_guests_filters_and_leaves_policy),
		sim_test(test_scrub_starts_the_counters_at_zero),
		sim_test(test_scrub_lets_the_next_owner_be_told_at_once),
		sim_test(test_scrub_drops_what_the_former_owner_asked),
		sim_test(test_scrub_of_a_locked_mailbox_comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
