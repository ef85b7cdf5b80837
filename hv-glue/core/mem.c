/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Pages below 4 GiB: a bit each for "free" and for "known to be zero". Small requests come from the
 * bottom and large ones from the top, so that tables do not break up what guests need in one piece.
 */
#include "boot.h"

#define PAGES	(UINT64_C(1) << 20)
#define LOWEST	256u /* the first MiB is firmware's and the AP page's */
#define LARGE	512u /* pages: 2 MiB */
#define PER_MAP 64u

static struct {
	struct spin lock;
	uint64_t free[PAGES / PER_MAP], zero[PAGES / PER_MAP];
	size_t low, high; /* pages that were ever free lie in between */
	size_t left, total;
} m;

static bool get(const uint64_t *map, size_t page)
{
	return map[page / PER_MAP] >> (page % PER_MAP) & 1;
}

static void set(uint64_t *map, size_t page, bool to)
{
	uint64_t bit = UINT64_C(1) << (page % PER_MAP);

	if (to)
		map[page / PER_MAP] |= bit;
	else
		map[page / PER_MAP] &= ~bit;
}

/* A word at a time where it can be: there are many pages. */
static void mark(uint64_t page, uint64_t end, bool free)
{
	uint64_t none = free ? 0 : UINT64_MAX;

	while (page < end) {
		if (!(page % PER_MAP) && end - page >= PER_MAP && m.free[page / PER_MAP] == none) {
			m.free[page / PER_MAP] = ~none;
			m.left += free ? PER_MAP : -(size_t)PER_MAP;
			page += PER_MAP;
			continue;
		}
		m.left += (size_t)free - get(m.free, page);
		set(m.free, page++, free);
	}
}

/* The page at or behind the address, PAGES at most. */
static uint64_t page_up(uint64_t addr)
{
	return addr >= PAGES * VCPU_PAGE ? PAGES : (addr + VCPU_PAGE - 1) / VCPU_PAGE;
}

void mem_add(uint64_t base, uint64_t len)
{
	uint64_t page = page_up(base), end = base + len < base ? UINT64_MAX : base + len;

	end = end / VCPU_PAGE < PAGES ? end / VCPU_PAGE : PAGES;
	page = page < LOWEST ? LOWEST : page;
	if (page >= end)
		return;
	m.low = !m.low || page < m.low ? page : m.low;
	m.high = end > m.high ? end : m.high;
	mark(page, end, true);
}

void mem_reserve(uint64_t base, uint64_t len)
{
	mark(base / VCPU_PAGE, page_up(base + len < base ? UINT64_MAX : base + len), false);
}

void mem_ready(void)
{
	m.total = m.left;
}

/* The first page of @n from @page on that is not free; @page + @n: all are. */
static size_t first_used(size_t page, size_t n)
{
	size_t end = page + n;

	while (page < end) {
		if (!(page % PER_MAP) && end - page >= PER_MAP && !~m.free[page / PER_MAP])
			page += PER_MAP;
		else if (get(m.free, page))
			page++;
		else
			break;
	}
	return page;
}

/* A place for @n pages; 0: none. */
static size_t find_low(size_t n, size_t align)
{
	size_t page = (m.low + align - 1) & ~(align - 1);

	while (page + n <= m.high) {
		size_t used = first_used(page, n);

		if (used == page + n)
			return page;
		used += !m.free[used / PER_MAP] ? PER_MAP - used % PER_MAP : 1;
		page = (used + align - 1) & ~(align - 1);
	}
	return 0;
}

static size_t find_high(size_t n, size_t align)
{
	if (m.high < n)
		return 0;
	for (size_t page = (m.high - n) & ~(align - 1); page >= m.low && page; page -= align) {
		if (first_used(page, n) == page + n)
			return page;
		if (page < align)
			break;
	}
	return 0;
}

static void clear(size_t page, size_t n)
{
	uint64_t *p = (uint64_t *)(page * VCPU_PAGE);
	size_t words = n * VCPU_PAGE / sizeof(*p);

	__asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(0) : "memory");
}

void *mem_alloc(size_t pages, size_t align)
{
	size_t page;

	if (!pages || pages > PAGES || !align || align > PAGES || (align & (align - 1)))
		return NULL;
	spin_lock(&m.lock);
	if (pages > m.left)
		page = 0;
	else if (pages >= LARGE || align >= LARGE)
		page = find_high(pages, align);
	else
		page = find_low(pages, align);
	for (size_t i = 0; page && i < pages; i++)
		set(m.free, page + i, false);
	m.left -= page ? pages : 0;
	spin_unlock(&m.lock);
	/* They are the caller's alone from here on. */
	for (size_t i = 0; page && i < pages; i++)
		if (!get(m.zero, page + i))
			clear(page + i, 1);
	return (void *)(page * VCPU_PAGE);
}

void mem_free(void *p, size_t pages)
{
	size_t page = (uintptr_t)p / VCPU_PAGE, taken = 0;

	if (!p || !pages)
		return;
	if ((uintptr_t)p % VCPU_PAGE || page < m.low || pages > m.high || page > m.high - pages)
		taken = 1;
	for (size_t i = 0; !taken && i < pages; i++)
		taken = get(m.free, page + i);
	if (taken) {
		core_log(OS_LOG_ERR, "%lu pages at %p are given back that were not taken: kept",
			 pages, p);
		return;
	}
	clear(page, pages);
	spin_lock(&m.lock);
	for (size_t i = 0; i < pages; i++) {
		set(m.free, page + i, true);
		set(m.zero, page + i, true);
	}
	m.left += pages;
	spin_unlock(&m.lock);
}

size_t mem_free_pages(void)
{
	return m.left;
}

size_t mem_total_pages(void)
{
	return m.total;
}
