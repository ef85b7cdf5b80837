/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The card and its VFs as they are now, from hardware, policy and leases. */
#include "core.h"

#include <errno.h>
#include <string.h>

#include "text.h"

/* A VF n has the pool n and of the card's 16 queues n and n + 8 (82576 datasheet, VMDq with 8
 * pools). */
#define POOL_QUEUES(vf) (BIT(vf) | BIT((vf) + 8))

int mgmt_check_vf(const struct mgmt_core *c, uint32_t vf, struct os_err *err)
{
	char rule[160];

	if (vf < c->num_vfs)
		return 0;
	if (c->num_vfs)
		mgmt_text(rule, sizeof(rule), "the card has VFs 0 to %u", c->num_vfs - 1);
	else
		mgmt_text(rule, sizeof(rule), "the card has no VFs");
	return os_err_set(err, -EINVAL, rule, "sluice vf lists them", "there is no VF %u", vf);
}

static void copy_stats(struct mgmt_stats *to, const struct pf_stats *from)
{
	*to = (struct mgmt_stats){
		.rx_packets = from->rx_packets,
		.tx_packets = from->tx_packets,
		.rx_bytes = from->rx_bytes,
		.tx_bytes = from->tx_bytes,
		.rx_multicast = from->rx_multicast,
		.rx_broadcast = from->rx_broadcast,
		.rx_dropped = from->rx_dropped,
		.tx_dropped = from->tx_dropped,
	};
}

static int no_answer(int ret, struct os_err *err)
{
	return os_err_set(err, ret, strerror(-ret), "see the daemon's log",
			  "the card could not be read");
}

int mgmt_show_link(struct mgmt_core *c, struct mgmt_link *out, struct os_err *err)
{
	struct mgmt_pf_now now;
	int ret = c->env.card.ops->pf_read(c->env.card.ctx, &now);

	if (ret)
		return no_answer(ret, err);
	*out = c->link;
	out->mac = now.mac;
	out->up = now.link.up;
	out->full_duplex = now.link.full_duplex;
	out->mbps = now.link.mbps;
	out->num_vfs = c->num_vfs;
	copy_stats(&out->stats, &now.stats);
	return 0;
}

static void show_lease(const struct mgmt_lease *l, struct mgmt_vf *out)
{
	mgmt_copy(out->bdf, l->bdf);
	out->group = l->group;
	out->state = l->state;
	mgmt_copy(out->owner, l->vm);
	mgmt_copy(out->qmp, l->qmp);
	mgmt_copy(out->reason, l->reason);
	out->cold = l->cold;
	out->pid = (uint32_t)l->pid;
}

int mgmt_show_vf(struct mgmt_core *c, unsigned int vf, struct mgmt_vf *out, struct os_err *err)
{
	struct mgmt_vf_now now;
	int ret = c->env.card.ops->vf_read(c->env.card.ctx, vf, &now);

	if (ret)
		return no_answer(ret, err);
	memset(out, 0, sizeof(*out));
	out->vf = vf;
	show_lease(&c->lease[vf], out);
	out->pool = vf;
	out->queues = POOL_QUEUES(vf);
	out->mac = now.info.mac;
	out->policy_mac = now.policy.mac;
	out->vlan = now.policy.vlan;
	out->qos = now.policy.qos;
	out->rate_max = now.policy.rate_max;
	out->rate_min = now.policy.rate_min;
	out->link = now.policy.link; /* the kernel's numbers and the driver's agree: auto 0 */
	out->spoofchk = now.policy.spoofchk;
	out->trust = now.policy.trust;
	copy_stats(&out->stats, &now.stats);
	out->ready = now.info.state == PF_VF_READY;
	out->uc_promisc = now.info.uc_promisc;
	out->mc_all = now.info.mc_all;
	out->frame_max = now.info.frame_max;
	out->vlans = now.info.vlans;
	out->resets = now.info.resets;
	out->requests = now.info.requests;
	out->refused = now.info.refused;
	if (now.info.last_refusal != PF_OK)
		mgmt_copy(out->refusal, pf_rule_text(now.info.last_refusal));
	return 0;
}
