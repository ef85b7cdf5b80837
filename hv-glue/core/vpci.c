/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's PCI bus: configuration space by ECAM, and BARs that follow what the guest writes. */
#include "vpci.h"

#include "base/errno.h"
#include "guest.h"
#include "host.h"
#include "hw/pci.h"

#define CAP_FIRST 0x40
#define BAR_SPACE (GPA_PCI_LEN / GUEST_FUNCS) /* each device number has its own part at first */

/* ---- configuration space --------------------------------------------------------------------- */

uint32_t vpci_get(const struct vpci_func *f, unsigned int off, unsigned int len)
{
	uint32_t val = 0;

	for (unsigned int i = 0; i < len; i++)
		val |= (uint32_t)f->cfg[off + i] << 8 * i;
	return val;
}

void vpci_put(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t val)
{
	for (unsigned int i = 0; i < len; i++)
		f->cfg[off + i] = (uint8_t)(val >> 8 * i);
}

void vpci_allow(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t mask)
{
	for (unsigned int i = 0; i < len; i++)
		f->mask[off + i] |= (uint8_t)(mask >> 8 * i);
}

void vpci_header(struct vpci_func *f, uint16_t vendor, uint16_t device, uint32_t class, uint8_t rev,
		 uint16_t sub_vendor, uint16_t sub_device)
{
	vpci_put(f, PCI_VENDOR_ID, 2, vendor);
	vpci_put(f, PCI_DEVICE_ID, 2, device);
	vpci_put(f, PCI_CLASS_REV, 4, class << 8 | rev);
	vpci_put(f, PCI_SUBSYSTEM, 4, sub_vendor | (uint32_t)sub_device << 16);
	vpci_allow(f, PCI_COMMAND, 2,
		   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
}

int vpci_cap(struct vpci_func *f, uint8_t id, unsigned int len)
{
	unsigned int at = f->cap_end ? f->cap_end : CAP_FIRST;
	unsigned int link = f->cap_end ? f->cap_last + 1 : PCI_CAP_PTR;

	if (len < 2 || len > VPCI_CFG - at)
		return -ENOSPC;
	f->cfg[link] = (uint8_t)at;
	f->cfg[at] = id;
	f->cap_last = at;
	f->cap_end = (at + len + 3) & ~3u;
	vpci_put(f, PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	return (int)at;
}

/* ---- BARs ------------------------------------------------------------------------------------ */

static uint64_t trapped_read(void *ctx, struct gcpu *g, uint64_t off, unsigned int size)
{
	struct vpci_bar *b = ctx;
	struct vpci_func *f = b->func;

	return f->bar_read(f, g, (unsigned int)(b - f->bar), off + b->trap, size);
}

static void trapped_write(void *ctx, struct gcpu *g, uint64_t off, unsigned int size, uint64_t val)
{
	struct vpci_bar *b = ctx;
	struct vpci_func *f = b->func;

	f->bar_write(f, g, (unsigned int)(b - f->bar), off + b->trap, size, val);
}

/* A part that the guest reaches without an exit. */
static int map_part(struct vpci_bar *b, uint64_t from, uint64_t to)
{
	if (from >= to)
		return 0;
	return vcpu_map(&b->func->guest->space, b->addr + from, b->hpa + from, to - from,
			VCPU_R | VCPU_W, VCPU_UC);
}

static void unmap_part(struct vpci_bar *b, uint64_t from, uint64_t to)
{
	/* No table is split for it: it was mapped by these very pages. */
	if (from < to && vcpu_unmap(&b->func->guest->space, b->addr + from, to - from))
		guest_log(b->func->guest, "a BAR at 0x%llx could not be unmapped",
			  (unsigned long long)b->addr);
}

/* The trapped part of a BAR, all of it when nothing is behind it. */
static void trap_range(const struct vpci_bar *b, uint64_t *from, uint64_t *to)
{
	*from = b->hpa ? b->trap : 0;
	*to = b->hpa ? b->trap + b->trap_len : b->len;
}

static void bar_unmap(struct vpci_bar *b)
{
	uint64_t from, to;

	if (!b->mapped)
		return;
	trap_range(b, &from, &to);
	unmap_part(b, 0, from);
	unmap_part(b, to, b->len);
	if (from < to)
		mmio_del(b->func->guest, b->addr + from);
	b->mapped = false;
}

static int bar_map(struct vpci_bar *b, uint64_t addr)
{
	struct mmio_region r = {.read = trapped_read, .write = trapped_write, .ctx = b};
	uint64_t from, to;
	int err;

	trap_range(b, &from, &to);
	b->addr = addr;
	r.gpa = addr + from;
	r.len = to - from;
	err = map_part(b, 0, from);
	if (err)
		return err;
	err = map_part(b, to, b->len);
	if (err)
		goto err_first;
	err = from < to ? mmio_add(b->func->guest, &r) : 0;
	if (err)
		goto err_second;
	b->mapped = true;
	return 0;
err_second:
	unmap_part(b, to, b->len);
err_first:
	unmap_part(b, 0, from);
	return err;
}

/* Brings one BAR to where the guest has it now. An address outside of the window or over another
 * BAR decodes nothing, as on a bridge that does not forward it. */
static void bar_update(struct vpci_func *f, unsigned int n)
{
	struct vpci_bar *b = &f->bar[n];
	uint64_t addr = vpci_get(f, PCI_BAR(n), 4) & PCI_BAR_MEM_MASK;
	bool on = b->len && vpci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY && addr >= GPA_PCI &&
		  addr <= GPA_PCI + GPA_PCI_LEN - b->len;

	if (b->mapped && on && addr == b->addr)
		return;
	bar_unmap(b);
	if (on && bar_map(b, addr)) {
		guest_refused(f->guest);
		guest_log(f->guest, "device %u: BAR %u at 0x%llx lies over another, not mapped",
			  f->dev, n, (unsigned long long)addr);
	}
}

/* ---- ECAM ------------------------------------------------------------------------------------ */

static bool overlaps(unsigned int off, unsigned int len, unsigned int reg, unsigned int reg_len)
{
	return off < reg + reg_len && reg < off + len;
}

static struct vpci_func *func_at(const struct guest *g, uint64_t off)
{
	uint64_t devfn = off >> 12;

	return devfn & 7 || devfn >> 3 >= GUEST_FUNCS ? NULL : g->func[devfn >> 3];
}

static uint64_t ecam_read(void *ctx, struct gcpu *c, uint64_t off, unsigned int size)
{
	const struct vpci_func *f = func_at(ctx, off);
	unsigned int reg = (unsigned int)off & 0xfff;

	(void)c;
	if (!f || size > 4 || reg & (size - 1))
		return UINT64_MAX;
	return reg < VPCI_CFG ? vpci_get(f, reg, size) : 0;
}

static void ecam_write(void *ctx, struct gcpu *c, uint64_t off, unsigned int size, uint64_t val)
{
	struct vpci_func *f = func_at(ctx, off);
	unsigned int reg = (unsigned int)off & 0xfff;
	uint32_t old, mask = 0;

	(void)c;
	if (!f || size > 4 || reg & (size - 1) || reg >= VPCI_CFG)
		return;
	old = vpci_get(f, reg, size);
	for (unsigned int i = 0; i < size; i++)
		mask |= (uint32_t)f->mask[reg + i] << 8 * i;
	vpci_put(f, reg, size, (old & ~mask) | ((uint32_t)val & mask));
	for (unsigned int i = 0; i < VPCI_BARS; i++)
		if (overlaps(reg, size, PCI_COMMAND, 2) || overlaps(reg, size, PCI_BAR(i), 4))
			bar_update(f, i);
	if (f->msix && overlaps(reg, size, f->msix->cap + PCI_MSIX_CTRL, 2))
		vpci_msix_control(f, f->msix);
	if (f->written)
		f->written(f, reg, size, old);
}

/* ---- life ------------------------------------------------------------------------------------ */

int vpci_init(struct guest *g)
{
	const struct mmio_region r = {
		.gpa = GPA_ECAM, .len = 1 << 20, .read = ecam_read, .write = ecam_write, .ctx = g};

	return mmio_add(g, &r);
}

void vpci_fini(struct guest *g)
{
	for (unsigned int i = 0; i < GUEST_FUNCS; i++)
		if (g->func[i])
			vpci_del(g->func[i]);
	mmio_del(g, GPA_ECAM);
}

/* Largest first would pack better; there is room enough to align each for itself. */
static int place_bars(struct vpci_func *f, unsigned int dev)
{
	uint64_t at = GPA_PCI + dev * BAR_SPACE, end = at + BAR_SPACE;

	for (unsigned int i = 0; i < VPCI_BARS; i++) {
		struct vpci_bar *b = &f->bar[i];

		b->func = f;
		if (!b->len)
			continue;
		at = (at + b->len - 1) & ~(uint64_t)(b->len - 1);
		if (b->len > end - at || at >= end)
			return -ENOSPC;
		vpci_put(f, PCI_BAR(i), 4, (uint32_t)at);
		vpci_allow(f, PCI_BAR(i), 4, ~(b->len - 1));
		at += b->len;
	}
	return 0;
}

int vpci_add(struct guest *g, struct vpci_func *f, int dev)
{
	int err;

	if (dev < 0)
		for (dev = 1; dev < GUEST_FUNCS && g->func[dev]; dev++)
			;
	if (dev >= GUEST_FUNCS)
		return -ENOSPC;
	if (g->func[dev])
		return -EBUSY;
	f->guest = g;
	f->dev = (unsigned int)dev;
	err = place_bars(f, f->dev);
	if (!err)
		g->func[dev] = f;
	return err;
}

void vpci_del(struct vpci_func *f)
{
	for (unsigned int i = 0; i < VPCI_BARS; i++)
		bar_unmap(&f->bar[i]);
	f->guest->func[f->dev] = NULL;
	f->remove(f);
}

void vpci_reset(struct vpci_func *f)
{
	vpci_put(f, PCI_COMMAND, 2, 0);
	for (unsigned int i = 0; i < VPCI_BARS; i++)
		bar_unmap(&f->bar[i]);
	if (!f->msix)
		return;
	vpci_put(f, f->msix->cap + PCI_MSIX_CTRL, 2, f->msix->count - 1);
	vpci_msix_reset(f->msix);
}
