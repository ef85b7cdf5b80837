/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Nested paging: permissions, pages split under a guest that runs, 1 GiB and 4 KiB pages. */
#include "base/errno.h"
#include "svm.h"
#include "unit.h"

#define RWX    (VCPU_R | VCPU_W | VCPU_X)
#define PAGE_A VM_HOLE
#define HIGH   UINT64_C(0x80000000)

static uint64_t *host(struct vm *m, uint64_t at)
{
	return (uint64_t *)(void *)(m->ram + at);
}

static void map(struct vm *m, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm)
{
	if (vcpu_map(&m->space, gpa, hpa, len, perm, VCPU_WB))
		bail("a page can be mapped");
}

static void unmap(struct vm *m, uint64_t gpa, uint64_t len)
{
	if (vcpu_unmap(&m->space, gpa, len))
		bail("a page can be unmapped");
}

/* The guest's next access, which must be refused at @gpa. */
static void refused(struct vm *m, uint64_t gpa, uint32_t access, const char *what)
{
	vm_run(m);
	ok(m->e.kind == VCPU_EXIT_MEM && m->e.gpa == gpa && m->e.access == access, what);
}

static void permissions(void)
{
	struct vm m;

	vm_new(&m, CODE(g_memory));
	m.v->gpr[VCPU_RBX] = PAGE_A;
	refused(&m, PAGE_A, VCPU_R, "not mapped: a read exits");
	map(&m, PAGE_A, (uintptr_t)m.ram + PAGE_A, 0x1000, VCPU_R);
	*host(&m, PAGE_A) = 0x77c3; /* RET */
	vm_expect(&m, VCPU_EXIT_CALL, "mapped read-only: it goes on");
	is(m.v->gpr[VCPU_RAX], 0x77c3, "and has read the page");
	m.v->gpr[VCPU_RCX] = 0x99c3;
	refused(&m, PAGE_A, VCPU_W, "a write exits");
	unmap(&m, PAGE_A, 0x1000);
	map(&m, PAGE_A, (uintptr_t)m.ram + PAGE_A, 0x1000, VCPU_R | VCPU_W);
	vm_expect(&m, VCPU_EXIT_CALL, "writable: it goes on");
	is(*host(&m, PAGE_A), 0x99c3, "and has written the page");
	refused(&m, PAGE_A, VCPU_X, "a fetch exits");
	unmap(&m, PAGE_A, 0x1000);
	map(&m, PAGE_A, (uintptr_t)m.ram + PAGE_A, 0x1000, VCPU_R | VCPU_X);
	vm_expect(&m, VCPU_EXIT_CALL, "executable: it goes on");
	unmap(&m, PAGE_A, 0x1000);
	refused(&m, PAGE_A, VCPU_R, "unmapped again, after a run: flushed");
	vm_free(&m);
}

static void splits(void)
{
	unsigned int before;
	struct vm m;

	vm_new(&m, CODE(g_memory));
	before = m.space.pages;
	map(&m, HIGH, (uintptr_t)m.ram, 0x200000, RWX);
	is(m.space.pages, before + 1, "2 MiB take a directory, and no table");
	*host(&m, 0x100000) = 0x1;
	*host(&m, 0x101000) = 0x2;
	m.v->gpr[VCPU_RBX] = HIGH + 0x100000;
	vm_expect(&m, VCPU_EXIT_CALL, "a page of 2 MiB is read");
	is(m.v->gpr[VCPU_RAX], 1, "rightly");
	unmap(&m, HIGH + 0x100000, 0x1000);
	refused(&m, HIGH + 0x100000, VCPU_W, "4 KiB cut out of it exit");
	m.v->gpr[VCPU_RBX] = HIGH + 0x101000;
	m.v->gpr[VCPU_RCX] = 3;
	vm_expect(&m, VCPU_EXIT_CALL, "those behind do not");
	is(*host(&m, 0x101000), 3, "and are the same memory");
	is((uint64_t)vcpu_map(&m.space, HIGH, 0, 0x200000, RWX, VCPU_WB), (uint64_t)-EEXIST,
	   "what is mapped is not mapped over");
	vm_free(&m);
}

static void huge(void)
{
	enum vcpu_memtype type;
	uint32_t perm;
	struct vm m;

	if (!(unit_host.caps & VCPU_CAP_1G)) {
		note("no pages of 1 GiB on this CPU", 0);
		return;
	}
	vm_new(&m, CODE(g_memory));
	/* The host's first GiB: only addresses of this guest's own memory are touched. */
	map(&m, HIGH, 0, 0x40000000, VCPU_R);
	*host(&m, 0x123000) = 0x4711;
	m.v->gpr[VCPU_RBX] = HIGH + (uintptr_t)m.ram + 0x123000;
	vm_expect(&m, VCPU_EXIT_CALL, "a page of 1 GiB is read");
	is(m.v->gpr[VCPU_RAX], 0x4711, "rightly");
	unmap(&m, HIGH + (uintptr_t)m.ram, 0x1000);
	refused(&m, HIGH + (uintptr_t)m.ram + 0x123000, VCPU_W, "split twice, still read-only");
	is(vcpu_walk(&m.space, HIGH + (uintptr_t)m.ram + 0x123456, &perm, &type),
	   (uintptr_t)m.ram + 0x123456, "walk finds the host's address");
	is(perm, VCPU_R, "and the permission");
	vm_free(&m);
}

void test_npt(void)
{
	permissions();
	splits();
	huge();
}
