/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A card and VMs that are plain memory, for the manager's tests. Everything may be set and looked
 * at. */
#ifndef SLUICE_TESTS_UNIT_MGMT_FAKE_H
#define SLUICE_TESTS_UNIT_MGMT_FAKE_H

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mgmt/daemon/core.h"

#define FAKE_VFS 7

/* The order of what was done, a letter each: h host_check, r reset, s scrub, a args, p probe, +
 * plug, - unplug. */
struct fake {
	struct pf_vf_policy policy[FAKE_VFS];
	struct mac pf_mac, vf_mac[FAKE_VFS];
	unsigned int sets; /* policy_set() calls that were let through */
	int refuse_vf;	   /* this VF's policy is refused, -1: none */
	int scrub_ret, host_ret, reset_ret, plug_ret, unplug_ret, probe_ret;
	bool has, has_after_plug;
	pid_t pid;
	char log[128];
	sem_t *plug_gate; /* when set, a plug posts the second and waits for the first */
	sem_t *plugging;
};

/* A fake as after a good start: everything works, the VM's process is @pid. */
void fake_init(struct fake *f, pid_t pid);
/* A core on @f and @store, without a server. */
void fake_core(struct mgmt_core *c, struct fake *f, struct mgmt_store *store);
/* A process that plays the VM's: it waits to be ended. */
pid_t fake_vm_start(void);
void fake_vm_end(pid_t *pid);
/* A state directory, and its end. */
void fake_dir_make(char *dir);
void fake_dir_remove(const char *dir);

#endif
