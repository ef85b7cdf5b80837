/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A virtio network card (virtio 1.2 over PCI) for a guest without a VF, plugged into a port.
 * Receive and transmit ring; the guest is asked not to kick for receive buffers, since the core
 * looks at them only when a frame is there.
 */
#include "base/errno.h"
#include "hw/pci.h"
#include "guest.h"
#include "host.h"
#include "vnic.h"
#include "vpci.h"
#include "vring.h"

#define BAR	  0
#define BAR_LEN	  0x8000u
#define AT_COMMON 0x0000u
#define AT_ISR	  0x1000u
#define AT_DEVICE 0x2000u
#define AT_NOTIFY 0x3000u /* 4 bytes a queue */
#define AT_MSIX	  0x4000u
#define AT_PBA	  0x5000u
#define REGION	  0x1000u
#define RX	  0
#define TX	  1
#define QUEUES	  2
#define VECTORS	  3
#define FRAME_MIN 14u
#define FRAME_MAX 1518u
#define KICK_MAX  VRING_MAX /* frames of one kick: a ring's worth */
#define FEATURES  (BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_NET_F_MAC) | BIT64(VIRTIO_NET_F_STATUS))

/* In pages of its own; lives from virtio_attach() until its function is removed. */
struct virtio {
	struct vpci_func f;
	struct vpci_msix msix;
	struct port port;
	struct vring ring[QUEUES];
	uint16_t vector[QUEUES], config_vector, select;
	uint32_t df_select, gf_select;
	uint64_t features; /* the guest's choice */
	uint8_t status, isr;
	uint64_t broken;
};

static struct virtio *of_func(struct vpci_func *f)
{
	return container_of(f, struct virtio, f);
}

static void *guest_mem(const void *ctx, uint64_t gpa, uint64_t len)
{
	const struct virtio *v = ctx;

	return guest_ptr(v->f.guest, gpa, len);
}

static void reset(struct virtio *v)
{
	for (unsigned int q = 0; q < QUEUES; q++) {
		vring_reset(&v->ring[q]);
		v->vector[q] = VIRTIO_NO_VECTOR;
	}
	v->config_vector = VIRTIO_NO_VECTOR;
	v->status = v->isr = 0;
	v->features = 0;
	v->select = 0;
	v->df_select = v->gf_select = 0;
}

static void interrupt(struct virtio *v, uint8_t cause, uint16_t vector)
{
	v->isr |= cause;
	if (vector < VECTORS)
		vpci_msix_raise(&v->f, &v->msix, vector);
}

/* The guest broke its side of the rings: 2.1.2, the device stops and tells its driver. */
static void broken(struct virtio *v, const char *what)
{
	v->status |= VIRTIO_S_NEEDS_RESET;
	v->broken++;
	guest_refused(v->f.guest);
	guest_log(v->f.guest, "virtio: %s; the NIC stands still until it is reset", what);
	if (v->status & VIRTIO_S_DRIVER_OK)
		interrupt(v, VIRTIO_I_CONFIG, v->config_vector);
}

