/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The store: survives a crash at any point and a full disk, and believes no damaged row. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "mgmt/daemon/store.h"

struct fixture {
	char dir[64];
	struct mgmt_store *s;
	struct os_err err;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	strcpy(f.dir, "/tmp/sluice-store-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	assert_int_equal(mgmt_store_open(f.dir, &f.s, &f.err), 0);
	*state = &f;
	return 0;
}

static void path_in(const struct fixture *f, const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", f->dir, name);
}

static int teardown(void **state)
{
	static const char *const names[] = {"sluice.db", "sluice.db-journal", "sluiced.lock"};
	struct fixture *f = *state;
	char path[128];
	unsigned int i;

	mgmt_store_close(f->s);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		path_in(f, names[i], path, sizeof(path));
		unlink(path);
	}
	return rmdir(f->dir);
}

static void reopen(struct fixture *f)
{
	mgmt_store_close(f->s);
	f->s = NULL;
	assert_int_equal(mgmt_store_open(f->dir, &f->s, &f->err), 0);
}

static const struct pf_vf_policy a_policy = {
	.mac = {{2, 0, 0, 0, 0, 0xab}},
	.vlan = 100,
	.qos = 7,
	.spoofchk = false,
	.trust = true,
	.link = PF_VF_LINK_DISABLE,
	.rate_max = 4000000000U,
	.rate_min = 1,
};

static void put_policy(struct fixture *f, unsigned int vf, const struct pf_vf_policy *pol)
{
	assert_int_equal(mgmt_store_begin(f->s, &f->err), 0);
	assert_int_equal(mgmt_store_policy_put(f->s, vf, pol, &f->err), 0);
	assert_int_equal(mgmt_store_flush(f->s, &f->err), 0);
	assert_int_equal(mgmt_store_commit(f->s, &f->err), 0);
}

static bool same(const struct pf_vf_policy *a, const struct pf_vf_policy *b)
{
	return mac_equal(&a->mac, &b->mac) && a->vlan == b->vlan && a->qos == b->qos &&
	       a->spoofchk == b->spoofchk && a->trust == b->trust && a->link == b->link &&
	       a->rate_max == b->rate_max && a->rate_min == b->rate_min;
}

static void test_store_keeps_policy_and_meta(void **state)
{
	struct fixture *f = *state;
	struct pf_vf_policy pol;
	char text[40];

	assert_int_equal(mgmt_store_policy_get(f->s, 3, &pol, &f->err), -ENOENT);
	assert_true(pol.spoofchk);
	put_policy(f, 3, &a_policy);
	assert_int_equal(mgmt_store_meta_get(f->s, "token", text, sizeof(text), &f->err), -ENOENT);
	assert_int_equal(mgmt_store_meta_put(f->s, "token", "t1", &f->err), 0);
	reopen(f);
	assert_int_equal(mgmt_store_policy_get(f->s, 3, &pol, &f->err), 0);
	assert_true(same(&pol, &a_policy));
	assert_int_equal(mgmt_store_policy_get(f->s, 4, &pol, &f->err), -ENOENT);
	assert_int_equal(mgmt_store_meta_get(f->s, "token", text, sizeof(text), &f->err), 0);
	assert_string_equal(text, "t1");
}

