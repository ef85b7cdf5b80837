/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: exits of every kind that a guest can cause, decoded; and what must not exit. */
#include "unit.h"
#include "vtx.h"

static struct unit_guest g;

struct step {
	const char *what;
	enum vcpu_exit_kind kind;
	unsigned int len;
};

/* Each instruction exits; the table below says as what. */
UNIT_CODE64(steps, "cpuid\n hlt\n vmcall\n invd\n wbinvd\n rdpmc\n monitor\n mwait\n"
		   "xsetbv\n vmclear (%rdi)\n vmptrld (%rdi)\n vmptrst (%rdi)\n vmread %rax, %rbx\n"
		   "vmwrite %rax, %rbx\n vmlaunch\n vmresume\n vmxoff\n vmxon (%rdi)\n"
		   "invept (%rdi), %rax\n invvpid (%rdi), %rax\n"
		   "mov $0x1b, %ecx\n rdmsr\n mov $0xc0000080, %ecx\n wrmsr\n"
		   "mov $0x40000000, %ecx\n rdmsr\n mov $0x9e, %ecx\n wrmsr\n hlt");

static const struct step step_table[] = {
	{"CPUID", VCPU_EXIT_CPUID, 2},
	{"HLT", VCPU_EXIT_HLT, 1},
	{"VMCALL", VCPU_EXIT_CALL, 3},
	{"INVD", VCPU_EXIT_WBINVD, 2},
	{"WBINVD", VCPU_EXIT_WBINVD, 2},
	{"RDPMC", VCPU_EXIT_GP, 2},
	{"MONITOR", VCPU_EXIT_UNDEFINED, 3},
	{"MWAIT", VCPU_EXIT_UNDEFINED, 3},
	{"XSETBV", VCPU_EXIT_XSETBV, 3},
	{"VMCLEAR", VCPU_EXIT_UNDEFINED, 4},
	{"VMPTRLD", VCPU_EXIT_UNDEFINED, 3},
	{"VMPTRST", VCPU_EXIT_UNDEFINED, 3},
	{"VMREAD", VCPU_EXIT_UNDEFINED, 3},
	{"VMWRITE", VCPU_EXIT_UNDEFINED, 3},
	{"VMLAUNCH", VCPU_EXIT_UNDEFINED, 3},
	{"VMRESUME", VCPU_EXIT_UNDEFINED, 3},
	{"VMXOFF", VCPU_EXIT_UNDEFINED, 3},
	{"VMXON", VCPU_EXIT_UNDEFINED, 4},
	{"INVEPT", VCPU_EXIT_UNDEFINED, 5},
	{"INVVPID", VCPU_EXIT_UNDEFINED, 5},
	{"RDMSR of APIC_BASE", VCPU_EXIT_RDMSR, 2},
	{"WRMSR of EFER", VCPU_EXIT_WRMSR, 2},
	{"RDMSR outside of the bitmap", VCPU_EXIT_RDMSR, 2},
	{"WRMSR of SMBASE", VCPU_EXIT_WRMSR, 2},
};

static void test_steps(void)
{
	unit_code(&g, steps, steps_end);
	g.v->gpr[VCPU_RDI] = UNIT_DATA;
	vtx_ops.set(g.v, VCPU_CR4, X86_CR4_PAE | X86_CR4_OSXSAVE) ? unit_ok(false, "CR4") : (void)0;
	for (size_t i = 0; i < ARRAY_SIZE(step_table); i++) {
		const struct step *s = &step_table[i];
		struct vcpu_exit e = unit_want(&g, s->kind, s->what);

		if (e.kind != s->kind)
			return;
		if (e.insn_len != s->len)
			unit_eq(e.insn_len, s->len, "its length");
		vtx_ops.skip(g.v, &e);
	}
	unit_want(&g, VCPU_EXIT_HLT, "and nothing else exited");
}

/* ---- ports -------------------------------------------------------------------------------- */

UNIT_CODE64(ports,
	    "mov $0x3f8, %edx\n in %dx, %al\n out %al, $0x20\n mov $0xcf8, %edx\n out %eax, %dx\n"
	    "mov $0x1f0, %edx\n mov $0x10000, %edi\n mov $7, %ecx\n rep insw\n"
	    "mov $0x10100, %esi\n outsb\n in $0x71, %ax\n hlt");

