/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Counters of each VF agree with what was sent, and go on over resets. */
#include "rig.h"

#include <stdlib.h>

#include "hw/igb.h"

#define VFS  3
#define P(n) BIT(n)
#define CRC  4 /* the card counts it */

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

static struct pf_stats of(unsigned int vf)
{
	struct pf_stats st;

	assert_int_equal(pf_vf_stats(r->pf, vf, &st), 0);
	return st;
}

struct delta {
	struct pf_stats a[VFS];
	struct vf_stats v[VFS];
};

static void mark(struct delta *d)
{
	rig_settle(r);
	for (unsigned int i = 0; i < VFS; i++) {
		d->a[i] = of(i);
		vf_stats(r->vf[i], &d->v[i]);
	}
}

static void grew(const struct delta *d, unsigned int vf, uint64_t rx, uint64_t rx_bytes,
		 uint64_t tx, uint64_t tx_bytes)
{
	struct pf_stats now = of(vf);

	assert_int_equal(now.rx_packets - d->a[vf].rx_packets, rx);
	assert_int_equal(now.rx_bytes - d->a[vf].rx_bytes, rx_bytes);
	assert_int_equal(now.tx_packets - d->a[vf].tx_packets, tx);
	assert_int_equal(now.tx_bytes - d->a[vf].tx_bytes, tx_bytes);
}

static void test_switch_counts_at_both_ends(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 321, .len = 200};
	struct delta d;

	(void)state;
	mark(&d);
	rig_check(r, &t, P(1));
	grew(&d, 0, 0, 0, 321, 321 * (200 + CRC));
	grew(&d, 1, 321, 321 * (200 + CRC), 0, 0);
	grew(&d, 2, 0, 0, 0, 0);
}

static void test_wire_counts_at_one_end(void **state)
{
	const struct rig_tx in = {.from = RIG_WIRE, .to = &r->mac[2], .n = 70, .len = 1514};
	const struct rig_tx out = {.from = 2, .to = &r->mac[RIG_WIRE], .n = 30, .len = 60};
	struct delta d;

	(void)state;
	mark(&d);
	rig_check(r, &in, P(2));
	rig_check(r, &out, P(RIG_WIRE));
	grew(&d, 2, 70, 70 * (1514 + CRC), 30, 30 * (60 + CRC));
	grew(&d, 0, 0, 0, 0, 0);
	grew(&d, 1, 0, 0, 0, 0);
}

static void test_driver_agrees_with_the_card(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 500, .len = 100};
	struct vf_stats s[2];
	struct delta d;

	(void)state;
	mark(&d);
	rig_check(r, &t, P(1));
	vf_stats(r->vf[0], &s[0]);
	vf_stats(r->vf[1], &s[1]);
	assert_int_equal(s[0].tx[0].packets - d.v[0].tx[0].packets,
			 of(0).tx_packets - d.a[0].tx_packets);
	assert_int_equal(s[0].tx[0].bytes - d.v[0].tx[0].bytes, 500 * 100);
	assert_int_equal(s[1].rx[0].packets - d.v[1].rx[0].packets,
			 of(1).rx_packets - d.a[1].rx_packets);
	assert_int_equal(s[1].rx[0].bytes - d.v[1].rx[0].bytes, 500 * 100);
	/* A VF's own registers are the same counters. */
	assert_int_equal(os_rd32(qemu_func(r->q, 1), IGB_VF_GPRC),
			 os_rd32(qemu_func(r->q, -1), IGB_PVFGPRC(1)));
}

static void test_multicast_is_counted(void **state)
{
	const struct mac group = {{1, 0, 0x5e, 0, 0, 7}};
	const struct rig_tx t = {.from = RIG_WIRE, .to = &group, .n = 9};
	struct pf_stats a = of(0);

	(void)state;
	assert_int_equal(vf_multicast_set(r->vf[0], &group, 1), 0);
	rig_settle(r);
	rig_send(r, &t);
	rig_settle(r);
	assert_int_equal(of(0).rx_multicast - a.rx_multicast, 9);
	assert_int_equal(of(0).rx_packets - a.rx_packets, 9);
}

static void test_counters_go_on_over_resets(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 40, .len = 100};
	struct delta d;

	(void)state;
	mark(&d);
	rig_check(r, &t, P(1));
	assert_int_equal(vf_reset(r->vf[0]), 0);
	rig_check(r, &t, P(1));
	assert_int_equal(qemu_flr(r->q, 1), 0);
	rig_serve(r);
	assert_int_equal(vf_reset(r->vf[1]), 0);
	rig_check(r, &t, P(1));
	grew(&d, 0, 0, 0, 120, 120 * (100 + CRC));
	grew(&d, 1, 120, 120 * (100 + CRC), 0, 0);
	/* A reset of the PF clears the card's registers, not the count. */
	assert_int_equal(pf_reset(r->pf), 0);
	grew(&d, 0, 0, 0, 120, 120 * (100 + CRC));
	grew(&d, 1, 120, 120 * (100 + CRC), 0, 0);
}

/* After a PF reset the link is negotiated anew; the switch does not wait for it, the wire does. */
static void test_counters_go_on_after_a_pf_reset(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 40, .len = 100};
	struct os_dev *dev = qemu_func(r->q, -1);
	struct delta d;

	(void)state;
	for (int i = 0; i < 5000 && !(os_rd32(dev, IGB_STATUS) & IGB_STATUS_LU); i++)
		os_delay_us(dev, 1000);
	mark(&d);
	rig_check(r, &t, P(1));
	grew(&d, 0, 0, 0, 40, 40 * (100 + CRC));
	grew(&d, 1, 40, 40 * (100 + CRC), 0, 0);
}

static void test_scrub_starts_at_zero(void **state)
{
	const struct rig_tx t = {.from = 0, .to = &r->mac[1], .n = 15, .len = 100};
	struct delta d;
	uint32_t reg;

	(void)state;
	mark(&d);
	assert_true(d.a[0].tx_packets > 0);
	vf_stop(r->vf[0]);
	rig_serve(r);
	assert_int_equal(pf_vf_scrub(r->pf, 0, &reg), 0);
	assert_int_equal(of(0).tx_packets | of(0).rx_packets | of(0).tx_bytes | of(0).rx_bytes, 0);
	grew(&d, 1, 0, 0, 0, 0);
	assert_int_equal(vf_reset(r->vf[0]), 0);
	rig_check(r, &t, P(1));
	assert_int_equal(of(0).tx_packets, 15);
	assert_int_equal(of(0).tx_bytes, 15 * (100 + CRC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_switch_counts_at_both_ends, each_start),
		cmocka_unit_test_setup(test_wire_counts_at_one_end, each_start),
		cmocka_unit_test_setup(test_driver_agrees_with_the_card, each_start),
		cmocka_unit_test_setup(test_multicast_is_counted, each_start),
		cmocka_unit_test_setup(test_counters_go_on_over_resets, each_start),
		cmocka_unit_test_setup(test_counters_go_on_after_a_pf_reset, each_start),
		cmocka_unit_test_setup(test_scrub_starts_at_zero, each_start),
	};

	return cmocka_run_group_tests_name("stats", tests, group_start, group_stop);
}
