/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a pool accepts and may send, the switch as a whole, and the restore after a device reset. */
#include "vmdq_priv.h"

#define FRAME_MIN 64 /* bytes with CRC, IEEE 802.3 */
#define TAG_LEN	  4
#define ACCEPT_ALL                                                                               \
	((uint32_t)(VMDQ_BROADCAST | VMDQ_UNTAGGED | VMDQ_MC_HASH | VMDQ_MC_ALL | VMDQ_UC_HASH | \
		    VMDQ_VLAN_STRIP))
#define ACCEPT_GUEST ((uint32_t)(VMDQ_MC_HASH | VMDQ_MC_ALL | VMDQ_UC_HASH))

static const struct vmdq_pool pool_default = {
	.accept = VMDQ_BROADCAST | VMDQ_UNTAGGED,
	.frame_max = VMDQ_FRAME_STD,
};

int vmdq_init(struct vmdq *v, struct os_dev *dev, unsigned int default_pool)
{
	unsigned int p;

	if (default_pool >= VMDQ_POOLS)
		return -EINVAL;
	*v = (struct vmdq){.dev = dev, .default_pool = (uint8_t)default_pool, .loopback = true};
	for (p = 0; p < VMDQ_POOLS; p++)
		v->pool[p] = pool_default;
	return 0;
}

/*
 * RLPML counts all of a frame. A guest with a port VLAN does not know of its tag, so the tag is
 * added here; others count theirs in. Without LPE the limit is 1518 bytes and any tag on top.
 */
static uint32_t size_value(const struct vmdq_pool *p)
{
	uint32_t len = p->frame_max + (p->port_vlan ? TAG_LEN : 0u);

	return field_prep(IGB_VMOLR_RLPML, len) |
	       (p->frame_max != VMDQ_FRAME_STD ? IGB_VMOLR_LPE : 0);
}

/* 82576 datasheet 7.10.3 and 8.14, VMOLR. The CRC always goes: no reader here expects it. */
static uint32_t vmolr_value(const struct vmdq_pool *p)
{
	uint32_t val = IGB_VMOLR_STRCRC | size_value(p);

	if (p->accept & VMDQ_BROADCAST)
		val |= IGB_VMOLR_BAM;
	if ((p->accept & VMDQ_UNTAGGED) && !p->port_vlan)
		val |= IGB_VMOLR_AUPE;
	if (p->accept & VMDQ_MC_HASH)
		val |= IGB_VMOLR_ROMPE;
	if (p->accept & VMDQ_MC_ALL)
		val |= IGB_VMOLR_MPME;
	if (p->accept & VMDQ_UC_HASH)
		val |= IGB_VMOLR_ROPE;
	if ((p->accept & VMDQ_VLAN_STRIP) || p->port_vlan)
		val |= IGB_VMOLR_STRVLAN;
	return val;
}

void vmdq_vmolr_write(struct vmdq *v, unsigned int pool)
{
	os_wr32(v->dev, IGB_VMOLR(pool), vmolr_value(&v->pool[pool]));
}

/* LLE stays 0: no pool gets back what it sends to its own address. */
static void write_dtxswc(struct vmdq *v)
{
	uint32_t mac = 0, vlan = 0;
	unsigned int p;

	for (p = 0; p < VMDQ_POOLS; p++) {
		if (v->pool[p].spoof_mac)
			mac |= vmdq_bit(p);
		if (v->pool[p].spoof_vlan)
			vlan |= vmdq_bit(p);
	}
	os_wr32(v->dev, IGB_DTXSWC,
		field_prep(IGB_DTXSWC_MAC_SPOOF, mac) | field_prep(IGB_DTXSWC_VLAN_SPOOF, vlan) |
			(v->loopback ? IGB_DTXSWC_LOOPBACK : 0));
}

static uint32_t vt_ctl_value(const struct vmdq *v)
{
	return field_prep(IGB_VT_CTL_DEF_POOL, v->default_pool) | IGB_VT_CTL_REPL_EN;
}

/*
 * From here on no frame is for any pool. The default pool goes before MRQC, as a card fresh from
 * reset has it at pool 0, a VF's; MRQC goes before the addresses, as without it what matches RAL(0)
 * is for queue 0, the same VF's.
 */
static void close_all(struct vmdq *v)
{
	unsigned int p;

	os_wr32(v->dev, IGB_VT_CTL, vt_ctl_value(v) | IGB_VT_CTL_DIS_DEF_POOL);
	os_wr32(v->dev, IGB_MRQC, field_prep(IGB_MRQC_MODE, IGB_MRQC_MODE_VMDQ));
	for (p = 0; p < VMDQ_POOLS; p++)
		os_wr32(v->dev, IGB_VMOLR(p), IGB_VMOLR_STRCRC);
	vmdq_mac_close(v);
}

