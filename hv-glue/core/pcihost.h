/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The machine's own PCI buses by ECAM: the card behind its bridges, its BARs, its VFs. */
#ifndef SLUICE_CORE_PCIHOST_H
#define SLUICE_CORE_PCIHOST_H

#include "os/os.h"

struct bare_env;

struct pci_card {
	uint16_t bdf, bridge;	   /* of the PF, and of the port above it */
	uint16_t open;		   /* a switch's port above it that does not redirect; 0: none */
	uint64_t bar, table;	   /* PF's registers and MSI-X table, host-physical */
	uint32_t exp, msix, sriov; /* offsets of its capabilities */
	unsigned int vfs_total;
	uint64_t vf_bar[2], vf_bar_len[2]; /* BAR 0 and 3 of VF 0; the length is one VF's */
	const struct bare_env *env;
};

/*
 * Finds the first 82576 with SR-IOV and ARI's way to it; its registers are mapped, its bus
 * mastering and VFs are off afterwards, it snoops, and ports above it redirect where they can. 0;
 * -ENODEV, -EOPNOTSUPP, -ENOSPC with @why, a sentence.
 */
int pcihost_find(struct pci_card *card, const struct bare_env *env, char *why,
		 size_t why_len) must_check;
/* @n VFs on, their BARs in the bridge's window. As above; -EINVAL: more than the card has. */
int pcihost_vfs(struct pci_card *card, unsigned int n, char *why, size_t why_len) must_check;
/* Secondary and subordinate bus of a bridge; false: it is none. @ctx: struct bare_env. */
bool pcihost_buses(void *ctx, unsigned int bdf, uint8_t bus[2]);
/* No VFs, no bus mastering. */
void pcihost_quiet(const struct pci_card *card);
/* Bus mastering of the PF. */
void pcihost_master(const struct pci_card *card, bool on);
/* The routing id of VF @vf; 0: it would be on a bus that the bridge does not have. */
uint16_t pcihost_vf(const struct pci_card *card, unsigned int vf);
/* The offset of capability @id, 0: none. */
uint32_t pcihost_cap(struct os_dev *dev, uint8_t id);

#endif
