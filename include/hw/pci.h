/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * PCI Express configuration space: what the drivers and their hosts use.
 * Source: PCI Express Base Specification 4.0, chapter 7; SR-IOV: chapter 9; ARI: 7.8.7.
 */
#ifndef SLUICE_HW_PCI_H
#define SLUICE_HW_PCI_H

#include "base/field.h"

#define PCI_VENDOR_ID 0x00 /* RO 16 */
#define PCI_DEVICE_ID 0x02 /* RO 16 */
#define PCI_COMMAND   0x04 /* RW 16 */
#define   PCI_COMMAND_IO	     BIT(0)
#define   PCI_COMMAND_MEMORY	     BIT(1)
#define   PCI_COMMAND_MASTER	     BIT(2)
#define   PCI_COMMAND_INTX_DISABLE   BIT(10)
#define PCI_STATUS    0x06 /* RO 16 */
#define   PCI_STATUS_CAP_LIST	     BIT(4)
#define PCI_CLASS_REV 0x08 /* RO 32: class 31:8, revision 7:0 */
#define PCI_HEADER_TYPE 0x0e /* RO 8 */
#define   PCI_HEADER_BRIDGE	     0x01
#define   PCI_HEADER_MULTI	     0x80
#define PCI_BAR(n)    (0x10 + 4 * (n)) /* RW 32 */
#define   PCI_BAR_MEM_64	     BIT(2)
#define   PCI_BAR_MEM_MASK	     0xfffffff0u
#define   PCI_BAR_IO		     BIT(0)
#define PCI_SUBSYSTEM 0x2c /* RO 32: vendor 15:0, device 31:16 */
#define PCI_CAP_PTR   0x34 /* RO 8 */

/* type 1 header (bridges) */
#define PCI_BUSES     0x18 /* RW 32: primary, secondary, subordinate, latency */
#define PCI_MEM_WIN   0x20 /* RW 32: base 15:4, limit 31:20, in MiB */
#define   PCI_WIN_BASE		     GENMASK(15, 4)
#define   PCI_WIN_LIMIT		     GENMASK(31, 20)
#define PCI_PREF_WIN  0x24 /* RW 32: the same, prefetchable; bit 0 of each half: 64 bit */
#define PCI_PREF_BASE_HI  0x28 /* RW 32 */
#define PCI_PREF_LIMIT_HI 0x2c /* RW 32 */

#define PCI_CAP_ID_PM	0x01
#define PCI_CAP_ID_EXP	0x10
#define PCI_CAP_ID_MSIX 0x11

/* PCI Express capability */
#define PCI_EXP_FLAGS	0x02 /* RO 16 */
#define   PCI_EXP_FLAGS_VERSION	     GENMASK(3, 0)
#define   PCI_EXP_FLAGS_TYPE	     GENMASK(7, 4)
#define     PCI_EXP_TYPE_UPSTREAM    5 /* port of a switch */
#define     PCI_EXP_TYPE_RC_END	     9 /* root complex integrated endpoint: it has no link */
#define PCI_EXP_DEVCAP	0x04 /* RO 32 */
#define   PCI_EXP_DEVCAP_RBER	     BIT(15) /* role-based error reporting, to be 1 */
#define   PCI_EXP_DEVCAP_FLR	     BIT(28)
#define PCI_EXP_DEVCTL	0x08 /* RW 16 */
#define   PCI_EXP_DEVCTL_NO_SNOOP    BIT(11) /* on after a reset; a VF follows its PF */
#define   PCI_EXP_DEVCTL_FLR	     BIT(15)
#define PCI_EXP_DEVSTA	0x0a /* RO 16 */
#define   PCI_EXP_DEVSTA_TRPND	     BIT(5)
#define PCI_EXP_DEVCAP2 0x24 /* RO 32 */
#define   PCI_EXP_DEVCAP2_ARI	     BIT(5)
#define PCI_EXP_DEVCTL2 0x28 /* RW 16 */
#define   PCI_EXP_DEVCTL2_ARI	     BIT(5)
#define PCI_EXP_LEN	0x3c /* of version 2 */

/* MSI-X capability and table entries */
#define PCI_MSIX_CTRL	0x02 /* RW 16 */
#define   PCI_MSIX_CTRL_SIZE	     GENMASK(10, 0) /* entries - 1 */
#define   PCI_MSIX_CTRL_MASKALL	     BIT(14)
#define   PCI_MSIX_CTRL_ENABLE	     BIT(15)
#define PCI_MSIX_TABLE	0x04 /* RO 32 */
#define   PCI_MSIX_BIR		     GENMASK(2, 0)
#define PCI_MSIX_PBA	0x08 /* RO 32: as the table */
#define PCI_MSIX_LEN	0x0c
#define PCI_MSIX_ENTRY_SIZE	16
#define   PCI_MSIX_ENTRY_ADDR_LO     0
#define   PCI_MSIX_ENTRY_ADDR_HI     4
#define   PCI_MSIX_ENTRY_DATA	     8
#define   PCI_MSIX_ENTRY_CTRL	     12
#define     PCI_MSIX_ENTRY_MASKED    BIT(0)

/* extended capabilities start here */
#define PCI_EXT_CAP_START 0x100
#define   PCI_EXT_CAP_ID	     GENMASK(15, 0)
#define   PCI_EXT_CAP_NEXT	     GENMASK(31, 20)
#define PCI_EXT_CAP_ID_ACS   0x0d
#define PCI_EXT_CAP_ID_ARI   0x0e
#define PCI_EXT_CAP_ID_SRIOV 0x10

/* ACS extended capability (7.7.8) */
#define PCI_ACS_CAP  0x04 /* RO 16: what the port can do */
#define PCI_ACS_CTRL 0x06 /* RW 16: the same bits */
#define   PCI_ACS_SOURCE	     BIT(0) /* a request's bus is one below the port */
#define   PCI_ACS_REQUESTS	     BIT(2) /* from port to port: sent upstream */
#define   PCI_ACS_COMPLETIONS	     BIT(3) /* likewise */
#define   PCI_ACS_UPSTREAM	     BIT(4) /* what came down to where it came from, too */

/* SR-IOV extended capability (9.3.3) */
#define PCI_SRIOV_CAP	      0x04 /* RO 32 */
#define PCI_SRIOV_CTRL	      0x08 /* RW 16 */
#define   PCI_SRIOV_CTRL_VFE	     BIT(0)
#define   PCI_SRIOV_CTRL_MSE	     BIT(3)
#define   PCI_SRIOV_CTRL_ARI	     BIT(4)
#define PCI_SRIOV_INITIAL_VF  0x0c /* RO 16 */
#define PCI_SRIOV_TOTAL_VF    0x0e /* RO 16 */
#define PCI_SRIOV_NUM_VF      0x10 /* RW 16 */
#define PCI_SRIOV_VF_OFFSET   0x14 /* RO 16 */
#define PCI_SRIOV_VF_STRIDE   0x16 /* RO 16 */
#define PCI_SRIOV_VF_DID      0x1a /* RO 16 */
#define PCI_SRIOV_SUP_PGSIZE  0x1c /* RO 32 */
#define PCI_SRIOV_SYS_PGSIZE  0x20 /* RW 32 */
#define PCI_SRIOV_BAR(n)      (0x24 + 4 * (n)) /* RW 32 */

#endif
