/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Extended page tables: a guest's physical memory in pages of 4 KiB, 2 MiB and 1 GiB (SDM 3C 29.3).
 *
 * A table stays until the space goes: a CPU may hold its address in a paging-structure cache until
 * its next INVEPT, so that a large page never replaces a table either.
 */
#include "vtx_priv.h"

#include "base/errno.h"

#define ROOT_LEVEL 3u
#define GPA_END	   BIT64(48)
#define ENTRIES	   512u

static uint64_t span(unsigned int level)
{
	return UINT64_C(1) << (12 + 9 * level);
}

static bool present(uint64_t e)
{
	return e & VMX_EPT_RWX;
}

static bool is_table(uint64_t e, unsigned int level)
{
	return level && present(e) && !(e & VMX_EPT_LARGE);
}

static uint64_t *table_of(uint64_t e)
{
	return (uint64_t *)(uintptr_t)(e & VMX_EPT_ADDR);
}

/* The entry of @gpa at @level, or above it where there is no table below; *@at its level. */
static uint64_t *find(const struct vcpu_space *s, uint64_t gpa, unsigned int level,
		      unsigned int *at)
{
	uint64_t *table = s->root;

	for (unsigned int l = ROOT_LEVEL;; l--) {
		uint64_t *e = &table[gpa >> (12 + 9 * l) & (ENTRIES - 1)];

		*at = l;
		if (l == level || !is_table(*e, l))
			return e;
		table = table_of(*e);
	}
}

/* Another CPU may be walking: the entry is complete before it is seen. */
static void store(uint64_t *e, uint64_t val)
{
	__atomic_store_n(e, val, __ATOMIC_RELEASE);
}

static uint64_t *new_table(struct vcpu_space *s)
{
	uint64_t *t = s->mem->alloc(s->mem->ctx);

	s->pages += t ? 1 : 0;
	return t;
}

int vtx_space_init(struct vcpu_space *s, const struct vcpu_mem *mem, uint32_t caps)
{
	*s = (struct vcpu_space){.mem = mem, .caps = caps, .generation = 1};
	s->root = new_table(s);
	return s->root ? 0 : -ENOMEM;
}

static void free_table(struct vcpu_space *s, uint64_t *t, unsigned int level)
{
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (is_table(t[i], level))
			free_table(s, table_of(t[i]), level - 1);
	}
	s->mem->free(s->mem->ctx, t);
}

void vtx_space_fini(struct vcpu_space *s)
{
	if (s->root)
		free_table(s, s->root, ROOT_LEVEL);
	*s = (struct vcpu_space){0};
}

static bool range_ok(uint64_t gpa, uint64_t len)
{
	return len && !((gpa | len) & (VCPU_PAGE - 1)) && gpa < GPA_END && len <= GPA_END - gpa;
}

static bool any_mapped(const struct vcpu_space *s, uint64_t gpa, uint64_t end)
{
	while (gpa < end) {
		unsigned int at;

		if (present(*find(s, gpa, 0, &at)))
			return true;
		gpa = (gpa | (span(at) - 1)) + 1;
	}
	return false;
}

/* The highest level whose pages the CPU has and that @gpa, @hpa and @len allow. */
static unsigned int largest(const struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len)
{
	unsigned int l = s->caps & VCPU_CAP_1G ? 2 : s->caps & VCPU_CAP_2M ? 1 : 0;

	while (l && (((gpa | hpa) & (span(l) - 1)) || len < span(l)))
		l--;
	return l;
}

/* One page of what is left of a mapping; *@len: its size. */
static int map_one(struct vcpu_space *s, uint64_t gpa, uint64_t leaf, uint64_t *len)
{
	unsigned int level = largest(s, gpa, leaf & VMX_EPT_ADDR, *len), at;
	uint64_t *e = find(s, gpa, level, &at);

	while (at == level && is_table(*e, at))
		e = find(s, gpa, --level, &at);
	while (at > level) {
		uint64_t *t = new_table(s);

		if (!t)
			return -ENOMEM;
		store(e, (uint64_t)(uintptr_t)t | VMX_EPT_RWX);
		e = find(s, gpa, level, &at);
	}
	store(e, level ? leaf | VMX_EPT_LARGE : leaf);
	*len = span(level);
	return 0;
}

int vtx_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
	    enum vcpu_memtype type)
{
	uint64_t attr = perm | (uint64_t)type << VMX_EPT_TYPE_SHIFT, done = 0;

	if (!range_ok(gpa, len) || (hpa & ~VMX_EPT_ADDR) || len > VMX_EPT_ADDR - hpa)
		return -EINVAL;
	/* Write without read is a misconfiguration, 29.3.3.1; fetch alone is not wanted. */
	if (!(perm & VCPU_R) || (perm & ~(uint32_t)VMX_EPT_RWX))
		return -EINVAL;
	if (type != VCPU_WB && type != VCPU_UC)
		return -EINVAL;
	if (any_mapped(s, gpa, gpa + len))
		return -EEXIST;
	/* No aliases of RAM with another type than the host's: the guest's PAT does not count. */
	attr |= type == VCPU_WB ? VMX_EPT_IGNORE_PAT : 0;
	while (done < len) {
		uint64_t step = len - done;
		int ret = map_one(s, gpa + done, (hpa + done) | attr, &step);

		if (ret) {
			if (done && vtx_unmap(s, gpa, done))
				return -EINVAL;
			return ret;
		}
		done += step;
	}
	s->generation++;
	return 0;
}

/* Makes @gpa a border between pages. */
static int split_at(struct vcpu_space *s, uint64_t gpa)
{
	for (;;) {
		unsigned int at;
		uint64_t *e = find(s, gpa, 0, &at), *t;
		uint64_t leaf = *e;

		if (!present(leaf) || !(gpa & (span(at) - 1)))
			return 0;
		t = new_table(s);
		if (!t)
			return -ENOMEM;
		if (at == 1)
			leaf &= ~VMX_EPT_LARGE;
		for (uint64_t i = 0; i < ENTRIES; i++)
			t[i] = leaf + i * span(at - 1);
		store(e, (uint64_t)(uintptr_t)t | VMX_EPT_RWX);
	}
}

int vtx_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	uint64_t end = gpa + len;
	int ret;

	if (!range_ok(gpa, len))
		return -EINVAL;
	ret = split_at(s, gpa);
	if (!ret && end < GPA_END)
		ret = split_at(s, end);
	while (!ret && gpa < end) {
		unsigned int at;
		uint64_t *e = find(s, gpa, 0, &at);

		store(e, 0);
		gpa = (gpa | (span(at) - 1)) + 1;
	}
	s->generation++;
	return ret;
}

uint64_t vtx_walk(const struct vcpu_space *s, uint64_t gpa, uint32_t *perm)
{
	unsigned int at;
	uint64_t e = gpa < GPA_END ? *find(s, gpa, 0, &at) : 0;

	*perm = (uint32_t)(e & VMX_EPT_RWX);
	if (!present(e))
		return 0;
	return ((e & VMX_EPT_ADDR) & ~(span(at) - 1)) | (gpa & (span(at) - 1));
}
