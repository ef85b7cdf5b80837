/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* DMA memory: anonymous pages, pinned and mapped for the device at addresses of our choice. */
#include "vfio_priv.h"

#include <assert.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define DMA_ALIGN_MAX 4096
#define DMA_LEN_MAX   (SIZE_MAX / 4)
/* Where a kernel older than 5.4 names no ranges: 39 bits, what every VT-d has, less the MSI window
 * (Intel SDM vol. 3A, 11.11).
 */
static const struct vfio_range old_ranges[] = {
	{0, 0xfedfffff},
	{0xfef00000, 0x7fffffffff},
};

static int keep_ranges(struct os_dev *dev, const struct vfio_range *r, unsigned int n)
{
	dev->ranges = calloc(n ? n : 1, sizeof(*r));
	if (!dev->ranges)
		return -ENOMEM;
	memcpy(dev->ranges, r, n * sizeof(*r));
	dev->nranges = n;
	return 0;
}

/* The capability @id in what the kernel answered, or NULL. Offsets are checked against argsz. */
static const void *find_cap(const struct vfio_iommu_type1_info *info, uint16_t id, size_t min)
{
	uint32_t off = info->cap_offset;

	if (!(info->flags & VFIO_IOMMU_INFO_CAPS))
		return NULL;
	for (unsigned int hops = 0; off && hops < 32; hops++) {
		const struct vfio_info_cap_header *cap;

		if (off > info->argsz || info->argsz - off < min)
			return NULL;
		cap = (const void *)((const char *)info + off);
		if (cap->id == id)
			return cap;
		off = cap->next;
	}
	return NULL;
}

static int read_ranges(struct os_dev *dev, const struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_cap_iova_range *cap =
		find_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(*cap));
	size_t room;

	if (!cap)
		return keep_ranges(dev, old_ranges, ARRAY_SIZE(old_ranges));
	room = info->argsz - (size_t)((const char *)cap->iova_ranges - (const char *)info);
	if (cap->nr_iovas > room / sizeof(cap->iova_ranges[0]))
		return -EPROTO;
	static_assert(sizeof(cap->iova_ranges[0]) == sizeof(struct vfio_range), "start and end");
	return keep_ranges(dev, (const struct vfio_range *)(const void *)cap->iova_ranges,
			   cap->nr_iovas);
}

int vfio_dma_init(struct os_dev *dev, struct os_err *err)
{
	struct vfio_iommu_type1_info head = {.argsz = sizeof(head)}, *info;
	int ret;

	if (ioctl(dev->container, VFIO_IOMMU_GET_INFO, &head)) {
		ret = -errno;
		goto err_ask;
	}
	if (head.argsz < sizeof(head))
		head.argsz = sizeof(head);
	info = calloc(1, head.argsz);
	if (!info)
		return os_err_set(err, -ENOMEM, "memory is exhausted", "free some",
				  "%s was not opened", dev->bdf);
	info->argsz = head.argsz;
	if (ioctl(dev->container, VFIO_IOMMU_GET_INFO, info))
		ret = -errno;
	else if (!(info->iova_pgsizes & VFIO_PAGE))
		ret = -EOPNOTSUPP;
	else if (info->argsz > head.argsz)
		ret = -EAGAIN; /* grew between the calls */
	else
		ret = read_ranges(dev, info);
	free(info);
	if (!ret)
		return 0;
err_ask:
	return os_err_set(err, ret, strerror(-ret), "use Linux 5.4 or later with 4 KiB IOMMU pages",
			  "the IOMMU behind %s did not say what it can map", dev->bdf);
}

/* Why the kernel refused to pin, as a line in the log: os_dma_alloc() has no other way to tell. */
static void log_refusal(struct os_dev *dev, size_t len, int no)
{
	struct rlimit lim;

	if (no == -ENOMEM && !getrlimit(RLIMIT_MEMLOCK, &lim) && lim.rlim_cur != RLIM_INFINITY)
		os_log(dev, OS_LOG_ERR,
		       "%zu bytes of DMA memory refused: RLIMIT_MEMLOCK is %llu bytes; raise it "
		       "(ulimit -l) or run as root",
		       len, (unsigned long long)lim.rlim_cur);
	else
		os_log(dev, OS_LOG_ERR, "%zu bytes of DMA memory refused: %s", len, strerror(-no));
}

int vfio_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map)};
	struct vfio_map *m, **at;
	int ret = -ENOMEM;

	*dma = (struct os_dma){0};
	if (!len || len > DMA_LEN_MAX || !align || align > DMA_ALIGN_MAX || align & (align - 1))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->len = (len + VFIO_PAGE - 1) & ~(size_t)(VFIO_PAGE - 1);
	m->iova = vfio_iova_find(dev->ranges, dev->nranges, dev->maps, m->len);
	if (!m->iova)
		goto err_free;
	m->va = mmap(NULL, m->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->va == MAP_FAILED)
		goto err_free;
	/*
	 * A child of ours must not share the pages: a copy on write would part us from the device.
	 */
	if (madvise(m->va, m->len, MADV_DONTFORK))
		goto err_unmap;
	map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	map.vaddr = (uintptr_t)m->va;
	map.iova = m->iova;
	map.size = m->len;
	if (ioctl(dev->container, VFIO_IOMMU_MAP_DMA, &map)) {
		log_refusal(dev, len, -errno);
		goto err_unmap; /* -ENOSPC too: too many mappings */
	}
	for (at = &dev->maps; *at && (*at)->iova < m->iova;)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
	*dma = (struct os_dma){m->va, m->iova, len};
	return 0;

err_unmap:
	munmap(m->va, m->len);
err_free:
	free(m);
	return ret;
}

static void release(struct os_dev *dev, struct vfio_map *m)
{
	struct vfio_iommu_type1_dma_unmap un = {
		.argsz = sizeof(un), .iova = m->iova, .size = m->len};

	/* Pages that the device could still reach are not given back. */
	if (!ioctl(dev->container, VFIO_IOMMU_UNMAP_DMA, &un) && un.size == m->len)
		munmap(m->va, m->len);
	else
		os_log(dev, OS_LOG_ERR, "DMA memory at %#llx could not be unmapped: %s",
		       (unsigned long long)m->iova, strerror(errno));
	free(m);
}

void vfio_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	struct vfio_map *m, **at = &dev->maps;

	if (!dma->va)
		return;
	while (*at && (*at)->iova != dma->iova)
		at = &(*at)->next;
	m = *at;
	*dma = (struct os_dma){0};
	if (!m)
		return;
	*at = m->next;
	release(dev, m);
}

void vfio_dma_fini(struct os_dev *dev)
{
	while (dev->maps) {
		struct vfio_map *m = dev->maps;

		dev->maps = m->next;
		release(dev, m);
	}
	free(dev->ranges);
	dev->ranges = NULL;
	dev->nranges = 0;
}
