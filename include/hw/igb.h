/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Intel 82576 registers that Sluice uses, physical function (PF) and virtual function (VF).
 *
 * Source: Intel 82576EB Gigabit Ethernet Controller Datasheet, revision 2.63: chapter 8 (PF
 * registers by group; 8.26: VF registers), chapter 7 (descriptors; 7.10: virtualization). Each line:
 * byte offset in BAR 0, access (RO, RW, RC read-clears, W1C write-1-clears, WO).
 */
#ifndef SLUICE_HW_IGB_H
#define SLUICE_HW_IGB_H

#include "base/field.h"

#define IGB_VENDOR_ID	    0x8086
#define IGB_DEV_ID_82576    0x10c9 /* copper */
#define IGB_DEV_ID_82576_VF 0x10ca

#define IGB_POOLS	    8	/* VMDq pools, 7.10.3 */
#define IGB_QUEUES	    16	/* queue pairs; pool p owns p and p + 8 with SR-IOV, 7.10.2.7 */
#define IGB_POOL_QUEUES	    2	/* queue pairs of a pool */
#define IGB_VFS_MAX	    8	/* hardware; the last pool stays the PF's, so 7 are offered */
#define IGB_RARS	    24	/* receive addresses */
#define IGB_VLVFS	    32	/* pool VLAN filters */
#define IGB_VFTA_WORDS	    128 /* 4096 bits */
#define IGB_MTA_WORDS	    128 /* 4096 bits */
#define IGB_UTA_WORDS	    128
#define IGB_MBX_WORDS	    16	/* mailbox memory of a VF */
#define IGB_FRAME_MAX	    9728 /* bytes, jumbo with CRC */
#define IGB_MSIX_VECTORS    25	/* PF */
#define IGB_VF_MSIX_VECTORS 3

/* ---- general, 8.2 */
#define IGB_CTRL	0x00000 /* RW; a VF has its own */
#define   IGB_CTRL_FD		     BIT(0)
#define   IGB_CTRL_GIO_MASTER_DIS    BIT(2)
#define   IGB_CTRL_SLU		     BIT(6)
#define   IGB_CTRL_FRCSPD	     BIT(11)
#define   IGB_CTRL_FRCDPX	     BIT(12)
#define   IGB_CTRL_RST		     BIT(26)
#define   IGB_CTRL_VME		     BIT(30)
#define   IGB_CTRL_PHY_RST	     BIT(31)
#define IGB_STATUS	0x00008 /* RO; a VF has its own */
#define   IGB_STATUS_FD		     BIT(0)
#define   IGB_STATUS_LU		     BIT(1)
#define   IGB_STATUS_LAN_ID	     GENMASK(3, 2) /* which port of the card */
#define   IGB_STATUS_SPEED	     GENMASK(7, 6) /* 0 10, 1 100, 2 and 3 1000 Mb/s */
#define   IGB_STATUS_NUM_VFS	     GENMASK(17, 14)
#define   IGB_STATUS_IOV	     BIT(18)
#define   IGB_STATUS_GIO_MASTER_EN   BIT(19)
#define   IGB_STATUS_RST_DONE	     BIT(21)
#define IGB_CTRL_EXT	0x00018 /* RW */
#define   IGB_CTRL_EXT_NS_DIS	     BIT(16) /* no request without snoop, of VFs neither */
#define   IGB_CTRL_EXT_PFRSTD	     BIT(14)
#define   IGB_CTRL_EXT_DRV_LOAD	     BIT(28)
#define IGB_MDIC	0x00020 /* RW */
#define   IGB_MDIC_DATA		     GENMASK(15, 0)
#define   IGB_MDIC_REG		     GENMASK(20, 16)
#define   IGB_MDIC_PHY		     GENMASK(25, 21)
#define   IGB_MDIC_OP_WRITE	     BIT(26)
#define   IGB_MDIC_OP_READ	     BIT(27)
#define   IGB_MDIC_READY	     BIT(28)
#define   IGB_MDIC_ERROR	     BIT(30)
#define IGB_FCAL	0x00028 /* RW flow control address low */
#define IGB_FCAH	0x0002c
#define IGB_FCT		0x00030
#define IGB_VET		0x00038 /* RW VLAN Ethernet type */
#define   IGB_VET_8021Q		     0x8100
#define IGB_FCTTV	0x00170

/* PHY registers behind MDIC, IEEE 802.3 clause 22 */
#define IGB_PHY_CTRL	0
#define   IGB_PHY_CTRL_AN_RESTART    BIT(9)
#define   IGB_PHY_CTRL_POWER_DOWN    BIT(11)
#define   IGB_PHY_CTRL_AN_ENABLE     BIT(12)
#define IGB_PHY_STATUS	1

