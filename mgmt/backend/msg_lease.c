/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The private messages: attach, detach, reset; and the request side of RTM_GETLINK. */
#include "abi/mgmt_msg.h"
#include "msg_priv.h"

#include <errno.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

static int put_text(struct nl_msg *msg, int type, const char *text)
{
	return text[0] ? nla_put_string(msg, type, text) : 0;
}

struct nl_msg *mgmt_msg_lease(uint32_t seq, int type, int flags, const struct mgmt_lease_msg *m)
{
	struct mgmt_hdr hdr = {.version = MGMT_VERSION};
	struct nl_msg *msg = mgmt_msg_new(seq, type, flags, MGMT_REQUEST_MAX);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &hdr, sizeof(hdr), NLMSG_ALIGNTO) ||
	    put_text(msg, MGMT_A_VM, m->vm) ||
	    (m->vf >= 0 && nla_put_u32(msg, MGMT_A_VF, (uint32_t)m->vf)) ||
	    put_text(msg, MGMT_A_QMP, m->qmp) || (m->cold && nla_put_flag(msg, MGMT_A_COLD)) ||
	    put_text(msg, MGMT_A_ARGS, m->args) || put_text(msg, MGMT_A_BDF, m->bdf)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int lease_text(const struct nlattr *const *tb, struct mgmt_lease_msg *m, struct os_err *err)
{
	if (tb[MGMT_A_VM] &&
	    (mgmt_attr_str(tb[MGMT_A_VM], m->vm, sizeof(m->vm)) || !mgmt_vm_name_ok(m->vm)))
		return os_err_set(
			err, -EINVAL,
			"a VM's name is 1 to 63 letters, digits, '.', '_' and '-', the first "
			"a letter or digit",
			"choose such a name", "the VM's name was not accepted");
	if (tb[MGMT_A_QMP] &&
	    (mgmt_attr_str(tb[MGMT_A_QMP], m->qmp, sizeof(m->qmp)) || m->qmp[0] != '/'))
		return os_err_set(err, -EINVAL,
				  "a QMP socket is an absolute path of less than 108 bytes",
				  "give such a path", "the QMP socket's path was not accepted");
	if (tb[MGMT_A_ARGS] && mgmt_attr_str(tb[MGMT_A_ARGS], m->args, sizeof(m->args)))
		return mgmt_bad(err, "MGMT_A_ARGS is no text");
	if (tb[MGMT_A_BDF] && mgmt_attr_str(tb[MGMT_A_BDF], m->bdf, sizeof(m->bdf)))
		return mgmt_bad(err, "MGMT_A_BDF is no text");
	return 0;
}

int mgmt_msg_lease_parse(const struct nlmsghdr *hdr, struct mgmt_lease_msg *m, struct os_err *err)
{
	const struct nlattr *tb[MGMT_A_MAX + 1];
	const struct mgmt_hdr *mh = nlmsg_data(hdr);

	memset(m, 0, sizeof(*m));
	m->vf = -1;
	if (!nlmsg_valid_hdr(hdr, sizeof(*mh)))
		return mgmt_bad(err, "it is too short for a struct mgmt_hdr");
	if (mh->version != MGMT_VERSION)
		return os_err_set(err, -EPROTONOSUPPORT, "this daemon speaks version 1",
				  "use a client and a daemon of one version",
				  "version %u of the protocol is not known", mh->version);
	if (mgmt_attr_parse(nlmsg_attrdata(hdr, sizeof(*mh)), nlmsg_attrlen(hdr, sizeof(*mh)), tb,
			    MGMT_A_MAX))
		return mgmt_bad(err, "the attributes' lengths do not add up");
	if (tb[MGMT_A_VF]) {
		uint32_t vf;

		if (!mgmt_attr_is(tb[MGMT_A_VF], sizeof(vf)))
			return mgmt_bad(err, "MGMT_A_VF is no u32");
		vf = attr_u32(tb[MGMT_A_VF]);
		m->vf = vf > INT32_MAX ? INT32_MAX : (int32_t)vf;
	}
	m->cold = tb[MGMT_A_COLD];
	return lease_text(tb, m, err);
}

struct nl_msg *mgmt_msg_getlink(uint32_t seq, uint32_t ext_mask)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct nl_msg *msg = mgmt_msg_new(seq, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 256);

	if (msg && (nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) ||
		    nla_put_u32(msg, IFLA_EXT_MASK, ext_mask))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int mgmt_msg_getlink_parse(const struct nlmsghdr *hdr, char *ifname, uint32_t *ext_mask,
			   int *ifindex, struct os_err *err)
{
	const struct nlattr *tb[IFLA_EXT_MASK + 1];
	const struct nlattr *head;
	const struct ifinfomsg *ifi = nlmsg_data(hdr);
	int len, ret;

	ifname[0] = '\0';
	*ext_mask = 0;
	ret = mgmt_ifinfo(hdr, &head, &len, err);
	if (ret)
		return ret;
	*ifindex = ifi->ifi_index;
	if (mgmt_attr_parse(head, len, tb, IFLA_EXT_MASK))
		return mgmt_bad(err, "the attributes' lengths do not add up");
	if (tb[IFLA_IFNAME] && mgmt_attr_str(tb[IFLA_IFNAME], ifname, MGMT_BDF_LEN))
		return mgmt_bad(err, "IFLA_IFNAME is no name of less than 16 bytes");
	if (tb[IFLA_EXT_MASK]) {
		if (!mgmt_attr_is(tb[IFLA_EXT_MASK], sizeof(*ext_mask)))
			return mgmt_bad(err, "IFLA_EXT_MASK is no u32");
		*ext_mask = attr_u32(tb[IFLA_EXT_MASK]);
	}
	return 0;
}
