/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* VLAN filters VLVF over the VLAN bit table VFTA, and port VLANs: who is in which VLAN. */
#include "vmdq_priv.h"

#define NONE VMDQ_VLANS

static unsigned int find(const struct vmdq *v, unsigned int vid)
{
	unsigned int i;

	for (i = 0; i < VMDQ_VLANS; i++)
		if (v->vlan[i].vid == vid)
			return i;
	return NONE;
}

/* The entry of @vid, else a free one, else NONE. */
static unsigned int find_or_free(const struct vmdq *v, unsigned int vid)
{
	unsigned int i = find(v, vid);

	return i != NONE ? i : find(v, 0);
}

static bool wanted(const struct vmdq_vlan *e)
{
	return e->pools[VMDQ_GUEST] || e->pools[VMDQ_ADMIN] || e->port;
}

/* The pools that the tables admit: one with a port VLAN is in that alone, its others are aside. */
static uint8_t admitted(const struct vmdq *v, const struct vmdq_vlan *e)
{
	unsigned int p, pools = e->pools[VMDQ_GUEST] | e->pools[VMDQ_ADMIN];

	for (p = 0; p < VMDQ_POOLS; p++)
		if (v->pool[p].port_vlan)
			pools &= ~(unsigned int)vmdq_bit(p);
	return (uint8_t)(pools | e->port);
}

/* A bit of VFTA is set while any VLVF entry admits its VLAN. */
static void write_vfta(struct vmdq *v, unsigned int word)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < VMDQ_VLANS; i++)
		if (v->vlan[i].live && v->vlan[i].vid / 32 == word)
			val |= BIT(v->vlan[i].vid % 32);
	os_wr32(v->dev, IGB_VFTA(word), val);
}

static void write_vlvf(struct vmdq *v, unsigned int i)
{
	const struct vmdq_vlan *e = &v->vlan[i];
	uint32_t val = 0;

	if (e->live)
		val = field_prep(IGB_VLVF_VID, e->vid) | field_prep(IGB_VLVF_POOLS, e->live) |
		      IGB_VLVF_EN;
	os_wr32(v->dev, IGB_VLVF(i), val);
}

/*
 * Brings the registers of entry @i to what the tables want. VFTA is opened last and closed first: a
 * VLAN that passes VFTA while VLVF names no pool for it would end in the default pool (82576
 * datasheet 7.10.3.3). Frees an entry that nobody wants.
 */
static void sync(struct vmdq *v, unsigned int i)
{
	struct vmdq_vlan *e = &v->vlan[i];
	uint8_t was = e->live;

	e->live = admitted(v, e);
	if (e->live != was) {
		if (!e->live)
			write_vfta(v, e->vid / 32);
		write_vlvf(v, i);
		if (!was)
			write_vfta(v, e->vid / 32);
	}
	if (!wanted(e))
		e->vid = 0;
}

static void sync_all(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < VMDQ_VLANS; i++)
		if (v->vlan[i].vid)
			sync(v, i);
}

static bool args_ok(unsigned int pool, enum vmdq_owner who, unsigned int vid)
{
	return pool < VMDQ_POOLS && (unsigned int)who < VMDQ_OWNERS && vid <= ETH_VLAN_MAX;
}

int vmdq_vlan_add(struct vmdq *v, unsigned int pool, enum vmdq_owner who, unsigned int vid)
{
	unsigned int i;

	if (!args_ok(pool, who, vid))
		return -EINVAL;
	if (!vid)
		return 0;
	i = find_or_free(v, vid);
	if (i == NONE)
		return -ENOSPC;
	v->vlan[i].vid = (uint16_t)vid;
	v->vlan[i].pools[who] |= vmdq_bit(pool);
	sync(v, i);
	return 0;
}

unsigned int vmdq_vlan_wanted(const struct vmdq *v, uint32_t pools, unsigned int vid)
{
	unsigned int i, n = 1;

	for (i = 0; i < VMDQ_VLANS; i++) {
		const struct vmdq_vlan *e = &v->vlan[i];

		if (e->vid != vid && ((e->pools[VMDQ_GUEST] & pools) || e->pools[VMDQ_ADMIN]))
			n++;
	}
	return n;
}

int vmdq_vlan_del(struct vmdq *v, unsigned int pool, enum vmdq_owner who, unsigned int vid)
{
	unsigned int i;

	if (!args_ok(pool, who, vid))
		return -EINVAL;
	i = vid ? find(v, vid) : NONE;
	if (i == NONE)
		return 0;
	v->vlan[i].pools[who] &= (uint8_t)~vmdq_bit(pool);
	sync(v, i);
	return 0;
}

