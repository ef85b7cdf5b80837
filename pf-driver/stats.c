/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Counters of 64 bits over registers of 32, safe across their wrap and across resets. */
#include "pf_priv.h"

/*
 * Two kinds of register. The card's own (GPRC and others) and RQDPC are cleared by reading, in QEMU
 * too: what was read is added. A VF's (PVFGPRC and others) run free, wrap at 2^32, are cleared by a
 * device reset alone and not by the VF's own: the difference to the last reading is added. At
 * 1 Gb/s a byte counter wraps in 34 s, so they are read once a second (service.c).
 */
static void advance(struct pf *pf, struct pf_counter *c, uint32_t reg)
{
	uint32_t now = os_rd32(pf->dev, reg);

	c->total += now - c->last; /* modulo 2^32: over a wrap as well */
	c->last = now;
}

/* The high half's reading clears both, so the low half is read first (8.18). */
static uint64_t read_pair(struct pf *pf, uint32_t low)
{
	uint64_t val = os_rd32(pf->dev, low);

	return val | (uint64_t)os_rd32(pf->dev, low + 4) << 32;
}

static uint64_t queue_drops(struct pf *pf, unsigned int pool)
{
	uint64_t n = os_rd32(pf->dev, IGB_RXQ(pool) + IGB_RQDPC);

	return n + os_rd32(pf->dev, IGB_RXQ(pool + IGB_POOLS) + IGB_RQDPC);
}

static void collect_vf(struct pf *pf, unsigned int vf)
{
	struct pf_vf_counters *c = &pf->vf[vf].count;
	uint64_t drops = queue_drops(pf, vf);

	advance(pf, &c->rx_packets, IGB_PVFGPRC(vf));
	advance(pf, &c->tx_packets, IGB_PVFGPTC(vf));
	advance(pf, &c->rx_bytes, IGB_PVFGORC(vf));
	advance(pf, &c->tx_bytes, IGB_PVFGOTC(vf));
	advance(pf, &c->rx_multicast, IGB_PVFMPRC(vf));
	c->rx_dropped += drops;
	pf->stats.rx_dropped += drops;
}

static void collect_card(struct pf *pf)
{
	struct pf_stats *st = &pf->stats;

	st->rx_packets += os_rd32(pf->dev, IGB_GPRC);
	st->tx_packets += os_rd32(pf->dev, IGB_GPTC);
	st->rx_bytes += read_pair(pf, IGB_GORCL);
	st->tx_bytes += read_pair(pf, IGB_GOTCL);
	st->rx_multicast += os_rd32(pf->dev, IGB_MPRC);
	st->rx_broadcast += os_rd32(pf->dev, IGB_BPRC);
	st->rx_dropped += os_rd32(pf->dev, IGB_MPC) + queue_drops(pf, PF_POOL);
}

void pf_stats_collect(struct pf *pf)
{
	collect_card(pf);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++)
		collect_vf(pf, vf);
}

/* What the registers hold now belongs to nobody: totals stay, readings start from here. */
void pf_stats_clear(struct pf *pf)
{
	struct pf_stats card = pf->stats;

	collect_card(pf);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		struct pf_vf_counters *c = &pf->vf[vf].count;
		struct pf_vf_counters was = *c;

		collect_vf(pf, vf);
		c->rx_packets.total = was.rx_packets.total;
		c->tx_packets.total = was.tx_packets.total;
		c->rx_bytes.total = was.rx_bytes.total;
		c->tx_bytes.total = was.tx_bytes.total;
		c->rx_multicast.total = was.rx_multicast.total;
		c->rx_dropped = was.rx_dropped;
	}
	pf->stats = card;
}

/* The registers cannot be cleared for one VF: the totals can, and the next reading adds to 0. */
void pf_vf_stats_drop(struct pf *pf, unsigned int vf)
{
	struct pf_vf_counters *c = &pf->vf[vf].count;

	collect_vf(pf, vf);
	c->rx_packets.total = 0;
	c->tx_packets.total = 0;
	c->rx_bytes.total = 0;
	c->tx_bytes.total = 0;
	c->rx_multicast.total = 0;
	c->rx_dropped = 0;
}

void pf_stats(struct pf *pf, struct pf_stats *st)
{
	if (pf->running)
		pf_stats_collect(pf);
	*st = pf->stats;
}

/* The card counts no broadcasts and no transmit drops for a single VF: these are 0. */
int pf_vf_stats(struct pf *pf, unsigned int vf, struct pf_stats *st)
{
	const struct pf_vf_counters *c;

	if (vf >= pf->cfg.num_vfs)
		return -EINVAL;
	if (pf->running)
		collect_vf(pf, vf);
	c = &pf->vf[vf].count;
	*st = (struct pf_stats){
		.rx_packets = c->rx_packets.total,
		.tx_packets = c->tx_packets.total,
		.rx_bytes = c->rx_bytes.total,
		.tx_bytes = c->tx_bytes.total,
		.rx_multicast = c->rx_multicast.total,
		.rx_dropped = c->rx_dropped,
	};
	return 0;
}
