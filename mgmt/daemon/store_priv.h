/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the two files of the store share. */
#ifndef SLUICE_MGMT_DAEMON_STORE_PRIV_H
#define SLUICE_MGMT_DAEMON_STORE_PRIV_H

#include <sqlite3.h>

#include "store.h"

/* Made by mgmt_store_open(), freed by mgmt_store_close(). */
struct mgmt_store {
	sqlite3 *db;
	int lock_fd;
	char dir[MGMT_PATH_LEN];
};

/* Fills @err from SQLite's result @rc; a negative errno. */
int mgmt_store_error(struct mgmt_store *s, int rc, struct os_err *err);
int mgmt_store_exec(struct mgmt_store *s, const char *sql, struct os_err *err);

#endif
