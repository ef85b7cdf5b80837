/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The card's life in the core: VT-d first, then the PF with its VFs; service, faults, the end. */
#include "nic.h"

#include "boot.h"
#include "guest.h"
#include "host.h"
#include "hw/pci.h"
#include "os/bare.h"
#include "pcihost.h"
#include "vnic.h"
#include "vtd.h"

#define PF_QUEUE      512
#define PF_ROUNDS     8	      /* calls of pf_service() a round: a flood of mail waits */
#define TICK_US	      1000000 /* a round is due though nothing asked for it */
#define LOOK_US	      2000    /* between two looks for the first packet */
#define FAULTS_MAX    64      /* that may interrupt within a tick */
#define COMPAT_MSI    UINT64_C(0xfee00000)
#define COMPAT_TARGET 12 /* bit of the APIC id */

static struct nic nic = {.vector = -1};
static struct pci_card card;
static struct bare_env vtd_env, pf_env;
static struct os_dev vtd_dev, pf_dev, pf_table, vf_dev[PF_VFS_MAX], vf_table[PF_VFS_MAX];
static struct vtd_domain *pf_domain;
static int pf_irte = -1, fault_vector = -1;
static uint64_t next_tick, next_look;
static unsigned int faults_left;
static bool mail_left;

/* ---- the seam -------------------------------------------------------------------------------- */

static void *pages(size_t len)
{
	return mem_alloc(len / VCPU_PAGE, 1);
}

static void pages_free(void *p, size_t len)
{
	mem_free(p, len / VCPU_PAGE);
}

/* The PF's domain holds its own DMA memory and nothing else: not even its driver can be made to
 * let the card touch a guest or the core. */
static void *pf_pages(size_t len)
{
	void *p = pages(len);

	if (p && vtd_map(core.vtd, pf_domain, (uintptr_t)p, (uintptr_t)p, len, VTD_R | VTD_W)) {
		pages_free(p, len);
		return NULL;
	}
	return p;
}

static void pf_pages_free(void *p, size_t len)
{
	if (!vtd_unmap(core.vtd, pf_domain, (uintptr_t)p, len))
		pages_free(p, len);
	else
		core_log(OS_LOG_ERR, "card: DMA memory at %p could not be unmapped, it stays", p);
}

static void seam_log(enum os_log_level level, const char *who, const char *f, va_list ap)
{
	char text[WHY_LEN];

	fmt_v(text, sizeof(text), f, ap);
	core_log(level, "%s: %s", who, text);
}

static void seam_init(void)
{
	vtd_env = (struct bare_env){.pages = pages,
				    .pages_free = pages_free,
				    .log = seam_log,
				    .tsc_hz = core.tsc_hz,
				    .ecam = acpi.ecam};
	pf_env = vtd_env;
	pf_env.pages = pf_pages;
	pf_env.pages_free = pf_pages_free;
}

/* ---- interrupts, no lock --------------------------------------------------------------------- */

static void set_flag(void *ctx)
{
	__atomic_store_n((bool *)ctx, true, __ATOMIC_RELEASE);
}

static bool take_flag(bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(flag, false, __ATOMIC_ACQUIRE);
}

/* The unit's own message is not remapped (VT-d 5.1.6): compatibility format. */
static void fault_irq_on(void)
{
	uint64_t id = core.cpu[0].apic_id; /* beyond 8 bits in the upper half, VT-d 10.4.13 */
	const struct vtd_msi msi = {.addr = COMPAT_MSI | (id & 0xff) << COMPAT_TARGET |
					    id >> 8 << 40,
				    .data = (uint32_t)fault_vector};

	vtd_fault_irq(core.vtd, &msi);
}

/* What was begun is quiet again before the core says why it does not go on. */
static _Noreturn void quit(const char *f, ...) printf_like(1, 2);
static _Noreturn void quit(const char *f, ...)
{
	char why[2 * WHY_LEN];
	va_list ap;

	va_start(ap, f);
	fmt_v(why, sizeof(why), f, ap);
	va_end(ap);
	nic_fini();
	core_refuse("%s", why);
}

