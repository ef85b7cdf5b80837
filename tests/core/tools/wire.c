/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The far end of an emulated card's wire: frames behind a 32-bit big-endian length on a unix
 * socket. Sends numbered test frames, counts them, answers them, pings a guest. One line of JSON at
 * the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAGIC	  0x534c5543u
#define KIND	  26
#define FRAME_MAX 2048
#define BATCH	  8
#define SELF_IP	  0x0a090002u /* 10.9.0.2 */

enum kind { PLAIN, ASK, REPLY };

static const uint8_t self[6] = {0x52, 0x54, 0, 0xaa, 0, 2};

static struct {
	uint8_t dst[6];
	uint32_t tag, count, size, ip;
	int wait_ms;
	int fd;
	uint8_t in[65536];
	size_t have;
} w = {.dst = {255, 255, 255, 255, 255, 255}, .tag = 1, .count = 100, .size = 64, .wait_ms = 5000};

static void die(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void send_frame(const uint8_t *f, uint32_t len)
{
	uint8_t out[4 + FRAME_MAX];
	size_t at = 0;

	put32(out, len);
	memcpy(out + 4, f, len);
	while (at < len + 4) {
		ssize_t n = send(w.fd, out + at, len + 4 - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("send");
		at += (size_t)n;
	}
}

/* The next frame within @ms: its length, 0 when none came. */
static uint32_t next_frame(uint8_t *f, int64_t ms)
{
	int64_t end = now_ms() + ms;

	for (;;) {
		struct pollfd p = {.fd = w.fd, .events = POLLIN};
		uint32_t len = w.have >= 4 ? get32(w.in) : 0;
		int64_t left;
		ssize_t n;

		if (w.have >= 4 && w.have >= len + 4) {
			if (len > FRAME_MAX) {
				errno = EMSGSIZE;
				die("a frame of the card's");
			}
			memcpy(f, w.in + 4, len);
			w.have -= len + 4;
			memmove(w.in, w.in + 4 + len, w.have);
			return len;
		}
		left = end - now_ms();
		if (left < 0)
			left = 0;
		if (poll(&p, 1, (int)left) == 0)
			return 0;
		n = recv(w.fd, w.in + w.have, sizeof(w.in) - w.have, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			die("the machine's end of the wire");
		w.have += (size_t)n;
	}
}

static void send_test(uint32_t seq, enum kind kind)
{
	uint8_t f[FRAME_MAX] = {0};

	memcpy(f, w.dst, 6);
	memcpy(f + 6, self, 6);
	put16(f + 12, 0x88b5);
	put32(f + 14, MAGIC);
	put32(f + 18, w.tag);
	put32(f + 22, seq);
	f[KIND] = (uint8_t)kind;
	for (uint32_t i = KIND + 1; i < w.size; i++)
		f[i] = (uint8_t)(seq + i);
	send_frame(f, w.size);
}

static bool is_test(const uint8_t *f, uint32_t len)
{
	return len >= 60 && get16(f + 12) == 0x88b5 && get32(f + 14) == MAGIC;
}

static int do_send(void)
{
	for (uint32_t i = 0; i < w.count; i++)
		send_test(i, PLAIN);
	printf("{\"sent\":%u}\n", w.count);
	return 0;
}

/* Counts frames of the tag until all are there or nothing comes for the wait. */
static int do_recv(void)
{
	uint8_t f[FRAME_MAX];
	uint32_t len, got = 0, other = 0;

	while (got < w.count && (len = next_frame(f, w.wait_ms)))
		if (is_test(f, len) && get32(f + 18) == w.tag)
			got++;
		else
			other++;
	printf("{\"frames\":%u,\"other\":%u}\n", got, other);
	return got == w.count ? 0 : 1;
}

/* Sends back what asks for it, until nothing comes for the wait. */
static int do_echo(void)
{
	uint8_t f[FRAME_MAX];
	uint32_t len, got = 0;

	while (got < w.count && (len = next_frame(f, w.wait_ms))) {
		if (!is_test(f, len) || f[KIND] != ASK)
			continue;
		memcpy(f, f + 6, 6);
		memcpy(f + 6, self, 6);
		f[KIND] = REPLY;
		send_frame(f, len);
		got++;
	}
	printf("{\"echoed\":%u}\n", got);
	return 0;
}

static int do_ask(void)
{
	uint8_t f[FRAME_MAX];
	uint32_t sent = 0, back = 0, len;

	while (sent < w.count) {
		uint32_t want = 0;

		for (; want < BATCH && sent < w.count; want++)
			send_test(sent++, ASK);
		while (want && (len = next_frame(f, w.wait_ms)))
			if (is_test(f, len) && f[KIND] == REPLY && get32(f + 18) == w.tag) {
				back++;
				want--;
			}
		if (want)
			break;
	}
	printf("{\"sent\":%u,\"back\":%u}\n", sent, back);
	return sent == back ? 0 : 1;
}

static bool arp_answer(uint8_t *f, uint32_t len)
{
	if (len < 42 || get16(f + 12) != 0x0806 || get16(f + 20) != 1 || get32(f + 38) != SELF_IP)
		return false;
	memcpy(f, f + 6, 6);
	memcpy(f + 6, self, 6);
	put16(f + 20, 2);
	memcpy(f + 32, f + 22, 10);
	memcpy(f + 22, self, 6);
	put32(f + 28, SELF_IP);
	send_frame(f, len);
	return true;
}

/* The address that answers ARP for w.ip, in w.dst. */
static bool arp_ask(void)
{
	uint8_t f[FRAME_MAX] = {0};
	uint32_t len;
	int64_t end = now_ms() + w.wait_ms;

	for (unsigned int tries = 0; now_ms() < end && tries < 100; tries++) {
		memset(f, 0, 60);
		memset(f, 255, 6);
		memcpy(f + 6, self, 6);
		put16(f + 12, 0x0806);
		put32(f + 14, 0x00010800);
		put32(f + 18, 0x06040001);
		memcpy(f + 22, self, 6);
		put32(f + 28, SELF_IP);
		put32(f + 38, w.ip);
		send_frame(f, 60);
		while ((len = next_frame(f, 300)))
			if (len >= 42 && get16(f + 12) == 0x0806 && get16(f + 20) == 2 &&
			    get32(f + 28) == w.ip) {
				memcpy(w.dst, f + 22, 6);
				return true;
			} else {
				arp_answer(f, len);
			}
	}
	return false;
}

static uint16_t ip_sum(const uint8_t *p, uint32_t len)
{
	uint32_t s = 0;

	for (uint32_t i = 0; i < len; i += 2)
		s += get16(p + i);
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t) ~(s + (s >> 16));
}

static bool ping_once(uint16_t seq)
{
	uint8_t f[FRAME_MAX] = {0};
	uint32_t len;
	int64_t end = now_ms() + w.wait_ms;

	memcpy(f, w.dst, 6);
	memcpy(f + 6, self, 6);
	put16(f + 12, 0x0800);
	put32(f + 14, 0x45000000 | 84);
	put32(f + 22, 0x40010000);
	put32(f + 26, SELF_IP);
	put32(f + 30, w.ip);
	put16(f + 24, ip_sum(f + 14, 20));
	f[34] = 8;
	put16(f + 38, 0x5a5a);
	put16(f + 40, seq);
	put16(f + 36, ip_sum(f + 34, 64));
	send_frame(f, 98);
	while (now_ms() < end && (len = next_frame(f, end - now_ms()))) {
		if (arp_answer(f, len))
			continue;
		if (len >= 42 && get16(f + 12) == 0x0800 && f[23] == 1 && f[34] == 0 &&
		    get32(f + 26) == w.ip && get16(f + 40) == seq &&
		    !ip_sum(f + 34, (uint32_t)(get16(f + 16) - 20 + 1) & ~1u))
			return true;
	}
	return false;
}

static int do_ping(void)
{
	uint32_t back = 0;

	if (!arp_ask()) {
		printf("{\"arp\":false,\"sent\":0,\"back\":0}\n");
		return 1;
	}
	for (uint32_t i = 0; i < w.count; i++)
		back += ping_once((uint16_t)(i + 1));
	printf("{\"arp\":true,\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"sent\":%u,\"back\":%u}\n",
	       w.dst[0], w.dst[1], w.dst[2], w.dst[3], w.dst[4], w.dst[5], w.count, back);
	return back == w.count ? 0 : 1;
}

static const struct {
	const char *name;
	int (*fn)(void);
} verbs[] = {{"send", do_send},
	     {"recv", do_recv},
	     {"echo", do_echo},
	     {"ask", do_ask},
	     {"ping", do_ping}};

static int usage(void)
{
	fprintf(stderr,
		"usage: wire SOCKET send|recv|echo|ask|ping [--dst MAC] [--ip A.B.C.D] [--tag N]\n"
		"       [--count N] [--size BYTES] [--wait MS]\n");
	return 2;
}

static bool option(const char *k, const char *v)
{
	uint8_t *d = w.dst;
	struct in_addr a;

	if (!strcmp(k, "--dst"))
		return sscanf(v, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &d[0], &d[1], &d[2], &d[3],
			      &d[4], &d[5]) == 6;
	if (!strcmp(k, "--ip")) {
		w.ip = inet_aton(v, &a) ? ntohl(a.s_addr) : 0;
		return w.ip != 0;
	}
	if (!strcmp(k, "--tag"))
		return sscanf(v, "%u", &w.tag) == 1;
	if (!strcmp(k, "--count"))
		return sscanf(v, "%u", &w.count) == 1;
	if (!strcmp(k, "--size"))
		return sscanf(v, "%u", &w.size) == 1 && w.size >= 60 && w.size <= 1514;
	if (!strcmp(k, "--wait"))
		return sscanf(v, "%d", &w.wait_ms) == 1 && w.wait_ms >= 0;
	return false;
}

int main(int argc, char **argv)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (argc < 3 || argc % 2 == 0 || strlen(argv[1]) >= sizeof(sa.sun_path))
		return usage();
	for (int i = 3; i + 1 < argc; i += 2)
		if (!option(argv[i], argv[i + 1]))
			return usage();
	memcpy(sa.sun_path, argv[1], strlen(argv[1]) + 1);
	w.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (w.fd < 0 || connect(w.fd, (struct sockaddr *)&sa, sizeof(sa)))
		die(argv[1]);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(argv[2], verbs[i].name))
			return verbs[i].fn();
	return usage();
}
