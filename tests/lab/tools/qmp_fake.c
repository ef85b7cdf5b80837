/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Listens where a QMP socket should be and is an old QEMU, something else, or silent: for tests of
 * refusals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char old[] = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, "
			  "\"major\": 7}, \"package\": "
			  "\"\"}, \"capabilities\": []}}\r\n";
static const char other[] = "220 mail.example ESMTP\r\n";

static int listen_at(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, 4)) {
		perror(path);
		return -1;
	}
	return fd;
}

/* Every command has an empty answer, under its own id; the peer's end of file ends the
 * conversation. */
static void serve(int fd, const char *greeting)
{
	char buf[1024], answer[64];
	const char *id;
	ssize_t n;
	int len;

	if (greeting && write(fd, greeting, strlen(greeting)) < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf) - 1)) > 0) {
		if (greeting != old)
			continue;
		buf[n] = '\0';
		id = strstr(buf, "\"id\":");
		len = snprintf(answer, sizeof(answer), "{\"return\": {}, \"id\": %ld}\r\n",
			       id ? strtol(id + strlen("\"id\":"), NULL, 10) : 0);
		if (write(fd, answer, (size_t)len) < 0)
			return;
	}
}

int main(int argc, char **argv)
{
	const char *greeting = NULL;
	int fd, peer;

	if (argc != 3) {
		fputs("usage: qmp_fake PATH old|other|silent\n", stderr);
		return 2;
	}
	if (!strcmp(argv[2], "old"))
		greeting = old;
	else if (!strcmp(argv[2], "other"))
		greeting = other;
	fd = listen_at(argv[1]);
	if (fd < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while ((peer = accept(fd, NULL, NULL)) >= 0) {
		serve(peer, greeting);
		close(peer);
	}
	return 1;
}
