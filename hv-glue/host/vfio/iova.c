/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finds free addresses in the device's address space, clear of what the platform reserves. */
#include "vfio_priv.h"

/* 0 would pass for "no address" in a descriptor or a struct os_dma. */
#define IOVA_FIRST VFIO_PAGE

static uint64_t page_up(uint64_t a)
{
	return (a + VFIO_PAGE - 1) & ~(uint64_t)(VFIO_PAGE - 1);
}

/* In one range: the first gap of @len between the sorted mappings. */
static uint64_t find_in(const struct vfio_range *r, const struct vfio_map *maps, size_t len)
{
	uint64_t at = r->start < IOVA_FIRST ? IOVA_FIRST : r->start;

	if (at > UINT64_MAX - VFIO_PAGE)
		return 0;
	at = page_up(at);
	for (; maps; maps = maps->next) {
		if (maps->iova + maps->len <= at)
			continue;
		if (maps->iova >= at && maps->iova - at >= len)
			break;
		if (maps->iova > r->last)
			break;
		at = maps->iova + maps->len;
	}
	if (at > r->last || r->last - at < len - 1)
		return 0;
	return at;
}

uint64_t vfio_iova_find(const struct vfio_range *ranges, unsigned int nr,
			const struct vfio_map *maps, size_t len)
{
	if (!len || len % VFIO_PAGE)
		return 0;
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t at = find_in(&ranges[i], maps, len);

		if (at)
			return at;
	}
	return 0;
}
