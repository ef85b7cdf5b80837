/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VFs and their owners: given and taken back step by step, each step proved by reading back. */
#include "base/errno.h"
#include "guest.h"
#include "host.h"
#include "hw/pci.h"
#include "vfdev.h"
#include "vtd.h"

#define LEAVE_US 100000 /* a CPU that was told to leave its guest has left it */
#define FLR_US	 100000 /* PCI Express 4.0, 6.6.2: after a reset, before the function is used */

static const char *step_name(enum vf_step s)
{
	static const char *const names[VF_STEPS] = {
		"quiesced", "reset",   "scrubbed", "interrupts freed",
		"unmapped", "flushed", "mapped",   "given",
	};

	return s < VF_STEPS ? names[s] : "?";
}

/*
 * One step of the handover and its proof, told once. A step that is not proved takes the VF out of
 * use; the first one that is not stays in why.
 */
static void proved(struct passthrough *pt, enum vf_step s, bool ok, const char *f, ...)
	printf_like(4, 5);
static void proved(struct passthrough *pt, enum vf_step s, bool ok, const char *f, ...)
{
	struct nic_vf *v = pt->vf;
	char seen[WHY_LEN];
	va_list ap;

	va_start(ap, f);
	fmt_v(seen, sizeof(seen), f, ap);
	va_end(ap);
	if (ok) {
		v->step = s;
		core_log(OS_LOG_INFO, "VF %u: %s: %s", pt->n, step_name(s), seen);
		return;
	}
	if (!v->lost)
		fmt(v->why, sizeof(v->why), "not %s (%s), it stays out of use: reset the machine",
		    step_name(s), seen);
	v->lost = true;
	core_log(OS_LOG_ERR, "VF %u: not %s: %s", pt->n, step_name(s), seen);
}

/* ---- taken away ------------------------------------------------------------------------------ */

/* True while the CPU of @c has not come out of the guest since its exit at @exit. */
static bool inside(const struct gcpu *c, uint64_t exit)
{
	return __atomic_load_n(&c->v->inside, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&c->v->tsc_exit, __ATOMIC_ACQUIRE) == exit;
}

/* CPUs that are in the guest at this moment, or about to enter it, leave it, whatever state the
 * guest gave them, and find its pages gone when they come back: what they still had of them in
 * their TLBs is forgotten. One that comes later sees the new generation of the tables. */
