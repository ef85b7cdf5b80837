/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Guests for test images: pages, a virtual CPU, page tables, descriptor tables and code. */
#include "unit.h"

#define POOL_PAGES 8192u

static uint8_t *const pool = (uint8_t *)0x2000000; /* 32 to 64 MiB, above the image */
static uint16_t free_list[POOL_PAGES], free_count;
static bool pool_ready;

unsigned int unit_pages;
unsigned int unit_budget = UINT32_MAX;
struct vcpu_host unit_host;

static void *pool_alloc(void *ctx)
{
	uint64_t *p;

	(void)ctx;
	for (; !pool_ready && free_count < POOL_PAGES; free_count++)
		free_list[free_count] = (uint16_t)(POOL_PAGES - 1 - free_count);
	pool_ready = true;
	if (!free_count || !unit_budget)
		return NULL;
	if (unit_budget != UINT32_MAX)
		unit_budget--;
	p = (uint64_t *)(void *)(pool + (size_t)free_list[--free_count] * VCPU_PAGE);
	for (size_t i = 0; i < VCPU_PAGE / 8; i++)
		p[i] = 0;
	unit_pages++;
	return p;
}

static void pool_free(void *ctx, void *page)
{
	(void)ctx;
	unit_pages--;
	free_list[free_count++] = (uint16_t)(((uint8_t *)page - pool) / VCPU_PAGE);
}

const struct vcpu_mem unit_mem = {pool_alloc, pool_free, NULL};

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	unit_ok(false, what);
	unit_end();
}

/* Guest memory, 2 MiB aligned, one place an id: 64 MiB and up. */
static uint8_t *ram_of(uint16_t id)
{
	return (uint8_t *)(0x4000000ul + (uint64_t)id * UNIT_RAM);
}

static void make_tables(struct unit_guest *g)
{
	uint64_t *t = (uint64_t *)(void *)(g->ram + UNIT_TABLE), *gdt, *idt;

	t[0] = (UNIT_TABLE + 0x1000) | 7;
	t[512] = (UNIT_TABLE + 0x2000) | 7;
	t[512 + 3] = (UNIT_TABLE + 0x3000) | 7;
	for (uint64_t i = 0; i < 512; i++) {
		t[1024 + i] = i << 21 | 0x87;
		t[1536 + i] = (0xc0000000u + (i << 21)) | 0x87;
	}
	gdt = (uint64_t *)(void *)(g->ram + UNIT_GDT);
	gdt[2] = 0x00af9b000000ffff;
	gdt[3] = 0x00cf93000000ffff;
	gdt[4] = 0x00cf9b000000ffff;
	gdt[5] = 0x00009b000000ffff;
	idt = (uint64_t *)(void *)(g->ram + UNIT_IDT);
	for (uint64_t i = 0; i < 256; i++) {
		uint64_t a = UNIT_TRAPS + 16 * i;
		uint8_t *stub = g->ram + a;
		/* mov $v, %al; out %al, $0x80; hlt */
		const uint8_t code[] = {0xb0, (uint8_t)i, 0xe6, 0x80, 0xf4};

		idt[2 * i] = (a & 0xffff) | UINT64_C(0x10) << 16 | UINT64_C(0x8e00) << 32 |
			     (a >> 16) << 48;
		idt[2 * i + 1] = 0;
		for (size_t j = 0; j < sizeof(code); j++)
			stub[j] = code[j];
	}
}

void unit_guest_make(struct unit_guest *g, const struct vcpu_ops *ops, uint16_t id, const void *io)
{
	struct vcpu_config cfg = {
		.mem = &unit_mem, .id = id, .apic_gpa = UNIT_APIC, .io_allow = io};

	*g = (struct unit_guest){.ram = ram_of(id)};
	for (size_t i = 0; i < UNIT_RAM / 8; i++)
		((uint64_t *)(void *)g->ram)[i] = 0;
	g->apic = unit_mem.alloc(NULL);
	g->access = unit_mem.alloc(NULL);
	g->mem = unit_mem.alloc(NULL);
	need(g->apic && g->access && g->mem && ops->size <= VCPU_PAGE, "pages for a guest");
	need(!vcpu_space_init(&g->space, ops->format, &unit_mem, unit_host.caps),
	     "vcpu_space_init");
	need(!vcpu_map(&g->space, 0, (uintptr_t)g->ram, UNIT_RAM, VCPU_R | VCPU_W | VCPU_X,
		       VCPU_WB),
	     "map of guest memory");
	if (unit_host.caps & VCPU_CAP_VAPIC)
		need(!vcpu_map(&g->space, UNIT_APIC, (uintptr_t)g->access, VCPU_PAGE,
			       VCPU_R | VCPU_W, VCPU_WB),
		     "map of the APIC page");
	cfg.space = &g->space;
	cfg.apic_page = g->apic;
	cfg.apic_access = g->access;
	need(!ops->init(g->mem, &cfg, &unit_host, &g->v), "init of a virtual CPU");
}

void unit_guest_free(struct unit_guest *g)
{
	const struct vcpu_ops *ops = g->v->ops;

	ops->fini(g->v);
	vcpu_space_fini(&g->space);
	unit_mem.free(NULL, g->apic);
	unit_mem.free(NULL, g->access);
	unit_mem.free(NULL, g->mem);
}

void unit_code(struct unit_guest *g, const void *code, const void *end)
{
	const struct vcpu_start st = {.rip = UNIT_CODE,
				      .rsp = UNIT_STACK,
				      .rsi = 0x1234,
				      .cr3 = UNIT_TABLE,
				      .gdt = UNIT_GDT,
				      .gdt_limit = 6 * 8 - 1};
	const uint8_t *from = code;

	make_tables(g);
	for (size_t i = 0; from + i < (const uint8_t *)end; i++)
		g->ram[UNIT_CODE + i] = from[i];
	g->v->ops->start(g->v, &st);
	need(!g->v->ops->set(g->v, VCPU_IDT_BASE, UNIT_IDT), "set of the IDT");
}

struct vcpu_exit unit_run(struct unit_guest *g)
{
	struct vcpu_exit e;

	g->v->ops->run(g->v, &e);
	return e;
}

struct vcpu_exit unit_want(struct unit_guest *g, enum vcpu_exit_kind kind, const char *what)
{
	struct vcpu_exit e = unit_run(g);

	unit_eq(e.kind, kind, what);
	if (e.kind == kind)
		return e;
	unit_puts("# ");
	unit_puts(g->v->ops->reason_name(e.reason));
	unit_note(e.why ? e.why : "", e.qualification);
	unit_note("rip", g->v->rip);
	return e;
}
