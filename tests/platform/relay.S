/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The relay: QEMU's firmware when Bochs is the CPU. Each of QEMU's CPUs idles here, and writes every
 * vector that its local APIC takes to a debug port of its own, whose other end is the bridge. No RAM is
 * used, it is the other side's: a frame that is pushed falls on ROM and is lost, and the one that IRET
 * takes lies in ROM.
 *
 * 64 KiB, linked at ffff0000, where a reset begins 16 bytes below the end. The other CPUs start at ff000,
 * the same bytes seen below 1 MiB.
 */
#define PORT 0x403   /* + APIC identity */
#define READY 0xff   /* the spurious vector: no device's */
#define LAPIC 0xfee00000
#define LAPIC_ID (LAPIC + 0x20)
#define LAPIC_TPR (LAPIC + 0x80)
#define LAPIC_EOI (LAPIC + 0xb0)
#define LAPIC_LDR (LAPIC + 0xd0)
#define LAPIC_SVR (LAPIC + 0xf0)
#define LAPIC_ICR (LAPIC + 0x300)
#define OTHERS 0x000c0000 /* all but itself */
#define INIT 0x4500
#define STARTUP 0x4600

	.text
	.code32
	.globl _start
_start:
	.set v, 0
	.rept 256
	.balign 8
	movb $v, %al
	jmp take
	.set v, v + 1
	.endr

take:
	movl $frame, %esp
	cmpb $READY, %al
	je idle
	movl LAPIC_ID, %edx
	shrl $24, %edx
	addl $PORT, %edx
	outb %al, %dx
	cmpb $2, %al		/* an NMI has no end of interrupt */
	je 1f
	movl $0, LAPIC_EOI
1:	iretl			/* opens the door to the next NMI as well */

idle:
	sti
	hlt
	jmp idle

	/* Pushes go below: the linker's fill, which is ROM. */
	.balign 16
	.skip 64
frame:	.long idle, 8, 0x202

	.balign 16
idt:
	.set v, 0
	.rept 256
	.word v * 8, 8, 0x8e00, 0xffff	/* interrupt gate of _start + 8 * v */
	.set v, v + 1
	.endr
idtr:	.word . - idt - 1
	.long idt

	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:	.word . - gdt - 1
	.long gdt

protected:
	movl $16, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $frame, %esp
	lidt idtr
	movb $0xff, %al		/* the PICs are Bochs' own */
	outb %al, $0x21
	outb %al, $0xa1
	movl LAPIC_ID, %ecx
	shrl $24, %ecx
	movl $1 << 24, %eax	/* flat logical identity: a bit a CPU */
	shll %cl, %eax
	movl %eax, LAPIC_LDR
	movl $0, LAPIC_TPR
	movl $0x100 | READY, LAPIC_SVR
	testl %ecx, %ecx
	jnz ready
	movl $OTHERS | INIT, LAPIC_ICR
	movl $10000, %edx
1:	inb $0x80, %al
	decl %edx
	jnz 1b
	movl $OTHERS | STARTUP | 0xff, LAPIC_ICR
ready:
	leal PORT(%ecx), %edx
	movb $READY, %al
	outb %al, %dx
	jmp idle

	.org 0xf000		/* where a start-up interrupt with vector ff begins */
	.code16
real:
	cli
	movw $0xf000, %ax
	movw %ax, %ds
	lgdtl gdtr - _start
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $protected

	.org 0xfff0
	jmp real
	.org 0x10000
