/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The mailbox, word by word: every request, every refusal, a VF that floods or that keeps the lock.
 * The VFs have no driver here; the test writes their registers.
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/mbx.h"
#include "hw/igb.h"
#include "os/poll.h"

#define VFS	3
#define OK_CTS	(MBX_ACK | MBX_CTS)
#define NO_CTS	(MBX_NACK | MBX_CTS)
#define HASHES2 (2u << 16)
#define ADD	(1u << 16)

static struct rig *r;
static uint32_t kept[VFS]; /* of V2PMAILBOX: reading clears */

static int group_start(void **state)
{
	const struct rig_args args = {.num_vfs = VFS};

	(void)state;
	r = calloc(1, sizeof(*r));
	return r ? rig_start(r, &args) : -1;
}

static int group_stop(void **state)
{
	(void)state;
	rig_stop(r);
	free(r);
	return 0;
}

static struct os_dev *vf_dev(unsigned int vf)
{
	return qemu_func(r->q, (int)vf);
}

static uint32_t status(unsigned int vf)
{
	uint32_t v = os_rd32(vf_dev(vf), IGB_V2PMAILBOX) | kept[vf];

	kept[vf] = v & IGB_V2P_RC;
	return v;
}

static void post(unsigned int vf, const uint32_t *msg, unsigned int n)
{
	assert_int_equal(os_poll32(vf_dev(vf), IGB_V2PMAILBOX, IGB_V2P_PFU, 0, 10, 1000), 0);
	os_wr32(vf_dev(vf), IGB_V2PMAILBOX, IGB_V2P_VFU);
	assert_true(status(vf) & IGB_V2P_VFU);
	kept[vf] = 0;
	for (unsigned int i = 0; i < n; i++)
		os_wr32(vf_dev(vf), IGB_VF_VMBMEM + 4 * i, msg[i]);
	os_doorbell(vf_dev(vf), IGB_V2PMAILBOX, IGB_V2P_REQ);
	os_flush(vf_dev(vf));
}

/* The answer, acknowledged; false: none is there. */
static bool answer(unsigned int vf, uint32_t *msg, unsigned int n)
{
	if (!(status(vf) & IGB_V2P_PFSTS))
		return false;
	os_wr32(vf_dev(vf), IGB_V2PMAILBOX, IGB_V2P_VFU);
	for (unsigned int i = 0; i < n; i++)
		msg[i] = os_rd32(vf_dev(vf), IGB_VF_VMBMEM + 4 * i);
	os_wr32(vf_dev(vf), IGB_V2PMAILBOX, IGB_V2P_ACK);
	os_flush(vf_dev(vf));
	kept[vf] = 0;
	return true;
}

/* Asks, lets the PF serve, returns word 0 of the answer; 0: none. */
static uint32_t ask(unsigned int vf, const uint32_t *msg, unsigned int n)
{
	uint32_t got[3] = {0};

	rig_serve(r);
	kept[vf] = 0;
	(void)status(vf);
	kept[vf] = 0;
	post(vf, msg, n);
	rig_serve(r);
	return answer(vf, got, 3) ? got[0] : 0;
}

static void vf_up(unsigned int vf)
{
	const uint32_t reset = MBX_RESET;

	assert_int_equal(ask(vf, &reset, 1), MBX_RESET | MBX_ACK);
}

/* Without a driver, and as if none had ever been there. */
static int each_start(void **state)
{
	struct pf_vf_policy pol;

	(void)state;
	pf_vf_policy_default(&pol);
	for (unsigned int i = 0; i < VFS; i++) {
		uint32_t reg;

		if (qemu_flr(r->q, (int)i) || pf_vf_scrub(r->pf, i, &reg) ||
		    pf_vf_policy_set(r->pf, i, &pol, NULL))
			return -1;
		kept[i] = 0;
	}
	rig_serve(r);
	return 0;
}

static struct pf_vf_info info(unsigned int vf)
{
	struct pf_vf_info i;

	assert_int_equal(pf_vf_info(r->pf, vf, &i), 0);
	return i;
}

