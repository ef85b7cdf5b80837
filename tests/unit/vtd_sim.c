/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VT-d unit in memory, with caches that forget nothing unless they are told to. */
#include "vtd_sim.h"

#include "vtd_priv.h"

#define ONE_SHOT (VTD_GCMD_SRTP | VTD_GCMD_SIRTP | VTD_GCMD_WBF)

const struct sim_caps vtd_sim_default = {
	.nd = 6,
	.sagaw = 4,
	.mgaw = 48,
	.nfr = 4,
	.mamv = 18,
	.page_2m = true,
	.psi = true,
	.drain = true,
	.pmr = true,
	.coherent = true,
	.qi = true,
	.ir = true,
	.eim = true,
	.pass = true,
	.snoop = true,
};

/* ---- memory as the unit sees it -------------------------------------------------------------- */

static struct vtd_sim *current; /* vtd_cache_flush() has no other way to it */

static bool is_shadowed(const struct vtd_sim *s)
{
	return !s->caps.coherent || s->caps.rwbf;
}

static struct sim_page *page_of(struct vtd_sim *s, uint64_t addr, bool make)
{
	uint64_t page = addr & VTD_ADDR;
	unsigned int i = (unsigned int)(page / VTD_PAGE * 2654435761u % SIM_PAGES);

	while (s->page[i].page && s->page[i].page != page)
		i = (i + 1) % SIM_PAGES;
	if (!s->page[i].page) {
		if (!make)
			return NULL;
		assert_true(++s->npages < SIM_PAGES);
		s->page[i].page = page;
		memset(s->page[i].data, 0xff, VTD_PAGE);
	}
	return &s->page[i];
}

/* What was never written back is garbage to the unit. */
static uint64_t see(struct vtd_sim *s, uint64_t addr)
{
	const struct sim_page *p;
	uint64_t val = UINT64_MAX;

	if (!is_shadowed(s)) {
		memcpy(&val, (const void *)(uintptr_t)addr, sizeof(val));
		return val;
	}
	p = page_of(s, addr, false);
	if (p)
		memcpy(&val, p->data + addr % VTD_PAGE, sizeof(val));
	return val;
}

static void show(struct vtd_sim *s, uint64_t addr, size_t len)
{
	memcpy(page_of(s, addr, true)->data + addr % VTD_PAGE, (const void *)(uintptr_t)addr, len);
}

/* Stands in for the driver's own: lines, as CLFLUSH does. */
void vtd_cache_flush(const void *p, size_t len)
{
	uint64_t at = (uintptr_t)p & ~(uint64_t)(CACHE_LINE - 1);

	assert_non_null(current);
	assert_false(current->caps.coherent);
	for (; at < (uintptr_t)p + len; at += CACHE_LINE)
		show(current, at, CACHE_LINE);
}

static void show_tables(struct vtd_sim *s, uint64_t table, unsigned int level)
{
	const struct vtd_table *t = (const void *)(uintptr_t)table;

	show(s, table, VTD_PAGE);
	for (unsigned int i = 0; level > 1 && i < VTD_SL_LEN; i++) {
		uint64_t e = le64_to_cpu(t->e[i]);

		if (vtd_is_present(e) && !vtd_is_leaf(e, level))
			show_tables(s, e & VTD_ADDR, level - 1);
	}
}

/* Write buffers go to memory: all that hangs from the tables now is seen. */
static void show_all(struct vtd_sim *s)
{
	const struct vtd_root *root = vtd_root(s->v);

	show(s, s->v->root.iova, VTD_PAGE);
	if (s->v->irt.va)
		show(s, s->v->irt.iova, VTD_PAGE);
	for (unsigned int bus = 0; bus < 256; bus++) {
		if (!root->ctx[bus])
			continue;
		show(s, (uintptr_t)root->ctx[bus], VTD_PAGE);
		for (unsigned int i = 0; i < 256; i++) {
			uint64_t lo = le64_to_cpu(root->ctx[bus][i].lo);

			if (lo & VTD_CTX_P && !vtd_get(VTD_CTX_TT, lo))
				show_tables(s, lo & VTD_ADDR, s->v->levels);
		}
	}
}

/* ---- invalidation ---------------------------------------------------------------------------- */

