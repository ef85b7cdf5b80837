/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Reset and initialisation, step by step in the order of the 82576 datasheet's 4.5. */
#include "os/poll.h"
#include "pf_priv.h"

#define MASTER_STEP_US 100
#define MASTER_WAIT_US 80000
#define RESET_HOLD_US  3000 /* no access while the reset runs */
#define RESET_STEP_US  100
#define RESET_WAIT_US  20000
#define EEPROM_WAIT_US 10000
#define FC_TYPE	       0x8808	  /* IEEE 802.3 annex 31B: MAC control */
#define FC_ADDR_LOW    0x00c28001 /* 01:80:c2:00:00:01 */
#define FC_ADDR_HIGH   0x0100
#define COLLISIONS     15

/* 4.5.4 */
static void mask_interrupts(struct pf *pf)
{
	os_wr32(pf->dev, IGB_IMC, UINT32_MAX);
	os_wr32(pf->dev, IGB_EIMC, UINT32_MAX);
	(void)os_rd32(pf->dev, IGB_ICR);
}

/* Before a reset no request of the device may be on its way. When it does not end, reset
 * regardless: worse than a lost completion is a card that never comes back. */
static void disable_master(struct pf *pf)
{
	uint32_t ctrl = os_rd32(pf->dev, IGB_CTRL);

	os_wr32(pf->dev, IGB_CTRL, ctrl | IGB_CTRL_GIO_MASTER_DIS);
	if (os_poll32(pf->dev, IGB_STATUS, IGB_STATUS_GIO_MASTER_EN, 0, MASTER_STEP_US,
		      MASTER_WAIT_US))
		os_log(pf->dev, OS_LOG_WARN, "bus mastering did not end before the reset");
}

/* VFRE and VFTE are all ones after a reset: VFs would run before they are admitted. */
static void close_gates(struct pf *pf)
{
	os_wr32(pf->dev, IGB_VFRE, 0);
	os_wr32(pf->dev, IGB_VFTE, 0);
}

/* 4.5.5. QEMU and cards without an EEPROM never say that it was read, so that is no error. */
static int global_reset(struct pf *pf)
{
	uint32_t ctrl = os_rd32(pf->dev, IGB_CTRL);
	int err;

	os_wr32(pf->dev, IGB_CTRL, ctrl | IGB_CTRL_RST);
	os_delay_us(pf->dev, RESET_HOLD_US);
	err = os_poll32(pf->dev, IGB_CTRL, IGB_CTRL_RST, 0, RESET_STEP_US, RESET_WAIT_US);
	if (err)
		return err;
	if (os_poll32(pf->dev, IGB_EECD, IGB_EECD_AUTO_RD, IGB_EECD_AUTO_RD, RESET_STEP_US,
		      EEPROM_WAIT_US))
		os_log(pf->dev, OS_LOG_DEBUG, "no word of the EEPROM's having been read");
	return 0;
}

int pf_device_reset(struct pf *pf)
{
	int err;

	mask_interrupts(pf);
	close_gates(pf);
	os_wr32(pf->dev, IGB_RCTL, 0);
	os_wr32(pf->dev, IGB_TCTL, IGB_TCTL_PSP);
	disable_master(pf);
	err = global_reset(pf);
	close_gates(pf);
	mask_interrupts(pf);
	return err;
}

/* The descriptors are ours again: the device forgot its rings. */
static int reset(struct pf *pf)
{
	int err = pf_device_reset(pf);

	if (!err)
		pf_queues_drop(pf);
	return err;
}

/* 4.5.5: the EEPROM's address is in the first receive address now. */
static int read_mac(struct pf *pf)
{
	uint32_t low = os_rd32(pf->dev, IGB_RAL(0));
	uint32_t high = os_rd32(pf->dev, IGB_RAH(0));

	for (unsigned int i = 0; i < 4; i++)
		pf->mac.b[i] = (uint8_t)(low >> (8 * i));
	pf->mac.b[4] = (uint8_t)high;
	pf->mac.b[5] = (uint8_t)(high >> 8);
	if (mac_is_usable(&pf->mac))
		return 0;
	os_log(pf->dev, OS_LOG_ERR, "the card has no usable address");
	return -EIO;
}

/*
 * 4.5.5: CTRL.VME lets descriptors and VMVIR insert tags. NS_DIS: no request of any function passes
 * the CPU's caches by, where a page that was cleared for its new owner may be clear alone. Not yet
 * PFRSTD, which writing it again would tell to the VFs.
 */
