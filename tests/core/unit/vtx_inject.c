/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: exceptions, NMIs and interrupts put into a guest, windows, virtual-interrupt
 * delivery, and events whose delivery an exit cut off. */
#include "unit.h"
#include "vtx.h"

#define GATE(v) (UNIT_TRAPS + 16u * (unsigned int)(v))

static struct unit_guest g;

UNIT_CODE64(idle, "cpuid\n nop\n nop\n hlt\n jmp idle");
UNIT_CODE64(shadow, "mov $0x18, %ebx\n mov %ebx, %ss\n cpuid\n nop\n hlt");
UNIT_CODE64(sti_shadow, "sti\n cpuid\n nop\n 1: inc %rbx\n jmp 1b");
UNIT_CODE64(shut, "cpuid\n nop\n nop\n sti\n nop\n nop\n hlt");
UNIT_CODE64(nmi_twice, "cpuid\n nop\n hlt");
UNIT_CODE64(int3, "mov $0x1000, %rsp\n int3\n hlt");
UNIT_CODE64(eoi, "sti\n 1: pause\n jmp 1b");
/* Gates that end with EOI and IRETQ, for VID: mov $vector, %al; out; movl $0, 0xfee000b0; iretq. */
UNIT_CODE64(gate_eoi, "out %al, $0x81\n push %rdi\n mov $0xfee00000, %edi\n movl $0, 0xb0(%rdi)\n"
		      "pop %rdi\n iretq");
UNIT_CODE64(gate_iret, "out %al, $0x81\n iretq");

/* Gate @v reports @v at port 81 and returns by @code. */
static void put_gate(int v, const uint8_t *code, const uint8_t *end)
{
	uint8_t *p = g.ram + GATE(v), *q = g.ram + UNIT_TRAPS + 0x2000;

	p[0] = 0xb0;
	p[1] = (uint8_t)v;
	p[2] = 0xe9; /* jmp to the common end */
	*(int32_t *)(void *)(p + 3) = (int32_t)((q - p) - 7);
	for (size_t i = 0; code + i < end; i++)
		q[i] = code[i];
}

static bool handler_of(int v)
{
	struct vcpu_exit e = unit_run(&g);

	return e.kind == VCPU_EXIT_IO && (g.v->gpr[VCPU_RAX] & 0xff) == (uint64_t)v;
}