/* ---- semaphores and NVM, 8.4, 8.5 */
#define IGB_SWSM	0x05b50 /* RW */
#define   IGB_SWSM_SMBI		     BIT(0)
#define   IGB_SWSM_SWESMBI	     BIT(1)
#define IGB_SW_FW_SYNC	0x05b5c /* RW */
#define   IGB_SW_FW_SYNC_PHY0	     BIT(1)
#define   IGB_SW_FW_SYNC_PHY1	     BIT(2)
#define   IGB_SW_FW_SYNC_PHY0_FW     BIT(17)
#define IGB_EECD	0x00010 /* RW */
#define   IGB_EECD_AUTO_RD	     BIT(9)
#define IGB_EEMNGCTL	0x01010 /* RO */
#define   IGB_EEMNGCTL_CFG_DONE0     BIT(18)

/* ---- interrupts, 8.8 */
#define IGB_ICR		0x000c0 /* RC/W1C */
#define   IGB_ICR_TXDW		     BIT(0)
#define   IGB_ICR_LSC		     BIT(2)
#define   IGB_ICR_RXDW		     BIT(7)
#define   IGB_ICR_VMMB		     BIT(8)
#define   IGB_ICR_DOUTSYNC	     BIT(28)
#define   IGB_ICR_DRSTA		     BIT(30)
#define   IGB_ICR_INT_ASSERTED	     BIT(31)
#define IGB_ICS		0x000c8 /* WO */
#define IGB_IMS		0x000d0 /* RW */
#define IGB_IMC		0x000d8 /* WO */
#define IGB_IAM		0x000e0 /* RW */
#define IGB_GPIE	0x01514 /* RW */
#define   IGB_GPIE_NSICR	     BIT(0)
#define   IGB_GPIE_MULTIPLE_MSIX     BIT(4)
#define   IGB_GPIE_EIAME	     BIT(30)
#define   IGB_GPIE_PBA		     BIT(31)
#define IGB_EICS	0x01520 /* WO; bit n: MSI-X vector n; the VF has 0..2 */
#define IGB_EIMS	0x01524 /* RW */
#define IGB_EIMC	0x01528 /* WO */
#define IGB_EIAC	0x0152c /* RW */
#define IGB_EIAM	0x01530 /* RW */
#define IGB_EICR	0x01580 /* W1C */
#define IGB_EITR(v)	(0x01680 + 4 * (v)) /* RW, vector v */
#define IGB_VF_EITR(v, n) IGB_EITR(22 - 3 * (v) + (n)) /* vector n of VF v */
#define IGB_IVAR(n)	(0x01700 + 4 * (n)) /* RW; entry n: rx n at 7:0, tx n at 15:8, rx n+8 at 23:16, tx n+8 at 31:24 */
#define   IGB_IVAR_VALID	     0x80u
#define IGB_IVAR_MISC	0x01740 /* RW; 15:8 other causes; in a VF 7:0 the mailbox */
#define   IGB_IVAR_MISC_OTHER	     GENMASK(15, 8)
#define   IGB_IVAR_MISC_VF_MBX	     GENMASK(7, 0)

