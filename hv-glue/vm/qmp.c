/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The QMP client: lines of JSON over a unix socket, bounded in length and time. */
#include "qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS 10 /* between attempts while the server's backlog is full */

#define MSG_START_QMP "start the VM with -qmp unix:PATH,server=on,wait=off and name that PATH"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void qmp_extend(struct qmp *q, unsigned int ms)
{
	q->end_ms = now_ms() + ms;
}

unsigned int qmp_left(const struct qmp *q)
{
	int64_t left = q->end_ms - now_ms();

	return left > 0 ? (unsigned int)left : 0;
}

static int timed_out(const struct qmp *q, struct os_err *err)
{
	return os_err_set(err, -ETIMEDOUT, "QMP did not answer within the time limit",
			  "is another client connected to it, or is the VM's host overloaded?",
			  "the QEMU at %s does not answer", q->path);
}

static int not_qmp(const struct qmp *q, const char *rule, struct os_err *err)
{
	return os_err_set(err, -EPROTO, rule, MSG_START_QMP, "what listens at %s is not QMP",
			  q->path);
}

static int broken(const struct qmp *q, int no, struct os_err *err)
{
	return os_err_set(err, no, strerror(-no), "look at the VM's log: QEMU may have ended",
			  "the connection to QEMU at %s broke", q->path);
}

/* Waits for @events; 0 or -ETIMEDOUT. */
static int wait_fd(const struct qmp *q, short events)
{
	struct pollfd p = {.fd = q->fd, .events = events};

	for (;;) {
		int left = (int)qmp_left(q);
		int n = poll(&p, 1, left);

		if (n > 0)
			return 0;
		if (!left || (n < 0 && errno != EINTR))
			return n < 0 ? -errno : -ETIMEDOUT;
	}
}

static int connect_failed(const char *path, int no, struct os_err *err)
{
	const char *mend = MSG_START_QMP;

	if (no == -EACCES || no == -EPERM)
		mend = "run as root, or as the user that owns the VM";
	if (no == -EPROTOTYPE)
		no = -EPROTO;
	return os_err_set(err, no, strerror(-no), mend, "there is no QEMU at the QMP socket %s",
			  path);
}

