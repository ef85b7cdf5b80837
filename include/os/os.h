/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The seam: all that a driver asks of its platform. A host under hv-glue/host implements it (VFIO,
 * a QEMU device server); unit tests have one in memory. A program links exactly one host.
 *
 * A struct os_dev is one PCI function with its register BAR mapped. The host makes and frees it; a
 * driver borrows it. One thread at a time uses one os_dev.
 */
#ifndef SLUICE_OS_OS_H
#define SLUICE_OS_OS_H

#include "base/types.h"

struct os_dev;

/* Registers, BAR 0, @reg in bytes and a multiple of 4. Reads flush posted writes. */
uint32_t os_rd32(struct os_dev *dev, uint32_t reg);
/* Posted: may be buffered until a read, os_doorbell() or os_flush() of any function of the host. */
void os_wr32(struct os_dev *dev, uint32_t reg, uint32_t val);
/*
 * A write that tells the device of descriptors in memory: ordered after every earlier store to DMA
 * memory and every earlier register write, and on its way when this returns. Its partner is the
 * device's fetch.
 */
void os_doorbell(struct os_dev *dev, uint32_t reg, uint32_t val);
/* Every earlier write has reached the device when this returns; costs a read or less. */
void os_flush(struct os_dev *dev);

/* Configuration space of the function, @off in bytes, naturally aligned, 0..4095. */
uint16_t os_cfg_rd16(struct os_dev *dev, uint32_t off);
void os_cfg_wr16(struct os_dev *dev, uint32_t off, uint16_t val);
uint32_t os_cfg_rd32(struct os_dev *dev, uint32_t off);
void os_cfg_wr32(struct os_dev *dev, uint32_t off, uint32_t val);

/*
 * DMA memory: coherent, zeroed, contiguous for the device. The caller owns the struct, the host the
 * memory behind it.
 */
struct os_dma {
	void *va;
	uint64_t iova; /* what the device uses */
	size_t len;    /* bytes */
};

/*
 * @len bytes aligned to @align (a power of two, at most 4096) both in @va and @iova. Returns 0,
 * -EINVAL or -ENOMEM.
 */
int os_dma_alloc(struct os_dev *dev, size_t len, size_t align, struct os_dma *dma) must_check;
/* Only what the device no longer uses. Clears *dma; a cleared one is ignored. */
void os_dma_free(struct os_dev *dev, struct os_dma *dma);

/* Monotonic microseconds, from an arbitrary start. */
uint64_t os_now_us(struct os_dev *dev);
/* At least @us microseconds, at most 1000000: for polls, and for waits that a datasheet demands. */
void os_delay_us(struct os_dev *dev, uint32_t us);

enum os_log_level { OS_LOG_ERR, OS_LOG_WARN, OS_LOG_INFO, OS_LOG_DEBUG };

/* One line without newline; the host puts the function's address first. Never on a packet path. */
void os_log(struct os_dev *dev, enum os_log_level level, const char *fmt, ...) printf_like(3, 4);

#endif
