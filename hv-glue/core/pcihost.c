/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Looks for the card on the machine's own buses, and completes what firmware left open of it. */
#include "pcihost.h"

#include "base/errno.h"
#include "host.h"
#include "hw/igb.h"
#include "hw/pci.h"
#include "os/bare.h"

#define CAPS_MAX    48
#define DEPTH_MAX   8
#define FUNCS	    256 /* on a bus */
#define CLASS_NET   0x02
#define VF_DELAY_US 100000 /* SR-IOV 9.3.3.3.1: before a VF is spoken to */
#define PF_BAR_MEM  0
#define PF_BAR_MSIX 3
#define ACS_ON	    (PCI_ACS_SOURCE | PCI_ACS_REQUESTS | PCI_ACS_COMPLETIONS | PCI_ACS_UPSTREAM)
#define NO_BDF	    UINT16_MAX

static struct os_dev func(const struct bare_env *env, unsigned int bdf)
{
	struct os_dev d;

	bare_func(&d, env, (uint16_t)bdf, 0);
	return d;
}

static unsigned int cfg_rd8(struct os_dev *d, uint32_t off)
{
	return os_cfg_rd32(d, off & ~3u) >> 8 * (off & 3) & 0xff;
}

uint32_t pcihost_cap(struct os_dev *dev, uint8_t id)
{
	uint32_t off = cfg_rd8(dev, PCI_CAP_PTR) & 0xfc;

	if (!(os_cfg_rd16(dev, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	for (int n = 0; off && n < CAPS_MAX; n++) {
		uint32_t head = os_cfg_rd16(dev, off);

		if ((head & 0xff) == id)
			return off;
		off = head >> 8 & 0xfc;
	}
	return 0;
}

static uint32_t ext_cap(struct os_dev *dev, uint32_t id)
{
	uint32_t off = PCI_EXT_CAP_START;

	for (int n = 0; off >= PCI_EXT_CAP_START && n < CAPS_MAX; n++) {
		uint32_t head = os_cfg_rd32(dev, off);

		if (head == UINT32_MAX)
			break;
		if (field_get(PCI_EXT_CAP_ID, head) == id)
			return off;
		off = field_get(PCI_EXT_CAP_NEXT, head) & ~3u;
	}
	return 0;
}

/* ---- ports above the card ------------------------------------------------------------------- */

/* A switch hands a request that hits what is below another of its ports to that port, past VT-d,
 * unless it is told to send all of them up (6.12). True when it does. */
static bool acs_on(struct os_dev *port)
{
	uint32_t acs = ext_cap(port, PCI_EXT_CAP_ID_ACS);
	uint16_t on;

	if (!acs)
		return false;
	on = os_cfg_rd16(port, acs + PCI_ACS_CAP) & ACS_ON;
	os_cfg_wr16(port, acs + PCI_ACS_CTRL, on);
	return on & PCI_ACS_REQUESTS && os_cfg_rd16(port, acs + PCI_ACS_CTRL) == on;
}

/* Of a switch's ports the lower ones count: requests are handed from one to another of them. */
static void port_above(struct pci_card *card, struct os_dev *port, bool root)
{
	uint32_t exp = pcihost_cap(port, PCI_CAP_ID_EXP);
	bool up = exp && field_get(PCI_EXP_FLAGS_TYPE, os_cfg_rd16(port, exp + PCI_EXP_FLAGS)) ==
				 PCI_EXP_TYPE_UPSTREAM;

	if (acs_on(port) || up)
		return;
	if (!root)
		card->open = port->bdf;
	else
		core_log(OS_LOG_INFO,
			 "card: root port %s has no ACS: the chipset alone sends DMA to VT-d",
			 port->name);
}

/* ---- the scan -------------------------------------------------------------------------------- */

struct scan {
	struct pci_card *card;
	uint32_t seen[FUNCS / 32]; /* buses: each is looked at once, whatever bridges say */
	unsigned int bridges;
	uint16_t other; /* a network card that is not ours */
};

static bool scan_bus(struct scan *s, unsigned int bus, uint16_t bridge, unsigned int depth);

/* One function; true when it is the card. */
static bool scan_func(struct scan *s, unsigned int bdf, uint16_t bridge, unsigned int depth,
		      unsigned int type)
{
	struct os_dev d = func(s->card->env, bdf);

	if ((type & 0x7f) == PCI_HEADER_BRIDGE) {
		s->bridges++;
		if (!scan_bus(s, cfg_rd8(&d, PCI_BUSES + 1), (uint16_t)bdf, depth + 1))
			return false;
		port_above(s->card, &d, !depth);
		return true;
	}
	if (os_cfg_rd16(&d, PCI_VENDOR_ID) == IGB_VENDOR_ID &&
	    os_cfg_rd16(&d, PCI_DEVICE_ID) == IGB_DEV_ID_82576) {
		s->card->bdf = (uint16_t)bdf;
		s->card->bridge = bridge;
		return true;
	}
	if (os_cfg_rd32(&d, PCI_CLASS_REV) >> 24 == CLASS_NET && s->other == NO_BDF)
		s->other = (uint16_t)bdf;
	return false;
}

static bool scan_bus(struct scan *s, unsigned int bus, uint16_t bridge, unsigned int depth)
{
	if (depth > DEPTH_MAX || bus < acpi.ecam_start_bus || bus > acpi.ecam_end_bus ||
	    s->seen[bus / 32] >> bus % 32 & 1)
		return false;
	s->seen[bus / 32] |= BIT(bus % 32);
	for (unsigned int fn = 0; fn < FUNCS; fn++) {
		struct os_dev d = func(s->card->env, bus << 8 | fn);
		unsigned int type = 0;

		if (os_cfg_rd16(&d, PCI_VENDOR_ID) != UINT16_MAX) {
			type = cfg_rd8(&d, PCI_HEADER_TYPE);
			if (scan_func(s, bus << 8 | fn, bridge, depth, type))
				return true;
		}
		if (!(fn & 7) && !(type & PCI_HEADER_MULTI))
			fn |= 7;
	}
	return false;
}

/* ---- addresses ------------------------------------------------------------------------------- */

struct window {
	uint64_t base, end; /* end: the first that is not in it */
};

/* What a bridge forwards below 4 GiB; false: nothing. */
static bool window_read(struct os_dev *bridge, uint32_t reg, struct window *w)
{
	uint32_t v = os_cfg_rd32(bridge, reg);

	w->base = (uint64_t)field_get(PCI_WIN_BASE, v) << 20;
	w->end = ((uint64_t)field_get(PCI_WIN_LIMIT, v) + 1) << 20;
	if (reg == PCI_PREF_WIN &&
	    (os_cfg_rd32(bridge, PCI_PREF_BASE_HI) || os_cfg_rd32(bridge, PCI_PREF_LIMIT_HI)))
		return false;
	return w->base && w->base < w->end;
}

/* The length of a memory BAR, by writing ones; its register stays as it was. Memory is off. */
static uint64_t bar_len(struct os_dev *d, uint32_t reg, uint64_t *base)
{
	uint32_t was = os_cfg_rd32(d, reg), mask;

	os_cfg_wr32(d, reg, UINT32_MAX);
	mask = os_cfg_rd32(d, reg);
	os_cfg_wr32(d, reg, was);
	*base = was & PCI_BAR_MEM_MASK;
	return mask & PCI_BAR_IO ? 0 : (~(mask & PCI_BAR_MEM_MASK) + 1) & UINT32_MAX;
}

/* Ranges below the bridge that are taken: the BARs of the card's functions. */
struct taken {
	struct {
		uint64_t base, len;
	} r[24];
	unsigned int n;
};

static void taken_add(struct taken *t, uint64_t base, uint64_t len)
{
	if (base && len && t->n < ARRAY_SIZE(t->r)) {
		t->r[t->n].base = base;
		t->r[t->n++].len = len;
	}
}

static void taken_func(struct taken *t, struct os_dev *d)
{
	uint16_t cmd = os_cfg_rd16(d, PCI_COMMAND);

	os_cfg_wr16(d, PCI_COMMAND, (uint16_t)(cmd & ~PCI_COMMAND_MEMORY));
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t base, len = bar_len(d, PCI_BAR(i), &base);

		taken_add(t, base, len);
		if (os_cfg_rd32(d, PCI_BAR(i)) & PCI_BAR_MEM_64)
			i++;
	}
	os_cfg_wr16(d, PCI_COMMAND, cmd);
}

/* A gap of @len bytes in the window, aligned to @align (a power of two); 0: none. */
static uint64_t gap(const struct window *w, const struct taken *t, uint64_t align, uint64_t len)
{
	uint64_t at = (w->base + align - 1) & ~(align - 1);
	bool moved = true;

	while (moved && at + len <= w->end) {
		moved = false;
		for (unsigned int i = 0; i < t->n; i++) {
			uint64_t end = t->r[i].base + t->r[i].len;

			if (at >= end || t->r[i].base >= at + len)
				continue;
			at = (end + align - 1) & ~(align - 1);
			moved = true;
		}
	}
	return at + len <= w->end ? at : 0;
}

/*
 * Room for @n BARs of @len each in a gap of the bridge's windows; 0: none. Windows come in MiB: one
 * that firmware made for the PF has half of it left, which is more than all of its VFs need.
 */
static uint64_t room(const struct pci_card *card, const struct taken *t, uint64_t len,
		     unsigned int n)
{
	struct os_dev bridge = func(card->env, card->bridge);
	struct window w;
	uint64_t at = 0;

	if (window_read(&bridge, PCI_PREF_WIN, &w))
		at = gap(&w, t, len, len * n);
	if (!at && window_read(&bridge, PCI_MEM_WIN, &w))
		at = gap(&w, t, len, len * n);
	return at;
}

/* All functions on the card's bus: its other port, too. */
static void taken_read(const struct pci_card *card, struct taken *t)
{
	t->n = 0;
	for (unsigned int fn = 0; fn < 8; fn++) {
		struct os_dev d = func(card->env, (card->bdf & 0xff00u) | fn);

		if (os_cfg_rd16(&d, PCI_VENDOR_ID) != UINT16_MAX)
			taken_func(t, &d);
	}
}

/* ---- the PF ---------------------------------------------------------------------------------- */

/* A BAR of the PF below 4 GiB, given an address when firmware gave none. 0: no room. */
static uint64_t pf_bar(struct pci_card *card, struct os_dev *pf, unsigned int n)
{
	uint64_t base, len = bar_len(pf, PCI_BAR(n), &base);
	bool wide = os_cfg_rd32(pf, PCI_BAR(n)) & PCI_BAR_MEM_64;
	struct taken t;

	if (!len || (base && !(wide && os_cfg_rd32(pf, PCI_BAR(n + 1)))))
		return len ? base : 0;
	taken_read(card, &t);
	base = room(card, &t, len, 1);
	os_cfg_wr32(pf, PCI_BAR(n), (uint32_t)base);
	if (wide)
		os_cfg_wr32(pf, PCI_BAR(n + 1), 0);
	return base;
}

/* VFs have function numbers above 7, which only a port that forwards by ARI lets through. */
static int ari_on(const struct pci_card *card, char *why, size_t why_len)
{
	struct os_dev b = func(card->env, card->bridge);
	uint32_t exp = pcihost_cap(&b, PCI_CAP_ID_EXP);

	if (!exp || !(os_cfg_rd32(&b, exp + PCI_EXP_DEVCAP2) & PCI_EXP_DEVCAP2_ARI)) {
		fmt(why, why_len,
		    "the port %s above the card does not forward by ARI, so its VFs cannot be "
		    "reached: put the card into another slot",
		    b.name);
		return -EOPNOTSUPP;
	}
	os_cfg_wr16(&b, exp + PCI_EXP_DEVCTL2,
		    os_cfg_rd16(&b, exp + PCI_EXP_DEVCTL2) | PCI_EXP_DEVCTL2_ARI);
	os_cfg_wr16(&b, PCI_COMMAND,
		    os_cfg_rd16(&b, PCI_COMMAND) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return 0;
}

static int not_found(const struct scan *s, char *why, size_t why_len)
{
	struct os_dev d = func(s->card->env, s->other);

	if (s->other == NO_BDF)
		fmt(why, why_len,
		    "there is no network card with SR-IOV behind the %u PCI bridges: plug in an "
		    "82576; in QEMU: -device igb behind a pcie-root-port",
		    s->bridges);
	else
		fmt(why, why_len,
		    "the network card %s (%08x) is no 82576%s: plug in one; in QEMU: -device igb",
		    d.name, os_cfg_rd32(&d, PCI_VENDOR_ID),
		    ext_cap(&d, PCI_EXT_CAP_ID_SRIOV) ? "" : " and has no SR-IOV");
	return -ENODEV;
}

int pcihost_find(struct pci_card *card, const struct bare_env *env, char *why, size_t why_len)
{
	struct scan s = {.card = card, .other = NO_BDF};
	struct os_dev pf;

	*card = (struct pci_card){.env = env};
	if (!scan_bus(&s, acpi.ecam_start_bus, NO_BDF, 0))
		return not_found(&s, why, why_len);
	pf = func(env, card->bdf);
	pcihost_master(card, false);
	card->sriov = ext_cap(&pf, PCI_EXT_CAP_ID_SRIOV);
	card->exp = pcihost_cap(&pf, PCI_CAP_ID_EXP);
	card->msix = pcihost_cap(&pf, PCI_CAP_ID_MSIX);
	if (!card->sriov || !card->exp || !card->msix || card->bridge == NO_BDF) {
		fmt(why, why_len,
		    "the 82576 at %s shows no SR-IOV, or is not behind a PCI Express port: switch "
		    "SR-IOV on in the firmware's setup",
		    pf.name);
		return -EOPNOTSUPP;
	}
	if (card->open) {
		fmt(why, why_len,
		    "the card at %s is behind the port %s of a PCI Express switch that does not "
		    "redirect requests (ACS), so it could pass DMA to other cards before VT-d sees "
		    "it: put the card into another slot",
		    pf.name, func(env, card->open).name);
		return -EOPNOTSUPP;
	}
	/* A page that was cleared for its new owner may be clear in the CPU's caches alone. */
	os_cfg_wr16(&pf, card->exp + PCI_EXP_DEVCTL,
		    os_cfg_rd16(&pf, card->exp + PCI_EXP_DEVCTL) &
			    (uint16_t)~PCI_EXP_DEVCTL_NO_SNOOP);
	os_cfg_wr16(&pf, card->sriov + PCI_SRIOV_CTRL, 0);
	card->vfs_total = os_cfg_rd16(&pf, card->sriov + PCI_SRIOV_TOTAL_VF);
	os_cfg_wr16(&pf, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
	card->bar = pf_bar(card, &pf, PF_BAR_MEM);
	card->table = pf_bar(card, &pf, PF_BAR_MSIX);
	if (!card->bar || !card->table) {
		fmt(why, why_len, "no room below 4 GiB for the registers of the card at %s",
		    pf.name);
		return -ENOSPC;
	}
	os_cfg_wr16(&pf, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	return ari_on(card, why, why_len);
}

void pcihost_master(const struct pci_card *card, bool on)
{
	struct os_dev pf = func(card->env, card->bdf);
	unsigned int cmd = os_cfg_rd16(&pf, PCI_COMMAND) & ~PCI_COMMAND_MASTER;

	os_cfg_wr16(&pf, PCI_COMMAND, (uint16_t)(cmd | (on ? PCI_COMMAND_MASTER : 0)));
}

bool pcihost_buses(void *ctx, unsigned int bdf, uint8_t bus[2])
{
	struct os_dev d = func(ctx, bdf);

	if (bdf >> 8 < acpi.ecam_start_bus || bdf >> 8 > acpi.ecam_end_bus)
		return false;
	bus[0] = (uint8_t)cfg_rd8(&d, PCI_BUSES + 1);
	bus[1] = (uint8_t)cfg_rd8(&d, PCI_BUSES + 2);
	return (cfg_rd8(&d, PCI_HEADER_TYPE) & 0x7f) == PCI_HEADER_BRIDGE;
}

/* ---- the VFs --------------------------------------------------------------------------------- */

uint16_t pcihost_vf(const struct pci_card *card, unsigned int vf)
{
	struct os_dev pf = func(card->env, card->bdf), b = func(card->env, card->bridge);
	uint32_t where = os_cfg_rd32(&pf, card->sriov + PCI_SRIOV_VF_OFFSET);
	uint32_t id = card->bdf + (where & 0xffff) + vf * (where >> 16);

	return id >> 8 > cfg_rd8(&b, PCI_BUSES + 2) || id <= card->bdf ? 0 : (uint16_t)id;
}

/* One BAR of all VFs; its length is one VF's (9.3.3.14). */
static int vf_bar(struct pci_card *card, struct os_dev *pf, struct taken *t, unsigned int i,
		  unsigned int n)
{
	uint32_t reg = card->sriov + PCI_SRIOV_BAR(i ? 3u : 0u);
	uint64_t base, len = bar_len(pf, reg, &base);

	base = len >= VCPU_PAGE ? room(card, t, len, n) : 0;
	if (!base)
		return -ENOSPC;
	os_cfg_wr32(pf, reg, (uint32_t)base);
	if (os_cfg_rd32(pf, reg) & PCI_BAR_MEM_64)
		os_cfg_wr32(pf, reg + 4, 0);
	taken_add(t, base, len * n);
	card->vf_bar[i] = base;
	card->vf_bar_len[i] = len;
	return (os_cfg_rd32(pf, reg) & PCI_BAR_MEM_MASK) == base ? 0 : -ENOSPC;
}

int pcihost_vfs(struct pci_card *card, unsigned int n, char *why, size_t why_len)
{
	struct os_dev pf = func(card->env, card->bdf);
	struct taken t;

	if (n > card->vfs_total) {
		fmt(why, why_len, "%u VFs are asked for, the card at %s has %u: ask for fewer", n,
		    pf.name, card->vfs_total);
		return -EINVAL;
	}
	if (!n)
		return 0;
	os_cfg_wr32(&pf, card->sriov + PCI_SRIOV_SYS_PGSIZE, 1); /* 4 KiB */
	taken_read(card, &t);
	if (vf_bar(card, &pf, &t, 0, n) || vf_bar(card, &pf, &t, 1, n)) {
		fmt(why, why_len,
		    "no room below 4 GiB for the registers of %u VFs behind the card's port: ask "
		    "for fewer, or switch SR-IOV on in the firmware's setup",
		    n);
		return -ENOSPC;
	}
	os_cfg_wr16(&pf, card->sriov + PCI_SRIOV_NUM_VF, (uint16_t)n);
	os_cfg_wr16(&pf, card->sriov + PCI_SRIOV_CTRL,
		    PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	os_delay_us(&pf, VF_DELAY_US);
	if (os_cfg_rd16(&pf, card->sriov + PCI_SRIOV_NUM_VF) != n || !pcihost_vf(card, n - 1)) {
		fmt(why, why_len,
		    "the card at %s did not take %u VFs, or its port has no bus number for them: "
		    "switch SR-IOV on in the firmware's setup",
		    pf.name, n);
		return -ENODEV;
	}
	return 0;
}

void pcihost_quiet(const struct pci_card *card)
{
	struct os_dev pf = func(card->env, card->bdf);

	os_cfg_wr16(&pf, card->sriov + PCI_SRIOV_CTRL, 0);
	os_cfg_wr16(&pf, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
}