static void test_reset_answers_with_the_address(void **state)
{
	const uint32_t reset = MBX_RESET;
	const struct mac mac = info(1).mac;
	uint32_t got[3];

	(void)state;
	rig_serve(r);
	kept[1] = 0;
	(void)status(1);
	post(1, &reset, 1);
	rig_serve(r);
	assert_true(answer(1, got, 3));
	assert_int_equal(got[0], 0x80000001);
	assert_int_equal(got[1], mac.b[0] | (uint32_t)mac.b[1] << 8 | (uint32_t)mac.b[2] << 16 |
					 (uint32_t)mac.b[3] << 24);
	assert_int_equal(got[2], mac.b[4] | (uint32_t)mac.b[5] << 8);
	assert_int_equal(info(1).state, PF_VF_READY);
	assert_int_equal(info(0).state, PF_VF_OFF);
	assert_true(os_rd32(qemu_func(r->q, -1), IGB_VFRE) & BIT(1));
}

static void test_before_reset_all_else_is_refused_without_cts(void **state)
{
	const uint32_t msg[3] = {MBX_SET_VLAN | ADD, 5};

	(void)state;
	for (unsigned int vf = 0; vf < VFS; vf++) {
		assert_int_equal(ask(vf, msg, 2), msg[0] | MBX_NACK);
		assert_int_equal(info(vf).last_refusal, PF_RULE_NO_RESET);
		/* And that once in 2 s: no guest makes the PF talk to itself. */
		assert_int_equal(ask(vf, msg, 2), 0);
		assert_int_equal(info(vf).vlans, 0);
		assert_int_equal(info(vf).refused, 2);
	}
	vf_up(0);
	assert_int_equal(ask(0, msg, 2), msg[0] | OK_CTS);
}

/* Bytes 2, 0, 0, 0, 9, @n as words 1 and 2 have them. */
#define MAC_WORDS(n) 0x00000002, 0x0009 | (uint32_t)(n) << 8

struct exchange {
	const char *what;
	uint32_t msg[16];
	unsigned int words;
	uint32_t want; /* bits of the answer beside the request's */
	enum pf_rule rule;
};

