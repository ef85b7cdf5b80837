/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Guests that attack the PF's service by their mailboxes and resets, while two others go on with
 * frames and requests as if nothing were. A test passes when its attack fails.
 */
#include "hostile.h"

#include <string.h>

#include "abi/mbx.h"

#define FUZZ	   4000
#define ROUNDS_MAX 4 /* of the PF, for one request of a VF that behaves */

static struct rig *r;

static int group_start(void **state)
{
	(void)state;
	r = hostile_start();
	return r ? 0 : -1;
}

static int group_stop(void **state)
{
	(void)state;
	hostile_stop();
	return 0;
}

/* Told once in 2 s for a VF, however much is refused. */
static void assert_told_little(unsigned int events, uint64_t since_us)
{
	uint64_t span = os_now_us(hostile_dev(0)) - since_us;

	assert_true(r->events[PF_EV_VF_REFUSED] - events <= VFS * (span / 2000000 + 2));
}

/* ---- garbage */

static void test_every_id_with_every_info_and_no_good_payload(void **state)
{
	static const uint32_t ids[] = {0, 1, 2,	  3,	 4,	5,	6,
				       7, 8, 0xf, 0x100, 0x101, 0x8001, 0xffff};
	static const uint32_t fill[] = {0, UINT32_MAX, 0x80000000, 0x0fff0fff};
	unsigned int told = r->events[PF_EV_VF_REFUSED];
	uint64_t start = os_now_us(hostile_dev(0));
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	for (unsigned int i = 0; i < ARRAY_SIZE(ids) * 256; i++) {
		uint32_t id = ids[i / 256], inf = field_prep(MBX_INFO, i % 256), msg[MBX_WORDS],
			 got;

		for (unsigned int w = 1; w < MBX_WORDS; w++)
			msg[w] = fill[i % ARRAY_SIZE(fill)];
		msg[0] = id | inf;
		got = hostile_ask(BAD, msg, MBX_WORDS);
		/* Answered, once, by its own header; RESET alone without CTS. */
		assert_int_equal(got & (MBX_ID | MBX_INFO), msg[0]);
		assert_true(!(got & MBX_ACK) != !(got & MBX_NACK));
		assert_int_equal(!!(got & MBX_CTS), id != MBX_RESET);
		if (id == 0 || id > 6)
			assert_true(got & MBX_NACK);
	}
	hostile_assert_same(&before);
	assert_told_little(told, start);
	hostile_assert_good();
}

/* A message has no length: what is not written is what the former one or its answer left. */
static void test_messages_cut_off_at_every_word(void **state)
{
	const uint32_t whole[MBX_WORDS] = {MBX_SET_MULTICAST | field_prep(MBX_INFO, MBX_MC_MAX)};
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	for (uint32_t id = MBX_RESET; id <= MBX_SET_PROMISC; id++)
		for (unsigned int n = 1; n <= MBX_WORDS; n++) {
			uint32_t msg[MBX_WORDS];

			memcpy(msg, whole, sizeof(msg));
			(void)hostile_ask(BAD, msg, MBX_WORDS);
			msg[0] = id | field_prep(MBX_INFO, 31);
			memset(msg + 1, 0xff, sizeof(msg) - 4);
			(void)hostile_ask(BAD, msg, n);
			/* 31 hashes would reach beyond the mailbox. */
			if (id == MBX_SET_MULTICAST)
				assert_int_equal(hostile_info(BAD).last_refusal, PF_RULE_MULTICAST);
		}
	hostile_assert_same(&before);
	hostile_assert_good();
}

static void random_act(unsigned int vf)
{
	uint32_t msg[MBX_WORDS];

	for (unsigned int w = 0; w < MBX_WORDS; w++)
		msg[w] = hostile_random();
	if (hostile_random() % 4)
		msg[0] = (hostile_random() % 7) | (msg[0] & MBX_INFO & hostile_random());
	if (hostile_random() % 2)
		msg[1] &= 0xfff;
	hostile_words(vf, msg, 1 + hostile_random() % MBX_WORDS);
	hostile_bell(vf, hostile_random() % 3 ? IGB_V2P_REQ : hostile_random() & 0xff);
	if (hostile_random() % 64 == 0)
		os_wr32(hostile_dev(vf), IGB_CTRL, IGB_CTRL_RST);
	if (hostile_random() % 16 == 0)
		(void)os_rd32(hostile_dev(vf), IGB_V2PMAILBOX);
}

static void random_attack(void)
{
	random_act(BAD + hostile_random() % (VFS - BAD));
}

