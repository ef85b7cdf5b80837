/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* DMA memory: first fit over the RAM that the emulated machine and this process share. */
#include "qemu_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN_MIN CACHE_LINE

static uint64_t align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	struct qemu *q = dev->q;
	struct qemu_extent **link = &q->dma;
	uint64_t at = QEMU_DMA_BASE;
	struct qemu_extent *e;

	if (!len || len > q->ram_len || !align || align & (align - 1) || align > 4096)
		return -EINVAL;
	if (align < ALIGN_MIN)
		align = ALIGN_MIN;
	for (;; link = &(*link)->next) {
		uint64_t end = *link ? (*link)->phys : q->ram_len;

		at = align_up(at, align);
		if (at < end && end - at >= len)
			break;
		if (!*link)
			return -ENOMEM;
		at = (*link)->phys + (*link)->len;
	}
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct qemu_extent){.next = *link, .phys = at, .len = len};
	*link = e;
	q->dma_live++;
	*dma = (struct os_dma){.va = q->ram + at, .iova = at, .len = len};
	memset(dma->va, 0, len);
	return 0;
}

void os_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	struct qemu *q = dev->q;
	struct qemu_extent **link;

	if (!dma || !dma->va)
		return;
	for (link = &q->dma; *link; link = &(*link)->next) {
		struct qemu_extent *e = *link;

		if (e->phys != dma->iova)
			continue;
		*link = e->next;
		free(e);
		q->dma_live--;
		*dma = (struct os_dma){0};
		return;
	}
	os_log(dev, OS_LOG_ERR, "DMA memory at %#llx was not given out",
	       (unsigned long long)dma->iova);
}

void qemu_dma_fini(struct qemu *q)
{
	while (q->dma) {
		struct qemu_extent *e = q->dma;

		q->dma = e->next;
		free(e);
	}
	q->dma_live = 0;
}

size_t qemu_dma_live(const struct qemu *q)
{
	return q->dma_live;
}

void *qemu_ram(struct qemu *q, uint64_t phys, size_t len)
{
	if (phys > q->ram_len || len > q->ram_len - phys)
		return NULL;
	return q->ram + phys;
}
