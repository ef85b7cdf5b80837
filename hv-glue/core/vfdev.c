/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VF as its guest sees it: configuration space, MSI-X through VT-d's remapping, reset. */
#include "vfdev.h"

#include "base/errno.h"
#include "guest.h"
#include "host.h"
#include "hw/pci.h"
#include "pcihost.h"
#include "vtd.h"

#define BAR_MEM	   0
#define BAR_MSIX   3
#define VECTOR_MIN 16	  /* below are exceptions' (SDM vol. 3A, 11.5.2) */
#define QUIET_US   100000 /* PCI Express 4.0, 6.6.2: within 100 ms */
#define QUIET_STEP 100
/* MSI-X on, all of it masked: no message comes of it, and a reset alone clears it. */
#define MARK (PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL)

static struct passthrough *of_func(struct vpci_func *f)
{
	return container_of(f, struct passthrough, f);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

/* On the CPU that the guest's CPU runs on, without the lock. */
static void fired(void *ctx)
{
	uint32_t t = __atomic_load_n(&((struct vec *)ctx)->target, __ATOMIC_RELAXED);

	lapic_raise(&core.guest[t >> 16].cpu[t >> 8 & 0xff], (uint8_t)t);
}

static uint32_t entry_at(const struct passthrough *pt, unsigned int i)
{
	return pt->table_off + i * PCI_MSIX_ENTRY_SIZE;
}

static void vec_mask(struct passthrough *pt, unsigned int i)
{
	os_wr32(pt->vf->table, entry_at(pt, i) + PCI_MSIX_ENTRY_CTRL, PCI_MSIX_ENTRY_MASKED);
}

/* -EIO, -ETIMEDOUT: the unit may still send it, so its vector stays taken. */
static int vec_free(struct passthrough *pt, unsigned int i)
{
	struct vec *v = &pt->vec[i];
	int err;

	if (v->irte < 0)
		return 0;
	vec_mask(pt, i);
	err = vtd_irq_free(core.vtd, v->irte);
	if (!err)
		irq_free(v->cpu, v->vector);
	v->irte = -1;
	return err;
}

int vfdev_irqs_free(struct passthrough *pt)
{
	int err = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(pt->vec); i++) {
		int e = vec_free(pt, i);

		err = err ? err : e;
	}
	return err;
}

/* A vector of @cpu, an entry of the remapping table that only this VF may use, and that in the
 * VF's own table, still masked. */
static int vec_alloc(struct passthrough *pt, unsigned int i, struct core_cpu *cpu)
{
	struct vec *v = &pt->vec[i];
	uint32_t at = entry_at(pt, i);
	struct vtd_msi msi;

	v->vector = irq_alloc(cpu, fired, v);
	if (v->vector < 0)
		return v->vector;
	v->irte = vtd_irq_alloc(core.vtd, pt->vf->source, cpu->apic_id, (uint8_t)v->vector, &msi);
	if (v->irte < 0) {
		irq_free(cpu, v->vector);
		return v->irte;
	}
	v->cpu = cpu;
	os_wr32(pt->vf->table, at + PCI_MSIX_ENTRY_ADDR_LO, (uint32_t)msi.addr);
	os_wr32(pt->vf->table, at + PCI_MSIX_ENTRY_ADDR_HI, (uint32_t)(msi.addr >> 32));
	os_wr32(pt->vf->table, at + PCI_MSIX_ENTRY_DATA, msi.data);
	return 0;
}

/* Points the entry at the virtual CPU @c, which has its home on one physical CPU. */
static int vec_point(struct passthrough *pt, unsigned int i, struct gcpu *c, uint8_t vector)
{
	struct core_cpu *cpu = c->cpu ? c->cpu : &core.cpu[0];
	struct vec *v = &pt->vec[i];
	uint32_t target = (uint32_t)(c->guest - core.guest) << 16 | c->index << 8 | vector;
	int err = 0;

	if (v->irte >= 0 && v->cpu != cpu)
		err = vec_free(pt, i);
	__atomic_store_n(&v->target, target, __ATOMIC_RELAXED);
	if (!err && v->irte < 0)
		err = vec_alloc(pt, i, cpu);
	return err;
}

