/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VFs between guests: the order of the handover, its proofs, and interrupts that a guest chooses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The unit's and the PF's drivers are linked as well, for their own simulations. */
#define vtd_domain_alloc fake_vtd_domain_alloc
#define vtd_domain_free	 fake_vtd_domain_free
#define vtd_map		 fake_vtd_map
#define vtd_unmap	 fake_vtd_unmap
#define vtd_walk	 fake_vtd_walk
#define vtd_attach	 fake_vtd_attach
#define vtd_detach	 fake_vtd_detach
#define vtd_flush_domain fake_vtd_flush_domain
#define vtd_irq_alloc	 fake_vtd_irq_alloc
#define vtd_irq_free	 fake_vtd_irq_free
#define vtd_irq_count	 fake_vtd_irq_count
#define pf_vf_scrub	 fake_pf_vf_scrub
#define pf_vf_info	 fake_pf_vf_info
#include "core.h"

/* The seam's configuration writes go through a function with a reset, below. */
static void model_wr16(struct os_dev *dev, uint32_t off, uint16_t val);
#define os_cfg_wr16 model_wr16
#define this_cpu()  (&core.cpu[0])
#include "hv-glue/core/vf.c"
#include "hv-glue/core/vfdev.c"
#undef os_cfg_wr16
#include "fake_os.h"

#define VFS	  2
#define RAM	  UINT64_C(0x10000000)
#define RAM_LEN	  UINT64_C(0x1000000)
#define CAP_MSIX  0x70
#define CAP_EXP	  0xa0
#define HW_ADDR	  UINT64_C(0xfee00038)
#define DOMAIN(n) ((struct vtd_domain *)(uintptr_t)(0x1000 * ((n) + 1)))

struct core core;

/* ---- the machine: what was done, in a line ----------------------------------------------------
 */

static struct {
	char done[4096]; /* words, a space between */
	char log[8192];
	struct nic nic;
	bool domain[VFS + 1];
	uint64_t mapped[VFS + 1]; /* host-physical, 0: nothing */
	struct vtd_domain *context[VFS];
	struct {
		bool used;
		uint16_t source;
		uint32_t apic;
		uint8_t vector;
	} irte[8];
	struct {
		bool used;
		void (*fn)(void *ctx);
		void *ctx;
	} irq[2][8];
	enum pf_vf_state state;
	unsigned int raised_guest, raised_cpu, raised_vector, raised;
	/* what does not do as it should */
	bool no_reset, no_quiet, no_domain, no_irte, no_vector, keeps_context, keeps_pages;
	int scrub, map, attach, unmap, flush, irq_free, add_dev;
} m;

static void did(const char *word)
{
	strcat(m.done, word);
	strcat(m.done, " ");
	assert_true(strlen(m.done) < sizeof(m.done) - 64);
}

static void say(const char *f, va_list ap)
{
	size_t n = strlen(m.log);

	vsnprintf(m.log + n, sizeof(m.log) - n, f, ap);
	strcat(m.log, "\n");
}

void core_log(enum os_log_level level, const char *f, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, f);
	say(f, ap);
	va_end(ap);
}

void guest_log(struct guest *g, const char *f, ...)
{
	va_list ap;

	(void)g;
	va_start(ap, f);
	say(f, ap);
	va_end(ap);
}

size_t fmt_v(char *buf, size_t len, const char *f, va_list ap)
{
	return (size_t)vsnprintf(buf, len, f, ap);
}

size_t fmt(char *buf, size_t len, const char *f, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, f);
	n = fmt_v(buf, len, f, ap);
	va_end(ap);
	return n;
}

void *mem_alloc(size_t pages, size_t align)
{
	(void)align;
	return calloc(pages, VCPU_PAGE);
}

uint64_t core_now(void)
{
	static uint64_t now;

	return now += 1000;
}

void cpu_kick(struct core_cpu *cpu)
{
	did("kick");
	for (unsigned int i = 0; i < GUESTS; i++)
		for (unsigned int c = 0; c < GUEST_CPUS; c++)
			if (core.guest[i].cpu[c].v && core.guest[i].cpu[c].cpu == cpu &&
			    !m.no_quiet)
				core.guest[i].cpu[c].v->tsc_exit += 100;
}

