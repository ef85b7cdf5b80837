/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What an administrator lets a VF do, and the rules that refuse the rest. Plain data. */
#ifndef SLUICE_DRV_PF_POLICY_H
#define SLUICE_DRV_PF_POLICY_H

#include "base/mac.h"

/* Why a request was refused: one rule each, with text for people. */
enum pf_rule {
	PF_OK,
	PF_RULE_NO_RESET,    /* anything but RESET before RESET */
	PF_RULE_UNKNOWN,     /* no such request */
	PF_RULE_MAC_INVALID, /* zero or a group address */
	PF_RULE_MAC_FIXED,   /* the administrator set the address and does not trust the VF */
	PF_RULE_MAC_TAKEN,   /* another pool has it */
	PF_RULE_MAC_FULL,    /* no free receive address */
	PF_RULE_VLAN_RANGE,  /* VID above 4094 */
	PF_RULE_VLAN_PORT,   /* a port VLAN is set */
	PF_RULE_VLAN_FULL,   /* no free VLAN filter */
	PF_RULE_FRAME_SIZE,  /* below 64 or above 9728 bytes */
	PF_RULE_PROMISC,     /* needs trust */
	PF_RULE_MULTICAST,   /* all multicast without trust, over 30 hashes, or one above 4095 */
	PF_RULE_QOS_RANGE,
	PF_RULE_QOS_NO_VLAN, /* a priority without a port VLAN */
	PF_RULE_LINK_FORCE,  /* 82576: a VF's link is the port's and cannot be forced up */
	PF_RULE_RATE_MIN,    /* 82576: no minimum rate */
	PF_RULE_RATE_RANGE,
	PF_RULE_RATE_HW, /* the rate register does not keep its value: no limiter behind it */
	PF_RULE_NO_VF,
	PF_RULES
};
const char *pf_rule_text(enum pf_rule rule); /* which rule it is, a clause */
const char *pf_rule_mend(enum pf_rule rule); /* what would mend it, a clause */

enum pf_vf_link { PF_VF_LINK_AUTO, PF_VF_LINK_ENABLE, PF_VF_LINK_DISABLE };

/* What the administrator lets a VF do. Everything is plain data: copied in and out whole. */
struct pf_vf_policy {
	struct mac mac; /* zero: free, the driver made one up and the VF may change it; an address
			   that is taken back stays with a running guest until its next reset */
	uint16_t vlan;	/* port VLAN 1..4094, 0 none */
	uint8_t qos;	/* 0..7, with a port VLAN */
	bool spoofchk;	/* default true: MAC and VLAN anti-spoofing */
	bool trust;	/* may change a fixed MAC, be promiscuous, take all multicast */
	enum pf_vf_link link;
	uint32_t rate_max; /* Mb/s, 0: no limit */
	uint32_t rate_min; /* Mb/s; always 0 on this card */
};

#endif
