/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The way to the card: what the ports above it are told, and which of them are not good enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Configuration space of the machine below, beside the other seam of these tests. */
#define bare_func   model_func
#define os_cfg_rd16 model_rd16
#define os_cfg_wr16 model_wr16
#define os_cfg_rd32 model_rd32
#define os_cfg_wr32 model_wr32
#define os_delay_us model_delay_us
#include "hv-glue/core/pcihost.c"

#define ROOT_PORT  0x0008 /* 00:01.0, bus 1 to 4 below it */
#define UPPER	   0x0100 /* a switch: its port to bus 2 */
#define LOWER	   0x0200 /* its port to the card on bus 3 */
#define NEIGHBOUR  0x0208 /* another of its ports, to bus 4 */
#define FUNCS_MAX  6
#define CAP_EXP	   0x40
#define CAP_MSIX   0x80
#define EXT_ACS	   0x148
#define EXT_SRIOV  0x160
#define TYPE_ROOT  4
#define TYPE_LOWER 6
#define ALL	   0x7f

struct acpi_facts acpi;

/* ---- the machine ---------------------------------------------------------------------------- */

static struct {
	struct {
		uint16_t bdf;
		uint8_t cfg[4096], writable[4096];
	} func[FUNCS_MAX];
	unsigned int funcs;
	char log[1024];
	struct pci_card card;
	char why[512];
} m;

void core_log(enum os_log_level level, const char *f, ...)
{
	size_t n = strlen(m.log);
	va_list ap;

	(void)level;
	va_start(ap, f);
	vsnprintf(m.log + n, sizeof(m.log) - n, f, ap);
	va_end(ap);
}

void model_func(struct os_dev *dev, const struct bare_env *env, uint16_t bdf, uint64_t regs)
{
	(void)env;
	(void)regs;
	memset(dev, 0, sizeof(*dev));
	dev->bdf = bdf;
	snprintf(dev->name, sizeof(dev->name), "%02x:%02x.%u", bdf >> 8, bdf >> 3 & 31, bdf & 7u);
}

void model_delay_us(struct os_dev *dev, unsigned int us)
{
	(void)dev;
	(void)us;
}

static int find(uint16_t bdf)
{
	for (unsigned int i = 0; i < m.funcs; i++)
		if (m.func[i].bdf == bdf)
			return (int)i;
	return -1;
}

static uint32_t get(uint16_t bdf, uint32_t off, unsigned int len)
{
	uint32_t val = UINT32_MAX;
	int i = find(bdf);

	assert_true(off % len == 0 && off < 4096);
	if (i < 0)
		return UINT32_MAX >> (32 - 8 * len);
	val = 0;
	memcpy(&val, m.func[i].cfg + off, len);
	return val;
}

static void put(uint16_t bdf, uint32_t off, unsigned int len, uint32_t val)
{
	assert_true(find(bdf) >= 0);
	memcpy(m.func[find(bdf)].cfg + off, &val, len);
}

static void allow(uint16_t bdf, uint32_t off, unsigned int len, uint32_t mask)
{
	memcpy(m.func[find(bdf)].writable + off, &mask, len);
}

static void write_cfg(uint16_t bdf, uint32_t off, unsigned int len, uint32_t val)
{
	int i = find(bdf);

	assert_true(i >= 0);
	for (unsigned int b = 0; b < len; b++) {
		uint8_t w = m.func[i].writable[off + b], *to = &m.func[i].cfg[off + b];

		*to = (uint8_t)((*to & ~w) | (val >> 8 * b & w));
	}
}

uint16_t model_rd16(struct os_dev *dev, uint32_t off)
{
	return (uint16_t)get(dev->bdf, off, 2);
}

uint32_t model_rd32(struct os_dev *dev, uint32_t off)
{
	return get(dev->bdf, off, 4);
}

void model_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	write_cfg(dev->bdf, off, 2, val);
}

void model_wr32(struct os_dev *dev, uint32_t off, uint32_t val)
{
	write_cfg(dev->bdf, off, 4, val);
}

