/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the host has of the card for itself beyond the uplink's queues: more addresses for the
 * uplink, and whole pools that no VF has. The PF's thread alone.
 */
#ifndef SLUICE_DRV_PF_POOL_H
#define SLUICE_DRV_PF_POOL_H

#include "drv/pf.h"

/*
 * A further address for the PF's own pool, for a software switch behind the uplink, until
 * pf_stop(). 0; -EADDRINUSE, -ENOSPC, -EINVAL; -ENETDOWN: not started; del: -ENOENT, -EINVAL: the
 * PF's own.
 */
int pf_uplink_mac_add(struct pf *pf, const struct mac *mac) must_check;
int pf_uplink_mac_del(struct pf *pf, const struct mac *mac) must_check;

/*
 * A pool that no VF has (num_vfs..6), held by the host itself with a queue pair of @queue
 * descriptors and the address @mac: frames for it are sorted by the card. @mem: pf_pool_size()
 * bytes, 64-aligned, the pool's until it is closed. It survives pf_reset(); close it before
 * pf_stop(). The pool's number; -ENOSPC: no pool or receive address left; -EADDRINUSE, -EINVAL,
 * -ENOMEM, -ETIMEDOUT; -ENETDOWN.
 */
struct pf_pool;
size_t pf_pool_size(void);
int pf_pool_open(struct pf *pf, void *mem, const struct mac *mac, unsigned int queue,
		 struct pf_pool **out) must_check;
/* -ETIMEDOUT: the device may still write, nothing is freed. */
int pf_pool_close(struct pf_pool *p) must_check;
unsigned int pf_pool_rx_burst(struct pf_pool *p, struct vfq_buf **bufs, unsigned int n);
unsigned int pf_pool_tx_burst(struct pf_pool *p, struct vfq_buf **bufs, unsigned int n);
struct vfq_buf *pf_pool_buf_get(struct pf_pool *p);

#endif
