/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Reads what sysfs says of PCI functions: identity, driver, IOMMU group, VFs. */
#include "vfio_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* First two bytes of a PCI-to-PCI bridge's class code. */
#define CLASS_BRIDGE_PCI 0x0604

static int open_group_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	n = write(fd, text, len); /* whole or not at all: sysfs takes a value by one call */
	if (n < 0)
		ret = -errno;
	else if ((size_t)n != len)
		ret = -EIO;
	close(fd);
	return ret;
}

struct vfio_paths vfio_paths = {
	.sysfs = "/sys",
	.dev = "/dev/vfio",
	.wait_ms = 15000,
	.open_group = open_group_file,
	.write = write_file,
};

static int path_of(char out[VFIO_PATH_LEN], const char *rel)
{
	int n = snprintf(out, VFIO_PATH_LEN, "%s/%s", vfio_paths.sysfs, rel);

	return n < 0 || n >= VFIO_PATH_LEN ? -ENAMETOOLONG : 0;
}

static int rel_of(char out[VFIO_PATH_LEN], const char *bdf, const char *attr)
{
	int n = snprintf(out, VFIO_PATH_LEN, "bus/pci/devices/%s%s%s", bdf, *attr ? "/" : "", attr);

	return n < 0 || n >= VFIO_PATH_LEN ? -ENAMETOOLONG : 0;
}

int vfio_sysfs_read(const char *rel, char *buf, size_t len)
{
	char path[VFIO_PATH_LEN];
	ssize_t n;
	int fd, ret = path_of(path, rel);

	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	ret = n < 0 ? -errno : 0;
	close(fd);
	if (ret)
		return ret;
	while (n > 0 && isspace((unsigned char)buf[n - 1]))
		n--;
	buf[n] = '\0';
	return 0;
}

int vfio_sysfs_write(const char *rel, const char *text)
{
	char path[VFIO_PATH_LEN];
	int ret = path_of(path, rel);

	return ret ? ret : vfio_paths.write(path, text);
}

bool vfio_sysfs_exists(const char *rel)
{
	char path[VFIO_PATH_LEN];

	return !path_of(path, rel) && !access(path, F_OK);
}

int vfio_attr_read(const char *bdf, const char *attr, char *buf, size_t len)
{
	char rel[VFIO_PATH_LEN];
	int ret = rel_of(rel, bdf, attr);

	return ret ? ret : vfio_sysfs_read(rel, buf, len);
}

int vfio_attr_write(const char *bdf, const char *attr, const char *text)
{
	char rel[VFIO_PATH_LEN];
	int ret = rel_of(rel, bdf, attr);

	return ret ? ret : vfio_sysfs_write(rel, text);
}

/* The last part of the link @attr of @bdf; "" and -errno when there is none. */
static int link_name(const char *bdf, const char *attr, char *out, size_t len)
{
	char rel[VFIO_PATH_LEN], path[VFIO_PATH_LEN], target[VFIO_PATH_LEN];
	const char *name;
	ssize_t n;
	int ret;

	out[0] = '\0';
	ret = rel_of(rel, bdf, attr);
	if (ret)
		return ret;
	ret = path_of(path, rel);
	if (ret)
		return ret;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (strlen(name) >= len)
		return -ENAMETOOLONG;
	strcpy(out, name);
	return 0;
}

void vfio_driver_name(const char *bdf, char out[VFIO_NAME_LEN])
{
	/* No link is the answer "none"; link_name() has emptied the name. */
	(void)link_name(bdf, "driver", out, VFIO_NAME_LEN);
}

