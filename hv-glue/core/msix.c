/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* MSI-X as a guest sees it (PCI 3.0, 6.8.2): the table it wrote, its masks, what is pending. */
#include "base/errno.h"
#include "guest.h"
#include "hw/pci.h"
#include "vpci.h"

#define WORDS (PCI_MSIX_ENTRY_SIZE / 4)

int vpci_msix_init(struct vpci_func *f, struct vpci_msix *m, unsigned int count, unsigned int bar,
		   uint32_t table_off, uint32_t pba_off)
{
	int cap;

	if (!count || count > VPCI_MSIX_MAX)
		return -EINVAL;
	cap = vpci_cap(f, PCI_CAP_ID_MSIX, PCI_MSIX_LEN);
	if (cap < 0)
		return cap;
	*m = (struct vpci_msix){.cap = (unsigned int)cap,
				.bar = bar,
				.count = count,
				.table_off = table_off,
				.pba_off = pba_off};
	vpci_put(f, m->cap + PCI_MSIX_CTRL, 2, count - 1);
	vpci_allow(f, m->cap + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_MASKALL | PCI_MSIX_CTRL_ENABLE);
	vpci_put(f, m->cap + PCI_MSIX_TABLE, 4, table_off | bar);
	vpci_put(f, m->cap + PCI_MSIX_PBA, 4, pba_off | bar);
	vpci_msix_reset(m);
	f->msix = m;
	return 0;
}

void vpci_msix_reset(struct vpci_msix *m)
{
	m->pending = 0;
	for (unsigned int i = 0; i < m->count; i++) {
		m->entry[i].addr = 0;
		m->entry[i].data = 0;
		m->entry[i].ctrl = PCI_MSIX_ENTRY_MASKED;
	}
}

static uint32_t word_read(const struct vpci_msix *m, unsigned int n, unsigned int word)
{
	switch (word * 4) {
	case PCI_MSIX_ENTRY_ADDR_LO:
		return (uint32_t)m->entry[n].addr;
	case PCI_MSIX_ENTRY_ADDR_HI:
		return (uint32_t)(m->entry[n].addr >> 32);
	case PCI_MSIX_ENTRY_DATA:
		return m->entry[n].data;
	default:
		return m->entry[n].ctrl;
	}
}

static void word_write(struct vpci_msix *m, unsigned int n, unsigned int word, uint32_t val)
{
	uint64_t *addr = &m->entry[n].addr;

	switch (word * 4) {
	case PCI_MSIX_ENTRY_ADDR_LO:
		*addr = (*addr & ~(uint64_t)UINT32_MAX) | (val & ~3u);
		break;
	case PCI_MSIX_ENTRY_ADDR_HI:
		*addr = (*addr & UINT32_MAX) | (uint64_t)val << 32;
		break;
	case PCI_MSIX_ENTRY_DATA:
		m->entry[n].data = val;
		break;
	default:
		m->entry[n].ctrl = val & PCI_MSIX_ENTRY_MASKED;
	}
}

/* 6.8.2: aligned doublewords and quadwords alone. */
static bool valid(const struct vpci_msix *m, uint64_t off, unsigned int size)
{
	return (size == 4 || size == 8) && !(off & (size - 1)) &&
	       off < (uint64_t)m->count * PCI_MSIX_ENTRY_SIZE;
}

uint64_t vpci_msix_read(const struct vpci_msix *m, uint64_t off, unsigned int size)
{
	unsigned int n = (unsigned int)off / PCI_MSIX_ENTRY_SIZE;
	unsigned int word = (unsigned int)off / 4 % WORDS;
	uint64_t val;

	if (!valid(m, off, size))
		return 0;
	val = word_read(m, n, word);
	if (size == 8)
		val |= (uint64_t)word_read(m, n, word + 1) << 32;
	return val;
}

int vpci_msix_write(struct vpci_msix *m, uint64_t off, unsigned int size, uint64_t val)
{
	unsigned int n = (unsigned int)off / PCI_MSIX_ENTRY_SIZE;
	unsigned int word = (unsigned int)off / 4 % WORDS;

	if (!valid(m, off, size))
		return -1;
	word_write(m, n, word, (uint32_t)val);
	if (size == 8)
		word_write(m, n, word + 1, (uint32_t)(val >> 32));
	return (int)n;
}

static uint32_t control(const struct vpci_func *f, const struct vpci_msix *m)
{
	return vpci_get(f, m->cap + PCI_MSIX_CTRL, 2);
}

bool vpci_msix_on(const struct vpci_func *f, const struct vpci_msix *m, unsigned int entry)
{
	return entry < m->count && !(m->entry[entry].ctrl & PCI_MSIX_ENTRY_MASKED) &&
	       (control(f, m) & (PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL)) ==
		       PCI_MSIX_CTRL_ENABLE;
}

void vpci_msix_raise(struct vpci_func *f, struct vpci_msix *m, unsigned int entry)
{
	if (entry >= m->count || !(control(f, m) & PCI_MSIX_CTRL_ENABLE))
		return;
	if (!vpci_msix_on(f, m, entry)) {
		m->pending |= BIT(entry);
		return;
	}
	m->pending &= ~BIT(entry);
	(void)lapic_msi(f->guest, m->entry[entry].addr,
			m->entry[entry].data); /* counts for itself */
}

void vpci_msix_control(struct vpci_func *f, struct vpci_msix *m)
{
	if (!(control(f, m) & PCI_MSIX_CTRL_ENABLE))
		m->pending = 0;
	for (unsigned int i = 0; i < m->count; i++)
		if (m->pending & BIT(i))
			vpci_msix_raise(f, m, i);
}
