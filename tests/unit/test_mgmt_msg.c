/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The manager's codec: what goes in comes out, and no bytes of a stranger break it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "abi/mgmt_msg.h"
#include "os/err.h"

static const struct mgmt_vf a_vf = {
	.vf = 3,
	.bdf = "0000:01:10.6",
	.group = 14,
	.pool = 3,
	.queues = 0x808,
	.mac = {{2, 0, 0, 0, 0, 0x10}},
	.policy_mac = {{2, 0, 0, 0, 0, 0x11}},
	.vlan = 100,
	.qos = 5,
	.rate_max = 300,
	.rate_min = 7,
	.link = IFLA_VF_LINK_STATE_DISABLE,
	.spoofchk = true,
	.trust = true,
	.stats = {1, 2, 3, 4, 5, 6, 7, UINT64_C(0x123456789abcdef0)},
	.state = MGMT_RESERVED,
	.owner = "vm-1.example_a",
	.qmp = "/run/sluice/vm1.qmp",
	.reason = "none",
	.cold = true,
	.ready = true,
	.uc_promisc = true,
	.mc_all = true,
	.pid = 4711,
	.frame_max = 9728,
	.vlans = 4,
	.resets = 9,
	.requests = UINT64_C(1) << 40,
	.refused = 11,
	.refusal = "a port VLAN is set",
};

static const struct mgmt_link a_link = {
	.bdf = "0000:01:00.0",
	.driver = "vfio-pci",
	.device = "82576",
	.state_dir = "/var/lib/sluice",
	.mac = {{0x90, 0xe2, 0xba, 1, 2, 3}},
	.up = true,
	.full_duplex = true,
	.unsafe = true,
	.mbps = 1000,
	.num_vfs = 7,
	.total_vfs = 7,
	.pool = 7,
	.version = MGMT_VERSION,
	.stats = {1, 2, 3, 4, 5, 0, 7, 8},
};

#define ALL (RTEXT_FILTER_VF | MGMT_EXT_PRIVATE)

static void test_newlink_round_trip(void **state)
{
	struct mgmt_vf in[MGMT_VFS_MAX], out[MGMT_VFS_MAX];
	struct mgmt_link link;
	struct os_err err;
	struct nl_msg *msg;
	unsigned int i;

	(void)state;
	for (i = 0; i < MGMT_VFS_MAX; i++) {
		in[i] = a_vf;
		in[i].vf = i;
	}
	msg = mgmt_msg_newlink(9, NLM_F_MULTI, &a_link, in, MGMT_VFS_MAX, ALL);
	assert_non_null(msg);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_seq, 9);
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(mgmt_msg_newlink_parse(nlmsg_hdr(msg), &link, out, MGMT_VFS_MAX, &err),
			 MGMT_VFS_MAX);
	assert_memory_equal(&link, &a_link, sizeof(link));
	assert_memory_equal(out, in, sizeof(in));
	nlmsg_free(msg);
}

static void test_newlink_without_private_is_what_the_kernel_says(void **state)
{
	struct mgmt_link link;
	struct mgmt_vf out;
	struct os_err err;
	struct nl_msg *msg;

	(void)state;
	msg = mgmt_msg_newlink(1, 0, &a_link, &a_vf, 1, RTEXT_FILTER_VF);
	assert_int_equal(mgmt_msg_newlink_parse(nlmsg_hdr(msg), &link, &out, 1, &err), 1);
	assert_int_equal(out.vlan, 100);
	assert_int_equal(out.stats.tx_dropped, a_vf.stats.tx_dropped);
	assert_string_equal(out.owner, "");
	assert_string_equal(link.driver, "");
	nlmsg_free(msg);
	msg = mgmt_msg_newlink(1, 0, &a_link, &a_vf, 1, 0);
	assert_int_equal(mgmt_msg_newlink_parse(nlmsg_hdr(msg), &link, &out, 1, &err), 0);
	assert_int_equal(link.num_vfs, 7);
	nlmsg_free(msg);
}

