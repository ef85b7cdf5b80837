/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What becomes of a lease when a job ends, a VM dies, a second passes, the daemon starts. */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

static void say_attached(struct mgmt_core *c, const struct mgmt_job *job)
{
	struct mgmt_lease_msg m = {.vf = (int32_t)job->vf, .cold = job->cold};

	mgmt_copy(m.vm, job->vm);
	mgmt_copy(m.qmp, job->qmp);
	mgmt_copy(m.bdf, job->nic.bdf);
	mgmt_copy(m.args, job->args);
	if (job->who.client)
		c->ops->answer(c->ctx, job->who.client,
			       mgmt_msg_lease(job->who.hdr.nlmsg_seq, MGMT_MSG_NEWLEASE, 0, &m));
}

/* The client's answer; a job that goes on in another answers at that one's end. */
static void say(struct mgmt_core *c, const struct mgmt_job *job)
{
	if (job->err.no) {
		mgmt_answer_err(c, &job->who, &job->err);
		return;
	}
	if (job->kind == MGMT_JOB_ATTACH)
		say_attached(c, job);
	mgmt_answer_ack(c, &job->who);
}

/* The scrub that follows what @job found or did; it keeps the client and the first error. */
static void scrub_next(struct mgmt_core *c, struct mgmt_job *job)
{
	struct mgmt_lease *l = &c->lease[job->vf];
	int ret;

	if (l->pidfd >= 0)
		close(l->pidfd);
	l->pidfd = -1;
	l->pid = 0;
	job->kind = MGMT_JOB_SCRUB;
	ret = c->ops->start(c->ctx, job);
	if (!ret)
		return;
	mgmt_text(job->reason, sizeof(job->reason), "the scrub could not be started: %s",
		  strerror(-ret));
	if (!job->err.no)
		(void)os_err_set(&job->err, ret, strerror(-ret), "sluice vf reset, later",
				 "VF %u was not scrubbed", job->vf);
	job->to = MGMT_BROKEN;
	mgmt_core_job_done(c, job);
}

