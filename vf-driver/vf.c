/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The VF from init to fini: reset handshake, queues, link. */
#include "vf_priv.h"

#include "base/errno.h"
#include "os/poll.h"

#define RSTI_STEP_US  50
#define RSTI_LIMIT_US 50000 /* a PF's reset takes some 10 ms; igbvf gives up after 1 */
#define RESET_TRIES   3	    /* the PF may be reset again while it resets us */

size_t vf_size(void)
{
	return sizeof(struct vf);
}

static int queues_init(struct vf *vf)
{
	struct vfq_config qc = {
		.features = vf->cfg.features,
		.drop_en = true, /* a guest that does not receive must not hold up the others */
		.pool = &vf->pool,
	};
	struct vfq_rx *rx;
	struct vfq_tx *tx;
	int err = 0;

	for (unsigned int i = 0; i < vf->cfg.queues && !err; i++) {
		qc.size = vf->cfg.rx_size;
		qc.regs = IGB_VF_RXQ(i);
		err = vfq_rx_init(&vf->rx[i], vf->dev, &qc, &rx);
		if (err)
			break;
		qc.size = vf->cfg.tx_size;
		qc.regs = IGB_VF_TXQ(i);
		err = vfq_tx_init(&vf->tx[i], vf->dev, &qc, &tx);
	}
	return err;
}

static void queues_fini(struct vf *vf)
{
	for (unsigned int i = 0; i < vf->cfg.queues; i++) {
		if (vf->rx[i].dev)
			vfq_rx_fini(&vf->rx[i]);
		if (vf->tx[i].dev)
			vfq_tx_fini(&vf->tx[i]);
	}
}

int vf_init(void *mem, struct os_dev *dev, const struct vf_config *cfg, struct vf **out)
{
	struct vf *vf = mem;
	int err;

	if (cfg->queues < 1 || cfg->queues > VF_QUEUES)
		return -EINVAL;
	if (cfg->rx_size > VFQ_SIZE_MAX || cfg->buffers <= cfg->queues * cfg->rx_size)
		return -EINVAL;
	*vf = (struct vf){.dev = dev, .cfg = *cfg, .state = VF_STOPPED};
	err = vfq_pool_init(&vf->pool, dev, cfg->buffers);
	if (err)
		return err;
	err = queues_init(vf);
	if (err)
		goto err_queues;
	*out = vf;
	return 0;

err_queues:
	queues_fini(vf);
	vfq_pool_fini(&vf->pool);
	return err;
}

void vf_fini(struct vf *vf)
{
	if (vf->state != VF_STOPPED)
		vf_stop(vf);
	queues_fini(vf);
	vfq_pool_fini(&vf->pool);
}

/*
 * Queues off, function reset. A queue that does not report off in time is off after the reset, so
 * no answer is needed from either; a queue that never ran is not touched.
 */
static void quiesce(struct vf *vf)
{
	for (unsigned int i = 0; i < vf->cfg.queues; i++) {
		if (vfq_tx_stop(&vf->tx[i]) || vfq_rx_stop(&vf->rx[i]))
			os_log(vf->dev, OS_LOG_WARN, "queue %u did not stop, resetting", i);
	}
	os_wr32(vf->dev, IGB_CTRL, IGB_CTRL_RST);
	vf->state = VF_STOPPED;
}

static void queues_drop(struct vf *vf)
{
	for (unsigned int i = 0; i < vf->cfg.queues; i++) {
		vfq_tx_drop(&vf->tx[i]);
		vfq_rx_drop(&vf->rx[i]);
	}
}

void vf_stop(struct vf *vf)
{
	quiesce(vf);
	os_flush(vf->dev);
	queues_drop(vf);
}

/* From the function's reset to its address; 82576 datasheet 7.10. */
static int handshake(struct vf *vf)
{
	uint32_t msg[3] = {MBX_RESET, 0, 0};
	struct mac mac;
	int err;

	/* RSTD and older messages go with the bits that this reads: they precede our RESET. */
	vf->kept = 0;
	err = os_poll32(vf->dev, IGB_V2PMAILBOX, IGB_V2P_RSTI, 0, RSTI_STEP_US, RSTI_LIMIT_US);
	if (err)
		return err;
	err = vf_mbx_request(vf, msg, 1, 3);
	if (err)
		return err;
	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		mac.b[i] = (uint8_t)(msg[1 + i / 4] >> (8 * (i % 4)));
	if (!mac_is_usable(&mac))
		return -EACCES;
	vf->mac = mac;
	return 0;
}

