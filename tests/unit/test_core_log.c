/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's ring log: whole, clean lines whatever number is asked for, and no guest's flood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot.h"

struct core core = {.tsc_hz = 1000000000};
static uint64_t now;
static char console[1 << 22];
static size_t shown;

void spin_lock(struct spin *s)
{
	assert_int_equal(s->next++, s->serving);
}

void spin_unlock(struct spin *s)
{
	s->serving++;
}

uint64_t core_now(void)
{
	return now;
}

void serial_write(const char *s, size_t len)
{
	assert_true(shown + len < sizeof(console));
	memcpy(console + shown, s, len);
	shown += len;
	console[shown] = 0;
}

static bool locked;

bool core_locked(void)
{
	return locked;
}

static void quiet(void)
{
	log_drain(UINT32_MAX);
	shown = 0;
	console[0] = 0;
}

static void test_line_has_the_time(void **state)
{
	char buf[200] = "";
	uint64_t seq = UINT64_MAX;

	(void)state;
	quiet();
	assert_int_equal(log_read(&seq, buf, sizeof(buf)), 0);
	now = UINT64_C(12000345678);
	core_log(OS_LOG_INFO, "hello %d", 5);
	assert_string_equal(console, "[   12.000345] hello 5\r\n");
	assert_int_equal(log_read(&seq, buf, sizeof(buf)), 23);
	assert_memory_equal(buf, "[   12.000345] hello 5\n", 23);
}

static void test_debug_is_for_the_ring_alone(void **state)
{
	char buf[200] = "";
	uint64_t seq = UINT64_MAX;

	(void)state;
	quiet();
	log_read(&seq, buf, sizeof(buf));
	core_log(OS_LOG_DEBUG, "detail");
	core_log(OS_LOG_ERR, "trouble");
	assert_null(strstr(console, "detail"));
	assert_non_null(strstr(console, "trouble"));
	log_read(&seq, buf, sizeof(buf));
	assert_non_null(strstr(buf, "detail"));
}

static void test_controls_do_not_get_through(void **state)
{
	(void)state;
	quiet();
	core_log(OS_LOG_INFO, "a\n[ 0.0] forged\033[2J\tb\x80%s", "\r");
	assert_non_null(strstr(console, "] a?[ 0.0] forged?[2J b??\r\n"));
}

static void test_long_line_is_cut(void **state)
{
	char text[1000];

	(void)state;
	quiet();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	core_log(OS_LOG_INFO, "%s", text);
	assert_true(shown > 200 && shown < 400);
	assert_string_equal(console + shown - 3, "x\r\n");
}

/* More than the ring holds: what is read are whole lines, in order, up to the last. */
static void test_ring_goes_round(void **state)
{
	char buf[1024];
	unsigned int next = 0, got = 0;
	uint64_t seq = 0;
	size_t n;

	(void)state;
	quiet();
	for (unsigned int i = 0; i < 20000; i++)
		core_log(OS_LOG_DEBUG, "number %u%s", i, &"xx"[i % 3]);
	while ((n = log_read(&seq, buf, sizeof(buf) - 1))) {
		buf[n] = 0;
		for (char *l = buf; *l; l = strchr(l, '\n') + 1, got++) {
			unsigned int i;

			assert_int_equal(sscanf(l, "[%*[^]]] number %u", &i), 1);
			assert_true(!got || i == next);
			next = i + 1;
		}
	}
	assert_int_equal(next, 20000);
	assert_true(got > 1000);
}

static void test_any_number_gives_whole_lines(void **state)
{
	char buf[400];
	uint64_t end = UINT64_MAX;

	(void)state;
	log_read(&end, buf, sizeof(buf));
	srand(3);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t seq = end + 300 - (uint64_t)rand() % 66000, was = seq;
		size_t n = log_read(&seq, buf, (size_t)rand() % sizeof(buf));

		assert_true(seq >= was || was > end);
		assert_true(!n || (buf[0] == '[' && buf[n - 1] == '\n'));
	}
}

static void test_guest_is_held_back(void **state)
{
	struct guest *g = &core.guest[2];
	unsigned int lines = 0;

	(void)state;
	quiet();
	strcpy(g->cfg.name, "loud");
	for (unsigned int i = 0; i < 100; i++)
		guest_log(g, "port %x refused", i);
	for (const char *p = console; (p = strstr(p, "guest loud: port")); p++)
		lines++;
	assert_int_equal(lines, 8);
	strcpy(core.guest[3].cfg.name, "other");
	guest_log(&core.guest[3], "heard");
	assert_non_null(strstr(console, "guest other: heard"));
	now += core.tsc_hz;
	guest_log(g, "again");
	assert_non_null(strstr(console, "guest loud: 92 more lines were held back\r\n"));
	assert_non_null(strstr(console, "guest loud: again\r\n"));
}

/* One that prints without end leaves half of the ring to others, and is named for it, once. */
static void test_console_is_held_back(void **state)
{
	struct guest *g = &core.guest[4];
	unsigned int lines = 0, told = 0;

	(void)state;
	quiet();
	strcpy(g->cfg.name, "flood");
	guest_log(&core.guest[5], "evidence");
	for (unsigned int i = 0; i < 5000; i++) {
		guest_console(g, "12345678901234567890", 20);
		log_drain(2);
	}
	for (const char *p = console; (p = strstr(p, "[flood] 1")); p++)
		lines++;
	for (const char *p = console; (p = strstr(p, "guest flood: its console is held")); p++)
		told++;
	assert_in_range(lines, 400, 800);
	assert_int_equal(told, 1);
	now += 8 * core.tsc_hz;
	guest_console(g, "later", 5);
	g->starts++;
	guest_console(g, "anew", 4);
	log_drain(2);
	assert_non_null(strstr(console, "[flood] later\r\n"));
	assert_non_null(strstr(console, "[flood] anew\r\n"));
}

/* Guests wait for the lock: its owner does not wait for the console. */
static void test_lock_holder_leaves_the_console_alone(void **state)
{
	(void)state;
	quiet();
	locked = true;
	core_log(OS_LOG_INFO, "one");
	core_log(OS_LOG_INFO, "two");
	assert_int_equal(shown, 0);
	locked = false;
	log_drain(1);
	assert_non_null(strstr(console, "one\r\n"));
	assert_null(strstr(console, "two"));
	core_log(OS_LOG_INFO, "three");
	assert_non_null(strstr(console, "two\r\n"));
	assert_non_null(strstr(console, "three\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_holder_leaves_the_console_alone),
		cmocka_unit_test(test_line_has_the_time),
		cmocka_unit_test(test_debug_is_for_the_ring_alone),
		cmocka_unit_test(test_controls_do_not_get_through),
		cmocka_unit_test(test_long_line_is_cut),
		cmocka_unit_test(test_ring_goes_round),
		cmocka_unit_test(test_any_number_gives_whole_lines),
		cmocka_unit_test(test_guest_is_held_back),
		cmocka_unit_test(test_console_is_held_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
