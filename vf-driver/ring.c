/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Queues from init to fini: memory, registers, enable and disable, and the way back of buffers. */
#include "queue.h"

#include "base/errno.h"
#include "os/poll.h"

#define RING_ALIGN 128 /* RDBAL, TDBAL: 82576 datasheet 8.10, 8.12 */

/* Prefetch when 8 are left and 8 are there; write back each receive at once. As in Linux igb. */
#define RXDCTL_START                                             \
	(IGB_RXDCTL_ENABLE | field_prep(IGB_RXDCTL_PTHRESH, 8) | \
	 field_prep(IGB_RXDCTL_HTHRESH, 8) | field_prep(IGB_RXDCTL_WTHRESH, 1))
/* WTHRESH 0: with RS on few descriptors each must be reported when it is sent. */
#define TXDCTL_START \
	(IGB_TXDCTL_ENABLE | field_prep(IGB_TXDCTL_PTHRESH, 8) | field_prep(IGB_TXDCTL_HTHRESH, 1))

static bool config_ok(const struct vfq_config *cfg)
{
	return cfg->size >= VFQ_SIZE_MIN && cfg->size <= VFQ_SIZE_MAX &&
	       !(cfg->size & (cfg->size - 1)) &&
	       !(cfg->features & ~(uint32_t)(VFQ_F_OFFLOAD | VFQ_F_MULTISEG));
}

size_t vfq_rx_size(void)
{
	return sizeof(struct vfq_rx);
}

size_t vfq_tx_size(void)
{
	return sizeof(struct vfq_tx);
}

int vfq_rx_init(void *mem, struct os_dev *dev, const struct vfq_config *cfg, struct vfq_rx **out)
{
	struct vfq_rx *q = mem;
	int err;

	if (!config_ok(cfg) || !cfg->pool)
		return -EINVAL;
	*q = (struct vfq_rx){
		.pool = cfg->pool,
		.size = cfg->size,
		.hold = cfg->size / 4 < VFQ_RX_HOLD ? cfg->size / 4 : VFQ_RX_HOLD,
		.drop_en = cfg->drop_en,
		.features = cfg->features,
		.regs = cfg->regs,
		.dev = dev,
	};
	err = os_dma_alloc(dev, cfg->size * (sizeof(*q->ring) + sizeof(*q->slot)), RING_ALIGN,
			   &q->mem);
	if (err)
		return err;
	q->ring = q->mem.va;
	q->slot = (struct vfq_buf **)(void *)(q->ring + cfg->size);
	vfq_rx_select(q);
	*out = q;
	return 0;
}

int vfq_tx_init(void *mem, struct os_dev *dev, const struct vfq_config *cfg, struct vfq_tx **out)
{
	struct vfq_tx *q = mem;
	int err;

	if (!config_ok(cfg))
		return -EINVAL;
	*q = (struct vfq_tx){
		.pool = cfg->pool,
		.size = cfg->size,
		.features = cfg->features,
		.regs = cfg->regs,
		.dev = dev,
	};
	err = os_dma_alloc(dev,
			   cfg->size * (sizeof(*q->ring) + sizeof(*q->slot) + sizeof(*q->batch)),
			   RING_ALIGN, &q->mem);
	if (err)
		return err;
	q->ring = q->mem.va;
	q->slot = (struct vfq_buf **)(void *)(q->ring + cfg->size);
	q->batch = (struct vfq_batch *)(void *)(q->slot + cfg->size);
	vfq_tx_select(q);
	*out = q;
	return 0;
}

void vfq_rx_fini(struct vfq_rx *q)
{
	vfq_rx_drop(q);
	os_dma_free(q->dev, &q->mem);
}

void vfq_tx_fini(struct vfq_tx *q)
{
	vfq_tx_drop(q);
	os_dma_free(q->dev, &q->mem);
}

/* Where the ring is: the same offsets for both kinds. */
static void write_base(struct os_dev *dev, uint32_t regs, uint64_t iova, uint32_t bytes)
{
	os_wr32(dev, regs + IGB_RDBAL, (uint32_t)iova);
	os_wr32(dev, regs + IGB_RDBAH, (uint32_t)(iova >> 32));
	os_wr32(dev, regs + IGB_RDLEN, bytes);
	/* A reset of the function leaves head and tail behind. */
	os_wr32(dev, regs + IGB_RDH, 0);
	os_wr32(dev, regs + IGB_RDT, 0);
}

