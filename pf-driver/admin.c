/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The administrator's side of a VF: its policy, replaced whole or not at all, and its state. */
#include "pf_priv.h"

void pf_vf_policy_default(struct pf_vf_policy *pol)
{
	*pol = (struct pf_vf_policy){.spoofchk = true, .link = PF_VF_LINK_AUTO};
}

int pf_vf_policy_get(const struct pf *pf, unsigned int vf, struct pf_vf_policy *pol)
{
	if (vf >= pf->cfg.num_vfs)
		return -EINVAL;
	*pol = pf->vf[vf].policy;
	return 0;
}

/*
 * The address that the VF is to have under @pol. An address that a guest chose stays when @pol lets
 * it; one that the administrator takes back stays with a running guest until its next reset, as the
 * guest would not learn of another.
 */
static struct mac target_mac(const struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol)
{
	const struct pf_vf *v = &pf->vf[vf];
	struct mac mac = v->mac;

	if (mac_is_zero(&pol->mac)) {
		if (v->state == PF_VF_OFF)
			pf_mac_made_up(pf, vf, &mac);
	} else if (!pol->trust || !mac_equal(&pol->mac, &v->policy.mac)) {
		mac = pol->mac;
	}
	return mac;
}

/* What cannot fail: spoof check, promiscuity and further addresses that trust allowed, the gate. */
static void apply_rest(struct pf *pf, unsigned int vf, const struct pf_vf_policy *old)
{
	struct pf_vf *v = &pf->vf[vf];
	const struct pf_vf_policy *pol = &v->policy;

	if (pol->spoofchk != old->spoofchk)
		pf_expect(pf, vmdq_spoof_check(&pf->vmdq, vf, pol->spoofchk, pol->spoofchk),
			  "set the spoof check");
	if (!pol->trust) {
		if (!mac_is_zero(&pol->mac))
			pf_vf_extra_clear(pf, vf);
		if (v->uc_promisc || v->mc_all) {
			v->uc_promisc = false;
			v->mc_all = false;
			pf_vf_accept(pf, vf);
		}
	}
	if (pol->link != old->link)
		pf_vf_gate(pf, vf);
}

/* First what may fail: the rate, whose register may be missing, then the VLAN, then the address. */
static enum pf_rule apply(struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol)
{
	struct pf_vf *v = &pf->vf[vf];
	const struct pf_vf_policy old = v->policy;
	struct mac mac = target_mac(pf, vf, pol);
	enum pf_rule rule;

	if (pf_rate_write(pf, vf, pol->rate_max))
		return PF_RULE_RATE_HW;
	if (!pf->running) { /* the rest is loaded by pf_start() */
		v->policy = *pol;
		return PF_OK;
	}
	rule = PF_RULE_VLAN_FULL;
	if (vmdq_port_vlan(&pf->vmdq, vf, pol->vlan, pol->qos))
		goto err_rate;
	rule = PF_RULE_MAC_TAKEN;
	if (pf_vf_mac_set(pf, vf, &mac))
		goto err_vlan;
	v->policy = *pol;
	apply_rest(pf, vf, &old);
	return PF_OK;
err_vlan:
	pf_expect(pf, vmdq_port_vlan(&pf->vmdq, vf, old.vlan, old.qos), "undo a port VLAN");
err_rate:
	if (pol->rate_max != old.rate_max)
		pf_rate_undo(pf, vf);
	return rule;
}

int pf_vf_policy_set(struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol,
		     enum pf_rule *rule)
{
	enum pf_rule why = pf_policy_check(pf, vf, pol);

	if (!why)
		why = apply(pf, vf, pol);
	if (rule)
		*rule = why;
	return pf_rule_errno(why);
}

int pf_vf_info(const struct pf *pf, unsigned int vf, struct pf_vf_info *info)
{
	const struct pf_vf *v;

	if (vf >= pf->cfg.num_vfs)
		return -EINVAL;
	v = &pf->vf[vf];
	*info = (struct pf_vf_info){
		.state = v->state,
		.mac = v->mac,
		.frame_max = v->frame_max,
		.vlans = v->nvids,
		.uc_promisc = v->uc_promisc,
		.mc_all = v->mc_all,
		.resets = v->resets,
		.requests = v->requests,
		.refused = v->refused,
		.last_refusal = v->last_refusal,
	};
	if (!pf->running)
		pf_mac_base(pf, vf, &info->mac);
	return 0;
}
