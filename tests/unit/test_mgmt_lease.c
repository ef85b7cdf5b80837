/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Leases: every arrow of the state machine, the processes behind them, the daemon's command line.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mgmt/daemon/args.h"
#include "mgmt/daemon/lease.h"
#include "mgmt/daemon/log.h"
#include "mgmt/daemon/peer.h"

/* The README's picture, written a second time: rows from, columns to, in the states' order. */
static const char *const arrows[MGMT_STATES] = {
	/*               F P R A D S B */
	[MGMT_FREE] = "0100010",     [MGMT_PREPARING] = "1011011", [MGMT_RESERVED] = "0001100",
	[MGMT_ATTACHED] = "0000110", [MGMT_DETACHING] = "0011010", [MGMT_SCRUBBING] = "1000001",
	[MGMT_BROKEN] = "0000010",
};

static void test_lease_every_arrow(void **state)
{
	unsigned int from, to;

	(void)state;
	for (from = 0; from < MGMT_STATES; from++) {
		for (to = 0; to < MGMT_STATES; to++) {
			struct mgmt_lease l = {.state = (enum mgmt_state)from, .pidfd = -1};
			bool legal = arrows[from][to] == '1';

			assert_int_equal(mgmt_lease_may(l.state, (enum mgmt_state)to), legal);
			assert_int_equal(mgmt_lease_move(&l, (enum mgmt_state)to),
					 legal ? 0 : -EPERM);
			assert_int_equal(l.state, legal ? to : from);
		}
	}
	assert_false(mgmt_lease_may(MGMT_STATES, MGMT_FREE));
	assert_false(mgmt_lease_may(MGMT_FREE, MGMT_STATES));
}

static void test_lease_no_owner_after_clear(void **state)
{
	struct mgmt_lease l = {.state = MGMT_FREE, .pidfd = -1, .vm = "vm1", .qmp = "/q", .pid = 5};
	uint64_t gen = l.gen;

	(void)state;
	mgmt_lease_clear(&l);
	assert_string_equal(l.vm, "");
	assert_string_equal(l.qmp, "");
	assert_int_equal(l.pid, 0);
	assert_int_equal(l.gen, gen + 1);
}

static void test_proc_follows_a_child_to_its_end(void **state)
{
	uint64_t start, own;
	struct pollfd p = {.events = POLLIN};
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		pause();
		_exit(0);
	}
	assert_int_equal(mgmt_proc_start(pid, &start), 0);
	assert_int_equal(mgmt_proc_start(getpid(), &own), 0);
	assert_true(start >= own);
	assert_true(mgmt_proc_alive(pid, start));
	assert_false(mgmt_proc_alive(pid, start + 1));
	p.fd = mgmt_proc_watch(pid);
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	kill(pid, SIGKILL);
	assert_int_equal(poll(&p, 1, 10000), 1);
	/* Dead is dead, waited for or not. */
	assert_false(mgmt_proc_alive(pid, start));
	assert_int_equal(mgmt_proc_start(pid, &own), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(p.fd);
	assert_int_equal(mgmt_proc_start(pid, &start), -ESRCH);
	assert_false(mgmt_proc_alive(pid, start));
	assert_false(mgmt_proc_alive(0, 0));
}

/*
 * A process that cannot be looked at is not taken for dead: its VF would be pulled from under it.
 */
static void test_proc_unseen_is_not_dead(void **state)
{
	struct rlimit was, none = {0, 0};
	uint64_t start;
	int seen;
	bool alive;

	(void)state;
	assert_int_equal(mgmt_proc_start(getpid(), &start), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	seen = mgmt_proc_start(getpid(), &start);
	alive = mgmt_proc_alive(getpid(), start);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(seen, -EMFILE);
	assert_true(alive);
	/* Its start time could not be read when it was met. */
	assert_true(mgmt_proc_alive(getpid(), 0));
}

static void test_ratelimit_holds_a_flood(void **state)
{
	struct mgmt_ratelimit r = {0};
	unsigned int held, i, said = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		said += mgmt_ratelimit(&r, 1000 + i, 5, 1000000, &held);
	assert_int_equal(said, 5);
	assert_true(mgmt_ratelimit(&r, 2000000, 5, 1000000, &held));
	assert_int_equal(held, 95);
	assert_true(mgmt_ratelimit(&r, 2000001, 5, 1000000, &held));
	assert_int_equal(held, 0);
}

static void test_peer_who_may_speak(void **state)
{
	const gid_t gids[] = {100, 42};

	(void)state;
	assert_true(mgmt_peer_allowed(0, NULL, 0, 500, (gid_t)-1));
	assert_true(mgmt_peer_allowed(500, NULL, 0, 500, (gid_t)-1));
	assert_false(mgmt_peer_allowed(501, gids, 2, 500, (gid_t)-1));
	assert_true(mgmt_peer_allowed(501, gids, 2, 500, 42));
	assert_false(mgmt_peer_allowed(501, gids, 1, 500, 42));
}

static int args(struct mgmt_args *a, char **argv)
{
	char why[160] = "";
	int argc = 0, ret;

	while (argv[argc])
		argc++;
	ret = mgmt_args_parse(argc, argv, a, why);
	assert_true(ret == 0 || why[0]);
	return ret;
}

#define ARGV(...) ((char *[]){"sluiced", __VA_ARGS__, NULL})

static void test_args_defaults_and_all(void **state)
{
	struct mgmt_args a;

	(void)state;
	assert_int_equal(args(&a, ARGV("--pf", "01:00.0")), 0);
	assert_string_equal(a.pf, "01:00.0");
	assert_int_equal(a.vfs, 7);
	assert_string_equal(a.socket, MGMT_SOCKET);
	assert_string_equal(a.state_dir, MGMT_STATE_DIR);
	assert_false(a.unsafe_irq || a.restore || a.verbose);
	assert_int_equal(args(&a, ARGV("-v", "--pf=1:0.0", "--vfs", "9", "--socket", "/s",
				       "--state", "/d", "--unsafe-interrupts", "--restore")),
			 0);
	/* How many the card has is not for the command line to say. */
	assert_int_equal(a.vfs, 9);
	assert_true(a.unsafe_irq && a.restore && a.verbose);
}

static void test_args_not_understood(void **state)
{
	struct mgmt_args a;
	char long_path[200];

	(void)state;
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(args(&a, ((char *[]){"sluiced", NULL})), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "more")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--vfs", "0")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--vfs", "x")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--vfs", "-1")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--socket", "relative")), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--socket", long_path)), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--state", long_path)), -EINVAL);
	assert_int_equal(args(&a, ARGV("--pf", "1:0.0", "--what")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease_every_arrow),
		cmocka_unit_test(test_lease_no_owner_after_clear),
		cmocka_unit_test(test_proc_follows_a_child_to_its_end),
		cmocka_unit_test(test_proc_unseen_is_not_dead),
		cmocka_unit_test(test_ratelimit_holds_a_flood),
		cmocka_unit_test(test_peer_who_may_speak),
		cmocka_unit_test(test_args_defaults_and_all),
		cmocka_unit_test(test_args_not_understood),
	};

	return cmocka_run_group_tests_name("mgmt_lease", tests, NULL, NULL);
}