static int queues_start(struct vf *vf)
{
	for (unsigned int i = 0; i < vf->cfg.queues; i++) {
		int err = vfq_rx_start(&vf->rx[i]);

		if (!err)
			err = vfq_tx_start(&vf->tx[i]);
		if (err)
			return err;
	}
	return 0;
}

int vf_reset(struct vf *vf)
{
	int err = -ECONNRESET;

	vf->stats.resets++;
	quiesce(vf);
	for (unsigned int i = 0; i < RESET_TRIES && err == -ECONNRESET; i++)
		err = handshake(vf);
	/* The reads above flushed the reset: the device does no DMA for us. */
	queues_drop(vf);
	if (err)
		return err == -ECONNRESET ? -ETIMEDOUT : err;
	err = queues_start(vf);
	if (err) {
		vf_stop(vf);
		return err == -ETIMEDOUT ? -EIO : err;
	}
	vf->state = VF_READY;
	return 0;
}

void vf_mac(const struct vf *vf, struct mac *mac)
{
	*mac = vf->mac;
}

enum vf_link_state vf_link(struct vf *vf)
{
	uint32_t rxdctl;

	if (vf->state != VF_READY)
		return VF_LINK_RESET;
	/* A reset from outside, of the function or of the PF, leaves the queue off. */
	rxdctl = os_rd32(vf->dev, vf->rx[0].regs + IGB_RXDCTL);
	if (!(rxdctl & IGB_RXDCTL_ENABLE) || rxdctl == UINT32_MAX || vf_mbx_poll(vf)) {
		vf->state = VF_LOST;
		return VF_LINK_RESET;
	}
	return os_rd32(vf->dev, IGB_STATUS) & IGB_STATUS_LU ? VF_LINK_UP : VF_LINK_DOWN;
}

unsigned int vf_link_mbps(struct vf *vf)
{
	static const uint16_t mbps[] = {10, 100, 1000, 1000};
	uint32_t status = os_rd32(vf->dev, IGB_STATUS);

	return status & IGB_STATUS_LU ? mbps[field_get(IGB_STATUS_SPEED, status)] : 0;
}

/* Sent buffers are given back by the next transmit; who needs them now fetches them. */
static void reclaim(struct vf *vf)
{
	for (unsigned int i = 0; i < vf->cfg.queues; i++)
		vfq_tx_reclaim(&vf->tx[i]);
}

unsigned int vf_rx_burst(struct vf *vf, unsigned int q, struct vfq_buf **bufs, unsigned int n)
{
	if (unlikely(q >= vf->cfg.queues))
		return 0;
	if (unlikely(vf->pool.nfree < n))
		reclaim(vf);
	return vfq_rx_burst(&vf->rx[q], bufs, n);
}

unsigned int vf_tx_burst(struct vf *vf, unsigned int q, struct vfq_buf **bufs, unsigned int n)
{
	if (unlikely(q >= vf->cfg.queues))
		return 0;
	return vfq_tx_burst(&vf->tx[q], bufs, n);
}

struct vfq_buf *vf_buf_get(struct vf *vf)
{
	if (unlikely(!vf->pool.nfree))
		reclaim(vf);
	return vfq_buf_get(&vf->pool);
}

struct vfq_rx *vf_rxq(struct vf *vf, unsigned int q)
{
	return q < vf->cfg.queues ? &vf->rx[q] : NULL;
}

struct vfq_tx *vf_txq(struct vf *vf, unsigned int q)
{
	return q < vf->cfg.queues ? &vf->tx[q] : NULL;
}

void vf_stats(const struct vf *vf, struct vf_stats *st)
{
	*st = vf->stats;
	for (unsigned int i = 0; i < vf->cfg.queues; i++) {
		vfq_rx_stats(&vf->rx[i], &st->rx[i]);
		vfq_tx_stats(&vf->tx[i], &st->tx[i]);
	}
}
