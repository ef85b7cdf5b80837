/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A fabricated sysfs in a temporary directory, with a kernel that binds drivers and makes VFs when
 * an attribute is written. For the tests of hv-glue/host/vfio and hv-glue/vm; one tree at a time.
 */
#include "vfio_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct vfio_tree tree;

static void tree_path(char out[PATH_MAX], const char *fmt, va_list ap)
{
	int n = snprintf(out, PATH_MAX, "%s/", tree.root);

	vsnprintf(out + n, PATH_MAX - (size_t)n, fmt, ap);
}

void tree_mkdir(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	tree_path(path, fmt, ap);
	va_end(ap);
	for (char *p = path + strlen(tree.root) + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(path, 0700);
			*p = '/';
		}
	mkdir(path, 0700);
}

void tree_put(const char *text, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	tree_path(path, fmt, ap);
	va_end(ap);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", text);
	fclose(f);
}

void tree_link(const char *target, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	tree_path(path, fmt, ap);
	va_end(ap);
	unlink(path);
	if (target)
		assert_int_equal(symlink(target, path), 0);
}

/* The attribute @attr of @bdf, trimmed. */
const char *tree_get(const char *bdf, const char *attr)
{
	static char val[64];

	if (vfio_attr_read(bdf, attr, val, sizeof(val)))
		strcpy(val, "?");
	return val;
}

const char *tree_driver(const char *bdf)
{
	static char name[VFIO_NAME_LEN];

	vfio_driver_name(bdf, name);
	return name;
}

void tree_bind(const char *bdf, const char *driver)
{
	char target[96];

	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	tree_link(target, "sys/bus/pci/devices/%s/driver", bdf);
}

void tree_unbind(const char *bdf)
{
	tree_link(NULL, "sys/bus/pci/devices/%s/driver", bdf);
}

/* A function of class @class in @group (-1: none), without driver. */
void tree_func(const char *bdf, const char *device, const char *class, int group)
{
	char target[96];

	tree_mkdir("sys/bus/pci/devices/%s", bdf);
	tree_put("0x8086", "sys/bus/pci/devices/%s/vendor", bdf);
	tree_put(device, "sys/bus/pci/devices/%s/device", bdf);
	tree_put(class, "sys/bus/pci/devices/%s/class", bdf);
	tree_put("(null)", "sys/bus/pci/devices/%s/driver_override", bdf);
	tree_put("", "sys/bus/pci/devices/%s/reset", bdf);
	if (group < 0)
		return;
	tree_mkdir("sys/kernel/iommu_groups/%d/devices", group);
	tree_put("", "sys/kernel/iommu_groups/%d/devices/%s", group, bdf);
	snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%d", group);
	tree_link(target, "sys/bus/pci/devices/%s/iommu_group", bdf);
	tree_put("", "dev/%d", group);
}

static void tree_driver_dir(const char *name)
{
	tree_mkdir("sys/bus/pci/drivers/%s", name);
	tree_put("", "sys/bus/pci/drivers/%s/bind", name);
	tree_put("", "sys/bus/pci/drivers/%s/unbind", name);
}

/* VFs as the 82576 numbers them: offset 0x80, stride 2. vfio-pci takes each at once. */
void tree_vfs(const char *pf, unsigned int n, const char *driver)
{
	char bdf[VFIO_BDF_LEN], target[96], text[16];

	snprintf(text, sizeof(text), "%u", n);
	tree_put(text, "sys/bus/pci/devices/%s/sriov_numvfs", pf);
	for (unsigned int i = 0; i < 8; i++) {
		snprintf(bdf, sizeof(bdf), "0000:01:%02x.%x", 0x10 + i / 4, i % 4 * 2);
		snprintf(target, sizeof(target), "../%s", bdf);
		tree_link(i < n ? target : NULL, "sys/bus/pci/devices/%s/virtfn%u", pf, i);
		if (i >= n)
			continue;
		tree_func(bdf, "0x10ca", "0x020000", 20 + (int)i);
		snprintf(target, sizeof(target), "../%s", pf);
		tree_link(target, "sys/bus/pci/devices/%s/physfn", bdf);
		if (driver)
			tree_bind(bdf, driver);
	}
}

