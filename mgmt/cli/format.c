/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's structs as text and as JSON. */
#include "format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if_link.h>

const char *mgmt_mac_text(const struct mac *mac, char *out)
{
	const uint8_t *b = mac->b;

	snprintf(out, MGMT_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return out;
}

const char *mgmt_queues_text(uint32_t queues, char *out, size_t size)
{
	size_t used = 0;
	unsigned int q;

	out[0] = '\0';
	for (q = 0; q < 32 && used < size; q++)
		if (queues & BIT(q))
			used += (size_t)snprintf(out + used, size - used, "%s%u", used ? "," : "",
						 q);
	return out;
}

const char *mgmt_link_state_text(uint32_t link)
{
	switch (link) {
	case IFLA_VF_LINK_STATE_AUTO:
		return "auto";
	case IFLA_VF_LINK_STATE_ENABLE:
		return "enable";
	case IFLA_VF_LINK_STATE_DISABLE:
		return "disable";
	}
	return "unknown";
}

/* JSON has no unsigned 64 bits in jansson: counters beyond 2^63 do not occur. */
static json_t *count(uint64_t v)
{
	return json_integer((json_int_t)v);
}

json_t *mgmt_text_json(const char *s)
{
	json_t *v = json_string(s);
	size_t n = strlen(s), i;
	char *ascii = v ? NULL : malloc(n + 1);

	if (!ascii)
		return v;
	for (i = 0; i <= n; i++)
		ascii[i] = (char)((unsigned char)s[i] < 0x80 ? s[i] : '?');
	v = json_string(ascii);
	free(ascii);
	return v;
}

/* @text, or null when there is none. */
static json_t *text(const char *s)
{
	return s[0] ? mgmt_text_json(s) : json_null();
}

json_t *mgmt_error_json(int no, const char *what, const char *rule, const char *mend)
{
	return json_pack("{s:{s:i,s:o,s:o,s:o}}", "error", "errno", no, "what",
			 mgmt_text_json(what), "rule", mgmt_text_json(rule), "mend",
			 mgmt_text_json(mend));
}

json_t *mgmt_stats_json(const struct mgmt_stats *st)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "rx_packets", count(st->rx_packets),
			 "tx_packets", count(st->tx_packets), "rx_bytes", count(st->rx_bytes),
			 "tx_bytes", count(st->tx_bytes), "rx_multicast", count(st->rx_multicast),
			 "rx_broadcast", count(st->rx_broadcast), "rx_dropped",
			 count(st->rx_dropped), "tx_dropped", count(st->tx_dropped));
}

json_t *mgmt_link_json(const struct mgmt_link *l)
{
	char mac[MGMT_MAC_TEXT];

	return json_pack("{s:o,s:o,s:o,s:s,s:{s:b,s:i,s:b},s:i,s:i,s:i,s:o,s:b,s:i,s:o}", "bdf",
			 mgmt_text_json(l->bdf), "device", mgmt_text_json(l->device), "driver",
			 text(l->driver), "mac", mgmt_mac_text(&l->mac, mac), "link", "up", l->up,
			 "mbps", (int)l->mbps, "full_duplex", l->full_duplex, "num_vfs",
			 (int)l->num_vfs, "total_vfs", (int)l->total_vfs, "default_pool",
			 (int)l->pool, "state_dir", text(l->state_dir), "unsafe_interrupts",
			 l->unsafe, "version", (int)l->version, "stats",
			 mgmt_stats_json(&l->stats));
}

static json_t *policy_json(const struct mgmt_vf *vf)
{
	char mac[MGMT_MAC_TEXT];

	return json_pack("{s:o,s:i,s:i,s:b,s:b,s:s,s:I,s:I}", "mac",
			 mac_is_zero(&vf->policy_mac)
				 ? json_null()
				 : json_string(mgmt_mac_text(&vf->policy_mac, mac)),
			 "vlan", (int)vf->vlan, "qos", (int)vf->qos, "spoofchk", vf->spoofchk,
			 "trust", vf->trust, "link_state", mgmt_link_state_text(vf->link),
			 "max_tx_rate", (json_int_t)vf->rate_max, "min_tx_rate",
			 (json_int_t)vf->rate_min);
}

static json_t *info_json(const struct mgmt_vf *vf)
{
	return json_pack("{s:b,s:i,s:i,s:b,s:b,s:o,s:o,s:o,s:o}", "driver_up", vf->ready,
			 "frame_max", (int)vf->frame_max, "vlans", (int)vf->vlans, "uc_promisc",
			 vf->uc_promisc, "mc_all", vf->mc_all, "resets", count(vf->resets),
			 "requests", count(vf->requests), "refused", count(vf->refused),
			 "last_refusal", text(vf->refusal));
}

static json_t *queues_json(uint32_t queues)
{
	json_t *list = json_array();
	unsigned int q;

	for (q = 0; q < 32; q++)
		if (queues & BIT(q))
			json_array_append_new(list, json_integer(q));
	return list;
}

json_t *mgmt_vf_json(const struct mgmt_vf *vf)
{
	char mac[MGMT_MAC_TEXT];

	return json_pack("{s:i,s:o,s:i,s:i,s:o,s:s,s:o,s:o,s:b,s:i,s:s,s:o,s:o,s:o,s:o}", "vf",
			 (int)vf->vf, "bdf", mgmt_text_json(vf->bdf), "group", (int)vf->group,
			 "pool", (int)vf->pool, "queues", queues_json(vf->queues), "mac",
			 mgmt_mac_text(&vf->mac, mac), "owner", text(vf->owner), "qmp",
			 text(vf->qmp), "cold", vf->cold, "pid", (int)vf->pid, "state",
			 mgmt_state_name(vf->state), "reason", text(vf->reason), "policy",
			 policy_json(vf), "info", info_json(vf), "stats",
			 mgmt_stats_json(&vf->stats));
}
