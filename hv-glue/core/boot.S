/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * From a multiboot loader (32 bits, no paging) or a start-up interrupt (16 bits) to C in 64 bits,
 * with 4 GiB mapped one to one.
 */
#include "boot.h"
#include "bounds.h"

#define MAGIC 0x1badb002
#define MAGIC2 0xe85250d6
#define FLAGS 0x00010003 /* modules on pages, memory map, addresses as below */

	.section .boot, "ax"
	.code32
header:	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long header, core_image, core_image_end, core_bss_end, entry

	/* The same by version 2, whose loaders know where ACPI's tables are also under UEFI. */
	.balign 8
header2:
	.long MAGIC2, 0, header2_end - header2, -(MAGIC2 + header2_end - header2)
	.long 2, 24, header2, core_image, core_image_end, core_bss_end
	.long 3, 12, entry, 0
	.long 6, 8 /* modules on pages */
	.long 0, 8
header2_end:

	.globl entry
entry:	cli
	cld
	movl %eax, %ebp
	movl %ebx, %esi
	movl $core_areas + AREA_STACK, %esp
	lgdt gdtr
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long
	movl $0x80000001, %eax
	cpuid
	andl $0x20100000, %edx /* long mode, NX */
	cmpl $0x20100000, %edx
	jne no_long

	movl $pdpt + 3, pml4
	movl $core_pd + 3, %eax
	movl $pdpt, %edi
1:	movl %eax, (%edi)
	addl $0x1000, %eax
	addl $8, %edi
	cmpl $pdpt + 32, %edi
	jne 1b
	movl $0x83, %eax /* present, writable, 2 MiB */
	movl $core_pd, %edi
2:	movl %eax, (%edi)
	addl $8, %edi
	addl $0x200000, %eax
	jnc 2b

	call to_long
	ljmp $SEL_CODE, $bsp64

no_long:
	movl $no_long_text, %esi
	movl $no_long_end - no_long_text, %ecx
3:	movw $0x3fd, %dx
	inb %dx, %al
	testb $0x20, %al /* room; a port that is not there reads as ones */
	jz 3b
	movw $0x3f8, %dx
	outsb
	loop 3b
4:	hlt
	jmp 4b
no_long_text:
	.ascii "core: refused: this CPU has no 64-bit mode with NX: a CPU with VT-x or AMD-V has, "
	.ascii "and firmware may call it Execute Disable\r\n"
no_long_end:

	/* Paging and long mode on; the caller jumps to a 64-bit segment next. */
to_long:
	movl $0x60, %eax /* PAE, MCE */
	movl %eax, %cr4
	movl $pml4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x900, %eax /* LME, NXE */
	wrmsr
	movl %cr0, %eax
	andl $0x9fffffff, %eax /* CD, NW */
	orl $0x80010023, %eax  /* PG, WP, NE, MP, PE */
	movl %eax, %cr0
	ret

ap32:	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	/* The stack is taken, so that a CPU which comes late finds none. */
	xorl %eax, %eax
	xchgl %eax, ap_slot
	testl %eax, %eax
	jz 5f
	movl %eax, %esp
	call to_long
	ljmp $SEL_CODE, $ap64
5:	cli
	hlt
	jmp 5b

	.code64
bsp64:	call segments
	movl $core_areas + AREA_STACK, %esp
	movl %ebp, %edi
	movl %esi, %esi
	xorl %ebp, %ebp
	call core_main

ap64:	call segments
	movl %esp, %esp
	xorl %ebp, %ebp
	popq %rdi
	call core_ap_main

segments:
	movl $SEL_DATA, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	ret

	/* Copied to AP_PAGE. */
	.globl ap_code, ap_code_end
	.code16
ap_code:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl ap_gdtr - ap_code
	movl %cr0, %eax
	andl $0x9fffffff, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $SEL_TSS, $ap32
	.balign 4
ap_gdtr:
	.word gdt_end - gdt - 1
	.long gdt
ap_code_end:

	.section .rodata
	.balign 8
gdt:	.quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
gdt_end:
gdtr:	.word gdt_end - gdt - 1
	.quad gdt

	.bss
	.balign 4096
	.globl core_areas, core_pd, core_low, ap_slot
core_areas:
	.skip AREA_SIZE * CORE_CPUS
pml4:	.skip 4096
pdpt:	.skip 4096
core_pd:
	.skip 4 * 4096
core_low: /* the first 4 MiB in pages of 4 KiB */
	.skip 2 * 4096
ap_slot:
	.skip 8
