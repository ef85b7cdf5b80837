/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Is the host fit to give a VF away, and what QEMU is told at a cold start. */
#include "vm_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/*
 * The root port of a cold-started VF: a slot number that nobody picks by hand (SLTCAP has 13 bits).
 */
#define SLOT_BASE 4096

static int check_group(const struct vfio_func *f, struct os_err *err)
{
	char others[96], rule[160];
	int n;

	if (f->group < 0)
		return os_err_set(err, -ENODEV, "it is in no IOMMU group: no IOMMU is on",
				  "enable VT-d in the firmware and boot with intel_iommu=on",
				  "%s cannot go to a VM", f->bdf);
	n = vfio_group_others(f->bdf, others, sizeof(others), err);
	if (n <= 0)
		return n;
	snprintf(rule, sizeof(rule), "IOMMU group %d holds %s as well", f->group, others);
	return os_err_set(err, -EBUSY, rule,
			  "use a slot whose root port has ACS, so that each VF has its own group",
			  "%s cannot go to a VM", f->bdf);
}

static int check_irq(const struct vfio_func *f, bool unsafe_irq, struct os_err *err)
{
	int ret;

	if (unsafe_irq)
		return 0;
	ret = vfio_intremap(err);
	if (ret)
		return ret < 0 ? ret : 0;
	return os_err_set(err, -EPERM,
			  "the IOMMU does not remap interrupts: a guest could forge them",
			  "enable it in the firmware (no intremap=off), or take the risk: "
			  "--unsafe-interrupts",
			  "%s cannot go to a VM", f->bdf);
}

int vm_host_check(const char *vf_bdf, bool unsafe_irq, struct os_err *err)
{
	struct vfio_func f;
	char rule[96];
	int ret = vfio_func_read(vf_bdf, &f, err);

	if (ret)
		return ret;
	if (!f.physfn[0])
		return os_err_set(err, -EINVAL, "only virtual functions go to VMs",
				  "name a VF; lspci -D -d 8086:10ca lists an 82576's",
				  "%s cannot go to a VM", f.bdf);
	ret = check_group(&f, err);
	if (!ret)
		ret = check_irq(&f, unsafe_irq, err);
	if (ret)
		return ret;
	if (strcmp(f.driver, "vfio-pci")) {
		snprintf(rule, sizeof(rule), "it is bound to %s, not to vfio-pci",
			 f.driver[0] ? f.driver : "no driver");
		return os_err_set(err, -EBUSY, rule, "bind it to vfio-pci", "%s cannot go to a VM",
				  f.bdf);
	}
	ret = vfio_in_use(f.bdf, err);
	if (ret <= 0)
		return ret;
	return os_err_set(err, -EBUSY, "a process has it open by VFIO",
			  "end the VM or the program that uses it", "%s cannot go to a VM", f.bdf);
}

bool vm_has_token(const struct vm_nic *nic)
{
	static const struct vfio_token none;

	return memcmp(&nic->token, &none, sizeof(none)) != 0;
}

int vm_check_nic(const struct vm_nic *nic, struct os_err *err)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char more[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
	size_t len = strnlen(nic->id, sizeof(nic->id));

	if (len && len < sizeof(nic->id) && strchr(letters, nic->id[0]) &&
	    strspn(nic->id, more) == len)
		return 0;
	return os_err_set(err, -EINVAL,
			  "a device's id has up to 31 letters, digits and -._, a letter first",
			  "use one like sluice-vf3", "'%.31s' is no id for a device", nic->id);
}

/* Text that grows; @full once something did not fit. */
struct text {
	char *p;
	size_t len, used;
	bool full;
};

static void printf_like(2, 3) put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p + t->used, t->len - t->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->len - t->used)
		t->full = true;
	else
		t->used += (size_t)n;
}

/* The socket's path as QEMU's option value (a comma is doubled) within single quotes if need be. */
static void put_qmp(struct text *t, const char *path)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/+:@%";
	bool quote = strspn(path, plain) != strlen(path);

	put(t, " -qmp %sunix:", quote ? "'" : "");
	for (; *path; path++) {
		if (*path == '\'')
			put(t, "'\\''");
		else
			put(t, *path == ',' ? ",,%s" : "%.1s", *path == ',' ? "" : path);
	}
	put(t, ",server=on,wait=off%s", quote ? "'" : "");
}

int vm_qemu_args(const struct vm_nic *nic, const char *qmp, char args[VM_ARGS_LEN],
		 struct os_err *err)
{
	struct text t = {.p = args, .len = VM_ARGS_LEN};
	unsigned int domain, bus, dev, fn;
	char uuid[37], extra;
	int ret = vm_check_nic(nic, err);

	args[0] = '\0';
	if (ret)
		return ret;
	if (sscanf(nic->bdf, "%4x:%2x:%2x.%1x%c", &domain, &bus, &dev, &fn, &extra) != 4)
		return os_err_set(err, -EINVAL, "a PCI address reads DOMAIN:BUS:DEVICE.FUNCTION",
				  "use lspci -D", "'%.15s' is no PCI address", nic->bdf);
	if (!*qmp || strlen(qmp) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return os_err_set(err, -ENAMETOOLONG, "a unix socket's path has 1 to 107 bytes",
				  "use a shorter path, such as /run/sluice/VM.qmp",
				  "the QMP socket's path cannot be used");
	/* A port of its own: from pcie.0 itself it could never be unplugged. */
	put(&t, "-device pcie-root-port,id=%s-port,chassis=%u,slot=%u", nic->id, bus & 0xff,
	    SLOT_BASE + (dev & 31) * 8 + (fn & 7));
	put(&t, " -device vfio-pci,id=%s,bus=%s-port,host=%04x:%02x:%02x.%x", nic->id, nic->id,
	    domain, bus, dev, fn);
	if (vm_has_token(nic)) {
		vfio_token_format(&nic->token, uuid);
		put(&t, ",vf-token=%s", uuid);
	}
	put_qmp(&t, qmp);
	if (!t.full)
		return 0;
	args[0] = '\0';
	return os_err_set(err, -ENAMETOOLONG, "QEMU's arguments for a VF have up to 511 bytes",
			  "use a shorter path without quotes", "the QMP path is too long");
}