static void test_ports(void)
{
	static const struct {
		uint16_t port;
		uint8_t size;
		bool in, string, rep;
	} want[] = {
		{0x3f8, 1, true, false, false},	 {0x20, 1, false, false, false},
		{0xcf8, 4, false, false, false}, {0x1f0, 2, true, true, true},
		{0x1f0, 1, false, true, false},	 {0x71, 2, true, false, false},
	};

	unit_code(&g, ports, ports_end);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct vcpu_exit e = unit_want(&g, VCPU_EXIT_IO, "port access");

		unit_ok(e.io.port == want[i].port && e.io.size == want[i].size &&
				e.io.in == want[i].in && e.io.string == want[i].string &&
				e.io.rep == want[i].rep,
			"port, size, direction, string, repeat");
		if (i == 3)
			unit_eq(g.v->gpr[VCPU_RCX], 7, "the count of a repeated one is kept");
		vtx_ops.skip(g.v, &e);
	}
	unit_want(&g, VCPU_EXIT_HLT, "and nothing else exited");
}

static void test_ports_allowed(void)
{
	uint8_t *allow = unit_mem.alloc(NULL), *next = unit_mem.alloc(NULL);
	struct unit_guest h;

	/* Two pages side by side are one bitmap. */
	if (next + VCPU_PAGE == allow) {
		allow = next;
		next = allow + VCPU_PAGE;
	}
	unit_ok(next == allow + VCPU_PAGE, "two pages side by side");
	allow[0x80 / 8] = 1;
	next[0x7ff8 / 8] = 0;
	unit_guest_make(&h, &vtx_ops, 3, allow);
	unit_code(&h, ports, ports_end);
	h.ram[UNIT_CODE] = 0xe6; /* out %al, $0x80; out %al, $0x81 */
	h.ram[UNIT_CODE + 1] = 0x80;
	h.ram[UNIT_CODE + 2] = 0xe6;
	h.ram[UNIT_CODE + 3] = 0x81;
	unit_eq(unit_want(&h, VCPU_EXIT_IO, "a port that is not allowed").io.port, 0x81,
		"the port that is allowed did not exit");
	unit_guest_free(&h);
	unit_mem.free(NULL, allow);
	unit_mem.free(NULL, next);
}

/* ---- control registers ---------------------------------------------------------------------- */

/* What a guest may do by itself first, then what exits. */
UNIT_CODE64(
	controls,
	"mov %cr0, %rax\n or $8, %rax\n mov %rax, %cr0\n clts\n smsw %bx\n lmsw %bx\n"
	"and $~0x10000, %rax\n mov %rax, %cr0\n mov %cr3, %rcx\n mov %rcx, %cr3\n"
	"mov %cr4, %rcx\n or $0x680, %rcx\n mov %rcx, %cr4\n mov %rax, %cr2\n"
	"mov $5, %eax\n mov %rax, %cr8\n mov %cr8, %r9\n mov %rax, %dr0\n mov %dr7, %r8\n"
	"mov $0xc0000100, %ecx\n xor %edx, %edx\n wrmsr\n rdmsr\n mov $0xc0000082, %ecx\n wrmsr\n"
	"mov $0x174, %ecx\n wrmsr\n rdtsc\n rdtscp\n swapgs\n invlpg (%rdi)\n ud2a_free: nop\n"
	"mov %cr0, %rsi\n bts $30, %rsi\n mov %rsi, %cr0\n"
	"mov %cr4, %r10\n bts $13, %r10\n mov %r10, %cr4\n"
	"mov %cr4, %r11\n bts $6, %r11\n mov %r11, %cr4\n hlt");