static uint16_t get16(struct os_dev *dev, uint32_t off)
{
	return os_cfg_rd16(dev, off);
}

static void model_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	if (off == CAP_EXP + PCI_EXP_DEVCTL && val & PCI_EXP_DEVCTL_FLR) {
		did("flr");
		assert_false(get16(dev, PCI_COMMAND) & PCI_COMMAND_MASTER);
		val &= (uint16_t)~PCI_EXP_DEVCTL_FLR;
		if (!m.no_reset) {
			os_cfg_wr16(dev, PCI_COMMAND, 0);
			os_cfg_wr16(dev, CAP_MSIX + PCI_MSIX_CTRL, 2);
		}
	}
	if (off == PCI_COMMAND)
		did(val & PCI_COMMAND_MASTER ? "master" : "quiet");
	os_cfg_wr16(dev, off, val);
}

uint32_t pcihost_cap(struct os_dev *dev, uint8_t id)
{
	(void)dev;
	return id == PCI_CAP_ID_EXP ? CAP_EXP : CAP_MSIX;
}

int irq_alloc(struct core_cpu *cpu, void (*fn)(void *ctx), void *ctx)
{
	for (int i = 0; i < 8 && !m.no_vector; i++)
		if (!m.irq[cpu->id][i].used) {
			m.irq[cpu->id][i].used = true;
			m.irq[cpu->id][i].fn = fn;
			m.irq[cpu->id][i].ctx = ctx;
			return 0x30 + i;
		}
	return -ENOSPC;
}

void irq_free(struct core_cpu *cpu, int vector)
{
	assert_true(m.irq[cpu->id][vector - 0x30].used);
	m.irq[cpu->id][vector - 0x30].used = false;
}

static unsigned int irqs_used(unsigned int cpu)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 8; i++)
		n += m.irq[cpu][i].used;
	return n;
}

void lapic_raise(struct gcpu *c, uint8_t vector)
{
	m.raised_guest = (unsigned int)(c->guest - core.guest);
	m.raised_cpu = c->index;
	m.raised_vector = vector;
	m.raised++;
}

bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data)
{
	(void)g;
	(void)addr;
	(void)data;
	return true;
}

struct gcpu *lapic_target(struct guest *g, uint64_t addr, uint32_t data, uint8_t *vector)
{
	unsigned int id = addr >> 12 & 0xff;

	*vector = (uint8_t)data;
	return addr >> 20 == 0xfee && id < g->cfg.cpus ? &g->cpu[id] : NULL;
}

/* ---- VT-d and the PF's driver -----------------------------------------------------------------
 */

static unsigned int index_of(const struct vtd_domain *d)
{
	return (unsigned int)((uintptr_t)d / 0x1000 - 1);
}

int vtd_domain_alloc(struct vtd *v, struct vtd_domain **out)
{
	(void)v;
	for (unsigned int i = 0; i <= VFS && !m.no_domain; i++)
		if (!m.domain[i]) {
			m.domain[i] = true;
			*out = DOMAIN(i);
			return 0;
		}
	return -ENOSPC;
}

int vtd_domain_free(struct vtd *v, struct vtd_domain *d)
{
	(void)v;
	for (unsigned int i = 0; i < VFS; i++)
		if (m.context[i] == d)
			return -EBUSY;
	m.domain[index_of(d)] = false;
	return 0;
}

int vtd_map(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t phys, uint64_t len,
	    uint32_t perm)
{
	(void)v;
	assert_int_equal(iova, 0);
	assert_int_equal(phys & ~UINT64_C(0xf000000), RAM);
	assert_int_equal(len, RAM_LEN);
	assert_int_equal(perm, VTD_R | VTD_W);
	did("map");
	m.mapped[index_of(d)] = m.map ? 0 : phys;
	return m.map;
}

int vtd_unmap(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t len)
{
	(void)v;
	assert_int_equal(iova, 0);
	assert_int_equal(len, RAM_LEN);
	did("unmap");
	if (!m.keeps_pages)
		m.mapped[index_of(d)] = 0;
	return m.unmap;
}