static void test_store_keeps_leases_until_free(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease in = {.state = MGMT_ATTACHED,
				.vm = "vm1",
				.qmp = "/q",
				.cold = true,
				.pid = 77,
				.pid_start = UINT64_C(1) << 40},
			  out = {0};
	unsigned int n;

	assert_int_equal(mgmt_store_lease_put(f->s, 5, &in, &f->err), 0);
	reopen(f);
	assert_int_equal(mgmt_store_lease_get(f->s, 5, &out, &f->err), 0);
	assert_int_equal(out.state, MGMT_ATTACHED);
	assert_string_equal(out.vm, "vm1");
	assert_string_equal(out.qmp, "/q");
	assert_true(out.cold);
	assert_int_equal(out.pid, 77);
	assert_true(out.pid_start == in.pid_start);
	assert_int_equal(mgmt_store_lease_count(f->s, 5, &n, &f->err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(mgmt_store_lease_count(f->s, 6, &n, &f->err), 0);
	assert_int_equal(n, 0);
	in.state = MGMT_FREE;
	assert_int_equal(mgmt_store_lease_put(f->s, 5, &in, &f->err), 0);
	assert_int_equal(mgmt_store_lease_get(f->s, 5, &out, &f->err), -ENOENT);
}

static void test_store_rollback_leaves_what_was(void **state)
{
	struct fixture *f = *state;
	struct pf_vf_policy pol;

	assert_int_equal(mgmt_store_begin(f->s, &f->err), 0);
	assert_int_equal(mgmt_store_policy_put(f->s, 1, &a_policy, &f->err), 0);
	assert_int_equal(mgmt_store_flush(f->s, &f->err), 0);
	mgmt_store_rollback(f->s);
	assert_int_equal(mgmt_store_policy_get(f->s, 1, &pol, &f->err), -ENOENT);
	put_policy(f, 1, &a_policy);
}

/* The process ends between flush and commit: the hardware may have the new policy, the client no
 * answer. */
static void test_store_crash_before_commit_restores(void **state)
{
	struct fixture *f = *state;
	struct pf_vf_policy pol, next = a_policy;
	int status;
	pid_t pid;

	put_policy(f, 2, &a_policy);
	mgmt_store_close(f->s);
	f->s = NULL;
	next.vlan = 200;
	pid = fork();
	if (!pid) {
		if (mgmt_store_open(f->dir, &f->s, &f->err) || mgmt_store_begin(f->s, &f->err) ||
		    mgmt_store_policy_put(f->s, 2, &next, &f->err) ||
		    mgmt_store_flush(f->s, &f->err))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(mgmt_store_open(f->dir, &f->s, &f->err), 0);
	assert_int_equal(mgmt_store_policy_get(f->s, 2, &pol, &f->err), 0);
	assert_int_equal(pol.vlan, 100);
}

/* Files may not grow any more, which is how a full disk looks; whoever asks is refused before
 * commit. */
static void test_store_full_disk_refuses_before_the_hardware(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, full = {512, 512};
	struct pf_vf_policy pol, next = a_policy;
	int ret;

	put_policy(f, 2, &a_policy);
	next.vlan = 200;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	full.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	ret = mgmt_store_begin(f->s, &f->err);
	if (!ret)
		ret = mgmt_store_policy_put(f->s, 2, &next, &f->err);
	if (!ret)
		ret = mgmt_store_flush(f->s, &f->err);
	mgmt_store_rollback(f->s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(ret, -ENOSPC);
	assert_true(f->err.rule[0] && f->err.mend[0]);
	assert_int_equal(mgmt_store_policy_get(f->s, 2, &pol, &f->err), 0);
	assert_int_equal(pol.vlan, 100);
	/* And there is room again. */
	put_policy(f, 2, &next);
	reopen(f);
	assert_int_equal(mgmt_store_policy_get(f->s, 2, &pol, &f->err), 0);
	assert_int_equal(pol.vlan, 200);
}

static void test_store_has_one_daemon(void **state)
{
	struct fixture *f = *state;
	struct mgmt_store *other;

	assert_int_equal(mgmt_store_open(f->dir, &other, &f->err), -EBUSY);
	assert_true(f->err.mend[0]);
}

static void test_store_that_is_not_one_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mgmt_store *other = NULL;
	char path[128];
	FILE *file;

	mgmt_store_close(f->s);
	f->s = NULL;
	path_in(f, "sluice.db", path, sizeof(path));
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("this is no database, whatever its name says, and it is long enough to be looked at "
	      "closely, at last",
	      file);
	fclose(file);
	assert_int_equal(mgmt_store_open(f->dir, &other, &f->err), -EIO);
	assert_int_equal(mgmt_store_open("/proc/none/here", &other, &f->err), -ENOENT);
	assert_null(other);
}

static void damage(const struct fixture *f, const char *sql)
{
	char path[128];
	sqlite3 *db;

	path_in(f, "sluice.db", path, sizeof(path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void test_store_believes_no_damaged_row(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l = {.state = MGMT_ATTACHED, .vm = "vm1", .qmp = "/q"};
	struct pf_vf_policy pol;

	put_policy(f, 1, &a_policy);
	assert_int_equal(mgmt_store_lease_put(f->s, 1, &l, &f->err), 0);
	damage(f, "UPDATE policy SET vlan = 70000");
	assert_int_equal(mgmt_store_policy_get(f->s, 1, &pol, &f->err), -EIO);
	damage(f, "UPDATE policy SET vlan = 1, mac = 'nonsense, and rather long'");
	assert_int_equal(mgmt_store_policy_get(f->s, 1, &pol, &f->err), -EIO);
	damage(f, "UPDATE lease SET state = 'lost'");
	assert_int_equal(mgmt_store_lease_get(f->s, 1, &l, &f->err), -EIO);
	damage(f, "UPDATE lease SET state = 'attached', vm = '../../x'");
	assert_int_equal(mgmt_store_lease_get(f->s, 1, &l, &f->err), -EIO);
	damage(f, "UPDATE meta SET value = '99' WHERE key = 'schema'");
	mgmt_store_close(f->s);
	f->s = NULL;
	assert_int_equal(mgmt_store_open(f->dir, &f->s, &f->err), -EPROTONOSUPPORT);
}

static void test_store_is_root_s_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[128];

	path_in(f, "sluice.db", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* The token is not written through a link into another's file. */
	mgmt_store_close(f->s);
	f->s = NULL;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("sluiced.lock", path), 0);
	assert_int_equal(mgmt_store_open(f->dir, &f->s, &f->err), -ELOOP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_store_keeps_policy_and_meta, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_keeps_leases_until_free, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_rollback_leaves_what_was, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_crash_before_commit_restores, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_full_disk_refuses_before_the_hardware,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_has_one_daemon, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_that_is_not_one_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_believes_no_damaged_row, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_store_is_root_s_alone, setup, teardown),
	};

	return cmocka_run_group_tests_name("mgmt_store", tests, NULL, NULL);
}
