/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A VT-d remapping unit: registers, tables, descriptors, fault reasons; legacy mode alone.
 *
 * Source: Intel Virtualization Technology for Directed I/O, architecture specification, revision
 * 3.3: registers chapter 10.4, tables chapter 9, invalidation chapter 6.5, appendix A.
 * Registers of 64 bits are two of 32 here, low one first; fields of the upper one end in _HI.
 */
#ifndef SLUICE_HW_VTD_H
#define SLUICE_HW_VTD_H

#include "base/endian.h"
#include "base/field.h"

#define VTD_REGS_LEN 0x1000 /* the least a unit has; CAP and ECAP say what lies further on */

/* ---- what there is ---- */
#define VTD_VER	   0x00 /* RO, 10.4.1 */
#define   VTD_VER_MINOR		GENMASK(3, 0)
#define   VTD_VER_MAJOR		GENMASK(7, 4)
#define VTD_CAP	   0x08 /* RO, 10.4.2 */
#define   VTD_CAP_ND		GENMASK(2, 0) /* domain ids: 2^(4 + 2 * ND), 7 reserved */
#define   VTD_CAP_RWBF		BIT(4) /* write buffers to be flushed */
#define   VTD_CAP_PLMR		BIT(5)
#define   VTD_CAP_PHMR		BIT(6)
#define   VTD_CAP_CM		BIT(7) /* caching mode: absent entries are cached, too */
#define   VTD_CAP_SAGAW		GENMASK(12, 8) /* bit n: tables of n + 2 levels */
#define   VTD_CAP_MGAW		GENMASK(21, 16) /* guest address width - 1 */
#define   VTD_CAP_FRO_LO	GENMASK(31, 24) /* fault records, in 16 bytes; bits 7:0 */
#define VTD_CAP_HI 0x0c
#define   VTD_CAP_FRO_HI	GENMASK(1, 0) /* bits 9:8 */
#define   VTD_CAP_2M_HI		BIT(2) /* SLLPS */
#define   VTD_CAP_1G_HI		BIT(3)
#define   VTD_CAP_PSI_HI	BIT(7) /* page-selective invalidation */
#define   VTD_CAP_NFR_HI	GENMASK(15, 8) /* fault records - 1 */
#define   VTD_CAP_MAMV_HI	GENMASK(21, 16) /* largest order of it */
#define   VTD_CAP_DWD_HI	BIT(22) /* writes can be drained */
#define   VTD_CAP_DRD_HI	BIT(23)
#define VTD_ECAP   0x10 /* RO, 10.4.3 */
#define   VTD_ECAP_C		BIT(0) /* tables are read coherently */
#define   VTD_ECAP_QI		BIT(1)
#define   VTD_ECAP_IR		BIT(3)
#define   VTD_ECAP_EIM		BIT(4) /* APIC ids of 32 bits */
#define   VTD_ECAP_PT		BIT(6) /* pass-through contexts */
#define   VTD_ECAP_SC		BIT(7) /* SNP in second-level entries; else it is reserved */
#define   VTD_ECAP_IRO		GENMASK(17, 8) /* IOTLB registers, in 16 bytes */
#define   VTD_ECAP_ECS		BIT(24) /* extended or scalable mode: not used */

/* ---- commands ---- */
#define VTD_GCMD   0x18 /* WO, 10.4.4: one bit changed a write */
#define VTD_GSTS   0x1c /* RO, 10.4.5: the same bits */
#define   VTD_GCMD_CFI		BIT(23) /* compatibility format passes: never set */
#define   VTD_GCMD_SIRTP	BIT(24)
#define   VTD_GCMD_IRE		BIT(25)
#define   VTD_GCMD_QIE		BIT(26)
#define   VTD_GCMD_WBF		BIT(27)
#define   VTD_GCMD_SRTP		BIT(30)
#define   VTD_GCMD_TE		BIT(31)
#define   VTD_GCMD_KEEP		0x96ffffffu /* of GSTS, what is written back: no one-shot bit */
#define VTD_RTADDR 0x20 /* RW, 10.4.6: bits 11:10 zero is legacy mode */

