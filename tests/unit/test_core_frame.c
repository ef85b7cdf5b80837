/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's control line: frames are found again whatever lies between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control.h"

static size_t make(uint8_t *out, uint8_t type, uint16_t seq, const void *p, size_t len)
{
	struct core_frame f;

	frame_seal(&f, type, 0, seq, p, len);
	memcpy(out, &f, sizeof(f));
	if (len)
		memcpy(out + sizeof(f), p, len);
	return sizeof(f) + len;
}

/* How many whole frames of @type come out of these bytes. */
static unsigned int feed(struct frame_rx *rx, const uint8_t *b, size_t n, uint8_t type)
{
	unsigned int got = 0;

	for (size_t i = 0; i < n; i++)
		got += frame_byte(rx, b[i]) && rx->buf[2] == type;
	return got;
}

static void test_crc_is_the_standard_one(void **state)
{
	(void)state;
	/* the check value of CRC-32/ISO-HDLC */
	assert_int_equal(frame_crc(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(frame_crc(frame_crc(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void test_frame_comes_out_whole(void **state)
{
	struct frame_rx rx = {.have = 0};
	uint8_t b[64];
	size_t n = make(b, 7, 0x1234, "hello", 5);
	const struct core_frame *f = (const void *)rx.buf;

	(void)state;
	assert_int_equal(feed(&rx, b, n - 1, 7), 0);
	assert_int_equal(feed(&rx, b + n - 1, 1, 7), 1);
	assert_int_equal(le16_to_cpu(f->seq), 0x1234);
	assert_int_equal(le16_to_cpu(f->len), 5);
	assert_memory_equal(rx.buf + sizeof(*f), "hello", 5);
	assert_int_equal(rx.dropped, 0);
}

static void test_every_damaged_byte_is_refused_and_the_next_frame_is_found(void **state)
{
	uint8_t one[64], two[64];
	size_t n = make(one, 7, 1, "hello", 5), m = make(two, 8, 2, "there", 5);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct frame_rx rx = {.have = 0};
			uint8_t pad[CORE_PAYLOAD_MAX + 64] = {0};

			one[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(feed(&rx, one, n, 7), 0);
			/* A damaged length waits for bytes that never come; the next ones end that.
			 */
			feed(&rx, pad, sizeof(pad), 7);
			assert_int_equal(feed(&rx, two, m, 8), 1);
			one[i] ^= (uint8_t)(1u << bit);
		}
}

static void test_longest_payload(void **state)
{
	static uint8_t p[CORE_PAYLOAD_MAX], b[CORE_PAYLOAD_MAX + 64];
	struct frame_rx rx = {.have = 0};
	size_t n;

	(void)state;
	memset(p, CORE_MAGIC & 0xff, sizeof(p));
	n = make(b, 9, 3, p, sizeof(p));
	assert_int_equal(feed(&rx, b, n, 9), 1);
	assert_int_equal(feed(&rx, b, n, 9), 1);
}

static void test_noise_never_makes_a_frame(void **state)
{
	struct frame_rx rx = {.have = 0};
	uint8_t b[64], good[64];
	size_t n = make(good, 5, 1, "x", 1);
	unsigned int seed = 1;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		for (unsigned int i = 0; i < sizeof(b); i++) {
			unsigned int r = (unsigned int)rand_r(&seed);

			b[i] = (uint8_t)r;
			if (!(r & 0x300))
				b[i] = r & 0x400 ? CORE_MAGIC & 0xff : CORE_MAGIC >> 8;
		}
		assert_int_equal(feed(&rx, b, sizeof(b), 200), 0);
		assert_true(rx.have <= sizeof(rx.buf));
	}
	/* Whatever it waits for ends within one longest payload. */
	for (unsigned int i = 0; i < 2 * sizeof(rx.buf) / n; i++)
		if (feed(&rx, good, n, 5))
			return;
	fail_msg("the receiver did not find its step again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc_is_the_standard_one),
		cmocka_unit_test(test_frame_comes_out_whole),
		cmocka_unit_test(test_every_damaged_byte_is_refused_and_the_next_frame_is_found),
		cmocka_unit_test(test_longest_payload),
		cmocka_unit_test(test_noise_never_makes_a_frame),
	};

	return cmocka_run_group_tests_name("core_frame", tests, NULL, NULL);
}
