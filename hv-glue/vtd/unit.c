/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* One remapping unit from its capabilities to its end. */
#include "vtd_priv.h"

#define LEVELS_MIN 3
#define LEVELS_MAX 5
#define ND_BAD	   7 /* reserved, 10.4.2 */

static const char no_unit[] =
	"no VT-d unit answers at its address: switch on VT-d (Intel VT for Directed I/O) in the "
	"firmware's setup; in QEMU: -device intel-iommu";
static const char no_tables[] =
	"the VT-d unit has no second-level tables of 3 to 5 levels: it cannot hold a device to a "
	"domain; in QEMU: intel-iommu,dma-translation=on";
static const char no_ids[] =
	"the VT-d unit reports a reserved number of domain ids: update the firmware";
static const char no_intremap[] =
	"the VT-d unit has no interrupt remapping, so a device could raise any vector: switch it "
	"on "
	"in the firmware's setup; in QEMU: intel-iommu,intremap=on and a split irqchip";
static const char no_queue[] =
	"the VT-d unit has no invalidation queue, or it was refused by the configuration, and "
	"interrupt entries are invalidated by it alone: allow the queue";
static const char no_x2apic[] = "the VT-d unit has no interrupt entries for x2APIC ids: use the "
				"APIC's xAPIC mode; in QEMU: "
				"intel-iommu,eim=on";