static void test_controls(void)
{
	struct vcpu_exit e;

	unit_code(&g, controls, controls_end);
	e = unit_want(&g, VCPU_EXIT_CR, "only CR0.CD exits");
	unit_ok(e.cr.n == 0 && e.cr.gpr == VCPU_RSI && e.cr.write, "CR0, from RSI");
	unit_eq(g.v->gpr[VCPU_R9], 5, "CR8 is the guest's own");
	unit_eq(g.apic[0x80], 0x50, "and its APIC page has it");
	unit_eq((uint64_t)-vtx_ops.set(g.v, VCPU_CR0, g.v->gpr[VCPU_RSI]), 0, "set takes it");
	unit_eq(vtx_ops.get(g.v, VCPU_CR0) & X86_CR0_CD, X86_CR0_CD, "get tells it");
	unit_eq(cpu_cr0() & X86_CR0_CD, 0, "the host's cache stays on");
	vtx_ops.skip(g.v, &e);
	e = unit_want(&g, VCPU_EXIT_CR, "CR4.VMXE exits");
	unit_ok(e.cr.n == 4 && e.cr.gpr == VCPU_R10 && e.cr.write, "CR4, from R10");
	unit_ok(vtx_ops.set(g.v, VCPU_CR4, g.v->gpr[VCPU_R10]) < 0, "set refuses it");
	vtx_ops.skip(g.v, &e);
	e = unit_want(&g, VCPU_EXIT_CR, "CR4.MCE exits");
	unit_eq(g.v->gpr[VCPU_R11] & X86_CR4_VMXE, 0, "the guest never saw VMXE");
	unit_eq((uint64_t)-vtx_ops.set(g.v, VCPU_CR4, g.v->gpr[VCPU_R11]), 0, "set takes MCE");
	vtx_ops.skip(g.v, &e);
	unit_want(&g, VCPU_EXIT_HLT, "and nothing else exited");
	unit_eq(vtx_ops.get(g.v, VCPU_FS_BASE), 5, "FS base by MSR, without an exit");
	unit_eq(vtx_ops.get(g.v, VCPU_LSTAR), 5, "LSTAR likewise");
	unit_ok(vtx_ops.set(g.v, VCPU_LSTAR, BIT64(63)) < 0, "LSTAR: not canonical");
	unit_ok(vtx_ops.set(g.v, VCPU_PAT, 2) < 0, "PAT: reserved type");
	unit_ok(vtx_ops.set(g.v, VCPU_EFER, BIT64(12)) < 0, "EFER: unknown bit");
	unit_ok(vtx_ops.set(g.v, VCPU_EFER, 0) < 0, "EFER: LME off with paging on");
	unit_ok(vtx_ops.set(g.v, VCPU_CR0, 0) < 0, "CR0: paging off in 64-bit mode");
	unit_ok(vtx_ops.set(g.v, VCPU_CR4, 0) < 0, "CR4: PAE off in long mode");
}

/* ---- memory -------------------------------------------------------------------------------- */

UNIT_CODE64(memory, "mov 0x1000000, %eax\n movb $1, 0x1000001\n lock incl 0x1000008\n"
		    "mov $0x1000010, %eax\n call *%rax\n hlt");

static void test_memory(void)
{
	static const struct {
		uint64_t gpa;
		uint32_t access;
		const char *what;
	} want[] = {
		{0x1000000, VCPU_R, "read"},
		{0x1000001, VCPU_W, "write"},
		{0x1000008, VCPU_R | VCPU_W, "read and write"},
	};
	struct vcpu_exit e;

	unit_code(&g, memory, memory_end);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		e = unit_want(&g, VCPU_EXIT_MEM, want[i].what);
		unit_eq(e.gpa, want[i].gpa, "guest-physical address");
		unit_ok(e.access & want[i].access & VCPU_W || want[i].access == VCPU_R, "access");
		e.insn_len = 0;
		g.v->rip += i == 0 ? 7 : i == 1 ? 8 : 8;
		g.v->state_dirty = true;
	}
	e = unit_want(&g, VCPU_EXIT_MEM, "fetch");
	unit_eq(e.access, VCPU_X, "access");
	unit_eq(e.gpa, 0x1000010, "guest-physical address");
}

UNIT_CODE64(
	apic,
	"mov $0xfee00000, %edi\n mov 0x20(%rdi), %eax\n movl $0x123, 0x300(%rdi)\n"
	"movl $0x1ff, 0xf0(%rdi)\n mov 0x20(%rdi), %rax\n mov $0xfee00000, %eax\n call *%rax\n");

static void test_apic(void)
{
	struct vcpu_exit e;

	unit_code(&g, apic, apic_end);
	*(uint32_t *)(void *)(g.apic + 0x20) = 7 << 24;
	e = unit_want(&g, VCPU_EXIT_APIC_WRITE, "write of the interrupt command");
	unit_eq(g.v->gpr[VCPU_RAX], 7 << 24, "the identity was read without an exit");
	unit_eq(e.gpa, 0x300, "offset");
	unit_eq(*(uint32_t *)(void *)(g.apic + 0x300), 0x123, "the page has the value");
	e = unit_want(&g, VCPU_EXIT_APIC_WRITE, "write of the spurious vector");
	unit_eq(e.gpa, 0xf0, "offset");
	e = unit_want(&g, VCPU_EXIT_APIC_ACCESS, "a read of 8 bytes is not virtualised");
	unit_ok(e.gpa == 0x20 && e.access == VCPU_R, "offset and access");
	g.v->rip += 4;
	g.v->state_dirty = true;
	e = unit_want(&g, VCPU_EXIT_MEM, "a fetch from the APIC page, which is mapped without X");
	unit_eq(e.access, VCPU_X, "access");
}

/* ---- the rest ------------------------------------------------------------------------------- */

