/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Memory that a guest gets: nothing of a former owner in it; and leaves some for the next one to
 * find. */
#include "guest.h"

/* Looks at all that the core did not fill for the start, then fills it with a pattern. */
void role_zero(void)
{
	uint64_t *p = env.pages(4096), dirty = 0, first = 0;
	uint64_t *end = (uint64_t *)boot->mem;

	for (; p < end; p++) {
		if (*p) {
			if (!dirty++)
				first = (uint64_t)p;
		}
		*p = 0x736563726574;
	}
	say("zero: %lu words of somebody, first at %lx", dirty, first);
	done(dirty != 0);
}
