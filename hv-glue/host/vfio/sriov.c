/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Creates and removes the VFs of a PF that vfio-pci holds. */
#include "vfio_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VFIO_PCI     "vfio-pci"
#define ENABLE_PARAM "module/vfio_pci/parameters/enable_sriov"

static int check_sriov(const struct vfio_func *f, unsigned int n, struct os_err *err)
{
	char rule[160], mend[192];

	if (!f->total_vfs)
		return os_err_set(err, -ENODEV, "it is not an SR-IOV device",
				  "name a physical function with SR-IOV, such as an 82576's",
				  "%s was not given %u VFs", f->bdf, n);
	if (n > f->total_vfs) {
		snprintf(rule, sizeof(rule), "the card has %u VFs at the most", f->total_vfs);
		snprintf(mend, sizeof(mend), "ask for 0 to %u", f->total_vfs);
		return os_err_set(err, -ERANGE, rule, mend, "%s was not given %u VFs", f->bdf, n);
	}
	if (!strcmp(f->driver, VFIO_PCI))
		return 0;
	snprintf(rule, sizeof(rule), "it is bound to %s", f->driver[0] ? f->driver : "no driver");
	return os_err_set(err, -EBUSY, rule, "bind it to vfio-pci first", "%s was not given %u VFs",
			  f->bdf, n);
}

/* Removing a VF waits for ever for whoever has it open, so look first. */
static int check_idle(const struct vfio_func *f, struct os_err *err)
{
	char vf[VFIO_BDF_LEN];

	for (unsigned int i = 0; i < f->num_vfs; i++) {
		int ret = vfio_vf_bdf(f->bdf, i, vf, err);

		if (ret)
			return ret;
		ret = vfio_in_use(vf, err);
		if (ret < 0)
			return ret;
		if (ret)
			return os_err_set(err, -EBUSY, "a change of their number removes all VFs",
					  "detach it from its VM first",
					  "VF %u (%s) of %s is in use", i, vf, f->bdf);
	}
	return 0;
}

static int enable_sriov(struct os_err *err)
{
	char val[8];
	int ret;

	if (!vfio_sysfs_read(ENABLE_PARAM, val, sizeof(val)) && val[0] == 'Y')
		return 0;
	ret = vfio_sysfs_write(ENABLE_PARAM, "Y");
	if (!ret)
		return 0;
	return os_err_set(err, ret, strerror(-ret),
			  "as root: echo Y > /sys/" ENABLE_PARAM " (Linux 5.7 or later)",
			  "vfio-pci could not be told to allow VFs");
}

/* What is waited for: VFs 0..n-1 of @pf, bound to vfio-pci. */
struct vf_wait {
	const char *pf;
	unsigned int n;
};

/* The first VF that is not there yet, n: all are. */
static unsigned int first_missing(const struct vf_wait *w, char driver[VFIO_NAME_LEN])
{
	char vf[VFIO_BDF_LEN];

	for (unsigned int i = 0; i < w->n; i++) {
		driver[0] = '\0';
		if (vfio_vf_bdf(w->pf, i, vf, NULL))
			return i;
		vfio_driver_name(vf, driver);
		if (strcmp(driver, VFIO_PCI))
			return i;
	}
	return w->n;
}

static bool all_there(const void *arg)
{
	const struct vf_wait *w = arg;
	char driver[VFIO_NAME_LEN];

	return first_missing(w, driver) == w->n;
}

static int wait_vfs(const char *pf, unsigned int n, struct os_err *err)
{
	struct vf_wait w = {pf, n};
	char driver[VFIO_NAME_LEN] = "", rule[160];
	int ret = vfio_wait(vfio_paths.wait_ms, all_there, &w);

	if (!ret)
		return 0;
	snprintf(rule, sizeof(rule), "each VF is to be bound to vfio-pci; this one is bound to %s",
		 first_missing(&w, driver) < n && driver[0] ? driver : "nothing");
	return os_err_set(err, ret, rule, "unbind it from that driver; dmesg says more",
			  "VF %u of %s is not ready", first_missing(&w, driver), pf);
}

static int write_numvfs(const char *bdf, unsigned int n, struct os_err *err)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%u", n);
	ret = vfio_attr_write(bdf, "sriov_numvfs", text);
	return ret ? vfio_write_failed(err, ret, bdf, "sriov_numvfs") : 0;
}

int vfio_sriov_set(const char *bdf, unsigned int n, struct os_err *err)
{
	struct vfio_func f;
	int ret = vfio_func_read(bdf, &f, err);

	if (ret)
		return ret;
	ret = check_sriov(&f, n, err);
	if (ret)
		return ret;
	if (f.num_vfs == n)
		return wait_vfs(f.bdf, n, err);
	if (f.num_vfs) {
		ret = check_idle(&f, err);
		if (!ret)
			ret = write_numvfs(f.bdf, 0, err);
		if (ret)
			return ret;
	}
	if (!n)
		return 0;
	ret = enable_sriov(err);
	if (ret)
		return ret;
	ret = write_numvfs(f.bdf, n, err);
	if (ret)
		return ret;
	ret = wait_vfs(f.bdf, n, err);
	/* Not half a card: the first error is the one to tell. */
	if (ret && write_numvfs(f.bdf, 0, NULL))
		return ret;
	return ret;
}
