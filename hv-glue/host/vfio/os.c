/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The seam on VFIO: registers, configuration space, time and log. Only os_ functions are here. */
#include "vfio_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"
#include "hw/igb.h"
#include "os/barrier.h"

#define CFG_LEN 4096

uint32_t os_rd32(struct os_dev *dev, uint32_t reg)
{
	return le32_to_cpu(*(volatile le32 *)(dev->bar + reg));
}

void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	*(volatile le32 *)(dev->bar + reg) = cpu_to_le32(val);
}

void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	os_dma_wmb(); /* its partner is the device's fetch of the descriptors */
	*(volatile le32 *)(dev->bar + reg) = cpu_to_le32(val);
}

void os_flush(struct os_dev *dev)
{
	(void)os_rd32(dev, IGB_STATUS);
}

/* All ones, as a function that is gone answers. */
static void cfg_read(struct os_dev *dev, uint32_t off, void *val, size_t len)
{
	if (off + len <= dev->cfg_len &&
	    pread(dev->device, val, len, (off_t)(dev->cfg_off + off)) == (ssize_t)len)
		return;
	memset(val, 0xff, len);
}

static void cfg_write(struct os_dev *dev, uint32_t off, const void *val, size_t len)
{
	if (off + len <= dev->cfg_len &&
	    pwrite(dev->device, val, len, (off_t)(dev->cfg_off + off)) == (ssize_t)len)
		return;
	os_log(dev, OS_LOG_WARN, "configuration space at %#x could not be written", off);
}

uint16_t os_cfg_rd16(struct os_dev *dev, uint32_t off)
{
	le16 val;

	cfg_read(dev, off, &val, sizeof(val));
	return le16_to_cpu(val);
}

void os_cfg_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	le16 v = cpu_to_le16(val);

	cfg_write(dev, off, &v, sizeof(v));
}

uint32_t os_cfg_rd32(struct os_dev *dev, uint32_t off)
{
	le32 val;

	cfg_read(dev, off, &val, sizeof(val));
	return le32_to_cpu(val);
}

void os_cfg_wr32(struct os_dev *dev, uint32_t off, uint32_t val)
{
	le32 v = cpu_to_le32(val);

	cfg_write(dev, off, &v, sizeof(v));
}

int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma)
{
	return vfio_dma_alloc(dev, len, align, dma);
}

void os_dma_free(struct os_dev *dev, struct os_dma *dma)
{
	vfio_dma_free(dev, dma);
}

uint64_t os_now_us(struct os_dev *dev)
{
	struct timespec ts;

	(void)dev;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void os_delay_us(struct os_dev *dev, uint32_t us)
{
	struct timespec ts;

	(void)dev;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += us / 1000000;
	ts.tv_nsec += (long)(us % 1000000) * 1000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void os_log(struct os_dev *dev, enum os_log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	char line[512];
	va_list ap;

	if (level > vfio_log_max())
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: %s: %s\n", dev->bdf, names[level], line);
}
