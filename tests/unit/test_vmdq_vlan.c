/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VLANs and port VLANs: shared entries and bits stay as long as anyone wants them. */
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

static bool vfta(const struct fixture *f, unsigned int vid)
{
	return reg(f, 0x5600 + 4 * (vid / 32)) >> vid % 32 & 1;
}

/* The pools of the valid VLVF entry of @vid; there is one at most. */
static unsigned int pools(const struct fixture *f, unsigned int vid)
{
	unsigned int found = 0, mask = 0;

	for (unsigned int i = 0; i < 32; i++) {
		uint32_t e = reg(f, 0x5d00 + 4 * i);

		if ((e & 0x80000fff) == (0x80000000 | vid)) {
			mask = e >> 12 & 0xff;
			found++;
		}
	}
	assert_true(found <= 1);
	assert_int_equal(vfta(f, vid), found);
	return mask;
}

static int add(struct fixture *f, unsigned int pool, unsigned int vid)
{
	return vmdq_vlan_add(&f->v, pool, VMDQ_GUEST, vid);
}

static int del(struct fixture *f, unsigned int pool, unsigned int vid)
{
	return vmdq_vlan_del(&f->v, pool, VMDQ_GUEST, vid);
}

static void test_add_opens_vlvf_then_vfta(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 2, 100), 0);
	assert_int_equal(f->dev->nlog, 2);
	assert_int_equal(f->dev->log[0].reg, 0x5d00);
	assert_int_equal(f->dev->log[0].val, 0x80000000 | 1u << (12 + 2) | 100);
	assert_int_equal(f->dev->log[1].reg, 0x5600 + 4 * 3);
	assert_int_equal(f->dev->log[1].val, 1u << 4);
	assert_true(vmdq_vlan_has(&f->v, 2, 100));
	assert_false(vmdq_vlan_has(&f->v, 1, 100));
	assert_false(vmdq_vlan_has(&f->v, 2, 101));
}

static void test_last_delete_closes_vfta_then_vlvf(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 2, 100), 0);
	fake_log_clear(f->dev);
	assert_int_equal(del(f, 2, 100), 0);
	assert_int_equal(f->dev->nlog, 2);
	assert_int_equal(f->dev->log[0].reg, 0x5600 + 4 * 3);
	assert_int_equal(f->dev->log[0].val, 0);
	assert_int_equal(f->dev->log[1].reg, 0x5d00);
	assert_int_equal(f->dev->log[1].val, 0);
}

static void test_sharer_leaves_vfta_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 2, 100), 0);
	fake_log_clear(f->dev);
	assert_int_equal(add(f, 3, 100), 0);
	assert_int_equal(pools(f, 100), 0x0c);
	assert_int_equal(del(f, 2, 100), 0);
	assert_int_equal(pools(f, 100), 0x08);
	assert_int_equal(fake_log_find(f->dev, IGB_VFTA(3), 0), -1);
}

static void test_word_mates_keep_their_bits(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 0, 96), 0);
	assert_int_equal(add(f, 1, 127), 0);
	assert_int_equal(del(f, 0, 96), 0);
	assert_int_equal(pools(f, 96), 0);
	assert_int_equal(pools(f, 127), 0x02);
}

/* Three pools and an administrator's hold on one VLAN, released in all 24 orders. */
static void test_every_order_of_removal_keeps_the_others(void **state)
{
	struct fixture *f = *state;
	static const struct {
		unsigned int pool;
		enum vmdq_owner who;
	} hold[4] = {{0, VMDQ_GUEST}, {3, VMDQ_GUEST}, {6, VMDQ_GUEST}, {3, VMDQ_ADMIN}};

	for (unsigned int n = 0; n < 256; n++) {
		unsigned int order[4] = {n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6}, left = 15, want;

		if ((1u << order[0] | 1u << order[1] | 1u << order[2] | 1u << order[3]) != 15)
			continue;
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(vmdq_vlan_add(&f->v, hold[i].pool, hold[i].who, 50), 0);
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int h = order[i];

			assert_int_equal(vmdq_vlan_del(&f->v, hold[h].pool, hold[h].who, 50), 0);
			left &= ~(1u << h);
			want = 0;
			for (unsigned int k = 0; k < 4; k++)
				if (left >> k & 1)
					want |= 1u << hold[k].pool;
			assert_int_equal(pools(f, 50), want);
		}
	}
}

static void test_delete_by_another_owner_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_ADMIN, 9), 0);
	fake_log_clear(f->dev);
	assert_int_equal(del(f, 1, 9), 0);
	assert_int_equal(del(f, 2, 9), 0);
	assert_int_equal(del(f, 2, 10), 0);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(pools(f, 9), 0x02);
}

static void test_vid_zero_needs_no_entry(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 0), 0);
	assert_int_equal(del(f, 1, 0), 0);
	assert_false(vmdq_vlan_has(&f->v, 1, 0));
	assert_int_equal(f->dev->nlog, 0);
}

