/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * MSI-X of VFs through interrupt remapping: a vector is seen when the machine's processor takes it.
 * That one does not come is known by one that is raised after it and does.
 *
 * QEMU (10.0) reads entries from memory each time, and lets interrupts in compatibility format
 * pass: that an entry cache is flushed, and CFI left off, is tested against the model in
 * tests/unit/vtd_sim.c; here, that the unit's status says so.
 */
#include "vtd_rig.h"

#include <errno.h>

#include "hw/igb.h"

#define GOOD	  0x41
#define MARK	  0x31 /* of VF 2; of a lower class, so what came before it is taken before it */
#define ARRIVE_US 5000000

static struct vtd_rig r;
static struct vtd_msi mark;

static int group_start(void **state)
{
	const struct vtd_config cfg = {.intremap = true};

	(void)state;
	if (vtd_rig_start(&r, &cfg))
		return -1;
	/* The PF chooses the mode for all functions. */
	os_wr32(qemu_func(r.q, -1), IGB_GPIE, IGB_GPIE_MULTIPLE_MSIX | IGB_GPIE_PBA);
	if (vtd_irq_alloc(r.v, vtd_rig_source(2), 0, MARK, &mark) < 0)
		return -1;
	return qemu_msix_msg(r.q, 2, 0, mark.addr, mark.data);
}

static int group_stop(void **state)
{
	(void)state;
	vtd_rig_stop(&r);
	return 0;
}

static uint32_t count(uint8_t vector)
{
	return *qemu_vector(r.q, vector);
}

/* Until @vector was taken @n times; the processor is another thread's. */
static void wait_for(uint8_t vector, uint32_t n)
{
	struct os_dev *dev = qemu_func(r.q, -1);
	uint64_t end = os_now_us(dev) + ARRIVE_US;

	while (count(vector) != n && os_now_us(dev) < end)
		os_delay_us(dev, 50);
	assert_int_equal(count(vector), n);
}

static void raise_msi(unsigned int vf)
{
	struct os_dev *dev = qemu_func(r.q, (int)vf);

	os_wr32(dev, IGB_EICR, 7);
	os_wr32(dev, IGB_EIMS, 1);
	os_wr32(dev, IGB_EICS, 1);
	os_flush(dev);
}

/* All that was raised so far is taken, or never will be. */
static void settle(void)
{
	uint32_t n = count(MARK);

	raise_msi(2);
	wait_for(MARK, n + 1);
}

/* VF @vf raises @m; @vector comes once, or, when 0, none of the ones that tests use. */
static void send(unsigned int vf, const struct vtd_msi *m, uint8_t vector)
{
	static const uint8_t all[] = {GOOD, GOOD + 1, GOOD + 2};
	uint32_t before[ARRAY_SIZE(all)];

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		before[i] = count(all[i]);
	assert_int_equal(qemu_msix_msg(r.q, (int)vf, 0, m->addr, m->data), 0);
	raise_msi(vf);
	settle();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(count(all[i]), before[i] + (all[i] == vector));
}

static void test_status_says_remapped_and_compatibility_off(void **state)
{
	uint32_t sts = os_rd32(r.unit, VTD_GSTS);

	(void)state;
	assert_true(sts & VTD_GCMD_IRE);
	assert_false(sts & VTD_GCMD_CFI);
}

static void test_vector_arrives_through_its_entry(void **state)
{
	struct vtd_msi m;
	int i = vtd_irq_alloc(r.v, vtd_rig_source(0), 0, GOOD, &m);

	(void)state;
	assert_true(i >= 0);
	for (int n = 0; n < 20; n++)
		send(0, &m, GOOD);
	assert_int_equal(vtd_irq_set(r.v, i, 0, GOOD + 1), 0);
	send(0, &m, GOOD + 1);
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_irq_free(r.v, i), 0);
}

static void test_another_functions_entry_is_blocked(void **state)
{
	struct vtd_msi m;
	int i = vtd_irq_alloc(r.v, vtd_rig_source(0), 0, GOOD, &m);

	(void)state;
	assert_true(i >= 0);
	send(1, &m, 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_IR_SOURCE, true, (uint64_t)i);
	send(0, &m, GOOD);
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_irq_free(r.v, i), 0);
}

static void test_index_that_is_not_allocated_is_blocked(void **state)
{
	const struct vtd_msi absent = {VTD_MSI_FIRST | VTD_MSI_REMAP | VTD_MSI_SHV | 200 << 5, 0};
	const struct vtd_msi added = {VTD_MSI_FIRST | VTD_MSI_REMAP | VTD_MSI_SHV, 199};
	const struct vtd_msi beyond = {VTD_MSI_FIRST | VTD_MSI_REMAP | VTD_MSI_SHV | 1000 << 5, 0};

	(void)state;
	send(1, &absent, 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_IR_ABSENT, true, 200);
	send(1, &added, 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_IR_ABSENT, true, 199);
	send(1, &beyond, 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_IR_INDEX, true, 1000);
}

static void test_freed_entry_is_blocked(void **state)
{
	struct vtd_msi m, next;
	int i = vtd_irq_alloc(r.v, vtd_rig_source(0), 0, GOOD, &m);

	(void)state;
	assert_true(i >= 0);
	send(0, &m, GOOD);
	assert_int_equal(vtd_irq_free(r.v, i), 0);
	assert_int_equal(vtd_irq_count(r.v, vtd_rig_source(0)), 0);
	send(0, &m, 0);
	vtd_rig_fault(&r, vtd_rig_source(0), VTD_FR_IR_ABSENT, true, (uint64_t)i);
	/* Its next owner's is not the former one's. */
	assert_int_equal(vtd_irq_alloc(r.v, vtd_rig_source(1), 0, GOOD + 2, &next), i);
	send(0, &m, 0);
	vtd_rig_fault(&r, vtd_rig_source(0), VTD_FR_IR_SOURCE, true, (uint64_t)i);
	send(1, &next, GOOD + 2);
	assert_int_equal(vtd_irq_free(r.v, i), 0);
}

/* What the unit itself raises is not remapped: compatibility format. */
static void test_fault_raises_its_interrupt(void **state)
{
	const struct vtd_msi plain = {VTD_MSI_FIRST, GOOD};
	const uint64_t away = UINT64_C(0x7000000000);
	uint32_t n;

	(void)state;
	vtd_fault_irq(r.v, &plain);
	settle(); /* QEMU has one left over from faults that were taken while it was masked */
	n = count(GOOD);
	for (uint32_t i = 1; i <= 3; i++) {
		vtd_rig_rx_at(&r, 1, away);
		vtd_rig_send(&r, 0, 1, 1, 0);
		vtd_rig_skip(&r, 1);
		wait_for(GOOD, n + i);
		vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, away);
	}
	vtd_fault_irq(r.v, NULL);
	vtd_rig_rx_at(&r, 1, away);
	vtd_rig_send(&r, 0, 1, 1, 0);
	vtd_rig_skip(&r, 1);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, away);
	settle();
	assert_int_equal(count(GOOD), n + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_says_remapped_and_compatibility_off),
		cmocka_unit_test(test_vector_arrives_through_its_entry),
		cmocka_unit_test(test_another_functions_entry_is_blocked),
		cmocka_unit_test(test_index_that_is_not_allocated_is_blocked),
		cmocka_unit_test(test_freed_entry_is_blocked),
		cmocka_unit_test(test_fault_raises_its_interrupt),
	};

	return cmocka_run_group_tests_name("vtd_irq", tests, group_start, group_stop);
}
