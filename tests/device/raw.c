/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Descriptors and doorbells by hand, with no driver. */
#include "raw.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "hw/igb.h"
#include "os/barrier.h"
#include "os/poll.h"

#define LINK_LIMIT_US 5000000
#define STEP_US	      1000
#define DEFAULT_POOL  7
#define RX_HOLD	      32 /* descriptors given back by one doorbell */

int raw_link_up(struct os_dev *pf)
{
	os_wr32(pf, IGB_CTRL, os_rd32(pf, IGB_CTRL) | IGB_CTRL_SLU);
	os_wr32(pf, IGB_MDIC,
		IGB_MDIC_OP_WRITE | field_prep(IGB_MDIC_PHY, 1) |
			field_prep(IGB_MDIC_REG, IGB_PHY_CTRL) | IGB_PHY_CTRL_AN_ENABLE |
			IGB_PHY_CTRL_AN_RESTART);
	return os_poll32(pf, IGB_STATUS, IGB_STATUS_LU, IGB_STATUS_LU, STEP_US, LINK_LIMIT_US);
}

void raw_mac(unsigned int vf, uint8_t mac[6])
{
	const uint8_t m[6] = {2, 0, 0, 0, 0, (uint8_t)(0x10 + vf)};

	memcpy(mac, m, sizeof(m));
}

void raw_pools_on(struct os_dev *pf, unsigned int num_vfs)
{
	os_wr32(pf, IGB_CTRL_EXT, os_rd32(pf, IGB_CTRL_EXT) | IGB_CTRL_EXT_PFRSTD);
	os_wr32(pf, IGB_MRQC, IGB_MRQC_MODE_VMDQ);
	os_wr32(pf, IGB_VT_CTL, field_prep(IGB_VT_CTL_DEF_POOL, DEFAULT_POOL) | IGB_VT_CTL_REPL_EN);
	for (unsigned int p = 0; p < IGB_POOLS; p++)
		os_wr32(pf, IGB_VMOLR(p),
			IGB_VMOLR_AUPE | IGB_VMOLR_BAM | IGB_VMOLR_ROMPE | IGB_VMOLR_STRCRC |
				field_prep(IGB_VMOLR_RLPML, IGB_FRAME_MAX));
	for (unsigned int vf = 0; vf < num_vfs; vf++) {
		uint8_t m[6];

		raw_mac(vf, m);
		os_wr32(pf, IGB_RAL(1 + vf),
			m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 | (uint32_t)m[3] << 24);
		os_wr32(pf, IGB_RAH(1 + vf),
			m[4] | (uint32_t)m[5] << 8 | field_prep(IGB_RAH_POOLS, BIT(vf)) |
				IGB_RAH_AV);
	}
	os_wr32(pf, IGB_VFRE, 0xff);
	os_wr32(pf, IGB_VFTE, 0xff);
	os_wr32(pf, IGB_DTXSWC, IGB_DTXSWC_LOOPBACK);
	os_wr32(pf, IGB_RCTL, IGB_RCTL_EN | IGB_RCTL_BAM | IGB_RCTL_SECRC);
	os_wr32(pf, IGB_TCTL, IGB_TCTL_EN | IGB_TCTL_PSP);
	os_flush(pf);
}

static void rx_give(struct raw *r, unsigned int i)
{
	r->rx[i].read.pkt_addr = cpu_to_le64(r->rx_iova + (uint64_t)i * RAW_BUF);
	r->rx[i].read.hdr_addr = 0;
}

static void ring_regs(struct raw *r, uint32_t regs, uint64_t iova)
{
	os_wr32(r->dev, regs + IGB_RDBAL, (uint32_t)iova);
	os_wr32(r->dev, regs + IGB_RDBAH, (uint32_t)(iova >> 32));
	os_wr32(r->dev, regs + IGB_RDLEN, r->size * 16);
	os_wr32(r->dev, regs + IGB_RDH, 0);
	os_wr32(r->dev, regs + IGB_RDT, 0);
}

