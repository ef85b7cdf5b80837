/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The PF's thread, with a card that is a few counters. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mgmt/daemon/pft.h"

/* What the thread serves; the atomics are looked at from the test's thread. */
struct card {
	atomic_int pending; /* events to serve; negative: what service() answers */
	atomic_int forever; /* there is always one more */
	atomic_int served, acks, failures, last;
	atomic_int acked_pending; /* a fault: acked while events were left */
	pthread_t thread;
	sem_t acked, failed;
};

static int service(void *ctx)
{
	struct card *c = ctx;
	int n = atomic_load(&c->pending);

	if (n < 0)
		return n;
	if (atomic_load(&c->forever))
		return 1;
	if (!n)
		return 0;
	atomic_fetch_sub(&c->pending, 1);
	atomic_fetch_add(&c->served, 1);
	return 1;
}

static void irq_ack(void *ctx)
{
	struct card *c = ctx;

	atomic_fetch_add(&c->acks, 1);
	if (atomic_load(&c->pending) > 0)
		atomic_store(&c->acked_pending, 1);
	sem_post(&c->acked);
}

static void failed(void *ctx, int ret)
{
	struct card *c = ctx;

	atomic_store(&c->last, ret);
	atomic_store(&c->pending, 0);
	atomic_fetch_add(&c->failures, 1);
	sem_post(&c->failed);
}

static const struct mgmt_pft_ops ops = {service, irq_ack, failed};

struct fixture {
	struct card card;
	int irq;
	struct mgmt_pft *t;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	sem_init(&f.card.acked, 0, 0);
	sem_init(&f.card.failed, 0, 0);
	f.irq = eventfd(0, EFD_NONBLOCK);
	assert_int_equal(mgmt_pft_start(&ops, &f.card, f.irq, &f.t), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mgmt_pft_stop(f->t);
	close(f->irq);
	sem_destroy(&f->card.acked);
	sem_destroy(&f->card.failed);
	return 0;
}

/* A bound for what must come; nothing is measured. */
static void wait_for(sem_t *sem)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 30;
	assert_int_equal(sem_timedwait(sem, &ts), 0);
}

static void interrupt(struct fixture *f)
{
	uint64_t one = 1;

	assert_int_equal(write(f->irq, &one, sizeof(one)), sizeof(one));
}

static int add(void *ctx, void *arg)
{
	struct card *c = ctx;
	int *n = arg;

	c->thread = pthread_self();
	(*n)++;
	return *n == 13 ? -EINVAL : *n;
}

static void test_call_runs_on_the_thread(void **state)
{
	struct fixture *f = *state;
	int n = 5;

	assert_int_equal(mgmt_pft_call(f->t, add, &n), 6);
	assert_int_equal(n, 6);
	assert_false(pthread_equal(f->card.thread, pthread_self()));
	n = 12;
	assert_int_equal(mgmt_pft_call(f->t, add, &n), -EINVAL);
}

static void test_interrupt_serves_until_nothing_then_acks(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->card.pending, 5000);
	interrupt(f);
	wait_for(&f->card.acked);
	assert_int_equal(atomic_load(&f->card.served), 5000);
	assert_int_equal(atomic_load(&f->card.acked_pending), 0);
}

static void test_call_gets_its_turn_in_a_flood(void **state)
{
	struct fixture *f = *state;
	int n = 0, i;

	atomic_store(&f->card.forever, 1);
	interrupt(f);
	for (i = 1; i <= 10; i++)
		assert_int_equal(mgmt_pft_call(f->t, add, &n), i);
	assert_int_equal(atomic_load(&f->card.acks), 0);
	atomic_store(&f->card.forever, 0);
	wait_for(&f->card.acked);
}

static void test_failure_is_told(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->card.pending, -EIO);
	interrupt(f);
	wait_for(&f->card.failed);
	assert_int_equal(atomic_load(&f->card.last), -EIO);
}

#define CALLERS 8
#define CALLS	200

struct caller {
	struct mgmt_pft *t;
	int *shared; /* touched on the PF's thread alone: no lock */
	pthread_t thread;
};

static int count(void *ctx, void *arg)
{
	(void)ctx;
	(*(int *)arg)++;
	return 0;
}

static void *call_often(void *arg)
{
	struct caller *c = arg;
	int i, ret = 0;

	for (i = 0; i < CALLS; i++)
		ret |= mgmt_pft_call(c->t, count, c->shared);
	return (void *)(intptr_t)ret;
}

static void test_calls_of_many_threads_do_not_mix(void **state)
{
	struct fixture *f = *state;
	struct caller c[CALLERS];
	int shared = 0, i;
	void *ret;

	for (i = 0; i < CALLERS; i++) {
		c[i] = (struct caller){.t = f->t, .shared = &shared};
		assert_int_equal(pthread_create(&c[i].thread, NULL, call_often, &c[i]), 0);
	}
	for (i = 0; i < CALLERS; i++) {
		pthread_join(c[i].thread, &ret);
		assert_null(ret);
	}
	assert_int_equal(shared, CALLERS * CALLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call_runs_on_the_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupt_serves_until_nothing_then_acks,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_call_gets_its_turn_in_a_flood, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_failure_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls_of_many_threads_do_not_mix, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("mgmt_pft", tests, NULL, NULL);
}
