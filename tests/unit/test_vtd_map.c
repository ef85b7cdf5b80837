/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Second-level tables: what is mapped, split, refused and given back; beside a plain model. */
#include "vtd_sim.h"

#define SIDE  UINT16_C(0x0182)
#define MIB_2 UINT64_C(0x200000)
#define RW    (VTD_R | VTD_W)

static const struct vtd_config cfg = {.intremap = true};
static struct vtd_sim *s;
static struct vtd_domain *d;

static void up(const struct sim_caps *caps, const struct vtd_config *c)
{
	s = vtd_sim_new(caps);
	vtd_sim_up(s, c);
	assert_int_equal(vtd_domain_alloc(s->v, &d), 0);
	assert_int_equal(vtd_attach(s->v, SIDE, d), 0);
}

static void down(void)
{
	assert_int_equal(vtd_detach(s->v, SIDE), 0);
	assert_int_equal(vtd_domain_free(s->v, d), 0);
	vtd_sim_free(s);
}

static bool reaches(uint64_t iova, bool write, uint64_t want)
{
	uint64_t phys;

	return vtd_sim_dma(s, SIDE, iova, write, &phys) && phys == want;
}

static bool blocked(uint64_t iova)
{
	uint64_t phys;

	return !vtd_sim_dma(s, SIDE, iova, true, &phys) &&
	       !vtd_sim_dma(s, SIDE, iova, false, &phys);
}

static void test_pages_reach_their_memory(void **state)
{
	uint64_t phys;
	uint32_t perm;

	(void)state;
	up(&vtd_sim_default, &cfg);
	assert_int_equal(vtd_map(s->v, d, 0x3000, 0x7000, 0x2000, RW), 0);
	assert_true(reaches(0x3abc, true, 0x7abc) && reaches(0x4fff, false, 0x8fff));
	assert_true(blocked(0x2fff) && blocked(0x5000));
	assert_true(vtd_walk(s->v, d, 0x4123, &phys, &perm));
	assert_int_equal(phys, 0x8123);
	assert_int_equal(perm, RW);
	assert_false(vtd_walk(s->v, d, 0x5000, &phys, &perm));
	assert_false(vtd_walk(s->v, d, UINT64_MAX, &phys, &perm));
	down();
}

static void test_permissions_are_each_their_own(void **state)
{
	uint64_t phys;
	uint32_t perm;

	(void)state;
	up(&vtd_sim_default, &cfg);
	assert_int_equal(vtd_map(s->v, d, 0x1000, 0x1000, 0x1000, VTD_R), 0);
	assert_int_equal(vtd_map(s->v, d, 0x2000, 0x2000, 0x1000, VTD_W), 0);
	assert_true(reaches(0x1000, false, 0x1000) && !reaches(0x1000, true, 0x1000));
	assert_true(reaches(0x2000, true, 0x2000) && !reaches(0x2000, false, 0x2000));
	assert_true(vtd_walk(s->v, d, 0x2000, &phys, &perm));
	assert_int_equal(perm, VTD_W);
	down();
}

static void test_map_uses_2m_where_it_fits(void **state)
{
	size_t before;

	(void)state;
	up(&vtd_sim_default, &cfg);
	before = s->dev->dma_live;
	assert_int_equal(vtd_map(s->v, d, 0x40000000, 0x10000000, 8 * MIB_2, RW), 0);
	assert_int_equal(s->dev->dma_live - before, 2); /* no table of level 1 */
	assert_true(reaches(0x40000000 + 5 * MIB_2 + 0x123456, true, 0x10a00000 + 0x123456));
	assert_int_equal(vtd_unmap(s->v, d, 0x40000000, 8 * MIB_2), 0);
	assert_int_equal(s->dev->dma_live, before);
	/* The same length where one side is not aligned. */
	assert_int_equal(vtd_map(s->v, d, 0x40000000, 0x10001000, MIB_2, RW), 0);
	assert_int_equal(s->dev->dma_live - before, 3);
	assert_true(reaches(0x401ff000, true, 0x10200000));
	down();
}

