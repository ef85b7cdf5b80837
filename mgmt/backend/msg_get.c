/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* RTM_NEWLINK read back into plain structs, on the client's side. */
#include "abi/mgmt_msg.h"
#include "msg_priv.h"

#include <errno.h>
#include <string.h>

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* Reads that leave a value alone when the attribute is missing or has another size. */
static void take_u32(const struct nlattr *a, uint32_t *out)
{
	if (a && mgmt_attr_is(a, sizeof(*out)))
		*out = attr_u32(a);
}

static void take_u64(const struct nlattr *a, uint64_t *out)
{
	if (a && mgmt_attr_is(a, sizeof(*out)))
		*out = attr_u64(a);
}

static void take_text(const struct nlattr *a, char *out, size_t size)
{
	if (!a || mgmt_attr_str(a, out, size))
		out[0] = '\0';
}

static void take_mac(const struct nlattr *a, struct mac *out)
{
	if (a && mgmt_attr_is(a, ETH_MAC_LEN))
		memcpy(out->b, nla_data(a), ETH_MAC_LEN);
}

static int take_vf_stats(const struct nlattr *nest, struct mgmt_stats *st)
{
	const struct nlattr *tb[IFLA_VF_STATS_MAX + 1];

	if (mgmt_attr_parse(nla_data(nest), nla_len(nest), tb, IFLA_VF_STATS_MAX))
		return -EINVAL;
	take_u64(tb[IFLA_VF_STATS_RX_PACKETS], &st->rx_packets);
	take_u64(tb[IFLA_VF_STATS_TX_PACKETS], &st->tx_packets);
	take_u64(tb[IFLA_VF_STATS_RX_BYTES], &st->rx_bytes);
	take_u64(tb[IFLA_VF_STATS_TX_BYTES], &st->tx_bytes);
	take_u64(tb[IFLA_VF_STATS_BROADCAST], &st->rx_broadcast);
	take_u64(tb[IFLA_VF_STATS_MULTICAST], &st->rx_multicast);
	take_u64(tb[IFLA_VF_STATS_RX_DROPPED], &st->rx_dropped);
	take_u64(tb[IFLA_VF_STATS_TX_DROPPED], &st->tx_dropped);
	return 0;
}

static int take_vf_private(const struct nlattr *nest, struct mgmt_vf *vf)
{
	const struct nlattr *tb[MGMT_V_MAX + 1];
	uint32_t state = MGMT_STATES, group = UINT32_MAX;

	if (mgmt_attr_parse(nla_data(nest), nla_len(nest), tb, MGMT_V_MAX))
		return -EINVAL;
	take_text(tb[MGMT_V_BDF], vf->bdf, sizeof(vf->bdf));
	take_u32(tb[MGMT_V_GROUP], &group);
	vf->group = (int32_t)group;
	take_u32(tb[MGMT_V_POOL], &vf->pool);
	take_u32(tb[MGMT_V_QUEUES], &vf->queues);
	take_mac(tb[MGMT_V_POLICY_MAC], &vf->policy_mac);
	take_u32(tb[MGMT_V_STATE], &state);
	vf->state = state < MGMT_STATES ? (enum mgmt_state)state : MGMT_STATES;
	take_text(tb[MGMT_V_OWNER], vf->owner, sizeof(vf->owner));
	take_text(tb[MGMT_V_QMP], vf->qmp, sizeof(vf->qmp));
	take_text(tb[MGMT_V_REASON], vf->reason, sizeof(vf->reason));
	vf->cold = tb[MGMT_V_COLD];
	take_u32(tb[MGMT_V_PID], &vf->pid);
	vf->ready = tb[MGMT_V_READY];
	take_u32(tb[MGMT_V_FRAME_MAX], &vf->frame_max);
	take_u32(tb[MGMT_V_VLANS], &vf->vlans);
	vf->uc_promisc = tb[MGMT_V_UC_PROMISC];
	vf->mc_all = tb[MGMT_V_MC_ALL];
	take_u64(tb[MGMT_V_RESETS], &vf->resets);
	take_u64(tb[MGMT_V_REQUESTS], &vf->requests);
	take_u64(tb[MGMT_V_REFUSED], &vf->refused);
	take_text(tb[MGMT_V_REFUSAL], vf->refusal, sizeof(vf->refusal));
	return 0;
}

/* The second word of a kernel struct whose first is the VF. */
static uint32_t second(const struct nlattr *a)
{
	uint32_t w[2] = {0, 0};

	if (a && nla_len(a) >= (int)sizeof(w))
		memcpy(w, nla_data(a), sizeof(w));
	return w[1];
}

