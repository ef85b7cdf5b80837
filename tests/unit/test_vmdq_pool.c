/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a pool accepts, the hash tables, the switch's bits, and a pool's way back to nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "drv/vmdq.h"
#include "fake_os.h"
#include "hw/igb.h"

struct fixture {
	struct os_dev *dev;
	struct vmdq v;
};

static int setup(void **state)
{
	static struct fixture f;

	f.dev = fake_new();
	assert_int_equal(vmdq_init(&f.v, f.dev, 7), 0);
	assert_int_equal(f.dev->nlog, 0);
	vmdq_restore(&f.v);
	fake_log_clear(f.dev);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_free(f->dev);
	return 0;
}

static uint32_t reg(const struct fixture *f, uint32_t off)
{
	return f->dev->reg[off / 4];
}

static bool mta(const struct fixture *f, unsigned int hash)
{
	return reg(f, 0x5200 + 4 * (hash / 32)) >> hash % 32 & 1;
}

static void test_restore_of_an_empty_table(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reg(f, IGB_VT_CTL), 7u << 7 | 1u << 30);
	assert_int_equal(reg(f, IGB_MRQC), 3);
	assert_int_equal(reg(f, IGB_DTXSWC), 1u << 31);
	assert_int_equal(reg(f, IGB_RPLOLR), 3u << 30);
	for (unsigned int p = 0; p < 8; p++)
		assert_int_equal(reg(f, IGB_VMOLR(p)), 1u << 31 | 1u << 27 | 1u << 24 | 1518);
}

static void test_init_refuses_a_ninth_pool(void **state)
{
	struct fixture *f = *state;
	struct vmdq v;

	assert_int_equal(vmdq_init(&v, f->dev, 8), -EINVAL);
	assert_int_equal(vmdq_init(&v, f->dev, 0), 0);
}

static void test_accept_sets_one_bit_each(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t accept, vmolr;
	} row[] = {
		{VMDQ_BROADCAST, 1u << 27},
		{VMDQ_UNTAGGED, 1u << 24},
		{VMDQ_MC_HASH, 1u << 25},
		{VMDQ_MC_ALL, 1u << 28},
		{VMDQ_UC_HASH, 1u << 26},
		{VMDQ_VLAN_STRIP, 1u << 30},
		{0, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(vmdq_accept(&f->v, 4, row[i].accept), 0);
		assert_int_equal(reg(f, IGB_VMOLR(4)), 1u << 31 | 1518 | row[i].vmolr);
	}
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_accept(&f->v, 4, 1 << 6), -EINVAL);
	assert_int_equal(vmdq_accept(&f->v, 8, 0), -EINVAL);
	assert_int_equal(f->dev->nlog, 0);
}

static void test_unicast_table_is_full_while_any_pool_wants_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_accept(&f->v, 1, VMDQ_UC_HASH), 0);
	for (unsigned int i = 0; i < 128; i++)
		assert_int_equal(reg(f, 0xa000 + 4 * i), UINT32_MAX);
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_accept(&f->v, 2, VMDQ_UC_HASH), 0);
	assert_int_equal(vmdq_accept(&f->v, 1, 0), 0);
	assert_int_equal(fake_log_find(f->dev, IGB_UTA(0), 0), -1);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 2), 0);
	for (unsigned int i = 0; i < 128; i++)
		assert_int_equal(reg(f, 0xa000 + 4 * i), 0);
}

static uint32_t no_uta_read(struct os_dev *dev, uint32_t off, uint32_t val)
{
	(void)dev;
	assert_false(off >= IGB_UTA(0) && off <= IGB_UTA(127));
	return val;
}

static void test_unicast_table_is_never_read(void **state)
{
	struct fixture *f = *state;

	f->dev->on_read = no_uta_read;
	assert_int_equal(vmdq_accept(&f->v, 1, VMDQ_UC_HASH), 0);
	vmdq_restore(&f->v);
	assert_int_equal(reg(f, IGB_UTA(64)), UINT32_MAX);
	assert_int_equal(vmdq_pool_clear(&f->v, 1), 0);
	assert_int_equal(reg(f, IGB_UTA(64)), 0);
}

static void test_frame_max_limits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_frame_max(&f->v, 0, 63), -EINVAL);
	assert_int_equal(vmdq_frame_max(&f->v, 0, 9729), -EINVAL);
	assert_int_equal(vmdq_frame_max(&f->v, 8, 1518), -EINVAL);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(vmdq_frame_max(&f->v, 0, 64), 0);
	assert_int_equal(reg(f, IGB_VMOLR(0)) & 0x13fff, 1u << 16 | 64);
	assert_int_equal(vmdq_frame_max(&f->v, 0, 9728), 0);
	assert_int_equal(reg(f, IGB_VMOLR(0)) & 0x13fff, 1u << 16 | 9728);
	assert_int_equal(vmdq_frame_max(&f->v, 0, 1518), 0);
	assert_int_equal(reg(f, IGB_VMOLR(0)) & 0x13fff, 1518);
}

