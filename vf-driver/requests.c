/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a VF may ask of its PF: addresses, multicast, VLANs, frame size, promiscuity. */
#include "vf_priv.h"

#include "base/errno.h"

#define FRAME_MIN 64 /* bytes with CRC, IEEE 802.3 */

/* A time-out leaves an answer on its way that a later request would take for its own. */
static int request(struct vf *vf, uint32_t *msg, unsigned int words)
{
	int err;

	if (vf->state != VF_READY)
		return -ECONNRESET;
	err = vf_mbx_request(vf, msg, words, 1);
	if (err == -ETIMEDOUT || err == -ECONNRESET)
		vf->state = VF_LOST;
	return err;
}

static uint32_t header(enum mbx_id id, uint32_t info)
{
	return (uint32_t)id | field_prep(MBX_INFO, info);
}

static int mac_request(struct vf *vf, enum mbx_mac_op op, const struct mac *mac)
{
	const uint8_t *b = mac->b;
	uint32_t msg[3] = {
		header(MBX_SET_MAC, op),
		b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24,
		b[4] | (uint32_t)b[5] << 8,
	};

	return request(vf, msg, 3);
}

int vf_mac_set(struct vf *vf, const struct mac *mac)
{
	int err;

	if (!mac_is_usable(mac))
		return -EINVAL;
	err = mac_request(vf, MBX_MAC_SET, mac);
	if (!err)
		vf->mac = *mac;
	return err;
}

int vf_mac_add(struct vf *vf, const struct mac *mac)
{
	if (!mac_is_usable(mac))
		return -EINVAL;
	return mac_request(vf, MBX_MAC_ADD, mac);
}

int vf_mac_clear(struct vf *vf)
{
	static const struct mac none;

	return mac_request(vf, MBX_MAC_CLEAR, &none);
}

/* Address bits 47:36, which RCTL.MO 0 selects (82576 datasheet 7.1). */
static uint32_t multicast_hash(const struct mac *mac)
{
	return ((uint32_t)mac->b[5] << 4 | mac->b[4] >> 4) & 0xfff;
}

int vf_multicast_set(struct vf *vf, const struct mac *list, unsigned int n)
{
	unsigned int hashes = n < MBX_MC_MAX ? n : MBX_MC_MAX;
	uint32_t msg[MBX_WORDS] = {0};

	for (unsigned int i = 0; i < n; i++)
		if (!mac_is_multicast(&list[i]))
			return -EINVAL;
	for (unsigned int i = 0; i < hashes; i++)
		msg[1 + i / 2] |= multicast_hash(&list[i]) << (16 * (i % 2));
	msg[0] = header(MBX_SET_MULTICAST, hashes | (n > hashes ? MBX_MC_OVERFLOW : 0));
	return request(vf, msg, 1 + (hashes + 1) / 2);
}

static int vlan_request(struct vf *vf, unsigned int vid, bool add)
{
	uint32_t msg[2] = {header(MBX_SET_VLAN, add), vid};

	return vid <= ETH_VLAN_MAX ? request(vf, msg, 2) : -EINVAL;
}

int vf_vlan_add(struct vf *vf, unsigned int vid)
{
	return vlan_request(vf, vid, true);
}

int vf_vlan_del(struct vf *vf, unsigned int vid)
{
	return vlan_request(vf, vid, false);
}

int vf_frame_max_set(struct vf *vf, unsigned int bytes)
{
	uint32_t msg[2] = {header(MBX_SET_LPE, 0), bytes};

	return bytes >= FRAME_MIN && bytes <= IGB_FRAME_MAX ? request(vf, msg, 2) : -EINVAL;
}

int vf_promisc_set(struct vf *vf, bool unicast, bool multicast)
{
	uint32_t msg[1] = {header(MBX_SET_PROMISC, (unicast ? MBX_PROMISC_UC : 0) |
							   (multicast ? MBX_PROMISC_MC : 0))};

	return request(vf, msg, 1);
}
