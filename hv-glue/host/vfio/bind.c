/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Moves a function between its kernel driver and vfio-pci, and resets it. */
#include "vfio_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VFIO_PCI "vfio-pci"
#define DRIVERS	 "bus/pci/drivers/"
/* A process that ends, or a VM that lets go, is done with its function a moment later. */
#define RELEASE_MS   3000
#define MSG_IN_USE   "a process has it open by VFIO"
#define MSG_CLOSE_IT "end the VM or the program that uses it"

int vfio_write_failed(struct os_err *err, int no, const char *bdf, const char *attr)
{
	const char *mend = "dmesg says what the kernel objects to";

	if (no == -EACCES || no == -EPERM || no == -EROFS)
		mend = "run as root, with /sys writable";
	else if (no == -ENOENT)
		mend = "has the function gone? lspci -D shows what is there";
	return os_err_set(err, no, strerror(-no), mend, "%s of %s could not be written", attr, bdf);
}

/* What is waited for: the driver @want at @bdf. */
struct driver_wait {
	const char *bdf, *want;
};

static bool has_driver(const void *arg)
{
	const struct driver_wait *w = arg;
	char now[VFIO_NAME_LEN];

	vfio_driver_name(w->bdf, now);
	return !strcmp(now, w->want);
}

static int wait_driver(const char *bdf, const char *want, struct os_err *err)
{
	struct driver_wait w = {bdf, want};
	int ret = vfio_wait(vfio_paths.wait_ms, has_driver, &w);

	if (!ret)
		return 0;
	return os_err_set(err, ret, "the driver did not appear within the time limit",
			  "dmesg says why its probe failed", "%s was not bound to '%s'", bdf,
			  *want ? want : "(no driver)");
}

/* An unbind from vfio-pci would wait for ever for whoever has the function open, so look first. */
static int check_closed(const struct vfio_func *f, struct os_err *err)
{
	int ret = vfio_in_use(f->bdf, err);

	if (ret <= 0)
		return ret;
	return os_err_set(err, -EBUSY, MSG_IN_USE, MSG_CLOSE_IT, "%s was not taken from %s", f->bdf,
			  f->driver);
}

static int unbind(const struct vfio_func *f, struct os_err *err)
{
	int ret;

	if (!f->driver[0])
		return 0;
	ret = vfio_attr_write(f->bdf, "driver/unbind", f->bdf);
	if (ret && ret != -ENODEV && ret != -ENOENT) /* gone by itself meanwhile */
		return vfio_write_failed(err, ret, f->bdf, "driver/unbind");
	return wait_driver(f->bdf, "", err);
}

/* May @f be taken from the driver it has? */
static int check_bind(const struct vfio_func *f, struct os_err *err)
{
	char rule[160], mend[192];

	if (f->group < 0)
		return os_err_set(err, -ENODEV, "it is in no IOMMU group: no IOMMU is on",
				  "enable VT-d in the firmware and boot with intel_iommu=on",
				  "%s was not bound to " VFIO_PCI, f->bdf);
	if (!f->num_vfs || !f->driver[0])
		return 0;
	snprintf(rule, sizeof(rule), "the kernel driver %s has %u VFs", f->driver, f->num_vfs);
	snprintf(mend, sizeof(mend),
		 "end what uses the VFs, then: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
		 f->bdf);
	return os_err_set(err, -EBUSY, rule, mend, "%s was not bound to " VFIO_PCI, f->bdf);
}

