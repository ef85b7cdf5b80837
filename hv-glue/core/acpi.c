/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Firmware's tables: found, checked (place, length, check sum, every entry's length), and what the
 * core needs of them taken out. Firmware may be wrong or hostile: nothing in a table is believed
 * before it was seen to lie within its bounds.
 */
#include "boot.h"

#include "base/errno.h"
#include "hw/acpi.h"

#define TABLE_MAX 65536u /* of those that are read, the largest has a few KiB */
#define BELOW_4G  (UINT64_C(1) << 32)
#define MIB	  UINT64_C(0x100000)

struct reader {
	const struct acpi_mem *mem;
	struct acpi_facts *f;
	char *why;
	size_t why_len;
	unsigned int seen;	 /* bits: tables that were read */
	const char *table;	 /* the one that is read, for words */
	struct acpi_scope scope; /* what those of the entry that is read have in common */
};

struct bytes {
	const uint8_t *p;
	uint64_t len;
};

static uint64_t load(const uint8_t *p, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static bool starts(const uint8_t *p, const char *sig)
{
	for (; *sig; sig++, p++)
		if (*p != (uint8_t)*sig)
			return false;
	return true;
}

static bool sums_up(const uint8_t *p, uint64_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + p[len]);
	return !sum;
}

static int refuse(struct reader *r, const char *problem, uint64_t value)
{
	fmt(r->why, r->why_len, "table %s: %s (0x%lx)", r->table, problem, (unsigned long)value);
	return -EINVAL;
}

/* ---- the tables ------------------------------------------------------------------------------ */

/* Calls @fn for each entry behind @head bytes: type and length, @width bytes each, and the rest. */
static int each_entry(struct reader *r, struct bytes t, uint64_t head, unsigned int width,
		      int (*fn)(struct reader *r, const uint8_t *e, uint64_t len))
{
	int err = 0;

	for (uint64_t off = head, len; !err && off < t.len; off += len) {
		len = t.len - off >= 2 * width ? load(t.p + off + width, width) : 0;
		if (len < 2 * width || len > t.len - off)
			return refuse(r, "an entry's length is not possible", len);
		err = fn(r, t.p + off, len);
	}
	return err;
}

static int madt_entry(struct reader *r, const uint8_t *e, uint64_t len)
{
	struct acpi_facts *f = r->f;
	uint32_t id, flags;

	if (e[0] == ACPI_MADT_T_LAPIC && len >= ACPI_MADT_LAPIC_LEN) {
		id = e[ACPI_MADT_LAPIC_ID];
		flags = e[ACPI_MADT_LAPIC_FLAGS];
	} else if (e[0] == ACPI_MADT_T_X2APIC && len >= ACPI_MADT_X2APIC_LEN) {
		id = (uint32_t)load(e + ACPI_MADT_X2APIC_ID, 4);
		flags = e[ACPI_MADT_X2APIC_FLAGS];
	} else {
		return 0;
	}
	if (!(flags & ACPI_MADT_ENABLED))
		return 0;
	for (unsigned int i = 0; i < f->cpus; i++)
		if (f->apic_id[i] == id)
			return 0;
	if (f->cpus < CORE_CPUS)
		f->apic_id[f->cpus++] = id;
	else
		f->cpus_left++;
	return 0;
}

static int read_madt(struct reader *r, struct bytes t)
{
	return each_entry(r, t, ACPI_MADT_ENTRIES, 1, madt_entry);
}

static int read_mcfg(struct reader *r, struct bytes t)
{
	for (uint64_t off = ACPI_MCFG_ENTRIES; t.len - off >= ACPI_MCFG_ENTRY_LEN;
	     off += ACPI_MCFG_ENTRY_LEN) {
		const uint8_t *e = t.p + off;
		uint64_t base = load(e + ACPI_MCFG_BASE, 8);
		uint8_t start = e[ACPI_MCFG_START], end = e[ACPI_MCFG_END];

		if (load(e + ACPI_MCFG_SEGMENT, 2) || start || r->f->ecam)
			continue;
		if (!base || base % MIB || base >= BELOW_4G || (end + 1) * MIB > BELOW_4G - base)
			return refuse(r,
				      "the configuration space must lie below 4 GiB, on a MiB; "
				      "switch \"Above 4G decoding\" off in the firmware's setup",
				      base);
		r->f->ecam = base;
		r->f->ecam_end_bus = end;
	}
	return 0;
}