static void test_newlink_more_vfs_than_room(void **state)
{
	struct mgmt_vf in[2] = {a_vf, a_vf}, out;
	struct mgmt_link link;
	struct os_err err;
	struct nl_msg *msg = mgmt_msg_newlink(1, 0, &a_link, in, 2, ALL);

	(void)state;
	assert_int_equal(mgmt_msg_newlink_parse(nlmsg_hdr(msg), &link, &out, 1, &err), -EINVAL);
	nlmsg_free(msg);
}

static const struct mgmt_vf_set all_sets = {
	.vf = 5,
	.has = MGMT_SET_MAC | MGMT_SET_VLAN | MGMT_SET_RATE | MGMT_SET_SPOOFCHK | MGMT_SET_LINK |
	       MGMT_SET_TRUST,
	.mac = {{2, 1, 2, 3, 4, 5}},
	.vlan = 4095,
	.qos = 9,
	.rate_max = 100,
	.rate_min = 50,
	.link = 2,
	.spoofchk = true,
	.trust = true,
};

static void test_setlink_round_trip(void **state)
{
	struct mgmt_vf_set out[MGMT_VFS_MAX], one = {.vf = 1, .has = MGMT_SET_MAC_FREE};
	struct os_err err;
	struct nl_msg *msg = mgmt_msg_setlink(1, "0000:01:00.0", &all_sets);

	(void)state;
	assert_int_equal(mgmt_msg_setlink_parse(nlmsg_hdr(msg), out, MGMT_VFS_MAX, &err), 1);
	assert_memory_equal(&out[0], &all_sets, sizeof(all_sets));
	nlmsg_free(msg);
	msg = mgmt_msg_setlink(1, "", &one);
	assert_int_equal(mgmt_msg_setlink_parse(nlmsg_hdr(msg), out, MGMT_VFS_MAX, &err), 1);
	assert_memory_equal(&out[0], &one, sizeof(one));
	nlmsg_free(msg);
}

/* A RTM_SETLINK whose one VF has the attributes that @put adds. */
static int set_with(int (*put)(struct nl_msg *msg), struct mgmt_vf_set *out, struct os_err *err)
{
	struct nl_msg *msg = nlmsg_alloc_size(MGMT_REQUEST_MAX);
	struct ifinfomsg ifi = {.ifi_index = -1};
	struct nlattr *list, *info;
	int ret;

	nlmsg_put(msg, 0, 1, RTM_SETLINK, 0, NLM_F_REQUEST);
	assert_int_equal(nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO), 0);
	list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	info = nla_nest_start(msg, IFLA_VF_INFO);
	assert_int_equal(put(msg), 0);
	nla_nest_end(msg, info);
	nla_nest_end(msg, list);
	ret = mgmt_msg_setlink_parse(nlmsg_hdr(msg), out, 1, err);
	nlmsg_free(msg);
	return ret;
}

static int vlan_list(struct nl_msg *msg, int n, uint16_t proto)
{
	struct ifla_vf_vlan_info v = {2, 100, 3, htons(proto)};
	struct nlattr *nest = nla_nest_start(msg, IFLA_VF_VLAN_LIST);

	while (n--)
		assert_int_equal(nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(v), &v), 0);
	nla_nest_end(msg, nest);
	return 0;
}

static int put_one_vlan(struct nl_msg *msg)
{
	return vlan_list(msg, 1, ETH_P_8021Q);
}

static int put_two_vlans(struct nl_msg *msg)
{
	return vlan_list(msg, 2, ETH_P_8021Q);
}

static int put_qinq(struct nl_msg *msg)
{
	return vlan_list(msg, 1, ETH_P_8021AD);
}

static int put_guid(struct nl_msg *msg)
{
	struct ifla_vf_guid g = {2, 1};

	return nla_put(msg, IFLA_VF_IB_NODE_GUID, sizeof(g), &g);
}

static int put_short_mac(struct nl_msg *msg)
{
	uint32_t vf = 2;

	return nla_put(msg, IFLA_VF_MAC, sizeof(vf), &vf);
}

