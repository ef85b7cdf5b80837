/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Is this machine fit? Checks that need no daemon, each with what was found and what would mend it.
 */
#include "abi/mgmt_doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/vfio.h"
#include "pci.h"
#include "text.h"

#define QEMU_MAJOR_MIN 8	     /* the first with vf-token= of vfio-pci is 8.1 */
#define FREE_MIN       (1024 * 1024) /* bytes; the store is some 30 KiB */

/* Sets a check's outcome; @mend is kept only for a failure. */
static void outcome(struct mgmt_check *c, const char *name, bool ok, const char *mend)
{
	c->name = name;
	c->ok = ok;
	mgmt_text(c->mend, sizeof(c->mend), "%s", ok ? "" : mend);
}

static void from_err(struct mgmt_check *c, const char *name, const struct os_err *err)
{
	mgmt_text(c->found, sizeof(c->found), "%s: %s", err->what, err->rule);
	outcome(c, name, false, err->mend);
}

static bool check_device(const char *bdf, struct mgmt_check *c, struct mgmt_pci *pci)
{
	struct os_err err = {0};
	int ret;

	if (!bdf && !mgmt_pci_cards(pci, 1)) {
		mgmt_text(c->found, sizeof(c->found), "no 82576 in this machine");
		outcome(c, "device", false, "add the card; lspci -D -d 8086:10c9 must list it");
		return false;
	}
	ret = bdf ? mgmt_pci_read(bdf, pci, &err) : 0;
	if (!ret)
		ret = mgmt_pci_check(pci, &err);
	if (ret) {
		from_err(c, "device", &err);
		return false;
	}
	mgmt_text(c->found, sizeof(c->found), "%s %s, %u VFs", pci->bdf, pci->name, pci->total);
	outcome(c, "device", true, "");
	return true;
}

static void check_driver(const struct mgmt_pci *pci, struct mgmt_check *c)
{
	struct os_err err = {0};
	struct vfio_func f;

	if (vfio_func_read(pci->bdf, &f, &err)) {
		from_err(c, "driver", &err);
		return;
	}
	mgmt_text(c->found, sizeof(c->found), "%s is bound to %s and has %u VFs", f.bdf,
		  f.driver[0] ? f.driver : "no driver", f.num_vfs);
	outcome(c, "driver", !strcmp(f.driver, "vfio-pci") || !f.num_vfs,
		"end what uses the VFs and write 0 to the card's sriov_numvfs");
}

static unsigned int entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	unsigned int n = 0;

	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void check_iommu(struct mgmt_check *c)
{
	unsigned int n = entries("/sys/kernel/iommu_groups");

	mgmt_text(c->found, sizeof(c->found), "%u IOMMU groups", n);
	outcome(c, "iommu", n > 0,
		"enable VT-d (or AMD-Vi) in the firmware and boot with intel_iommu=on");
}

static void check_group(const struct mgmt_pci *pci, struct mgmt_check *c)
{
	struct os_err err = {0};
	struct vfio_func f;
	char others[96] = "";
	int n;

	if (vfio_func_read(pci->bdf, &f, &err)) {
		from_err(c, "group", &err);
		return;
	}
	if (f.group < 0) {
		mgmt_text(c->found, sizeof(c->found), "%s is in no IOMMU group", f.bdf);
		outcome(c, "group", false, "turn the IOMMU on first");
		return;
	}
	n = vfio_group_others(pci->bdf, others, sizeof(others), &err);
	if (n < 0) {
		from_err(c, "group", &err);
		return;
	}
	mgmt_text(c->found, sizeof(c->found), "group %d holds %s %s%s", f.group, f.bdf,
		  n ? "and " : "alone", others);
	outcome(c, "group", !n, "use a slot behind a root port with ACS, or enable ACS there");
}

static void check_intremap(struct mgmt_check *c)
{
	struct os_err err = {0};
	int on = vfio_intremap(&err);

	if (on < 0) {
		from_err(c, "intremap", &err);
		return;
	}
	mgmt_text(c->found, sizeof(c->found), "interrupts are %s",
		  on ? "remapped" : "not remapped");
	outcome(c, "intremap", on,
		"enable x2APIC and interrupt remapping in the firmware; or take the risk: sluiced "
		"--unsafe-interrupts");
}