/* ---- receive, 8.10 */
#define IGB_RCTL	0x00100 /* RW */
#define   IGB_RCTL_EN		     BIT(1)
#define   IGB_RCTL_SBP		     BIT(2)
#define   IGB_RCTL_UPE		     BIT(3)
#define   IGB_RCTL_MPE		     BIT(4)
#define   IGB_RCTL_LPE		     BIT(5)
#define   IGB_RCTL_MO		     GENMASK(13, 12) /* 0: address bits 47:36 hash */
#define   IGB_RCTL_BAM		     BIT(15)
#define   IGB_RCTL_VFE		     BIT(18)
#define   IGB_RCTL_SECRC	     BIT(26)
#define IGB_PSRTYPE(p)	(0x05480 + 4 * (p)) /* RW pool p */
#define IGB_RXCSUM	0x05000 /* RW */
#define   IGB_RXCSUM_IPOFLD	     BIT(8)
#define   IGB_RXCSUM_TUOFLD	     BIT(9)
#define   IGB_RXCSUM_CRCOFLD	     BIT(11)
#define   IGB_RXCSUM_PCSD	     BIT(13)
#define IGB_RLPML	0x05004 /* RW bytes */
#define IGB_RFCTL	0x05008 /* RW */
#define IGB_MTA(n)	(0x05200 + 4 * (n)) /* RW */
#define IGB_RAL(n)	((n) < 16 ? 0x05400 + 8 * (n) : 0x054e0 + 8 * ((n) - 16)) /* RW */
#define IGB_RAH(n)	(IGB_RAL(n) + 4) /* RW */
#define   IGB_RAH_ADDR		     GENMASK(15, 0)
#define   IGB_RAH_ASEL		     GENMASK(17, 16)
#define   IGB_RAH_POOLS		     GENMASK(25, 18) /* bit a pool */
#define   IGB_RAH_AV		     BIT(31)
#define IGB_VFTA(n)	(0x05600 + 4 * (n)) /* RW */
#define IGB_MRQC	0x05818 /* RW */
#define   IGB_MRQC_MODE		     GENMASK(2, 0)
#define     IGB_MRQC_MODE_VMDQ	     3 /* pools without RSS */
#define     IGB_MRQC_MODE_VMDQ_RSS   5 /* two queues a pool by RSS */
#define   IGB_MRQC_RSS_TCP4	     BIT(16)
#define   IGB_MRQC_RSS_IP4	     BIT(17)
#define   IGB_MRQC_RSS_TCP6	     BIT(21)
#define   IGB_MRQC_RSS_IP6	     BIT(20)
#define IGB_RETA(n)	(0x05c00 + 4 * (n)) /* RW, 32 of them */
#define IGB_RSSRK(n)	(0x05c80 + 4 * (n)) /* RW, 10 of them */
#define IGB_UTA(n)	(0x0a000 + 4 * (n)) /* WO */

/* receive queue n of 16, the PF's view; of 2 in a VF's own BAR, where they sit at IGB_VF_RXQ */
#define IGB_RXQ(n)	(0x0c000 + 0x40 * (n))
#define IGB_VF_RXQ(n)	(0x02800 + 0x100 * (n))
/* offsets inside */
#define IGB_RDBAL	0x00 /* RW 128-byte aligned */
#define IGB_RDBAH	0x04
#define IGB_RDLEN	0x08 /* RW bytes, multiple of 128 */
#define IGB_SRRCTL	0x0c /* RW */
#define   IGB_SRRCTL_BSIZEPKT	     GENMASK(6, 0) /* KiB */
#define   IGB_SRRCTL_BSIZEHDR	     GENMASK(13, 8) /* 64 bytes */
#define   IGB_SRRCTL_DESCTYPE	     GENMASK(27, 25)
#define     IGB_SRRCTL_DESCTYPE_ADV1 1 /* advanced, one buffer */
#define   IGB_SRRCTL_DROP_EN	     BIT(31)
#define IGB_RDH		0x10 /* RO while enabled */
#define IGB_RXCTL	0x14 /* RW DCA */
#define IGB_RDT		0x18 /* RW */
#define IGB_RXDCTL	0x28 /* RW */
#define   IGB_RXDCTL_PTHRESH	     GENMASK(4, 0)
#define   IGB_RXDCTL_HTHRESH	     GENMASK(12, 8)
#define   IGB_RXDCTL_WTHRESH	     GENMASK(20, 16)
#define   IGB_RXDCTL_ENABLE	     BIT(25)
#define   IGB_RXDCTL_SWFLUSH	     BIT(26)
#define IGB_RQDPC	0x30 /* RC drops for want of a descriptor, bits 11:0 */

/* ---- transmit, 8.12 */
#define IGB_TCTL	0x00400 /* RW */
#define   IGB_TCTL_EN		     BIT(1)
#define   IGB_TCTL_PSP		     BIT(3)
#define   IGB_TCTL_CT		     GENMASK(11, 4)
#define   IGB_TCTL_BST		     GENMASK(21, 12)
#define   IGB_TCTL_RTLC		     BIT(24)
#define IGB_DTXCTL	0x03590 /* RW */
#define   IGB_DTXCTL_MDP_EN	     BIT(5)
#define   IGB_DTXCTL_VLAN_ADDED	     BIT(3) /* this MAC inserts tags (VMVIR) */
#define   IGB_DTXCTL_SPOOF_INT	     BIT(6)
#define IGB_TXQ(n)	(0x0e000 + 0x40 * (n))
#define IGB_VF_TXQ(n)	(0x03800 + 0x100 * (n))
#define IGB_TDBAL	0x00
#define IGB_TDBAH	0x04
#define IGB_TDLEN	0x08
#define IGB_TDH		0x10
#define IGB_TXCTL	0x14 /* RW DCA */
#define   IGB_TXCTL_RELAXED	     0x2a00u /* the reset value: relaxed ordering, no DCA */
#define IGB_TDT		0x18
#define IGB_TXDCTL	0x28
#define   IGB_TXDCTL_PTHRESH	     GENMASK(4, 0)
#define   IGB_TXDCTL_HTHRESH	     GENMASK(12, 8)
#define   IGB_TXDCTL_WTHRESH	     GENMASK(20, 16)
#define   IGB_TXDCTL_ENABLE	     BIT(25)
#define   IGB_TXDCTL_SWFLSH	     BIT(26)
#define IGB_TDWBAL	0x38 /* RW head write-back */
#define IGB_TDWBAH	0x3c

