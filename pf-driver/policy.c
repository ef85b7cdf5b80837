/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a VF and the administrator may ask for: checks that read tables and no register. */
#include "pf_priv.h"

/*
 * The PF's address with the locally administered bit set and the VF's number + 1 exclusive-ored
 * into the top three bits of the first octet. So the address stays the same over restarts, the VFs
 * of a PF differ from each other and from the PF, and PFs that differ in the lower five octets, as
 * two ports of a card do, never make up the same one.
 */
void pf_mac_made_up(const struct pf *pf, unsigned int vf, struct mac *mac)
{
	*mac = pf->mac;
	mac->b[0] = (uint8_t)((mac->b[0] | 2) ^ ((vf + 1) << 5));
}

void pf_mac_base(const struct pf *pf, unsigned int vf, struct mac *mac)
{
	const struct pf_vf_policy *pol = &pf->vf[vf].policy;

	if (mac_is_zero(&pol->mac))
		pf_mac_made_up(pf, vf, mac);
	else
		*mac = pol->mac;
}

/* Nobody else has it, and nobody else could fall back to it later. */
static bool mac_is_taken(const struct pf *pf, unsigned int vf, const struct mac *mac)
{
	int owner = vmdq_mac_owner(&pf->vmdq, mac);
	struct mac other;

	if (owner >= 0 && owner != (int)vf)
		return true;
	for (unsigned int i = 0; i < pf->cfg.num_vfs; i++) {
		if (i == vf)
			continue;
		pf_mac_base(pf, i, &other);
		if (mac_equal(&other, mac))
			return true;
		pf_mac_made_up(pf, i, &other);
		if (mac_equal(&other, mac))
			return true;
	}
	return mac_equal(&pf->mac, mac);
}

static bool mac_is_fixed(const struct pf_vf *v)
{
	return !mac_is_zero(&v->policy.mac) && !v->policy.trust;
}

enum pf_rule pf_may_mac_set(const struct pf *pf, unsigned int vf, const struct mac *mac)
{
	const struct pf_vf *v = &pf->vf[vf];

	if (!mac_is_usable(mac))
		return PF_RULE_MAC_INVALID;
	if (mac_equal(mac, &v->mac)) /* a driver says after each RESET what it was just told */
		return PF_OK;
	if (mac_is_fixed(v))
		return PF_RULE_MAC_FIXED;
	if (mac_is_taken(pf, vf, mac))
		return PF_RULE_MAC_TAKEN;
	return PF_OK;
}

/*
 * Each pool's own address has its entry from the start. Of the others, MACS_SHARE stay for each
 * other VF that has not used them yet; trust lifts that bound.
 */
#define MACS_SHARE 2

static unsigned int macs_kept(const struct pf *pf, unsigned int vf)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < pf->cfg.num_vfs && !pf->vf[vf].policy.trust; i++)
		if (i != vf && pf->vf[i].nextra < MACS_SHARE)
			kept += MACS_SHARE - pf->vf[i].nextra;
	return kept;
}

enum pf_rule pf_may_mac_add(const struct pf *pf, unsigned int vf, const struct mac *mac)
{
	unsigned int used = 0;
	enum pf_rule rule = pf_may_mac_set(pf, vf, mac);

	if (rule)
		return rule;
	if (vmdq_mac_owner(&pf->vmdq, mac) == (int)vf)
		return PF_OK;
	for (unsigned int p = 0; p < VMDQ_POOLS; p++)
		used += vmdq_mac_count(&pf->vmdq, p);
	if (used + macs_kept(pf, vf) >= VMDQ_MACS ||
	    vmdq_mac_count(&pf->vmdq, vf) >= VMDQ_MACS_POOL)
		return PF_RULE_MAC_FULL;
	return PF_OK;
}

enum pf_rule pf_may_multicast(const uint32_t *msg)
{
	uint32_t info = field_get(MBX_INFO, msg[0]);
	uint32_t n = field_get(MBX_MC_COUNT, info);

	if (info & ~(MBX_MC_COUNT | MBX_MC_OVERFLOW))
		return PF_RULE_UNKNOWN;
	if (n > MBX_MC_MAX)
		return PF_RULE_MULTICAST;
	for (uint32_t i = 0; i < n; i++)
		if ((msg[1 + i / 2] >> (16 * (i % 2)) & 0xffff) >= VMDQ_HASHES)
			return PF_RULE_MULTICAST;
	return PF_OK;
}