/* I/O APICs and timers have scopes as well: none of them is the card. */
static int dmar_scope(struct reader *r, const uint8_t *e, uint64_t len)
{
	struct acpi_scope *s = &r->f->scope[r->f->scopes];
	uint64_t hops = len > ACPI_SCOPE_PATH ? (len - ACPI_SCOPE_PATH) / 2 : 0;

	if (!hops || len % 2)
		return refuse(r, "a device scope's length is not possible", len);
	if (e[0] != ACPI_SCOPE_T_DEVICE && e[0] != ACPI_SCOPE_T_BRIDGE)
		return 0;
	if (r->f->scopes == ARRAY_SIZE(r->f->scope) || hops > sizeof(s->devfn)) {
		r->f->scopes_left++;
		return 0;
	}
	*s = r->scope;
	s->bridge = e[0] == ACPI_SCOPE_T_BRIDGE;
	s->bus = e[ACPI_SCOPE_BUS];
	for (e += ACPI_SCOPE_PATH; s->hops < hops; e += 2)
		s->devfn[s->hops++] = (uint8_t)(e[0] << 3 | (e[1] & 7));
	r->f->scopes++;
	return 0;
}

static int dmar_entry(struct reader *r, const uint8_t *e, uint64_t len)
{
	uint64_t type = load(e, 2), base, head = type ? ACPI_RMRR_LEN : ACPI_DRHD_LEN;
	const struct bytes rest = {e, len};

	_Static_assert(ACPI_RMRR_SEGMENT == ACPI_DRHD_SEGMENT && ACPI_RMRR_BASE == ACPI_DRHD_BASE,
		       "both are read alike");
	if (type != ACPI_DMAR_T_DRHD && type != ACPI_DMAR_T_RMRR)
		return 0;
	if (len < head)
		return refuse(r, "an entry of a unit or region is too short", len);
	base = load(e + ACPI_DRHD_BASE, 8);
	if (!type && (!base || base % VCPU_PAGE || base >= BELOW_4G))
		return refuse(r, "a remapping unit's registers must lie below 4 GiB, on a page",
			      base);
	if (load(e + ACPI_DRHD_SEGMENT, 2))
		return 0;
	r->f->dmars += !type;
	if (!type && (e[ACPI_DRHD_FLAGS] & ACPI_DRHD_INCLUDE_ALL))
		r->f->dmar_rest = base;
	r->scope = (struct acpi_scope){.base = base, .region = type};
	return each_entry(r, rest, head, 1, dmar_scope);
}

static int read_dmar(struct reader *r, struct bytes t)
{
	r->f->dmar_intremap = t.p[ACPI_DMAR_FLAGS] & ACPI_DMAR_INTR_REMAP;
	r->f->dmar_x2apic_opt_out = t.p[ACPI_DMAR_FLAGS] & ACPI_DMAR_X2APIC_OPT_OUT;
	return each_entry(r, t, ACPI_DMAR_ENTRIES, 2, dmar_entry);
}

static const struct {
	const char *sig, *name;
	uint64_t min;
	int (*read)(struct reader *r, struct bytes t);
} tables[] = {
	{ACPI_MADT_SIG, "MADT", ACPI_MADT_ENTRIES, read_madt},
	{ACPI_MCFG_SIG, "MCFG", ACPI_MCFG_ENTRIES, read_mcfg},
	{ACPI_DMAR_SIG, "DMAR", ACPI_DMAR_ENTRIES, read_dmar},
};

/* ---- the way to them ------------------------------------------------------------------------- */

/* The whole table at @addr, checked. */
static int open_table(struct reader *r, uint64_t addr, uint64_t min, struct bytes *t)
{
	t->p = r->mem->at(r->mem->ctx, addr, ACPI_HEADER_LEN);
	if (!t->p)
		return refuse(r, "it lies outside of the memory below 4 GiB", addr);
	t->len = load(t->p + ACPI_LEN, 4);
	if (t->len < min || t->len > TABLE_MAX)
		return refuse(r, "its length is not possible", t->len);
	t->p = r->mem->at(r->mem->ctx, addr, t->len);
	if (!t->p)
		return refuse(r, "its end lies outside of the memory below 4 GiB", addr);
	if (!sums_up(t->p, t->len))
		return refuse(r, "its check sum is wrong", addr);
	return 0;
}

static int read_any(struct reader *r, uint64_t addr)
{
	const uint8_t *p = r->mem->at(r->mem->ctx, addr, ACPI_HEADER_LEN);
	struct bytes t;

	for (unsigned int i = 0; p && i < ARRAY_SIZE(tables); i++) {
		int err;

		if (!starts(p, tables[i].sig) || (r->seen & BIT(i)))
			continue;
		r->seen |= BIT(i);
		r->table = tables[i].name;
		err = open_table(r, addr, tables[i].min, &t);
		return err ? err : tables[i].read(r, t);
	}
	return 0;
}