/* Global, or of one function under the domain that its cached entry names (6.5.1.1). */
static void forget_contexts(struct vtd_sim *s, unsigned int g, uint16_t did, uint16_t source)
{
	struct sim_ctx *c = &s->ctx[source];

	s->ccs++;
	if (g == VTD_CC_GLOBAL)
		memset(s->ctx, 0, sizeof(s->ctx));
	else if (c->cached && (!(c->lo & VTD_CTX_P) || vtd_get(VTD_CTX_HI_DID, c->hi) == did))
		c->cached = false;
}

static void forget_tlb(struct vtd_sim *s, uint64_t lo, uint64_t hi)
{
	unsigned int g = (unsigned int)vtd_get(VTD_INV_G, lo), am = hi & VTD_INV_AM;
	uint16_t did = (uint16_t)vtd_get(VTD_INV_DID, lo);
	uint64_t first = hi & VTD_ADDR, last = first + ((uint64_t)VTD_PAGE << am) - 1;

	s->tlbs++;
	s->tlb_kinds[g]++;
	if (g == VTD_TLB_PAGES) {
		assert_true(s->caps.psi && am <= s->caps.mamv);
		assert_int_equal(first & (((uint64_t)VTD_PAGE << am) - 1), 0);
	}
	for (unsigned int i = 0; i < SIM_TLB; i++) {
		struct sim_tlb *t = &s->tlb[i];
		struct sim_pde *p = &s->pde[i];

		if (g == VTD_TLB_GLOBAL ||
		    (t->did == did &&
		     (g == VTD_TLB_DOMAIN || (t->page >= first && t->page <= last))))
			t->cached = false;
		if (g == VTD_TLB_GLOBAL ||
		    (p->did == did &&
		     (g == VTD_TLB_DOMAIN || (p->at <= last && p->at + vtd_span(2) > first))))
			p->cached = false;
	}
}

static void forget_irtes(struct vtd_sim *s, uint64_t lo)
{
	s->iecs++;
	if (lo & VTD_INV_IEC_ONE)
		s->irte[vtd_get(VTD_INV_IEC_IDX, lo) % VTD_IRTES].cached = false;
	else
		memset(s->irte, 0, sizeof(s->irte));
}

/* One descriptor. False: it is not valid. */
static bool descriptor(struct vtd_sim *s, uint64_t lo, uint64_t hi)
{
	uint32_t word = (uint32_t)vtd_get(VTD_INV_STATUS, lo);

	switch (vtd_get(VTD_INV_TYPE, lo)) {
	case VTD_INV_CC:
		forget_contexts(s, (unsigned int)vtd_get(VTD_INV_G, lo),
				(uint16_t)vtd_get(VTD_INV_DID, lo),
				(uint16_t)vtd_get(VTD_INV_CC_SID, lo));
		return !hi;
	case VTD_INV_TLB:
		s->drained &= (lo & VTD_INV_TLB_DR) && (lo & VTD_INV_TLB_DW);
		forget_tlb(s, lo, hi);
		return true;
	case VTD_INV_IEC:
		forget_irtes(s, lo);
		return s->caps.ir && !hi;
	case VTD_INV_WAIT:
		memcpy((void *)(uintptr_t)hi, &word, sizeof(word));
		return lo & VTD_INV_WAIT_SW && !(hi & 3);
	default:
		return false;
	}
}

static void set(struct vtd_sim *s, uint32_t reg, uint32_t val)
{
	s->dev->reg[reg / 4] = val;
}

uint32_t vtd_sim_reg(const struct vtd_sim *s, uint32_t reg)
{
	return s->dev->reg[reg / 4];
}

static void queue_work(struct vtd_sim *s, uint32_t tail)
{
	uint64_t base = vtd_sim_reg(s, VTD_IQA) | (uint64_t)vtd_sim_reg(s, VTD_IQA + 4) << 32;

	assert_int_equal(base & 0xfff, 0); /* one page of 16-byte descriptors */
	while (!s->stuck_inv && s->iq_head != tail / 16) {
		uint64_t d[2];

		memcpy(d, (const void *)(uintptr_t)(base + 16 * s->iq_head), sizeof(d));
		if (s->refuse_inv || !descriptor(s, d[0], d[1])) {
			assert_true(s->refuse_inv);
			set(s, VTD_FSTS, vtd_sim_reg(s, VTD_FSTS) | VTD_FSTS_IQE);
			return;
		}
		s->iq_head = (s->iq_head + 1) % VTD_IQ_LEN;
		set(s, VTD_IQH, 16 * s->iq_head);
	}
}

