/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The seam in memory, for unit tests. */
#include "fake_os.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "hw/igb.h"
#include "hw/pci.h"

struct os_dev *fake_new(void)
{
	struct os_dev *dev = calloc(1, sizeof(*dev));

	assert(dev);
	dev->dma_fail_after = -1;
	os_cfg_wr16(dev, PCI_VENDOR_ID, IGB_VENDOR_ID);
	os_cfg_wr16(dev, PCI_DEVICE_ID, IGB_DEV_ID_82576);
	return dev;
}

void fake_free(struct os_dev *dev)
{
	assert(dev->dma_live == 0);
	free(dev);
}

void fake_log_clear(struct os_dev *dev)
{
	dev->nlog = 0;
}

long fake_log_find(const struct os_dev *dev, uint32_t reg, size_t from)
{
	for (size_t i = from; i < dev->nlog; i++)
		if (dev->log[i].reg == reg)
			return (long)i;
	return -1;
}

uint32_t os_rd32(struct os_dev *dev, uint32_t reg)
{
	assert(reg % 4 == 0 && reg / 4 < FAKE_REGS);
	dev->reads++;
	if (dev->on_read)
		return dev->on_read(dev, reg, dev->reg[reg / 4]);
	return dev->reg[reg / 4];
}

void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	assert(reg % 4 == 0 && reg / 4 < FAKE_REGS);
	assert(dev->nlog < FAKE_LOG);
	dev->log[dev->nlog++] = (struct fake_write){reg, val};
	if (dev->on_write)
		val = dev->on_write(dev, reg, val);
	dev->reg[reg / 4] = val;
}

void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	dev->doorbells++;
	os_wr32(dev, reg, val);
}

void os_flush(struct os_dev *dev)
{
	(void)dev;
}

uint16_t os_cfg_rd16(struct os_dev *dev, uint32_t off)
{
	uint16_t val;

	assert(off % 2 == 0 && off < sizeof(dev->cfg));
	memcpy(&val, &dev->cfg[off], sizeof(val));
	return val;
}

void os_cfg_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	assert(off % 2 == 0 && off < sizeof(dev->cfg));
	memcpy(&dev->cfg[off], &val, sizeof(val));
}

uint32_t os_cfg_rd32(struct os_dev *dev, uint32_t off)
{
	uint32_t val;

	assert(off % 4 == 0 && off < sizeof(dev->cfg));
	memcpy(&val, &dev->cfg[off], sizeof(val));
	return val;
}

void os_cfg_wr32(struct os_dev *dev, uint32_t off, uint32_t val)
{
	assert(off % 4 == 0 && off < sizeof(dev->cfg));
	memcpy(&dev->cfg[off], &val, sizeof(val));
}

int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	if (!len || align > 4096 || (align & (align - 1)))
		return -EINVAL;
	if (dev->dma_fail_after == 0)
		return -ENOMEM;
	if (dev->dma_fail_after > 0)
		dev->dma_fail_after--;
	if (align < 16)
		align = 16;
	len = (len + align - 1) & ~(align - 1);
	dma->va = aligned_alloc(align, len);
	assert(dma->va);
	memset(dma->va, 0, len);
	dma->iova = (uint64_t)(uintptr_t)dma->va;
	dma->len = len;
	dev->dma_live++;
	return 0;
}

void os_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	if (!dma->va)
		return;
	free(dma->va);
	*dma = (struct os_dma){0};
	assert(dev->dma_live > 0);
	dev->dma_live--;
}

uint64_t os_now_us(struct os_dev *dev)
{
	return ++dev->now_us;
}

void os_delay_us(struct os_dev *dev, uint32_t us)
{
	dev->now_us += us;
}

void os_log(struct os_dev *dev, enum os_log_level level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(dev->last_log, sizeof(dev->last_log), fmt, ap);
	va_end(ap);
	dev->logs++;
}
