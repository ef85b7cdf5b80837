/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* RTM_NEWLINK: the card and its VFs as the kernel would say them, and the private nests. */
#include "abi/mgmt_msg.h"
#include "msg_priv.h"

#include <string.h>

#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

static int put_text(struct nl_msg *msg, int type, const char *text)
{
	return text[0] ? nla_put_string(msg, type, text) : 0;
}

static int put_flag(struct nl_msg *msg, int type, bool on)
{
	return on ? nla_put_flag(msg, type) : 0;
}

static int put_vf_stats(struct nl_msg *msg, const struct mgmt_stats *st)
{
	struct nlattr *nest = nla_nest_start(msg, IFLA_VF_STATS);

	if (!nest || nla_put_u64(msg, IFLA_VF_STATS_RX_PACKETS, st->rx_packets) ||
	    nla_put_u64(msg, IFLA_VF_STATS_TX_PACKETS, st->tx_packets) ||
	    nla_put_u64(msg, IFLA_VF_STATS_RX_BYTES, st->rx_bytes) ||
	    nla_put_u64(msg, IFLA_VF_STATS_TX_BYTES, st->tx_bytes) ||
	    nla_put_u64(msg, IFLA_VF_STATS_BROADCAST, st->rx_broadcast) ||
	    nla_put_u64(msg, IFLA_VF_STATS_MULTICAST, st->rx_multicast) ||
	    nla_put_u64(msg, IFLA_VF_STATS_RX_DROPPED, st->rx_dropped) ||
	    nla_put_u64(msg, IFLA_VF_STATS_TX_DROPPED, st->tx_dropped))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_vlan_list(struct nl_msg *msg, const struct mgmt_vf *vf)
{
	struct ifla_vf_vlan_info info = {vf->vf, vf->vlan, vf->qos, htons(ETH_P_8021Q)};
	struct nlattr *nest = nla_nest_start(msg, IFLA_VF_VLAN_LIST);

	if (!nest || nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(info), &info))
		return -1;
	return nla_nest_end(msg, nest);
}

/* What `ip link show` knows of a VF. */
static int put_vf_kernel(struct nl_msg *msg, const struct mgmt_vf *vf)
{
	struct ifla_vf_mac mac = {.vf = vf->vf};
	struct ifla_vf_vlan vlan = {vf->vf, vf->vlan, vf->qos};
	struct ifla_vf_tx_rate tx = {vf->vf, vf->rate_max};
	struct ifla_vf_rate rate = {vf->vf, vf->rate_min, vf->rate_max};
	struct ifla_vf_spoofchk spoof = {vf->vf, vf->spoofchk};
	struct ifla_vf_link_state link = {vf->vf, vf->link};
	struct ifla_vf_trust trust = {vf->vf, vf->trust};

	memcpy(mac.mac, vf->mac.b, ETH_MAC_LEN);
	if (nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac) ||
	    nla_put(msg, IFLA_VF_VLAN, sizeof(vlan), &vlan) ||
	    nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate) ||
	    nla_put(msg, IFLA_VF_TX_RATE, sizeof(tx), &tx) ||
	    nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoof), &spoof) ||
	    nla_put(msg, IFLA_VF_LINK_STATE, sizeof(link), &link) ||
	    nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust) || put_vlan_list(msg, vf))
		return -1;
	return put_vf_stats(msg, &vf->stats);
}

static int put_vf_lease(struct nl_msg *msg, const struct mgmt_vf *vf)
{
	if (put_text(msg, MGMT_V_BDF, vf->bdf) || nla_put_s32(msg, MGMT_V_GROUP, vf->group) ||
	    nla_put_u32(msg, MGMT_V_POOL, vf->pool) ||
	    nla_put_u32(msg, MGMT_V_QUEUES, vf->queues) ||
	    (!mac_is_zero(&vf->policy_mac) &&
	     nla_put(msg, MGMT_V_POLICY_MAC, ETH_MAC_LEN, vf->policy_mac.b)) ||
	    nla_put_u32(msg, MGMT_V_STATE, vf->state) || put_text(msg, MGMT_V_OWNER, vf->owner) ||
	    put_text(msg, MGMT_V_QMP, vf->qmp) || put_text(msg, MGMT_V_REASON, vf->reason) ||
	    put_flag(msg, MGMT_V_COLD, vf->cold))
		return -1;
	return vf->pid ? nla_put_u32(msg, MGMT_V_PID, vf->pid) : 0;
}

