/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Events into a guest, windows, what an exit cuts off, the TPR, and the host's own interrupts. */
#include "glue/cpu.h"
#include "hw/svm.h"
#include "hw/x86.h"
#include "svm.h"
#include "unit.h"

#define HANDLERS 0x2000u
#define COUNTS	 0x4000u
#define ERROR	 0x4800u
#define GDT	 0x6000u
#define IDTR	 0x6100u
#define APIC_TPR 0x80
#define APIC_IRR 0x200

void *memcpy(void *to, const void *from, size_t len);

static uint64_t *word(struct vm *m, uint64_t at)
{
	return (uint64_t *)(void *)(m->ram + at);
}

static uint64_t count(struct vm *m, unsigned int vector)
{
	return *word(m, COUNTS + 8 * vector);
}

static void with_handlers(struct vm *m, const uint8_t *code, size_t len)
{
	vm_new(m, code, len);
	memcpy(m->ram + HANDLERS, g_handlers, (size_t)(g_handlers_end - g_handlers));
	*word(m, GDT + 0x10) = UINT64_C(0x00af9b000000ffff);
	*word(m, GDT + 0x18) = UINT64_C(0x00cf93000000ffff);
	for (unsigned int i = 0; i < 256; i++)
		*word(m, VM_IDT + 16 * i) =
			(HANDLERS + 32 * i) | 0x10 << 16 | UINT64_C(0x8e00) << 32;
	*word(m, IDTR) = (uint64_t)VM_IDT << 16 | 4095;
	vm_expect(m, VCPU_EXIT_CALL, "a guest with an IDT");
}

static void exceptions(struct vm *m)
{
	svm_ops.inject(m->v, X86_VEC_UD, -1);
	vm_expect(m, VCPU_EXIT_CALL, "#UD injected");
	is(count(m, X86_VEC_UD), 1, "its handler ran once");
	svm_ops.inject(m->v, X86_VEC_GP, 0x1234);
	vm_expect(m, VCPU_EXIT_CALL, "#GP injected");
	is(count(m, X86_VEC_GP), 1, "its handler ran once");
	is(*word(m, ERROR), 0x1234, "with the error code");
}

static void interrupts(struct vm *m)
{
	ok(!svm_ops.can_irq(m->v), "IF is clear: no interrupt");
	svm_ops.want_window(m->v, true);
	is(vm_run(m), VCPU_EXIT_WINDOW, "the window opens behind STI");
	ok(svm_ops.can_irq(m->v), "an interrupt can be injected");
	svm_ops.want_window(m->v, false);
	svm_ops.inject_irq(m->v, 0x80);
	ok(!svm_ops.can_irq(m->v), "not two at once");
	vm_expect(m, VCPU_EXIT_CALL, "the guest goes on");
	is(count(m, 0x80), 1, "the handler ran once");
}

static void nmis(struct vm *m)
{
	svm_ops.inject_nmi(m->v);
	vm_expect(m, VCPU_EXIT_CALL, "NMI: its handler runs");
	is(count(m, 2), 1, "once");
	ok(svm_ops.get(m->v, VCPU_INTERRUPTIBILITY) & 8, "NMIs are masked in it");
	svm_ops.inject_nmi(m->v);
	is(svm_ops.get(m->v, VCPU_INTERRUPTIBILITY) & 8, 8, "a second one has to wait");
	vm_expect(m, VCPU_EXIT_CALL, "after IRET the guest goes on");
	is(count(m, 2), 1, "the second waits for one exit more");
	vm_expect(m, VCPU_EXIT_CALL, "then its handler runs");
	is(count(m, 2), 2, "twice in all");
}

static void stack(struct vm *m, uint64_t at)
{
	if (vcpu_map(&m->space, at, (uintptr_t)m->ram + at, 0x1000, VCPU_R | VCPU_W, VCPU_WB))
		bail("a stack can be mapped");
}

static void cut_off(struct vm *m)
{
	m->v->rflags |= X86_RFLAGS_IF;
	m->v->gpr[VCPU_RSP] = VM_HOLE + 0x1000;
	m->v->state_dirty = true;
	svm_ops.inject_irq(m->v, 0x90);
	is(vm_run(m), VCPU_EXIT_MEM, "an interrupt onto a stack that is not mapped exits");
	is(m->e.access, VCPU_W, "as a write");
	is(count(m, 0x90), 0, "before its handler");
	ok(!svm_ops.can_irq(m->v), "it is still to be delivered");
	stack(m, VM_HOLE);
	is(vm_run(m), VCPU_EXIT_MEM, "then INT 81 onto the next page that is not");
	is(count(m, 0x90), 1, "the interrupt was delivered once");
	stack(m, VM_HOLE + 0x1000);
	vm_expect(m, VCPU_EXIT_CALL, "INT 81 is executed again");
	is(count(m, 0x81), 1, "its handler ran once");
}

static void debug_exception(struct vm *m)
{
	is(vm_run(m), VCPU_EXIT_EXCEPTION, "a single step exits");
	is((uint64_t)m->e.vector, X86_VEC_DB, "as #DB");
	svm_ops.inject(m->v, X86_VEC_DB, -1);
	vm_expect(m, VCPU_EXIT_CALL, "injected, it is the guest's");
	is(count(m, X86_VEC_DB), 1, "whose handler ran once");
}

static void host_interrupt(struct vm *m)
{
	uint64_t before = unit_irqs[0x40];

	unit_timer(100000);
	do
		m->v->ops->run(m->v, &m->e);
	while (m->e.kind == VCPU_EXIT_PAUSE);
	is(m->e.kind, VCPU_EXIT_IRQ, "a host interrupt ends a guest that spins");
	is((uint64_t)m->e.vector, (uint64_t)-1, "and is still pending");
	is(unit_irqs[0x40], before, "not taken with interrupts off");
	__asm__ volatile("sti; nop; nop; cli" : : : "memory");
	is(unit_irqs[0x40], before + 1, "taken when they are on");
	ok(m->v->tsc_exit > m->v->tsc_entry, "time stamps");
}

static void tpr(void)
{
	uint8_t *apic;
	struct vm m;

	vm_new(&m, CODE(g_tpr));
	apic = m.apic;
	vm_expect(&m, VCPU_EXIT_CALL, "CR8 does not exit");
	is(apic[APIC_TPR], 0x50, "and is the APIC page's TPR");
	*(uint32_t *)(void *)(apic + APIC_IRR + 0x20) = BIT(8); /* 48 */
	is(vm_run(&m), VCPU_EXIT_WINDOW, "an interrupt waits for the TPR: its write is a window");
	is(apic[APIC_TPR], 0x40, "the write is done");
	is(vm_run(&m), VCPU_EXIT_WINDOW, "not low enough: the next write too");
	is(apic[APIC_TPR], 0x30, "the write is done");
	vm_expect(&m, VCPU_EXIT_CALL, "nothing waits any more: no exit");
	is(m.v->gpr[VCPU_RBX], 2, "CR8 reads as written");
	is(apic[APIC_TPR], 0x20, "and is in the page");
	vm_free(&m);
}

void test_events(void)
{
	struct vm m;

	with_handlers(&m, CODE(g_events));
	exceptions(&m);
	interrupts(&m);
	nmis(&m);
	vm_free(&m);
	with_handlers(&m, CODE(g_cut));
	cut_off(&m);
	debug_exception(&m);
	host_interrupt(&m);
	vm_free(&m);
	tpr();
}