/*
 * While all is closed: who may send what, and the tables that only narrow. Then the pools open, and
 * the default pool last, else it would get the frames of pools that are not open yet.
 */
void vmdq_restore(struct vmdq *v)
{
	unsigned int p;

	close_all(v);
	write_dtxswc(v);
	/* One bit for all replicated frames: always strip, no guest must see its port VLAN. */
	os_wr32(v->dev, IGB_RPLOLR, IGB_RPLOLR_STRVLAN | IGB_RPLOLR_STRCRC);
	vmdq_vlan_restore(v);
	vmdq_hash_restore(v);
	vmdq_mac_restore(v);
	for (p = 0; p < VMDQ_POOLS; p++)
		vmdq_vmolr_write(v, p);
	os_wr32(v->dev, IGB_VT_CTL, vt_ctl_value(v));
}

int vmdq_accept(struct vmdq *v, unsigned int pool, uint32_t accept)
{
	if (pool >= VMDQ_POOLS || (accept & ~ACCEPT_ALL))
		return -EINVAL;
	v->pool[pool].accept = accept;
	vmdq_vmolr_write(v, pool);
	vmdq_uta_sync(v);
	return 0;
}

int vmdq_frame_max(struct vmdq *v, unsigned int pool, unsigned int bytes)
{
	if (pool >= VMDQ_POOLS || bytes < FRAME_MIN || bytes > IGB_FRAME_MAX)
		return -EINVAL;
	v->pool[pool].frame_max = (uint16_t)bytes;
	vmdq_vmolr_write(v, pool);
	return 0;
}

int vmdq_spoof_check(struct vmdq *v, unsigned int pool, bool mac, bool vlan)
{
	if (pool >= VMDQ_POOLS)
		return -EINVAL;
	v->pool[pool].spoof_mac = mac;
	v->pool[pool].spoof_vlan = vlan;
	write_dtxswc(v);
	return 0;
}

void vmdq_loopback(struct vmdq *v, bool on)
{
	v->loopback = on;
	write_dtxswc(v);
}

int vmdq_pool_forget_guest(struct vmdq *v, unsigned int pool)
{
	if (pool >= VMDQ_POOLS)
		return -EINVAL;
	vmdq_vlan_drop_guest(v, pool);
	vmdq_mc_drop(v, pool);
	v->pool[pool].accept &= ~ACCEPT_GUEST;
	v->pool[pool].frame_max = VMDQ_FRAME_STD;
	vmdq_vmolr_write(v, pool);
	vmdq_uta_sync(v);
	return 0;
}

/*
 * No frame of this pool may end in the default pool on the way. VLANs that it had for itself close
 * before its addresses go, those it shares after them: its addresses still match until then, and a
 * match outside its VLANs is the default pool's (82576 datasheet 7.10.3.3). VMOLR, which lets
 * untagged frames in again, is last.
 */
int vmdq_pool_clear(struct vmdq *v, unsigned int pool)
{
	if (pool >= VMDQ_POOLS)
		return -EINVAL;
	vmdq_vlan_leave(v, pool);
	vmdq_mac_drop(v, pool);
	vmdq_vlan_left(v);
	vmdq_mc_drop(v, pool);
	v->pool[pool] = pool_default;
	vmdq_vmvir_write(v, pool);
	vmdq_vmolr_write(v, pool);
	vmdq_uta_sync(v);
	write_dtxswc(v);
	return 0;
}

/* -EBUSY and the offset in *@where when @reg has any of @bits. */
static int busy(const struct vmdq *v, uint32_t reg, uint32_t bits, uint32_t *where)
{
	if (!(os_rd32(v->dev, reg) & bits))
		return 0;
	if (where)
		*where = reg;
	return -EBUSY;
}

int vmdq_pool_is_clear(const struct vmdq *v, unsigned int pool, uint32_t *reg)
{
	unsigned int i;
	int rc = 0;

	if (pool >= VMDQ_POOLS)
		return -EINVAL;
	for (i = 0; i < VMDQ_MACS && !rc; i++)
		rc = busy(v, IGB_RAH(i), field_prep(IGB_RAH_POOLS, vmdq_bit(pool)), reg);
	for (i = 0; i < VMDQ_VLANS && !rc; i++)
		rc = busy(v, IGB_VLVF(i), field_prep(IGB_VLVF_POOLS, vmdq_bit(pool)), reg);
	if (!rc)
		rc = busy(v, IGB_VMVIR(pool), UINT32_MAX, reg);
	return rc;
}
