/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The mailbox of a VF, at register level and as requests. */
#ifndef SLUICE_PF_MBX_H
#define SLUICE_PF_MBX_H

#include "abi/mbx.h"
#include "drv/pf.h"

/* mbx.c: the mailbox of one VF at register level. Lock, then read, then reply or unlock. */
int pf_mbx_lock(struct pf *pf, unsigned int vf) must_check;
void pf_mbx_unlock(struct pf *pf, unsigned int vf);
uint32_t pf_mbx_word(struct pf *pf, unsigned int vf, unsigned int word);
/* Tells the VF that its message was taken; the lock stays held. */
void pf_mbx_taken(struct pf *pf, unsigned int vf);
/* @n words; hands the mailbox to the VF. */
void pf_mbx_reply(struct pf *pf, unsigned int vf, const uint32_t *msg, unsigned int n);
bool pf_mbx_has_request(struct pf *pf, unsigned int vf);
/*
 * Sends MBX_PF_CONTROL, with CTS when the VF has it. 0; -EAGAIN: a request is there that it would
 * overwrite; -ETIMEDOUT: the VF keeps its mailbox.
 */
int pf_mbx_ping(struct pf *pf, unsigned int vf) must_check;
/* All VFs, now, whatever is in their mailboxes: before and after a device reset. */
void pf_mbx_ping_all(struct pf *pf);

/* requests.c: takes one message of @vf and answers it. */
void pf_request_serve(struct pf *pf, unsigned int vf);
/* The VF read a message of ours. */
void pf_request_acked(struct pf *pf, unsigned int vf);

#endif
