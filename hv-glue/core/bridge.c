/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A small learning switch: vNIC ports and the uplink, the PF's own pool. A frame is copied once:
 * into a buffer of the uplink's, from it, or from guest to guest.
 *
 * A port has its own address for good; when its guest may (learn), ADDRS more, learned from what it
 * sends; never one that another port, a VF or, while it is fresh, a station behind the uplink has:
 * a guest cannot draw another's frames to itself.
 */
#include "base/errno.h"
#include "drv/pf_pool.h"
#include "host.h"
#include "vnic.h"

#define PORTS	 (GUESTS * GUEST_NICS)
#define STATIONS 64
#define PROBES	 8
#define ADDRS	 3
#define AGE_US	 UINT64_C(300000000)
#define BURST	 32

struct station {
	struct mac mac;
	struct port *port; /* NULL: behind the uplink */
	uint64_t seen;
	bool used, fixed;
};

static struct {
	struct port *port[PORTS];
	unsigned int ports;
	struct station table[STATIONS];
	struct vfq_buf *out[BURST];
	unsigned int outs;
} br;

static struct station *probe(const struct mac *m, unsigned int i)
{
	return &br.table[(m->b[5] + 8u * m->b[4] + 31u * m->b[3] + i) % STATIONS];
}

static struct station *find(const struct mac *m)
{
	for (unsigned int i = 0; i < PROBES; i++) {
		struct station *s = probe(m, i);

		if (s->used && mac_equal(&s->mac, m))
			return s;
	}
	return NULL;
}

static struct port *port_of(const struct mac *m)
{
	const struct station *s = find(m);

	return s ? s->port : NULL;
}

static bool fresh(const struct station *s)
{
	return s->fixed || core_now() - s->seen < us_to_tsc(AGE_US);
}

static void forget(struct station *s)
{
	if (s->used && s->port && pf_uplink_mac_del(core.nic->pf, &s->mac))
		core_log(OS_LOG_WARN, "bridge: the uplink did not have a port's address");
	s->used = false;
}

static unsigned int learned(const struct port *p)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < STATIONS; i++)
		n += br.table[i].used && !br.table[i].fixed && br.table[i].port == p;
	return n;
}

/* A place for @m: a free one, else the least fresh; @push: that of a fresh station may be had too,
 * but not a port's. */
static struct station *place(const struct mac *m, bool push)
{
	struct station *best = NULL;

	for (unsigned int i = 0; i < PROBES; i++) {
		struct station *s = probe(m, i);

		if (!s->used)
			return s;
		if (!s->fixed && ((push && !s->port) || !fresh(s)) &&
		    (!best || s->seen < best->seen))
			best = s;
	}
	return best;
}

/* Is @m at @p (NULL: the uplink)? Learns it if it may be. 0, or the rule that says no. */
static int admit(struct port *p, const struct mac *m, bool fixed)
{
	struct station *s = find(m);
	int err;

	if (s && s->port == p) {
		s->seen = core_now();
		return 0;
	}
	/* A port's own address is its own, whoever used it while it was not there. */
	if (!mac_is_usable(m) || (s && fresh(s) && (!fixed || s->fixed)))
		return -EADDRINUSE;
	if (p && !fixed && (!p->guest->cfg.learn || learned(p) >= ADDRS))
		return -ENOSPC;
	if (s)
		forget(s);
	/* What a guest sends pushes nobody out whose address it could then take. */
	s = place(m, !p || fixed);
	if (!s)
		return -ENOSPC;
	err = p ? pf_uplink_mac_add(core.nic->pf, m) : 0;
	if (err)
		return err;
	forget(s);
	*s = (struct station){*m, p, core_now(), true, fixed};
	return 0;
}

static void to_port(struct port *p, const struct port_part *part, unsigned int n, uint32_t len)
{
	if (p->deliver(p->ctx, part, n, len)) {
		p->rx++;
		p->rx_bytes += len;
		p->copies++;
	} else {
		p->dropped++;
	}
}

