/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The card behind VT-d: start, frames by hand, faults. */
#include "vtd_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "hw/igb.h"

#define PAYLOAD 14 /* where it starts */

uint16_t vtd_rig_source(unsigned int vf)
{
	return (uint16_t)(0x0180 + 2 * vf); /* First VF Offset 0x80, VF Stride 2 */
}

void vtd_rig_map(struct vtd_rig *r, unsigned int vf, struct vtd_domain *d)
{
	uint64_t at = r->r[vf].mem.iova;

	assert_int_equal(vtd_map(r->v, d, at + 2 * RIG_BUFS, at + 2 * RIG_BUFS, 4096, RIG_RW), 0);
	assert_int_equal(vtd_map(r->v, d, RIG_IOVA, at, 2 * RIG_BUFS, RIG_RW), 0);
}

static int queue_open(struct vtd_rig *r, unsigned int vf)
{
	struct raw *q = &r->r[vf];

	if (raw_open(q, qemu_func(r->q, (int)vf), IGB_VF_RXQ(0), IGB_VF_TXQ(0), RIG_RING))
		return -1;
	q->rx_iova = RIG_IOVA;
	q->tx_iova = RIG_IOVA + RIG_BUFS;
	for (unsigned int i = 0; i < RIG_RING; i++)
		q->rx[i].read.pkt_addr = cpu_to_le64(q->rx_iova + (uint64_t)i * RAW_BUF);
	return 0;
}

void vtd_rig_reopen(struct vtd_rig *r, unsigned int vf)
{
	uint64_t at = r->r[vf].mem.iova;

	raw_close(&r->r[vf]);
	assert_int_equal(queue_open(r, vf), 0);
	assert_int_equal(r->r[vf].mem.iova, at); /* first fit: mapped as it was */
}

static int unit_up(struct vtd_rig *r, const struct vtd_config *cfg)
{
	const char *why = "";

	r->unit = qemu_mmio(r->q, RIG_UNIT);
	r->mem = aligned_alloc(CACHE_LINE, vtd_size());
	if (!r->unit || !r->mem)
		return -1;
	memset(r->mem, 0, vtd_size());
	if (vtd_init(r->mem, r->unit, cfg, &r->v, &why)) {
		print_error("%s\n", why);
		return -1;
	}
	return vtd_attach(r->v, RIG_PF_SID, NULL) || vtd_start(r->v);
}

int vtd_rig_start(struct vtd_rig *r, const struct vtd_config *cfg)
{
	const struct qemu_args args = {.num_vfs = RIG_VFS, .vtd = true};
	struct os_err err = {0};

	memset(r, 0, sizeof(*r));
	if (qemu_start(&args, &r->q, &err)) {
		print_error("%s: %s (%s)\n", err.what, err.rule, err.mend);
		return -1;
	}
	if (raw_link_up(qemu_func(r->q, -1)) || unit_up(r, cfg))
		return -1;
	raw_pools_on(qemu_func(r->q, -1), RIG_VFS);
	for (unsigned int vf = 0; vf < RIG_VFS; vf++) {
		if (queue_open(r, vf) || vtd_domain_alloc(r->v, &r->dom[vf]))
			return -1;
		vtd_rig_map(r, vf, r->dom[vf]);
	}
	return vtd_attach(r->v, vtd_rig_source(0), r->dom[0]) ||
	       vtd_attach(r->v, vtd_rig_source(1), r->dom[1]);
}

void vtd_rig_stop(struct vtd_rig *r)
{
	for (unsigned int vf = 0; vf < RIG_VFS; vf++)
		if (r->r[vf].dev)
			raw_close(&r->r[vf]);
	if (r->v)
		vtd_stop(r->v);
	free(r->mem);
	if (r->q)
		assert_int_equal(qemu_dma_live(r->q), 0);
	qemu_stop(r->q);
}

/* ---- frames ---------------------------------------------------------------------------------- */

void vtd_rig_rx_at(struct vtd_rig *r, unsigned int vf, uint64_t iova)
{
	struct raw *q = &r->r[vf];

	q->rx[q->rx_head % RIG_RING].read.pkt_addr = cpu_to_le64(iova);
}

void vtd_rig_send(struct vtd_rig *r, unsigned int from, unsigned int to, uint8_t mark,
		  uint64_t iova)
{
	struct raw *q = &r->r[from];
	uint8_t *f = raw_tx_buf(q);

	memset(f, mark, RIG_FRAME);
	raw_mac(to, f);
	raw_mac(from, f + 6);
	f[12] = 0x88;
	f[13] = 0xb5;
	raw_tx(q, RIG_FRAME);
	if (iova)
		q->tx[(q->tx_tail - 1) % RIG_RING].read.addr = cpu_to_le64(iova);
	raw_kick(q);
	/* A transmit doorbell is carried out before anything after it. */
	os_flush(q->dev);
}

int vtd_rig_got(struct vtd_rig *r, unsigned int vf)
{
	uint8_t f[RAW_BUF];

	if (raw_rx(&r->r[vf], f, sizeof(f)) != RIG_FRAME)
		return -1;
	for (unsigned int i = PAYLOAD; i < RIG_FRAME; i++)
		assert_int_equal(f[i], f[PAYLOAD]);
	return f[PAYLOAD];
}

void vtd_rig_skip(struct vtd_rig *r, unsigned int vf)
{
	assert_int_equal(raw_rx_skip(&r->r[vf], 1), 1);
}

uint8_t *vtd_rig_ram(struct vtd_rig *r, uint64_t phys)
{
	uint8_t *p = qemu_ram(r->q, phys, 4096);

	assert_non_null(p);
	return p;
}

/* ---- faults ---------------------------------------------------------------------------------- */

void vtd_rig_fault(struct vtd_rig *r, uint16_t source, uint8_t reason, bool write, uint64_t addr)
{
	struct vtd_fault f = {0};
	bool lost;

	assert_int_equal(vtd_faults(r->v, &f, 1, &lost), 1);
	assert_false(lost);
	assert_int_equal(f.source, source);
	assert_int_equal(f.reason, reason);
	assert_int_equal(f.addr, addr);
	if (!f.interrupt)
		assert_int_equal(f.write, write);
	vtd_rig_no_fault(r);
}

void vtd_rig_no_fault(struct vtd_rig *r)
{
	struct vtd_fault f = {0};
	bool lost;

	assert_int_equal(vtd_faults(r->v, &f, 1, &lost), 0);
	assert_false(lost);
}
