/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * VFs behind VT-d: a VF's DMA reaches its domain's pages and no other, at once after every change.
 * All of it by queue, then by registers.
 */
#include "vtd_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define MIB_2 UINT64_C(0x200000)
#define AWAY  UINT64_C(0x7000000000) /* mapped by tests alone */
#define MARK  0x5a

static struct vtd_rig r;

static int queue_start(void **state)
{
	const struct vtd_config cfg = {.intremap = true};

	(void)state;
	return vtd_rig_start(&r, &cfg);
}

static int regs_start(void **state)
{
	const struct vtd_config cfg = {.no_queue = true};

	(void)state;
	return vtd_rig_start(&r, &cfg);
}

static int group_stop(void **state)
{
	(void)state;
	vtd_rig_stop(&r);
	return 0;
}

/* VF 0 sends, VF 1's next frame goes to @iova; what lies at @phys then. */
static uint8_t write_to(uint64_t iova, uint64_t phys, uint8_t mark)
{
	uint8_t *p = vtd_rig_ram(&r, phys & ~UINT64_C(0xfff)) + (phys & 0xfff);

	memset(p, 0, RIG_FRAME);
	vtd_rig_rx_at(&r, 1, iova);
	vtd_rig_send(&r, 0, 1, mark, 0);
	vtd_rig_skip(&r, 1);
	return p[RIG_FRAME - 1];
}

/* VF 0's frame is read from @iova, where one for VF 1 lies at @phys; the payload that came. */
static int read_from(uint64_t iova, uint64_t phys, uint8_t mark)
{
	uint8_t *p = vtd_rig_ram(&r, phys);

	memset(p, mark, RIG_FRAME);
	raw_mac(1, p);
	raw_mac(0, p + 6);
	vtd_rig_send(&r, 0, 1, 0xee, iova);
	return vtd_rig_got(&r, 1);
}

static void test_unit_is_as_it_says(void **state)
{
	struct vtd_info i;

	(void)state;
	vtd_info(r.v, &i);
	assert_int_equal(i.levels, 4);
	assert_int_equal(i.domains, VTD_DOMAINS_MAX);
	assert_int_equal(i.fault_records, 1);
	assert_true(i.pages_2m);
	assert_true(i.snoop);
	assert_false(i.coherent); /* so lines are written back here */
	vtd_rig_no_fault(&r);
}

/* Both have their buffers at the same address of their domains. */
static void test_frames_pass_between_domains(void **state)
{
	(void)state;
	for (uint8_t n = 1; n <= 200; n++) {
		vtd_rig_send(&r, n & 1, !(n & 1), n, 0);
		assert_int_equal(vtd_rig_got(&r, !(n & 1)), n);
		assert_int_equal(vtd_rig_got(&r, n & 1), -1);
	}
	vtd_rig_no_fault(&r);
}

static void test_dma_reaches_the_mapped_page(void **state)
{
	(void)state;
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS + 0x3000, 0x1000, VTD_W), 0);
	assert_int_equal(vtd_map(r.v, r.dom[0], AWAY, RIG_PHYS + 0x7000, 0x1000, VTD_R), 0);
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY + MIB_2, RIG_PHYS + MIB_2, MIB_2, VTD_W), 0);
	assert_int_equal(write_to(AWAY + 0x100, RIG_PHYS + 0x3100, MARK), MARK);
	assert_int_equal(read_from(AWAY, RIG_PHYS + 0x7000, 0x21), 0x21);
	assert_int_equal(write_to(AWAY + MIB_2 + 0x123400, RIG_PHYS + MIB_2 + 0x123400, 0x33),
			 0x33);
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_unmap(r.v, r.dom[0], AWAY, 0x1000), 0);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 2 * MIB_2), 0);
}

/* VF 1 aims at VF 0's buffers by their physical address, VF 0 at VF 1's. */
static void test_outside_is_blocked_and_named(void **state)
{
	uint64_t victim = r.r[0].mem.iova + 0x1000, secret = r.r[1].mem.iova;

	(void)state;
	assert_int_equal(write_to(victim, victim, MARK), 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, victim);
	assert_int_not_equal(read_from(secret, secret, 0x42), 0x42);
	vtd_rig_fault(&r, vtd_rig_source(0), VTD_FR_READ, false, secret);
	/* Beyond the width, and what only the other's domain maps. */
	assert_int_equal(vtd_map(r.v, r.dom[0], AWAY, RIG_PHYS, 0x1000, RIG_RW), 0);
	assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, AWAY);
	assert_int_equal(write_to(UINT64_C(1) << 48, RIG_PHYS, MARK), 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WIDTH, true, UINT64_C(1) << 48);
	assert_int_equal(vtd_unmap(r.v, r.dom[0], AWAY, 0x1000), 0);
}

static void test_permissions_hold(void **state)
{
	(void)state;
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, 0x1000, VTD_R), 0);
	assert_int_equal(vtd_map(r.v, r.dom[0], AWAY, RIG_PHYS + 0x1000, 0x1000, VTD_W), 0);
	assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), 0);
	vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, AWAY);
	assert_int_not_equal(read_from(AWAY, RIG_PHYS + 0x1000, MARK), MARK);
	vtd_rig_fault(&r, vtd_rig_source(0), VTD_FR_READ, false, AWAY);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 0x1000), 0);
	assert_int_equal(vtd_unmap(r.v, r.dom[0], AWAY, 0x1000), 0);
}

