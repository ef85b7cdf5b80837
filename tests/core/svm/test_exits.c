/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The states a guest starts in, and every kind of exit decoded. */
#include "hw/svm.h"
#include "hw/x86.h"
#include "svm.h"
#include "unit.h"

void test_starts(void)
{
	struct vm m;

	vm_new(&m, CODE(g_start));
	vm_expect(&m, VCPU_EXIT_CALL, "64-bit start: the first instruction runs");
	is(m.v->gpr[VCPU_RSI], 0x5151, "RSI is what was asked for");
	is(m.v->gpr[VCPU_RSP], VM_STACK, "RSP is what was asked for");
	is(m.v->rip, VM_CODE + 3, "RIP is behind VMMCALL");
	is(svm_ops.get(m.v, VCPU_CS_SEL), 0x10, "CS is 10");
	is(svm_ops.get(m.v, VCPU_CS_ATTR), 0xa09b, "CS is 64-bit code");
	is(svm_ops.get(m.v, VCPU_EFER), X86_EFER_LME | X86_EFER_LMA, "EFER without SVME");
	vm_free(&m);

	vm_new_real(&m, CODE(g_real));
	vm_expect(&m, VCPU_EXIT_IO, "real mode: OUT exits");
	is(m.v->gpr[VCPU_RAX] & 0xffff, 0x1234, "after 16-bit code");
	is(m.v->gpr[VCPU_RBX] & 0xffff, VM_REAL >> 4, "CS is the SIPI's");
	is(svm_ops.get(m.v, VCPU_CS_BASE), VM_REAL, "so is its base");
	vm_expect(&m, VCPU_EXIT_CPUID, "CPUID in real mode");
	vm_expect(&m, VCPU_EXIT_HLT, "HLT in real mode");
	is(m.v->rip, (uint64_t)(g_real_end - g_real), "lengths add up");
	svm_ops.start(m.v, &(struct vcpu_start){.real = true, .vector = 0x100});
	is(vm_run(&m), VCPU_EXIT_MEM, "at the reset vector there is nothing");
	is(m.e.gpa, 0xfffffff0, "which is 16 bytes below 4 GiB");
	is(m.e.access, VCPU_X, "and was fetched");
	vm_free(&m);
}

static void io_is(const struct vm *m, uint16_t port, uint8_t size, const char *what)
{
	ok(m->e.io.port == port && m->e.io.size == size, what);
}

static void exits_io(struct vm *m)
{
	vm_expect(m, VCPU_EXIT_IO, "IN of an immediate port");
	io_is(m, 0x71, 1, "port 71, a byte");
	ok(m->e.io.in && !m->e.io.string && m->e.insn_len == 2, "inwards, 2 bytes long");
	vm_expect(m, VCPU_EXIT_IO, "OUT of a port in DX");
	io_is(m, 0x3f8, 4, "port 3f8, a double word");
	ok(!m->e.io.in && m->e.insn_len == 1, "outwards, 1 byte long");
	vm_expect(m, VCPU_EXIT_IO, "IN of a word");
	io_is(m, 0x3f8, 2, "2 bytes");
	is(m->e.insn_len, 2, "with its prefix");
	vm_expect(m, VCPU_EXIT_IO, "REP OUTSB");
	ok(m->e.io.string && m->e.io.rep && !m->e.io.in, "a repeated string");
}

static void exits_msr(struct vm *m)
{
	vm_expect(m, VCPU_EXIT_RDMSR, "RDMSR of the APIC base");
	is(m->v->gpr[VCPU_RCX], 0x1b, "its number in RCX");
	vm_expect(m, VCPU_EXIT_WRMSR, "WRMSR of the PAT");
	vm_expect(m, VCPU_EXIT_RDMSR, "RDMSR outside of the permission map");
}

static void exits_memory(struct vm *m)
{
	is(vm_run(m), VCPU_EXIT_MEM, "a read of what is not mapped");
	ok(m->e.gpa == 0x300010 && m->e.access == VCPU_R, "its address, and that it is a read");
	m->e.insn_len = 3;
	vm_skip(m);
	is(vm_run(m), VCPU_EXIT_MEM, "a write");
	ok(m->e.gpa == 0x300010 && m->e.access == VCPU_W, "its address, and that it is a write");
	m->e.insn_len = 3;
	vm_skip(m);
	is(vm_run(m), VCPU_EXIT_MEM, "a fetch");
	ok(m->e.gpa == 0x300010 && m->e.access == VCPU_X, "its address, and that it is a fetch");
	m->v->rip = *(uint64_t *)(void *)(m->ram + m->v->gpr[VCPU_RSP]);
	m->v->gpr[VCPU_RSP] += 8;
	m->v->state_dirty = true;
	vm_expect(m, VCPU_EXIT_CALL, "the guest returns to where the test put it");
}

