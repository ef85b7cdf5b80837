/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the one virtual processor runs: 64 KiB below 4 GiB that switch the local APIC on, halt, and
 * count each vector that arrives in a word of RAM. So interrupts that come by the APIC, as those
 * that VT-d has remapped, can be seen from outside.
 */
#include "qemu_priv.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BIOS_LEN  65536u
#define BIOS_BASE 0xffff0000u
#define STACK	  0x00104000u
#define VECTORS	  256

/* Offsets in the image. */
#define STUBS	 0x0000
#define STUB_LEN 32
#define IDT	 0x2000
#define IDTR	 0x2800
#define GDT	 0x2810
#define GDTR	 0x2830
#define START32	 0x3000
#define START16	 0xf000
#define RESET	 0xfff0

/* Little-endian code and data, byte by byte; returns what follows. */
static uint8_t *put(uint8_t *p, uint64_t v, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		*p++ = (uint8_t)(v >> 8 * i);
	return p;
}

static uint8_t *code(uint8_t *p, const char *bytes, unsigned int len)
{
	memcpy(p, bytes, len);
	return p + len;
}

/* mov dword [0xfee00000 + reg], val: a register of the local APIC */
static uint8_t *apic(uint8_t *p, uint32_t reg, uint32_t val)
{
	p = code(p, "\xc7\x05", 2);
	p = put(p, 0xfee00000u + reg, 4);
	return put(p, val, 4);
}

static void stubs_make(uint8_t *rom)
{
	for (unsigned int v = 0; v < VECTORS; v++) {
		uint32_t at = STUBS + v * STUB_LEN;
		uint8_t *p = rom + at;

		p = code(p, "\xf0\xff\x05", 3); /* lock inc dword [word] */
		p = put(p, QEMU_VECTOR_WORDS + 4 * v, 4);
		p = apic(p, 0xb0, 0); /* end of interrupt */
		code(p, "\xcf", 1);   /* iret */
		at += BIOS_BASE;
		put(rom + IDT + 8 * v, (at & 0xffff) | 8 << 16, 4);
		put(rom + IDT + 8 * v + 4, 0x8e00 | (at & 0xffff0000u), 4);
	}
}

static void tables_make(uint8_t *rom)
{
	put(put(rom + IDTR, 8 * VECTORS - 1, 2), BIOS_BASE + IDT, 4);
	put(put(rom + GDTR, 3 * 8 - 1, 2), BIOS_BASE + GDT, 4);
	put(rom + GDT + 8, UINT64_C(0x00cf9b000000ffff), 8);  /* flat code */
	put(rom + GDT + 16, UINT64_C(0x00cf93000000ffff), 8); /* flat data */
}

static void code_make(uint8_t *rom)
{
	uint8_t *p = rom + RESET;

	p = code(p, "\xe9", 1); /* jmp START16 */
	put(p, (uint16_t)(START16 - (RESET + 3)), 2);

	p = code(rom + START16, "\xfa\x66\x2e\x0f\x01\x16", 6); /* cli; lgdt cs:[GDTR] */
	p = put(p, GDTR, 2);
	p = code(p, "\x0f\x20\xc0\x0c\x01\x0f\x22\xc0", 8); /* cr0 |= PE */
	p = code(p, "\x66\xea", 2);			    /* jmp 8:START32 */
	put(put(p, BIOS_BASE + START32, 4), 8, 2);

	/* ds = ss = 16, esp */
	p = code(rom + START32, "\x66\xb8\x10\x00\x8e\xd8\x8e\xd0\xbc", 9);
	p = put(p, STACK, 4);
	p = code(p, "\x0f\x01\x1d", 3); /* lidt [IDTR] */
	p = put(p, BIOS_BASE + IDTR, 4);
	p = apic(p, 0x350, 0x10000);	/* LINT0, the old timer's way in, is masked */
	p = apic(p, 0xf0, 0x1ff);	/* on; spurious vector 255 */
	code(p, "\xfb\xf4\xeb\xfd", 4); /* sti; hlt; jmp to the hlt */
}

int qemu_bios_make(void)
{
	int fd = memfd_create("sluice-bios", MFD_CLOEXEC);
	uint8_t *rom;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, BIOS_LEN))
		goto err_close;
	rom = mmap(NULL, BIOS_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (rom == MAP_FAILED)
		goto err_close;
	stubs_make(rom);
	tables_make(rom);
	code_make(rom);
	munmap(rom, BIOS_LEN);
	return fd;
err_close:
	close(fd);
	return -1;
}

const volatile uint32_t *qemu_vector(struct qemu *q, uint8_t vector)
{
	return (const volatile uint32_t *)(void *)(q->ram + QEMU_VECTOR_WORDS) + vector;
}