/* What rtnetlink has no word for. */
static int put_vf_private(struct nl_msg *msg, const struct mgmt_vf *vf)
{
	struct nlattr *nest = nla_nest_start(msg, MGMT_IFLA_VF);

	if (!nest || put_vf_lease(msg, vf) || put_flag(msg, MGMT_V_READY, vf->ready) ||
	    nla_put_u32(msg, MGMT_V_FRAME_MAX, vf->frame_max) ||
	    nla_put_u32(msg, MGMT_V_VLANS, vf->vlans) ||
	    put_flag(msg, MGMT_V_UC_PROMISC, vf->uc_promisc) ||
	    put_flag(msg, MGMT_V_MC_ALL, vf->mc_all) ||
	    nla_put_u64(msg, MGMT_V_RESETS, vf->resets) ||
	    nla_put_u64(msg, MGMT_V_REQUESTS, vf->requests) ||
	    nla_put_u64(msg, MGMT_V_REFUSED, vf->refused) ||
	    put_text(msg, MGMT_V_REFUSAL, vf->refusal))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_vfs(struct nl_msg *msg, const struct mgmt_vf *vf, unsigned int n, uint32_t ext_mask)
{
	struct nlattr *list, *info;
	unsigned int i;

	list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	if (!list)
		return -1;
	for (i = 0; i < n; i++) {
		info = nla_nest_start(msg, IFLA_VF_INFO);
		if (!info || put_vf_kernel(msg, &vf[i]) ||
		    ((ext_mask & MGMT_EXT_PRIVATE) && put_vf_private(msg, &vf[i])))
			return -1;
		nla_nest_end(msg, info);
	}
	return nla_nest_end(msg, list);
}

static int put_link_stats(struct nl_msg *msg, const struct mgmt_stats *st)
{
	struct rtnl_link_stats64 s = {
		.rx_packets = st->rx_packets,
		.tx_packets = st->tx_packets,
		.rx_bytes = st->rx_bytes,
		.tx_bytes = st->tx_bytes,
		.multicast = st->rx_multicast,
		.rx_dropped = st->rx_dropped,
		.tx_dropped = st->tx_dropped,
	};

	return nla_put(msg, IFLA_STATS64, sizeof(s), &s);
}

static int put_link_private(struct nl_msg *msg, const struct mgmt_link *l)
{
	struct nlattr *nest = nla_nest_start(msg, MGMT_IFLA_LINK);

	if (!nest || nla_put_u32(msg, MGMT_L_VERSION, MGMT_VERSION) ||
	    put_text(msg, MGMT_L_DRIVER, l->driver) || put_text(msg, MGMT_L_DEVICE, l->device) ||
	    nla_put_u32(msg, MGMT_L_SPEED, l->mbps) ||
	    nla_put_u8(msg, MGMT_L_DUPLEX, l->full_duplex) ||
	    nla_put_u32(msg, MGMT_L_TOTAL, l->total_vfs) ||
	    nla_put_u32(msg, MGMT_L_POOL, l->pool) || put_text(msg, MGMT_L_STATE, l->state_dir) ||
	    put_flag(msg, MGMT_L_UNSAFE, l->unsafe))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_link(struct nl_msg *msg, const struct mgmt_link *l)
{
	unsigned int running = l->up ? IFF_RUNNING | IFF_LOWER_UP : 0;
	struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC,
		.ifi_type = ARPHRD_ETHER,
		.ifi_index = MGMT_IFINDEX,
		.ifi_flags = IFF_UP | IFF_BROADCAST | IFF_MULTICAST | running,
	};

	if (nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
	    nla_put_string(msg, IFLA_IFNAME, l->bdf) ||
	    nla_put(msg, IFLA_ADDRESS, ETH_MAC_LEN, l->mac.b) ||
	    nla_put_u8(msg, IFLA_OPERSTATE, l->up ? IF_OPER_UP : IF_OPER_DOWN) ||
	    nla_put_u32(msg, IFLA_NUM_VF, l->num_vfs))
		return -1;
	return put_link_stats(msg, &l->stats);
}

struct nl_msg *mgmt_msg_newlink(uint32_t seq, int flags, const struct mgmt_link *link,
				const struct mgmt_vf *vf, unsigned int n, uint32_t ext_mask)
{
	struct nl_msg *msg = mgmt_msg_new(seq, RTM_NEWLINK, flags, MGMT_ANSWER_MAX);

	if (!msg)
		return NULL;
	if (put_link(msg, link) || ((ext_mask & MGMT_EXT_PRIVATE) && put_link_private(msg, link)) ||
	    ((ext_mask & RTEXT_FILTER_VF) && put_vfs(msg, vf, n, ext_mask))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
