/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the ring benchmark's loop and a side of it (our driver, DPDK's) agree on. A side is one
 * program: ring_loop.c plays the device and forwards what was received; the side's file sets the
 * queues up and names the two burst functions.
 */
#ifndef SLUICE_TESTS_BENCH_RING_BENCH_H
#define SLUICE_TESTS_BENCH_RING_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "hw/igb_desc.h"

#define RING_SIZE    512  /* descriptors of each ring: DPDK's default for transmit */
#define RING_BUFFERS 4096 /* of the pool */
#define RING_BURST   128  /* at most */
#define RING_HOLD    32	  /* DPDK's default of descriptors gathered for one tail write; ours too */
#define RING_FRAME   64	  /* bytes a segment */

enum ring_traffic {
	RING_PLAIN,   /* one buffer, nothing asked of the device */
	RING_OFFLOAD, /* one buffer, checksums and a VLAN tag asked for at transmit */
	RING_CHAIN,   /* two buffers a frame */
};

/* Filled by ring_side(); everything lives as long as the program. */
struct ring_side {
	/* The rings as the device sees them; addresses in descriptors are CPU addresses. */
	union igb_rx_desc *rx_ring;
	union igb_tx_desc *tx_ring;
	const volatile uint32_t *rdt, *tdt;
	void *rxq, *txq;
	/* The calls that are measured: up to @n frames, returns how many. */
	uint16_t (*rx)(void *rxq, void **frames, uint16_t n);
	uint16_t (*tx)(void *txq, void **frames, uint16_t n);
	/* Asks for offloads at transmit; not measured. */
	void (*ask)(void *frame);
};

/* @variant: a word for the side, such as "bare". False: there is no such one, or no memory. */
bool ring_side(struct ring_side *side, const char *variant);

#endif
