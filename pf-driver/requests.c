/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The six requests of a VF: each is checked whole, then done, then answered. */
#include "pf_priv.h"

/*
 * How a request is served. @serve gets the whole message and may put its answer's further words
 * into it; it returns the rule that refuses, having written nothing then.
 */
struct request {
	uint16_t id;
	bool opens;	    /* served without CTS, and answered without it */
	uint8_t words;	    /* of the request, the first included */
	uint8_t info_words; /* further ones: one for two items counted in the info */
	uint8_t reply_words;
	enum pf_rule (*serve)(struct pf *pf, unsigned int vf, uint32_t *msg);
};

static struct mac mac_from(const uint32_t *msg)
{
	struct mac mac;

	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		mac.b[i] = (uint8_t)(msg[1 + i / 4] >> (8 * (i % 4)));
	return mac;
}

/* The answer always has an address: VF drivers disagree on what none would mean. */
static enum pf_rule reset(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	const struct mac *mac = &pf->vf[vf].mac;

	pf_vf_reset(pf, vf);
	msg[1] = 0;
	msg[2] = 0;
	for (unsigned int i = 0; i < ETH_MAC_LEN; i++)
		msg[1 + i / 4] |= (uint32_t)mac->b[i] << (8 * (i % 4));
	return PF_OK;
}

static enum pf_rule mac_set(struct pf *pf, unsigned int vf, const struct mac *mac)
{
	enum pf_rule rule = pf_may_mac_set(pf, vf, mac);

	if (rule || mac_equal(mac, &pf->vf[vf].mac))
		return rule;
	if (pf_vf_mac_set(pf, vf, mac))
		return PF_RULE_MAC_TAKEN;
	pf_tell(pf, PF_EV_VF_MAC, vf, PF_OK);
	return PF_OK;
}

static enum pf_rule mac_add(struct pf *pf, unsigned int vf, const struct mac *mac)
{
	struct pf_vf *v = &pf->vf[vf];
	enum pf_rule rule = pf_may_mac_add(pf, vf, mac);

	if (rule || vmdq_mac_owner(&pf->vmdq, mac) == (int)vf)
		return rule;
	if (v->nextra == VMDQ_MACS_POOL || vmdq_mac_add(&pf->vmdq, vf, mac))
		return PF_RULE_MAC_FULL;
	v->extra[v->nextra++] = *mac;
	return PF_OK;
}

/* The sub-command comes first: igbvf clears with an all-zero address on each change of rx mode. */
static enum pf_rule set_mac(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	struct mac mac = mac_from(msg);

	switch (field_get(MBX_INFO, msg[0])) {
	case MBX_MAC_SET:
		return mac_set(pf, vf, &mac);
	case MBX_MAC_CLEAR:
		pf_vf_extra_clear(pf, vf);
		return PF_OK;
	case MBX_MAC_ADD:
		return mac_add(pf, vf, &mac);
	default:
		return PF_RULE_UNKNOWN;
	}
}

/*
 * More than 30 groups are all multicast, which needs trust. An untrusted VF's hashes are taken and
 * the message is acknowledged all the same: igbvf and DPDK do not look at this answer, so a refusal
 * would lose the groups that can be had. That it did not get all is counted and told.
 */
static enum pf_rule set_multicast(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	struct pf_vf *v = &pf->vf[vf];
	uint32_t info = field_get(MBX_INFO, msg[0]);
	uint32_t n = field_get(MBX_MC_COUNT, info);
	bool all = info & MBX_MC_OVERFLOW;
	uint16_t hash[MBX_MC_MAX];
	enum pf_rule rule = pf_may_multicast(msg);

	if (rule)
		return rule;
	for (uint32_t i = 0; i < n; i++)
		hash[i] = (uint16_t)(msg[1 + i / 2] >> (16 * (i % 2)));
	pf_expect(pf, vmdq_mc_set(&pf->vmdq, vf, hash, n), "set multicast hashes");
	v->mc_hash = n;
	v->mc_all = all && v->policy.trust;
	pf_vf_accept(pf, vf);
	if (all && !v->policy.trust)
		pf_vf_refuse(pf, vf, PF_RULE_MULTICAST);
	return PF_OK;
}

static unsigned int vid_find(const struct pf_vf *v, uint32_t vid)
{
	unsigned int i = 0;

	while (i < v->nvids && v->vid[i] != vid)
		i++;
	return i;
}

/* VID 0 is the untagged frames' own: always there, never taken away. */
static enum pf_rule set_vlan(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	struct pf_vf *v = &pf->vf[vf];
	uint32_t add = field_get(MBX_INFO, msg[0]);
	uint32_t vid = msg[1];
	enum pf_rule rule = pf_may_vlan(pf, vf, add, vid);
	unsigned int i;

	if (rule || !vid)
		return rule;
	i = vid_find(v, vid);
	if (add && i == v->nvids) {
		if (i == VMDQ_VLANS || vmdq_vlan_add(&pf->vmdq, vf, VMDQ_GUEST, vid))
			return PF_RULE_VLAN_FULL;
		v->vid[v->nvids++] = (uint16_t)vid;
	} else if (!add && i < v->nvids) {
		pf_expect(pf, vmdq_vlan_del(&pf->vmdq, vf, VMDQ_GUEST, vid), "remove a VLAN");
		v->vid[i] = v->vid[--v->nvids];
	}
	pf_vf_accept(pf, vf);
	return PF_OK;
}

