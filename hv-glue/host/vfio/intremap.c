/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Finds out whether the IOMMU remaps interrupts. */
#include "vfio_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * VFIO has no query for it. Linux puts every IO-APIC and MSI interrupt behind remapping once it is
 * on, and names their chips "IR-IO-APIC", "IR-PCI-MSI", "IR-PCI-MSIX-..." then; without it they
 * are "IO-APIC" and "PCI-MSI". /sys/kernel/irq/N/chip_name tells. Intel's and AMD's IOMMU alike.
 */
#define REMAPPED_PREFIX "IR-"

int vfio_intremap(struct os_err *err)
{
	char path[VFIO_PATH_LEN], rel[VFIO_PATH_LEN], chip[64];
	struct dirent *e;
	int seen = 0, found = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/irq", vfio_paths.sysfs);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(rel, sizeof(rel), "kernel/irq/%.16s/chip_name", e->d_name);
		if (vfio_sysfs_read(rel, chip, sizeof(chip)) || !chip[0])
			continue;
		seen++;
		found = !strncmp(chip, REMAPPED_PREFIX, strlen(REMAPPED_PREFIX));
	}
	if (dir)
		closedir(dir);
	if (!seen)
		return os_err_set(err, -ENOENT, "/sys/kernel/irq names no interrupt chip",
				  "use a kernel of 4.9 or later with sysfs mounted",
				  "whether interrupts are remapped is not known");
	return found;
}