static void test_frame_max_makes_room_for_the_port_tag(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_frame_max(&f->v, 0, 9000), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 5, 0), 0);
	assert_int_equal(reg(f, IGB_VMOLR(0)) & 0x13fff, 1u << 16 | 9004);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 0, 0), 0);
	assert_int_equal(reg(f, IGB_VMOLR(0)) & 0x13fff, 1u << 16 | 9000);
}

static void test_spoof_and_loopback_share_a_register(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_spoof_check(&f->v, 0, true, true), 0);
	assert_int_equal(vmdq_spoof_check(&f->v, 3, true, false), 0);
	assert_int_equal(reg(f, IGB_DTXSWC), 1u << 31 | 0x0109);
	vmdq_loopback(&f->v, false);
	assert_int_equal(reg(f, IGB_DTXSWC), 0x0109);
	assert_int_equal(vmdq_spoof_check(&f->v, 0, false, false), 0);
	assert_int_equal(reg(f, IGB_DTXSWC), 0x0008);
	vmdq_loopback(&f->v, true);
	assert_int_equal(reg(f, IGB_DTXSWC), 1u << 31 | 0x0008);
	assert_int_equal(vmdq_spoof_check(&f->v, 8, true, true), -EINVAL);
}

/* The example of the datasheet's MO table: 01:aa:00:12:34:56 hashes to 0x563. */
static void test_hash_is_bits_47_to_36(void **state)
{
	struct mac m = {{0x01, 0xaa, 0x00, 0x12, 0x34, 0x56}};

	(void)state;
	assert_int_equal(vmdq_mc_hash(&m), 0x563);
	memset(&m, 0xff, sizeof(m));
	assert_int_equal(vmdq_mc_hash(&m), 0xfff);
}

static void test_multicast_bit_stays_while_any_pool_holds_it(void **state)
{
	struct fixture *f = *state;
	static const uint16_t a[] = {0, 33, 4095, 33}, b[] = {33, 34};

	assert_int_equal(vmdq_mc_set(&f->v, 0, a, 4), 0);
	assert_int_equal(vmdq_mc_set(&f->v, 1, b, 2), 0);
	assert_true(mta(f, 0) && mta(f, 33) && mta(f, 34) && mta(f, 4095));
	assert_int_equal(vmdq_mc_set(&f->v, 0, NULL, 0), 0);
	assert_true(!mta(f, 0) && mta(f, 33) && mta(f, 34) && !mta(f, 4095));
	assert_int_equal(vmdq_mc_set(&f->v, 1, a, 1), 0);
	assert_true(mta(f, 0) && !mta(f, 33) && !mta(f, 34));
}

static void test_multicast_replace_writes_changed_words_once(void **state)
{
	struct fixture *f = *state;
	static const uint16_t a[] = {1, 2, 100}, b[] = {1, 3, 100};

	assert_int_equal(vmdq_mc_set(&f->v, 0, a, 3), 0);
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_mc_set(&f->v, 0, b, 3), 0);
	assert_int_equal(f->dev->nlog, 1);
	assert_int_equal(f->dev->log[0].val, 1u << 1 | 1u << 3);
}

static void test_multicast_bad_hash_changes_nothing(void **state)
{
	struct fixture *f = *state;
	static const uint16_t a[] = {5, 4096};

	assert_int_equal(vmdq_mc_set(&f->v, 0, a, 2), -EINVAL);
	assert_int_equal(vmdq_mc_set(&f->v, 8, a, 1), -EINVAL);
	assert_int_equal(vmdq_mc_set(&f->v, 0, a, VMDQ_HASHES + 1), -EINVAL);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(f->v.mc_owners[5], 0);
}

/* Pools 2 and 3 with all that a pool can have, shared where it can be. */
static void populate(struct fixture *f)
{
	static const uint16_t h[] = {7, 8};

	for (unsigned int p = 2; p < 4; p++) {
		struct mac m = {{2, 0, 0, 0, 0, (uint8_t)p}};

		assert_int_equal(vmdq_mac_add(&f->v, p, &m), 0);
		assert_int_equal(vmdq_vlan_add(&f->v, p, VMDQ_GUEST, 40), 0);
		assert_int_equal(vmdq_vlan_add(&f->v, p, VMDQ_ADMIN, 41), 0);
		assert_int_equal(vmdq_mc_set(&f->v, p, h, 2), 0);
		assert_int_equal(vmdq_accept(&f->v, p, 0x3f), 0);
		assert_int_equal(vmdq_frame_max(&f->v, p, 4000), 0);
		assert_int_equal(vmdq_spoof_check(&f->v, p, true, true), 0);
	}
}

