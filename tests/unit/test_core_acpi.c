/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The core's ACPI reader: facts of right tables, a sentence for wrong ones, and a hundred thousand
 * damaged ones. Every piece that it asks for comes as a copy of just that length, so that the
 * sanitizer sees a read beyond it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/errno.h"
#include "boot.h"
#include "hw/acpi.h"

#define TABLES	   0x7fe0000u
#define TABLES_LEN 8192u
#define EBDA	   0x9fc00u
#define COPIES	   4096 /* a root table as long as the memory has fewer entries */

static struct {
	uint8_t low[0x500], ebda[1024], bios[ACPI_BIOS_LEN], tables[TABLES_LEN];
	uint32_t used;
	uint32_t at[8], len[8]; /* of the tables, for the fuzzer */
	unsigned int count;
} m;
static void *copies[COPIES];
static unsigned int copied;
static struct acpi_facts facts;
static char why[WHY_LEN];
static const uint8_t *loader_rsdp;

/* ---- a machine ------------------------------------------------------------------------------- */

static const uint8_t *machine_at(void *ctx, uint64_t addr, uint64_t len)
{
	const struct {
		uint64_t base, len;
		const uint8_t *p;
	} r[] = {
		{0, sizeof(m.low), m.low},
		{EBDA, sizeof(m.ebda), m.ebda},
		{ACPI_BIOS, sizeof(m.bios), m.bios},
		{TABLES, sizeof(m.tables), m.tables},
	};

	(void)ctx;
	for (unsigned int i = 0; i < ARRAY_SIZE(r); i++) {
		if (addr < r[i].base || len > r[i].len || addr - r[i].base > r[i].len - len)
			continue;
		assert_true(copied < COPIES);
		copies[copied] = malloc(len);
		return memcpy(copies[copied++], r[i].p + (addr - r[i].base), len);
	}
	return NULL;
}

static int read_all(void)
{
	const struct acpi_mem mem = {.at = machine_at, .rsdp = loader_rsdp};
	int err;

	memset(&facts, 0, sizeof(facts));
	memset(why, 0, sizeof(why));
	err = acpi_read(&mem, &facts, why, sizeof(why));
	while (copied)
		free(copies[--copied]);
	return err;
}

static void put(uint8_t *p, uint64_t v, unsigned int bytes)
{
	for (; bytes--; v >>= 8)
		*p++ = (uint8_t)v;
}

/* The byte at @p + @at makes @len bytes sum up to 0. */
static void seal(uint8_t *p, uint32_t len, uint32_t at)
{
	uint8_t sum = 0;

	p[at] = 0;
	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	p[at] = (uint8_t)-sum;
}

static uint32_t add_table(const char *sig, const void *body, uint32_t len)
{
	uint8_t *p = m.tables + m.used;
	uint32_t addr = TABLES + m.used;

	memcpy(p, sig, 4);
	put(p + ACPI_LEN, ACPI_HEADER_LEN + len, 4);
	memcpy(p + ACPI_HEADER_LEN, body, len);
	seal(p, ACPI_HEADER_LEN + len, 9);
	m.at[m.count] = m.used;
	m.len[m.count++] = ACPI_HEADER_LEN + len;
	m.used += (ACPI_HEADER_LEN + len + 15) & ~15u;
	return addr;
}

static uint8_t *table(unsigned int n)
{
	return m.tables + m.at[n];
}

static void reseal(unsigned int n)
{
	seal(table(n), m.len[n], 9);
}

#define SCOPE (ACPI_DMAR_ENTRIES + ACPI_DRHD_LEN)
enum { T_OTHER, T_MADT, T_MCFG, T_DMAR, T_ROOT };