static void check_vfio(struct mgmt_check *c)
{
	bool drv = !access("/sys/bus/pci/drivers/vfio-pci", F_OK);
	bool type1 = !access("/dev/vfio/vfio", F_OK);

	mgmt_text(c->found, sizeof(c->found), "vfio-pci %s, /dev/vfio/vfio %s",
		  drv ? "is loaded" : "is not loaded", type1 ? "is there" : "is missing");
	outcome(c, "vfio", drv && type1, "modprobe vfio-pci; a kernel with CONFIG_VFIO_PCI");
}

/* What @cmd (a literal) prints, to @size bytes; false when it could not be run. */
static bool command(const char *cmd, char *out, size_t size)
{
	FILE *p = popen(cmd, "re");
	size_t n;

	if (!p)
		return false;
	n = fread(out, 1, size - 1, p);
	out[n] = '\0';
	/* Read to its end, so that it is not killed by a full pipe. */
	while (fgetc(p) != EOF)
		;
	return pclose(p) == 0 && n > 0;
}

static void check_qemu(struct mgmt_check *c)
{
	char text[8192];
	unsigned int major = 0, minor = 0;
	bool token;

	if (!command("timeout 20 qemu-system-x86_64 --version 2>/dev/null", text, sizeof(text)) ||
	    sscanf(text, "QEMU emulator version %u.%u", &major, &minor) != 2) {
		mgmt_text(c->found, sizeof(c->found), "qemu-system-x86_64 is not on the path");
		outcome(c, "qemu", false, "install qemu-system-x86, 8.1 or later");
		return;
	}
	token = command("timeout 20 qemu-system-x86_64 -device vfio-pci,help 2>/dev/null", text,
			sizeof(text)) &&
		strstr(text, "vf-token");
	mgmt_text(c->found, sizeof(c->found), "QEMU %u.%u, vfio-pci %s vf-token", major, minor,
		  token ? "with" : "without");
	outcome(c, "qemu", major >= QEMU_MAJOR_MIN && token,
		"install QEMU 8.1 or later: a VF of a VFIO-held card needs vf-token=");
}

static const char *permission_mend(int no)
{
	if (geteuid() != 0)
		return "run as root: sluiced binds drivers and creates VFs";
	if (no == EACCES || no == EPERM)
		return "give root the device: a container or a security module keeps it away";
	return "modprobe vfio-pci";
}

static void check_permission(struct mgmt_check *c)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	int no = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	mgmt_text(c->found, sizeof(c->found), "user id %u, /dev/vfio/vfio %s%s", geteuid(),
		  no ? "cannot be opened: " : "can be opened", no ? strerror(no) : "");
	outcome(c, "permission", !no && geteuid() == 0, permission_mend(no));
}

/* The first directory on the way to @path that exists: it is what must be writable. */
static void existing_parent(const char *path, char *out, size_t size)
{
	char *slash;

	mgmt_text(out, size, "%s", path);
	while (access(out, F_OK)) {
		slash = strrchr(out, '/');
		if (!slash || slash == out) {
			mgmt_text(out, size, "/");
			return;
		}
		*slash = '\0';
	}
}

static void check_state(const char *state_dir, struct mgmt_check *c)
{
	char dir[256];
	struct statvfs fs;
	unsigned long long room = 0;
	bool writable;

	existing_parent(state_dir, dir, sizeof(dir));
	writable = !access(dir, W_OK | X_OK);
	if (!statvfs(dir, &fs))
		room = (unsigned long long)fs.f_bavail * fs.f_frsize;
	mgmt_text(c->found, sizeof(c->found), "%s %s, %llu MiB free", state_dir,
		  writable ? "can be written" : "cannot be written", room >> 20);
	outcome(c, "state", writable && room >= FREE_MIN,
		"run as root, or give sluiced another --state on a writable disk with room");
}

unsigned int mgmt_doctor(const char *bdf, const char *state_dir, struct mgmt_check *out)
{
	struct mgmt_pci pci;
	unsigned int n = 0;
	bool there;

	there = check_device(bdf, &out[n++], &pci);
	if (there)
		check_driver(&pci, &out[n++]);
	check_iommu(&out[n++]);
	if (there)
		check_group(&pci, &out[n++]);
	check_intremap(&out[n++]);
	check_vfio(&out[n++]);
	check_qemu(&out[n++]);
	check_permission(&out[n++]);
	check_state(state_dir, &out[n++]);
	return n;
}
