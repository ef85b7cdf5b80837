/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The exact address filters RAL and RAH: which pool a unicast frame is for. */
#include "vmdq_priv.h"

#define NONE VMDQ_MACS

static unsigned int find(const struct vmdq *v, const struct mac *addr)
{
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		if (v->mac[i].used && mac_equal(&v->mac[i].addr, addr))
			return i;
	return NONE;
}

static unsigned int find_of(const struct vmdq *v, unsigned int pool, const struct mac *addr)
{
	unsigned int i = find(v, addr);

	return i != NONE && v->mac[i].pool == pool ? i : NONE;
}

static unsigned int find_free(const struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		if (!v->mac[i].used)
			return i;
	return NONE;
}

static uint32_t rah_value(const struct vmdq_mac *m)
{
	if (!m->used)
		return 0;
	return m->addr.b[4] | (uint32_t)m->addr.b[5] << 8 |
	       field_prep(IGB_RAH_POOLS, vmdq_bit(m->pool)) | IGB_RAH_AV;
}

static uint32_t ral_value(const struct vmdq_mac *m)
{
	if (!m->used)
		return 0;
	return m->addr.b[0] | (uint32_t)m->addr.b[1] << 8 | (uint32_t)m->addr.b[2] << 16 |
	       (uint32_t)m->addr.b[3] << 24;
}

/* Invalid first and valid last: a half-written address never matches. 82576 datasheet 8.10, RAH. */
static void write_entry(struct vmdq *v, unsigned int i)
{
	os_wr32(v->dev, IGB_RAH(i), 0);
	os_wr32(v->dev, IGB_RAL(i), ral_value(&v->mac[i]));
	if (v->mac[i].used)
		os_wr32(v->dev, IGB_RAH(i), rah_value(&v->mac[i]));
}

static void clear_entry(struct vmdq *v, unsigned int i)
{
	v->mac[i] = (struct vmdq_mac){.used = false};
	write_entry(v, i);
}

/* 0 when @addr can be an address of @pool, or is one. */
static int check(const struct vmdq *v, unsigned int pool, const struct mac *addr)
{
	unsigned int i;

	if (pool >= VMDQ_POOLS || !mac_is_usable(addr))
		return -EINVAL;
	i = find(v, addr);
	return i == NONE || v->mac[i].pool == pool ? 0 : -EADDRINUSE;
}

int vmdq_mac_add(struct vmdq *v, unsigned int pool, const struct mac *addr)
{
	int rc = check(v, pool, addr);
	unsigned int i;

	if (rc)
		return rc;
	if (find(v, addr) != NONE)
		return 0;
	i = find_free(v);
	if (i == NONE || vmdq_mac_count(v, pool) >= VMDQ_MACS_POOL)
		return -ENOSPC;
	v->mac[i] = (struct vmdq_mac){.addr = *addr, .pool = (uint8_t)pool, .used = true};
	write_entry(v, i);
	return 0;
}

int vmdq_mac_del(struct vmdq *v, unsigned int pool, const struct mac *addr)
{
	unsigned int i;

	if (pool >= VMDQ_POOLS || !mac_is_usable(addr))
		return -EINVAL;
	i = find_of(v, pool, addr);
	if (i == NONE)
		return -ENOENT;
	clear_entry(v, i);
	return 0;
}

int vmdq_mac_replace(struct vmdq *v, unsigned int pool, const struct mac *from,
		     const struct mac *to)
{
	int rc = check(v, pool, to);
	unsigned int i;

	if (rc)
		return rc;
	i = find_of(v, pool, from);
	if (i == NONE)
		return -ENOENT;
	if (mac_equal(from, to))
		return 0;
	if (find(v, to) != NONE) { /* the pool's own already: @from alone goes */
		clear_entry(v, i);
		return 0;
	}
	v->mac[i].addr = *to;
	write_entry(v, i);
	return 0;
}

int vmdq_mac_owner(const struct vmdq *v, const struct mac *addr)
{
	unsigned int i = find(v, addr);

	return i == NONE ? -ENOENT : v->mac[i].pool;
}

unsigned int vmdq_mac_count(const struct vmdq *v, unsigned int pool)
{
	unsigned int i, n = 0;

	for (i = 0; i < VMDQ_MACS; i++)
		n += v->mac[i].used && v->mac[i].pool == pool;
	return n;
}

void vmdq_mac_drop(struct vmdq *v, unsigned int pool)
{
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		if (v->mac[i].used && v->mac[i].pool == pool)
			clear_entry(v, i);
}

void vmdq_mac_close(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		os_wr32(v->dev, IGB_RAH(i), 0);
}

void vmdq_mac_restore(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < VMDQ_MACS; i++)
		write_entry(v, i);
}
