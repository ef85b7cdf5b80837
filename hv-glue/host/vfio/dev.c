/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Opens a function through VFIO: container, group, device, BAR 0; and closes it. */
#include "vfio_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hw/pci.h"

#define MSG_ROOT "run as root, or give this user the files in /dev/vfio"

static enum os_log_level log_max = OS_LOG_INFO;

void vfio_log_level(enum os_log_level max)
{
	log_max = max;
}

enum os_log_level vfio_log_max(void)
{
	return log_max;
}

static int has_type1(int fd)
{
	return ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) > 0;
}

static int open_container(struct os_dev *dev, struct os_err *err)
{
	char path[VFIO_PATH_LEN];
	int ret;

	snprintf(path, sizeof(path), "%s/vfio", vfio_paths.dev);
	dev->container = open(path, O_RDWR | O_CLOEXEC);
	if (dev->container < 0) {
		ret = -errno;
		return os_err_set(err, ret, strerror(-ret),
				  ret == -EACCES || ret == -EPERM ? MSG_ROOT : "modprobe vfio-pci",
				  "%s could not be opened", path);
	}
	if (ioctl(dev->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		return os_err_set(err, -EPROTO, "VFIO's API has version 0",
				  "use a kernel with the group and container API",
				  "%s is not VFIO's container", path);
	if (has_type1(dev->container))
		return 0;
	ret = vfio_module_need("vfio_iommu_type1", "module/vfio_iommu_type1", err);
	if (ret)
		return ret;
	if (has_type1(dev->container))
		return 0;
	return os_err_set(err, -ENODEV, "VFIO has no type 1 IOMMU (v2)",
			  "enable VT-d in the firmware and boot with intel_iommu=on",
			  "%s was not opened", dev->bdf);
}

static int group_refused(struct os_dev *dev, int group, int no, struct os_err *err)
{
	char rule[160];

	snprintf(rule, sizeof(rule), "/dev/vfio/%d: %s", group, strerror(-no));
	if (no == -EBUSY)
		return os_err_set(err, no, rule, "end the VM or the program that has it open",
				  "%s is in use", dev->bdf);
	if (no == -ENOENT)
		return os_err_set(err, -ENODEV, rule, "bind the function to vfio-pci",
				  "%s is not held by VFIO", dev->bdf);
	return os_err_set(err, no, rule, MSG_ROOT, "%s was not opened", dev->bdf);
}

/* All members of the group must be VFIO's, or the IOMMU could not keep them apart from others. */
static int check_viable(struct os_dev *dev, int group, struct os_err *err)
{
	struct vfio_group_status st = {.argsz = sizeof(st)};
	char others[96], rule[160];
	int n;

	if (!ioctl(dev->group, VFIO_GROUP_GET_STATUS, &st) && st.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	n = vfio_group_others(dev->bdf, others, sizeof(others), NULL);
	snprintf(rule, sizeof(rule), "IOMMU group %d holds %s as well, with other drivers", group,
		 n > 0 ? others : "other functions");
	return os_err_set(err, -EBUSY, rule, "use a slot whose root port has ACS",
			  "%s was not opened", dev->bdf);
}

static int open_group(struct os_dev *dev, int group, struct os_err *err)
{
	char path[VFIO_PATH_LEN];
	int ret;

	snprintf(path, sizeof(path), "%s/%d", vfio_paths.dev, group);
	dev->group = vfio_paths.open_group(path);
	if (dev->group < 0)
		return group_refused(dev, group, dev->group, err);
	ret = check_viable(dev, group, err);
	if (ret)
		return ret;
	if (ioctl(dev->group, VFIO_GROUP_SET_CONTAINER, &dev->container)) {
		ret = -errno;
		return os_err_set(err, ret, strerror(-ret), "dmesg says more",
				  "IOMMU group %d of %s was not taken", group, dev->bdf);
	}
	if (!ioctl(dev->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return 0;
	ret = -errno;
	if (ret == -EPERM)
		return os_err_set(err, ret, "the IOMMU does not remap interrupts",
				  "enable it in the firmware (no intremap=off), or take the risk: "
				  "--unsafe-interrupts",
				  "%s was not opened", dev->bdf);
	return os_err_set(err, ret, strerror(-ret), "dmesg says more",
			  "the IOMMU was not set up for %s", dev->bdf);
}

static int device_refused(const struct vfio_args *args, const struct vfio_func *f, int no,
			  struct os_err *err)
{
	if (no == -EACCES && !args->token)
		return os_err_set(err, no, "its PF is held by VFIO, so a VF token is asked for",
				  "give the PF's token", "%s was not opened", f->bdf);
	if (no == -EACCES)
		return os_err_set(err, no, "the VF token is not the one that the PF was given",
				  "give the PF's token, or end all that uses its VFs",
				  "%s was not opened", f->bdf);
	if (no == -EINVAL && args->token)
		return os_err_set(err, no, "a VF token is for a PF and VFs that VFIO holds",
				  "leave the token out", "%s was not opened", f->bdf);
	return os_err_set(err, no, strerror(-no), "is it bound to vfio-pci? dmesg says more",
			  "%s was not opened", f->bdf);
}

static int set_token(struct os_dev *dev, const struct vfio_token *token, struct os_err *err)
{
	/* The kernel's struct ends in the data. */
	union {
		struct vfio_device_feature head;
		uint8_t bytes[sizeof(struct vfio_device_feature) + VFIO_TOKEN_LEN];
	} set = {.bytes = {0}};
	int ret;

	set.head.argsz = sizeof(set);
	set.head.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN;
	memcpy(set.bytes + sizeof(set.head), token->b, VFIO_TOKEN_LEN);
	if (!ioctl(dev->device, VFIO_DEVICE_FEATURE, &set))
		return 0;
	ret = -errno;
	return os_err_set(err, ret, ret == -ENOTTY ? "it is not an SR-IOV device" : strerror(-ret),
			  "use a PF with SR-IOV and Linux 5.7 or later",
			  "%s was not given its VF token", dev->bdf);
}

/* The token goes with the name where the kernel compares it, and to the PF by a call of its own. */
static int open_device(struct os_dev *dev, const struct vfio_args *args, const struct vfio_func *f,
		       struct os_err *err)
{
	char name[VFIO_BDF_LEN + 64], uuid[37];

	snprintf(name, sizeof(name), "%s", f->bdf);
	if (args->token && (f->physfn[0] || f->num_vfs)) {
		vfio_token_format(args->token, uuid);
		snprintf(name, sizeof(name), "%s vf_token=%s", f->bdf, uuid);
	}
	dev->device = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (dev->device < 0)
		return device_refused(args, f, -errno, err);
	return args->token && !f->physfn[0] ? set_token(dev, args->token, err) : 0;
}

static int map_bar(struct os_dev *dev, struct os_err *err)
{
	struct vfio_region_info reg = {.argsz = sizeof(reg), .index = VFIO_PCI_BAR0_REGION_INDEX};
	int ret = -ENODEV;
	void *p;

	if (ioctl(dev->device, VFIO_DEVICE_GET_REGION_INFO, &reg) || !reg.size ||
	    !(reg.flags & VFIO_REGION_INFO_FLAG_MMAP))
		goto err_set;
	p = mmap(NULL, reg.size, PROT_READ | PROT_WRITE, MAP_SHARED, dev->device,
		 (off_t)reg.offset);
	if (p == MAP_FAILED) {
		ret = -errno;
		goto err_set;
	}
	dev->bar = p;
	dev->bar_len = reg.size;
	return 0;

err_set:
	return os_err_set(err, ret, "BAR 0 holds an 82576's registers", "is this an 82576?",
			  "BAR 0 of %s could not be mapped", dev->bdf);
}

static int find_regions(struct os_dev *dev, struct os_err *err)
{
	struct vfio_region_info cfg = {.argsz = sizeof(cfg), .index = VFIO_PCI_CONFIG_REGION_INDEX};
	struct vfio_irq_info irq = {.argsz = sizeof(irq), .index = VFIO_PCI_MSIX_IRQ_INDEX};
	uint16_t cmd;

	if (ioctl(dev->device, VFIO_DEVICE_GET_REGION_INFO, &cfg))
		return os_err_set(err, -errno, "VFIO gives access to configuration space",
				  "dmesg says more", "%s has no configuration space", dev->bdf);
	dev->cfg_off = cfg.offset;
	dev->cfg_len = cfg.size;
	if (!ioctl(dev->device, VFIO_DEVICE_GET_IRQ_INFO, &irq))
		dev->irq_max = irq.count;
	/* VFIO opens a function with both bits clear; a BAR read without the first one faults. */
	cmd = os_cfg_rd16(dev, PCI_COMMAND);
	os_cfg_wr16(dev, PCI_COMMAND, cmd | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return map_bar(dev, err);
}

int vfio_open(const struct vfio_args *args, struct os_dev **out, struct os_err *err)
{
	struct vfio_func f;
	struct os_dev *dev;
	int ret = vfio_func_read(args->bdf, &f, err);

	if (ret)
		return ret;
	if (f.group < 0)
		return os_err_set(err, -ENODEV, "it is in no IOMMU group: no IOMMU is on",
				  "enable VT-d in the firmware and boot with intel_iommu=on",
				  "%s was not opened", f.bdf);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return os_err_set(err, -ENOMEM, "memory is exhausted", "free some",
				  "%s was not opened", f.bdf);
	memcpy(dev->bdf, f.bdf, sizeof(dev->bdf));
	dev->container = dev->group = dev->device = -1;
	ret = open_container(dev, err);
	if (!ret)
		ret = open_group(dev, f.group, err);
	if (!ret)
		ret = vfio_dma_init(dev, err);
	if (!ret)
		ret = open_device(dev, args, &f, err);
	if (!ret)
		ret = find_regions(dev, err);
	if (ret) {
		vfio_close(dev);
		return ret;
	}
	*out = dev;
	return 0;
}

void vfio_close(struct os_dev *dev)
{
	if (!dev)
		return;
	vfio_irq_off(dev);
	if (dev->bar)
		munmap((void *)(uintptr_t)dev->bar, dev->bar_len);
	/* The last close stops the function's DMA and resets it; only then its memory goes. */
	if (dev->device >= 0)
		close(dev->device);
	vfio_dma_fini(dev);
	if (dev->group >= 0)
		close(dev->group);
	if (dev->container >= 0)
		close(dev->container);
	free(dev);
}

const char *vfio_bdf(const struct os_dev *dev)
{
	return dev->bdf;
}