static bool is_rsdp(const uint8_t *p)
{
	return starts(p, ACPI_RSDP_SIG) && sums_up(p, ACPI_RSDP_V1_LEN);
}

static const uint8_t *find_rsdp(const struct acpi_mem *m, uint64_t addr, uint64_t len)
{
	const uint8_t *p = m->at(m->ctx, addr, len);

	for (uint64_t off = 0; p && len - off >= ACPI_RSDP_V2_LEN; off += 16)
		if (is_rsdp(p + off))
			return p + off;
	return NULL;
}

/* The loader's word goes first: by UEFI there is none where a BIOS leaves it. */
static const uint8_t *the_rsdp(const struct acpi_mem *m)
{
	const uint8_t *seg = m->at(m->ctx, ACPI_EBDA_SEG, 2), *rsdp = NULL;

	if (m->rsdp && is_rsdp(m->rsdp))
		return m->rsdp;
	if (seg)
		rsdp = find_rsdp(m, load(seg, 2) << 4, ACPI_EBDA_SEARCH);
	return rsdp ? rsdp : find_rsdp(m, ACPI_BIOS, ACPI_BIOS_LEN);
}

int acpi_read(const struct acpi_mem *m, struct acpi_facts *f, char *why, size_t why_len)
{
	struct reader r = {.mem = m, .f = f, .why = why, .why_len = why_len, .table = "RSDP"};
	const uint8_t *rsdp = the_rsdp(m);
	unsigned int width = 4;
	struct bytes root;
	uint64_t addr;

	if (!rsdp)
		return refuse(&r,
			      "there is none in the firmware's memory; started by UEFI? Use GRUB's "
			      "command multiboot2, or enable CSM in the firmware's setup",
			      ACPI_BIOS);
	addr = load(rsdp + ACPI_RSDP_RSDT, 4);
	if (rsdp[ACPI_RSDP_REVISION] >= 2 && load(rsdp + ACPI_RSDP_XSDT, 8)) {
		if (!sums_up(rsdp, ACPI_RSDP_V2_LEN))
			return refuse(&r, "its second check sum is wrong", ACPI_RSDP_V2_LEN);
		addr = load(rsdp + ACPI_RSDP_XSDT, 8);
		width = 8;
	}
	r.table = width == 8 ? "XSDT" : "RSDT";
	if (open_table(&r, addr, ACPI_HEADER_LEN, &root))
		return -EINVAL;
	if (!starts(root.p, r.table))
		return refuse(&r, "another table lies at its place", addr);
	for (uint64_t off = ACPI_HEADER_LEN; root.len - off >= width; off += width)
		if (read_any(&r, load(root.p + off, width)))
			return -EINVAL;
	return 0;
}

/* ---- the unit in front of a device ----------------------------------------------------------- */

/* Whether the scope names the function, or a bridge above it. */
static bool covers(const struct acpi_scope *s, uint16_t bdf,
		   bool (*buses)(void *ctx, unsigned int bdf, uint8_t bus[2]), void *ctx)
{
	unsigned int at = (unsigned int)s->bus << 8 | s->devfn[0];
	uint8_t bus[2];

	for (unsigned int i = 1; i < s->hops; i++) {
		if (!buses(ctx, at, bus))
			return false;
		at = (unsigned int)bus[0] << 8 | s->devfn[i];
	}
	if (!s->bridge)
		return at == bdf;
	return buses(ctx, at, bus) && bdf >> 8 >= bus[0] && bdf >> 8 <= bus[1];
}

int acpi_unit(const struct acpi_facts *f, uint16_t bdf,
	      bool (*buses)(void *ctx, unsigned int bdf, uint8_t bus[2]), void *ctx, uint64_t *unit,
	      char *why, size_t why_len)
{
	*unit = 0;
	for (unsigned int i = 0; i < f->scopes; i++) {
		const struct acpi_scope *s = &f->scope[i];

		if (!covers(s, bdf, buses, ctx))
			continue;
		if (s->region) {
			fmt(why, why_len,
			    "firmware keeps memory at 0x%llx for the card (an RMRR of ACPI's table "
			    "DMAR): switch its own use of the card off in its setup",
			    (unsigned long long)s->base);
			return -ENODEV;
		}
		*unit = *unit ? *unit : s->base;
	}
	if (*unit || (f->dmar_rest && !f->scopes_left)) {
		*unit = *unit ? *unit : f->dmar_rest;
		return 0;
	}
	fmt(why, why_len,
	    "no unit of %u is in front of the card, says ACPI (%u device scopes not read): update "
	    "the "
	    "firmware, or put the card into another slot",
	    f->dmars, f->scopes_left);
	return -ENODEV;
}