/* @n hex digits at *@p into *@val; moves *@p behind them and behind the character @end. */
static bool hex_field(const char **p, unsigned int n, char end, unsigned int *val)
{
	*val = 0;
	for (unsigned int i = 0; i < n; i++, (*p)++) {
		char c = (char)tolower((unsigned char)**p);

		if (!isxdigit((unsigned char)c))
			return false;
		*val = *val * 16 + (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (**p != end)
		return false;
	if (end)
		(*p)++;
	return true;
}

int vfio_bdf_parse(const char *bdf, char out[VFIO_BDF_LEN], struct os_err *err)
{
	unsigned int domain = 0, bus, dev, fn;
	const char *p = bdf;

	/* The domain may be left out: then there is but one colon. */
	if (strchr(bdf, ':') != strrchr(bdf, ':') && !hex_field(&p, 4, ':', &domain))
		goto err_form;
	if (!hex_field(&p, 2, ':', &bus) || !hex_field(&p, 2, '.', &dev) ||
	    !hex_field(&p, 1, '\0', &fn) || dev > 31 || fn > 7)
		goto err_form;
	snprintf(out, VFIO_BDF_LEN, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff, dev, fn);
	return 0;

err_form:
	return os_err_set(err, -EINVAL, "a PCI address reads DOMAIN:BUS:DEVICE.FUNCTION, in hex",
			  "lspci -D -d 8086:10c9 lists the 82576 cards",
			  "'%.40s' is no PCI address", bdf);
}

static unsigned int attr_number(const char *bdf, const char *attr)
{
	char text[32];
	unsigned long val;

	if (vfio_attr_read(bdf, attr, text, sizeof(text)))
		return 0;
	val = strtoul(text, NULL, 0); /* "7" and "0x8086" */
	return val > UINT32_MAX ? 0 : (unsigned int)val;
}

/*
 * The IOMMU group of @bdf, -1: none. The group that vfio makes up when it runs without an IOMMU
 * does not count: it isolates nothing.
 */
static int group_of(const char *bdf)
{
	char name[VFIO_NAME_LEN], kind[64], *end;
	long group;

	if (link_name(bdf, "iommu_group", name, sizeof(name)))
		return -1;
	if (!vfio_attr_read(bdf, "iommu_group/name", kind, sizeof(kind)) &&
	    !strcmp(kind, "vfio-noiommu"))
		return -1;
	group = strtol(name, &end, 10);
	return *end || end == name || group < 0 || group > INT32_MAX ? -1 : (int)group;
}

/*
 * Counts the functions of @group that are no bridges; all but @bdf go to @out, cut where it ends.
 */
static int group_list(int group, const char *bdf, char *out, size_t len)
{
	char rel[VFIO_PATH_LEN], path[VFIO_PATH_LEN];
	struct dirent *e;
	size_t used = 0;
	int n = 0, ret;
	DIR *dir;

	snprintf(rel, sizeof(rel), "kernel/iommu_groups/%d/devices", group);
	ret = path_of(path, rel);
	if (ret)
		return ret;
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		int put;

		if (e->d_name[0] == '.' || attr_number(e->d_name, "class") >> 8 == CLASS_BRIDGE_PCI)
			continue;
		n++;
		if (!strcmp(e->d_name, bdf) || !out)
			continue;
		put = snprintf(out + used, len - used, "%s%s", used ? " " : "", e->d_name);
		if (put > 0 && (size_t)put < len - used)
			used += (size_t)put;
		else
			out[used] = '\0'; /* a whole name or none */
	}
	closedir(dir);
	return n;
}

int vfio_func_read(const char *bdf, struct vfio_func *f, struct os_err *err)
{
	int ret;

	memset(f, 0, sizeof(*f));
	f->group = -1;
	ret = vfio_bdf_parse(bdf, f->bdf, err);
	if (ret)
		return ret;
	f->vendor = (uint16_t)attr_number(f->bdf, "vendor");
	f->device = (uint16_t)attr_number(f->bdf, "device");
	if (!f->vendor)
		return os_err_set(err, -ENODEV, "no such function is in /sys/bus/pci/devices",
				  "lspci -D -d 8086:10c9 lists the 82576 cards",
				  "there is no PCI function %s", f->bdf);
	vfio_driver_name(f->bdf, f->driver);
	if (vfio_attr_read(f->bdf, "driver_override", f->override, sizeof(f->override)) ||
	    !strcmp(f->override, "(null)"))
		f->override[0] = '\0';
	f->group = group_of(f->bdf);
	if (f->group >= 0) {
		int n = group_list(f->group, f->bdf, NULL, 0);

		f->group_size = n > 0 ? (unsigned int)n : 0;
	}
	f->total_vfs = attr_number(f->bdf, "sriov_totalvfs");
	f->num_vfs = attr_number(f->bdf, "sriov_numvfs");
	/* A PF has no such link: "" is the answer then. */
	(void)link_name(f->bdf, "physfn", f->physfn, sizeof(f->physfn));
	return 0;
}

int vfio_vf_bdf(const char *bdf, unsigned int vf, char out[VFIO_BDF_LEN], struct os_err *err)
{
	struct vfio_func f;
	char attr[24], rule[96];
	int ret = vfio_func_read(bdf, &f, err);

	if (ret)
		return ret;
	snprintf(attr, sizeof(attr), "virtfn%u", vf);
	if (!link_name(f.bdf, attr, out, VFIO_BDF_LEN))
		return 0;
	if (!f.total_vfs)
		return os_err_set(err, -ENODEV, "it is not an SR-IOV device",
				  "name the card's physical function", "%s has no VF %u", f.bdf,
				  vf);
	snprintf(rule, sizeof(rule), "its sriov_numvfs is %u of %u", f.num_vfs, f.total_vfs);
	return os_err_set(err, -ENODEV, rule, "enable more VFs or name one that exists",
			  "%s has no VF %u", f.bdf, vf);
}

int vfio_group_others(const char *bdf, char *out, size_t len, struct os_err *err)
{
	struct vfio_func f;
	int n, ret = vfio_func_read(bdf, &f, err);

	if (len)
		out[0] = '\0';
	if (ret)
		return ret;
	if (f.group < 0)
		return os_err_set(err, -ENODEV, "it is in no IOMMU group: no IOMMU is on",
				  "enable VT-d in the firmware and boot with intel_iommu=on",
				  "%s is not isolated", f.bdf);
	n = group_list(f.group, f.bdf, len ? out : NULL, len);
	if (n < 0)
		return os_err_set(err, n, strerror(-n), "is sysfs mounted at /sys?",
				  "IOMMU group %d could not be listed", f.group);
	return n > 0 ? n - 1 : 0;
}

int vfio_hold(const char *bdf, int *fd, struct os_err *err)
{
	char path[VFIO_PATH_LEN];
	struct vfio_func f;
	int ret = vfio_func_read(bdf, &f, err);

	*fd = -1;
	if (ret)
		return ret;
	if (f.group < 0 || strcmp(f.driver, "vfio-pci"))
		return 0;
	snprintf(path, sizeof(path), "%s/%d", vfio_paths.dev, f.group);
	ret = vfio_paths.open_group(path); /* a group is opened by one at a time */
	if (ret >= 0)
		*fd = ret;
	if (ret >= 0 || ret == -ENOENT)
		return 0;
	if (ret == -EBUSY)
		return os_err_set(err, ret, "a process has it open by VFIO",
				  "end the VM or the program that uses it", "%s is in use", f.bdf);
	return os_err_set(err, ret, strerror(-ret),
			  "run as root, or give this user the group's file",
			  "%s could not be opened", path);
}

int vfio_in_use(const char *bdf, struct os_err *err)
{
	int fd, ret = vfio_hold(bdf, &fd, err);

	if (fd >= 0)
		close(fd);
	if (ret != -EBUSY)
		return ret;
	if (err)
		err->no = 0;
	return 1;
}
