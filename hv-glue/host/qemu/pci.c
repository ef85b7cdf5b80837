/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Enumeration by hand, as a BIOS would: ECAM, root port, PF, SR-IOV; function-level reset; MSI-X.
 */
#include "qemu_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hw/igb.h"
#include "hw/pci.h"

#define CFG_ADDR     0xcf8 /* the legacy way in, for the host bridge's PCIEXBAR alone */
#define CFG_DATA     0xcfc
#define PCIEXBAR     0x60 /* Q35: base of ECAM, bit 0 enables */
#define ROOT_PORT    (1u << 3)
#define CAPS_MAX     48
#define PF_MSIX_BAR  3
#define VF_MEM_BAR   0
#define VF_MSIX_BAR  3
#define CMD_ON	     (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)
#define FLR_LIMIT_US 1000000

static uint64_t ecam(unsigned int bus, unsigned int devfn)
{
	return QEMU_ECAM | (uint64_t)bus << 20 | (uint64_t)devfn << 12;
}

/* Offset of capability @id of the function whose configuration space is at @cfg; 0: none. */
static uint32_t cap_find(struct qemu *q, uint64_t cfg, uint32_t id)
{
	uint32_t off = qemu_conn_read(q, "readl", cfg + PCI_CAP_PTR) & 0xfc;

	for (int n = 0; off && n < CAPS_MAX; n++) {
		uint32_t head = qemu_conn_read(q, "readl", cfg + off);

		if ((head & 0xff) == id)
			return off;
		off = head >> 8 & 0xfc;
	}
	return 0;
}

static uint32_t ext_cap_find(struct qemu *q, uint64_t cfg, uint32_t id)
{
	uint32_t off = PCI_EXT_CAP_START;

	for (int n = 0; off >= PCI_EXT_CAP_START && n < CAPS_MAX; n++) {
		uint32_t head = qemu_conn_read(q, "readl", cfg + off);

		if (head == UINT32_MAX)
			break;
		if (field_get(PCI_EXT_CAP_ID, head) == id)
			return off;
		off = field_get(PCI_EXT_CAP_NEXT, head) & ~3u;
	}
	return 0;
}

/* Bus 1 behind it; both windows below 4 GiB; ARI forwarding, for VFs are functions above 7. */
static int root_port_on(struct qemu *q)
{
	uint64_t cfg = ecam(0, ROOT_PORT);
	uint32_t exp = cap_find(q, cfg, PCI_CAP_ID_EXP);

	if (!exp)
		return -ENODEV;
	qemu_conn_post(q, "writel", cfg + PCI_BUSES, 0x00010100);
	qemu_conn_post(q, "writel", cfg + PCI_MEM_WIN, 0xe7f0e000);
	qemu_conn_post(q, "writel", cfg + PCI_PREF_WIN, 0xeff1e801);
	qemu_conn_post(q, "writew", cfg + PCI_COMMAND, CMD_ON);
	qemu_conn_post(q, "writew", cfg + exp + PCI_EXP_DEVCTL2, PCI_EXP_DEVCTL2_ARI);
	return 0;
}

/* Size of one VF's BAR, by writing ones into the PF's capability. */
static uint32_t vf_bar_set(struct qemu *q, unsigned int bar, uint64_t phys)
{
	uint64_t at = q->func[0].cfg + q->sriov + PCI_SRIOV_BAR(bar);
	uint32_t mask;

	qemu_conn_post(q, "writel", at, UINT32_MAX);
	mask = qemu_conn_read(q, "readl", at) & PCI_BAR_MEM_MASK;
	qemu_conn_post(q, "writel", at, (uint32_t)phys);
	qemu_conn_post(q, "writel", at + 4, 0);
	return ~mask + 1;
}

static void vf_on(struct qemu *q, const struct os_dev *vf)
{
	qemu_conn_post(q, "writew", vf->cfg + PCI_COMMAND, CMD_ON);
	qemu_conn_drain(q);
}

