/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of the VF token and of os_err_set(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "os/vfio.h"

static const char text[] = "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3";

static void test_token_round_trip(void **state)
{
	struct vfio_token t;
	char out[37];

	(void)state;
	assert_int_equal(vfio_token_parse(text, &t, NULL), 0);
	assert_int_equal(t.b[0], 0xbd);
	assert_int_equal(t.b[4], 0x5a);
	assert_int_equal(t.b[15], 0xf3);
	vfio_token_format(&t, out);
	assert_string_equal(out, text);
	assert_int_equal(vfio_token_parse("BD8D9D2B-5A5F-4F5A-A211-F591514BA1F3", &t, NULL), 0);
	vfio_token_format(&t, out);
	assert_string_equal(out, text);
}

static void test_token_made_is_version_4(void **state)
{
	struct vfio_token a, b;

	(void)state;
	assert_int_equal(vfio_token_make(&a, NULL), 0);
	assert_int_equal(vfio_token_make(&b, NULL), 0);
	assert_int_equal(a.b[6] >> 4, 4);
	assert_int_equal(a.b[8] >> 6, 2);
	assert_int_not_equal(memcmp(&a, &b, sizeof(a)), 0);
}

static void test_token_malformed(void **state)
{
	static const char *const bad[] = {
		"",
		"bd8d9d2b",
		"bd8d9d2b-5a5f-4f5a-a211-f591514ba1f",
		"bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3 ",
		"bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3a",
		"bd8d9d2b05a5f-4f5a-a211-f591514ba1f3",
		"bd8d9d2b-5a5f-4f5a-a211-f591514ba1g3",
		"-d8d9d2b-5a5f-4f5a-a211-f591514ba1f3",
		"bd8d9d2b5a5f4f5aa211f591514ba1f3",
	};
	struct vfio_token t, before;

	(void)state;
	memset(&t, 0x5a, sizeof(t));
	before = t;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct os_err err = {0};

		assert_int_equal(vfio_token_parse(bad[i], &t, &err), -EINVAL);
		assert_int_equal(err.no, -EINVAL);
		assert_true(err.rule[0] && err.mend[0]);
		assert_memory_equal(&t, &before, sizeof(t));
	}
}

static void test_err_cuts_what_does_not_fit(void **state)
{
	char big[400];
	struct os_err err;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memset(&err, 0xff, sizeof(err));
	errno = 5;
	assert_int_equal(os_err_set(&err, -EBUSY, big, big, "VF %d %s", 3, big), -EBUSY);
	assert_int_equal(errno, 5);
	assert_int_equal(err.no, -EBUSY);
	assert_int_equal(strlen(err.what), sizeof(err.what) - 1);
	assert_int_equal(strlen(err.rule), sizeof(err.rule) - 1);
	assert_int_equal(strlen(err.mend), sizeof(err.mend) - 1);
	assert_int_equal(strncmp(err.what, "VF 3 xx", 7), 0);
}

static void test_err_null(void **state)
{
	struct os_err err;

	(void)state;
	assert_int_equal(os_err_set(NULL, -EIO, "r", "m", "w"), -EIO);
	assert_int_equal(os_err_set(&err, -EIO, NULL, NULL, "w"), -EIO);
	assert_string_equal(err.rule, "");
	assert_string_equal(err.mend, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_round_trip),
		cmocka_unit_test(test_token_made_is_version_4),
		cmocka_unit_test(test_token_malformed),
		cmocka_unit_test(test_err_cuts_what_does_not_fit),
		cmocka_unit_test(test_err_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
