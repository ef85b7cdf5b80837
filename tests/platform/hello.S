/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Start of the platform's test kernel: the multiboot header, the stacks, the way of the other CPUs from their
 * start-up interrupt to C, and the interrupt stubs. 32 bit, no paging.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00010003 /* page-aligned modules, memory map, addresses below */
#define STACK 4096	 /* a CPU */
#define CPUS 8

	.text
	.code32
	.globl _start, ap_start, ap_start_end, stub_msi, stub_timer
_start:
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long _start, _start, 0, end, 1f
1:	cli
	lgdt gdtr
	movl $stacks + STACK, %esp
	pushl %ebx
	pushl %eax
	call hello_main
2:	cli
	hlt
	jmp 2b

ap_protected:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $1, %eax
	lock xaddl %eax, ap_next
	incl %eax
	cmpl $CPUS, %eax
	jae 2b
	shll $12, %eax
	leal stacks + STACK(%eax), %esp
	call ap_main
	jmp 2b

stub_msi:
	pushal
	call on_msi
	popal
	iretl
stub_timer:
	pushal
	call on_timer
	popal
	iretl

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word . - gdt - 1
	.long gdt

	/* Copied to the page that the start-up interrupt names. */
ap_start:
	.code16
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl ap_gdtr - ap_start
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $ap_protected
	.balign 4
ap_gdtr:
	.word 23
	.long gdt
ap_start_end:

	.bss
	.balign 16
ap_next:
	.skip 16
stacks:	.skip CPUS * STACK
