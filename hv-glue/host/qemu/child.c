/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The QEMU process: its memory, sockets and arguments; starting and ending it. */
#include "qemu_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX     48
#define TEXT_LEN     128
#define END_LIMIT_MS 2000
#define EXEC_FAILED  127

/* What the child inherits, by number; closed in the parent once it runs. */
struct inherit {
	int ram, bios, qtest, wire, log, null;
};

struct cmdline {
	const char *arg[ARGS_MAX];
	char mem[TEXT_LEN], size[TEXT_LEN], bios[TEXT_LEN], chardev[TEXT_LEN], netdev[TEXT_LEN];
	unsigned int n;
};

static void arg2(struct cmdline *c, const char *a, const char *b)
{
	c->arg[c->n++] = a;
	c->arg[c->n++] = b;
	c->arg[c->n] = NULL;
}

/*
 * TCG with a machine that only halts: Debian's QEMU has no qtest accelerator, and the protocol is
 * the same. All files are handed over as descriptors, so nothing is left behind in a file system.
 */
static void cmdline_fill(struct cmdline *c, const struct qemu_args *a, unsigned int mib,
			 const struct inherit *in)
{
	snprintf(c->mem, TEXT_LEN,
		 "memory-backend-file,id=ram,size=%uM,mem-path=/proc/self/fd/%d,share=on", mib,
		 in->ram);
	snprintf(c->size, TEXT_LEN, "%uM", mib);
	snprintf(c->bios, TEXT_LEN, "/proc/self/fd/%d", in->bios);
	snprintf(c->chardev, TEXT_LEN, "socket,id=qt,fd=%d", in->qtest);
	snprintf(c->netdev, TEXT_LEN, "stream,id=n0,server=off,addr.type=fd,addr.str=%d", in->wire);

	c->arg[c->n++] = a->binary ? a->binary : getenv("QEMU");
	if (!c->arg[0] || !*c->arg[0])
		c->arg[0] = "qemu-system-x86_64";
	c->arg[c->n++] = "-nodefaults";
	c->arg[c->n++] = "-no-user-config";
	arg2(c, "-machine", "q35,accel=tcg,memory-backend=ram");
	arg2(c, "-display", "none");
	arg2(c, "-monitor", "none");
	arg2(c, "-m", c->size);
	arg2(c, "-object", c->mem);
	arg2(c, "-bios", c->bios);
	if (a->vtd)
		arg2(c, "-device", "intel-iommu,intremap=on,caching-mode=off,snoop-control=on");
	arg2(c, "-device", "pcie-root-port,id=rp0,slot=1");
	arg2(c, "-netdev", a->no_wire ? "hubport,id=n0,hubid=0" : c->netdev);
	arg2(c, "-device", "igb,netdev=n0,bus=rp0,mac=52:54:00:00:00:01,romfile=");
	arg2(c, "-chardev", c->chardev);
	arg2(c, "-qtest", "chardev:qt");
	arg2(c, "-qtest-log", "none");
}

/* In the child: only calls that are safe between fork and exec. */
static _Noreturn void child_run(const struct cmdline *c, const struct inherit *in, pid_t parent)
{
	const int keep[] = {in->ram, in->bios, in->qtest, in->wire};
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	for (unsigned int i = 0; i < ARRAY_SIZE(keep); i++)
		if (keep[i] >= 0)
			fcntl(keep[i], F_SETFD, 0);
	dup2(in->null, STDIN_FILENO);
	dup2(in->log, STDOUT_FILENO);
	dup2(in->log, STDERR_FILENO);
	execvp(c->arg[0], (char *const *)c->arg);
	dprintf(STDERR_FILENO, "%s: %s\n", c->arg[0], strerror(errno));
	_exit(EXEC_FAILED);
}

static int ram_make(struct qemu *q)
{
	int fd = memfd_create("sluice-ram", MFD_CLOEXEC);
	void *p;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)q->ram_len))
		goto err_close;
	p = mmap(NULL, q->ram_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		goto err_close;
	q->ram = p;
	return fd;
err_close:
	close(fd);
	return -1;
}

