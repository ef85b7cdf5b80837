/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's loop on a real socket, over a card of plain memory: hostile clients, and slow work
 * beside. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "mgmt/daemon/peer.h"
#include "mgmt/daemon/server.h"
#include "mgmt_fake.h"

struct fixture {
	char dir[64], path[80];
	struct fake fake;
	struct mgmt_store *store;
	struct mgmt_core core;
	struct mgmt_server *server;
	int listen_fd;
	pthread_t thread;
	sem_t gate, plugging;
	pid_t vm;
};

static void *serve(void *arg)
{
	mgmt_server_run(arg);
	return NULL;
}

static int setup(void **state)
{
	static struct fixture f;
	struct os_err err;

	memset(&f, 0, sizeof(f));
	fake_dir_make(f.dir);
	snprintf(f.path, sizeof(f.path), "%s/s", f.dir);
	f.vm = fake_vm_start();
	fake_init(&f.fake, f.vm);
	sem_init(&f.gate, 0, 0);
	sem_init(&f.plugging, 0, 0);
	assert_int_equal(mgmt_store_open(f.dir, &f.store, &err), 0);
	fake_core(&f.core, &f.fake, f.store);
	f.listen_fd = mgmt_listen(f.path, &err);
	assert_true(f.listen_fd >= 0);
	assert_int_equal(mgmt_server_init(&f.core, f.listen_fd, &f.server), 0);
	mgmt_core_start(&f.core);
	assert_int_equal(pthread_create(&f.thread, NULL, serve, f.server), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mgmt_server_stop(f->server);
	pthread_join(f->thread, NULL);
	mgmt_server_fini(f->server);
	mgmt_core_stop(&f->core);
	close(f->listen_fd);
	mgmt_store_close(f->store);
	sem_destroy(&f->gate);
	sem_destroy(&f->plugging);
	fake_vm_end(&f->vm);
	fake_dir_remove(f->dir);
	return 0;
}

static int client(struct fixture *f)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 30};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strncpy(sa.sun_path, f->path, sizeof(sa.sun_path) - 1);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void post(int fd, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	assert_int_equal(send(fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL), hdr->nlmsg_len);
	nlmsg_free(msg);
}

/* The next packet; 0 at the end of the connection. */
static ssize_t get(int fd, uint32_t *buf, size_t size)
{
	ssize_t n = recv(fd, buf, size, 0);

	assert_true(n >= 0);
	return n;
}

/* The error (0: an ack) that the next packet is. */
static int get_error(int fd, struct os_err *err)
{
	uint32_t buf[1024];
	struct nlmsghdr *hdr = (void *)buf;

	assert_true(get(fd, buf, sizeof(buf)) >= (ssize_t)sizeof(struct nlmsgerr));
	assert_int_equal(hdr->nlmsg_type, NLMSG_ERROR);
	return mgmt_msg_error_parse(hdr, err);
}

/* The daemon serves others: a whole dump comes. */
static void assert_alive(struct fixture *f)
{
	uint32_t buf[MGMT_ANSWER_MAX / 4];
	struct nlmsghdr *hdr = (void *)buf;
	int fd = client(f), links = 0;

	post(fd, mgmt_msg_getlink(3, RTEXT_FILTER_VF | MGMT_EXT_PRIVATE | MGMT_EXT_PAGED));
	do {
		assert_true(get(fd, buf, sizeof(buf)) > 0);
		links += hdr->nlmsg_type == RTM_NEWLINK;
	} while (hdr->nlmsg_type != NLMSG_DONE);
	assert_int_equal(links, FAKE_VFS);
	close(fd);
}

static struct nl_msg *lease_msg(int type, const char *vm, int vf)
{
	struct mgmt_lease_msg m = {.vf = vf};

	strncpy(m.vm, vm, sizeof(m.vm) - 1);
	return mgmt_msg_lease(1, type, NLM_F_REQUEST | NLM_F_ACK, &m);
}

static void test_client_that_sends_too_much_is_told(void **state)
{
	struct fixture *f = *state;
	static uint32_t big[(MGMT_REQUEST_MAX + 4) / 4];
	struct nlmsghdr *hdr = (void *)big;
	struct os_err err;
	int fd = client(f);

	hdr->nlmsg_len = sizeof(big);
	hdr->nlmsg_type = RTM_GETLINK;
	hdr->nlmsg_seq = 77;
	assert_int_equal(send(fd, big, sizeof(big), 0), sizeof(big));
	assert_int_equal(get_error(fd, &err), -EMSGSIZE);
	assert_true(err.rule[0] && err.mend[0]);
	/* And it may go on. */
	post(fd, lease_msg(MGMT_MSG_RESETVF, "", 0));
	assert_int_equal(get_error(fd, &err), 0);
	close(fd);
	assert_alive(f);
}

