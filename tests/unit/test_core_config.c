/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's configuration: what a line says, and the sentence for what it cannot say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/errno.h"
#include "control.h"

static struct config c;
static char why[160];

static int parse(const char *text)
{
	/* Without a terminating zero, as a module is. */
	size_t n = strlen(text);
	char *copy = malloc(n ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	why[0] = 0;
	rc = config_parse(copy, n, &c, why, sizeof(why));
	free(copy);
	return rc;
}

static void test_whole_configuration(void **state)
{
	(void)state;
	assert_int_equal(
		parse("# the lab\nvfs 3\n\n"
		      "guest ping image=guest.bin args=\"ping dst=02:00:00:00:00:01\" nic=vf:1\n"
		      "guest linux image=vmlinux initrd=root.gz mem=160M cpus=2 cpu=1 nic=vf "
		      "nic=bridge manual # later\r\n"),
		0);
	assert_int_equal(c.vfs, 3);
	assert_int_equal(c.guests, 2);
	assert_string_equal(c.guest[0].name, "ping");
	assert_string_equal(c.guest[0].args, "ping dst=02:00:00:00:00:01");
	assert_int_equal(c.guest[0].nic[0].tier, NIC_VF);
	assert_int_equal(c.guest[0].nic[0].vf, 1);
	assert_int_equal(c.guest[0].nic[1].tier, NIC_NONE);
	assert_int_equal(c.guest[0].mem_mib, 32);
	assert_int_equal(c.guest[0].cpu, -1);
	assert_true(c.guest[0].autostart);
	assert_string_equal(c.guest[1].initrd, "root.gz");
	assert_int_equal(c.guest[1].mem_mib, 160);
	assert_int_equal(c.guest[1].cpus, 2);
	assert_int_equal(c.guest[1].cpu, 1);
	assert_int_equal(c.guest[1].nic[0].vf, -1);
	assert_int_equal(c.guest[1].nic[1].tier, NIC_BRIDGE);
	assert_false(c.guest[1].autostart);
}

static void test_empty_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(parse("\n \t\n# only words"), 0);
	assert_int_equal(c.guests, 0);
}

static void test_what_is_refused_is_named(void **state)
{
	static const char *const bad[][2] = {
		{"\nvms 3", "line 2: vms"},
		{"vfs 8", "line 1: vfs wants 0 to 7"},
		{"vfs", "line 1: vfs wants"},
		{"vfs 3 4", "line 1: 4 behind vfs"},
		{"vfs -1", "line 1: vfs wants"},
		{"guest", "line 1: a guest without a name"},
		{"guest a", "line 1: guest a has no image="},
		{"guest a image=x\nguest a image=y", "line 2: a second guest a"},
		{"guest a image=x mem=7M", "mem=7M"},
		{"guest a image=x mem=4096M", "mem=4096M"},
		{"guest a image=x mem=64", "mem=64"},
		{"guest a image=x cpus=0", "cpus=0"},
		{"guest a image=x cpus=99999999999999999999", "cpus="},
		{"guest a image=x cpu=8", "cpu=8"},
		{"guest a image=x nic=eth0", "nic=eth0 is none of"},
		{"guest a image=x nic=vf:7", "nic=vf:7"},
		{"guest a image=x nic=vf nic=vf nic=vf", "more than 2 NICs"},
		{"guest a image=x colour=red", "colour=red is not a word"},
		{"guest a image=x args=\"no end", "a quote that is not closed"},
		{"guest a image=x\001", "no printable ASCII"},
		{"guest aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa image=x",
		 "the name has more"},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(parse(bad[i][0]), -EINVAL);
		if (!strstr(why, bad[i][1]))
			fail_msg("'%s' gives: %s", bad[i][0], why);
	}
}

static void test_too_many_guests(void **state)
{
	char text[1024];
	size_t n = 0;

	(void)state;
	for (unsigned int i = 0; i <= GUESTS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "guest g%u image=x\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_non_null(strstr(why, "line 9: more than 8 guests"));
}

static void test_garbage(void **state)
{
	static const char *const pieces[] = {"guest ", "vfs ", "image=", "\"",	 "\n",	"a",
					     " ",      "#",    "nic=vf", "mem=", "64M", "=",
					     ":",      "\t",   "9",	 "cpus="};
	unsigned int seed = 3;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		char text[400] = "";

		for (unsigned int i = 0; i < 30; i++)
			strcat(text, pieces[(unsigned int)rand_r(&seed) % ARRAY_SIZE(pieces)]);
		if (parse(text))
			assert_int_equal(strncmp(why, "line ", 5), 0);
		assert_true(c.guests <= GUESTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_configuration),
		cmocka_unit_test(test_empty_is_no_error),
		cmocka_unit_test(test_what_is_refused_is_named),
		cmocka_unit_test(test_too_many_guests),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("core_config", tests, NULL, NULL);
}
