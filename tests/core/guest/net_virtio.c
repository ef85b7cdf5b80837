/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's virtio NIC: virtio 1.x over PCI, split rings, polled or with one MSI-X vector.
 */
#include "guest.h"
#include "os/barrier.h"

#define SIZE   256
#define BUF    2048
#define HDR    12 /* struct virtio_net_hdr, version 1 */
#define VECTOR 0x41

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

/* One page-aligned piece: descriptors, available, used. */
struct ring {
	struct desc desc[SIZE];
	struct {
		uint16_t flags, idx, ring[SIZE], event;
	} avail;
	uint8_t pad[4096 - (SIZE * 16 + 6 + SIZE * 2) % 4096];
	volatile struct {
		uint16_t flags, idx;
		struct {
			uint32_t id, len;
		} ring[SIZE];
	} used;
};

static struct {
	struct net net;
	volatile uint8_t *common, *notify;
	uint32_t mult;
	struct ring *rx, *tx;
	uint8_t *rx_bufs, *tx_bufs;
	volatile uint16_t *rx_bell, *tx_bell;
	uint16_t rx_used, tx_used, tx_next;
	unsigned int lent, taken;
	uint16_t lent_id[NET_BURST];
} n;

static uint8_t rd8(unsigned int off)
{
	return n.common[off];
}
static void wr8(unsigned int off, uint8_t v)
{
	n.common[off] = v;
}
static void wr16(unsigned int off, uint16_t v)
{
	*(volatile uint16_t *)(n.common + off) = v;
}
static uint16_t rd16(unsigned int off)
{
	return *(volatile uint16_t *)(n.common + off);
}
static void wr32(unsigned int off, uint32_t v)
{
	*(volatile uint32_t *)(n.common + off) = v;
}
static uint32_t rd32(unsigned int off)
{
	return *(volatile uint32_t *)(n.common + off);
}

static unsigned int rx(struct net *net, uint8_t **data, uint16_t *len, unsigned int max)
{
	unsigned int k = 0;

	(void)net;
	while (k < max && n.rx_used != n.rx->used.idx) {
		os_dma_rmb();
		n.lent_id[k] = (uint16_t)n.rx->used.ring[n.rx_used % SIZE].id;
		data[k] = n.rx_bufs + (size_t)n.lent_id[k] * BUF + HDR;
		len[k] = (uint16_t)(n.rx->used.ring[n.rx_used % SIZE].len - HDR);
		n.rx_used++;
		k++;
	}
	n.lent = k;
	return k;
}

static void rx_done(struct net *net)
{
	(void)net;
	if (!n.lent)
		return;
	for (unsigned int i = 0; i < n.lent; i++)
		n.rx->avail.ring[(uint16_t)(n.rx->avail.idx + i) % SIZE] = n.lent_id[i];
	os_dma_wmb();
	n.rx->avail.idx = (uint16_t)(n.rx->avail.idx + n.lent);
	n.lent = 0;
	__asm__ volatile("mfence" ::: "memory");
	if (!(n.rx->used.flags & 1))
		*n.rx_bell = 0;
}

static uint8_t *tx_buf(struct net *net)
{
	(void)net;
	n.tx_used = n.tx->used.idx;
	if ((uint16_t)(n.tx_next + n.taken - n.tx_used) >= SIZE || n.taken == NET_BURST)
		return NULL;
	return n.tx_bufs + (size_t)((uint16_t)(n.tx_next + n.taken++) % SIZE) * BUF + HDR;
}

static unsigned int tx(struct net *net, const uint16_t *len, unsigned int count)
{
	(void)net;
	for (unsigned int i = 0; i < count; i++) {
		uint16_t id = (uint16_t)(n.tx_next + i) % SIZE;

		n.tx->desc[id].len = (uint32_t)len[i] + HDR;
		n.tx->avail.ring[id] = id;
	}
	n.tx_next = (uint16_t)(n.tx_next + count);
	n.taken = 0;
	os_dma_wmb();
	n.tx->avail.idx = n.tx_next;
	__asm__ volatile("mfence" ::: "memory");
	if (!(n.tx->used.flags & 1))
		*n.tx_bell = 1;
	return count;
}

