/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: a CPU without preemption timer and APIC virtualisation, which the driver is told to
 * be on: accesses to the APIC page exit, interrupts are put in, and the TPR is watched. */
#include "unit.h"
#include "vtx.h"

static struct unit_guest g;

UNIT_CODE64(
	tpr,
	"mov $5, %eax\n mov %rax, %cr8\n sti\n nop\n cpuid\n"
	"mov $4, %eax\n mov %rax, %cr8\n nop\n xor %eax, %eax\n mov %rax, %cr8\n nop\n nop\n hlt");
UNIT_CODE64(apic, "mov $0xfee00000, %edi\n mov 0x20(%rdi), %eax\n hlt");
UNIT_CODE64(quiet, "sti\n 1: jmp 1b");

static void test_tpr(void)
{
	struct vcpu_exit e;

	unit_code(&g, tpr, tpr_end);
	e = unit_want(&g, VCPU_EXIT_CPUID, "the guest masks by CR8");
	unit_eq(g.apic[0x80], 0x50, "which its APIC page tells");
	vtx_ops.skip(g.v, &e);
	vtx_ops.irq_sync(g.v, 0x41, -1);
	unit_want(&g, VCPU_EXIT_WINDOW, "the TPR falls below what is requested");
	unit_eq(g.apic[0x80], 0, "only then");
	vtx_ops.irq_sync(g.v, -1, -1);
	unit_ok(vtx_ops.can_irq(g.v), "an interrupt can go in");
	vtx_ops.inject_irq(g.v, 0x41);
	unit_want(&g, VCPU_EXIT_IO, "its gate");
	unit_eq(g.v->gpr[VCPU_RAX] & 0xff, 0x41, "and no other");
	vtx_ops.irq_sync(g.v, 0xff, -1);
	unit_want(&g, VCPU_EXIT_IO, "a threshold above the TPR does not stop entry");
}

void unit_test(void)
{
	volatile uint32_t *icr = (volatile uint32_t *)(UNIT_APIC + 0x300ul);
	struct vcpu_exit e;

	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	unit_host.caps = VCPU_CAP_2M;
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	test_tpr();
	unit_code(&g, apic, apic_end);
	e = unit_want(&g, VCPU_EXIT_MEM, "a read of the APIC page exits");
	unit_eq(e.gpa, UNIT_APIC + 0x20, "with its address");
	unit_code(&g, quiet, quiet_end);
	*icr = 0x44000 | 0x57;
	vtx_ops.set_timer(g.v, 10);
	e = unit_want(&g, VCPU_EXIT_IRQ, "a host interrupt ends the guest, as no timer does");
	unit_eq((uint64_t)e.vector, 0x57, "with its vector");
	*(volatile uint32_t *)(UNIT_APIC + 0xb0ul) = 0;
	unit_guest_free(&g);
	unit_host.caps = UINT32_MAX;
	unit_ok(vtx_ops.init(unit_mem.alloc(NULL),
			     &(struct vcpu_config){.space = &g.space, .mem = &unit_mem, .id = 1},
			     &unit_host, &g.v) < 0,
		"more than the CPU has is refused");
}
