/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Work that blocks (QMP, function-level resets), on a thread of its own for each job. A job has
 * copies of all it needs; the control thread makes it, takes it back when done, and frees it. At
 * most two run for one VF: one that owns it (its lease is busy), one that merely looks whether its
 * VM is there.
 */
#ifndef SLUICE_MGMT_DAEMON_JOB_H
#define SLUICE_MGMT_DAEMON_JOB_H

#include <linux/netlink.h>
#include <pthread.h>
#include <sys/types.h>

#include "abi/mgmt.h"
#include "card.h"
#include "glue/vm.h"

/* The VM side as a few calls, so that the logic runs without QEMU; as the vm_ and vfio_ calls. */
struct mgmt_vm_ops {
	int (*host_check)(const char *bdf, bool unsafe_irq, struct os_err *err);
	int (*reset)(const char *bdf, struct os_err *err);
	int (*args)(const struct vm_nic *nic, const char *qmp, char args[VM_ARGS_LEN],
		    struct os_err *err);
	int (*probe)(const char *qmp, const char *id, pid_t *pid, bool *has, struct os_err *err);
	int (*plug)(const char *qmp, const struct vm_nic *nic, pid_t *pid, struct os_err *err);
	int (*unplug)(const char *qmp, const char *id, unsigned int ms, struct os_err *err);
};
extern const struct mgmt_vm_ops mgmt_vm_real;

/* What jobs work on; outlives them, not changed while any runs. */
struct mgmt_job_env {
	struct mgmt_card card;
	const struct mgmt_vm_ops *vm;
	bool unsafe_irq;
	unsigned int close_ms; /* how long QEMU may take to close a VF that it let go, 3000 */
};

enum mgmt_job_kind {
	MGMT_JOB_ATTACH,  /* check, clean, plug or make the arguments */
	MGMT_JOB_DETACH,  /* unplug, or see that the VM is gone */
	MGMT_JOB_SCRUB,	  /* clean */
	MGMT_JOB_PROBE,	  /* has the VM of a reserved VF come? */
	MGMT_JOB_RECOVER, /* after a restart: what became of this lease? */
};

/* To whom the answer goes; client 0: nobody. */
struct mgmt_waiter {
	uint64_t client;
	struct nlmsghdr hdr;
};

struct mgmt_job {
	enum mgmt_job_kind kind;
	struct mgmt_waiter who;
	/* in */
	unsigned int vf;
	uint64_t gen;
	enum mgmt_state from; /* before it became busy */
	struct vm_nic nic;
	char vm[MGMT_VM_LEN], qmp[MGMT_PATH_LEN];
	bool cold;
	bool has_qmp; /* arguments of another VF of this VM hold the QMP socket already */
	/* in and out: 0 when not known */
	pid_t pid;
	uint64_t pid_start;
	/* out */
	enum mgmt_state to;
	struct os_err err;	      /* the client's; the first one stays */
	char reason[MGMT_REASON_LEN]; /* why it is broken */
	char args[VM_ARGS_LEN];
	/* jobs' own */
	struct mgmt_jobs *jobs;
	pthread_t thread;
	struct mgmt_job *next;
};

/* Does the job's work, where it is called; sets its out members. */
void mgmt_job_run(const struct mgmt_job_env *env, struct mgmt_job *job);

struct mgmt_jobs;

int mgmt_jobs_init(const struct mgmt_job_env *env, struct mgmt_jobs **out) must_check;
/* Waits for all that run (each is bounded), frees them unanswered. NULL is ignored. */
void mgmt_jobs_fini(struct mgmt_jobs *jobs);
/* A descriptor that is readable when a job is done. */
int mgmt_jobs_fd(const struct mgmt_jobs *jobs);
/* Takes @job over and runs it. On an error (-EAGAIN: no thread) the caller still has it. */
int mgmt_jobs_start(struct mgmt_jobs *jobs, struct mgmt_job *job) must_check;
/* The next one that is done, the caller's again; NULL when there is none. */
struct mgmt_job *mgmt_jobs_take(struct mgmt_jobs *jobs);
/* How many are under way or not taken yet. */
unsigned int mgmt_jobs_count(const struct mgmt_jobs *jobs);

#endif
