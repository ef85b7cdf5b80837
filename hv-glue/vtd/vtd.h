/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * One VT-d remapping unit (Intel Virtualization Technology for Directed I/O specification,
 * rev. 3.x, legacy mode): domains with second-level tables, a context for each function, interrupt
 * remapping, invalidation, faults.
 *
 * Freestanding: the caller gives vtd_size() bytes and an os_dev whose registers are the unit's; its
 * tables come from os_dma_alloc() of that os_dev, for which iova is the physical address. One
 * thread at a time. Everything that needs an invalidation does it before it returns: after
 * vtd_unmap() no DMA reaches the page any more. -ETIMEDOUT and -EIO: an invalidation was not
 * finished or was refused; the change is in the tables, but the unit may still act on what was
 * there before. All are flushed again before the next change; until one succeeds, none does.
 */
#ifndef SLUICE_VTD_VTD_H
#define SLUICE_VTD_VTD_H

#include "os/os.h"

#define VTD_DOMAINS_MAX 32
#define VTD_IRTES	256 /* interrupt remapping entries: one page */

struct vtd;
struct vtd_domain;

enum vtd_perm { VTD_R = 1 << 0, VTD_W = 1 << 1 };

struct vtd_config {
	bool no_queue; /* invalidate by registers though the unit has a queue */
	bool x2apic;   /* APIC ids of 32 bits in interrupt entries */
	bool intremap; /* required: vtd_init() fails without */
};

/* What the unit can do, for people. */
struct vtd_info {
	uint32_t version; /* major << 4 | minor */
	uint64_t cap, ecap;
	unsigned int domains, levels, fault_records;
	bool queued, intremap, coherent, snoop, caching, pages_2m, protected_memory;
};

struct vtd_fault {
	uint16_t source; /* bus << 8 | devfn */
	uint8_t reason;	 /* specification, appendix A; vtd_fault_text() */
	bool write, interrupt;
	uint64_t addr; /* page address; of an interrupt fault the index */
};

size_t vtd_size(void);
/*
 * Reads and checks capabilities; changes nothing. @mem: vtd_size() bytes, 64-aligned, zeroed.
 * 0; -ENODEV: no unit there; -EOPNOTSUPP with *@why (may be NULL), a sentence: what is missing and
 * where to switch it on; -ENOMEM.
 */
int vtd_init(void *mem, struct os_dev *dev, const struct vtd_config *cfg, struct vtd **out,
	     const char **why) must_check;
/*
 * Protected memory regions off, empty root and interrupt tables in place, all caches invalidated,
 * translation and interrupt remapping on (compatibility format blocked): from here on no DMA and no
 * MSI passes that was not allowed. -ETIMEDOUT: a register did not follow.
 */
int vtd_start(struct vtd *v) must_check;
/* Translation and remapping off, tables freed, domains too: only vtd_init() comes after it. */
void vtd_stop(struct vtd *v);
void vtd_info(const struct vtd *v, struct vtd_info *info);

/* ---- domains --------------------------------------------------------------------------------- */

/* 0, -ENOSPC (VTD_DOMAINS_MAX or the unit's own limit), -ENOMEM. */
int vtd_domain_alloc(struct vtd *v, struct vtd_domain **out) must_check;
/* -EBUSY: a function is still in it; -ETIMEDOUT, -EIO: the unit may still read its tables. */
int vtd_domain_free(struct vtd *v, struct vtd_domain *d) must_check;
/*
 * @iova, @phys, @len: multiples of 4 KiB, within the domain's width and the unit's; 2 MiB pages
 * where they fit and the unit has them. Neither side may touch fee00000..feefffff, which is for
 * interrupts alone (3.14). -EEXIST: part of it is mapped; -EINVAL; -ENOMEM; -ETIMEDOUT, -EIO;
 * nothing changed.
 */
int vtd_map(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t phys, uint64_t len,
	    uint32_t perm) must_check;
/* What is not mapped is skipped; a 2 MiB page is split. -EINVAL, -ENOMEM: all is mapped as
 * before; -ETIMEDOUT, -EIO. */
int vtd_unmap(struct vtd *v, struct vtd_domain *d, uint64_t iova, uint64_t len) must_check;
/* The physical address that @iova has in the domain, its enum vtd_perm; false: not mapped. */
bool vtd_walk(const struct vtd *v, const struct vtd_domain *d, uint64_t iova, uint64_t *phys,
	      uint32_t *perm);

/* @source (bus << 8 | devfn) into the domain; d NULL: pass-through (-EOPNOTSUPP without ECAP.PT,
 * then the caller maps one to one). -EBUSY: it has a context; -ENOMEM, -ETIMEDOUT, -EIO: nothing
 * changed. */
int vtd_attach(struct vtd *v, uint16_t source, struct vtd_domain *d) must_check;
/* Context entry gone, context cache and the domain's IOTLB flushed. -ENOENT: had none;
 * -ETIMEDOUT, -EIO: the entry is gone, but the unit may still have it. */
int vtd_detach(struct vtd *v, uint16_t source) must_check;
/* Invalidate by hand, for tests of the order: all of it, or a domain's. -ETIMEDOUT, -EIO. */
int vtd_flush_all(struct vtd *v) must_check;
int vtd_flush_domain(struct vtd *v, const struct vtd_domain *d) must_check;

/* ---- interrupts ------------------------------------------------------------------------------ */

/* What an MSI-X entry of the source must hold. */
struct vtd_msi {
	uint64_t addr;
	uint32_t data;
};

/*
 * An interrupt of @source, checked against its source id, to @vector (16..254) of the CPU with APIC
 * id @apic. The index (>= 0) and *@msi; -ENOSPC; -EINVAL: such a vector or id cannot be;
 * -EOPNOTSUPP: no remapping; -ETIMEDOUT.
 */
int vtd_irq_alloc(struct vtd *v, uint16_t source, uint32_t apic, uint8_t vector,
		  struct vtd_msi *msi) must_check;
/* Retargets. -ENOENT: not allocated; -EINVAL; -ETIMEDOUT. */
int vtd_irq_set(struct vtd *v, int index, uint32_t apic, uint8_t vector) must_check;
int vtd_irq_free(struct vtd *v, int index) must_check;
/* How many entries @source has; 0 after a clean detach. */
unsigned int vtd_irq_count(const struct vtd *v, uint16_t source);

/* ---- faults ---------------------------------------------------------------------------------- */

/*
 * Drains up to @n primary fault records, clears them and the overflow. How many; *@lost (may be
 * NULL) is true when the unit had no room for some.
 */
unsigned int vtd_faults(struct vtd *v, struct vtd_fault *f, unsigned int n, bool *lost);
/*
 * Faults by MSI: unmasks; NULL masks. @msi in compatibility format (fee00000 | APIC id << 12, data
 * the vector): what the unit itself raises is not remapped (5.1). With x2apic, bits 31:8 of the id
 * are bits 63:40 of the address. It comes once; the next after vtd_faults() has taken all.
 */
void vtd_fault_irq(struct vtd *v, const struct vtd_msi *msi);
const char *vtd_fault_text(uint8_t reason);

#endif
