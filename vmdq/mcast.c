/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The hash tables: multicast MTA, one bit shared by all who asked; unicast UTA, all or nothing. */
#include "vmdq_priv.h"

uint16_t vmdq_mc_hash(const struct mac *addr)
{
	return (uint16_t)(addr->b[4] >> 4 | addr->b[5] << 4);
}

/* A bit of MTA is set while any pool asks for its hash. */
static uint32_t mta_value(const struct vmdq *v, unsigned int word)
{
	uint32_t val = 0;
	unsigned int i;

	for (i = 0; i < 32; i++)
		if (v->mc_owners[32 * word + i])
			val |= BIT(i);
	return val;
}

/* @want: a bit a hash. Writes the words that change, each once. */
static void replace(struct vmdq *v, unsigned int pool, const uint32_t want[IGB_MTA_WORDS])
{
	uint8_t bit = vmdq_bit(pool);
	unsigned int w, i;

	for (w = 0; w < IGB_MTA_WORDS; w++) {
		uint8_t *owners = &v->mc_owners[32 * w];
		uint32_t was = mta_value(v, w), now;

		for (i = 0; i < 32; i++)
			owners[i] = (uint8_t)((owners[i] & ~bit) | ((want[w] & BIT(i)) ? bit : 0));
		now = mta_value(v, w);
		if (now != was)
			os_wr32(v->dev, IGB_MTA(w), now);
	}
}

int vmdq_mc_set(struct vmdq *v, unsigned int pool, const uint16_t *hash, unsigned int n)
{
	uint32_t want[IGB_MTA_WORDS] = {0};
	unsigned int i;

	if (pool >= VMDQ_POOLS || n > VMDQ_HASHES)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		if (hash[i] >= VMDQ_HASHES)
			return -EINVAL;
		want[hash[i] / 32] |= BIT(hash[i] % 32);
	}
	replace(v, pool, want);
	return 0;
}

void vmdq_mc_drop(struct vmdq *v, unsigned int pool)
{
	const uint32_t none[IGB_MTA_WORDS] = {0};

	replace(v, pool, none);
}

static bool uc_hash_wanted(const struct vmdq *v)
{
	unsigned int p;

	for (p = 0; p < VMDQ_POOLS; p++)
		if (v->pool[p].accept & VMDQ_UC_HASH)
			return true;
	return false;
}

static void write_uta(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < IGB_UTA_WORDS; i++)
		os_wr32(v->dev, IGB_UTA(i), v->uc_hash_full ? UINT32_MAX : 0);
}

void vmdq_uta_sync(struct vmdq *v)
{
	bool want = uc_hash_wanted(v);

	if (want == v->uc_hash_full)
		return;
	v->uc_hash_full = want;
	write_uta(v);
}

void vmdq_hash_restore(struct vmdq *v)
{
	unsigned int i;

	for (i = 0; i < IGB_MTA_WORDS; i++)
		os_wr32(v->dev, IGB_MTA(i), mta_value(v, i));
	write_uta(v);
}
