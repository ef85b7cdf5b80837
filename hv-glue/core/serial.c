/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The console: COM1 by polling, its status read once for each filling of its FIFO. */
#include "boot.h"
#include "glue/cpu.h"

/* 16550A, offsets from the port; PC16550D data sheet, section 8. */
#define COM1	  0x3f8
#define IER	  1
#define FCR	  2
#define FCR_ON	  0xc7 /* FIFOs on and empty */
#define LCR	  3
#define LCR_8N1	  0x03
#define LCR_DLAB  0x80
#define MCR	  4
#define MCR_READY 0x03 /* DTR, RTS */
#define LSR	  5
#define LSR_EMPTY 0x20
#define LSR_SENT  0x40 /* from the shift register, too */
#define SCRATCH	  7
#define FIFO	  16
#define READS	  5000 /* of LSR; a filling needs 1.4 ms, a read at least half a microsecond */
#define MISSES	  3

static bool there;
static unsigned int misses;

void serial_init(void)
{
	cpu_outb(COM1 + SCRATCH, 0x5a);
	there = cpu_inb(COM1 + SCRATCH) == 0x5a;
	if (!there)
		return;
	cpu_outb(COM1 + IER, 0);
	cpu_outb(COM1 + LCR, LCR_DLAB | LCR_8N1);
	cpu_outb(COM1, 1); /* 115200 */
	cpu_outb(COM1 + 1, 0);
	cpu_outb(COM1 + LCR, LCR_8N1);
	cpu_outb(COM1 + FCR, FCR_ON);
	cpu_outb(COM1 + MCR, MCR_READY);
}

/* A UART that stands still must not hold the core up: after some waits in vain it is left alone. */
static bool wait_for(uint8_t bit)
{
	for (unsigned int i = 0; i < READS; i++) {
		if (cpu_inb(COM1 + LSR) & bit) {
			misses = 0;
			return true;
		}
		cpu_pause();
	}
	there = ++misses < MISSES;
	return false;
}

void serial_write(const char *s, size_t len)
{
	for (size_t i = 0; there && i < len; i++)
		if (i % FIFO || wait_for(LSR_EMPTY))
			cpu_outb(COM1, (uint8_t)s[i]);
}

void serial_flush(void)
{
	if (there)
		(void)wait_for(LSR_SENT);
}