/* ---- virtualization, 7.10 and 8.14 */
#define IGB_VMBMEM(v)	(0x00800 + 0x40 * (v)) /* RW 16 words, VF v; a VF sees its own at IGB_VF_VMBMEM */
#define IGB_P2VMAILBOX(v) (0x00c00 + 4 * (v)) /* RW */
#define   IGB_P2V_STS		     BIT(0) /* a message for the VF is there */
#define   IGB_P2V_ACK		     BIT(1) /* the VF's message was taken */
#define   IGB_P2V_VFU		     BIT(2) /* RO the VF owns the memory */
#define   IGB_P2V_PFU		     BIT(3) /* the PF owns the memory */
#define   IGB_P2V_RVFU		     BIT(4) /* WO take it from a VF that hangs */
#define IGB_MBVFICR	0x00c80 /* W1C */
#define   IGB_MBVFICR_REQ	     GENMASK(7, 0)
#define   IGB_MBVFICR_ACK	     GENMASK(23, 16)
#define IGB_MBVFIMR	0x00c84 /* RW */
#define IGB_VFLRE	0x00c88 /* W1C bit a VF: function-level reset or CTRL.RST */
#define IGB_VFRE	0x00c8c /* RW bit a pool */
#define IGB_VFTE	0x00c90 /* RW bit a pool */
#define IGB_QDE		0x02408 /* RW bit a queue: drop when no descriptor */
#define IGB_DTXSWC	0x03500 /* RW */
#define   IGB_DTXSWC_MAC_SPOOF	     GENMASK(7, 0) /* bit a pool */
#define   IGB_DTXSWC_VLAN_SPOOF	     GENMASK(15, 8)
#define   IGB_DTXSWC_LLE	     GENMASK(23, 16)
#define   IGB_DTXSWC_LOOPBACK	     BIT(31)
#define IGB_WVBR	0x03554 /* RC spoofed frames dropped, bit a queue */
#define IGB_LVMMC	0x03548 /* RC last malicious VM */
#define IGB_RTTDQSEL	0x03604 /* WO: the queue that the rate registers are about */
#define IGB_RTTBCNRM	0x03690 /* RW rate scheduler's burst window */
#define   IGB_RTTBCNRM_MMW_JUMBO     0x14 /* for frames of 9728 bytes */
#define IGB_RTTBCNRC	0x036b0 /* RW rate limit of the selected queue: link rate / limit, 14.14 fixed point */
#define   IGB_RTTBCNRC_DEC	     GENMASK(13, 0)
#define   IGB_RTTBCNRC_INT	     GENMASK(27, 14)
#define   IGB_RTTBCNRC_EN	     BIT(31)
#define IGB_VMVIR(p)	(0x03700 + 4 * (p)) /* RW */
#define   IGB_VMVIR_VID		     GENMASK(11, 0)
#define   IGB_VMVIR_PRI		     GENMASK(15, 13)
#define   IGB_VMVIR_VLANA	     GENMASK(31, 30)
#define     IGB_VMVIR_VLANA_DESC     0
#define     IGB_VMVIR_VLANA_DEFAULT  1 /* always this tag */
#define     IGB_VMVIR_VLANA_NEVER    2
#define IGB_VT_CTL	0x0581c /* RW */
#define   IGB_VT_CTL_DEF_POOL	     GENMASK(9, 7)
#define   IGB_VT_CTL_DIS_DEF_POOL    BIT(29)
#define   IGB_VT_CTL_REPL_EN	     BIT(30)
#define IGB_VMOLR(p)	(0x05ad0 + 4 * (p)) /* RW */
#define   IGB_VMOLR_RLPML	     GENMASK(13, 0)
#define   IGB_VMOLR_LPE		     BIT(16)
#define   IGB_VMOLR_RSSE	     BIT(17)
#define   IGB_VMOLR_AUPE	     BIT(24)
#define   IGB_VMOLR_ROMPE	     BIT(25)
#define   IGB_VMOLR_ROPE	     BIT(26)
#define   IGB_VMOLR_BAM		     BIT(27)
#define   IGB_VMOLR_MPME	     BIT(28)
#define   IGB_VMOLR_STRVLAN	     BIT(30)
#define   IGB_VMOLR_STRCRC	     BIT(31)
#define IGB_RPLOLR	0x05af0 /* RW */
#define   IGB_RPLOLR_STRVLAN	     BIT(30)
#define   IGB_RPLOLR_STRCRC	     BIT(31)
#define IGB_VLVF(n)	(0x05d00 + 4 * (n)) /* RW */
#define   IGB_VLVF_VID		     GENMASK(11, 0)
#define   IGB_VLVF_POOLS	     GENMASK(19, 12)
#define   IGB_VLVF_LVLAN	     BIT(20)
#define   IGB_VLVF_EN		     BIT(31)

