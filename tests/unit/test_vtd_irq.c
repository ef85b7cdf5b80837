/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Interrupt remapping entries and fault records. */
#include "vtd_sim.h"

#define VF(n) ((uint16_t)(0x0180 + 2 * (n)))

static const struct vtd_config cfg = {.intremap = true};

static unsigned int raise(struct vtd_sim *s, uint16_t source, const struct vtd_msi *m,
			  uint32_t *apic)
{
	return vtd_sim_msi(s, source, m->addr, m->data, apic);
}

/* The one fault that is there. */
static struct vtd_fault fault(struct vtd_sim *s)
{
	struct vtd_fault f[2];
	bool lost;

	assert_int_equal(vtd_faults(s->v, f, 2, &lost), 1);
	assert_false(lost);
	return f[0];
}

static void test_interrupts_come_from_their_source_alone(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < 4; way++) {
		struct sim_caps c = vtd_sim_default;
		struct vtd_msi a, b;
		struct vtd_sim *s;
		struct vtd_fault f;
		uint32_t apic;
		int i;

		c.coherent = !(way & 1);
		c.cm = way & 2;
		s = vtd_sim_new(&c);
		vtd_sim_up(s, &cfg);
		assert_int_equal(vtd_sim_msi(s, VF(0), 0xfee00018, 0, &apic), 0);
		f = fault(s); /* an absence that may be cached */
		assert_true(f.interrupt && f.addr == 0 && f.source == VF(0));
		assert_int_equal(f.reason, VTD_FR_IR_ABSENT);
		assert_int_equal(vtd_irq_alloc(s->v, VF(0), 3, 0x41, &a), 0);
		i = vtd_irq_alloc(s->v, VF(1), 254, 254, &b);
		assert_int_equal(i, 1);
		assert_int_equal(raise(s, VF(0), &a, &apic), 0x41);
		assert_int_equal(apic, 3);
		assert_int_equal(raise(s, VF(1), &b, &apic), 254);
		assert_int_equal(apic, 254);
		assert_int_equal(raise(s, VF(1), &a, &apic), 0);
		f = fault(s);
		assert_int_equal(f.reason, VTD_FR_IR_SOURCE);
		assert_int_equal(f.source, VF(1));
		assert_int_equal(vtd_irq_count(s->v, VF(0)), 1);
		assert_int_equal(vtd_irq_free(s->v, i), 0);
		assert_int_equal(raise(s, VF(1), &b, &apic), 0);
		f = fault(s);
		assert_int_equal(f.reason, VTD_FR_IR_ABSENT);
		assert_int_equal(f.addr, 1);
		assert_int_equal(vtd_irq_free(s->v, i), -ENOENT);
		assert_int_equal(vtd_irq_count(s->v, VF(1)), 0);
		vtd_sim_free(s);
	}
}

static void test_retargeting_takes_effect_at_once(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_msi m;
	uint32_t apic;

	(void)state;
	vtd_sim_up(s, &cfg);
	assert_int_equal(vtd_irq_alloc(s->v, VF(0), 0, 0x41, &m), 0);
	assert_int_equal(raise(s, VF(0), &m, &apic), 0x41);
	assert_int_equal(vtd_irq_set(s->v, 0, 1, 0x52), 0);
	assert_int_equal(raise(s, VF(0), &m, &apic), 0x52);
	assert_int_equal(apic, 1);
	assert_int_equal(vtd_irq_set(s->v, 0, 1, 15), -EINVAL);
	assert_int_equal(vtd_irq_set(s->v, 1, 1, 0x52), -ENOENT);
	assert_int_equal(vtd_irq_set(s->v, -1, 1, 0x52), -ENOENT);
	assert_int_equal(vtd_irq_set(s->v, VTD_IRTES, 1, 0x52), -ENOENT);
	assert_int_equal(vtd_irq_free(s->v, VTD_IRTES), -ENOENT);
	assert_int_equal(raise(s, VF(0), &m, &apic), 0x52);
	vtd_sim_free(s);
}

static void test_vectors_and_ids_are_checked(void **state)
{
	static const struct {
		uint32_t apic;
		uint8_t vector;
		bool x2apic;
		int want;
	} t[] = {
		{0, 15, false, -EINVAL},
		{0, 255, false, -EINVAL},
		{255, 64, false, -EINVAL},
		{0x1234, 64, false, -EINVAL},
		{UINT32_MAX, 64, true, -EINVAL},
		{0x12345678, 64, true, 0},
		{255, 64, true, 0},
		{0, 16, false, 0},
		{254, 254, false, 0},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		const struct vtd_config how = {.intremap = true, .x2apic = t[i].x2apic};
		struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
		struct vtd_msi m;
		uint32_t apic;

		vtd_sim_up(s, &how);
		assert_int_equal(vtd_irq_alloc(s->v, VF(0), t[i].apic, t[i].vector, &m), t[i].want);
		if (!t[i].want) {
			assert_int_equal(raise(s, VF(0), &m, &apic), t[i].vector);
			assert_int_equal(apic, t[i].apic);
		}
		vtd_sim_free(s);
	}
}

