/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Who has a VF: the state machine of the README, and processes that may die. */
#ifndef SLUICE_MGMT_DAEMON_LEASE_H
#define SLUICE_MGMT_DAEMON_LEASE_H

#include <sys/types.h>

#include "abi/mgmt.h"

/* One VF's; the control thread's alone. */
struct mgmt_lease {
	enum mgmt_state state;
	char bdf[MGMT_BDF_LEN];
	int group;
	char vm[MGMT_VM_LEN], qmp[MGMT_PATH_LEN]; /* empty when free or broken */
	bool cold;
	pid_t pid;	    /* QEMU's, 0: not known */
	uint64_t pid_start; /* its start time, so that a number used again is not taken for it */
	int pidfd;	    /* -1: none */
	uint64_t gen; /* one more for each owner: a late result is not taken for the next one's */
	bool probing; /* somebody is looking whether the VM is there */
	bool unsaved; /* the store has not been told yet */
	char reason[MGMT_REASON_LEN]; /* why it is broken */
};

/* Is there an arrow from @from to @to? */
bool mgmt_lease_may(enum mgmt_state from, enum mgmt_state to);
/* Follows it, or stays and answers -EPERM (a fault of the daemon's own, which is logged). */
int mgmt_lease_move(struct mgmt_lease *l, enum mgmt_state to) must_check;
/* Does somebody work on it at the moment? */
bool mgmt_lease_busy(const struct mgmt_lease *l);
/* Forgets the owner: closes the descriptor, counts the generation up. */
void mgmt_lease_clear(struct mgmt_lease *l);

/*
 * The start time of @pid in clock ticks since boot. -ESRCH: it has ended, waited for or not;
 * another errno when /proc could not be read.
 */
int mgmt_proc_start(pid_t pid, uint64_t *start) must_check;
/* Is @pid still the process that began at @start (0: not known)? True when that cannot be seen. */
bool mgmt_proc_alive(pid_t pid, uint64_t start);
/* A descriptor that becomes readable when @pid ends; negative errno. */
int mgmt_proc_watch(pid_t pid) must_check;

#endif