/* All that waits is @p's: a batch is one port's. */
static void flush_uplink(struct port *p)
{
	unsigned int sent = br.outs ? pf_tx_burst(core.nic->pf, br.out, br.outs) : 0;

	/* The ring is full: as on any switch, what does not fit is lost. */
	for (unsigned int i = sent; i < br.outs; i++)
		vfq_buf_put(br.out[i]);
	p->dropped += br.outs - sent;
	br.outs = 0;
}

static bool to_uplink(struct port *p, const struct port_part *part, unsigned int n, uint32_t len)
{
	struct vfq_buf *b = pf_buf_get(core.nic->pf);

	if (!b)
		return false;
	if (!port_gather(b->data, VFQ_BUF_SIZE, part, n, len)) {
		vfq_buf_put(b);
		return false;
	}
	b->len = (uint16_t)len;
	p->copies++;
	br.out[br.outs++] = b;
	if (br.outs == BURST)
		flush_uplink(p);
	return true;
}

/* part[0] is the first HEAD bytes or more, in memory that no guest changes. */
static bool bridge_tx(struct port *p, const struct port_part *part, unsigned int n, uint32_t len)
{
	const struct mac *dst = part[0].p, *src = dst + 1;
	struct port *to;

	if (!mac_equal(src, (const struct mac *)p->mac) && admit(p, src, false)) {
		p->dropped++;
		guest_refused(p->guest);
		return false;
	}
	p->tx++;
	p->tx_bytes += len;
	to = mac_is_multicast(dst) ? NULL : port_of(dst);
	if (to) {
		if (to != p)
			to_port(to, part, n, len);
		return true;
	}
	if (mac_is_multicast(dst))
		for (unsigned int i = 0; i < br.ports; i++)
			if (br.port[i] != p)
				to_port(br.port[i], part, n, len);
	if (!to_uplink(p, part, n, len))
		p->dropped++;
	return true;
}

static void bridge_flush(struct port *p)
{
	flush_uplink(p);
	for (unsigned int i = 0; i < br.ports; i++)
		if (br.port[i] != p)
			br.port[i]->deliver_end(br.port[i]->ctx);
}

static void from_uplink(const struct vfq_buf *b)
{
	const struct mac *dst = (const struct mac *)b->data;
	struct port_part part = {b->data, b->len};
	struct port *to;

	if (b->nsegs > 1 || b->len < 14)
		return; /* longer than a vNIC's frame */
	/* From a port's own address: given back by the card to its sender's pool, or forged. */
	if (admit(NULL, dst + 1, false) == -EADDRINUSE)
		return;
	to = mac_is_multicast(dst) ? NULL : port_of(dst);
	if (to)
		to_port(to, &part, 1, b->len);
	else if (mac_is_multicast(dst))
		for (unsigned int i = 0; i < br.ports; i++)
			to_port(br.port[i], &part, 1, b->len);
}

/* The uplink is everybody's: the first port's turn serves it for all. */
static unsigned int bridge_poll(struct port *p)
{
	struct vfq_buf *b[BURST];
	unsigned int n;

	if (br.port[0] != p)
		return 0;
	n = pf_rx_burst(core.nic->pf, b, BURST);
	for (unsigned int i = 0; i < n; i++) {
		from_uplink(b[i]);
		vfq_buf_put(b[i]);
	}
	for (unsigned int i = 0; n && i < br.ports; i++)
		br.port[i]->deliver_end(br.port[i]->ctx);
	return n;
}

static void bridge_close(struct port *p)
{
	unsigned int at = 0;

	while (br.port[at] != p)
		at++;
	br.port[at] = br.port[--br.ports];
	br.port[br.ports] = NULL;
	for (unsigned int i = 0; i < STATIONS; i++)
		if (br.table[i].used && br.table[i].port == p)
			forget(&br.table[i]);
}

static const struct port_ops ops = {
	.name = "bridge",
	.tx = bridge_tx,
	.flush = bridge_flush,
	.poll = bridge_poll,
	.close = bridge_close,
};

int bridge_open(struct port *p)
{
	int err;

	if (br.ports == PORTS)
		return -ENOSPC;
	err = admit(p, (const struct mac *)p->mac, true);
	if (err)
		return err;
	p->ops = &ops;
	br.port[br.ports++] = p;
	return 0;
}