static void test_entries_end_and_are_used_again(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_msi m[VTD_IRTES], more;
	uint32_t apic;

	(void)state;
	vtd_sim_up(s, &cfg);
	for (int i = 0; i < VTD_IRTES; i++)
		assert_int_equal(vtd_irq_alloc(s->v, VF(i & 1), 0, (uint8_t)(16 + i % 200), &m[i]),
				 i);
	assert_int_equal(vtd_irq_alloc(s->v, VF(0), 0, 0x41, &more), -ENOSPC);
	assert_int_equal(vtd_irq_count(s->v, VF(0)), VTD_IRTES / 2);
	for (int i = 0; i < VTD_IRTES; i++)
		assert_int_equal(raise(s, VF(i & 1), &m[i], &apic), 16 + i % 200);
	/* The former owner's message does not raise the next one's vector. */
	assert_int_equal(vtd_irq_free(s->v, 77), 0);
	assert_int_equal(vtd_irq_alloc(s->v, VF(4), 0, 0x99, &more), 77);
	assert_int_equal(raise(s, VF(1), &m[77], &apic), 0);
	assert_int_equal(raise(s, VF(4), &more, &apic), 0x99);
	assert_int_equal(vtd_sim_msi(s, VF(0), 0xfee00018 | 0x80000, 0, &apic), 0); /* beyond */
	vtd_sim_free(s);
}