static void test_bad_arguments_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 8, 1), -EINVAL);
	assert_int_equal(add(f, 0, 4095), -EINVAL);
	assert_int_equal(del(f, 8, 1), -EINVAL);
	assert_int_equal(del(f, 0, 4095), -EINVAL);
	assert_int_equal(vmdq_vlan_add(&f->v, 0, VMDQ_OWNERS, 1), -EINVAL);
	assert_int_equal(vmdq_vlan_del(&f->v, 0, VMDQ_OWNERS, 1), -EINVAL);
	assert_int_equal(vmdq_port_vlan(&f->v, 8, 1, 0), -EINVAL);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 4095, 0), -EINVAL);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 1, 8), -EINVAL);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 0, 1), -EINVAL);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(add(f, 0, 4094), 0);
	assert_int_equal(pools(f, 4094), 1);
}

static void fill(struct fixture *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(add(f, i % 7, 1000 + i), 0);
}

static void test_exhaustion_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct vmdq was;

	fill(f, VMDQ_VLANS);
	fake_log_clear(f->dev);
	was = f->v;
	assert_int_equal(add(f, 0, 5), -ENOSPC);
	assert_int_equal(vmdq_vlan_add(&f->v, 7, VMDQ_ADMIN, 5), -ENOSPC);
	assert_int_equal(vmdq_port_vlan(&f->v, 3, 5, 2), -ENOSPC);
	assert_int_equal(f->dev->nlog, 0);
	assert_memory_equal(&was, &f->v, sizeof(was));
	assert_int_equal(add(f, 5, 1000), 0); /* an entry that is there can still be shared */
	assert_int_equal(pools(f, 1000), 0x21);
}

static void test_freed_entry_serves_another_vlan(void **state)
{
	struct fixture *f = *state;

	fill(f, VMDQ_VLANS);
	assert_int_equal(del(f, 3, 1010), 0);
	assert_int_equal(add(f, 6, 5), 0);
	assert_int_equal(pools(f, 1010), 0);
	assert_int_equal(pools(f, 5), 0x40);
}

static void test_port_vlan_sets_tag_filter_and_strip(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_port_vlan(&f->v, 2, 300, 5), 0);
	assert_int_equal(reg(f, 0x3708), 1u << 30 | 5u << 13 | 300);
	assert_int_equal(pools(f, 300), 0x04);
	assert_false(reg(f, IGB_VMOLR(2)) & IGB_VMOLR_AUPE);
	assert_true(reg(f, IGB_VMOLR(2)) & IGB_VMOLR_STRVLAN);
	assert_true(reg(f, IGB_VMOLR(3)) & IGB_VMOLR_AUPE);
	assert_true(vmdq_vlan_has(&f->v, 2, 300));

	assert_int_equal(vmdq_port_vlan(&f->v, 2, 0, 0), 0);
	assert_int_equal(reg(f, 0x3708), 0);
	assert_int_equal(pools(f, 300), 0);
	assert_true(reg(f, IGB_VMOLR(2)) & IGB_VMOLR_AUPE);
	assert_false(reg(f, IGB_VMOLR(2)) & IGB_VMOLR_STRVLAN);
	assert_false(vmdq_vlan_has(&f->v, 2, 300));
}

static void test_port_vlan_shuts_untagged_out_before_it_opens(void **state)
{
	struct fixture *f = *state;
	long vmvir, vmolr, vlvf, bit;

	assert_int_equal(vmdq_port_vlan(&f->v, 2, 300, 0), 0);
	vmvir = fake_log_find(f->dev, IGB_VMVIR(2), 0);
	vmolr = fake_log_find(f->dev, IGB_VMOLR(2), 0);
	vlvf = fake_log_find(f->dev, IGB_VLVF(0), 0);
	bit = fake_log_find(f->dev, IGB_VFTA(300 / 32), 0);
	assert_true(0 <= vmvir && vmvir < vlvf && 0 <= vmolr && vmolr < vlvf && vlvf < bit);

	/* And the other way: the tag is stripped until no frame with it can come. */
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 0, 0), 0);
	vmolr = fake_log_find(f->dev, IGB_VMOLR(2), 0);
	vlvf = fake_log_find(f->dev, IGB_VLVF(0), 0);
	bit = fake_log_find(f->dev, IGB_VFTA(300 / 32), 0);
	assert_true(0 <= bit && bit < vlvf && vlvf < vmolr);
}

