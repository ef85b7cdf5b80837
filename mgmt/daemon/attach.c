/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* attach, detach and reset: checked against the leases, written down, started. */
#include "core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "text.h"

struct mgmt_job *mgmt_job_new(struct mgmt_core *c, enum mgmt_job_kind kind, unsigned int vf,
			      const struct mgmt_waiter *who)
{
	const struct mgmt_lease *l = &c->lease[vf];
	struct mgmt_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->kind = kind;
	if (who)
		job->who = *who;
	job->vf = vf;
	job->gen = l->gen;
	job->from = l->state;
	mgmt_text(job->nic.id, sizeof(job->nic.id), "sluice-vf%u", vf);
	mgmt_copy(job->nic.bdf, l->bdf);
	job->nic.token = c->token;
	mgmt_copy(job->vm, l->vm);
	mgmt_copy(job->qmp, l->qmp);
	job->cold = l->cold;
	job->pid = l->pid;
	job->pid_start = l->pid_start;
	return job;
}

int mgmt_lease_save(struct mgmt_core *c, unsigned int vf, struct os_err *err)
{
	int ret = mgmt_store_begin(c->store, err);

	if (ret)
		return ret;
	ret = mgmt_store_lease_put(c->store, vf, &c->lease[vf], err);
	if (!ret)
		return mgmt_store_commit(c->store, err);
	mgmt_store_rollback(c->store);
	return ret;
}

void mgmt_lease_keep(struct mgmt_core *c, unsigned int vf)
{
	struct mgmt_lease *l = &c->lease[vf];
	struct os_err err = {0};
	int ret = mgmt_lease_save(c, vf, &err);

	if (ret && !l->unsaved)
		mgmt_log_err(OS_LOG_ERR, &err);
	l->unsaved = ret;
}

static int busy(unsigned int vf, const struct mgmt_lease *l, struct os_err *err)
{
	static const char *const doing[MGMT_STATES] = {
		[MGMT_PREPARING] = "prepared",
		[MGMT_DETACHING] = "detached",
		[MGMT_SCRUBBING] = "scrubbed",
	};

	return os_err_set(err, -EBUSY, "one operation at a time works on a VF",
			  "try again when sluice vf shows another state", "VF %u is being %s%s%s",
			  vf, doing[l->state], l->vm[0] ? ", for " : "", l->vm);
}

static int broken(unsigned int vf, const struct mgmt_lease *l, struct os_err *err)
{
	char mend[192];

	mgmt_text(mend, sizeof(mend), "sluice vf reset %u", vf);
	return os_err_set(err, -EIO, l->reason, mend, "VF %u is broken and not handed out", vf);
}

static int taken(unsigned int vf, const struct mgmt_lease *l, const char *vm, struct os_err *err)
{
	char mend[192];

	mgmt_text(mend, sizeof(mend), "sluice detach %s %u", l->vm, vf);
	if (!strcmp(l->vm, vm))
		return os_err_set(err, -EEXIST, "a VM gets a VF once", "nothing is to be done",
				  "%s has VF %u already", vm, vf);
	return os_err_set(err, -EBUSY, "a VF has one owner", mend, "VF %u is %s %s", vf,
			  l->state == MGMT_RESERVED ? "reserved for" : "attached to", l->vm);
}

static int check_free(const struct mgmt_core *c, unsigned int vf, const char *vm,
		      struct os_err *err)
{
	const struct mgmt_lease *l = &c->lease[vf];

	if (l->state == MGMT_FREE)
		return 0;
	if (mgmt_lease_busy(l))
		return busy(vf, l, err);
	return l->state == MGMT_BROKEN ? broken(vf, l, err) : taken(vf, l, vm, err);
}

/* The VF that the client means by not saying one. */
static int first_free(const struct mgmt_core *c, struct os_err *err)
{
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++)
		if (c->lease[vf].state == MGMT_FREE)
			return (int)vf;
	return os_err_set(err, -EBUSY, "every VF has an owner, is at work or broken",
			  "detach one: sluice vf shows who has them", "no VF is free");
}

