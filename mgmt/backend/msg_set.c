/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* RTM_SETLINK: what is to change in VFs, in the kernel's own attributes. */
#include "abi/mgmt_msg.h"
#include "msg_priv.h"

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* The attributes' structs begin with the VF; libnl wants room and copies. */
static int put_rates(struct nl_msg *msg, const struct mgmt_vf_set *set)
{
	struct ifla_vf_tx_rate tx = {set->vf, set->rate_max};
	struct ifla_vf_rate rate = {set->vf, set->rate_min, set->rate_max};
	int ret = 0;

	if (set->has & MGMT_SET_TX_RATE)
		ret = nla_put(msg, IFLA_VF_TX_RATE, sizeof(tx), &tx);
	if (!ret && (set->has & MGMT_SET_RATE))
		ret = nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
	return ret;
}

static int put_switches(struct nl_msg *msg, const struct mgmt_vf_set *set)
{
	struct ifla_vf_spoofchk spoof = {set->vf, set->spoofchk};
	struct ifla_vf_link_state link = {set->vf, set->link};
	struct ifla_vf_trust trust = {set->vf, set->trust};
	int ret = 0;

	if (set->has & MGMT_SET_SPOOFCHK)
		ret = nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoof), &spoof);
	if (!ret && (set->has & MGMT_SET_LINK))
		ret = nla_put(msg, IFLA_VF_LINK_STATE, sizeof(link), &link);
	if (!ret && (set->has & MGMT_SET_TRUST))
		ret = nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust);
	return ret;
}

static int put_set(struct nl_msg *msg, const struct mgmt_vf_set *set)
{
	struct ifla_vf_mac mac = {.vf = set->vf};
	struct ifla_vf_vlan vlan = {set->vf, set->vlan, set->qos};
	int ret = 0;

	memcpy(mac.mac, set->mac.b, ETH_MAC_LEN);
	if (set->has & MGMT_SET_MAC)
		ret = nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
	if (!ret && (set->has & MGMT_SET_MAC_FREE))
		ret = nla_put_u32(msg, MGMT_IFLA_VF_FREE, set->vf);
	if (!ret && (set->has & MGMT_SET_VLAN))
		ret = nla_put(msg, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	if (!ret)
		ret = put_rates(msg, set);
	return ret ? ret : put_switches(msg, set);
}

struct nl_msg *mgmt_msg_setlink(uint32_t seq, const char *ifname, const struct mgmt_vf_set *set)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = -1};
	struct nlattr *list, *info;
	struct nl_msg *msg;

	msg = mgmt_msg_new(seq, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, MGMT_REQUEST_MAX);
	if (!msg)
		return NULL;
	if (!ifname[0])
		ifi.ifi_index = MGMT_IFINDEX;
	if (nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
	    (ifname[0] && nla_put_string(msg, IFLA_IFNAME, ifname)))
		goto err_free;
	list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	info = list ? nla_nest_start(msg, IFLA_VF_INFO) : NULL;
	if (!info || put_set(msg, set))
		goto err_free;
	nla_nest_end(msg, info);
	nla_nest_end(msg, list);
	return msg;
err_free:
	nlmsg_free(msg);
	return NULL;
}

static int unsupported(struct os_err *err, int no, const char *rule, const char *mend)
{
	return os_err_set(err, no, rule, mend, "the VF was not changed");
}

/* IFLA_VF_VLAN_LIST: one entry of 802.1Q, as in the kernel. */
static int parse_vlan_list(const struct nlattr *list, struct mgmt_vf_set *set, struct os_err *err)
{
	const struct ifla_vf_vlan_info *v = NULL;
	const struct nlattr *a;
	int rem;

	nla_for_each_nested(a, list, rem)
	{
		if (v)
			return unsupported(err, -EOPNOTSUPP,
					   "a VF has one port VLAN; this is a list of several",
					   "give one VLAN");
		if (nla_type(a) != IFLA_VF_VLAN_INFO || !mgmt_attr_is(a, sizeof(*v)))
			return mgmt_bad(err, "an entry of IFLA_VF_VLAN_LIST has a wrong size");
		v = nla_data(a);
	}
	if (!v || rem > 0)
		return mgmt_bad(err, "IFLA_VF_VLAN_LIST is empty or its lengths do not add up");
	if (v->vlan_proto != htons(ETH_P_8021Q))
		return unsupported(err, -EPROTONOSUPPORT, "the card inserts 802.1Q tags alone",
				   "set the protocol to 802.1Q");
	set->vlan = v->vlan;
	set->qos = v->qos;
	set->has |= MGMT_SET_VLAN;
	return 0;
}

/* Sizes of the kernel's structs, the VF first in each. */
static size_t attr_size(int type)
{
	switch (type) {
	case IFLA_VF_MAC:
		return sizeof(struct ifla_vf_mac);
	case IFLA_VF_VLAN:
		return sizeof(struct ifla_vf_vlan);
	case IFLA_VF_RATE:
		return sizeof(struct ifla_vf_rate);
	case IFLA_VF_TX_RATE:
	case IFLA_VF_SPOOFCHK:
	case IFLA_VF_LINK_STATE:
	case IFLA_VF_TRUST:
		return sizeof(struct ifla_vf_trust);
	case MGMT_IFLA_VF_FREE:
		return sizeof(uint32_t);
	}
	return 0;
}

