/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's physical memory: second-level tables, in the format of either CPU back end. */
#ifndef SLUICE_GLUE_VCPU_SPACE_H
#define SLUICE_GLUE_VCPU_SPACE_H

#include "base/types.h"

#define VCPU_PAGE 4096u

/* Pages, 4 KiB aligned; alloc gives zeroed ones or NULL. */
struct vcpu_mem {
	void *(*alloc)(void *ctx);
	void (*free)(void *ctx, void *page);
	void *ctx;
};

enum vcpu_perm { VCPU_R = 1 << 0, VCPU_W = 1 << 1, VCPU_X = 1 << 2 };
enum vcpu_memtype { VCPU_UC = 0, VCPU_WB = 6 };

/*
 * The bits of its table entries that a CPU's format has, beside address and large-page mark. An
 * entry with none of @table is absent.
 */
struct vcpu_format {
	uint64_t table;	       /* an entry that points to a table */
	uint64_t leaf;	       /* a page that may only be read */
	uint64_t write, fetch; /* of these, what VCPU_W and VCPU_X turn over */
	uint64_t wb, uc;       /* by enum vcpu_memtype */
};

/* Second-level tables; owned by the core, filled by vcpu_space_init. */
struct vcpu_space {
	const struct vcpu_format *format;
	const struct vcpu_mem *mem;
	uint64_t *root;
	uint32_t caps;
	unsigned int pages;  /* tables allocated */
	uint64_t generation; /* changed by map and unmap: a CPU flushes when it saw an older one */
};

/* hv-glue/cpu/space.c. @caps, of enum vcpu_caps: which sizes of pages there may be. 0, -ENOMEM. */
int vcpu_space_init(struct vcpu_space *s, const struct vcpu_format *format,
		    const struct vcpu_mem *mem, uint32_t caps) must_check;
/* Gives all tables back; also when init failed. */
void vcpu_space_fini(struct vcpu_space *s);
/* @gpa, @hpa, @len multiples of 4 KiB; the largest pages that fit. -EEXIST: mapped already (nothing
 * changed), -EINVAL, -ENOMEM (what was mapped of it is unmapped). */
int vcpu_map(struct vcpu_space *s, uint64_t gpa, uint64_t hpa, uint64_t len, uint32_t perm,
	     enum vcpu_memtype type) must_check;
/* Splits larger pages; what is not mapped is skipped. 0; -EINVAL, -ENOMEM (split): nothing changed.
 */
int vcpu_unmap(struct vcpu_space *s, uint64_t gpa, uint64_t len) must_check;
/* The host address of @gpa, its enum vcpu_perm and memory type; 0: not mapped, *@perm is 0. */
uint64_t vcpu_walk(const struct vcpu_space *s, uint64_t gpa, uint32_t *perm,
		   enum vcpu_memtype *type);
/* The guest's memory at @gpa, to the end of the page; NULL: none, or a device's. linear.c. */
const void *vcpu_memory(const struct vcpu_space *s, uint64_t gpa);

#endif