static void test_thousands_of_random_messages_bits_and_resets(void **state)
{
	unsigned int told = r->events[PF_EV_VF_REFUSED];
	uint64_t start = os_now_us(hostile_dev(0));
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	hostile_ambush = random_attack; /* also while the PF waits for one of them */
	for (unsigned int i = 0; i < FUZZ; i++) {
		random_attack();
		hostile_serve();
		if (i % 400 == 0) {
			hostile_attack = random_attack;
			hostile_assert_good();
			hostile_attack = NULL;
			hostile_assert_same(&before);
		}
	}
	hostile_assert_same(&before);
	hostile_quiet();
	assert_told_little(told, start);
	for (unsigned int vf = BAD; vf < VFS; vf++)
		hostile_up(vf);
	hostile_assert_good();
}

/* ---- floods and storms */

static void flood(void)
{
	static unsigned int n;
	const uint32_t msgs[][2] = {{MBX_SET_VLAN | ADD, 5000},
				    {MBX_RESET, 0},
				    {MBX_SET_LPE, 64},
				    {0x77, 0},
				    {MBX_SET_VLAN | ADD, n % 64}};

	for (unsigned int vf = BAD; vf < VFS; vf++) {
		hostile_words(vf, msgs[n % ARRAY_SIZE(msgs)], 2);
		hostile_bell(vf, IGB_V2P_REQ | IGB_V2P_ACK);
	}
	n++;
}

static void test_flood_from_all_the_others(void **state)
{
	struct hostile_view before;
	uint64_t asked = hostile_info(BAD).requests;

	(void)state;
	hostile_look(&before);
	hostile_attack = flood;
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int k = 0; k < GOOD; k++) {
			unsigned int from = hostile_rounds;

			assert_int_equal(vf_frame_max_set(r->vf[k], 1518 + 4 * i), 0);
			assert_true(hostile_rounds - from <= ROUNDS_MAX);
			assert_int_equal(vf_frame_max_set(r->vf[k], 1518), 0);
		}
		hostile_assert_good();
		assert_int_equal(vf_reset(r->vf[0]), 0);
	}
	hostile_quiet();
	assert_true(hostile_info(BAD).requests - asked > 100);
	hostile_assert_same(&before);
}

/* They ask, and keep or take the lock in the same breath, for ever. */
static void keep_locks(void)
{
	for (unsigned int vf = BAD; vf < VFS; vf++)
		hostile_bell(vf, IGB_V2P_VFU | IGB_V2P_REQ | IGB_V2P_ACK);
}

static void test_locks_kept_by_all_the_others(void **state)
{
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	hostile_attack = keep_locks;
	for (unsigned int i = 0; i < 3; i++)
		hostile_assert_good();
	assert_int_equal(vf_reset(r->vf[1]), 0);
	/* They let go and take again whenever the PF looks. */
	hostile_ambush = keep_locks;
	hostile_assert_good();
	hostile_quiet();
	hostile_assert_same(&before);
	/* Who gives the lock back is served again. */
	for (unsigned int vf = BAD; vf < VFS; vf++)
		hostile_up(vf);
}

static void reset_storm(void)
{
	const uint32_t reset = MBX_RESET;

	for (unsigned int vf = BAD; vf < VFS; vf++) {
		if (hostile_random() % 2)
			os_wr32(hostile_dev(vf), IGB_CTRL, IGB_CTRL_RST);
		hostile_words(vf, &reset, 1);
		hostile_bell(vf, IGB_V2P_REQ);
		if (hostile_random() % 2)
			os_wr32(hostile_dev(vf), IGB_CTRL, IGB_CTRL_RST);
	}
}

static void test_storm_of_resets(void **state)
{
	uint64_t done = hostile_info(BAD).resets;
	unsigned int flrs = r->events[PF_EV_VF_FLR];
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	hostile_attack = reset_storm;
	for (unsigned int i = 0; i < 3; i++)
		hostile_assert_good();
	hostile_attack = NULL;
	for (unsigned int i = 0; i < 300; i++) {
		reset_storm();
		hostile_serve();
	}
	/* The functions' own resets, too. */
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(qemu_flr(r->q, BAD), 0);
		hostile_serve();
	}
	assert_true(hostile_info(BAD).resets - done > 50);
	assert_true(r->events[PF_EV_VF_FLR] - flrs > 50);
	hostile_quiet();
	for (unsigned int vf = BAD; vf < VFS; vf++)
		os_wr32(hostile_dev(vf), IGB_CTRL, IGB_CTRL_RST);
	hostile_quiet();
	/* After the last one nothing is left open. */
	assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_VFRE) & BAD_VFS, 0);
	assert_int_equal(os_rd32(qemu_func(r->q, -1), IGB_VFTE) & BAD_VFS, 0);
	hostile_assert_same(&before);
	hostile_assert_good();
}

/* ---- changed under the PF's eyes */

