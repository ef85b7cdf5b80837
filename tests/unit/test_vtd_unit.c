/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A remapping unit's capabilities, start and stop, and every wait that may not end. */
#include "vtd_sim.h"

static const struct vtd_config plain = {.intremap = true};

#define SIDE UINT16_C(0x0180)

/* -EOPNOTSUPP with a sentence that has @word; nothing was written or kept. */
static void refused(const struct sim_caps *caps, const struct vtd_config *cfg, const char *word)
{
	struct vtd_sim *s = vtd_sim_new(caps);
	const char *why = NULL;
	struct vtd *v = NULL;

	assert_int_equal(vtd_init(s->mem, s->dev, cfg, &v, &why), -EOPNOTSUPP);
	assert_non_null(why);
	assert_non_null(strstr(why, word));
	assert_non_null(strstr(why, ": ")); /* what is missing: where to switch it on */
	assert_null(v);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(s->dev->dma_live, 0);
	assert_int_equal(vtd_init(s->mem, s->dev, cfg, &v, NULL), -EOPNOTSUPP);
	vtd_sim_free(s);
}

static void test_init_refuses_what_it_cannot_use(void **state)
{
	const struct vtd_config x2apic = {.intremap = true, .x2apic = true};
	const struct vtd_config no_queue = {.intremap = true, .no_queue = true};
	struct sim_caps c = vtd_sim_default;

	(void)state;
	c.sagaw = 1; /* two levels alone */
	refused(&c, &plain, "levels");
	c.sagaw = 0;
	refused(&c, &plain, "levels");
	c = vtd_sim_default;
	c.ir = false;
	refused(&c, &plain, "interrupt remapping");
	c = vtd_sim_default;
	c.qi = false;
	refused(&c, &plain, "queue");
	refused(&vtd_sim_default, &no_queue, "queue");
	c = vtd_sim_default;
	c.eim = false;
	refused(&c, &x2apic, "x2APIC");
	c = vtd_sim_default;
	c.nd = 7;
	refused(&c, &plain, "domain ids");
}

static void test_init_without_a_unit(void **state)
{
	static const uint32_t empty[] = {0, UINT32_MAX};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(empty); i++) {
		struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
		const char *why = NULL;
		struct vtd *v = NULL;

		for (uint32_t reg = 0; reg < VTD_GCMD; reg += 4)
			s->dev->reg[reg / 4] = empty[i];
		assert_int_equal(vtd_init(s->mem, s->dev, &plain, &v, &why), -ENODEV);
		assert_non_null(strstr(why, "no VT-d unit"));
		assert_int_equal(s->dev->dma_live, 0);
		vtd_sim_free(s);
	}
}

static void test_init_changes_nothing_and_stop_gives_back(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd *v = NULL;

	(void)state;
	assert_int_equal(vtd_init(s->mem, s->dev, &plain, &v, NULL), 0);
	assert_int_equal(s->dev->nlog, 0);
	assert_true(s->dev->dma_live > 0);
	vtd_stop(v);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(s->dev->dma_live, 0);
	vtd_sim_free(s);
}

static void test_init_gives_back_what_it_had_when_memory_ends(void **state)
{
	int n = 0, ret;

	(void)state;
	do {
		struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
		struct vtd *v = NULL;

		s->dev->dma_fail_after = n++;
		ret = vtd_init(s->mem, s->dev, &plain, &v, NULL);
		assert_true(ret == 0 || ret == -ENOMEM);
		if (ret)
			assert_int_equal(s->dev->dma_live, 0);
		s->dev->dma_fail_after = -1;
		vtd_sim_free(s);
	} while (ret);
	assert_int_equal(n, 4); /* root, interrupts, queue */
}

static void test_info_tells_the_capabilities(void **state)
{
	static const struct {
		unsigned int nd, sagaw, mgaw, domains, levels;
	} t[] = {
		{6, 4, 48, VTD_DOMAINS_MAX, 4}, {0, 2, 39, 14, 3},  {1, 6, 48, VTD_DOMAINS_MAX, 4},
		{2, 8, 57, VTD_DOMAINS_MAX, 5}, {0, 14, 57, 14, 4}, {6, 3, 39, VTD_DOMAINS_MAX, 3},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		struct sim_caps c = vtd_sim_default;
		struct vtd_sim *s;
		struct vtd_info info;

		c.nd = t[i].nd;
		c.sagaw = t[i].sagaw;
		c.mgaw = t[i].mgaw;
		s = vtd_sim_new(&c);
		vtd_sim_up(s, &plain);
		vtd_info(s->v, &info);
		assert_int_equal(info.domains, t[i].domains);
		assert_int_equal(info.levels, t[i].levels);
		assert_int_equal(info.version, 0x10);
		assert_int_equal(info.fault_records, c.nfr);
		assert_true(info.queued && info.intremap && info.coherent && info.pages_2m);
		assert_true(info.protected_memory && !info.caching);
		assert_int_equal(info.cap >> 32, vtd_sim_reg(s, VTD_CAP_HI));
		assert_int_equal((uint32_t)info.ecap, vtd_sim_reg(s, VTD_ECAP));
		vtd_sim_free(s);
	}
}

