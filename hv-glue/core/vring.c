/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The device's side of a virtio split ring; see virtio 1.2, section 2.7. */
#include "vring.h"

#include "base/errno.h"
#include "os/barrier.h"

void vring_reset(struct vring *r)
{
	r->on = false;
	r->desc_gpa = r->avail_gpa = r->used_gpa = 0;
	r->size = VRING_MAX;
	r->next_avail = r->next_used = 0;
}

int vring_on(struct vring *r)
{
	uint16_t n = r->size;

	if (!n || n > VRING_MAX || (n & (n - 1)))
		return -EINVAL;
	if (r->desc_gpa % 16 || r->avail_gpa % 2 || r->used_gpa % 4)
		return -EINVAL;
	r->desc = r->ptr(r->ctx, r->desc_gpa, (uint64_t)n * sizeof(struct virtio_desc));
	r->avail = r->ptr(r->ctx, r->avail_gpa, 4 + 2 * (uint64_t)n);
	r->used = r->ptr(r->ctx, r->used_gpa, 4 + (uint64_t)n * sizeof(struct virtio_used_elem));
	if (!r->desc || !r->avail || !r->used)
		return -EINVAL;
	r->next_avail = r->next_used = 0;
	r->on = true;
	return 0;
}

/* Descriptor @i, read once. */
static struct virtio_desc read_desc(const struct vring *r, uint16_t i)
{
	const volatile struct virtio_desc *d = &r->desc[i];

	return (struct virtio_desc){
		.addr = d->addr, .len = d->len, .flags = d->flags, .next = d->next};
}

/* One descriptor into the chain. */
static int add(const struct vring *r, struct vring_chain *c, const struct virtio_desc *d)
{
	uint16_t flags = le16_to_cpu(d->flags);
	uint32_t len = le32_to_cpu(d->len);
	struct vring_part *p;

	if (c->n_out + c->n_in == VRING_PARTS || (flags & VIRTIO_D_INDIRECT) || !len ||
	    len > UINT32_MAX / VRING_PARTS)
		return -EINVAL;
	p = &c->part[c->n_out + c->n_in];
	p->p = r->ptr(r->ctx, le64_to_cpu(d->addr), len);
	p->len = len;
	if (!p->p)
		return -EINVAL;
	if (flags & VIRTIO_D_WRITE) {
		c->n_in++;
		c->len_in += len;
		return 0;
	}
	/* 2.7.4.2: what is read comes before what is written. */
	if (c->n_in)
		return -EINVAL;
	c->n_out++;
	c->len_out += len;
	return 0;
}

int vring_pop(struct vring *r, struct vring_chain *c)
{
	uint16_t ahead, i;

	if (!r->on)
		return 0;
	ahead = (uint16_t)(le16_to_cpu(r->avail->idx) - r->next_avail);
	if (!ahead)
		return 0;
	if (ahead > r->size)
		return -EINVAL;
	os_dma_rmb();
	i = le16_to_cpu(r->avail->ring[r->next_avail & (r->size - 1)]);
	c->head = i;
	c->n_out = c->n_in = c->len_out = c->len_in = 0;
	for (;;) {
		struct virtio_desc d;

		if (i >= r->size)
			return -EINVAL;
		d = read_desc(r, i);
		if (add(r, c, &d))
			return -EINVAL; /* a chain without an end fills the parts */
		if (!(le16_to_cpu(d.flags) & VIRTIO_D_NEXT))
			break;
		i = le16_to_cpu(d.next);
	}
	r->next_avail++;
	return 1;
}

void vring_push(struct vring *r, uint16_t head, uint32_t len)
{
	volatile struct virtio_used_elem *e = &r->used->ring[r->next_used & (r->size - 1)];

	e->id = cpu_to_le32(head);
	e->len = cpu_to_le32(len);
	r->next_used++;
}

bool vring_publish(struct vring *r)
{
	if (!r->on || r->next_used == le16_to_cpu(r->used->idx))
		return false;
	os_dma_wmb();
	r->used->idx = cpu_to_le16(r->next_used);
	/* The guest sets its flag, then looks at idx: ours is the other order. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(le16_to_cpu(r->avail->flags) & VIRTIO_A_NO_IRQ);
}

void vring_no_kick(struct vring *r, bool on)
{
	if (r->on)
		r->used->flags = cpu_to_le16(on ? VIRTIO_U_NO_KICK : 0);
}
