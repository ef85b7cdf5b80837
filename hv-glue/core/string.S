/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* memcpy, memmove, memset, memcmp of the bare machine: what a compiler expects to be there. */
	.text
	.globl memcpy, memmove, memset, memcmp

memmove:
	movq %rdi, %rax
	subq %rsi, %rax
	cmpq %rdx, %rax
	jae memcpy /* the target does not begin within the source */
	movq %rdi, %rax
	movq %rdx, %rcx
	leaq -1(%rdi, %rdx), %rdi
	leaq -1(%rsi, %rdx), %rsi
	std
	rep movsb
	cld
	ret

memcpy:	movq %rdi, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep movsq
	movl %edx, %ecx
	andl $7, %ecx
	rep movsb
	ret

memset:	movq %rdi, %r8
	movzbl %sil, %esi
	movabsq $0x0101010101010101, %rax
	imulq %rsi, %rax
	movq %rdx, %rcx
	shrq $3, %rcx
	rep stosq
	movl %edx, %ecx
	andl $7, %ecx
	rep stosb
	movq %r8, %rax
	ret

memcmp:	movq %rdx, %rcx
	xorl %eax, %eax /* equal, also of no bytes */
	repe cmpsb
	je 1f
	movzbl -1(%rdi), %eax
	movzbl -1(%rsi), %ecx
	subl %ecx, %eax
1:	ret