static const uint8_t madt[] = {
	0, 0,  0xe0, 0xfe, 1,	 0, 0,	  0,				/* address, flags */
	0, 8,  0,    0,	   1,	 0, 0,	  0,				/* local APIC 0 */
	0, 8,  1,    2,	   1,	 0, 0,	  0,				/* 2 */
	0, 8,  2,    4,	   0,	 0, 0,	  0,				/* 4: off */
	1, 12, 0,    0,	   0,	 0, 0xc0, 0xfe, 0, 0, 0, 0,		/* an I/O APIC */
	9, 16, 0,    0,	   0x23, 1, 0,	  0,	1, 0, 0, 0, 3, 0, 0, 0, /* x2APIC 123 */
	0, 8,  9,    2,	   1,	 0, 0,	  0,				/* 2 once more */
};
static const uint8_t mcfg[] = {
	0, 0, 0, 0,    0, 0, 0, 0,			     /* reserved */
	0, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 0, 255, 0, 0, 0, 0, /* another segment */
	0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0,
};
static const uint8_t dmar[] = {
	38, 1, 0,    0,	   0, 0, 0, 0, 0, 0, 0,	   0,		     /* width, flags */
	0,  0, 24,   0,	   0, 0, 0, 0, 0, 0, 0xd8, 0xfe, 0, 0, 0, 0, /* a unit with a scope */
	1,  8, 0,    0,	   0, 0, 2, 0, 0, 0, 16,   0,	 1, 0, 0, 0,
	0,  0, 0xd9, 0xfe, 0, 0, 0, 0, /* that for all the rest */
	2,  0, 8,    0,	   0, 0, 0, 0, /* ATSR */
};

/* @xsdt: by the second root table, with an RSDP of revision 2, which lies in the EBDA. */
static void make(bool xsdt)
{
	uint8_t root[5 * 8] = {0}, *p = xsdt ? m.ebda + 48 : m.bios + 0x10240;
	unsigned int width = xsdt ? 8 : 4;
	uint32_t at[4];

	memset(&m, 0, sizeof(m));
	put(m.low + ACPI_EBDA_SEG, EBDA >> 4, 2);
	at[T_OTHER] = add_table("FACP", "some table that nobody asks for", 31);
	at[T_MADT] = add_table("APIC", madt, sizeof(madt));
	at[T_MCFG] = add_table("MCFG", mcfg, sizeof(mcfg));
	at[T_DMAR] = add_table("DMAR", dmar, sizeof(dmar));
	for (unsigned int i = 0; i < 4; i++)
		put(root + i * width, at[i], width);
	/* the last address is no memory: some other's table */
	put(root + 4 * width, 0xfed00000, width);
	memcpy(p, ACPI_RSDP_SIG, 8);
	p[ACPI_RSDP_REVISION] = xsdt ? 2 : 0;
	put(p + ACPI_RSDP_LEN, ACPI_RSDP_V2_LEN, 4);
	put(p + (xsdt ? ACPI_RSDP_XSDT : ACPI_RSDP_RSDT),
	    add_table(xsdt ? "XSDT" : "RSDT", root, 5 * width), width);
	seal(p, ACPI_RSDP_V1_LEN, 8);
	seal(p, ACPI_RSDP_V2_LEN, 32);
}

/* ---- right ones ------------------------------------------------------------------------------ */

static void test_facts_are_taken_out(void **state)
{
	(void)state;
	for (int xsdt = 0; xsdt < 2; xsdt++) {
		make(xsdt);
		assert_int_equal(read_all(), 0);
		assert_int_equal(facts.cpus, 3);
		assert_true(facts.apic_id[0] == 0 && facts.apic_id[1] == 2 &&
			    facts.apic_id[2] == 0x123);
		assert_int_equal(facts.ecam, 0xb0000000);
		assert_int_equal(facts.ecam_end_bus, 255);
		assert_int_equal(facts.dmars, 2);
		assert_int_equal(facts.dmar_rest, 0xfed90000);
		assert_int_equal(facts.scopes, 1);
		assert_int_equal(facts.scope[0].base, 0xfed80000);
		assert_true(facts.scope[0].hops == 1 && facts.scope[0].devfn[0] == 2 << 3);
		assert_true(facts.dmar_intremap);
		assert_false(facts.dmar_x2apic_opt_out);
		assert_int_equal(facts.cpus_left + facts.scopes_left, 0);
	}
}

static void test_missing_tables_leave_zeros(void **state)
{
	(void)state;
	make(false);
	for (unsigned int i = T_MADT; i <= T_DMAR; i++)
		memcpy(table(i), "NONE", 4);
	assert_int_equal(read_all(), 0);
	assert_true(!facts.cpus && !facts.ecam && !facts.dmars && !facts.dmar_intremap);
}

