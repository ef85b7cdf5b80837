/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Registers of 64 bits, the global command, and stores that the unit sees. */
#include "vtd_priv.h"

/* Two halves, the lower first: specification 10.2, and what starts by it is in the upper one. */
void vtd_wr64(struct vtd *v, uint32_t reg, uint64_t val)
{
	os_wr32(v->dev, reg, (uint32_t)val);
	os_wr32(v->dev, reg + 4, (uint32_t)(val >> 32));
}

/* 10.4.4: status without the one-shot bits, one bit changed, then wait for the status. */
int vtd_command(struct vtd *v, uint32_t bit, bool set)
{
	uint32_t cmd = os_rd32(v->dev, VTD_GSTS) & VTD_GCMD_KEEP & ~bit;
	int ret;

	os_doorbell(v->dev, VTD_GCMD, set ? cmd | bit : cmd);
	ret = os_poll32(v->dev, VTD_GSTS, bit, set ? bit : 0, VTD_STEP_US, VTD_LIMIT_US);
	if (ret)
		os_log(v->dev, OS_LOG_ERR, "VT-d command %08x was not followed", (unsigned int)bit);
	return ret;
}

/* 6.8. Here the status bit falls when it is done. */
int vtd_write_buffer_flush(struct vtd *v)
{
	uint32_t cmd;

	if (!v->wbf)
		return 0;
	cmd = os_rd32(v->dev, VTD_GSTS) & VTD_GCMD_KEEP;
	os_doorbell(v->dev, VTD_GCMD, cmd | VTD_GCMD_WBF);
	return os_poll32(v->dev, VTD_GSTS, VTD_GCMD_WBF, 0, VTD_STEP_US, VTD_LIMIT_US);
}

void vtd_sync(struct vtd *v, const void *p, size_t len)
{
	os_dma_wmb();
	if (!v->info.coherent)
		vtd_cache_flush(p, len);
}

/* The partner of the order is the unit's walk: an entry is there whole or not at all. */
void vtd_store(struct vtd *v, le64 *e, uint64_t val)
{
	os_dma_wmb();
	*(volatile le64 *)e = cpu_to_le64(val);
	vtd_sync(v, e, sizeof(*e));
}
