/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The wire's far end: frames behind a 32-bit big-endian length on a stream socket to QEMU. */
#include "qemu_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD 4

/* Sends what is left of a frame that the socket took in part. 0, -EAGAIN, -ENETDOWN. */
static int wire_push(struct qemu_wire *w)
{
	while (w->rest_pos < w->rest_len) {
		ssize_t n = send(w->fd, w->rest + w->rest_pos, w->rest_len - w->rest_pos,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return -EAGAIN;
		if (n < 0) {
			w->dead = true;
			return -ENETDOWN;
		}
		w->rest_pos += (size_t)n;
	}
	w->rest_len = 0;
	w->rest_pos = 0;
	return 0;
}

int qemu_wire_tx(struct qemu *q, const void *frame, size_t len)
{
	struct qemu_wire *w = &q->wire;
	uint32_t head = htonl((uint32_t)len);
	int ret;

	if (w->fd < 0 || w->dead)
		return -ENETDOWN;
	if (!len || len > QEMU_FRAME_MAX)
		return -EMSGSIZE;
	ret = wire_push(w);
	if (ret)
		return ret;
	memcpy(w->rest, &head, HEAD);
	memcpy(w->rest + HEAD, frame, len);
	w->rest_len = HEAD + len;
	ret = wire_push(w);
	if (ret == -EAGAIN && w->rest_pos == 0) {
		w->rest_len = 0;
		return -EAGAIN;
	}
	/* A frame taken in part is QEMU's: its end goes out with the next call. */
	return ret == -EAGAIN ? 0 : ret;
}

/* Length of the frame that is whole in the buffer, else 0; the stream is dead when it makes no
 * sense. */
static size_t wire_whole(struct qemu_wire *w)
{
	uint32_t len;

	if (w->in_len - w->in_pos < HEAD)
		return 0;
	memcpy(&len, w->in + w->in_pos, HEAD);
	len = ntohl(len);
	if (!len || len > sizeof(w->in) - HEAD) {
		w->dead = true;
		return 0;
	}
	return w->in_len - w->in_pos - HEAD >= len ? len : 0;
}

static void wire_fill(struct qemu_wire *w)
{
	ssize_t n;

	memmove(w->in, w->in + w->in_pos, w->in_len - w->in_pos);
	w->in_len -= w->in_pos;
	w->in_pos = 0;
	n = recv(w->fd, w->in + w->in_len, sizeof(w->in) - w->in_len, MSG_DONTWAIT);
	if (n > 0)
		w->in_len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		w->dead = true;
}

int qemu_wire_rx(struct qemu *q, void *frame, size_t len)
{
	struct qemu_wire *w = &q->wire;
	size_t got;

	if (w->fd < 0)
		return 0;
	got = wire_whole(w);
	if (!got && !w->dead) {
		/* An error of the half-sent frame shows as a dead wire. */
		(void)!wire_push(w);
		wire_fill(w);
		got = wire_whole(w);
	}
	if (!got)
		return w->dead ? -ENETDOWN : 0;
	w->in_pos += HEAD + got;
	if (got > len)
		return -EMSGSIZE;
	memcpy(frame, w->in + w->in_pos - got, got);
	return (int)got;
}

int qemu_wire_wait(struct qemu *q, void *frame, size_t len, unsigned int ms)
{
	struct pollfd p = {.fd = q->wire.fd, .events = POLLIN};
	uint64_t end = os_now_us(&q->func[0]) + (uint64_t)ms * 1000;

	qemu_conn_send(q);
	for (;;) {
		int ret = qemu_wire_rx(q, frame, len);
		uint64_t now = os_now_us(&q->func[0]);

		if (ret || now >= end || q->wire.fd < 0)
			return ret;
		(void)poll(&p, 1, (int)((end - now + 999) / 1000));
	}
}
