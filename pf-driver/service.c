/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Serves what has happened, in bounded rounds: at most one request of each VF. */
#include "pf_priv.h"

/*
 * Requests are looked at before resets: a VF that resets itself and then asks is in VFLRE no later
 * than in MBVFICR, so its reset is never served after its question (requests.c looks once more).
 */
struct pending {
	uint32_t requests, acks, flrs; /* bit a VF */
};

static struct pending look(struct pf *pf)
{
	uint32_t vfs = BIT(pf->cfg.num_vfs) - 1;
	uint32_t mbx = os_rd32(pf->dev, IGB_MBVFICR);
	struct pending p = {
		.requests = field_get(IGB_MBVFICR_REQ, mbx) & vfs,
		.acks = field_get(IGB_MBVFICR_ACK, mbx) & vfs,
	};

	p.flrs = os_rd32(pf->dev, IGB_VFLRE) & vfs;
	return p;
}

static unsigned int serve_link(struct pf *pf)
{
	if (!pf_link_check(pf))
		return 0;
	os_log(pf->dev, OS_LOG_INFO, pf->link.up ? "link up, %u Mb/s" : "link down", pf->link.mbps);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++)
		pf->vf[vf].ping_due = true;
	pf_rate_restore(pf);
	pf_tell(pf, PF_EV_LINK, 0, PF_OK);
	return 1;
}

/* WVBR says which queues had frames dropped, not how many, and forgets it on reading. */
static unsigned int serve_spoof(struct pf *pf)
{
	uint32_t queues = os_rd32(pf->dev, IGB_WVBR);
	uint64_t now;
	unsigned int n = 0;

	if (!queues)
		return 0;
	now = os_now_us(pf->dev);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		if (!(queues & (BIT(vf) | BIT(vf + IGB_POOLS))))
			continue;
		n++;
		if (!pf_limit_pass(&pf->vf[vf].spoof, now))
			continue;
		os_log(pf->dev, OS_LOG_WARN, "VF %u: sent frames under another's address or VLAN",
		       vf);
		pf_tell(pf, PF_EV_SPOOF, vf, PF_OK);
	}
	return n;
}

static unsigned int serve_flrs(struct pf *pf, uint32_t vfs)
{
	unsigned int n = 0;

	if (vfs)
		os_wr32(pf->dev, IGB_VFLRE, vfs);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++)
		if (vfs & BIT(vf)) {
			pf_vf_flr(pf, vf);
			n++;
		}
	return n;
}

/* @busy: VFs that ask, or were reset since, need not be told that they have no CTS. */
static void serve_acks(struct pf *pf, uint32_t vfs, uint32_t busy)
{
	if (vfs)
		os_wr32(pf->dev, IGB_MBVFICR, field_prep(IGB_MBVFICR_ACK, vfs));
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		if (vfs & busy & BIT(vf))
			pf->vf[vf].unread = false;
		else if (vfs & BIT(vf))
			pf_request_acked(pf, vf);
	}
}

/* Each round starts at another VF, so that none is always the last. */
static unsigned int serve_requests(struct pf *pf, uint32_t vfs)
{
	unsigned int num = pf->cfg.num_vfs, n = 0;

	for (unsigned int i = 0; i < num; i++) {
		unsigned int vf = (pf->first + i) % num;

		if (vfs & BIT(vf)) {
			pf_request_serve(pf, vf);
			n++;
		}
	}
	if (num)
		pf->first = (pf->first + 1) % num;
	return n;
}

/*
 * igbvf waits 10 ms before it looks at the answer to RESET; a ping in that time would overwrite it.
 * So a ping waits until the last message was read, or surely never will be.
 */
static void serve_pings(struct pf *pf)
{
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		struct pf_vf *v = &pf->vf[vf];

		if (!v->ping_due)
			continue;
		if (v->unread && os_now_us(pf->dev) - v->sent_us < PF_UNREAD_US)
			continue;
		v->ping_due = pf_mbx_ping(pf, vf) == -EAGAIN;
	}
}

static unsigned int keep_house(struct pf *pf)
{
	uint64_t now = os_now_us(pf->dev);

	if (now < pf->house_us)
		return 0;
	pf->house_us = now + PF_HOUSE_US;
	pf_stats_collect(pf);
	pf_rate_check(pf);
	return serve_link(pf) + serve_spoof(pf);
}

int pf_service(struct pf *pf)
{
	struct pending p;
	uint32_t icr;
	unsigned int n = 0;

	if (!pf->running)
		return 0;
	icr = os_rd32(pf->dev, IGB_ICR); /* first: what comes later raises the interrupt anew */
	if (icr & IGB_ICR_LSC)
		n += serve_link(pf);
	if (icr & IGB_ICR_DOUTSYNC)
		n += serve_spoof(pf);
	p = look(pf);
	n += serve_flrs(pf, p.flrs);
	serve_acks(pf, p.acks, p.requests | p.flrs);
	n += serve_requests(pf, p.requests);
	serve_pings(pf);
	n += keep_house(pf);
	return (int)n;
}