static void func_make(uint16_t bdf, uint32_t ids)
{
	m.func[m.funcs++].bdf = bdf;
	put(bdf, PCI_VENDOR_ID, 4, ids);
	put(bdf, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	put(bdf, PCI_CAP_PTR, 1, CAP_EXP);
	put(bdf, CAP_EXP, 2, PCI_CAP_ID_EXP);
	allow(bdf, PCI_COMMAND, 2, 0xffff);
	allow(bdf, CAP_EXP + PCI_EXP_DEVCTL, 2, 0x7fff);
}

/* @acs: what it offers; negative: it has no such capability. */
static void port_make(uint16_t bdf, unsigned int type, unsigned int bus, unsigned int last, int acs)
{
	func_make(bdf, 0x000c1b36);
	put(bdf, PCI_HEADER_TYPE, 1, PCI_HEADER_BRIDGE | PCI_HEADER_MULTI);
	put(bdf, PCI_BUSES, 4, bdf >> 8 | bus << 8 | last << 16);
	put(bdf, CAP_EXP + PCI_EXP_FLAGS, 2, 2 | type << 4);
	put(bdf, CAP_EXP + PCI_EXP_DEVCAP2, 4, PCI_EXP_DEVCAP2_ARI);
	allow(bdf, CAP_EXP + PCI_EXP_DEVCTL2, 2, 0xffff);
	put(bdf, PCI_EXT_CAP_START, 4, acs < 0 ? 1 : EXT_ACS << 20 | 1);
	if (acs < 0)
		return;
	put(bdf, EXT_ACS, 4, PCI_EXT_CAP_ID_ACS);
	put(bdf, EXT_ACS + PCI_ACS_CAP, 2, (uint32_t)acs);
	allow(bdf, EXT_ACS + PCI_ACS_CTRL, 2, (uint32_t)acs);
}

static uint32_t acs(uint16_t port)
{
	return get(port, EXT_ACS + PCI_ACS_CTRL, 2);
}

static void card_make(uint16_t bdf)
{
	func_make(bdf, IGB_DEV_ID_82576 << 16 | IGB_VENDOR_ID);
	put(bdf, CAP_EXP, 2, CAP_MSIX << 8 | PCI_CAP_ID_EXP);
	put(bdf, CAP_EXP + PCI_EXP_DEVCTL, 2, 0x2810); /* as after a reset */
	put(bdf, CAP_MSIX, 2, PCI_CAP_ID_MSIX);
	put(bdf, PCI_EXT_CAP_START, 4, EXT_SRIOV << 20 | 1);
	put(bdf, EXT_SRIOV, 4, PCI_EXT_CAP_ID_SRIOV);
	put(bdf, EXT_SRIOV + PCI_SRIOV_TOTAL_VF, 2, 8);
	put(bdf, PCI_BAR(0), 4, 0xfe900000);
	allow(bdf, PCI_BAR(0), 4, 0xfffe0000);
	put(bdf, PCI_BAR(3), 4, 0xfe920000);
	allow(bdf, PCI_BAR(3), 4, 0xffffc000);
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	acpi.ecam_end_bus = 255;
	return 0;
}

static int look(void)
{
	static const struct bare_env env;

	return pcihost_find(&m.card, &env, m.why, sizeof(m.why));
}

static void behind_switch(int root, int lower)
{
	setup(NULL);
	port_make(ROOT_PORT, TYPE_ROOT, 1, 4, root);
	port_make(UPPER, PCI_EXP_TYPE_UPSTREAM, 2, 4, -1);
	port_make(LOWER, TYPE_LOWER, 3, 3, lower);
	port_make(NEIGHBOUR, TYPE_LOWER, 4, 4, ALL);
	card_make(0x300);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void test_card_is_taken_and_snoops(void **state)
{
	(void)state;
	port_make(ROOT_PORT, TYPE_ROOT, 1, 1, ALL);
	card_make(0x100);
	assert_int_equal(look(), 0);
	assert_int_equal(m.card.bdf, 0x100);
	assert_int_equal(m.card.bridge, ROOT_PORT);
	assert_int_equal(m.card.bar, 0xfe900000);
	assert_int_equal(get(0x100, CAP_EXP + PCI_EXP_DEVCTL, 2), 0x2010);
	assert_int_equal(get(0x100, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
}

static void test_ports_are_told_what_they_can_do(void **state)
{
	static const int offers[] = {ALL, 0x1d, 0x0c, 0x04};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(offers); i++) {
		behind_switch(0x1f, offers[i]);
		put(LOWER, EXT_ACS + PCI_ACS_CTRL, 2, 0x60 & (uint32_t)offers[i]);
		assert_int_equal(look(), 0);
		assert_int_equal(m.card.bdf, 0x300);
		assert_int_equal(m.card.bridge, LOWER);
		assert_int_equal(acs(ROOT_PORT), 0x1d);
		assert_int_equal(acs(LOWER), 0x1d & offers[i]);
		assert_int_equal(acs(NEIGHBOUR), 0);
		assert_string_equal(m.log, "");
	}
}

static void test_root_port_without_acs_is_said(void **state)
{
	(void)state;
	port_make(ROOT_PORT, TYPE_ROOT, 1, 1, -1);
	card_make(0x100);
	assert_int_equal(look(), 0);
	assert_non_null(strstr(m.log, "root port 00:01.0 has no ACS"));
	behind_switch(-1, ALL);
	assert_int_equal(look(), 0);
	assert_non_null(strstr(m.log, "00:01.0"));
	assert_null(strstr(m.log, "01:00.0"));
}

static void refused(void)
{
	assert_int_equal(look(), -EOPNOTSUPP);
	assert_non_null(strstr(m.why, "the port 02:00.0 of a PCI Express switch"));
	assert_non_null(strstr(m.why, "put the card into another slot"));
	assert_int_equal(get(0x300, PCI_COMMAND, 2) & PCI_COMMAND_MASTER, 0);
}

static void test_switch_that_does_not_redirect_is_refused(void **state)
{
	(void)state;
	behind_switch(ALL, -1);
	refused();
	behind_switch(ALL, ALL & ~PCI_ACS_REQUESTS);
	refused();
	behind_switch(ALL, ALL);
	allow(LOWER, EXT_ACS + PCI_ACS_CTRL, 2, 0); /* it says that it can, and does not */
	refused();
	/* A bridge of old in between: no such capability, nor any other. */
	behind_switch(ALL, ALL);
	put(LOWER, CAP_EXP, 2, 0);
	put(LOWER, EXT_ACS, 4, 0);
	refused();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(test_##name, setup)
	const struct CMUnitTest tests[] = {
		T(card_is_taken_and_snoops),
		T(ports_are_told_what_they_can_do),
		T(root_port_without_acs_is_said),
		T(switch_that_does_not_redirect_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
