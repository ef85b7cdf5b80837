/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A VT-d unit over fake_os: registers, the walk of its tables, and all the caches that hardware may
 * have (contexts, translations, upper levels, interrupt entries, its view of memory past the CPU's
 * caches). It keeps whatever it is not told to forget, so that a missing flush shows.
 */
#ifndef SLUICE_TESTS_UNIT_VTD_SIM_H
#define SLUICE_TESTS_UNIT_VTD_SIM_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_os.h"
#include "hw/vtd.h"
#include "vtd.h"

#define SIM_FRO	  0x220u
#define SIM_IRO	  0x100u
#define SIM_PAGES 8192 /* of memory that the unit sees by flushes alone */
#define SIM_TLB	  16384
#define SIM_SIDS  65536

/* What the unit is; see vtd_sim_default. */
struct sim_caps {
	unsigned int nd, sagaw, mgaw, nfr, mamv;
	bool rwbf, cm, page_2m, psi, drain, pmr;
	bool coherent, qi, ir, eim, pass, snoop;
};
extern const struct sim_caps vtd_sim_default;

struct sim_ctx {
	bool cached;
	uint64_t lo, hi;
};
struct sim_tlb {
	bool cached, present;
	uint16_t did;
	uint64_t page, phys; /* page: of the iova */
	uint32_t perm;
};
struct sim_pde { /* an upper level's entry: where the table of level 1 is */
	bool cached;
	uint16_t did;
	uint64_t at, table;
};
struct sim_page {
	uint64_t page;
	uint8_t data[VTD_PAGE];
};

/* Made by vtd_sim_new(), in dev->user; switches are for tests to set, the rest to look at. */
struct vtd_sim {
	struct os_dev *dev;
	struct sim_caps caps;
	struct vtd *v;
	void *mem;
	/* switches */
	uint32_t stuck;	 /* GCMD bits that are never followed */
	bool stuck_inv;	 /* no invalidation ever ends */
	bool refuse_inv; /* each is refused */
	bool stuck_pmen; /* protected memory stays on */
	/* to look at */
	unsigned int ccs, tlbs, iecs, wbfs;
	unsigned int tlb_kinds[4]; /* by VTD_TLB_... */
	bool drained;		   /* every IOTLB request asked for it */
	unsigned int iq_head, fri, next_rec;
	uint64_t root, irt;
	struct sim_ctx ctx[SIM_SIDS];
	struct sim_tlb tlb[SIM_TLB];
	struct sim_pde pde[SIM_TLB];
	struct {
		bool cached;
		uint64_t lo, hi;
	} irte[VTD_IRTES];
	unsigned int npages;
	struct sim_page page[SIM_PAGES];
};

struct vtd_sim *vtd_sim_new(const struct sim_caps *caps);
/* vtd_init() and vtd_start() succeed. */
void vtd_sim_up(struct vtd_sim *s, const struct vtd_config *cfg);
/* vtd_stop() if there is a unit; fails the test when a page was not given back. */
void vtd_sim_free(struct vtd_sim *s);

/* A DMA of @source; false: blocked, and recorded. Translation off: passes as it is. */
bool vtd_sim_dma(struct vtd_sim *s, uint16_t source, uint64_t iova, bool write, uint64_t *phys);
/* An MSI: the vector, and the CPU; 0: blocked, and recorded. */
unsigned int vtd_sim_msi(struct vtd_sim *s, uint16_t source, uint64_t addr, uint32_t data,
			 uint32_t *apic);
uint32_t vtd_sim_reg(const struct vtd_sim *s, uint32_t reg);
void vtd_sim_fault(struct vtd_sim *s, uint16_t source, uint8_t reason, bool write, uint64_t addr);

#endif
