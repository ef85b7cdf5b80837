/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a job does: hand a VF over, take it back, clean it, look after its VM. */
#include "job.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lease.h"
#include "text.h"

#define CLOSE_STEP_MS 50
#define UNPLUG_MS     20000 /* a guest without hot-plug support never answers */

const struct mgmt_vm_ops mgmt_vm_real = {
	vm_host_check, vfio_function_reset, vm_qemu_args, vm_probe, vm_plug, vm_unplug,
};

static void pause_ms(unsigned int ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

/* Fit to be handed over or reset. QEMU closes a VF only some time after it, or the process, is
 * gone. */
static int wait_closed(const struct mgmt_job_env *env, const struct mgmt_job *job,
		       struct os_err *err)
{
	unsigned int waited;
	int ret;

	for (waited = 0;; waited += CLOSE_STEP_MS) {
		ret = env->vm->host_check(job->nic.bdf, env->unsafe_irq, err);
		if (ret != -EBUSY || waited >= env->close_ms)
			return ret;
		pause_ms(CLOSE_STEP_MS);
	}
}

/* Reset, scrub, and proof that nothing of the former owner is left. */
static int clean(const struct mgmt_job_env *env, const struct mgmt_job *job, struct os_err *err)
{
	uint32_t reg = 0;
	char rule[160];
	int ret;

	ret = env->vm->reset(job->nic.bdf, err);
	if (ret)
		return ret;
	ret = env->card.ops->scrub(env->card.ctx, job->vf, &reg);
	if (!ret)
		return 0;
	mgmt_text(rule, sizeof(rule), "register 0x%05x kept its value (%s)", reg, strerror(-ret));
	return os_err_set(err, ret, rule, "sluice vf reset tries again; else restart sluiced",
			  "VF %u could not be shown clean", job->vf);
}

static void broken(struct mgmt_job *job, const struct os_err *err)
{
	mgmt_text(job->reason, sizeof(job->reason), "%s: %s", err->what, err->rule);
	if (!job->err.no)
		job->err = *err;
	job->to = MGMT_BROKEN;
}

/* QEMU's arguments; two of the same socket would end it at once. */
static int make_args(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	int ret = env->vm->args(&job->nic, job->qmp, job->args, &job->err);
	char *qmp = ret || !job->has_qmp ? NULL : strstr(job->args, " -qmp ");

	if (qmp)
		*qmp = '\0';
	return ret;
}

/* A VM that is not there, or has the VF already, is refused before anything is done to the VF. */
static int check_vm(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	bool has = false;
	int ret;

	if (job->cold)
		return 0;
	ret = env->vm->probe(job->qmp, job->nic.id, NULL, &has, &job->err);
	if (ret || !has)
		return ret;
	return os_err_set(&job->err, -EEXIST, "a device has one place in a VM",
			  "remove it there by device_del, or use another VF",
			  "%s has a device %s already", job->vm, job->nic.id);
}

/* Plugs it in; true when the VM has it. A QEMU that went silent may have done it all the same. */
static bool plug(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	bool has = false;
	int ret = env->vm->plug(job->qmp, &job->nic, &job->pid, &job->err);

	if (ret != -ETIMEDOUT && ret != -ECONNRESET)
		return !ret;
	if (env->vm->probe(job->qmp, job->nic.id, &job->pid, &has, NULL) || !has)
		return false;
	job->err = (struct os_err){0};
	return true;
}

static void run_attach(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	struct os_err err = {0};

	job->to = MGMT_FREE;
	if (env->vm->host_check(job->nic.bdf, env->unsafe_irq, &job->err) || check_vm(env, job))
		return;
	if (clean(env, job, &err)) {
		broken(job, &err);
		return;
	}
	if (job->cold) {
		if (!make_args(env, job))
			job->to = MGMT_RESERVED;
		return;
	}
	/* A plug that failed may have got as far as the guest: what it saw is cleaned away. */
	job->to = plug(env, job) ? MGMT_ATTACHED : MGMT_SCRUBBING;
}

/* Nobody is at the socket, for the reason @err: may the VF be taken all the same? */
static enum mgmt_state quiet_vm(const struct mgmt_job_env *env, struct mgmt_job *job,
				const struct os_err *err)
{
	if (mgmt_proc_alive(job->pid, job->pid_start)) {
		job->err = *err;
		return job->from;
	}
	/* A reserved VF's VM never came, or it is starting and has opened the VF already. */
	if (job->from == MGMT_RESERVED &&
	    env->vm->host_check(job->nic.bdf, env->unsafe_irq, &job->err) == -EBUSY)
		return MGMT_RESERVED;
	job->err = (struct os_err){0};
	return MGMT_SCRUBBING;
}

static void run_detach(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	struct os_err err = {0};
	bool has = false;
	pid_t pid = 0;
	int ret;

	job->to = MGMT_SCRUBBING;
	if (env->vm->probe(job->qmp, job->nic.id, &pid, &has, &err)) {
		job->to = quiet_vm(env, job, &err);
		return;
	}
	if (!has)
		return;
	job->pid = pid;
	ret = env->vm->unplug(job->qmp, job->nic.id, UNPLUG_MS, &job->err);
	if (ret == -ENOENT) /* the guest was faster */
		job->err = (struct os_err){0};
	else if (ret)
		job->to = MGMT_ATTACHED;
}

static void run_scrub(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	struct os_err err = {0};

	job->to = MGMT_FREE;
	if (wait_closed(env, job, &err)) {
		/* Nobody of ours had it: whoever has it open is none of our business, and it stays
		 * as it was. */
		if (job->from == MGMT_FREE)
			job->err = err;
		else
			broken(job, &err);
		return;
	}
	if (clean(env, job, &err))
		broken(job, &err);
}

static void run_probe(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	bool has = false;
	pid_t pid = 0;

	job->to = MGMT_RESERVED;
	if (env->vm->probe(job->qmp, job->nic.id, &pid, &has, NULL) || !has)
		return;
	job->pid = pid;
	job->to = MGMT_ATTACHED;
}

static void run_recover(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	bool has = false;
	pid_t pid = 0;
	int ret = env->vm->probe(job->qmp, job->nic.id, &pid, &has, NULL);

	if (!ret && has) {
		job->pid = pid;
		job->to = MGMT_ATTACHED;
	} else if (ret && mgmt_proc_alive(job->pid, job->pid_start)) {
		/* It does not speak, but it lives, and may hold the VF. */
		job->to = MGMT_ATTACHED;
	} else if (job->from == MGMT_RESERVED) {
		job->to = MGMT_RESERVED;
	} else {
		job->to = MGMT_SCRUBBING;
	}
}

void mgmt_job_run(const struct mgmt_job_env *env, struct mgmt_job *job)
{
	static void (*const run[])(const struct mgmt_job_env *, struct mgmt_job *) = {
		[MGMT_JOB_ATTACH] = run_attach,	  [MGMT_JOB_DETACH] = run_detach,
		[MGMT_JOB_SCRUB] = run_scrub,	  [MGMT_JOB_PROBE] = run_probe,
		[MGMT_JOB_RECOVER] = run_recover,
	};

	run[job->kind](env, job);
	/* A start time belongs to its process: read while it lives, or the control thread finds it
	 * dead. */
	if (job->to == MGMT_ATTACHED && mgmt_proc_start(job->pid, &job->pid_start))
		job->pid_start = 0;
}