static void test_exceptions(void)
{
	static const struct {
		int vector;
		int64_t error;
		const char *what;
	} cases[] = {
		{X86_VEC_UD, -1, "#UD"},
		{X86_VEC_GP, 0, "#GP with error code 0"},
		{X86_VEC_PF, 0x17, "#PF with an error code"},
		{X86_VEC_DB, -1, "#DB"},
		{X86_VEC_AC, 0, "#AC"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const uint64_t *stack;

		unit_code(&g, idle, idle_end);
		unit_run(&g);
		vtx_ops.inject(g.v, cases[i].vector, cases[i].error);
		unit_ok(handler_of(cases[i].vector), cases[i].what);
		stack = (const uint64_t *)(const void *)(g.ram + g.v->gpr[VCPU_RSP]);
		if (cases[i].error >= 0)
			unit_eq(*stack++, (uint64_t)cases[i].error, "its error code is pushed");
		unit_eq(*stack, UNIT_CODE, "it points at the instruction that exited");
	}
	unit_code(&g, idle, idle_end);
	unit_run(&g);
	vtx_ops.inject(g.v, X86_VEC_GP, 0);
	vtx_ops.inject(g.v, X86_VEC_NP, 0);
	unit_ok(handler_of(X86_VEC_DF), "#NP upon #GP is a double fault");
	/* Real mode: no error code, or entry fails. */
	vtx_ops.start(g.v, &(struct vcpu_start){.real = true, .vector = UNIT_CODE >> 12});
	g.ram[UNIT_CODE + 0x1000] = 0xf4;
	*(uint32_t *)(void *)(g.ram + 4 * X86_VEC_GP) = (UNIT_CODE + 0x1000) >> 4 << 16;
	vtx_ops.inject(g.v, X86_VEC_GP, 0);
	unit_want(&g, VCPU_EXIT_HLT, "#GP in real mode");
	unit_eq(vtx_ops.get(g.v, VCPU_CS_SEL), (UNIT_CODE + 0x1000) >> 4,
		"goes by the vector table");
}

static void test_interrupts(void)
{
	struct vcpu_exit e;

	unit_code(&g, shut, shut_end);
	e = unit_run(&g);
	unit_ok(!vtx_ops.can_irq(g.v), "RFLAGS.IF 0: no interrupt can go in");
	vtx_ops.skip(g.v, &e);
	vtx_ops.want_window(g.v, true);
	e = unit_want(&g, VCPU_EXIT_WINDOW, "the window exits");
	unit_eq(g.v->rip, UNIT_CODE + 6, "behind the instruction behind STI");
	unit_ok(vtx_ops.can_irq(g.v), "now one can go in");
	vtx_ops.want_window(g.v, false);
	vtx_ops.inject_irq(g.v, 0x61);
	unit_ok(!vtx_ops.can_irq(g.v), "not a second one with it");
	unit_ok(handler_of(0x61), "it reaches its gate");

	unit_code(&g, sti_shadow, sti_shadow_end);
	e = unit_want(&g, VCPU_EXIT_CPUID, "an exit in the shadow of STI");
	unit_ok(!vtx_ops.can_irq(g.v), "where no interrupt can go in");
	vtx_ops.skip(g.v, &e);
	unit_ok(vtx_ops.can_irq(g.v), "the skipped instruction ends the shadow");
	vtx_ops.put(g.v);
	unit_ok(vtx_ops.can_irq(g.v), "also when it is put");
	vtx_ops.inject_irq(g.v, 0xff);
	unit_ok(handler_of(0xff), "vector ff");
}

static void test_nmi(void)
{
	struct vcpu_exit e;

	unit_code(&g, nmi_twice, nmi_twice_end);
	put_gate(X86_VEC_NMI, gate_iret, gate_iret_end);
	e = unit_run(&g);
	vtx_ops.skip(g.v, &e);
	vtx_ops.inject_nmi(g.v);
	unit_ok(handler_of(X86_VEC_NMI), "an NMI reaches its gate");
	vtx_ops.inject_nmi(g.v);
	g.v->rip += 2;
	g.v->state_dirty = true;
	unit_ok(handler_of(X86_VEC_NMI), "a second one waits for IRET, then it goes in");
	unit_eq(*(uint64_t *)(void *)(g.ram + g.v->gpr[VCPU_RSP]), UNIT_CODE + 2,
		"it interrupts what the first one did");
	g.v->rip += 2;
	g.v->state_dirty = true;
	unit_want(&g, VCPU_EXIT_HLT, "and returns");

	unit_code(&g, shadow, shadow_end);
	put_gate(X86_VEC_NMI, gate_iret, gate_iret_end);
	e = unit_want(&g, VCPU_EXIT_CPUID, "an exit in the shadow of MOV SS");
	unit_eq(vtx_ops.get(g.v, VCPU_INTERRUPTIBILITY), 2, "which get tells");
	vtx_ops.inject_nmi(g.v);
	e = unit_want(&g, VCPU_EXIT_CPUID, "an NMI does not go into it");
	vtx_ops.skip(g.v, &e);
	unit_ok(handler_of(X86_VEC_NMI), "but behind it");
	/* To IRET: Bochs 2.7 unblocks NMIs by that alone, not when entry finds them unblocked. */
	g.v->rip += 2;
	g.v->state_dirty = true;
	unit_want(&g, VCPU_EXIT_HLT, "and returns");
	unit_code(&g, sti_shadow, sti_shadow_end);
	unit_run(&g);
	vtx_ops.inject_nmi(g.v);
	unit_ok(handler_of(X86_VEC_NMI), "an NMI goes into the shadow of STI");
}

/* The stack is not there when INT3 pushes its frame: the exit comes in the midst of delivery. */
static void test_cut_off(void)
{
	struct vcpu_exit e;

	unit_code(&g, int3, int3_end);
	g.ram[UNIT_CODE + 3] = 0;
	*(uint32_t *)(void *)(g.ram + UNIT_CODE + 3) = 0x30000000;
	e = unit_want(&g, VCPU_EXIT_MEM, "INT3 without a stack");
	unit_eq(e.gpa & ~UINT64_C(0xff), 0x30000000 - 0x100, "the push that failed");
	unit_eq((uint64_t)-vcpu_map(&g.space, 0x2fc00000, (uintptr_t)g.ram, 0x400000,
				    VCPU_R | VCPU_W, VCPU_WB),
		0, "the stack is mapped");
	unit_ok(handler_of(X86_VEC_BP), "INT3 is delivered again");
	unit_eq(*(uint64_t *)(void *)(g.ram + (g.v->gpr[VCPU_RSP] & 0x3fffff)), UNIT_CODE + 8,
		"its frame points behind it");
	unit_eq((uint64_t)-vcpu_unmap(&g.space, 0x2fc00000, 0x400000), 0, "unmap");
	unit_code(&g, idle, idle_end);
	unit_run(&g);
	g.v->gpr[VCPU_RSP] = 0x30000000;
	g.v->rflags |= X86_RFLAGS_IF;
	g.v->state_dirty = true;
	vtx_ops.inject_irq(g.v, 0x70);
	unit_want(&g, VCPU_EXIT_MEM, "an interrupt without a stack");
	unit_ok(!vtx_ops.can_irq(g.v), "is still due");
	unit_eq((uint64_t)-vcpu_map(&g.space, 0x2fc00000, (uintptr_t)g.ram, 0x400000,
				    VCPU_R | VCPU_W, VCPU_WB),
		0, "the stack is mapped");
	unit_ok(handler_of(0x70), "it is delivered again");
}

static void set_bit(unsigned int base, unsigned int v, bool on)
{
	uint32_t *p = (uint32_t *)(void *)(g.apic + base + (v >> 5) * 16);

	*p = on ? *p | 1u << (v & 31) : *p & ~(1u << (v & 31));
}

static bool get_bit(unsigned int base, unsigned int v)
{
	return *(uint32_t *)(void *)(g.apic + base + (v >> 5) * 16) >> (v & 31) & 1;
}

#define IRR 0x200u
#define ISR 0x100u
#define TPR 0x80u

static void test_vid(void)
{
	struct vcpu_exit e;

	unit_code(&g, eoi, eoi_end);
	put_gate(0x41, gate_eoi, gate_eoi_end);
	put_gate(0x52, gate_eoi, gate_eoi_end);
	vtx_ops.set_timer(g.v, 3000);
	unit_run(&g);
	set_bit(IRR, 0x41, true);
	set_bit(IRR, 0x52, true);
	vtx_ops.irq_sync(g.v, 0x52, -1);
	unit_ok(handler_of(0x52), "VID: the higher vector first, without an exit for it");
	unit_ok(get_bit(ISR, 0x52) && !get_bit(IRR, 0x52), "it is in service");
	g.v->rip += 2;
	g.v->state_dirty = true;
	unit_ok(handler_of(0x41), "EOI does not exit; the lower one follows by itself");
	unit_ok(!get_bit(ISR, 0x52), "the first is out of service");
	g.v->rip += 2;
	g.v->state_dirty = true;
	vtx_ops.set_timer(g.v, 3000);
	e = unit_want(&g, VCPU_EXIT_TIMER, "then the guest goes on");
	unit_ok(!get_bit(ISR, 0x41), "nothing is in service");
	g.apic[TPR] = 0x50;
	set_bit(IRR, 0x41, true);
	vtx_ops.irq_sync(g.v, 0x41, -1);
	vtx_ops.set_timer(g.v, 3000);
	e = unit_want(&g, VCPU_EXIT_TIMER, "a vector that the TPR masks is not delivered");
	unit_ok(get_bit(IRR, 0x41), "it stays requested");
	g.apic[TPR] = 0;
	vtx_ops.put(g.v);
	vtx_ops.irq_sync(g.v, 0x41, -1);
	unit_ok(handler_of(0x41), "it is once the TPR is lowered");
	(void)e;
}

void unit_test(void)
{
	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	test_exceptions();
	test_interrupts();
	test_nmi();
	test_cut_off();
	if (unit_host.caps & VCPU_CAP_VID)
		test_vid();
	unit_guest_free(&g);
}
