/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's image header, its entry, its interrupt stubs, its calls to the core. */
	.section .text.start, "ax"
	.globl	image_header, _start
image_header:
	.quad	0x54534555474c5553
	.quad	image_header
	.quad	_start
	.quad	image_size
_start:
	lea	stack_top(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	guest_main
1:	hlt
	jmp	1b

	.text
/* int64_t call_vmx(nr, a, b), call_svm(nr, a, b) */
	.globl	call_vmx, call_svm
call_vmx:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	vmcall
	ret
call_svm:
	mov	%rdi, %rax
	mov	%rsi, %rdi
	mov	%rdx, %rsi
	vmmcall
	ret

	.globl	memcpy, memmove, memset, memcmp
memmove:
	mov	%rdi, %rax
	mov	%rdi, %rcx
	sub	%rsi, %rcx
	cmp	%rdx, %rcx
	jae	1f
	/* overlapping, upwards: from the end */
	lea	-1(%rdi,%rdx), %rdi
	lea	-1(%rsi,%rdx), %rsi
	mov	%rdx, %rcx
	std
	rep movsb
	cld
	ret
memcpy:
	mov	%rdi, %rax
1:	mov	%rdx, %rcx
	shr	$3, %rcx
	rep movsq
	mov	%edx, %ecx
	and	$7, %ecx
	rep movsb
	ret
memset:
	mov	%rdi, %r8
	mov	%esi, %eax
	mov	%rdx, %rcx
	rep stosb
	mov	%r8, %rax
	ret
memcmp:
	xor	%eax, %eax
	mov	%rdx, %rcx
	test	%rcx, %rcx
	jz	2f
	repe cmpsb
	je	2f
	movzbl	-1(%rdi), %eax
	movzbl	-1(%rsi), %ecx
	sub	%ecx, %eax
2:	ret

/* A stub of 16 bytes for each vector: error code (or 0), vector, then the common part. */
	.globl	trap_stubs
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
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$-16, %rsp
	call	trap
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	iretq

	.bss
	.balign	4096
	.skip	65536
stack_top:
	.section .note.GNU-stack, "", @progbits
