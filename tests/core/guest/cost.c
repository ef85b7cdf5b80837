/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What an exit costs: each kind many times in a row, in TSC ticks. On an emulated CPU whose TSC
 * counts instructions these are instructions: the guest's loop and the core's work together.
 */
#include "guest.h"

#define TIMES  100
#define SERIES 10 /* kicks */

static void cost_cpuid(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void cost_call(void)
{
	call(GUEST_CALL_EXITS, 0);
}

static void cost_ecam(void)
{
	pci_rd32(0xf8, 0);
}

static void cost_msr(void)
{
	uint32_t a, d;

	__asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(0x1b));
}

static void cost_port(void)
{
	inb(0x3fd);
}

static void cost_none(void)
{
	__asm__ volatile("");
}

static uint64_t ticks(void (*fn)(void))
{
	uint64_t t = tsc();

	for (unsigned int i = 0; i < TIMES; i++)
		fn();
	return tsc() - t;
}

static void figure(const char *name, void (*fn)(void))
{
	uint64_t least = UINT64_MAX;

	/* The least of many: a service round of the core may fall into one. */
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t t = ticks(fn) - ticks(cost_none);

		if (t < least)
			least = t;
	}
	say("figure cost %s=%lu", name, least / TIMES);
}

/* A kick with one frame behind it: all that the core does for it, by its own count. */
static void kicks(struct net *n)
{
	uint64_t least = UINT64_MAX, exits = 0;
	uint16_t len = 64;

	for (unsigned int series = 0; series < 20; series++) {
		struct spent s;

		spent_mark(&s);
		for (unsigned int i = 0; i < SERIES; i++) {
			uint8_t *b = n->ops->tx_buf(n);

			if (!b)
				done(94);
			memset(b, 0xff, 6);
			memcpy(b + 6, n->mac.b, 6);
			b[12] = 0x88;
			b[13] = 0xb5;
			n->ops->tx(n, &len, 1);
		}
		spent_since(&s);
		if (s.root < least) {
			least = s.root;
			exits = s.exits;
		}
	}
	say("figure cost kick=%lu exits=%lu", least / SERIES, exits);
}

void role_cost(void)
{
	struct net *n;

	figure("cpuid", cost_cpuid);
	figure("call", cost_call);
	figure("ept", cost_ecam);
	figure("msr", cost_msr);
	figure("port", cost_port);
	n = same(arg("nic", ""), "virtio") ? net_open() : NULL;
	if (n)
		kicks(n);
}