/* 82576 datasheet 4.5, receive initialization. */
int vfq_rx_start(struct vfq_rx *q)
{
	uint32_t size = q->size;
	int err;

	if (q->pool->nfree < size)
		return -ENOBUFS;
	for (uint32_t i = 0; i < size; i++)
		vfq_rx_arm(q, i, q->pool->free[--q->pool->nfree]);
	q->next = 0;
	q->told = 0;
	q->running = true;
	vfq_rx_select(q);
	write_base(q->dev, q->regs, q->mem.iova, size * (uint32_t)sizeof(*q->ring));
	os_wr32(q->dev, q->regs + IGB_SRRCTL,
		field_prep(IGB_SRRCTL_BSIZEPKT, VFQ_BUF_SIZE / 1024) |
			field_prep(IGB_SRRCTL_DESCTYPE, IGB_SRRCTL_DESCTYPE_ADV1) |
			(q->drop_en ? IGB_SRRCTL_DROP_EN : 0));
	os_wr32(q->dev, q->regs + IGB_RXDCTL, RXDCTL_START);
	err = os_poll32(q->dev, q->regs + IGB_RXDCTL, IGB_RXDCTL_ENABLE, IGB_RXDCTL_ENABLE,
			VFQ_POLL_STEP_US, VFQ_POLL_LIMIT_US);
	if (err)
		goto err_stop;
	/* Only an enabled queue takes a tail. The slot at the tail waits for the next write. */
	os_doorbell(q->dev, q->regs + IGB_RDT, size - 1);
	return 0;

err_stop:
	/* It never had a descriptor, so it cannot write: the buffers may go back. */
	os_wr32(q->dev, q->regs + IGB_RXDCTL, 0);
	vfq_rx_drop(q);
	return err;
}

/* 82576 datasheet 4.5, transmit initialization. */
int vfq_tx_start(struct vfq_tx *q)
{
	int err;

	q->tail = 0;
	q->clean = 0;
	q->open = 0;
	for (unsigned int i = 0; i < VFQ_TX_CTXS; i++)
		q->ctx[i] = (struct vfq_ctx){0};
	write_base(q->dev, q->regs, q->mem.iova, q->size * (uint32_t)sizeof(*q->ring));
	/* A former owner's head write-back would take the place of DD, and survives a reset. */
	os_wr32(q->dev, q->regs + IGB_TDWBAL, 0);
	os_wr32(q->dev, q->regs + IGB_TXDCTL, TXDCTL_START);
	err = os_poll32(q->dev, q->regs + IGB_TXDCTL, IGB_TXDCTL_ENABLE, IGB_TXDCTL_ENABLE,
			VFQ_POLL_STEP_US, VFQ_POLL_LIMIT_US);
	if (err) {
		os_wr32(q->dev, q->regs + IGB_TXDCTL, 0);
		return err;
	}
	q->running = true;
	vfq_tx_select(q);
	return 0;
}

int vfq_rx_stop(struct vfq_rx *q)
{
	int err;

	if (!q->running)
		return 0;
	os_wr32(q->dev, q->regs + IGB_RXDCTL, 0);
	err = os_poll32(q->dev, q->regs + IGB_RXDCTL, IGB_RXDCTL_ENABLE, 0, VFQ_POLL_STEP_US,
			VFQ_POLL_LIMIT_US);
	if (err)
		return err;
	vfq_rx_drop(q);
	return 0;
}

int vfq_tx_stop(struct vfq_tx *q)
{
	int err;

	if (!q->running)
		return 0;
	os_wr32(q->dev, q->regs + IGB_TXDCTL, 0);
	err = os_poll32(q->dev, q->regs + IGB_TXDCTL, IGB_TXDCTL_ENABLE, 0, VFQ_POLL_STEP_US,
			VFQ_POLL_LIMIT_US);
	if (err)
		return err;
	vfq_tx_drop(q);
	return 0;
}

void vfq_rx_drop(struct vfq_rx *q)
{
	if (!q->running)
		return;
	q->running = false;
	vfq_rx_select(q);
	for (uint32_t i = 0; i < q->size; i++)
		vfq_buf_put(q->slot[i]);
	vfq_buf_put(q->first);
	q->first = NULL;
	q->last = NULL;
	q->skip = false;
}

void vfq_tx_drop(struct vfq_tx *q)
{
	if (!q->running)
		return;
	q->running = false;
	vfq_tx_select(q);
	for (; q->clean != q->tail; q->clean = (q->clean + 1) & (q->size - 1))
		vfq_buf_put(q->slot[q->clean]);
}

void vfq_rx_stats(const struct vfq_rx *q, struct vfq_stats *st)
{
	*st = q->stats;
}

void vfq_tx_stats(const struct vfq_tx *q, struct vfq_stats *st)
{
	*st = q->stats;
}
