/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Guests: what one is made of when it starts, and how all of that comes back when it ends. */
#include "base/errno.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"
#include "nic.h"
#include "vpci.h"

#define MIB_PAGES   256u
#define LARGE_PAGES 512u /* alignment of RAM: second-level pages of 2 MiB */

/* What a start took: as much has to come back. */
static size_t taken[GUESTS];

static size_t vcpu_size(void)
{
	return (core.ops->size + VCPU_PAGE - 1) / VCPU_PAGE;
}

struct guest *guest_find(const char *name)
{
	for (unsigned int i = 0; i < core.guests; i++) {
		if (text_equal(core.guest[i].cfg.name, name))
			return &core.guest[i];
	}
	return NULL;
}

int guest_add(const struct guest_config *cfg, struct guest **out)
{
	struct guest *g = &core.guest[core.guests];

	if (core.guests == GUESTS)
		return -ENOSPC;
	if (guest_find(cfg->name))
		return -EEXIST;
	*g = (struct guest){.cfg = *cfg};
	core.guests++;
	*out = g;
	return 0;
}

void *guest_ptr(const struct guest *g, uint64_t gpa, uint64_t len)
{
	if (gpa >= g->ram_len || len > g->ram_len - gpa)
		return NULL;
	return (void *)(uintptr_t)(g->ram + gpa);
}

/* ---- its end -------------------------------------------------------------------------------- */

static void report(struct guest *g, struct gcpu *c)
{
	static const char *const name[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					   "r8",  "r9",	 "r10", "r11", "r12", "r13", "r14", "r15"};
	const struct vcpu *v = c->v;

	core_log(OS_LOG_WARN,
		 "guest %s: CPU %u at rip %lx, rflags %lx, cr0 %lx, cr2 %lx, cr3 %lx, cr4 %lx",
		 g->cfg.name, c->index, (unsigned long)v->rip, (unsigned long)v->rflags,
		 (unsigned long)v->ops->get(c->v, VCPU_CR0),
		 (unsigned long)v->ops->get(c->v, VCPU_CR2),
		 (unsigned long)v->ops->get(c->v, VCPU_CR3),
		 (unsigned long)v->ops->get(c->v, VCPU_CR4));
	for (unsigned int i = 0; i < 16; i += 4)
		core_log(OS_LOG_WARN, "guest %s: %s %lx, %s %lx, %s %lx, %s %lx", g->cfg.name,
			 name[i], (unsigned long)v->gpr[i], name[i + 1],
			 (unsigned long)v->gpr[i + 1], name[i + 2], (unsigned long)v->gpr[i + 2],
			 name[i + 3], (unsigned long)v->gpr[i + 3]);
}

/* The first reason stays; false: it had ended already. Its CPUs stop at their next exit, which the
 * kick makes now; guest_reap() does the rest. */