bool vtd_walk(const struct vtd *v, const struct vtd_domain *d, uint64_t iova, uint64_t *phys,
	      uint32_t *perm)
{
	(void)v;
	*perm = VTD_R | VTD_W;
	*phys = m.mapped[index_of(d)] + iova;
	return m.mapped[index_of(d)] && iova < RAM_LEN;
}

static unsigned int vf_of(uint16_t source)
{
	return (source - 0x180u) >> 1;
}

int vtd_attach(struct vtd *v, uint16_t source, struct vtd_domain *d)
{
	(void)v;
	did("attach");
	assert_null(m.context[vf_of(source)]);
	if (!m.attach)
		m.context[vf_of(source)] = d;
	return m.attach;
}

int vtd_detach(struct vtd *v, uint16_t source)
{
	(void)v;
	if (!m.context[vf_of(source)])
		return -ENOENT;
	did("detach");
	if (!m.keeps_context)
		m.context[vf_of(source)] = NULL;
	return 0;
}

int vtd_flush_domain(struct vtd *v, const struct vtd_domain *d)
{
	(void)v;
	(void)d;
	did("flush");
	return m.flush;
}

int vtd_irq_alloc(struct vtd *v, uint16_t source, uint32_t apic, uint8_t vector,
		  struct vtd_msi *msi)
{
	(void)v;
	for (int i = 0; i < 8 && !m.no_irte; i++)
		if (!m.irte[i].used) {
			m.irte[i].used = true;
			m.irte[i].source = source;
			m.irte[i].apic = apic;
			m.irte[i].vector = vector;
			msi->addr = HW_ADDR | (uint64_t)i << 8;
			msi->data = 0;
			return i;
		}
	return -ENOSPC;
}

int vtd_irq_free(struct vtd *v, int index)
{
	(void)v;
	if (m.irq_free)
		return m.irq_free;
	m.irte[index].used = false;
	return 0;
}

unsigned int vtd_irq_count(const struct vtd *v, uint16_t source)
{
	unsigned int n = 0;

	(void)v;
	for (unsigned int i = 0; i < 8; i++)
		n += m.irte[i].used && m.irte[i].source == source;
	return n;
}

int pf_vf_scrub(struct pf *pf, unsigned int vf, uint32_t *reg)
{
	(void)pf;
	(void)vf;
	did("scrub");
	*reg = 0xc28;
	if (!m.scrub)
		m.state = PF_VF_OFF;
	return m.scrub;
}

int pf_vf_info(const struct pf *pf, unsigned int vf, struct pf_vf_info *info)
{
	(void)pf;
	(void)vf;
	memset(info, 0, sizeof(*info));
	info->state = m.state;
	return 0;
}

/* ---- the guest's side -------------------------------------------------------------------------
 */

int mmio_add(struct guest *g, const struct mmio_region *r)
{
	g->mmio[g->mmio_count++] = *r;
	return 0;
}

void mmio_del(struct guest *g, uint64_t gpa)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (g->mmio[i].gpa == gpa)
			g->mmio[i--] = g->mmio[--g->mmio_count];
}

static int ept_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
		   enum vcpu_memtype type)
{
	(void)s;
	(void)gpa;
	(void)perm;
	(void)type;
	/* The page of the table is never the guest's. */
	for (unsigned int i = 0; i < VFS; i++)
		assert_false(hpa <= m.nic.vf_bar[1] + i * 0x4000 &&
			     hpa + len > m.nic.vf_bar[1] + i * 0x4000);
	return 0;
}

static int ept_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	(void)s;
	(void)gpa;
	(void)len;
	return 0;
}

static const struct vcpu_ops ops = {.map = ept_map, .unmap = ept_unmap};
static struct guest *const a = &core.guest[0], *const b = &core.guest[1];
static const char *why;

static void access(struct guest *g, uint64_t gpa, unsigned int size, uint64_t val)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (gpa - g->mmio[i].gpa < g->mmio[i].len) {
			g->mmio[i].write(g->mmio[i].ctx, NULL, gpa - g->mmio[i].gpa, size, val);
			return;
		}
	fail_msg("nobody answers there");
}

