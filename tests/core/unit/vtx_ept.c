/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: extended page tables as the CPU walks them: permissions, page sizes, splits, flushes,
 * accessed and dirty bits, memory that runs out. */
#include "hw/vmx.h"
#include "unit.h"
#include "vtx.h"

#define SPOT 0x40000000ul /* guest-physical, 1 GiB aligned, above the guest's own memory */
#define BIG  0x80000000ul /* likewise, where nothing smaller was mapped before */
#define GIB  0x40000000ul

static struct unit_guest g;

UNIT_CODE64(reader, "1: mov (%rdi), %rax\n vmcall\n jmp 1b");
UNIT_CODE64(writer, "1: mov %rsi, (%rdi)\n vmcall\n jmp 1b");
UNIT_CODE64(caller, "1: call *%rdi\n vmcall\n jmp 1b");

/* The guest's own tables reach both. */
static void start(const uint8_t *code, const uint8_t *end, uint64_t rdi)
{
	uint64_t *pdpt;

	unit_code(&g, code, end);
	pdpt = (uint64_t *)(void *)(g.ram + UNIT_TABLE + 0x1000);
	pdpt[1] = SPOT | 0x87; /* 1 GiB */
	pdpt[2] = BIG | 0x87;
	g.v->gpr[VCPU_RDI] = rdi;
	g.v->gpr[VCPU_RSI] = 0x5a5a;
}

static bool allowed(const uint8_t *code, const uint8_t *end, uint64_t at)
{
	struct vcpu_exit e;

	start(code, end, at);
	e = unit_run(&g);
	return e.kind == VCPU_EXIT_CALL;
}

static void test_permissions(void)
{
	static const struct {
		uint32_t perm;
		bool r, w, x;
		const char *what;
	} cases[] = {
		{VCPU_R, true, false, false, "read alone"},
		{VCPU_R | VCPU_W, true, true, false, "read and write"},
		{VCPU_R | VCPU_X, true, false, true, "read and fetch"},
		{VCPU_R | VCPU_W | VCPU_X, true, true, true, "all three"},
	};
	uint8_t *page = unit_mem.alloc(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int ret = vcpu_map(&g.space, SPOT, (uintptr_t)page, VCPU_PAGE, cases[i].perm,
				   VCPU_WB);
		bool r, w, x;

		page[0] = 0xc3; /* ret */
		r = allowed(reader, reader_end, SPOT);
		x = allowed(caller, caller_end, SPOT);
		w = allowed(writer, writer_end, SPOT);
		unit_ok(!ret && r == cases[i].r && w == cases[i].w && x == cases[i].x,
			cases[i].what);
		ret = vcpu_unmap(&g.space, SPOT, VCPU_PAGE);
		unit_ok(!ret && !allowed(reader, reader_end, SPOT), "and nothing once unmapped");
	}
	unit_ok(vcpu_map(&g.space, SPOT, (uintptr_t)page, VCPU_PAGE, VCPU_W, VCPU_WB) < 0,
		"write without read is refused");
	unit_mem.free(NULL, page);
}

static unsigned int level_of(uint64_t gpa)
{
	const uint64_t *t = g.space.root;

	for (unsigned int l = 3;; l--) {
		uint64_t e = t[gpa >> (12 + 9 * l) & 511];

		if (!l || !(e & VMX_EPT_RWX) || (e & VMX_EPT_LARGE))
			return l;
		t = (const uint64_t *)(uintptr_t)(e & VMX_EPT_ADDR);
	}
}

static void test_sizes(void)
{
	const uint32_t rwx = VCPU_R | VCPU_W | VCPU_X;
	unsigned int before = g.space.pages;
	enum vcpu_memtype type;
	uint32_t perm;

	/* Host memory 0 to 1 GiB, seen at BIG, where no table was yet: more than there is, touched
	 * where there is some. */
	unit_eq((uint64_t)-vcpu_map(&g.space, BIG, 0, GIB, rwx, VCPU_WB), 0, "map 1 GiB");
	unit_eq(g.space.pages, before, "takes no table: the levels above were there");
	unit_eq(level_of(BIG), 2, "it is one page");
	*(volatile uint64_t *)0x4001000 = 0x1122;
	start(reader, reader_end, BIG + 0x4001000);
	unit_want(&g, VCPU_EXIT_CALL, "the guest reads through it");
	unit_eq(g.v->gpr[VCPU_RAX], 0x1122, "what is there");
	unit_eq((uint64_t)-vcpu_unmap(&g.space, BIG + 0x4002000, VCPU_PAGE), 0,
		"unmap 4 KiB of it");
	unit_eq(level_of(BIG + 0x4002000), 0, "which splits to 4 KiB there");
	unit_eq(level_of(BIG + 0x4200000), 1, "to 2 MiB beside it");
	g.v->gpr[VCPU_RDI] = BIG + 0x4002000;
	vtx_ops.skip(g.v, &(struct vcpu_exit){.insn_len = 3});
	unit_eq(unit_want(&g, VCPU_EXIT_MEM, "the running guest loses the page").gpa,
		BIG + 0x4002000, "that very page");
	g.v->gpr[VCPU_RDI] = BIG + 0x4001000;
	unit_want(&g, VCPU_EXIT_CALL, "and keeps the one beside it");
	unit_eq(vcpu_walk(&g.space, BIG + 0x4003456, &perm, &type), 0x4003456, "walk: 4 KiB");
	unit_eq(vcpu_walk(&g.space, BIG + 0x8765432, &perm, &type), 0x8765432, "walk: 2 MiB");
	unit_eq(perm, rwx, "walk: permissions");
	unit_eq(vcpu_walk(&g.space, BIG + 0x4002000, &perm, &type), 0, "walk: the hole");
	unit_ok(vcpu_map(&g.space, BIG, 0, 0x200000, rwx, VCPU_WB) < 0, "mapped already");
	unit_eq((uint64_t)-vcpu_map(&g.space, BIG + 0x4002000, 0x4001000, VCPU_PAGE, rwx, VCPU_WB),
		0, "another page into the hole");
	g.v->gpr[VCPU_RDI] = BIG + 0x4002000;
	vtx_ops.skip(g.v, &(struct vcpu_exit){.insn_len = 3});
	unit_want(&g, VCPU_EXIT_CALL, "is read");
	unit_eq(g.v->gpr[VCPU_RAX], 0x1122, "by the new address");
	unit_eq((uint64_t)-vcpu_unmap(&g.space, BIG, GIB), 0, "unmap all");
	unit_ok(!allowed(reader, reader_end, BIG + 0x4001000), "nothing is left");
}

