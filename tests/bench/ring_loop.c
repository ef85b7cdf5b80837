/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Receive and forward, with the device's part played by this file: ring_SIDE VARIANT TRAFFIC BURST
 * PACKETS. bench_rx() and bench_tx() are what callgrind is told to count; a warm-up goes before.
 * Prints the frames delivered; fails when one is lost, doubled or out of order.
 */
#include "ring_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define WARM_UP 4096 /* packets: several times round each ring */

struct loop {
	struct ring_side side;
	enum ring_traffic traffic;
	uint32_t rx_head, tx_head;
	uint64_t injected, seen; /* frames */
};

_Noreturn static void fail(const char *what)
{
	fprintf(stderr, "ring: %s\n", what);
	exit(1);
}

/* One descriptor written back as the 82576 does, for an IPv4 TCP frame. */
static void device_rx_desc(struct loop *l, bool first, bool eop)
{
	union igb_rx_desc *d = &l->side.rx_ring[l->rx_head];

	if (l->rx_head == *l->side.rdt)
		fail("the receive ring ran dry");
	if (first)
		memcpy((void *)(uintptr_t)le64_to_cpu(d->read.pkt_addr), &l->injected,
		       sizeof(l->injected));
	d->wb.pkt_info = cpu_to_le16(0x0111);
	d->wb.hdr_info = cpu_to_le16(0);
	d->wb.rss = cpu_to_le32(0x5a5a5a5a);
	d->wb.length = cpu_to_le16(RING_FRAME);
	d->wb.vlan = cpu_to_le16(0);
	d->wb.status_error =
		cpu_to_le32(IGB_RXD_DD | IGB_RXD_IPCS | IGB_RXD_L4CS | (eop ? IGB_RXD_EOP : 0));
	l->rx_head = (l->rx_head + 1) % RING_SIZE;
}

static void device_rx(struct loop *l, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, l->injected++) {
		device_rx_desc(l, true, l->traffic != RING_CHAIN);
		if (l->traffic == RING_CHAIN)
			device_rx_desc(l, false, true);
	}
}

/* Takes all that was handed over; what asks for a report gets one. */
static void device_tx(struct loop *l)
{
	bool first = true;

	while (l->tx_head != *l->side.tdt) {
		union igb_tx_desc *d = &l->side.tx_ring[l->tx_head];
		uint32_t cmd = le32_to_cpu(d->read.cmd_type_len);
		uint64_t seq;

		l->tx_head = (l->tx_head + 1) % RING_SIZE;
		if ((cmd & GENMASK(23, 20)) == IGB_TXD_DTYP_CTX)
			continue;
		if ((cmd & IGB_TXD_DTALEN) != RING_FRAME)
			fail("a frame's length changed");
		if (first) {
			memcpy(&seq, (void *)(uintptr_t)le64_to_cpu(d->read.addr), sizeof(seq));
			if (seq != l->seen++)
				fail("a frame was lost, doubled or overtaken");
		}
		first = cmd & IGB_TXD_EOP;
		if (cmd & IGB_TXD_RS)
			d->wb.status = cpu_to_le32(IGB_TXD_DD);
	}
}

/* noipa: by their own names and never merged, so that callgrind can tell them apart. */
__attribute__((noipa)) static unsigned int bench_rx(struct ring_side *s, void **f, uint16_t n)
{
	return s->rx(s->rxq, f, n);
}

__attribute__((noipa)) static unsigned int bench_tx(struct ring_side *s, void **f, uint16_t n)
{
	return s->tx(s->txq, f, n);
}

__attribute__((noipa)) static unsigned int warm_rx(struct ring_side *s, void **f, uint16_t n)
{
	return s->rx(s->rxq, f, n);
}

__attribute__((noipa)) static unsigned int warm_tx(struct ring_side *s, void **f, uint16_t n)
{
	return s->tx(s->txq, f, n);
}

static void run(struct loop *l, uint16_t burst, uint64_t packets, bool measured)
{
	void *frames[RING_BURST];

	for (uint64_t done = 0; done < packets; done += burst) {
		unsigned int n;

		device_rx(l, burst);
		n = measured ? bench_rx(&l->side, frames, burst) : warm_rx(&l->side, frames, burst);
		if (n != burst)
			fail("a burst was not received whole");
		if (l->traffic == RING_OFFLOAD)
			for (unsigned int i = 0; i < n; i++)
				l->side.ask(frames[i]);
		n = measured ? bench_tx(&l->side, frames, burst) : warm_tx(&l->side, frames, burst);
		if (n != burst)
			fail("a burst was not taken whole");
		device_tx(l);
	}
}

int main(int argc, char **argv)
{
	static const char *const traffics[] = {"plain", "offload", "chain"};
	static struct loop l;
	uint64_t packets;
	unsigned int t = 0, burst;

	if (argc != 5)
		fail("usage: VARIANT plain|offload|chain BURST PACKETS");
	while (t < ARRAY_SIZE(traffics) && strcmp(traffics[t], argv[2]))
		t++;
	burst = (unsigned int)strtoul(argv[3], NULL, 10);
	packets = strtoull(argv[4], NULL, 10);
	if (t == ARRAY_SIZE(traffics) || !burst || burst > RING_BURST || packets % burst)
		fail("no such traffic, a burst above 128, or packets no multiple of it");
	l.traffic = (enum ring_traffic)t;
	if (!ring_side(&l.side, argv[1]))
		fail("the side did not set up");
	run(&l, (uint16_t)burst, WARM_UP, false);
	run(&l, (uint16_t)burst, packets, true);
	if (l.seen != l.injected || l.injected != WARM_UP + packets)
		fail("delivered is not sent");
	printf("%llu\n", (unsigned long long)packets);
	return 0;
}
