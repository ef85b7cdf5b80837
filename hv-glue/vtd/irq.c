/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Interrupt remapping entries (specification 5.1, 9.10): one index an interrupt, source checked. */
#include "vtd_priv.h"

#define VECTOR_MIN 16
#define VECTOR_MAX 254
#define XAPIC_MAX  254 /* 255 is everybody */

static bool is_used(const struct vtd *v, int index)
{
	return v->irt.va && index >= 0 && index < VTD_IRTES &&
	       le64_to_cpu(vtd_irte(v, index)->lo) & VTD_IRTE_P;
}

/* Fixed, edge, physical destination; -EINVAL when the CPU or the vector cannot be named. */
static int entry(const struct vtd *v, uint32_t apic, uint8_t vector, uint64_t *lo)
{
	if (vector < VECTOR_MIN || vector > VECTOR_MAX || (!v->cfg.x2apic && apic > XAPIC_MAX) ||
	    apic == UINT32_MAX)
		return -EINVAL;
	*lo = VTD_IRTE_P | vtd_prep(VTD_IRTE_VECTOR, vector) |
	      vtd_prep(v->cfg.x2apic ? VTD_IRTE_X2 : VTD_IRTE_X1, apic);
	return 0;
}

/* Absent first, so that the unit never has half an entry, then the cache. */
static int entry_remove(struct vtd *v, int index)
{
	int ret;

	vtd_store(v, &vtd_irte(v, index)->lo, 0);
	ret = vtd_iec_one(v, index);
	vtd_store(v, &vtd_irte(v, index)->hi, 0);
	return ret;
}

/* The index in the address, and the data, which is added to it, 0 (5.1.2.2). */
static void message(int index, struct vtd_msi *msi)
{
	unsigned int i = (unsigned int)index;

	msi->addr = VTD_MSI_FIRST | VTD_MSI_REMAP | VTD_MSI_SHV |
		    vtd_prep(VTD_MSI_INDEX, i & 0x7fff) | vtd_prep(VTD_MSI_INDEX_15, i >> 15);
	msi->data = 0;
}

int vtd_irq_alloc(struct vtd *v, uint16_t source, uint32_t apic, uint8_t vector,
		  struct vtd_msi *msi)
{
	uint64_t lo = 0;
	int ret, index = 0;

	if (!v->info.intremap)
		return -EOPNOTSUPP;
	ret = entry(v, apic, vector, &lo);
	if (ret)
		return ret;
	while (is_used(v, index))
		index++;
	if (index == VTD_IRTES)
		return -ENOSPC;
	ret = vtd_settle(v);
	if (ret)
		return ret;
	vtd_store(v, &vtd_irte(v, index)->hi,
		  vtd_prep(VTD_IRTE_HI_SID, source) | vtd_prep(VTD_IRTE_HI_SVT, VTD_SVT_SID));
	vtd_store(v, &vtd_irte(v, index)->lo, lo);
	ret = vtd_iec_one(v, index);
	if (ret) {
		(void)!entry_remove(v, index);
		return ret;
	}
	message(index, msi);
	return index;
}

/* Vector and destination are in the lower half, so one store retargets. */
int vtd_irq_set(struct vtd *v, int index, uint32_t apic, uint8_t vector)
{
	uint64_t lo = 0;
	int ret;

	if (!is_used(v, index))
		return -ENOENT;
	ret = entry(v, apic, vector, &lo);
	if (ret)
		return ret;
	vtd_store(v, &vtd_irte(v, index)->lo, lo);
	return vtd_iec_one(v, index);
}

int vtd_irq_free(struct vtd *v, int index)
{
	return is_used(v, index) ? entry_remove(v, index) : -ENOENT;
}

unsigned int vtd_irq_count(const struct vtd *v, uint16_t source)
{
	unsigned int n = 0;

	for (int i = 0; i < VTD_IRTES; i++)
		if (is_used(v, i) &&
		    vtd_get(VTD_IRTE_HI_SID, le64_to_cpu(vtd_irte(v, i)->hi)) == source)
			n++;
	return n;
}
