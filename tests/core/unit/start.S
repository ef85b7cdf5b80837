/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Start of a bare test image: entered at its byte 0x20 in 32-bit protected mode, flat, paging off;
 * goes to 64-bit mode one to one below 4 GiB, and calls unit_main().
 */

#define MAGIC 0x1badb002 /* Multiboot 1, so that QEMU's -kernel takes the same image */
#define FLAGS 0x00010000 /* the address fields below are valid */

	.section .text.start, "ax"
	.code32
	.globl	_start
header:
	.long	MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long	header, header, _end_load, _end_bss, _start
_start:
	cli
	cld
	mov	$stack_top, %esp
	mov	$pml4, %edi
	mov	$(6 * 1024), %ecx
	xor	%eax, %eax
	rep stosl
	movl	$(pdpt + 3), pml4
	mov	$pdpt, %edi
	mov	$(pd + 3), %eax
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x1000, %eax
	cmp	$(pd + 0x4003), %eax
	jne	1b
	mov	$pd, %edi
	mov	$0x83, %eax /* 2 MiB, present, writable */
	mov	$2048, %ecx
2:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	2b
	mov	%cr4, %eax
	or	$0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x900, %eax /* LME, NXE */
	wrmsr
	mov	%cr0, %eax
	or	$0x80010022, %eax /* PG, WP, NE, MP */
	and	$~0x6000000c, %eax /* caches on; no EM, TS */
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $long_mode

	.code64
long_mode:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$tss, %eax
	mov	%ax, gdt + 24 + 2
	shr	$16, %eax
	mov	%al, gdt + 24 + 4
	mov	%ah, gdt + 24 + 7
	mov	$24, %eax
	ltr	%ax
	mov	$stack_top, %rsp
	call	unit_main
	ud2

/* A stub a vector, 16 bytes apart; those without an error code push a 0 for one. */
	.text
	.balign	16
	.globl	unit_stubs
unit_stubs:
	.set	v, 0
	.rept	256
	.balign	16
	.set	coded, 0
	.if	v < 32
	.set	coded, (0x60227d00 >> v) & 1
	.endif
	.if	!coded
	push	$0
	.endif
	pushq	$v
	jmp	common
	.set	v, v + 1
	.endr

common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	lea	72(%rsp), %rdi
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

	.data
	.balign	16
gdt:	.quad	0, 0x00af9b000000ffff, 0x00cf93000000ffff
	.quad	0x0000890000000067, 0
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.quad	gdt
	.balign	16
tss:	.fill	104, 1, 0

	.bss
	.balign	4096
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4 * 4096
	.skip	32768
stack_top:
	.section .note.GNU-stack, "", @progbits
