/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* From a command line to a running card, and back. */
#include "setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "pci.h"
#include "text.h"

#define CLOSE_MS 3000

/* How many VFs can be had: a pool stays the PF's own. The capability says 8, igb offers 7. */
static unsigned int most_vfs(const struct mgmt_pci *pci)
{
	return pci->total < PF_VFS_MAX ? pci->total : PF_VFS_MAX;
}

static int check_vfs(const struct mgmt_pci *pci, unsigned int vfs, struct os_err *err)
{
	unsigned int most = most_vfs(pci);
	char rule[160], mend[192];

	if (vfs <= most)
		return 0;
	mgmt_text(rule, sizeof(rule),
		  "the card offers %u VFs and has 8 pools, one of them the PF's own", pci->total);
	mgmt_text(mend, sizeof(mend), "ask for at most %u: --vfs %u", most, most);
	return os_err_set(err, -ERANGE, rule, mend, "%u VFs cannot be created on %s", vfs,
			  pci->bdf);
}

/* The PF in the hands of a kernel driver with VFs: taking it would pull them from their users. */
static int check_driver(const struct vfio_func *f, struct os_err *err)
{
	char rule[160], mend[192];

	if (!f->num_vfs || !strcmp(f->driver, "vfio-pci"))
		return 0;
	mgmt_text(rule, sizeof(rule),
		  "the kernel driver %s holds it and has %u VFs, which may be in use", f->driver,
		  f->num_vfs);
	mgmt_text(mend, sizeof(mend),
		  "end what uses them, then: echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs",
		  f->bdf);
	return os_err_set(err, -EBUSY, rule, mend, "%s was not taken", f->bdf);
}

static int check_group(const struct vfio_func *f, struct os_err *err)
{
	char others[96], rule[160];
	int n;

	if (f->group < 0)
		return os_err_set(
			err, -ENODEV, "it is in no IOMMU group: no IOMMU is on",
			"enable VT-d (AMD-Vi) in the firmware and boot with intel_iommu=on",
			"%s was not taken", f->bdf);
	/* VFs of its own, left by an earlier daemon, have groups of theirs. */
	n = vfio_group_others(f->bdf, others, sizeof(others), err);
	if (n <= 0)
		return n;
	mgmt_text(rule, sizeof(rule), "IOMMU group %d holds %s as well", f->group, others);
	return os_err_set(err, -EBUSY, rule,
			  "use a slot behind a root port with ACS, or enable ACS there",
			  "%s was not taken", f->bdf);
}

int mgmt_setup_check(const char *pf, unsigned int vfs, struct mgmt_core *core, struct os_err *err)
{
	struct mgmt_pci pci;
	struct vfio_func f;
	int ret;

	ret = mgmt_pci_read(pf, &pci, err);
	if (!ret)
		ret = mgmt_pci_check(&pci, err);
	if (!ret)
		ret = check_vfs(&pci, vfs, err);
	if (!ret)
		ret = vfio_func_read(pci.bdf, &f, err);
	if (!ret)
		ret = check_group(&f, err);
	if (!ret)
		ret = check_driver(&f, err);
	if (ret)
		return ret;
	mgmt_copy(core->link.bdf, pci.bdf);
	mgmt_copy(core->link.device, pci.name);
	core->link.total_vfs = most_vfs(&pci);
	core->link.pool = PF_POOL;
	core->num_vfs = vfs;
	return 0;
}

/* A state directory belongs to one card, and to no fewer VFs than it has leases for. */
static int check_store(struct mgmt_store *s, const struct mgmt_core *core, struct os_err *err)
{
	char pf[MGMT_BDF_LEN], rule[160];
	unsigned int n;
	int ret;

	ret = mgmt_store_meta_get(s, "pf", pf, sizeof(pf), err);
	if (ret && ret != -ENOENT)
		return ret;
	if (!ret && strcmp(pf, core->link.bdf)) {
		mgmt_text(rule, sizeof(rule), "it holds the policies and leases of %s", pf);
		return os_err_set(err, -EEXIST, rule, "give this card another directory by --state",
				  "the state directory is not that of %s", core->link.bdf);
	}
	ret = mgmt_store_lease_count(s, core->num_vfs, &n, err);
	if (ret || !n)
		return ret;
	return os_err_set(err, -EBUSY, "VFs above that number are attached or reserved",
			  "detach them first, or give a higher --vfs", "%u VFs are too few",
			  core->num_vfs);
}

/*
 * The token that VFs in use were opened with, or a new one that is on disk before anybody has it.
 */
