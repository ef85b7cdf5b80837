/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of the IOVA allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hv-glue/host/vfio/vfio_priv.h"

#define P VFIO_PAGE

/* As an Intel machine reports them: all but the MSI window. */
static const struct vfio_range intel[] = {
	{0, 0xfedfffff},
	{0xfef00000, 0x7fffffffff},
};

static void test_find_starts_behind_zero(void **state)
{
	(void)state;
	assert_int_equal(vfio_iova_find(intel, 2, NULL, P), P);
	assert_int_equal(vfio_iova_find(intel, 2, NULL, 16 * P), P);
}

static void test_find_fills_the_first_gap_that_is_large_enough(void **state)
{
	struct vfio_map c = {NULL, NULL, 8 * P, P};
	struct vfio_map b = {&c, NULL, 4 * P, P};
	struct vfio_map a = {&b, NULL, P, P};

	(void)state;
	assert_int_equal(vfio_iova_find(intel, 2, &a, P), 2 * P);
	assert_int_equal(vfio_iova_find(intel, 2, &a, 2 * P), 2 * P);
	assert_int_equal(vfio_iova_find(intel, 2, &a, 3 * P), 5 * P);
	assert_int_equal(vfio_iova_find(intel, 2, &a, 4 * P), 9 * P);
}

static void test_find_avoids_the_msi_window(void **state)
{
	struct vfio_map a = {NULL, NULL, P, 0xfed00000};
	size_t big = 0x200000;

	(void)state;
	assert_int_equal(vfio_iova_find(intel, 2, &a, 0xff000), 0xfed01000);
	assert_int_equal(vfio_iova_find(intel, 2, &a, big), 0xfef00000);
	assert_int_equal(vfio_iova_find(intel, 2, NULL, 0x100000000), 0xfef00000);
}

static void test_find_skips_mappings_of_other_ranges(void **state)
{
	struct vfio_map b = {NULL, NULL, 0xfef00000, P};
	struct vfio_map a = {&b, NULL, P, 0xfedff000};

	(void)state;
	assert_int_equal(vfio_iova_find(intel, 2, &a, P), 0xfef01000);
}

static void test_find_exact_fit_and_full(void **state)
{
	static const struct vfio_range r = {0x10000, 0x13fff};
	struct vfio_map b = {NULL, NULL, 0x13000, P};
	struct vfio_map a = {&b, NULL, 0x10000, P};

	(void)state;
	assert_int_equal(vfio_iova_find(&r, 1, NULL, 4 * P), 0x10000);
	assert_int_equal(vfio_iova_find(&r, 1, NULL, 5 * P), 0);
	assert_int_equal(vfio_iova_find(&r, 1, &a, 2 * P), 0x11000);
	assert_int_equal(vfio_iova_find(&r, 1, &a, 3 * P), 0);
	b.len = 2 * P; /* up to and past the end */
	a.len = 3 * P;
	assert_int_equal(vfio_iova_find(&r, 1, &a, P), 0);
}

static void test_find_range_not_on_a_page(void **state)
{
	static const struct vfio_range r = {0x10001, 0x12ffe};
	static const struct vfio_range top = {UINT64_MAX - 100, UINT64_MAX};

	(void)state;
	assert_int_equal(vfio_iova_find(&r, 1, NULL, P), 0x11000);
	assert_int_equal(vfio_iova_find(&r, 1, NULL, 2 * P), 0);
	assert_int_equal(vfio_iova_find(&top, 1, NULL, P), 0);
}

static void test_find_bad_length(void **state)
{
	(void)state;
	assert_int_equal(vfio_iova_find(intel, 2, NULL, 0), 0);
	assert_int_equal(vfio_iova_find(intel, 2, NULL, 100), 0);
	assert_int_equal(vfio_iova_find(intel, 0, NULL, P), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_starts_behind_zero),
		cmocka_unit_test(test_find_fills_the_first_gap_that_is_large_enough),
		cmocka_unit_test(test_find_avoids_the_msi_window),
		cmocka_unit_test(test_find_skips_mappings_of_other_ranges),
		cmocka_unit_test(test_find_exact_fit_and_full),
		cmocka_unit_test(test_find_range_not_on_a_page),
		cmocka_unit_test(test_find_bad_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