/* Brings one entry of the hardware to what the guest wrote into its own. */
static void vec_sync(struct passthrough *pt, unsigned int i)
{
	struct guest *g = pt->f.guest;
	uint8_t vector = 0;
	struct gcpu *c;
	int err;

	if (!vpci_msix_on(&pt->f, &pt->msix, i)) {
		vec_mask(pt, i);
		return;
	}
	c = lapic_target(g, pt->msix.entry[i].addr, pt->msix.entry[i].data, &vector);
	err = c && vector >= VECTOR_MIN ? vec_point(pt, i, c, vector) : -EINVAL;
	if (!err) {
		os_wr32(pt->vf->table, entry_at(pt, i) + PCI_MSIX_ENTRY_CTRL, 0);
		return;
	}
	vec_mask(pt, i);
	guest_refused(g);
	guest_log(g, "VF %u: interrupt %u stays masked: 0x%llx, data 0x%x %s", pt->n, i,
		  (unsigned long long)pt->msix.entry[i].addr, pt->msix.entry[i].data,
		  err == -EINVAL ? "names no vector of a CPU of this guest" : "has no place");
}

unsigned int vfdev_irqs_open(struct passthrough *pt)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(pt->vec); i++)
		n += !(os_rd32(pt->vf->table, entry_at(pt, i) + PCI_MSIX_ENTRY_CTRL) &
		       PCI_MSIX_ENTRY_MASKED);
	return n;
}

/* ---- the function as the guest sees it ------------------------------------------------------- */

static uint64_t table_read(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			   unsigned int size)
{
	(void)c;
	(void)bar;
	return vpci_msix_read(f->msix, off - f->msix->table_off, size);
}

/* The table itself is never the guest's to write: it would choose any interrupt of the machine. */
static void table_write(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			unsigned int size, uint64_t val)
{
	int n = vpci_msix_write(f->msix, off - f->msix->table_off, size, val);

	(void)c;
	(void)bar;
	if (n >= 0)
		vec_sync(of_func(f), (unsigned int)n);
}

static uint32_t mark(struct passthrough *pt)
{
	return os_cfg_rd16(pt->vf->dev, pt->real_msix + PCI_MSIX_CTRL) & MARK;
}

/* @reset: one was begun, and only what it clears tells that it is not still to come. */
static bool settled(struct passthrough *pt, bool reset)
{
	struct os_dev *dev = pt->vf->dev;
	uint64_t end = os_now_us(dev) + QUIET_US;
	uint32_t v;

	/* While it resets it may answer nothing, which reads as ones. */
	while ((os_cfg_rd16(dev, pt->real_exp) & 0xff) != PCI_CAP_ID_EXP ||
	       (os_cfg_rd16(dev, pt->real_exp + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_TRPND) ||
	       (reset && mark(pt))) {
		if (os_now_us(dev) >= end)
			return false;
		os_delay_us(dev, QUIET_STEP);
	}
	v = os_cfg_rd16(dev, PCI_COMMAND);
	return v != UINT16_MAX;
}

bool vfdev_quiet(struct passthrough *pt)
{
	return settled(pt, false);
}

void vfdev_master(struct passthrough *pt, bool on)
{
	os_cfg_wr16(pt->vf->dev, PCI_COMMAND,
		    (uint16_t)(PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0)));
}

bool vfdev_flr(struct passthrough *pt)
{
	struct os_dev *dev = pt->vf->dev;
	uint32_t ctl = pt->real_exp + PCI_EXP_DEVCTL;
	bool marked;

	os_cfg_wr16(dev, pt->real_msix + PCI_MSIX_CTRL, MARK);
	marked = mark(pt) == MARK;
	os_cfg_wr16(dev, ctl, (uint16_t)(os_cfg_rd16(dev, ctl) | PCI_EXP_DEVCTL_FLR));
	return marked;
}

bool vfdev_reset(struct passthrough *pt)
{
	bool ok =
		settled(pt, true) && !(os_cfg_rd16(pt->vf->dev, PCI_COMMAND) & PCI_COMMAND_MASTER);

	vfdev_master(pt, false);
	return ok;
}

/* The guest resets its function: the VF is, and its interrupts go. The time that the function has
 * to be left alone then is the guest's to wait. */
static void guest_flr(struct passthrough *pt)
{
	struct vpci_func *f = &pt->f;
	int err = vfdev_irqs_free(pt);

	vfdev_master(pt, false);
	if (!vfdev_quiet(pt) || !vfdev_flr(pt) || !vfdev_reset(pt) || err)
		guest_log(f->guest, "VF %u: does not come back from its reset", pt->n);
	vpci_reset(f);
	vpci_put(f, pt->exp + PCI_EXP_DEVCTL, 2, 0);
}

static void msix_control(struct passthrough *pt)
{
	uint32_t ctl = vpci_get(&pt->f, pt->msix.cap + PCI_MSIX_CTRL, 2) &
		       (PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);

	if (ctl & PCI_MSIX_CTRL_ENABLE)
		for (unsigned int i = 0; i < pt->msix.count; i++)
			vec_sync(pt, i);
	else if (vfdev_irqs_free(pt))
		guest_log(pt->f.guest, "VF %u: an interrupt could not be taken back", pt->n);
	os_cfg_wr16(pt->vf->dev, pt->real_msix + PCI_MSIX_CTRL, (uint16_t)ctl);
}

