/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's PCI: bus 0 by ECAM. */
#include "guest.h"
#include "hw/pci.h"

static volatile uint32_t *cfg(unsigned int devfn, unsigned int off)
{
	return (volatile uint32_t *)(boot->ecam + ((uint64_t)devfn << 12) + off);
}

uint32_t pci_rd32(unsigned int devfn, unsigned int off)
{
	return *cfg(devfn, off);
}

void pci_wr32(unsigned int devfn, unsigned int off, uint32_t val)
{
	*cfg(devfn, off) = val;
}

int pci_find(uint16_t vendor, uint16_t device, unsigned int n)
{
	uint32_t id = vendor | (uint32_t)device << 16;

	for (unsigned int devfn = 0; devfn < 256; devfn += 8)
		if (pci_rd32(devfn, 0) == id && !n--)
			return (int)devfn;
	return -ENODEV;
}

uint64_t pci_bar(unsigned int devfn, unsigned int n)
{
	return pci_rd32(devfn, 0x10 + 4 * n) & ~15u;
}

unsigned int pci_cap(unsigned int devfn, uint8_t id)
{
	unsigned int p = pci_rd32(devfn, 0x34) & 0xfc;

	for (unsigned int i = 0; p && i < 48; i++) {
		uint32_t v = pci_rd32(devfn, p);

		if ((v & 0xff) == id)
			return p;
		p = v >> 8 & 0xfc;
	}
	return 0;
}

void pci_enable(unsigned int devfn)
{
	pci_wr32(devfn, 4, (pci_rd32(devfn, 4) & 0xffff) | 6);
}

void pci_msix(unsigned int devfn, unsigned int n, uint8_t v)
{
	unsigned int c = pci_cap(devfn, 0x11);
	uint32_t t = pci_rd32(devfn, c + 4);
	volatile uint32_t *e =
		(volatile uint32_t *)(pci_bar(devfn, t & 7) + (t & ~7u) + (uint64_t)16 * n);

	e[0] = 0xfee00000;
	e[1] = 0;
	e[2] = v;
	e[3] = 0;
	pci_wr32(devfn, c, pci_rd32(devfn, c) | 0x80000000u);
}
