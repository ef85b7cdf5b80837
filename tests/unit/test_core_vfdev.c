/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VF in its guest's hands: its registers, its reset, the interrupts that the guest chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The unit's driver is linked as well, for its own simulation. */
#define vtd_irq_alloc fake_vtd_irq_alloc
#define vtd_irq_free  fake_vtd_irq_free
#define vtd_irq_count fake_vtd_irq_count
#include "core.h"

/* The seam's configuration space goes through a function with a reset, below. */
static void model_wr16(struct os_dev *dev, uint32_t off, uint16_t val);
static uint16_t model_rd16(struct os_dev *dev, uint32_t off);
#define os_cfg_wr16 model_wr16
#define os_cfg_rd16 model_rd16
#include "hv-glue/core/vfdev.c"
#undef os_cfg_wr16
#undef os_cfg_rd16
#include "fake_os.h"

#define VFS	 2
#define CAP_MSIX 0x70
#define CAP_EXP	 0xa0
#define HW_ADDR	 UINT64_C(0xfee00038)

struct core core;

/* ---- the machine ---------------------------------------------------------------------------- */

static struct {
	char done[256]; /* words, a space between */
	struct nic nic;
	struct passthrough pt;
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
	unsigned int raised_guest, raised_cpu, raised_vector, raised, removed;
	bool no_reset, no_irte, no_vector, no_mark;
	uint64_t begins; /* us after the write that asks for it */
	uint64_t due;	 /* when it begins; 0: none is asked for */
	int irq_free;
} m;

static void did(const char *word)
{
	strcat(m.done, word);
	strcat(m.done, " ");
	assert_true(strlen(m.done) < sizeof(m.done) - 32);
}

void guest_log(struct guest *g, const char *f, ...)
{
	(void)g;
	(void)f;
}

/* What a reset clears; until it begins all is as it was, and nothing is pending. */
static uint16_t model_rd16(struct os_dev *dev, uint32_t off)
{
	if (m.due && dev->now_us >= m.due && !m.no_reset) {
		m.due = 0;
		os_cfg_wr16(dev, PCI_COMMAND, 0);
		os_cfg_wr16(dev, CAP_MSIX + PCI_MSIX_CTRL, 2);
	}
	return os_cfg_rd16(dev, off);
}

static void model_wr16(struct os_dev *dev, uint32_t off, uint16_t val)
{
	if (off == CAP_EXP + PCI_EXP_DEVCTL && val & PCI_EXP_DEVCTL_FLR) {
		did("flr");
		assert_false(os_cfg_rd16(dev, PCI_COMMAND) & PCI_COMMAND_MASTER);
		val &= (uint16_t)~PCI_EXP_DEVCTL_FLR;
		m.due = dev->now_us + m.begins + 1;
		dev->now_us += 1;
	}
	if (off == CAP_MSIX + PCI_MSIX_CTRL && m.no_mark)
		return;
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

/* ---- the guest's side ----------------------------------------------------------------------- */

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

int vcpu_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
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

int vcpu_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	(void)s;
	(void)gpa;
	(void)len;
	return 0;
}

static struct guest *const a = &core.guest[0];

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

static uint32_t hw(unsigned int n, unsigned int off)
{
	return os_rd32(m.nic.vf[0].table, 16 * n + off);
}

static void driver_up(struct guest *g)
{
	command(g, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	control(g, PCI_MSIX_CTRL_ENABLE);
	entry(g, 0, 0xfee00000, 0x41, 0);
}

static void removed(struct vpci_func *f)
{
	(void)f;
	m.removed++;
}

static struct os_dev *vf_new(void)
{
	struct os_dev *dev = fake_new();

	os_cfg_wr16(dev, CAP_EXP, PCI_CAP_ID_EXP);
	os_cfg_wr32(dev, CAP_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR);
	os_cfg_wr16(dev, CAP_MSIX + PCI_MSIX_CTRL, 2);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 3);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_PBA, 0x2003);
	return dev;
}

