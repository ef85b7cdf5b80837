/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Extended page tables: random maps and unmaps against a page-by-page model, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "vtx_priv.h"

#define RWX    (VCPU_R | VCPU_W | VCPU_X)
#define KIB4   UINT64_C(0x1000)
#define MIB2   UINT64_C(0x200000)
#define GIB    UINT64_C(0x40000000)
#define PAGES  8192u		      /* of the model: 32 MiB, */
#define BASE   (512 * GIB - 8 * MIB2) /* across a border of the top level */
#define ROUNDS 4000
#define HOST   UINT64_C(0x100000000)

struct model {
	uint64_t hpa[PAGES];
	uint32_t perm[PAGES]; /* 0: not mapped */
};

static struct model model;
static int budget, out; /* allocations until one fails; pages that are out */

static void *page_alloc(void *ctx)
{
	void *p;

	(void)ctx;
	if (!budget || posix_memalign(&p, KIB4, KIB4))
		return NULL;
	budget -= budget > 0;
	out++;
	return memset(p, 0, KIB4);
}

static void page_free(void *ctx, void *p)
{
	(void)ctx;
	out--;
	free(p);
}

static const struct vcpu_mem mem = {page_alloc, page_free, NULL};
static struct vcpu_space space;

static int setup_with(uint32_t caps)
{
	budget = -1;
	out = 0;
	memset(&model, 0, sizeof(model));
	return vtx_space_init(&space, &mem, caps);
}

static int setup(void **state)
{
	(void)state;
	return setup_with(VCPU_CAP_2M | VCPU_CAP_1G);
}

static int teardown(void **state)
{
	(void)state;
	vtx_space_fini(&space);
	return out;
}

static uint32_t random_below(uint32_t n)
{
	static uint64_t seed = 7;

	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(seed >> 33) % n;
}

/* A range of the model; half of them of whole 2 MiB pages. */
static void random_range(uint32_t *first, uint32_t *count)
{
	uint32_t unit = random_below(2) ? 512 : 1;

	*first = random_below(PAGES / unit) * unit;
	*count = (1 + random_below(unit == 1 ? 1500 : 4)) * unit;
	if (*count > PAGES - *first)
		*count = PAGES - *first;
}

static void compare(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t perm;
		uint64_t hpa = vtx_walk(&space, BASE + i * KIB4 + 0x123, &perm);

		assert_int_equal(perm, model.perm[i]);
		assert_int_equal(hpa, model.perm[i] ? model.hpa[i] + 0x123 : 0);
	}
}

static bool model_map(uint32_t first, uint32_t count, uint64_t hpa, uint32_t perm)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (model.perm[i])
			return false;
	}
	for (uint32_t i = first; i < first + count; i++, hpa += KIB4) {
		model.perm[i] = perm;
		model.hpa[i] = hpa;
	}
	return true;
}

static void random_round(void)
{
	static const uint32_t perms[] = {VCPU_R, VCPU_R | VCPU_W, VCPU_R | VCPU_X, RWX};
	uint32_t first, count, perm = perms[random_below(4)];
	uint64_t hpa = HOST + random_below(1000) * (random_below(2) ? MIB2 : KIB4);
	uint64_t before = space.generation;

	random_range(&first, &count);
	if (random_below(3)) {
		int ret = vtx_map(&space, BASE + first * KIB4, hpa, count * KIB4, perm, VCPU_WB);

		assert_int_equal(ret, model_map(first, count, hpa, perm) ? 0 : -EEXIST);
		assert_int_equal(space.generation != before, !ret);
		return;
	}
	assert_int_equal(vtx_unmap(&space, BASE + first * KIB4, count * KIB4), 0);
	assert_true(space.generation > before);
	memset(&model.perm[first], 0, count * sizeof(model.perm[0]));
}

static void test_map_as_the_model(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		random_round();
		if (i % 50 == 0)
			compare();
	}
	compare();
}

/* The same without large pages. */
static void test_map_as_the_model_small(void **state)
{
	(void)state;
	vtx_space_fini(&space);
	assert_int_equal(setup_with(0), 0);
	for (int i = 0; i < ROUNDS / 4; i++)
		random_round();
	compare();
}