/* ---- invalidation by registers ---- */
#define VTD_CCMD   0x28 /* RW, 10.4.7 */
#define   VTD_CCMD_DID		GENMASK(15, 0)
#define   VTD_CCMD_SID		GENMASK(31, 16)
#define VTD_CCMD_HI 0x2c /* written last: it starts */
#define   VTD_CCMD_CAIG_HI	GENMASK(28, 27) /* done as; 0: refused */
#define   VTD_CCMD_CIRG_HI	GENMASK(30, 29)
#define     VTD_CC_GLOBAL	  1
#define     VTD_CC_DEVICE	  3
#define   VTD_CCMD_ICC_HI	BIT(31)
#define VTD_IVA(iro)	  ((iro) + 0x0) /* WO, 10.4.8.2: address 63:12, order 5:0 */
#define VTD_IOTLB(iro)	  ((iro) + 0x8) /* RW, 10.4.8.1: low half reserved */
#define VTD_IOTLB_HI(iro) ((iro) + 0xc) /* written last: it starts */
#define   VTD_IOTLB_DID_HI	GENMASK(15, 0)
#define   VTD_IOTLB_DW_HI	BIT(17)
#define   VTD_IOTLB_DR_HI	BIT(16)
#define   VTD_IOTLB_IAIG_HI	GENMASK(26, 25) /* done as; 0: refused */
#define   VTD_IOTLB_IIRG_HI	GENMASK(29, 28)
#define     VTD_TLB_GLOBAL	  1
#define     VTD_TLB_DOMAIN	  2
#define     VTD_TLB_PAGES	  3
#define   VTD_IOTLB_IVT_HI	BIT(31)

/* ---- faults ---- */
#define VTD_FSTS   0x34 /* RW1C, 10.4.9 */
#define   VTD_FSTS_PFO		BIT(0) /* overflow: nothing is recorded until it is cleared */
#define   VTD_FSTS_PPF		BIT(1) /* RO: a record is there */
#define   VTD_FSTS_IQE		BIT(4) /* the queue's hardware stopped at a descriptor */
#define   VTD_FSTS_ICE		BIT(5)
#define   VTD_FSTS_ITE		BIT(6)
#define   VTD_FSTS_FRI		GENMASK(15, 8) /* the first record, with PPF */
#define VTD_FECTL  0x38 /* RW, 10.4.10 */
#define   VTD_FECTL_IM		BIT(31)
#define VTD_FEDATA 0x3c /* RW, 10.4.11 */
#define VTD_FEADDR 0x40 /* RW, 10.4.12 */
#define VTD_FEUADDR 0x44 /* RW, 10.4.13: with EIM alone */
/* Fault records, 10.4.14, four double words of 16 bytes at FRO. */
#define VTD_FRCD(fro, n, dw) ((fro) + 16 * (n) + 4 * (dw))
#define   VTD_FRCD_ADDR_0	GENMASK(31, 12)
#define   VTD_FRCD_INDEX_1	GENMASK(31, 16) /* of an interrupt fault */
#define   VTD_FRCD_SID_2	GENMASK(15, 0)
#define   VTD_FRCD_REASON_3	GENMASK(7, 0)
#define   VTD_FRCD_READ_3	BIT(30) /* 0: a write */
#define   VTD_FRCD_F_3		BIT(31) /* W1C */

/* ---- protected memory ---- */
#define VTD_PMEN   0x64 /* RW, 10.4.16 */
#define   VTD_PMEN_PRS		BIT(0) /* RO */
#define   VTD_PMEN_EPM		BIT(31)

/* ---- the invalidation queue, 6.5.2 ---- */
#define VTD_IQH	   0x80 /* RO, 10.4.21: bytes */
#define VTD_IQT	   0x88 /* RW, 10.4.22: bytes; the upper half is reserved */
#define   VTD_IQ_OFFSET		GENMASK(18, 4)
#define VTD_IQA	   0x90 /* RW, 10.4.23: 2:0 is 0 for one page, 11 is 0 for 16-byte descriptors */
#define VTD_IQ_LEN 256 /* descriptors in a page */

/* ---- interrupt remapping ---- */
#define VTD_IRTA   0xb8 /* RW, 10.4.29 */
#define   VTD_IRTA_SIZE		GENMASK(3, 0) /* entries: 2^(SIZE + 1) */
#define   VTD_IRTA_EIME		BIT(11)

/* Fields of 64-bit entries and descriptors, 63 >= hi >= lo >= 0. */
#define VTD_MASK(hi, lo) ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))

static inline uint64_t vtd_get(uint64_t mask, uint64_t v)
{
	return (v & mask) >> __builtin_ctzll(mask);
}

static inline uint64_t vtd_prep(uint64_t mask, uint64_t v)
{
	return (v << __builtin_ctzll(mask)) & mask;
}

/* ---- tables ---- */
#define VTD_PAGE  4096u
#define VTD_ADDR  VTD_MASK(51, 12)