static uint64_t look(struct guest *g, uint64_t gpa, unsigned int size)
{
	for (unsigned int i = 0; i < g->mmio_count; i++)
		if (gpa - g->mmio[i].gpa < g->mmio[i].len)
			return g->mmio[i].read(g->mmio[i].ctx, NULL, gpa - g->mmio[i].gpa, size) &
			       (UINT64_MAX >> (64 - 8 * size));
	fail_msg("nobody answers there");
	return 0;
}

static uint64_t cfg(struct guest *g, uint32_t reg)
{
	(void)g;
	return GPA_ECAM + (1 << 15) + reg;
}

static void command(struct guest *g, uint32_t val)
{
	access(g, cfg(g, PCI_COMMAND), 2, val);
}

static void control(struct guest *g, uint32_t val)
{
	access(g, cfg(g, g->func[1]->msix->cap + PCI_MSIX_CTRL), 2, val);
}

static void entry(struct guest *g, unsigned int n, uint64_t addr, uint32_t data, uint32_t ctrl)
{
	uint64_t at = (look(g, cfg(g, PCI_BAR(3)), 4) & PCI_BAR_MEM_MASK) + 16 * n;

	access(g, at, 8, addr);
	access(g, at + 8, 4, data);
	access(g, at + 12, 4, ctrl);
}

static uint32_t hw(unsigned int vf, unsigned int n, unsigned int off)
{
	return os_rd32(m.nic.vf[vf].table, 16 * n + off);
}

static void driver_up(struct guest *g)
{
	command(g, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	control(g, PCI_MSIX_CTRL_ENABLE);
	entry(g, 0, 0xfee00000, 0x41, 0);
}

static void guest_make(struct guest *g, const char *name, unsigned int n)
{
	strcpy(g->cfg.name, name);
	g->cfg.cpus = 2;
	g->ram = RAM + n * RAM_LEN;
	g->ram_len = RAM_LEN;
	for (unsigned int i = 0; i < 2; i++) {
		g->cpu[i].guest = g;
		g->cpu[i].index = i;
		g->cpu[i].cpu = &core.cpu[i];
	}
	assert_int_equal(vpci_init(g), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&core, 0, sizeof(core));
	core.ops = &ops;
	core.nic = &m.nic;
	core.tsc_hz = 1000000;
	core.cpu[1].id = 1;
	core.cpu[1].apic_id = 6;
	m.nic.num_vfs = VFS;
	m.nic.dev = fake_new();
	m.nic.vf_bar[0] = 0xfea00000;
	m.nic.vf_bar[1] = 0xfea20000;
	m.nic.vf_bar_len[0] = m.nic.vf_bar_len[1] = 0x4000;
	for (unsigned int i = 0; i < VFS; i++) {
		struct nic_vf *v = &m.nic.vf[i];

		v->source = (uint16_t)(0x180 + 2 * i);
		v->dev = fake_new();
		v->table = fake_new();
		v->step = VF_STEP_FLUSH;
		for (unsigned int e = 0; e < 3; e++)
			os_wr32(v->table, 16 * e + 12, PCI_MSIX_ENTRY_MASKED);
		os_cfg_wr16(v->dev, CAP_EXP, PCI_CAP_ID_EXP);
		os_cfg_wr32(v->dev, CAP_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
		os_cfg_wr16(v->dev, CAP_MSIX + PCI_MSIX_CTRL, 2);
		os_cfg_wr32(v->dev, CAP_MSIX + PCI_MSIX_TABLE, 3);
		os_cfg_wr32(v->dev, CAP_MSIX + PCI_MSIX_PBA, 0x2003);
	}
	assert_int_equal(nic_vfs_init(&m.nic), 0);
	guest_make(a, "one", 0);
	guest_make(b, "two", 1);
	m.done[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(m.nic.vf[0].pt);
	for (unsigned int i = 0; i < VFS; i++) {
		fake_free(m.nic.vf[i].dev);
		fake_free(m.nic.vf[i].table);
	}
	fake_free(m.nic.dev);
	return 0;
}

/* ---- the handover -----------------------------------------------------------------------------
 */

static void test_attach_maps_then_gives(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	assert_string_equal(m.done, "map attach quiet ");
	assert_ptr_equal(m.nic.vf[0].owner, a);
	assert_int_equal(m.nic.vf[0].step, VF_STEP_GIVE);
	assert_non_null(strstr(m.log, "VF 0: mapped: 16 MiB of guest one"));
	assert_non_null(strstr(m.log, "VF 0: given: guest one has it as device 1"));
	assert_int_equal(look(a, cfg(a, 0), 4), 0x10ca8086);
	assert_int_equal(look(b, cfg(b, 0), 4), UINT32_MAX);
	assert_int_equal(m.nic.vf[0].handovers, 1);
}

static void test_detach_goes_in_order(void **state)
{
	static const char *const steps[] = {"VF 0: quiesced",	"VF 0: reset",	  "VF 0: scrubbed",
					    "VF 0: interrupts", "VF 0: unmapped", "VF 0: flushed"};
	const char *at;

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 1);
	m.state = PF_VF_READY;
	m.done[0] = m.log[0] = '\0';
	assert_int_equal(vf_detach(0, &why), 0);
	assert_string_equal(m.done, "quiet flr quiet scrub detach unmap flush ");
	at = m.log;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		at = strstr(at, steps[i]);
		assert_non_null(at);
		assert_null(strstr(at + 1, steps[i]));
	}
	assert_null(m.nic.vf[0].owner);
	assert_null(m.nic.vf[0].domain);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 0);
	assert_int_equal(irqs_used(0) + irqs_used(1), 0);
	assert_false(m.domain[0]);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(look(a, cfg(a, 0), 4), UINT32_MAX);
	assert_int_equal(vf_detach(0, &why), -ENOENT);
	assert_int_equal(vf_detach(VFS, &why), -ENOENT);
	assert_int_equal(vf_attach(b, 0, -1, &why), 0);
	assert_false(vf_holds(a));
}

