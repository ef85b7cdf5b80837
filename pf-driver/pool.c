/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Pools that no VF has, held by the host with a queue pair each; and more addresses for the uplink.
 */
#include "drv/pf_pool.h"

#include "pf_priv.h"

/* In the caller's memory, followed by its two queues; the PF's thread touches it. */
struct pf_pool {
	struct pf *pf;
	unsigned int number;
	struct mac mac;
	struct vfq_pool bufs;
	struct vfq_rx *rx;
	struct vfq_tx *tx;
} cache_aligned;

static size_t lines(size_t len)
{
	return (len + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

size_t pf_pool_size(void)
{
	return sizeof(struct pf_pool) + lines(vfq_rx_size()) + lines(vfq_tx_size());
}

static int queues_init(struct pf_pool *p, unsigned int queue)
{
	struct vfq_config cfg = {
		.size = queue,
		.features = VFQ_F_MULTISEG,
		.drop_en = true,
		.pool = &p->bufs,
	};
	char *mem = (char *)(p + 1);
	int err;

	if (queue < VFQ_SIZE_MIN || queue > VFQ_SIZE_MAX)
		return -EINVAL;
	err = vfq_pool_init(&p->bufs, p->pf->dev, 2 * queue + VFQ_BURST_MAX);
	if (err)
		return err;
	cfg.regs = IGB_RXQ(p->number);
	err = vfq_rx_init(mem, p->pf->dev, &cfg, &p->rx);
	if (err)
		goto err_pool;
	cfg.regs = IGB_TXQ(p->number);
	err = vfq_tx_init(mem + lines(vfq_rx_size()), p->pf->dev, &cfg, &p->tx);
	if (!err)
		return 0;
	vfq_rx_fini(p->rx);
err_pool:
	vfq_pool_fini(&p->bufs);
	return err;
}

static void gate(struct pf_pool *p, bool open)
{
	struct os_dev *dev = p->pf->dev;
	uint32_t bit = BIT(p->number), keep = open ? UINT32_MAX : ~bit;

	os_wr32(dev, IGB_VFTE, (os_rd32(dev, IGB_VFTE) & keep) | (open ? bit : 0));
	os_wr32(dev, IGB_VFRE, (os_rd32(dev, IGB_VFRE) & keep) | (open ? bit : 0));
	os_flush(dev);
}

static int start(struct pf_pool *p)
{
	int err = vfq_rx_start(p->rx);

	if (err)
		return err;
	err = vfq_tx_start(p->tx);
	if (err) {
		/* What does not stop stays the device's until it is reset. */
		if (vfq_rx_stop(p->rx))
			os_log(p->pf->dev, OS_LOG_ERR, "pool %u: does not stop", p->number);
		return err;
	}
	gate(p, true);
	return 0;
}

int pf_pool_open(struct pf *pf, void *mem, const struct mac *mac, unsigned int queue,
		 struct pf_pool **out)
{
	struct pf_pool *p = mem;
	unsigned int n = pf->cfg.num_vfs;
	int err;

	if (!pf->running)
		return -ENETDOWN;
	while (n < PF_POOL && pf->held[n])
		n++;
	if (n == PF_POOL)
		return -ENOSPC;
	*p = (struct pf_pool){.pf = pf, .number = n, .mac = *mac};
	err = queues_init(p, queue);
	if (err)
		return err;
	err = vmdq_mac_add(&pf->vmdq, n, mac);
	if (err)
		goto err_queues;
	err = start(p);
	if (err)
		goto err_mac;
	pf->held[n] = p;
	*out = p;
	return (int)n;
err_mac:
	pf_expect(pf, vmdq_pool_clear(&pf->vmdq, n), "clear a pool");
err_queues:
	vfq_tx_fini(p->tx);
	vfq_rx_fini(p->rx);
	vfq_pool_fini(&p->bufs);
	return err;
}

int pf_pool_close(struct pf_pool *p)
{
	struct pf *pf = p->pf;
	int err = 0;

	if (pf->running) {
		gate(p, false);
		err = vfq_tx_stop(p->tx);
		if (!err)
			err = vfq_rx_stop(p->rx);
		if (err)
			return err;
		pf_expect(pf, vmdq_pool_clear(&pf->vmdq, p->number), "clear a pool");
	}
	pf->held[p->number] = NULL;
	vfq_tx_fini(p->tx);
	vfq_rx_fini(p->rx);
	vfq_pool_fini(&p->bufs);
	return 0;
}

unsigned int pf_pool_rx_burst(struct pf_pool *p, struct vfq_buf **bufs, unsigned int n)
{
	return vfq_rx_burst(p->rx, bufs, n);
}

unsigned int pf_pool_tx_burst(struct pf_pool *p, struct vfq_buf **bufs, unsigned int n)
{
	return vfq_tx_burst(p->tx, bufs, n);
}

struct vfq_buf *pf_pool_buf_get(struct pf_pool *p)
{
	if (!p->bufs.nfree)
		vfq_tx_reclaim(p->tx);
	return vfq_buf_get(&p->bufs);
}

void pf_held_drop(struct pf *pf)
{
	for (unsigned int n = 0; n < PF_POOL; n++)
		if (pf->held[n]) {
			vfq_tx_drop(pf->held[n]->tx);
			vfq_rx_drop(pf->held[n]->rx);
		}
}

int pf_held_start(struct pf *pf)
{
	int err = 0;

	for (unsigned int n = 0; n < PF_POOL && !err; n++)
		if (pf->held[n])
			err = start(pf->held[n]);
	return err;
}

int pf_uplink_mac_add(struct pf *pf, const struct mac *mac)
{
	int err = pf->running ? vmdq_mac_add(&pf->vmdq, PF_POOL, mac) : -ENETDOWN;

	os_flush(pf->dev);
	return err;
}

int pf_uplink_mac_del(struct pf *pf, const struct mac *mac)
{
	if (mac_equal(mac, &pf->mac))
		return -EINVAL; /* its own, which it keeps */
	return pf->running ? vmdq_mac_del(&pf->vmdq, PF_POOL, mac) : -ENETDOWN;
}
