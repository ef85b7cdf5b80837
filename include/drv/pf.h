/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The PF driver: takes an 82576, splits it into a pool for each VF and one for itself, and serves
 * the VFs' mailboxes under a policy that the administrator owns.
 *
 * Freestanding: the caller gives pf_size() bytes. One thread uses a struct pf. VF numbers are
 * 0..num_vfs-1 and equal their pool; the PF's own pool is the last, 7. All calls answer -EINVAL to
 * a VF that is not there.
 */
#ifndef SLUICE_DRV_PF_H
#define SLUICE_DRV_PF_H

#include "base/mac.h"
#include "drv/pf_policy.h"
#include "drv/queue.h"
#include "os/os.h"

#define PF_VFS_MAX 7 /* the eighth pool is the PF's own uplink */
#define PF_POOL	   7

struct pf;

enum pf_vf_state {
	PF_VF_OFF,   /* no driver in it, or reset since: nothing passes */
	PF_VF_READY, /* RESET done, CTS given, queues may run */
};

struct pf_vf_info {
	enum pf_vf_state state;
	struct mac mac;		/* in force */
	unsigned int frame_max; /* bytes with CRC */
	unsigned int vlans;	/* asked for by the guest */
	bool uc_promisc, mc_all;
	uint64_t resets, requests, refused;
	enum pf_rule last_refusal;
};

struct pf_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_multicast, rx_broadcast, rx_dropped,
		tx_dropped;
};

struct pf_link {
	bool up;
	bool full_duplex;
	unsigned int mbps;
};

enum pf_event_type {
	PF_EV_LINK, /* vf not used */
	PF_EV_VF_READY,
	PF_EV_VF_FLR,	  /* function-level reset or CTRL.RST of the VF */
	PF_EV_VF_REFUSED, /* rule says why; at most one in 2 s for a VF, the rest are counted */
	PF_EV_VF_MAC,	  /* the guest changed its address */
	PF_EV_SPOOF,	  /* frames dropped by anti-spoofing */
};

struct pf_event {
	enum pf_event_type type;
	unsigned int vf;
	enum pf_rule rule;
};

struct pf_config {
	unsigned int num_vfs;  /* 0..7; the host has set VF Enable and NumVFs, or will before
				  pf_start() */
	unsigned int pf_queue; /* descriptors of the PF's own rings, 0: no own queues */
	/* Called within pf_ calls, on the caller's thread; must not call pf_. May be NULL. */
	void (*event)(void *ctx, const struct pf_event *ev);
	void *ctx;
};

size_t pf_size(void);
/*
 * @mem: pf_size() bytes, 64-aligned, zeroed; lives until pf_fini(). 0; -ENODEV: not an 82576;
 * -EINVAL, -ENOMEM.
 */
int pf_init(void *mem, struct os_dev *dev, const struct pf_config *cfg, struct pf **out) must_check;
void pf_fini(struct pf *pf);

/*
 * Reset, initialisation in the order of the datasheet's chapter 4.5, link restart, VFs admitted.
 * 0, -ETIMEDOUT, -EIO.
 */
int pf_start(struct pf *pf) must_check;
/* The device is quiet afterwards: no DMA, interrupts masked, VFs told. */
void pf_stop(struct pf *pf);
/* Tells all VFs, resets the device, programs policy again; guests recover by a RESET of theirs. */
int pf_reset(struct pf *pf) must_check;

/*
 * Serves what has happened: mailboxes, VF resets, link, spoof events, counters. Bounded: at most
 * one request of each VF. Call it on an interrupt and at least once a second. Returns how many
 * events it served; call again until 0. A VF that floods its mailbox keeps it from 0 for as long as
 * it goes on, so look after other work between the calls.
 */
int pf_service(struct pf *pf) must_check;
/*
 * Arms MSI-X vector @vector (0..24) for all of pf_service()'s causes; the host must deliver it
 * before pf_service() is first called. With VFs enabled only vector 0 is the PF's.
 */
void pf_irq_enable(struct pf *pf, unsigned int vector);
void pf_irq_disable(struct pf *pf);
/* After an interrupt was taken and pf_service() returned 0: unmask again. */
void pf_irq_ack(struct pf *pf);

void pf_mac(const struct pf *pf, struct mac *mac);
void pf_link(const struct pf *pf, struct pf_link *link);
unsigned int pf_num_vfs(const struct pf *pf);
/*
 * The whole card's counters, 64 bits, monotonic over wraps and resets. The 82576 counts no transmit
 * drops: tx_dropped is 0.
 */
void pf_stats(struct pf *pf, struct pf_stats *st);

/*
 * Replaces the policy of @vf whole, or not at all: checked first, then written; also before
 * pf_start(), which then loads it. In force at once, without a reset of the VF. When refused:
 * -EINVAL, -EADDRINUSE, -ENOSPC or -EOPNOTSUPP, and *@rule (may be NULL).
 */
int pf_vf_policy_set(struct pf *pf, unsigned int vf, const struct pf_vf_policy *pol,
		     enum pf_rule *rule) must_check;
int pf_vf_policy_get(const struct pf *pf, unsigned int vf, struct pf_vf_policy *pol) must_check;
void pf_vf_policy_default(struct pf_vf_policy *pol);
int pf_vf_info(const struct pf *pf, unsigned int vf, struct pf_vf_info *info) must_check;
/* Since the last scrub. Broadcasts and transmit drops of a VF are not counted by the 82576: 0. */
int pf_vf_stats(struct pf *pf, unsigned int vf, struct pf_stats *st) must_check;

/*
 * Between two owners: stops the VF's pool, clears queues @vf and @vf + 8 (ring addresses, head
 * write-back, DCA, split), its interrupt routing, filters, mailbox memory and counters' base, and
 * reads all of it back. The policy stays. 0; -EBUSY: a register kept its value, its offset is in
 * *@reg (may be NULL). Nobody drives the VF meanwhile. With the PF stopped there is nothing to do:
 * pf_start() resets the device.
 */
int pf_vf_scrub(struct pf *pf, unsigned int vf, uint32_t *reg) must_check;

/* The PF's own pool, bursts as in queue.h. Without queues (pf_queue 0) they give 0 and NULL. */
unsigned int pf_rx_burst(struct pf *pf, struct vfq_buf **bufs, unsigned int n);
unsigned int pf_tx_burst(struct pf *pf, struct vfq_buf **bufs, unsigned int n);
struct vfq_buf *pf_buf_get(struct pf *pf);

#endif