/* Some fault of VF @vf, that it is in no domain: of its rings, so the queue starts again. */
static void no_domain_fault(unsigned int vf)
{
	struct vtd_fault f = {0};
	bool lost;

	assert_int_equal(vtd_faults(r.v, &f, 1, &lost), 1);
	assert_false(lost);
	assert_int_equal(f.source, vtd_rig_source(vf));
	assert_int_equal(f.reason, VTD_FR_CTX_ABSENT);
	vtd_rig_reopen(&r, vf);
}

static void test_function_in_no_domain_reaches_nothing(void **state)
{
	(void)state;
	vtd_rig_send(&r, 2, 1, MARK, 0);
	assert_int_equal(vtd_rig_got(&r, 1), -1);
	no_domain_fault(2);
}

/* The former owner's pages are out of reach from the detach on, the next one's from the attach. */
static void test_vf_moves_between_domains(void **state)
{
	struct vtd_domain *next = NULL;
	uint16_t vf = vtd_rig_source(1);

	(void)state;
	assert_int_equal(vtd_domain_alloc(r.v, &next), 0);
	vtd_rig_map(&r, 1, next);
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, 0x1000, VTD_W), 0);
	assert_int_equal(vtd_map(r.v, next, AWAY, RIG_PHYS + 0x1000, 0x1000, VTD_W), 0);
	for (unsigned int n = 0; n < 3; n++) {
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK); /* warm */
		assert_int_equal(vtd_attach(r.v, vf, next), -EBUSY);
		assert_int_equal(vtd_detach(r.v, vf), 0);
		memset(vtd_rig_ram(&r, RIG_PHYS), 0, RIG_FRAME);
		vtd_rig_rx_at(&r, 1, AWAY);
		vtd_rig_send(&r, 0, 1, MARK, 0);
		assert_int_equal(vtd_rig_ram(&r, RIG_PHYS)[RIG_FRAME - 1], 0);
		no_domain_fault(1);
		assert_int_equal(vtd_attach(r.v, vf, next), 0);
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), 0);
		assert_int_equal(vtd_rig_ram(&r, RIG_PHYS + 0x1000)[RIG_FRAME - 1], MARK);
		memset(vtd_rig_ram(&r, RIG_PHYS + 0x1000), 0, RIG_FRAME);
		assert_int_equal(vtd_domain_free(r.v, next), -EBUSY);
		assert_int_equal(vtd_detach(r.v, vf), 0);
		assert_int_equal(vtd_attach(r.v, vf, r.dom[1]), 0);
	}
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 0x1000), 0);
	assert_int_equal(vtd_domain_free(r.v, next), 0);
}

/* A card whose functions are all at it at once: bounded, and later faults are told again. */
static void test_fault_storm_is_drained(void **state)
{
	struct vtd_fault f[8];
	bool lost;

	(void)state;
	for (unsigned int n = 0; n < 3; n++) {
		for (unsigned int i = 0; i < 50; i++)
			assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), 0);
		for (unsigned int i = 0; i < 50; i++)
			(void)read_from(AWAY, RIG_PHYS, MARK);
		/* QEMU has one record: VF 1's; VF 0's did not fit. */
		assert_int_equal(vtd_faults(r.v, f, ARRAY_SIZE(f), &lost), 1);
		assert_true(lost);
		assert_int_equal(f[0].source, vtd_rig_source(1));
		vtd_rig_no_fault(&r);
		(void)read_from(AWAY, RIG_PHYS, MARK);
		vtd_rig_fault(&r, vtd_rig_source(0), VTD_FR_READ, false, AWAY);
	}
}

/* Warm by a frame through it, then gone: 4 KiB, 2 MiB, and a page out of the middle of 2 MiB. */
static void test_unmap_takes_effect_at_once(void **state)
{
	static const struct {
		uint64_t map, from, len;
	} t[] = {{0x1000, 0, 0x1000}, {MIB_2, 0, MIB_2}, {MIB_2, 0x5000, 0x1000}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t at = t[i].from;

		assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, t[i].map, VTD_W), 0);
		assert_int_equal(write_to(AWAY + at, RIG_PHYS + at, MARK), MARK);
		assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY + at, t[i].len), 0);
		assert_int_equal(write_to(AWAY + at, RIG_PHYS + at, MARK), 0);
		vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, AWAY + at);
		if (i == 2) /* its neighbours stay */
			assert_int_equal(write_to(AWAY + 0x6000, RIG_PHYS + 0x6000, 0x77), 0x77);
		assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, MIB_2), 0);
	}
	vtd_rig_no_fault(&r);
}

/* ---- what the unit does without a flush ------------------------------------------------------ */

static uint64_t phys64(uint64_t at)
{
	return qemu_phys_rd32(r.q, at) | (uint64_t)qemu_phys_rd32(r.q, at + 4) << 32;
}

