/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Threads for work that blocks, and the way of their results to the control thread. */
#include "job.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mgmt_jobs {
	const struct mgmt_job_env *env;
	int fd;
	unsigned int count;   /* the control thread's */
	pthread_mutex_t lock; /* of what follows */
	struct mgmt_job *done;
};

int mgmt_jobs_init(const struct mgmt_job_env *env, struct mgmt_jobs **out)
{
	struct mgmt_jobs *jobs = calloc(1, sizeof(*jobs));
	int ret;

	if (!jobs)
		return -ENOMEM;
	jobs->env = env;
	jobs->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (jobs->fd < 0) {
		ret = -errno;
		free(jobs);
		return ret;
	}
	pthread_mutex_init(&jobs->lock, NULL);
	*out = jobs;
	return 0;
}

int mgmt_jobs_fd(const struct mgmt_jobs *jobs)
{
	return jobs->fd;
}

unsigned int mgmt_jobs_count(const struct mgmt_jobs *jobs)
{
	return jobs->count;
}

static void *work(void *arg)
{
	struct mgmt_job *job = arg;
	struct mgmt_jobs *jobs = job->jobs;
	uint64_t one = 1;

	mgmt_job_run(jobs->env, job);
	pthread_mutex_lock(&jobs->lock);
	job->next = jobs->done;
	jobs->done = job;
	/* Full means readable, which is all that is wanted. */
	if (write(jobs->fd, &one, sizeof(one)) < 0)
		one = 0;
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int mgmt_jobs_start(struct mgmt_jobs *jobs, struct mgmt_job *job)
{
	int ret;

	job->jobs = jobs;
	/* Before the thread begins to run, as it may be done before this returns. */
	jobs->count++;
	ret = -pthread_create(&job->thread, NULL, work, job);
	if (ret)
		jobs->count--;
	return ret;
}

struct mgmt_job *mgmt_jobs_take(struct mgmt_jobs *jobs)
{
	struct mgmt_job *job;
	uint64_t n;

	pthread_mutex_lock(&jobs->lock);
	job = jobs->done;
	if (job)
		jobs->done = job->next;
	else if (read(jobs->fd, &n, sizeof(n)) < 0)
		n = 0; /* nothing was signalled */
	pthread_mutex_unlock(&jobs->lock);
	if (!job)
		return NULL;
	pthread_join(job->thread, NULL);
	jobs->count--;
	return job;
}

void mgmt_jobs_fini(struct mgmt_jobs *jobs)
{
	struct pollfd pfd = {.events = POLLIN};
	struct mgmt_job *job;

	if (!jobs)
		return;
	pfd.fd = jobs->fd;
	while (jobs->count) {
		(void)poll(&pfd, 1, -1);
		while ((job = mgmt_jobs_take(jobs)))
			free(job);
	}
	close(jobs->fd);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