/* The upper half of CCMD or of IOTLB: what is stored, done or not. */
static uint32_t command(struct vtd_sim *s, uint32_t reg, uint32_t val)
{
	bool cc = reg == VTD_CCMD_HI;
	uint32_t low = vtd_sim_reg(s, VTD_CCMD), g = field_get(VTD_CCMD_CIRG_HI, val);
	uint64_t iva = vtd_sim_reg(s, VTD_IVA(SIM_IRO)) |
		       (uint64_t)vtd_sim_reg(s, VTD_IVA(SIM_IRO) + 4) << 32;

	assert_false(vtd_sim_reg(s, VTD_GSTS) & VTD_GCMD_QIE);
	assert_true(val & BIT(31));
	assert_false(vtd_sim_reg(s, reg) & BIT(31)); /* the one before is over */
	if (s->stuck_inv)
		return val;
	val &= ~BIT(31);
	if (s->refuse_inv)
		return val & ~(cc ? VTD_CCMD_CAIG_HI : VTD_IOTLB_IAIG_HI);
	if (cc) {
		forget_contexts(s, g, (uint16_t)low, (uint16_t)(low >> 16));
		return val | field_prep(VTD_CCMD_CAIG_HI, g);
	}
	g = field_get(VTD_IOTLB_IIRG_HI, val);
	s->drained &= (val & VTD_IOTLB_DR_HI) && (val & VTD_IOTLB_DW_HI);
	forget_tlb(s,
		   vtd_prep(VTD_INV_G, g) | vtd_prep(VTD_INV_DID, field_get(VTD_IOTLB_DID_HI, val)),
		   iva);
	return val | field_prep(VTD_IOTLB_IAIG_HI, g);
}

/* ---- registers ------------------------------------------------------------------------------- */

static void global_command(struct vtd_sim *s, uint32_t val)
{
	uint32_t sts = vtd_sim_reg(s, VTD_GSTS), bits = (sts ^ val) & ~(ONE_SHOT | VTD_GCMD_CFI);
	uint64_t addr;

	bits |= val & ONE_SHOT;
	bits |= (sts ^ val) & VTD_GCMD_CFI;
	assert_false(val & VTD_GCMD_CFI);
	assert_true(!(bits & (bits - 1))); /* one change a write, 10.4.4 */
	if (bits & s->stuck) {
		if (bits & VTD_GCMD_WBF)
			set(s, VTD_GSTS, sts | VTD_GCMD_WBF);
		return;
	}
	if (bits & VTD_GCMD_WBF) {
		s->wbfs++;
		if (s->caps.coherent)
			show_all(s);
		return;
	}
	if (bits & VTD_GCMD_SRTP) {
		addr = vtd_sim_reg(s, VTD_RTADDR) | (uint64_t)vtd_sim_reg(s, VTD_RTADDR + 4) << 32;
		assert_int_equal(addr & 0xfff, 0); /* legacy mode */
		s->root = addr;
	}
	if (bits & VTD_GCMD_SIRTP) {
		addr = vtd_sim_reg(s, VTD_IRTA) | (uint64_t)vtd_sim_reg(s, VTD_IRTA + 4) << 32;
		assert_int_equal(2u << (addr & VTD_IRTA_SIZE), VTD_IRTES);
		s->irt = addr & VTD_ADDR;
	}
	if (bits & VTD_GCMD_QIE) {
		assert_true(!(val & VTD_GCMD_QIE) || !(vtd_sim_reg(s, VTD_IQT) & VTD_IQ_OFFSET));
		s->iq_head = 0;
		set(s, VTD_IQH, 0);
	}
	if (bits & ONE_SHOT)
		sts |= bits;
	else
		sts ^= bits;
	set(s, VTD_GSTS, sts);
}

static uint32_t frcd_flags(const struct vtd_sim *s)
{
	for (unsigned int i = 0; i < s->caps.nfr; i++)
		if (vtd_sim_reg(s, VTD_FRCD(SIM_FRO, i, 3)) & VTD_FRCD_F_3)
			return VTD_FSTS_PPF;
	return 0;
}