static void test_map_without_2m_pages_uses_small_ones(void **state)
{
	struct sim_caps c = vtd_sim_default;

	(void)state;
	c.page_2m = false; /* the model refuses a large page then */
	up(&c, &cfg);
	assert_int_equal(vtd_map(s->v, d, 0, 0x10000000, 3 * MIB_2, RW), 0);
	assert_true(reaches(3 * MIB_2 - 1, true, 0x10000000 + 3 * MIB_2 - 1));
	down();
}

/* The model looks at each page that it walks to: large, small, and what a split made. */
static void test_pages_are_snooped_where_the_unit_can(void **state)
{
	(void)state;
	for (unsigned int snoop = 0; snoop < 2; snoop++) {
		struct sim_caps c = vtd_sim_default;
		struct vtd_info info;

		c.snoop = snoop;
		up(&c, &cfg);
		vtd_info(s->v, &info);
		assert_int_equal(info.snoop, snoop);
		assert_int_equal(vtd_map(s->v, d, 0x1000, 0x7000, 0x1000, VTD_W), 0);
		assert_int_equal(vtd_map(s->v, d, MIB_2, 0x10000000, MIB_2, VTD_R), 0);
		assert_true(reaches(0x1000, true, 0x7000));
		assert_true(reaches(MIB_2 + 0x5000, false, 0x10005000));
		assert_int_equal(vtd_unmap(s->v, d, MIB_2, 0x1000), 0);
		assert_true(reaches(MIB_2 + 0x5000, false, 0x10005000));
		down();
	}
}

static void test_unmap_splits_a_large_page(void **state)
{
	(void)state;
	up(&vtd_sim_default, &cfg);
	assert_int_equal(vtd_map(s->v, d, MIB_2, 0x10000000, 2 * MIB_2, VTD_R), 0);
	assert_true(reaches(MIB_2 + 0x5000, false, 0x10005000)); /* warm */
	assert_int_equal(vtd_unmap(s->v, d, MIB_2 + 0x5000, 0x1000), 0);
	assert_true(blocked(MIB_2 + 0x5000));
	assert_true(reaches(MIB_2 + 0x4fff, false, 0x10004fff));
	assert_true(reaches(MIB_2 + 0x6000, false, 0x10006000));
	assert_false(reaches(MIB_2 + 0x6000, true, 0x10006000)); /* permissions stay */
	/* Across both, each in its middle. */
	assert_int_equal(vtd_unmap(s->v, d, 2 * MIB_2 - 0x3000, 0x8000), 0);
	assert_true(blocked(2 * MIB_2 - 1) && blocked(2 * MIB_2 + 0x4fff));
	assert_true(reaches(2 * MIB_2 + 0x5000, false, 0x10000000 + MIB_2 + 0x5000));
	down();
}

static void test_unmap_is_immediate_with_all_caches_warm(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		const struct vtd_config how = {.no_queue = way & 1};
		struct sim_caps c = vtd_sim_default;

		c.psi = way & 2;
		up(&c, &how);
		assert_int_equal(vtd_map(s->v, d, 0, 0x10000000, MIB_2, RW), 0);
		assert_int_equal(vtd_map(s->v, d, MIB_2, 0x8000, 0x2000, RW), 0);
		assert_true(reaches(0x1000, true, 0x10001000) && reaches(MIB_2, true, 0x8000));
		assert_int_equal(vtd_unmap(s->v, d, 0, MIB_2), 0);
		assert_true(blocked(0x1000) && reaches(MIB_2, true, 0x8000));
		assert_int_equal(vtd_unmap(s->v, d, MIB_2, 0x1000), 0);
		assert_true(blocked(MIB_2) && reaches(MIB_2 + 0x1000, true, 0x9000));
		assert_true(s->drained);
		assert_int_equal(s->tlb_kinds[VTD_TLB_PAGES] > 0, c.psi);
		down();
	}
}

static void test_unmap_of_nothing_flushes_nothing(void **state)
{
	unsigned int tlbs;

	(void)state;
	up(&vtd_sim_default, &cfg);
	tlbs = s->tlbs;
	assert_int_equal(vtd_unmap(s->v, d, 0, UINT64_C(1) << 48), 0);
	assert_int_equal(s->tlbs, tlbs);
	assert_int_equal(vtd_unmap(s->v, d, 0x1000, 0x1000), 0);
	down();
}

