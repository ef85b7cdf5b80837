/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The rules by which requests are refused, in words for people. */
#include "pf_priv.h"

struct rule_text {
	const char *rule;
	const char *mend;
};

static const struct rule_text texts[PF_RULES] = {
	[PF_OK] = {"no rule was broken", "nothing to mend"},
	[PF_RULE_NO_RESET] = {"a VF must finish RESET before it asks for anything else",
			      "reload the VF's driver"},
	[PF_RULE_UNKNOWN] = {"the request is not one of the six of the 82576 mailbox",
			     "use a VF driver made for the 82576"},
	[PF_RULE_MAC_INVALID] = {"a station's address is neither zero nor a group address",
				 "choose a unicast address"},
	[PF_RULE_MAC_FIXED] = {"the administrator set this VF's address and does not trust the VF",
			       "keep the address that was set, or set trust on"},
	[PF_RULE_MAC_TAKEN] = {"another pool has this address or falls back to it",
			       "choose another address"},
	[PF_RULE_MAC_FULL] = {"all receive addresses are taken, or this pool's share is",
			      "remove an address that is no longer needed"},
	[PF_RULE_VLAN_RANGE] = {"a VLAN id is at most 4094", "choose a VLAN from 1 to 4094"},
	[PF_RULE_VLAN_PORT] = {"the VF has a port VLAN and may not choose its own",
			       "remove the port VLAN (vlan 0)"},
	[PF_RULE_VLAN_FULL] =
		{"the card's 32 VLAN filters are taken, or this VF's share of them is",
		 "remove a VLAN that is no longer needed"},
	[PF_RULE_FRAME_SIZE] = {"a frame has 64 to 9728 bytes, CRC included",
				"choose an MTU from 46 to 9706"},
	[PF_RULE_PROMISC] = {"unicast promiscuity needs trust", "set trust on"},
	[PF_RULE_MULTICAST] = {"all multicast needs trust; without it at most 30 hashes of 12 bits",
			       "set trust on, or join at most 30 groups"},
	[PF_RULE_QOS_RANGE] = {"a priority is 0 to 7", "choose a priority from 0 to 7"},
	[PF_RULE_QOS_NO_VLAN] = {"a priority needs a port VLAN to carry it", "set a vlan as well"},
	[PF_RULE_LINK_FORCE] = {"the 82576 shows a VF the port's own link and cannot force it up",
				"use state auto, or disable"},
	[PF_RULE_RATE_MIN] = {"the 82576 guarantees no minimum rate", "set a maximum rate alone"},
	[PF_RULE_RATE_RANGE] = {"a rate is at most 1000 Mb/s", "choose 1 to 1000, or 0 for none"},
	[PF_RULE_RATE_HW] = {"the rate register did not keep its value: no limiter is behind it",
			     "limit the rate in the guest or at the switch"},
	[PF_RULE_NO_VF] = {"there is no such VF", "choose a VF below the number that is enabled"},
};

static const struct rule_text *text(enum pf_rule rule)
{
	static const struct rule_text none = {"an unknown rule", "nothing is known to mend it"};

	return (unsigned int)rule < PF_RULES ? &texts[rule] : &none;
}

const char *pf_rule_text(enum pf_rule rule)
{
	return text(rule)->rule;
}

const char *pf_rule_mend(enum pf_rule rule)
{
	return text(rule)->mend;
}

int pf_rule_errno(enum pf_rule rule)
{
	switch (rule) {
	case PF_OK:
		return 0;
	case PF_RULE_MAC_TAKEN:
		return -EADDRINUSE;
	case PF_RULE_MAC_FULL:
	case PF_RULE_VLAN_FULL:
		return -ENOSPC;
	case PF_RULE_LINK_FORCE:
	case PF_RULE_RATE_MIN:
	case PF_RULE_RATE_HW:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}
