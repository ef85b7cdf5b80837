/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finds PCI functions by libpci. */
#include "pci.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <pci/pci.h>

#include "hw/igb.h"
#include "os/vfio.h"
#include "text.h"

/* libpci's default for both is stderr, and exit() for an error. */
static void be_quiet(char *fmt, ...)
{
	(void)fmt;
}

/* NULL where there is no PCI: then libpci's scan would end the program. */
static struct pci_access *scan(void)
{
	struct pci_access *pa;

	if (access("/sys/bus/pci/devices", R_OK | X_OK))
		return NULL;
	pa = pci_alloc();
	if (!pa)
		return NULL;
	pa->method = PCI_ACCESS_SYS_BUS_PCI;
	pa->warning = be_quiet;
	pci_init(pa);
	pci_scan_bus(pa);
	return pa;
}

static void describe(struct pci_access *pa, struct pci_dev *dev, struct mgmt_pci *out)
{
	struct vfio_func f;

	memset(out, 0, sizeof(*out));
	pci_fill_info(dev, PCI_FILL_IDENT);
	mgmt_text(out->bdf, sizeof(out->bdf), "%04x:%02x:%02x.%u",
		  (unsigned int)dev->domain & 0xffff, dev->bus, dev->dev, dev->func & 7U);
	out->vendor = dev->vendor_id;
	out->device = dev->device_id;
	if (!pci_lookup_name(pa, out->name, sizeof(out->name),
			     PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE, dev->vendor_id, dev->device_id))
		mgmt_text(out->name, sizeof(out->name), "%04x:%04x", out->vendor, out->device);
	out->card = out->vendor == IGB_VENDOR_ID && out->device == IGB_DEV_ID_82576;
	/* The kernel's word: the capability itself lies where only root may read. */
	if (!vfio_func_read(out->bdf, &f, NULL))
		out->total = f.total_vfs;
}

static int no_such(const char *bdf, struct os_err *err)
{
	struct mgmt_pci cards[4];
	unsigned int i, n = mgmt_pci_cards(cards, ARRAY_SIZE(cards));
	char mend[192] = "lspci -D lists what is there; this machine has no 82576";
	size_t len;

	if (n)
		mgmt_text(mend, sizeof(mend), "82576 cards here:");
	for (i = 0; i < n && i < ARRAY_SIZE(cards); i++) {
		len = strlen(mend);
		mgmt_text(mend + len, sizeof(mend) - len, " %s", cards[i].bdf);
	}
	return os_err_set(err, -ENODEV, "no PCI function has that address", mend,
			  "%s was not found", bdf);
}

int mgmt_pci_read(const char *bdf, struct mgmt_pci *out, struct os_err *err)
{
	struct pci_access *pa;
	struct pci_dev *dev;
	struct vfio_func f;
	bool found = false;
	int ret;

	ret = vfio_func_read(bdf, &f, err);
	if (ret)
		return ret == -ENODEV ? no_such(f.bdf, err) : ret;
	pa = scan();
	for (dev = pa ? pa->devices : NULL; dev && !found; dev = dev->next) {
		describe(pa, dev, out);
		found = !strcmp(out->bdf, f.bdf);
	}
	if (pa)
		pci_cleanup(pa);
	return found ? 0 : no_such(f.bdf, err);
}

unsigned int mgmt_pci_cards(struct mgmt_pci *out, unsigned int max)
{
	struct pci_access *pa = scan();
	struct mgmt_pci one;
	struct pci_dev *dev;
	unsigned int n = 0;

	for (dev = pa ? pa->devices : NULL; dev; dev = dev->next) {
		describe(pa, dev, &one);
		if (!one.card)
			continue;
		if (n < max)
			out[n] = one;
		n++;
	}
	if (pa)
		pci_cleanup(pa);
	return n;
}

int mgmt_pci_check(const struct mgmt_pci *pci, struct os_err *err)
{
	char rule[160];

	if (!pci->total) {
		mgmt_text(rule, sizeof(rule),
			  "%04x:%04x has no SR-IOV, or the kernel or firmware hides it",
			  pci->vendor, pci->device);
		return os_err_set(
			err, -ENODEV, rule,
			"name the physical function of a card with SR-IOV, and enable SR-IOV "
			"in the firmware",
			"%s (%s) cannot be partitioned", pci->bdf, pci->name);
	}
	if (!pci->card) {
		mgmt_text(rule, sizeof(rule),
			  "the driver is for the 82576 (8086:10c9), this is %04x:%04x", pci->vendor,
			  pci->device);
		return os_err_set(err, -ENODEV, rule, "name an 82576's physical function",
				  "%s (%s) cannot be partitioned", pci->bdf, pci->name);
	}
	return 0;
}