static const struct exchange plain[] = {
	{"set MAC", {MBX_SET_MAC, MAC_WORDS(1)}, 3, OK_CTS, PF_OK},
	{"same MAC", {MBX_SET_MAC, MAC_WORDS(1)}, 3, OK_CTS, PF_OK},
	{"zero MAC", {MBX_SET_MAC, 0, 0}, 3, NO_CTS, PF_RULE_MAC_INVALID},
	{"group MAC", {MBX_SET_MAC, 0x00000001, 1}, 3, NO_CTS, PF_RULE_MAC_INVALID},
	{"broadcast", {MBX_SET_MAC, 0xffffffff, 0xffff}, 3, NO_CTS, PF_RULE_MAC_INVALID},
	{"clear, zero MAC", {MBX_SET_MAC | 1u << 16, 0, 0}, 3, OK_CTS, PF_OK},
	{"add MAC", {MBX_SET_MAC | 2u << 16, MAC_WORDS(2)}, 3, OK_CTS, PF_OK},
	{"add it again", {MBX_SET_MAC | 2u << 16, MAC_WORDS(2)}, 3, OK_CTS, PF_OK},
	{"add zero MAC", {MBX_SET_MAC | 2u << 16, 0, 0}, 3, NO_CTS, PF_RULE_MAC_INVALID},
	{"MAC sub-command 3", {MBX_SET_MAC | 3u << 16, MAC_WORDS(3)}, 3, NO_CTS, PF_RULE_UNKNOWN},
	{"MAC sub-command 255", {MBX_SET_MAC | 0xffu << 16}, 3, NO_CTS, PF_RULE_UNKNOWN},

	{"no groups", {MBX_SET_MULTICAST}, 1, OK_CTS, PF_OK},
	{"two groups", {MBX_SET_MULTICAST | HASHES2, 0x0fff0000}, 2, OK_CTS, PF_OK},
	{"hash of 13 bits",
	 {MBX_SET_MULTICAST | HASHES2, 0x10000000},
	 2,
	 NO_CTS,
	 PF_RULE_MULTICAST},
	{"30 groups", {MBX_SET_MULTICAST | 30u << 16}, 16, OK_CTS, PF_OK},
	{"31 groups", {MBX_SET_MULTICAST | 31u << 16}, 16, NO_CTS, PF_RULE_MULTICAST},
	{"groups, bit 6", {MBX_SET_MULTICAST | 1u << 22}, 16, NO_CTS, PF_RULE_UNKNOWN},
	/* Acknowledged, since no driver looks: what is refused is told to the administrator. */
	{"overflow", {MBX_SET_MULTICAST | 0x80u << 16}, 16, OK_CTS, PF_RULE_MULTICAST},

	{"VLAN 0", {MBX_SET_VLAN | ADD, 0}, 2, OK_CTS, PF_OK},
	{"VLAN 0 goes", {MBX_SET_VLAN, 0}, 2, OK_CTS, PF_OK},
	{"VLAN 4094", {MBX_SET_VLAN | ADD, 4094}, 2, OK_CTS, PF_OK},
	{"VLAN 4095", {MBX_SET_VLAN | ADD, 4095}, 2, NO_CTS, PF_RULE_VLAN_RANGE},
	{"VLAN of 32 bits", {MBX_SET_VLAN | ADD, 0x80000005}, 2, NO_CTS, PF_RULE_VLAN_RANGE},
	{"VLAN not had", {MBX_SET_VLAN, 77}, 2, OK_CTS, PF_OK},
	{"VLAN sub-command 2", {MBX_SET_VLAN | 2u << 16, 7}, 2, NO_CTS, PF_RULE_UNKNOWN},

	{"frame 64", {MBX_SET_LPE, 64}, 2, OK_CTS, PF_OK},
	{"frame 9728", {MBX_SET_LPE, 9728}, 2, OK_CTS, PF_OK},
	{"frame 63", {MBX_SET_LPE, 63}, 2, NO_CTS, PF_RULE_FRAME_SIZE},
	{"frame 9729", {MBX_SET_LPE, 9729}, 2, NO_CTS, PF_RULE_FRAME_SIZE},
	{"frame of 32 bits", {MBX_SET_LPE, 0xffffffff}, 2, NO_CTS, PF_RULE_FRAME_SIZE},

	{"promiscuity off", {MBX_SET_PROMISC}, 1, OK_CTS, PF_OK},
	{"unicast", {MBX_SET_PROMISC | 1u << 16}, 1, NO_CTS, PF_RULE_PROMISC},
	{"all multicast", {MBX_SET_PROMISC | 2u << 16}, 1, NO_CTS, PF_RULE_MULTICAST},
	{"both", {MBX_SET_PROMISC | 3u << 16}, 1, NO_CTS, PF_RULE_PROMISC},
	{"promiscuity, bit 2", {MBX_SET_PROMISC | 4u << 16}, 1, NO_CTS, PF_RULE_UNKNOWN},

	{"request 0", {0}, 1, NO_CTS, PF_RULE_UNKNOWN},
	{"request 7", {7}, 1, NO_CTS, PF_RULE_UNKNOWN},
	{"request of the PF", {MBX_PF_CONTROL}, 1, NO_CTS, PF_RULE_UNKNOWN},
	{"request 65535", {0xffff}, 1, NO_CTS, PF_RULE_UNKNOWN},
};

static void exchange_all(const struct exchange *x, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct pf_vf_info before = info(0), after;
		uint32_t got = ask(0, x[i].msg, x[i].words);

		after = info(0);
		if (got != (x[i].msg[0] | x[i].want))
			print_error("%s: %08x\n", x[i].what, got);
		assert_int_equal(got, x[i].msg[0] | x[i].want);
		assert_int_equal(after.requests - before.requests, 1);
		assert_int_equal(after.refused - before.refused, x[i].rule != PF_OK);
		if (x[i].rule)
			assert_int_equal(after.last_refusal, x[i].rule);
	}
}

static void test_every_request_without_trust(void **state)
{
	(void)state;
	vf_up(0);
	exchange_all(plain, ARRAY_SIZE(plain));
	/* What was accepted is in force, what was refused changed nothing. */
	assert_int_equal(info(0).mac.b[5], 1);
	assert_int_equal(info(0).vlans, 1);
	assert_int_equal(info(0).frame_max, 9728);
	assert_false(info(0).uc_promisc || info(0).mc_all);
}