static int put_two_vfs(struct nl_msg *msg)
{
	struct ifla_vf_trust a = {1, 1}, b = {2, 1};

	return nla_put(msg, IFLA_VF_TRUST, sizeof(a), &a) |
	       nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(b), &b);
}

static void test_setlink_vlan_list(void **state)
{
	struct mgmt_vf_set out;
	struct os_err err;

	(void)state;
	assert_int_equal(set_with(put_one_vlan, &out, &err), 1);
	assert_int_equal(out.vf, 2);
	assert_int_equal(out.has, MGMT_SET_VLAN);
	assert_int_equal(out.vlan, 100);
	assert_int_equal(out.qos, 3);
	assert_int_equal(set_with(put_two_vlans, &out, &err), -EOPNOTSUPP);
	assert_int_equal(set_with(put_qinq, &out, &err), -EPROTONOSUPPORT);
	assert_true(err.rule[0] && err.mend[0]);
}

static void test_setlink_what_the_card_lacks_is_refused(void **state)
{
	struct mgmt_vf_set out;
	struct os_err err;

	(void)state;
	assert_int_equal(set_with(put_guid, &out, &err), -EOPNOTSUPP);
	assert_int_equal(set_with(put_short_mac, &out, &err), -EINVAL);
	assert_int_equal(set_with(put_two_vfs, &out, &err), -EINVAL);
	assert_true(err.what[0] && err.rule[0] && err.mend[0]);
}

static const struct mgmt_lease_msg a_lease = {
	.vm = "vm1",
	.qmp = "/run/x.qmp",
	.bdf = "0000:01:10.0",
	.args = "-device vfio-pci",
	.vf = 4,
	.cold = true,
};

static void test_lease_round_trip(void **state)
{
	struct mgmt_lease_msg out, none = {.vf = -1};
	struct os_err err;
	struct nl_msg *msg = mgmt_msg_lease(7, MGMT_MSG_NEWLEASE, NLM_F_REQUEST, &a_lease);

	(void)state;
	assert_int_equal(mgmt_msg_lease_parse(nlmsg_hdr(msg), &out, &err), 0);
	assert_memory_equal(&out, &a_lease, sizeof(out));
	nlmsg_free(msg);
	msg = mgmt_msg_lease(7, MGMT_MSG_RESETVF, NLM_F_REQUEST, &none);
	assert_int_equal(mgmt_msg_lease_parse(nlmsg_hdr(msg), &out, &err), 0);
	assert_int_equal(out.vf, -1);
	nlmsg_free(msg);
}

static void test_lease_of_another_version_is_refused(void **state)
{
	struct mgmt_lease_msg out;
	struct os_err err;
	struct nl_msg *msg = mgmt_msg_lease(7, MGMT_MSG_NEWLEASE, NLM_F_REQUEST, &a_lease);
	struct mgmt_hdr *mh = nlmsg_data(nlmsg_hdr(msg));

	(void)state;
	mh->version = MGMT_VERSION + 1;
	assert_int_equal(mgmt_msg_lease_parse(nlmsg_hdr(msg), &out, &err), -EPROTONOSUPPORT);
	nlmsg_free(msg);
}

static int parse_lease(const char *vm, const char *qmp)
{
	struct mgmt_lease_msg in = {.vf = 0}, out;
	struct os_err err;
	struct nl_msg *msg;
	int ret;

	strncpy(in.vm, vm, sizeof(in.vm) - 1);
	strncpy(in.qmp, qmp, sizeof(in.qmp) - 1);
	msg = mgmt_msg_lease(7, MGMT_MSG_NEWLEASE, NLM_F_REQUEST, &in);
	ret = mgmt_msg_lease_parse(nlmsg_hdr(msg), &out, &err);
	nlmsg_free(msg);
	return ret;
}

