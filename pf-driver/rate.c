/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VF's transmit rate limit (82576 datasheet 8.12: RTTDQSEL, RTTBCNRM, RTTBCNRC). */
#include "pf_priv.h"

#define FACTOR_BITS 14 /* of the fraction; as many of the integer part */

/* The factor by which a queue is slower than the link, for a 1/@share part of @mbps; 0: as fast. */
static uint32_t factor(const struct pf *pf, uint32_t mbps, unsigned int share)
{
	uint32_t link = pf->link.up ? pf->link.mbps : PF_RATE_MBPS;

	if (!mbps || mbps >= link)
		return 0;
	return (((link * share) << FACTOR_BITS) / mbps) | IGB_RTTBCNRC_EN;
}

/* False when the register does not say what was written. */
static bool write_queue(struct pf *pf, unsigned int queue, uint32_t val)
{
	os_wr32(pf->dev, IGB_RTTDQSEL, queue);
	os_wr32(pf->dev, IGB_RTTBCNRM, IGB_RTTBCNRM_MMW_JUMBO);
	os_wr32(pf->dev, IGB_RTTBCNRC, val);
	return os_rd32(pf->dev, IGB_RTTBCNRC) == val;
}

static bool write_vf(struct pf *pf, unsigned int vf, uint32_t mbps)
{
	uint32_t val = factor(pf, mbps, pf->vf[vf].rate_share);
	bool kept = write_queue(pf, vf, val);

	return write_queue(pf, vf + IGB_POOLS, val) && kept;
}

/*
 * The limit is a queue's, and a VF has two: each gets all of it while the other sleeps, half of it
 * when both run, so that a guest with one queue has its whole rate and none has twice of it.
 */
static unsigned int share(struct pf *pf, unsigned int vf)
{
	uint32_t second = os_rd32(pf->dev, IGB_TXQ(vf + IGB_POOLS) + IGB_TXDCTL);

	return second & IGB_TXDCTL_ENABLE ? 2 : 1;
}

int pf_rate_write(struct pf *pf, unsigned int vf, uint32_t mbps)
{
	uint32_t old = pf->vf[vf].policy.rate_max;
	uint32_t probe = factor(pf, PF_RATE_MBPS / 2, 1);

	if (mbps == old)
		return 0;
	pf->vf[vf].rate_share = share(pf, vf);
	/* a rate at or above the link's is no limit now and one later: try a value that is kept */
	if (mbps && !factor(pf, mbps, 1) && !write_queue(pf, vf, probe ? probe : 1u))
		goto err_undo;
	if (write_vf(pf, vf, mbps))
		return 0;
err_undo:
	pf_rate_undo(pf, vf);
	return -EOPNOTSUPP;
}

void pf_rate_undo(struct pf *pf, unsigned int vf)
{
	(void)write_vf(pf, vf, pf->vf[vf].policy.rate_max);
}

void pf_rate_restore(struct pf *pf)
{
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		if (!pf->vf[vf].policy.rate_max)
			continue;
		pf->vf[vf].rate_share = share(pf, vf);
		if (!write_vf(pf, vf, pf->vf[vf].policy.rate_max))
			os_log(pf->dev, OS_LOG_ERR, "VF %u: its rate limit was not kept", vf);
	}
}

void pf_rate_check(struct pf *pf)
{
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		if (!pf->vf[vf].policy.rate_max || share(pf, vf) == pf->vf[vf].rate_share)
			continue;
		pf_rate_restore(pf);
		return;
	}
}