static void test_every_request_with_trust(void **state)
{
	static const struct exchange trusted[] = {
		{"set fixed MAC", {MBX_SET_MAC, MAC_WORDS(4)}, 3, OK_CTS, PF_OK},
		{"overflow", {MBX_SET_MULTICAST | 0x80u << 16}, 16, OK_CTS, PF_OK},
		{"unicast", {MBX_SET_PROMISC | 1u << 16}, 1, OK_CTS, PF_OK},
		{"both", {MBX_SET_PROMISC | 3u << 16}, 1, OK_CTS, PF_OK},
		{"bit 7", {MBX_SET_PROMISC | 0x80u << 16}, 1, NO_CTS, PF_RULE_UNKNOWN},
	};
	struct pf_vf_policy pol;

	(void)state;
	pf_vf_policy_default(&pol);
	pol.trust = true;
	pol.mac = (struct mac){{2, 0, 0, 0, 8, 8}};
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	vf_up(0);
	exchange_all(trusted, ARRAY_SIZE(trusted));
	assert_true(info(0).uc_promisc && info(0).mc_all);
	assert_int_equal(info(0).mac.b[5], 4);
}

static void test_fixed_by_the_administrator(void **state)
{
	static const struct exchange fixed[] = {
		{"other MAC", {MBX_SET_MAC, MAC_WORDS(4)}, 3, NO_CTS, PF_RULE_MAC_FIXED},
		{"a further MAC",
		 {MBX_SET_MAC | 2u << 16, MAC_WORDS(4)},
		 3,
		 NO_CTS,
		 PF_RULE_MAC_FIXED},
		{"the MAC it has", {MBX_SET_MAC, 0x00000002, 0x0808}, 3, OK_CTS, PF_OK},
		{"clear", {MBX_SET_MAC | 1u << 16, 0, 0}, 3, OK_CTS, PF_OK},
		{"a VLAN", {MBX_SET_VLAN | ADD, 9}, 2, NO_CTS, PF_RULE_VLAN_PORT},
		{"its port VLAN goes", {MBX_SET_VLAN, 50}, 2, NO_CTS, PF_RULE_VLAN_PORT},
	};
	struct pf_vf_policy pol;

	(void)state;
	pf_vf_policy_default(&pol);
	pol.mac = (struct mac){{2, 0, 0, 0, 8, 8}};
	pol.vlan = 50;
	assert_int_equal(pf_vf_policy_set(r->pf, 0, &pol, NULL), 0);
	vf_up(0);
	exchange_all(fixed, ARRAY_SIZE(fixed));
}

static void test_address_of_another_is_taken(void **state)
{
	const struct mac own[] = {info(1).mac, r->mac[RIG_PF]};

	(void)state;
	vf_up(0);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		const uint8_t *b = own[i].b;
		const struct exchange x = {"another's MAC",
					   {MBX_SET_MAC,
					    b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
						    (uint32_t)b[3] << 24,
					    b[4] | (uint32_t)b[5] << 8},
					   3,
					   NO_CTS,
					   PF_RULE_MAC_TAKEN};

		exchange_all(&x, 1);
	}
}

static void test_receive_addresses_run_out(void **state)
{
	unsigned int added = 0;
	uint32_t got = 0;

	(void)state;
	for (unsigned int vf = 0; vf < 2; vf++)
		vf_up(vf);
	for (unsigned int vf = 0; vf < 2; vf++)
		for (unsigned int i = 0; i < IGB_RARS; i++) {
			const uint32_t msg[3] = {MBX_SET_MAC | 2u << 16, MAC_WORDS(vf * 64 + i)};

			got = ask(vf, msg, 3);
			if (got != (msg[0] | OK_CTS))
				break;
			added++;
		}
	assert_int_equal(got, MBX_SET_MAC | 2u << 16 | NO_CTS);
	assert_int_equal(info(1).last_refusal, PF_RULE_MAC_FULL);
	/* All 24, but for one of the PF, each VF's own, and two that stay for the third VF. */
	assert_int_equal(added, IGB_RARS - 1 - VFS - 2);
}