static void test_lease_names_that_leave_their_folder_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_lease("vm1", ""), 0);
	assert_int_equal(parse_lease("../etc", ""), -EINVAL);
	assert_int_equal(parse_lease("a/b", ""), -EINVAL);
	assert_int_equal(parse_lease(".hidden", ""), -EINVAL);
	assert_int_equal(parse_lease("-x", ""), -EINVAL);
	assert_int_equal(parse_lease("a b", ""), -EINVAL);
	assert_int_equal(parse_lease("vm1", "relative.qmp"), -EINVAL);
	assert_int_equal(parse_lease("vm1", "/a\nb"), -EINVAL);
	assert_false(mgmt_vm_name_ok(""));
	assert_true(
		mgmt_vm_name_ok("0123456789012345678901234567890123456789012345678901234567890ab"));
	assert_false(mgmt_vm_name_ok(
		"0123456789012345678901234567890123456789012345678901234567890abc"));
}

static void test_error_round_trip(void **state)
{
	struct os_err in = {-EBUSY, "VF 3 is taken", "one owner", "detach it"}, out;
	struct nl_msg *req = mgmt_msg_lease(42, MGMT_MSG_RESETVF, NLM_F_REQUEST, &a_lease);
	struct nl_msg *msg = mgmt_msg_error(nlmsg_hdr(req), &in);

	(void)state;
	assert_int_equal(nlmsg_hdr(msg)->nlmsg_seq, 42);
	assert_true(nlmsg_hdr(msg)->nlmsg_flags & NLM_F_ACK_TLVS);
	assert_int_equal(mgmt_msg_error_parse(nlmsg_hdr(msg), &out), -EBUSY);
	assert_string_equal(out.what, in.what);
	assert_string_equal(out.rule, in.rule);
	assert_string_equal(out.mend, in.mend);
	nlmsg_free(msg);
	in.no = 0;
	msg = mgmt_msg_error(nlmsg_hdr(req), &in);
	assert_int_equal(mgmt_msg_error_parse(nlmsg_hdr(msg), &out), 0);
	nlmsg_free(msg);
	nlmsg_free(req);
}

/*
 * ---- hostile bytes ----------------------------------------------------------------------------
 */

/* Every parser on @len bytes, which end where the allocation ends: a read beyond is seen. */
static void parse_all(const void *bytes, size_t len)
{
	static struct mgmt_vf vf[MGMT_VFS_MAX];
	struct mgmt_vf_set set[MGMT_VFS_MAX];
	const struct nlmsghdr *hdr;
	struct mgmt_lease_msg lease;
	struct mgmt_link link;
	struct os_err err;
	char name[MGMT_BDF_LEN];
	uint32_t mask;
	size_t pos = 0;
	int index, n = 0;

	while (mgmt_msg_next(bytes, len, &pos, &hdr) > 0 && n++ < 64) {
		assert_true(mgmt_msg_getlink_parse(hdr, name, &mask, &index, &err) <= 0);
		assert_true(mgmt_msg_setlink_parse(hdr, set, MGMT_VFS_MAX, &err) <= MGMT_VFS_MAX);
		assert_true(mgmt_msg_lease_parse(hdr, &lease, &err) <= 0);
		assert_true(mgmt_msg_newlink_parse(hdr, &link, vf, MGMT_VFS_MAX, &err) <=
			    MGMT_VFS_MAX);
		assert_true(mgmt_msg_error_parse(hdr, &err) <= 0);
	}
}

static struct nl_msg *sample(unsigned int i)
{
	struct os_err err = {-EBUSY, "what", "rule", "mend"};
	struct mgmt_vf two[2] = {a_vf, a_vf};

	switch (i) {
	case 0:
		return mgmt_msg_newlink(1, 0, &a_link, two, 2, ALL);
	case 1:
		return mgmt_msg_setlink(1, "0000:01:00.0", &all_sets);
	case 2:
		return mgmt_msg_lease(1, MGMT_MSG_NEWLEASE, NLM_F_REQUEST, &a_lease);
	case 3:
		return mgmt_msg_error(NULL, &err);
	default:
		return mgmt_msg_getlink(1, ALL);
	}
}

#define SAMPLES 5