/* What there is no place for is counted; the unit for all the rest needs none. */
static void test_more_than_there_is_place_for(void **state)
{
	uint8_t cpus[8 + 12 * 8] = {0}, units[12 + 140 * 24] = {0};

	(void)state;
	for (unsigned int i = 0; i < 12; i++)
		memcpy(cpus + 8 + i * 8, (uint8_t[]){0, 8, 0, (uint8_t)i, 1, 0, 0, 0}, 8);
	for (unsigned int i = 0; i < 140; i++) {
		uint8_t *u = units + 12 + i * 24;

		memcpy(u, (uint8_t[]){0, 0, 24, 0, i == 139}, 5);
		put(u + 8, 0xf0000000 + i * 0x1000, 8);
		memcpy(u + 16, (uint8_t[]){1, 8, 0, 0, 0, 7, 1, 1}, 8);
	}
	make(false);
	put(table(T_ROOT) + ACPI_HEADER_LEN + 4, add_table("APIC", cpus, sizeof(cpus)), 4);
	put(table(T_ROOT) + ACPI_HEADER_LEN + 12, add_table("DMAR", units, sizeof(units)), 4);
	reseal(T_ROOT);
	assert_int_equal(read_all(), 0);
	assert_int_equal(facts.cpus, CORE_CPUS);
	assert_int_equal(facts.cpus_left, 4);
	assert_int_equal(facts.dmars, 140);
	assert_int_equal(facts.scopes, ARRAY_SIZE(facts.scope));
	assert_int_equal(facts.scopes_left, 140 - ARRAY_SIZE(facts.scope));
	assert_int_equal(facts.dmar_rest, 0xf008b000);
}

/* ---- wrong ones ------------------------------------------------------------------------------ */

static void refused(const char *word)
{
	assert_int_equal(read_all(), -EINVAL);
	if (!strstr(why, word))
		fail_msg("not named: %s in \"%s\"", word, why);
}

/* A right machine with @bytes of @val at @off of table @n. */
static void refused_with(unsigned int n, uint32_t off, uint64_t val, unsigned int bytes,
			 const char *word)
{
	make(true);
	put(table(n) + off, val, bytes);
	reseal(n);
	refused(word);
}

static void test_no_rsdp(void **state)
{
	(void)state;
	make(false);
	m.bios[0x10240 + 17] ^= 1;
	refused("UEFI");
	make(true);
	put(m.low + ACPI_EBDA_SEG, 0xffff, 2); /* no memory of this machine */
	refused("UEFI");
	make(true);
	m.ebda[48 + 30] ^= 1;
	refused("second check sum");
}

/* By UEFI there is none in firmware's memory, and the loader says it; a wrong one is not taken. */
static void test_rsdp_of_the_loader(void **state)
{
	uint8_t rsdp[36];

	(void)state;
	loader_rsdp = rsdp;
	make(true);
	memcpy(rsdp, m.ebda + 48, sizeof(rsdp));
	memset(m.ebda, 0, sizeof(m.ebda));
	assert_int_equal(read_all(), 0);
	assert_int_equal(facts.cpus, 3);
	rsdp[9] ^= 1;
	refused("UEFI");
	memset(rsdp, 0, sizeof(rsdp)); /* it says nothing */
	refused("UEFI");
	make(false);
	assert_int_equal(read_all(), 0);
	memcpy(rsdp, m.bios + 0x10240, 20); /* of revision 0: the rest is zeros */
	memset(m.bios, 0, sizeof(m.bios));
	assert_int_equal(read_all(), 0);
	assert_int_equal(facts.cpus, 3);
	loader_rsdp = NULL;
}

static void test_every_broken_check_sum_is_seen(void **state)
{
	static const char *const names[] = {"", "MADT", "MCFG", "DMAR", "XSDT"};

	(void)state;
	for (unsigned int n = T_MADT; n <= T_ROOT; n++) {
		make(true);
		table(n)[m.len[n] - 1] ^= 0x10;
		refused(names[n]);
		assert_non_null(strstr(why, "check sum"));
	}
}