static bool shoot_down(const struct guest *g)
{
	bool left = true;

	/* The pages are gone before we look who is inside; run's partner is the other order. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < GUEST_CPUS; i++) {
		const struct gcpu *c = &g->cpu[i];
		uint64_t exit, end = core_now() + us_to_tsc(LEAVE_US);

		if (!c->v || c->cpu == this_cpu())
			continue;
		exit = __atomic_load_n(&c->v->tsc_exit, __ATOMIC_ACQUIRE);
		cpu_kick(c->cpu);
		while (inside(c, exit) && core_now() < end)
			__asm__ volatile("pause");
		left = left && !inside(c, exit);
	}
	return left;
}

/*
 * Without the lock: handovers are made on CPU 0 alone, as are the ends of guests and what gives out
 * device numbers, VFs and memory. What others do under it meanwhile are exits of guests, which find
 * the function gone from its guest's bus, and its BARs from its memory; or they end the core, which
 * takes the VF back once more, from its first step on.
 */
static void flr_wait(void)
{
	uint64_t end = core_now() + us_to_tsc(FLR_US);

	core_unlock();
	while (core_now() < end)
		__asm__ volatile("pause");
	core_lock();
}

static void take_quiet(struct passthrough *pt)
{
	struct nic_vf *v = pt->vf;
	bool left = shoot_down(v->owner), pending, marked, reset;
	uint16_t cmd;

	vfdev_master(pt, false);
	pending = !vfdev_quiet(pt);
	cmd = os_cfg_rd16(v->dev, PCI_COMMAND);
	proved(pt, VF_STEP_QUIESCE, left && !pending && !(cmd & PCI_COMMAND_MASTER),
	       "command reads 0x%04x, transactions %s, %s", cmd, pending ? "pending" : "done",
	       left ? "no CPU sees its registers" : "a CPU does not leave the guest");
	marked = vfdev_flr(pt);
	flr_wait();
	reset = vfdev_reset(pt) && marked;
	proved(pt, VF_STEP_FLR, reset,
	       "transactions done, command reads 0x%04x, MSI-X control 0x%04x, %s before",
	       os_cfg_rd16(v->dev, PCI_COMMAND), os_cfg_rd16(v->dev, pt->real_msix + PCI_MSIX_CTRL),
	       marked ? "on" : "not on");
}

static void take_scrub(struct passthrough *pt)
{
	struct pf_vf_info info = {.state = PF_VF_READY};
	uint32_t reg = 0;
	int err = pf_vf_scrub(core.nic->pf, pt->n, &reg);

	if (!err)
		err = pf_vf_info(core.nic->pf, pt->n, &info);
	if (err)
		proved(pt, VF_STEP_SCRUB, false, "register 0x%05x keeps its value (%d)", reg, err);
	else
		proved(pt, VF_STEP_SCRUB, info.state == PF_VF_OFF,
		       "queues, filters, mailbox, counters read as clear, pool %s",
		       info.state == PF_VF_OFF ? "closed" : "open");
}

static void take_irqs(struct passthrough *pt)
{
	int err = vfdev_irqs_free(pt);
	unsigned int left = vtd_irq_count(core.vtd, pt->vf->source), open = vfdev_irqs_open(pt);

	proved(pt, VF_STEP_IRQ, !err && !left && !open,
	       "%u remapping entries of its, %u of its table unmasked (%d)", left, open, err);
}

/* First, middle and last page of the former owner's memory. */
static unsigned int reachable(const struct nic_vf *v, const struct guest *g)
{
	const uint64_t at[] = {0, (g->ram_len / 2) & ~(uint64_t)(VCPU_PAGE - 1),
			       g->ram_len - VCPU_PAGE};
	unsigned int n = 0;
	uint32_t perm;
	uint64_t phys;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++)
		n += vtd_walk(core.vtd, v->domain, at[i], &phys, &perm);
	return n;
}

static void take_memory(struct passthrough *pt)
{
	struct nic_vf *v = pt->vf;
	struct guest *g = v->owner;
	int context = vtd_detach(core.vtd, v->source);
	int memory = vtd_unmap(core.vtd, v->domain, 0, g->ram_len);
	int again = vtd_detach(core.vtd, v->source), flush;
	unsigned int left = reachable(v, g);

	proved(pt, VF_STEP_UNMAP, !context && !memory && again == -ENOENT && !left,
	       "no context (%d), %u of 3 pages reachable (%d)", context, left, memory);
	flush = vtd_flush_domain(core.vtd, v->domain);
	if (!flush)
		flush = vtd_domain_free(core.vtd, v->domain);
	proved(pt, VF_STEP_FLUSH, !flush, "IOTLB of its domain invalidated, domain freed (%d)",
	       flush);
	if (context || memory || left || flush)
		v->held_by = g;
	if (!flush)
		v->domain = NULL;
}

/* The function is off the guest's bus and out of its reach: all steps, whatever comes of one. */
static void removed(struct vpci_func *f)
{
	struct passthrough *pt = container_of(f, struct passthrough, f);

	take_quiet(pt);
	take_scrub(pt);
	take_irqs(pt);
	take_memory(pt);
	(void)nic_faults(); /* what it still has to answer for is told with its name */
	pt->vf->owner = NULL;
}

int vf_detach(unsigned int vf, const char **why)
{
	struct nic_vf *v;

	*why = "it is nobody's";
	if (!core.nic || vf >= core.nic->num_vfs || !core.nic->vf[vf].owner)
		return -ENOENT;
	v = &core.nic->vf[vf];
	vpci_del(&v->pt->f);
	*why = v->why;
	return v->lost ? -EIO : 0;
}

bool vf_holds(const struct guest *g)
{
	for (unsigned int i = 0; core.nic && i < core.nic->num_vfs; i++)
		if (core.nic->vf[i].held_by == g)
			return true;
	return false;
}

/* ---- given ----------------------------------------------------------------------------------- */