/* One socket is one VM, or a detach would go to the wrong one. */
static int check_qmp(const struct mgmt_core *c, const char *vm, const char *qmp, struct os_err *err)
{
	unsigned int vf;

	for (vf = 0; vf < c->num_vfs; vf++) {
		const struct mgmt_lease *l = &c->lease[vf];

		if (l->vm[0] && strcmp(l->vm, vm) && !strcmp(l->qmp, qmp))
			return os_err_set(err, -EADDRINUSE, "a QMP socket belongs to one VM",
					  "name the VM's own socket with --qmp",
					  "the QMP socket is that of %s", l->vm);
	}
	return 0;
}

/* Starts a job for a VF that has just become busy. */
static int launch(struct mgmt_core *c, struct mgmt_job *job, struct os_err *err)
{
	int ret = job ? c->ops->start(c->ctx, job) : -ENOMEM;

	if (!ret)
		return 0;
	free(job);
	return os_err_set(err, ret, strerror(-ret), "free memory or threads, then try again",
			  "the operation could not be started");
}

static void take_name(struct mgmt_lease *l, const struct mgmt_lease_msg *m)
{
	mgmt_copy(l->vm, m->vm);
	if (m->qmp[0])
		mgmt_copy(l->qmp, m->qmp);
	else
		mgmt_text(l->qmp, sizeof(l->qmp), MGMT_QMP_DIR "/%s.qmp", m->vm);
	l->cold = m->cold;
}

/* Has @vf's VM another VF too? */
static bool has_other(const struct mgmt_core *c, unsigned int vf)
{
	unsigned int i;

	for (i = 0; i < c->num_vfs; i++)
		if (i != vf && !strcmp(c->lease[i].vm, c->lease[vf].vm))
			return true;
	return false;
}

int mgmt_attach(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
		struct os_err *err)
{
	struct mgmt_lease *l, want = {.pidfd = -1};
	struct mgmt_job *job;
	int vf, ret;

	if (!m->vm[0])
		return os_err_set(err, -EINVAL, "attach needs the VM's name", "give it",
				  "no VM was named");
	ret = m->vf >= 0 ? mgmt_check_vf(c, (uint32_t)m->vf, err) : 0;
	vf = ret ? ret : m->vf >= 0 ? m->vf : first_free(c, err);
	if (vf < 0)
		return vf;
	take_name(&want, m);
	ret = check_free(c, (unsigned int)vf, m->vm, err);
	if (!ret)
		ret = check_qmp(c, m->vm, want.qmp, err);
	/* What isolates it (VLAN, spoof check) may have been refused at the start. */
	if (!ret)
		ret = mgmt_policy_restore(c, (unsigned int)vf, err);
	if (ret)
		return ret;
	l = &c->lease[vf];
	if (mgmt_lease_move(l, MGMT_PREPARING))
		return os_err_set(err, -EPERM, "state", "report it", "VF %d was not attached", vf);
	take_name(l, m);
	l->reason[0] = '\0';
	ret = mgmt_lease_save(c, (unsigned int)vf, err);
	if (ret)
		goto err_free;
	job = mgmt_job_new(c, MGMT_JOB_ATTACH, (unsigned int)vf, who);
	if (job)
		job->has_qmp = has_other(c, (unsigned int)vf);
	ret = launch(c, job, err);
	if (!ret)
		return 0;
err_free:
	mgmt_lease_clear(l);
	l->state = MGMT_FREE;
	mgmt_lease_keep(c, (unsigned int)vf);
	return ret;
}

