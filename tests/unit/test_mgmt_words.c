/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The words behind `sluice vf set VF`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mgmt/cli/words.c"

static int parse(struct mgmt_words *w, char **words)
{
	static char why[MGMT_WHY_LEN];
	int n = 0, ret;

	while (words[n])
		n++;
	why[0] = '\0';
	ret = mgmt_words_parse(n, words, w, why);
	/* A refusal says why. */
	assert_true(ret == 0 || (ret == -EINVAL && why[0]));
	return ret;
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_words_all_of_them(void **state)
{
	struct mgmt_words w;

	(void)state;
	assert_int_equal(parse(&w, WORDS("mac", "02:00:00:0a:0B:10", "vlan", "100", "qos", "3",
					 "spoofchk", "off", "trust", "on", "state", "disable",
					 "max_tx_rate", "300", "min_tx_rate", "20")),
			 0);
	assert_int_equal(w.set.has, MGMT_SET_MAC | MGMT_SET_VLAN | MGMT_SET_SPOOFCHK |
					    MGMT_SET_TRUST | MGMT_SET_LINK | MGMT_SET_RATE);
	assert_int_equal(w.set.mac.b[4], 0x0b);
	assert_int_equal(w.set.vlan, 100);
	assert_int_equal(w.set.qos, 3);
	assert_false(w.set.spoofchk);
	assert_true(w.set.trust);
	assert_int_equal(w.set.link, IFLA_VF_LINK_STATE_DISABLE);
	assert_int_equal(w.set.rate_max, 300);
	assert_int_equal(w.set.rate_min, 20);
	assert_true(w.max && w.min);
}

static void test_words_vlan_alone_has_priority_zero(void **state)
{
	struct mgmt_words w;

	(void)state;
	assert_int_equal(parse(&w, WORDS("vlan", "7", "trust", "off")), 0);
	assert_int_equal(w.set.qos, 0);
	assert_int_equal(parse(&w, WORDS("rate", "10")), 0);
	assert_int_equal(w.set.has, MGMT_SET_TX_RATE);
	assert_int_equal(parse(&w, WORDS("mac", "auto")), 0);
	assert_int_equal(w.set.has, MGMT_SET_MAC_FREE);
}

/* Out of a card's range is the daemon's to refuse, which knows the rule. */
static void test_words_ranges_are_left_to_the_daemon(void **state)
{
	struct mgmt_words w;

	(void)state;
	assert_int_equal(parse(&w, WORDS("vlan", "4095", "qos", "9")), 0);
	assert_int_equal(w.set.vlan, 4095);
	assert_int_equal(parse(&w, WORDS("mac", "01:00:00:00:00:01")), 0);
}

static void test_words_not_understood(void **state)
{
	struct mgmt_words w;

	(void)state;
	assert_int_equal(mgmt_words_parse(0, NULL, &w, (char[MGMT_WHY_LEN]){0}), -EINVAL);
	assert_int_equal(parse(&w, WORDS("speed", "1")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("qos", "1")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "-1")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "0x10")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "4294967296")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "99999999999999999999999")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "5", "qos")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("trust", "yes")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("state", "up")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("mac", "02:00:00:00:00")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("mac", "02:00:00:00:00:1g")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("mac", "02-00-00-00-00-10")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("vlan", "1", "vlan", "2")), -EINVAL);
	assert_int_equal(parse(&w, WORDS("rate", "1", "max_tx_rate", "2")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_all_of_them),
		cmocka_unit_test(test_words_vlan_alone_has_priority_zero),
		cmocka_unit_test(test_words_ranges_are_left_to_the_daemon),
		cmocka_unit_test(test_words_not_understood),
	};

	return cmocka_run_group_tests_name("mgmt_words", tests, NULL, NULL);
}