static void test_client_that_sends_too_little_is_told(void **state)
{
	struct fixture *f = *state;
	struct nl_msg *msg = lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0);
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct os_err err;
	int fd = client(f);
	size_t len;

	for (len = 1; len < hdr->nlmsg_len; len++) {
		assert_int_equal(send(fd, hdr, len, 0), len);
		assert_int_equal(get_error(fd, &err), -EINVAL);
	}
	nlmsg_free(msg);
	close(fd);
	assert_alive(f);
}

/* A request that is refused, on a connection that may be closing: the error that comes back. */
static int ask_nothing(int fd)
{
	struct nl_msg *msg = lease_msg(MGMT_MSG_DELLEASE, "none", 0);
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	uint32_t buf[1024];
	struct os_err err;
	ssize_t n;

	/*
	 * A daemon that turned us away has closed: its word is read all the same, behind the reset.
	 */
	(void)!send(fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL);
	nlmsg_free(msg);
	n = recv(fd, buf, sizeof(buf), 0);
	if (n < 0 && errno == ECONNRESET)
		n = recv(fd, buf, sizeof(buf), 0);
	assert_true(n > 0);
	return mgmt_msg_error_parse((void *)buf, &err);
}

static void test_clients_beyond_the_bound_are_turned_away(void **state)
{
	struct fixture *f = *state;
	int fd[MGMT_CLIENTS_MAX + 1], i;
	struct os_err err;

	for (i = 0; i < MGMT_CLIENTS_MAX; i++) {
		fd[i] = client(f);
		post(fd[i], lease_msg(MGMT_MSG_DELLEASE, "none", 0));
		assert_int_equal(get_error(fd[i], &err), -ENOENT);
	}
	fd[i] = client(f);
	assert_int_equal(get_error(fd[i], &err), -EUSERS);
	close(fd[i]);
	/* One goes, and as soon as the daemon has seen it, there is room. */
	close(fd[0]);
	do {
		fd[0] = client(f);
		i = ask_nothing(fd[0]);
		if (i == -EUSERS)
			close(fd[0]);
	} while (i == -EUSERS);
	assert_int_equal(i, -ENOENT);
	for (i = 0; i < MGMT_CLIENTS_MAX; i++)
		close(fd[i]);
}

/* Answers that nobody reads fill the socket; that client is closed, the others are served. */
static void test_client_that_does_not_read_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct nl_msg *msg =
		mgmt_msg_getlink(1, RTEXT_FILTER_VF | MGMT_EXT_PRIVATE | MGMT_EXT_PAGED);
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	int fd = client(f), i;

	for (i = 0; i < 100000; i++)
		if (send(fd, hdr, hdr->nlmsg_len, MSG_NOSIGNAL) < 0)
			break;
	assert_true(i < 100000);
	nlmsg_free(msg);
	close(fd);
	assert_alive(f);
}

static void test_slow_work_stalls_nobody(void **state)
{
	struct fixture *f = *state;
	int slow = client(f), other = client(f);
	struct os_err err;
	uint32_t buf[1024];

	f->fake.plug_gate = &f->gate;
	f->fake.plugging = &f->plugging;
	post(slow, lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0));
	assert_int_equal(sem_wait(&f->plugging), 0);
	assert_alive(f);
	post(other, lease_msg(MGMT_MSG_NEWLEASE, "vm2", 0));
	assert_int_equal(get_error(other, &err), -EBUSY);
	post(other, lease_msg(MGMT_MSG_RESETVF, "", 1));
	assert_int_equal(get_error(other, &err), 0);
	sem_post(&f->gate);
	assert_true(get(slow, buf, sizeof(buf)) > 0);
	assert_int_equal(((struct nlmsghdr *)buf)->nlmsg_type, MGMT_MSG_NEWLEASE);
	assert_int_equal(get_error(slow, &err), 0);
	close(slow);
	close(other);
}

