/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A vNIC on a hardware pool of its own: the card sorts, the core copies once each way. */
#include "base/errno.h"
#include "drv/pf_pool.h"
#include "host.h"
#include "vnic.h"

#define QUEUE 256
#define BURST 32

struct vmdq_port {
	struct pf_pool *pool;
	struct vfq_buf *out[BURST];
	unsigned int outs;
	size_t pages; /* of this struct and the pool behind it */
};

static void vmdq_flush(struct port *p)
{
	struct vmdq_port *v = p->priv;
	unsigned int sent = v->outs ? pf_pool_tx_burst(v->pool, v->out, v->outs) : 0;

	for (unsigned int i = sent; i < v->outs; i++) {
		vfq_buf_put(v->out[i]);
		p->dropped++;
	}
	v->outs = 0;
}

static bool vmdq_tx(struct port *p, const struct port_part *part, unsigned int n, uint32_t len)
{
	struct vmdq_port *v = p->priv;
	const struct mac *src = (const struct mac *)part[0].p + 1;
	struct vfq_buf *b;

	if (!mac_equal(src, (const struct mac *)p->mac)) {
		p->dropped++;
		guest_refused(p->guest);
		return false;
	}
	b = pf_pool_buf_get(v->pool);
	if (!b || !port_gather(b->data, VFQ_BUF_SIZE, part, n, len)) {
		if (b)
			vfq_buf_put(b);
		p->dropped++;
		return false;
	}
	b->len = (uint16_t)len;
	p->copies++;
	p->tx++;
	p->tx_bytes += len;
	v->out[v->outs++] = b;
	if (v->outs == BURST)
		vmdq_flush(p);
	return true;
}

static unsigned int vmdq_poll(struct port *p)
{
	struct vmdq_port *v = p->priv;
	struct vfq_buf *b[BURST];
	unsigned int n = pf_pool_rx_burst(v->pool, b, BURST);

	for (unsigned int i = 0; i < n; i++) {
		struct port_part part = {b[i]->data, b[i]->len};

		if (b[i]->nsegs == 1 && p->deliver(p->ctx, &part, 1, b[i]->len)) {
			p->rx++;
			p->rx_bytes += b[i]->len;
			p->copies++;
		} else {
			p->dropped++;
		}
		vfq_buf_put(b[i]);
	}
	if (n)
		p->deliver_end(p->ctx);
	return n;
}

static void vmdq_close(struct port *p)
{
	struct vmdq_port *v = p->priv;

	/* What the device may still write to is not given to anybody. */
	if (pf_pool_close(v->pool))
		core_log(OS_LOG_ERR, "vmdq: a pool does not stop; its memory stays out of use");
	else
		mem_free(v, v->pages);
	p->priv = NULL;
}

static const struct port_ops ops = {
	.name = "vmdq",
	.tx = vmdq_tx,
	.flush = vmdq_flush,
	.poll = vmdq_poll,
	.close = vmdq_close,
};

int vmdq_open(struct port *p)
{
	size_t head = (sizeof(struct vmdq_port) + 63) & ~(size_t)63;
	size_t pages = (head + pf_pool_size() + VCPU_PAGE - 1) / VCPU_PAGE;
	struct vmdq_port *v = mem_alloc(pages, 1);
	int err;

	if (!v)
		return -ENOMEM;
	v->pages = pages;
	err = pf_pool_open(core.nic->pf, (char *)v + head, (const struct mac *)p->mac, QUEUE,
			   &v->pool);
	if (err < 0) {
		mem_free(v, pages);
		return err;
	}
	p->priv = v;
	p->ops = &ops;
	return 0;
}