static uint32_t on_write(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct vtd_sim *s = dev->user;
	uint32_t old = vtd_sim_reg(s, reg);

	switch (reg) {
	case VTD_GCMD:
		global_command(s, val);
		return val;
	case VTD_CCMD_HI:
	case VTD_IOTLB_HI(SIM_IRO):
		return command(s, reg, val);
	case VTD_IQT:
		if (vtd_sim_reg(s, VTD_GSTS) & VTD_GCMD_QIE)
			queue_work(s, val);
		return val;
	case VTD_FSTS:
		return old & ~(val & (VTD_FSTS_PFO | VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE));
	case VTD_PMEN:
		if (val & VTD_PMEN_EPM || s->stuck_pmen)
			return val | VTD_PMEN_PRS;
		return val & ~VTD_PMEN_PRS;
	default:
		break;
	}
	assert_true(reg == VTD_CCMD || reg == VTD_RTADDR || reg == VTD_RTADDR + 4 ||
		    (reg >= VTD_FECTL && reg <= VTD_FEUADDR) ||
		    (reg >= VTD_IQA && reg <= VTD_IQA + 4) ||
		    (reg >= VTD_IRTA && reg <= VTD_IRTA + 4) ||
		    (reg >= SIM_IRO && reg < SIM_IRO + 16) ||
		    (reg >= SIM_FRO && reg < SIM_FRO + 16 * s->caps.nfr));
	if (reg >= SIM_FRO && reg < SIM_FRO + 16 * s->caps.nfr)
		return (reg & 0xc) == 0xc ? old & ~(val & VTD_FRCD_F_3) : old;
	return val;
}

static uint32_t on_read(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct vtd_sim *s = dev->user;

	if (reg == VTD_FSTS)
		return val | frcd_flags(s) | field_prep(VTD_FSTS_FRI, s->fri);
	return val;
}

/* ---- what devices do ------------------------------------------------------------------------- */

/* 7.2.1: around the records; nothing more after an overflow. */
static void record(struct vtd_sim *s, const uint32_t w[4])
{
	uint32_t fsts = vtd_sim_reg(s, VTD_FSTS);

	if (fsts & VTD_FSTS_PFO)
		return;
	if (vtd_sim_reg(s, VTD_FRCD(SIM_FRO, s->next_rec, 3)) & VTD_FRCD_F_3) {
		set(s, VTD_FSTS, fsts | VTD_FSTS_PFO);
		return;
	}
	if (!frcd_flags(s))
		s->fri = s->next_rec;
	for (unsigned int i = 0; i < 4; i++)
		set(s, VTD_FRCD(SIM_FRO, s->next_rec, i), w[i]);
	s->next_rec = (s->next_rec + 1) % s->caps.nfr;
}

void vtd_sim_fault(struct vtd_sim *s, uint16_t source, uint8_t reason, bool write, uint64_t addr)
{
	uint64_t low = reason >= VTD_FR_IR_FIRST ? addr << 48 : addr & VTD_ADDR;
	const uint32_t w[4] = {(uint32_t)low, (uint32_t)(low >> 32), source,
			       VTD_FRCD_F_3 | (write ? 0 : VTD_FRCD_READ_3) | reason};

	record(s, w);
}

/* Through the context cache; an absent entry is kept with caching mode alone. */
static struct sim_ctx context(struct vtd_sim *s, uint16_t source)
{
	struct sim_ctx *c = &s->ctx[source], got = {0};
	uint64_t root;

	if (c->cached)
		return *c;
	root = see(s, s->root + 16u * (source >> 8));
	if (root & VTD_ROOT_P) {
		got.lo = see(s, (root & VTD_ADDR) + 16u * (source & 0xff));
		got.hi = see(s, (root & VTD_ADDR) + 16u * (source & 0xff) + 8);
	}
	got.cached = got.lo & VTD_CTX_P || s->caps.cm;
	*c = got;
	return got;
}

static struct sim_pde *pde_of(struct vtd_sim *s, uint16_t did, uint64_t iova)
{
	return &s->pde[(iova / vtd_span(2) * 31 + did) % SIM_TLB];
}