static void test_map_out_of_memory_changes_nothing(void **state)
{
	int ret = -ENOMEM;

	(void)state;
	for (int n = 0; ret; n++) {
		budget = n;
		ret = vtx_map(&space, BASE + KIB4, HOST + KIB4, 3 * MIB2, RWX, VCPU_WB);
		assert_true(!ret || ret == -ENOMEM);
		if (ret)
			compare();
		assert_true(n < 16);
	}
	assert_true(model_map(1, 3 * 512, HOST + KIB4, RWX));
	compare();
	budget = 0; /* the split of a large page needs a table */
	assert_int_equal(vtx_unmap(&space, BASE + MIB2 + 5 * KIB4, KIB4), -ENOMEM);
	compare();
}

static void test_map_uses_large_pages(void **state)
{
	unsigned int before;
	uint32_t perm;

	(void)state;
	assert_int_equal(vtx_map(&space, 0, GIB, GIB, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, 2); /* the root and one below */
	before = space.pages;
	assert_int_equal(vtx_map(&space, GIB, GIB + MIB2, MIB2 * 2, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, before + 1);
	assert_int_equal(vtx_map(&space, GIB + MIB2 * 2, 0x5000, MIB2, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, before + 2); /* the host side is not aligned */
	assert_int_equal(vtx_walk(&space, GIB + MIB2 * 2, &perm), 0x5000);
}

static uint64_t leaf(uint64_t gpa)
{
	const uint64_t *t = space.root;

	for (unsigned int l = 3;; l--) {
		uint64_t e = t[gpa >> (12 + 9 * l) & 511];

		if (!l || (e & VMX_EPT_LARGE))
			return e;
		t = (const uint64_t *)(uintptr_t)(e & VMX_EPT_ADDR);
	}
}

static void test_map_sets_the_memory_type(void **state)
{
	(void)state;
	assert_int_equal(vtx_map(&space, 0, HOST, KIB4, RWX, VCPU_WB), 0);
	assert_int_equal(vtx_map(&space, MIB2, HOST, MIB2, VCPU_R | VCPU_W, VCPU_UC), 0);
	assert_int_equal(leaf(0), HOST | 7 | 6 << 3 | VMX_EPT_IGNORE_PAT);
	assert_int_equal(leaf(MIB2), HOST | 3 | VMX_EPT_LARGE);
}

static void test_map_refuses_bad_arguments(void **state)
{
	static const struct {
		uint64_t gpa, hpa, len;
		uint32_t perm, type;
	} bad[] = {
		{1, 0, KIB4, RWX, VCPU_WB},
		{0, 1, KIB4, RWX, VCPU_WB},
		{0, 0, 1, RWX, VCPU_WB},
		{0, 0, 0, RWX, VCPU_WB},
		{0, 0, KIB4, 0, VCPU_WB},
		{0, 0, KIB4, VCPU_W, VCPU_WB},
		{0, 0, KIB4, VCPU_X, VCPU_WB},
		{0, 0, KIB4, 8 | RWX, VCPU_WB},
		{0, 0, KIB4, RWX, 1},
		{BIT64(48), 0, KIB4, RWX, VCPU_WB},
		{BIT64(48) - KIB4, 0, 2 * KIB4, RWX, VCPU_WB},
		{0, BIT64(52), KIB4, RWX, VCPU_WB},
		{KIB4, 0, UINT64_MAX - KIB4 + 1, RWX, VCPU_WB},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vtx_map(&space, bad[i].gpa, bad[i].hpa, bad[i].len, bad[i].perm,
					 (enum vcpu_memtype)bad[i].type),
				 -EINVAL);
	assert_int_equal(space.pages, 1);
	assert_int_equal(space.generation, 1);
	assert_int_equal(vtx_unmap(&space, 1, KIB4), -EINVAL);
	assert_int_equal(vtx_unmap(&space, 0, 0), -EINVAL);
	assert_int_equal(vtx_unmap(&space, BIT64(48), KIB4), -EINVAL);
}

static void test_map_reaches_the_last_page(void **state)
{
	uint32_t perm;

	(void)state;
	assert_int_equal(vtx_map(&space, BIT64(48) - KIB4, HOST, KIB4, VCPU_R, VCPU_WB), 0);
	assert_int_equal(vtx_walk(&space, BIT64(48) - 1, &perm), HOST + 0xfff);
	assert_int_equal(vtx_walk(&space, BIT64(48), &perm), 0);
	assert_int_equal(vtx_unmap(&space, 0, BIT64(48)), 0);
	assert_int_equal(vtx_walk(&space, BIT64(48) - 1, &perm), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_map_as_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_as_the_model_small, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_out_of_memory_changes_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_map_uses_large_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_sets_the_memory_type, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_refuses_bad_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_map_reaches_the_last_page, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
