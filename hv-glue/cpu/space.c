/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's physical memory in pages of 4 KiB, 2 MiB and 1 GiB: extended (SDM 3C 29.3) and nested
 * page tables (APM 15.25) are the same tree of four levels, with other bits in its entries.
 *
 * A table that was linked stays until the space goes: a CPU may be walking it, or hold its address
 * in a paging-structure cache. So a large page never replaces a table either.
 */
#include "base/errno.h"
#include "glue/vcpu.h"
#include "hw/x86.h"

#define LEVELS	4u
#define ENTRIES 512u
#define GPA_END BIT64(48)

/* Both formats have the page's address and the mark of a large page at the same place. */
#define ADDR  X86_PTE_ADDR
#define LARGE X86_PTE_PS

static uint64_t span(unsigned int level)
{
	return BIT64(12 + 9 * level);
}

static bool present(const struct vcpu_space *s, uint64_t e)
{
	return e & s->format->table;
}

static bool is_table(const struct vcpu_space *s, uint64_t e, unsigned int level)
{
	return level && present(s, e) && !(e & LARGE);
}

static uint64_t *table_of(uint64_t e)
{
	return (uint64_t *)(uintptr_t)(e & ADDR);
}

/* The entry of @gpa at the lowest level that there is; *@level is its. */
static uint64_t *find(const struct vcpu_space *s, uint64_t gpa, unsigned int *level)
{
	uint64_t *table = s->root;

	for (unsigned int l = LEVELS - 1;; l--) {
		uint64_t *e = &table[gpa >> (12 + 9 * l) & (ENTRIES - 1)];

		*level = l;
		if (!is_table(s, *e, l))
			return e;
		table = table_of(*e);
	}
}

/* Another CPU may be walking: the entry, and what it points to, is complete before it is seen. */
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

int vcpu_space_init(struct vcpu_space *s, const struct vcpu_format *format,
		    const struct vcpu_mem *mem, uint32_t caps)
{
	*s = (struct vcpu_space){.format = format, .mem = mem, .caps = caps, .generation = 1};
	s->root = new_table(s);
	return s->root ? 0 : -ENOMEM;
}

static void free_table(struct vcpu_space *s, uint64_t *t, unsigned int level)
{
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (is_table(s, t[i], level))
			free_table(s, table_of(t[i]), level - 1);
	}
	s->mem->free(s->mem->ctx, t);
	s->pages--;
}

void vcpu_space_fini(struct vcpu_space *s)
{
	if (s->root)
		free_table(s, s->root, LEVELS - 1);
	s->root = NULL;
}

/* A table below @e at @level, that maps what the leaf there mapped, or nothing. */
static bool push_down(struct vcpu_space *s, uint64_t *e, unsigned int level)
{
	uint64_t *t = new_table(s), leaf = *e;

	if (!t)
		return false;
	if (level == 1)
		leaf &= ~LARGE;
	for (unsigned int i = 0; present(s, leaf) && i < ENTRIES; i++)
		t[i] = leaf + i * span(level - 1);
	store(e, (uintptr_t)t | s->format->table);
	return true;
}

/* True when a page of @level may start at both @addresses, with so much @left to map. */
static bool fits(const struct vcpu_space *s, unsigned int level, uint64_t addresses, uint64_t left)
{
	static const uint32_t caps[LEVELS] = {0, VCPU_CAP_2M, VCPU_CAP_1G, 0};

	if (level && !(s->caps & caps[level]))
		return false;
	return !(addresses & (span(level) - 1)) && left >= span(level);
}

static bool range_ok(uint64_t at, uint64_t len, uint64_t end)
{
	return len && !((at | len) & (VCPU_PAGE - 1)) && at < end && len <= end - at;
}

static bool any_mapped(const struct vcpu_space *s, uint64_t at, uint64_t end)
{
	unsigned int level;

	for (; at < end; at = (at | (span(level) - 1)) + 1) {
		if (present(s, *find(s, at, &level)))
			return true;
	}
	return false;
}

int vcpu_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
	     enum vcpu_memtype type)
{
	const struct vcpu_format *f = s->format;
	uint64_t bits = f->leaf | (type == VCPU_WB ? f->wb : f->uc), done = 0;
	unsigned int level;

	/* Neither format has a page that can be written or executed and not read. */
	if (!range_ok(gpa, len, GPA_END) || !range_ok(hpa, len, ADDR) || !(perm & VCPU_R) ||
	    (perm & ~(uint32_t)(VCPU_R | VCPU_W | VCPU_X)) || (type != VCPU_WB && type != VCPU_UC))
		return -EINVAL;
	if (any_mapped(s, gpa, gpa + len))
		return -EEXIST;
	bits ^= (perm & VCPU_W ? f->write : 0) ^ (perm & VCPU_X ? f->fetch : 0);
	while (done < len) {
		uint64_t *e = find(s, gpa + done, &level);

		if (fits(s, level, (gpa + done) | (hpa + done), len - done)) {
			store(e, (hpa + done) | bits | (level ? LARGE : 0));
			done += span(level);
		} else if (!push_down(s, e, level)) {
			/* Own leaves alone: nothing is split, this cannot fail. */
			if (done && vcpu_unmap(s, gpa, done))
				return -EINVAL;
			return -ENOMEM;
		}
	}
	s->generation++;
	return 0;
}

/* Makes @gpa a border between pages. */
static int split_at(struct vcpu_space *s, uint64_t gpa)
{
	unsigned int level;

	while (gpa < GPA_END) {
		uint64_t *e = find(s, gpa, &level);

		if (!present(s, *e) || !(gpa & (span(level) - 1)))
			break;
		if (!push_down(s, e, level))
			return -ENOMEM;
	}
	return 0;
}

int vcpu_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	uint64_t end = gpa + len;
	unsigned int level;

	if (!range_ok(gpa, len, GPA_END))
		return -EINVAL;
	/* Both ends first: what fails has changed nothing. */
	if (split_at(s, gpa) || split_at(s, end))
		return -ENOMEM;
	for (; gpa < end; gpa = (gpa | (span(level) - 1)) + 1)
		store(find(s, gpa, &level), 0);
	s->generation++;
	return 0;
}

uint64_t vcpu_walk(const struct vcpu_space *s, uint64_t gpa, uint32_t *perm,
		   enum vcpu_memtype *type)
{
	const struct vcpu_format *f = s->format;
	unsigned int level = 0;
	uint64_t e = gpa < GPA_END ? *find(s, gpa, &level) : 0, low = span(level) - 1;

	if (!present(s, e)) {
		*perm = 0;
		return 0;
	}
	*perm = VCPU_R | ((e ^ f->leaf) & f->write ? (uint32_t)VCPU_W : 0) |
		((e ^ f->leaf) & f->fetch ? (uint32_t)VCPU_X : 0);
	*type = (e & (f->wb | f->uc)) == f->wb ? VCPU_WB : VCPU_UC;
	return (e & ADDR & ~low) | (gpa & low);
}