/* @w: the attribute's words after the VF. */
static void take_value(int type, const uint32_t *w, struct mgmt_vf_set *set)
{
	switch (type) {
	case IFLA_VF_MAC:
		memcpy(set->mac.b, w, ETH_MAC_LEN);
		set->has = (set->has & ~(uint32_t)MGMT_SET_MAC_FREE) | MGMT_SET_MAC;
		break;
	case MGMT_IFLA_VF_FREE:
		set->has = (set->has & ~(uint32_t)MGMT_SET_MAC) | MGMT_SET_MAC_FREE;
		break;
	case IFLA_VF_VLAN:
		set->vlan = w[0];
		set->qos = w[1];
		set->has |= MGMT_SET_VLAN;
		break;
	case IFLA_VF_TX_RATE:
		set->rate_max = w[0];
		set->has |= MGMT_SET_TX_RATE;
		break;
	case IFLA_VF_RATE:
		set->rate_min = w[0];
		set->rate_max = w[1];
		set->has |= MGMT_SET_RATE;
		break;
	case IFLA_VF_SPOOFCHK:
		set->spoofchk = w[0];
		set->has |= MGMT_SET_SPOOFCHK;
		break;
	case IFLA_VF_LINK_STATE:
		set->link = w[0];
		set->has |= MGMT_SET_LINK;
		break;
	case IFLA_VF_TRUST:
		set->trust = w[0];
		set->has |= MGMT_SET_TRUST;
		break;
	}
}

static int parse_attr(const struct nlattr *a, struct mgmt_vf_set *set, struct os_err *err)
{
	const uint32_t *w = nla_data(a);
	int type = nla_type(a);

	if (type == IFLA_VF_VLAN_LIST) {
		const struct nlattr *first = nla_data(a);

		if (!nla_ok(first, nla_len(a)) ||
		    !mgmt_attr_is(first, sizeof(struct ifla_vf_vlan_info)))
			return mgmt_bad(err, "IFLA_VF_VLAN_LIST is malformed");
		w = nla_data(first);
	} else if (!attr_size(type)) {
		return unsupported(
			err, -EOPNOTSUPP,
			"the attribute has no counterpart in an 82576 (RSS query, GUIDs)",
			"leave it out");
	} else if (!mgmt_attr_is(a, attr_size(type))) {
		return mgmt_bad(err, "an attribute of IFLA_VF_INFO has a wrong size");
	}
	if (set->vf != UINT32_MAX && set->vf != w[0])
		return mgmt_bad(err, "one IFLA_VF_INFO names several VFs");
	set->vf = w[0];
	if (type == IFLA_VF_VLAN_LIST)
		return parse_vlan_list(a, set, err);
	take_value(type, w + 1, set);
	return 0;
}

static int parse_info(const struct nlattr *info, struct mgmt_vf_set *set, struct os_err *err)
{
	const struct nlattr *a;
	int rem, ret;

	memset(set, 0, sizeof(*set));
	set->vf = UINT32_MAX;
	nla_for_each_nested(a, info, rem)
	{
		ret = parse_attr(a, set, err);
		if (ret)
			return ret;
	}
	if (rem > 0)
		return mgmt_bad(err, "the lengths inside IFLA_VF_INFO do not add up");
	if (!set->has)
		return mgmt_bad(err, "an IFLA_VF_INFO sets nothing");
	return 0;
}

static int parse_list(const struct nlattr *list, struct mgmt_vf_set *set, unsigned int max,
		      struct os_err *err)
{
	const struct nlattr *a;
	unsigned int n = 0;
	int rem, ret;

	nla_for_each_nested(a, list, rem)
	{
		if (nla_type(a) != IFLA_VF_INFO)
			return mgmt_bad(err, "IFLA_VFINFO_LIST holds something else than VFs");
		if (n == max)
			return os_err_set(err, -E2BIG, "a message changes one VF once",
					  "send several messages", "no VF was changed");
		ret = parse_info(a, &set[n++], err);
		if (ret)
			return ret;
	}
	if (rem > 0 || !n)
		return mgmt_bad(err, "IFLA_VFINFO_LIST is empty or its lengths do not add up");
	return (int)n;
}

int mgmt_msg_setlink_parse(const struct nlmsghdr *hdr, struct mgmt_vf_set *set, unsigned int max,
			   struct os_err *err)
{
	const struct nlattr *head, *a, *list = NULL;
	int len, rem, ret;

	ret = mgmt_ifinfo(hdr, &head, &len, err);
	if (ret)
		return ret;
	nla_for_each_attr(a, head, len, rem)
	{
		if (nla_type(a) == IFLA_VFINFO_LIST)
			list = a;
	}
	if (rem > 0)
		return mgmt_bad(err, "the attributes' lengths do not add up");
	if (!list)
		return mgmt_bad(err, "it has no IFLA_VFINFO_LIST, and nothing else can be set");
	return parse_list(list, set, max, err);
}
