/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The codec of the manager's messages, for the daemon and its clients: plain structs to netlink
 * messages and back. Hosted code on libnl; no state, any thread. A builder returns a message that
 * the caller frees by nlmsg_free(), or NULL without memory. A parser checks everything, copies, and
 * never keeps a pointer.
 */
#ifndef SLUICE_ABI_MGMT_MSG_H
#define SLUICE_ABI_MGMT_MSG_H

#include "abi/mgmt.h"
#include "base/mac.h"

struct nl_msg;
struct nlmsghdr;
struct os_err;

/* What may be set of a VF, in the order in which it is written. */
enum mgmt_set_what {
	MGMT_SET_MAC = 1 << 0,
	MGMT_SET_MAC_FREE = 1 << 1,
	MGMT_SET_VLAN = 1 << 2, /* qos with it */
	MGMT_SET_TX_RATE = 1 << 3,
	MGMT_SET_RATE = 1 << 4, /* rate_min and rate_max */
	MGMT_SET_SPOOFCHK = 1 << 5,
	MGMT_SET_LINK = 1 << 6,
	MGMT_SET_TRUST = 1 << 7,
};

/* A change of one VF. Values are as the client said them, unchecked beyond their size. */
struct mgmt_vf_set {
	uint32_t vf;
	uint32_t has; /* enum mgmt_set_what */
	struct mac mac;
	uint32_t vlan, qos;
	uint32_t rate_max, rate_min; /* Mb/s */
	uint32_t link;		     /* IFLA_VF_LINK_STATE_ */
	bool spoofchk, trust;
};

struct mgmt_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_multicast, rx_broadcast, rx_dropped,
		tx_dropped;
};

/* All of one VF. */
struct mgmt_vf {
	uint32_t vf;
	char bdf[MGMT_BDF_LEN];
	int32_t group;
	uint32_t pool, queues;
	struct mac mac, policy_mac; /* in force; fixed by the administrator or zero */
	uint32_t vlan, qos, rate_max, rate_min, link;
	bool spoofchk, trust;
	struct mgmt_stats stats;
	enum mgmt_state state;
	char owner[MGMT_VM_LEN], qmp[MGMT_PATH_LEN], reason[MGMT_REASON_LEN];
	bool cold, ready, uc_promisc, mc_all;
	uint32_t pid, frame_max, vlans;
	uint64_t resets, requests, refused;
	char refusal[MGMT_REASON_LEN];
};

/* The card. */
struct mgmt_link {
	char bdf[MGMT_BDF_LEN], driver[32], device[96], state_dir[MGMT_PATH_LEN];
	struct mac mac;
	bool up, full_duplex, unsafe;
	uint32_t mbps, num_vfs, total_vfs, pool, version;
	struct mgmt_stats stats;
};

/* attach, detach and reset, and the answer to attach. */
struct mgmt_lease_msg {
	char vm[MGMT_VM_LEN], qmp[MGMT_PATH_LEN], bdf[MGMT_BDF_LEN], args[MGMT_ARGS_LEN];
	int32_t vf; /* -1: not said */
	bool cold;
};

/* 1 to 63 of [A-Za-z0-9._-], the first a letter or a digit: it becomes part of a path. */
bool mgmt_vm_name_ok(const char *name);
const char *mgmt_state_name(enum mgmt_state state);

/*
 * The next message in a packet: *@pos advances past it. 1 with *@hdr, 0 at the end, -EINVAL when
 * what is left is no whole message (then *@hdr is its header if so much is there, else NULL).
 */
int mgmt_msg_next(const void *packet, size_t len, size_t *pos,
		  const struct nlmsghdr **hdr) must_check;

/* Of the card (and its VFs: RTEXT_FILTER_VF, MGMT_EXT_ bits in @ext_mask), as a dump. */
struct nl_msg *mgmt_msg_getlink(uint32_t seq, uint32_t ext_mask);
/*
 * Of a RTM_GETLINK or RTM_SETLINK: @ifname ("" when absent, MGMT_BDF_LEN bytes), the mask, the
 * interface index. 0 or -EINVAL.
 */
int mgmt_msg_getlink_parse(const struct nlmsghdr *hdr, char *ifname, uint32_t *ext_mask,
			   int *ifindex, struct os_err *err) must_check;
/* An answer: @n VFs of @vf; @flags are NLM_F_MULTI or 0. */
struct nl_msg *mgmt_msg_newlink(uint32_t seq, int flags, const struct mgmt_link *link,
				const struct mgmt_vf *vf, unsigned int n, uint32_t ext_mask);
/* Fills @link, and @vf up to @max of them; how many, or -EINVAL. */
int mgmt_msg_newlink_parse(const struct nlmsghdr *hdr, struct mgmt_link *link, struct mgmt_vf *vf,
			   unsigned int max, struct os_err *err) must_check;

struct nl_msg *mgmt_msg_setlink(uint32_t seq, const char *ifname, const struct mgmt_vf_set *set);
/*
 * The changes of a RTM_SETLINK, one for each IFLA_VF_INFO, @max at most; how many. -EINVAL,
 * -EOPNOTSUPP for an attribute that no 82576 has, -EPROTONOSUPPORT for 802.1ad, -E2BIG.
 */
int mgmt_msg_setlink_parse(const struct nlmsghdr *hdr, struct mgmt_vf_set *set, unsigned int max,
			   struct os_err *err) must_check;

/* @type: enum mgmt_msg_type; @flags beside NLM_F_REQUEST. */
struct nl_msg *mgmt_msg_lease(uint32_t seq, int type, int flags, const struct mgmt_lease_msg *m);
int mgmt_msg_lease_parse(const struct nlmsghdr *hdr, struct mgmt_lease_msg *m,
			 struct os_err *err) must_check;

/* The answer to @to (NULL: to a packet without a header): an error, an ack when @err->no is 0. */
struct nl_msg *mgmt_msg_error(const struct nlmsghdr *to, const struct os_err *err);
/* What a NLMSG_ERROR says; returns its (negative) number, 0 for an ack, -EPROTO for rubbish. */
int mgmt_msg_error_parse(const struct nlmsghdr *hdr, struct os_err *err);
struct nl_msg *mgmt_msg_done(uint32_t seq);

#endif
