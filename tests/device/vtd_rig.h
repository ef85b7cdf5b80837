/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A card behind a VT-d unit that our driver holds: VFs with a queue by hand and a domain each. No
 * PF driver: what is tested is whose memory a VF reaches.
 */
#ifndef SLUICE_TESTS_DEVICE_VTD_RIG_H
#define SLUICE_TESTS_DEVICE_VTD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hw/vtd.h"
#include "os/qemu.h"
#include "raw.h"
#include "vtd.h"

#define RIG_VFS	   3
#define RIG_UNIT   UINT64_C(0xfed90000) /* where Q35 has it */
#define RIG_RING   64u
#define RIG_BUFS   (RIG_RING * RAW_BUF) /* bytes of one direction's buffers */
#define RIG_FRAME  64u
#define RIG_RW	   (VTD_R | VTD_W)
#define RIG_PF_SID UINT16_C(0x0100)

/* All VFs have their buffers at the same address of their domain: receive, then transmit. */
#define RIG_IOVA UINT64_C(0x40000000)
/* RAM that nobody is given: 2 MiB aligned, for pages to be mapped by tests. */
#define RIG_PHYS UINT64_C(0x08000000)

struct vtd_rig {
	struct qemu *q;
	struct os_dev *unit;
	void *mem;
	struct vtd *v;
	struct vtd_domain *dom[RIG_VFS];
	struct raw r[RIG_VFS];
};

/* 0, or -1 with a message. VFs 0 and 1 are in their domains, VF 2 in none. */
int vtd_rig_start(struct vtd_rig *r, const struct vtd_config *cfg) must_check;
void vtd_rig_stop(struct vtd_rig *r);
uint16_t vtd_rig_source(unsigned int vf);
/* Rings where they are, buffers at RIG_IOVA, of VF @vf into @d. */
void vtd_rig_map(struct vtd_rig *r, unsigned int vf, struct vtd_domain *d);

/* After a DMA to its rings was blocked: VF @vf's queue from its start again. */
void vtd_rig_reopen(struct vtd_rig *r, unsigned int vf);

/* Where VF @vf's next frame goes, instead of its own buffer. */
void vtd_rig_rx_at(struct vtd_rig *r, unsigned int vf, uint64_t iova);
/* A frame of RIG_FRAME bytes whose payload is @mark; done when it returns. @iova: read from there
 * instead of the VF's own buffer, 0: not. */
void vtd_rig_send(struct vtd_rig *r, unsigned int from, unsigned int to, uint8_t mark,
		  uint64_t iova);
/* The payload of the frame that VF @vf got into its own buffer; -1: none. */
int vtd_rig_got(struct vtd_rig *r, unsigned int vf);
/* Takes a frame that went elsewhere. */
void vtd_rig_skip(struct vtd_rig *r, unsigned int vf);
uint8_t *vtd_rig_ram(struct vtd_rig *r, uint64_t phys);

/* Exactly this one fault since the last time. */
void vtd_rig_fault(struct vtd_rig *r, uint16_t source, uint8_t reason, bool write, uint64_t addr);
void vtd_rig_no_fault(struct vtd_rig *r);

#endif