static int get_token(struct mgmt_store *s, struct mgmt_core *core, struct os_err *err)
{
	char text[40];
	int ret;

	ret = mgmt_store_meta_get(s, "token", text, sizeof(text), err);
	if (!ret)
		return vfio_token_parse(text, &core->token, err);
	if (ret != -ENOENT)
		return ret;
	ret = vfio_token_make(&core->token, err);
	if (!ret)
		ret = mgmt_store_begin(s, err);
	if (ret)
		return ret;
	vfio_token_format(&core->token, text);
	ret = mgmt_store_meta_put(s, "token", text, err);
	if (!ret)
		ret = mgmt_store_meta_put(s, "pf", core->link.bdf, err);
	if (!ret)
		return mgmt_store_commit(s, err);
	mgmt_store_rollback(s);
	return ret;
}

/* Writes down what the PF was bound to, unless a former daemon left it on vfio-pci. */
static int remember(struct mgmt_store *s, const struct vfio_func *f, struct os_err *err)
{
	int ret;

	if (!strcmp(f->driver, "vfio-pci"))
		return 0;
	ret = mgmt_store_begin(s, err);
	if (ret)
		return ret;
	ret = mgmt_store_meta_put(s, "driver", f->driver, err);
	if (!ret)
		ret = mgmt_store_meta_put(s, "override", f->override, err);
	if (!ret)
		return mgmt_store_commit(s, err);
	mgmt_store_rollback(s);
	return ret;
}

static int bind(struct mgmt_setup *su, const char *bdf, struct os_err *err)
{
	struct vfio_func f;
	int ret;

	ret = vfio_func_read(bdf, &f, err);
	if (!ret)
		ret = remember(su->store, &f, err);
	if (!ret)
		ret = vfio_bind(bdf, &su->was, err);
	if (ret)
		return ret;
	su->bound = true;
	su->first = su->was;
	if (strcmp(f.driver, "vfio-pci"))
		return 0;
	/* A daemon was here before: what it found, if it found something. */
	ret = mgmt_store_meta_get(su->store, "driver", su->first.driver, sizeof(su->first.driver),
				  err);
	if (!ret)
		ret = mgmt_store_meta_get(su->store, "override", su->first.override,
					  sizeof(su->first.override), err);
	if (ret == -ENOENT) {
		su->first = su->was;
		ret = 0;
	}
	return ret;
}

static int find_vfs(struct mgmt_core *core, struct os_err *err)
{
	struct vfio_func f;
	unsigned int i;
	int ret;

	for (i = 0; i < core->num_vfs; i++) {
		ret = vfio_vf_bdf(core->link.bdf, i, core->lease[i].bdf, err);
		if (!ret)
			ret = vfio_func_read(core->lease[i].bdf, &f, err);
		if (ret)
			return ret;
		core->lease[i].group = f.group;
		core->lease[i].pidfd = -1;
	}
	return 0;
}

int mgmt_setup(const struct mgmt_args *args, struct mgmt_setup *su, struct mgmt_core *core,
	       struct os_err *err)
{
	int ret;

	ret = mgmt_setup_check(args->pf, args->vfs, core, err);
	if (!ret)
		ret = mgmt_store_open(args->state_dir, &su->store, err);
	if (!ret)
		ret = check_store(su->store, core, err);
	if (!ret)
		ret = get_token(su->store, core, err);
	if (!ret)
		ret = bind(su, core->link.bdf, err);
	if (!ret && args->unsafe_irq)
		ret = vfio_unsafe_interrupts(err);
	if (!ret)
		ret = mgmt_hw_start(core->link.bdf, &core->token, core->num_vfs, &su->hw,
				    &core->env.card, err);
	if (!ret)
		ret = find_vfs(core, err);
	if (ret)
		return ret;
	mgmt_copy(core->link.driver, "vfio-pci");
	mgmt_copy(core->link.state_dir, args->state_dir);
	core->link.unsafe = args->unsafe_irq;
	core->store = su->store;
	core->env.vm = &mgmt_vm_real;
	core->env.unsafe_irq = args->unsafe_irq;
	core->env.close_ms = CLOSE_MS;
	return 0;
}

void mgmt_setup_undo(struct mgmt_setup *su, enum mgmt_leave leave)
{
	struct os_err err = {0};
	int ret = 0;

	mgmt_hw_stop(su->hw);
	if (su->bound && leave == MGMT_LEAVE_FIRST)
		ret = vfio_restore(&su->first, &err);
	if (su->bound && leave == MGMT_LEAVE_WAS) {
		/* VFs that this start created go; those it found may be in use. */
		if (!su->was.num_vfs)
			ret = vfio_sriov_set(su->was.bdf, 0, &err);
		if (!ret)
			ret = vfio_restore(&su->was, &err);
	}
	if (ret)
		mgmt_log_err(OS_LOG_ERR, &err);
	mgmt_store_close(su->store);
}
