/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Second-level tables (specification 3.7, 9.8). Memory of a table goes back only after a flush:
 * until then its entry is absent for the unit and still there for us.
 */
#include "vtd_priv.h"

#define PHYS_WIDTH 52 /* of the entries' address field */

static size_t table_len(unsigned int level)
{
	return level == 1 ? VTD_PAGE : sizeof(struct vtd_table);
}

struct vtd_table *vtd_table_new(struct vtd *v, unsigned int level, uint64_t *iova)
{
	struct os_dma m;

	if (os_dma_alloc(v->dev, table_len(level), VTD_PAGE, &m))
		return NULL;
	*iova = m.iova;
	vtd_sync(v, m.va, VTD_PAGE);
	return m.va;
}

/* With all that hangs from it. */
void vtd_table_free(struct vtd *v, struct vtd_table *t, uint64_t iova, unsigned int level)
{
	struct os_dma m = {.va = t, .iova = iova, .len = table_len(level)};

	for (unsigned int i = 0; level > 1 && i < VTD_SL_LEN; i++)
		if (t->child[i])
			vtd_table_free(v, t->child[i], le64_to_cpu(t->e[i]) & VTD_ADDR, level - 1);
	os_dma_free(v->dev, &m);
}

/* The deepest table on the way to @iova, and its entry there. */
struct spot {
	struct vtd_table *t;
	unsigned int level, i;
	uint64_t e;
};

static struct spot find(const struct vtd *v, const struct vtd_domain *d, uint64_t iova)
{
	struct spot s = {.t = d->top, .level = v->levels};

	for (;;) {
		s.i = vtd_index(iova, s.level);
		s.e = le64_to_cpu(s.t->e[s.i]);
		if (vtd_is_leaf(s.e, s.level) || !vtd_is_present(s.e))
			return s;
		s.t = s.t->child[s.i];
		s.level--;
	}
}

bool vtd_walk(const struct vtd *v, const struct vtd_domain *d, uint64_t iova, uint64_t *phys,
	      uint32_t *perm)
{
	struct spot s;

	if (iova >> v->width)
		return false;
	s = find(v, d, iova);
	if (!vtd_is_present(s.e))
		return false;
	*phys = (s.e & VTD_ADDR) | (iova & (vtd_span(s.level) - 1));
	*perm = (s.e & VTD_SL_R ? VTD_R : 0u) | (s.e & VTD_SL_W ? VTD_W : 0u);
	return true;
}

/* ---- map ------------------------------------------------------------------------------------- */

/* Fills the absent entry @s with a table of the next level. */
static int grow(struct vtd *v, const struct spot *s)
{
	uint64_t iova;
	struct vtd_table *t = vtd_table_new(v, s->level - 1, &iova);

	if (!t)
		return -ENOMEM;
	s->t->child[s->i] = t;
	vtd_store(v, &s->t->e[s->i], iova | VTD_SL_R | VTD_SL_W);
	return 0;
}

/* The level at which the page at the start of the range is mapped: 2 for 2 MiB. */
static unsigned int page_level(const struct vtd *v, uint64_t iova, uint64_t phys, uint64_t len)
{
	uint64_t big = vtd_span(2);

	return v->info.pages_2m && !((iova | phys) & (big - 1)) && len >= big ? 2 : 1;
}

static bool range_is_free(const struct vtd *v, const struct vtd_domain *d, uint64_t iova,
			  uint64_t end)
{
	while (iova < end) {
		struct spot s = find(v, d, iova);

		if (vtd_is_present(s.e))
			return false;
		iova = (iova | (vtd_span(s.level) - 1)) + 1;
	}
	return true;
}

/* Tables first, which can fail, then entries, which cannot. */
static int map_range(struct vtd *v, struct vtd_domain *d, const struct vtd_range *r, bool fill)
{
	for (uint64_t done = 0; done < r->len;) {
		uint64_t iova = r->iova + done, phys = r->phys + done;
		unsigned int level = page_level(v, iova, phys, r->len - done);
		struct spot s = find(v, d, iova);

		while (s.level > level) {
			if (grow(v, &s))
				return -ENOMEM;
			s = find(v, d, iova);
		}
		if (fill)
			vtd_store(v, &s.t->e[s.i],
				  phys | r->perm | (level > 1 ? VTD_SL_PS : UINT64_C(0)));
		done += vtd_span(level);
	}
	return 0;
}

/* Nothing of @first..@last lies in the range that the unit takes for interrupts (3.14). */
static bool is_memory(uint64_t first, uint64_t last)
{
	return last < VTD_MSI_FIRST || first > VTD_MSI_LAST;
}

static bool is_range(uint64_t at, uint64_t len, unsigned int width)
{
	return len && !((at | len) & (VTD_PAGE - 1)) && !(at >> width) && len <= BIT64(width) - at;
}

static int commit(struct vtd *v, struct vtd_domain *d, const struct vtd_range *r)
{
	if (v->info.caching)
		return vtd_tlb_range(v, d->did, r->iova, r->len);
	return vtd_write_buffer_flush(v);
}

