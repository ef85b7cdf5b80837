/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Policy of VFs: merged with what is, stored and applied, the whole request or nothing of it. */
#include "core.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <linux/if_link.h>

#include "log.h"
#include "text.h"

static_assert((int)PF_VF_LINK_AUTO == IFLA_VF_LINK_STATE_AUTO &&
		      (int)PF_VF_LINK_ENABLE == IFLA_VF_LINK_STATE_ENABLE &&
		      (int)PF_VF_LINK_DISABLE == IFLA_VF_LINK_STATE_DISABLE,
	      "the driver's link states are the kernel's");

int mgmt_policy_merge(const struct mgmt_vf_set *set, struct pf_vf_policy *pol, enum pf_rule *rule)
{
	static const struct mac none;

	*rule = PF_OK;
	if ((set->has & MGMT_SET_MAC) && !mac_is_usable(&set->mac))
		*rule = PF_RULE_MAC_INVALID;
	if ((set->has & MGMT_SET_VLAN) && set->qos > ETH_QOS_MAX)
		*rule = PF_RULE_QOS_RANGE;
	if ((set->has & MGMT_SET_VLAN) && set->vlan > ETH_VLAN_MAX)
		*rule = PF_RULE_VLAN_RANGE;
	if (*rule != PF_OK || ((set->has & MGMT_SET_LINK) && set->link > PF_VF_LINK_DISABLE))
		return -EINVAL;
	if (set->has & MGMT_SET_MAC)
		pol->mac = set->mac;
	if (set->has & MGMT_SET_MAC_FREE)
		pol->mac = none;
	if (set->has & MGMT_SET_VLAN) {
		pol->vlan = (uint16_t)set->vlan;
		pol->qos = (uint8_t)set->qos;
	}
	if (set->has & (MGMT_SET_TX_RATE | MGMT_SET_RATE))
		pol->rate_max = set->rate_max;
	if (set->has & MGMT_SET_RATE)
		pol->rate_min = set->rate_min;
	if (set->has & MGMT_SET_SPOOFCHK)
		pol->spoofchk = set->spoofchk;
	if (set->has & MGMT_SET_LINK)
		pol->link = (enum pf_vf_link)set->link;
	if (set->has & MGMT_SET_TRUST)
		pol->trust = set->trust;
	return 0;
}

/* Whose address @mac is, for a message; false when nobody's. */
static bool mac_owner(struct mgmt_core *c, unsigned int not_vf, const struct mac *mac, char *out,
		      size_t size)
{
	struct mgmt_card *card = &c->env.card;
	struct mgmt_pf_now pf;
	struct mgmt_vf_now now;
	unsigned int i;

	if (!card->ops->pf_read(card->ctx, &pf) && mac_equal(&pf.mac, mac)) {
		mgmt_text(out, size, "the PF has it");
		return true;
	}
	for (i = 0; i < c->num_vfs; i++) {
		if (i == not_vf || card->ops->vf_read(card->ctx, i, &now) ||
		    (!mac_equal(&now.info.mac, mac) && !mac_equal(&now.policy.mac, mac)))
			continue;
		mgmt_text(out, size, "VF %u has it", i);
		return true;
	}
	return false;
}

static int refused(struct mgmt_core *c, unsigned int vf, int ret, enum pf_rule rule,
		   const struct pf_vf_policy *pol, struct os_err *err)
{
	char text[160], owner[32];

	if (rule == PF_OK || (unsigned int)rule >= PF_RULES)
		return os_err_set(err, ret, strerror(-ret), "see the daemon's log",
				  "VF %u was not changed", vf);
	mgmt_copy(text, pf_rule_text(rule));
	if (rule == PF_RULE_MAC_TAKEN && mac_owner(c, vf, &pol->mac, owner, sizeof(owner)))
		mgmt_text(text, sizeof(text), "%s: %s", pf_rule_text(rule), owner);
	return os_err_set(err, ret, text, pf_rule_mend(rule), "VF %u was not changed", vf);
}

