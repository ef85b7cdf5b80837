/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Intent on disk: the token, each VF's policy, who has which VF. One SQLite file with a rollback
 * journal. The control thread's alone.
 *
 * A change is begin, put..., flush, then the hardware, then commit or rollback. After flush the new
 * pages are in the file and the old ones in the journal, so commit needs no more room: a full disk
 * shows before the hardware is touched, and a crash before commit restores what was.
 *
 * Errors: -ENOSPC disk or quota full, -EROFS, -EACCES, -EBUSY another program holds it locked,
 * -EIO.
 */
#ifndef SLUICE_MGMT_DAEMON_STORE_H
#define SLUICE_MGMT_DAEMON_STORE_H

#include "drv/pf.h"
#include "lease.h"
#include "os/err.h"

struct mgmt_store;

/* Opens or makes @dir/sluice.db, and locks @dir for this process. -EBUSY another daemon has it. */
int mgmt_store_open(const char *dir, struct mgmt_store **out, struct os_err *err) must_check;
void mgmt_store_close(struct mgmt_store *s);

int mgmt_store_begin(struct mgmt_store *s, struct os_err *err) must_check;
int mgmt_store_flush(struct mgmt_store *s, struct os_err *err) must_check;
/* On failure what was stands. */
int mgmt_store_commit(struct mgmt_store *s, struct os_err *err) must_check;
void mgmt_store_rollback(struct mgmt_store *s);

/* A named text ("token", "pf", "driver"); get: 0, or -ENOENT with "" in @value. */
int mgmt_store_meta_put(struct mgmt_store *s, const char *key, const char *value,
			struct os_err *err) must_check;
int mgmt_store_meta_get(struct mgmt_store *s, const char *key, char *value, size_t size,
			struct os_err *err) must_check;

int mgmt_store_policy_put(struct mgmt_store *s, unsigned int vf, const struct pf_vf_policy *pol,
			  struct os_err *err) must_check;
/* 0, or -ENOENT and the default in *@pol. */
int mgmt_store_policy_get(struct mgmt_store *s, unsigned int vf, struct pf_vf_policy *pol,
			  struct os_err *err) must_check;

/* State, VM, QMP path, cold and process of @l; a free or broken one is removed. */
int mgmt_store_lease_put(struct mgmt_store *s, unsigned int vf, const struct mgmt_lease *l,
			 struct os_err *err) must_check;
/* Fills those members of @l. 0, or -ENOENT: nobody has it. */
int mgmt_store_lease_get(struct mgmt_store *s, unsigned int vf, struct mgmt_lease *l,
			 struct os_err *err) must_check;
/* How many leases there are for VFs at or above @vf. */
int mgmt_store_lease_count(struct mgmt_store *s, unsigned int vf, unsigned int *n,
			   struct os_err *err) must_check;

#endif