/* All of the guest's memory at the guest's own addresses, and nothing else. */
static int give_memory(struct passthrough *pt, struct guest *g)
{
	struct nic_vf *v = pt->vf;
	uint64_t last = g->ram_len - VCPU_PAGE, first_at = 0, last_at = 0, phys;
	uint32_t perm;
	bool ok, beyond;
	int err;

	err = vtd_domain_alloc(core.vtd, &v->domain);
	if (err)
		return err;
	err = vtd_map(core.vtd, v->domain, 0, g->ram, g->ram_len, VTD_R | VTD_W);
	if (err)
		goto err_domain;
	err = vtd_attach(core.vtd, v->source, v->domain);
	if (err)
		goto err_map;
	ok = vtd_walk(core.vtd, v->domain, 0, &first_at, &perm) && first_at == g->ram &&
	     vtd_walk(core.vtd, v->domain, last, &last_at, &perm) && last_at == g->ram + last;
	beyond = vtd_walk(core.vtd, v->domain, g->ram_len, &phys, &perm);
	proved(pt, VF_STEP_MAP, ok && !beyond,
	       "%llu MiB of guest %s, 0 at 0x%llx to the last page at 0x%llx, %s behind",
	       (unsigned long long)g->ram_len >> 20, g->cfg.name, (unsigned long long)first_at,
	       (unsigned long long)last_at, beyond ? "something" : "nothing");
	return 0;
err_map:
	if (vtd_unmap(core.vtd, v->domain, 0, g->ram_len))
		v->lost = true;
err_domain:
	if (v->lost || vtd_domain_free(core.vtd, v->domain))
		v->lost = true;
	else
		v->domain = NULL;
	return err;
}

/* NULL when it can be given to @g; otherwise v->why says why not. */
static int refuse(struct nic_vf *v, const struct guest *g)
{
	if (v->lost)
		return -EIO; /* why says it already */
	if (!v->owner)
		return 0;
	if (v->owner == g)
		fmt(v->why, sizeof(v->why), "guest %s has it already", g->cfg.name);
	else
		fmt(v->why, sizeof(v->why), "guest %s has it: detach it there first",
		    v->owner->cfg.name);
	return -EBUSY;
}

static int choose(int vf, const char **why)
{
	struct nic *n = core.nic;
	unsigned int i = 0;

	*why = "there is no such VF";
	if (!n || vf >= (int)n->num_vfs)
		return -ENODEV;
	if (vf >= 0)
		return vf;
	while (i < n->num_vfs && (n->vf[i].owner || n->vf[i].lost))
		i++;
	*why = "no VF is free: detach one, or start the core with more (vfs N)";
	return i < n->num_vfs ? (int)i : -ENOSPC;
}

int vf_attach(struct guest *g, int vf, int dev, const char **why)
{
	struct passthrough *pt;
	struct nic_vf *v;
	int err;

	vf = choose(vf, why);
	if (vf < 0)
		return vf;
	v = &core.nic->vf[vf];
	pt = v->pt;
	*why = v->why;
	err = refuse(v, g);
	if (err)
		return err;
	fmt(v->why, sizeof(v->why), "no memory, no domain of VT-d or no room on the guest's bus");
	err = vfdev_init(pt, removed);
	if (!err)
		err = give_memory(pt, g);
	if (err)
		return err;
	v->owner = g;
	vfdev_master(pt, false);
	err = v->lost ? -EIO : vpci_add(g, &pt->f, dev);
	if (err) {
		removed(&pt->f);
		return err;
	}
	v->handovers++;
	proved(pt, VF_STEP_GIVE, true, "guest %s has it as device %u", g->cfg.name, pt->f.dev);
	return 0;
}

int nic_vfs_init(struct nic *n)
{
	size_t len = sizeof(struct passthrough) * PF_VFS_MAX;
	struct passthrough *pt = mem_alloc((len + VCPU_PAGE - 1) / VCPU_PAGE, 1);
	int err = pt ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < n->num_vfs && !err; i++) {
		n->vf[i].pt = &pt[i];
		pt[i].vf = &n->vf[i];
		pt[i].n = i;
		for (unsigned int j = 0; j < ARRAY_SIZE(pt[i].vec); j++)
			pt[i].vec[j].irte = -1;
		err = vfdev_probe(&pt[i], n);
	}
	return err;
}
