/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A card with our PF driver and our VF drivers on it, in one thread: the PF is served whenever a VF
 * waits. Sends numbered frames from any port and tells what every port got.
 */
#ifndef SLUICE_TESTS_DEVICE_RIG_H
#define SLUICE_TESTS_DEVICE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drv/pf.h"
#include "drv/vf.h"
#include "os/qemu.h"

#define RIG_PF	  7 /* the PF's pool */
#define RIG_WIRE  8
#define RIG_PORTS 9 /* 0..6: VFs */
#define RIG_KEEP  600
#define RIG_HEAD  128
#define RIG_TYPE  0x88b5 /* IEEE 802.1 local experimental Ethertype 1 */

struct rig_args {
	unsigned int num_vfs; /* of the card */
	unsigned int open;    /* that have a driver, from 0 */
	struct vf_config vf;  /* zero: defaults */
};

/* One frame that a port got. */
struct rig_frame {
	unsigned int len;
	uint32_t flags; /* enum vfq_rx_flags; 0 on the wire */
	uint16_t vlan;
	uint16_t nsegs;
	uint32_t seq; /* number, if it is one of ours */
	uint8_t head[RIG_HEAD];
};

/* What a port got since rig_clear(). */
struct rig_in {
	unsigned int n;
	unsigned int spoiled;  /* of ours: payload not as sent */
	unsigned int disorder; /* number is not the former's plus one */
	uint32_t last;
	struct rig_frame frame[RIG_KEEP]; /* the first ones */
};

/* rig_start() fills it, rig_stop() frees it; one thread. */
struct rig {
	struct qemu *q;
	struct pf *pf;
	struct vf *vf[PF_VFS_MAX];
	void *pf_mem, *vf_mem[PF_VFS_MAX];
	struct mac mac[RIG_PORTS]; /* of each port, as far as it has one */
	unsigned int num_vfs, open, queues;
	unsigned int events[PF_EV_SPOOF + 1];
	struct pf_event last_event;
	uint32_t fence;
	struct rig_in in[RIG_PORTS];
};

/* 0, or -1 with a message. */
int rig_start(struct rig *r, const struct rig_args *args) must_check;
void rig_stop(struct rig *r);
/* pf_service() until it has nothing more; fails the test when that never ends. */
void rig_serve(struct rig *r);
/* VF @vf from nothing to running; fails the test when it does not. */
void rig_vf_open(struct rig *r, unsigned int vf, const struct vf_config *cfg);
void rig_vf_close(struct rig *r, unsigned int vf);

/* @n frames of @len bytes (18..9724), numbered from @seq. */
struct rig_tx {
	unsigned int from;
	const struct mac *to;
	const struct mac *src; /* NULL: the port's own */
	unsigned int vlan;     /* 0: no tag in the frame */
	unsigned int len;      /* 0: 60 */
	unsigned int n;	       /* 0: 1 */
	uint32_t seq;
	uint32_t flags; /* enum vfq_tx_flags, with .vlan of VFQ_TX_VLAN in flag_vlan */
	uint16_t flag_vlan;
	unsigned int queue; /* of a VF */
	unsigned int seg;   /* bytes of a segment, 0: one segment a buffer holds */
};
/* Writes the frame number @seq of @t to @f; returns its bytes. */
unsigned int rig_frame_make(const struct rig *r, const struct rig_tx *t, uint32_t seq, uint8_t *f);
/* Sends them by bursts of at most 256; fails the test when the port does not take them. */
void rig_send(struct rig *r, const struct rig_tx *t);
/* Sends @len bytes as they are from a VF, the PF or the wire. */
void rig_send_bytes(struct rig *r, unsigned int from, const void *frame, unsigned int len);
/* A chain of buffers with @frame in it, from VF @vf's or the PF's pool. */
struct vfq_buf *rig_chain(struct rig *r, unsigned int from, const uint8_t *frame, unsigned int len,
			  unsigned int seg);
unsigned int rig_tx_burst(struct rig *r, unsigned int from, unsigned int queue,
			  struct vfq_buf **bufs, unsigned int n);

/* Takes what has arrived so far. */
void rig_collect(struct rig *r);
/* Takes everything that was sent: waits for marks that follow it both ways through the wire. */
void rig_settle(struct rig *r);
void rig_clear(struct rig *r);
/* After rig_settle(): exactly these ports have got @n frames each, and no other has one. */
void rig_expect(struct rig *r, uint32_t ports, unsigned int n);
/* Clears, sends, settles, expects; a port in @ports gets each frame once. */
void rig_check(struct rig *r, const struct rig_tx *t, uint32_t ports);

extern const struct mac rig_broadcast;

#endif