/* The only VF of @vm. */
static int only_vf(const struct mgmt_core *c, const char *vm, struct os_err *err)
{
	unsigned int vf, n = 0, found = 0;
	char mend[192];

	for (vf = 0; vf < c->num_vfs; vf++) {
		if (strcmp(c->lease[vf].vm, vm))
			continue;
		found = vf;
		n++;
	}
	if (n == 1)
		return (int)found;
	if (!n)
		return os_err_set(err, -ENOENT, "only what is attached can be detached",
				  "sluice vf shows who has which VF", "%s has no VF", vm);
	mgmt_text(mend, sizeof(mend), "sluice detach %s VF", vm);
	return os_err_set(err, -EINVAL, "one VF is detached at a time", mend, "%s has %u VFs", vm,
			  n);
}

static int check_owner(const struct mgmt_core *c, unsigned int vf, const char *vm,
		       struct os_err *err)
{
	const struct mgmt_lease *l = &c->lease[vf];
	char rule[160];

	if (strcmp(l->vm, vm)) {
		if (l->vm[0])
			mgmt_text(rule, sizeof(rule), "%s has it", l->vm);
		else
			mgmt_text(rule, sizeof(rule), "it is %s", mgmt_state_name(l->state));
		return os_err_set(err, -ENOENT, rule, "sluice vf shows who has which VF",
				  "VF %u is not attached to %s", vf, vm);
	}
	return mgmt_lease_busy(l) ? busy(vf, l, err) : 0;
}

int mgmt_detach(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
		struct os_err *err)
{
	struct mgmt_lease *l;
	struct mgmt_job *job;
	enum mgmt_state was;
	int vf, ret;

	if (!m->vm[0])
		return os_err_set(err, -EINVAL, "detach needs the VM's name", "give it",
				  "no VM was named");
	ret = m->vf >= 0 ? mgmt_check_vf(c, (uint32_t)m->vf, err) : 0;
	vf = ret ? ret : m->vf >= 0 ? m->vf : only_vf(c, m->vm, err);
	if (vf < 0)
		return vf;
	ret = check_owner(c, (unsigned int)vf, m->vm, err);
	if (ret)
		return ret;
	l = &c->lease[vf];
	was = l->state;
	job = mgmt_job_new(c, MGMT_JOB_DETACH, (unsigned int)vf, who);
	if (mgmt_lease_move(l, MGMT_DETACHING)) {
		free(job);
		return os_err_set(err, -EPERM, "state", "report it", "VF %d was not detached", vf);
	}
	ret = mgmt_lease_save(c, (unsigned int)vf, err);
	if (ret) {
		free(job);
		l->state = was;
		return ret;
	}
	ret = launch(c, job, err);
	if (ret) {
		l->state = was;
		mgmt_lease_keep(c, (unsigned int)vf);
	}
	return ret;
}

int mgmt_reset(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
	       struct os_err *err)
{
	struct mgmt_lease *l;
	struct mgmt_job *job;
	enum mgmt_state was;
	char mend[192];
	int ret;

	if (m->vf < 0)
		return os_err_set(err, -EINVAL, "reset needs a VF", "give its number",
				  "no VF was named");
	ret = mgmt_check_vf(c, (uint32_t)m->vf, err);
	if (ret)
		return ret;
	l = &c->lease[m->vf];
	was = l->state;
	if (mgmt_lease_busy(l))
		return busy((unsigned int)m->vf, l, err);
	mgmt_text(mend, sizeof(mend), "sluice detach %s %d", l->vm, m->vf);
	if (l->state != MGMT_FREE && l->state != MGMT_BROKEN)
		return os_err_set(err, -EBUSY, "a VF is reset only while nobody has it", mend,
				  "VF %d is %s %s", m->vf,
				  was == MGMT_RESERVED ? "reserved for" : "attached to", l->vm);
	job = mgmt_job_new(c, MGMT_JOB_SCRUB, (unsigned int)m->vf, who);
	if (mgmt_lease_move(l, MGMT_SCRUBBING)) {
		free(job);
		return os_err_set(err, -EPERM, "state", "report it", "VF %d was not reset", m->vf);
	}
	ret = launch(c, job, err);
	if (ret)
		l->state = was;
	return ret;
}
