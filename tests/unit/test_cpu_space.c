/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Second-level page tables in both formats: random maps and unmaps against a page-by-page model,
 * the bits of entries, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "svm_priv.h"
#include "vtx_priv.h"

#define RWX    (VCPU_R | VCPU_W | VCPU_X)
#define PAGE   UINT64_C(0x1000)
#define M2     UINT64_C(0x200000)
#define G1     UINT64_C(0x40000000)
#define PAGES  8192u		   /* of the model: 32 MiB, */
#define BASE   (512 * G1 - 8 * M2) /* across a border of the top level */
#define HOST   UINT64_C(0x100000000)
#define LARGE  (VCPU_CAP_2M | VCPU_CAP_1G)
#define ROUNDS 1000

struct model {
	uint64_t hpa[PAGES];
	uint32_t perm[PAGES]; /* 0: not mapped */
};

static struct model model;
static int budget, out; /* allocations until one fails, -1: none does; pages that are out */
static struct vcpu_space space;

static void *page_alloc(void *ctx)
{
	void *p;

	(void)ctx;
	if (!budget || posix_memalign(&p, PAGE, PAGE))
		return NULL;
	budget -= budget > 0;
	out++;
	return memset(p, 0, PAGE);
}

static void page_free(void *ctx, void *p)
{
	(void)ctx;
	out--;
	free(p);
}

static const struct vcpu_mem mem = {page_alloc, page_free, NULL};

static void space_new(const struct vcpu_format *f, uint32_t caps)
{
	budget = -1;
	memset(&model, 0, sizeof(model));
	assert_int_equal(vcpu_space_init(&space, f, &mem, caps), 0);
	assert_int_equal(space.pages, 1);
}

static void space_end(void)
{
	assert_int_equal(space.pages, out);
	vcpu_space_fini(&space);
	assert_int_equal(space.pages, 0);
	assert_int_equal(out, 0);
}

/* All that a test can see of a page. */
static uint64_t walk(uint64_t gpa, uint32_t *perm)
{
	enum vcpu_memtype type = VCPU_UC;
	uint64_t hpa = vcpu_walk(&space, gpa, perm, &type);

	assert_true(!*perm == !hpa && (!hpa || type == VCPU_WB));
	return hpa;
}

static uint64_t host(uint64_t gpa)
{
	uint32_t perm;

	return walk(gpa, &perm);
}

/* The entry that maps @gpa or says that nothing does, as a CPU finds it. */
static uint64_t *leaf(uint64_t gpa, unsigned int *level)
{
	uint64_t *t = space.root;

	for (*level = 3;; --*level) {
		uint64_t *e = &t[gpa >> (12 + 9 * *level) & 511];

		if (!*level || !*e || (*e & X86_PTE_PS))
			return e;
		t = (uint64_t *)(uintptr_t)(*e & X86_PTE_ADDR);
	}
}

static unsigned int level_of(uint64_t gpa)
{
	unsigned int level;

	assert_int_not_equal(*leaf(gpa, &level), 0);
	return level;
}

static void compare(void)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t perm;
		uint64_t hpa = walk(BASE + i * PAGE + 0x123, &perm);

		assert_int_equal(perm, model.perm[i]);
		assert_int_equal(hpa, model.perm[i] ? model.hpa[i] + 0x123 : 0);
	}
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

static bool model_map(uint32_t first, uint32_t count, uint64_t hpa, uint32_t perm)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (model.perm[i])
			return false;
	}
	for (uint32_t i = first; i < first + count; i++, hpa += PAGE) {
		model.perm[i] = perm;
		model.hpa[i] = hpa;
	}
	return true;
}

static void random_map(uint32_t first, uint32_t count)
{
	static const uint32_t perms[] = {VCPU_R, VCPU_R | VCPU_W, VCPU_R | VCPU_X, RWX};
	uint32_t perm = perms[random_below(4)];
	/* Often such that large pages fit. */
	uint64_t hpa = HOST + random_below(1000) * (random_below(2) ? M2 : PAGE);
	uint64_t before = space.generation;
	int ret;

	hpa += random_below(2) ? first % 512 * PAGE : 0;
	ret = vcpu_map(&space, BASE + first * PAGE, hpa, count * PAGE, perm, VCPU_WB);
	if (ret == -ENOMEM) {
		assert_int_equal(budget, 0);
		return;
	}
	assert_int_equal(ret, model_map(first, count, hpa, perm) ? 0 : -EEXIST);
	assert_int_equal(space.generation != before, !ret);
}

