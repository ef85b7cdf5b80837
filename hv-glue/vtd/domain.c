/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Domains, and the context entries that put functions into them (specification 9.1, 9.3). */
#include "vtd_priv.h"

int vtd_domain_alloc(struct vtd *v, struct vtd_domain **out)
{
	for (unsigned int i = 0; i < v->info.domains; i++) {
		struct vtd_domain *d = &v->domain[i];

		if (d->top)
			continue;
		d->top = vtd_table_new(v, v->levels, &d->top_iova);
		if (!d->top)
			return -ENOMEM;
		d->functions = 0;
		*out = d;
		return 0;
	}
	return -ENOSPC;
}

int vtd_domain_free(struct vtd *v, struct vtd_domain *d)
{
	int ret;

	if (d->functions)
		return -EBUSY;
	ret = vtd_settle(v);
	if (ret)
		return ret;
	vtd_table_free(v, d->top, d->top_iova, v->levels);
	d->top = NULL;
	return 0;
}

static struct vtd_pair *context_of(const struct vtd *v, uint16_t source)
{
	struct vtd_pair *ctx = vtd_root(v)->ctx[source >> 8];

	return ctx ? &ctx[source & 0xff] : NULL;
}

static bool is_attached(const struct vtd_pair *ctx)
{
	return ctx && le64_to_cpu(ctx->lo) & VTD_CTX_P;
}

/* The context table of @source's bus; it stays until vtd_stop(). */
static int bus_add(struct vtd *v, uint16_t source)
{
	struct vtd_root *root = vtd_root(v);
	unsigned int bus = source >> 8;
	struct os_dma m;

	if (root->ctx[bus])
		return 0;
	if (os_dma_alloc(v->dev, VTD_PAGE, VTD_PAGE, &m))
		return -ENOMEM;
	vtd_sync(v, m.va, VTD_PAGE);
	root->ctx[bus] = m.va;
	vtd_store(v, &root->e[bus].lo, m.iova | VTD_ROOT_P);
	return 0;
}

/* 6.1: with caching mode the absence of an entry was cached, under domain id 0. */
static int commit(struct vtd *v)
{
	int ret;

	if (!v->info.caching)
		return vtd_write_buffer_flush(v);
	ret = vtd_cc_all(v);
	return ret ? ret : vtd_tlb_all(v);
}

static struct vtd_domain *domain_of(struct vtd *v, const struct vtd_pair *ctx)
{
	unsigned int did = (unsigned int)vtd_get(VTD_CTX_HI_DID, le64_to_cpu(ctx->hi));

	return did < VTD_DID_FIRST ? NULL : &v->domain[did - VTD_DID_FIRST];
}

/*
 * The order: absent in memory, then the context cache, then the IOTLB, which could else be filled
 * again by the cached context (6.5).
 */
static int context_remove(struct vtd *v, struct vtd_pair *ctx, uint16_t source)
{
	struct vtd_domain *d = domain_of(v, ctx);
	uint16_t did = d ? d->did : VTD_DID_PASS;
	int ret;

	vtd_store(v, &ctx->lo, 0);
	if (d)
		d->functions--;
	ret = vtd_cc_one(v, did, source);
	if (!ret)
		ret = vtd_tlb_domain(v, did);
	vtd_store(v, &ctx->hi, 0);
	return ret;
}

int vtd_attach(struct vtd *v, uint16_t source, struct vtd_domain *d)
{
	unsigned int levels = d ? v->levels : v->levels_max;
	uint16_t did = d ? d->did : VTD_DID_PASS;
	struct vtd_pair *ctx;
	int ret;

	if (!d && !v->pass)
		return -EOPNOTSUPP;
	if (is_attached(context_of(v, source)))
		return -EBUSY;
	ret = vtd_settle(v);
	if (!ret)
		ret = bus_add(v, source);
	if (ret)
		return ret;
	ctx = context_of(v, source);
	vtd_store(v, &ctx->hi, vtd_prep(VTD_CTX_HI_AW, levels - 2) | vtd_prep(VTD_CTX_HI_DID, did));
	vtd_store(v, &ctx->lo,
		  (d ? d->top_iova | vtd_prep(VTD_CTX_TT, VTD_TT_TABLES)
		     : vtd_prep(VTD_CTX_TT, VTD_TT_PASS)) |
			  VTD_CTX_P);
	if (d)
		d->functions++;
	ret = commit(v);
	if (ret)
		(void)!context_remove(v, ctx, source);
	return ret;
}

int vtd_detach(struct vtd *v, uint16_t source)
{
	struct vtd_pair *ctx = context_of(v, source);

	return is_attached(ctx) ? context_remove(v, ctx, source) : -ENOENT;
}
