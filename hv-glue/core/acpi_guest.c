/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * ACPI tables for a guest: a hardware-reduced machine (ACPI 6.4, 4.1) with its CPUs, bus 0 by ECAM,
 * and COM1. Nothing legacy: no PIC, no PIT, no PM timer, no IOAPIC.
 */
#include "guest.h"
#include "hw/acpi.h"

/* Where each lies behind GPA_ACPI. */
enum {
	AT_RSDP = 0,
	AT_XSDT = 0x40,
	AT_FADT = 0x100,
	AT_MADT = 0x300,
	AT_MCFG = 0x400,
	AT_DSDT = 0x500
};

#define FADT_LEN	276u /* revision 6 */
#define FADT_DSDT32	40
#define FADT_BOOT_ARCH	109
#define FADT_FLAGS	112
#define FADT_DSDT	140
#define BOOT_NO_VGA	BIT(2)
#define BOOT_NO_RTC	BIT(5)
#define FLAG_WBINVD	BIT(0)
#define FLAG_NO_BUTTONS (BIT(4) | BIT(5))
#define FLAG_REDUCED	BIT(20)

/*
 * Device (PCI0) { _HID PNP0A08, _CID PNP0A03, _CRS: bus 0, memory GPA_PCI }
 * Device (ECAM) { _HID PNP0C02, _CRS: memory GPA_ECAM }: kernels believe MCFG only when it is here
 * Device (COM1) { _HID PNP0501, _CRS: I/O 3f8 }: without an interrupt, polled
 */
/* clang-format off */
static const uint8_t aml[] = {
	0x10, 0x43, 0x0a, '_', 'S', 'B', '_', /* Scope (_SB) */
	0x5b, 0x82, 0x4f, 0x04, 'P', 'C', 'I', '0',
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x08,
	0x08, '_', 'C', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x03,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x2f, 0x0a, 0x2c,
	/* WordBusNumber: 0 to 0 */
	0x88, 0x0d, 0x00, 0x02, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01,
	0x00,
	/* DWordMemory: e0000000 to efffffff */
	0x87, 0x17, 0x00, 0x00, 0x0c, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe0, 0xff,
	0xff, 0xff, 0xef, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
	0x79, 0x00, /* end */
	0x5b, 0x82, 0x26, 'E', 'C', 'A', 'M',
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0c, 0x02,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x11, 0x0a, 0x0e,
	/* Memory32Fixed: 1 MiB at b0000000 */
	0x86, 0x09, 0x00, 0x01, 0x00, 0x00, 0x00, 0xb0, 0x00, 0x00, 0x10, 0x00,
	0x79, 0x00,
	0x5b, 0x82, 0x22, 'C', 'O', 'M', '1',
	0x08, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x05, 0x01,
	0x08, '_', 'C', 'R', 'S', 0x11, 0x0d, 0x0a, 0x0a,
	/* IO: 8 ports at 3f8 */
	0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x00, 0x08,
	0x79, 0x00,
};
/* clang-format on */

static void put(uint8_t *p, uint64_t val, unsigned int size)
{
	__builtin_memcpy(p, &val, size);
}

static void checksum(uint8_t *sum, const uint8_t *p, size_t len)
{
	uint8_t n = 0;

	*sum = 0;
	for (size_t i = 0; i < len; i++)
		n = (uint8_t)(n + p[i]);
	*sum = (uint8_t)-n;
}

/* The header of a table whose body is there, 5.2.6. */
static void seal(uint8_t *t, const char *sig, uint32_t len, uint8_t revision)
{
	__builtin_memcpy(t, sig, ACPI_SIG_LEN);
	put(t + ACPI_LEN, len, 4);
	t[8] = revision;
	__builtin_memcpy(t + 10, "SLUICECORE    ", 14); /* maker, and the table's name */
	put(t + 24, 1, 4);
	__builtin_memcpy(t + 28, "SLUC", 4);
	put(t + 32, 1, 4);
	checksum(t + 9, t, len);
}

static void make_fadt(uint8_t *t)
{
	put(t + FADT_DSDT32, GPA_ACPI + AT_DSDT, 4);
	put(t + FADT_BOOT_ARCH, BOOT_NO_VGA | BOOT_NO_RTC, 2);
	put(t + FADT_FLAGS, FLAG_WBINVD | FLAG_NO_BUTTONS | FLAG_REDUCED, 4);
	put(t + FADT_DSDT, GPA_ACPI + AT_DSDT, 8);
	seal(t, "FACP", FADT_LEN, 6);
}

static void make_madt(uint8_t *t, unsigned int cpus)
{
	uint8_t *e = t + ACPI_MADT_ENTRIES;

	put(t + ACPI_MADT_LAPIC, GPA_APIC, 4);
	for (unsigned int i = 0; i < cpus; i++, e += ACPI_MADT_LAPIC_LEN) {
		e[0] = ACPI_MADT_T_LAPIC;
		e[1] = ACPI_MADT_LAPIC_LEN;
		e[2] = (uint8_t)i;
		e[ACPI_MADT_LAPIC_ID] = (uint8_t)i;
		put(e + ACPI_MADT_LAPIC_FLAGS, ACPI_MADT_ENABLED, 4);
	}
	seal(t, ACPI_MADT_SIG, (uint32_t)(e - t), 4);
}

void acpi_guest_make(struct guest *g)
{
	uint8_t *t = guest_ptr(g, GPA_ACPI, VCPU_PAGE), *rsdp, *mcfg, *dsdt;
	static const uint16_t tables[] = {AT_FADT, AT_MADT, AT_MCFG};

	if (!t)
		return;
	make_fadt(t + AT_FADT);
	make_madt(t + AT_MADT, g->cfg.cpus);
	/* Bus 0 alone: start and end are 0. */
	mcfg = t + AT_MCFG;
	put(mcfg + ACPI_MCFG_ENTRIES + ACPI_MCFG_BASE, GPA_ECAM, 8);
	seal(mcfg, ACPI_MCFG_SIG, ACPI_MCFG_ENTRIES + ACPI_MCFG_ENTRY_LEN, 1);
	dsdt = t + AT_DSDT;
	__builtin_memcpy(dsdt + ACPI_HEADER_LEN, aml, sizeof(aml));
	seal(dsdt, "DSDT", ACPI_HEADER_LEN + sizeof(aml), 2);
	for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++)
		put(t + AT_XSDT + ACPI_HEADER_LEN + 8 * i, GPA_ACPI + tables[i], 8);
	seal(t + AT_XSDT, "XSDT", ACPI_HEADER_LEN + 8 * ARRAY_SIZE(tables), 1);
	rsdp = t + AT_RSDP;
	__builtin_memcpy(rsdp, ACPI_RSDP_SIG, 8);
	__builtin_memcpy(rsdp + 9, "SLUICE", 6);
	rsdp[ACPI_RSDP_REVISION] = 2;
	put(rsdp + ACPI_RSDP_LEN, ACPI_RSDP_V2_LEN, 4);
	put(rsdp + ACPI_RSDP_XSDT, GPA_ACPI + AT_XSDT, 8);
	checksum(rsdp + 8, rsdp, ACPI_RSDP_V1_LEN);
	checksum(rsdp + 32, rsdp, ACPI_RSDP_V2_LEN);
}
