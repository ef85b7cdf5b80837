/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Nested page tables: against a page-by-page model of random mappings, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "svm_priv.h"

#define RWX   (VCPU_R | VCPU_W | VCPU_X)
#define PAGE  UINT64_C(0x1000)
#define M2    UINT64_C(0x200000)
#define G1    UINT64_C(0x40000000)
#define PAGES 4096u /* of the model: 16 MiB across a GiB's border */
#define BASE  (G1 - M2 * 4)

static long live, left;

static void *page(void *ctx)
{
	void *p;

	(void)ctx;
	if (!left || posix_memalign(&p, 4096, 4096))
		return NULL;
	left -= left > 0;
	live++;
	return memset(p, 0, 4096);
}

static void page_free(void *ctx, void *p)
{
	(void)ctx;
	live--;
	free(p);
}

static const struct vcpu_mem mem = {page, page_free, NULL};

static void space(struct vcpu_space *s, uint32_t caps)
{
	live = 0;
	left = -1;
	assert_int_equal(svm_space_init(s, &mem, caps), 0);
}

static void space_end(struct vcpu_space *s)
{
	svm_space_fini(s);
	assert_int_equal(s->pages, 0);
	assert_int_equal(live, 0);
}

struct model {
	uint64_t hpa[PAGES];
	uint32_t perm[PAGES];
};

static void compare(const struct vcpu_space *s, const struct model *m)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint32_t perm = 0;
		uint64_t hpa = svm_walk(s, BASE + i * PAGE + 0x123, &perm);

		assert_int_equal(hpa, m->hpa[i] ? m->hpa[i] + 0x123 : 0);
		assert_int_equal(perm, m->perm[i]);
	}
}

static bool is_free(const struct model *m, unsigned int from, unsigned int n)
{
	for (unsigned int i = from; i < from + n; i++)
		if (m->hpa[i])
			return false;
	return true;
}

static void one_map(struct vcpu_space *s, struct model *m, unsigned int from, unsigned int n)
{
	static const uint32_t perms[] = {RWX, VCPU_R, VCPU_R | VCPU_W, VCPU_R | VCPU_X};
	/* Often such that large pages fit. */
	uint64_t hpa = (rand() & 1 ? BASE + from * PAGE + G1 : (uint64_t)rand() << 12) + 16 * G1;
	uint32_t perm = perms[rand() & 3];
	uint64_t before = s->generation;
	int ret = svm_map(s, BASE + from * PAGE, hpa, n * PAGE, perm, VCPU_WB);

	if (!is_free(m, from, n)) {
		assert_int_equal(ret, -EEXIST);
		assert_int_equal(s->generation, before);
		return;
	}
	if (ret == -ENOMEM)
		return;
	assert_int_equal(ret, 0);
	assert_int_not_equal(s->generation, before);
	for (unsigned int i = 0; i < n; i++) {
		m->hpa[from + i] = hpa + i * PAGE;
		m->perm[from + i] = perm;
	}
}

static void one_unmap(struct vcpu_space *s, struct model *m, unsigned int from, unsigned int n)
{
	uint64_t before = s->generation;
	int ret = svm_unmap(s, BASE + from * PAGE, n * PAGE);

	if (ret == -ENOMEM)
		return;
	assert_int_equal(ret, 0);
	assert_int_not_equal(s->generation, before);
	memset(&m->hpa[from], 0, n * sizeof(m->hpa[0]));
	memset(&m->perm[from], 0, n * sizeof(m->perm[0]));
}

/* Memory that runs out now and then leaves the tables as the model has them. */
static void random_run(uint32_t caps, unsigned int seed, bool scarce)
{
	struct model *m = calloc(1, sizeof(*m));
	struct vcpu_space s;

	assert_non_null(m);
	space(&s, caps);
	srand(seed);
	for (unsigned int step = 0; step < 400; step++) {
		unsigned int n = 1u << (rand() % 12), from = (unsigned int)rand() % (PAGES - n);

		left = scarce ? rand() % 3 : -1;
		if (rand() & 1) /* 2 MiB borders */
			from &= ~511u;
		if (rand() % 3)
			one_map(&s, m, from, n);
		else
			one_unmap(&s, m, from, n);
		if (step % 20 == 19)
			compare(&s, m);
	}
	compare(&s, m);
	space_end(&s);
	free(m);
}

static void test_random_maps_and_unmaps_match_the_model(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 4; seed++) {
		random_run(VCPU_CAP_2M | VCPU_CAP_1G, seed, false);
		random_run(VCPU_CAP_2M, seed, false);
		random_run(0, seed, false);
		random_run(VCPU_CAP_2M | VCPU_CAP_1G, seed, true);
	}
}