/* ---- start ----------------------------------------------------------------------------------- */

static uint64_t vtd_choose(void)
{
	char why[WHY_LEN];
	uint64_t unit;

	if (acpi_unit(&acpi, card.bdf, pcihost_buses, &vtd_env, &unit, why, sizeof(why)))
		quit("VT-d: %s", why);
	if (boot_in_ram(&boot, unit, VCPU_PAGE))
		quit("ACPI: table DMAR puts a unit into RAM, at 0x%llx: update the firmware",
		     (unsigned long long)unit);
	return unit;
}

static void vtd_up(void)
{
	const struct vtd_config cfg = {.intremap = true, .x2apic = apic_is_x2()};
	const char *why = "no memory for its tables";
	uint64_t unit = vtd_choose();
	struct vtd_info info;
	void *mem;

	bare_mmio(&vtd_dev, &vtd_env, unit, "vtd");
	mem = pages((vtd_size() + VCPU_PAGE - 1) & ~(size_t)(VCPU_PAGE - 1));
	if (!mem || vtd_init(mem, &vtd_dev, &cfg, &core.vtd, &why))
		quit("VT-d: %s", why);
	if (vtd_start(core.vtd))
		quit("VT-d: the unit at 0x%llx does not take its tables: update the "
		     "firmware, or switch VT-d off and on in its setup",
		     (unsigned long long)unit);
	fault_vector = irq_alloc(&core.cpu[0], set_flag, &nic.faulted);
	if (fault_vector >= 0)
		fault_irq_on();
	vtd_info(core.vtd, &info);
	core_log(OS_LOG_INFO,
		 "VT-d %u.%u at 0x%llx: %u domains, %u levels, invalidation by %s, interrupts "
		 "remapped",
		 info.version >> 4, info.version & 15, (unsigned long long)unit, info.domains,
		 info.levels, info.queued ? "queue" : "registers");
}

/* What the PF's driver tells: a guest's line where it is about a VF that has an owner. */
static void event(void *ctx, const struct pf_event *ev)
{
	struct guest *owner = ev->vf < PF_VFS_MAX ? nic.vf[ev->vf].owner : NULL;

	(void)ctx;
	switch (ev->type) {
	case PF_EV_VF_REFUSED:
		if (owner)
			guest_log(owner, "VF %u: its request was refused: %s (%s)", ev->vf,
				  pf_rule_text(ev->rule), pf_rule_mend(ev->rule));
		return;
	case PF_EV_SPOOF:
		if (owner)
			guest_log(owner, "VF %u sent with addresses that are not its own: dropped",
				  ev->vf);
		return;
	default:
		return;
	}
}

static void msix_write(struct os_dev *table, unsigned int n, const struct vtd_msi *msi)
{
	uint32_t at = n * PCI_MSIX_ENTRY_SIZE;

	os_wr32(table, at + PCI_MSIX_ENTRY_ADDR_LO, (uint32_t)msi->addr);
	os_wr32(table, at + PCI_MSIX_ENTRY_ADDR_HI, (uint32_t)(msi->addr >> 32));
	os_wr32(table, at + PCI_MSIX_ENTRY_DATA, msi->data);
	os_wr32(table, at + PCI_MSIX_ENTRY_CTRL, 0);
}

/* The PF's one interrupt, on CPU 0. */
static void pf_irq_up(void)
{
	struct vtd_msi msi;

	nic.vector = irq_alloc(&core.cpu[0], set_flag, &nic.pending);
	if (nic.vector >= 0)
		pf_irte = vtd_irq_alloc(core.vtd, card.bdf, core.cpu[0].apic_id,
					(uint8_t)nic.vector, &msi);
	if (pf_irte < 0)
		quit("card: no interrupt for it (%d)", pf_irte);
	msix_write(&pf_table, 0, &msi);
	os_cfg_wr16(&pf_dev, card.msix + PCI_MSIX_CTRL, PCI_MSIX_CTRL_ENABLE);
}