/* The index in the log of the first write to GCMD that has @bit, or -1. */
static long gcmd_at(const struct vtd_sim *s, uint32_t bit)
{
	for (size_t i = 0; i < s->dev->nlog; i++)
		if (s->dev->log[i].reg == VTD_GCMD && s->dev->log[i].val & bit)
			return (long)i;
	return -1;
}

static void test_start_goes_in_the_safe_order(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	long queue, root, irt, te, ire, pmen;
	uint64_t phys;
	uint32_t apic;

	(void)state;
	vtd_sim_up(s, &plain);
	queue = gcmd_at(s, VTD_GCMD_QIE);
	root = gcmd_at(s, VTD_GCMD_SRTP);
	irt = gcmd_at(s, VTD_GCMD_SIRTP);
	te = gcmd_at(s, VTD_GCMD_TE);
	ire = gcmd_at(s, VTD_GCMD_IRE);
	pmen = fake_log_find(s->dev, VTD_PMEN, 0);
	assert_true(queue >= 0 && root > queue && irt > root && te > irt && ire > te && pmen > ire);
	/* Everything is invalidated between the tables and translation. */
	assert_true(fake_log_find(s->dev, VTD_IQT, (size_t)irt) < te);
	assert_int_equal(s->ccs, 1);
	assert_int_equal(s->tlb_kinds[VTD_TLB_GLOBAL], 1);
	assert_int_equal(s->iecs, 1);
	assert_true(s->drained);
	assert_int_equal(vtd_sim_reg(s, VTD_PMEN), 0);
	assert_int_equal(vtd_sim_reg(s, VTD_IRTA) & VTD_IRTA_EIME, 0);
	/* Nothing passes that was not allowed. */
	assert_false(vtd_sim_dma(s, SIDE, 0x1000, true, &phys));
	assert_int_equal(vtd_sim_msi(s, SIDE, 0xfee00000, 0x41, &apic), 0);
	assert_int_equal(vtd_sim_msi(s, SIDE, 0xfee00018, 0, &apic), 0);
	vtd_sim_free(s);
}

/* Firmware left all of it on, with a queue and tables of its own. */
static void test_start_takes_over_from_firmware(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	uint64_t phys;

	(void)state;
	s->dev->reg[VTD_GSTS / 4] = VTD_GCMD_TE | VTD_GCMD_IRE | VTD_GCMD_QIE | VTD_GCMD_SRTP;
	s->dev->reg[VTD_IQT / 4] = s->dev->reg[VTD_IQH / 4] = 0x40;
	s->iq_head = 4;
	vtd_sim_up(s, &plain);
	for (size_t i = 0; i < s->dev->nlog; i++) /* no moment without translation */
		if (s->dev->log[i].reg == VTD_GCMD)
			assert_true(s->dev->log[i].val & VTD_GCMD_TE);
	assert_false(vtd_sim_dma(s, SIDE, 0x1000, true, &phys));
	vtd_sim_free(s);
}

static void test_start_waits_for_firmwares_queue(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd *v = NULL;

	(void)state;
	s->dev->reg[VTD_GSTS / 4] = VTD_GCMD_QIE;
	s->dev->reg[VTD_IQT / 4] = 0x40;
	assert_int_equal(vtd_init(s->mem, s->dev, &plain, &v, NULL), 0);
	assert_int_equal(vtd_start(v), -ETIMEDOUT);
	vtd_sim_free(s);
}

static void test_start_reports_each_command_not_followed(void **state)
{
	static const uint32_t bit[] = {VTD_GCMD_QIE, VTD_GCMD_SRTP, VTD_GCMD_SIRTP, VTD_GCMD_TE,
				       VTD_GCMD_IRE};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bit); i++) {
		struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
		struct vtd *v = NULL;

		s->stuck = bit[i];
		assert_int_equal(vtd_init(s->mem, s->dev, &plain, &v, NULL), 0);
		assert_int_equal(vtd_start(v), -ETIMEDOUT);
		assert_true(s->dev->logs > 0);
		assert_true(s->dev->now_us >= 1000000 && s->dev->now_us < 3000000);
		vtd_sim_free(s);
	}
}

