/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: a guest starts in real mode, goes to protected mode, and starts in 64-bit mode. */
#include "unit.h"
#include "vtx.h"

/* Real mode at 8000: reports its CS, goes to 32-bit protected mode without an exit, reports CR0. */
UNIT_CODE16(real, "mov %cs, %ax\n mov %ax, %ds\n"
		  "vmcall\n"
		  "lgdtl %cs:pointer - real\n"
		  "mov %cr0, %eax\n or $1, %eax\n mov %eax, %cr0\n"
		  "ljmpl $0x20, $0x8000 + prot - real\n"
		  "pointer: .word 47\n .long 0x500\n"
		  ".code32\n prot: mov $0x18, %eax\n mov %eax, %ds\n mov %cr0, %ebx\n vmcall\n"
		  "hlt");
UNIT_CODE64(lng, "mov %cr0, %rax\n mov %cr4, %rbx\n mov $0xc0000080, %ecx\n rdmsr\n"
		 "mov %cs, %r8d\n mov %ss, %r9d\n mov %rsp, %r10\n pushf\n pop %r11\n"
		 "vmcall\n hlt");

/* From real mode to PAE paging, and from there to 64-bit mode. */
UNIT_CODE16(modes, "lgdtl %cs:modes_gdt - modes\n mov %cr0, %eax\n or $1, %eax\n mov %eax, %cr0\n"
		   "ljmpl $0x20, $0x8000 + modes_32 - modes\n"
		   "modes_gdt: .word 47\n .long 0x500\n"
		   ".code32\n modes_32: mov $0x18, %eax\n mov %eax, %ds\n"
		   "mov $0x5000, %eax\n mov %eax, %cr3\n mov $0x20, %eax\n mov %eax, %cr4\n"
		   "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n"
		   "mov 0x10000, %ebx\n vmcall\n mov $0x60, %eax\n mov %eax, %cr4\n"
		   "mov 0x10004, %ebx\n vmcall\n"
		   "mov %cr0, %eax\n and $0x7fffffff, %eax\n mov %eax, %cr0\n"
		   "mov $0x1000, %eax\n mov %eax, %cr3\n"
		   "mov $0xc0000080, %ecx\n mov $0x100, %eax\n xor %edx, %edx\n wrmsr\n"
		   "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n"
		   "ljmp $0x10, $0x8000 + modes_64 - modes\n"
		   ".code64\n modes_64: mov $0x123456789abc, %rbx\n vmcall\n"
		   "mov %cr0, %rax\n bts $30, %rax\n mov %rax, %cr0\n vmcall\n hlt");

static struct unit_guest g;

static void test_real(void)
{
	const struct vcpu_ops *o = &vtx_ops;

	unit_code(&g, real, real_end);
	o->start(g.v, &(struct vcpu_start){.real = true, .vector = UNIT_CODE >> 12});
	unit_want(&g, VCPU_EXIT_CALL, "real mode: first exit");
	unit_eq(g.v->gpr[VCPU_RAX] & 0xffff, UNIT_CODE >> 4, "real mode: CS is vector << 8");
	unit_eq(o->get(g.v, VCPU_CR0) & X86_CR0_PE, 0, "real mode: CR0.PE is 0");
	o->skip(g.v, &(struct vcpu_exit){.insn_len = 3});
	unit_want(&g, VCPU_EXIT_CALL, "protected mode: reached without an exit");
	unit_eq(g.v->gpr[VCPU_RBX] & 1, 1, "protected mode: the guest sees CR0.PE");
	unit_eq(g.v->gpr[VCPU_RBX] & X86_CR0_NE, 0, "and not the CR0.NE that VMX needs");
	unit_eq(o->get(g.v, VCPU_CS_SEL), 0x20, "protected mode: CS");
	unit_eq(o->get(g.v, VCPU_CR0) & X86_CR0_PE, 1, "protected mode: get tells the same");
	o->start(g.v, &(struct vcpu_start){.real = true, .vector = 0x100});
	unit_eq(g.v->rip, 0xfff0, "reset: IP");
	unit_eq(o->get(g.v, VCPU_CS_BASE), 0xffff0000, "reset: CS base");
	struct vcpu_exit e = unit_want(&g, VCPU_EXIT_MEM, "reset: fetch at fffffff0");

	unit_eq(e.gpa, 0xfffffff0, "reset: guest-physical address of the fetch");
	unit_eq(e.access, VCPU_X, "reset: it is a fetch");
}

static void skip(struct vcpu_exit e)
{
	vtx_ops.skip(g.v, &e);
}

