/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The unit image's start: multiboot header, 64-bit mode with 4 GiB one to one, interrupt stubs. */
#define MAGIC 0x1badb002
#define FLAGS 0x00010003 /* page-aligned modules, memory map, addresses below */

	.section .text.start, "ax"
	.code32
	.globl	_start
_start:
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long	_start, _start, 0, image_end, 1f
1:	cli
	lgdt	gdtr
	mov	$stack_top, %esp
	mov	$pml4, %edi
	mov	$7 * 1024, %ecx
	xor	%eax, %eax
	rep stosl
	movl	$pdpt + 3, pml4
	movl	$pd + 3, pdpt
	movl	$pd + 0x1003, pdpt + 8
	movl	$pd + 0x2003, pdpt + 16
	movl	$pd + 0x3003, pdpt + 24
	mov	$pd, %edi
	mov	$0x83, %eax
2:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	jnc	2b
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0x20, %eax
	mov	%eax, %cr4
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x100, %eax
	wrmsr
	mov	$0x80010033, %eax
	mov	%eax, %cr0
	ljmp	$8, $3f
	.code64
3:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	call	unit_main
4:	hlt
	jmp	4b

	.text
	.globl	memcpy, memset, trap_stubs
memcpy:
	mov	%rdi, %rax
	mov	%rdx, %rcx
	rep movsb
	ret
memset:
	mov	%rdi, %r8
	movzbl	%sil, %eax
	mov	$0x0101010101010101, %rcx
	imul	%rcx, %rax
	mov	%rdx, %rcx
	shr	$3, %rcx
	rep stosq
	mov	%edx, %ecx
	and	$7, %ecx
	rep stosb
	mov	%r8, %rax
	ret

/* 16 bytes each: error code (or 0), vector, then the common part. */
	.balign	16
trap_stubs:
	.set	v, 0
	.rept	256
	.balign	16
	.if	!((v == 8) || ((v >= 10) && (v <= 14)) || (v == 17) || (v == 21))
	push	$0
	.endif
	push	$v
	jmp	trap_common
	.set	v, v + 1
	.endr
trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	mov	72(%rsp), %rdi
	mov	80(%rsp), %rsi
	mov	88(%rsp), %rdx
	call	unit_trap
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.balign	8
gdt:	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr:	.word	. - gdt - 1
	.quad	gdt

	.bss
	.balign	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4 * 4096
	.skip	4096 /* cleared with the tables */
stack:	.skip	32768
stack_top:
	.section .note.GNU-stack, "", @progbits
