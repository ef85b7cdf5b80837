/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* MSI-X vectors as eventfds. */
#include "vfio_priv.h"

#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/ioctl.h>

#define IRQ_MAX 64 /* more than an 82576's function has (25) */

void vfio_irq_off(struct os_dev *dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	if (dev->irq_on && ioctl(dev->device, VFIO_DEVICE_SET_IRQS, &set))
		os_log(dev, OS_LOG_WARN, "MSI-X could not be disabled: %s", strerror(errno));
	dev->irq_on = false;
}

int vfio_irq_set(struct os_dev *dev, const int *fds, unsigned int count, struct os_err *err)
{
	/* The kernel's struct ends in the descriptors. */
	union {
		struct vfio_irq_set set;
		uint8_t bytes[sizeof(struct vfio_irq_set) + IRQ_MAX * sizeof(int32_t)];
	} arg = {.bytes = {0}};
	int ret;

	if (count > dev->irq_max || count > IRQ_MAX)
		return os_err_set(err, -EINVAL, "the function has fewer MSI-X vectors", "use fewer",
				  "%u vectors of %s were not set up", count, dev->bdf);
	/* The number of vectors cannot change while they are on. */
	vfio_irq_off(dev);
	if (!count)
		return 0;
	arg.set.argsz = (uint32_t)(sizeof(arg.set) + count * sizeof(int32_t));
	arg.set.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	arg.set.index = VFIO_PCI_MSIX_IRQ_INDEX;
	arg.set.count = count;
	for (unsigned int i = 0; i < count; i++)
		memcpy(arg.bytes + sizeof(arg.set) + i * sizeof(int32_t), &fds[i], sizeof(int32_t));
	if (ioctl(dev->device, VFIO_DEVICE_SET_IRQS, &arg)) {
		ret = -errno;
		return os_err_set(err, ret, strerror(-ret), "are the descriptors eventfds?",
				  "MSI-X of %s was not enabled", dev->bdf);
	}
	dev->irq_on = true;
	return 0;
}