static int take_vf(const struct nlattr *info, struct mgmt_vf *vf)
{
	const struct nlattr *tb[IFLA_VF_MAX + 1], *a, *priv = NULL;
	const struct ifla_vf_mac *mac;
	const struct ifla_vf_vlan *vlan;
	const struct ifla_vf_rate *rate;
	int rem;

	memset(vf, 0, sizeof(*vf));
	if (mgmt_attr_parse(nla_data(info), nla_len(info), tb, IFLA_VF_MAX))
		return -EINVAL;
	nla_for_each_nested(a, info, rem)
	{
		if (nla_type(a) == MGMT_IFLA_VF)
			priv = a;
	}
	if (!tb[IFLA_VF_MAC] || !mgmt_attr_is(tb[IFLA_VF_MAC], sizeof(*mac)))
		return -EINVAL;
	mac = nla_data(tb[IFLA_VF_MAC]);
	vf->vf = mac->vf;
	memcpy(vf->mac.b, mac->mac, ETH_MAC_LEN);
	if (tb[IFLA_VF_VLAN] && mgmt_attr_is(tb[IFLA_VF_VLAN], sizeof(*vlan))) {
		vlan = nla_data(tb[IFLA_VF_VLAN]);
		vf->vlan = vlan->vlan;
		vf->qos = vlan->qos;
	}
	if (tb[IFLA_VF_RATE] && mgmt_attr_is(tb[IFLA_VF_RATE], sizeof(*rate))) {
		rate = nla_data(tb[IFLA_VF_RATE]);
		vf->rate_min = rate->min_tx_rate;
		vf->rate_max = rate->max_tx_rate;
	}
	vf->spoofchk = second(tb[IFLA_VF_SPOOFCHK]);
	vf->link = second(tb[IFLA_VF_LINK_STATE]);
	vf->trust = second(tb[IFLA_VF_TRUST]);
	if (tb[IFLA_VF_STATS] && take_vf_stats(tb[IFLA_VF_STATS], &vf->stats))
		return -EINVAL;
	return priv ? take_vf_private(priv, vf) : 0;
}

static int take_link_private(const struct nlattr *nest, struct mgmt_link *l)
{
	const struct nlattr *tb[MGMT_L_MAX + 1];

	if (mgmt_attr_parse(nla_data(nest), nla_len(nest), tb, MGMT_L_MAX))
		return -EINVAL;
	take_u32(tb[MGMT_L_VERSION], &l->version);
	take_text(tb[MGMT_L_DRIVER], l->driver, sizeof(l->driver));
	take_text(tb[MGMT_L_DEVICE], l->device, sizeof(l->device));
	take_u32(tb[MGMT_L_SPEED], &l->mbps);
	l->full_duplex = tb[MGMT_L_DUPLEX] && mgmt_attr_is(tb[MGMT_L_DUPLEX], 1) &&
			 *(const uint8_t *)nla_data(tb[MGMT_L_DUPLEX]);
	take_u32(tb[MGMT_L_TOTAL], &l->total_vfs);
	take_u32(tb[MGMT_L_POOL], &l->pool);
	take_text(tb[MGMT_L_STATE], l->state_dir, sizeof(l->state_dir));
	l->unsafe = tb[MGMT_L_UNSAFE];
	return 0;
}

static void take_link(const struct nlmsghdr *hdr, const struct nlattr *const *tb,
		      struct mgmt_link *l)
{
	const struct ifinfomsg *ifi = nlmsg_data(hdr);
	struct rtnl_link_stats64 s;

	memset(l, 0, sizeof(*l));
	l->up = ifi->ifi_flags & IFF_LOWER_UP;
	take_text(tb[IFLA_IFNAME], l->bdf, sizeof(l->bdf));
	take_mac(tb[IFLA_ADDRESS], &l->mac);
	take_u32(tb[IFLA_NUM_VF], &l->num_vfs);
	if (!tb[IFLA_STATS64] || nla_len(tb[IFLA_STATS64]) < (int)sizeof(s))
		return;
	memcpy(&s, nla_data(tb[IFLA_STATS64]), sizeof(s));
	l->stats = (struct mgmt_stats){
		.rx_packets = s.rx_packets,
		.tx_packets = s.tx_packets,
		.rx_bytes = s.rx_bytes,
		.tx_bytes = s.tx_bytes,
		.rx_multicast = s.multicast,
		.rx_dropped = s.rx_dropped,
		.tx_dropped = s.tx_dropped,
	};
}

static int take_vfs(const struct nlattr *list, struct mgmt_vf *vf, unsigned int max)
{
	const struct nlattr *a;
	unsigned int n = 0;
	int rem;

	nla_for_each_nested(a, list, rem)
	{
		if (nla_type(a) != IFLA_VF_INFO)
			continue;
		if (n == max || take_vf(a, &vf[n]))
			return -EINVAL;
		n++;
	}
	return rem > 0 ? -EINVAL : (int)n;
}

int mgmt_msg_newlink_parse(const struct nlmsghdr *hdr, struct mgmt_link *link, struct mgmt_vf *vf,
			   unsigned int max, struct os_err *err)
{
	const struct nlattr *tb[IFLA_EXT_MASK + 1], *head, *a, *priv = NULL;
	int len, rem, n = 0, ret;

	ret = mgmt_ifinfo(hdr, &head, &len, err);
	if (ret)
		return ret;
	if (mgmt_attr_parse(head, len, tb, IFLA_EXT_MASK))
		return mgmt_bad(err, "the attributes' lengths do not add up");
	take_link(hdr, tb, link);
	nla_for_each_attr(a, head, len, rem)
	{
		if (nla_type(a) == MGMT_IFLA_LINK)
			priv = a;
	}
	if (priv && take_link_private(priv, link))
		return mgmt_bad(err, "the card's private nest does not add up");
	if (tb[IFLA_VFINFO_LIST])
		n = take_vfs(tb[IFLA_VFINFO_LIST], vf, max);
	return n < 0 ? mgmt_bad(err, "the list of VFs does not add up") : n;
}
