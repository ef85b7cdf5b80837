/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What clients send: packets to messages to calls, and the answers. */
#include "core.h"

#include <errno.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "log.h"
#include "text.h"

#define MESSAGES_MAX 16 /* in a packet */

void mgmt_answer_err(struct mgmt_core *c, const struct mgmt_waiter *who, const struct os_err *err)
{
	mgmt_log_err(OS_LOG_DEBUG, err);
	if (who->client)
		c->ops->answer(c->ctx, who->client,
			       mgmt_msg_error(who->hdr.nlmsg_len ? &who->hdr : NULL, err));
}

void mgmt_answer_ack(struct mgmt_core *c, const struct mgmt_waiter *who)
{
	struct os_err none = {0};

	if (who->client && (who->hdr.nlmsg_flags & NLM_F_ACK))
		c->ops->answer(c->ctx, who->client, mgmt_msg_error(&who->hdr, &none));
}

/* The PF is named by its BDF or its index; 0, -1 and none are taken for it too. */
static int check_name(const struct mgmt_core *c, const char *ifname, int ifindex,
		      struct os_err *err)
{
	char rule[160];

	if (ifname[0] ? !strcmp(ifname, c->link.bdf) : ifindex >= -1 && ifindex <= MGMT_IFINDEX)
		return 0;
	mgmt_text(rule, sizeof(rule), "this daemon has %s, index %d", c->link.bdf, MGMT_IFINDEX);
	return os_err_set(err, -ENODEV, rule, "name that one, or ask the daemon of the other card",
			  "there is no card %s", ifname[0] ? ifname : "with that index");
}

/* One message a VF, so that no number of VFs is too much for a packet. */
static int dump_paged(struct mgmt_core *c, const struct mgmt_waiter *who,
		      const struct mgmt_link *link, uint32_t mask, struct os_err *err)
{
	struct mgmt_vf vf;
	unsigned int i;
	int ret;

	for (i = 0; i < c->num_vfs; i++) {
		ret = mgmt_show_vf(c, i, &vf, err);
		if (ret)
			return ret;
		c->ops->answer(c->ctx, who->client,
			       mgmt_msg_newlink(who->hdr.nlmsg_seq, NLM_F_MULTI, link, &vf, 1,
						mask));
	}
	return 0;
}

static int answer_whole(struct mgmt_core *c, const struct mgmt_waiter *who, int flags,
			const struct mgmt_link *link, uint32_t mask, struct os_err *err)
{
	struct mgmt_vf vf[PF_VFS_MAX];
	unsigned int i, n = mask & RTEXT_FILTER_VF ? c->num_vfs : 0;
	int ret;

	for (i = 0; i < n; i++) {
		ret = mgmt_show_vf(c, i, &vf[i], err);
		if (ret)
			return ret;
	}
	c->ops->answer(c->ctx, who->client,
		       mgmt_msg_newlink(who->hdr.nlmsg_seq, flags, link, vf, n, mask));
	return 0;
}

static int getlink(struct mgmt_core *c, const struct mgmt_waiter *who, const struct nlmsghdr *hdr,
		   struct os_err *err)
{
	bool dump = (hdr->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct mgmt_link link;
	char ifname[MGMT_BDF_LEN];
	uint32_t mask;
	int ifindex, ret;

	ret = mgmt_msg_getlink_parse(hdr, ifname, &mask, &ifindex, err);
	if (!ret)
		ret = check_name(c, ifname, ifindex, err);
	if (!ret)
		ret = mgmt_show_link(c, &link, err);
	if (ret)
		return ret;
	if (dump && (mask & RTEXT_FILTER_VF) && (mask & MGMT_EXT_PAGED) && c->num_vfs)
		ret = dump_paged(c, who, &link, mask, err);
	else
		ret = answer_whole(c, who, dump ? NLM_F_MULTI : 0, &link, mask, err);
	if (ret)
		return ret;
	if (dump)
		c->ops->answer(c->ctx, who->client, mgmt_msg_done(hdr->nlmsg_seq));
	else
		mgmt_answer_ack(c, who);
	return 0;
}

static int setlink(struct mgmt_core *c, const struct mgmt_waiter *who, const struct nlmsghdr *hdr,
		   struct os_err *err)
{
	struct mgmt_vf_set set[MGMT_VFS_MAX];
	char ifname[MGMT_BDF_LEN];
	uint32_t mask;
	int ifindex, n, ret;

