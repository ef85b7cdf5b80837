/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Counters of 64 bits: over a wrap, over resets, and never backwards. */
#include "pf_sim.h"

static struct pf_stats card(struct sim *s)
{
	struct pf_stats st;

	pf_stats(s->pf, &st);
	return st;
}

static struct pf_stats of_vf(struct sim *s, unsigned int vf)
{
	struct pf_stats st;

	assert_int_equal(pf_vf_stats(s->pf, vf, &st), 0);
	return st;
}

static void test_read_to_clear_counters_are_summed(void **state)
{
	struct sim *s = *state;

	for (int i = 0; i < 3; i++) {
		sim_put(s, IGB_GPRC, 0xffffffff);
		sim_put(s, IGB_GPTC, 2);
		sim_put(s, IGB_GORCL, 0xfffffff0);
		sim_put(s, IGB_GORCH, 1);
		sim_put(s, IGB_GOTCL, 5);
		sim_put(s, IGB_MPRC, 7);
		sim_put(s, IGB_BPRC, 8);
		sim_put(s, IGB_MPC, 1);
		(void)card(s);
	}
	assert_int_equal(card(s).rx_packets, 3 * 0xffffffffull);
	assert_int_equal(card(s).tx_packets, 6);
	assert_int_equal(card(s).rx_bytes, 3 * 0x1fffffff0ull);
	assert_int_equal(card(s).tx_bytes, 15);
	assert_int_equal(card(s).rx_multicast, 21);
	assert_int_equal(card(s).rx_broadcast, 24);
	assert_int_equal(card(s).rx_dropped, 3);
}

static void test_vf_counters_survive_their_wrap(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_PVFGORC(2), 0xffffff00);
	assert_int_equal(of_vf(s, 2).rx_bytes, 0xffffff00);
	sim_put(s, IGB_PVFGORC(2), 0x100);
	assert_int_equal(of_vf(s, 2).rx_bytes, 0x100000100ull);
	assert_int_equal(of_vf(s, 2).rx_bytes, 0x100000100ull);
}

static void test_vf_counters_are_told_apart(void **state)
{
	struct sim *s = *state;
	struct pf_stats st;

	sim_put(s, IGB_PVFGPRC(1), 1);
	sim_put(s, IGB_PVFGPTC(1), 2);
	sim_put(s, IGB_PVFGORC(1), 3);
	sim_put(s, IGB_PVFGOTC(1), 4);
	sim_put(s, IGB_PVFMPRC(1), 5);
	sim_put(s, IGB_RXQ(1) + IGB_RQDPC, 6);
	sim_put(s, IGB_RXQ(9) + IGB_RQDPC, 10);
	st = of_vf(s, 1);
	assert_int_equal(st.rx_packets, 1);
	assert_int_equal(st.tx_packets, 2);
	assert_int_equal(st.rx_bytes, 3);
	assert_int_equal(st.tx_bytes, 4);
	assert_int_equal(st.rx_multicast, 5);
	assert_int_equal(st.rx_dropped, 16);
	assert_int_equal(card(s).rx_dropped, 16);
	assert_int_equal(of_vf(s, 0).rx_packets + of_vf(s, 2).rx_packets, 0);
}

static void test_counters_go_on_over_a_reset(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_GPRC, 10);
	sim_put(s, IGB_PVFGPRC(0), 1000);
	assert_int_equal(of_vf(s, 0).rx_packets, 1000);
	sim_put(s, IGB_PVFGPRC(0), 1500); /* not read before the reset */
	assert_int_equal(pf_reset(s->pf), 0);
	assert_int_equal(of_vf(s, 0).rx_packets, 1500);
	assert_int_equal(card(s).rx_packets, 10);
	sim_put(s, IGB_PVFGPRC(0), 7);
	sim_put(s, IGB_GPRC, 5);
	assert_int_equal(of_vf(s, 0).rx_packets, 1507);
	assert_int_equal(card(s).rx_packets, 15);
}

static void test_counters_go_on_over_stop_and_start(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_PVFGPTC(3), 20);
	sim_put(s, IGB_GPTC, 30);
	pf_stop(s->pf);
	assert_int_equal(of_vf(s, 3).tx_packets, 20);
	assert_int_equal(card(s).tx_packets, 30);
	assert_int_equal(pf_start(s->pf), 0);
	sim_put(s, IGB_PVFGPTC(3), 1);
	assert_int_equal(of_vf(s, 3).tx_packets, 21);
	assert_int_equal(card(s).tx_packets, 30);
}

static void test_service_reads_counters_once_a_second(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_PVFGORC(0), 0xf0000000);
	s->dev->now_us += 1000000;
	sim_serve(s);
	sim_put(s, IGB_PVFGORC(0), 0xe0000000); /* most of a whole turn in the next second */
	s->dev->now_us += 1000000;
	sim_serve(s);
	sim_put(s, IGB_PVFGORC(0), 0xd0000000);
	assert_int_equal(of_vf(s, 0).rx_bytes, 0x2d0000000ull);
}

static void test_flr_of_a_vf_leaves_its_counters(void **state)
{
	struct sim *s = *state;

	sim_put(s, IGB_PVFGPRC(0), 9);
	sim_put(s, IGB_VFLRE, BIT(0));
	sim_serve(s);
	assert_int_equal(of_vf(s, 0).rx_packets, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(test_read_to_clear_counters_are_summed),
		sim_test(test_vf_counters_survive_their_wrap),
		sim_test(test_vf_counters_are_told_apart),
		sim_test(test_counters_go_on_over_a_reset),
		sim_test(test_counters_go_on_over_stop_and_start),
		sim_test(test_service_reads_counters_once_a_second),
		sim_test(test_flr_of_a_vf_leaves_its_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
