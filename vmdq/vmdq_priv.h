/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of vmdq call of each other; arguments are checked by the public calls. */
#ifndef SLUICE_VMDQ_PRIV_H
#define SLUICE_VMDQ_PRIV_H

#include "base/errno.h"
#include "drv/vmdq.h"
#include "hw/igb.h"

_Static_assert(VMDQ_POOLS == IGB_POOLS, "a mask of pools is a uint8_t");
_Static_assert(VMDQ_MACS == IGB_RARS, "an entry of the table is a register pair");
_Static_assert(VMDQ_VLANS == IGB_VLVFS, "an entry of the table is a register");
_Static_assert(VMDQ_HASHES == 32 * IGB_MTA_WORDS, "a hash is a bit of the table");

#define VMDQ_FRAME_STD 1518 /* bytes with CRC, without a tag: what VMOLR.LPE 0 admits */

static inline uint8_t vmdq_bit(unsigned int pool)
{
	return (uint8_t)(1u << pool);
}

/* mac.c: no address matches any more; the table is left alone. */
void vmdq_mac_close(struct vmdq *v);
void vmdq_mac_restore(struct vmdq *v);
/* Takes all addresses from @pool. */
void vmdq_mac_drop(struct vmdq *v, unsigned int pool);

/* vlan.c: VMVIR, VLVF and VFTA wholly. */
void vmdq_vlan_restore(struct vmdq *v);
void vmdq_vmvir_write(struct vmdq *v, unsigned int pool);
/* Takes the guest's VLANs from @pool. */
void vmdq_vlan_drop_guest(struct vmdq *v, unsigned int pool);
/*
 * Takes all VLANs from @pool, in two steps with the loss of its addresses between them: the VLANs
 * that it had for itself close at once, those it shares go with the second. VMVIR and VMOLR are
 * left alone.
 */
void vmdq_vlan_leave(struct vmdq *v, unsigned int pool);
void vmdq_vlan_left(struct vmdq *v);

/* mcast.c: MTA and UTA wholly. */
void vmdq_hash_restore(struct vmdq *v);
/* Takes all hashes from @pool. */
void vmdq_mc_drop(struct vmdq *v, unsigned int pool);
/* Fills or clears UTA when the pools' accept sets ask for the other. */
void vmdq_uta_sync(struct vmdq *v);

/* pool.c: VMOLR of @pool from the table. */
void vmdq_vmolr_write(struct vmdq *v, unsigned int pool);

#endif