static void written(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t old)
{
	struct passthrough *pt = of_func(f);
	unsigned int ctl = pt->exp + PCI_EXP_DEVCTL, msix = pt->msix.cap + PCI_MSIX_CTRL;

	(void)old;
	if (off < PCI_COMMAND + 2 && off + len > PCI_COMMAND)
		vfdev_master(pt, vpci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	if (off < msix + 2 && off + len > msix)
		msix_control(pt);
	if (vpci_get(f, ctl, 2) & PCI_EXP_DEVCTL_FLR)
		guest_flr(pt);
}

/* An endpoint of the root complex: it has no link, so no link registers to emulate. */
int vfdev_init(struct passthrough *pt, void (*remove)(struct vpci_func *f))
{
	struct nic *n = core.nic;
	struct vpci_func *f = &pt->f;
	uint32_t sub = os_cfg_rd32(n->dev, PCI_SUBSYSTEM);
	int exp;

	*f = (struct vpci_func){.bar_read = table_read,
				.bar_write = table_write,
				.written = written,
				.remove = remove};
	vpci_header(f, IGB_VENDOR_ID, IGB_DEV_ID_82576_VF, 0x020000,
		    (uint8_t)os_cfg_rd16(n->dev, PCI_CLASS_REV), (uint16_t)sub,
		    (uint16_t)(sub >> 16));
	f->bar[BAR_MEM].len = (uint32_t)n->vf_bar_len[0];
	f->bar[BAR_MEM].hpa = n->vf_bar[0] + pt->n * n->vf_bar_len[0];
	f->bar[BAR_MSIX].len = (uint32_t)n->vf_bar_len[1];
	f->bar[BAR_MSIX].hpa = n->vf_bar[1] + pt->n * n->vf_bar_len[1];
	f->bar[BAR_MSIX].trap = pt->table_off & ~(VCPU_PAGE - 1);
	f->bar[BAR_MSIX].trap_len = VCPU_PAGE;
	exp = vpci_cap(f, PCI_CAP_ID_EXP, PCI_EXP_LEN);
	if (exp < 0)
		return exp;
	pt->exp = (unsigned int)exp;
	vpci_put(f, pt->exp + PCI_EXP_FLAGS, 2,
		 field_prep(PCI_EXP_FLAGS_VERSION, 2) |
			 field_prep(PCI_EXP_FLAGS_TYPE, PCI_EXP_TYPE_RC_END));
	vpci_put(f, pt->exp + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_FLR | PCI_EXP_DEVCAP_RBER);
	vpci_allow(f, pt->exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR);
	return vpci_msix_init(f, &pt->msix, ARRAY_SIZE(pt->vec), BAR_MSIX, pt->table_off,
			      os_cfg_rd32(pt->vf->dev, pt->real_msix + PCI_MSIX_PBA) &
				      ~PCI_MSIX_BIR);
}

/* Its IDs read as ones (SR-IOV 9.3.4.1.1). */
int vfdev_probe(struct passthrough *pt, const struct nic *n)
{
	struct os_dev *dev = pt->vf->dev;
	uint32_t table, pba;

	pt->real_exp = pcihost_cap(dev, PCI_CAP_ID_EXP);
	pt->real_msix = pcihost_cap(dev, PCI_CAP_ID_MSIX);
	if (!pt->real_exp || !pt->real_msix ||
	    !(os_cfg_rd32(dev, pt->real_exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR))
		return -ENODEV;
	table = os_cfg_rd32(dev, pt->real_msix + PCI_MSIX_TABLE);
	pba = os_cfg_rd32(dev, pt->real_msix + PCI_MSIX_PBA);
	pt->table_off = table & ~PCI_MSIX_BIR;
	/* The page of the table is trapped whole: nothing else that a guest needs may be in it. */
	if (field_get(PCI_MSIX_BIR, table) != BAR_MSIX ||
	    field_get(PCI_MSIX_BIR, pba) != BAR_MSIX ||
	    pt->table_off / VCPU_PAGE == pba / VCPU_PAGE || pt->table_off >= n->vf_bar_len[1] ||
	    field_get(PCI_MSIX_CTRL_SIZE, os_cfg_rd16(dev, pt->real_msix + PCI_MSIX_CTRL)) + 1 !=
		    ARRAY_SIZE(pt->vec))
		return -ENODEV;
	vfdev_master(pt, false);
	return 0;
}
