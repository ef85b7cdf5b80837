/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Nested page tables, APM 15.25: long mode's format, four levels. Every access through them counts
 * as a user's, so each entry has U set.
 *
 * A table that was linked stays until the space ends: another CPU may be walking it.
 */
#include "svm_priv.h"

#include "base/errno.h"

#define LEVELS	4
#define ENTRIES 512u
#define GPA_END BIT64(48)
#define TABLE	(X86_PTE_P | X86_PTE_W | X86_PTE_U)

static uint64_t span(unsigned int level)
{
	return BIT64(12 + 9 * level);
}

static bool is_leaf(uint64_t e, unsigned int level)
{
	return !level || (e & X86_PTE_PS);
}

static uint64_t *table_of(uint64_t e)
{
	return (uint64_t *)(uintptr_t)(e & X86_PTE_ADDR);
}

/* Whole, and after what it points to was written: a CPU may be walking here. */
static void store(uint64_t *e, uint64_t val)
{
	__asm__ volatile("" : : : "memory");
	*(volatile uint64_t *)e = val;
}

/* The entry for @gpa at the lowest level that there is; *@level is its. */
static uint64_t *find(const struct vcpu_space *s, uint64_t gpa, unsigned int *level)
{
	uint64_t *table = s->root;

	for (unsigned int l = LEVELS - 1;; l--) {
		uint64_t *e = &table[gpa >> (12 + 9 * l) & (ENTRIES - 1)];

		*level = l;
		if (!(*e & X86_PTE_P) || is_leaf(*e, l))
			return e;
		table = table_of(*e);
	}
}

uint64_t *svm_leaf(const struct vcpu_space *s, uint64_t gpa, unsigned int *level)
{
	uint64_t *e = gpa < GPA_END ? find(s, gpa, level) : NULL;

	return e && (*e & X86_PTE_P) ? e : NULL;
}

int svm_space_init(struct vcpu_space *s, const struct vcpu_mem *mem, uint32_t caps)
{
	*s = (struct vcpu_space){.mem = mem, .caps = caps};
	s->root = mem->alloc(mem->ctx);
	if (!s->root)
		return -ENOMEM;
	s->pages = 1;
	return 0;
}

static void free_table(struct vcpu_space *s, uint64_t *table, unsigned int level)
{
	for (unsigned int i = 0; level && i < ENTRIES; i++)
		if ((table[i] & X86_PTE_P) && !is_leaf(table[i], level))
			free_table(s, table_of(table[i]), level - 1);
	s->mem->free(s->mem->ctx, table);
	s->pages--;
}

void svm_space_fini(struct vcpu_space *s)
{
	if (s->root)
		free_table(s, s->root, LEVELS - 1);
	s->root = NULL;
}

/* A table below @e at @level, that maps what the leaf there mapped, or nothing. */
static bool push_down(struct vcpu_space *s, uint64_t *e, unsigned int level)
{
	uint64_t *table = s->mem->alloc(s->mem->ctx), old = *e;

	if (!table)
		return false;
	s->pages++;
	if (level == 1)
		old &= ~X86_PTE_PS;
	for (unsigned int i = 0; (old & X86_PTE_P) && i < ENTRIES; i++)
		table[i] = old + i * span(level - 1);
	store(e, (uintptr_t)table | TABLE);
	return true;
}

/* True when a page of @level may start at @gpa. */
static bool fits(const struct vcpu_space *s, unsigned int level, uint64_t addresses, uint64_t left)
{
	static const uint32_t caps[LEVELS] = {0, VCPU_CAP_2M, VCPU_CAP_1G, 0};

	if (level && !(s->caps & caps[level]))
		return false;
	return !(addresses & (span(level) - 1)) && left >= span(level);
}

/* No leaf reaches over @gpa afterwards. */
static int split_at(struct vcpu_space *s, uint64_t gpa)
{
	unsigned int level;
	uint64_t *e;

	if (gpa >= GPA_END)
		return 0;
	for (;;) {
		e = find(s, gpa, &level);
		if (!(*e & X86_PTE_P) || !(gpa & (span(level) - 1)))
			return 0;
		if (!push_down(s, e, level))
			return -ENOMEM;
	}
}

static bool range_ok(uint64_t at, uint64_t len, uint64_t end)
{
	return len && !((at | len) & (VCPU_PAGE - 1)) && at < end && len <= end - at;
}

int svm_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	uint64_t end = gpa + len, at = gpa;
	unsigned int level;

	if (!range_ok(gpa, len, GPA_END))
		return -EINVAL;
	/* Both ends first: what fails has changed nothing. */
	if (split_at(s, gpa) || split_at(s, end))
		return -ENOMEM;
	while (at < end) {
		store(find(s, at, &level), 0);
		at = (at | (span(level) - 1)) + 1;
	}
	s->generation++;
	return 0;
}

static bool any_mapped(const struct vcpu_space *s, uint64_t gpa, uint64_t len)
{
	uint64_t at = gpa;
	unsigned int level;

	while (at < gpa + len) {
		if (*find(s, at, &level) & X86_PTE_P)
			return true;
		at = (at | (span(level) - 1)) + 1;
	}
	return false;
}

/* PAT entry 3 of the host is uncached, 0 write-back, as after reset: APM 7.8.2. */
static uint64_t bits_of(uint32_t perm, enum vcpu_memtype type)
{
	uint64_t bits = X86_PTE_P | X86_PTE_U;

	bits |= perm & VCPU_W ? X86_PTE_W : 0;
	bits |= perm & VCPU_X ? 0 : X86_PTE_NX;
	bits |= type == VCPU_UC ? X86_PTE_PCD | X86_PTE_PWT : 0;
	return bits;
}

int svm_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
	    enum vcpu_memtype type)
{
	uint64_t bits = bits_of(perm, type), done = 0;
	unsigned int level;

	/* What is present is readable in this format. */
	if (!range_ok(gpa, len, GPA_END) || !range_ok(hpa, len, X86_PTE_ADDR) || !(perm & VCPU_R) ||
	    (perm & ~(uint32_t)(VCPU_R | VCPU_W | VCPU_X)) || (type != VCPU_UC && type != VCPU_WB))
		return -EINVAL;
	if (any_mapped(s, gpa, len))
		return -EEXIST;
	while (done < len) {
		uint64_t *e = find(s, gpa + done, &level);

		if (!fits(s, level, (gpa + done) | (hpa + done), len - done)) {
			if (push_down(s, e, level))
				continue;
			/* Own leaves alone: nothing is split, this cannot fail. */
			if (done && svm_unmap(s, gpa, done))
				return -EINVAL;
			return -ENOMEM;
		}
		store(e, (hpa + done) | bits | (level ? X86_PTE_PS : 0));
		done += span(level);
	}
	s->generation++;
	return 0;
}

uint64_t svm_walk(const struct vcpu_space *s, uint64_t gpa, uint32_t *perm)
{
	unsigned int level;
	uint64_t *e = svm_leaf(s, gpa, &level), mask;

	if (!e)
		return 0;
	mask = span(level) - 1;
	if (perm)
		*perm = VCPU_R | (*e & X86_PTE_W ? (uint32_t)VCPU_W : 0) |
			(*e & X86_PTE_NX ? 0 : (uint32_t)VCPU_X);
	return (*e & X86_PTE_ADDR & ~mask) | (gpa & mask);
}
