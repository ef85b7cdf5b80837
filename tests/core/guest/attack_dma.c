/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Attacks through the VF: every address that its rings and descriptors hold, pointed at memory
 * outside of its domain (addr=, by default beyond the guest's own), and interrupts forged by DMA.
 */
#include "attack.h"
#include "drv/vf.h"
#include "hw/igb.h"

static struct os_dev dev;
static uint64_t target;

/* Raw access to the VF; the driver's handshake first, so that its pool is open. */
static void open_vf(void)
{
	struct net *n = net_vf();

	if (!n) {
		say("no VF");
		done(92);
	}
	bare_func(&dev, &env, (uint16_t)n->devfn, pci_bar(n->devfn, 0));
	target = arg_num("addr", 0x60000000);
}

static void stop_rings(void)
{
	os_wr32(&dev, IGB_VF_TXQ(0) + IGB_TXDCTL, 0);
	os_wr32(&dev, IGB_VF_RXQ(0) + IGB_RXDCTL, 0);
	os_flush(&dev);
}

/* One transmit descriptor: @buf of 64 bytes, in a ring at @ring, head write-back at @wb (0: none).
 */
static void send_one(uint64_t ring_iova, void *ring, uint64_t buf, uint64_t wb)
{
	volatile uint64_t *d = ring;
	uint32_t q = IGB_VF_TXQ(0);

	if (d) {
		d[0] = buf;
		d[1] = 64 | 3u << 20 | UINT64_C(0x2b) << 24 | UINT64_C(64) << 46;
	}
	os_wr32(&dev, q + IGB_TDBAL, (uint32_t)ring_iova);
	os_wr32(&dev, q + IGB_TDBAH, (uint32_t)(ring_iova >> 32));
	os_wr32(&dev, q + IGB_TDLEN, 4096);
	os_wr32(&dev, q + IGB_TDH, 0);
	os_wr32(&dev, q + IGB_TDT, 0);
	os_wr32(&dev, q + IGB_TDWBAL, wb ? (uint32_t)wb | 1 : 0);
	os_wr32(&dev, q + IGB_TDWBAH, (uint32_t)(wb >> 32));
	os_wr32(&dev, q + IGB_TXDCTL, 1u << 25);
	os_flush(&dev);
	os_doorbell(&dev, q + IGB_TDT, 1);
	os_flush(&dev);
}

static void tx_buf(void)
{
	void *r;

	open_vf();
	stop_rings();
	r = env.pages(4096);
	send_one((uint64_t)r, r, target, 0);
}

static void tx_ring(void)
{
	open_vf();
	stop_rings();
	send_one(target, NULL, 0, 0);
}

static void tx_wb(void)
{
	void *r;

	open_vf();
	stop_rings();
	r = env.pages(4096);
	send_one((uint64_t)r, r, (uint64_t)env.pages(4096), target);
}

/* Receive descriptors with @buf and header buffer @hdr; the harness or the loopback sends frames.
 */
static void receive(uint64_t ring_iova, void *ring, uint64_t buf, uint64_t hdr)
{
	volatile uint64_t *d = ring;
	uint32_t q = IGB_VF_RXQ(0);

	for (unsigned int i = 0; d && i < 255; i++) {
		d[2 * i] = buf;
		d[2 * i + 1] = hdr;
	}
	os_wr32(&dev, q + IGB_RDBAL, (uint32_t)ring_iova);
	os_wr32(&dev, q + IGB_RDBAH, (uint32_t)(ring_iova >> 32));
	os_wr32(&dev, q + IGB_RDLEN, 4096);
	os_wr32(&dev, q + IGB_SRRCTL, hdr ? 5u << 25 | 4u << 8 | 2 : 1u << 25 | 2);
	os_wr32(&dev, q + IGB_RDH, 0);
	os_wr32(&dev, q + IGB_RXDCTL, 1u << 25);
	os_flush(&dev);
	os_doorbell(&dev, q + IGB_RDT, 255);
	os_flush(&dev);
}

/* The harness sends to it meanwhile; until the head moves, or for ms=. */
static void wait_rx(void)
{
	uint64_t end = tsc() + ms(arg_num("ms", 3000));

	say("receiving");
	while (tsc() < end && !os_rd32(&dev, IGB_VF_RXQ(0) + IGB_RDH))
		relax();
}

static void rx_buf(void)
{
	void *r;

	open_vf();
	stop_rings();
	r = env.pages(4096);
	receive((uint64_t)r, r, target, 0);
	wait_rx();
}

static void rx_ring(void)
{
	open_vf();
	stop_rings();
	receive(target, NULL, 0, 0);
	wait_rx();
}

static void rx_hdr(void)
{
	void *r;

	open_vf();
	stop_rings();
	r = env.pages(4096);
	receive((uint64_t)r, r, (uint64_t)env.pages(4096), target);
	wait_rx();
}

/* DMA writes into the interrupt range: compatibility format, then every index in remappable format.
 */
static void msi(void)
{
	void *r;

	open_vf();
	r = env.pages(4096);
	for (unsigned int i = 0; i < 64; i++) {
		stop_rings();
		send_one((uint64_t)r, r, (uint64_t)env.pages(4096),
			 i ? 0xfee00010u | (i - 1) << 5 : 0xfee00000u);
		call(GUEST_CALL_BEAT, i);
	}
}

/* Goes on with the VF whatever happens to it: the harness takes it away meanwhile. */
static void vf_gone(void)
{
	uint64_t end;
	uint32_t last = 0;

	open_vf();
	say("using the VF");
	for (end = tsc() + ms(arg_num("ms", 400)); tsc() < end;) {
		last = os_rd32(&dev, 8);
		os_wr32(&dev, IGB_VF_TXQ(0) + IGB_TDT, 0);
		call(GUEST_CALL_BEAT, last);
	}
	say("STATUS at the end %x", last);
}

const struct attack attack_dma[] = {
	{"dma-tx-buf", tx_buf}, {"dma-tx-ring", tx_ring}, {"dma-tx-wb", tx_wb},
	{"dma-rx-buf", rx_buf}, {"dma-rx-ring", rx_ring}, {"dma-rx-hdr", rx_hdr},
	{"dma-msi", msi},	{"vf-gone", vf_gone},	  {NULL, NULL},
};