/* A guest of two CPUs that has the VF. */
static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&core, 0, sizeof(core));
	core.nic = &m.nic;
	core.cpu[1].id = 1;
	core.cpu[1].apic_id = 6;
	m.nic.num_vfs = VFS;
	m.nic.dev = fake_new();
	m.nic.vf_bar[0] = 0xfea00000;
	m.nic.vf_bar[1] = 0xfea20000;
	m.nic.vf_bar_len[0] = m.nic.vf_bar_len[1] = 0x4000;
	m.nic.vf[0].source = 0x180;
	m.nic.vf[0].dev = vf_new();
	m.nic.vf[0].table = fake_new();
	for (unsigned int e = 0; e < 3; e++) {
		m.pt.vec[e].irte = -1;
		os_wr32(m.nic.vf[0].table, 16 * e + 12, PCI_MSIX_ENTRY_MASKED);
	}
	m.pt.vf = &m.nic.vf[0];
	a->cfg.cpus = 2;
	for (unsigned int i = 0; i < 2; i++) {
		a->cpu[i].guest = a;
		a->cpu[i].index = i;
		a->cpu[i].cpu = &core.cpu[i];
	}
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), 0);
	assert_int_equal(vfdev_init(&m.pt, removed), 0);
	assert_int_equal(vpci_init(a), 0);
	assert_int_equal(vpci_add(a, &m.pt.f, -1), 0);
	m.done[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vpci_fini(a);
	assert_int_equal(m.removed, 1);
	fake_free(m.nic.vf[0].dev);
	fake_free(m.nic.vf[0].table);
	fake_free(m.nic.dev);
	return 0;
}

/* ---- the guest's hands on it ---------------------------------------------------------------- */

static void test_function_resets_and_has_no_link(void **state)
{
	unsigned int exp;

	(void)state;
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
	driver_up(a);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_ADDR_LO), HW_ADDR);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_DATA), 0);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
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
	driver_up(a);
	entry(a, 0, 0xfee00000, 0x41, PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
	control(a, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(os_cfg_rd16(m.nic.vf[0].dev, CAP_MSIX + PCI_MSIX_CTRL),
			 PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASKALL);
	control(a, PCI_MSIX_CTRL_ENABLE);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
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
	driver_up(a);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t before = a->refused;

		entry(a, 0, bad[i].addr, bad[i].data, 0);
		assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
		assert_true(a->refused > before);
		entry(a, 0, 0xfee00000, 0x41, 0);
		assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
	}
	assert_true(vtd_irq_count(NULL, 0x180) <= 1);
}

static void test_no_room_for_an_interrupt(void **state)
{
	(void)state;
	m.no_irte = true;
	driver_up(a);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(irqs_used(0), 0);
	m.no_irte = false;
	m.no_vector = true;
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), PCI_MSIX_ENTRY_MASKED);
	assert_int_equal(vtd_irq_count(NULL, 0x180), 0);
	m.no_vector = false;
	entry(a, 0, 0xfee00000, 0x41, 0);
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
}

/* By random accesses to all that is trapped: the hardware's table has nothing but the unit's
 * messages in it, and no more entries than it has places. */
static void test_table_is_never_the_guests(void **state)
{
	(void)state;
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
		m.done[0] = '\0';
		assert_true(vtd_irq_count(NULL, 0x180) <= 3);
		for (unsigned int n = 0; n < 3; n++) {
			uint32_t lo = hw(n, 0);

			assert_true(!lo || (lo & ~0x700u) == HW_ADDR);
			assert_int_equal(hw(n, 4), 0);
			assert_int_equal(hw(n, 8), 0);
		}
		for (unsigned int reg = 48; reg < VCPU_PAGE; reg += 512)
			assert_int_equal(os_rd32(m.nic.vf[0].table, reg & ~3u), 0);
	}
}

static void test_guest_resets_its_function(void **state)
{
	unsigned int exp;

	(void)state;
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
	assert_int_equal(hw(0, PCI_MSIX_ENTRY_CTRL), 0);
}

