/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Domains and who is in them: order of changes, flushes, limits, the queue's wrap. */
#include "vtd_sim.h"

#define VF(n)  ((uint16_t)(0x0180 + 2 * (n)))
#define RW     (VTD_R | VTD_W)
#define KIB_64 UINT64_C(0x10000)

static const struct vtd_config cfg = {.intremap = true};

static bool reaches(struct vtd_sim *s, uint16_t source, uint64_t iova, uint64_t want)
{
	uint64_t phys;

	return vtd_sim_dma(s, source, iova, true, &phys) && phys == want;
}

static bool blocked(struct vtd_sim *s, uint16_t source, uint64_t iova)
{
	uint64_t phys;

	return !vtd_sim_dma(s, source, iova, true, &phys);
}

/* A domain with @len bytes at 0 mapped to @phys. */
static struct vtd_domain *domain(struct vtd_sim *s, uint64_t phys)
{
	struct vtd_domain *d = NULL;

	assert_int_equal(vtd_domain_alloc(s->v, &d), 0);
	assert_int_equal(vtd_map(s->v, d, 0, phys, KIB_64, RW), 0);
	return d;
}

static void test_domains_isolate_at_the_same_address(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_domain *a, *b;

	(void)state;
	vtd_sim_up(s, &cfg);
	a = domain(s, 0x100000);
	b = domain(s, 0x200000);
	assert_int_equal(vtd_attach(s->v, VF(0), a), 0);
	assert_int_equal(vtd_attach(s->v, VF(1), b), 0);
	assert_true(reaches(s, VF(0), 0x1234, 0x101234));
	assert_true(reaches(s, VF(1), 0x1234, 0x201234));
	assert_true(blocked(s, VF(0), KIB_64) && blocked(s, VF(2), 0));
	/* Two in one domain. */
	assert_int_equal(vtd_attach(s->v, VF(2), a), 0);
	assert_true(reaches(s, VF(2), 0x1234, 0x101234));
	vtd_sim_free(s);
}

static void test_attach_and_free_refuse_what_is_in_use(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_domain *a, *b;

	(void)state;
	vtd_sim_up(s, &cfg);
	a = domain(s, 0x100000);
	b = domain(s, 0x200000);
	assert_int_equal(vtd_detach(s->v, VF(0)), -ENOENT);
	assert_int_equal(vtd_attach(s->v, VF(0), a), 0);
	assert_int_equal(vtd_attach(s->v, VF(0), b), -EBUSY);
	assert_int_equal(vtd_attach(s->v, VF(0), NULL), -EBUSY);
	assert_int_equal(vtd_domain_free(s->v, a), -EBUSY);
	assert_true(reaches(s, VF(0), 0, 0x100000));
	assert_int_equal(vtd_detach(s->v, VF(0)), 0);
	assert_int_equal(vtd_detach(s->v, VF(0)), -ENOENT);
	assert_int_equal(vtd_domain_free(s->v, a), 0);
	vtd_sim_free(s);
}

/* With all caches warm, by queue and by registers, whatever the unit caches. */
static void test_detach_ends_dma_at_once(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 16; way++) {
		const struct vtd_config how = {.no_queue = way & 1};
		struct sim_caps c = vtd_sim_default;
		struct vtd_domain *a, *b;
		struct vtd_sim *s;

		c.cm = way & 2;
		c.coherent = !(way & 4);
		c.rwbf = way & 8 && c.coherent;
		s = vtd_sim_new(&c);
		vtd_sim_up(s, &how);
		a = domain(s, 0x100000);
		b = domain(s, 0x200000);
		assert_true(blocked(s, VF(0), 0)); /* an absence that may be cached */
		assert_int_equal(vtd_attach(s->v, VF(0), a), 0);
		assert_int_equal(vtd_attach(s->v, VF(1), a), 0);
		assert_true(reaches(s, VF(0), 0, 0x100000) && reaches(s, VF(1), 0, 0x100000));
		assert_true(blocked(s, VF(2), 0)); /* a neighbour of theirs that has no entry */
		assert_int_equal(vtd_detach(s->v, VF(0)), 0);
		assert_true(blocked(s, VF(0), 0) && reaches(s, VF(1), 0, 0x100000));
		assert_int_equal(vtd_attach(s->v, VF(0), b), 0);
		assert_true(reaches(s, VF(0), 0, 0x200000));
		assert_true(s->drained);
		vtd_sim_free(s);
	}
}

/* Entry, context cache, IOTLB: a translation that comes after the first must not refill the last.
 */