static void pf_up(unsigned int vfs)
{
	const struct pf_config cfg = {.num_vfs = vfs, .pf_queue = PF_QUEUE, .event = event};
	void *mem = mem_alloc((pf_size() + VCPU_PAGE - 1) / VCPU_PAGE, 1);
	int err;

	err = vtd_domain_alloc(core.vtd, &pf_domain);
	if (!err)
		err = vtd_attach(core.vtd, card.bdf, pf_domain);
	if (!mem || err)
		quit("card: no memory or no VT-d domain for its driver (%d)", err);
	bare_func(&pf_dev, &pf_env, card.bdf, card.bar);
	bare_mmio(&pf_table, &pf_env, card.table, "msix");
	pcihost_master(&card, true);
	err = pf_init(mem, &pf_dev, &cfg, &nic.pf);
	if (err)
		quit("card %s: its driver does not take it (%d): memory for its queues, or "
		     "another card",
		     pf_dev.name, err);
	err = pf_start(nic.pf);
	if (err)
		quit("card %s: does not start (%d): reset the machine", pf_dev.name, err);
	pf_irq_up();
	pf_irq_enable(nic.pf, 0);
	nic.pending = true;
}

/* Each VF keeps the address it was given: a guest cannot ask for one that is another's, or that of
 * a station behind the port, and draw its frames to itself. */
static int macs_fixed(unsigned int vfs)
{
	int err = 0;

	for (unsigned int i = 0; i < vfs && !err; i++) {
		struct pf_vf_policy pol;
		struct pf_vf_info info;

		pf_vf_policy_default(&pol);
		err = pf_vf_info(nic.pf, i, &info);
		pol.mac = info.mac;
		if (!err)
			err = pf_vf_policy_set(nic.pf, i, &pol, NULL);
	}
	return err;
}

static void vfs_up(unsigned int vfs)
{
	int err;

	nic.num_vfs = vfs;
	for (unsigned int i = 0; i < 2; i++) {
		nic.vf_bar[i] = card.vf_bar[i];
		nic.vf_bar_len[i] = card.vf_bar_len[i];
	}
	for (unsigned int i = 0; i < vfs; i++) {
		struct nic_vf *v = &nic.vf[i];

		v->source = pcihost_vf(&card, i);
		v->dev = &vf_dev[i];
		v->table = &vf_table[i];
		v->step = VF_STEP_FLUSH;
		bare_func(v->dev, &vtd_env, v->source, card.vf_bar[0] + i * card.vf_bar_len[0]);
		bare_mmio(v->table, &vtd_env, card.vf_bar[1] + i * card.vf_bar_len[1], "msix");
	}
	err = macs_fixed(vfs);
	if (err)
		quit("card %s: a VF's address is refused (%d)", pf_dev.name, err);
	err = nic_vfs_init(&nic);
	if (err)
		quit("card %s: a VF is not as it should be, or there is no memory for it "
		     "(%d)",
		     pf_dev.name, err);
}

void nic_init(unsigned int vfs)
{
	char why[2 * WHY_LEN];

	if (vfs > PF_VFS_MAX)
		quit("%u VFs are asked for, at most %u can be given: the last pool is the "
		     "core's own",
		     vfs, PF_VFS_MAX);
	seam_init();
	/* Its bus mastering is off from here until it has a domain. */
	if (pcihost_find(&card, &vtd_env, why, sizeof(why)))
		quit("%s", why);
	vtd_up();
	if (pcihost_vfs(&card, vfs, why, sizeof(why)))
		quit("%s", why);
	nic.dev = &pf_dev;
	pf_up(vfs);
	vfs_up(vfs);
	core_log(OS_LOG_INFO, "card %s: %u of %u VFs, registers at 0x%llx, theirs at 0x%llx",
		 pf_dev.name, vfs, card.vfs_total, (unsigned long long)card.bar,
		 (unsigned long long)card.vf_bar[0]);
	core.nic = &nic;
}

/* ---- service --------------------------------------------------------------------------------- */

