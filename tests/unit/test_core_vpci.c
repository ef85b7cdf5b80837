/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's bus: what enumeration finds, and that BARs never reach further than they may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "guest.h"
#include "hw/pci.h"
#include "vpci.h"

#define ONES	 UINT32_MAX
#define HPA_MEM	 UINT64_C(0xfea00000)
#define HPA_MSIX UINT64_C(0xfeb00000)
#define BAR_LEN	 0x4000u
#define PAGE	 0x1000u

struct core core;

/* ---- what is mapped and trapped -------------------------------------------------------------- */

struct range {
	uint64_t gpa, hpa, len;
};

static struct {
	struct range map[64];
	unsigned int maps;
	int map_fails;	 /* that many succeed, then -ENOMEM; negative: never */
	bool mmio_fails; /* no room for regions */
} mem;

static bool meet(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

int vcpu_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
	     enum vcpu_memtype type)
{
	(void)s;
	assert_int_equal(perm, VCPU_R | VCPU_W);
	assert_int_equal(type, VCPU_UC);
	assert_int_equal((gpa | hpa | len) % PAGE, 0);
	assert_true(len && gpa >= GPA_PCI && gpa + len <= GPA_PCI + GPA_PCI_LEN);
	for (unsigned int i = 0; i < mem.maps; i++)
		if (meet(mem.map[i].gpa, mem.map[i].len, gpa, len))
			return -EEXIST;
	if (mem.map_fails == 0)
		return -ENOMEM;
	mem.map_fails -= mem.map_fails > 0;
	assert_true(mem.maps < ARRAY_SIZE(mem.map));
	mem.map[mem.maps++] = (struct range){gpa, hpa, len};
	return 0;
}

int vcpu_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	(void)s;
	for (unsigned int i = 0; i < mem.maps; i++)
		if (mem.map[i].gpa == gpa && mem.map[i].len == len) {
			mem.map[i] = mem.map[--mem.maps];
			return 0;
		}
	fail_msg("unmaps what it did not map");
	return -EINVAL;
}

int mmio_add(struct guest *g, const struct mmio_region *r)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (meet(g->mmio[i].gpa, g->mmio[i].len, r->gpa, r->len))
			return -EEXIST;
	if (mem.mmio_fails || g->mmio_count == GUEST_MMIO)
		return -ENOSPC;
	g->mmio[g->mmio_count++] = *r;
	return 0;
}

void mmio_del(struct guest *g, uint64_t gpa)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (g->mmio[i].gpa == gpa) {
			g->mmio[i] = g->mmio[--g->mmio_count];
			return;
		}
	fail_msg("removes a region that is not there");
}

void guest_log(struct guest *g, const char *f, ...)
{
	(void)g;
	(void)f;
}

bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data)
{
	(void)g;
	(void)addr;
	(void)data;
	return true;
}

static uint64_t mapped_to(uint64_t gpa)
{
	for (unsigned int i = 0; i < mem.maps; i++)
		if (gpa >= mem.map[i].gpa && gpa < mem.map[i].gpa + mem.map[i].len)
			return mem.map[i].hpa + (gpa - mem.map[i].gpa);
	return 0;
}

static const struct mmio_region *region(const struct guest *g, uint64_t gpa)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (gpa >= g->mmio[i].gpa && gpa < g->mmio[i].gpa + g->mmio[i].len)
			return &g->mmio[i];
	return NULL;
}

/* ---- a function and its guest ---------------------------------------------------------------- */

struct fixture {
	struct guest g;
	struct vpci_func vf, nic;
	struct vpci_msix msix;
	unsigned int removed, writes, last_off, last_len;
	uint32_t last_old;
	unsigned int bar, bar_size;
	uint64_t bar_off, bar_val;
};

static struct fixture x;

static void removed(struct vpci_func *f)
{
	assert_null(x.g.func[f->dev]);
	x.removed++;
}

static void written(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t old)
{
	(void)f;
	x.writes++;
	x.last_off = off;
	x.last_len = len;
	x.last_old = old;
}

static uint64_t bar_read(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			 unsigned int size)
{
	(void)f;
	(void)c;
	x.bar = bar;
	x.bar_off = off;
	x.bar_size = size;
	return 0x55;
}