static void random_unmap(uint32_t first, uint32_t count)
{
	uint64_t before = space.generation;
	int ret = vcpu_unmap(&space, BASE + first * PAGE, count * PAGE);

	if (ret == -ENOMEM) {
		assert_int_equal(budget, 0);
		return;
	}
	assert_int_equal(ret, 0);
	assert_true(space.generation > before);
	memset(&model.perm[first], 0, count * sizeof(model.perm[0]));
}

/* Memory that runs out now and then leaves the tables as the model has them. */
static void random_run(const struct vcpu_format *f, uint32_t caps, bool scarce)
{
	space_new(f, caps);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t first, count;

		budget = scarce ? (int)random_below(3) : -1;
		random_range(&first, &count);
		if (random_below(3))
			random_map(first, count);
		else
			random_unmap(first, count);
		if (i % 50 == 0)
			compare();
	}
	compare();
	space_end();
}

static void test_random_maps_and_unmaps_match_the_model(void **state)
{
	for (int i = 0; i < 4; i++) {
		random_run(*state, LARGE, false);
		random_run(*state, LARGE, true);
	}
	random_run(*state, VCPU_CAP_2M, false);
	random_run(*state, 0, false);
}

static void test_largest_pages_that_fit_are_used(void **state)
{
	unsigned int before;

	space_new(*state, LARGE);
	assert_int_equal(
		vcpu_map(&space, G1 - M2 - PAGE, 5 * G1 - M2 - PAGE, G1 + 2 * M2, RWX, VCPU_WB), 0);
	assert_int_equal(level_of(G1 - M2 - 1), 0);
	assert_int_equal(level_of(G1 - 1), 1);
	assert_int_equal(level_of(G1), 2);
	assert_int_equal(host(2 * G1 + M2 - PAGE), 0);
	assert_int_equal(vcpu_unmap(&space, G1 + PAGE, PAGE), 0);
	assert_int_equal(host(G1 + 2 * PAGE), 5 * G1 + 2 * PAGE);
	assert_int_equal(host(G1 + PAGE), 0);
	assert_int_equal(host(2 * G1 - 1), 6 * G1 - 1);
	space_end();

	space_new(*state, VCPU_CAP_2M);
	assert_int_equal(vcpu_map(&space, G1, G1, G1, RWX, VCPU_WB), 0);
	assert_int_equal(level_of(G1), 1);
	space_end();

	space_new(*state, LARGE);
	assert_int_equal(vcpu_map(&space, 0, G1, G1, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, 2); /* the root and one below */
	before = space.pages;
	assert_int_equal(vcpu_map(&space, G1, G1 + M2, M2 * 2, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, before + 1);
	assert_int_equal(vcpu_map(&space, G1 + M2 * 2, 0x5000, M2, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, before + 2); /* the host side is not aligned */
	assert_int_equal(host(G1 + M2 * 2), 0x5000);
	space_end();
}

/* A large page never replaces a table, whose address a CPU may still hold. */
static void test_tables_stay_until_the_end(void **state)
{
	uint32_t pages;

	space_new(*state, LARGE);
	assert_int_equal(vcpu_map(&space, M2, M2, PAGE, RWX, VCPU_WB), 0);
	assert_int_equal(vcpu_unmap(&space, M2, PAGE), 0);
	pages = space.pages;
	assert_int_equal(pages, 4);
	assert_int_equal(vcpu_map(&space, M2, M2, M2, RWX, VCPU_WB), 0);
	assert_int_equal(space.pages, pages);
	assert_int_equal(level_of(M2), 0);
	space_end();
}

static void test_entries_of_vtx(void **state)
{
	unsigned int level;

	(void)state;
	space_new(&vtx_format, LARGE);
	assert_int_equal(vcpu_map(&space, 0, HOST, PAGE, RWX, VCPU_WB), 0);
	assert_int_equal(vcpu_map(&space, M2, HOST, M2, VCPU_R | VCPU_W, VCPU_UC), 0);
	assert_int_equal(vcpu_map(&space, PAGE, HOST, PAGE, VCPU_R | VCPU_X, VCPU_UC), 0);
	assert_int_equal(*leaf(0, &level), HOST | 7 | 6 << 3 | VMX_EPT_IGNORE_PAT);
	assert_int_equal(*leaf(M2, &level), HOST | 3 | VMX_EPT_LARGE);
	assert_int_equal(*leaf(PAGE, &level), HOST | 5);
	assert_int_equal(space.root[0] & ~VMX_EPT_ADDR, VMX_EPT_RWX);
	space_end();
}

static void test_entries_of_svm(void **state)
{
	unsigned int level;
	uint64_t *e;

	(void)state;
	space_new(&svm_format, 0);
	assert_int_equal(vcpu_map(&space, PAGE, 7 * PAGE, PAGE, VCPU_R | VCPU_W, VCPU_UC), 0);
	assert_int_equal(*leaf(PAGE, &level), 7 * PAGE | X86_PTE_P | X86_PTE_W | X86_PTE_U |
						      X86_PTE_PCD | X86_PTE_PWT | X86_PTE_NX);
	assert_int_equal(vcpu_map(&space, 2 * PAGE, 8 * PAGE, PAGE, VCPU_R | VCPU_X, VCPU_WB), 0);
	e = leaf(2 * PAGE, &level);
	assert_int_equal(*e, 8 * PAGE | X86_PTE_P | X86_PTE_U);
	assert_int_equal(space.root[0] & ~X86_PTE_ADDR, X86_PTE_P | X86_PTE_W | X86_PTE_U);
	/* What the walker sets is no part of the address. */
	*e |= X86_PTE_A | X86_PTE_D;
	assert_int_equal(host(2 * PAGE), 8 * PAGE);
	space_end();
}

static void test_walk_tells_memory_from_devices(void **state)
{
	enum vcpu_memtype type;
	uint32_t perm;

	space_new(*state, LARGE);
	assert_int_equal(vcpu_map(&space, M2, HOST, M2, VCPU_R, VCPU_WB), 0);
	assert_int_equal(vcpu_map(&space, 2 * M2, HOST, M2, VCPU_R | VCPU_W, VCPU_UC), 0);
	assert_int_equal(vcpu_walk(&space, 2 * M2 - 1, &perm, &type), HOST + M2 - 1);
	assert_true(type == VCPU_WB && perm == VCPU_R);
	assert_int_equal(vcpu_walk(&space, 2 * M2, &perm, &type), HOST);
	assert_true(type == VCPU_UC && perm == (VCPU_R | VCPU_W));
	space_end();
}

static void test_refusals_change_nothing(void **state)
{
	static const struct {
		uint64_t gpa, hpa, len;
		uint32_t perm, type;
	} bad[] = {
		{1, 0, PAGE, RWX, VCPU_WB},
		{0, 1, PAGE, RWX, VCPU_WB},
		{0, 0, 1, RWX, VCPU_WB},
		{0, 0, 0, RWX, VCPU_WB},
		{0, 0, PAGE, 0, VCPU_WB},
		{0, 0, PAGE, VCPU_W, VCPU_WB},
		{0, 0, PAGE, VCPU_X, VCPU_WB},
		{0, 0, PAGE, VCPU_W | VCPU_X, VCPU_WB},
		{0, 0, PAGE, 8 | RWX, VCPU_WB},
		{0, 0, PAGE, RWX, 1},
		{BIT64(48), 0, PAGE, RWX, VCPU_WB},
		{BIT64(48) - PAGE, 0, 2 * PAGE, RWX, VCPU_WB},
		{UINT64_MAX - PAGE + 1, 0, PAGE, RWX, VCPU_WB},
		{0, BIT64(52), PAGE, RWX, VCPU_WB},
		{PAGE, 0, UINT64_MAX - PAGE + 1, RWX, VCPU_WB},
	};
	uint64_t before;

	space_new(*state, VCPU_CAP_2M);
	before = space.generation;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vcpu_map(&space, bad[i].gpa, bad[i].hpa, bad[i].len, bad[i].perm,
					  (enum vcpu_memtype)bad[i].type),
				 -EINVAL);
	assert_int_equal(vcpu_unmap(&space, 1, PAGE), -EINVAL);
	assert_int_equal(vcpu_unmap(&space, 0, 0), -EINVAL);
	assert_int_equal(vcpu_unmap(&space, BIT64(48), PAGE), -EINVAL);
	assert_int_equal(vcpu_unmap(&space, 0, BIT64(48) + PAGE), -EINVAL);
	assert_int_equal(vcpu_unmap(&space, PAGE, UINT64_MAX - PAGE + 1), -EINVAL);
	assert_int_equal(host(UINT64_MAX), 0);
	assert_int_equal(space.generation, before);
	assert_int_equal(space.pages, 1);
	space_end();
}

static void test_the_last_page_can_be_mapped(void **state)
{
	space_new(*state, LARGE);
	assert_int_equal(vcpu_map(&space, BIT64(48) - PAGE, HOST, PAGE, VCPU_R, VCPU_WB), 0);
	assert_int_equal(host(BIT64(48) - 1), HOST + 0xfff);
	assert_int_equal(host(BIT64(48)), 0);
	/* All there is may be unmapped. */
	assert_int_equal(vcpu_unmap(&space, 0, BIT64(48)), 0);
	assert_int_equal(host(BIT64(48) - 1), 0);
	space_end();
}

static void test_no_memory_leaves_no_part_of_a_mapping(void **state)
{
	int ret = -ENOMEM;

	space_new(*state, LARGE);
	for (int n = 0; ret; n++) {
		budget = n;
		ret = vcpu_map(&space, BASE + PAGE, HOST + PAGE, 3 * M2, RWX, VCPU_WB);
		assert_true(!ret || ret == -ENOMEM);
		if (ret)
			compare();
		assert_true(n < 16);
	}
	assert_true(model_map(1, 3 * 512, HOST + PAGE, RWX));
	compare();
	space_end();

	space_new(*state, VCPU_CAP_2M);
	budget = 3; /* down to one table: its 512 pages, not the next */
	assert_int_equal(vcpu_map(&space, M2 + PAGE, M2, M2, RWX, VCPU_WB), -ENOMEM);
	for (uint64_t at = M2; at < 3 * M2; at += PAGE)
		assert_int_equal(host(at), 0);
	space_end();

	budget = 0;
	assert_int_equal(vcpu_space_init(&space, *state, &mem, 0), -ENOMEM);
	vcpu_space_fini(&space);
	assert_int_equal(out, 0);
}

/* Either end's split may be the one that fails: the other has changed nothing by then. */
static void test_no_memory_for_a_split_changes_nothing(void **state)
{
	uint64_t before;

	space_new(*state, LARGE);
	assert_int_equal(vcpu_map(&space, BASE, HOST, 2 * M2, RWX, VCPU_WB), 0);
	assert_true(model_map(0, 2 * 512, HOST, RWX));
	before = space.generation;
	for (int n = 0; n < 2; n++) {
		budget = n;
		assert_int_equal(vcpu_unmap(&space, BASE + 5 * PAGE, M2 + PAGE), -ENOMEM);
		assert_int_equal(space.generation, before);
		compare();
	}
	space_end();
}

#define TEST(t, f)                                    \
	{                                             \
#t ": " #f, t, NULL, NULL, (void *)&f \
	}
#define BOTH(t) TEST(t, vtx_format), TEST(t, svm_format)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_random_maps_and_unmaps_match_the_model),
		BOTH(test_largest_pages_that_fit_are_used),
		BOTH(test_tables_stay_until_the_end),
		cmocka_unit_test(test_entries_of_vtx),
		cmocka_unit_test(test_entries_of_svm),
		BOTH(test_walk_tells_memory_from_devices),
		BOTH(test_refusals_change_nothing),
		BOTH(test_the_last_page_can_be_mapped),
		BOTH(test_no_memory_leaves_no_part_of_a_mapping),
		BOTH(test_no_memory_for_a_split_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
