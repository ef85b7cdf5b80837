/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A queue pair of the card with no driver: for tests of the host itself, and as a benchmark's
 * bound. */
#ifndef SLUICE_TESTS_DEVICE_RAW_H
#define SLUICE_TESTS_DEVICE_RAW_H

#include "hw/igb_desc.h"
#include "os/os.h"

#define RAW_BUF 2048

/* The caller's memory; raw_open() takes DMA memory that raw_close() gives back. */
struct raw {
	struct os_dev *dev;
	uint32_t rx_regs, tx_regs; /* IGB_RXQ(n) ..., as in struct vfq_config */
	unsigned int size;	   /* descriptors, a power of two, the same in both rings */
	union igb_rx_desc *rx;
	union igb_tx_desc *tx;
	uint8_t *rx_buf, *tx_buf;
	uint64_t rx_iova, tx_iova;     /* of the buffers */
	unsigned int rx_head, tx_tail; /* free-running */
	unsigned int rx_told;	       /* rx_head when the card was told last */
	struct os_dma mem;
};

/* Restarts auto-negotiation of the PF and waits for the link: 0 or -ETIMEDOUT. */
int raw_link_up(struct os_dev *pf) must_check;
/* One pool for each VF with address raw_mac(vf), the PF as default pool, the internal switch on. */
void raw_pools_on(struct os_dev *pf, unsigned int num_vfs);
/* 02:00:00:00:00:10 + @vf */
void raw_mac(unsigned int vf, uint8_t mac[6]);

int raw_open(struct raw *r, struct os_dev *dev, uint32_t rx_regs, uint32_t tx_regs,
	     unsigned int size) must_check;
void raw_close(struct raw *r);
/* The buffer of the next descriptor to send, RAW_BUF bytes. */
uint8_t *raw_tx_buf(struct raw *r);
/* Writes that descriptor; the doorbell for all written so far is raw_kick(). */
void raw_tx(struct raw *r, unsigned int len);
void raw_kick(struct raw *r);
/* Frames that have arrived, at most @n, without looking into them; their descriptors go back to the
 * card, 32 with a doorbell. */
unsigned int raw_rx_skip(struct raw *r, unsigned int n);
/* One frame's bytes into @frame, 0 when there is none. */
unsigned int raw_rx(struct raw *r, void *frame, unsigned int len);

#endif
