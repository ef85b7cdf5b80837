/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Writing cache lines back, for units that read their tables past the CPU's caches (ECAP.C). */
#include "vtd_priv.h"

void vtd_cache_flush(const void *p, size_t len)
{
	const char *at = (const char *)((uintptr_t)p & ~(uintptr_t)(CACHE_LINE - 1));
	const char *end = (const char *)p + len;

	for (; at < end; at += CACHE_LINE)
		__asm__ volatile("clflush %0" : : "m"(*at) : "memory");
	/* CLFLUSH is ordered by MFENCE with the register write that follows (SDM vol. 2A). */
	__asm__ volatile("mfence" ::: "memory");
}