/* The walk, from the table of level 1 when its place is cached. */
static void walk(struct vtd_sim *s, const struct sim_ctx *c, uint64_t iova, struct sim_tlb *t)
{
	unsigned int level = (unsigned int)vtd_get(VTD_CTX_HI_AW, c->hi) + 2;
	uint64_t table = c->lo & VTD_ADDR, e;
	struct sim_pde *p = pde_of(s, t->did, iova);

	assert_true(s->caps.sagaw & BIT(level - 2));
	if (p->cached && p->did == t->did && p->at == (iova & ~(vtd_span(2) - 1))) {
		table = p->table;
		level = 1;
	}
	for (;; level--) {
		e = see(s, table + 8u * vtd_index(iova, level));
		if (!vtd_is_present(e) || vtd_is_leaf(e, level))
			break;
		assert_false(e & VTD_SL_SNP);
		table = e & VTD_ADDR;
		if (level == 2)
			*p = (struct sim_pde){true, t->did, iova & ~(vtd_span(2) - 1), table};
	}
	assert_false(vtd_is_leaf(e, level) && level == 2 && !s->caps.page_2m);
	/* With ECAP.SC no DMA may pass the caches by; without it the bit is reserved. */
	if (vtd_is_present(e))
		assert_int_equal(!!(e & VTD_SL_SNP), s->caps.snoop);
	t->present = vtd_is_present(e);
	t->phys = (e & VTD_ADDR & ~(vtd_span(level) - 1)) | (t->page & (vtd_span(level) - 1));
	t->perm = e & (VTD_SL_R | VTD_SL_W);
	t->cached = t->present || s->caps.cm;
}

bool vtd_sim_dma(struct vtd_sim *s, uint16_t source, uint64_t iova, bool write, uint64_t *phys)
{
	uint32_t need = write ? VTD_SL_W : VTD_SL_R;
	struct sim_ctx c;
	struct sim_tlb *t;
	uint16_t did;

	*phys = iova;
	if (!(vtd_sim_reg(s, VTD_GSTS) & VTD_GCMD_TE))
		return true;
	c = context(s, source);
	if (!(c.lo & VTD_CTX_P)) {
		vtd_sim_fault(s, source, VTD_FR_CTX_ABSENT, write, iova);
		return false;
	}
	if (vtd_get(VTD_CTX_TT, c.lo) == VTD_TT_PASS)
		return true;
	did = (uint16_t)vtd_get(VTD_CTX_HI_DID, c.hi);
	assert_true(did && did < 1u << (4 + 2 * s->caps.nd));
	t = &s->tlb[(iova / VTD_PAGE * 31 + did * 7919u) % SIM_TLB];
	if (!t->cached || t->did != did || t->page != (iova & ~(uint64_t)(VTD_PAGE - 1))) {
		*t = (struct sim_tlb){.did = did, .page = iova & ~(uint64_t)(VTD_PAGE - 1)};
		walk(s, &c, iova, t);
	}
	if (!t->present || !(t->perm & need)) {
		vtd_sim_fault(s, source, write ? VTD_FR_WRITE : VTD_FR_READ, write, iova);
		return false;
	}
	*phys = t->phys | (iova & (VTD_PAGE - 1));
	return true;
}

unsigned int vtd_sim_msi(struct vtd_sim *s, uint16_t source, uint64_t addr, uint32_t data,
			 uint32_t *apic)
{
	unsigned int i = (unsigned int)(vtd_get(VTD_MSI_INDEX, addr) | (addr & 4) << 13);
	uint64_t lo, hi;

	if (!(vtd_sim_reg(s, VTD_GSTS) & VTD_GCMD_IRE) || !(addr & VTD_MSI_REMAP)) {
		*apic = (uint32_t)(addr >> 12) & 0xff;
		if (!(vtd_sim_reg(s, VTD_GSTS) & VTD_GCMD_IRE))
			return data & 0xff;
		vtd_sim_fault(s, source, VTD_FR_IR_COMPAT, true, 0);
		return 0;
	}
	i += addr & VTD_MSI_SHV ? data : 0;
	if (i >= VTD_IRTES) {
		vtd_sim_fault(s, source, VTD_FR_IR_INDEX, true, i);
		return 0;
	}
	if (!s->irte[i].cached) {
		s->irte[i].lo = see(s, s->irt + 16u * i);
		s->irte[i].hi = see(s, s->irt + 16u * i + 8);
		s->irte[i].cached = s->irte[i].lo & VTD_IRTE_P || s->caps.cm;
	}
	lo = s->irte[i].lo;
	hi = s->irte[i].hi;
	if (!(lo & VTD_IRTE_P) || (hi & VTD_IRTE_HI_SID) != source) {
		vtd_sim_fault(s, source, lo & VTD_IRTE_P ? VTD_FR_IR_SOURCE : VTD_FR_IR_ABSENT,
			      true, i);
		return 0;
	}
	assert_int_equal(vtd_get(VTD_IRTE_HI_SVT, hi), VTD_SVT_SID);
	assert_int_equal(vtd_get(VTD_IRTE_HI_SQ, hi), 0);
	*apic = (uint32_t)(vtd_sim_reg(s, VTD_IRTA) & VTD_IRTA_EIME ? vtd_get(VTD_IRTE_X2, lo)
								    : vtd_get(VTD_IRTE_X1, lo));
	return (unsigned int)vtd_get(VTD_IRTE_VECTOR, lo);
}