static void test_answers_are_not_requests(void **state)
{
	static const uint32_t words[] = {0x80000001, 0x40000002, 0xa0000004, 0xe0000006};

	(void)state;
	vf_up(0);
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
		struct pf_vf_info before = info(0);

		assert_int_equal(ask(0, &words[i], 1), 0);
		assert_int_equal(info(0).requests, before.requests);
		assert_int_equal(info(0).refused, before.refused);
		assert_int_equal(info(0).state, PF_VF_READY);
	}
}

static void test_flood_does_not_hold_up_another(void **state)
{
	const uint32_t flood[2] = {MBX_SET_VLAN | ADD, 5000}, one = MBX_RESET;
	uint32_t got[3];

	(void)state;
	vf_up(0);
	vf_up(2);
	for (unsigned int round = 0; round < 50; round++) {
		kept[1] = 0;
		(void)status(1);
		kept[1] = 0;
		post(0, flood, 2);
		post(2, flood, 2);
		post(1, &one, 1);
		/*
		 * One call serves one request of each VF: bounded work, nobody waits for a flood.
		 */
		assert_true(pf_service(r->pf) >= 3);
		assert_true(answer(1, got, 3));
		assert_int_equal(got[0], MBX_RESET | MBX_ACK);
	}
	assert_true(info(0).refused >= 50);
	/* What a guest triggers is told once in 2 s. */
	assert_true(r->events[PF_EV_VF_REFUSED] < 50);
}

static void test_kept_lock_holds_up_nobody(void **state)
{
	const uint32_t reset = MBX_RESET;
	uint32_t got[3];

	(void)state;
	vf_up(0);
	/* It takes the lock, asks and takes it again before the PF looks. */
	post(0, &reset, 1);
	os_wr32(vf_dev(0), IGB_V2PMAILBOX, IGB_V2P_VFU);
	kept[1] = 0;
	(void)status(1);
	kept[1] = 0;
	post(1, &reset, 1);
	assert_true(pf_service(r->pf) >= 1);
	assert_true(answer(1, got, 3));
	assert_int_equal(got[0], MBX_RESET | MBX_ACK);
	os_wr32(vf_dev(0), IGB_V2PMAILBOX, 0);
	os_flush(vf_dev(0));
	vf_up(0);
}

static uint32_t random_next(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static void test_noise_leaves_the_pf_well(void **state)
{
	const uint32_t ids[] = {1, 2, 3, 4, 5, 6, 0x100};
	uint32_t seed = 82576;

	(void)state;
	for (unsigned int i = 0; i < 1500; i++) {
		unsigned int vf = random_next(&seed) % VFS;
		uint32_t msg[MBX_WORDS];

		for (unsigned int w = 0; w < MBX_WORDS; w++)
			msg[w] = random_next(&seed);
		if (i % 4) /* near a request */
			msg[0] = ids[msg[0] % ARRAY_SIZE(ids)] | (msg[0] & MBX_INFO);
		(void)ask(vf, msg, MBX_WORDS);
	}
	for (unsigned int vf = 0; vf < VFS; vf++) {
		const struct rig_tx t = {.from = RIG_WIRE, .to = &r->mac[vf], .n = 10};
		const struct vf_config cfg = {0};

		rig_vf_open(r, vf, &cfg);
		rig_check(r, &t, BIT(vf));
		rig_vf_close(r, vf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_before_reset_all_else_is_refused_without_cts,
				       each_start),
		cmocka_unit_test_setup(test_reset_answers_with_the_address, each_start),
		cmocka_unit_test_setup(test_every_request_without_trust, each_start),
		cmocka_unit_test_setup(test_every_request_with_trust, each_start),
		cmocka_unit_test_setup(test_fixed_by_the_administrator, each_start),
		cmocka_unit_test_setup(test_address_of_another_is_taken, each_start),
		cmocka_unit_test_setup(test_receive_addresses_run_out, each_start),
		cmocka_unit_test_setup(test_answers_are_not_requests, each_start),
		cmocka_unit_test_setup(test_flood_does_not_hold_up_another, each_start),
		cmocka_unit_test_setup(test_kept_lock_holds_up_nobody, each_start),
		cmocka_unit_test_setup(test_noise_leaves_the_pf_well, each_start),
	};

	return cmocka_run_group_tests_name("mailbox", tests, group_start, group_stop);
}