static int general_config(struct pf *pf)
{
	uint32_t ctrl = os_rd32(pf->dev, IGB_CTRL), ext = os_rd32(pf->dev, IGB_CTRL_EXT);

	os_wr32(pf->dev, IGB_CTRL_EXT, (ext & ~IGB_CTRL_EXT_PFRSTD) | IGB_CTRL_EXT_NS_DIS);

	os_wr32(pf->dev, IGB_CTRL, (ctrl & ~IGB_CTRL_GIO_MASTER_DIS) | IGB_CTRL_VME);
	os_wr32(pf->dev, IGB_VET, (uint32_t)IGB_VET_8021Q << 16 | IGB_VET_8021Q);
	return 0;
}

/* 4.5.6: pause frames are known, and neither sent nor obeyed: one VF must not stop the port. */
static int flow_control(struct pf *pf)
{
	os_wr32(pf->dev, IGB_FCAL, FC_ADDR_LOW);
	os_wr32(pf->dev, IGB_FCAH, FC_ADDR_HIGH);
	os_wr32(pf->dev, IGB_FCT, FC_TYPE);
	os_wr32(pf->dev, IGB_FCTTV, 0);
	return 0;
}

/* 4.5.8 */
static int statistics(struct pf *pf)
{
	pf_stats_clear(pf);
	return 0;
}

/* 4.5.11, 7.10.3: who gets what, from policy at the start, from the tables after a reset. */
static int sorting(struct pf *pf)
{
	int err = pf->running ? 0 : pf_vf_load(pf);

	if (!err)
		vmdq_restore(&pf->vmdq);
	return err;
}

/* 4.5.11: a VF that does not take its frames must not block the others, hence QDE for all VFs. */
static int virtualization(struct pf *pf)
{
	uint32_t vfs = BIT(pf->cfg.num_vfs) - 1;
	uint32_t dtxctl = os_rd32(pf->dev, IGB_DTXCTL);
	uint32_t iov = os_rd32(pf->dev, IGB_STATUS);

	if (field_get(IGB_STATUS_NUM_VFS, iov) < pf->cfg.num_vfs)
		os_log(pf->dev, OS_LOG_WARN, "%u VFs wanted, the device has %u enabled",
		       pf->cfg.num_vfs, field_get(IGB_STATUS_NUM_VFS, iov));
	os_wr32(pf->dev, IGB_QDE, vfs | vfs << IGB_POOLS);
	os_wr32(pf->dev, IGB_DTXCTL, dtxctl | IGB_DTXCTL_VLAN_ADDED | IGB_DTXCTL_SPOOF_INT);
	os_wr32(pf->dev, IGB_MBVFICR, UINT32_MAX);
	os_wr32(pf->dev, IGB_VFLRE, UINT32_MAX);
	os_wr32(pf->dev, IGB_VFTE, BIT(PF_POOL));
	os_wr32(pf->dev, IGB_VFRE, BIT(PF_POOL));
	pf_rate_restore(pf);
	return 0;
}

/* 4.5.9. Frames are cut to size by each pool's VMOLR, not here. */
static int receive(struct pf *pf)
{
	os_wr32(pf->dev, IGB_RLPML, IGB_FRAME_MAX);
	os_wr32(pf->dev, IGB_RXCSUM,
		IGB_RXCSUM_IPOFLD | IGB_RXCSUM_TUOFLD | IGB_RXCSUM_CRCOFLD | IGB_RXCSUM_PCSD);
	os_wr32(pf->dev, IGB_RCTL,
		IGB_RCTL_EN | IGB_RCTL_LPE | IGB_RCTL_BAM | IGB_RCTL_VFE | IGB_RCTL_SECRC);
	return 0;
}

/* 4.5.10 */
static int transmit(struct pf *pf)
{
	uint32_t tctl = os_rd32(pf->dev, IGB_TCTL);

	tctl = field_set(tctl, IGB_TCTL_CT, COLLISIONS);
	os_wr32(pf->dev, IGB_TCTL, tctl | IGB_TCTL_EN | IGB_TCTL_PSP | IGB_TCTL_RTLC);
	return 0;
}

/* 4.5.3, last step */
static int interrupts(struct pf *pf)
{
	pf_irq_restore(pf);
	return 0;
}

/*
 * 4.5.11: VFs wait for PFRSTD. The ping is written before it, for drivers that were there before
 * the reset and missed it; a VF that does its RESET overwrites it.
 */
static int admit(struct pf *pf)
{
	uint32_t ext = os_rd32(pf->dev, IGB_CTRL_EXT);

	pf_mbx_ping_all(pf);
	os_wr32(pf->dev, IGB_CTRL_EXT, ext | IGB_CTRL_EXT_PFRSTD | IGB_CTRL_EXT_DRV_LOAD);
	return 0;
}

int pf_device_init(struct pf *pf)
{
	static int (*const steps[])(struct pf * pf) = {
		reset,		 read_mac,   general_config, flow_control, pf_link_setup,
		statistics,	 sorting,    virtualization, receive,	   transmit,
		pf_queues_start, interrupts, admit,
	};
	int err = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		err = steps[i](pf);
	return err;
}