static void test_map_over_map_is_refused_whole(void **state)
{
	static const struct {
		uint64_t iova, len;
	} over[] = {
		{0x5000, 0x1000},
		{0x4000, 0x2000},
		{0x5000, 0x4000},
		{MIB_2, MIB_2},
		{MIB_2 + 0x7000, 0x1000},
		{0x9000, 2 * MIB_2},
		{2 * MIB_2 - 0x1000, 0x2000},
		{0, 16 * MIB_2},
	};
	size_t live;

	(void)state;
	up(&vtd_sim_default, &cfg);
	assert_int_equal(vtd_map(s->v, d, 0x5000, 0x1000, 0x3000, RW), 0);
	assert_int_equal(vtd_map(s->v, d, MIB_2, 0x10000000, MIB_2, RW), 0);
	live = s->dev->dma_live;
	for (unsigned int i = 0; i < ARRAY_SIZE(over); i++)
		assert_int_equal(vtd_map(s->v, d, over[i].iova, 0x20000000, over[i].len, RW),
				 -EEXIST);
	assert_int_equal(s->dev->dma_live, live);
	assert_true(blocked(0x4000) && blocked(0x8000) && blocked(2 * MIB_2));
	assert_true(reaches(0x5000, true, 0x1000));
	down();
}

static void test_arguments_are_checked(void **state)
{
	static const struct {
		uint64_t iova, phys, len;
		uint32_t perm;
	} bad[] = {
		{0x800, 0, 0x1000, RW},
		{0, 0x800, 0x1000, RW},
		{0, 0, 0x1800, RW},
		{0, 0, 0, RW},
		{0, 0, 0x1000, 0},
		{0, 0, 0x1000, 4},
		{0, 0, 0x1000, RW | 8},
		{UINT64_C(1) << 39, 0, 0x1000, RW},
		{(UINT64_C(1) << 39) - 0x1000, 0, 0x2000, RW},
		{0, UINT64_C(1) << 52, 0x1000, RW},
		{0, (UINT64_C(1) << 52) - 0x1000, 0x2000, RW},
		{UINT64_MAX - 0xfff, 0, 0x1000, RW},
		{0x1000, 0, UINT64_MAX - 0xfff, RW},
		{0xfee00000, 0, 0x1000, RW}, /* the range of interrupts */
		{0xfedff000, 0, 0x2000, RW},
		{0, 0xfeeff000, 0x1000, RW},
		{0, 0xfe000000, 0x2000000, RW},
	};
	struct sim_caps c = vtd_sim_default;
	size_t live;

	(void)state;
	c.mgaw = 39; /* below the tables' 48 */
	up(&c, &cfg);
	live = s->dev->dma_live;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vtd_map(s->v, d, bad[i].iova, bad[i].phys, bad[i].len,
					 bad[i].perm),
				 -EINVAL);
	assert_int_equal(vtd_unmap(s->v, d, 0x800, 0x1000), -EINVAL);
	assert_int_equal(vtd_unmap(s->v, d, 0, 0), -EINVAL);
	assert_int_equal(vtd_unmap(s->v, d, 0, (UINT64_C(1) << 39) + 0x1000), -EINVAL);
	assert_int_equal(vtd_unmap(s->v, d, UINT64_C(1) << 39, 0x1000), -EINVAL);
	assert_int_equal(s->dev->dma_live, live);
	/* The last page, and beside the range of interrupts. */
	assert_int_equal(vtd_map(s->v, d, (UINT64_C(1) << 39) - 0x1000, 0x1000, 0x1000, RW), 0);
	assert_int_equal(vtd_map(s->v, d, 0xfef00000, 0xfedff000, 0x1000, RW), 0);
	assert_true(reaches((UINT64_C(1) << 39) - 1, true, 0x1fff));
	assert_int_equal(vtd_unmap(s->v, d, 0, UINT64_C(1) << 39), 0);
	assert_true(blocked((UINT64_C(1) << 39) - 1));
	down();
}

