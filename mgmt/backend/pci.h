/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finds PCI functions by libpci: is it there, what is it, which cards would do. */
#ifndef SLUICE_MGMT_BACKEND_PCI_H
#define SLUICE_MGMT_BACKEND_PCI_H

#include "abi/mgmt.h"
#include "os/err.h"

/* One function; plain data. */
struct mgmt_pci {
	char bdf[MGMT_BDF_LEN]; /* with domain */
	uint16_t vendor, device;
	char name[96]; /* "Intel Corporation 82576 Gigabit Network Connection", or the numbers */
	bool card;     /* an 82576's physical function */
	unsigned int total; /* VFs that the card can have, 0: no SR-IOV */
};

/* The function @bdf, "0000:01:00.0" or "01:00.0"; -EINVAL, -ENODEV with the cards that are there as
 * the remedy. */
int mgmt_pci_read(const char *bdf, struct mgmt_pci *out, struct os_err *err) must_check;
/* The first @max 82576 physical functions; how many there are. */
unsigned int mgmt_pci_cards(struct mgmt_pci *out, unsigned int max);
/* 0 when @pci can be partitioned, else -ENODEV and why not. */
int mgmt_pci_check(const struct mgmt_pci *pci, struct os_err *err) must_check;

#endif