/*
 * The PF's BARs, SR-IOV and the VFs' command registers; after power-on and after a reset of the PF.
 */
static void functions_on(struct qemu *q)
{
	const struct os_dev *pf = &q->func[0];
	uint32_t mem_size, msix_size;

	qemu_conn_post(q, "writel", pf->cfg + PCI_BAR(0), (uint32_t)QEMU_PF_BAR);
	qemu_conn_post(q, "writel", pf->cfg + PCI_BAR(PF_MSIX_BAR), (uint32_t)QEMU_PF_MSIX);
	qemu_conn_post(q, "writew", pf->cfg + PCI_COMMAND, CMD_ON);
	mem_size = vf_bar_set(q, VF_MEM_BAR, QEMU_VF_BAR);
	msix_size = vf_bar_set(q, VF_MSIX_BAR, QEMU_VF_MSIX);
	if (q->num_vfs) {
		qemu_conn_post(q, "writew", pf->cfg + q->sriov + PCI_SRIOV_NUM_VF, q->num_vfs);
		qemu_conn_post(q, "writew", pf->cfg + q->sriov + PCI_SRIOV_CTRL,
			       PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	}
	for (unsigned int i = 0; i < q->num_vfs; i++) {
		q->func[1 + i].bar = QEMU_VF_BAR + (uint64_t)i * mem_size;
		q->func[1 + i].msix = QEMU_VF_MSIX + (uint64_t)i * msix_size;
		vf_on(q, &q->func[1 + i]);
	}
	qemu_conn_drain(q);
}

/* Routing ids come from offset and stride: a VF's own vendor and device id read as ones. */
static void functions_name(struct qemu *q)
{
	uint32_t where =
		qemu_conn_read(q, "readl", q->func[0].cfg + q->sriov + PCI_SRIOV_VF_OFFSET);
	unsigned int offset = where & 0xffff, stride = where >> 16;

	for (unsigned int i = 0; i < q->num_vfs; i++) {
		struct os_dev *d = &q->func[1 + i];
		unsigned int devfn = offset + i * stride;

		d->q = q;
		d->vf = (int)i;
		d->cfg = ecam(1 + (devfn >> 8), devfn & 0xff);
		snprintf(d->name, sizeof(d->name), "01:%02x.%u vf%u", devfn >> 3 & 31, devfn & 7,
			 i);
	}
}

int qemu_pci_enumerate(struct qemu *q, struct os_err *err)
{
	struct os_dev *pf = &q->func[0];
	uint32_t id;

	qemu_conn_post(q, "outl", CFG_ADDR, 0x80000000u | PCIEXBAR);
	qemu_conn_post(q, "outl", CFG_DATA, (uint32_t)QEMU_ECAM | 1);
	if (root_port_on(q))
		return os_err_set(err, -ENODEV, "there is no PCI Express root port at 00:01.0",
				  "use a QEMU with the q35 machine, 8.0 or later",
				  "the card was not found");
	pf->cfg = ecam(1, 0);
	pf->bar = QEMU_PF_BAR;
	pf->msix = QEMU_PF_MSIX;
	id = qemu_conn_read(q, "readl", pf->cfg + PCI_VENDOR_ID);
	q->sriov = ext_cap_find(q, pf->cfg, PCI_EXT_CAP_ID_SRIOV);
	if (id != (IGB_DEV_ID_82576 << 16 | IGB_VENDOR_ID) || !q->sriov)
		return os_err_set(err, -ENODEV, "01:00.0 is not an 82576 with SR-IOV",
				  "use QEMU 8.0 or later, which has the igb device",
				  "the card was not found (id %08x)", id);
	functions_name(q);
	functions_on(q);
	return 0;
}

struct os_dev *qemu_func(struct qemu *q, int vf)
{
	return vf >= -1 && vf < (int)q->num_vfs ? &q->func[vf + 1] : NULL;
}

/* Its configuration space is that of a bus without devices. */
struct os_dev *qemu_mmio(struct qemu *q, uint64_t phys)
{
	struct os_dev *d = &q->mmio[q->num_mmios];

	if (q->num_mmios == QEMU_MMIOS)
		return NULL;
	q->num_mmios++;
	*d = (struct os_dev){.q = q, .vf = -2, .bar = phys, .cfg = ecam(0xff, 0)};
	snprintf(d->name, sizeof(d->name), "mmio %llx", (unsigned long long)phys);
	return d;
}

int qemu_flr(struct qemu *q, int vf)
{
	struct os_dev *d = qemu_func(q, vf);
	uint64_t end = os_now_us(&q->func[0]) + FLR_LIMIT_US;
	uint32_t exp;

	if (!d)
		return -EINVAL;
	qemu_conn_drain(q);
	exp = cap_find(q, d->cfg, PCI_CAP_ID_EXP);
	if (!exp || !(os_cfg_rd32(d, exp + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR))
		return -EOPNOTSUPP;
	os_cfg_wr16(d, exp + PCI_EXP_DEVCTL,
		    (uint16_t)(os_cfg_rd16(d, exp + PCI_EXP_DEVCTL) | PCI_EXP_DEVCTL_FLR));
	while (os_cfg_rd16(d, exp + PCI_EXP_DEVSTA) & PCI_EXP_DEVSTA_TRPND) {
		if (q->conn.dead || os_now_us(d) >= end)
			return -ETIMEDOUT;
		os_delay_us(d, 100);
	}
	if (vf < 0)
		functions_on(q);
	else
		vf_on(q, d);
	return q->conn.dead ? -EIO : 0;
}

int qemu_msix_msg(struct qemu *q, int vf, unsigned int vec, uint64_t addr, uint32_t data)
{
	struct os_dev *d = qemu_func(q, vf);
	uint32_t cap, ctrl;
	uint64_t entry;

	if (!d || vec >= QEMU_VECS)
		return -EINVAL;
	cap = cap_find(q, d->cfg, PCI_CAP_ID_MSIX);
	if (!cap)
		return -ENODEV;
	ctrl = os_cfg_rd16(d, cap + PCI_MSIX_CTRL);
	if (vec > field_get(PCI_MSIX_CTRL_SIZE, ctrl))
		return -EINVAL;
	entry = d->msix + (uint64_t)vec * PCI_MSIX_ENTRY_SIZE;
	qemu_conn_post(q, "writel", entry + PCI_MSIX_ENTRY_ADDR_LO, (uint32_t)addr);
	qemu_conn_post(q, "writel", entry + PCI_MSIX_ENTRY_ADDR_HI, (uint32_t)(addr >> 32));
	qemu_conn_post(q, "writel", entry + PCI_MSIX_ENTRY_DATA, data);
	qemu_conn_post(q, "writel", entry + PCI_MSIX_ENTRY_CTRL, 0);
	os_cfg_wr16(d, cap + PCI_MSIX_CTRL,
		    (uint16_t)((ctrl | PCI_MSIX_CTRL_ENABLE) & ~PCI_MSIX_CTRL_MASKALL));
	return q->conn.dead ? -EIO : 0;
}

int qemu_msix_set(struct qemu *q, int vf, unsigned int vec, uint32_t data,
		  const volatile uint32_t **word)
{
	uint64_t at = QEMU_MSIX_WORDS + ((uint64_t)(vf + 1) * QEMU_VECS + vec) * sizeof(uint32_t);

	if (!qemu_func(q, vf) || vec >= QEMU_VECS)
		return -EINVAL;
	memset(q->ram + at, 0, sizeof(uint32_t));
	*word = (const volatile uint32_t *)(void *)(q->ram + at);
	return qemu_msix_msg(q, vf, vec, at, data);
}

uint32_t qemu_phys_rd32(struct qemu *q, uint64_t phys)
{
	return qemu_conn_read(q, "readl", phys);
}

void qemu_phys_wr32(struct qemu *q, uint64_t phys, uint32_t val)
{
	qemu_conn_post(q, "writel", phys, val);
	qemu_conn_drain(q);
}