static void test_start_reports_other_waits(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct vtd_config cfg = {.intremap = i != 1 && i != 2,
					 .no_queue = i == 1 || i == 2};
		struct sim_caps c = vtd_sim_default;
		struct vtd_sim *s;
		struct vtd *v = NULL;

		c.rwbf = i == 4;
		s = vtd_sim_new(&c);
		s->stuck_inv = i == 0 || i == 1;
		s->refuse_inv = i == 2;
		s->stuck_pmen = i == 3;
		s->stuck = i == 4 ? VTD_GCMD_WBF : 0;
		assert_int_equal(vtd_init(s->mem, s->dev, &cfg, &v, NULL), 0);
		assert_int_equal(vtd_start(v), i == 2 ? -EIO : -ETIMEDOUT);
		vtd_sim_free(s);
	}
}

/* What the unit may still read is not given back to whoever gets it next. */
static void test_stop_keeps_tables_of_a_unit_that_goes_on(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	size_t live;

	(void)state;
	vtd_sim_up(s, &plain);
	live = s->dev->dma_live;
	s->stuck = VTD_GCMD_TE;
	vtd_stop(s->v);
	assert_int_equal(s->dev->dma_live, live);
	vtd_sim_free(s); /* now it follows */
}

static void test_stop_frees_domains_and_contexts(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_domain *d;

	(void)state;
	vtd_sim_up(s, &plain);
	assert_int_equal(vtd_domain_alloc(s->v, &d), 0);
	assert_int_equal(vtd_map(s->v, d, 0x1000, 0x5000, 0x400000, VTD_R), 0);
	assert_int_equal(vtd_attach(s->v, SIDE, d), 0);
	assert_int_equal(vtd_attach(s->v, 0xff07, d), 0);
	vtd_sim_free(s); /* counts */
}

static void test_x2apic_is_an_option(void **state)
{
	const struct vtd_config cfg = {.intremap = true, .x2apic = true};
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);

	(void)state;
	vtd_sim_up(s, &cfg);
	assert_true(vtd_sim_reg(s, VTD_IRTA) & VTD_IRTA_EIME);
	vtd_sim_free(s);
}

/* Units without queue or interrupts, driven by registers, still translate. */
static void test_start_without_queue_and_interrupts(void **state)
{
	const struct vtd_config cfg = {.no_queue = false};
	struct sim_caps c = vtd_sim_default;
	struct vtd_info info;
	struct vtd_sim *s;
	struct vtd_msi msi;

	(void)state;
	c.qi = c.ir = c.pmr = c.drain = false;
	s = vtd_sim_new(&c);
	vtd_sim_up(s, &cfg);
	vtd_info(s->v, &info);
	assert_false(info.queued || info.intremap || info.protected_memory);
	assert_int_equal(vtd_sim_reg(s, VTD_GSTS) & (VTD_GCMD_TE | VTD_GCMD_QIE | VTD_GCMD_IRE),
			 VTD_GCMD_TE);
	assert_false(s->drained); /* asked for by capability alone */
	assert_int_equal(vtd_irq_alloc(s->v, SIDE, 0, 0x41, &msi), -EOPNOTSUPP);
	assert_int_equal(vtd_irq_free(s->v, 0), -ENOENT);
	assert_int_equal(vtd_irq_count(s->v, SIDE), 0);
	assert_int_equal(fake_log_find(s->dev, VTD_PMEN, 0), -1);
	vtd_sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_refuses_what_it_cannot_use),
		cmocka_unit_test(test_init_without_a_unit),
		cmocka_unit_test(test_init_changes_nothing_and_stop_gives_back),
		cmocka_unit_test(test_init_gives_back_what_it_had_when_memory_ends),
		cmocka_unit_test(test_info_tells_the_capabilities),
		cmocka_unit_test(test_start_goes_in_the_safe_order),
		cmocka_unit_test(test_start_takes_over_from_firmware),
		cmocka_unit_test(test_start_waits_for_firmwares_queue),
		cmocka_unit_test(test_start_reports_each_command_not_followed),
		cmocka_unit_test(test_start_reports_other_waits),
		cmocka_unit_test(test_stop_keeps_tables_of_a_unit_that_goes_on),
		cmocka_unit_test(test_stop_frees_domains_and_contexts),
		cmocka_unit_test(test_x2apic_is_an_option),
		cmocka_unit_test(test_start_without_queue_and_interrupts),
	};

	return cmocka_run_group_tests_name("vtd_unit", tests, NULL, NULL);
}
