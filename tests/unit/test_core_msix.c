/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* MSI-X of an emulated function: the table's accesses, masks, what stays pending behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "guest.h"
#include "hw/pci.h"
#include "vpci.h"

#define COUNT 3
#define ADDR  0xfee00000u

struct core core;

static struct {
	unsigned int raised;
	uint64_t addr;
	uint32_t data;
	bool nowhere;
} lapic;

bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data)
{
	g->refused += lapic.nowhere; /* counted there, as guest.h says */
	lapic.raised++;
	lapic.addr = addr;
	lapic.data = data;
	return !lapic.nowhere;
}

void guest_log(struct guest *g, const char *f, ...)
{
	(void)g;
	(void)f;
}

int mmio_add(struct guest *g, const struct mmio_region *r)
{
	(void)g;
	(void)r;
	return 0;
}

void mmio_del(struct guest *g, uint64_t gpa)
{
	(void)g;
	(void)gpa;
}

struct fixture {
	struct guest g;
	struct vpci_func f;
	struct vpci_msix m;
};

static int setup(void **state)
{
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	memset(&lapic, 0, sizeof(lapic));
	x.f.guest = &x.g;
	assert_int_equal(vpci_msix_init(&x.f, &x.m, COUNT, 3, 0, 0x2000), 0);
	*state = &x;
	return 0;
}

static void control(struct fixture *x, uint32_t val)
{
	vpci_put(&x->f, x->m.cap + PCI_MSIX_CTRL, 2, (COUNT - 1) | val);
	vpci_msix_control(&x->f, &x->m);
}

static void entry(struct fixture *x, unsigned int n, uint32_t data, uint32_t ctrl)
{
	assert_int_equal(vpci_msix_write(&x->m, 16 * n, 8, ADDR), (int)n);
	assert_int_equal(vpci_msix_write(&x->m, 16 * n + 8, 4, data), (int)n);
	assert_int_equal(vpci_msix_write(&x->m, 16 * n + 12, 4, ctrl), (int)n);
}

static void test_capability_says_what_there_is(void **state)
{
	struct fixture *x = *state;
	unsigned int c = x->m.cap;

	assert_int_equal(x->f.cfg[PCI_CAP_PTR], c);
	assert_int_equal(x->f.cfg[c], PCI_CAP_ID_MSIX);
	assert_int_equal(vpci_get(&x->f, c + PCI_MSIX_CTRL, 2), COUNT - 1);
	assert_int_equal(vpci_get(&x->f, c + PCI_MSIX_TABLE, 4), 3);
	assert_int_equal(vpci_get(&x->f, c + PCI_MSIX_PBA, 4), 0x2003);
	assert_int_equal(x->f.mask[c + 3], 0xc0);
	assert_int_equal(x->f.mask[c + 2], 0);
}

static void test_init_refuses_counts_that_do_not_fit(void **state)
{
	struct fixture *x = *state;
	struct vpci_msix m;

	assert_int_equal(vpci_msix_init(&x->f, &m, 0, 3, 0, 0x2000), -EINVAL);
	assert_int_equal(vpci_msix_init(&x->f, &m, VPCI_MSIX_MAX + 1, 3, 0, 0x2000), -EINVAL);
}

static void test_table_starts_masked(void **state)
{
	struct fixture *x = *state;

	for (unsigned int i = 0; i < COUNT; i++) {
		assert_int_equal(vpci_msix_read(&x->m, 16 * i, 8), 0);
		assert_int_equal(vpci_msix_read(&x->m, 16 * i + 8, 8),
				 (uint64_t)PCI_MSIX_ENTRY_MASKED << 32);
	}
}

static void test_table_keeps_what_may_be_kept(void **state)
{
	struct fixture *x = *state;

	assert_int_equal(vpci_msix_write(&x->m, 16, 8, UINT64_MAX), 1);
	assert_int_equal(vpci_msix_write(&x->m, 24, 8, UINT64_MAX), 1);
	assert_true(vpci_msix_read(&x->m, 16, 8) == (UINT64_MAX & ~UINT64_C(3)));
	assert_int_equal(vpci_msix_read(&x->m, 24, 4), UINT32_MAX);
	assert_int_equal(vpci_msix_read(&x->m, 28, 4), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(vpci_msix_write(&x->m, 20, 4, 0x1234), 1);
	assert_true(vpci_msix_read(&x->m, 16, 8) == UINT64_C(0x1234fffffffc));
	assert_int_equal(vpci_msix_read(&x->m, 0, 8), 0);
	assert_int_equal(vpci_msix_read(&x->m, 32, 8), 0);
}

static void test_odd_accesses_do_nothing(void **state)
{
	static const struct {
		uint64_t off;
		unsigned int size;
	} odd[] = {{0, 1},
		   {0, 2},
		   {2, 4},
		   {4, 8},
		   {1, 4},
		   {16 * COUNT, 4},
		   {16 * COUNT, 8},
		   {4096, 4},
		   {UINT64_MAX - 3, 4},
		   {UINT64_C(1) << 32, 4}};
	struct fixture *x = *state;
	struct vpci_msix before = x->m;

	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		assert_int_equal(vpci_msix_write(&x->m, odd[i].off, odd[i].size, 0x5a5a5a5a), -1);
		assert_int_equal(vpci_msix_read(&x->m, odd[i].off, odd[i].size), 0);
	}
	assert_memory_equal(&before, &x->m, sizeof(before));
}

