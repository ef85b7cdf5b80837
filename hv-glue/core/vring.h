/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The device's side of one virtio split ring, in memory that the guest changes as it likes: each
 * descriptor is read once, checked whole and used from the copy. No state of the core.
 */
#ifndef SLUICE_CORE_VRING_H
#define SLUICE_CORE_VRING_H

#include "hw/virtio.h"

#define VRING_MAX   256 /* entries */
#define VRING_PARTS 20	/* descriptors of a chain: a frame in pieces of a page, and then some */

struct vring_part {
	uint8_t *p;
	uint32_t len;
};

/* The owner embeds it. Addresses are set while it is off; vring_on() checks them. */
struct vring {
	/* Host memory behind all of @len bytes at @gpa, or NULL. */
	void *(*ptr)(const void *ctx, uint64_t gpa, uint64_t len);
	const void *ctx;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t size;
	bool on;
	const struct virtio_desc *desc;
	const volatile struct virtio_avail *avail;
	volatile struct virtio_used *used;
	uint16_t next_avail, next_used;
};

/* One chain: what the guest lets be read, then what it lets be written. */
struct vring_chain {
	uint16_t head;
	unsigned int n_out, n_in;
	struct vring_part part[VRING_PARTS];
	uint32_t len_out, len_in;
};

/* Off, and as after a reset. */
void vring_reset(struct vring *r);
/* 0; -EINVAL: size no power of two up to VRING_MAX, alignment, or not in the guest's memory. */
int vring_on(struct vring *r) must_check;
/* 1: @c is the next chain; 0: none; -EINVAL: the ring is broken, nothing of it is to be used. */
int vring_pop(struct vring *r, struct vring_chain *c) must_check;
/* Gives back @head, of which @len bytes were written; seen by the guest after vring_publish(). */
void vring_push(struct vring *r, uint16_t head, uint32_t len);
/* True when there was something to show and the guest wants an interrupt for it. */
bool vring_publish(struct vring *r);
void vring_no_kick(struct vring *r, bool on);
/* Chains that wait. */
static inline bool vring_ready(const struct vring *r)
{
	return r->on && (uint16_t)(le16_to_cpu(r->avail->idx) - r->next_avail) != 0;
}

#endif