/* Whatever allocation fails, the map that fails leaves no page and no table. */
static void test_exhaustion_leaves_nothing_half_done(void **state)
{
	(void)state;
	for (int fail = 0;; fail++) {
		size_t live;
		int ret;

		up(&vtd_sim_default, &cfg);
		assert_int_equal(vtd_map(s->v, d, 0, 0x1000, 0x1000, RW), 0);
		live = s->dev->dma_live;
		s->dev->dma_fail_after = fail;
		/* From a small page by large ones into another top entry. */
		ret = vtd_map(s->v, d, 0x3ffff000, 0x1fff000, 4 * MIB_2, RW);
		s->dev->dma_fail_after = -1;
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(s->dev->dma_live, live);
			assert_true(blocked(0x3ffff000) && blocked(0x40000000));
		}
		assert_true(reaches(0, true, 0x1000));
		down();
		if (!ret) {
			assert_int_equal(fail, 3); /* one for each end, one for the new GiB */
			return;
		}
	}
}

static void test_split_without_memory_changes_nothing(void **state)
{
	(void)state;
	up(&vtd_sim_default, &cfg);
	assert_int_equal(vtd_map(s->v, d, 0, 0x10000000, 2 * MIB_2, RW), 0);
	for (int fail = 0; fail < 2; fail++) {
		s->dev->dma_fail_after = fail;
		assert_int_equal(vtd_unmap(s->v, d, 0x1000, MIB_2), -ENOMEM);
		for (uint64_t at = 0; at < 2 * MIB_2; at += 0x1000)
			assert_true(reaches(at, true, 0x10000000 + at));
	}
	s->dev->dma_fail_after = 2;
	assert_int_equal(vtd_unmap(s->v, d, 0x1000, MIB_2), 0);
	assert_true(blocked(0x1000) && blocked(MIB_2) && reaches(MIB_2 + 0x1000, true, 0x10201000));
	s->dev->dma_fail_after = -1;
	down();
}

/* What hung is over, and the queue is empty. */
static void resume(void)
{
	s->stuck_inv = s->refuse_inv = false;
	s->dev->reg[VTD_CCMD_HI / 4] = s->dev->reg[VTD_IOTLB_HI(SIM_IRO) / 4] = 0;
	s->dev->reg[VTD_IQH / 4] = vtd_sim_reg(s, VTD_IQT);
	s->iq_head = vtd_sim_reg(s, VTD_IQT) / 16;
}

/* The unit does not answer: memory stays, later changes wait for it, and it comes back. */
static void test_flush_that_fails_keeps_the_tables(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		const struct vtd_config how = {.no_queue = way & 1};
		int want = way == 3 ? -EIO : -ETIMEDOUT;
		struct vtd_domain *other;
		size_t live;

		up(&vtd_sim_default, &how);
		assert_int_equal(vtd_map(s->v, d, 0, 0x1000, 0x1000, RW), 0);
		assert_true(reaches(0, true, 0x1000));
		live = s->dev->dma_live;
		s->stuck_inv = !(way & 2);
		s->refuse_inv = way & 2;
		assert_int_equal(vtd_unmap(s->v, d, 0, 0x1000), want);
		assert_int_equal(s->dev->dma_live, live);
		assert_true(reaches(0, true, 0x1000)); /* stale, as was said */
		assert_int_equal(vtd_map(s->v, d, 0x5000, 0x5000, 0x1000, RW), want);
		assert_int_equal(vtd_unmap(s->v, d, 0, 0x1000), want);
		assert_int_equal(vtd_attach(s->v, 0x199, d), want);
		assert_int_equal(vtd_domain_alloc(s->v, &other), 0);
		assert_int_equal(vtd_domain_free(s->v, other), want);
		resume();
		assert_int_equal(vtd_map(s->v, d, 0x5000, 0x5000, 0x1000, RW), 0);
		assert_true(blocked(0) && reaches(0x5000, true, 0x5000));
		assert_int_equal(vtd_domain_free(s->v, other), 0);
		assert_int_equal(s->dev->dma_live, live);
		down();
	}
}

/* ---- the plain model ------------------------------------------------------------------------- */

#define WINDOW UINT64_C(0x3fc00000) /* 8 MiB across a border of all lower levels */
#define PAGES  2048u
#define ROUNDS 250

static struct {
	bool mapped;
	uint64_t phys;
	uint32_t perm;
} model[PAGES];