	ret = mgmt_msg_getlink_parse(hdr, ifname, &mask, &ifindex, err);
	if (!ret)
		ret = check_name(c, ifname, ifindex, err);
	if (ret)
		return ret;
	n = mgmt_msg_setlink_parse(hdr, set, ARRAY_SIZE(set), err);
	if (n < 0)
		return n;
	ret = mgmt_policy_apply(c, set, (unsigned int)n, err);
	if (!ret)
		mgmt_answer_ack(c, who);
	return ret;
}

static int lease(struct mgmt_core *c, const struct mgmt_waiter *who, const struct nlmsghdr *hdr,
		 struct os_err *err)
{
	struct mgmt_lease_msg m;
	int ret = mgmt_msg_lease_parse(hdr, &m, err);

	if (ret)
		return ret;
	switch (hdr->nlmsg_type) {
	case MGMT_MSG_NEWLEASE:
		return mgmt_attach(c, who, &m, err);
	case MGMT_MSG_DELLEASE:
		return mgmt_detach(c, who, &m, err);
	default:
		return mgmt_reset(c, who, &m, err);
	}
}

static void message(struct mgmt_core *c, uint64_t client, const struct nlmsghdr *hdr)
{
	struct mgmt_waiter who = {.client = client, .hdr = *hdr};
	struct os_err err = {0};
	int ret;

	switch (hdr->nlmsg_type) {
	case NLMSG_NOOP:
	case NLMSG_ERROR:
	case NLMSG_DONE:
		return; /* an answer to an answer would never end */
	case RTM_GETLINK:
		ret = getlink(c, &who, hdr, &err);
		break;
	case RTM_SETLINK:
		ret = setlink(c, &who, hdr, &err);
		break;
	case MGMT_MSG_NEWLEASE:
	case MGMT_MSG_DELLEASE:
	case MGMT_MSG_RESETVF:
		ret = lease(c, &who, hdr, &err);
		break;
	default:
		ret = os_err_set(&err, -EOPNOTSUPP, "it is none of include/abi/mgmt.h",
				 "use a client of this daemon's version",
				 "message type %u is not known", hdr->nlmsg_type);
	}
	if (ret)
		mgmt_answer_err(c, &who, &err);
}

static void bad_packet(struct mgmt_core *c, uint64_t client, const struct nlmsghdr *hdr, int no,
		       const char *what, const char *rule)
{
	struct mgmt_waiter who = {.client = client};
	struct os_err err;

	if (hdr)
		who.hdr = *hdr;
	(void)os_err_set(&err, no, rule, "send whole netlink messages of at most 8192 bytes", "%s",
			 what);
	mgmt_answer_err(c, &who, &err);
}

void mgmt_core_packet(struct mgmt_core *c, uint64_t client, const void *packet, size_t len)
{
	const struct nlmsghdr *hdr;
	unsigned int n;
	size_t pos = 0;
	int ret;

	for (n = 0; n < MESSAGES_MAX; n++) {
		ret = mgmt_msg_next(packet, len, &pos, &hdr);
		if (ret < 0)
			bad_packet(c, client, hdr, -EINVAL,
				   "a truncated message was not understood",
				   "the length in its header is not the length of what came");
		if (ret <= 0)
			return;
		message(c, client, hdr);
	}
	if (pos < len)
		bad_packet(c, client, NULL, -E2BIG, "the rest of the packet was not read",
			   "a packet holds at most 16 messages");
}

void mgmt_core_oversized(struct mgmt_core *c, uint64_t client, const void *packet, size_t len)
{
	bad_packet(c, client, len >= sizeof(struct nlmsghdr) ? packet : NULL, -EMSGSIZE,
		   "an oversized packet was not read", "a packet has at most 8192 bytes");
}
