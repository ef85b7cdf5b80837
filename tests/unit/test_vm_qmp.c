/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of the QMP client against servers of every kind, most of them hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "hv-glue/vm/qmp.h"
#include "vm_server.h"

#define SHORT_MS 60
#define LONG_MS	 10000 /* never reached by a test that passes */

static void assert_told(const struct os_err *err, int no)
{
	assert_int_equal(err->no, no);
	assert_true(err->what[0] && err->rule[0] && err->mend[0]);
}

static void test_open_and_call(void **state)
{
	struct qmp q;
	json_t *ret;

	(void)state;
	srv.noise = "{\"event\":\"RTC_CHANGE\",\"data\":{}}\n{\"return\":{},\"id\":77}\n";
	assert_int_equal(qmp_open(&q, srv.path, LONG_MS, NULL), 0);
	assert_int_equal(q.major, 10);
	assert_int_equal(q.minor, 0);
	assert_int_equal(q.pid, getpid());
	assert_int_equal(qmp_call(&q, "qom-list", json_pack("{s:s}", "path", "/machine/peripheral"),
				  &ret, NULL),
			 0);
	assert_true(json_is_array(ret));
	json_decref(ret);
	qmp_close(&q);
}

static void test_call_refused(void **state)
{
	struct os_err err = {0};
	struct qmp q;
	json_t *ret = (json_t *)&q;

	(void)state;
	assert_int_equal(qmp_open(&q, srv.path, LONG_MS, NULL), 0);
	assert_int_equal(qmp_call(&q, "frobnicate", NULL, &ret, &err), -EREMOTEIO);
	assert_null(ret);
	assert_string_equal(q.class, "CommandNotFound");
	assert_told(&err, -EREMOTEIO);
	/* and it goes on */
	assert_int_equal(qmp_call(&q, "qmp_capabilities", NULL, NULL, NULL), 0);
	qmp_close(&q);
}

/* Opens against @serve and expects @no. */
static void expect_open(void (*serve)(FILE *f), unsigned int ms, int no)
{
	struct os_err err = {0};
	struct qmp q;

	srv.serve = serve;
	assert_int_equal(qmp_open(&q, srv.path, ms, &err), no);
	assert_told(&err, no);
	assert_int_equal(q.fd, -1);
	assert_null(q.buf);
}

/* Until the client goes away. */
static void drain(FILE *f)
{
	char c[256];

	while (fgets(c, sizeof(c), f))
		;
}

static void serve_nothing(FILE *f)
{
	drain(f);
}

static void serve_garbage(FILE *f)
{
	fputs("SSH-2.0-OpenSSH_9.2p1\r\n", f);
	drain(f);
}

static void serve_close(FILE *f)
{
	(void)f;
}

static void serve_other_json(FILE *f)
{
	fputs("[{\"QMP\":1}]\n", f);
	drain(f);
}

static void serve_no_version(FILE *f)
{
	fputs("{\"QMP\":{\"version\":{\"qemu\":{\"major\":\"10\",\"minor\":null}}}}\n", f);
	drain(f);
}

static void serve_half_line(FILE *f)
{
	fputs("{\"QMP\":", f);
	drain(f);
}

static void serve_endless_line(FILE *f)
{
	static char block[65536];

	memset(block, ' ', sizeof(block));
	while (fwrite(block, sizeof(block), 1, f) == 1)
		;
}

static void serve_flood(FILE *f)
{
	greet(f);
	while (fputs("{\"event\":\"X\",\"data\":{\"device\":\"vf\"}}\n", f) >= 0)
		;
}

static void serve_deep(FILE *f)
{
	static char block[100001];

	memset(block, '[', sizeof(block) - 1);
	fwrite(block, sizeof(block) - 1, 1, f);
	fputs("\n", f);
	drain(f);
}

static void serve_binary(FILE *f)
{
	static const char bytes[] = "\x00\xff\xfe{\x00}\n";

	fwrite(bytes, sizeof(bytes) - 1, 1, f);
	drain(f);
}