static void test_second_owner_is_refused_by_name(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 1, -1, &why), 0);
	m.done[0] = '\0';
	assert_int_equal(vf_attach(b, 1, -1, &why), -EBUSY);
	assert_non_null(strstr(why, "guest one"));
	assert_int_equal(vf_attach(a, 1, -1, &why), -EBUSY);
	assert_string_equal(m.done, "");
	assert_int_equal(vf_attach(b, -1, -1, &why), 0);
	assert_ptr_equal(m.nic.vf[0].owner, b);
	assert_int_equal(vf_attach(b, -1, -1, &why), -ENOSPC);
	assert_int_equal(vf_attach(b, VFS, -1, &why), -ENODEV);
	core.nic = NULL;
	assert_int_equal(vf_attach(b, 0, -1, &why), -ENODEV);
}

static void test_attach_that_fails_leaves_nothing(void **state)
{
	(void)state;
	m.no_domain = true;
	assert_int_equal(vf_attach(a, 0, -1, &why), -ENOSPC);
	m.no_domain = false;
	m.map = -ENOMEM;
	assert_int_equal(vf_attach(a, 0, -1, &why), -ENOMEM);
	m.map = 0;
	m.attach = -ENOMEM;
	assert_int_equal(vf_attach(a, 0, -1, &why), -ENOMEM);
	m.attach = 0;
	assert_false(m.domain[0] || m.mapped[0]);
	assert_null(m.nic.vf[0].owner);
	assert_null(a->func[1]);
	/* No number on the bus: what was mapped is taken back, with its proofs. */
	for (unsigned int i = 0; i < GUEST_FUNCS; i++)
		a->func[i] = &m.nic.vf[1].pt->f;
	assert_int_equal(vf_attach(a, 0, -1, &why), -ENOSPC);
	memset(a->func, 0, sizeof(a->func));
	assert_false(m.domain[0] || m.mapped[0] || m.nic.vf[0].lost);
	assert_null(m.context[0]);
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
}

