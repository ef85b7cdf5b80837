/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Primary fault records (specification 7.2.1, 10.4.9 to 10.4.14): read, cleared, named. */
#include "vtd_priv.h"

/* Takes record @r; false: there is none. */
static bool take(struct vtd *v, unsigned int r, struct vtd_fault *f)
{
	uint32_t w[4];

	w[3] = os_rd32(v->dev, VTD_FRCD(v->fro, r, 3));
	if (!(w[3] & VTD_FRCD_F_3))
		return false;
	for (unsigned int i = 0; i < 3; i++)
		w[i] = os_rd32(v->dev, VTD_FRCD(v->fro, r, i));
	os_wr32(v->dev, VTD_FRCD(v->fro, r, 3), VTD_FRCD_F_3);
	f->source = (uint16_t)field_get(VTD_FRCD_SID_2, w[2]);
	f->reason = (uint8_t)field_get(VTD_FRCD_REASON_3, w[3]);
	f->interrupt = f->reason >= VTD_FR_IR_FIRST && f->reason <= VTD_FR_IR_LAST;
	f->write = !(w[3] & VTD_FRCD_READ_3);
	f->addr = f->interrupt ? field_get(VTD_FRCD_INDEX_1, w[1])
			       : (uint64_t)w[1] << 32 | (w[0] & VTD_FRCD_ADDR_0);
	return true;
}

/*
 * In their order: the unit writes its records around, and FRI names the first one only of those
 * that came after none was left (10.4.9). Overflow is cleared last, when all are free: while it is
 * set the unit drops faults, whether records are free or not (a unit with one record, as QEMU's,
 * drops at the second function that misbehaves).
 */
unsigned int vtd_faults(struct vtd *v, struct vtd_fault *f, unsigned int n, bool *lost)
{
	uint32_t fsts = os_rd32(v->dev, VTD_FSTS);
	unsigned int got = 0;

	if (lost)
		*lost = false;
	if (n > v->info.fault_records)
		n = v->info.fault_records;
	while (fsts & VTD_FSTS_PPF && got < n) {
		unsigned int first = field_get(VTD_FSTS_FRI, fsts) % v->info.fault_records;

		if (!take(v, v->next_fault, &f[got])) {
			if (got || first == v->next_fault)
				break;
			v->next_fault = first;
			continue;
		}
		v->next_fault = (v->next_fault + 1) % v->info.fault_records;
		got++;
	}
	fsts = os_rd32(v->dev, VTD_FSTS);
	if (fsts & VTD_FSTS_PFO && !(fsts & VTD_FSTS_PPF)) {
		os_wr32(v->dev, VTD_FSTS, VTD_FSTS_PFO);
		if (lost)
			*lost = true;
	}
	os_flush(v->dev);
	return got;
}

/* 10.4.10: masked while address and data change. */
void vtd_fault_irq(struct vtd *v, const struct vtd_msi *msi)
{
	uint32_t ctl = os_rd32(v->dev, VTD_FECTL);

	os_wr32(v->dev, VTD_FECTL, ctl | VTD_FECTL_IM);
	if (msi) {
		os_wr32(v->dev, VTD_FEDATA, msi->data);
		os_wr32(v->dev, VTD_FEADDR, (uint32_t)msi->addr);
		os_wr32(v->dev, VTD_FEUADDR, (uint32_t)(msi->addr >> 32));
		os_wr32(v->dev, VTD_FECTL, ctl & ~VTD_FECTL_IM);
	}
	os_flush(v->dev);
}

const char *vtd_fault_text(uint8_t reason)
{
	static const char *const dma[] = {
		[VTD_FR_ROOT_ABSENT] = "its bus has no context table",
		[VTD_FR_CTX_ABSENT] = "it is in no domain",
		[VTD_FR_CTX_INVALID] = "its context entry is invalid",
		[VTD_FR_WIDTH] = "the address is wider than the domain",
		[VTD_FR_WRITE] = "its domain does not let it write there",
		[VTD_FR_READ] = "its domain does not let it read there",
		[VTD_FR_TABLE] = "a second-level table could not be read",
		[VTD_FR_ROOT_TABLE] = "the root table could not be read",
		[VTD_FR_CTX_TABLE] = "its context table could not be read",
		[VTD_FR_ROOT_RSVD] = "its root entry has reserved bits set",
		[VTD_FR_CTX_RSVD] = "its context entry has reserved bits set",
		[VTD_FR_SL_RSVD] = "a second-level entry has reserved bits set",
		[VTD_FR_CTX_TT] = "its context entry blocks this kind of request",
		[VTD_FR_MSI_RANGE] = "its domain maps that to the interrupt range",
	};
	static const char *const ir[] = {
		[VTD_FR_IR_REQ_RSVD - VTD_FR_IR_FIRST] = "the interrupt request is malformed",
		[VTD_FR_IR_INDEX - VTD_FR_IR_FIRST] = "the interrupt index is beyond the table",
		[VTD_FR_IR_ABSENT - VTD_FR_IR_FIRST] = "the interrupt index is not allocated",
		[VTD_FR_IR_TABLE - VTD_FR_IR_FIRST] = "the interrupt table could not be read",
		[VTD_FR_IR_RSVD - VTD_FR_IR_FIRST] = "the interrupt entry has reserved bits set",
		[VTD_FR_IR_COMPAT - VTD_FR_IR_FIRST] = "interrupts past remapping are blocked",
		[VTD_FR_IR_SOURCE - VTD_FR_IR_FIRST] = "the interrupt belongs to another function",
	};
	const char *text = NULL;

	if (reason < ARRAY_SIZE(dma))
		text = dma[reason];
	else if (reason >= VTD_FR_IR_FIRST && reason < VTD_FR_IR_FIRST + ARRAY_SIZE(ir))
		text = ir[reason - VTD_FR_IR_FIRST];
	return text ? text : "reason not known";
}