static void serve_refuses_capabilities(FILE *f)
{
	char line[256];

	greet(f);
	if (fgets(line, sizeof(line), f))
		fputs("{\"error\":{\"class\":17,\"desc\":[]}}\n", f);
	drain(f);
}

static void serve_empty_answer(FILE *f)
{
	char line[256];

	greet(f);
	if (fgets(line, sizeof(line), f))
		fputs("{\"id\":1}\n", f);
	drain(f);
}

static void test_open_server_says_nothing(void **state)
{
	(void)state;
	expect_open(serve_nothing, SHORT_MS, -ETIMEDOUT);
}

static void test_open_server_is_not_qmp(void **state)
{
	(void)state;
	expect_open(serve_garbage, LONG_MS, -EPROTO);
	expect_open(serve_other_json, LONG_MS, -EPROTO);
	expect_open(serve_no_version, LONG_MS, -EPROTO);
	expect_open(serve_deep, LONG_MS, -EPROTO);
	expect_open(serve_binary, LONG_MS, -EPROTO);
	expect_open(serve_empty_answer, LONG_MS, -EPROTO);
}

static void test_open_server_hangs_up(void **state)
{
	(void)state;
	expect_open(serve_close, LONG_MS, -ECONNRESET);
}

static void test_open_line_without_end(void **state)
{
	(void)state;
	expect_open(serve_half_line, SHORT_MS, -ETIMEDOUT);
	expect_open(serve_endless_line, LONG_MS, -EPROTO);
}

static void test_open_flood_of_events(void **state)
{
	(void)state;
	expect_open(serve_flood, SHORT_MS, -ETIMEDOUT);
}

static void test_open_error_of_wrong_types(void **state)
{
	(void)state;
	expect_open(serve_refuses_capabilities, LONG_MS, -EREMOTEIO);
}

static void test_open_backlog_full(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd[8], n = 0;

	(void)state;
	srv.serve = serve_nothing; /* holds the first; the others wait unaccepted */
	strcpy(sa.sun_path, srv.path);
	for (; n < 8; n++) {
		fd[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(fd[n], (struct sockaddr *)&sa, sizeof(sa)))
			break;
	}
	assert_true(n < 8);
	expect_open(serve_nothing, SHORT_MS, -ETIMEDOUT);
	while (n >= 0)
		close(fd[n--]);
}

static void test_open_no_socket(void **state)
{
	struct os_err err = {0};
	char path[128];
	struct qmp q;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/none", srv.dir);
	assert_int_equal(qmp_open(&q, path, LONG_MS, &err), -ENOENT);
	assert_told(&err, -ENOENT);
	assert_non_null(strstr(err.mend, "-qmp unix:"));
	f = fopen(path, "w"); /* a file is no socket */
	fclose(f);
	assert_int_equal(qmp_open(&q, path, LONG_MS, &err), -ECONNREFUSED);
	unlink(path);
}

static void test_open_path_too_long(void **state)
{
	struct os_err err = {0};
	char path[200];
	struct qmp q;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(qmp_open(&q, path, LONG_MS, &err), -ENAMETOOLONG);
	assert_told(&err, -ENAMETOOLONG);
	assert_int_equal(qmp_open(&q, "", LONG_MS, &err), -ENAMETOOLONG);
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_open_and_call),
		SERVER_TEST(test_call_refused),
		SERVER_TEST(test_open_server_says_nothing),
		SERVER_TEST(test_open_server_is_not_qmp),
		SERVER_TEST(test_open_server_hangs_up),
		SERVER_TEST(test_open_line_without_end),
		SERVER_TEST(test_open_flood_of_events),
		SERVER_TEST(test_open_error_of_wrong_types),
		SERVER_TEST(test_open_backlog_full),
		SERVER_TEST(test_open_no_socket),
		SERVER_TEST(test_open_path_too_long),
	};

	signal(SIGPIPE, SIG_IGN); /* the server's writes; the client's own ask for no signal */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
