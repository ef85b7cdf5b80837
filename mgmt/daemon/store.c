/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Intent on disk: the file, its lock and its transactions. */
#include "store_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define BUSY_MS	    1000 /* how long a reader with an ordinary tool may hold us up */
#define SCHEMA_TEXT "1"

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS policy(vf INTEGER PRIMARY KEY, mac TEXT NOT NULL, vlan "
	"INTEGER, "
	"qos INTEGER, spoofchk INTEGER, trust INTEGER, link INTEGER, rate_max INTEGER, "
	"rate_min INTEGER);"
	"CREATE TABLE IF NOT EXISTS lease(vf INTEGER PRIMARY KEY, state TEXT NOT NULL, "
	"vm TEXT NOT NULL, qmp TEXT NOT NULL, cold INTEGER, pid INTEGER, pid_start INTEGER);";

static bool is_full(int no)
{
	return no == ENOSPC || no == EDQUOT || no == EFBIG;
}

/* SQLite's result as an errno; a file that may not grow is as full as a full disk. */
static int to_errno(struct mgmt_store *s, int rc)
{
	int sys = sqlite3_system_errno(s->db);

	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (is_full(sys))
			return -ENOSPC;
		return sys == EACCES || sys == EPERM ? -EACCES : -EIO;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	}
	return -EIO;
}

static const char *mend_of(int ret)
{
	switch (ret) {
	case -ENOSPC:
		return "free room on that disk, then try again";
	case -EROFS:
	case -EACCES:
		return "run as root, or name a directory that can be written by --state";
	case -EBUSY:
		return "end the program that has it open, then try again";
	}
	return "move sluice.db away, or restore it, and start sluiced again";
}

int mgmt_store_error(struct mgmt_store *s, int rc, struct os_err *err)
{
	int ret = to_errno(s, rc);

	return os_err_set(err, ret, ret == -ENOSPC ? "the disk is full" : sqlite3_errmsg(s->db),
			  mend_of(ret), "%s/sluice.db could not be written", s->dir);
}

int mgmt_store_exec(struct mgmt_store *s, const char *sql, struct os_err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : mgmt_store_error(s, rc, err);
}

int mgmt_store_begin(struct mgmt_store *s, struct os_err *err)
{
	return mgmt_store_exec(s, "BEGIN IMMEDIATE", err);
}

int mgmt_store_flush(struct mgmt_store *s, struct os_err *err)
{
	int rc = sqlite3_db_cacheflush(s->db);

	return rc == SQLITE_OK ? 0 : mgmt_store_error(s, rc, err);
}

int mgmt_store_commit(struct mgmt_store *s, struct os_err *err)
{
	int ret = mgmt_store_exec(s, "COMMIT", err);

	if (ret)
		mgmt_store_rollback(s);
	return ret;
}

void mgmt_store_rollback(struct mgmt_store *s)
{
	/* SQLite may have rolled back by itself when the disk was full; then this is an error to
	 * ignore. */
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* mkdir -p, 0700 for what is made. */
static int make_dirs(const char *dir)
{
	char path[MGMT_PATH_LEN];
	char *p;

	mgmt_copy(path, dir);
	for (p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int lock_dir(struct mgmt_store *s, struct os_err *err)
{
	char path[MGMT_PATH_LEN + 16];
	int ret = make_dirs(s->dir);

	mgmt_text(path, sizeof(path), "%s/sluiced.lock", s->dir);
	if (!ret) {
		s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->lock_fd < 0)
			ret = -errno;
	}
	if (ret)
		return os_err_set(err, is_full(-ret) ? -ENOSPC : ret, strerror(-ret), mend_of(ret),
				  "the state directory %s cannot be used", s->dir);
	if (!flock(s->lock_fd, LOCK_EX | LOCK_NB))
		return 0;
	return os_err_set(err, -EBUSY, "one daemon owns a state directory",
			  "end the other sluiced, or give this one another --state",
			  "the state directory %s is in use", s->dir);
}

/* The token is in it: nobody else may open it, not even between its making and a chmod(). */
static int make_file(const char *path, struct os_err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	int ret = fd < 0 || fchmod(fd, 0600) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	if (!ret)
		return 0;
	ret = is_full(-ret) ? -ENOSPC : ret;
	return os_err_set(err, ret, strerror(-ret), mend_of(ret), "%s cannot be used", path);
}

static int check_schema(struct mgmt_store *s, struct os_err *err)
{
	char version[16];
	int ret;

	ret = mgmt_store_begin(s, err);
	if (ret)
		return ret;
	ret = mgmt_store_exec(s, schema, err);
	if (!ret)
		ret = mgmt_store_meta_get(s, "schema", version, sizeof(version), err);
	if (ret == -ENOENT)
		ret = mgmt_store_meta_put(s, "schema", SCHEMA_TEXT, err);
	else if (!ret && strcmp(version, SCHEMA_TEXT))
		ret = os_err_set(err, -EPROTONOSUPPORT, "this sluiced knows schema " SCHEMA_TEXT,
				 "use the sluiced that wrote it, or another --state",
				 "%s/sluice.db has schema %s", s->dir, version);
	if (ret) {
		mgmt_store_rollback(s);
		return ret;
	}
	return mgmt_store_commit(s, err);
}

int mgmt_store_open(const char *dir, struct mgmt_store **out, struct os_err *err)
{
	struct mgmt_store *s = calloc(1, sizeof(*s));
	char path[MGMT_PATH_LEN + 16];
	int rc, ret;

	if (!s)
		return os_err_set(err, -ENOMEM, "memory", "free some", "the store was not opened");
	/* A file size limit is an error to answer, not a signal to die of. */
	signal(SIGXFSZ, SIG_IGN);
	s->lock_fd = -1;
	mgmt_copy(s->dir, dir);
	ret = lock_dir(s, err);
	if (ret)
		goto err_close;
	mgmt_text(path, sizeof(path), "%s/sluice.db", dir);
	ret = make_file(path, err);
	if (ret)
		goto err_close;
	rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE, NULL);
	if (rc != SQLITE_OK) {
		ret = mgmt_store_error(s, rc, err);
		goto err_close;
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	ret = mgmt_store_exec(s, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL", err);
	if (!ret)
		ret = check_schema(s, err);
	if (ret)
		goto err_close;
	*out = s;
	return 0;
err_close:
	mgmt_store_close(s);
	return ret;
}

void mgmt_store_close(struct mgmt_store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}