int vfio_bind(const char *bdf, struct vfio_func *was, struct os_err *err)
{
	struct vfio_func f;
	int ret = vfio_func_read(bdf, &f, err);

	if (ret)
		return ret;
	*was = f;
	if (!strcmp(f.driver, VFIO_PCI))
		return 0;
	ret = check_bind(&f, err);
	if (ret)
		return ret;
	ret = vfio_module_need(VFIO_PCI, DRIVERS VFIO_PCI, err);
	if (ret)
		return ret;
	ret = vfio_attr_write(f.bdf, "driver_override", VFIO_PCI);
	if (ret)
		return vfio_write_failed(err, ret, f.bdf, "driver_override");
	ret = unbind(&f, err);
	if (ret)
		goto err_restore;
	ret = vfio_sysfs_write("bus/pci/drivers_probe", f.bdf);
	if (ret) {
		vfio_write_failed(err, ret, f.bdf, "drivers_probe");
		goto err_restore;
	}
	ret = wait_driver(f.bdf, VFIO_PCI, err);
	if (ret)
		goto err_restore;
	return 0;

err_restore:
	/* The first error is the one to tell. */
	if (vfio_restore(was, NULL))
		return ret;
	return ret;
}

/* A PF cannot be unbound while a VF of it is open; without VFs it can. */
static int drop_vfs(const struct vfio_func *f, struct os_err *err)
{
	if (!f->num_vfs || strcmp(f->driver, VFIO_PCI))
		return 0;
	return vfio_sriov_set(f->bdf, 0, err);
}

int vfio_restore(const struct vfio_func *was, struct os_err *err)
{
	char rel[VFIO_PATH_LEN];
	struct vfio_func f;
	int ret = vfio_func_read(was->bdf, &f, err);

	if (ret)
		return ret;
	if (strcmp(f.driver, was->driver)) {
		ret = check_closed(&f, err);
		if (!ret)
			ret = drop_vfs(&f, err);
		if (!ret)
			ret = unbind(&f, err);
		if (ret)
			return ret;
	}
	/* An empty line takes the override away. */
	if (strcmp(f.override, was->override)) {
		ret = vfio_attr_write(f.bdf, "driver_override",
				      was->override[0] ? was->override : "\n");
		if (ret)
			return vfio_write_failed(err, ret, f.bdf, "driver_override");
	}
	if (!was->driver[0] || !strcmp(f.driver, was->driver))
		return 0;
	snprintf(rel, sizeof(rel), DRIVERS "%s/bind", was->driver);
	ret = vfio_sysfs_write(rel, f.bdf);
	if (ret)
		return os_err_set(err, ret, strerror(-ret), "modprobe the driver, then try again",
				  "%s was not given back to %s", f.bdf, was->driver);
	return wait_driver(f.bdf, was->driver, err);
}

/* What is waited for: that nobody has @bdf open, so that it can be held. */
struct hold {
	const char *bdf;
	struct os_err *err;
	int fd, ret;
};

static bool is_held(const void *arg)
{
	struct hold *h = *(struct hold *const *)arg;

	h->ret = vfio_hold(h->bdf, &h->fd, h->err);
	return h->ret != -EBUSY;
}

int vfio_function_reset(const char *bdf, struct os_err *err)
{
	unsigned int ms = RELEASE_MS < vfio_paths.wait_ms ? RELEASE_MS : vfio_paths.wait_ms;
	struct hold hold = {.err = err, .fd = -1}, *h = &hold;
	struct vfio_func f;
	int ret = vfio_func_read(bdf, &f, err);

	if (ret)
		return ret;
	hold.bdf = f.bdf;
	if (vfio_wait(ms, is_held, &h))
		return os_err_set(err, -EBUSY, MSG_IN_USE, MSG_CLOSE_IT, "%s was not reset", f.bdf);
	if (hold.ret)
		return hold.ret;
	if (err)
		err->no = 0; /* what was said while it was waited for */
	/* Held meanwhile: a VM that starts just now is not reset under its feet. */
	ret = vfio_attr_write(f.bdf, "reset", "1");
	if (hold.fd >= 0)
		close(hold.fd);
	if (ret == -ENOENT)
		return os_err_set(err, -EOPNOTSUPP, "the kernel knows no way to reset it alone",
				  "use a function with function-level reset", "%s was not reset",
				  f.bdf);
	return ret ? vfio_write_failed(err, ret, f.bdf, "reset") : 0;
}