static void test_port_vlan_puts_other_vlans_aside(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 10), 0);
	assert_int_equal(add(f, 2, 10), 0);
	assert_int_equal(vmdq_vlan_add(&f->v, 1, VMDQ_ADMIN, 11), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 20, 0), 0);
	assert_int_equal(pools(f, 10), 0x04);
	assert_int_equal(pools(f, 11), 0);
	assert_int_equal(pools(f, 20), 0x02);

	/* What is asked for meanwhile waits too, and what is taken back is gone. */
	assert_int_equal(add(f, 1, 12), 0);
	assert_int_equal(pools(f, 12), 0);
	assert_int_equal(del(f, 1, 20), 0);
	assert_int_equal(pools(f, 20), 0x02);
	assert_int_equal(vmdq_vlan_del(&f->v, 1, VMDQ_ADMIN, 11), 0);

	assert_int_equal(vmdq_port_vlan(&f->v, 1, 0, 0), 0);
	assert_int_equal(pools(f, 10), 0x06);
	assert_int_equal(pools(f, 11), 0);
	assert_int_equal(pools(f, 12), 0x02);
	assert_int_equal(pools(f, 20), 0);
}

static void test_end_of_port_vlan_never_lacks_an_entry(void **state)
{
	struct fixture *f = *state;

	fill(f, VMDQ_VLANS - 1);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 5, 0), 0);
	assert_int_equal(pools(f, 1000), 0);
	assert_int_equal(add(f, 1, 6), -ENOSPC);
	assert_int_equal(vmdq_port_vlan(&f->v, 0, 0, 0), 0);
	assert_int_equal(pools(f, 1000), 0x01);
}

static void test_port_vlan_change_reuses_its_entry(void **state)
{
	struct fixture *f = *state;

	fill(f, VMDQ_VLANS - 1);
	assert_int_equal(vmdq_port_vlan(&f->v, 6, 5, 0), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 6, 6, 1), 0);
	assert_int_equal(pools(f, 5), 0);
	assert_int_equal(pools(f, 6), 0x40);
	assert_int_equal(reg(f, IGB_VMVIR(6)), 1u << 30 | 1u << 13 | 6);
	/* Shared with another pool it is not there to be reused. */
	assert_int_equal(add(f, 5, 6), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 6, 7, 0), -ENOSPC);
	assert_int_equal(pools(f, 6), 0x60);
}

static void test_port_vlan_of_the_guests_own_vlan_gives_it_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 10), 0);
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 10, 0), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 0, 0), 0);
	assert_int_equal(pools(f, 10), 0x02);
	assert_int_equal(fake_log_find(f->dev, IGB_VLVF(0), 0), -1);
}

static void test_port_vlan_shared_by_pools_ends_for_one(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_port_vlan(&f->v, 1, 10, 0), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 2, 10, 0), 0);
	assert_int_equal(pools(f, 10), 0x06);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 0, 0), 0);
	assert_int_equal(pools(f, 10), 0x04);
}

static void test_port_priority_change_writes_the_tag_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_port_vlan(&f->v, 1, 10, 0), 0);
	fake_log_clear(f->dev);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 10, 7), 0);
	assert_int_equal(f->dev->nlog, 1);
	assert_int_equal(reg(f, IGB_VMVIR(1)), 1u << 30 | 7u << 13 | 10);
	assert_int_equal(vmdq_port_vlan(&f->v, 1, 10, 7), 0);
	assert_int_equal(f->dev->nlog, 1);
}

static void test_wanted_counts_what_a_set_of_guests_would_hold(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vmdq_vlan_wanted(&f->v, 0xff, 5), 1);
	assert_int_equal(add(f, 1, 5), 0);
	assert_int_equal(add(f, 2, 5), 0);
	assert_int_equal(add(f, 2, 6), 0);
	assert_int_equal(vmdq_port_vlan(&f->v, 3, 7, 0), 0);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 0xff, 5), 2);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 0xff, 8), 3);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 1 << 1, 6), 2);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 1 << 1, 5), 1);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 1 << 3, 8), 1);
	assert_int_equal(vmdq_vlan_add(&f->v, 4, VMDQ_ADMIN, 9), 0);
	assert_int_equal(vmdq_vlan_wanted(&f->v, 1 << 3, 8), 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_add_opens_vlvf_then_vfta),
		T(test_last_delete_closes_vfta_then_vlvf),
		T(test_sharer_leaves_vfta_alone),
		T(test_word_mates_keep_their_bits),
		T(test_every_order_of_removal_keeps_the_others),
		T(test_delete_by_another_owner_changes_nothing),
		T(test_vid_zero_needs_no_entry),
		T(test_bad_arguments_are_refused),
		T(test_exhaustion_changes_nothing),
		T(test_freed_entry_serves_another_vlan),
		T(test_wanted_counts_what_a_set_of_guests_would_hold),
		T(test_port_vlan_sets_tag_filter_and_strip),
		T(test_port_vlan_shuts_untagged_out_before_it_opens),
		T(test_port_vlan_puts_other_vlans_aside),
		T(test_end_of_port_vlan_never_lacks_an_entry),
		T(test_port_vlan_change_reuses_its_entry),
		T(test_port_vlan_of_the_guests_own_vlan_gives_it_back),
		T(test_port_vlan_shared_by_pools_ends_for_one),
		T(test_port_priority_change_writes_the_tag_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmdq_vlan", tests, NULL, NULL);
}