static void test_entry_that_is_not_flushed(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_msi m;

	(void)state;
	vtd_sim_up(s, &cfg);
	assert_int_equal(vtd_irq_alloc(s->v, VF(0), 0, 0x41, &m), 0);
	s->stuck_inv = true;
	assert_int_equal(vtd_irq_alloc(s->v, VF(1), 0, 0x42, &m), -ETIMEDOUT);
	assert_int_equal(vtd_irq_count(s->v, VF(1)), 0);
	assert_int_equal(vtd_irq_set(s->v, 0, 0, 0x43), -ETIMEDOUT);
	assert_int_equal(vtd_irq_free(s->v, 0), -ETIMEDOUT);
	assert_int_equal(vtd_irq_count(s->v, VF(0)), 0);
	vtd_sim_free(s);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void test_faults_name_the_culprit(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	struct vtd_fault f;

	(void)state;
	vtd_sim_up(s, &cfg);
	vtd_sim_fault(s, VF(3), VTD_FR_WRITE, true, UINT64_C(0x123456789000));
	f = fault(s);
	assert_true(f.source == VF(3) && f.reason == VTD_FR_WRITE && f.write && !f.interrupt);
	assert_int_equal(f.addr, UINT64_C(0x123456789000));
	vtd_sim_fault(s, 0xffff, VTD_FR_READ, false, 0x1000);
	f = fault(s);
	assert_true(f.source == 0xffff && f.reason == VTD_FR_READ && !f.write);
	vtd_sim_fault(s, VF(0), VTD_FR_IR_INDEX, true, 0xfedc);
	f = fault(s);
	assert_true(f.interrupt && f.addr == 0xfedc);
	assert_int_equal(vtd_faults(s->v, &f, 1, NULL), 0);
	vtd_sim_free(s);
}

/* In the order that they came, around the records, in pieces, for any number of records. */
static void test_faults_come_in_order(void **state)
{
	(void)state;
	for (unsigned int nfr = 1; nfr <= 8; nfr++) {
		struct sim_caps c = vtd_sim_default;
		struct vtd_sim *s;
		uint64_t next = 1, seen = 1;

		c.nfr = nfr;
		s = vtd_sim_new(&c);
		s->next_rec = nfr / 2; /* where firmware's faults have left it */
		vtd_sim_up(s, &cfg);
		for (unsigned int round = 0; round < 40; round++) {
			struct vtd_fault f[16];
			unsigned int n = 1 + round % nfr, got, done = 0;
			bool lost;

			for (unsigned int i = 0; i < n; i++)
				vtd_sim_fault(s, VF(1), VTD_FR_WRITE, true, next++ * VTD_PAGE);
			while ((got = vtd_faults(s->v, f, 1 + round % 3, &lost))) {
				assert_false(lost);
				for (unsigned int i = 0; i < got; i++)
					assert_int_equal(f[i].addr, seen++ * VTD_PAGE);
				done += got;
			}
			assert_int_equal(done, n);
		}
		vtd_sim_free(s);
	}
}

/* What the unit had no room for is said once, and later faults are recorded again. */
static void test_overflow_is_said_and_cleared(void **state)
{
	(void)state;
	for (unsigned int nfr = 1; nfr <= 4; nfr += 3) {
		struct sim_caps c = vtd_sim_default;
		struct vtd_fault f[8];
		struct vtd_sim *s;
		bool lost;

		c.nfr = nfr;
		s = vtd_sim_new(&c);
		vtd_sim_up(s, &cfg);
		for (unsigned int i = 0; i < 7; i++)
			vtd_sim_fault(s, VF(i), VTD_FR_READ, false, 0x1000);
		if (nfr > 1) { /* not while records are taken */
			assert_int_equal(vtd_faults(s->v, f, 1, &lost), 1);
			assert_false(lost);
			assert_int_equal(vtd_faults(s->v, f + 1, 7, &lost), nfr - 1);
		} else {
			assert_int_equal(vtd_faults(s->v, f, 8, &lost), 1);
		}
		assert_true(lost);
		for (unsigned int i = 0; i < nfr; i++)
			assert_int_equal(f[i].source, VF(i));
		assert_int_equal(vtd_faults(s->v, f, 8, &lost), 0);
		assert_false(lost);
		vtd_sim_fault(s, VF(6), VTD_FR_READ, false, 0x1000);
		assert_int_equal(vtd_faults(s->v, f, 8, &lost), 1);
		assert_int_equal(f[0].source, VF(6));
		vtd_sim_free(s);
	}
}

/* A card that was pulled reads all ones: bounded, and no more than there are records. */
static uint32_t ones(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	(void)dev;
	(void)reg;
	(void)val;
	return UINT32_MAX;
}

static void test_faults_of_a_dead_unit_end(void **state)
{
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	uint32_t (*alive)(struct os_dev *, uint32_t, uint32_t) = s->dev->on_read;
	struct vtd_fault f[64];

	(void)state;
	vtd_sim_up(s, &cfg);
	s->dev->on_read = ones;
	assert_true(vtd_faults(s->v, f, 64, NULL) <= vtd_sim_default.nfr);
	s->stuck_inv = true;
	assert_int_equal(vtd_flush_all(s->v), -ETIMEDOUT);
	s->dev->on_read = alive;
	vtd_sim_free(s);
}

static void test_fault_interrupt_is_masked_while_it_changes(void **state)
{
	const struct vtd_msi m = {.addr = UINT64_C(0x1fee05000), .data = 0x31};
	struct vtd_sim *s = vtd_sim_new(&vtd_sim_default);
	const struct fake_write *w = s->dev->log;

	(void)state;
	vtd_sim_up(s, &cfg);
	assert_int_equal(vtd_sim_reg(s, VTD_FECTL), VTD_FECTL_IM);
	fake_log_clear(s->dev);
	vtd_fault_irq(s->v, &m);
	assert_true(w[0].reg == VTD_FECTL && w[0].val == VTD_FECTL_IM);
	assert_true(w[1].reg == VTD_FEDATA && w[1].val == 0x31);
	assert_true(w[2].reg == VTD_FEADDR && w[2].val == 0xfee05000);
	assert_true(w[3].reg == VTD_FEUADDR && w[3].val == 1);
	assert_true(w[4].reg == VTD_FECTL && w[4].val == 0);
	assert_int_equal(s->dev->nlog, 5);
	vtd_fault_irq(s->v, NULL);
	assert_int_equal(vtd_sim_reg(s, VTD_FECTL), VTD_FECTL_IM);
	vtd_sim_free(s);
}

static void test_every_reason_has_words(void **state)
{
	(void)state;
	for (unsigned int r = 0; r < 256; r++) {
		bool known = (r >= VTD_FR_ROOT_ABSENT && r <= VTD_FR_MSI_RANGE) ||
			     (r >= VTD_FR_IR_FIRST && r <= VTD_FR_IR_SOURCE);
		const char *text = vtd_fault_text((uint8_t)r);

		assert_non_null(text);
		assert_int_equal(strcmp(text, "reason not known") != 0, known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupts_come_from_their_source_alone),
		cmocka_unit_test(test_retargeting_takes_effect_at_once),
		cmocka_unit_test(test_vectors_and_ids_are_checked),
		cmocka_unit_test(test_entries_end_and_are_used_again),
		cmocka_unit_test(test_entry_that_is_not_flushed),
		cmocka_unit_test(test_faults_name_the_culprit),
		cmocka_unit_test(test_faults_come_in_order),
		cmocka_unit_test(test_overflow_is_said_and_cleared),
		cmocka_unit_test(test_faults_of_a_dead_unit_end),
		cmocka_unit_test(test_fault_interrupt_is_masked_while_it_changes),
		cmocka_unit_test(test_every_reason_has_words),
	};

	return cmocka_run_group_tests_name("vtd_irq", tests, NULL, NULL);
}