static bool ends(const char *path, const char *tail)
{
	size_t a = strlen(path), b = strlen(tail);

	return a >= b && !strcmp(path + a - b, tail);
}

/* The kernel: what a write to an attribute brings about. */
static int tree_write(const char *path, const char *text)
{
	char bdf[64] = "", driver[VFIO_NAME_LEN] = "", *p;
	FILE *f;

	if (tree.fail_attr && ends(path, tree.fail_attr))
		return tree.fail_no;
	if (access(path, F_OK))
		return -errno;
	tree.writes++;
	if (ends(path, "driver_override") && text[0] == '\n')
		text = "(null)";
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	if (tree.lazy)
		return 0;
	if (ends(path, "/driver/unbind")) {
		tree_unbind(text);
	} else if (ends(path, "/drivers_probe")) {
		snprintf(bdf, sizeof(bdf), "%s", tree_get(text, "driver_override"));
		if (strcmp(bdf, "(null)"))
			tree_bind(text, bdf);
	} else if (ends(path, "/bind")) {
		p = strstr(path, "/drivers/");
		assert_non_null(p);
		sscanf(p, "/drivers/%31[^/]", driver);
		tree_bind(text, driver);
	} else if (ends(path, "/sriov_numvfs")) {
		p = strstr(path, "/devices/");
		assert_non_null(p);
		sscanf(p, "/devices/%15[^/]", bdf);
		tree_vfs(bdf, (unsigned int)atoi(text), "vfio-pci");
	}
	return 0;
}

static int tree_open(const char *path)
{
	char tail[16];
	int fd;

	snprintf(tail, sizeof(tail), "/%d", tree.busy_group);
	if (ends(path, tail))
		return -EBUSY;
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* An 82576 of igb's in group 14, a bridge and a SATA controller; vfio-pci is loaded. */
int tree_setup(void **state)
{
	(void)state;
	memset(&tree, 0, sizeof(tree));
	tree.busy_group = -1;
	snprintf(tree.root, sizeof(tree.root), "/tmp/sluice-test-XXXXXX");
	assert_non_null(mkdtemp(tree.root));
	snprintf(tree.sysfs, sizeof(tree.sysfs), "%s/sys", tree.root);
	snprintf(tree.dev, sizeof(tree.dev), "%s/dev", tree.root);
	tree.saved = vfio_paths;
	vfio_paths.sysfs = tree.sysfs;
	vfio_paths.dev = tree.dev;
	vfio_paths.modprobe = "/bin/false";
	vfio_paths.wait_ms = 20;
	vfio_paths.open_group = tree_open;
	vfio_paths.write = tree_write;
	tree_mkdir("dev");
	tree_mkdir("sys/bus/pci/devices");
	tree_put("", "sys/bus/pci/drivers_probe");
	tree_driver_dir("igb");
	tree_driver_dir("igbvf");
	tree_driver_dir("vfio-pci");
	tree_mkdir("sys/module/vfio_pci/parameters");
	tree_put("N", "sys/module/vfio_pci/parameters/enable_sriov");
	tree_func(PF, "0x10c9", "0x020000", 14);
	tree_put("7", "sys/bus/pci/devices/%s/sriov_totalvfs", PF);
	tree_vfs(PF, 0, NULL);
	tree_bind(PF, "igb");
	tree_func("0000:00:1f.0", "0x2918", "0x060100", 5);
	tree_func("0000:00:1f.2", "0x2922", "0x010601", 5);
	tree_func("0000:00:1c.0", "0x000c", "0x060400", 5);
	tree_mkdir("sys/kernel/irq/9");
	tree_put("IR-IO-APIC", "sys/kernel/irq/9/chip_name");
	return 0;
}

static int tree_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int tree_teardown(void **state)
{
	(void)state;
	vfio_paths = tree.saved;
	return nftw(tree.root, tree_remove, 16, FTW_DEPTH | FTW_PHYS);
}
