/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The one bounded wait of the drivers. */
#ifndef SLUICE_OS_POLL_H
#define SLUICE_OS_POLL_H

#include "base/errno.h"
#include "os/os.h"

/*
 * Reads @reg until (value & @mask) == @want, every @step_us, for at most @limit_us by the clock.
 * The register is read once more after the limit, so that a caller that was held up does not report
 * a time-out that never was. Returns 0 or -ETIMEDOUT.
 */
static inline int must_check os_poll32(struct os_dev *dev, uint32_t reg, uint32_t mask,
				       uint32_t want, uint32_t step_us, uint32_t limit_us)
{
	uint64_t end = os_now_us(dev) + limit_us;

	while ((os_rd32(dev, reg) & mask) != want) {
		if (os_now_us(dev) >= end)
			return (os_rd32(dev, reg) & mask) == want ? 0 : -ETIMEDOUT;
		os_delay_us(dev, step_us);
	}
	return 0;
}

#endif
