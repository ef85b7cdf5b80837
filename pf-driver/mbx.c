/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The mailbox of a VF at register level: lock, words, doorbells (82576 datasheet 7.10, 8.14). */
#include "os/poll.h"
#include "pf_priv.h"

#define LOCK_TRIES   3
#define LOCK_STEP_US 20
#define LOCK_WAIT_US 2000 /* a VF writes 16 words in less; bounded again by LOCK_TRIES */
#define HELD_US	     UINT64_C(1000000) /* for so long a VF that kept it is not waited for again */

static bool take(struct pf *pf, unsigned int vf)
{
	os_wr32(pf->dev, IGB_P2VMAILBOX(vf), IGB_P2V_PFU);
	return os_rd32(pf->dev, IGB_P2VMAILBOX(vf)) & IGB_P2V_PFU;
}

/*
 * PFU is set only while VFU is clear. A VF that keeps VFU is waited for, then overruled with RVFU,
 * whereupon its half-written message is gone. QEMU clears VFU only in the VF's own register then,
 * so the lock may still be refused: -ETIMEDOUT, and the caller does without. Others do not pay for
 * a VF that does it all the time: after the first wait in vain it is overruled at once.
 */
int pf_mbx_lock(struct pf *pf, unsigned int vf)
{
	struct pf_vf *v = &pf->vf[vf];
	uint64_t now = os_now_us(pf->dev);
	bool wait = !v->held_us || now - v->held_us > HELD_US;
	int err = 0;

	for (unsigned int i = 0; i < LOCK_TRIES && !err; i++) {
		if (take(pf, vf))
			return 0;
		if (!wait)
			break;
		err = os_poll32(pf->dev, IGB_P2VMAILBOX(vf), IGB_P2V_VFU, 0, LOCK_STEP_US,
				LOCK_WAIT_US);
	}
	v->held_us = wait ? os_now_us(pf->dev) : v->held_us;
	os_wr32(pf->dev, IGB_P2VMAILBOX(vf), IGB_P2V_RVFU);
	return take(pf, vf) ? 0 : -ETIMEDOUT;
}

void pf_mbx_unlock(struct pf *pf, unsigned int vf)
{
	os_wr32(pf->dev, IGB_P2VMAILBOX(vf), 0);
}

uint32_t pf_mbx_word(struct pf *pf, unsigned int vf, unsigned int word)
{
	return os_rd32(pf->dev, IGB_VMBMEM(vf) + 4 * word);
}

void pf_mbx_taken(struct pf *pf, unsigned int vf)
{
	os_wr32(pf->dev, IGB_P2VMAILBOX(vf), IGB_P2V_ACK | IGB_P2V_PFU);
}

void pf_mbx_reply(struct pf *pf, unsigned int vf, const uint32_t *msg, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		os_wr32(pf->dev, IGB_VMBMEM(vf) + 4 * i, msg[i]);
	os_wr32(pf->dev, IGB_P2VMAILBOX(vf), IGB_P2V_STS);
	pf->vf[vf].unread = true;
	pf->vf[vf].sent_us = os_now_us(pf->dev);
}

bool pf_mbx_has_request(struct pf *pf, unsigned int vf)
{
	return os_rd32(pf->dev, IGB_MBVFICR) & field_prep(IGB_MBVFICR_REQ, BIT(vf));
}

static uint32_t ping_word(const struct pf *pf, unsigned int vf)
{
	return pf->vf[vf].state == PF_VF_READY ? MBX_PF_CONTROL | MBX_CTS : MBX_PF_CONTROL;
}

int pf_mbx_ping(struct pf *pf, unsigned int vf)
{
	uint32_t msg = ping_word(pf, vf);
	int err = pf_mbx_lock(pf, vf);

	if (err)
		return err;
	if (pf_mbx_has_request(pf, vf)) {
		pf_mbx_unlock(pf, vf);
		return -EAGAIN;
	}
	pf_mbx_reply(pf, vf, &msg, 1);
	return 0;
}

void pf_mbx_ping_all(struct pf *pf)
{
	uint32_t msg;

	for (unsigned int vf = 0; vf < pf->cfg.num_vfs; vf++) {
		msg = ping_word(pf, vf);
		if (pf_mbx_lock(pf, vf))
			os_log(pf->dev, OS_LOG_DEBUG, "VF %u: told without its mailbox's lock", vf);
		pf_mbx_reply(pf, vf, &msg, 1);
	}
}