UNIT_CODE64(step, "pushf\n orl $0x100, (%rsp)\n popf\n nop\n nop\n hlt");
UNIT_CODE64(aligned, "mov $0x33, %eax\n hlt");
UNIT_CODE64(triple, "lidt (%rdi)\n ud2");
UNIT_CODE64(spin, "mov $100000000, %ecx\n 1: pause\n loop 1b\n hlt");
UNIT_CODE64(quiet, "sti\n 1: jmp 1b");
UNIT_CODE64(shut, "1: jmp 1b");
UNIT_CODE64(nmi, "mov $0xfee00000, %edi\n movl $0x4400, 0x300(%rdi)\n nop\n nop\n hlt");

static void test_host_events(void)
{
	volatile uint32_t *icr = (volatile uint32_t *)(UNIT_APIC + 0x300ul);
	struct vcpu_exit e;
	unsigned int before = unit_irqs;

	unit_code(&g, quiet, quiet_end);
	*icr = 0x44000 | 0x55; /* to itself, vector 55 */
	e = unit_want(&g, VCPU_EXIT_IRQ, "a host interrupt ends an endless guest");
	unit_eq((uint64_t)e.vector, 0x55, "and comes with its vector");
	unit_eq(unit_irqs, before, "it was taken by the exit, not by the host's IDT");
	*(volatile uint32_t *)(UNIT_APIC + 0xb0ul) = 0;
	unit_code(&g, shut, shut_end);
	*icr = 0x44000 | 0x56;
	e = unit_want(&g, VCPU_EXIT_IRQ, "and one that has interrupts off, in bounded time");
	unit_note("its vector", (uint64_t)e.vector);
	if (e.vector < 0)
		__asm__ volatile("sti; nop; cli" : : : "memory");
	else
		*(volatile uint32_t *)(UNIT_APIC + 0xb0ul) = 0;
	unit_ok(e.vector == 0x56 || unit_irq_last == 0x56, "it is taken or still pending");
	before = unit_irqs;
	if (!(unit_host.caps & VCPU_CAP_VAPIC))
		return;
	/* The guest gets the host's APIC for once, to send an NMI while it runs. */
	unit_eq((uint64_t)-vcpu_unmap(&g.space, UNIT_APIC, VCPU_PAGE), 0, "unmap");
	unit_eq((uint64_t)-vcpu_map(&g.space, UNIT_APIC + 0x100000, UNIT_APIC, VCPU_PAGE,
				    VCPU_R | VCPU_W, VCPU_UC),
		0, "map");
	unit_code(&g, nmi, nmi_end);
	g.ram[UNIT_CODE + 3] = 0xf0; /* fef00000 */
	e = unit_want(&g, VCPU_EXIT_NMI, "a host NMI ends a guest");
	*icr = 0x4400; /* to APIC ID 0: the shorthand "self" is for fixed ones */
	cpu_pause();
	unit_eq(unit_irqs, before + 1, "and NMIs are not blocked behind it");
	unit_want(&g, VCPU_EXIT_HLT, "the guest goes on");
}

static void test_rest(void)
{
	struct vcpu_exit e;

	unit_code(&g, step, step_end);
	e = unit_want(&g, VCPU_EXIT_EXCEPTION, "single step");
	unit_eq((uint64_t)e.vector, X86_VEC_DB, "is #DB");
	unit_eq(cpu_dr6() & BIT64(14), BIT64(14), "DR6.BS is the guest's");
	vtx_ops.inject(g.v, e.vector, -1);
	e = unit_want(&g, VCPU_EXIT_IO, "the guest's handler of #DB");
	unit_eq(g.v->gpr[VCPU_RAX] & 0xff, X86_VEC_DB, "has it");

	unit_code(&g, triple, triple_end);
	g.v->gpr[VCPU_RDI] = UNIT_DATA;
	unit_want(&g, VCPU_EXIT_TRIPLE, "triple fault");

	unit_code(&g, aligned, aligned_end);
	unit_want(&g, VCPU_EXIT_HLT, "another start behind a triple fault");

	unit_code(&g, spin, spin_end);
	vtx_ops.set_timer(g.v, 100000);
	unit_want(&g, VCPU_EXIT_TIMER, "a loop of PAUSE alone on its CPU goes on");
	vtx_ops.share(g.v, true);
	unit_want(&g, VCPU_EXIT_PAUSE, "a loop of PAUSE while others wait");
}

void unit_test(void)
{
	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	test_steps();
	test_ports();
	test_ports_allowed();
	test_controls();
	test_memory();
	if (unit_host.caps & VCPU_CAP_VAPIC)
		test_apic();
	test_rest();
	test_host_events();
	unit_guest_free(&g);
}
