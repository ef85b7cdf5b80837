/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's printf: what it knows is as libc has it, and nothing is written past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host.h"

/* Ours and libc's, of the same arguments. */
#define SAME(...)                                                         \
	do {                                                              \
		char a[128], b[128];                                      \
		size_t n = fmt(a, sizeof(a), __VA_ARGS__);                \
                                                                          \
		assert_int_equal(n, snprintf(b, sizeof(b), __VA_ARGS__)); \
		assert_string_equal(a, b);                                \
	} while (0)

static void test_conversions_are_libcs(void **state)
{
	(void)state;
	SAME("%s", "");
	SAME("plain %% text");
	SAME("%s|%8s|%-8s|%2s", "abc", "abc", "abc", "abc");
	SAME("%c%c", 'x', 'y');
	SAME("%d %d %d %5d %-5d| %05d", 0, INT32_MIN, INT32_MAX, -42, -42, -42);
	SAME("%ld %lld %zd", INT64_MIN, (long long)INT64_MAX, (ssize_t)-1);
	SAME("%u %lu %llu %zu", UINT32_MAX, UINT64_MAX, 1ull, (size_t)7);
	SAME("%x %08x %016lx %-6x|%6x", 0xbeefu, 0xbeefu, UINT64_C(0x123456789), 0xau, 0xau);
	SAME("%02x:%02x", 0u, 255u);
}

/* Without the compiler's look at the format. */
static size_t indirect(char *buf, size_t len, const char *f, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, f);
	n = fmt_v(buf, len, f, ap);
	va_end(ap);
	return n;
}

static void test_own_ways(void **state)
{
	char s[32];

	(void)state;
	fmt(s, sizeof(s), "%p", (void *)0x1234);
	assert_string_equal(s, "1234");
	indirect(s, sizeof(s), "%s", (char *)NULL);
	assert_string_equal(s, "(none)");
}

static void test_unknown_conversions_end_nothing(void **state)
{
	char s[32];

	(void)state;
	indirect(s, sizeof(s), "a%q%");
	assert_string_equal(s, "a??");
	indirect(s, sizeof(s), "%0");
	assert_string_equal(s, "?");
}

static void test_every_length_is_kept(void **state)
{
	(void)state;
	for (size_t len = 0; len < 40; len++) {
		char *s = malloc(len + 1); /* the sanitizer sees a byte too many */
		size_t n;

		s[len] = '#';
		n = fmt(s, len, "%-10s%08x %d", "abc", 0x1234u, -77);
		assert_int_equal(n, !len ? 0 : len - 1 < 22 ? len - 1 : 22);
		if (len)
			assert_int_equal(s[n], 0);
		assert_int_equal(s[len], '#');
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversions_are_libcs),
		cmocka_unit_test(test_own_ways),
		cmocka_unit_test(test_unknown_conversions_end_nothing),
		cmocka_unit_test(test_every_length_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