static void test_detach_flushes_in_order(void **state)
{
	const struct vtd_config how = {.no_queue = true};
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	long cc, tlb;

	(void)state;
	vtd_sim_up(s, &how);
	assert_int_equal(vtd_attach(s->v, VF(0), domain(s, 0x100000)), 0);
	fake_log_clear(s->dev);
	assert_int_equal(vtd_detach(s->v, VF(0)), 0);
	cc = fake_log_find(s->dev, VTD_CCMD_HI, 0);
	tlb = fake_log_find(s->dev, VTD_IOTLB_HI(SIM_IRO), 0);
	assert_true(cc > 0 && tlb > cc);
	/* Lower halves first. */
	assert_int_equal(s->dev->log[cc - 1].reg, VTD_CCMD);
	assert_int_equal(s->dev->log[tlb - 1].reg, VTD_IOTLB(SIM_IRO));
	assert_int_equal(s->dev->log[cc - 1].val >> 16, VF(0));
	vtd_sim_free(s);
}

static void test_pass_through_is_as_it_was(void **state)
{
	struct sim_caps c = vtd_sim_default;
	struct vtd_sim *s;
	uint64_t phys;

	(void)state;
	c.sagaw = 12;
	s = vtd_sim_new(&c);
	vtd_sim_up(s, &cfg);
	assert_int_equal(vtd_attach(s->v, 0x0100, NULL), 0);
	assert_true(vtd_sim_dma(s, 0x0100, 0x123456789, true, &phys));
	assert_int_equal(phys, 0x123456789);
	/* The width that a pass-through entry names is the unit's largest (9.3). */
	assert_int_equal(vtd_get(VTD_CTX_HI_AW, s->ctx[0x100].hi), 3);
	assert_int_equal(vtd_detach(s->v, 0x0100), 0);
	assert_true(blocked(s, 0x0100, 0x1000));
	vtd_sim_free(s);

	c.pass = false;
	s = vtd_sim_new(&c);
	vtd_sim_up(s, &cfg);
	assert_int_equal(vtd_attach(s->v, 0x0100, NULL), -EOPNOTSUPP);
	vtd_sim_free(s);
}

/* Who is attached before the start never loses DMA that is in order. */
static void test_attach_before_start_holds(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		struct sim_caps c = vtd_sim_default;
		struct vtd *v = NULL;
		struct vtd_sim *s;

		c.coherent = !(way & 1);
		c.rwbf = way == 2;
		s = vtd_sim_new(&c);
		assert_int_equal(vtd_init(s->mem, s->dev, &cfg, &v, NULL), 0);
		assert_int_equal(vtd_attach(v, VF(0), domain(s, 0x100000)), 0);
		assert_int_equal(vtd_attach(v, 0x0100, NULL), 0);
		assert_int_equal(s->ccs + s->tlbs, 0);
		assert_int_equal(vtd_start(v), 0);
		assert_true(reaches(s, VF(0), 0x42, 0x100042) && reaches(s, 0x100, 0x42, 0x42));
		vtd_sim_free(s);
	}
}

static void test_domains_end_with_the_units_ids(void **state)
{
	(void)state;
	for (unsigned int nd = 0; nd < 3; nd += 2) {
		struct sim_caps c = vtd_sim_default;
		unsigned int want = nd ? VTD_DOMAINS_MAX : 14, n = 0;
		struct vtd_domain *d[VTD_DOMAINS_MAX + 1] = {NULL};
		struct vtd_sim *s;
		int ret;

		c.nd = nd;
		s = vtd_sim_new(&c);
		vtd_sim_up(s, &cfg);
		while (!(ret = vtd_domain_alloc(s->v, &d[n]))) {
			assert_int_equal(vtd_map(s->v, d[n], 0, 0x100000 * (n + 1), 0x1000, RW), 0);
			assert_int_equal(vtd_attach(s->v, VF(n), d[n]), 0);
			n++;
		}
		assert_int_equal(ret, -ENOSPC);
		assert_int_equal(n, want);
		for (unsigned int i = 0; i < n; i++)
			assert_true(reaches(s, VF(i), 0, 0x100000 * (i + 1)));
		/* An id that is free is used again, by whom the old one's caches do not serve. */
		assert_int_equal(vtd_detach(s->v, VF(3)), 0);
		assert_int_equal(vtd_domain_free(s->v, d[3]), 0);
		assert_int_equal(vtd_domain_alloc(s->v, &d[3]), 0);
		assert_int_equal(vtd_attach(s->v, VF(3), d[3]), 0);
		assert_true(blocked(s, VF(3), 0));
		vtd_sim_free(s);
	}
}

