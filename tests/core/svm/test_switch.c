/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Two virtual CPUs take turns on one CPU; ports that are let through; registers that are refused.
 */
#include "base/errno.h"
#include "glue/cpu.h"
#include "hw/x86.h"
#include "svm.h"
#include "svm_priv.h"
#include "unit.h"

void *memset(void *to, int val, size_t len);

static const struct vcpu_start at_code = {
	.rip = VM_CODE, .rsp = VM_STACK, .cr3 = VM_TABLES, .gdt = 0x6000, .gdt_limit = 0x2f};

/* A turn: until the next VMMCALL, then off the CPU. */
static void turn(struct vm *m, struct vcpu *v)
{
	struct vcpu *mine = m->v;

	m->v = v;
	if (vm_run(m) != VCPU_EXIT_CALL)
		note("exit of another kind", m->e.kind);
	vm_skip(m);
	svm_ops.put(v);
	m->v = mine;
}

static void kept(const struct vcpu *v, uint64_t want)
{
	is(v->gpr[VCPU_R8], want, "XMM7");
	is(v->gpr[VCPU_R9], want, "DR3");
	is(v->gpr[VCPU_R10], want, "LSTAR");
	is(v->gpr[VCPU_R11], want, "TSC_AUX");
	is(v->gpr[VCPU_R12], want, "CR2");
}

static void take_turns(void)
{
	uint64_t cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE;
	uint64_t host_star = 0x1234567800000000;
	struct vcpu *w;
	struct vm m;

	vm_new(&m, CODE(g_fpu));
	w = vm_vcpu(&m, 2, NULL);
	svm_ops.start(w, &at_code);
	cpu_wrmsr(X86_MSR_STAR, host_star);
	if (svm_ops.set(m.v, VCPU_CR4, cr4) || svm_ops.set(w, VCPU_CR4, cr4))
		bail("OSFXSR and OSXSAVE can be set");
	m.v->gpr[VCPU_RBX] = 0x1111;
	w->gpr[VCPU_RBX] = 0x2222;
	turn(&m, m.v);
	turn(&m, w);
	turn(&m, m.v);
	turn(&m, w);
	note("the first virtual CPU's", 0);
	kept(m.v, 0x1111);
	note("the second's", 0);
	kept(w, 0x2222);
	is(m.v->gpr[VCPU_RAX], X86_XCR0_X87, "XCR0 as after reset");
	is(cpu_rdmsr(X86_MSR_STAR), host_star, "the host's own STAR");
	vm_drop(w);
	vm_free(&m);
}

static void ports(void)
{
	static uint8_t allow[8192];
	struct vcpu *w;
	struct vm m;

	allow[0x71 / 8] = 1 << (0x71 & 7);
	vm_new(&m, CODE(g_exits));
	w = vm_vcpu(&m, 2, allow);
	svm_ops.start(w, &at_code);
	vm_drop(m.v);
	m.v = w;
	vm_expect(&m, VCPU_EXIT_CPUID, "CPUID");
	vm_expect(&m, VCPU_EXIT_CPUID, "CPUID");
	vm_expect(&m, VCPU_EXIT_IO, "a port");
	is(m.e.io.port, 0x3f8, "is the second one: the first was let through");
	vm_free(&m);
}

static void refuses(struct vm *m, enum vcpu_reg r, uint64_t val, const char *what)
{
	uint64_t before = svm_ops.get(m->v, r);

	is((uint64_t)svm_ops.set(m->v, r, val), (uint64_t)-EINVAL, what);
	is(svm_ops.get(m->v, r), before, "and nothing has changed");
}

static void states(void)
{
	struct vm m;

	vm_new(&m, CODE(g_start));
	refuses(&m, VCPU_CR0, X86_CR0_PE | X86_CR0_PG | X86_CR0_NW, "NW without CD");
	refuses(&m, VCPU_CR0, X86_CR0_PG, "paging without protection");
	refuses(&m, VCPU_CR4, X86_CR4_PAE | X86_CR4_VMXE, "CR4.VMXE");
	refuses(&m, VCPU_CR4, 0, "long mode without CR4.PAE");
	refuses(&m, VCPU_EFER, X86_EFER_SVME, "EFER.SVME");
	refuses(&m, VCPU_EFER, X86_EFER_NXE, "LME switched off under paging");
	refuses(&m, VCPU_PAT, 2, "a memory type that there is not");
	refuses(&m, VCPU_LSTAR, UINT64_C(0x800000000000), "an address that is not canonical");
	svm_of(m.v)->vmcb->cr0 |= X86_CR0_NW;
	is(vm_run(&m), VCPU_EXIT_ENTRY, "a state that VMRUN would refuse");
	ok(m.e.why && m.e.why[0] == 'C', "is named");
	is(m.v->rip, VM_CODE, "and kept");
	ok(svm_ops.reason_name(m.e.reason)[0] == 'I', "its reason is INVALID");
	svm_of(m.v)->vmcb->cr0 &= ~X86_CR0_NW;
	svm_of(m.v)->vmcb->asid = 0;
	is(vm_run(&m), VCPU_EXIT_ENTRY, "what VMRUN itself refuses");
	ok(m.e.why, "has a reason too");
	vm_free(&m);
}

/* Ticks are instructions under -icount shift=0; an exit's own part, without what the core does. */
static void cost(void)
{
	uint64_t ticks = 0, last;
	struct vm m;

	vm_new(&m, CODE(g_memory));
	memset(m.ram + VM_CODE, 0x90, VM_STACK - VM_CODE - 0x1000);
	for (unsigned int at = VM_CODE; at < VM_CODE + 0x3000; at += 2)
		*(uint16_t *)(void *)(m.ram + at) = 0xa20f; /* CPUID */
	vm_run(&m);
	for (unsigned int i = 0; i < 1000; i++) {
		last = m.v->tsc_exit;
		vm_skip(&m);
		vm_run(&m);
		ticks += m.v->tsc_entry - last;
	}
	is(m.e.kind, VCPU_EXIT_CPUID, "a thousand CPUID exits");
	note("ticks between two entries, in the back end", ticks / 1000);
	vm_free(&m);
}

void test_switch(void)
{
	take_turns();
	ports();
	states();
	cost();
}