/* Its answer has nobody to go to, and must not go to whoever came after. */
static void test_client_that_leaves_before_its_answer(void **state)
{
	struct fixture *f = *state;
	int gone = client(f), next;
	struct os_err err;

	f->fake.plug_gate = &f->gate;
	f->fake.plugging = &f->plugging;
	post(gone, lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0));
	assert_int_equal(sem_wait(&f->plugging), 0);
	close(gone);
	assert_alive(f);
	next = client(f);
	post(next, lease_msg(MGMT_MSG_DELLEASE, "vm9", -1));
	assert_int_equal(get_error(next, &err), -ENOENT);
	sem_post(&f->gate);
	do {
		post(next, lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0));
	} while (get_error(next, &err) == -EBUSY);
	assert_int_equal(err.no, -EEXIST);
	close(next);
}

/* The VM ends; its VF is free again without anybody's asking. */
static void test_vm_that_dies_is_noticed(void **state)
{
	struct fixture *f = *state;
	int fd = client(f), ret;
	struct os_err err;
	uint32_t buf[1024];

	post(fd, lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0));
	assert_true(get(fd, buf, sizeof(buf)) > 0);
	assert_int_equal(get_error(fd, &err), 0);
	post(fd, lease_msg(MGMT_MSG_RESETVF, "", 0));
	assert_int_equal(get_error(fd, &err), -EBUSY);
	fake_vm_end(&f->vm);
	do {
		post(fd, lease_msg(MGMT_MSG_RESETVF, "", 0));
		ret = get_error(fd, &err);
	} while (ret == -EBUSY);
	assert_int_equal(ret, 0);
	close(fd);
}

/* The end waits for what has begun, and answers it. */
static void test_end_finishes_what_has_begun(void **state)
{
	struct fixture *f = *state;
	int fd = client(f);
	struct os_err err;
	uint32_t buf[1024];
	struct mgmt_lease l;

	f->fake.plug_gate = &f->gate;
	f->fake.plugging = &f->plugging;
	post(fd, lease_msg(MGMT_MSG_NEWLEASE, "vm1", 0));
	assert_int_equal(sem_wait(&f->plugging), 0);
	mgmt_server_stop(f->server);
	pthread_join(f->thread, NULL);
	sem_post(&f->gate);
	mgmt_server_fini(f->server);
	assert_true(get(fd, buf, sizeof(buf)) > 0);
	assert_int_equal(get_error(fd, &err), 0);
	assert_int_equal(mgmt_store_lease_get(f->store, 0, &l, &err), 0);
	assert_int_equal(l.state, MGMT_ATTACHED);
	/* For the teardown's sake. */
	mgmt_core_stop(&f->core);
	assert_int_equal(mgmt_server_init(&f->core, f->listen_fd, &f->server), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f->server), 0);
	close(fd);
}

static void test_socket_of_a_living_daemon_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct os_err err;
	struct stat st;
	char file[80];

	assert_int_equal(mgmt_listen(f->path, &err), -EADDRINUSE);
	assert_int_equal(stat(f->path, &st), 0);
	/* Nobody but root and the group. */
	assert_int_equal(st.st_mode & 0007, 0);
	snprintf(file, sizeof(file), "%s/sluice.db", f->dir);
	assert_int_equal(mgmt_listen(file, &err), -EEXIST);
}

/* Only what nobody listens at is in the way. */
static void test_socket_of_another_program_is_not_taken(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct os_err err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), mine;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/other", f->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(mgmt_listen(sa.sun_path, &err), -EADDRINUSE);
	assert_int_equal(access(sa.sun_path, F_OK), 0);
	close(fd);
	mine = mgmt_listen(sa.sun_path, &err);
	assert_true(mine >= 0);
	close(mine);
	unlink(sa.sun_path);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_client_that_sends_too_much_is_told),
		TEST(test_client_that_sends_too_little_is_told),
		TEST(test_clients_beyond_the_bound_are_turned_away),
		TEST(test_client_that_does_not_read_is_dropped),
		TEST(test_slow_work_stalls_nobody),
		TEST(test_client_that_leaves_before_its_answer),
		TEST(test_vm_that_dies_is_noticed),
		TEST(test_end_finishes_what_has_begun),
		TEST(test_socket_of_a_living_daemon_is_not_taken),
		TEST(test_socket_of_another_program_is_not_taken),
	};

	return cmocka_run_group_tests_name("mgmt_server", tests, NULL, NULL);
}