static uint64_t *leaf_of(uint64_t gpa)
{
	uint64_t *t = g.space.root;

	for (unsigned int l = 3;; l--) {
		uint64_t *e = &t[gpa >> (12 + 9 * l) & 511];

		if (!l || (*e & VMX_EPT_LARGE))
			return e;
		t = (uint64_t *)(uintptr_t)(*e & VMX_EPT_ADDR);
	}
}

static void test_accessed_dirty(void)
{
	uint8_t *page = unit_mem.alloc(NULL);
	uint64_t *leaf;

	if (vcpu_map(&g.space, SPOT, (uintptr_t)page, VCPU_PAGE, VCPU_R | VCPU_W, VCPU_WB))
		unit_ok(false, "map");
	leaf = leaf_of(SPOT);
	unit_eq(*leaf & (VMX_EPT_A | VMX_EPT_D), 0, "a new page is neither accessed nor dirty");
	allowed(reader, reader_end, SPOT);
	unit_eq(*leaf & (VMX_EPT_A | VMX_EPT_D), VMX_EPT_A, "read: accessed");
	allowed(writer, writer_end, SPOT);
	unit_eq(*leaf & (VMX_EPT_A | VMX_EPT_D), VMX_EPT_A | VMX_EPT_D, "written: dirty");
	unit_eq(*(uint64_t *)(void *)page, 0x5a5a, "the write is there");
	*leaf = (*leaf & ~(VMX_EPT_R | VMX_EPT_X)) | VMX_EPT_W;
	g.space.generation++;
	start(reader, reader_end, SPOT);
	unit_eq(unit_want(&g, VCPU_EXIT_MISCONFIG, "an entry that cannot be").gpa, SPOT,
		"is named by its address");
	*leaf |= VMX_EPT_R;
	if (vcpu_unmap(&g.space, SPOT, VCPU_PAGE))
		unit_ok(false, "unmap");
	unit_mem.free(NULL, page);
}

/* map at every number of pages that is left: all of it or nothing. */
static void test_memory_runs_out(void)
{
	const uint64_t gpa = 0x7f0000000000, len = 0x400000 + 0x2000;
	enum vcpu_memtype type;
	uint32_t perm;
	bool whole = true;
	int ret = -1;
	unsigned int n;

	for (n = 0; ret && n < 20; n++) {
		unit_budget = n;
		ret = vcpu_map(&g.space, gpa - 0x1000, 0x4000000 - 0x1000, len, VCPU_R, VCPU_WB);
		for (uint64_t a = gpa - 0x1000; ret && a < gpa + len; a += 0x1000)
			whole &= !vcpu_walk(&g.space, a, &perm, &type);
	}
	unit_budget = UINT32_MAX;
	unit_ok(!ret && n > 1, "map succeeds once there are pages enough");
	unit_ok(whole, "and leaves nothing mapped before that");
	unit_eq((uint64_t)-vcpu_unmap(&g.space, gpa - 0x1000, len), 0, "unmap");
}

static void test_init_fails(void)
{
	struct unit_guest h = g;
	struct vcpu_config cfg = {.space = &g.space,
				  .mem = &unit_mem,
				  .id = 9,
				  .apic_page = g.apic,
				  .apic_access = g.access};
	unsigned int before = unit_pages;
	bool refused = true;

	h.mem = unit_mem.alloc(NULL);
	for (unit_budget = 0; unit_budget < 3;) {
		unsigned int budget = unit_budget;

		refused &= vtx_ops.init(h.mem, &cfg, &unit_host, &h.v) < 0;
		for (size_t i = 0; i < vtx_ops.size; i++)
			((uint8_t *)h.mem)[i] = 0;
		unit_budget = budget + 1;
	}
	unit_budget = UINT32_MAX;
	unit_ok(refused, "init without the pages it needs is refused");
	unit_mem.free(NULL, h.mem);
	unit_eq(unit_pages, before, "and gives back what it got");
}

void unit_test(void)
{
	unsigned int before;

	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	before = unit_pages;
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	test_permissions();
	test_sizes();
	if (unit_host.caps & VCPU_CAP_AD)
		test_accessed_dirty();
	test_memory_runs_out();
	test_init_fails();
	unit_guest_free(&g);
	unit_eq(unit_pages, before, "every table is given back");
}
