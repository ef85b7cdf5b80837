/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The address table: one owner an address, limits, and an entry that is never half valid. */
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

static struct mac addr(unsigned int n)
{
	return (struct mac){{0x02, 0x11, 0x22, 0x33, (uint8_t)(n >> 8), (uint8_t)n}};
}

static int setup(void **state)
{
	static struct fixture f;

	f.dev = fake_new();
	assert_int_equal(vmdq_init(&f.v, f.dev, 7), 0);
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

static int add(struct fixture *f, unsigned int pool, unsigned int n)
{
	struct mac m = addr(n);

	return vmdq_mac_add(&f->v, pool, &m);
}

static int del(struct fixture *f, unsigned int pool, unsigned int n)
{
	struct mac m = addr(n);

	return vmdq_mac_del(&f->v, pool, &m);
}

static int replace(struct fixture *f, unsigned int pool, unsigned int from, unsigned int to)
{
	struct mac a = addr(from), b = addr(to);

	return vmdq_mac_replace(&f->v, pool, &a, &b);
}

static int owner(const struct fixture *f, unsigned int n)
{
	struct mac m = addr(n);

	return vmdq_mac_owner(&f->v, &m);
}

static void test_add_writes_address_and_pool(void **state)
{
	struct fixture *f = *state;
	struct mac m = {{0x02, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5}};

	assert_int_equal(vmdq_mac_add(&f->v, 3, &m), 0);
	assert_int_equal(reg(f, 0x5400), 0xc3b2a102);
	assert_int_equal(reg(f, 0x5404), 0x80000000 | 1u << (18 + 3) | 0xe5d4);
	assert_int_equal(vmdq_mac_owner(&f->v, &m), 3);
	assert_int_equal(vmdq_mac_count(&f->v, 3), 1);
	assert_int_equal(vmdq_mac_count(&f->v, 2), 0);
}

static void test_add_twice_writes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 5), 0);
	fake_log_clear(f->dev);
	assert_int_equal(add(f, 1, 5), 0);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(vmdq_mac_count(&f->v, 1), 1);
}

static void test_add_of_bad_arguments_is_refused(void **state)
{
	struct fixture *f = *state;
	static const struct mac bad[] = {
		{{0}}, {{0x01, 0, 0x5e, 0, 0, 1}}, {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}};
	struct mac good = addr(1);

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(vmdq_mac_add(&f->v, 0, &bad[i]), -EINVAL);
		assert_int_equal(vmdq_mac_del(&f->v, 0, &bad[i]), -EINVAL);
		assert_int_equal(vmdq_mac_replace(&f->v, 0, &good, &bad[i]), -EINVAL);
	}
	assert_int_equal(vmdq_mac_add(&f->v, 8, &good), -EINVAL);
	assert_int_equal(vmdq_mac_del(&f->v, 8, &good), -EINVAL);
	assert_int_equal(vmdq_mac_replace(&f->v, 8, &good, &good), -EINVAL);
	assert_int_equal(f->dev->nlog, 0);
}

static void test_address_of_another_pool_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 5), 0);
	assert_int_equal(add(f, 2, 6), 0);
	fake_log_clear(f->dev);
	assert_int_equal(add(f, 2, 5), -EADDRINUSE);
	assert_int_equal(replace(f, 2, 6, 5), -EADDRINUSE);
	assert_int_equal(del(f, 2, 5), -ENOENT);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(owner(f, 5), 1);
}

static void test_delete_clears_the_registers(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 5), 0);
	assert_int_equal(add(f, 1, 6), 0);
	assert_int_equal(del(f, 1, 5), 0);
	assert_int_equal(reg(f, IGB_RAL(0)), 0);
	assert_int_equal(reg(f, IGB_RAH(0)), 0);
	assert_true(reg(f, IGB_RAH(1)) & IGB_RAH_AV);
	assert_int_equal(owner(f, 5), -ENOENT);
	assert_int_equal(del(f, 1, 5), -ENOENT);
}

