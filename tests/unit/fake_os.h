/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The seam in memory, for unit tests: registers are an array, writes are logged, time is virtual.
 * It models no device: a test says with hooks what a register does.
 */
#ifndef SLUICE_TESTS_UNIT_FAKE_OS_H
#define SLUICE_TESTS_UNIT_FAKE_OS_H

#include "os/os.h"

#define FAKE_REGS (128 * 1024 / 4)
#define FAKE_LOG  65536

struct fake_write {
	uint32_t reg, val;
};

/* Make one with fake_new(); the members are for tests to look at and to set. */
struct os_dev {
	uint32_t reg[FAKE_REGS];
	uint8_t cfg[4096];
	struct fake_write
		log[FAKE_LOG]; /* os_wr32() and os_doorbell(), in order; wraps never: it fails */
	size_t nlog;
	uint64_t now_us; /* advanced by os_delay_us(), and by 1 at each os_now_us() */
	uint64_t reads, doorbells;
	size_t dma_live;    /* allocations not freed */
	int dma_fail_after; /* that many succeed, then -ENOMEM; negative: never fails */
	char last_log[256];
	unsigned int logs;
	/* Called instead of the plain array when not NULL; `*val` is what the array holds, return
	 * what is read. */
	uint32_t (*on_read)(struct os_dev *dev, uint32_t reg, uint32_t val);
	/* Called before the store; returns what is stored. */
	uint32_t (*on_write)(struct os_dev *dev, uint32_t reg, uint32_t val);
	void *user;
};

/* A fresh device, all registers 0, vendor and device id those of an 82576 PF. */
struct os_dev *fake_new(void);
/* Fails the test when DMA memory leaked. */
void fake_free(struct os_dev *dev);
/* Forgets the log. */
void fake_log_clear(struct os_dev *dev);
/* The index in the log of the first write to @reg at or after @from, or -1. */
long fake_log_find(const struct os_dev *dev, uint32_t reg, size_t from);

#endif