enum pf_rule pf_may_promisc(const struct pf *pf, unsigned int vf, uint32_t info)
{
	if (info & ~(MBX_PROMISC_UC | MBX_PROMISC_MC))
		return PF_RULE_UNKNOWN;
	if (pf->vf[vf].policy.trust)
		return PF_OK;
	if (info & MBX_PROMISC_UC)
		return PF_RULE_PROMISC;
	if (info & MBX_PROMISC_MC)
		return PF_RULE_MULTICAST;
	return PF_OK;
}

/*
 * The 32 VLAN filters are the card's, not a guest's: one stays for each VF's port VLAN, which the
 * administrator may set at any time, and VLANS_SHARE for each other VF. Trust lifts the second
 * bound, not the first.
 *
 * A VLAN that another has as well is not free of charge: when that one leaves it, the filter stays
 * with the rest. So an untrusted VF that is beyond its share is looked at together with every set
 * of others, as if all outside that set left now and came back for their shares.
 */
#define VLANS_SHARE 3

static unsigned int bits(unsigned int set)
{
	unsigned int n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

static bool vlan_fits(const struct pf *pf, unsigned int vf, uint32_t vid)
{
	unsigned int all = BIT(pf->cfg.num_vfs) - 1, room = VMDQ_VLANS - pf->cfg.num_vfs;
	const struct pf_vf *v = &pf->vf[vf];

	if (vmdq_vlan_wanted(&pf->vmdq, all, vid) > room)
		return false;
	if (v->policy.trust || v->nvids < VLANS_SHARE)
		return true;
	for (unsigned int set = BIT(vf); set <= all; set++)
		if ((set & BIT(vf)) &&
		    vmdq_vlan_wanted(&pf->vmdq, set, vid) + VLANS_SHARE * bits(all & ~set) > room)
			return false;
	return true;
}

enum pf_rule pf_may_vlan(const struct pf *pf, unsigned int vf, uint32_t info, uint32_t vid)
{
	if (info > 1)
		return PF_RULE_UNKNOWN;
	if (pf->vf[vf].policy.vlan)
		return PF_RULE_VLAN_PORT;
	if (vid > ETH_VLAN_MAX)
		return PF_RULE_VLAN_RANGE;
	if (info && vid && !vmdq_vlan_has(&pf->vmdq, vf, vid) && !vlan_fits(pf, vf, vid))
		return PF_RULE_VLAN_FULL;
	return PF_OK;
}

enum pf_rule pf_may_frame(uint32_t bytes)
{
	return bytes < 64 || bytes > IGB_FRAME_MAX ? PF_RULE_FRAME_SIZE : PF_OK;
}

static enum pf_rule check_mac(const struct pf *pf, unsigned int vf, const struct mac *mac)
{
	if (mac_is_zero(mac))
		return PF_OK;
	if (mac_is_multicast(mac))
		return PF_RULE_MAC_INVALID;
	return mac_is_taken(pf, vf, mac) ? PF_RULE_MAC_TAKEN : PF_OK;
}

static enum pf_rule check_vlan(const struct pf_vf_policy *pol)
{
	if (pol->vlan > ETH_VLAN_MAX)
		return PF_RULE_VLAN_RANGE;
	if (pol->qos > ETH_QOS_MAX)
		return PF_RULE_QOS_RANGE;
	return pol->qos && !pol->vlan ? PF_RULE_QOS_NO_VLAN : PF_OK;
}

static enum pf_rule check_rate(const struct pf_vf_policy *pol)
{
	if (pol->rate_min)
		return PF_RULE_RATE_MIN;
	return pol->rate_max > PF_RATE_MBPS ? PF_RULE_RATE_RANGE : PF_OK;
}

enum pf_rule pf_policy_check(const struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol)
{
	enum pf_rule rule;

	if (vf >= pf->cfg.num_vfs)
		return PF_RULE_NO_VF;
	rule = check_mac(pf, vf, &pol->mac);
	if (!rule)
		rule = check_vlan(pol);
	if (!rule && pol->link != PF_VF_LINK_AUTO && pol->link != PF_VF_LINK_DISABLE)
		rule = PF_RULE_LINK_FORCE;
	if (!rule)
		rule = check_rate(pol);
	return rule;
}
