/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The PF's interrupt: one MSI-X vector for mailboxes, VF resets, link and spoofing (8.8). */
#include "pf_priv.h"

#define CAUSES (IGB_ICR_VMMB | IGB_ICR_LSC | IGB_ICR_DOUTSYNC)

/*
 * GPIE first: what else is written sticks only in MSI-X mode. EIAC clears EICR when the message is
 * sent; without it QEMU's device sends one message and then none, as a cause that is still set is
 * no new one. With NSICR, reading ICR clears it and so rearms the causes behind the vector.
 */
void pf_irq_restore(struct pf *pf)
{
	uint32_t bit = BIT(pf->vector);

	if (!pf->irq)
		return;
	os_wr32(pf->dev, IGB_GPIE, IGB_GPIE_MULTIPLE_MSIX | IGB_GPIE_PBA | IGB_GPIE_NSICR);
	os_wr32(pf->dev, IGB_EITR(pf->vector), 0);
	os_wr32(pf->dev, IGB_IVAR_MISC,
		field_prep(IGB_IVAR_MISC_OTHER, pf->vector | IGB_IVAR_VALID));
	os_wr32(pf->dev, IGB_EIAC, bit);
	os_wr32(pf->dev, IGB_MBVFIMR, BIT(pf->cfg.num_vfs) - 1);
	os_wr32(pf->dev, IGB_EIMS, bit);
	os_wr32(pf->dev, IGB_IMS, CAUSES);
}

void pf_irq_enable(struct pf *pf, unsigned int vector)
{
	if (vector >= IGB_MSIX_VECTORS) {
		os_log(pf->dev, OS_LOG_ERR, "MSI-X vector %u is not there", vector);
		return;
	}
	pf->irq = true;
	pf->vector = vector;
	if (pf->running)
		pf_irq_restore(pf);
}

void pf_irq_disable(struct pf *pf)
{
	if (!pf->irq)
		return;
	pf->irq = false;
	if (!pf->running)
		return;
	os_wr32(pf->dev, IGB_IMC, UINT32_MAX);
	os_wr32(pf->dev, IGB_EIMC, BIT(pf->vector));
	os_wr32(pf->dev, IGB_IVAR_MISC, 0);
	os_flush(pf->dev);
}

void pf_irq_ack(struct pf *pf)
{
	if (!pf->irq || !pf->running)
		return;
	os_wr32(pf->dev, IGB_EIMS, BIT(pf->vector));
	os_flush(pf->dev);
}
