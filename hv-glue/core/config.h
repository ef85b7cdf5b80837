/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest as its configuration has it. */
#ifndef SLUICE_CORE_CONFIG_H
#define SLUICE_CORE_CONFIG_H

#include "base/types.h"
#include "bounds.h"

enum nic_tier { NIC_NONE, NIC_VF, NIC_VMDQ, NIC_BRIDGE };

/* What the configuration says of a guest; plain data. */
struct guest_config {
	char name[NAME_LEN];
	char image[NAME_LEN], initrd[NAME_LEN]; /* modules */
	char args[ARGS_LEN];			/* kernel command line, or the bare guest's */
	uint32_t mem_mib, cpus;
	int cpu; /* pinned to this CPU; -1: where there is room */
	bool autostart;
	bool learn; /* its vNICs on the bridge may use further addresses */
	struct {
		enum nic_tier tier;
		int vf; /* of NIC_VF; -1: any free */
	} nic[GUEST_NICS];
};

#endif
