/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Invalidation of the context cache, the IOTLB and the interrupt entry cache (specification 6.5),
 * by queue where there is one. A request is written once, as a descriptor; for units that are
 * driven by registers it is taken apart again.
 */
#include "vtd_priv.h"

/* 10.4.7: the upper half starts it. */
static int context_by_regs(struct vtd *v, uint64_t lo)
{
	uint32_t g = (uint32_t)vtd_get(VTD_INV_G, lo), hi;
	int ret;

	if (v->late && os_rd32(v->dev, VTD_CCMD_HI) & VTD_CCMD_ICC_HI)
		return -ETIMEDOUT;
	os_wr32(v->dev, VTD_CCMD,
		field_prep(VTD_CCMD_DID, (uint32_t)vtd_get(VTD_INV_DID, lo)) |
			field_prep(VTD_CCMD_SID, (uint32_t)vtd_get(VTD_INV_CC_SID, lo)));
	os_doorbell(v->dev, VTD_CCMD_HI, VTD_CCMD_ICC_HI | field_prep(VTD_CCMD_CIRG_HI, g));
	ret = os_poll32(v->dev, VTD_CCMD_HI, VTD_CCMD_ICC_HI, 0, VTD_STEP_US, VTD_LIMIT_US);
	v->late = ret != 0;
	if (ret)
		return ret;
	hi = os_rd32(v->dev, VTD_CCMD_HI);
	return field_get(VTD_CCMD_CAIG_HI, hi) ? 0 : -EIO;
}

/* 10.4.8: address first, then the upper half of the command. */
static int iotlb_by_regs(struct vtd *v, uint64_t lo, uint64_t hi)
{
	uint32_t reg = VTD_IOTLB_HI(v->iro), g = (uint32_t)vtd_get(VTD_INV_G, lo);
	uint32_t cmd = VTD_IOTLB_IVT_HI | field_prep(VTD_IOTLB_IIRG_HI, g) |
		       field_prep(VTD_IOTLB_DID_HI, (uint32_t)vtd_get(VTD_INV_DID, lo));
	int ret;

	if (v->drain_rd)
		cmd |= VTD_IOTLB_DR_HI;
	if (v->drain_wr)
		cmd |= VTD_IOTLB_DW_HI;
	if (v->late && os_rd32(v->dev, reg) & VTD_IOTLB_IVT_HI)
		return -ETIMEDOUT;
	if (g == VTD_TLB_PAGES)
		vtd_wr64(v, VTD_IVA(v->iro), hi);
	os_wr32(v->dev, VTD_IOTLB(v->iro), 0);
	os_doorbell(v->dev, reg, cmd);
	ret = os_poll32(v->dev, reg, VTD_IOTLB_IVT_HI, 0, VTD_STEP_US, VTD_LIMIT_US);
	v->late = ret != 0;
	if (ret)
		return ret;
	return field_get(VTD_IOTLB_IAIG_HI, os_rd32(v->dev, reg)) ? 0 : -EIO;
}

static int run(struct vtd *v, uint64_t lo, uint64_t hi)
{
	int ret;

	if (!v->on)
		return 0;
	ret = vtd_write_buffer_flush(v);
	if (ret)
		goto out;
	if (v->info.queued)
		ret = vtd_queue_run(v, lo, hi);
	else if (vtd_get(VTD_INV_TYPE, lo) == VTD_INV_CC)
		ret = context_by_regs(v, lo);
	else
		ret = iotlb_by_regs(v, lo, hi);
out:
	if (ret) {
		v->stale = true;
		os_log(v->dev, OS_LOG_ERR, "VT-d kept stale entries (request %016llx): %d",
		       (unsigned long long)lo, ret);
	}
	return ret;
}

static int context(struct vtd *v, unsigned int g, uint16_t did, uint16_t source)
{
	return run(v,
		   vtd_prep(VTD_INV_TYPE, VTD_INV_CC) | vtd_prep(VTD_INV_G, g) |
			   vtd_prep(VTD_INV_DID, did) | vtd_prep(VTD_INV_CC_SID, source),
		   0);
}

static int iotlb(struct vtd *v, unsigned int g, uint16_t did, uint64_t hi)
{
	uint64_t lo = vtd_prep(VTD_INV_TYPE, VTD_INV_TLB) | vtd_prep(VTD_INV_G, g) |
		      vtd_prep(VTD_INV_DID, did);

	if (v->drain_rd)
		lo |= VTD_INV_TLB_DR;
	if (v->drain_wr)
		lo |= VTD_INV_TLB_DW;
	return run(v, lo, hi);
}

int vtd_cc_all(struct vtd *v)
{
	return context(v, VTD_CC_GLOBAL, 0, 0);
}

int vtd_cc_one(struct vtd *v, uint16_t did, uint16_t source)
{
	return context(v, VTD_CC_DEVICE, did, source);
}

int vtd_tlb_all(struct vtd *v)
{
	return iotlb(v, VTD_TLB_GLOBAL, 0, 0);
}

int vtd_tlb_domain(struct vtd *v, uint16_t did)
{
	return iotlb(v, VTD_TLB_DOMAIN, did, 0);
}

/* The smallest aligned power of two around the range, or the domain when that is too much. */
int vtd_tlb_range(struct vtd *v, uint16_t did, uint64_t iova, uint64_t len)
{
	uint64_t differ = (iova ^ (iova + len - 1)) / VTD_PAGE;
	unsigned int order = differ ? 64 - (unsigned int)__builtin_clzll(differ) : 0;

	if (!v->psi || order > v->psi_order)
		return vtd_tlb_domain(v, did);
	return iotlb(v, VTD_TLB_PAGES, did,
		     (iova & ~(((uint64_t)VTD_PAGE << order) - 1)) | vtd_prep(VTD_INV_AM, order));
}

int vtd_iec_all(struct vtd *v)
{
	return run(v, vtd_prep(VTD_INV_TYPE, VTD_INV_IEC), 0);
}

int vtd_iec_one(struct vtd *v, int index)
{
	return run(v,
		   vtd_prep(VTD_INV_TYPE, VTD_INV_IEC) | VTD_INV_IEC_ONE |
			   vtd_prep(VTD_INV_IEC_IDX, (uint64_t)index),
		   0);
}

int vtd_flush_all(struct vtd *v)
{
	int ret = vtd_cc_all(v);

	if (!ret)
		ret = vtd_tlb_all(v);
	if (!ret && v->info.intremap)
		ret = vtd_iec_all(v);
	return ret;
}

int vtd_flush_domain(struct vtd *v, const struct vtd_domain *d)
{
	return vtd_tlb_domain(v, d->did);
}

int vtd_settle(struct vtd *v)
{
	int ret;

	if (!v->stale)
		return 0;
	ret = vtd_flush_all(v);
	if (ret)
		return ret;
	v->stale = false;
	for (unsigned int i = 0; i < VTD_DOMAINS_MAX; i++)
		if (v->domain[i].top)
			vtd_table_reap(v, v->domain[i].top, v->levels);
	return 0;
}
