/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of the codec share: bounded reads of attributes and refusals. */
#ifndef SLUICE_MGMT_BACKEND_MSG_PRIV_H
#define SLUICE_MGMT_BACKEND_MSG_PRIV_H

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "abi/mgmt_msg.h"
#include "os/err.h"

/* -EINVAL with @rule as the reason, the remedy being a client of this protocol. */
int mgmt_bad(struct os_err *err, const char *rule);

/* Does the payload hold exactly @size bytes? */
bool mgmt_attr_is(const struct nlattr *a, size_t size);
/* A terminated string without control characters into @out of @size bytes; -EINVAL. */
int mgmt_attr_str(const struct nlattr *a, char *out, size_t size);
/*
 * The attributes of @stream (@len bytes) by type, 0..@max, into @tb; unknown types are ignored, the
 * last of a kind counts. -EINVAL when lengths lie or bytes are left over.
 */
int mgmt_attr_parse(const void *stream, int len, const struct nlattr **tb, int max);

/* A request's ifinfomsg and what follows; -EINVAL. */
int mgmt_ifinfo(const struct nlmsghdr *hdr, const struct nlattr **head, int *len,
		struct os_err *err);
struct nl_msg *mgmt_msg_new(uint32_t seq, int type, int flags, size_t size);

/* nla_ reads of a checked attribute; libnl's take no const. */
static inline uint32_t attr_u32(const struct nlattr *a)
{
	return nla_get_u32((struct nlattr *)a);
}

static inline uint64_t attr_u64(const struct nlattr *a)
{
	return nla_get_u64((struct nlattr *)a);
}

#endif