bool vmdq_vlan_has(const struct vmdq *v, unsigned int pool, unsigned int vid)
{
	const struct vmdq_vlan *e;
	unsigned int i;

	if (pool >= VMDQ_POOLS || !vid || vid > ETH_VLAN_MAX)
		return false;
	i = find(v, vid);
	if (i == NONE)
		return false;
	e = &v->vlan[i];
	return (e->pools[VMDQ_GUEST] | e->pools[VMDQ_ADMIN] | e->port) & vmdq_bit(pool);
}

void vmdq_vmvir_write(struct vmdq *v, unsigned int pool)
{
	const struct vmdq_pool *p = &v->pool[pool];
	uint32_t val = 0;

	if (p->port_vlan)
		val = field_prep(IGB_VMVIR_VID, p->port_vlan) |
		      field_prep(IGB_VMVIR_PRI, p->port_qos) |
		      field_prep(IGB_VMVIR_VLANA, IGB_VMVIR_VLANA_DEFAULT);
	os_wr32(v->dev, IGB_VMVIR(pool), val);
}

/* Would the end of @pool's port VLAN free its entry? */
static bool frees_entry(const struct vmdq *v, unsigned int pool)
{
	const struct vmdq_vlan *e;

	if (!v->pool[pool].port_vlan)
		return false;
	e = &v->vlan[find(v, v->pool[pool].port_vlan)];
	return !e->pools[VMDQ_GUEST] && !e->pools[VMDQ_ADMIN] && e->port == vmdq_bit(pool);
}

/*
 * A new port VLAN tags what is sent and shuts out untagged frames before its VLAN is admitted; an
 * old one leaves VLVF while its tag is still stripped, so that the guest never sees that tag.
 */
static void port_vlan_change(struct vmdq *v, unsigned int pool, unsigned int vid, unsigned int qos)
{
	struct vmdq_pool *p = &v->pool[pool];
	unsigned int old = p->port_vlan, i;

	p->port_vlan = (uint16_t)vid;
	p->port_qos = (uint8_t)qos;
	if (old) {
		i = find(v, old);
		v->vlan[i].port &= (uint8_t)~vmdq_bit(pool);
		sync(v, i);
	}
	if (vid) {
		vmdq_vmvir_write(v, pool);
		vmdq_vmolr_write(v, pool);
		i = find_or_free(v, vid);
		v->vlan[i].vid = (uint16_t)vid;
		v->vlan[i].port |= vmdq_bit(pool);
	}
	sync_all(v);
	if (!vid) {
		vmdq_vmvir_write(v, pool);
		vmdq_vmolr_write(v, pool);
	}
}

int vmdq_port_vlan(struct vmdq *v, unsigned int pool, unsigned int vid, unsigned int qos)
{
	struct vmdq_pool *p;

	if (pool >= VMDQ_POOLS || vid > ETH_VLAN_MAX || qos > ETH_QOS_MAX || (qos && !vid))
		return -EINVAL;
	p = &v->pool[pool];
	if (vid && find_or_free(v, vid) == NONE && !frees_entry(v, pool))
		return -ENOSPC;
	if (vid != p->port_vlan) {
		port_vlan_change(v, pool, vid, qos);
	} else if (qos != p->port_qos) {
		p->port_qos = (uint8_t)qos;
		vmdq_vmvir_write(v, pool);
	}
	return 0;
}

void vmdq_vlan_drop_guest(struct vmdq *v, unsigned int pool)
{
	unsigned int i;

	for (i = 0; i < VMDQ_VLANS; i++)
		v->vlan[i].pools[VMDQ_GUEST] &= (uint8_t)~vmdq_bit(pool);
	sync_all(v);
}

void vmdq_vlan_leave(struct vmdq *v, unsigned int pool)
{
	unsigned int i;

	for (i = 0; i < VMDQ_VLANS; i++) {
		struct vmdq_vlan *e = &v->vlan[i];

		e->pools[VMDQ_GUEST] &= (uint8_t)~vmdq_bit(pool);
		e->pools[VMDQ_ADMIN] &= (uint8_t)~vmdq_bit(pool);
		e->port &= (uint8_t)~vmdq_bit(pool);
		if (e->vid && !admitted(v, e))
			sync(v, i);
	}
}

void vmdq_vlan_left(struct vmdq *v)
{
	sync_all(v);
}

void vmdq_vlan_restore(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < VMDQ_POOLS; i++)
		vmdq_vmvir_write(v, i);
	for (i = 0; i < VMDQ_VLANS; i++)
		write_vlvf(v, i);
	for (i = 0; i < IGB_VFTA_WORDS; i++)
		write_vfta(v, i);
}
