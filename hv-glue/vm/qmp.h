/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A QMP client (QEMU docs/interop/qmp-spec): one connection, one command at a time. What the peer
 * says is checked and bounded in length and time; no call lasts past the deadline.
 */
#ifndef SLUICE_VM_QMP_H
#define SLUICE_VM_QMP_H

#include <jansson.h>
#include <sys/types.h>

#include "os/err.h"

/* Bytes of one message; QEMU's answers here stay below 16 KiB. */
#define QMP_LINE_MAX (256 * 1024)

/* On the caller's stack; one thread. Filled by qmp_open(), emptied by qmp_close(). */
struct qmp {
	int fd;
	pid_t pid;	  /* the process that listens, by SO_PEERCRED */
	int major, minor; /* QEMU's version */
	int64_t end_ms;	  /* CLOCK_MONOTONIC: nothing lasts longer */
	char *buf;	  /* QMP_LINE_MAX bytes: what came, not yet used */
	size_t used;
	unsigned int seq; /* the id of the last command */
	const char *path; /* borrowed, for messages */
	char class[48];	  /* of the error that QEMU answered with */
	char desc[128];
	/* Called for every event that comes while a command or qmp_wait() goes on. */
	void (*on_event)(void *user, const char *name, const json_t *data);
	void *user;
};

/* Connects, reads the greeting and leaves negotiation mode; all until the deadline in @ms. */
int qmp_open(struct qmp *q, const char *path, unsigned int ms, struct os_err *err) must_check;
void qmp_close(struct qmp *q);

/*
 * Runs @cmd with @args (taken; NULL: none). *@ret (may be NULL) is the answer, to be released.
 * -EREMOTEIO: QEMU said no, q->class and q->desc say why and @err says the same; otherwise the
 * connection is of no use any more.
 */
int qmp_call(struct qmp *q, const char *cmd, json_t *args, json_t **ret,
	     struct os_err *err) must_check;
/* Hands events to on_event() until *@flag is set or @ms have passed: 0 or -ETIMEDOUT. */
int qmp_wait(struct qmp *q, const bool *flag, unsigned int ms, struct os_err *err) must_check;
/* Moves the deadline to @ms from now, for a command that may take long. */
void qmp_extend(struct qmp *q, unsigned int ms);
/* Milliseconds up to the deadline, 0 when it has passed. */
unsigned int qmp_left(const struct qmp *q);

#endif
