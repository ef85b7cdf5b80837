/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VFs between guests: the order of the handover, and what becomes of one that is not proved. */
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
#define vtd_irq_count	 fake_vtd_irq_count
#define pf_vf_scrub	 fake_pf_vf_scrub
#define pf_vf_info	 fake_pf_vf_info
#include "core.h"

#define this_cpu() (&core.cpu[0])
#include "hv-glue/core/vf.c"
#include "fake_os.h"

#define VFS	  2
#define RAM	  UINT64_C(0x10000000)
#define RAM_LEN	  UINT64_C(0x1000000)
#define DOMAIN(n) ((struct vtd_domain *)(uintptr_t)(0x1000 * ((n) + 1)))

struct core core;

/* ---- the machine: what was done, in a line -------------------------------------------------- */

static struct {
	char done[4096]; /* words, a space between */
	char log[8192];
	struct nic nic;
	bool domain[VFS + 1];
	uint64_t mapped[VFS + 1]; /* host-physical, 0: nothing */
	struct vtd_domain *context[VFS];
	enum pf_vf_state state;
	unsigned int irqs, unmasked;
	/* what does not do as it should */
	uint64_t flr_at;
	bool unlocked;
	bool no_reset, no_mark, stays_busy, stays_in, no_domain, keeps_context, keeps_pages;
	int scrub, map, attach, unmap, flush, irq_free, probe, init;
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
			    !m.stays_in)
				core.guest[i].cpu[c].v->tsc_exit += 100;
}

bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data)
{
	(void)g;
	(void)addr;
	(void)data;
	return true;
}

bool nic_faults(void)
{
	did("faults"); /* while the owner is known still */
	assert_true(m.nic.vf[0].owner || m.nic.vf[1].owner);
	return false;
}

/* ---- the function, VT-d and the PF's driver ------------------------------------------------- */

int vfdev_probe(struct passthrough *pt, const struct nic *n)
{
	(void)pt;
	(void)n;
	return m.probe;
}

int vfdev_init(struct passthrough *pt, void (*remove)(struct vpci_func *f))
{
	pt->f = (struct vpci_func){.remove = remove};
	vpci_header(&pt->f, IGB_VENDOR_ID, IGB_DEV_ID_82576_VF, 0x020000, 1, 0, 0);
	return m.init;
}

void vfdev_master(struct passthrough *pt, bool on)
{
	did(on ? "master" : "quiet");
	os_cfg_wr16(pt->vf->dev, PCI_COMMAND, on ? PCI_COMMAND_MASTER : 0);
}

bool vfdev_quiet(struct passthrough *pt)
{
	(void)pt;
	return !m.stays_busy;
}

bool vfdev_flr(struct passthrough *pt)
{
	assert_false(os_cfg_rd16(pt->vf->dev, PCI_COMMAND) & PCI_COMMAND_MASTER);
	did("flr");
	m.flr_at = core_now();
	return !m.no_mark;
}

/* 6.6.2: 100 ms after it was begun, in which others may have the lock. */
bool vfdev_reset(struct passthrough *pt)
{
	(void)pt;
	did("reset");
	assert_true(core_now() - m.flr_at >= us_to_tsc(100000));
	return !m.no_reset;
}

void core_unlock(void)
{
	assert_false(m.unlocked);
	m.unlocked = true;
	did("(");
}

void core_lock(void)
{
	assert_true(m.unlocked);
	m.unlocked = false;
	did(")");
}

int vfdev_irqs_free(struct passthrough *pt)
{
	(void)pt;
	did("irqs");
	m.irqs = 0;
	return m.irq_free;
}

unsigned int vfdev_irqs_open(struct passthrough *pt)
{
	(void)pt;
	return m.unmasked;
}

unsigned int vtd_irq_count(const struct vtd *v, uint16_t source)
{
	(void)v;
	(void)source;
	return m.irqs;
}

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

/* ---- guests --------------------------------------------------------------------------------- */

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

static struct guest *const a = &core.guest[0], *const b = &core.guest[1];
static const char *why;

/* The IDs at device 1 of the guest's bus. */
static uint32_t ids(struct guest *g)
{
	return (uint32_t)g->mmio[0].read(g->mmio[0].ctx, NULL, 1 << 15, 4);
}

/* What a driver does that matters here. */
static void driver_up(void)
{
	os_cfg_wr16(m.nic.vf[0].dev, PCI_COMMAND, PCI_COMMAND_MASTER);
	m.irqs = 1;
	m.state = PF_VF_READY;
}

