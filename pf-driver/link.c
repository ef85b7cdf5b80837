/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The port's link: the PHY behind MDIC, its semaphore, and what STATUS says. */
#include "os/poll.h"
#include "pf_priv.h"

#define PHY_ADDR     1
#define STEP_US	     50
#define SEM_WAIT_US  100000
#define SYNC_TRIES   20
#define SYNC_STEP_US 5000
#define MDIC_WAIT_US 10000
#define FW_SHIFT     16 /* the firmware's bits of SW_FW_SYNC */

static void sem_put(struct pf *pf)
{
	uint32_t swsm = os_rd32(pf->dev, IGB_SWSM);

	os_wr32(pf->dev, IGB_SWSM, swsm & ~(IGB_SWSM_SMBI | IGB_SWSM_SWESMBI));
}

/* Reading SMBI as 0 takes it; SWESMBI stays set only while the firmware does not hold it. */
static int sem_try(struct pf *pf)
{
	int err = os_poll32(pf->dev, IGB_SWSM, IGB_SWSM_SMBI, 0, STEP_US, SEM_WAIT_US);

	if (err)
		return err;
	for (unsigned int i = 0; i < SYNC_TRIES; i++) {
		os_wr32(pf->dev, IGB_SWSM, os_rd32(pf->dev, IGB_SWSM) | IGB_SWSM_SWESMBI);
		if (os_rd32(pf->dev, IGB_SWSM) & IGB_SWSM_SWESMBI)
			return 0;
		os_delay_us(pf->dev, STEP_US);
	}
	sem_put(pf);
	return -ETIMEDOUT;
}

/* A driver that was killed leaves SMBI behind. Nobody else drives this function: take it away. */
static int sem_get(struct pf *pf)
{
	int err = sem_try(pf);

	if (!err)
		return 0;
	os_log(pf->dev, OS_LOG_WARN, "the software semaphore was left taken: freed");
	sem_put(pf);
	return sem_try(pf);
}

static uint32_t phy_bit(struct pf *pf)
{
	uint32_t status = os_rd32(pf->dev, IGB_STATUS);

	return field_get(IGB_STATUS_LAN_ID, status) ? IGB_SW_FW_SYNC_PHY1 : IGB_SW_FW_SYNC_PHY0;
}

/* 82576 datasheet 4.6: the PHY is shared with the firmware. */
static int phy_get(struct pf *pf, uint32_t bit)
{
	uint32_t sync;
	int err;

	for (unsigned int i = 0; i < SYNC_TRIES; i++) {
		err = sem_get(pf);
		if (err)
			return err;
		sync = os_rd32(pf->dev, IGB_SW_FW_SYNC);
		if (!(sync & (bit | bit << FW_SHIFT))) {
			os_wr32(pf->dev, IGB_SW_FW_SYNC, sync | bit);
			sem_put(pf);
			return 0;
		}
		sem_put(pf);
		os_delay_us(pf->dev, SYNC_STEP_US);
	}
	return -ETIMEDOUT;
}

static void phy_put(struct pf *pf, uint32_t bit)
{
	pf_expect(pf, sem_get(pf), "take the semaphore to free the PHY");
	os_wr32(pf->dev, IGB_SW_FW_SYNC, os_rd32(pf->dev, IGB_SW_FW_SYNC) & ~bit);
	sem_put(pf);
}

static int mdic(struct pf *pf, uint32_t op, unsigned int reg, uint16_t *data)
{
	uint32_t val = op | field_prep(IGB_MDIC_PHY, PHY_ADDR) | field_prep(IGB_MDIC_REG, reg) |
		       field_prep(IGB_MDIC_DATA, *data);
	int err;

	os_wr32(pf->dev, IGB_MDIC, val);
	err = os_poll32(pf->dev, IGB_MDIC, IGB_MDIC_READY, IGB_MDIC_READY, STEP_US, MDIC_WAIT_US);
	if (err)
		return err;
	val = os_rd32(pf->dev, IGB_MDIC);
	*data = (uint16_t)field_get(IGB_MDIC_DATA, val);
	return val & IGB_MDIC_ERROR ? -EIO : 0;
}

static int restart_autoneg(struct pf *pf)
{
	uint16_t ctrl = 0;
	int err = mdic(pf, IGB_MDIC_OP_READ, IGB_PHY_CTRL, &ctrl);

	if (err)
		return err;
	ctrl = (uint16_t)(ctrl & ~IGB_PHY_CTRL_POWER_DOWN);
	ctrl = (uint16_t)(ctrl | IGB_PHY_CTRL_AN_ENABLE | IGB_PHY_CTRL_AN_RESTART);
	return mdic(pf, IGB_MDIC_OP_WRITE, IGB_PHY_CTRL, &ctrl);
}

/* 82576 datasheet 4.5.7, copper: speed and duplex come from the PHY, which negotiates anew. The
 * link comes up later, with an interrupt. */
int pf_link_setup(struct pf *pf)
{
	uint32_t ctrl = os_rd32(pf->dev, IGB_CTRL);
	uint32_t bit = phy_bit(pf);
	int err;

	ctrl &= ~(IGB_CTRL_FRCSPD | IGB_CTRL_FRCDPX);
	os_wr32(pf->dev, IGB_CTRL, ctrl | IGB_CTRL_SLU);
	err = phy_get(pf, bit);
	if (err)
		return err;
	err = restart_autoneg(pf);
	phy_put(pf, bit);
	pf->link = (struct pf_link){.up = false}; /* until an interrupt says otherwise */
	return err;
}

bool pf_link_check(struct pf *pf)
{
	static const unsigned int mbps[] = {10, 100, 1000, 1000};
	uint32_t status = os_rd32(pf->dev, IGB_STATUS);
	struct pf_link was = pf->link;
	struct pf_link now = {.up = status & IGB_STATUS_LU};

	if (now.up) {
		now.full_duplex = status & IGB_STATUS_FD;
		now.mbps = mbps[field_get(IGB_STATUS_SPEED, status)];
	}
	pf->link = now;
	return was.up != now.up || was.full_duplex != now.full_duplex || was.mbps != now.mbps;
}
