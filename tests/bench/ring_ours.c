/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The ring benchmark's side of our driver, on a host that is an array of registers. */
#include "ring_bench.h"

#include <stdlib.h>
#include <string.h>

#include "vf-driver/queue.h"

struct os_dev {
	volatile uint32_t reg[0x4000 / 4];
};

uint32_t os_rd32(struct os_dev *dev, uint32_t reg)
{
	return dev->reg[reg / 4];
}

void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	dev->reg[reg / 4] = val;
}

void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	os_dma_wmb();
	dev->reg[reg / 4] = val;
}

int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	(void)dev;
	if (posix_memalign(&dma->va, align < 64 ? 64 : align, len))
		return -1;
	memset(dma->va, 0, len);
	dma->iova = (uint64_t)(uintptr_t)dma->va;
	dma->len = len;
	return 0;
}

void os_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	(void)dev;
	free(dma->va);
}

uint64_t os_now_us(struct os_dev *dev)
{
	(void)dev;
	return 0;
}

void os_delay_us(struct os_dev *dev, uint32_t us)
{
	(void)dev;
	(void)us;
}

static uint16_t rx(void *q, void **frames, uint16_t n)
{
	return (uint16_t)vfq_rx_burst(q, (struct vfq_buf **)frames, n);
}

static uint16_t tx(void *q, void **frames, uint16_t n)
{
	return (uint16_t)vfq_tx_burst(q, (struct vfq_buf **)frames, n);
}

static void ask(void *frame)
{
	struct vfq_buf *buf = frame;

	buf->flags = VFQ_TX_VLAN | VFQ_TX_IP_CSUM | VFQ_TX_TCP_CSUM | VFQ_TX_IP4;
	buf->l2_len = 14;
	buf->l3_len = 20;
	buf->vlan = 7;
}

bool ring_side(struct ring_side *side, const char *variant)
{
	static struct os_dev dev;
	static struct vfq_pool pool;
	static struct vfq_rx rx_mem;
	static struct vfq_tx tx_mem;
	struct vfq_config cfg = {.regs = IGB_VF_RXQ(0), .size = RING_SIZE, .pool = &pool};
	struct vfq_rx *rxq;
	struct vfq_tx *txq;

	if (!strcmp(variant, "full"))
		cfg.features = VFQ_F_OFFLOAD | VFQ_F_MULTISEG;
	else if (strcmp(variant, "bare"))
		return false;
	if (vfq_pool_init(&pool, &dev, RING_BUFFERS) || vfq_rx_init(&rx_mem, &dev, &cfg, &rxq))
		return false;
	cfg.regs = IGB_VF_TXQ(0);
	if (vfq_tx_init(&tx_mem, &dev, &cfg, &txq) || vfq_rx_start(rxq) || vfq_tx_start(txq))
		return false;
	*side = (struct ring_side){
		.rx_ring = rxq->ring,
		.tx_ring = txq->ring,
		.rdt = &dev.reg[(IGB_VF_RXQ(0) + IGB_RDT) / 4],
		.tdt = &dev.reg[(IGB_VF_TXQ(0) + IGB_TDT) / 4],
		.rxq = rxq,
		.txq = txq,
		.rx = rx,
		.tx = tx,
		.ask = ask,
	};
	return true;
}
