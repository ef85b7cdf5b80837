/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The control thread's loop. */
#include "server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <netlink/msg.h>

#include "log.h"
#include "peer.h"

#define EVENTS_MAX 16
#define ROOT_SLOTS 4 /* clients of the group alone never take these */

/* What a descriptor is, in the upper half of its epoll word; the lower is an index. */
enum source { SRC_LISTEN, SRC_SIGNAL, SRC_TIMER, SRC_JOBS, SRC_STOP, SRC_CLIENT, SRC_VM };

struct client {
	int fd;	     /* -1: the slot is free */
	uint64_t id; /* never used again */
};

/* Made by mgmt_server_init(); all but the stop descriptor is the control thread's. */
struct mgmt_server {
	struct mgmt_core *core;
	struct mgmt_jobs *jobs;
	int epoll_fd, listen_fd, signal_fd, timer_fd, stop_fd;
	bool stop;
	uint64_t next_id;
	gid_t group; /* whose members may connect */
	struct client client[MGMT_CLIENTS_MAX];
	/* Aligned for a netlink header. */
	uint32_t packet[MGMT_REQUEST_MAX / sizeof(uint32_t)];
};

static int add(struct mgmt_server *s, int fd, enum source src, unsigned int index)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = (uint64_t)src << 32 | index};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void drop(struct client *cl)
{
	if (cl->fd >= 0)
		close(cl->fd);
	cl->fd = -1;
}