static void phys64_set(uint64_t at, uint64_t val)
{
	qemu_phys_wr32(r.q, at, (uint32_t)val);
	qemu_phys_wr32(r.q, at + 4, (uint32_t)(val >> 32));
}

/* By the unit's own registers and memory, not by the driver's: where the context of @source is. */
static uint64_t context_at(uint16_t source)
{
	uint64_t root = phys64(RIG_UNIT + VTD_RTADDR) & VTD_ADDR;

	return (phys64(root + 16u * (source >> 8)) & VTD_ADDR) + 16u * (source & 0xff);
}

static uint64_t entry_at(uint16_t source, uint64_t iova)
{
	uint64_t table = phys64(context_at(source)) & VTD_ADDR, at, e;

	for (unsigned int shift = 39;; shift -= 9) {
		at = table + 8 * (iova >> shift & 511);
		e = phys64(at);
		if (shift == 12 || e & VTD_SL_PS)
			return at;
		table = e & VTD_ADDR;
	}
}

/* Small, large, and what a split made. In a unit that does not offer the bit QEMU takes it for a
 * fault: such a one is that of the core's own machine. */
static void test_pages_are_snooped(void **state)
{
	uint16_t vf = vtd_rig_source(1);

	(void)state;
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, MIB_2, VTD_W), 0);
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY + MIB_2, RIG_PHYS, 0x1000, VTD_W), 0);
	assert_true(phys64(entry_at(vf, AWAY)) & VTD_SL_SNP);
	assert_true(phys64(entry_at(vf, AWAY + MIB_2)) & VTD_SL_SNP);
	assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK);
	assert_int_equal(write_to(AWAY + MIB_2, RIG_PHYS, 0x21), 0x21);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 0x1000), 0);
	assert_true(phys64(entry_at(vf, AWAY + 0x1000)) & VTD_SL_SNP);
	assert_int_equal(write_to(AWAY + 0x1000, RIG_PHYS + 0x1000, MARK), MARK);
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 2 * MIB_2), 0);
}

/* An entry taken out behind the driver's back goes on working: so the tests above can fail. */
static void test_skipped_iotlb_flush_shows(void **state)
{
	static const uint64_t len[] = {0x1000, MIB_2};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(len); i++) {
		uint64_t at, e;

		assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, len[i], VTD_W), 0);
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK);
		at = entry_at(vtd_rig_source(1), AWAY);
		e = phys64(at);
		assert_int_equal(e & VTD_ADDR, RIG_PHYS);
		phys64_set(at, 0);
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK); /* stale */
		vtd_rig_no_fault(&r);
		assert_int_equal(vtd_flush_domain(r.v, r.dom[0]), 0);
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK); /* another's flush */
		assert_int_equal(vtd_flush_domain(r.v, r.dom[1]), 0);
		assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), 0);
		vtd_rig_fault(&r, vtd_rig_source(1), VTD_FR_WRITE, true, AWAY);
		phys64_set(at, e);
		assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, len[i]), 0);
	}
}

static void test_skipped_context_flush_shows(void **state)
{
	uint64_t at = context_at(vtd_rig_source(1)), lo = phys64(at);

	(void)state;
	assert_int_equal(vtd_map(r.v, r.dom[1], AWAY, RIG_PHYS, 0x2000, VTD_W), 0);
	assert_int_equal(write_to(AWAY, RIG_PHYS, MARK), MARK);
	phys64_set(at, 0);
	/* A page that the IOTLB does not have is still found by the cached context. */
	assert_int_equal(write_to(AWAY + 0x1000, RIG_PHYS + 0x1000, MARK), MARK);
	vtd_rig_no_fault(&r);
	assert_int_equal(vtd_flush_all(r.v), 0);
	vtd_rig_rx_at(&r, 1, AWAY);
	vtd_rig_send(&r, 0, 1, MARK, 0); /* not even its ring is reached now */
	no_domain_fault(1);
	phys64_set(at, lo);
	assert_int_equal(vtd_flush_all(r.v), 0);
	assert_int_equal(vtd_unmap(r.v, r.dom[1], AWAY, 0x2000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unit_is_as_it_says),
		cmocka_unit_test(test_frames_pass_between_domains),
		cmocka_unit_test(test_dma_reaches_the_mapped_page),
		cmocka_unit_test(test_outside_is_blocked_and_named),
		cmocka_unit_test(test_permissions_hold),
		cmocka_unit_test(test_function_in_no_domain_reaches_nothing),
		cmocka_unit_test(test_unmap_takes_effect_at_once),
		cmocka_unit_test(test_vf_moves_between_domains),
		cmocka_unit_test(test_fault_storm_is_drained),
		cmocka_unit_test(test_pages_are_snooped),
		cmocka_unit_test(test_skipped_iotlb_flush_shows),
		cmocka_unit_test(test_skipped_context_flush_shows),
	};
	int failed =
		cmocka_run_group_tests_name("vtd_dma by queue", tests, queue_start, group_stop);

	return failed +
	       cmocka_run_group_tests_name("vtd_dma by registers", tests, regs_start, group_stop);
}
