/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the driver's files share: the unit, its domains, and the calls between them. */
#ifndef SLUICE_VTD_PRIV_H
#define SLUICE_VTD_PRIV_H

#include "base/errno.h"
#include "hw/vtd.h"
#include "os/barrier.h"
#include "os/poll.h"
#include "vtd.h"

/* Hardware answers within microseconds; the bound is for one that does not, or that is emulated. */
#define VTD_STEP_US  5
#define VTD_LIMIT_US 1000000

#define VTD_DID_PASS  1 /* 0 is the unit's own with caching mode, 6.1 */
#define VTD_DID_FIRST 2

/*
 * A second-level table: what the unit reads, then, but for level 1, where its tables are for us. An
 * entry that has a child and neither R nor W was taken out and waits for a flush before its memory
 * is given back.
 */
struct vtd_table {
	le64 e[VTD_SL_LEN];
	struct vtd_table *child[VTD_SL_LEN];
};
_Static_assert(offsetof(struct vtd_table, child) == VTD_PAGE, "a table is a page for the unit");

/* In struct vtd; used from vtd_domain_alloc() to vtd_domain_free(). */
struct vtd_domain {
	struct vtd_table *top; /* NULL: not used */
	uint64_t top_iova;
	uint16_t did;
	unsigned int functions; /* contexts that name it */
};

/* As struct vtd_table: context tables by bus. */
struct vtd_root {
	struct vtd_pair e[256];
	struct vtd_pair *ctx[256];
};

/* The caller's memory, from vtd_init() to vtd_stop(); one thread. */
struct vtd {
	struct os_dev *dev;
	struct vtd_config cfg;
	struct vtd_info info;
	uint32_t fro, iro; /* offsets of fault and IOTLB registers */
	uint8_t levels;
	uint8_t levels_max; /* for pass-through contexts */
	uint8_t width;	    /* bits of an iova */
	uint8_t psi_order;  /* the largest for a page-selective invalidation */
	bool psi, wbf, drain_rd, drain_wr, pass;
	bool begun; /* vtd_start() was called: the unit may know the tables */
	bool on;    /* invalidations reach it */
	bool late; /* an invalidation was not answered in time: it has to be over before the next */
	bool stale; /* a flush failed: flush all before anything new is trusted */
	struct os_dma root, irt, iq;
	unsigned int iq_tail;
	unsigned int next_fault; /* record that comes next */
	uint32_t iq_seq;
	struct vtd_domain domain[VTD_DOMAINS_MAX];
};

/* Where the wait descriptor's status goes: behind the queue's page. */
#define VTD_IQ_STATUS VTD_PAGE

static inline struct vtd_root *vtd_root(const struct vtd *v)
{
	return v->root.va;
}

static inline struct vtd_pair *vtd_irte(const struct vtd *v, int index)
{
	return (struct vtd_pair *)v->irt.va + index;
}

/* regs.c: 0 or -ETIMEDOUT. */
void vtd_wr64(struct vtd *v, uint32_t reg, uint64_t val);
int vtd_command(struct vtd *v, uint32_t bit, bool set) must_check;
int vtd_write_buffer_flush(struct vtd *v) must_check; /* nothing where none is needed */

/*
 * cache.c: lines of @p to memory, whose reader does not snoop. In a file of its own, so that a test
 * can stand in for it.
 */
void vtd_cache_flush(const void *p, size_t len);
/* regs.c: one entry, in one store, visible to the unit (write buffers apart). */
void vtd_store(struct vtd *v, le64 *e, uint64_t val);
void vtd_sync(struct vtd *v, const void *p, size_t len);

/* queue.c */
int vtd_queue_on(struct vtd *v) must_check;
int vtd_queue_run(struct vtd *v, uint64_t lo, uint64_t hi) must_check;

/* inval.c: by the queue or by registers; nothing before vtd_start(). -ETIMEDOUT, -EIO. */
int vtd_cc_all(struct vtd *v) must_check;
int vtd_cc_one(struct vtd *v, uint16_t did, uint16_t source) must_check;
int vtd_tlb_all(struct vtd *v) must_check;
int vtd_tlb_domain(struct vtd *v, uint16_t did) must_check;
int vtd_tlb_range(struct vtd *v, uint16_t did, uint64_t iova, uint64_t len) must_check;
int vtd_iec_all(struct vtd *v) must_check;
int vtd_iec_one(struct vtd *v, int index) must_check;
/* After a flush that failed: flushes all again and frees what waited for it. */
int vtd_settle(struct vtd *v) must_check;

/* table.c; a range of @phys 0 and @perm 0 is for taking out. */
struct vtd_range {
	uint64_t iova, phys, len, perm;
};
struct vtd_table *vtd_table_new(struct vtd *v, unsigned int level, uint64_t *iova);
void vtd_table_free(struct vtd *v, struct vtd_table *t, uint64_t iova, unsigned int level);
/* Takes out whole pages, flushes, frees tables that became empty. -ETIMEDOUT, -EIO. */
int vtd_table_clear(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t len) must_check;
/* Frees what was taken out of @t, a top; only when no cache knows it. */
void vtd_table_reap(struct vtd *v, struct vtd_table *t, unsigned int level);

static inline uint64_t vtd_span(unsigned int level) /* bytes that an entry stands for */
{
	return BIT64(12 + 9 * (level - 1));
}

static inline unsigned int vtd_index(uint64_t iova, unsigned int level)
{
	return (unsigned int)(iova / vtd_span(level)) & (VTD_SL_LEN - 1);
}

static inline bool vtd_is_present(uint64_t e)
{
	return e & (VTD_SL_R | VTD_SL_W);
}

static inline bool vtd_is_leaf(uint64_t e, unsigned int level)
{
	return vtd_is_present(e) && (level == 1 || e & VTD_SL_PS);
}

#endif