static void test_lengths(void **state)
{
	(void)state;
	refused_with(T_MADT, ACPI_LEN, 0, 4, "length");
	refused_with(T_MADT, ACPI_LEN, 43, 4, "length");
	refused_with(T_MADT, ACPI_LEN, UINT32_MAX, 4, "length");
	refused_with(T_MADT, ACPI_LEN, 65536, 4, "end lies outside");
	refused_with(T_DMAR, ACPI_LEN, 40, 4, "length");
	refused_with(T_ROOT, ACPI_LEN, 35, 4, "length");
}

static void test_entries(void **state)
{
	(void)state;
	refused_with(T_MADT, ACPI_MADT_ENTRIES + 1, 0, 1, "entry's length");
	refused_with(T_MADT, ACPI_MADT_ENTRIES + 1, 1, 1, "entry's length");
	refused_with(T_MADT, ACPI_MADT_ENTRIES + 1, 255, 1, "entry's length");
	refused_with(T_DMAR, ACPI_DMAR_ENTRIES + 2, 0, 2, "entry's length");
	refused_with(T_DMAR, ACPI_DMAR_ENTRIES + 2, 3, 2, "entry's length");
	refused_with(T_DMAR, ACPI_DMAR_ENTRIES + 2, 0xffff, 2, "entry's length");
	refused_with(T_DMAR, ACPI_DMAR_ENTRIES + 2, 8, 2, "too short");
	refused_with(T_DMAR, ACPI_DMAR_ENTRIES + 24, 1, 1, "too short"); /* for a region */
	refused_with(T_DMAR, SCOPE + 1, 0, 1, "entry's length");
	refused_with(T_DMAR, SCOPE + 1, 9, 1, "entry's length");
	refused_with(T_DMAR, SCOPE + 1, 6, 1, "device scope");
	refused_with(T_DMAR, SCOPE + 1, 7, 1, "device scope");
}

static void test_addresses(void **state)
{
	uint32_t unit = ACPI_DMAR_ENTRIES + ACPI_DRHD_BASE, ecam = ACPI_MCFG_ENTRIES + 16;

	(void)state;
	refused_with(T_DMAR, unit, 0, 8, "4 GiB");
	refused_with(T_DMAR, unit, UINT64_C(0x1fed90000), 8, "4 GiB");
	refused_with(T_DMAR, unit, 0xfed90010, 8, "page");
	refused_with(T_MCFG, ecam, UINT64_C(0x1b0000000), 8, "4 GiB");
	refused_with(T_MCFG, ecam, 0xb0010000, 8, "4 GiB");
	refused_with(T_MCFG, ecam, 0xf8000000, 8, "4 GiB"); /* its last bus is beyond */
	make(true);
	put(m.ebda + 48 + ACPI_RSDP_XSDT, UINT64_MAX, 8);
	seal(m.ebda + 48, ACPI_RSDP_V2_LEN, 32);
	refused("outside");
	make(true);
	put(m.ebda + 48 + ACPI_RSDP_XSDT, TABLES + m.at[T_MADT], 8);
	seal(m.ebda + 48, ACPI_RSDP_V2_LEN, 32);
	refused("another table");
}

static void test_root_that_names_itself_ends(void **state)
{
	(void)state;
	make(true);
	for (unsigned int i = 0; i < 5; i++)
		put(table(T_ROOT) + ACPI_HEADER_LEN + i * 8, TABLES + m.at[T_ROOT], 8);
	reseal(T_ROOT);
	assert_int_equal(read_all(), 0);
	assert_int_equal(facts.cpus, 0);
}

/* ---- units and what is in front of what ------------------------------------------------------ */

/*
 * 00:01.0 and 00:1c.0 are ports with buses 1 to 3 and 4. Below the first, 01:00.0 is a switch's
 * upper port, 02:03.0 its lower one. The card is 03:00.0.
 */
#define CARD 0x300

static bool machine_buses(void *ctx, unsigned int bdf, uint8_t bus[2])
{
	static const unsigned int bridge[][3] = {
		{0x008, 1, 3}, {0x0e0, 4, 4}, {0x100, 2, 3}, {0x218, 3, 3}};

	(void)ctx;
	for (unsigned int i = 0; i < ARRAY_SIZE(bridge); i++)
		if (bridge[i][0] == bdf) {
			bus[0] = (uint8_t)bridge[i][1];
			bus[1] = (uint8_t)bridge[i][2];
			return true;
		}
	return false;
}