static void test_pool_limit_leaves_the_rest_to_others(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < VMDQ_MACS_POOL; i++)
		assert_int_equal(add(f, 0, i), 0);
	fake_log_clear(f->dev);
	assert_int_equal(add(f, 0, i), -ENOSPC);
	assert_int_equal(f->dev->nlog, 0);
	assert_int_equal(add(f, 1, i), 0);
}

static void test_exhaustion_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct vmdq was;
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		assert_int_equal(add(f, i % 8, i), 0);
	assert_true(reg(f, 0x54e0 + 8 * 7 + 4) & IGB_RAH_AV); /* the 24th, in the second bank */
	fake_log_clear(f->dev);
	was = f->v;
	assert_int_equal(add(f, 3, 100), -ENOSPC);
	assert_int_equal(f->dev->nlog, 0);
	assert_memory_equal(&was, &f->v, sizeof(was));
	assert_int_equal(del(f, 5, 5), 0);
	assert_int_equal(add(f, 3, 100), 0);
	assert_int_equal(owner(f, 100), 3);
}

static void test_replace_needs_no_free_entry(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		assert_int_equal(add(f, i % 8, i), 0);
	assert_int_equal(replace(f, 4, 12, 200), 0);
	assert_int_equal(owner(f, 200), 4);
	assert_int_equal(owner(f, 12), -ENOENT);
	assert_int_equal(replace(f, 4, 12, 201), -ENOENT);
	assert_int_equal(replace(f, 4, 200, 200), 0);
}

static void test_replace_by_an_own_address_drops_the_old(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, 1, 5), 0);
	assert_int_equal(add(f, 1, 6), 0);
	assert_int_equal(replace(f, 1, 5, 6), 0);
	assert_int_equal(owner(f, 5), -ENOENT);
	assert_int_equal(owner(f, 6), 1);
	assert_int_equal(vmdq_mac_count(&f->v, 1), 1);
	assert_int_equal(reg(f, IGB_RAH(0)), 0);
}

/* No write to RAL while RAH says that the entry is valid, whatever was in the registers before. */
static uint32_t refuse_ral_while_valid(struct os_dev *dev, uint32_t off, uint32_t val)
{
	for (unsigned int i = 0; i < IGB_RARS; i++)
		if (off == IGB_RAL(i))
			assert_false(dev->reg[IGB_RAH(i) / 4] & IGB_RAH_AV);
	return val;
}

static void test_entry_is_invalid_while_it_changes(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < IGB_RARS; i++)
		f->dev->reg[IGB_RAH(i) / 4] = IGB_RAH_AV;
	f->dev->on_write = refuse_ral_while_valid;
	assert_int_equal(add(f, 0, 1), 0);
	assert_int_equal(replace(f, 0, 1, 2), 0);
	assert_int_equal(del(f, 0, 2), 0);
	assert_int_equal(add(f, 0, 3), 0);
	vmdq_restore(&f->v);
	assert_true(fake_log_find(f->dev, IGB_RAL(0), 0) >= 0);
}

static void test_restore_overwrites_the_address_of_reset(void **state)
{
	struct fixture *f = *state;

	f->dev->reg[IGB_RAL(0) / 4] = 0x12345678;
	f->dev->reg[IGB_RAH(0) / 4] = IGB_RAH_AV | 0x9abc;
	vmdq_restore(&f->v);
	assert_int_equal(reg(f, IGB_RAL(0)), 0);
	assert_int_equal(reg(f, IGB_RAH(0)), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_add_writes_address_and_pool),
		T(test_add_twice_writes_nothing),
		T(test_add_of_bad_arguments_is_refused),
		T(test_address_of_another_pool_is_refused),
		T(test_delete_clears_the_registers),
		T(test_pool_limit_leaves_the_rest_to_others),
		T(test_exhaustion_changes_nothing),
		T(test_replace_needs_no_free_entry),
		T(test_replace_by_an_own_address_drops_the_old),
		T(test_entry_is_invalid_while_it_changes),
		T(test_restore_overwrites_the_address_of_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmdq_mac", tests, NULL, NULL);
}
