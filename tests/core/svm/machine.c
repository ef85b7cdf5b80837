/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A small guest machine for the tests: memory, tables, one virtual CPU. */
#include "glue/cpu.h"
#include "hw/x86.h"
#include "svm.h"
#include "unit.h"

static uint8_t ram[VM_RAM] __attribute__((aligned(0x200000)));
static uint8_t vcpus[4][65536] __attribute__((aligned(64)));

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int val, size_t len);

/* PML4, PDPT, four directories: 4 GiB one to one in 2 MiB pages; the guest's own tables. */
static void tables(uint8_t *at)
{
	uint64_t *t = (uint64_t *)(void *)(at + VM_TABLES);

	t[0] = (VM_TABLES + 0x1000) | X86_PTE_P | X86_PTE_W | X86_PTE_U;
	for (unsigned int i = 0; i < 4; i++)
		t[512 + i] = (VM_TABLES + 0x2000 + 0x1000 * i) | X86_PTE_P | X86_PTE_W | X86_PTE_U;
	for (unsigned int i = 0; i < 2048; i++)
		t[1024 + i] = ((uint64_t)i << 21) | X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_PS;
}

struct vcpu *vm_vcpu(struct vm *m, uint16_t id, const void *io_allow)
{
	struct vcpu_config cfg = {
		.space = &m->space,
		.mem = &unit_mem,
		.id = id,
		.apic_page = m->apic,
		.apic_gpa = 0xfee00000,
		.io_allow = io_allow,
	};
	struct vcpu *v = NULL;

	if (svm_ops.size > sizeof(vcpus[0]))
		bail("a virtual CPU is larger than its place");
	memset(vcpus[id - 1], 0, sizeof(vcpus[0]));
	if (svm_ops.init(vcpus[id - 1], &cfg, &unit_host, &v))
		bail("a virtual CPU can be made");
	return v;
}

void vm_drop(struct vcpu *v)
{
	svm_ops.put(v);
	svm_ops.fini(v);
}

static void machine(struct vm *m, uint32_t at, const uint8_t *code, size_t len)
{
	*m = (struct vm){.ram = ram};
	memset(ram, 0, sizeof(ram));
	memcpy(ram + at, code, len);
	tables(ram);
	m->apic = unit_mem.alloc(NULL);
	if (vcpu_space_init(&m->space, svm_ops.format, &unit_mem, unit_host.caps) ||
	    vcpu_map(&m->space, 0, (uintptr_t)ram, VM_HOLE, VCPU_R | VCPU_W | VCPU_X, VCPU_WB))
		bail("a guest's memory can be mapped");
	m->v = vm_vcpu(m, 1, NULL);
}

void vm_new(struct vm *m, const uint8_t *code, size_t len)
{
	machine(m, VM_CODE, code, len);
	svm_ops.start(m->v, &(struct vcpu_start){.rip = VM_CODE,
						 .rsp = VM_STACK,
						 .rsi = 0x5151,
						 .cr3 = VM_TABLES,
						 .gdt = 0x6000,
						 .gdt_limit = 0x2f});
}

void vm_new_real(struct vm *m, const uint8_t *code, size_t len)
{
	machine(m, VM_REAL, code, len);
	svm_ops.start(m->v, &(struct vcpu_start){.real = true, .vector = VM_REAL >> 12});
}

void vm_free(struct vm *m)
{
	vm_drop(m->v);
	vcpu_space_fini(&m->space);
	unit_mem.free(NULL, m->apic);
}

enum vcpu_exit_kind vm_run(struct vm *m)
{
	for (;;) {
		m->v->ops->run(m->v, &m->e);
		if (m->e.kind != VCPU_EXIT_IRQ)
			return m->e.kind;
		m->hidden++;
		__asm__ volatile("sti; nop; nop; cli" : : : "memory");
	}
}

void vm_skip(struct vm *m)
{
	m->v->ops->skip(m->v, &m->e);
}

void vm_expect(struct vm *m, enum vcpu_exit_kind kind, const char *what)
{
	if (vm_run(m) != kind) {
		note("RIP", m->v->rip);
		note("reason", m->e.reason);
		note("qualification", m->e.qualification);
		note("guest address", m->e.gpa);
	}
	is(m->e.kind, kind, what);
	vm_skip(m);
}
