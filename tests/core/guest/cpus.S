/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Where a start-up interrupt puts a CPU, copied to page 8: from real mode to the long mode that the
 * first CPU has, by its page tables (9000) and its descriptor table (6000). The stack is its own; it
 * goes on in ap_entry, a function of its number that does not return.
 */
	.section .rodata
	.globl	ap_code, ap_code_end
	.code16
ap_code:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	ap_gdtr - ap_code
	mov	$0x20, %eax /* PAE */
	mov	%eax, %cr4
	mov	$0x9000, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax /* LME */
	wrmsr
	mov	$0x80000031, %eax /* PG, NE, ET, PE */
	mov	%eax, %cr0
	ljmpl	$0x10, $ap64
	.balign	4
ap_gdtr:
	.word	0x1f
	.long	0x6000
ap_code_end:

	.text
	.code64
ap64:	mov	$0x18, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	0xfee00020, %eax
	shr	$24, %eax
	mov	%eax, %edi
	inc	%eax
	shl	$14, %eax
	lea	ap_stacks(%rax), %rsp
	xor	%ebp, %ebp
	call	*ap_entry
1:	hlt
	jmp	1b

	.bss
	.balign	4096
ap_stacks:
	.skip	4 << 14
	.section .note.GNU-stack, "", @progbits
