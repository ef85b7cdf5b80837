/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Attacks on the virtual devices: configuration space, MSI-X tables, virtio rings of garbage. */
#include "attack.h"

static void ecam(void)
{
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t a = boot->ecam + (rnd() & 0xfffff);
		uint32_t v = rnd();

		switch (i % 6) {
		case 0:
			*(volatile uint8_t *)a = (uint8_t)v;
			break;
		case 1:
			*(volatile uint16_t *)(a & ~1ull) = (uint16_t)v;
			break;
		case 2:
			*(volatile uint32_t *)(a & ~3ull) = v;
			break;
		case 3:
			(void)*(volatile uint8_t *)a;
			break;
		case 4:
			(void)*(volatile uint32_t *)a;
			break; /* across boundaries, too */
		case 5:
			(void)*(volatile uint64_t *)(a & ~7ull);
			break;
		}
		/* The functions that are there get more than their share. */
		pci_wr32((rnd() & 3) << 3, rnd() & 0xfc, rnd());
	}
}

/* The MSI-X table of the VF or the virtio NIC: addresses and vectors that are nobody's. */
static void msix(void)
{
	int d = pci_find(0x8086, 0x10ca, 0);
	unsigned int c;
	uint64_t table;

	if (d < 0)
		d = pci_find(0x1af4, 0x1041, 0);
	if (d < 0) {
		say("no function with MSI-X");
		done(92);
	}
	pci_enable((unsigned int)d);
	c = pci_cap((unsigned int)d, 0x11);
	table = pci_bar((unsigned int)d, pci_rd32((unsigned int)d, c + 4) & 7);
	pci_wr32((unsigned int)d, c, 0x80000000u);
	for (unsigned int i = 0; i < 4000; i++) {
		volatile uint32_t *e = (volatile uint32_t *)(table + (rnd() & 0x3f) * 4);

		*e = i & 1 ? rnd() : 0xfee00000u | (rnd() & 0xff0ff);
		(void)*e;
		if (i % 7 == 0)
			*(volatile uint64_t *)(table + (rnd() & 0x1f) * 8) = rnd();
		if (i % 50 == 0)
			pci_wr32((unsigned int)d, c, rnd());
	}
}

/* Garbage in the rings, then in the registers that say where the rings are. */
static void virtio(void)
{
	struct net *n = net_virtio();
	uint64_t bar, spot;

	if (!n) {
		say("no virtio");
		done(92);
	}
	bar = pci_bar(n->devfn, pci_rd32(n->devfn, pci_cap(n->devfn, 9) + 4) & 7);
	spot = (uint64_t)env.pages(16 * 4096);
	for (unsigned int round = 0; round < 200; round++) {
		uint32_t *w = (uint32_t *)spot;

		for (unsigned int i = 0; i < 16 * 1024; i += 1 + (rnd() & 15))
			w[i] = round & 1 ? rnd() : (uint32_t)spot + (rnd() & 0xffff);
		*(volatile uint16_t *)(bar + 22) = (uint16_t)(rnd() & 1);
		*(volatile uint32_t *)(bar + 32) = round & 2 ? (uint32_t)spot : rnd();
		*(volatile uint32_t *)(bar + 40) = (uint32_t)spot + 0x4000;
		*(volatile uint32_t *)(bar + 48) = round & 4 ? (uint32_t)spot + 0x8000 : rnd();
		*(volatile uint16_t *)(bar + 28) = 1;
		/* An index far ahead; descriptor 0 is a chain that points at itself. */
		*(volatile uint64_t *)spot = spot;
		*(volatile uint32_t *)(spot + 8) = 64;
		*(volatile uint32_t *)(spot + 12) = 1 | 0u << 16;
		*(volatile uint16_t *)(spot + 0x4002) = (uint16_t)rnd();
		for (unsigned int i = 0; i < 64; i++)
			*(volatile uint16_t *)(bar + (rnd() & 0x3ffe)) = (uint16_t)rnd();
		*(volatile uint8_t *)(bar + 20) = (uint8_t)(round % 5 ? 15 : 0);
		call(GUEST_CALL_BEAT, round);
	}
}

const struct attack attack_dev[] = {
	{"ecam", ecam}, {"msix", msix}, {"virtio", virtio}, {NULL, NULL}};