static void bar_write(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
		      unsigned int size, uint64_t val)
{
	(void)bar_read(f, c, bar, off, size);
	x.bar_val = val;
}

static int setup(void **state)
{
	(void)state;
	memset(&x, 0, sizeof(x));
	memset(&mem, 0, sizeof(mem));
	mem.map_fails = -1;
	vpci_header(&x.vf, 0x8086, 0x10ca, 0x020000, 1, 0x8086, 0xa03c);
	x.vf.guest = &x.g;
	x.vf.bar[0] = (struct vpci_bar){.len = BAR_LEN, .hpa = HPA_MEM};
	x.vf.bar[3] =
		(struct vpci_bar){.len = BAR_LEN, .hpa = HPA_MSIX, .trap = PAGE, .trap_len = PAGE};
	x.vf.bar_read = bar_read;
	x.vf.bar_write = bar_write;
	x.vf.written = written;
	x.vf.remove = removed;
	assert_true(vpci_cap(&x.vf, PCI_CAP_ID_EXP, PCI_EXP_LEN) > 0);
	assert_int_equal(vpci_msix_init(&x.vf, &x.msix, 3, 3, PAGE, 0x2000), 0);
	vpci_header(&x.nic, 0x1af4, 0x1041, 0x020000, 1, 0x1af4, 1);
	x.nic.bar[4] = (struct vpci_bar){.len = BAR_LEN};
	x.nic.bar_read = bar_read;
	x.nic.bar_write = bar_write;
	x.nic.remove = removed;
	assert_int_equal(vpci_init(&x.g), 0);
	assert_int_equal(vpci_add(&x.g, &x.vf, -1), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vpci_fini(&x.g);
	assert_int_equal(mem.maps, 0);
	assert_int_equal(x.g.mmio_count, 0);
	return 0;
}

static uint64_t rd_at(uint64_t gpa, unsigned int size)
{
	const struct mmio_region *r = region(&x.g, gpa);
	uint64_t ones = size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;

	assert_non_null(r);
	return r->read(r->ctx, &x.g.cpu[0], gpa - r->gpa, size) & ones;
}

static void wr_at(uint64_t gpa, unsigned int size, uint64_t val)
{
	const struct mmio_region *r = region(&x.g, gpa);

	assert_non_null(r);
	r->write(r->ctx, &x.g.cpu[0], gpa - r->gpa, size, val);
}

static uint64_t cfg(unsigned int dev, unsigned int reg)
{
	return GPA_ECAM + ((uint64_t)dev << 15) + reg;
}

static uint32_t rd(unsigned int reg, unsigned int size)
{
	return (uint32_t)rd_at(cfg(1, reg), size);
}

static void wr(unsigned int reg, unsigned int size, uint32_t val)
{
	wr_at(cfg(1, reg), size, val);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_absent_functions_read_ones(void **state)
{
	(void)state;
	for (uint64_t devfn = 0; devfn < 256; devfn++) {
		if (devfn == 1 << 3)
			continue;
		assert_int_equal(rd_at(GPA_ECAM + (devfn << 12), 4), ONES);
		assert_int_equal(rd_at(GPA_ECAM + (devfn << 12) + 0xffc, 4), ONES);
		wr_at(GPA_ECAM + (devfn << 12), 4, 0);
	}
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x10ca8086);
}

/* As Linux' pci_setup_device() and pci_read_bases() go about it. */
static void test_enumeration_finds_the_function(void **state)
{
	(void)state;
	assert_int_equal(rd(PCI_VENDOR_ID, 2), 0x8086);
	assert_int_equal(rd(PCI_DEVICE_ID, 2), 0x10ca);
	assert_int_equal(rd(PCI_CLASS_REV, 4), 0x02000001);
	assert_int_equal(rd(PCI_HEADER_TYPE, 1), 0);
	assert_int_equal(rd(PCI_SUBSYSTEM, 4), 0xa03c8086);
	assert_int_equal(rd(0x3d, 1), 0); /* no INTx */
	for (unsigned int i = 0; i < VPCI_BARS; i++) {
		uint32_t was = rd(PCI_BAR(i), 4), want = x.vf.bar[i].len;

		wr(PCI_BAR(i), 4, ONES);
		assert_int_equal(rd(PCI_BAR(i), 4), want ? ~(want - 1) : 0);
		wr(PCI_BAR(i), 4, was);
		assert_int_equal(rd(PCI_BAR(i), 4), was);
		if (want) {
			assert_in_range(was, GPA_PCI, GPA_PCI + GPA_PCI_LEN - want);
			assert_int_equal(was % want, 0);
		}
	}
	wr(0x30, 4, 0xfffff800); /* no ROM */
	assert_int_equal(rd(0x30, 4), 0);
	assert_int_equal(mem.maps, 0);
}

static void test_capabilities_are_a_chain(void **state)
{
	unsigned int at = rd(PCI_CAP_PTR, 1), n = 0;
	uint8_t ids[4];

	(void)state;
	assert_true(rd(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	while (at && n < 4) {
		ids[n++] = (uint8_t)rd(at, 1);
		at = rd(at + 1, 1);
	}
	assert_int_equal(n, 2);
	assert_int_equal(ids[0], PCI_CAP_ID_EXP);
	assert_int_equal(ids[1], PCI_CAP_ID_MSIX);
	for (unsigned int reg = 0x100; reg < 0x1000; reg += 4)
		assert_int_equal(rd(reg, 4), 0);
}

static void test_capabilities_end_with_the_space(void **state)
{
	(void)state;
	assert_int_equal(vpci_cap(&x.nic, 9, 100), 0x40);
	assert_int_equal(vpci_cap(&x.nic, 9, 93), -ENOSPC);
	assert_int_equal(vpci_cap(&x.nic, 9, 92), 0x40 + 100);
	assert_int_equal(vpci_cap(&x.nic, 9, 2), -ENOSPC);
	assert_int_equal(vpci_cap(&x.nic, 9, UINT32_MAX), -ENOSPC);
}

static void test_bytes_and_words(void **state)
{
	(void)state;
	assert_int_equal(rd(0, 1), 0x86);
	assert_int_equal(rd(1, 1), 0x80);
	assert_int_equal(rd(3, 1), 0x10);
	wr(PCI_BAR(0) + 3, 1, 0xef);
	assert_int_equal(rd(PCI_BAR(0), 4) >> 24, 0xef);
	assert_int_equal(x.last_off, PCI_BAR(0) + 3);
	assert_int_equal(x.last_len, 1);
	assert_int_equal(x.last_old, 0xe2);
	assert_int_equal(rd(1, 2), 0xffff); /* not aligned */
	assert_int_equal(rd(2, 4), ONES);
	assert_true(rd_at(cfg(1, 0), 8) == UINT64_MAX);
	x.writes = 0;
	wr(5, 2, 0xffff);
	wr_at(cfg(1, 4), 8, UINT64_MAX);
	wr(0x200, 4, ONES);
	assert_int_equal(x.writes, 0);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
}

static void test_only_masked_bits_change(void **state)
{
	(void)state;
	wr(PCI_VENDOR_ID, 4, 0);
	assert_int_equal(rd(PCI_VENDOR_ID, 4), 0x10ca8086);
	wr(PCI_COMMAND, 4, ONES);
	assert_int_equal(rd(PCI_COMMAND, 2),
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	assert_int_equal(rd(PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	wr(PCI_CAP_PTR, 1, 0);
	assert_int_equal(rd(PCI_CAP_PTR, 1), 0x40);
}

static void test_memory_enable_maps(void **state)
{
	uint64_t bar0, bar3;

	(void)state;
	bar0 = rd(PCI_BAR(0), 4);
	bar3 = rd(PCI_BAR(3), 4);
	assert_int_equal(mem.maps, 0);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mapped_to(bar0), HPA_MEM);
	assert_int_equal(mapped_to(bar0 + BAR_LEN - 1), HPA_MEM + BAR_LEN - 1);
	assert_int_equal(mapped_to(bar0 + BAR_LEN), bar0 + BAR_LEN == bar3 ? HPA_MSIX : 0);
	/* Around the trapped page, and not it. */
	assert_int_equal(mapped_to(bar3 + PAGE - 1), HPA_MSIX + PAGE - 1);
	assert_int_equal(mapped_to(bar3 + PAGE), 0);
	assert_int_equal(mapped_to(bar3 + 2 * PAGE - 1), 0);
	assert_int_equal(mapped_to(bar3 + 2 * PAGE), HPA_MSIX + 2 * PAGE);
	assert_int_equal(rd_at(bar3 + PAGE + 8, 4), 0x55);
	assert_int_equal(x.bar, 3);
	assert_int_equal(x.bar_off, PAGE + 8);
	wr_at(bar3 + PAGE + 12, 4, 7);
	assert_int_equal(x.bar_off, PAGE + 12);
	assert_int_equal(x.bar_val, 7);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	assert_int_equal(mem.maps, 0);
	assert_null(region(&x.g, bar3 + PAGE));
}

static void test_bar_moves_within_the_window(void **state)
{
	uint64_t was;

	(void)state;
	was = rd(PCI_BAR(0), 4);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	wr(PCI_BAR(0), 4, 0xe8000000);
	assert_int_equal(mapped_to(0xe8000000), HPA_MEM);
	assert_int_equal(mapped_to(was), 0);
	wr(PCI_BAR(0), 4, (uint32_t)(GPA_PCI + GPA_PCI_LEN - BAR_LEN));
	assert_int_equal(mapped_to(GPA_PCI + GPA_PCI_LEN - 1), HPA_MEM + BAR_LEN - 1);
}

static void test_bar_outside_of_the_window_decodes_nothing(void **state)
{
	static const uint32_t bad[] = {0,	   0x1000000,	       GPA_ECAM,   0xdfffc000,
				       0xf0000000, (uint32_t)GPA_APIC, 0xffffc000, 0xfed90000};

	(void)state;
	wr(PCI_BAR(3), 4, 0);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		wr(PCI_BAR(0), 4, bad[i]);
		wr(PCI_BAR(3), 4, bad[i]);
		assert_int_equal(mem.maps, 0);
		assert_int_equal(x.g.mmio_count, 1);
		assert_int_equal(rd(PCI_BAR(0), 4), bad[i] & ~(BAR_LEN - 1));
	}
}

static void test_bar_over_another_is_refused(void **state)
{
	(void)state;
	wr(PCI_BAR(0), 4, 0xe8000000);
	wr(PCI_BAR(3), 4, 0xe8000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mapped_to(0xe8000000), HPA_MEM);
	assert_int_equal(mem.maps, 1);
	assert_int_equal(x.g.mmio_count, 1);
	assert_int_equal(x.g.refused, 1);
	wr(PCI_BAR(3), 4, 0xe8004000);
	assert_int_equal(mapped_to(0xe8004000), HPA_MSIX);
	assert_int_equal(x.g.refused, 1);
}

static void test_half_a_mapping_is_undone(void **state)
{
	(void)state;
	wr(PCI_BAR(0), 4, 0);
	for (int i = 0; i < 2; i++) {
		mem.map_fails = i;
		wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
		assert_int_equal(mem.maps, 0);
		assert_int_equal(x.g.mmio_count, 1);
		wr(PCI_COMMAND, 2, 0);
	}
	mem.map_fails = -1;
	mem.mmio_fails = true;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mem.maps, 0);
	mem.mmio_fails = false;
	wr(PCI_COMMAND, 2, 0);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mem.maps, 2);
}

static void test_bar_without_memory_is_all_trapped(void **state)
{
	uint64_t bar;

	(void)state;
	assert_int_equal(vpci_add(&x.g, &x.nic, 5), 0);
	bar = rd_at(cfg(5, PCI_BAR(4)), 4);
	wr_at(cfg(5, PCI_COMMAND), 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mem.maps, 0);
	assert_int_equal(rd_at(bar, 1), 0x55);
	assert_int_equal(rd_at(bar + BAR_LEN - 2, 2), 0x55);
	assert_int_equal(x.bar, 4);
	assert_int_equal(x.bar_off, BAR_LEN - 2);
	assert_null(region(&x.g, bar + BAR_LEN));
}

static void test_removed_function_is_gone(void **state)
{
	uint64_t bar3;

	(void)state;
	bar3 = rd(PCI_BAR(3), 4);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	vpci_del(&x.vf);
	assert_int_equal(x.removed, 1);
	assert_int_equal(mem.maps, 0);
	assert_null(region(&x.g, bar3 + PAGE));
	assert_int_equal(rd(PCI_VENDOR_ID, 4), ONES);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mem.maps, 0);
}

static void test_reset_turns_it_off(void **state)
{
	(void)state;
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(x.msix.cap + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE);
	vpci_reset(&x.vf);
	assert_int_equal(mem.maps, 0);
	assert_int_equal(rd(PCI_COMMAND, 2), 0);
	assert_int_equal(rd(x.msix.cap + PCI_MSIX_CTRL, 2), 2);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	assert_int_equal(mem.maps, 3);
}

static void test_numbers_of_devices(void **state)
{
	struct vpci_func more[GUEST_FUNCS];

	(void)state;
	assert_int_equal(vpci_add(&x.g, &x.nic, 1), -EBUSY);
	assert_int_equal(vpci_add(&x.g, &x.nic, GUEST_FUNCS), -ENOSPC);
	for (unsigned int i = 2; i < GUEST_FUNCS; i++) {
		more[i] = x.nic;
		assert_int_equal(vpci_add(&x.g, &more[i], -1), 0);
		assert_int_equal(more[i].dev, i);
	}
	assert_int_equal(vpci_add(&x.g, &x.nic, -1), -ENOSPC);
	assert_int_equal(vpci_add(&x.g, &x.nic, 0), 0);
	x.nic.bar[1].len = 0x80000000;
	vpci_del(&x.nic);
	assert_int_equal(vpci_add(&x.g, &x.nic, 0), -ENOSPC);
	vpci_fini(&x.g);
	assert_int_equal(x.removed, 1 + 1 + GUEST_FUNCS - 2);
	assert_int_equal(vpci_init(&x.g), 0);
}

/* Whatever a guest writes: what is mapped is a BAR's own memory, the trapped page never. */
static void test_random_writes_map_nothing_else(void **state)
{
	static const uint32_t values[] = {0,	      ONES, 0xe0000000, 0xe2000000, 0xe2004000,
					  0xeffffc00, 6,    2,		0x80008000, 0xdffff000};

	(void)state;
	assert_int_equal(vpci_add(&x.g, &x.nic, 2), 0);
	srandom(7);
	for (unsigned int i = 0; i < 50000; i++) {
		unsigned int size = 1u << random() % 3, dev = (unsigned int)random() % 3;
		unsigned int reg = (unsigned int)random() % (random() % 8 ? 0x28 : 0x140);
		uint32_t val = random() % 4 ? values[(size_t)random() % ARRAY_SIZE(values)]
					    : (uint32_t)random();

		wr_at(cfg(dev, reg), size, val);
		for (unsigned int j = 0; j < mem.maps; j++) {
			const struct range *r = &mem.map[j];
			bool vf_mem = r->hpa == HPA_MEM && r->len == BAR_LEN;
			bool first = r->hpa == HPA_MSIX && r->len == PAGE;
			bool rest = r->hpa == HPA_MSIX + 2 * PAGE && r->len == 2 * PAGE;

			assert_true(vf_mem || first || rest);
		}
		assert_true(mem.maps <= 3 && x.g.mmio_count <= 3);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(absent_functions_read_ones),
		T(enumeration_finds_the_function),
		T(capabilities_are_a_chain),
		T(capabilities_end_with_the_space),
		T(bytes_and_words),
		T(only_masked_bits_change),
		T(memory_enable_maps),
		T(bar_moves_within_the_window),
		T(bar_outside_of_the_window_decodes_nothing),
		T(bar_over_another_is_refused),
		T(half_a_mapping_is_undone),
		T(bar_without_memory_is_all_trapped),
		T(removed_function_is_gone),
		T(reset_turns_it_off),
		T(numbers_of_devices),
		T(random_writes_map_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
