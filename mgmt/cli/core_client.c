/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's control line: frames out, frames in, with a time bound and a check sum. */
#include "core_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

/* The core looks at its line each millisecond of its own time, which may be slower than ours. */
#define ANSWER_MS  60000
#define ANSWER_MAX (1u << 20)

struct core_line {
	uint8_t buf[sizeof(struct core_frame) + CORE_PAYLOAD_MAX];
	size_t have;
};

int core_client_open(const char *path, struct os_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd, no;

	if (strlen(path) >= sizeof(sa.sun_path))
		return os_err_set(err, -ENAMETOOLONG, "a socket's path has 107 characters at most",
				  "use a shorter path", "%s is too long", path);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	no = errno;
	if (fd >= 0)
		close(fd);
	return os_err_set(err, -no, strerror(no),
			  "give the socket of the core's second serial port; is the machine up?",
			  "no core answers at %s", path);
}

static uint32_t frame_sum(const struct core_frame *f, const void *payload, size_t len)
{
	uLong crc = crc32(0, (const Bytef *)f, offsetof(struct core_frame, crc));

	return (uint32_t)(len ? crc32(crc, payload, (uInt)len) : crc);
}

static int send_all(int fd, const void *p, size_t len)
{
	const uint8_t *b = p;

	while (len) {
		ssize_t n = send(fd, b, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPROTO;
		b += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Drops the first byte and what cannot begin a frame after it. */
static void skip(struct core_line *l)
{
	const uint8_t *at = memchr(l->buf + 1, CORE_MAGIC & 0xff, l->have - 1);

	l->have = at ? l->have - (size_t)(at - l->buf) : 0;
	if (at)
		memmove(l->buf, at, l->have);
}

/* A whole, right frame at the start of the buffer: its length, else 0. */
static size_t whole(struct core_line *l)
{
	struct core_frame f;

	while (l->have >= sizeof(f)) {
		size_t len;

		memcpy(&f, l->buf, sizeof(f));
		len = le16_to_cpu(f.len);
		if (le16_to_cpu(f.magic) == CORE_MAGIC && len <= CORE_PAYLOAD_MAX) {
			if (l->have < sizeof(f) + len)
				return 0;
			if (le32_to_cpu(f.crc) == frame_sum(&f, l->buf + sizeof(f), len))
				return sizeof(f) + len;
		}
		skip(l);
	}
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The next frame within the time: its length, or an error. */
static int next(int fd, struct core_line *l, int64_t end, struct os_err *err)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		size_t n = whole(l);
		int64_t left = end - now_ms();
		ssize_t got;

		if (n)
			return (int)n;
		if (left <= 0 || (poll(&p, 1, (int)left) == 0))
			return os_err_set(err, -ETIMEDOUT, "an answer takes 60 seconds at most",
					  "see the core's console", "the core did not answer");
		got = recv(fd, l->buf + l->have, sizeof(l->buf) - l->have, MSG_DONTWAIT);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return os_err_set(err, -EPROTO,
					  got ? strerror(errno) : "the line was closed",
					  "see the core's console", "the core did not answer");
		l->have += (size_t)got;
	}
}

static int append(struct core_answer *a, const void *p, size_t len, struct os_err *err)
{
	uint8_t *d;

	if (a->len + len > ANSWER_MAX)
		return os_err_set(err, -EMSGSIZE, "an answer has a MiB at most", "",
				  "the core's answer does not end");
	d = realloc(a->data, a->len + len + 1);
	if (!d)
		return os_err_set(err, -ENOMEM, "", "", "no memory");
	memcpy(d + a->len, p, len);
	a->data = d;
	a->len += len;
	d[a->len] = 0;
	return 0;
}

static int refused(const uint8_t *p, size_t len, struct os_err *err)
{
	uint32_t no;

	if (len < 4)
		return os_err_set(err, -EPROTO, "", "", "the core's refusal has no reason");
	no = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	if (!no || no > 4095)
		no = EPROTO;
	return os_err_set(err, -(int)no, "", "", "%.*s", (int)(len - 4), (const char *)p + 4);
}

int core_client_ask(int fd, uint8_t type, const void *payload, size_t len, struct core_answer *a,
		    struct os_err *err)
{
	static uint16_t seq;
	struct core_frame f = {.magic = cpu_to_le16(CORE_MAGIC), .type = type};
	struct core_line l = {.have = 0};
	int64_t end = now_ms() + ANSWER_MS;
	int n, rc = 0;

	*a = (struct core_answer){0};
	/* Another client's late answer must not look like ours. */
	seq = (uint16_t)(seq ? seq + 1 : (getpid() & 0x7fff) + 1);
	f.seq = cpu_to_le16(seq);
	f.len = cpu_to_le16((uint16_t)len);
	f.crc = cpu_to_le32(frame_sum(&f, payload, len));
	if (send_all(fd, &f, sizeof(f)) || send_all(fd, payload, len))
		return os_err_set(err, -EPROTO, strerror(errno), "see the core's console",
				  "the core's line does not take the request");
	while (!rc) {
		n = next(fd, &l, end, err);
		if (n < 0) {
			rc = n;
			break;
		}
		memcpy(&f, l.buf, sizeof(f));
		if ((f.flags & CORE_F_ANSWER) && le16_to_cpu(f.seq) == seq && f.type == type) {
			const uint8_t *p = l.buf + sizeof(f);

			rc = f.flags & CORE_F_ERROR ? refused(p, le16_to_cpu(f.len), err)
						    : append(a, p, le16_to_cpu(f.len), err);
			if (!rc && !(f.flags & CORE_F_MORE))
				return 0;
		}
		l.have -= (size_t)n;
		memmove(l.buf, l.buf + n, l.have);
	}
	free(a->data);
	*a = (struct core_answer){0};
	return rc;
}
