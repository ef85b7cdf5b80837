/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's pages: none twice, all zeroed, aligned, none lost, and none of what was reserved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "boot.h"

#define PAGE   4096u
#define POOL   (64u << 20)
#define PAGES  (POOL / PAGE)
#define HOLE   (5u << 20) /* reserved, 3 pages and a byte */
#define USABLE (PAGES - 4)
#define LIVE   64

static uint8_t *pool;
static unsigned int complaints;

void spin_lock(struct spin *s)
{
	assert_int_equal(s->next++, s->serving);
}

void spin_unlock(struct spin *s)
{
	s->serving++;
}

void core_log(enum os_log_level level, const char *f, ...)
{
	(void)level;
	(void)f;
	complaints++;
}

static int setup(void **state)
{
	(void)state;
	pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_NORESERVE, -1, 0);
	if (pool == MAP_FAILED)
		return -1;
	memset(pool, 0xa5, POOL); /* what firmware left there */
	/* In two parts that overlap, not on pages; beside what no machine of this size has. */
	mem_add((uintptr_t)pool, POOL / 2 + 100);
	mem_add((uintptr_t)pool + POOL / 2 - 8 * PAGE, POOL / 2 + 8 * PAGE + 17);
	mem_add(UINT64_C(1) << 32, UINT64_C(1) << 30);
	mem_add(UINT64_MAX - 5, 100);
	mem_reserve((uintptr_t)pool + HOLE, 3 * PAGE + 1);
	mem_reserve((uintptr_t)pool + HOLE, PAGE);
	mem_ready();
	return 0;
}

static void test_count_is_right(void **state)
{
	(void)state;
	assert_int_equal(mem_total_pages(), USABLE);
	assert_int_equal(mem_free_pages(), USABLE);
}

static void test_nonsense_is_refused(void **state)
{
	(void)state;
	assert_null(mem_alloc(0, 1));
	assert_null(mem_alloc(1, 0));
	assert_null(mem_alloc(1, 3));
	assert_null(mem_alloc(SIZE_MAX, 1));
	assert_null(mem_alloc(1, (size_t)1 << 40));
	assert_null(mem_alloc(USABLE, 1)); /* not in one piece */
	assert_int_equal(mem_free_pages(), USABLE);
}

static void test_wrong_frees_change_nothing(void **state)
{
	void *p = mem_alloc(2, 1);

	(void)state;
	assert_non_null(p);
	complaints = 0;
	mem_free(NULL, 1);
	assert_int_equal(complaints, 0);
	mem_free((char *)p + 1, 1);
	mem_free(p, 3);
	mem_free((void *)(uintptr_t)0x5000, 1);
	mem_free(p, SIZE_MAX);
	mem_free((void *)(UINTPTR_MAX & ~(uintptr_t)(PAGE - 1)), 1);
	assert_int_equal(complaints, 5);
	assert_int_equal(mem_free_pages(), USABLE - 2);
	mem_free(p, 2);
	mem_free(p, 2);
	assert_int_equal(complaints, 6);
	assert_int_equal(mem_free_pages(), USABLE);
}

/* Small ones stay out of the way of a guest's one piece. */
static void test_small_ones_do_not_break_up_large_ones(void **state)
{
	void *small[100], *big;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		small[i] = mem_alloc(1, 1);
	big = mem_alloc(56 * 256, 512);
	assert_non_null(big);
	assert_int_equal((uintptr_t)big % (2u << 20), 0);
	mem_free(big, 56 * 256);
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		mem_free(small[i], 1);
	assert_int_equal(mem_free_pages(), USABLE);
}

struct piece {
	uint8_t *p;
	size_t pages;
};

static void check_new(const struct piece *live, const struct piece *n, size_t align)
{
	static const uint8_t zero[PAGE];

	assert_int_equal((uintptr_t)n->p % (align * PAGE), 0);
	assert_true(n->p >= pool && n->p + n->pages * PAGE <= pool + POOL);
	assert_false(n->p < pool + HOLE + 4 * PAGE && n->p + n->pages * PAGE > pool + HOLE);
	for (size_t i = 0; i < LIVE; i++)
		if (live[i].p && &live[i] != n)
			assert_true(n->p >= live[i].p + live[i].pages * PAGE ||
				    n->p + n->pages * PAGE <= live[i].p);
	for (size_t i = 0; i < n->pages; i++) {
		assert_memory_equal(n->p + i * PAGE, zero, PAGE);
		memset(n->p + i * PAGE, 0x5a, PAGE);
	}
}

static void test_random_use(void **state)
{
	struct piece live[LIVE] = {{NULL, 0}};
	size_t left = USABLE;

	(void)state;
	srand(7);
	for (unsigned int n = 0; n < 4000; n++) {
		struct piece *l = &live[rand() % LIVE];
		size_t align = (size_t)1 << rand() % 10;

		if (l->p) {
			mem_free(l->p, l->pages);
			left += l->pages;
			l->p = NULL;
			continue;
		}
		l->pages = rand() % 8 ? (size_t)rand() % 20 + 1 : (size_t)rand() % 1500 + 1;
		l->p = mem_alloc(l->pages, align);
		if (!l->p)
			continue;
		left -= l->pages;
		check_new(live, l, align);
		assert_int_equal(mem_free_pages(), left);
	}
	for (unsigned int i = 0; i < LIVE; i++)
		if (live[i].p)
			mem_free(live[i].p, live[i].pages);
	assert_int_equal(mem_free_pages(), USABLE);
}

static void test_all_of_it_can_be_had(void **state)
{
	size_t n = 0;

	(void)state;
	while (mem_alloc(1, 1))
		n++;
	assert_int_equal(n, USABLE);
	assert_int_equal(mem_free_pages(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count_is_right),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_wrong_frees_change_nothing),
		cmocka_unit_test(test_small_ones_do_not_break_up_large_ones),
		cmocka_unit_test(test_random_use),
		cmocka_unit_test(test_all_of_it_can_be_had),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
