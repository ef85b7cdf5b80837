/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Serving: CTS and its NACKs, resets of VFs and of the PF, floods, stuck mailboxes, pings, events.
 */
#include "pf_sim.h"

#define SECOND 1000000

static const uint8_t mac_a[6] = {0x02, 0xaa, 0, 0, 0, 1};

static uint32_t acks(unsigned int vf)
{
	return field_prep(IGB_MBVFICR_ACK, BIT(vf));
}

static void test_nack_without_cts_passes_once_in_two_seconds(void **state)
{
	struct sim *s = *state;

	assert_int_equal(sim_ask2(s, 0, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(sim_ask2(s, 0, MBX_SET_LPE, 1500), 0);
		assert_int_equal(s->taken[0], 1);
	}
	/* another VF has its own count */
	assert_int_equal(sim_ask2(s, 1, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
	s->dev->now_us += 2 * SECOND;
	assert_int_equal(sim_ask2(s, 0, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
	assert_int_equal(sim_info(s, 0).refused, 12);
}

static void test_refusals_are_all_counted_and_told_once(void **state)
{
	struct sim *s = *state;
	unsigned int told = 0;

	sim_vf_reset(s, 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(sim_ask2(s, 0, MBX_SET_LPE, 1), MBX_SET_LPE | MBX_NACK | MBX_CTS);
		told += sim_events(s, PF_EV_VF_REFUSED, 0);
	}
	assert_int_equal(told, 1);
	assert_int_equal(sim_info(s, 0).refused, 50);
}

/* VF 0 asks again within the moment it is answered; the others are served in the same round. */
static void test_flood_from_one_vf_starves_no_other(void **state)
{
	struct sim *s = *state;
	uint32_t reset = MBX_RESET;

	sim_vf_reset(s, 0);
	s->flood = BIT(0);
	sim_put_request(s, 0, &reset, 1);
	for (int round = 0; round < 20; round++) {
		unsigned int before = s->replies[0];

		sim_put_request(s, 6, &reset, 1);
		assert_true(pf_service(s->pf) >= 2);
		assert_int_equal(sim_get(s, IGB_VMBMEM(6)), MBX_RESET | MBX_ACK);
		assert_int_equal(s->replies[0], before + 1);
	}
}

static void test_rounds_start_at_another_vf_each_time(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;
	bool was_first[2] = {false, false};

	for (int round = 0; round < SIM_VFS; round++) {
		sim_forget(s);
		sim_put_request(s, 0, &msg, 1);
		sim_put_request(s, 3, &msg, 1);
		assert_int_equal(pf_service(s->pf), 2);
		was_first[fake_log_find(s->dev, IGB_P2VMAILBOX(3), 0) <
			  fake_log_find(s->dev, IGB_P2VMAILBOX(0), 0)] = true;
	}
	assert_true(was_first[0] && was_first[1]);
}

static void test_flr_closes_the_gate_and_forgets_the_guest(void **state)
{
	struct sim *s = *state;
	struct mac made_up = sim_info(s, 4).mac;

	sim_vf_reset(s, 4);
	sim_ask_mac(s, 4, MBX_MAC_SET, mac_a);
	sim_ask2(s, 4, MBX_SET_VLAN | 1 << 16, 50);
	sim_put(s, IGB_VFLRE, BIT(4));
	sim_forget(s);
	assert_int_equal(pf_service(s->pf), 1);
	assert_int_equal(sim_get(s, IGB_VFLRE), 0);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	assert_int_equal(sim_pools_of(s, mac_a), 0);
	assert_int_equal(sim_pools_of(s, made_up.b), BIT(4));
	assert_int_equal(sim_pools_of_vlan(s, 50), 0);
	assert_int_equal(sim_events(s, PF_EV_VF_FLR, 4), 1);
	assert_int_equal(sim_info(s, 4).state, PF_VF_OFF);
	assert_int_equal(sim_ask2(s, 4, MBX_SET_LPE, 1500), MBX_SET_LPE | MBX_NACK);
}

static void test_flr_keeps_the_administrators_mac_and_port_vlan(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	memcpy(pol.mac.b, mac_a, 6);
	pol.vlan = 9;
	pol.qos = 5;
	assert_int_equal(sim_set(s, 4, &pol, NULL), 0);
	sim_vf_reset(s, 4);
	sim_put(s, IGB_VFLRE, BIT(4));
	assert_int_equal(pf_service(s->pf), 1);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(4));
	assert_int_equal(sim_pools_of_vlan(s, 9), BIT(4));
	assert_int_equal(field_get(IGB_VMVIR_PRI, sim_get(s, IGB_VMVIR(4))), 5);
}

static void test_flr_before_a_request_is_served_before_it(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;

	sim_vf_reset(s, 0);
	sim_put_request(s, 0, &msg, 1);
	sim_put(s, IGB_VFLRE, BIT(0));
	sim_serve(s);
	assert_int_equal(sim_info(s, 0).state, PF_VF_READY);
	assert_true(sim_get(s, IGB_VFRE) & BIT(0));
}

static void test_flr_seen_with_the_message_does_not_undo_its_reset(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;

	s->flr_on_word = BIT(0);
	sim_put_request(s, 0, &msg, 1);
	sim_serve(s);
	assert_int_equal(sim_events(s, PF_EV_VF_FLR, 0), 1);
	assert_int_equal(sim_info(s, 0).state, PF_VF_READY);
	assert_true(sim_get(s, IGB_VFRE) & BIT(0));
}

static void test_gate_of_a_vf_does_not_open_another_again(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 1);
	sim_put(s, IGB_VFRE, sim_get(s, IGB_VFRE) & ~BIT(1)); /* the hardware's part of a VFLR */
	sim_vf_reset(s, 2);
	assert_false(sim_get(s, IGB_VFRE) & BIT(1));
}

static void test_a_vf_that_keeps_its_mailbox_is_overruled(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;
	uint64_t start;

	sim_put(s, IGB_P2VMAILBOX(2), IGB_P2V_VFU);
	sim_put_request(s, 2, &msg, 1);
	sim_put_request(s, 3, &msg, 1);
	start = s->dev->now_us;
	assert_int_equal(pf_service(s->pf), 2);
	assert_true(s->dev->now_us - start < 20000);
	assert_int_equal(sim_get(s, IGB_VMBMEM(3)), MBX_RESET | MBX_ACK);
	assert_int_equal(s->replies[2], 1); /* RVFU freed it */
}

static void test_a_vf_that_keeps_it_again_is_not_waited_for(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;
	uint64_t start;

	s->vfu_sticks = true;
	sim_put(s, IGB_P2VMAILBOX(2), IGB_P2V_VFU);
	sim_put_request(s, 2, &msg, 1);
	assert_true(pf_service(s->pf) > 0);
	start = s->dev->now_us;
	for (unsigned int i = 0; i < 20; i++) {
		sim_put_request(s, 2, &msg, 1);
		assert_true(pf_service(s->pf) > 0);
	}
	assert_true(s->dev->now_us - start < 1000);
	/* A second later it is waited for as any other. */
	s->dev->now_us += SECOND + 1;
	start = s->dev->now_us;
	sim_put_request(s, 2, &msg, 1);
	assert_true(pf_service(s->pf) > 0);
	assert_true(s->dev->now_us - start > 1000);
}

static void test_a_mailbox_that_cannot_be_freed_stops_nobody(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;
	uint64_t start;

	s->vfu_sticks = true;
	sim_put(s, IGB_P2VMAILBOX(2), IGB_P2V_VFU);
	sim_put_request(s, 2, &msg, 1);
	sim_put_request(s, 3, &msg, 1);
	start = s->dev->now_us;
	assert_int_equal(pf_service(s->pf), 2);
	assert_true(s->dev->now_us - start < 20000);
	assert_int_equal(sim_get(s, IGB_VMBMEM(3)), MBX_RESET | MBX_ACK);
	assert_int_equal(s->replies[2], 0);
	assert_int_equal(pf_service(s->pf), 0);
}

static void test_reading_without_cts_is_nacked_so_that_the_vf_resets(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_MBVFICR, acks(1));
	assert_int_equal(pf_service(s->pf), 0);
	assert_int_equal(sim_get(s, IGB_VMBMEM(1)), MBX_NACK);
	assert_int_equal(sim_get(s, IGB_MBVFICR), 0);
	sim_put(s, IGB_VMBMEM(1), 0);
	sim_put(s, IGB_MBVFICR, acks(1));
	assert_int_equal(pf_service(s->pf), 0);
	assert_int_equal(sim_get(s, IGB_VMBMEM(1)), 0); /* not twice in 2 s */
}

static void test_reading_with_cts_is_not_answered(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 1);
	sim_put(s, IGB_MBVFICR, acks(1));
	s->replies[1] = 0;
	assert_int_equal(pf_service(s->pf), 0);
	assert_int_equal(s->replies[1], 0);
}

static void test_reading_does_not_overwrite_the_next_request(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;

	sim_put_request(s, 1, &msg, 1);
	sim_put(s, IGB_MBVFICR, sim_get(s, IGB_MBVFICR) | acks(1));
	assert_int_equal(pf_service(s->pf), 1);
	assert_int_equal(sim_get(s, IGB_VMBMEM(1)), MBX_RESET | MBX_ACK);
}

static void link_change(struct sim *s, bool up)
{
	sim_put(s, IGB_STATUS,
		up ? sim_get(s, IGB_STATUS) | IGB_STATUS_LU
		   : sim_get(s, IGB_STATUS) & ~IGB_STATUS_LU);
	sim_put(s, IGB_ICR, IGB_ICR_LSC);
}

static void test_link_change_is_told_and_pinged(void **state)
{
	struct sim *s = *state;
	struct pf_link link;

	sim_vf_reset(s, 0);
	assert_int_equal(pf_service(s->pf), 0); /* the answer was read */
	s->dev->now_us += SECOND;
	link_change(s, false);
	sim_forget(s);
	sim_serve(s);
	pf_link(s->pf, &link);
	assert_false(link.up);
	assert_int_equal(sim_events(s, PF_EV_LINK, 0), 1);
	assert_int_equal(sim_get(s, IGB_VMBMEM(0)), MBX_PF_CONTROL | MBX_CTS);
	assert_int_equal(sim_get(s, IGB_VMBMEM(1)), MBX_PF_CONTROL);
	link_change(s, true);
	sim_serve(s);
	pf_link(s->pf, &link);
	assert_true(link.up && link.full_duplex);
	assert_int_equal(link.mbps, 1000);
}

static void test_ping_waits_until_the_answer_was_read(void **state)
{
	struct sim *s = *state;
	uint32_t msg = MBX_RESET;

	sim_put_request(s, 0, &msg, 1);
	assert_int_equal(pf_service(s->pf), 1);
	link_change(s, false);
	assert_int_equal(pf_service(s->pf), 1);
	assert_int_equal(sim_get(s, IGB_VMBMEM(0)), MBX_RESET | MBX_ACK);
	sim_put(s, IGB_MBVFICR, acks(0));
	sim_serve(s);
	assert_int_equal(sim_get(s, IGB_VMBMEM(0)), MBX_PF_CONTROL | MBX_CTS);
}

static void test_ping_goes_out_though_an_answer_is_never_read(void **state)
{
	struct sim *s = *state;

	sim_vf_reset(s, 0);
	sim_ask2(s, 0, MBX_SET_LPE, 1500);
	sim_put(s, IGB_MBVFICR, 0);
	link_change(s, false);
	sim_serve(s);
	s->dev->now_us += SECOND;
	sim_serve(s);
	assert_int_equal(sim_get(s, IGB_VMBMEM(0)), MBX_PF_CONTROL | MBX_CTS);
}

static void test_spoofing_is_told_once_in_two_seconds(void **state)
{
	struct sim *s = *state;

	for (int i = 0; i < 5; i++) {
		sim_put(s, IGB_WVBR, BIT(3) | BIT(5 + IGB_POOLS));
		sim_put(s, IGB_ICR, IGB_ICR_DOUTSYNC);
		assert_int_equal(pf_service(s->pf), 2);
	}
	assert_int_equal(sim_events(s, PF_EV_SPOOF, 3), 1);
	assert_int_equal(sim_events(s, PF_EV_SPOOF, 5), 1);
}

static void test_pf_reset_drops_cts_and_tells_all_vfs(void **state)
{
	struct sim *s = *state;
	size_t ping = 0;
	long closed, pinged_again;

	sim_vf_reset(s, 0);
	sim_forget(s);
	assert_int_equal(pf_reset(s->pf), 0);
	ping = (size_t)fake_log_find(s->dev, IGB_VMBMEM(0), 0);
	assert_int_equal(s->dev->log[ping].val, MBX_PF_CONTROL);
	closed = fake_log_find(s->dev, IGB_VFRE, ping);
	assert_int_equal(s->dev->log[closed].val, 0);
	assert_true((size_t)closed < s->resets_at);
	pinged_again = fake_log_find(s->dev, IGB_VMBMEM(0), s->resets_at);
	assert_int_equal(s->dev->log[pinged_again].val, MBX_PF_CONTROL);
	assert_int_equal(s->dev->log[s->dev->nlog - 1].reg, IGB_CTRL_EXT);
	assert_true(s->dev->log[s->dev->nlog - 1].val & IGB_CTRL_EXT_PFRSTD);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_int_equal(sim_get(s, IGB_VFTE), BIT(PF_POOL));
	assert_int_equal(sim_info(s, 0).state, PF_VF_OFF);
	sim_vf_reset(s, 0);
}

static void test_pf_reset_programs_policy_again(void **state)
{
	struct sim *s = *state;
	struct pf_vf_policy pol = sim_policy();

	memcpy(pol.mac.b, mac_a, 6);
	pol.vlan = 12;
	pol.spoofchk = false;
	assert_int_equal(sim_set(s, 0, &pol, NULL), 0);
	assert_int_equal(pf_reset(s->pf), 0);
	assert_int_equal(sim_pools_of(s, mac_a), BIT(0));
	assert_int_equal(sim_pools_of(s, s->pf_mac), BIT(PF_POOL));
	assert_int_equal(sim_pools_of_vlan(s, 12), BIT(0));
	assert_int_equal(field_get(IGB_DTXSWC_MAC_SPOOF, sim_get(s, IGB_DTXSWC)), 0x7e);
	assert_int_equal(field_get(IGB_DTXSWC_VLAN_SPOOF, sim_get(s, IGB_DTXSWC)), 0x7e);
}

static void test_an_idle_round_costs_three_reads_and_no_write(void **state)
{
	struct sim *s = *state;
	uint64_t reads;

	assert_int_equal(pf_service(s->pf), 0);
	sim_forget(s);
	reads = s->dev->reads;
	assert_int_equal(pf_service(s->pf), 0);
	assert_int_equal(s->dev->reads - reads, 3);
	assert_int_equal(s->dev->nlog, 0);
}

static void test_irq_is_armed_again_after_a_reset(void **state)
{
	struct sim *s = *state;

	pf_irq_enable(s->pf, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sim_get(s, IGB_EIAC), BIT(0));
		assert_int_equal(sim_get(s, IGB_EIMS), BIT(0));
		assert_int_equal(sim_get(s, IGB_IVAR_MISC), 0x8000);
		assert_int_equal(sim_get(s, IGB_MBVFIMR), 0x7f);
		assert_true(sim_get(s, IGB_GPIE) & IGB_GPIE_MULTIPLE_MSIX);
		assert_true(sim_get(s, IGB_IMS) & IGB_ICR_VMMB);
		assert_int_equal(pf_reset(s->pf), 0);
	}
	assert_true(fake_log_find(s->dev, IGB_GPIE, 0) < fake_log_find(s->dev, IGB_EIAC, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_nack_without_cts_passes_once_in_two_seconds),
		sim_test(test_refusals_are_all_counted_and_told_once),
		sim_test(test_flood_from_one_vf_starves_no_other),
		sim_test(test_rounds_start_at_another_vf_each_time),
		sim_test(test_flr_closes_the_gate_and_forgets_the_guest),
		sim_test(test_flr_keeps_the_administrators_mac_and_port_vlan),
		sim_test(test_flr_before_a_request_is_served_before_it),
		sim_test(test_flr_seen_with_the_message_does_not_undo_its_reset),
		sim_test(test_gate_of_a_vf_does_not_open_another_again),
		sim_test(test_a_vf_that_keeps_its_mailbox_is_overruled),
		sim_test(test_a_vf_that_keeps_it_again_is_not_waited_for),
		sim_test(test_a_mailbox_that_cannot_be_freed_stops_nobody),
		sim_test(test_reading_without_cts_is_nacked_so_that_the_vf_resets),
		sim_test(test_reading_with_cts_is_not_answered),
		sim_test(test_reading_does_not_overwrite_the_next_request),
		sim_test(test_link_change_is_told_and_pinged),
		sim_test(test_ping_waits_until_the_answer_was_read),
		sim_test(test_ping_goes_out_though_an_answer_is_never_read),
		sim_test(test_spoofing_is_told_once_in_two_seconds),
		sim_test(test_pf_reset_drops_cts_and_tells_all_vfs),
		sim_test(test_pf_reset_programs_policy_again),
		sim_test(test_an_idle_round_costs_three_reads_and_no_write),
		sim_test(test_irq_is_armed_again_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
