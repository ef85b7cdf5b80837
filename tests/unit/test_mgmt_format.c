/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* JSON of what the daemon, QEMU and the command line say: valid, whatever bytes are in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mgmt/cli/format.c"

/* What is printed can be read again, and says @want in @member (of @object, NULL: at the top). */
static void assert_member(json_t *v, const char *object, const char *member, const char *want)
{
	char *line;
	json_t *back, *in;

	assert_non_null(v);
	line = json_dumps(v, JSON_COMPACT);
	assert_non_null(line);
	back = json_loads(line, 0, NULL);
	assert_non_null(back);
	in = object ? json_object_get(back, object) : back;
	assert_string_equal(json_string_value(json_object_get(in, member)), want);
	json_decref(back);
	free(line);
	json_decref(v);
}

static void test_json_of_an_error_with_any_bytes(void **state)
{
	(void)state;
	assert_member(mgmt_error_json(2, "no \xff here", "r\xc3", "m"), "error", "what",
		      "no ? here");
	/* A text that was cut within a letter. */
	assert_member(mgmt_error_json(2, "w", "r\xc3", "m"), "error", "rule", "r?");
	assert_member(mgmt_error_json(2, "w", "\xc3\xa4", "m"), "error", "rule", "\xc3\xa4");
}

static void test_json_of_a_vf_with_any_path(void **state)
{
	struct mgmt_vf vf = {.bdf = "0000:01:10.0", .owner = "vm1", .qmp = "/run/\xfe.qmp"};

	(void)state;
	assert_member(mgmt_vf_json(&vf), NULL, "qmp", "/run/?.qmp");
	assert_member(mgmt_vf_json(&vf), NULL, "bdf", "0000:01:10.0");
}

static void test_json_of_a_card_with_any_name(void **state)
{
	struct mgmt_link l = {.bdf = "0000:01:00.0", .device = "Intel\xc2", .state_dir = "/\x80"};

	(void)state;
	assert_member(mgmt_link_json(&l), NULL, "device", "Intel?");
	assert_member(mgmt_link_json(&l), NULL, "state_dir", "/?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_of_an_error_with_any_bytes),
		cmocka_unit_test(test_json_of_a_vf_with_any_path),
		cmocka_unit_test(test_json_of_a_card_with_any_name),
	};

	return cmocka_run_group_tests_name("mgmt_format", tests, NULL, NULL);
}
