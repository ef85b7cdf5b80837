/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The qtest protocol: one command a line, answered in order; writes are pipelined, reads wait. */
#include "qemu_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * QEMU writes each answer by a blocking send, and a unix socket charges about 768 bytes for the
 * smallest: 128 answers are 96 KiB of the 208 KiB that a socket holds by default, so neither side
 * ever waits for the other to read.
 */
#define POSTED_MAX 128
#define CMD_MAX	   64

static void conn_dead(struct qemu *q, const char *why)
{
	struct qemu_conn *c = &q->conn;

	c->out_len = 0;
	c->posted = 0;
	if (c->dead)
		return;
	c->dead = true;
	if (q->up)
		os_log(&q->func[0], OS_LOG_ERR, "the device server is gone: %s", why);
}

static const char *conn_why(ssize_t n)
{
	if (n == 0)
		return "it closed the connection";
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return "it does not answer";
	return strerror(errno);
}

void qemu_conn_send(struct qemu *q)
{
	struct qemu_conn *c = &q->conn;
	size_t done = 0;

	while (done < c->out_len && !c->dead) {
		ssize_t n = send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			conn_dead(q, conn_why(n));
			return;
		}
		done += (size_t)n;
	}
	c->out_len = 0;
}

/* The next line without its newline, valid until the next call; NULL when the server is dead. */
static char *conn_line(struct qemu *q)
{
	struct qemu_conn *c = &q->conn;

	while (!c->dead) {
		char *from = c->in + c->in_pos;
		char *end = memchr(from, '\n', c->in_len - c->in_pos);
		ssize_t n;

		if (end) {
			*end = '\0';
			c->in_pos = (size_t)(end - c->in) + 1;
			return from;
		}
		memmove(c->in, from, c->in_len - c->in_pos);
		c->in_len -= c->in_pos;
		c->in_pos = 0;
		if (c->in_len == sizeof(c->in)) {
			conn_dead(q, "a line of its answer has no end");
			break;
		}
		n = recv(c->fd, c->in + c->in_len, sizeof(c->in) - c->in_len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			conn_dead(q, conn_why(n));
		else
			c->in_len += (size_t)n;
	}
	return NULL;
}

/* The text behind "OK" of the next answer; NULL: refused, or the server is dead. */
static const char *conn_answer(struct qemu *q)
{
	for (;;) {
		char *line = conn_line(q);

		if (!line)
			return NULL;
		/* Interrupt lines come between answers whenever a pin is watched. */
		if (strncmp(line, "IRQ ", 4) == 0)
			continue;
		q->conn.posted--;
		if (strncmp(line, "OK", 2) == 0)
			return line + 2;
		os_log(&q->func[0], OS_LOG_ERR, "the device server refused: %.80s", line);
		return NULL;
	}
}

void qemu_conn_drain(struct qemu *q)
{
	qemu_conn_send(q);
	while (q->conn.posted && !q->conn.dead)
		(void)conn_answer(q);
}

static char *put_hex(char *p, uint64_t v)
{
	static const char digit[] = "0123456789abcdef";
	int shift = v >> 32 ? 60 : 28;

	*p++ = '0';
	*p++ = 'x';
	for (; shift >= 0; shift -= 4)
		*p++ = digit[v >> shift & 15];
	return p;
}

static void conn_command(struct qemu *q, const char *op, uint64_t addr, const uint32_t *val)
{
	struct qemu_conn *c = &q->conn;
	char *p;

	if (c->dead)
		return;
	if (c->posted >= POSTED_MAX || c->out_len + CMD_MAX > sizeof(c->out))
		qemu_conn_drain(q);
	p = c->out + c->out_len;
	p = stpcpy(p, op);
	*p++ = ' ';
	p = put_hex(p, addr);
	if (val) {
		*p++ = ' ';
		p = put_hex(p, *val);
	}
	*p++ = '\n';
	c->out_len = (size_t)(p - c->out);
	c->posted++;
}

void qemu_conn_post(struct qemu *q, const char *op, uint64_t addr, uint32_t val)
{
	conn_command(q, op, addr, &val);
}

uint32_t qemu_conn_read(struct qemu *q, const char *op, uint64_t addr)
{
	const char *text = NULL;

	conn_command(q, op, addr, NULL);
	qemu_conn_send(q);
	/* The last answer is the read's: all before it are of posted writes. */
	while (q->conn.posted && !q->conn.dead)
		text = conn_answer(q);
	return text && !q->conn.dead ? (uint32_t)strtoull(text, NULL, 0) : UINT32_MAX;
}