static bool live(const struct virtio *v)
{
	return (v->status & (VIRTIO_S_DRIVER_OK | VIRTIO_S_NEEDS_RESET)) == VIRTIO_S_DRIVER_OK;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/*
 * The chain's bytes behind the header as parts, the addresses first in @head, which the guest
 * cannot change any more. False: no frame.
 */
static bool frame_of(const struct vring_chain *c, uint8_t head[FRAME_MIN], struct port_part *part,
		     unsigned int *n, uint32_t *len)
{
	uint32_t skip = VIRTIO_NET_HDR, got = 0;

	if (c->n_in || c->len_out < VIRTIO_NET_HDR + FRAME_MIN ||
	    c->len_out > VIRTIO_NET_HDR + FRAME_MAX)
		return false;
	*len = c->len_out - VIRTIO_NET_HDR;
	part[0] = (struct port_part){head, FRAME_MIN};
	*n = 1;
	for (unsigned int i = 0; i < c->n_out; i++) {
		const uint8_t *p = c->part[i].p;
		uint32_t l = c->part[i].len, k = skip < l ? skip : l;

		skip -= k;
		p += k;
		l -= k;
		if (likely(!got && l >= FRAME_MIN)) {
			__builtin_memcpy(head, p, FRAME_MIN);
			got = FRAME_MIN;
			p += FRAME_MIN;
			l -= FRAME_MIN;
		}
		for (; l && got < FRAME_MIN; l--)
			head[got++] = *p++;
		if (l)
			part[(*n)++] = (struct port_part){p, l};
	}
	return true;
}

static void transmit(struct virtio *v)
{
	struct port_part part[VRING_PARTS + 1];
	uint8_t head[FRAME_MIN];
	struct vring_chain c;
	unsigned int done = 0, n;
	uint32_t len;
	int rc = 0;

	while (done < KICK_MAX && (rc = vring_pop(&v->ring[TX], &c)) > 0) {
		if (frame_of(&c, head, part, &n, &len))
			v->port.ops->tx(&v->port, part, n, len);
		else
			v->port.dropped++;
		vring_push(&v->ring[TX], c.head, 0);
		done++;
	}
	if (done)
		v->port.ops->flush(&v->port);
	if (vring_publish(&v->ring[TX]))
		interrupt(v, VIRTIO_I_QUEUE, v->vector[TX]);
	if (rc < 0)
		broken(v, "the transmit ring holds what is no chain in its memory");
}

/* A frame for the guest: header and parts into its next chain. */
static bool deliver(void *ctx, const struct port_part *part, unsigned int n, uint32_t len)
{
	static const uint8_t hdr[VIRTIO_NET_HDR] = {[VIRTIO_NET_HDR_NB] = 1};
	struct virtio *v = ctx;
	struct vring_chain c;
	struct port_part from = {hdr, sizeof(hdr)};
	unsigned int next = 0, to = 0;
	uint32_t at = 0;
	int rc;

	if (!live(v))
		return false;
	rc = vring_pop(&v->ring[RX], &c);
	if (rc < 0)
		broken(v, "the receive ring holds what is no chain in its memory");
	if (rc <= 0)
		return false;
	if (c.n_out || c.len_in < len + VIRTIO_NET_HDR) {
		vring_push(&v->ring[RX], c.head, 0);
		return false;
	}
	for (;;) {
		uint32_t room = c.part[to].len - at, k = from.len < room ? from.len : room;

		__builtin_memcpy(c.part[to].p + at, from.p, k);
		at += k;
		from.p = (const uint8_t *)from.p + k;
		from.len -= k;
		if (at == c.part[to].len) {
			at = 0;
			to++;
		}
		if (!from.len) {
			if (next == n)
				break;
			from = part[next++];
		}
	}
	vring_push(&v->ring[RX], c.head, len + VIRTIO_NET_HDR);
	return true;
}

static void deliver_end(void *ctx)
{
	struct virtio *v = ctx;

	if (vring_publish(&v->ring[RX]))
		interrupt(v, VIRTIO_I_QUEUE, v->vector[RX]);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint32_t queue_read(const struct virtio *v, unsigned int off)
{
	const struct vring *r = &v->ring[v->select];

	switch (off) {
	case VIRTIO_C_QSIZE:
		return r->size;
	case VIRTIO_C_QMSIX:
		return v->vector[v->select];
	case VIRTIO_C_QENABLE:
		return r->on;
	case VIRTIO_C_QNOTIFY:
		return v->select;
	case VIRTIO_C_QDESC:
		return (uint32_t)r->desc_gpa;
	case VIRTIO_C_QDESC + 4:
		return (uint32_t)(r->desc_gpa >> 32);
	case VIRTIO_C_QDRIVER:
		return (uint32_t)r->avail_gpa;
	case VIRTIO_C_QDRIVER + 4:
		return (uint32_t)(r->avail_gpa >> 32);
	case VIRTIO_C_QDEVICE:
		return (uint32_t)r->used_gpa;
	case VIRTIO_C_QDEVICE + 4:
		return (uint32_t)(r->used_gpa >> 32);
	default:
		return 0;
	}
}

static uint32_t common_read(const struct virtio *v, unsigned int off)
{
	switch (off) {
	case VIRTIO_C_DFSELECT:
		return v->df_select;
	case VIRTIO_C_DF:
		return v->df_select < 2 ? (uint32_t)(FEATURES >> 32 * v->df_select) : 0;
	case VIRTIO_C_GFSELECT:
		return v->gf_select;
	case VIRTIO_C_GF:
		return v->gf_select < 2 ? (uint32_t)(v->features >> 32 * v->gf_select) : 0;
	case VIRTIO_C_MSIX:
		return v->config_vector;
	case VIRTIO_C_QUEUES:
		return QUEUES;
	case VIRTIO_C_STATUS:
		return v->status;
	case VIRTIO_C_QSELECT:
		return v->select;
	default:
		if (v->select < QUEUES)
			return queue_read(v, off);
		return off == VIRTIO_C_QMSIX ? VIRTIO_NO_VECTOR : 0;
	}
}

static void status_write(struct virtio *v, uint8_t s)
{
	if (!s) {
		reset(v);
		return;
	}
	/* 3.1.1: a choice that holds what was not offered, or no version 1, is not accepted. */
	if ((s & VIRTIO_S_FEATURES_OK) && !(v->status & VIRTIO_S_FEATURES_OK) &&
	    ((v->features & ~FEATURES) || !(v->features & BIT64(VIRTIO_F_VERSION_1))))
		s &= (uint8_t)~VIRTIO_S_FEATURES_OK;
	v->status = (uint8_t)((v->status & VIRTIO_S_NEEDS_RESET) | s);
}

static void queue_on(struct virtio *v)
{
	struct vring *r = &v->ring[v->select];

	if (r->on)
		return;
	if (vring_on(r)) {
		broken(v, "a ring that is not in its memory, or of a size that cannot be");
		return;
	}
	vring_no_kick(r, v->select == RX);
}

static void set_half(uint64_t *reg, bool high, uint32_t val)
{
	*reg = high ? (*reg & UINT32_MAX) | (uint64_t)val << 32
		    : (*reg & ~(uint64_t)UINT32_MAX) | val;
}

/* Registers of the selected queue; they stand still while it is on. */
static void queue_write(struct virtio *v, unsigned int off, uint32_t val)
{
	struct vring *r = &v->ring[v->select];

	if (off == VIRTIO_C_QMSIX) {
		v->vector[v->select] = val < VECTORS ? (uint16_t)val : VIRTIO_NO_VECTOR;
		return;
	}
	if (off == VIRTIO_C_QENABLE) {
		if (val == 1)
			queue_on(v);
		return;
	}
	if (r->on)
		return;
	if (off == VIRTIO_C_QSIZE)
		r->size = (uint16_t)val;
	if (off == VIRTIO_C_QDESC || off == VIRTIO_C_QDESC + 4)
		set_half(&r->desc_gpa, off & 4, val);
	if (off == VIRTIO_C_QDRIVER || off == VIRTIO_C_QDRIVER + 4)
		set_half(&r->avail_gpa, off & 4, val);
	if (off == VIRTIO_C_QDEVICE || off == VIRTIO_C_QDEVICE + 4)
		set_half(&r->used_gpa, off & 4, val);
}

static void common_write(struct virtio *v, unsigned int off, uint32_t val)
{
	switch (off) {
	case VIRTIO_C_DFSELECT:
		v->df_select = val;
		break;
	case VIRTIO_C_GFSELECT:
		v->gf_select = val;
		break;
	case VIRTIO_C_GF:
		if (v->status & VIRTIO_S_FEATURES_OK)
			break;
		if (v->gf_select < 2)
			set_half(&v->features, v->gf_select, val);
		break;
	case VIRTIO_C_MSIX:
		v->config_vector = val < VECTORS ? (uint16_t)val : VIRTIO_NO_VECTOR;
		break;
	case VIRTIO_C_STATUS:
		status_write(v, (uint8_t)val);
		break;
	case VIRTIO_C_QSELECT:
		v->select = (uint16_t)val;
		break;
	default:
		if (off >= VIRTIO_C_QSIZE && v->select < QUEUES)
			queue_write(v, off, val);
	}
}

static uint64_t device_read(const struct virtio *v, uint64_t off, unsigned int size)
{
	uint8_t cfg[8] = {0};
	uint64_t val = 0;

	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		cfg[i] = v->port.mac[i];
	cfg[6] = VIRTIO_NET_LINK_UP;
	for (unsigned int i = 0; i < size && off + i < sizeof(cfg); i++)
		val |= (uint64_t)cfg[off + i] << 8 * i;
	return val;
}

static uint64_t bar_read(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			 unsigned int size)
{
	struct virtio *v = of_func(f);
	uint64_t at = off & (REGION - 1);
	uint64_t val;

	(void)c;
	(void)bar;
	switch (off & ~(uint64_t)(REGION - 1)) {
	case AT_COMMON:
		val = common_read(v, (unsigned int)at);
		if (size == 8)
			val |= (uint64_t)common_read(v, (unsigned int)at + 4) << 32;
		return val;
	case AT_ISR:
		val = v->isr;
		v->isr = 0;
		return val;
	case AT_DEVICE:
		return device_read(v, at, size);
	case AT_MSIX:
		return vpci_msix_read(&v->msix, at, size);
	case AT_PBA:
		return at ? 0 : v->msix.pending;
	default:
		return 0;
	}
}

static NOINLINE void other_write(struct vpci_func *f, uint64_t off, unsigned int size, uint64_t val)
{
	struct virtio *v = of_func(f);
	uint64_t at = off & (REGION - 1);
	int entry;

	switch (off & ~(uint64_t)(REGION - 1)) {
	case AT_COMMON:
		common_write(v, (unsigned int)at, (uint32_t)val);
		if (size == 8)
			common_write(v, (unsigned int)at + 4, (uint32_t)(val >> 32));
		break;
	case AT_MSIX:
		entry = vpci_msix_write(&v->msix, at, size, val);
		/* What waited for the mask to go comes now. */
		if (entry >= 0 && (v->msix.pending >> entry & 1) &&
		    vpci_msix_on(f, &v->msix, (unsigned int)entry))
			vpci_msix_raise(f, &v->msix, (unsigned int)entry);
		break;
	}
}

static void bar_write(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
		      unsigned int size, uint64_t val)
{
	struct virtio *v = of_func(f);

	(void)c;
	(void)bar;
	if (unlikely(off / REGION != AT_NOTIFY / REGION))
		other_write(f, off, size, val);
	else if (live(v) && off % REGION / 4 == TX)
		transmit(v);
}

/* ---- life ------------------------------------------------------------------------------------ */

static size_t pages(void)
{
	return (sizeof(struct virtio) + VCPU_PAGE - 1) / VCPU_PAGE;
}

static void removed(struct vpci_func *f)
{
	struct virtio *v = of_func(f);

	port_close(&v->port);
	mem_free(v, pages());
}

/* 4.1.4: where each structure lies in the BAR. The window of 4.1.4.9 is left out: it is for
 * firmware that cannot reach a BAR. */
static int capability(struct vpci_func *f, uint8_t type, uint32_t at, uint32_t len)
{
	uint8_t size = type == VIRTIO_CAP_NOTIFY ? 20 : 16;
	int c = vpci_cap(f, VIRTIO_CAP, size);

	if (c < 0)
		return c;
	f->cfg[c + 2] = size;
	f->cfg[c + 3] = type;
	f->cfg[c + 4] = BAR;
	vpci_put(f, (unsigned int)c + 8, 4, at);
	vpci_put(f, (unsigned int)c + 12, 4, len);
	if (type == VIRTIO_CAP_NOTIFY)
		f->cfg[c + 16] = 4; /* bytes from queue to queue */
	return 0;
}

static int function(struct virtio *v)
{
	struct vpci_func *f = &v->f;
	int err;

	vpci_header(f, VIRTIO_VENDOR, VIRTIO_DEV_NET, 0x020000, 1, VIRTIO_VENDOR, VIRTIO_SUBSYSTEM);
	f->bar[BAR].len = BAR_LEN;
	f->bar_read = bar_read;
	f->bar_write = bar_write;
	f->remove = removed;
	err = vpci_msix_init(f, &v->msix, VECTORS, BAR, AT_MSIX, AT_PBA);
	if (!err)
		err = capability(f, VIRTIO_CAP_COMMON, AT_COMMON, VIRTIO_C_LEN);
	if (!err)
		err = capability(f, VIRTIO_CAP_ISR, AT_ISR, 1);
	if (!err)
		err = capability(f, VIRTIO_CAP_DEVICE, AT_DEVICE, 8);
	if (!err)
		err = capability(f, VIRTIO_CAP_NOTIFY, AT_NOTIFY, 4 * QUEUES);
	return err;
}

/* Locally administered, and of this guest and this NIC alone: 02:5a:c0 number NIC tier. */
static void made_up_mac(struct virtio *v, const struct guest *g, unsigned int nic,
			enum nic_tier tier)
{
	const uint8_t m[ETH_MAC_LEN] = {0x02,	      0x5a,	    0xc0, (uint8_t)(g - core.guest),
					(uint8_t)nic, (uint8_t)tier};

	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		v->port.mac[i] = m[i];
}

int virtio_attach(struct guest *g, enum nic_tier tier, int dev, const char **why)
{
	struct virtio *v = mem_alloc(pages(), 1);
	unsigned int nics = 0;
	int err;

	if (!v) {
		*why = "no memory for a virtio NIC";
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < GUEST_FUNCS; i++)
		nics += g->func[i] != NULL;
	v->f.guest = g;
	for (unsigned int q = 0; q < QUEUES; q++) {
		v->ring[q].ptr = guest_mem;
		v->ring[q].ctx = v;
	}
	reset(v);
	made_up_mac(v, g, nics, tier);
	v->port.guest = g;
	v->port.ctx = v;
	v->port.deliver = deliver;
	v->port.deliver_end = deliver_end;
	err = function(v);
	if (err) {
		*why = "the capabilities of a virtio NIC do not fit";
		goto err_mem;
	}
	err = port_open(tier, &v->port);
	if (err) {
		*why = err == -ENOSPC ? "no pool, port or receive address of the card is left"
				      : "the port could not be opened";
		goto err_mem;
	}
	err = vpci_add(g, &v->f, dev);
	if (!err)
		return 0;
	*why = "no device number is free on the guest's bus";
	port_close(&v->port);
err_mem:
	mem_free(v, pages());
	return err;
}

uint64_t virtio_copies(const struct guest *g)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < GUEST_FUNCS; i++)
		if (g->func[i] && g->func[i]->remove == removed)
			n += of_func(g->func[i])->port.copies;
	return n;
}