static void test_forget_guest_keeps_policy_and_addresses(void **state)
{
	struct fixture *f = *state;
	struct mac m = {{2, 0, 0, 0, 0, 2}};

	populate(f);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 2), 0);
	assert_int_equal(vmdq_mac_owner(&f->v, &m), 2);
	assert_false(vmdq_vlan_has(&f->v, 2, 40));
	assert_true(vmdq_vlan_has(&f->v, 2, 41));
	assert_true(vmdq_vlan_has(&f->v, 3, 40));
	assert_true(mta(f, 7) && mta(f, 8));
	assert_int_equal(reg(f, IGB_VMOLR(2)), 1u << 31 | 1u << 30 | 1u << 27 | 1u << 24 | 1518);
	assert_int_equal(reg(f, IGB_UTA(0)), UINT32_MAX);
	assert_int_equal(reg(f, IGB_DTXSWC), 1u << 31 | 0x0c0c);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 8), -EINVAL);
}

static void test_forget_guest_keeps_the_port_vlan(void **state)
{
	struct fixture *f = *state;

	populate(f);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 50, 3), 0);
	assert_int_equal(vmdq_pool_forget_guest(&f->v, 2), 0);
	assert_int_equal(reg(f, IGB_VMVIR(2)), 1u << 30 | 3u << 13 | 50);
	assert_true(vmdq_vlan_has(&f->v, 2, 50));
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 0, 0), 0);
	assert_false(vmdq_vlan_has(&f->v, 2, 40));
}

static void test_clear_is_proved_by_reading_back(void **state)
{
	struct fixture *f = *state;
	uint32_t off = 0;

	populate(f);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 50, 3), 0);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 2, &off), -EBUSY);
	assert_int_equal(off, IGB_RAH(0));
	assert_int_equal(vmdq_pool_clear(&f->v, 2), 0);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 2, &off), 0);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 3, NULL), -EBUSY);
	assert_int_equal(reg(f, IGB_VMOLR(2)), 1u << 31 | 1u << 27 | 1u << 24 | 1518);
	assert_int_equal(reg(f, IGB_DTXSWC), 1u << 31 | 0x0808);
	assert_true(mta(f, 7) && mta(f, 8));
	assert_true(vmdq_vlan_has(&f->v, 3, 40) && vmdq_vlan_has(&f->v, 3, 41));
	assert_int_equal(vmdq_pool_clear(&f->v, 8), -EINVAL);
	assert_int_equal(vmdq_pool_is_clear(&f->v, 8, &off), -EINVAL);
}

/* A register that kept the pool is found, wherever it is. */
static void test_leftover_is_found(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t off, val;
	} left[] = {
		{IGB_RAH(23), 1u << (18 + 5)}, {IGB_VLVF(31), 1u << (12 + 5)}, {IGB_VMVIR(5), 1}};

	for (unsigned int i = 0; i < ARRAY_SIZE(left); i++) {
		uint32_t off = 0;

		f->dev->reg[left[i].off / 4] = left[i].val;
		assert_int_equal(vmdq_pool_is_clear(&f->v, 5, &off), -EBUSY);
		assert_int_equal(off, left[i].off);
		assert_int_equal(vmdq_pool_is_clear(&f->v, 4, &off), 0);
		f->dev->reg[left[i].off / 4] = 0;
	}
}

static void test_both_pools_cleared_leave_the_empty_table(void **state)
{
	struct fixture *f = *state;
	struct vmdq empty = f->v;
	static uint32_t was[FAKE_REGS];

	memcpy(was, f->dev->reg, sizeof(was));
	for (unsigned int first = 2; first < 4; first++) {
		populate(f);
		assert_int_equal(vmdq_pool_clear(&f->v, first), 0);
		assert_int_equal(vmdq_pool_clear(&f->v, 5 - first), 0);
		assert_memory_equal(&empty, &f->v, sizeof(empty));
		assert_memory_equal(was, f->dev->reg, sizeof(was));
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_restore_of_an_empty_table),
		T(test_init_refuses_a_ninth_pool),
		T(test_accept_sets_one_bit_each),
		T(test_unicast_table_is_full_while_any_pool_wants_it),
		T(test_unicast_table_is_never_read),
		T(test_frame_max_limits),
		T(test_frame_max_makes_room_for_the_port_tag),
		T(test_spoof_and_loopback_share_a_register),
		T(test_hash_is_bits_47_to_36),
		T(test_multicast_bit_stays_while_any_pool_holds_it),
		T(test_multicast_replace_writes_changed_words_once),
		T(test_multicast_bad_hash_changes_nothing),
		T(test_forget_guest_keeps_policy_and_addresses),
		T(test_forget_guest_keeps_the_port_vlan),
		T(test_clear_is_proved_by_reading_back),
		T(test_leftover_is_found),
		T(test_both_pools_cleared_leave_the_empty_table),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmdq_pool", tests, NULL, NULL);
}
