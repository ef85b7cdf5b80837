/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The device's side of a receive and a transmit ring, for the unit tests of vf-driver. */
#ifndef SLUICE_TESTS_UNIT_VF_SIM_H
#define SLUICE_TESTS_UNIT_VF_SIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fake_os.h"
#include "vf-driver/queue.h"

#define SIM_RING 64

/* One queue pair, its pool and where the device stands; iova is the address itself in fake_os. */
struct vsim {
	struct os_dev *dev;
	struct vfq_pool pool;
	void *rx_mem, *tx_mem;
	struct vfq_rx *rx;
	struct vfq_tx *tx;
	uint32_t rx_head, tx_head;
	unsigned int contexts; /* context descriptors seen */
	uint32_t ctx_lens[2], ctx_tucmd[2];
};

/* A frame as the device took it off the transmit ring. */
struct vsim_frame {
	uint8_t data[16384];
	uint32_t len, cmd, olinfo, paylen;
	unsigned int segs;
};

void *vsim_mem(size_t size);
struct vsim *vsim_new(uint32_t features, unsigned int buffers);
/* Stops all and proves that every buffer is back. */
void vsim_free(struct vsim *s);
uint32_t vsim_reg(const struct vsim *s, uint32_t reg);
/* Fills one descriptor and writes it back; false: the ring is full, as the device sees it. */
bool vsim_rx_desc(struct vsim *s, const void *data, uint16_t len, uint32_t status);
/* A good frame of one buffer whose bytes all are @fill. */
bool vsim_rx_frame(struct vsim *s, uint8_t fill, uint16_t len);
/*
 * Takes one frame off the ring, its contexts first; false: there is none. With @done it reports
 * those that ask for it, otherwise nothing is written back yet.
 */
bool vsim_tx_frame(struct vsim *s, struct vsim_frame *f, bool done);
/* A buffer to send, all bytes @fill. */
struct vfq_buf *vsim_buf(struct vsim *s, uint8_t fill, uint16_t len);
/* @n buffers of @len bytes in one frame. */
struct vfq_buf *vsim_chain(struct vsim *s, unsigned int n, uint16_t len);

#endif
