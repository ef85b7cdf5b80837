/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Netlink messages of the manager: packets, attributes, errors and acks. */
#include "abi/mgmt_msg.h"
#include "msg_priv.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

static const char *const state_names[MGMT_STATES] = {
	[MGMT_FREE] = "free",		[MGMT_PREPARING] = "preparing",
	[MGMT_RESERVED] = "reserved",	[MGMT_ATTACHED] = "attached",
	[MGMT_DETACHING] = "detaching", [MGMT_SCRUBBING] = "scrubbing",
	[MGMT_BROKEN] = "broken",
};

const char *mgmt_state_name(enum mgmt_state state)
{
	return (unsigned int)state < MGMT_STATES ? state_names[state] : "unknown";
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool mgmt_vm_name_ok(const char *name)
{
	size_t i;

	if (!is_alnum(name[0]))
		return false;
	for (i = 0; name[i]; i++) {
		if (i == MGMT_VM_LEN - 1)
			return false;
		if (!is_alnum(name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

int mgmt_bad(struct os_err *err, const char *rule)
{
	return os_err_set(err, -EINVAL, rule, "send it as include/abi/mgmt.h has it",
			  "the message was not understood");
}

bool mgmt_attr_is(const struct nlattr *a, size_t size)
{
	return (size_t)nla_len(a) == size;
}

int mgmt_attr_str(const struct nlattr *a, char *out, size_t size)
{
	const char *s = nla_data(a);
	size_t len = (size_t)nla_len(a), i;

	if (len == 0 || s[len - 1] != '\0' || len > size)
		return -EINVAL;
	for (i = 0; i < len - 1; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return -EINVAL;
	memcpy(out, s, len);
	return 0;
}

int mgmt_attr_parse(const void *stream, int len, const struct nlattr **tb, int max)
{
	const struct nlattr *a;
	int rem;

	memset(tb, 0, sizeof(*tb) * ((size_t)max + 1));
	nla_for_each_attr(a, (const struct nlattr *)stream, len, rem)
	{
		if (nla_type(a) <= max)
			tb[nla_type(a)] = a;
	}
	return rem > 0 ? -EINVAL : 0;
}

int mgmt_ifinfo(const struct nlmsghdr *hdr, const struct nlattr **head, int *len,
		struct os_err *err)
{
	if (!nlmsg_valid_hdr(hdr, sizeof(struct ifinfomsg)))
		return mgmt_bad(err, "it is too short for a struct ifinfomsg");
	*head = nlmsg_attrdata(hdr, sizeof(struct ifinfomsg));
	*len = nlmsg_attrlen(hdr, sizeof(struct ifinfomsg));
	return 0;
}

struct nl_msg *mgmt_msg_new(uint32_t seq, int type, int flags, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(size);

	if (!msg)
		return NULL;
	if (!nlmsg_put(msg, 0, seq, type, 0, flags)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int mgmt_msg_next(const void *packet, size_t len, size_t *pos, const struct nlmsghdr **hdr)
{
	const struct nlmsghdr *h;
	size_t left;

	*hdr = NULL;
	if (*pos >= len)
		return 0;
	left = len - *pos;
	h = (const void *)((const char *)packet + *pos);
	if (left < sizeof(*h))
		return -EINVAL;
	*hdr = h;
	if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > left)
		return -EINVAL;
	*pos += NLMSG_ALIGN((size_t)h->nlmsg_len);
	return 1;
}

struct nl_msg *mgmt_msg_error(const struct nlmsghdr *to, const struct os_err *err)
{
	static const struct nlmsghdr none = {.nlmsg_len = sizeof(none)};
	struct nlmsgerr body = {.error = err->no, .msg = to ? *to : none};
	struct nl_msg *msg;
	int flags = NLM_F_CAPPED | (err->no ? NLM_F_ACK_TLVS : 0);

	msg = mgmt_msg_new(body.msg.nlmsg_seq, NLMSG_ERROR, flags, 2048);
	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO))
		goto err_free;
	if (err->no && nla_put_string(msg, NLMSGERR_ATTR_MSG, err->what))
		goto err_free;
	if (err->no && err->rule[0] && nla_put_string(msg, MGMT_ERR_RULE, err->rule))
		goto err_free;
	if (err->no && err->mend[0] && nla_put_string(msg, MGMT_ERR_MEND, err->mend))
		goto err_free;
	return msg;
err_free:
	nlmsg_free(msg);
	return NULL;
}

/* Text of an error; what does not fit or is not text is left out. */
static void error_text(const struct nlattr *a, struct os_err *err)
{
	switch (nla_type(a)) {
	case NLMSGERR_ATTR_MSG:
		(void)mgmt_attr_str(a, err->what, sizeof(err->what));
		break;
	case MGMT_ERR_RULE:
		(void)mgmt_attr_str(a, err->rule, sizeof(err->rule));
		break;
	case MGMT_ERR_MEND:
		(void)mgmt_attr_str(a, err->mend, sizeof(err->mend));
		break;
	}
}

int mgmt_msg_error_parse(const struct nlmsghdr *hdr, struct os_err *err)
{
	const struct nlmsgerr *body = nlmsg_data(hdr);
	const struct nlattr *a, *head;
	int rem;

	memset(err, 0, sizeof(*err));
	if (hdr->nlmsg_type != NLMSG_ERROR || !nlmsg_valid_hdr(hdr, sizeof(*body)) ||
	    body->error > 0)
		return os_err_set(err, -EPROTO, "its error message is malformed",
				  "use a daemon of this client's version",
				  "the daemon's answer was not understood");
	if (!body->error)
		return 0;
	err->no = body->error;
	/* Without NLM_F_CAPPED the request would lie in between; our daemon always caps. */
	if ((hdr->nlmsg_flags & NLM_F_CAPPED) && (hdr->nlmsg_flags & NLM_F_ACK_TLVS)) {
		head = nlmsg_attrdata(hdr, sizeof(*body));
		nla_for_each_attr(a, head, nlmsg_attrlen(hdr, sizeof(*body)), rem)
		{
			error_text(a, err);
		}
	}
	if (!err->what[0])
		(void)os_err_set(err, err->no, err->rule, err->mend, "%s", strerror(-err->no));
	return err->no;
}

struct nl_msg *mgmt_msg_done(uint32_t seq)
{
	struct nl_msg *msg = mgmt_msg_new(seq, NLMSG_DONE, NLM_F_MULTI, 64);
	int zero = 0;

	if (msg && nlmsg_append(msg, &zero, sizeof(zero), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
