/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The bare host: the seam without an operating system under it. Used by the hypervisor core, whose
 * functions are reached by ECAM, and by guests that the core runs. Memory is mapped one to one.
 * Freestanding; one set-up a program.
 */
#ifndef SLUICE_OS_BARE_H
#define SLUICE_OS_BARE_H

#include <stdarg.h>

#include "os/os.h"

/* What the program under the seam gives it; all are called on the CPU that calls os_. */
struct bare_env {
	/* @len bytes, a multiple of 4096, page-aligned, zeroed, contiguous; NULL: none left. */
	void *(*pages)(size_t len);
	void (*pages_free)(void *p, size_t len);
	/* Physical address that a device uses for @p; NULL: the same number. */
	uint64_t (*iova)(const void *p);
	/* One line; @who is the function's address as text, or "" */
	void (*log)(enum os_log_level level, const char *who, const char *fmt, va_list ap);
	/* Called within os_delay_us(), never from within itself; may be NULL. */
	void (*idle)(void);
	uint64_t tsc_hz; /* of an invariant TSC that started near 0 */
	uint64_t ecam;	 /* of bus 0, MCFG's base; 0: no configuration space */
};

/* The caller owns it; set by bare_func() or bare_mmio(), lives as long as its drivers. */
struct os_dev {
	volatile uint8_t *regs;
	volatile uint8_t *cfg; /* 4 KiB of configuration space, or NULL: reads as ones */
	const struct bare_env *env;
	uint16_t bdf; /* bus << 8 | device << 3 | function */
	char name[16];
	size_t dma_live; /* allocations that are not freed */
};

/* The function @bdf with its registers at @regs; BARs and command register are the caller's. */
void bare_func(struct os_dev *dev, const struct bare_env *env, uint16_t bdf, uint64_t regs);
/* Registers that no function has (VT-d); @name for the log, at most 15 characters. */
void bare_mmio(struct os_dev *dev, const struct bare_env *env, uint64_t regs, const char *name);

#endif
