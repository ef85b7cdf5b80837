/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* 256 entries of 16 bytes for the IDT: a struct trap_frame on the stack, then trap_entry(). */
#define ERROR_CODE 0x60227d00 /* vectors whose error code the CPU pushes */

	.text
/*
 * The only two places where the core takes interrupts; each lets them in at one address. A device may
 * forge any vector on a machine whose interrupts are not remapped as they should be (QEMU 10 takes a
 * DMA write to feexxxxx for a message and checks nothing of it): below 32 that looks like an exception,
 * and at these addresses it can be none.
 */
	.globl irq_window, irq_window_at, cpu_halt, cpu_halt_at
irq_window:
	sti
	nop
irq_window_at:
	cli
	ret
cpu_halt:
	sti
	hlt
cpu_halt_at:
	cli
	ret

	.globl trap_stubs
	.balign 16
trap_stubs:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector > 31 || !((ERROR_CODE >> (vector & 31)) & 1)
	pushq $0
	.endif
	pushq $vector
	.if vector > 31 || !((ERROR_CODE >> (vector & 31)) & 1)
	jmp common
	.else
	jmp coded
	.endif
	.set vector, vector + 1
	.endr

/* Where the error code should be lies the RIP of an interrupt: it came without one. */
coded:	cmpq $irq_window_at, 8(%rsp)
	je 1f
	cmpq $cpu_halt_at, 8(%rsp)
	jne common
1:	pushq (%rsp)
	movq $0, 8(%rsp)

	.macro regs insn, r:vararg
	.irp reg, \r
	\insn %\reg
	.endr
	.endm

common:	cld
	regs pushq, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
	movq %rsp, %rdi
	call trap_entry
	regs popq, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
	addq $16, %rsp
	iretq
