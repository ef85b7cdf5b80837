/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The life of a VF: what RESET, a function-level reset and the administrator do to it. */
#include "pf_priv.h"

static void mac_list_remove(struct pf_vf *v, const struct mac *mac)
{
	for (unsigned int i = 0; i < v->nextra; i++)
		if (mac_equal(&v->extra[i], mac)) {
			v->extra[i] = v->extra[--v->nextra];
			return;
		}
}

/* The new address replaces the old one in its entry, so that it needs no free one. */
int pf_vf_mac_set(struct pf *pf, unsigned int vf, const struct mac *mac)
{
	struct pf_vf *v = &pf->vf[vf];
	int err = vmdq_mac_replace(&pf->vmdq, vf, &v->mac, mac);

	if (err)
		return err;
	mac_list_remove(v, mac);
	v->mac = *mac;
	return 0;
}

void pf_vf_extra_clear(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];

	for (unsigned int i = 0; i < v->nextra; i++)
		pf_expect(pf, vmdq_mac_del(&pf->vmdq, vf, &v->extra[i]), "delete an address");
	v->nextra = 0;
}

void pf_vf_accept(struct pf *pf, unsigned int vf)
{
	const struct pf_vf *v = &pf->vf[vf];
	uint32_t accept = VMDQ_BROADCAST | VMDQ_UNTAGGED;

	if (v->mc_hash)
		accept |= VMDQ_MC_HASH;
	if (v->mc_all)
		accept |= VMDQ_MC_ALL;
	if (v->uc_promisc)
		accept |= VMDQ_UC_HASH;
	if (v->nvids)
		accept |= VMDQ_VLAN_STRIP;
	pf_expect(pf, vmdq_accept(&pf->vmdq, vf, accept), "set what a pool accepts");
}

/*
 * The bits are read, not remembered: a reset of another VF clears its own in hardware, and they
 * must not come back before that VF's RESET.
 */
void pf_vf_gate(struct pf *pf, unsigned int vf)
{
	const struct pf_vf *v = &pf->vf[vf];
	bool open = v->state == PF_VF_READY && v->policy.link != PF_VF_LINK_DISABLE;
	uint32_t bit = BIT(vf);
	uint32_t rx = os_rd32(pf->dev, IGB_VFRE);
	uint32_t tx = os_rd32(pf->dev, IGB_VFTE);

	os_wr32(pf->dev, IGB_VFTE, open ? tx | bit : tx & ~bit);
	os_wr32(pf->dev, IGB_VFRE, open ? rx | bit : rx & ~bit);
}

/* What the guest asked for; its own address and the policy stay. */
void pf_vf_forget(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];

	pf_vf_extra_clear(pf, vf);
	v->nvids = 0;
	v->mc_hash = false;
	v->mc_all = false;
	v->uc_promisc = false;
	v->frame_max = PF_FRAME_DEFAULT;
	pf_expect(pf, vmdq_pool_forget_guest(&pf->vmdq, vf), "forget a guest's filters");
	pf_vf_accept(pf, vf);
}

/* The base address is kept free for its VF (policy.c), so this cannot be refused. */
void pf_vf_back_to_base(struct pf *pf, unsigned int vf)
{
	struct mac base;

	pf_mac_base(pf, vf, &base);
	pf_expect(pf, pf_vf_mac_set(pf, vf, &base), "give an address back");
}

/* RESET: a driver starts in the VF. Only here do its queues get leave to run. */
void pf_vf_reset(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];

	pf_vf_forget(pf, vf);
	v->state = PF_VF_READY;
	v->ping_due = false;
	v->resets++;
	pf_vf_gate(pf, vf);
	pf_tell(pf, PF_EV_VF_READY, vf, PF_OK);
}

/* A function-level reset or CTRL.RST of the VF: whoever was in it is gone. */
void pf_vf_flr(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];

	v->state = PF_VF_OFF;
	v->ping_due = false;
	v->unread = false;
	pf_vf_gate(pf, vf);
	pf_vf_forget(pf, vf);
	pf_vf_back_to_base(pf, vf);
	pf_tell(pf, PF_EV_VF_FLR, vf, PF_OK);
}

void pf_vf_refuse(struct pf *pf, unsigned int vf, enum pf_rule rule)
{
	struct pf_vf *v = &pf->vf[vf];

	v->refused++;
	v->last_refusal = rule;
	if (!pf_limit_pass(&v->tell, os_now_us(pf->dev)))
		return;
	os_log(pf->dev, OS_LOG_WARN, "VF %u: refused: %s", vf, pf_rule_text(rule));
	pf_tell(pf, PF_EV_VF_REFUSED, vf, rule);
}

int pf_vf_load_one(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];
	const struct pf_vf_policy *pol = &v->policy;
	int err;

	v->state = PF_VF_OFF;
	v->ping_due = false;
	v->unread = false;
	v->nextra = 0;
	pf_mac_base(pf, vf, &v->mac);
	err = vmdq_mac_add(&pf->vmdq, vf, &v->mac);
	if (!err)
		err = vmdq_port_vlan(&pf->vmdq, vf, pol->vlan, pol->qos);
	if (!err)
		err = vmdq_spoof_check(&pf->vmdq, vf, pol->spoofchk, pol->spoofchk);
	if (!err)
		pf_vf_forget(pf, vf);
	return err;
}

int pf_vf_load(struct pf *pf)
{
	int err = vmdq_init(&pf->vmdq, pf->dev, PF_POOL);

	if (!err)
		err = vmdq_mac_add(&pf->vmdq, PF_POOL, &pf->mac);
	if (!err)
		err = vmdq_accept(&pf->vmdq, PF_POOL, VMDQ_BROADCAST | VMDQ_UNTAGGED | VMDQ_MC_ALL);
	for (unsigned int vf = 0; vf < pf->cfg.num_vfs && !err; vf++) {
		err = pf_vf_load_one(pf, vf);
		if (err)
			os_log(pf->dev, OS_LOG_ERR, "VF %u: its policy cannot be loaded: %d", vf,
			       err);
	}
	return err ? -EIO : 0;
}