static struct {
	uint8_t t[1024];
	uint32_t len, entry;
} d;

/* An entry: @type 0 a unit, 1 a region. */
static void add_entry(uint8_t type, uint8_t flags, uint16_t segment, uint64_t base)
{
	uint8_t *e;

	d.len = d.len ? d.len : 12;
	d.entry = d.len;
	e = d.t + d.len;
	d.len += type ? ACPI_RMRR_LEN : ACPI_DRHD_LEN;
	put(e, type, 2);
	put(e + 2, d.len - d.entry, 2);
	e[ACPI_DRHD_FLAGS] = flags;
	put(e + ACPI_DRHD_SEGMENT, segment, 2);
	put(e + ACPI_DRHD_BASE, base, 8);
}

/* A scope of the last entry, @hops pairs of device and function. */
static void add_scope(uint8_t type, uint8_t bus, unsigned int hops, const uint8_t *path)
{
	uint8_t *s = d.t + d.len;

	s[0] = type;
	s[1] = (uint8_t)(ACPI_SCOPE_PATH + 2 * hops);
	s[ACPI_SCOPE_BUS] = bus;
	memcpy(s + ACPI_SCOPE_PATH, path, 2 * hops);
	d.len += s[1];
	put(d.t + d.entry + 2, d.len - d.entry, 2);
}
#define SCOPE_OF(type, bus, ...) \
	add_scope(type, bus, sizeof((uint8_t[]){__VA_ARGS__}) / 2, (uint8_t[]){__VA_ARGS__})

/* Reads what was added; the card's unit, 0 when there is none. */
static uint64_t unit(void)
{
	uint64_t base = 0;

	make(true);
	d.t[1] = 1;
	put(table(T_ROOT) + ACPI_HEADER_LEN + 24, add_table("DMAR", d.t, d.len), 8);
	reseal(T_ROOT);
	memset(&d, 0, sizeof(d));
	assert_int_equal(read_all(), 0);
	if (acpi_unit(&facts, CARD, machine_buses, NULL, &base, why, sizeof(why)))
		return 0;
	return base;
}

static void test_unit_in_front_of_the_card(void **state)
{
	(void)state;
	/* By the way to it, by a bridge far above it, by a switch in between, by its bus. */
	for (unsigned int i = 0; i < 4; i++) {
		add_entry(0, 0, 0, 0xfed10000);
		SCOPE_OF(1, 0, 2, 0);
		SCOPE_OF(3, 0, 31, 7); /* an I/O APIC */
		add_entry(0, 0, 1, 0xfed20000);
		SCOPE_OF(2, 0, 1, 0); /* of another segment */
		add_entry(0, 0, 0, 0xfed30000);
		SCOPE_OF(2, 0, 0x1c, 0);
		if (i == 0)
			SCOPE_OF(1, 0, 1, 0, 0, 0, 3, 0, 0, 0);
		else if (i == 1)
			SCOPE_OF(2, 0, 1, 0);
		else if (i == 2)
			SCOPE_OF(2, 0, 1, 0, 0, 0);
		else
			SCOPE_OF(1, 3, 0, 0);
		add_entry(0, 1, 0, 0xfed40000);
		assert_int_equal(unit(), 0xfed30000);
	}
}

static void test_unit_for_all_the_rest(void **state)
{
	(void)state;
	add_entry(0, 1, 1, 0xfed10000); /* of another segment */
	add_entry(0, 0, 0, 0xfed20000);
	SCOPE_OF(2, 0, 0x1c, 0);		/* another port */
	SCOPE_OF(2, 0, 2, 0);			/* no bridge */
	SCOPE_OF(1, 0, 1, 0);			/* the port, but not what is below it */
	SCOPE_OF(1, 0, 1, 0, 0, 0, 3, 0, 0, 1); /* its other function */
	SCOPE_OF(1, 0, 2, 0, 0, 0);		/* through what is no bridge */
	add_entry(0, 1, 0, 0xfed30000);
	add_entry(0, 0, 0, 0xfed40000);
	assert_int_equal(unit(), 0xfed30000);
}

