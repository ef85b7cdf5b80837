/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Handing a VF to a QEMU/KVM virtual machine: is the host fit for it, what QEMU is told at a cold
 * start, and hot-plug by QMP into a running one. Hosted code; every call may block up to its stated
 * bound.
 */
#ifndef SLUICE_GLUE_VM_H
#define SLUICE_GLUE_VM_H

#include <sys/types.h>

#include "os/err.h"
#include "os/vfio.h"

#define VM_ID_LEN   32
#define VM_ARGS_LEN 512

/* One VF as a VM sees it; plain data, the caller's. */
struct vm_nic {
	char id[VM_ID_LEN];	 /* QEMU's device id, "sluice-vf3" */
	char bdf[VFIO_BDF_LEN];	 /* the VF on the host */
	struct vfio_token token; /* the PF's */
};

/*
 * May this VF go to a VM? An IOMMU is there, the VF's group holds the VF alone, interrupts are
 * remapped (or @unsafe_irq says that the administrator takes the risk), the VF is bound to vfio-pci
 * and not open. 0 or why not.
 */
int vm_host_check(const char *vf_bdf, bool unsafe_irq, struct os_err *err) must_check;

/*
 * Arguments for a cold start of a q35 machine, shell-quoted where needed: the device behind a root
 * port of its own, so that it can be unplugged, and a QMP socket at @qmp. A token of zeros: the PF
 * is a kernel driver's, none is passed. -EINVAL (id, bdf), -ENAMETOOLONG (@qmp: 107 bytes).
 */
int vm_qemu_args(const struct vm_nic *nic, const char *qmp, char args[VM_ARGS_LEN],
		 struct os_err *err) must_check;

/*
 * Is a QEMU listening at @qmp? Its process id to *@pid (of the process that made the socket:
 * libvirt's where libvirt made it), and whether device @id is in it to *@has (all may be NULL).
 * 2 s at most. -ENOENT, -ECONNREFUSED: nobody listens; -EPROTO: not QMP; -ETIMEDOUT: says nothing,
 * as when another client has the monitor.
 */
int vm_probe(const char *qmp, const char *id, pid_t *pid, bool *has, struct os_err *err) must_check;
/*
 * device_add on the first free hot-plug port; its QEMU is checked for vf-token support. 10 s for
 * the questions, 60 s for device_add, which pins all of the guest's memory.
 * As vm_probe(), and: -EOPNOTSUPP QEMU is older than 8.1, -ENOSPC no free port, -EEXIST, -EACCES,
 * -EBUSY, -ENODEV, -ENOMEM, -EIO as QEMU refused. After -ETIMEDOUT or -ECONNRESET QEMU may have
 * done it nevertheless: vm_probe() tells.
 */
int vm_plug(const char *qmp, const struct vm_nic *nic, pid_t *pid, struct os_err *err) must_check;
/*
 * device_del, and waits for the guest to let go (DEVICE_DELETED), asking again every 6 s.
 * -ETIMEDOUT after @ms: it is still in the VM. -ENOENT: it is not there, or no longer. -EBUSY: the
 * guest said no. -ECONNRESET: QEMU went away, and the device with it.
 */
int vm_unplug(const char *qmp, const char *id, unsigned int ms, struct os_err *err) must_check;

#endif