static unsigned int waiting(struct net *net)
{
	(void)net;
	return (uint16_t)(n.rx->used.idx - n.rx_used);
}

static void irq(struct net *net, bool on)
{
	static bool set;

	n.rx->avail.flags = on ? 0 : 1;
	if (on && !set) {
		set = true;
		pci_msix(net->devfn, 0, VECTOR);
		wr16(22, 0);
		wr16(26, 0);
	}
}

static const struct net_ops ops = {
	.name = "virtio",
	.rx = rx,
	.rx_done = rx_done,
	.tx_buf = tx_buf,
	.tx = tx,
	.waiting = waiting,
	.irq = irq,
};

static struct ring *queue(uint16_t q, volatile uint16_t **bell)
{
	struct ring *r = env.pages(sizeof(*r));

	wr16(22, q);
	wr16(24, SIZE);
	wr16(26, 0xffff);
	wr32(32, (uint32_t)(uint64_t)r->desc);
	wr32(36, 0);
	wr32(40, (uint32_t)(uint64_t)&r->avail);
	wr32(44, 0);
	wr32(48, (uint32_t)(uint64_t)&r->used);
	wr32(52, 0);
	*bell = (volatile uint16_t *)(n.notify + n.mult * rd16(30));
	wr16(28, 1);
	r->avail.flags = 1;
	return r;
}

/* The structures behind the vendor capabilities, virtio 1.x section 4.1.4. */
static void find(unsigned int devfn, volatile uint8_t **dev)
{
	unsigned int p = pci_rd32(devfn, 0x34) & 0xfc;

	for (unsigned int i = 0; p && i < 48; i++) {
		uint32_t v = pci_rd32(devfn, p), bar;
		volatile uint8_t *at;

		if ((v & 0xff) == 9) {
			bar = pci_rd32(devfn, p + 4) & 0xff;
			at = (volatile uint8_t *)(pci_bar(devfn, bar) + pci_rd32(devfn, p + 8));
			if (v >> 24 == 1)
				n.common = at;
			if (v >> 24 == 2) {
				n.notify = at;
				n.mult = pci_rd32(devfn, p + 16);
			}
			if (v >> 24 == 4)
				*dev = at;
		}
		p = v >> 8 & 0xfc;
	}
}

struct net *net_virtio(void)
{
	int devfn = pci_find(0x1af4, 0x1041, 0);
	volatile uint8_t *dev = NULL;

	if (devfn < 0)
		return NULL;
	pci_enable((unsigned int)devfn);
	find((unsigned int)devfn, &dev);
	if (!n.common || !n.notify || !dev)
		return NULL;
	wr8(20, 0);
	while (rd8(20))
		relax();
	wr8(20, 1);
	wr8(20, 3);
	wr32(0, 0);
	if (!(rd32(4) & 1u << 5)) {
		say("virtio: no MAC offered");
		return NULL;
	}
	wr32(8, 0);
	wr32(12, 1u << 5); /* MAC */
	wr32(8, 1);
	wr32(12, 1); /* VERSION_1 */
	wr8(20, 11);
	if (!(rd8(20) & 8)) {
		say("virtio: features refused");
		return NULL;
	}
	n.net = (struct net){.ops = &ops, .devfn = (unsigned int)devfn};
	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		n.net.mac.b[i] = dev[i];
	n.rx = queue(0, &n.rx_bell);
	n.tx = queue(1, &n.tx_bell);
	n.rx_bufs = env.pages(SIZE * BUF);
	n.tx_bufs = env.pages(SIZE * BUF);
	for (unsigned int i = 0; i < SIZE; i++) {
		n.rx->desc[i] = (struct desc){(uint64_t)n.rx_bufs + (uint64_t)i * BUF, BUF, 2, 0};
		n.rx->avail.ring[i] = (uint16_t)i;
		n.tx->desc[i] = (struct desc){(uint64_t)n.tx_bufs + (uint64_t)i * BUF, 0, 0, 0};
	}
	os_dma_wmb();
	n.rx->avail.idx = SIZE;
	wr8(20, 15);
	*n.rx_bell = 0;
	return &n.net;
}