static void test_interrupts_are_given_back(void **state)
{
	(void)state;
	driver_up(a);
	entry(a, 2, 0xfee01000, 0x42, 0);
	assert_int_equal(vfdev_irqs_open(&m.pt), 2);
	assert_int_equal(vfdev_irqs_free(&m.pt), 0);
	assert_int_equal(vfdev_irqs_open(&m.pt), 0);
	assert_int_equal(irqs_used(0) + irqs_used(1), 0);
	/* The unit may still send it: its vector is nobody else's. */
	entry(a, 0, 0xfee00000, 0x41, 0);
	m.irq_free = -EIO;
	assert_int_equal(vfdev_irqs_free(&m.pt), -EIO);
	assert_int_equal(vfdev_irqs_open(&m.pt), 0);
	assert_int_equal(irqs_used(0), 1);
}

static bool reset(void)
{
	bool begun = vfdev_flr(&m.pt);

	return vfdev_reset(&m.pt) && begun;
}

static void test_reset_is_looked_at(void **state)
{
	(void)state;
	driver_up(a);
	vfdev_master(&m.pt, false);
	m.no_reset = true;
	assert_false(reset()); /* MSI-X is on still */
	m.no_reset = false;
	m.due = 0;
	assert_true(reset());
	os_cfg_wr16(m.nic.vf[0].dev, CAP_EXP + PCI_EXP_DEVSTA, PCI_EXP_DEVSTA_TRPND);
	assert_false(vfdev_quiet(&m.pt));
	assert_false(reset());
	os_cfg_wr16(m.nic.vf[0].dev, CAP_EXP + PCI_EXP_DEVSTA, 0);
	os_cfg_wr16(m.nic.vf[0].dev, CAP_EXP, UINT16_MAX); /* it does not answer */
	assert_false(vfdev_quiet(&m.pt));
}

/* Nothing is pending, mastering and MSI-X are off before it has begun. */
static void test_reset_to_come_is_none(void **state)
{
	struct os_dev *dev = m.nic.vf[0].dev;
	unsigned int exp = (unsigned int)look(a, cfg(a, PCI_CAP_PTR), 1);

	(void)state;
	vfdev_master(&m.pt, false);
	m.begins = 50000;
	assert_true(reset());
	assert_true(dev->now_us >= 50000 && !m.due);
	assert_int_equal(os_cfg_rd16(dev, CAP_MSIX + PCI_MSIX_CTRL), 2);
	m.begins = 1000000;
	assert_false(reset());
	assert_true(dev->now_us < 300000);
	/* By the guest likewise: its function is as after a reset when the write is over. */
	m.begins = 50000;
	driver_up(a);
	access(a, cfg(a, exp + PCI_EXP_DEVCTL), 2, PCI_EXP_DEVCTL_FLR);
	assert_int_equal(m.due, 0);
	/* What does not take the mark proves nothing, though it does reset. */
	m.begins = 0;
	m.no_mark = true;
	assert_false(reset());
}

static void test_vf_that_is_none_is_refused(void **state)
{
	struct os_dev *dev = m.nic.vf[0].dev;

	(void)state;
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_PBA, 0x803); /* in the trapped page */
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), -ENODEV);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_PBA, 0x2003);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 0);
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), -ENODEV);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 0x8003); /* beyond the BAR */
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), -ENODEV);
	os_cfg_wr32(dev, CAP_MSIX + PCI_MSIX_TABLE, 3);
	os_cfg_wr16(dev, CAP_MSIX + PCI_MSIX_CTRL, 24);
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), -ENODEV);
	os_cfg_wr16(dev, CAP_MSIX + PCI_MSIX_CTRL, 2);
	os_cfg_wr32(dev, CAP_EXP + PCI_EXP_DEVCAP, 0);
	assert_int_equal(vfdev_probe(&m.pt, &m.nic), -ENODEV);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(function_resets_and_has_no_link),
		T(bus_master_goes_through),
		T(interrupt_goes_by_the_unit),
		T(interrupt_follows_to_another_cpu),
		T(masks_are_honoured),
		T(garbage_stays_masked),
		T(no_room_for_an_interrupt),
		T(table_is_never_the_guests),
		T(guest_resets_its_function),
		T(interrupts_are_given_back),
		T(reset_is_looked_at),
		T(reset_to_come_is_none),
		T(vf_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
