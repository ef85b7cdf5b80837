/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest: reads its arguments, plays the role that the first word names. */
#include "guest.h"

static const struct {
	const char *name;
	void (*fn)(void);
} roles[] = {
	{"beat", role_beat}, {"echo", role_echo}, {"ping", role_ping},	   {"source", role_source},
	{"sink", role_sink}, {"cost", role_cost}, {"attack", role_attack}, {"zero", role_zero},
	{"cpus", role_cpus}, {"spin", role_spin}, {"nap", role_nap},	   {"keep", role_keep},
};

void guest_main(const struct guest_boot *b);

void guest_main(const struct guest_boot *b)
{
	char word[16];
	unsigned int n = 0;

	boot = b;
	if (b->magic != GUEST_BOOT_MAGIC)
		for (;;)
			__asm__ volatile("cli; hlt");
	trap_init();
	env.tsc_hz = b->tsc_hz;
	env.ecam = b->ecam;
	for (; b->args[n] && b->args[n] != ' ' && n + 1 < sizeof(word); n++)
		word[n] = b->args[n];
	word[n] = 0;
	say("guest: %s", b->args);
	for (n = 0; n < ARRAY_SIZE(roles); n++)
		if (same(word, roles[n].name)) {
			roles[n].fn();
			done(0);
		}
	say("no role %s", word);
	done(91);
}
