/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* 256 entries of 16 bytes for the IDT: a struct trap_frame on the stack, then trap_entry(). */
#define ERROR_CODE 0x60227d00 /* vectors whose error code the CPU pushes */

	.text
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
	jmp common
	.set vector, vector + 1
	.endr

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
