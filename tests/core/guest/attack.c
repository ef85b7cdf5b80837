/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The bare guest as an attacker: one try an image start, named by the second word of its arguments
 * (what=NAME). It ends with "survived" when it was let go on, which for some is what has to happen.
 */
#include "attack.h"

static uint64_t seed = 88172645463325252u;

uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static void lookup(const char *name)
{
	for (unsigned int t = 0; t < ARRAY_SIZE(attack_tables); t++)
		for (const struct attack *a = attack_tables[t]; a->name; a++)
			if (same(a->name, name)) {
				a->fn();
				return;
			}
	say("no attack %s", name);
	done(94);
}

void role_attack(void)
{
	char name[32];
	const char *s = arg("what", "");
	unsigned int n = 0;

	for (; s[n] && n + 1 < sizeof(name); n++)
		name[n] = s[n];
	name[n] = 0;
	say("attack %s", name);
	lookup(name);
	say("attack %s: survived", name);
}
