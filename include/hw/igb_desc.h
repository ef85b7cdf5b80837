/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Advanced descriptors of the 82576. Source: 82576EB datasheet 2.63, 7.1.5 (receive), 7.2.2 (transmit).
 * All fields are little-endian.
 */
#ifndef SLUICE_HW_IGB_DESC_H
#define SLUICE_HW_IGB_DESC_H

#include "base/field.h"
#include "base/types.h"

/* Read format: the driver writes it. Write-back format: the device does, over the same 16 bytes. */
union igb_rx_desc {
	struct {
		le64 pkt_addr;
		le64 hdr_addr; /* bit 0 of its low word becomes DD on write-back: 0 with one buffer */
	} read;
	struct {
		le16 pkt_info; /* RSS type 3:0, packet type 14:4 */
		le16 hdr_info;
		le32 rss;
		le32 status_error;
		le16 length; /* bytes in this buffer */
		le16 vlan;   /* TCI, when VP is set */
	} wb;
};
_Static_assert(sizeof(union igb_rx_desc) == 16, "advanced receive descriptor");

/* status_error */
#define IGB_RXD_DD	BIT(0)
#define IGB_RXD_EOP	BIT(1)
#define IGB_RXD_VP	BIT(3)
#define IGB_RXD_UDPCS	BIT(4)
#define IGB_RXD_L4CS	BIT(5)
#define IGB_RXD_IPCS	BIT(6)
#define IGB_RXD_LB	BIT(18) /* looped back by the internal switch */
#define IGB_RXD_ERR_L4	BIT(29)
#define IGB_RXD_ERR_IP	BIT(30)
#define IGB_RXD_ERR_RX	BIT(31)
/* pkt_info */
#define IGB_RXD_TYPE	 GENMASK(14, 4)
#define   IGB_RXD_TYPE_IP4  BIT(4)
#define   IGB_RXD_TYPE_IP6  BIT(6)
#define   IGB_RXD_TYPE_TCP  BIT(8)
#define   IGB_RXD_TYPE_UDP  BIT(9)
#define   IGB_RXD_TYPE_SCTP BIT(10)

union igb_tx_desc {
	struct {
		le64 addr;
		le32 cmd_type_len;
		le32 olinfo_status;
	} read;
	struct {
		le32 vlan_macip_lens; /* IPLEN 8:0, MACLEN 15:9, VLAN 31:16 */
		le32 seqnum;
		le32 type_tucmd;
		le32 mss_l4len_idx;
	} ctx;
	struct {
		le64 reserved;
		le32 nxtseq;
		le32 status;
	} wb;
};
_Static_assert(sizeof(union igb_tx_desc) == 16, "advanced transmit descriptor");

/* cmd_type_len, type_tucmd */
#define IGB_TXD_DTALEN	   GENMASK(15, 0)
#define IGB_TXD_DTYP_CTX   field_prep(GENMASK(23, 20), 2)
#define IGB_TXD_DTYP_DATA  field_prep(GENMASK(23, 20), 3)
#define IGB_TXD_EOP	   BIT(24)
#define IGB_TXD_IFCS	   BIT(25)
#define IGB_TXD_RS	   BIT(27)
#define IGB_TXD_DEXT	   BIT(29)
#define IGB_TXD_VLE	   BIT(30)
#define IGB_TXD_TSE	   BIT(31)
#define IGB_TXD_TUCMD_IPV4 BIT(10)
#define IGB_TXD_TUCMD_TCP  BIT(11)
#define IGB_TXD_TUCMD_SCTP BIT(12)
/* olinfo_status */
#define IGB_TXD_IDX	GENMASK(6, 4) /* context */
#define IGB_TXD_CC	BIT(7)
#define IGB_TXD_IXSM	BIT(8)
#define IGB_TXD_TXSM	BIT(9)
#define IGB_TXD_PAYLEN	GENMASK(31, 14)
/* wb.status */
#define IGB_TXD_DD	BIT(0)
/* ctx.vlan_macip_lens, ctx.mss_l4len_idx */
#define IGB_TXD_CTX_IPLEN  GENMASK(8, 0)
#define IGB_TXD_CTX_MACLEN GENMASK(15, 9)
#define IGB_TXD_CTX_VLAN   GENMASK(31, 16)
#define IGB_TXD_CTX_IDX	   GENMASK(6, 4)
#define IGB_TXD_CTX_L4LEN  GENMASK(15, 8)

#endif