int vtd_map(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t phys, uint64_t len,
	    uint32_t perm)
{
	const struct vtd_range r = {iova, phys, len,
				    (perm & VTD_R ? VTD_SL_R : 0) | (perm & VTD_W ? VTD_SL_W : 0) |
					    (v->info.snoop ? VTD_SL_SNP : 0)};
	int ret;

	if (!is_range(iova, len, v->width) || !is_range(phys, len, PHYS_WIDTH) || !perm ||
	    perm & ~(uint32_t)(VTD_R | VTD_W) || !is_memory(iova, iova + len - 1) ||
	    !is_memory(phys, phys + len - 1))
		return -EINVAL;
	ret = vtd_settle(v);
	if (ret)
		return ret;
	if (!range_is_free(v, d, iova, iova + len))
		return -EEXIST;
	ret = map_range(v, d, &r, false);
	if (!ret) {
		ret = map_range(v, d, &r, true);
		ret = ret ? ret : commit(v, d, &r);
	}
	/* What was begun is taken back; a flush that fails leaves it for vtd_settle(). */
	if (ret)
		(void)!vtd_table_clear(v, d, iova, len);
	return ret;
}

/* ---- unmap ----------------------------------------------------------------------------------- */

/* A 2 MiB page across @iova becomes 512 small ones, in one store: the unit sees old or new. */
static int split(struct vtd *v, struct vtd_domain *d, uint64_t iova)
{
	struct spot s = find(v, d, iova);
	struct vtd_table *t;
	uint64_t at;

	if (!vtd_is_present(s.e) || s.level == 1 || !(iova & (vtd_span(s.level) - 1)))
		return 0;
	t = vtd_table_new(v, s.level - 1, &at);
	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < VTD_SL_LEN; i++)
		t->e[i] = cpu_to_le64((s.e & ~VTD_SL_PS) + (uint64_t)i * VTD_PAGE);
	vtd_sync(v, t->e, VTD_PAGE);
	s.t->child[s.i] = t;
	vtd_store(v, &s.t->e[s.i], at | VTD_SL_R | VTD_SL_W);
	return 0;
}

static bool is_empty(const struct vtd_table *t)
{
	for (unsigned int i = 0; i < VTD_SL_LEN; i++)
		if (vtd_is_present(le64_to_cpu(t->e[i])))
			return false;
	return true;
}

/* What an erase did: pages taken out, and tables that wait for the flush. */
struct erased {
	bool pages, tables;
};

/* Entries of @t, which starts at @base, in @iova..@end-1; whole pages only, after split(). */
static void erase(struct vtd *v, struct vtd_table *t, unsigned int level, struct vtd_range r,
		  struct erased *out)
{
	uint64_t span = vtd_span(level), end = r.iova + r.len;

	for (uint64_t at = r.iova; at < end; at = (at | (span - 1)) + 1) {
		unsigned int i = vtd_index(at, level);
		uint64_t e = le64_to_cpu(t->e[i]), next = (at | (span - 1)) + 1;
		struct vtd_range part = {.iova = at, .len = (next < end ? next : end) - at};

		if (!vtd_is_present(e))
			continue;
		if (vtd_is_leaf(e, level)) {
			vtd_store(v, &t->e[i], 0);
			out->pages = true;
			continue;
		}
		erase(v, t->child[i], level - 1, part, out);
		if (is_empty(t->child[i])) {
			vtd_store(v, &t->e[i], e & ~(VTD_SL_R | VTD_SL_W));
			out->tables = true;
		}
	}
}

void vtd_table_reap(struct vtd *v, struct vtd_table *t, unsigned int level)
{
	for (unsigned int i = 0; level > 1 && i < VTD_SL_LEN; i++) {
		uint64_t e = le64_to_cpu(t->e[i]);

		if (!t->child[i])
			continue;
		if (vtd_is_present(e)) {
			vtd_table_reap(v, t->child[i], level - 1);
			continue;
		}
		vtd_table_free(v, t->child[i], e & VTD_ADDR, level - 1);
		t->child[i] = NULL;
		vtd_store(v, &t->e[i], 0);
	}
}

int vtd_table_clear(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t len)
{
	const struct vtd_range r = {.iova = iova, .len = len};
	struct erased out = {0};
	int ret = 0;

	erase(v, d->top, v->levels, r, &out);
	if (v->stale)
		return vtd_settle(v);
	/* No function, no cached entry: the last one's detach has flushed the domain. */
	if (d->functions && out.tables)
		ret = vtd_tlb_domain(v, d->did);
	else if (d->functions && out.pages)
		ret = vtd_tlb_range(v, d->did, iova, len);
	if (!ret && out.tables)
		vtd_table_reap(v, d->top, v->levels);
	return ret;
}

int vtd_unmap(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t len)
{
	int ret;

	if (!is_range(iova, len, v->width))
		return -EINVAL;
	ret = split(v, d, iova);
	if (!ret)
		ret = split(v, d, iova + len);
	return ret ? ret : vtd_table_clear(v, d, iova, len);
}