size_t vtd_size(void)
{
	return (sizeof(struct vtd) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
}

static uint64_t rd64(struct vtd *v, uint32_t reg)
{
	uint64_t lo = os_rd32(v->dev, reg);

	return lo | (uint64_t)os_rd32(v->dev, reg + 4) << 32;
}

/*
 * Tables of 4 levels before 3 before 5: what one guest needs, by the shortest common walk. A width
 * below that of the tables (MGAW) is the limit then (3.6).
 */
static bool choose_levels(struct vtd *v)
{
	static const uint8_t wish[] = {4, 3, 5};
	uint32_t cap = (uint32_t)v->info.cap, sagaw = field_get(VTD_CAP_SAGAW, cap);
	unsigned int mgaw = field_get(VTD_CAP_MGAW, cap) + 1, width;

	for (unsigned int l = LEVELS_MIN; l <= LEVELS_MAX; l++)
		if (sagaw & BIT(l - 2))
			v->levels_max = (uint8_t)l;
	for (unsigned int i = 0; i < ARRAY_SIZE(wish); i++) {
		if (!(sagaw & BIT(wish[i] - 2u)))
			continue;
		v->levels = wish[i];
		v->info.levels = wish[i];
		width = 12 + 9u * wish[i];
		v->width = (uint8_t)(width < mgaw ? width : mgaw);
		return true;
	}
	return false;
}

static void read_caps(struct vtd *v)
{
	uint32_t ver = os_rd32(v->dev, VTD_VER), cap, cap_hi, ecap, nd;
	struct vtd_info *i = &v->info;

	i->version = field_get(VTD_VER_MAJOR, ver) << 4 | field_get(VTD_VER_MINOR, ver);
	i->cap = rd64(v, VTD_CAP);
	i->ecap = rd64(v, VTD_ECAP);
	cap = (uint32_t)i->cap;
	cap_hi = (uint32_t)(i->cap >> 32);
	ecap = (uint32_t)i->ecap;
	nd = field_get(VTD_CAP_ND, cap);
	i->domains = (1u << (4 + 2 * nd)) - VTD_DID_FIRST;
	if (i->domains > VTD_DOMAINS_MAX)
		i->domains = VTD_DOMAINS_MAX;
	i->fault_records = field_get(VTD_CAP_NFR_HI, cap_hi) + 1;
	i->queued = ecap & VTD_ECAP_QI && !v->cfg.no_queue;
	i->intremap = ecap & VTD_ECAP_IR && i->queued;
	i->coherent = ecap & VTD_ECAP_C;
	i->snoop = ecap & VTD_ECAP_SC;
	i->caching = cap & VTD_CAP_CM;
	i->pages_2m = cap_hi & VTD_CAP_2M_HI;
	i->protected_memory = cap & (VTD_CAP_PLMR | VTD_CAP_PHMR);
	v->fro = 16 * (field_get(VTD_CAP_FRO_HI, cap_hi) << 8 | field_get(VTD_CAP_FRO_LO, cap));
	v->iro = 16 * field_get(VTD_ECAP_IRO, ecap);
	v->psi = cap_hi & VTD_CAP_PSI_HI;
	v->psi_order = (uint8_t)field_get(VTD_CAP_MAMV_HI, cap_hi);
	v->wbf = cap & VTD_CAP_RWBF;
	v->drain_wr = cap_hi & VTD_CAP_DWD_HI;
	v->drain_rd = cap_hi & VTD_CAP_DRD_HI;
	v->pass = ecap & VTD_ECAP_PT;
}

/* NULL, or what is missing. */
static const char *check_caps(struct vtd *v)
{
	uint32_t ecap = (uint32_t)v->info.ecap;

	if (!choose_levels(v))
		return no_tables;
	if (field_get(VTD_CAP_ND, (uint32_t)v->info.cap) == ND_BAD)
		return no_ids;
	if (v->cfg.intremap && !(ecap & VTD_ECAP_IR))
		return no_intremap;
	if (v->cfg.intremap && !v->info.queued)
		return no_queue;
	if (v->cfg.x2apic && !(ecap & VTD_ECAP_EIM))
		return no_x2apic;
	return NULL;
}

static int alloc_tables(struct vtd *v)
{
	int ret = os_dma_alloc(v->dev, sizeof(struct vtd_root), VTD_PAGE, &v->root);

	if (ret)
		return ret;
	if (v->info.intremap)
		ret = os_dma_alloc(v->dev, VTD_PAGE, VTD_PAGE, &v->irt);
	if (ret)
		goto err_root;
	if (v->info.queued)
		ret = os_dma_alloc(v->dev, VTD_IQ_STATUS + CACHE_LINE, VTD_PAGE, &v->iq);
	if (ret)
		goto err_irt;
	return 0;
err_irt:
	os_dma_free(v->dev, &v->irt);
err_root:
	os_dma_free(v->dev, &v->root);
	return -ENOMEM;
}

int vtd_init(void *mem, struct os_dev *dev, const struct vtd_config *cfg, struct vtd **out,
	     const char **why)
{
	struct vtd *v = mem;
	const char *missing;
	int ret;

	v->dev = dev;
	v->cfg = *cfg;
	read_caps(v);
	if (!v->info.version || v->info.cap == UINT64_MAX || !v->info.cap) {
		if (why)
			*why = no_unit;
		return -ENODEV;
	}
	missing = check_caps(v);
	if (missing) {
		if (why)
			*why = missing;
		return -EOPNOTSUPP;
	}
	ret = alloc_tables(v);
	if (ret)
		return ret;
	for (unsigned int i = 0; i < VTD_DOMAINS_MAX; i++)
		v->domain[i].did = (uint16_t)(VTD_DID_FIRST + i);
	*out = v;
	return 0;
}

static int tables_on(struct vtd *v)
{
	int ret;

	vtd_sync(v, v->root.va, VTD_PAGE);
	ret = vtd_write_buffer_flush(v);
	if (ret)
		return ret;
	vtd_wr64(v, VTD_RTADDR, v->root.iova);
	ret = vtd_command(v, VTD_GCMD_SRTP, true);
	if (ret || !v->info.intremap)
		return ret;
	vtd_sync(v, v->irt.va, VTD_PAGE);
	vtd_wr64(v, VTD_IRTA,
		 v->irt.iova | (v->cfg.x2apic ? VTD_IRTA_EIME : 0) |
			 field_prep(VTD_IRTA_SIZE, __builtin_ctz(VTD_IRTES) - 1));
	return vtd_command(v, VTD_GCMD_SIRTP, true);
}

static int protected_off(struct vtd *v)
{
	if (!v->info.protected_memory)
		return 0;
	os_wr32(v->dev, VTD_PMEN, os_rd32(v->dev, VTD_PMEN) & ~VTD_PMEN_EPM);
	return os_poll32(v->dev, VTD_PMEN, VTD_PMEN_PRS, 0, VTD_STEP_US, VTD_LIMIT_US);
}

/* Compatibility format is blocked once remapping is on and CFI off (5.1.4). */
static int intremap_on(struct vtd *v)
{
	int ret;

	if (!v->info.intremap)
		return 0;
	ret = vtd_command(v, VTD_GCMD_CFI, false);
	return ret ? ret : vtd_command(v, VTD_GCMD_IRE, true);
}

/*
 * What firmware left on is switched off first, but for translation: that would open the memory
 * until ours is on, and a root table may change under it when all is flushed after (10.4.6).
 */
int vtd_start(struct vtd *v)
{
	int ret = 0;

	v->begun = true;
	vtd_fault_irq(v, NULL);
	if (os_rd32(v->dev, VTD_GSTS) & VTD_GCMD_IRE)
		ret = vtd_command(v, VTD_GCMD_IRE, false);
	if (!ret)
		ret = vtd_queue_on(v);
	if (!ret)
		ret = tables_on(v);
	if (ret)
		return ret;
	v->on = true;
	ret = vtd_flush_all(v);
	if (!ret)
		ret = vtd_command(v, VTD_GCMD_TE, true);
	if (!ret)
		ret = intremap_on(v);
	/* Last: until translation is on, these regions are what keeps devices out. */
	return ret ? ret : protected_off(v);
}

static void free_contexts(struct vtd *v)
{
	struct vtd_root *root = vtd_root(v);

	for (unsigned int bus = 0; bus < ARRAY_SIZE(root->ctx); bus++) {
		struct os_dma m = {.va = root->ctx[bus],
				   .iova = le64_to_cpu(root->e[bus].lo) & VTD_ADDR,
				   .len = VTD_PAGE};

		os_dma_free(v->dev, &m);
	}
}

static int off(struct vtd *v, uint32_t bit)
{
	return os_rd32(v->dev, VTD_GSTS) & bit ? vtd_command(v, bit, false) : 0;
}

/* All three are tried. */
static bool is_off(struct vtd *v)
{
	vtd_fault_irq(v, NULL);
	return !(off(v, VTD_GCMD_IRE) | off(v, VTD_GCMD_TE) | off(v, VTD_GCMD_QIE));
}

void vtd_stop(struct vtd *v)
{
	v->on = false;
	/* Memory that the unit may still read is not given back. */
	if (v->begun && !is_off(v)) {
		os_log(v->dev, OS_LOG_ERR, "VT-d did not stop: its tables are kept");
		return;
	}
	for (unsigned int i = 0; i < VTD_DOMAINS_MAX; i++) {
		struct vtd_domain *d = &v->domain[i];

		if (d->top)
			vtd_table_free(v, d->top, d->top_iova, v->levels);
		d->top = NULL;
	}
	free_contexts(v);
	os_dma_free(v->dev, &v->root);
	os_dma_free(v->dev, &v->irt);
	os_dma_free(v->dev, &v->iq);
}

void vtd_info(const struct vtd *v, struct vtd_info *info)
{
	*info = v->info;
}