static uint32_t seed;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void compare(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t iova = WINDOW + (uint64_t)i * VTD_PAGE, phys = 0, dma = 0;
		uint32_t perm = 0;

		assert_int_equal(vtd_walk(s->v, d, iova + 5, &phys, &perm), model[i].mapped);
		for (unsigned int w = 0; w < 2; w++) {
			bool may = model[i].mapped && model[i].perm & (w ? VTD_W : VTD_R);

			assert_int_equal(vtd_sim_dma(s, SIDE, iova + 5, w, &dma), may);
			assert_true(!may || dma == model[i].phys + 5);
		}
		if (model[i].mapped) {
			assert_int_equal(phys, model[i].phys + 5);
			assert_int_equal(perm, model[i].perm);
		}
	}
}

static void act(void)
{
	bool large = !any(3);
	unsigned int first = any(PAGES), n = 1 + any(large ? 1200 : 40);
	uint64_t phys = (uint64_t)(1 + any(100)) << 24;
	uint32_t perm = 1 + any(3);
	bool map = any(5) < 3, over = false;
	int ret;

	if (large)
		first &= ~511u;
	if (first + n > PAGES)
		n = PAGES - first;
	if (any(4) == 0)
		phys += (uint64_t)any(512) * VTD_PAGE;
	for (unsigned int i = 0; i < n; i++)
		over |= model[first + i].mapped;
	s->dev->dma_fail_after = any(6) ? -1 : (int)any(4);
	if (map)
		ret = vtd_map(s->v, d, WINDOW + (uint64_t)first * VTD_PAGE, phys,
			      (uint64_t)n * VTD_PAGE, perm);
	else
		ret = vtd_unmap(s->v, d, WINDOW + (uint64_t)first * VTD_PAGE,
				(uint64_t)n * VTD_PAGE);
	assert_true(ret == 0 || (ret == -EEXIST && map && over) ||
		    (ret == -ENOMEM && s->dev->dma_fail_after == 0));
	assert_true(!(map && over) || ret == -EEXIST);
	s->dev->dma_fail_after = -1;
	for (unsigned int i = 0; !ret && i < n; i++) {
		model[first + i].mapped = map;
		model[first + i].phys = phys + (uint64_t)i * VTD_PAGE;
		model[first + i].perm = perm;
	}
}

static void run_model(const struct sim_caps *caps, bool no_queue)
{
	const struct vtd_config how = {.no_queue = no_queue};
	size_t live;

	memset(model, 0, sizeof(model));
	up(caps, &how);
	live = s->dev->dma_live;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		act();
		compare();
		fake_log_clear(s->dev);
	}
	assert_int_equal(vtd_unmap(s->v, d, 0, UINT64_C(1) << 38), 0);
	assert_int_equal(s->dev->dma_live, live);
	memset(model, 0, sizeof(model));
	compare();
	down();
}

static void test_random_changes_agree_with_the_model(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		struct sim_caps c = vtd_sim_default;

		seed = 4711 + i;
		c.coherent = !(i & 1);
		c.rwbf = i & 2 && c.coherent;
		c.cm = i & 4;
		c.psi = i % 3 != 0;
		c.mamv = i % 5 == 4 ? 0 : 9;
		c.page_2m = i % 4 != 3;
		c.sagaw = i % 3 == 0 ? 2 : i % 3 == 1 ? 4 : 8;
		c.mgaw = 57;
		run_model(&c, i & 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_reach_their_memory),
		cmocka_unit_test(test_permissions_are_each_their_own),
		cmocka_unit_test(test_map_uses_2m_where_it_fits),
		cmocka_unit_test(test_map_without_2m_pages_uses_small_ones),
		cmocka_unit_test(test_pages_are_snooped_where_the_unit_can),
		cmocka_unit_test(test_unmap_splits_a_large_page),
		cmocka_unit_test(test_unmap_is_immediate_with_all_caches_warm),
		cmocka_unit_test(test_unmap_of_nothing_flushes_nothing),
		cmocka_unit_test(test_map_over_map_is_refused_whole),
		cmocka_unit_test(test_arguments_are_checked),
		cmocka_unit_test(test_exhaustion_leaves_nothing_half_done),
		cmocka_unit_test(test_split_without_memory_changes_nothing),
		cmocka_unit_test(test_flush_that_fails_keeps_the_tables),
		cmocka_unit_test(test_random_changes_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("vtd_map", tests, NULL, NULL);
}
