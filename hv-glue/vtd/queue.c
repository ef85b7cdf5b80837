/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The invalidation queue (specification 6.5.2): one request and one wait descriptor at a time. The
 * unit always snoops the queue and writes the status coherently.
 */
#include "vtd_priv.h"

#define DESC_LEN  16u
#define IQ_ERRORS (VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE)

/* What firmware left on is ended: the unit has to be through with it first (6.5.2). */
static int queue_off(struct vtd *v)
{
	uint32_t tail = os_rd32(v->dev, VTD_IQT) & VTD_IQ_OFFSET;

	if (!(os_rd32(v->dev, VTD_GSTS) & VTD_GCMD_QIE))
		return 0;
	if (os_poll32(v->dev, VTD_IQH, VTD_IQ_OFFSET, tail, VTD_STEP_US, VTD_LIMIT_US))
		return -ETIMEDOUT;
	return vtd_command(v, VTD_GCMD_QIE, false);
}

int vtd_queue_on(struct vtd *v)
{
	int ret = queue_off(v);

	if (ret || !v->info.queued)
		return ret;
	os_wr32(v->dev, VTD_FSTS, IQ_ERRORS);
	os_wr32(v->dev, VTD_IQT, 0);
	vtd_wr64(v, VTD_IQA, v->iq.iova);
	v->iq_tail = 0;
	return vtd_command(v, VTD_GCMD_QIE, true);
}

static void put(struct vtd *v, uint64_t lo, uint64_t hi)
{
	struct vtd_pair *d = (struct vtd_pair *)v->iq.va + v->iq_tail;

	d->lo = cpu_to_le64(lo);
	d->hi = cpu_to_le64(hi);
	v->iq_tail = (v->iq_tail + 1) % VTD_IQ_LEN;
}

/* The status word is memory, so this is no os_poll32(); the bound is the same. */
static int finished(struct vtd *v)
{
	const volatile le32 *status = (const void *)((const char *)v->iq.va + VTD_IQ_STATUS);
	uint64_t end = os_now_us(v->dev) + VTD_LIMIT_US;
	bool over = false;

	for (;;) {
		uint32_t fsts = os_rd32(v->dev, VTD_FSTS);

		if (le32_to_cpu(*status) == v->iq_seq)
			return 0;
		if (fsts & IQ_ERRORS || over) {
			os_log(v->dev, OS_LOG_ERR,
			       "VT-d did not finish an invalidation (fault status %08x)",
			       (unsigned int)fsts);
			os_wr32(v->dev, VTD_FSTS, fsts & IQ_ERRORS);
			return -ETIMEDOUT;
		}
		os_delay_us(v->dev, VTD_STEP_US);
		over = os_now_us(v->dev) >= end;
	}
}

int vtd_queue_run(struct vtd *v, uint64_t lo, uint64_t hi)
{
	uint32_t head;
	int ret;

	if (v->late) {
		head = os_rd32(v->dev, VTD_IQH) & VTD_IQ_OFFSET;
		if (head != v->iq_tail * DESC_LEN)
			return -ETIMEDOUT;
	}
	v->iq_seq++;
	put(v, lo, hi);
	put(v,
	    vtd_prep(VTD_INV_TYPE, VTD_INV_WAIT) | VTD_INV_WAIT_SW | VTD_INV_WAIT_FN |
		    vtd_prep(VTD_INV_STATUS, v->iq_seq),
	    v->iq.iova + VTD_IQ_STATUS);
	os_doorbell(v->dev, VTD_IQT, v->iq_tail * DESC_LEN);
	ret = finished(v);
	v->late = ret != 0;
	return ret;
}
