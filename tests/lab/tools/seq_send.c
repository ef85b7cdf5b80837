/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Sends standard input as one packet to the manager's socket and prints what netlink error came
 * back, and its text: for tests of messages that no client would send.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 5000

static int connect_to(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
		perror(path);
		return -1;
	}
	return fd;
}

/* The printable runs of an answer's attributes, which are what, rule and mend. */
static void print_text(const char *buf, size_t len)
{
	size_t i, start = 0;

	for (i = 0; i <= len; i++) {
		if (i < len && buf[i] >= ' ' && buf[i] <= '~')
			continue;
		if (i - start >= 8)
			printf("  %.*s\n", (int)(i - start), buf + start);
		start = i + 1;
	}
}

static int answer(int fd)
{
	static char buf[65536];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct nlmsghdr hdr;
	ssize_t len;
	int error;

	if (poll(&p, 1, WAIT_MS) <= 0) {
		puts("silence");
		return 1;
	}
	len = recv(fd, buf, sizeof(buf), 0);
	if (len <= 0) {
		puts("closed");
		return 0;
	}
	if (len < (ssize_t)(sizeof(hdr) + sizeof(error)))
		return 1;
	memcpy(&hdr, buf, sizeof(hdr));
	memcpy(&error, buf + sizeof(hdr), sizeof(error));
	if (hdr.nlmsg_type != NLMSG_ERROR) {
		printf("answer of type %d\n", hdr.nlmsg_type);
		return 1;
	}
	printf("error %d: %s\n", error, strerror(-error));
	print_text(buf + sizeof(hdr) + sizeof(error), (size_t)len - sizeof(hdr) - sizeof(error));
	return 0;
}

int main(int argc, char **argv)
{
	static char buf[1 << 18];
	size_t len;
	int fd;

	if (argc != 2) {
		fputs("usage: seq_send SOCKET <BYTES\n", stderr);
		return 2;
	}
	len = fread(buf, 1, sizeof(buf), stdin);
	fd = connect_to(argv[1]);
	if (fd < 0)
		return 1;
	if (send(fd, buf, len, MSG_NOSIGNAL) < 0) {
		perror("send");
		return 1;
	}
	return answer(fd);
}