struct failure {
	const char *said;
	bool *flag;
	int *err;
	bool holds;
};

static void check_failure(const struct failure *f)
{
	void *none = NULL;

	setup(&none);
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	if (f->flag)
		*f->flag = true;
	if (f->err)
		*f->err = -EIO;
	m.done[0] = '\0';
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, f->said));
	/* The rest is done all the same, the memory first of all. */
	assert_string_equal(m.done, "quiet flr quiet scrub detach unmap flush ");
	assert_null(m.nic.vf[0].owner);
	assert_true(m.nic.vf[0].lost);
	assert_int_equal(vf_holds(a), f->holds);
	assert_false(vf_holds(b));
	m.done[0] = '\0';
	assert_int_equal(vf_attach(b, 0, -1, &why), -EIO);
	assert_non_null(strstr(why, f->said));
	assert_string_equal(m.done, "");
	assert_int_equal(vf_attach(b, -1, -1, &why), 0);
	assert_ptr_equal(m.nic.vf[1].owner, b);
	teardown(&none);
}

static void test_step_that_is_not_proved_takes_it_out_of_use(void **state)
{
	const struct failure failures[] = {
		{"not reset", &m.no_reset, NULL, false},
		{"not scrubbed (register 0x00c28", NULL, &m.scrub, false},
		{"not interrupts freed", NULL, &m.irq_free, false},
		{"not unmapped", NULL, &m.unmap, true},
		{"not unmapped", &m.keeps_pages, NULL, true},
		{"not flushed", NULL, &m.flush, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		check_failure(&failures[i]);
}

static void test_context_that_stays_is_seen(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	m.keeps_context = true;
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, "not unmapped"));
	assert_true(vf_holds(a));
}

static void test_pending_transaction_is_not_quiet(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	os_cfg_wr16(m.nic.vf[0].dev, CAP_EXP + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, "not quiesced"));
}

static void test_cpus_leave_the_guest_first(void **state)
{
	struct vcpu v[2] = {{.tsc_exit = 1, .tsc_entry = 5}, {.tsc_exit = 7, .tsc_entry = 5}};

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	a->cpu[0].v = &v[1]; /* this CPU: in the core */
	a->cpu[0].state = GCPU_RUNNING;
	a->cpu[1].v = &v[0];
	a->cpu[1].state = GCPU_RUNNING;
	m.done[0] = '\0';
	assert_int_equal(vf_detach(0, &why), 0);
	assert_memory_equal(m.done, "kick quiet", 10);
	/* One that waits for the lock has left already. */
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	m.no_quiet = true;
	a->cpu[1].v = &v[1];
	assert_int_equal(vf_detach(0, &why), 0);
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	v[0] = (struct vcpu){.tsc_exit = 1, .tsc_entry = 5};
	a->cpu[1].v = &v[0];
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, "a CPU does not leave the guest"));
}

static void test_many_handovers_leave_nothing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct guest *g = i & 1 ? a : b;

		assert_int_equal(vf_attach(g, 0, -1, &why), 0);
		driver_up(g);
		entry(g, 1, 0xfee01000, 0x42, 0);
		assert_int_equal(vf_detach(0, &why), 0);
		assert_int_equal(irqs_used(0) + irqs_used(1), 0);
		assert_int_equal(g->mmio_count, 1);
		m.done[0] = m.log[0] = '\0';
		m.nic.vf[0].table->nlog = 0;
	}
	assert_int_equal(m.nic.vf[0].handovers, 200);
}

/* ---- the guest's hands on it ------------------------------------------------------------------
 */