static void test_largest_pages_that_fit_are_used(void **state)
{
	unsigned int level;
	struct vcpu_space s;

	(void)state;
	space(&s, VCPU_CAP_2M | VCPU_CAP_1G);
	assert_int_equal(svm_map(&s, G1 - M2 - PAGE, 5 * G1 - M2 - PAGE, G1 + 2 * M2, RWX, VCPU_WB),
			 0);
	assert_non_null(svm_leaf(&s, G1 - M2 - 1, &level));
	assert_int_equal(level, 0);
	assert_non_null(svm_leaf(&s, G1 - 1, &level));
	assert_int_equal(level, 1);
	assert_non_null(svm_leaf(&s, G1, &level));
	assert_int_equal(level, 2);
	assert_null(svm_leaf(&s, 2 * G1 + M2 - PAGE, &level));
	assert_int_equal(svm_unmap(&s, G1 + PAGE, PAGE), 0);
	assert_int_equal(svm_walk(&s, G1 + 2 * PAGE, NULL), 5 * G1 + 2 * PAGE);
	assert_int_equal(svm_walk(&s, G1 + PAGE, NULL), 0);
	assert_int_equal(svm_walk(&s, 2 * G1 - 1, NULL), 6 * G1 - 1);
	space_end(&s);

	space(&s, VCPU_CAP_2M);
	assert_int_equal(svm_map(&s, G1, G1, G1, RWX, VCPU_WB), 0);
	assert_non_null(svm_leaf(&s, G1, &level));
	assert_int_equal(level, 1);
	space_end(&s);
}

static void test_entries_have_the_hardware_bits(void **state)
{
	unsigned int level;
	struct vcpu_space s;
	uint64_t *e;

	(void)state;
	space(&s, 0);
	assert_int_equal(svm_map(&s, PAGE, 7 * PAGE, PAGE, VCPU_R | VCPU_W, VCPU_UC), 0);
	e = svm_leaf(&s, PAGE, &level);
	assert_int_equal(*e, 7 * PAGE | X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_PCD |
				     X86_PTE_PWT | X86_PTE_NX);
	assert_int_equal(svm_map(&s, 2 * PAGE, 8 * PAGE, PAGE, VCPU_R | VCPU_X, VCPU_WB), 0);
	e = svm_leaf(&s, 2 * PAGE, &level);
	assert_int_equal(*e, 8 * PAGE | X86_PTE_P | X86_PTE_U);
	/* What the walker sets is kept by a split, and is no part of the address. */
	*e |= X86_PTE_A | X86_PTE_D;
	assert_int_equal(svm_walk(&s, 2 * PAGE, NULL), 8 * PAGE);
	space_end(&s);
}

static void test_refusals_change_nothing(void **state)
{
	struct vcpu_space s;

	(void)state;
	space(&s, VCPU_CAP_2M);
	assert_int_equal(svm_map(&s, 1, 0, PAGE, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 1, PAGE, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, 1, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, 0, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, PAGE, VCPU_W | VCPU_X, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, PAGE, 0, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, PAGE, RWX | 8, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, 0, PAGE, RWX, (enum vcpu_memtype)1), -EINVAL);
	assert_int_equal(svm_map(&s, BIT64(48) - PAGE, 0, 2 * PAGE, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, UINT64_MAX - PAGE + 1, 0, PAGE, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_map(&s, 0, BIT64(52), PAGE, RWX, VCPU_WB), -EINVAL);
	assert_int_equal(svm_unmap(&s, 0, BIT64(48) + PAGE), -EINVAL);
	assert_int_equal(svm_unmap(&s, PAGE, UINT64_MAX - PAGE + 1), -EINVAL);
	assert_int_equal(svm_walk(&s, UINT64_MAX, NULL), 0);
	assert_int_equal(s.generation, 0);
	assert_int_equal(s.pages, 1);
	/* All there is may be unmapped. */
	assert_int_equal(svm_map(&s, BIT64(48) - PAGE, PAGE, PAGE, RWX, VCPU_WB), 0);
	assert_int_equal(svm_unmap(&s, 0, BIT64(48)), 0);
	assert_int_equal(svm_walk(&s, BIT64(48) - PAGE, NULL), 0);
	space_end(&s);
}

static void test_no_memory_leaves_no_part_of_a_mapping(void **state)
{
	struct vcpu_space s;

	(void)state;
	space(&s, VCPU_CAP_2M);
	left = 3; /* down to one table: its 512 pages, not the next */
	assert_int_equal(svm_map(&s, M2 + PAGE, M2, M2, RWX, VCPU_WB), -ENOMEM);
	for (uint64_t at = M2; at < 3 * M2; at += PAGE)
		assert_int_equal(svm_walk(&s, at, NULL), 0);
	left = -1;
	assert_int_equal(svm_map(&s, 4 * M2, 4 * M2, M2, RWX, VCPU_WB), 0);
	left = 0;
	assert_int_equal(svm_unmap(&s, 4 * M2, PAGE), -ENOMEM);
	assert_int_equal(svm_walk(&s, 4 * M2, NULL), 4 * M2);
	space_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_maps_and_unmaps_match_the_model),
		cmocka_unit_test(test_largest_pages_that_fit_are_used),
		cmocka_unit_test(test_entries_have_the_hardware_bits),
		cmocka_unit_test(test_refusals_change_nothing),
		cmocka_unit_test(test_no_memory_leaves_no_part_of_a_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
