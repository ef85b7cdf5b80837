/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's COM1: a 16550A without an interrupt line. What it says goes to the core's log by lines,
 * what is typed waits in a FIFO. Registers and bits: National PC16550D, table II.
 */
#include "guest.h"
#include "host.h"

#define KEYS 256u
#define LINE 160u

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

#define LCR_DLAB     0x80
#define MCR_LOOP     0x10
#define LSR_DATA     0x01
#define LSR_EMPTY    0x60 /* holding and shift register */
#define MSR_PRESENT  0xb0 /* CTS, DSR, DCD */
#define FCR_ON	     0x01
#define FCR_CLEAR_RX 0x02
#define IER_RX	     0x01
#define IER_TX	     0x02
#define IIR_NONE     0x01
#define IIR_TX	     0x02
#define IIR_RX	     0x04
#define IIR_FIFO     0xc0

/* A page of the core's, from uart_new() to uart_free(). Lock held in all calls. */
struct uart {
	struct guest *guest;
	uint8_t ier, lcr, mcr, scr, fcr, divisor[2];
	bool sent; /* the cause "transmitter empty" waits to be read */
	uint8_t keys[KEYS];
	unsigned int head, count; /* of keys */
	char line[LINE];
	size_t used;
};
_Static_assert(sizeof(struct uart) <= VCPU_PAGE, "a page");

struct uart *uart_new(struct guest *g)
{
	struct uart *u = mem_alloc(1, 1);

	if (!u)
		return NULL;
	u->guest = g;
	u->divisor[0] = 1; /* 115200 */
	return u;
}

static void flush(struct uart *u)
{
	u->line[u->used] = 0;
	if (u->used)
		guest_console(u->guest, u->line, u->used);
	u->used = 0;
}

void uart_free(struct uart *u)
{
	if (!u)
		return;
	flush(u);
	mem_free(u, 1);
}

static void say(struct uart *u, uint8_t c)
{
	if (c == '\n' || u->used == LINE - 1)
		flush(u);
	if (c == '\t' || (c >= ' ' && c < 0x7f))
		u->line[u->used++] = (char)c;
	else if (c != '\n' && c != '\r')
		u->line[u->used++] = '?';
}

void uart_type(struct uart *u, const char *text, size_t len)
{
	for (size_t i = 0; i < len && u->count < KEYS; i++)
		u->keys[(u->head + u->count++) % KEYS] = (uint8_t)text[i];
}

static uint8_t key(struct uart *u)
{
	uint8_t k = 0;

	if (u->count) {
		k = u->keys[u->head];
		u->head = (u->head + 1) % KEYS;
		u->count--;
	}
	return k;
}

/* There is no interrupt line; a driver without one asks for the cause by a timer. */
static uint8_t cause(struct uart *u)
{
	uint8_t fifo = u->fcr & FCR_ON ? IIR_FIFO : 0;

	if (u->count && (u->ier & IER_RX))
		return IIR_RX | fifo;
	if (u->sent && (u->ier & IER_TX)) {
		u->sent = false;
		return IIR_TX | fifo;
	}
	/* It has nothing more to say: a prompt, which has no end of line. */
	flush(u);
	return IIR_NONE | fifo;
}

/* In loop-back the outputs of MCR are the inputs of MSR: drivers look for a UART this way. */
static uint8_t modem_status(const struct uart *u)
{
	uint8_t m = u->mcr;

	if (!(m & MCR_LOOP))
		return MSR_PRESENT;
	return (uint8_t)((m & 2) << 3 | (m & 1) << 5 | (m & 0xc) << 4);
}

uint8_t uart_in(struct uart *u, unsigned int reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case RBR:
		return dlab ? u->divisor[0] : key(u);
	case IER:
		return dlab ? u->divisor[1] : u->ier;
	case IIR:
		return cause(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return u->count ? LSR_EMPTY | LSR_DATA : LSR_EMPTY;
	case MSR:
		return modem_status(u);
	case SCR:
		return u->scr;
	default:
		return 0xff;
	}
}

void uart_out(struct uart *u, unsigned int reg, uint8_t val)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case RBR:
		if (dlab)
			u->divisor[0] = val;
		else if (!(u->mcr & MCR_LOOP))
			say(u, val);
		u->sent = true;
		break;
	case IER:
		if (dlab)
			u->divisor[1] = val;
		else
			u->ier = val & 0x0f;
		u->sent |= val & IER_TX;
		break;
	case IIR: /* FCR when written */
		u->fcr = val;
		if (val & FCR_CLEAR_RX)
			u->count = 0;
		break;
	case LCR:
		u->lcr = val;
		break;
	case MCR:
		u->mcr = val & 0x1f;
		break;
	case SCR:
		u->scr = val;
		break;
	default:
		break;
	}
}
