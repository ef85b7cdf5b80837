/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Mailbox client: one request at a time, its answer, and what the PF says unasked. */
#include "vf_priv.h"

#include "base/errno.h"

#define LOCK_STEP_US	100
#define LOCK_LIMIT_US	10000
#define ANSWER_STEP_US	20
#define ANSWER_STEP_MAX 500
#define ANSWER_LIMIT_US 1000000 /* as igbvf and DPDK have it */
#define RESENDS_MAX	3
#define MBX_ANSWER	(MBX_ACK | MBX_NACK)
#define PF_RESET	(IGB_V2P_RSTI | IGB_V2P_RSTD)

/*
 * Reading clears some bits, so what was not asked for is kept (82576 datasheet 8.14). For the same
 * reason waits here do not use os_poll32(), which would drop them.
 */
static uint32_t mbx_status(struct vf *vf)
{
	uint32_t v = os_rd32(vf->dev, IGB_V2PMAILBOX) | vf->kept;

	vf->kept = v & IGB_V2P_RC;
	return v;
}

/* The memory is ours until the next write without VFU. */
static int mbx_lock(struct vf *vf)
{
	uint64_t end = os_now_us(vf->dev) + LOCK_LIMIT_US;

	for (;;) {
		bool late = os_now_us(vf->dev) >= end;

		os_wr32(vf->dev, IGB_V2PMAILBOX, IGB_V2P_VFU);
		if (mbx_status(vf) & IGB_V2P_VFU)
			return 0;
		if (late)
			return -ETIMEDOUT;
		os_delay_us(vf->dev, LOCK_STEP_US);
	}
}

static uint32_t mem_reg(unsigned int word)
{
	return IGB_VF_VMBMEM + 4 * word;
}

static int mbx_send(struct vf *vf, const uint32_t *msg, unsigned int words)
{
	int err = mbx_lock(vf);

	if (err)
		return err;
	/* An older answer is overwritten by what follows. */
	vf->kept &= ~(IGB_V2P_PFSTS | IGB_V2P_PFACK);
	for (unsigned int i = 0; i < words; i++)
		os_wr32(vf->dev, mem_reg(i), msg[i]);
	os_wr32(vf->dev, IGB_V2PMAILBOX, IGB_V2P_REQ); /* and gives the memory back */
	return 0;
}

/* Locked, since a ping of the PF may overwrite the message while it is read. */
static int mbx_recv(struct vf *vf, uint32_t *msg, unsigned int words)
{
	int err = mbx_lock(vf);

	if (err)
		return err;
	vf->kept &= ~IGB_V2P_PFSTS;
	for (unsigned int i = 0; i < words; i++)
		msg[i] = os_rd32(vf->dev, mem_reg(i));
	os_wr32(vf->dev, IGB_V2PMAILBOX, IGB_V2P_ACK);
	return 0;
}

enum verdict { ANSWER_OK, ANSWER_REFUSED, ANSWER_LOST, ANSWER_RESEND, ANSWER_OTHER };

/* What @word says to a request @id; 0 asks for what comes unasked. */
static enum verdict judge(uint32_t word, uint32_t id)
{
	bool reset = id == MBX_RESET;

	if (field_get(MBX_ID, word) == MBX_PF_CONTROL) {
		if (word & MBX_NACK)
			return ANSWER_RESEND; /* its ping overwrote our request */
		/* Before RESET is answered the PF has no CTS to give. */
		return (word & MBX_CTS) || reset ? ANSWER_OTHER : ANSWER_LOST;
	}
	/* Linux igb sends the bare bit to whom it does not know. */
	if ((word & MBX_NACK) && !(word & MBX_CTS) && !reset)
		return ANSWER_LOST;
	if (field_get(MBX_ID, word) != id || !(word & MBX_ANSWER))
		return ANSWER_OTHER; /* late, for a request that was given up */
	/* DPDK's PF acknowledges without CTS: that is no reason to doubt it. */
	return word & MBX_NACK ? ANSWER_REFUSED : ANSWER_OK;
}

static int mbx_answer(struct vf *vf, uint32_t id, uint32_t *answer, unsigned int words,
		      enum verdict *verdict)
{
	uint64_t end = os_now_us(vf->dev) + ANSWER_LIMIT_US;
	uint32_t step = ANSWER_STEP_US;

	for (;;) {
		bool late = os_now_us(vf->dev) >= end;
		uint32_t v = mbx_status(vf);
		int err;

		if (v & PF_RESET) {
			*verdict = ANSWER_LOST;
			return 0;
		}
		if (v & IGB_V2P_PFSTS) {
			err = mbx_recv(vf, answer, words);
			if (err)
				return err;
			*verdict = judge(answer[0], id);
			if (*verdict != ANSWER_OTHER)
				return 0;
		}
		if (late)
			return -ETIMEDOUT;
		os_delay_us(vf->dev, step);
		step = 2 * step < ANSWER_STEP_MAX ? 2 * step : ANSWER_STEP_MAX;
	}
}

static int mbx_try(struct vf *vf, uint32_t *msg, unsigned int words, unsigned int answer_words)
{
	uint32_t answer[MBX_WORDS], id = field_get(MBX_ID, msg[0]);
	enum verdict verdict = ANSWER_RESEND;

	for (unsigned int i = 0; verdict == ANSWER_RESEND; i++) {
		int err = i <= RESENDS_MAX ? mbx_send(vf, msg, words) : -ETIMEDOUT;

		if (!err)
			err = mbx_answer(vf, id, answer, answer_words, &verdict);
		if (err)
			return err;
	}
	for (unsigned int i = 0; i < answer_words; i++)
		msg[i] = answer[i];
	if (verdict == ANSWER_OK)
		return 0;
	return verdict == ANSWER_REFUSED ? -EACCES : -ECONNRESET;
}

int vf_mbx_request(struct vf *vf, uint32_t *msg, unsigned int words, unsigned int answer)
{
	int err = mbx_try(vf, msg, words, answer);

	vf->stats.mbx_requests++;
	if (err == -EACCES)
		vf->stats.mbx_refused++;
	else if (err == -ETIMEDOUT)
		vf->stats.mbx_timeouts++;
	return err;
}

int vf_mbx_poll(struct vf *vf)
{
	uint32_t v = mbx_status(vf), word;

	if (v & PF_RESET)
		return -ECONNRESET;
	if (!(v & IGB_V2P_PFSTS))
		return 0;
	/* The PF is at it again: the next look finds it. */
	if (mbx_recv(vf, &word, 1))
		return 0;
	return judge(word, 0) == ANSWER_LOST ? -ECONNRESET : 0;
}