/* ---- from start to end ----------------------------------------------------------------------- */

static void caps_set(struct vtd_sim *s)
{
	const struct sim_caps *c = &s->caps;

	set(s, VTD_VER, 0x10);
	set(s, VTD_CAP,
	    field_prep(VTD_CAP_ND, c->nd) | (c->rwbf ? VTD_CAP_RWBF : 0) |
		    (c->pmr ? VTD_CAP_PLMR : 0) | (c->cm ? VTD_CAP_CM : 0) |
		    field_prep(VTD_CAP_SAGAW, c->sagaw) | field_prep(VTD_CAP_MGAW, c->mgaw - 1) |
		    field_prep(VTD_CAP_FRO_LO, SIM_FRO / 16));
	set(s, VTD_CAP_HI,
	    (c->page_2m ? VTD_CAP_2M_HI : 0) | (c->psi ? VTD_CAP_PSI_HI : 0) |
		    field_prep(VTD_CAP_NFR_HI, c->nfr - 1) | field_prep(VTD_CAP_MAMV_HI, c->mamv) |
		    (c->drain ? VTD_CAP_DWD_HI | VTD_CAP_DRD_HI : 0));
	set(s, VTD_ECAP,
	    (c->coherent ? VTD_ECAP_C : 0) | (c->qi ? VTD_ECAP_QI : 0) | (c->ir ? VTD_ECAP_IR : 0) |
		    (c->eim ? VTD_ECAP_EIM : 0) | (c->pass ? VTD_ECAP_PT : 0) |
		    (c->snoop ? VTD_ECAP_SC : 0) | field_prep(VTD_ECAP_IRO, SIM_IRO / 16));
}

struct vtd_sim *vtd_sim_new(const struct sim_caps *caps)
{
	struct vtd_sim *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->dev = fake_new();
	s->dev->user = s;
	s->caps = *caps;
	s->drained = true;
	caps_set(s);
	set(s, VTD_PMEN, caps->pmr ? VTD_PMEN_EPM | VTD_PMEN_PRS : 0);
	set(s, VTD_FECTL, VTD_FECTL_IM);
	s->dev->on_write = on_write;
	s->dev->on_read = on_read;
	s->mem = aligned_alloc(CACHE_LINE, vtd_size());
	assert_non_null(s->mem);
	memset(s->mem, 0, vtd_size());
	s->v = s->mem; /* write buffers may be flushed before vtd_init() has returned */
	current = s;
	return s;
}

void vtd_sim_up(struct vtd_sim *s, const struct vtd_config *cfg)
{
	struct vtd *v = NULL;
	const char *why = "";

	assert_int_equal(vtd_init(s->mem, s->dev, cfg, &v, &why), 0);
	assert_ptr_equal(v, s->v);
	assert_int_equal(vtd_start(v), 0);
}

void vtd_sim_free(struct vtd_sim *s)
{
	s->stuck = 0;
	s->stuck_inv = s->refuse_inv = false;
	if (s->v->root.va)
		vtd_stop(s->v);
	assert_int_equal(vtd_sim_reg(s, VTD_GSTS) & (VTD_GCMD_TE | VTD_GCMD_IRE | VTD_GCMD_QIE), 0);
	fake_free(s->dev);
	free(s->mem);
	free(s);
	current = NULL;
}
