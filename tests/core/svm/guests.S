/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the tests' guests do, each from its first byte; VMMCALL hands over to the test. */
	.section .rodata
	.macro	guest name
	.globl	\name, \name\()_end
\name:
	.endm

	guest	g_start
	vmmcall
g_start_end:

	.code16
	guest	g_real
	mov	$0x1234, %ax
	mov	%cs, %bx
	out	%al, $0x80
	cpuid
	hlt
g_real_end:

	.code64
/* In the order of test_exits(). */
	guest	g_exits
	cpuid
	.byte	0xf3, 0x66, 0x48, 0x0f, 0xa2	/* CPUID behind prefixes that mean nothing */
	in	$0x71, %al
	mov	$0x3f8, %edx
	out	%eax, %dx
	in	%dx, %ax
	mov	$0x1000, %esi
	mov	$2, %ecx
	rep outsb
	mov	$0x1b, %ecx
	rdmsr
	mov	$0x277, %ecx
	wrmsr
	mov	$0x4b564d00, %ecx
	rdmsr
	xor	%ecx, %ecx
	xsetbv
	mov	$0x60, %r9d
	mov	%r9, %cr4
	xsetbv
	hlt
	vmmcall
	wbinvd
	invd
	mov	$0x300010, %ebx
	mov	(%rbx), %rax
	mov	%rax, (%rbx)
	call	*%rbx
	vmmcall
	ud2
g_exits_end:

/* Three bytes each, but the first. */
	guest	g_refused
	xor	%ecx, %ecx
	xor	%edx, %edx
	mov	$0x2000, %eax
	rdpmc
	monitor
	mwait
	vmrun
	vmload
	vmsave
	stgi
	clgi
	.byte	0x0f, 0x01, 0xde		/* SKINIT */
	invlpga	%rax, %ecx
	mov	$1 << 60, %rax
	mov	%rax, %cr3
	vmmcall
g_refused_end:

/* Nothing here exits but the end. */
	guest	g_quiet
	mov	$0xc0000100, %ecx
	mov	$0x1111, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0xc0000102, %ecx
	wrmsr
	mov	$0xc0000081, %ecx
	wrmsr
	mov	$0xc0000103, %ecx
	wrmsr
	mov	$0x174, %ecx
	wrmsr
	rdtsc
	mov	$0x10, %ecx
	rdmsr
	mov	%cr0, %rax
	or	$8, %eax
	mov	%rax, %cr0
	clts
	mov	%cr3, %rax
	mov	%rax, %cr3
	mov	%cr4, %rax
	mov	$3, %eax
	mov	%rax, %cr8
	mov	%rax, %db0
	mov	%db7, %rax
	mov	%rax, %db7
	pause
	invlpg	(%rsp)
	sgdt	-16(%rsp)
	vmmcall
g_quiet_end:

/* At privilege level 3: nothing that is the kernel's. */
	guest	g_user
	push	$0x23
	push	$0x7000
	push	$2
	push	$0x2b
	lea	1f(%rip), %rax
	push	%rax
	iretq
1:	xsetbv
	vmmcall
g_user_end:

/* RBX is the test's. */
	guest	g_memory
1:	mov	(%rbx), %rax
	vmmcall
	mov	%rcx, (%rbx)
	vmmcall
	call	*%rbx
	vmmcall
	jmp	1b
g_memory_end:

/* Each with an IDT of the test's. */
	guest	g_events
	lidt	0x6100
	vmmcall
	vmmcall
	vmmcall
	sti
	nop
	vmmcall
	vmmcall
	vmmcall
g_events_end:

	guest	g_cut
	lidt	0x6100
	vmmcall
	nop
	mov	$0x302000, %esp
	int	$0x81
	vmmcall
	pushfq
	orq	$0x100, (%rsp)
	popfq
	nop
	vmmcall
1:	pause
	jmp	1b
g_cut_end:

/* Handlers of 32 bytes each, for 0x2000: count at 0x4000, error code at 0x4800. */
	guest	g_handlers
	.set	v, 0
	.rept	256
	.balign	32
	incq	0x4000 + 8 * v
	.if	(v == 8) || ((v >= 10) && (v <= 14)) || (v == 17)
	popq	0x4800
	.endif
	.if	v == 1
	andq	$~0x100, 16(%rsp)
	.endif
	.if	v == 2
	vmmcall
	.endif
	iretq
	.set	v, v + 1
	.endr
g_handlers_end:

	guest	g_tpr
	mov	$5, %eax
	mov	%rax, %cr8
	vmmcall
	mov	$4, %r8d
	mov	%r8, %cr8
	mov	$3, %eax
	mov	%rax, %cr8
	mov	$2, %eax
	mov	%rax, %cr8
	mov	%cr8, %rbx
	vmmcall
g_tpr_end:

/* RBX is kept where a switch of virtual CPUs has to keep it, and read back. */
	guest	g_fpu
	movq	%rbx, %xmm7
	mov	%rbx, %db3
	mov	$0xc0000082, %ecx
	mov	%ebx, %eax
	xor	%edx, %edx
	wrmsr
	mov	$0xc0000103, %ecx
	wrmsr
	mov	%rbx, %cr2
	vmmcall
	movq	%xmm7, %r8
	mov	%db3, %r9
	mov	$0xc0000082, %ecx
	rdmsr
	mov	%rax, %r10
	mov	$0xc0000103, %ecx
	rdmsr
	mov	%rax, %r11
	mov	%cr2, %r12
	xor	%ecx, %ecx
	xgetbv
	vmmcall
g_fpu_end:
	.section .note.GNU-stack, "", @progbits
