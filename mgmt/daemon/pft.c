/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The one thread that touches a PF. */
#include "pft.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TICK_MS	    1000
#define SERVE_BOUND 16 /* rounds, each all VFs; then a call has its turn, whatever guests send */

/* On the caller's stack until done. */
struct call {
	int (*fn)(void *ctx, void *arg);
	void *arg;
	int ret;
	bool done;
	struct call *next;
};

struct mgmt_pft {
	const struct mgmt_pft_ops *ops;
	void *ctx;
	int irq_fd, wake_fd;
	pthread_t thread;
	pthread_mutex_t lock; /* of the members below */
	pthread_cond_t finished;
	struct call *head, **tail;
	bool stop;
};

/* True when nothing is left to serve. */
static bool serve(struct mgmt_pft *t)
{
	unsigned int round;
	int n = 0;

	for (round = 0; round < SERVE_BOUND; round++) {
		n = t->ops->service(t->ctx);
		if (n <= 0)
			break;
	}
	if (n < 0)
		t->ops->failed(t->ctx, n);
	return n <= 0;
}

/* One call; false when there is none. */
static bool run_one(struct mgmt_pft *t)
{
	struct call *c;
	int ret;

	pthread_mutex_lock(&t->lock);
	c = t->head;
	if (c) {
		t->head = c->next;
		if (!t->head)
			t->tail = &t->head;
	}
	pthread_mutex_unlock(&t->lock);
	if (!c)
		return false;
	ret = c->fn(t->ctx, c->arg);
	pthread_mutex_lock(&t->lock);
	c->ret = ret;
	c->done = true;
	pthread_cond_broadcast(&t->finished);
	pthread_mutex_unlock(&t->lock);
	return true;
}

static bool stopping(struct mgmt_pft *t)
{
	bool stop;

	pthread_mutex_lock(&t->lock);
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return stop;
}

/* Empties an eventfd; true when it had been signalled. */
static bool drain(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void *loop(void *arg)
{
	struct mgmt_pft *t = arg;
	struct pollfd fds[2] = {{t->irq_fd, POLLIN, 0}, {t->wake_fd, POLLIN, 0}};
	bool irq = false, idle = true;

	while (!stopping(t)) {
		(void)poll(fds, 2, idle ? TICK_MS : 0);
		irq |= (fds[0].revents & POLLIN) && drain(t->irq_fd);
		if (fds[1].revents & POLLIN)
			drain(t->wake_fd);
		/* A call each between services: neither waits for all of the other. */
		do
			idle = serve(t);
		while (run_one(t));
		if (!irq || !idle)
			continue;
		irq = false;
		t->ops->irq_ack(t->ctx);
	}
	while (run_one(t))
		;
	return NULL;
}

int mgmt_pft_start(const struct mgmt_pft_ops *ops, void *ctx, int irq_fd, struct mgmt_pft **out)
{
	struct mgmt_pft *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return -ENOMEM;
	t->ops = ops;
	t->ctx = ctx;
	t->irq_fd = irq_fd;
	t->tail = &t->head;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->finished, NULL);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake_fd < 0) {
		ret = -errno;
		goto err_free;
	}
	ret = -pthread_create(&t->thread, NULL, loop, t);
	if (ret)
		goto err_close;
	*out = t;
	return 0;
err_close:
	close(t->wake_fd);
err_free:
	pthread_cond_destroy(&t->finished);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return ret;
}

static void wake(struct mgmt_pft *t)
{
	uint64_t one = 1;

	/* It fails only when the counter is full, and then it is readable anyway. */
	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return;
}

void mgmt_pft_stop(struct mgmt_pft *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_mutex_unlock(&t->lock);
	wake(t);
	pthread_join(t->thread, NULL);
	close(t->wake_fd);
	pthread_cond_destroy(&t->finished);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int mgmt_pft_call(struct mgmt_pft *t, int (*fn)(void *ctx, void *arg), void *arg)
{
	struct call c = {.fn = fn, .arg = arg};

	pthread_mutex_lock(&t->lock);
	if (t->stop) {
		pthread_mutex_unlock(&t->lock);
		return -ESHUTDOWN;
	}
	*t->tail = &c;
	/* cppcheck-suppress autoVariables; this waits until the thread is done with it */
	t->tail = &c.next;
	pthread_mutex_unlock(&t->lock);
	wake(t);
	pthread_mutex_lock(&t->lock);
	while (!c.done)
		pthread_cond_wait(&t->finished, &t->lock);
	pthread_mutex_unlock(&t->lock);
	return c.ret;
}
