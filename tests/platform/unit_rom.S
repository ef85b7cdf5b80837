/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Firmware of the machine for unit images: goes to 32-bit protected mode with flat segments, and to the
 * image, which lies at 1 MiB already. 64 KiB, linked at ffff0000; a reset begins 16 bytes below the end.
 */
#define IMAGE_ENTRY 0x100020

	.text
	.globl _start
_start:
	.code32
protected:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl %eax, %ss
	movl $IMAGE_ENTRY, %eax
	jmpl *%eax

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word . - gdt - 1
	.long gdt

	.org 0xff00
	.code16
real:
	cli
	lgdtl %cs:gdtr - _start
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $protected

	.org 0xfff0
	jmp real
	.org 0x10000