static void test_exhaustion_at_attach_and_alloc(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_domain *d, *other = NULL;
	size_t live;

	(void)state;
	vtd_sim_up(s, &cfg);
	d = domain(s, 0x100000);
	live = s->dev->dma_live;
	s->dev->dma_fail_after = 0;
	assert_int_equal(vtd_attach(s->v, VF(0), d), -ENOMEM);
	assert_int_equal(vtd_domain_alloc(s->v, &other), -ENOMEM);
	s->dev->dma_fail_after = -1;
	assert_int_equal(s->dev->dma_live, live);
	assert_true(blocked(s, VF(0), 0));
	assert_int_equal(vtd_domain_free(s->v, d), 0);
	vtd_sim_free(s);
}

static void test_detach_that_is_not_flushed_is_said(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 2; way++) {
		const struct vtd_config how = {.no_queue = way};
		struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
		struct vtd_domain *d;

		vtd_sim_up(s, &how);
		d = domain(s, 0x100000);
		assert_int_equal(vtd_attach(s->v, VF(0), d), 0);
		assert_true(reaches(s, VF(0), 0, 0x100000));
		s->stuck_inv = true;
		assert_int_equal(vtd_detach(s->v, VF(0)), -ETIMEDOUT);
		/* The unit may go on using it, so nothing of it is given away. */
		assert_int_equal(vtd_domain_free(s->v, d), -ETIMEDOUT);
		assert_int_equal(vtd_attach(s->v, VF(0), d), -ETIMEDOUT);
		assert_true(reaches(s, VF(0), 0, 0x100000));
		vtd_sim_free(s);
	}
}

/* With caching mode the unit is told of what is new, too; a failure takes it back. */
static void test_attach_that_is_not_flushed_is_taken_back(void **state)
{
	struct sim_caps c = vtd_sim_default;
	struct vtd_domain *d;
	struct vtd_sim *s;

	(void)state;
	c.cm = true;
	s = vtd_sim_new(&c);
	vtd_sim_up(s, &cfg);
	d = domain(s, 0x100000);
	s->refuse_inv = true;
	assert_int_equal(vtd_attach(s->v, VF(0), d), -ETIMEDOUT);
	s->refuse_inv = false;
	s->iq_head = vtd_sim_reg(s, VTD_IQT) / 16;
	s->dev->reg[VTD_IQH / 4] = vtd_sim_reg(s, VTD_IQT);
	assert_true(blocked(s, VF(0), 0));
	assert_int_equal(vtd_attach(s->v, VF(0), d), 0);
	assert_true(reaches(s, VF(0), 0, 0x100000));
	vtd_sim_free(s);
}

/* A unit that was late once is not waited for by every call: 1 s in all, not each. */
static void test_hung_queue_costs_one_time_out(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	uint64_t at;

	(void)state;
	vtd_sim_up(s, &cfg);
	s->stuck_inv = true;
	at = s->dev->now_us;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(vtd_flush_all(s->v), -ETIMEDOUT);
	assert_true(s->dev->now_us - at < 1200000);
	vtd_sim_free(s);
}

/* Many times around its 256 descriptors; the model asserts that each is valid. */
static void test_queue_wraps(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_domain *d;
	unsigned int n;

	(void)state;
	vtd_sim_up(s, &cfg);
	d = domain(s, 0x100000);
	n = s->tlbs;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(vtd_flush_domain(s->v, d), 0);
	assert_int_equal(s->tlbs - n, 1000);
	vtd_sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domains_isolate_at_the_same_address),
		cmocka_unit_test(test_attach_and_free_refuse_what_is_in_use),
		cmocka_unit_test(test_detach_ends_dma_at_once),
		cmocka_unit_test(test_detach_flushes_in_order),
		cmocka_unit_test(test_pass_through_is_as_it_was),
		cmocka_unit_test(test_attach_before_start_holds),
		cmocka_unit_test(test_domains_end_with_the_units_ids),
		cmocka_unit_test(test_exhaustion_at_attach_and_alloc),
		cmocka_unit_test(test_detach_that_is_not_flushed_is_said),
		cmocka_unit_test(test_attach_that_is_not_flushed_is_taken_back),
		cmocka_unit_test(test_hung_queue_costs_one_time_out),
		cmocka_unit_test(test_queue_wraps),
	};

	return cmocka_run_group_tests_name("vtd_context", tests, NULL, NULL);
}