static enum pf_rule set_lpe(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	enum pf_rule rule = pf_may_frame(msg[1]);

	if (rule)
		return rule;
	pf_expect(pf, vmdq_frame_max(&pf->vmdq, vf, msg[1]), "set a frame size");
	pf->vf[vf].frame_max = msg[1];
	return PF_OK;
}

static enum pf_rule set_promisc(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	uint32_t info = field_get(MBX_INFO, msg[0]);
	enum pf_rule rule = pf_may_promisc(pf, vf, info);

	if (rule)
		return rule;
	pf->vf[vf].uc_promisc = info & MBX_PROMISC_UC;
	pf->vf[vf].mc_all = info & MBX_PROMISC_MC;
	pf_vf_accept(pf, vf);
	return PF_OK;
}

static const struct request requests[] = {
	{.id = MBX_RESET, .opens = true, .words = 1, .reply_words = 3, .serve = reset},
	{.id = MBX_SET_MAC, .words = 3, .reply_words = 1, .serve = set_mac},
	{.id = MBX_SET_MULTICAST,
	 .words = 1,
	 .info_words = 1,
	 .reply_words = 1,
	 .serve = set_multicast},
	{.id = MBX_SET_VLAN, .words = 2, .reply_words = 1, .serve = set_vlan},
	{.id = MBX_SET_LPE, .words = 2, .reply_words = 1, .serve = set_lpe},
	{.id = MBX_SET_PROMISC, .words = 1, .reply_words = 1, .serve = set_promisc},
};

static const struct request *find(uint32_t id)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++)
		if (requests[i].id == id)
			return &requests[i];
	return NULL;
}

/* The words after the first that @req needs, and no more: each costs a register read. */
static void read_rest(struct pf *pf, unsigned int vf, const struct request *req, uint32_t *msg)
{
	unsigned int words = req->words;

	if (req->info_words)
		words += (field_get(MBX_MC_COUNT, field_get(MBX_INFO, msg[0])) + 1) / 2;
	if (words > MBX_WORDS)
		words = MBX_WORDS;
	for (unsigned int i = 1; i < words; i++)
		msg[i] = pf_mbx_word(pf, vf, i);
}

/*
 * A VF that resets itself and then asks is seen to have been reset before it is answered: what
 * VFLRE holds once the message is read came before the message.
 */
static void catch_up_flr(struct pf *pf, unsigned int vf)
{
	if (os_rd32(pf->dev, IGB_VFLRE) & BIT(vf)) {
		os_wr32(pf->dev, IGB_VFLRE, BIT(vf));
		pf_vf_flr(pf, vf);
	}
}

static void answer(struct pf *pf, unsigned int vf, const struct request *req, uint32_t *msg,
		   enum pf_rule rule)
{
	msg[0] |= rule ? MBX_NACK : MBX_ACK;
	if (!req || !req->opens)
		msg[0] |= MBX_CTS;
	pf_mbx_reply(pf, vf, msg, !req || rule ? 1 : req->reply_words);
}

/* Before RESET: refused without CTS, and that said but once in a while. */
static void answer_no_reset(struct pf *pf, unsigned int vf, uint32_t *msg)
{
	pf_vf_refuse(pf, vf, PF_RULE_NO_RESET);
	if (!pf_limit_pass(&pf->vf[vf].nack, os_now_us(pf->dev))) {
		pf_mbx_unlock(pf, vf);
		return;
	}
	msg[0] |= MBX_NACK;
	msg[0] &= ~MBX_CTS;
	pf_mbx_reply(pf, vf, msg, 1);
}

void pf_request_serve(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];
	uint32_t msg[MBX_WORDS] = {0};
	const struct request *req;
	enum pf_rule rule = PF_RULE_UNKNOWN;
	int err = pf_mbx_lock(pf, vf);

	os_wr32(pf->dev, IGB_MBVFICR, field_prep(IGB_MBVFICR_REQ, BIT(vf)));
	if (err) {
		if (pf_limit_pass(&v->stuck, os_now_us(pf->dev)))
			os_log(pf->dev, OS_LOG_WARN, "VF %u: keeps its mailbox locked", vf);
		return;
	}
	msg[0] = pf_mbx_word(pf, vf, 0);
	req = find(msg[0] & ~MBX_INFO);
	if (req)
		read_rest(pf, vf, req, msg);
	pf_mbx_taken(pf, vf);
	catch_up_flr(pf, vf);
	if (msg[0] & (MBX_ACK | MBX_NACK)) { /* an answer of ours that was not read */
		pf_mbx_unlock(pf, vf);
		return;
	}
	v->requests++;
	if (v->state != PF_VF_READY && !(req && req->opens)) {
		answer_no_reset(pf, vf, msg);
		return;
	}
	if (req)
		rule = req->serve(pf, vf, msg);
	if (rule)
		pf_vf_refuse(pf, vf, rule);
	answer(pf, vf, req, msg, rule);
}

/*
 * A VF that reads messages without having CTS does not know that the PF was reset. igbvf learns it
 * from a NACK without CTS and then resets itself.
 */
void pf_request_acked(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];
	uint32_t nack = MBX_NACK;

	v->unread = false;
	if (v->state == PF_VF_READY || !pf_limit_pass(&v->nack, os_now_us(pf->dev)))
		return;
	if (pf_mbx_lock(pf, vf))
		return;
	if (pf_mbx_has_request(pf, vf))
		pf_mbx_unlock(pf, vf);
	else
		pf_mbx_reply(pf, vf, &nack, 1);
}