static uint32_t swapped[2];
static uint32_t swap_bits;
static bool swap_reset;

/* While the PF waits for the lock: another message, perhaps a reset, then the lock goes. */
static void swap(void)
{
	hostile_words(BAD, swapped, 2);
	if (swap_reset)
		os_wr32(hostile_dev(BAD), IGB_CTRL, IGB_CTRL_RST);
	hostile_bell(BAD, swap_bits);
	os_flush(hostile_dev(BAD));
}

static void ambushed(uint32_t word0, uint32_t word1, uint32_t bits, bool flr)
{
	const uint32_t harmless[2] = {MBX_SET_LPE, 1600};

	swapped[0] = word0;
	swapped[1] = word1;
	swap_bits = bits;
	swap_reset = flr;
	hostile_words(BAD, harmless, 2);
	hostile_bell(BAD, IGB_V2P_VFU | IGB_V2P_REQ);
	os_flush(hostile_dev(BAD));
	hostile_ambush = swap;
	hostile_serve();
	hostile_ambush = NULL;
}

static void test_message_swapped_while_the_pf_waits(void **state)
{
	struct hostile_view before;

	(void)state;
	hostile_look(&before);
	/* What is there when the lock is the PF's is what is judged, wholly. */
	ambushed(MBX_SET_PROMISC | field_prep(MBX_INFO, 3), 0, 0, false);
	assert_int_equal(hostile_info(BAD).last_refusal, PF_RULE_PROMISC);
	assert_false(hostile_info(BAD).uc_promisc);
	assert_int_equal(hostile_info(BAD).frame_max, 1518);
	ambushed(MBX_SET_VLAN | ADD, 4095, IGB_V2P_REQ, false);
	assert_int_equal(hostile_info(BAD).last_refusal, PF_RULE_VLAN_RANGE);
	hostile_quiet();
	/* It asks, is waited for, and is reset: the message is the next driver's, without leave. */
	ambushed(MBX_SET_VLAN | ADD, 77, 0, true);
	assert_int_equal(hostile_info(BAD).state, PF_VF_OFF);
	assert_int_equal(hostile_info(BAD).vlans, 0);
	assert_int_equal(hostile_info(BAD).last_refusal, PF_RULE_NO_RESET);
	assert_false(os_rd32(qemu_func(r->q, -1), IGB_VFTE) & BIT(BAD));
	/* A RESET that follows a reset is one; one that a reset follows leaves nothing open. */
	ambushed(MBX_RESET, 0, 0, true);
	assert_int_equal(hostile_info(BAD).state, PF_VF_READY);
	os_wr32(hostile_dev(BAD), IGB_CTRL, IGB_CTRL_RST);
	os_flush(hostile_dev(BAD));
	hostile_quiet();
	assert_int_equal(hostile_info(BAD).state, PF_VF_OFF);
	hostile_assert_same(&before);
	hostile_assert_good();
}

/* CTS is RESET's alone: no answer, ack or flag that a VF makes up gives it. */
static void test_cts_cannot_be_made_up(void **state)
{
	static const uint32_t words[] = {MBX_RESET | MBX_ACK,
					 MBX_RESET | MBX_NACK,
					 MBX_RESET | MBX_CTS,
					 MBX_RESET | MBX_ACK | MBX_CTS,
					 MBX_CTS,
					 MBX_SET_VLAN | ADD | MBX_CTS,
					 MBX_PF_CONTROL | MBX_CTS,
					 BIT(28) | MBX_RESET,
					 BIT(24) | MBX_RESET};

	(void)state;
	os_wr32(hostile_dev(BAD), IGB_CTRL, IGB_CTRL_RST);
	os_flush(hostile_dev(BAD));
	hostile_quiet();
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		(void)hostile_ask2(BAD, words[i], 9);
		hostile_bell(BAD, IGB_V2P_ACK);
		os_flush(hostile_dev(BAD));
		hostile_serve();
		assert_int_equal(hostile_info(BAD).state, PF_VF_OFF);
	}
	assert_int_equal(hostile_info(BAD).vlans, 0);
	assert_false(os_rd32(qemu_func(r->q, -1), IGB_VFRE) & BIT(BAD));
}

#define T(f) cmocka_unit_test_setup(f, hostile_each)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_id_with_every_info_and_no_good_payload),
		T(test_messages_cut_off_at_every_word),
		T(test_thousands_of_random_messages_bits_and_resets),
		T(test_flood_from_all_the_others),
		T(test_locks_kept_by_all_the_others),
		T(test_storm_of_resets),
		T(test_message_swapped_while_the_pf_waits),
		T(test_cts_cannot_be_made_up),
	};

	return cmocka_run_group_tests_name("hostile VF", tests, group_start, group_stop);
}