/* Watches the VM's process; false when it has ended already. */
static bool watch_vm(struct mgmt_core *c, const struct mgmt_job *job)
{
	struct mgmt_lease *l = &c->lease[job->vf];
	int fd;

	if (l->pidfd >= 0 && l->pid == job->pid)
		return true;
	if (l->pidfd >= 0)
		close(l->pidfd);
	l->pidfd = -1;
	l->pid = job->pid;
	l->pid_start = job->pid_start;
	fd = mgmt_proc_watch(job->pid);
	if (!mgmt_proc_alive(job->pid, job->pid_start)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* Without a descriptor the tick looks after it. */
	l->pidfd = fd < 0 ? -1 : fd;
	if (fd >= 0)
		c->ops->watch(c->ctx, job->vf, fd);
	return true;
}

static void to_free(struct mgmt_core *c, struct mgmt_job *job)
{
	struct mgmt_lease *l = &c->lease[job->vf];

	mgmt_copy(l->reason, job->to == MGMT_BROKEN ? job->reason : "");
	if (job->to == MGMT_BROKEN)
		mgmt_log(OS_LOG_ERR, "VF %u is broken: %s", job->vf, l->reason);
	else
		mgmt_log(OS_LOG_INFO, "VF %u is free", job->vf);
	mgmt_lease_clear(l);
	mgmt_lease_keep(c, job->vf);
	say(c, job);
	free(job);
}

static void to_attached(struct mgmt_core *c, struct mgmt_job *job)
{
	struct mgmt_lease *l = &c->lease[job->vf];

	if (!watch_vm(c, job)) {
		mgmt_log(OS_LOG_WARN, "VF %u: its VM %s has ended", job->vf, l->vm);
		if (job->kind == MGMT_JOB_ATTACH)
			(void)os_err_set(&job->err, -ESRCH, "its process has ended",
					 "start it again", "%s did not keep VF %u", l->vm, job->vf);
		else if (job->kind == MGMT_JOB_DETACH)
			job->err = (struct os_err){0};
		if (!mgmt_lease_move(l, MGMT_SCRUBBING))
			scrub_next(c, job);
		return;
	}
	mgmt_log(OS_LOG_INFO, "VF %u is attached to %s (process %d)", job->vf, l->vm, (int)l->pid);
	mgmt_lease_keep(c, job->vf);
	say(c, job);
	free(job);
}

void mgmt_core_job_done(struct mgmt_core *c, struct mgmt_job *job)
{
	struct mgmt_lease *l = &c->lease[job->vf];

	if (job->kind == MGMT_JOB_PROBE) {
		if (job->gen == l->gen)
			l->probing = false;
		/* The reservation may have ended, or be ending, since the look was taken. */
		if (job->gen != l->gen || l->state != MGMT_RESERVED || job->to != MGMT_ATTACHED) {
			free(job);
			return;
		}
	}
	if (mgmt_lease_move(l, job->to)) {
		(void)os_err_set(&job->err, -EPERM, "state", "report it",
				 "VF %u is in a state that does not fit", job->vf);
		say(c, job);
		free(job);
		return;
	}
	switch (job->to) {
	case MGMT_SCRUBBING:
		scrub_next(c, job);
		break;
	case MGMT_ATTACHED:
		to_attached(c, job);
		break;
	case MGMT_RESERVED:
		mgmt_log(OS_LOG_INFO, "VF %u is reserved for %s", job->vf, l->vm);
		mgmt_lease_keep(c, job->vf);
		say(c, job);
		free(job);
		break;
	default:
		to_free(c, job);
		break;
	}
}

void mgmt_core_died(struct mgmt_core *c, unsigned int vf)
{
	struct mgmt_lease *l = &c->lease[vf];
	struct mgmt_job *job;

	if (l->pidfd >= 0)
		close(l->pidfd);
	l->pidfd = -1;
	/* While it is being detached, that job finds the VM dead by itself. */
	if (l->state != MGMT_ATTACHED)
		return;
	mgmt_log(OS_LOG_INFO, "VF %u: its VM %s has ended", vf, l->vm);
	job = mgmt_job_new(c, MGMT_JOB_SCRUB, vf, NULL);
	if (!job || mgmt_lease_move(l, MGMT_SCRUBBING)) {
		free(job);
		return;
	}
	scrub_next(c, job);
}

static void probe(struct mgmt_core *c, unsigned int vf)
{
	struct mgmt_job *job = mgmt_job_new(c, MGMT_JOB_PROBE, vf, NULL);

	if (!job)
		return;
	c->lease[vf].probing = true;
	if (c->ops->start(c->ctx, job)) {
		c->lease[vf].probing = false;
		free(job);
	}
}

void mgmt_core_tick(struct mgmt_core *c)
{
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++) {
		struct mgmt_lease *l = &c->lease[vf];

		if (l->state == MGMT_RESERVED && !l->probing)
			probe(c, vf);
		/* A death that its descriptor did not tell of, for lack of memory or of
		 * descriptors. */
		if (l->state == MGMT_ATTACHED && !mgmt_proc_alive(l->pid, l->pid_start))
			mgmt_core_died(c, vf);
		if (l->unsaved && !mgmt_lease_busy(l))
			mgmt_lease_keep(c, vf);
	}
}

bool mgmt_core_attached(const struct mgmt_core *c)
{
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++)
		if (c->lease[vf].state != MGMT_FREE && c->lease[vf].state != MGMT_BROKEN)
			return true;
	return false;
}

static void start_lease(struct mgmt_core *c, unsigned int vf)
{
	struct mgmt_lease *l = &c->lease[vf];
	struct os_err err = {0};
	struct mgmt_job *job;
	int ret;

	l->pidfd = -1;
	l->state = MGMT_FREE;
	ret = mgmt_store_lease_get(c->store, vf, l, &err);
	if (ret == -ENOENT)
		return;
	job = ret ? NULL : mgmt_job_new(c, MGMT_JOB_RECOVER, vf, NULL);
	if (job) {
		l->state = MGMT_PREPARING;
		ret = c->ops->start(c->ctx, job);
	}
	if (!ret && job)
		return;
	free(job);
	mgmt_lease_clear(l);
	l->state = MGMT_BROKEN;
	mgmt_text(l->reason, sizeof(l->reason), "%s",
		  err.no ? err.what : "what became of its VM could not be found out");
	mgmt_log(OS_LOG_ERR, "VF %u is broken: %s", vf, l->reason);
}

void mgmt_core_start(struct mgmt_core *c)
{
	struct os_err err = {0};
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++)
		if (mgmt_policy_restore(c, vf, &err))
			mgmt_log_err(OS_LOG_ERR, &err);
	for (vf = 0; vf < c->num_vfs; vf++)
		start_lease(c, vf);
}

void mgmt_core_stop(struct mgmt_core *c)
{
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++) {
		if (c->lease[vf].pidfd >= 0)
			close(c->lease[vf].pidfd);
		c->lease[vf].pidfd = -1;
	}
}
