/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Between two owners of a VF: nothing of the former one stays, as is proved by reading back. */
#include "os/poll.h"
#include "pf_priv.h"

#define STOP_STEP_US  100
#define STOP_WAIT_US  20000
#define DCA_BITS      (GENMASK(31, 24) | GENMASK(7, 5)) /* CPU and enables; the rest is ordering */
#define VF_VECTORS    0x7
#define EITR_INTERVAL GENMASK(15, 2) /* with LLI; above it is a running counter */

/* A register, what it is cleared to and which of its bits must read so afterwards. */
struct field {
	uint32_t off, val, mask;
};

/* QEMU keeps no RXCTL: it reads 0. TXCTL goes back to its reset value, 0 would only be slower. */
static const struct field rx_fields[] = {
	{IGB_SRRCTL, 0, UINT32_MAX}, {IGB_RDBAL, 0, UINT32_MAX}, {IGB_RDBAH, 0, UINT32_MAX},
	{IGB_RDLEN, 0, UINT32_MAX},  {IGB_RDH, 0, UINT32_MAX},	 {IGB_RDT, 0, UINT32_MAX},
	{IGB_RXCTL, 0, DCA_BITS},
};

static const struct field tx_fields[] = {
	{IGB_TDWBAL, 0, UINT32_MAX}, {IGB_TDWBAH, 0, UINT32_MAX},
	{IGB_TDBAL, 0, UINT32_MAX},  {IGB_TDBAH, 0, UINT32_MAX},
	{IGB_TDLEN, 0, UINT32_MAX},  {IGB_TDH, 0, UINT32_MAX},
	{IGB_TDT, 0, UINT32_MAX},    {IGB_TXCTL, IGB_TXCTL_RELAXED, DCA_BITS},
};

/* Goes through the whole VF even when something stays; the first that does is reported. */
struct scrub {
	struct pf *pf;
	unsigned int vf;
	uint32_t stuck; /* offset */
	bool failed;
};

static void failed(struct scrub *s, uint32_t reg)
{
	if (!s->failed)
		s->stuck = reg;
	s->failed = true;
}

static void clear(struct scrub *s, uint32_t reg, uint32_t val, uint32_t mask)
{
	os_wr32(s->pf->dev, reg, val);
	if ((os_rd32(s->pf->dev, reg) & mask) != (val & mask))
		failed(s, reg);
}

static void stop(struct scrub *s, uint32_t dctl, uint32_t enable)
{
	os_wr32(s->pf->dev, dctl, 0);
	if (os_poll32(s->pf->dev, dctl, enable, 0, STOP_STEP_US, STOP_WAIT_US))
		failed(s, dctl);
}

static void clear_fields(struct scrub *s, uint32_t base, const struct field *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		clear(s, base + f[i].off, f[i].val, f[i].mask);
}

/* A reset of the VF disables its queues and leaves all else of them behind. */
static void clear_queue(struct scrub *s, unsigned int q)
{
	stop(s, IGB_TXQ(q) + IGB_TXDCTL, IGB_TXDCTL_ENABLE);
	stop(s, IGB_RXQ(q) + IGB_RXDCTL, IGB_RXDCTL_ENABLE);
	clear_fields(s, IGB_TXQ(q), tx_fields, ARRAY_SIZE(tx_fields));
	clear_fields(s, IGB_RXQ(q), rx_fields, ARRAY_SIZE(rx_fields));
}

/*
 * The VF's view is written first, as it feeds the PF's IVAR. PVTEIMS is write-1-set on the card, so
 * PVTEIMC clears it; QEMU keeps what was last written to PVTEIMS, hence the 0.
 */
static void clear_interrupts(struct scrub *s)
{
	struct os_dev *dev = s->pf->dev;

	os_wr32(dev, IGB_PVTEIMC(s->vf), VF_VECTORS);
	clear(s, IGB_PVTEIMS(s->vf), 0, VF_VECTORS);
	clear(s, IGB_VTIVAR(s->vf), 0, UINT32_MAX);
	clear(s, IGB_VTIVAR_MISC(s->vf), 0, UINT32_MAX);
	clear(s, IGB_IVAR(s->vf), 0, UINT32_MAX);
	clear(s, IGB_PVTEIAC(s->vf), 0, VF_VECTORS);
	/* only if need be: QEMU takes any write of it as one to the whole card's EIAM, inverted */
	if (os_rd32(dev, IGB_PVTEIAM(s->vf)))
		clear(s, IGB_PVTEIAM(s->vf), 0, VF_VECTORS);
	for (unsigned int i = 0; i < IGB_VF_MSIX_VECTORS; i++)
		clear(s, IGB_VF_EITR(s->vf, i), 0, EITR_INTERVAL);
	(void)os_rd32(dev, IGB_PVTEICR(s->vf)); /* reading clears */
}

/* With the lock, or without it from a VF that keeps it: the reading back decides. */
static void clear_mailbox(struct scrub *s)
{
	struct os_dev *dev = s->pf->dev;

	if (pf_mbx_lock(s->pf, s->vf))
		os_log(dev, OS_LOG_WARN, "VF %u: keeps its mailbox locked", s->vf);
	for (unsigned int i = 0; i < MBX_WORDS; i++)
		clear(s, IGB_VMBMEM(s->vf) + 4 * i, 0, UINT32_MAX);
	pf_mbx_unlock(s->pf, s->vf);
	os_wr32(dev, IGB_MBVFICR,
		field_prep(IGB_MBVFICR_REQ, BIT(s->vf)) | field_prep(IGB_MBVFICR_ACK, BIT(s->vf)));
	os_wr32(dev, IGB_VFLRE, BIT(s->vf));
}

/* Policy goes out with the guest's filters, is seen to be gone, and comes back alone. */
static void clear_filters(struct scrub *s)
{
	struct pf *pf = s->pf;
	uint32_t reg = 0;

	pf_expect(pf, vmdq_pool_clear(&pf->vmdq, s->vf), "clear a pool");
	if (vmdq_pool_is_clear(&pf->vmdq, s->vf, &reg))
		failed(s, reg);
	pf_expect(pf, pf_vf_load_one(pf, s->vf), "load a VF's policy again");
}

static void clear_counters(struct scrub *s)
{
	struct pf_vf *v = &s->pf->vf[s->vf];

	pf_vf_stats_drop(s->pf, s->vf);
	v->resets = 0;
	v->requests = 0;
	v->refused = 0;
	v->last_refusal = PF_OK;
	v->nack = v->tell = v->stuck = v->spoof = (struct pf_limit){.next_us = 0};
}

int pf_vf_scrub(struct pf *pf, unsigned int vf, uint32_t *reg)
{
	struct scrub s = {.pf = pf, .vf = vf};

	if (vf >= pf->cfg.num_vfs)
		return -EINVAL;
	if (!pf->running)
		return 0; /* pf_start() resets the whole device */
	pf->vf[vf].state = PF_VF_OFF;
	pf_vf_gate(pf, vf);
	clear_queue(&s, vf);
	clear_queue(&s, vf + IGB_POOLS);
	clear(&s, IGB_PSRTYPE(vf), 0, UINT32_MAX);
	clear_interrupts(&s);
	clear_mailbox(&s);
	clear_filters(&s);
	clear_counters(&s);
	if (!s.failed)
		return 0;
	os_log(pf->dev, OS_LOG_ERR, "VF %u: register %05x kept its value", vf, s.stuck);
	if (reg)
		*reg = s.stuck;
	return -EBUSY;
}