int raw_open(struct raw *r, struct os_dev *dev, uint32_t rx_regs, uint32_t tx_regs,
	     unsigned int size)
{
	uint64_t ring = (uint64_t)size * 16, bufs = (uint64_t)size * RAW_BUF;
	int ret;

	*r = (struct raw){.dev = dev, .rx_regs = rx_regs, .tx_regs = tx_regs, .size = size};
	ret = os_dma_alloc(dev, 2 * (ring + bufs), 4096, &r->mem);
	if (ret)
		return ret;
	r->rx_buf = r->mem.va;
	r->tx_buf = r->rx_buf + bufs;
	r->rx = (void *)(r->tx_buf + bufs);
	r->tx = (void *)(r->tx_buf + bufs + ring);
	r->rx_iova = r->mem.iova;
	r->tx_iova = r->mem.iova + bufs;
	for (unsigned int i = 0; i < size; i++)
		rx_give(r, i);
	ring_regs(r, rx_regs, r->mem.iova + 2 * bufs);
	os_wr32(dev, rx_regs + IGB_SRRCTL,
		field_prep(IGB_SRRCTL_DESCTYPE, IGB_SRRCTL_DESCTYPE_ADV1) |
			field_prep(IGB_SRRCTL_BSIZEPKT, RAW_BUF / 1024));
	os_wr32(dev, rx_regs + IGB_RXDCTL, IGB_RXDCTL_ENABLE);
	os_doorbell(dev, rx_regs + IGB_RDT, size - 1);
	ring_regs(r, tx_regs, r->mem.iova + 2 * bufs + ring);
	os_wr32(dev, tx_regs + IGB_TXDCTL, IGB_TXDCTL_ENABLE);
	os_flush(dev);
	return 0;
}

void raw_close(struct raw *r)
{
	os_wr32(r->dev, r->rx_regs + IGB_RXDCTL, 0);
	os_wr32(r->dev, r->tx_regs + IGB_TXDCTL, 0);
	os_flush(r->dev);
	os_dma_free(r->dev, &r->mem);
}

uint8_t *raw_tx_buf(struct raw *r)
{
	return r->tx_buf + (size_t)(r->tx_tail % r->size) * RAW_BUF;
}

void raw_tx(struct raw *r, unsigned int len)
{
	unsigned int i = r->tx_tail++ % r->size;

	r->tx[i].read.addr = cpu_to_le64(r->tx_iova + (uint64_t)i * RAW_BUF);
	r->tx[i].read.cmd_type_len = cpu_to_le32(len | IGB_TXD_DTYP_DATA | IGB_TXD_EOP |
						 IGB_TXD_IFCS | IGB_TXD_RS | IGB_TXD_DEXT);
	r->tx[i].read.olinfo_status = cpu_to_le32(field_prep(IGB_TXD_PAYLEN, len));
}

void raw_kick(struct raw *r)
{
	os_doorbell(r->dev, r->tx_regs + IGB_TDT, r->tx_tail % r->size);
}

/*
 * The descriptor that comes next when it is done, else NULL. QEMU stores a status twice, and the
 * second may land on a descriptor that was given back meanwhile: that has no length.
 */
static volatile union igb_rx_desc *rx_done(struct raw *r)
{
	volatile union igb_rx_desc *d = &r->rx[r->rx_head % r->size];

	if (!(le32_to_cpu(d->wb.status_error) & IGB_RXD_DD) || !d->wb.length)
		return NULL;
	os_dma_rmb();
	return d;
}

unsigned int raw_rx_skip(struct raw *r, unsigned int n)
{
	unsigned int got = 0;

	while (got < n && rx_done(r)) {
		rx_give(r, r->rx_head++ % r->size);
		got++;
	}
	if (r->rx_head - r->rx_told >= RX_HOLD) {
		r->rx_told = r->rx_head;
		os_doorbell(r->dev, r->rx_regs + IGB_RDT, (r->rx_head - 1) % r->size);
	}
	return got;
}

unsigned int raw_rx(struct raw *r, void *frame, unsigned int len)
{
	volatile union igb_rx_desc *d = rx_done(r);
	unsigned int got;

	if (!d)
		return 0;
	got = le16_to_cpu(d->wb.length);
	memcpy(frame, r->rx_buf + (size_t)(r->rx_head % r->size) * RAW_BUF, got < len ? got : len);
	(void)raw_rx_skip(r, 1);
	return got;
}
