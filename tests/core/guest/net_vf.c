/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's VF: our own VF driver on the function that the core shows. */
#include "drv/vf.h"
#include "guest.h"
#include "hw/igb.h"

#define VECTOR 0x40

static struct {
	struct net net;
	struct os_dev dev;
	struct vf *vf;
	struct vfq_buf *rx[NET_BURST], *tx[NET_BURST];
	unsigned int nrx, ntx;
} n;

static unsigned int rx(struct net *net, uint8_t **data, uint16_t *len, unsigned int max)
{
	(void)net;
	n.nrx = vf_rx_burst(n.vf, 0, n.rx, max);
	for (unsigned int i = 0; i < n.nrx; i++) {
		data[i] = n.rx[i]->data;
		len[i] = n.rx[i]->len;
	}
	return n.nrx;
}

static void rx_done(struct net *net)
{
	(void)net;
	for (unsigned int i = 0; i < n.nrx; i++)
		vfq_buf_put(n.rx[i]);
	n.nrx = 0;
}

static uint8_t *tx_buf(struct net *net)
{
	(void)net;
	if (n.ntx == NET_BURST)
		return NULL;
	n.tx[n.ntx] = vf_buf_get(n.vf);
	if (!n.tx[n.ntx]) {
		vfq_tx_reclaim(vf_txq(n.vf, 0));
		n.tx[n.ntx] = vf_buf_get(n.vf);
	}
	return n.tx[n.ntx] ? n.tx[n.ntx++]->data : NULL;
}

static unsigned int tx(struct net *net, const uint16_t *len, unsigned int count)
{
	unsigned int took;

	(void)net;
	for (unsigned int i = 0; i < count; i++)
		n.tx[i]->len = len[i];
	took = vf_tx_burst(n.vf, 0, n.tx, count);
	for (unsigned int i = took; i < n.ntx; i++)
		vfq_buf_put(n.tx[i]);
	n.ntx = 0;
	return took;
}

/* A figure's helper: a register read, so never inside of what is measured. */
static unsigned int waiting(struct net *net)
{
	(void)net;
	return os_rd32(&n.dev, IGB_VF_RXQ(0) + IGB_RDH);
}

/* The first call sets it up; each further one arms it again: the cause is cleared. */
static void irq(struct net *net, bool on)
{
	static bool set;

	if (!on) {
		os_wr32(&n.dev, IGB_EIMC, 7);
		return;
	}
	if (!set) {
		pci_msix(net->devfn, 0, VECTOR);
		os_wr32(&n.dev, IGB_IVAR(0), IGB_IVAR_VALID);
		set = true;
	}
	os_wr32(&n.dev, IGB_EICR, 7);
	os_wr32(&n.dev, IGB_EIMS, 1);
	os_flush(&n.dev);
}

static const struct net_ops ops = {
	.name = "vf",
	.rx = rx,
	.rx_done = rx_done,
	.tx_buf = tx_buf,
	.tx = tx,
	.waiting = waiting,
	.irq = irq,
};

struct net *net_vf(void)
{
	struct vf_config cfg = {.queues = 1, .rx_size = 512, .tx_size = 512, .buffers = 1536};
	int devfn = pci_find(0x8086, 0x10ca, 0), err;
	void *mem;

	if (devfn < 0)
		return NULL;
	pci_enable((unsigned int)devfn);
	bare_func(&n.dev, &env, (uint16_t)devfn, pci_bar((unsigned int)devfn, 0));
	mem = env.pages(vf_size());
	err = mem ? vf_init(mem, &n.dev, &cfg, &n.vf) : -ENOMEM;
	for (unsigned int i = 0; !err && i < 20; i++) {
		err = vf_reset(n.vf);
		if (err != -ETIMEDOUT && err != -EACCES)
			break;
	}
	if (err) {
		say("vf: error %d", err);
		return NULL;
	}
	n.net = (struct net){.ops = &ops, .devfn = (unsigned int)devfn};
	vf_mac(n.vf, &n.net.mac);
	return &n.net;
}
