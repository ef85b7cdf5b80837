/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Speaks with the daemon. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/rtnetlink.h>
#include <netlink/msg.h>

/* The longest operation is a detach that a guest does not answer, some 30 s. */
#define ANSWER_S 90

static int no_daemon(int no, const char *path, struct os_err *err)
{
	if (no == EACCES || no == EPERM)
		return os_err_set(err, -EPERM,
				  "root and the group " MGMT_GROUP " may ask the daemon",
				  "use sudo, or have yourself added to the group " MGMT_GROUP,
				  "%s may not be opened", path);
	return os_err_set(err, -no,
			  no == ENOENT || no == ECONNREFUSED
				  ? "the daemon owns the card, and it is not running"
				  : strerror(no),
			  "start it: sluiced --pf BDF; or name its socket: sluice -s PATH",
			  "no daemon answers at %s", path);
}

int mgmt_client_open(const char *path, struct os_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = ANSWER_S};
	int fd, ret;

	if (strlen(path) >= sizeof(sa.sun_path))
		return no_daemon(ENAMETOOLONG, path, err);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return no_daemon(errno, path, err);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (const struct sockaddr *)&sa, sizeof(sa))) {
		ret = no_daemon(errno, path, err);
		close(fd);
		return ret;
	}
	return fd;
}

static int lost(int no, struct os_err *err)
{
	if (no == EAGAIN)
		return os_err_set(err, -ETIMEDOUT, "an answer takes 90 seconds at most",
				  "see the daemon's log; sluice vf shows what came of it",
				  "the daemon did not answer");
	return os_err_set(err, -EPROTO, no ? strerror(no) : "it closed the connection",
			  "see the daemon's log", "the daemon was lost");
}

static int strange(struct os_err *err)
{
	return os_err_set(err, -EPROTO, "it is not of this client's protocol",
			  "use a daemon of this client's version",
			  "the daemon's answer was not understood");
}

/* One packet; its size, or a negative errno. */
static int receive(int fd, void *buf, size_t size, struct os_err *err)
{
	struct iovec iov = {.iov_base = buf, .iov_len = size};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &mh, 0);

	/* A daemon that turned us away has closed, and what it said waits behind the reset. */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(fd, &mh, 0);
	if (n <= 0)
		return lost(n < 0 ? errno : 0, err);
	if (mh.msg_flags & MSG_TRUNC)
		return strange(err);
	return (int)n;
}

/* What a request waits for, and how far it is. */
struct wait {
	uint32_t seq;
	bool end;
	int (*on)(void *ctx, const struct nlmsghdr *hdr, struct os_err *err);
	void *ctx;
};

static int take(struct wait *w, const struct nlmsghdr *hdr, struct os_err *err)
{
	/* Number 0 is said to a connection as a whole. */
	if (hdr->nlmsg_seq != w->seq && hdr->nlmsg_seq != 0)
		return 0;
	if (hdr->nlmsg_type == NLMSG_ERROR) {
		w->end = true;
		return mgmt_msg_error_parse(hdr, err);
	}
	if (hdr->nlmsg_type == NLMSG_DONE) {
		w->end = true;
		return 0;
	}
	return w->on ? w->on(w->ctx, hdr, err) : 0;
}

static int take_packet(struct wait *w, const void *buf, size_t len, struct os_err *err)
{
	const struct nlmsghdr *hdr;
	size_t pos = 0;
	int ret;

	while (!w->end) {
		ret = mgmt_msg_next(buf, len, &pos, &hdr);
		if (ret < 0)
			return strange(err);
		if (!ret)
			return 0;
		ret = take(w, hdr, err);
		if (ret)
			return ret;
	}
	return 0;
}

int mgmt_client_request(int fd, struct nl_msg *req,
			int (*on)(void *ctx, const struct nlmsghdr *hdr, struct os_err *err),
			void *ctx, struct os_err *err)
{
	static uint32_t buf[MGMT_ANSWER_MAX / sizeof(uint32_t)];
	struct wait w = {.on = on, .ctx = ctx};
	int n, ret = 0;

	if (!req)
		return os_err_set(err, -ENOMEM, "memory", "free some", "the request was not sent");
	w.seq = nlmsg_hdr(req)->nlmsg_seq;
	n = (int)send(fd, nlmsg_hdr(req), nlmsg_hdr(req)->nlmsg_len, MSG_NOSIGNAL);
	nlmsg_free(req);
	/* A daemon that has closed already may have said why. */
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return lost(errno, err);
	while (!ret && !w.end) {
		n = receive(fd, buf, sizeof(buf), err);
		ret = n < 0 ? n : take_packet(&w, buf, (size_t)n, err);
	}
	return ret;
}

int mgmt_client_once(const char *path, struct nl_msg *req,
		     int (*on)(void *ctx, const struct nlmsghdr *hdr, struct os_err *err),
		     void *ctx, struct os_err *err)
{
	int fd = mgmt_client_open(path, err), ret;

	if (fd < 0) {
		nlmsg_free(req);
		return fd;
	}
	ret = mgmt_client_request(fd, req, on, ctx, err);
	close(fd);
	return ret;
}

static int on_newlink(void *ctx, const struct nlmsghdr *hdr, struct os_err *err)
{
	struct mgmt_view *v = ctx;
	int n;

	if (hdr->nlmsg_type != RTM_NEWLINK)
		return strange(err);
	n = mgmt_msg_newlink_parse(hdr, &v->link, v->vf + v->num_vfs, MGMT_VFS_MAX - v->num_vfs,
				   err);
	if (n < 0)
		return n;
	v->num_vfs += (unsigned int)n;
	return 0;
}

int mgmt_client_view(const char *path, struct mgmt_view *view, struct os_err *err)
{
	uint32_t mask = RTEXT_FILTER_VF | MGMT_EXT_PRIVATE | MGMT_EXT_PAGED;

	memset(view, 0, sizeof(*view));
	return mgmt_client_once(path, mgmt_msg_getlink(1, mask), on_newlink, view, err);
}
