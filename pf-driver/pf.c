/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The PF as a whole: its memory, start, stop and reset, and its own pool. */
#include "hw/pci.h"
#include "pf_priv.h"

static size_t lines(size_t len)
{
	return (len + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

size_t pf_size(void)
{
	return lines(sizeof(struct pf)) + lines(vfq_rx_size()) + lines(vfq_tx_size());
}

void pf_tell(struct pf *pf, enum pf_event_type type, unsigned int vf, enum pf_rule rule)
{
	struct pf_event ev = {.type = type, .vf = vf, .rule = rule};

	if (pf->cfg.event)
		pf->cfg.event(pf->cfg.ctx, &ev);
}

bool pf_limit_pass(struct pf_limit *limit, uint64_t now_us)
{
	if (now_us < limit->next_us)
		return false;
	limit->next_us = now_us + PF_LIMIT_US;
	return true;
}

void pf_expect(struct pf *pf, int err, const char *what)
{
	if (err)
		os_log(pf->dev, OS_LOG_ERR, "could not %s: %d", what, err);
}

/* The two queues sit behind struct pf in the caller's memory. */
static int queues_init(struct pf *pf, char *mem)
{
	struct vfq_config cfg = {
		.size = pf->cfg.pf_queue,
		.features = VFQ_F_OFFLOAD | VFQ_F_MULTISEG,
		.drop_en = true,
		.pool = &pf->pool,
	};
	int err;

	if (cfg.size < VFQ_SIZE_MIN || cfg.size > VFQ_SIZE_MAX)
		return -EINVAL;
	/* both rings full, and one burst in the caller's hands */
	err = vfq_pool_init(&pf->pool, pf->dev, 2 * cfg.size + VFQ_BURST_MAX);
	if (err)
		return err;
	cfg.regs = IGB_RXQ(PF_POOL);
	err = vfq_rx_init(mem, pf->dev, &cfg, &pf->rx);
	if (err)
		goto err_pool;
	cfg.regs = IGB_TXQ(PF_POOL);
	err = vfq_tx_init(mem + lines(vfq_rx_size()), pf->dev, &cfg, &pf->tx);
	if (err)
		goto err_rx;
	pf->queues = true;
	return 0;
err_rx:
	vfq_rx_fini(pf->rx);
err_pool:
	vfq_pool_fini(&pf->pool);
	return err;
}

int pf_init(void *mem, struct os_dev *dev, const struct pf_config *cfg, struct pf **out)
{
	struct pf *pf = mem;
	int err;

	if (cfg->num_vfs > PF_VFS_MAX)
		return -EINVAL;
	if (os_cfg_rd16(dev, PCI_VENDOR_ID) != IGB_VENDOR_ID ||
	    os_cfg_rd16(dev, PCI_DEVICE_ID) != IGB_DEV_ID_82576)
		return -ENODEV;
	pf->dev = dev;
	pf->cfg = *cfg;
	err = vmdq_init(&pf->vmdq, dev, PF_POOL);
	if (err)
		return err;
	for (unsigned int vf = 0; vf < PF_VFS_MAX; vf++)
		pf_vf_policy_default(&pf->vf[vf].policy);
	if (cfg->pf_queue)
		err = queues_init(pf, (char *)mem + lines(sizeof(*pf)));
	if (!err)
		*out = pf;
	return err;
}

void pf_fini(struct pf *pf)
{
	pf_stop(pf);
	if (!pf->queues)
		return;
	vfq_tx_fini(pf->tx);
	vfq_rx_fini(pf->rx);
	vfq_pool_fini(&pf->pool);
	pf->queues = false;
}

int pf_queues_start(struct pf *pf)
{
	int err = pf_held_start(pf);

	if (err || !pf->queues)
		return err;
	err = vfq_rx_start(pf->rx);
	if (err)
		return err;
	err = vfq_tx_start(pf->tx);
	if (err) /* the caller resets the device, which ends what the first one does */
		vfq_rx_drop(pf->rx);
	else
		pf->queues_live = true;
	return err;
}

void pf_queues_drop(struct pf *pf)
{
	pf_held_drop(pf);
	if (!pf->queues_live)
		return;
	pf->queues_live = false;
	vfq_tx_drop(pf->tx);
	vfq_rx_drop(pf->rx);
}

/* From here no VF has leave to ask or to pass, and each that listens knows that. */
static void dismiss_vfs(struct pf *pf)
{
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		pf->vf[vf].state = PF_VF_OFF;
		pf->vf[vf].ping_due = false;
	}
	pf_mbx_ping_all(pf);
	os_wr32(pf->dev, IGB_VFRE, 0);
	os_wr32(pf->dev, IGB_VFTE, 0);
}

/* After a failed start, too, no descriptor is the device's: it was reset, or is beyond reach. */
static int bring_up(struct pf *pf)
{
	int err = pf_device_init(pf);

	pf->running = !err;
	if (!err)
		return 0;
	os_log(pf->dev, OS_LOG_ERR, "the device did not come up: %d", err);
	pf_expect(pf, pf_device_reset(pf), "reset the device");
	pf_queues_drop(pf);
	return err == -ETIMEDOUT ? -ETIMEDOUT : -EIO;
}

int pf_start(struct pf *pf)
{
	return pf->running ? pf_reset(pf) : bring_up(pf);
}

int pf_reset(struct pf *pf)
{
	if (!pf->running)
		return bring_up(pf);
	pf_stats_collect(pf);
	dismiss_vfs(pf);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++)
		pf_vf_forget(pf, vf);
	return bring_up(pf);
}

void pf_stop(struct pf *pf)
{
	if (!pf->running)
		return;
	pf_stats_collect(pf);
	dismiss_vfs(pf);
	pf_expect(pf, pf_device_reset(pf), "reset the device");
	pf_queues_drop(pf);
	pf->running = false;
	pf->link = (struct pf_link){.up = false};
	pf_expect(pf, vmdq_init(&pf->vmdq, pf->dev, PF_POOL), "empty the tables");
}

void pf_mac(const struct pf *pf, struct mac *mac)
{
	*mac = pf->mac;
}

void pf_link(const struct pf *pf, struct pf_link *link)
{
	*link = pf->link;
}

unsigned int pf_num_vfs(const struct pf *pf)
{
	return pf->cfg.num_vfs;
}

unsigned int pf_rx_burst(struct pf *pf, struct vfq_buf **bufs, unsigned int n)
{
	return pf->queues_live ? vfq_rx_burst(pf->rx, bufs, n) : 0;
}

unsigned int pf_tx_burst(struct pf *pf, struct vfq_buf **bufs, unsigned int n)
{
	return pf->queues_live ? vfq_tx_burst(pf->tx, bufs, n) : 0;
}

struct vfq_buf *pf_buf_get(struct pf *pf)
{
	if (!pf->queues)
		return NULL;
	if (!pf->pool.nfree && pf->queues_live)
		vfq_tx_reclaim(pf->tx); /* what was sent comes back */
	return vfq_buf_get(&pf->pool);
}
