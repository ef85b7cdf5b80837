/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The seam on the bare machine: registers, ECAM, pages, the TSC. Only os_ functions are here. */
#include "base/endian.h"
#include "base/errno.h"
#include "hw/igb.h"
#include "os/bare.h"
#include "os/barrier.h"

#define PAGE	 4096u
#define CFG_LEN	 4096u
#define DELAY_US 1000000u

uint32_t os_rd32(struct os_dev *dev, uint32_t reg)
{
	return le32_to_cpu(*(volatile le32 *)(volatile void *)(dev->regs + reg));
}

void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	*(volatile le32 *)(volatile void *)(dev->regs + reg) = cpu_to_le32(val);
}

void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	os_dma_wmb(); /* its partner is the device's fetch of the descriptors */
	os_wr32(dev, reg, val);
}

/* Registers are uncached: a write leaves the CPU at once, and a read comes back after it. */
void os_flush(struct os_dev *dev)
{
	(void)os_rd32(dev, IGB_STATUS);
}

uint16_t os_cfg_rd16(struct os_dev *dev, uint32_t off)
{
	if (!dev->cfg || off > CFG_LEN - sizeof(uint16_t))
		return UINT16_MAX;
	return le16_to_cpu(*(volatile le16 *)(volatile void *)(dev->cfg + off));
}

void os_cfg_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	if (dev->cfg && off <= CFG_LEN - sizeof(val))
		*(volatile le16 *)(volatile void *)(dev->cfg + off) = cpu_to_le16(val);
}

uint32_t os_cfg_rd32(struct os_dev *dev, uint32_t off)
{
	if (!dev->cfg || off > CFG_LEN - sizeof(uint32_t))
		return UINT32_MAX;
	return le32_to_cpu(*(volatile le32 *)(volatile void *)(dev->cfg + off));
}

void os_cfg_wr32(struct os_dev *dev, uint32_t off, uint32_t val)
{
	if (dev->cfg && off <= CFG_LEN - sizeof(val))
		*(volatile le32 *)(volatile void *)(dev->cfg + off) = cpu_to_le32(val);
}

static size_t whole_pages(size_t len)
{
	return (len + PAGE - 1) & ~(size_t)(PAGE - 1);
}

int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	const struct bare_env *env = dev->env;
	void *va;

	if (!len || len > SIZE_MAX - PAGE || !align || align > PAGE || (align & (align - 1)))
		return -EINVAL;
	va = env->pages ? env->pages(whole_pages(len)) : NULL;
	if (!va)
		return -ENOMEM;
	dma->va = va;
	dma->iova = env->iova ? env->iova(va) : (uintptr_t)va;
	dma->len = len;
	dev->dma_live++;
	return 0;
}

void os_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	if (!dma->va)
		return;
	dev->env->pages_free(dma->va, whole_pages(dma->len));
	*dma = (struct os_dma){0};
	dev->dma_live--;
}

uint64_t os_now_us(struct os_dev *dev)
{
	uint64_t hz = dev->env->tsc_hz;
	uint32_t lo, hi;
	uint64_t tsc;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	tsc = (uint64_t)hi << 32 | lo;
	/* Seconds apart: the product of all ticks with a million overflows within hours. */
	return tsc / hz * 1000000 + tsc % hz * 1000000 / hz;
}

void os_delay_us(struct os_dev *dev, uint32_t us)
{
	static bool idling; /* one CPU at a time is in a driver */
	uint64_t end = os_now_us(dev) + (us < DELAY_US ? us : DELAY_US);
	bool mine = dev->env->idle && !idling;

	do {
		if (mine) {
			idling = true;
			dev->env->idle();
			idling = false;
		}
		__asm__ volatile("pause" : : : "memory");
	} while (os_now_us(dev) < end);
}

void os_log(struct os_dev *dev, enum os_log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!dev->env->log)
		return;
	va_start(ap, fmt);
	dev->env->log(level, dev->name, fmt, ap);
	va_end(ap);
}
