/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * VMDq: which frame goes to which pool. Owns the registers RAL/RAH, MTA, UTA, VFTA, VLVF, VT_CTL,
 * VMOLR, VMVIR, RPLOLR, MRQC and DTXSWC; keeps a copy of what each pool asked for, so that one
 * pool's leaving never takes another's entry, and so that all can be written again after a device
 * reset.
 *
 * Every change is checked whole before the first register write. Errors of all calls: -EINVAL for a
 * pool, VID or address out of range; others are named at the call. Writes are posted: a caller that
 * needs them to have taken effect calls os_flush().
 *
 * Relies on what the PF driver sets: RCTL.VFE on, RCTL.MO 0, VET 0x8100, RCTL.LPE for long frames.
 */
#ifndef SLUICE_DRV_VMDQ_H
#define SLUICE_DRV_VMDQ_H

#include "base/mac.h"
#include "os/os.h"

#define VMDQ_POOLS     8
#define VMDQ_MACS      24
#define VMDQ_VLANS     32
#define VMDQ_HASHES    4096
#define VMDQ_MACS_POOL 16 /* at most so many addresses for one pool */

/* Who asked for a VLAN: kept apart, so that a guest cannot undo what the administrator wants. */
enum vmdq_owner { VMDQ_GUEST, VMDQ_ADMIN, VMDQ_OWNERS };

/* What a pool accepts beyond its own addresses and VLANs. */
enum vmdq_accept {
	VMDQ_BROADCAST = 1 << 0,
	VMDQ_UNTAGGED = 1 << 1,
	VMDQ_MC_HASH = 1 << 2, /* hits in the multicast hash table, whoever asked for the hash */
	VMDQ_MC_ALL = 1 << 3,
	VMDQ_UC_HASH = 1 << 4, /* unicast that is no pool's address (by the hash table, filled) */
	VMDQ_VLAN_STRIP = 1 << 5,
};

struct vmdq_mac {
	struct mac addr;
	uint8_t pool;
	bool used;
};

/* All masks: bit a pool. The entry is free, and vid 0, when pools[] and port are 0. */
struct vmdq_vlan {
	uint16_t vid;
	uint8_t pools[VMDQ_OWNERS]; /* asked for by vmdq_vlan_add() */
	uint8_t port;		    /* have it as their port VLAN */
	uint8_t live;		    /* what VLVF admits: the above without what is put aside */
};

struct vmdq_pool {
	uint32_t accept;    /* enum vmdq_accept */
	uint16_t frame_max; /* bytes with CRC */
	uint16_t port_vlan; /* 0: none */
	uint8_t port_qos;
	bool spoof_mac;
	bool spoof_vlan;
};

/* The caller's memory, one a PF; touched by the PF's thread alone. All members are vmdq's own. */
struct vmdq {
	struct os_dev *dev;
	uint8_t default_pool;
	bool loopback;
	bool uc_hash_full; /* what UTA holds, which cannot be read */
	struct vmdq_mac mac[VMDQ_MACS];
	struct vmdq_vlan vlan[VMDQ_VLANS];
	struct vmdq_pool pool[VMDQ_POOLS];
	uint8_t mc_owners[VMDQ_HASHES]; /* bit a pool */
};

/*
 * An empty table: no address, no VLAN, frames of 1518 bytes, broadcast and untagged accepted in
 * every pool, unknown unicast to @default_pool (0..7), loopback switch on. Writes no register.
 */
int vmdq_init(struct vmdq *v, struct os_dev *dev, unsigned int default_pool) must_check;

/* Writes all of vmdq's registers from the tables; after a device reset, before queues start. */
void vmdq_restore(struct vmdq *v);

/*
 * Gives @addr to @pool alone. 0, also if the pool has it already; -EADDRINUSE another pool has it;
 * -EINVAL zero or a group address; -ENOSPC all 24 entries are taken or the pool has VMDQ_MACS_POOL.
 */
int vmdq_mac_add(struct vmdq *v, unsigned int pool, const struct mac *addr) must_check;
/* -ENOENT the pool does not have it. */
int vmdq_mac_del(struct vmdq *v, unsigned int pool, const struct mac *addr) must_check;
/* Replaces @from by @to in its entry, so that no free one is needed. 0, or errors as both above. */
int vmdq_mac_replace(struct vmdq *v, unsigned int pool, const struct mac *from,
		     const struct mac *to) must_check;
/* The pool that has @addr, or -ENOENT. */
int vmdq_mac_owner(const struct vmdq *v, const struct mac *addr);
/* Entries in use by @pool. */
unsigned int vmdq_mac_count(const struct vmdq *v, unsigned int pool);

/* @vid 1..4094; 0, the untagged frames', needs no entry and does nothing. -ENOSPC: all 32 taken. */
int vmdq_vlan_add(struct vmdq *v, unsigned int pool, enum vmdq_owner who,
		  unsigned int vid) must_check;
/* 0 also when the pool had not asked for it. */
int vmdq_vlan_del(struct vmdq *v, unsigned int pool, enum vmdq_owner who,
		  unsigned int vid) must_check;
/*
 * Entries, 0..33, that the guests of @pools (bit a pool) would hold had they @vid (1..4094) as well
 * and were they alone; what an administrator added counts too, port VLANs do not.
 */
unsigned int vmdq_vlan_wanted(const struct vmdq *v, uint32_t pools, unsigned int vid);
/* Has @pool asked for @vid, by whichever owner or as its port VLAN; also while it is put aside. */
bool vmdq_vlan_has(const struct vmdq *v, unsigned int pool, unsigned int vid);
/*
 * Tags everything @pool sends with @vid and @qos (0..7), strips it from what it gets, and admits
 * that VLAN alone; @vid 0 ends it. The pool's other VLANs are put aside, not forgotten. -ENOSPC as
 * for vmdq_vlan_add().
 */
int vmdq_port_vlan(struct vmdq *v, unsigned int pool, unsigned int vid,
		   unsigned int qos) must_check;

/* Replaces @pool's multicast hashes (0..4095 each; the caller's array). @n at most VMDQ_HASHES. */
int vmdq_mc_set(struct vmdq *v, unsigned int pool, const uint16_t *hash, unsigned int n) must_check;
/* The 82576's multicast hash of @addr with RCTL.MO 0: bits 47:36 of the address. */
uint16_t vmdq_mc_hash(const struct mac *addr);

/* Replaces the accept set. The unicast hash table is full while any pool has VMDQ_UC_HASH. */
int vmdq_accept(struct vmdq *v, unsigned int pool, uint32_t accept) must_check;
/* @bytes with CRC, 64..9728. -EINVAL otherwise. */
int vmdq_frame_max(struct vmdq *v, unsigned int pool, unsigned int bytes) must_check;
int vmdq_spoof_check(struct vmdq *v, unsigned int pool, bool mac, bool vlan) must_check;
void vmdq_loopback(struct vmdq *v, bool on);

/* Forgets the guest's VLANs, hashes, promiscuity and frame size; addresses and policy stay. */
int vmdq_pool_forget_guest(struct vmdq *v, unsigned int pool) must_check;
/*
 * Back to what vmdq_init() left, addresses and port VLAN included. Other pools keep every bit they
 * share with it.
 */
int vmdq_pool_clear(struct vmdq *v, unsigned int pool) must_check;
/*
 * Reads the registers back: 0 when @pool is nowhere in RAH, VLVF and VMVIR, else -EBUSY and the
 * offset in *@reg (may be NULL).
 */
int vmdq_pool_is_clear(const struct vmdq *v, unsigned int pool, uint32_t *reg) must_check;

#endif