static void test_no_unit_in_front_of_the_card(void **state)
{
	static const uint8_t deep[14];

	(void)state;
	add_entry(0, 0, 0, 0xfed20000);
	SCOPE_OF(2, 0, 0x1c, 0);
	assert_int_equal(unit(), 0);
	assert_non_null(strstr(why, "no unit of 1"));
	/* One that could not be looked at may be the card's: then the rest's is not taken. */
	add_entry(0, 0, 0, 0xfed20000);
	add_scope(1, 0, 7, deep);
	add_entry(0, 1, 0, 0xfed30000);
	assert_int_equal(unit(), 0);
	assert_non_null(strstr(why, "(1 device scope"));
}

static void test_region_of_the_card_is_refused(void **state)
{
	(void)state;
	add_entry(1, 0, 0, 0x7f000000);
	SCOPE_OF(1, 0, 0x1d, 0); /* USB's */
	add_entry(0, 1, 0, 0xfed30000);
	assert_int_equal(unit(), 0xfed30000);
	add_entry(0, 1, 0, 0xfed30000);
	add_entry(1, 0, 0, 0x7f000000);
	SCOPE_OF(1, 0, 0x1d, 0);
	SCOPE_OF(1, 0, 1, 0, 0, 0, 3, 0, 0, 0);
	assert_int_equal(unit(), 0);
	assert_non_null(strstr(why, "memory at 0x7f000000"));
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void check_fate(void)
{
	int err = read_all();

	assert_true(!err || (err == -EINVAL && why[0]));
	assert_true(facts.cpus <= CORE_CPUS && facts.scopes <= ARRAY_SIZE(facts.scope));
	if (err)
		return;
	assert_true(facts.ecam + (facts.ecam_end_bus + UINT64_C(1)) * 0x100000 <= UINT64_C(1)
											  << 32 ||
		    !facts.ecam);
	for (unsigned int i = 0; i < facts.scopes; i++)
		assert_true(facts.scope[i].region ||
			    (facts.scope[i].base && facts.scope[i].base >> 32 == 0));
}

static void test_each_byte_damaged(void **state)
{
	(void)state;
	for (unsigned int n = T_MADT; n <= T_ROOT; n++)
		for (uint32_t off = 0; off < m.len[n]; off++)
			for (unsigned int bit = 0; bit < 10; bit++) {
				make(true);
				table(n)[off] = bit < 8	  ? table(n)[off] ^ (uint8_t)(1 << bit)
						: bit < 9 ? 0
							  : 255;
				reseal(n);
				check_fate();
			}
}

static void test_random_damage(void **state)
{
	static const uint64_t odd[] = {0,      1,	   7,	       35,	   36,
				       0xffff, 0xffffffff, 0x80000000, UINT64_MAX, TABLES};

	(void)state;
	srand(11);
	for (unsigned int i = 0; i < 100000; i++) {
		make(rand() % 8);
		for (int k = rand() % 6; k >= 0; k--) {
			unsigned int n = T_MADT + (unsigned int)rand() % 4;
			uint32_t off = (uint32_t)rand() % (m.len[n] - 8);

			put(table(n) + off, rand() % 2 ? odd[rand() % 10] : (uint64_t)rand(),
			    1u << rand() % 4);
			/* The reader goes by the length that the table says. */
			seal(table(n), rand() % 4 ? m.len[n] : (uint32_t)rand() % 256 + 36, 9);
		}
		check_fate();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_are_taken_out),
		cmocka_unit_test(test_missing_tables_leave_zeros),
		cmocka_unit_test(test_more_than_there_is_place_for),
		cmocka_unit_test(test_no_rsdp),
		cmocka_unit_test(test_rsdp_of_the_loader),
		cmocka_unit_test(test_every_broken_check_sum_is_seen),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_root_that_names_itself_ends),
		cmocka_unit_test(test_unit_in_front_of_the_card),
		cmocka_unit_test(test_unit_for_all_the_rest),
		cmocka_unit_test(test_no_unit_in_front_of_the_card),
		cmocka_unit_test(test_region_of_the_card_is_refused),
		cmocka_unit_test(test_each_byte_damaged),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
