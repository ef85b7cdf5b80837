/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The manager without its sockets: requests in, answers out, leases and policy between. The control
 * thread's alone. The server around it brings packets, job results, deaths of VMs and seconds.
 */
#ifndef SLUICE_MGMT_DAEMON_CORE_H
#define SLUICE_MGMT_DAEMON_CORE_H

#include "abi/mgmt_msg.h"
#include "job.h"
#include "lease.h"
#include "store.h"

/* What the core asks of the server. */
struct mgmt_core_ops {
	/* Sends @msg (NULL: there was no memory for it) to @client, if it is still there, and frees
	 * it. */
	void (*answer)(void *ctx, uint64_t client, struct nl_msg *msg);
	/* Calls mgmt_core_died(@vf) when @pidfd becomes readable; closing it ends that. */
	void (*watch)(void *ctx, unsigned int vf, int pidfd);
	/* Starts @job, or -errno. */
	int (*start)(void *ctx, struct mgmt_job *job);
};

/* The caller's; filled before mgmt_core_start() except for what it says. */
struct mgmt_core {
	struct mgmt_job_env env;
	struct mgmt_store *store; /* borrowed */
	const struct mgmt_core_ops *ops;
	void *ctx;
	struct vfio_token token;
	struct mgmt_link link; /* what of the card does not change */
	unsigned int num_vfs;
	struct mgmt_lease lease[PF_VFS_MAX]; /* bdf and group; the rest is mgmt_core_start()'s */
};

/*
 * Applies stored policy, and finds out what became of stored leases. What does not work is logged.
 */
void mgmt_core_start(struct mgmt_core *c);
/* Closes what leases hold; the store keeps them. */
void mgmt_core_stop(struct mgmt_core *c);
/* One packet of @client, 4-aligned; whatever is in it, it is answered. */
void mgmt_core_packet(struct mgmt_core *c, uint64_t client, const void *packet, size_t len);
/* A packet that was longer than MGMT_REQUEST_MAX; its first @len bytes are in @packet. */
void mgmt_core_oversized(struct mgmt_core *c, uint64_t client, const void *packet, size_t len);
/* Takes over and frees @job, whose thread has ended. */
void mgmt_core_job_done(struct mgmt_core *c, struct mgmt_job *job);
/* The process of @vf's VM has ended. */
void mgmt_core_died(struct mgmt_core *c, unsigned int vf);
/* Once a second. */
void mgmt_core_tick(struct mgmt_core *c);
bool mgmt_core_attached(const struct mgmt_core *c);

/* The core's own files call each other by these. */

/* Answers to a waiter. */
void mgmt_answer_err(struct mgmt_core *c, const struct mgmt_waiter *who, const struct os_err *err);
void mgmt_answer_ack(struct mgmt_core *c, const struct mgmt_waiter *who);
/* Reads one VF, or the card, as it is now; 0 or why not. */
int mgmt_show_vf(struct mgmt_core *c, unsigned int vf, struct mgmt_vf *out, struct os_err *err);
int mgmt_show_link(struct mgmt_core *c, struct mgmt_link *out, struct os_err *err);
/* -EINVAL when there is no such VF. */
int mgmt_check_vf(const struct mgmt_core *c, uint32_t vf, struct os_err *err);

/* @pol with @set in it; 0, or -EINVAL and which rule. Pure. */
int mgmt_policy_merge(const struct mgmt_vf_set *set, struct pf_vf_policy *pol, enum pf_rule *rule);
/* Stores and applies @n changes, all or none. */
int mgmt_policy_apply(struct mgmt_core *c, const struct mgmt_vf_set *set, unsigned int n,
		      struct os_err *err);
/* Puts @vf's stored policy in force, if it has one. */
int mgmt_policy_restore(struct mgmt_core *c, unsigned int vf, struct os_err *err);

/*
 * Start what the client asks; the answer comes with the job's end. A negative errno: refused now.
 */
int mgmt_attach(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
		struct os_err *err);
int mgmt_detach(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
		struct os_err *err);
int mgmt_reset(struct mgmt_core *c, const struct mgmt_waiter *who, const struct mgmt_lease_msg *m,
	       struct os_err *err);

/* A job for @vf with copies of its lease, or NULL. */
struct mgmt_job *mgmt_job_new(struct mgmt_core *c, enum mgmt_job_kind kind, unsigned int vf,
			      const struct mgmt_waiter *who);
/* Writes @vf's lease into the store; begin to commit. */
int mgmt_lease_save(struct mgmt_core *c, unsigned int vf, struct os_err *err);
/* After a fact that cannot be refused: what could not be saved is tried again each second. */
void mgmt_lease_keep(struct mgmt_core *c, unsigned int vf);

#endif
