/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The card: the PF driver in the core, its VFs with an owner each, and the VT-d unit in front of
 * them. One NIC. Lock held in all calls.
 */
#ifndef SLUICE_CORE_NIC_H
#define SLUICE_CORE_NIC_H

#include "core.h"
#include "drv/pf.h"

struct vtd_fault;

/*
 * Steps of handing a VF over, in this order; each is proved by reading back before the next, and
 * told once. The first six take it from its owner: all are done even when one of them fails.
 */
enum vf_step {
	VF_STEP_QUIESCE, /* out of its guest's reach; bus mastering off, no transaction pending */
	VF_STEP_FLR,	 /* function-level reset: MSI-X, on before, reads as off */
	VF_STEP_SCRUB,	 /* pf_vf_scrub(): queues, filters, mailbox, counters; its pool closed */
	VF_STEP_IRQ,	 /* interrupt entries freed, its MSI-X table masked */
	VF_STEP_UNMAP,	 /* context entry gone, domain empty */
	VF_STEP_FLUSH,	 /* IOTLB; the domain is given back */
	VF_STEP_MAP,	 /* the new owner's memory, new domain */
	VF_STEP_GIVE,	 /* its function appears on the guest's bus */
	VF_STEPS
};

struct nic_vf {
	struct guest *owner;
	uint16_t source; /* bus << 8 | devfn */
	/* Its configuration space, and its MSI-X table as registers: the host's, for good. */
	struct os_dev *dev, *table;
	struct vtd_domain *domain;
	struct passthrough *pt; /* vf.c */
	enum vf_step step;	/* last one done */
	bool lost;		/* a step was not proved: out of use */
	struct guest *held_by;	/* lost, and may still reach this guest's memory */
	char why[WHY_LEN];	/* the last refusal, or what was not proved */
	uint64_t faults;	/* of VT-d with its source id */
	unsigned int handovers;
};

struct nic {
	struct os_dev *dev;
	struct pf *pf;
	unsigned int num_vfs;
	struct nic_vf vf[PF_VFS_MAX];
	uint64_t vf_bar[2]; /* BAR 0 and BAR 3 of VF 0, host-physical */
	uint64_t vf_bar_len[2];
	int vector;		      /* of the PF's causes */
	bool pending, faulted;	      /* atomic: an interrupt said so */
	uint64_t faults, faults_lost; /* of VT-d, any source */
	uint64_t first_packet; /* TSC when a VF's transmit counter was first seen to move; 0 */
};

/* Finds the card behind its bridges, programs what firmware left open, VT-d on, PF started with
 * @vfs VFs, its interrupt remapped. Refuses by core_refuse() with a sentence. */
void nic_init(unsigned int vfs);
/* A round of service, CPU 0: mailboxes, faults, the ports of vNICs. True when there was work. */
bool nic_service(void);
/* Tells the faults that VT-d holds, each with its VF's owner. True when there was one. */
bool nic_faults(void);
/* Quiet: before the core stops; also when it is not up, or not yet. */
void nic_fini(void);

/* Makes struct passthrough of each VF of @n; 0, -ENOMEM, -ENODEV: a VF does not look like one. */
int nic_vfs_init(struct nic *n) must_check;
/* Gives VF @vf (-1: the first free) to @g at device number @dev (-1: first free). 0; -EBUSY: it has
 * an owner, *@why says which; -ENODEV, -ENOSPC, -EIO: a step was not proved, *@why names it. CPU 0;
 * the lock is dropped meanwhile when it is taken back, here and in vf_detach(). */
int vf_attach(struct guest *g, int vf, int dev, const char **why) must_check;
/* Takes it back, all steps up to FLUSH. -ENOENT: nobody has it; -EIO with *@why: it stays out of
 * use. */
int vf_detach(unsigned int vf, const char **why) must_check;
/* True when a VF that was taken from @g may still reach its memory: not to be freed. */
bool vf_holds(const struct guest *g);

/* ---- ports of the software switch (bridge.c) and of a pool of its own (vmdq) ------------------
 */

/*
 * What a vNIC is plugged into. tx: the guest's frame, in its memory in up to @n parts, checked to
 * be so; taken (copied) before it returns. rx: the port calls deliver, which copies into the
 * guest's buffers and returns false when there is no room (the frame is dropped and counted).
 */
struct port;
struct port_part {
	const void *p;
	uint32_t len;
};
struct port_ops {
	const char *name; /* "bridge", "vmdq"; "nat" later */
	bool (*tx)(struct port *p, const struct port_part *part, unsigned int n, uint32_t len);
	void (*flush)(struct port *p); /* the batch ends: one doorbell */
	unsigned int (*poll)(struct port *p);
	void (*close)(struct port *p);
};
struct port {
	const struct port_ops *ops;
	void *priv; /* the tier's */
	struct guest *guest;
	uint8_t mac[6];
	bool (*deliver)(void *ctx, const struct port_part *part, unsigned int n, uint32_t len);
	void (*deliver_end)(void *ctx); /* the batch ends: one interrupt */
	void *ctx;
	uint64_t rx, tx, rx_bytes, tx_bytes, dropped, copies;
};
/* -ENOSPC: no port or pool left; -ENODEV. */
int port_open(enum nic_tier tier, struct port *p) must_check;
void port_close(struct port *p);

/* A virtio NIC of @g on @tier. */
int virtio_attach(struct guest *g, enum nic_tier tier, int dev, const char **why) must_check;

#endif
