/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tables of attacks, a file a kind. */
#ifndef SLUICE_TESTS_ATTACK_H
#define SLUICE_TESTS_ATTACK_H

#include "guest.h"

struct attack {
	const char *name;
	void (*fn)(void);
};

extern const struct attack attack_cpu[], attack_mem[], attack_dma[], attack_dev[], attack_vf[],
	attack_pair[];
static const struct attack *const attack_tables[] = {attack_cpu, attack_mem, attack_dma,
						     attack_dev, attack_vf,  attack_pair};

/* The same numbers at each start. */
uint32_t rnd(void);

#endif