static unsigned int fields;

static void count_field(void *ctx, const char *name, uint64_t val)
{
	struct vm *m = ctx;

	fields++;
	if (name[0] == 'r' && name[1] == 'i' && name[2] == 'p')
		is(val, m->v->rip, "RIP in the dump");
}

void test_exits(void)
{
	struct vm m;

	vm_new(&m, CODE(g_exits));
	vm_expect(&m, VCPU_EXIT_CPUID, "CPUID");
	is(m.e.insn_len, 2, "2 bytes");
	is(m.e.reason, SVM_EXIT_CPUID, "its reason");
	vm_expect(&m, VCPU_EXIT_CPUID, "CPUID behind prefixes");
	is(m.e.insn_len, 5, "5 bytes");
	exits_io(&m);
	exits_msr(&m);
	vm_expect(&m, VCPU_EXIT_UNDEFINED, "XSETBV without CR4.OSXSAVE");
	vm_expect(&m, VCPU_EXIT_CR, "a write of CR4");
	ok(m.e.cr.n == 4 && m.e.cr.write && m.e.cr.gpr == VCPU_R9, "from R9");
	is(m.e.insn_len, 4, "with REX");
	is((uint64_t)svm_ops.set(m.v, VCPU_CR4, X86_CR4_PAE | X86_CR4_OSXSAVE), 0,
	   "OSXSAVE may be set");
	vm_expect(&m, VCPU_EXIT_XSETBV, "XSETBV");
	is(m.e.insn_len, 3, "3 bytes");
	vm_expect(&m, VCPU_EXIT_HLT, "HLT");
	vm_expect(&m, VCPU_EXIT_CALL, "VMMCALL");
	vm_expect(&m, VCPU_EXIT_WBINVD, "WBINVD");
	vm_expect(&m, VCPU_EXIT_WBINVD, "INVD");
	exits_memory(&m);
	svm_ops.dump(m.v, count_field, &m);
	ok(fields > 80, "a dump names the fields");
	is(vm_run(&m), VCPU_EXIT_TRIPLE, "an exception without an IDT is a triple fault");
	ok(svm_ops.reason_name(m.e.reason)[0] == 'S', "by the name of SHUTDOWN");
	vm_free(&m);

	vm_new(&m, CODE(g_quiet));
	vm_expect(&m, VCPU_EXIT_CALL, "a guest's own registers exit at nothing");
	is(m.v->rip, VM_CODE + (uint64_t)(g_quiet_end - g_quiet), "up to the end");
	is(svm_ops.get(m.v, VCPU_FS_BASE), 0x1111, "FS base");
	is(svm_ops.get(m.v, VCPU_KERNEL_GS_BASE), 0x1111, "KERNEL_GS_BASE");
	is(svm_ops.get(m.v, VCPU_STAR), 0x1111, "STAR");
	is(svm_ops.get(m.v, VCPU_SYSENTER_CS), 0x1111, "SYSENTER_CS");
	vm_free(&m);
}

void test_refused(void)
{
	static const char *const names[] = {"MONITOR", "MWAIT", "VMRUN",  "VMLOAD", "VMSAVE",
					    "STGI",    "CLGI",	"SKINIT", "INVLPGA"};
	struct vm m;

	vm_new(&m, CODE(g_refused));
	is(vm_run(&m), VCPU_EXIT_GP, "RDPMC");
	m.e.insn_len = 2;
	vm_skip(&m);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		is(vm_run(&m), VCPU_EXIT_UNDEFINED, names[i]);
		m.e.insn_len = 3;
		vm_skip(&m);
	}
	is(vm_run(&m), VCPU_EXIT_GP, "a reserved bit of CR3");
	m.e.insn_len = 3;
	vm_skip(&m);
	vm_expect(&m, VCPU_EXIT_CALL, "and the guest goes on");
	vm_free(&m);

	vm_new(&m, CODE(g_user));
	*(uint64_t *)(void *)(m.ram + 0x6020) = UINT64_C(0x00cff3000000ffff);
	*(uint64_t *)(void *)(m.ram + 0x6028) = UINT64_C(0x00affb000000ffff);
	is(vm_run(&m), VCPU_EXIT_GP, "XSETBV at privilege level 3");
	m.e.insn_len = 3;
	vm_skip(&m);
	vm_expect(&m, VCPU_EXIT_CALL, "VMMCALL there");
	is(svm_ops.get(m.v, VCPU_SS_ATTR) >> 5 & 3, 3, "whose level SS tells");
	vm_free(&m);
}