static int connect_to(struct qmp *q, const char *path, struct os_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int ret;

	if (!*path || strlen(path) >= sizeof(sa.sun_path))
		return os_err_set(err, -ENAMETOOLONG, "a unix socket's path has 1 to 107 bytes",
				  "use a shorter path, such as /run/sluice/VM.qmp",
				  "the QMP socket's path cannot be used");
	strcpy(sa.sun_path, path);
	q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (q->fd < 0)
		return connect_failed(path, -errno, err);
	while (connect(q->fd, (struct sockaddr *)&sa, sizeof(sa))) {
		ret = -errno;
		if (ret != -EAGAIN && ret != -EINTR)
			return connect_failed(path, ret, err);
		/* The backlog is full: no descriptor becomes ready, so this is tried again. */
		if (!qmp_left(q))
			return timed_out(q, err);
		poll(NULL, 0, RETRY_MS);
	}
	if (getsockopt(q->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return connect_failed(path, -errno, err);
	q->pid = cred.pid;
	return 0;
}

/* More bytes into the buffer. */
static int fill(struct qmp *q, struct os_err *err)
{
	ssize_t n;
	int ret;

	if (q->used == QMP_LINE_MAX)
		return not_qmp(q, "a message is at most 256 KiB long", err);
	ret = wait_fd(q, POLLIN);
	if (ret == -ETIMEDOUT)
		return timed_out(q, err);
	if (ret)
		return broken(q, ret, err);
	n = recv(q->fd, q->buf + q->used, QMP_LINE_MAX - q->used, 0);
	if (n > 0)
		q->used += (size_t)n;
	else if (!n)
		return broken(q, -ECONNRESET, err);
	else if (errno != EAGAIN && errno != EINTR)
		return broken(q, -errno, err);
	return 0;
}

/* The next message, to be released: an object, all else is refused. */
static int read_msg(struct qmp *q, json_t **msg, struct os_err *err)
{
	size_t looked = 0;
	char *end;
	int ret;

	for (;;) {
		if (!qmp_left(q))
			return timed_out(q, err); /* a flood of events does not hold us either */
		end = memchr(q->buf + looked, '\n', q->used - looked);
		if (end)
			break;
		looked = q->used;
		ret = fill(q, err);
		if (ret)
			return ret;
	}
	*msg = json_loadb(q->buf, (size_t)(end - q->buf), 0, NULL); /* refuses 2048 levels */
	q->used -= (size_t)(end + 1 - q->buf);
	memmove(q->buf, end + 1, q->used);
	if (json_is_object(*msg))
		return 0;
	json_decref(*msg);
	return not_qmp(q, "a message is one JSON object on a line", err);
}

static int send_msg(struct qmp *q, const json_t *msg, struct os_err *err)
{
	char *text = json_dumps(msg, JSON_COMPACT);
	size_t len, done = 0;
	int ret = 0;

	if (!text)
		return broken(q, -ENOMEM, err);
	len = strlen(text);
	text[len++] = '\n'; /* instead of its NUL: it is sent by length */
	while (done < len) {
		ssize_t n = send(q->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n >= 0) {
			done += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR) {
			ret = broken(q, -errno, err);
			break;
		}
		ret = wait_fd(q, POLLOUT);
		if (ret) {
			ret = timed_out(q, err);
			break;
		}
	}
	free(text);
	return ret;
}

/* An event goes to its taker; true when it was one. */
static bool take_event(struct qmp *q, const json_t *msg)
{
	const char *name = json_string_value(json_object_get(msg, "event"));

	if (!name)
		return false;
	if (q->on_event)
		q->on_event(q->user, name, json_object_get(msg, "data"));
	return true;
}

/* Is @msg the answer to the last command? One without an id is QEMU's complaint about its form. */
static bool is_answer(const struct qmp *q, const json_t *msg)
{
	const json_t *id = json_object_get(msg, "id");

	if (!id)
		return json_object_get(msg, "error") != NULL;
	return json_is_integer(id) && json_integer_value(id) == q->seq;
}

/* QEMU's text is one line for us, and never more than what fits. */
static void copy_text(char *out, size_t len, const char *text)
{
	snprintf(out, len, "%s", text ? text : "no reason given");
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

static int refused(struct qmp *q, const char *cmd, const json_t *error, struct os_err *err)
{
	char rule[160];

	copy_text(q->class, sizeof(q->class), json_string_value(json_object_get(error, "class")));
	copy_text(q->desc, sizeof(q->desc), json_string_value(json_object_get(error, "desc")));
	snprintf(rule, sizeof(rule), "QEMU says: %s", q->desc);
	return os_err_set(err, -EREMOTEIO, rule, "look at the VM's log", "QEMU at %s refused %s",
			  q->path, cmd);
}

int qmp_call(struct qmp *q, const char *cmd, json_t *args, json_t **ret, struct os_err *err)
{
	json_t *msg = json_pack("{s:s, s:I}", "execute", cmd, "id", (json_int_t)++q->seq);
	json_t *error, *value;
	int no;

	if (ret)
		*ret = NULL;
	if (msg && args)
		json_object_set(msg, "arguments", args);
	json_decref(args);
	if (!msg)
		return broken(q, -ENOMEM, err);
	no = send_msg(q, msg, err);
	json_decref(msg);
	if (no)
		return no;
	for (;;) {
		no = read_msg(q, &msg, err);
		if (no)
			return no;
		if (!take_event(q, msg) && is_answer(q, msg))
			break;
		json_decref(msg);
	}
	error = json_object_get(msg, "error");
	value = json_object_get(msg, "return");
	if (error)
		no = refused(q, cmd, error, err);
	else if (!value)
		no = not_qmp(q, "an answer holds 'return' or 'error'", err);
	else if (ret)
		*ret = json_incref(value);
	json_decref(msg);
	return no;
}

int qmp_wait(struct qmp *q, const bool *flag, unsigned int ms, struct os_err *err)
{
	int64_t end = q->end_ms, mine = now_ms() + ms;
	json_t *msg;
	int ret = 0;

	if (mine < end)
		q->end_ms = mine;
	while (!*flag && !ret) {
		ret = read_msg(q, &msg, err);
		if (ret)
			break;
		/* No command is under way: an answer comes too late for anybody. */
		(void)take_event(q, msg);
		json_decref(msg);
	}
	q->end_ms = end;
	return ret;
}

static int read_greeting(struct qmp *q, struct os_err *err)
{
	const json_t *major, *minor, *version;
	json_t *msg;
	int ret = read_msg(q, &msg, err);

	if (ret)
		return ret;
	version = json_object_get(json_object_get(json_object_get(msg, "QMP"), "version"), "qemu");
	major = json_object_get(version, "major");
	minor = json_object_get(version, "minor");
	if (json_is_integer(major) && json_is_integer(minor)) {
		q->major = (int)json_integer_value(major);
		q->minor = (int)json_integer_value(minor);
	} else {
		ret = not_qmp(q, "QMP greets with its QEMU's version", err);
	}
	json_decref(msg);
	return ret;
}

int qmp_open(struct qmp *q, const char *path, unsigned int ms, struct os_err *err)
{
	int ret;

	memset(q, 0, sizeof(*q));
	q->fd = -1;
	q->path = path;
	q->end_ms = now_ms() + ms;
	q->buf = malloc(QMP_LINE_MAX);
	if (!q->buf)
		return broken(q, -ENOMEM, err);
	ret = connect_to(q, path, err);
	if (!ret)
		ret = read_greeting(q, err);
	if (!ret)
		ret = qmp_call(q, "qmp_capabilities", NULL, NULL, err);
	if (ret)
		qmp_close(q);
	return ret;
}

void qmp_close(struct qmp *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->buf);
	q->buf = NULL;
	q->fd = -1;
}