/* A socket pair: *@ours with a bound on every wait, *@theirs with room for many answers. */
static int pair_make(int *ours, int *theirs)
{
	const struct timeval limit = {.tv_sec = QEMU_WAIT_S};
	const int room = 1 << 20;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return -1;
	for (int i = 0; i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	*ours = fd[0];
	*theirs = fd[1];
	return 0;
}

/* The child's standard error: a file under @dir, or without one a memory file. */
static int log_make(struct qemu *q, const char *dir)
{
	if (!dir || !*dir)
		return memfd_create("sluice-qemu-log", MFD_CLOEXEC);
	if (mkdir(dir, 0700) && errno != EEXIST)
		return -1;
	if ((size_t)snprintf(q->log_path, sizeof(q->log_path), "%s/qemu-%d.log", dir,
			     (int)getpid()) >= sizeof(q->log_path)) {
		q->log_path[0] = '\0';
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(q->log_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void inherit_close(struct inherit *in)
{
	close_fd(&in->ram);
	close_fd(&in->bios);
	close_fd(&in->qtest);
	close_fd(&in->wire);
	close_fd(&in->null);
}

static int inherit_make(struct qemu *q, const struct qemu_args *args, struct inherit *in)
{
	in->log = q->log_fd = log_make(q, args->dir);
	if (in->log < 0)
		return -1;
	in->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	in->bios = qemu_bios_make();
	in->ram = ram_make(q);
	if (in->null < 0 || in->bios < 0 || in->ram < 0 || pair_make(&q->conn.fd, &in->qtest))
		return -1;
	return args->no_wire ? 0 : pair_make(&q->wire.fd, &in->wire);
}

int qemu_child_start(struct qemu *q, const struct qemu_args *args, struct os_err *err)
{
	struct inherit in = {-1, -1, -1, -1, -1, -1};
	struct cmdline cmd = {.n = 0};
	pid_t self = getpid();

	if (inherit_make(q, args, &in)) {
		int no = errno;

		inherit_close(&in);
		return os_err_set(err, -no, strerror(no),
				  "check free memory, descriptors and the directory's permissions",
				  "the device server's memory and sockets were not made");
	}
	cmdline_fill(&cmd, args, (unsigned int)(q->ram_len >> 20), &in);
	q->pid = fork();
	if (q->pid == 0)
		child_run(&cmd, &in, self);
	inherit_close(&in);
	if (q->pid < 0) {
		q->pid = 0;
		return os_err_set(err, -errno, strerror(errno), "check the limit on processes",
				  "QEMU was not started");
	}
	return 0;
}

void qemu_child_said(const struct qemu *q, char *line, size_t len)
{
	char text[512] = "";
	ssize_t n = 0;
	char *at;
	off_t end;

	line[0] = '\0';
	if (q->log_fd < 0)
		return;
	end = lseek(q->log_fd, 0, SEEK_END);
	if (end > 0)
		n = pread(q->log_fd, text, sizeof(text) - 1,
			  end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0);
	if (n <= 0)
		return;
	text[n] = '\0';
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	at = strrchr(text, '\n');
	snprintf(line, len, "%s", at ? at + 1 : text);
}

/* Waits for the child, at most @ms; it is ours alone, so its id cannot be another's. */
static bool child_gone(struct qemu *q, unsigned int ms)
{
	const struct timespec step = {.tv_nsec = 1000000};

	for (unsigned int i = 0; i <= ms; i++) {
		pid_t got = waitpid(q->pid, NULL, WNOHANG);

		if (got == q->pid || (got < 0 && errno == ECHILD))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

void qemu_child_end(struct qemu *q)
{
	close_fd(&q->conn.fd);
	close_fd(&q->wire.fd);
	if (q->pid > 0) {
		kill(q->pid, SIGTERM);
		if (!child_gone(q, END_LIMIT_MS)) {
			kill(q->pid, SIGKILL);
			(void)child_gone(q, END_LIMIT_MS);
		}
	}
	q->pid = 0;
	close_fd(&q->log_fd);
	if (q->log_path[0])
		unlink(q->log_path);
	if (q->ram)
		munmap(q->ram, q->ram_len);
	q->ram = NULL;
}