static void test_function_resets_and_has_no_link(void **state)
{
	unsigned int exp;

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	exp = (unsigned int)look(a, cfg(a, PCI_CAP_PTR), 1);
	assert_int_equal(look(a, cfg(a, exp), 1), PCI_CAP_ID_EXP);
	assert_int_equal(look(a, cfg(a, exp + PCI_EXP_FLAGS), 2), 0x92);
	assert_true(look(a, cfg(a, exp + PCI_EXP_DEVCAP), 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(look(a, cfg(a, PCI_CLASS_REV), 4) >> 8, 0x020000);
}

static void test_bus_master_goes_through(void **state)
{
	struct os_dev *dev = m.nic.vf[0].dev;

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	assert_int_equal(os_cfg_rd16(dev, PCI_COMMAND), PCI_COMMAND_MEMORY);
	command(a, PCI_COMMAND_MASTER);
	assert_int_equal(os_cfg_rd16(dev, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	command(a, 0);
	assert_int_equal(os_cfg_rd16(dev, PCI_COMMAND), PCI_COMMAND_MEMORY);
	command(a, 0xffff);
	assert_int_equal(os_cfg_rd16(dev, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void test_interrupt_goes_by_the_unit(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_ADDR_LO), HW_ADDR);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_DATA), 0);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
	assert_int_equal(os_cfg_rd16(m.nic.vf[0].dev, CAP_MSIX + PCI_MSIX_CTRL),
			 PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(m.irte[0].source, 0x180);
	assert_int_equal(m.irte[0].apic, 0);
	assert_int_equal(m.irte[0].vector, 0x30);
	m.irq[0][0].fn(m.irq[0][0].ctx);
	assert_int_equal(m.raised, 1);
	assert_int_equal(m.raised_guest, 0);
	assert_int_equal(m.raised_vector, 0x41);
	/* The guest reads what it wrote. */
	assert_int_equal(look(a, look(a, cfg(a, PCI_BAR(3)), 4) + 8, 4), 0x41);
}

static void test_interrupt_follows_to_another_cpu(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	entry(a, 0, 0xfee01000, 0x55, 0);
	assert_int_equal(irqs_used(0), 0);
	assert_int_equal(irqs_used(1), 1);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 1);
	assert_int_equal(m.irte[0].apic, 6);
	m.irq[1][0].fn(m.irq[1][0].ctx);
	assert_int_equal(m.raised_cpu, 1);
	assert_int_equal(m.raised_vector, 0x55);
	/* Another vector of the same CPU needs no other entry. */
	entry(a, 0, 0xfee01000, 0x66, 0);
	m.irq[1][0].fn(m.irq[1][0].ctx);
	assert_int_equal(m.raised_vector, 0x66);
}

static void test_masks_are_honoured(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	entry(a, 0, 0xfee00000, 0x41, PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
	control(a, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(os_cfg_rd16(m.nic.vf[0].dev, CAP_MSIX + PCI_MSIX_CTRL),
			 PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	control(a, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
	control(a, 0);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 0);
	assert_int_equal(irqs_used(0), 0);
	assert_int_equal(os_cfg_rd16(m.nic.vf[0].dev, CAP_MSIX + PCI_MSIX_CTRL), 0);
}

static void test_garbage_stays_masked(void **state)
{
	static const struct {
		uint64_t addr;
		uint32_t data;
	} bad[] = {
		{0xfee00000, 3},    {0xfee00000, 0x0f}, {0xfee02000, 0x41},
		{0xfeeff000, 0x41}, {0x1000, 0x41},	{0, 0},
		{UINT64_MAX, 0x41}, {0xfed90000, 0x41}, {HW_ADDR | 0x100000000, 0x41},
	};

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t before = a->refused;

		entry(a, 0, bad[i].addr, bad[i].data, 0);
		assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
		assert_true(a->refused > before);
		entry(a, 0, 0xfee00000, 0x41, 0);
		assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
	}
	assert_true(vtd_irq_count(NULL, 0x180) <= 1);
}

static void test_no_room_for_an_interrupt(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	m.no_irte = true;
	driver_up(a);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(irqs_used(0), 0);
	m.no_irte = false;
	m.no_vector = true;
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 0);
	m.no_vector = false;
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
}

/* By random accesses to all that is trapped: the hardware's table has nothing but the unit's
 * messages in it, and no more entries than it has places. */
static void test_table_is_never_the_guests(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	srandom(3);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t bar = look(a, cfg(a, PCI_BAR(3)), 4) & PCI_BAR_MEM_MASK;
		unsigned int size = 1u << random() % 4;
		uint64_t val = random() % 3 ? 0xfee00000 | ((uint64_t)random() & 0x3000)
					    : (uint64_t)random() << 32 | (uint64_t)random();

		access(a, bar + (uint64_t)random() % (random() % 4 ? 64 : VCPU_PAGE), size, val);
		if (random() % 16 == 0)
			control(a, (uint32_t)random() << 14);
		m.nic.vf[0].table->nlog = 0;
		m.log[0] = m.done[0] = '\0';
		assert_true(vtd_irq_count(NULL, 0x180) <= 3);
		for (unsigned int n = 0; n < 3; n++) {
			uint32_t lo = hw(0, n, 0);

			assert_true(!lo || (lo & ~0x700u) == HW_ADDR);
			assert_int_equal(hw(0, n, 4), 0);
			assert_int_equal(hw(0, n, 8), 0);
		}
		for (unsigned int reg = 48; reg < VCPU_PAGE; reg += 512)
			assert_int_equal(os_rd32(m.nic.vf[0].table, reg & ~3u), 0);
	}
}

static void test_guest_resets_its_function(void **state)
{
	unsigned int exp;

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	exp = (unsigned int)look(a, cfg(a, PCI_CAP_PTR), 1);
	m.done[0] = '\0';
	access(a, cfg(a, exp + PCI_EXP_DEVCTL + 1), 1, 0x80);
	assert_string_equal(m.done, "quiet flr quiet ");
	assert_int_equal(look(a, cfg(a, PCI_COMMAND), 2), 0);
	assert_int_equal(look(a, cfg(a, exp + PCI_EXP_DEVCTL), 2), 0);
	assert_int_equal(look(a, cfg(a, a->func[1]->msix->cap + PCI_MSIX_CTRL), 2), 2);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 0);
	assert_int_equal(a->mmio_count, 1);
	assert_int_equal(os_cfg_rd16(m.nic.vf[0].dev, PCI_COMMAND), PCI_COMMAND_MEMORY);
	driver_up(a);
	assert_int_equal(hw(0, 0, PCI_MSIX_ENTRY_CTRL), 0);
	assert_ptr_equal(m.nic.vf[0].owner, a);
}

static void test_stopped_guest_gives_it_back(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up(a);
	vpci_fini(a);
	assert_null(m.nic.vf[0].owner);
	assert_int_equal(m.nic.vf[0].step, VF_STEP_FLUSH);
	assert_false(m.mapped[0] || m.domain[0]);
	assert_int_equal(a->mmio_count, 0);
}

static void test_vf_that_is_none_is_refused(void **state)
{
	struct os_dev *dev = m.nic.vf[1].dev;

	(void)state;
	free(m.nic.vf[0].pt);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_PBA, 0x803); /* in the trapped page */
	assert_int_equal(nic_vfs_init(&m.nic), -ENODEV);
	free(m.nic.vf[0].pt);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_PBA, 0x2003);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 0);
	assert_int_equal(nic_vfs_init(&m.nic), -ENODEV);
	free(m.nic.vf[0].pt);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 3);
	os_cfg_wr32(dev, CAP_EXP + PCI_EXP_DEVCAP, 0);
	assert_int_equal(nic_vfs_init(&m.nic), -ENODEV);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(attach_maps_then_gives),
		T(detach_goes_in_order),
		T(second_owner_is_refused_by_name),
		T(attach_that_fails_leaves_nothing),
		cmocka_unit_test(test_step_that_is_not_proved_takes_it_out_of_use),
		T(context_that_stays_is_seen),
		T(pending_transaction_is_not_quiet),
		T(cpus_leave_the_guest_first),
		T(many_handovers_leave_nothing),
		T(function_resets_and_has_no_link),
		T(bus_master_goes_through),
		T(interrupt_goes_by_the_unit),
		T(interrupt_follows_to_another_cpu),
		T(masks_are_honoured),
		T(garbage_stays_masked),
		T(no_room_for_an_interrupt),
		T(table_is_never_the_guests),
		T(guest_resets_its_function),
		T(stopped_guest_gives_it_back),
		T(vf_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
