/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Buffers that device and CPU share, and the stack of those that are free. */
#include "queue.h"

#include "base/errno.h"

int vfq_pool_init(struct vfq_pool *pool, struct os_dev *dev, unsigned int count)
{
	struct vfq_buf *bufs;
	int err;

	if (!count || count > VFQ_POOL_MAX)
		return -EINVAL;
	*pool = (struct vfq_pool){.count = count, .dev = dev};
	err = os_dma_alloc(dev, (size_t)count * VFQ_BUF_SIZE, VFQ_BUF_SIZE, &pool->data);
	if (err)
		return err;
	err = os_dma_alloc(dev, count * (sizeof(*bufs) + sizeof(*pool->free)), sizeof(*bufs),
			   &pool->meta);
	if (err)
		goto err_data;
	bufs = pool->meta.va;
	pool->free = (struct vfq_buf **)(void *)(bufs + count);
	for (unsigned int i = 0; i < count; i++) {
		struct vfq_buf *buf = &bufs[i];

		buf->data = (uint8_t *)pool->data.va + (size_t)i * VFQ_BUF_SIZE;
		buf->iova = pool->data.iova + (uint64_t)i * VFQ_BUF_SIZE;
		buf->nsegs = 1;
		buf->pool = pool;
		pool->free[count - 1 - i] = buf; /* the first buffer is handed out first */
	}
	pool->nfree = count;
	return 0;

err_data:
	os_dma_free(dev, &pool->data);
	return err;
}

void vfq_pool_fini(struct vfq_pool *pool)
{
	if (!pool->dev)
		return;
	os_dma_free(pool->dev, &pool->meta);
	os_dma_free(pool->dev, &pool->data);
	*pool = (struct vfq_pool){0};
}

struct vfq_buf *vfq_buf_get(struct vfq_pool *pool)
{
	struct vfq_buf *buf;

	if (!pool->nfree)
		return NULL;
	buf = pool->free[--pool->nfree];
	buf->flags = 0;
	buf->len = 0;
	buf->frame_len = 0;
	return buf;
}

void vfq_buf_put(struct vfq_buf *buf)
{
	while (buf) {
		struct vfq_buf *next = buf->next;

		buf->next = NULL;
		buf->nsegs = 1;
		buf->pool->free[buf->pool->nfree++] = buf;
		buf = next;
	}
}