/* ---- statistics, 8.18; 32 bits each */
#define IGB_CRCERRS	0x04000 /* RC */
#define IGB_MPC		0x04010 /* RC missed for want of packet buffer */
#define IGB_GPRC	0x04074 /* RC */
#define IGB_BPRC	0x04078 /* RC */
#define IGB_MPRC	0x0407c /* RC */
#define IGB_GPTC	0x04080 /* RC */
#define IGB_GORCL	0x04088 /* RC, 64 bits, read low then high */
#define IGB_GORCH	0x0408c
#define IGB_GOTCL	0x04090
#define IGB_GOTCH	0x04094
#define IGB_RNBC	0x040a0 /* RC */
#define IGB_ROC		0x040ac /* RC oversize */
#define IGB_MPTC	0x040f0 /* RC */
#define IGB_BPTC	0x040f4 /* RC */
/* a VF's interrupt registers, as the PF sees them, 8.26 */
#define IGB_PVTEIMS(v)	(0x10024 + 0x100 * (v)) /* RW */
#define IGB_PVTEIMC(v)	(0x10028 + 0x100 * (v)) /* WO */
#define IGB_PVTEIAC(v)	(0x1002c + 0x100 * (v)) /* RW */
#define IGB_PVTEIAM(v)	(0x10030 + 0x100 * (v)) /* RW */
#define IGB_PVTEICR(v)	(0x10080 + 0x100 * (v)) /* RC */
#define IGB_VTIVAR(v)	(0x11700 + 4 * (v)) /* RW */
#define IGB_VTIVAR_MISC(v) (0x11720 + 4 * (v)) /* RW */
/* a VF's, as the PF sees them; not cleared by reading, wrap at 32 bits, cleared by a device reset */
#define IGB_PVFGPRC(v)	(0x10010 + 0x100 * (v)) /* RO */
#define IGB_PVFGPTC(v)	(0x10014 + 0x100 * (v)) /* RO */
#define IGB_PVFGORC(v)	(0x10018 + 0x100 * (v)) /* RO */
#define IGB_PVFGOTC(v)	(0x10034 + 0x100 * (v)) /* RO */
#define IGB_PVFMPRC(v)	(0x1003c + 0x100 * (v)) /* RO */
#define IGB_PVFGPRLBC(v) (0x10040 + 0x100 * (v)) /* RO looped back by the internal switch */
#define IGB_PVFGPTLBC(v) (0x10044 + 0x100 * (v)) /* RO */

/* ---- a VF's own BAR 0, 8.26 (CTRL, STATUS, EICx, IVAR and IVAR_MISC sit where the PF has them) */
#define IGB_VF_VMBMEM	0x00800 /* RW 16 words */
#define IGB_V2PMAILBOX	0x00c40 /* RW */
#define   IGB_V2P_REQ		     BIT(0) /* WO a request is there */
#define   IGB_V2P_ACK		     BIT(1) /* WO the PF's message was taken */
#define   IGB_V2P_VFU		     BIT(2)
#define   IGB_V2P_PFU		     BIT(3) /* RO */
#define   IGB_V2P_PFSTS		     BIT(4) /* RC a message from the PF */
#define   IGB_V2P_PFACK		     BIT(5) /* RC the PF took ours */
#define   IGB_V2P_RSTI		     BIT(6) /* RO PF in reset */
#define   IGB_V2P_RSTD		     BIT(7) /* RC PF reset done */
#define   IGB_V2P_RC		     (IGB_V2P_PFSTS | IGB_V2P_PFACK | IGB_V2P_RSTD)
#define IGB_VF_GPRC	0x00f10 /* RO */
#define IGB_VF_GPTC	0x00f14
#define IGB_VF_GORC	0x00f18
#define IGB_VF_GOTC	0x00f34
#define IGB_VF_MPRC	0x00f3c
#define IGB_VF_PSRTYPE	0x00f0c /* RW, igbvf writes 0 */

#endif