static void fault_tell(const struct vtd_fault *f)
{
	const char *what = f->interrupt ? "interrupt" : f->write ? "DMA write" : "DMA read";
	const char *prep = f->interrupt ? "by index" : f->write ? "to" : "from";

	for (unsigned int i = 0; i < nic.num_vfs; i++) {
		struct nic_vf *v = &nic.vf[i];

		if (v->source != f->source)
			continue;
		v->faults++;
		if (v->owner)
			guest_log(v->owner, "VF %u's %s %s 0x%llx blocked: %s", i, what, prep,
				  (unsigned long long)f->addr, vtd_fault_text(f->reason));
		return;
	}
	/* QEMU's unit does not say whose DMA wrote a forged interrupt: its source is all ones. */
	if (faults_left)
		core_log(OS_LOG_WARN, "VT-d: %s of %02x:%02x.%u%s %s 0x%llx blocked: %s", what,
			 f->source >> 8, f->source >> 3 & 31, f->source & 7,
			 f->source == UINT16_MAX ? " (not known)" : "", prep,
			 (unsigned long long)f->addr, vtd_fault_text(f->reason));
}

/* A VF that faults without end costs an interrupt each only until the tick's share is used up. */
bool nic_faults(void)
{
	struct vtd_fault f[8];
	bool lost, any = false;
	unsigned int n;

	if (!core.vtd)
		return false;
	do {
		n = vtd_faults(core.vtd, f, ARRAY_SIZE(f), &lost);
		for (unsigned int i = 0; i < n; i++)
			fault_tell(&f[i]);
		nic.faults += n;
		nic.faults_lost += lost;
		any = any || n;
		if (n >= faults_left && faults_left)
			vtd_fault_irq(core.vtd, NULL);
		faults_left -= n < faults_left ? n : faults_left;
	} while (n && faults_left);
	return any;
}

static void first_packet_look(uint64_t now)
{
	struct pf_vf_info info;
	struct pf_stats st;

	next_look = now + us_to_tsc(LOOK_US);
	for (unsigned int i = 0; i < nic.num_vfs && !nic.first_packet; i++)
		if (!pf_vf_info(nic.pf, i, &info) && info.state == PF_VF_READY &&
		    !pf_vf_stats(nic.pf, i, &st) && st.tx_packets)
			nic.first_packet = now;
}

/* With mail still coming after the last call, the rest waits for the next round, and the interrupt
 * stays masked: a VF that floods gets no more than its turn. */
static bool pf_serve(void)
{
	unsigned int n = 0;

	while (n < PF_ROUNDS && pf_service(nic.pf))
		n++;
	mail_left = n == PF_ROUNDS;
	if (!mail_left)
		pf_irq_ack(nic.pf);
	return n != 0;
}

bool nic_service(void)
{
	uint64_t now = core_now();
	bool tick = now >= next_tick, work = false;

	if (!core.nic)
		return false;
	if (tick) {
		next_tick = now + us_to_tsc(TICK_US);
		if (!faults_left && fault_vector >= 0)
			fault_irq_on();
		faults_left = FAULTS_MAX;
	}
	if (take_flag(&nic.pending) || mail_left || tick)
		work = pf_serve();
	if (take_flag(&nic.faulted) || tick)
		work = nic_faults() || work;
	if (!nic.first_packet && now >= next_look)
		first_packet_look(now);
	return port_poll_all() || work;
}

void nic_fini(void)
{
	const char *why;

	for (unsigned int i = 0; core.nic && i < nic.num_vfs; i++)
		if (nic.vf[i].owner && vf_detach(i, &why))
			core_log(OS_LOG_ERR, "VF %u: %s", i, why);
	core.nic = NULL;
	if (nic.pf)
		pf_stop(nic.pf);
	nic.pf = NULL;
	if (card.bdf)
		pcihost_quiet(&card);
	if (!core.vtd)
		return;
	vtd_fault_irq(core.vtd, NULL);
	vtd_stop(core.vtd);
	core.vtd = NULL;
}
