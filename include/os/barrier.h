/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Order between the CPU and a device that share coherent memory. x86-64 keeps loads in order with
 * loads and stores with stores (Intel SDM vol. 3A, 8.2), so the compiler alone has to be held back.
 */
#ifndef SLUICE_OS_BARRIER_H
#define SLUICE_OS_BARRIER_H

#if !defined(__x86_64__)
#error "barriers are written for x86-64 alone"
#endif

/* After the load that shows a descriptor done, before the loads of what was written with it. */
static inline void os_dma_rmb(void)
{
	__asm__ volatile("" ::: "memory");
}

/* After the stores of a descriptor, before the store that hands it over. */
static inline void os_dma_wmb(void)
{
	__asm__ volatile("" ::: "memory");
}

#endif
