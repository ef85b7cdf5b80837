/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * ACPI tables: offsets in bytes of the fields that are used. All little-endian, none aligned.
 *
 * Source: Advanced Configuration and Power Interface Specification 6.4, chapter 5; PCI Firmware
 * Specification 3.2, 4.1.2 (MCFG); Intel Virtualization Technology for Directed I/O 3.3, chapter 8
 * (DMAR).
 */
#ifndef SLUICE_HW_ACPI_H
#define SLUICE_HW_ACPI_H

#include "base/field.h"

/* ---- root system description pointer, 5.2.5.3; on 16-byte boundaries of firmware's memory */
#define ACPI_RSDP_SIG	     "RSD PTR "
#define ACPI_RSDP_REVISION   15
#define ACPI_RSDP_RSDT	     16 /* 32 bits */
#define ACPI_RSDP_V1_LEN     20 /* the first check sum's bytes */
#define ACPI_RSDP_LEN	     20 /* 32 bits, revision 2 */
#define ACPI_RSDP_XSDT	     24 /* 64 bits */
#define ACPI_RSDP_V2_LEN     36
#define ACPI_EBDA_SEG	     0x40e /* real-mode segment of the extended BIOS data area */
#define ACPI_EBDA_SEARCH     1024  /* bytes */
#define ACPI_BIOS	     0xe0000
#define ACPI_BIOS_LEN	     0x20000

/* ---- header of all other tables, 5.2.6; RSDT and XSDT: 32- or 64-bit addresses follow */
#define ACPI_SIG_LEN	     4
#define ACPI_LEN	     4 /* 32 bits, with the header */
#define ACPI_HEADER_LEN	     36

/* ---- MADT, 5.2.12 */
#define ACPI_MADT_SIG	     "APIC"
#define ACPI_MADT_LAPIC	     36 /* address, 32 bits */
#define ACPI_MADT_ENTRIES    44 /* type 8 bits, length 8 bits */
#define ACPI_MADT_T_LAPIC    0
#define ACPI_MADT_LAPIC_LEN  8
#define ACPI_MADT_LAPIC_ID   3 /* 8 bits */
#define ACPI_MADT_LAPIC_FLAGS 4
#define   ACPI_MADT_ENABLED	BIT(0)
#define ACPI_MADT_T_X2APIC   9
#define ACPI_MADT_X2APIC_LEN 16
#define ACPI_MADT_X2APIC_ID  4 /* 32 bits */
#define ACPI_MADT_X2APIC_FLAGS 8

/* ---- MCFG */
#define ACPI_MCFG_SIG	     "MCFG"
#define ACPI_MCFG_ENTRIES    44
#define ACPI_MCFG_BASE	     0 /* 64 bits, of bus 0 */
#define ACPI_MCFG_SEGMENT    8 /* 16 bits */
#define ACPI_MCFG_START	     10
#define ACPI_MCFG_END	     11
#define ACPI_MCFG_ENTRY_LEN  16

/* ---- DMAR, 8.1 */
#define ACPI_DMAR_SIG	     "DMAR"
#define ACPI_DMAR_FLAGS	     37
#define   ACPI_DMAR_INTR_REMAP	BIT(0)
#define   ACPI_DMAR_X2APIC_OPT_OUT BIT(1)
#define ACPI_DMAR_ENTRIES    48 /* type 16 bits, length 16 bits */
#define ACPI_DMAR_T_DRHD     0	/* 8.3 */
#define ACPI_DRHD_LEN	     16
#define ACPI_DRHD_FLAGS	     4
#define   ACPI_DRHD_INCLUDE_ALL BIT(0)
#define ACPI_DRHD_SEGMENT    6 /* 16 bits */
#define ACPI_DRHD_BASE	     8 /* 64 bits */
#define ACPI_DMAR_T_RMRR     1	/* 8.4 */
#define ACPI_RMRR_LEN	     24
#define ACPI_RMRR_SEGMENT    6 /* 16 bits */
#define ACPI_RMRR_BASE	     8 /* 64 bits */
/* Device scopes behind both, 8.3.1: type 8 bits, length 8 bits; device and function a hop. */
#define ACPI_SCOPE_T_DEVICE  1
#define ACPI_SCOPE_T_BRIDGE  2 /* and all below it */
#define ACPI_SCOPE_BUS	     5
#define ACPI_SCOPE_PATH	     6

#endif