static void test_modes(void)
{
	const struct vcpu_ops *o = &vtx_ops;
	struct vcpu_exit e;

	unit_code(&g, modes, modes_end);
	o->start(g.v, &(struct vcpu_start){.real = true, .vector = UNIT_CODE >> 12});
	*(uint64_t *)(void *)(g.ram + 0x5000) = (UNIT_TABLE + 0x2000) | X86_PTE_P;
	*(uint64_t *)(void *)(g.ram + UNIT_DATA) = 0x2222222211111111;
	skip(unit_want(&g, VCPU_EXIT_CALL, "PAE paging: reached without an exit"));
	unit_eq(g.v->gpr[VCPU_RBX], 0x11111111, "it reads through it");
	e = unit_want(&g, VCPU_EXIT_CR, "a write of CR4.MCE exits");
	unit_eq((uint64_t)-o->set(g.v, VCPU_CR4, 0x60), 0,
		"set takes it, and loads the four entries");
	skip(e);
	skip(unit_want(&g, VCPU_EXIT_CALL, "PAE paging goes on"));
	unit_eq(g.v->gpr[VCPU_RBX], 0x22222222, "it reads through it");
	*(uint64_t *)(void *)(g.ram + 0x5000) |= X86_PTE_W;
	unit_ok(o->set(g.v, VCPU_CR3, 0x5000) < 0, "an entry with reserved bits is refused");
	unit_ok(o->set(g.v, VCPU_CR3, 0x70000000) < 0, "so are entries that are not mapped");
	e = unit_want(&g, VCPU_EXIT_WRMSR, "a write of EFER exits");
	unit_eq((uint64_t)-o->set(g.v, VCPU_EFER, X86_EFER_LME), 0, "set takes LME");
	unit_eq(o->get(g.v, VCPU_EFER), X86_EFER_LME, "without LMA while paging is off");
	skip(e);
	skip(unit_want(&g, VCPU_EXIT_CALL, "64-bit mode: reached without an exit"));
	unit_eq(g.v->gpr[VCPU_RBX], 0x123456789abc, "it is 64-bit mode");
	unit_eq(o->get(g.v, VCPU_EFER), X86_EFER_LME | X86_EFER_LMA, "LMA is set");
	e = unit_want(&g, VCPU_EXIT_CR, "a write of CR0.CD exits");
	unit_eq((uint64_t)-o->set(g.v, VCPU_CR0, g.v->gpr[VCPU_RAX]), 0, "set takes it");
	skip(e);
	unit_want(&g, VCPU_EXIT_CALL, "64-bit mode goes on");
}

static void test_long(void)
{
	const struct vcpu_ops *o = &vtx_ops;
	struct vcpu_exit e;

	unit_code(&g, lng, lng_end);
	e = unit_want(&g, VCPU_EXIT_CALL, "64-bit mode: first exit");
	unit_eq(e.insn_len, 3, "length of VMCALL");
	unit_eq(g.v->gpr[VCPU_RAX] & 0xffffffff, X86_EFER_LME | X86_EFER_LMA, "EFER");
	unit_eq(g.v->gpr[VCPU_RBX], X86_CR4_PAE, "CR4 as the guest reads it: no VMXE");
	unit_eq(g.v->gpr[VCPU_R8], 0x10, "CS");
	unit_eq(g.v->gpr[VCPU_R9], 0x18, "SS");
	unit_eq(g.v->gpr[VCPU_R10], UNIT_STACK, "RSP");
	unit_eq(g.v->gpr[VCPU_R11], X86_RFLAGS_ONE, "RFLAGS");
	unit_eq(g.v->gpr[VCPU_RSI], 0x1234, "RSI");
	unit_eq(o->get(g.v, VCPU_CR3), UNIT_TABLE, "CR3");
	o->skip(g.v, &e);
	unit_want(&g, VCPU_EXIT_HLT, "behind the skipped instruction");
}

void unit_test(void)
{
	unit_host.region = unit_mem.alloc(NULL);
	unit_eq((uint64_t)-vtx_ops.cpu_on(&unit_host), 0, "cpu_on");
	if (unit_host.why) {
		unit_puts("# ");
		unit_puts(unit_host.why);
		unit_puts("\n");
	}
	unit_note("caps", unit_host.caps);
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	test_real();
	test_modes();
	test_long();
	unit_guest_free(&g);
	unit_eq(unit_pages, 1, "no page is left behind but the VMXON region");
	vtx_ops.cpu_off(&unit_host);
	unit_eq(cpu_cr4() & X86_CR4_VMXE, 0, "cpu_off");
}
