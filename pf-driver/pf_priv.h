/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The PF driver's own state and the calls between its files. */
#ifndef SLUICE_PF_PRIV_H
#define SLUICE_PF_PRIV_H

#include "base/errno.h"
#include "drv/pf.h"
#include "drv/vmdq.h"
#include "hw/igb.h"
#include "pf_mbx.h"

#define PF_FRAME_DEFAULT 1518 /* bytes with CRC, any tag on top: before SET_LPE */
#define PF_HOUSE_US	 1000000
#define PF_LIMIT_US	 2000000 /* what a guest can trigger is answered or told once in that time */
#define PF_UNREAD_US	 1000000 /* a VF that has not read a message by then never will */
#define PF_RATE_MBPS	 1000

/* Lets one thing pass in PF_LIMIT_US. Zeroed: the first passes. */
struct pf_limit {
	uint64_t next_us;
};

/* A 64-bit counter over a 32-bit register that runs free and that a device reset clears. */
struct pf_counter {
	uint64_t total;
	uint32_t last;
};

struct pf_vf_counters {
	struct pf_counter rx_packets, tx_packets, rx_bytes, tx_bytes, rx_multicast;
	uint64_t rx_dropped;
};

/* One VF; in struct pf. What is in force is in the struct vmdq; this keeps what it came from. */
struct pf_vf {
	struct pf_vf_policy policy;
	enum pf_vf_state state; /* PF_VF_READY is the mailbox's CTS */
	struct mac mac;		/* the one it was given, or set for itself */
	struct mac extra[VMDQ_MACS_POOL];
	unsigned int nextra;
	uint16_t vid[VMDQ_VLANS]; /* asked for by the guest */
	unsigned int nvids;
	bool mc_hash, mc_all, uc_promisc;
	unsigned int frame_max;

	bool unread; /* a message was sent and the VF has not said that it read it */
	uint64_t sent_us;
	uint64_t held_us; /* when its mailbox was last waited for in vain; 0: never */
	bool ping_due;
	struct pf_limit nack, tell, stuck, spoof;
	unsigned int rate_share; /* transmit queues that share the rate */

	uint64_t resets, requests, refused;
	enum pf_rule last_refusal;
	struct pf_vf_counters count;
};

/* In the caller's memory, followed by the PF's two queues; touched by the PF's one thread. */
struct pf {
	struct os_dev *dev;
	struct pf_config cfg;
	struct mac mac;
	bool running;
	bool irq;
	unsigned int vector;
	unsigned int first; /* the VF that is served first in the next round */
	uint64_t house_us;  /* when the next housekeeping is due */
	struct pf_link link;
	struct pf_vf vf[PF_VFS_MAX];
	struct pf_stats stats;

	bool queues; /* has queues of its own */
	bool queues_live;
	struct vfq_pool pool;
	struct vfq_rx *rx;
	struct vfq_tx *tx;

	struct pf_pool *held[PF_POOL]; /* pools that the host holds, by number */

	struct vmdq vmdq;
} cache_aligned;

/* pf.c */
void pf_tell(struct pf *pf, enum pf_event_type type, unsigned int vf, enum pf_rule rule);
bool pf_limit_pass(struct pf_limit *limit, uint64_t now_us);
/* For calls that cannot fail unless the driver is wrong: says so in the log. */
void pf_expect(struct pf *pf, int err, const char *what);

/* init.c: from whatever state to initialised, VFs told to reset themselves. 0, -ETIMEDOUT, -EIO. */
int pf_device_init(struct pf *pf) must_check;
/* Resets the device, which then does no DMA, raises no interrupt and lets no VF pass. */
int pf_device_reset(struct pf *pf) must_check;
int pf_queues_start(struct pf *pf) must_check;
void pf_queues_drop(struct pf *pf); /* after a device reset */

/* pool.c: the pools that the host holds, around a device reset */
int pf_held_start(struct pf *pf) must_check;
void pf_held_drop(struct pf *pf);

/* link.c */
int pf_link_setup(struct pf *pf) must_check;
/* Reads STATUS; true when the link is not what it was. */
bool pf_link_check(struct pf *pf);

/* irq.c */
void pf_irq_restore(struct pf *pf);

/* policy.c: pure; they read the tables in memory and no register. */
enum pf_rule pf_may_mac_set(const struct pf *pf, unsigned int vf, const struct mac *mac);
enum pf_rule pf_may_mac_add(const struct pf *pf, unsigned int vf, const struct mac *mac);
enum pf_rule pf_may_multicast(const uint32_t *msg);
enum pf_rule pf_may_promisc(const struct pf *pf, unsigned int vf, uint32_t info);
enum pf_rule pf_may_vlan(const struct pf *pf, unsigned int vf, uint32_t info, uint32_t vid);
enum pf_rule pf_may_frame(uint32_t bytes);
enum pf_rule pf_policy_check(const struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol);
int pf_rule_errno(enum pf_rule rule);
/* The address that @vf has when nobody set one. */
void pf_mac_made_up(const struct pf *pf, unsigned int vf, struct mac *mac);
/* The administrator's, else the made-up one: what a VF falls back to. */
void pf_mac_base(const struct pf *pf, unsigned int vf, struct mac *mac);

/* vf.c */
int pf_vf_load_one(struct pf *pf, unsigned int vf) must_check;
int pf_vf_load(struct pf *pf) must_check; /* all VFs and the PF's pool into empty vmdq tables */
int pf_vf_mac_set(struct pf *pf, unsigned int vf, const struct mac *mac) must_check;
void pf_vf_extra_clear(struct pf *pf, unsigned int vf);
void pf_vf_accept(struct pf *pf, unsigned int vf);
void pf_vf_gate(struct pf *pf, unsigned int vf); /* VFRE and VFTE */
void pf_vf_forget(struct pf *pf, unsigned int vf);
void pf_vf_back_to_base(struct pf *pf, unsigned int vf);
void pf_vf_reset(struct pf *pf, unsigned int vf);
void pf_vf_flr(struct pf *pf, unsigned int vf);
void pf_vf_refuse(struct pf *pf, unsigned int vf, enum pf_rule rule);

/* rate.c */
/* 0 or, when the card does not keep it, -EOPNOTSUPP with the former rate in force. */
int pf_rate_write(struct pf *pf, unsigned int vf, uint32_t mbps) must_check;
void pf_rate_undo(struct pf *pf, unsigned int vf); /* back to what the policy says */
void pf_rate_restore(struct pf *pf);		   /* after a reset, or at another link speed */
void pf_rate_check(struct pf *pf); /* a guest may have begun to use its second queue */

/* stats.c */
void pf_stats_clear(struct pf *pf);   /* after a device reset: drops what the registers hold */
void pf_stats_collect(struct pf *pf); /* also before a device reset */
void pf_vf_stats_drop(struct pf *pf, unsigned int vf); /* a new owner starts at 0 */

#endif