static void test_nothing_passes_while_it_is_off(void **state)
{
	struct fixture *x = *state;

	entry(x, 0, 0x41, 0);
	vpci_msix_raise(&x->f, &x->m, 0);
	assert_int_equal(lapic.raised, 0);
	control(x, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(lapic.raised, 0);
	vpci_msix_raise(&x->f, &x->m, 0);
	assert_int_equal(lapic.raised, 1);
	assert_int_equal(lapic.addr, ADDR);
	assert_int_equal(lapic.data, 0x41);
	vpci_msix_raise(&x->f, &x->m, COUNT);
	vpci_msix_raise(&x->f, &x->m, 0xffff);
	assert_int_equal(lapic.raised, 1);
}

static void test_function_mask_holds_back(void **state)
{
	struct fixture *x = *state;

	entry(x, 0, 0x41, 0);
	entry(x, 2, 0x43, 0);
	control(x, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	vpci_msix_raise(&x->f, &x->m, 0);
	vpci_msix_raise(&x->f, &x->m, 2);
	vpci_msix_raise(&x->f, &x->m, 2);
	assert_int_equal(x->m.pending, 5);
	assert_int_equal(lapic.raised, 0);
	control(x, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(lapic.raised, 2);
	assert_int_equal(x->m.pending, 0);
}

static void test_entry_mask_holds_back(void **state)
{
	struct fixture *x = *state;

	entry(x, 1, 0x42, PCI_MSIX_ENTRY_MASKED);
	control(x, PCI_MSIX_CTRL_ENABLE);
	assert_false(vpci_msix_on(&x->f, &x->m, 1));
	vpci_msix_raise(&x->f, &x->m, 1);
	assert_int_equal(x->m.pending, 2);
	entry(x, 1, 0x42, 0);
	assert_true(vpci_msix_on(&x->f, &x->m, 1));
	vpci_msix_raise(&x->f, &x->m, 1);
	assert_int_equal(lapic.raised, 1);
	assert_int_equal(x->m.pending, 0);
}

static void test_off_forgets_what_was_pending(void **state)
{
	struct fixture *x = *state;

	entry(x, 0, 0x41, 0);
	control(x, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	vpci_msix_raise(&x->f, &x->m, 0);
	control(x, 0);
	control(x, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(lapic.raised, 0);
}

static void test_message_to_nowhere_is_counted(void **state)
{
	struct fixture *x = *state;

	lapic.nowhere = true;
	entry(x, 0, 0x41, 0);
	control(x, PCI_MSIX_CTRL_ENABLE);
	vpci_msix_raise(&x->f, &x->m, 0);
	assert_int_equal(x->g.refused, 1);
}

static void test_reset_masks_all(void **state)
{
	struct fixture *x = *state;

	entry(x, 0, 0x41, 0);
	control(x, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	vpci_msix_raise(&x->f, &x->m, 0);
	vpci_reset(&x->f);
	assert_int_equal(vpci_get(&x->f, x->m.cap + PCI_MSIX_CTRL, 2), COUNT - 1);
	assert_int_equal(x->m.pending, 0);
	assert_int_equal(vpci_msix_read(&x->m, 0, 8), 0);
	assert_int_equal(vpci_msix_read(&x->m, 12, 4), PCI_MSIX_ENTRY_MASKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_capability_says_what_there_is, setup),
		cmocka_unit_test_setup(test_init_refuses_counts_that_do_not_fit, setup),
		cmocka_unit_test_setup(test_table_starts_masked, setup),
		cmocka_unit_test_setup(test_table_keeps_what_may_be_kept, setup),
		cmocka_unit_test_setup(test_odd_accesses_do_nothing, setup),
		cmocka_unit_test_setup(test_nothing_passes_while_it_is_off, setup),
		cmocka_unit_test_setup(test_function_mask_holds_back, setup),
		cmocka_unit_test_setup(test_entry_mask_holds_back, setup),
		cmocka_unit_test_setup(test_off_forgets_what_was_pending, setup),
		cmocka_unit_test_setup(test_message_to_nowhere_is_counted, setup),
		cmocka_unit_test_setup(test_reset_masks_all, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