int mgmt_policy_restore(struct mgmt_core *c, unsigned int vf, struct os_err *err)
{
	enum pf_rule rule = PF_OK;
	struct pf_vf_policy pol;
	int ret = mgmt_store_policy_get(c->store, vf, &pol, err);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return ret;
	ret = c->env.card.ops->policy_set(c->env.card.ctx, vf, &pol, &rule);
	if (!ret)
		return 0;
	ret = refused(c, vf, ret, rule, &pol, err);
	mgmt_text(err->what, sizeof(err->what), "the stored policy of VF %u is not in force", vf);
	return ret;
}

/* A request on its way: policies by VF before and after, as far as it touches them. */
struct change {
	struct pf_vf_policy was[PF_VFS_MAX], will[PF_VFS_MAX];
	bool touched[PF_VFS_MAX];
};

static int plan_one(struct mgmt_core *c, const struct mgmt_vf_set *set, struct change *ch,
		    struct os_err *err)
{
	struct mgmt_vf_now now;
	enum pf_rule rule;
	int ret;

	ret = mgmt_check_vf(c, set->vf, err);
	if (ret)
		return ret;
	if (!ch->touched[set->vf]) {
		ret = c->env.card.ops->vf_read(c->env.card.ctx, set->vf, &now);
		if (ret)
			return refused(c, set->vf, ret, PF_OK, NULL, err);
		ch->was[set->vf] = now.policy;
		ch->will[set->vf] = now.policy;
		ch->touched[set->vf] = true;
	}
	ret = mgmt_policy_merge(set, &ch->will[set->vf], &rule);
	if (ret && rule == PF_OK)
		return os_err_set(err, ret, "a link state is auto, enable or disable",
				  "give one of them", "VF %u was not changed", set->vf);
	return ret ? refused(c, set->vf, ret, rule, &ch->will[set->vf], err) : 0;
}

/* Into the open transaction, and on to the disk. */
static int store_change(struct mgmt_core *c, const struct change *ch, struct os_err *err)
{
	unsigned int vf;
	int ret = 0;

	for (vf = 0; vf < c->num_vfs && !ret; vf++)
		if (ch->touched[vf])
			ret = mgmt_store_policy_put(c->store, vf, &ch->will[vf], err);
	return ret ? ret : mgmt_store_flush(c->store, err);
}

/* What was in force a moment ago is put back for VFs below @end. */
static void undo(struct mgmt_core *c, const struct change *ch, unsigned int end)
{
	enum pf_rule rule;
	unsigned int vf;

	for (vf = 0; vf < end; vf++)
		if (ch->touched[vf] &&
		    c->env.card.ops->policy_set(c->env.card.ctx, vf, &ch->was[vf], &rule))
			mgmt_log(OS_LOG_ERR, "VF %u: its former policy could not be put back", vf);
}

static int write_change(struct mgmt_core *c, const struct change *ch, struct os_err *err)
{
	enum pf_rule rule = PF_OK;
	unsigned int vf;
	int ret;

	for (vf = 0; vf < c->num_vfs; vf++) {
		if (!ch->touched[vf])
			continue;
		ret = c->env.card.ops->policy_set(c->env.card.ctx, vf, &ch->will[vf], &rule);
		if (!ret)
			continue;
		undo(c, ch, vf);
		return refused(c, vf, ret, rule, &ch->will[vf], err);
	}
	return 0;
}

int mgmt_policy_apply(struct mgmt_core *c, const struct mgmt_vf_set *set, unsigned int n,
		      struct os_err *err)
{
	struct change ch = {0};
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = plan_one(c, &set[i], &ch, err);
		if (ret)
			return ret;
	}
	ret = mgmt_store_begin(c->store, err);
	if (ret)
		return ret;
	ret = store_change(c, &ch, err);
	if (!ret)
		ret = write_change(c, &ch, err);
	if (ret) {
		mgmt_store_rollback(c->store);
		return ret;
	}
	ret = mgmt_store_commit(c->store, err);
	if (ret)
		undo(c, &ch, c->num_vfs);
	return ret;
}