/* Root and context entries, 9.1 and 9.3: 256 of 16 bytes, by bus and by devfn. */
struct vtd_pair {
	le64 lo, hi;
};
_Static_assert(sizeof(struct vtd_pair) == 16, "entries are 16 bytes");
#define VTD_ROOT_P	BIT64(0)
#define VTD_CTX_P	BIT64(0)
#define VTD_CTX_TT	VTD_MASK(3, 2)
#define   VTD_TT_TABLES	  0
#define   VTD_TT_PASS	  2
#define VTD_CTX_HI_AW	VTD_MASK(2, 0) /* levels - 2 */
#define VTD_CTX_HI_DID	VTD_MASK(23, 8)

/* Second-level entries, 9.8: 512 of 8 bytes; absent when neither R nor W is set. */
#define VTD_SL_R	BIT64(0)
#define VTD_SL_W	BIT64(1)
#define VTD_SL_PS	BIT64(7) /* a page, in a table of level 2 or 3 */
#define VTD_SL_SNP	BIT64(11) /* of a page, with ECAP.SC: DMA snoops whatever the request says */
#define VTD_SL_LEN	512u

/* Interrupt remapping entries, 9.10: 16 bytes; the upper half has the source. */
#define VTD_IRTE_P	BIT64(0)
#define VTD_IRTE_VECTOR VTD_MASK(23, 16)
#define VTD_IRTE_X2	VTD_MASK(63, 32) /* destination with EIME */
#define VTD_IRTE_X1	VTD_MASK(47, 40) /* destination without */
#define VTD_IRTE_HI_SID VTD_MASK(15, 0)
#define VTD_IRTE_HI_SQ	VTD_MASK(17, 16) /* 0: all bits are compared */
#define VTD_IRTE_HI_SVT VTD_MASK(19, 18)
#define   VTD_SVT_SID	  1

/* An MSI in remappable format, 5.1.2.2. The same range is no DMA address, 3.14. */
#define VTD_MSI_FIRST	UINT64_C(0xfee00000)
#define VTD_MSI_LAST	UINT64_C(0xfeefffff)
#define   VTD_MSI_INDEX_15	BIT64(2)
#define   VTD_MSI_SHV		BIT64(3) /* the data is added to the index */
#define   VTD_MSI_REMAP		BIT64(4)
#define   VTD_MSI_INDEX		VTD_MASK(19, 5)

/* ---- descriptors of the queue, 6.5.2.1 and on; the low half ---- */
#define VTD_INV_TYPE	VTD_MASK(3, 0)
#define   VTD_INV_CC	  1
#define   VTD_INV_TLB	  2
#define   VTD_INV_IEC	  4
#define   VTD_INV_WAIT	  5
#define VTD_INV_G	VTD_MASK(5, 4) /* of CC and TLB: as in the registers */
#define VTD_INV_DID	VTD_MASK(31, 16)
#define VTD_INV_CC_SID	VTD_MASK(47, 32)
#define VTD_INV_TLB_DW	BIT64(6)
#define VTD_INV_TLB_DR	BIT64(7)
#define VTD_INV_IEC_ONE BIT64(4) /* else all */
#define VTD_INV_IEC_IDX VTD_MASK(47, 32)
#define VTD_INV_WAIT_SW BIT64(5) /* writes the status to the address in the upper half */
#define VTD_INV_WAIT_FN BIT64(6)
#define VTD_INV_STATUS	VTD_MASK(63, 32)
/* upper half of TLB, and IVA */
#define VTD_INV_AM	VTD_MASK(5, 0)

/* ---- fault reasons, appendix A ---- */
#define VTD_FR_ROOT_ABSENT    0x01
#define VTD_FR_CTX_ABSENT     0x02
#define VTD_FR_CTX_INVALID    0x03
#define VTD_FR_WIDTH	      0x04
#define VTD_FR_WRITE	      0x05
#define VTD_FR_READ	      0x06
#define VTD_FR_TABLE	      0x07
#define VTD_FR_ROOT_TABLE     0x08
#define VTD_FR_CTX_TABLE      0x09
#define VTD_FR_ROOT_RSVD      0x0a
#define VTD_FR_CTX_RSVD	      0x0b
#define VTD_FR_SL_RSVD	      0x0c
#define VTD_FR_CTX_TT	      0x0d
#define VTD_FR_MSI_RANGE      0x0e
#define VTD_FR_IR_FIRST	      0x20
#define VTD_FR_IR_REQ_RSVD    0x20
#define VTD_FR_IR_INDEX	      0x21
#define VTD_FR_IR_ABSENT      0x22
#define VTD_FR_IR_TABLE	      0x23
#define VTD_FR_IR_RSVD	      0x24
#define VTD_FR_IR_COMPAT      0x25
#define VTD_FR_IR_SOURCE      0x26
#define VTD_FR_IR_LAST	      0x2f

#endif