static bool end(struct guest *g, enum guest_state to, const char *f, va_list ap)
{
	enum guest_state from = GUEST_RUNNING;

	if (!__atomic_compare_exchange_n(&g->state, &from, to, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return false;
	fmt_v(g->why, sizeof(g->why), f, ap);
	for (unsigned int i = 0; i < g->cfg.cpus; i++)
		sched_kill(&g->cpu[i]);
	return true;
}

void guest_fail(struct guest *g, struct gcpu *c, const char *f, ...)
{
	va_list ap;
	bool first;

	va_start(ap, f);
	first = end(g, GUEST_FAILED, f, ap);
	va_end(ap);
	if (!first)
		return;
	core_log(OS_LOG_WARN, "guest %s: stopped: %s", g->cfg.name, g->why);
	if (c)
		report(g, c);
}

void guest_done(struct guest *g, const char *f, ...)
{
	va_list ap;
	bool first;

	va_start(ap, f);
	first = end(g, GUEST_STOPPED, f, ap);
	va_end(ap);
	if (first)
		core_log(OS_LOG_INFO, "guest %s: %s", g->cfg.name, g->why);
}

static void free_cpu(struct gcpu *c)
{
	if (c->v) {
		c->v->ops->fini(c->v);
		mem_free(c->v, vcpu_size());
	}
	if (c->apic)
		mem_free(c->apic, 1);
	c->v = NULL;
	c->apic = NULL;
	c->cpu = NULL;
}

/*
 * Gives all back, whatever there is of it: CPUs off, then devices (which end their DMA), then
 * memory. What cannot be taken from it keeps all: memory that somebody still uses is not given on.
 */
static void clear(struct guest *g)
{
	size_t before = mem_free_pages(), back;

	for (unsigned int i = 0; i < g->cfg.cpus; i++) {
		if (g->cpu[i].cpu && sched_del(&g->cpu[i])) {
			core_log(OS_LOG_ERR, "guest %s: CPU %u does not leave it; its memory stays",
				 g->cfg.name, g->cpu[i].cpu->id);
			g->ram_len = 0;
			return;
		}
	}
	vpci_fini(g);
	uart_free(g->uart);
	g->uart = NULL;
	g->mmio_count = 0;
	for (unsigned int i = 0; i < GUEST_CPUS; i++)
		free_cpu(&g->cpu[i]);
	vcpu_space_fini(&g->space);
	if (g->ram && vf_holds(g))
		core_log(OS_LOG_ERR,
			 "guest %s: a VF may still reach its memory, which stays out of use",
			 g->cfg.name);
	else if (g->ram)
		mem_free((void *)(uintptr_t)g->ram, g->ram_len / VCPU_PAGE);
	g->ram = g->ram_len = 0;
	back = mem_free_pages() - before;
	if (back < taken[g - core.guest])
		core_log(OS_LOG_ERR, "guest %s: %lu of %lu pages came back", g->cfg.name,
			 (unsigned long)back, (unsigned long)taken[g - core.guest]);
	taken[g - core.guest] = 0;
}

void guest_stop(struct guest *g)
{
	if (g->state == GUEST_RUNNING)
		guest_done(g, "stopped");
	if (g->ram_len)
		clear(g);
	g->state = GUEST_STOPPED;
}

void guest_reap(void)
{
	for (unsigned int i = 0; i < core.guests; i++) {
		struct guest *g = &core.guest[i];

		if (__atomic_load_n(&g->state, __ATOMIC_ACQUIRE) != GUEST_RUNNING && g->ram_len)
			clear(g);
	}
}

/* ---- its start ------------------------------------------------------------------------------ */

static int refuse(struct guest *g, int err, const char *why)
{
	if (why != g->why)
		fmt(g->why, sizeof(g->why), "%s", why);
	return err;
}

static int make_memory(struct guest *g)
{
	size_t pages = (size_t)g->cfg.mem_mib * MIB_PAGES;
	void *ram;

	if (pages / LARGE_PAGES * LARGE_PAGES != pages || !pages || pages * VCPU_PAGE > GPA_ECAM)
		return refuse(g, -EINVAL, "its memory is no multiple of 2 MiB below 2816");
	ram = mem_alloc(pages, LARGE_PAGES);
	if (!ram) {
		fmt(g->why, sizeof(g->why),
		    "its %u MiB are not free in one piece, of %lu MiB in all: give it less (mem=), "
		    "or "
		    "the machine more",
		    g->cfg.mem_mib, mem_free_pages() / MIB_PAGES);
		return -ENOMEM;
	}
	g->ram = (uintptr_t)ram;
	g->ram_len = pages * VCPU_PAGE;
	if (vcpu_space_init(&g->space, core.ops->format, &core.mem, core.cpu[0].host.caps) ||
	    vcpu_map(&g->space, 0, g->ram, g->ram_len, VCPU_R | VCPU_W | VCPU_X, VCPU_WB))
		return refuse(g, -ENOMEM, "no memory for its tables");
	/* With a virtual APIC in hardware, its page is one that nobody ever reads or writes. */
	if ((core.cpu[0].host.caps & VCPU_CAP_VAPIC) &&
	    vcpu_map(&g->space, GPA_APIC, (uintptr_t)core.apic_access, VCPU_PAGE, VCPU_R | VCPU_W,
		     VCPU_WB))
		return refuse(g, -ENOMEM, "no memory for its tables");
	return 0;
}

/* The configured CPU and those behind it, or the one with the fewest guest CPUs. */
static struct core_cpu *place(const struct guest *g, unsigned int index)
{
	unsigned int best = 0, fewest = UINT32_MAX;

	if (g->cfg.cpu >= 0)
		return &core.cpu[((unsigned int)g->cfg.cpu + index) % core.cpus];
	/* From the last on: CPU 0 has the service, too. */
	for (unsigned int i = core.cpus; i--;) {
		unsigned int n = 0;

		for (const struct gcpu *c = core.cpu[i].queue; c; c = c->next)
			n++;
		if (core.cpu[i].online && n < fewest) {
			fewest = n;
			best = i;
		}
	}
	return &core.cpu[best];
}

static int make_cpu(struct guest *g, unsigned int index, const struct vcpu_start *st)
{
	struct gcpu *c = &g->cpu[index];
	struct core_cpu *cpu = place(g, index);
	struct vcpu_config cfg = {
		.space = &g->space,
		.mem = &core.mem,
		.id = (uint16_t)((size_t)(g - core.guest) * GUEST_CPUS + index + 1),
		.apic_gpa = GPA_APIC,
		.apic_access = core.apic_access,
	};
	void *mem;
	int err;

	*c = (struct gcpu){.guest = g, .index = index, .xcr0 = X86_XCR0_X87};
	c->apic = mem_alloc(1, 1);
	mem = mem_alloc(vcpu_size(), 1);
	cfg.apic_page = c->apic;
	err = c->apic && mem ? core.ops->init(mem, &cfg, &cpu->host, &c->v) : -ENOMEM;
	if (err) {
		if (mem)
			mem_free(mem, vcpu_size());
		c->v = NULL;
		return refuse(g, err,
			      err == -ENOMEM ? "no memory for its CPUs"
					     : "the CPU refused its controls");
	}
	lapic_init(c);
	if (!index)
		core.ops->start(c->v, st);
	c->state = index ? GCPU_WAIT : GCPU_READY;
	c->cpu = cpu;
	sched_add(c);
	return 0;
}

static int make_nics(struct guest *g)
{
	for (unsigned int i = 0; i < GUEST_NICS; i++) {
		enum nic_tier tier = g->cfg.nic[i].tier;
		const char *why = "there is no such NIC";
		int err;

		if (tier == NIC_NONE)
			continue;
		if (tier == NIC_VF)
			err = vf_attach(g, g->cfg.nic[i].vf, -1, &why);
		else
			err = virtio_attach(g, tier, -1, &why);
		if (err)
			return refuse(g, err, why);
	}
	return 0;
}

static int make(struct guest *g, const char *args)
{
	struct vcpu_start st = {0};
	int err = make_memory(g);

	if (!err)
		err = image_load(g, args ? args : g->cfg.args, &st);
	if (err)
		return err;
	acpi_guest_make(g);
	g->uart = uart_new(g);
	if (!g->uart || vpci_init(g))
		return refuse(g, -ENOMEM, "no memory for its devices");
	err = make_nics(g);
	/* Once they are in their queues they run as soon as the lock is free. */
	g->state = GUEST_RUNNING;
	for (unsigned int i = 0; !err && i < g->cfg.cpus; i++)
		err = make_cpu(g, i, &st);
	return err;
}

int guest_start(struct guest *g, const char *args)
{
	size_t before;
	int err;

	if (g->state == GUEST_RUNNING)
		return refuse(g, -EBUSY, "it runs");
	if (g->ram && !g->ram_len)
		return refuse(g, -EBUSY, "a CPU has not left it");
	if (g->ram_len)
		clear(g);
	if (!g->cfg.cpus || g->cfg.cpus > GUEST_CPUS)
		return refuse(g, -EINVAL, "it has no CPUs, or too many");
	cpuid_init();
	before = mem_free_pages();
	g->why[0] = 0;
	g->beats = g->beat_value = g->refused = 0;
	err = make(g, args);
	if (err) {
		g->state = GUEST_STOPPED;
		clear(g);
		return err;
	}
	taken[g - core.guest] = before - mem_free_pages();
	g->started = core_now();
	g->starts++;
	core_log(OS_LOG_INFO, "guest %s: started, %u MiB, %u CPUs, the first on CPU %u",
		 g->cfg.name, g->cfg.mem_mib, g->cfg.cpus, g->cpu[0].cpu->id);
	return 0;
}