/* A client that does not read what it asked for is not waited for. */
static void send_to(struct client *cl, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (send(cl->fd, hdr, hdr->nlmsg_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		drop(cl);
}

static void answer(void *ctx, uint64_t id, struct nl_msg *msg)
{
	struct mgmt_server *s = ctx;
	unsigned int i;

	for (i = 0; i < MGMT_CLIENTS_MAX; i++) {
		struct client *cl = &s->client[i];

		if (cl->fd < 0 || cl->id != id)
			continue;
		/* Without memory for the answer, a closed connection is one. */
		if (msg)
			send_to(cl, msg);
		else
			drop(cl);
	}
	nlmsg_free(msg);
}

static void watch(void *ctx, unsigned int vf, int pidfd)
{
	struct mgmt_server *s = ctx;
	int ret = add(s, pidfd, SRC_VM, vf);

	if (ret)
		mgmt_log(OS_LOG_ERR, "VF %u: its VM cannot be watched: %s", vf, strerror(-ret));
}

static int start(void *ctx, struct mgmt_job *job)
{
	struct mgmt_server *s = ctx;

	return mgmt_jobs_start(s->jobs, job);
}

static const struct mgmt_core_ops core_ops = {answer, watch, start};

/* Says no and closes; the connection takes no slot. */
static void turn_away(int fd, const struct os_err *err)
{
	struct client cl = {.fd = fd};
	struct nl_msg *msg = mgmt_msg_error(NULL, err);

	if (msg)
		send_to(&cl, msg);
	nlmsg_free(msg);
	drop(&cl);
}

static struct client *free_slot(struct mgmt_server *s, unsigned int max)
{
	unsigned int i;

	for (i = 0; i < max; i++)
		if (s->client[i].fd < 0)
			return &s->client[i];
	return NULL;
}

static void accept_one(struct mgmt_server *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *cl = NULL;
	struct os_err err = {0};
	int root;

	if (fd < 0)
		return;
	root = mgmt_peer_check(fd, s->group, &err);
	if (root >= 0)
		cl = free_slot(s, root ? MGMT_CLIENTS_MAX : MGMT_CLIENTS_MAX - ROOT_SLOTS);
	if (root >= 0 && !cl)
		(void)os_err_set(&err, -EUSERS, "32 clients may be connected, 4 of them root's",
				 "try again later", "the daemon is busy");
	if (cl && add(s, fd, SRC_CLIENT, (unsigned int)(cl - s->client)))
		(void)os_err_set(&err, -ENOMEM, "the kernel has no room", "try again later",
				 "the daemon is busy");
	if (!cl || err.no) {
		turn_away(fd, &err);
		return;
	}
	cl->fd = fd;
	cl->id = ++s->next_id;
}

static void serve_client(struct mgmt_server *s, unsigned int i)
{
	struct client *cl = &s->client[i];
	struct iovec iov = {.iov_base = s->packet, .iov_len = MGMT_REQUEST_MAX};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (cl->fd < 0)
		return; /* dropped by an earlier event of this round */
	n = recvmsg(cl->fd, &mh, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* An empty packet cannot be told from the end, and says nothing either. */
	if (n <= 0)
		drop(cl);
	else if (mh.msg_flags & MSG_TRUNC)
		mgmt_core_oversized(s->core, cl->id, s->packet, (size_t)n);
	else
		mgmt_core_packet(s->core, cl->id, s->packet, (size_t)n);
}

static void take_jobs(struct mgmt_server *s)
{
	struct mgmt_job *job;

	while ((job = mgmt_jobs_take(s->jobs)))
		mgmt_core_job_done(s->core, job);
}

static void drain(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		n = 0; /* somebody was faster; nothing is lost */
}

static void take_signal(struct mgmt_server *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	mgmt_log(OS_LOG_INFO, "%s: ending", strsignal((int)info.ssi_signo));
	s->stop = true;
}

static void on_event(struct mgmt_server *s, const struct epoll_event *ev)
{
	unsigned int index = (unsigned int)ev->data.u64;

	switch ((enum source)(ev->data.u64 >> 32)) {
	case SRC_LISTEN:
		accept_one(s);
		break;
	case SRC_SIGNAL:
		take_signal(s);
		break;
	case SRC_TIMER:
		drain(s->timer_fd);
		mgmt_core_tick(s->core);
		break;
	case SRC_JOBS:
		take_jobs(s);
		break;
	case SRC_STOP:
		s->stop = true;
		break;
	case SRC_CLIENT:
		serve_client(s, index);
		break;
	case SRC_VM:
		mgmt_core_died(s->core, index);
		break;
	}
}

static int open_fds(struct mgmt_server *s)
{
	struct itimerspec second = {{1, 0}, {1, 0}};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->signal_fd < 0 || s->timer_fd < 0 || s->stop_fd < 0 ||
	    timerfd_settime(s->timer_fd, 0, &second, NULL))
		return -errno;
	return 0;
}

static int add_all(struct mgmt_server *s)
{
	int ret = add(s, s->listen_fd, SRC_LISTEN, 0);

	if (!ret)
		ret = add(s, s->signal_fd, SRC_SIGNAL, 0);
	if (!ret)
		ret = add(s, s->timer_fd, SRC_TIMER, 0);
	if (!ret)
		ret = add(s, s->stop_fd, SRC_STOP, 0);
	return ret ? ret : add(s, mgmt_jobs_fd(s->jobs), SRC_JOBS, 0);
}

int mgmt_server_init(struct mgmt_core *core, int listen_fd, struct mgmt_server **out)
{
	struct mgmt_server *s = calloc(1, sizeof(*s));
	unsigned int i;
	int ret;

	if (!s)
		return -ENOMEM;
	s->core = core;
	s->listen_fd = listen_fd;
	s->group = mgmt_peer_group();
	for (i = 0; i < MGMT_CLIENTS_MAX; i++)
		s->client[i].fd = -1;
	ret = open_fds(s);
	if (!ret)
		ret = mgmt_jobs_init(&core->env, &s->jobs);
	if (!ret)
		ret = add_all(s);
	if (ret) {
		mgmt_server_fini(s);
		return ret;
	}
	core->ops = &core_ops;
	core->ctx = s;
	*out = s;
	return 0;
}

void mgmt_server_run(struct mgmt_server *s)
{
	struct epoll_event ev[EVENTS_MAX];
	int i, n;

	while (!s->stop) {
		n = epoll_wait(s->epoll_fd, ev, EVENTS_MAX, -1);
		for (i = 0; i < n; i++)
			on_event(s, &ev[i]);
	}
}

void mgmt_server_stop(struct mgmt_server *s)
{
	uint64_t one = 1;

	if (write(s->stop_fd, &one, sizeof(one)) < 0)
		return; /* full is readable as well */
}

/* What has begun is finished: half-attached VFs would have to be found out at the next start. */
static void finish_jobs(struct mgmt_server *s)
{
	struct pollfd pfd = {.fd = mgmt_jobs_fd(s->jobs), .events = POLLIN};

	if (mgmt_jobs_count(s->jobs))
		mgmt_log(OS_LOG_INFO, "waiting for %u operations", mgmt_jobs_count(s->jobs));
	while (mgmt_jobs_count(s->jobs)) {
		(void)poll(&pfd, 1, -1);
		take_jobs(s);
	}
}

void mgmt_server_fini(struct mgmt_server *s)
{
	unsigned int i;

	if (!s)
		return;
	if (s->jobs)
		finish_jobs(s);
	mgmt_jobs_fini(s->jobs);
	for (i = 0; i < MGMT_CLIENTS_MAX; i++)
		drop(&s->client[i]);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s);
}