static void test_hostile_truncated_at_every_length(void **state)
{
	unsigned int i;
	size_t len;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		struct nl_msg *msg = sample(i);
		size_t full = nlmsg_hdr(msg)->nlmsg_len;

		for (len = 0; len <= full; len++) {
			void *cut = malloc(len ? len : 1);

			memcpy(cut, nlmsg_hdr(msg), len);
			parse_all(cut, len);
			/* And with a header that agrees with the cut. */
			if (len >= sizeof(struct nlmsghdr)) {
				((struct nlmsghdr *)cut)->nlmsg_len = (uint32_t)len;
				parse_all(cut, len);
			}
			free(cut);
		}
		nlmsg_free(msg);
	}
}

static void test_hostile_lengths_that_lie(void **state)
{
	static const uint16_t lies[] = {0, 1, 3, 4, 5, 8, 0x7fff, 0xffff};
	unsigned int i, lie;
	size_t at;

	(void)state;
	for (i = 0; i < SAMPLES; i++) {
		struct nl_msg *msg = sample(i);
		size_t full = nlmsg_hdr(msg)->nlmsg_len;

		for (at = sizeof(struct nlmsghdr); at + 2 <= full; at += 4) {
			for (lie = 0; lie < ARRAY_SIZE(lies); lie++) {
				char *copy = malloc(full);

				memcpy(copy, nlmsg_hdr(msg), full);
				memcpy(copy + at, &lies[lie], sizeof(lies[lie]));
				parse_all(copy, full);
				memcpy(copy, nlmsg_hdr(msg), full);
				memcpy(copy + at + 2, &lies[lie], sizeof(lies[lie]));
				parse_all(copy, full);
				free(copy);
			}
		}
		nlmsg_free(msg);
	}
}

static void test_hostile_random_bytes(void **state)
{
	uint32_t x = 2463534242U;
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 4000; round++) {
		struct nl_msg *msg = sample(round % SAMPLES);
		size_t full = nlmsg_hdr(msg)->nlmsg_len;
		uint8_t *copy = malloc(full);

		memcpy(copy, nlmsg_hdr(msg), full);
		for (i = 0; i < 1 + round % 8; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			copy[x % full] = (uint8_t)(x >> 24);
		}
		parse_all(copy, full);
		free(copy);
		nlmsg_free(msg);
	}
}

static void test_hostile_header_shorter_than_itself(void **state)
{
	struct nlmsghdr h = {.nlmsg_len = 4, .nlmsg_type = RTM_GETLINK, .nlmsg_seq = 5};
	const struct nlmsghdr *hdr;
	size_t pos = 0;

	(void)state;
	assert_int_equal(mgmt_msg_next(&h, sizeof(h), &pos, &hdr), -EINVAL);
	assert_ptr_equal(hdr, &h);
	assert_int_equal(mgmt_msg_next(&h, sizeof(h) - 1, &pos, &hdr), -EINVAL);
	assert_null(hdr);
	h.nlmsg_len = sizeof(h) + 1;
	assert_int_equal(mgmt_msg_next(&h, sizeof(h), &pos, &hdr), -EINVAL);
	h.nlmsg_len = sizeof(h);
	assert_int_equal(mgmt_msg_next(&h, sizeof(h), &pos, &hdr), 1);
	assert_int_equal(mgmt_msg_next(&h, sizeof(h), &pos, &hdr), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newlink_round_trip),
		cmocka_unit_test(test_newlink_without_private_is_what_the_kernel_says),
		cmocka_unit_test(test_newlink_more_vfs_than_room),
		cmocka_unit_test(test_setlink_round_trip),
		cmocka_unit_test(test_setlink_vlan_list),
		cmocka_unit_test(test_setlink_what_the_card_lacks_is_refused),
		cmocka_unit_test(test_lease_round_trip),
		cmocka_unit_test(test_lease_of_another_version_is_refused),
		cmocka_unit_test(test_lease_names_that_leave_their_folder_are_refused),
		cmocka_unit_test(test_error_round_trip),
		cmocka_unit_test(test_hostile_truncated_at_every_length),
		cmocka_unit_test(test_hostile_lengths_that_lie),
		cmocka_unit_test(test_hostile_random_bytes),
		cmocka_unit_test(test_hostile_header_shorter_than_itself),
	};

	return cmocka_run_group_tests_name("mgmt_msg", tests, NULL, NULL);
}