static void guest_make(struct guest *g, const char *name, unsigned int n)
{
	strcpy(g->cfg.name, name);
	g->ram = RAM + n * RAM_LEN;
	g->ram_len = RAM_LEN;
	for (unsigned int i = 0; i < 2; i++)
		g->cpu[i].cpu = &core.cpu[i];
	assert_int_equal(vpci_init(g), 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	memset(&core, 0, sizeof(core));
	core.nic = &m.nic;
	core.tsc_hz = 1000000;
	m.nic.num_vfs = VFS;
	for (unsigned int i = 0; i < VFS; i++) {
		m.nic.vf[i].source = (uint16_t)(0x180 + 2 * i);
		m.nic.vf[i].dev = fake_new();
		m.nic.vf[i].step = VF_STEP_FLUSH;
	}
	assert_int_equal(nic_vfs_init(&m.nic), 0);
	guest_make(a, "one", 0);
	guest_make(b, "two", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(m.nic.vf[0].pt);
	for (unsigned int i = 0; i < VFS; i++)
		fake_free(m.nic.vf[i].dev);
	return 0;
}

/* ---- the handover --------------------------------------------------------------------------- */

static void test_attach_maps_then_gives(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	assert_string_equal(m.done, "map attach quiet ");
	assert_ptr_equal(m.nic.vf[0].owner, a);
	assert_int_equal(m.nic.vf[0].step, VF_STEP_GIVE);
	assert_non_null(strstr(m.log, "VF 0: mapped: 16 MiB of guest one"));
	assert_non_null(strstr(m.log, "VF 0: given: guest one has it as device 1"));
	assert_int_equal(ids(a), 0x10ca8086);
	assert_int_equal(ids(b), UINT32_MAX);
	assert_int_equal(m.nic.vf[0].handovers, 1);
}

static void test_detach_goes_in_order(void **state)
{
	static const char *const steps[] = {"VF 0: quiesced",	"VF 0: reset",	  "VF 0: scrubbed",
					    "VF 0: interrupts", "VF 0: unmapped", "VF 0: flushed"};
	const char *at;

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up();
	m.done[0] = m.log[0] = '\0';
	assert_int_equal(vf_detach(0, &why), 0);
	assert_string_equal(m.done, "quiet flr ( ) reset scrub irqs detach unmap flush faults ");
	at = m.log;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		at = strstr(at, steps[i]);
		assert_non_null(at);
		assert_null(strstr(at + 1, steps[i]));
	}
	assert_null(m.nic.vf[0].owner);
	assert_null(m.nic.vf[0].domain);
	assert_false(m.domain[0]);
	assert_int_equal(ids(a), UINT32_MAX);
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
	driver_up();
	if (f->flag)
		*f->flag = true;
	if (f->err)
		*f->err = -EIO;
	m.done[0] = '\0';
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, f->said));
	/* The rest is done all the same, the memory first of all. */
	assert_string_equal(m.done, "quiet flr ( ) reset scrub irqs detach unmap flush faults ");
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
		{"not reset", &m.no_mark, NULL, false},
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
	m.stays_busy = true;
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, "not quiesced"));
}

static void test_cpus_leave_the_guest_first(void **state)
{
	struct vcpu v[2] = {{.tsc_exit = 1, .inside = true}, {.tsc_exit = 7}};

	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	a->cpu[0].v = &v[1]; /* this CPU: in the core */
	a->cpu[0].state = GCPU_RUNNING;
	a->cpu[1].v = &v[0];
	a->cpu[1].state = GCPU_RUNNING;
	m.done[0] = '\0';
	assert_int_equal(vf_detach(0, &why), 0);
	assert_memory_equal(m.done, "kick quiet", 10);
	/* In the guest still, though another of its CPUs sent it an INIT, or the guest has ended.
	 */
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	v[0] = (struct vcpu){.tsc_exit = 1, .inside = true};
	a->cpu[1].state = GCPU_WAIT;
	m.done[0] = '\0';
	assert_int_equal(vf_detach(0, &why), 0);
	assert_memory_equal(m.done, "kick quiet", 10);
	a->cpu[1].state = GCPU_RUNNING;
	/* One that waits for the lock has left already. */
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	m.stays_in = true;
	a->cpu[1].v = &v[1];
	assert_int_equal(vf_detach(0, &why), 0);
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	v[0] = (struct vcpu){.tsc_exit = 1, .inside = true};
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
		driver_up();
		assert_int_equal(vf_detach(0, &why), 0);
		assert_int_equal(g->mmio_count, 1);
		m.done[0] = m.log[0] = '\0';
	}
	assert_int_equal(m.nic.vf[0].handovers, 200);
}

static void test_stopped_guest_gives_it_back(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	driver_up();
	vpci_fini(a);
	assert_null(m.nic.vf[0].owner);
	assert_int_equal(m.nic.vf[0].step, VF_STEP_FLUSH);
	assert_false(m.mapped[0] || m.domain[0]);
	assert_int_equal(a->mmio_count, 0);
}

static void test_open_entries_are_seen(void **state)
{
	(void)state;
	assert_int_equal(vf_attach(a, 0, -1, &why), 0);
	m.unmasked = 1;
	assert_int_equal(vf_detach(0, &why), -EIO);
	assert_non_null(strstr(why, "not interrupts freed"));
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
		T(open_entries_are_seen),
		T(pending_transaction_is_not_quiet),
		T(cpus_leave_the_guest_first),
		T(many_handovers_leave_nothing),
		T(stopped_guest_gives_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
