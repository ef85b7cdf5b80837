/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Attacks with a VF beyond single descriptors: every field and register at random, mail to the PF,
 * floods of interrupts and of resets, BARs where other things are.
 */
#include "attack.h"
#include "drv/vf.h"
#include "hw/igb.h"

#define DESCRIPTORS 256u
#define VECTOR	    0x51

static struct os_dev dev;
static unsigned int devfn;

static void open_vf(void)
{
	struct net *n = net_vf();

	if (!n) {
		say("no VF");
		done(92);
	}
	devfn = n->devfn;
	bare_func(&dev, &env, (uint16_t)devfn, pci_bar(devfn, 0));
}

/*
 * An address of its own, or one of places that are not: beyond its memory, VT-d, BARs. Not the
 * interrupt range, which dma-msi tries: QEMU 10.0 passes interrupts in compatibility format on
 * though CFI is off (VT-d 5.1.4), an INIT to the core's CPUs among them.
 */
static uint64_t somewhere(void)
{
	static const uint64_t at[] = {
		0x60000000, 0xfed90000, 0xfebc0000,	    0xb0000000,
		0xfffff000, 1ull << 39, 0xfffffffffffff000, 0x100000000,
	};
	uint32_t r = rnd();

	if (r & 1)
		return boot->mem / 2 + (rnd() % (boot->mem / 4));
	return at[(r >> 1) % ARRAY_SIZE(at)] + (rnd() & 0xfff);
}

/* Legacy, context, data descriptors, all else of them by chance. */
static void fill_ring(uint64_t *d, bool tx)
{
	static const uint32_t type[] = {0, 2, 3, 3, 3, 7};

	for (unsigned int i = 0; i < DESCRIPTORS; i++) {
		d[2 * i] = somewhere();
		d[2 * i + 1] = (uint64_t)rnd() << 32 | rnd();
		if (!tx) {
			d[2 * i + 1] = somewhere();
			continue;
		}
		d[2 * i + 1] &= ~(0xfull << 20);
		d[2 * i + 1] |= 1ull << 29 | (uint64_t)type[rnd() % ARRAY_SIZE(type)] << 20;
	}
}

static void tx_fuzz(void)
{
	uint64_t *ring;

	open_vf();
	ring = env.pages(DESCRIPTORS * 16);
	for (unsigned int round = 0; round < 40; round++) {
		uint64_t at = rnd() % 4 ? (uint64_t)ring : somewhere(), wb = somewhere();
		uint32_t q = IGB_VF_TXQ(rnd() & 1);

		fill_ring(ring, true);
		os_wr32(&dev, q + IGB_TXDCTL, 0);
		os_wr32(&dev, q + IGB_TDBAL, (uint32_t)at);
		os_wr32(&dev, q + IGB_TDBAH, (uint32_t)(at >> 32));
		os_wr32(&dev, q + IGB_TDLEN, round % 5 ? 4096 : rnd());
		os_wr32(&dev, q + IGB_TDH, round % 3 ? 0 : rnd());
		os_wr32(&dev, q + IGB_TDWBAL, (uint32_t)wb | (rnd() & 1));
		os_wr32(&dev, q + IGB_TDWBAH, (uint32_t)(wb >> 32));
		os_wr32(&dev, q + IGB_TXDCTL, 1u << 25 | (rnd() & 0x1f1f1f));
		os_doorbell(&dev, q + IGB_TDT, round % 7 ? rnd() % DESCRIPTORS : rnd());
		os_flush(&dev);
		call(GUEST_CALL_BEAT, round);
	}
}

static void rx_fuzz(void)
{
	static const uint32_t type[] = {1, 2, 5}; /* one buffer, a header's beside it */
	uint64_t *ring, end = tsc() + ms(arg_num("ms", 1500));

	open_vf();
	ring = env.pages(DESCRIPTORS * 16);
	say("receiving");
	for (unsigned int round = 0; tsc() < end; round++) {
		uint64_t at = rnd() % 4 ? (uint64_t)ring : somewhere();
		uint32_t q = IGB_VF_RXQ(0), first;

		fill_ring(ring, false);
		os_wr32(&dev, q + IGB_RXDCTL, 0);
		os_wr32(&dev, q + IGB_RDBAL, (uint32_t)at);
		os_wr32(&dev, q + IGB_RDBAH, (uint32_t)(at >> 32));
		os_wr32(&dev, q + IGB_RDLEN, round % 5 ? 4096 : rnd());
		os_wr32(&dev, q + IGB_SRRCTL,
			round & 1 ? rnd() : type[rnd() % ARRAY_SIZE(type)] << 25 | 4u << 8 | 2);
		first = round % 3 ? 0 : rnd() % DESCRIPTORS;
		os_wr32(&dev, q + IGB_RDH, first);
		os_wr32(&dev, q + IGB_RXDCTL, 1u << 25);
		os_doorbell(&dev, q + IGB_RDT, round % 7 ? DESCRIPTORS - 1 : rnd());
		for (unsigned int i = 0; i < 2000; i++)
			relax();
	}
}

/* Each register that its BAR has, or has not, with values by chance. */
static void regs(void)
{
	open_vf();
	for (unsigned int round = 0; round < 2; round++)
		for (uint32_t off = 0; off < 0x4000; off += 4) {
			(void)os_rd32(&dev, off);
			os_wr32(&dev, off, rnd());
			if (!(off & 0xfff))
				call(GUEST_CALL_BEAT, off);
		}
}

/* Mail that is no message, without waiting for an answer. */
static void mail(void)
{
	open_vf();
	for (unsigned int i = 0; i < 600; i++) {
		for (uint32_t w = 0; w < 16; w++)
			os_wr32(&dev, IGB_VF_VMBMEM + 4 * w, w ? rnd() : rnd() & 0xff00ff);
		os_wr32(&dev, IGB_V2PMAILBOX, IGB_V2P_VFU);
		os_wr32(&dev, IGB_V2PMAILBOX, i % 8 ? IGB_V2P_REQ : rnd());
		os_flush(&dev);
	}
}

/* Causes set by itself, no throttle, each cleared at once. */
static void irq_storm(void)
{
	open_vf();
	pci_msix(devfn, 0, VECTOR);
	os_wr32(&dev, IGB_IVAR(0), IGB_IVAR_VALID);
	irq_on();
	for (unsigned int i = 0; i < 2000; i++) {
		os_wr32(&dev, IGB_EIMS, 7);
		os_wr32(&dev, IGB_EICS, 7);
		os_wr32(&dev, IGB_EICR, 7);
	}
	irq_off();
	say("%lu interrupts", irq_count[VECTOR]);
}

static void flr_storm(void)
{
	unsigned int cap;

	open_vf();
	cap = pci_cap(devfn, 0x10);
	for (unsigned int i = 0; i < 200; i++) {
		pci_wr32(devfn, cap + 8, 1u << 15);
		pci_enable(devfn);
		(void)os_rd32(&dev, 8);
		call(GUEST_CALL_BEAT, i);
	}
}

/* Its BARs over RAM, the APIC, its own ECAM, one another, and where there is no room. */
static void bars(void)
{
	static const uint32_t at[] = {0,	  0x100000,   0x200000,	  0xfee00000, 0xfed90000,
				      0xb0000000, 0xfffff000, 0xefffe000, 0xe0000000, 0xdffff000};
	uint64_t *mine = env.pages(4096);
	uint32_t was[8][6];

	mine[0] = 0x5a;
	for (unsigned int d = 0; d < 8; d++)
		for (unsigned int b = 0; b < 6; b++)
			was[d][b] = pci_rd32(d << 3, 0x10 + 4 * b);
	for (unsigned int i = 0; i < 3000; i++) {
		unsigned int d = 1 + rnd() % 2, b = rnd() % 6;
		uint32_t to = was[1 + rnd() % 2][rnd() % 6], r = rnd();

		if (r & 1)
			to = at[(r >> 1) % ARRAY_SIZE(at)];
		else if (r & 2)
			to = (uint32_t)(uint64_t)mine;
		else if (r & 4)
			to = 0xe0000000 | (r & 0xffff000);
		pci_wr32(d << 3, 0x10 + 4 * b, to);
		pci_wr32(d << 3, 4, r >> 8 & 6);
		if (mine[0] != 0x5a) {
			say("a BAR lies over RAM");
			done(1);
		}
	}
}

/* The mailbox kept for itself, and a request in it at all times. */
static void mbx_hold(void)
{
	open_vf();
	for (unsigned int i = 0; i < 20000; i++)
		os_wr32(&dev, IGB_V2PMAILBOX, IGB_V2P_VFU | IGB_V2P_REQ);
}

static uint32_t ask(const uint32_t *msg, uint32_t words)
{
	uint64_t end = tsc() + ms(300);

	for (uint32_t i = 0; i < words; i++)
		os_wr32(&dev, IGB_VF_VMBMEM + 4 * i, msg[i]);
	os_wr32(&dev, IGB_V2PMAILBOX, IGB_V2P_REQ);
	while (tsc() < end)
		relax();
	return os_rd32(&dev, IGB_VF_VMBMEM);
}

/* The address of a station on the wire: asked for by mail, and as the source of a vNIC's frames. */
static void mac_steal(void)
{
	static const uint8_t far[6] = {0x52, 0x54, 0x00, 0xaa, 0x00, 0x02};
	const uint32_t reset[] = {1}, set_mac[] = {2, 0xaa005452, 0x0200};
	struct net *n = net_virtio();
	uint16_t len = 60;

	if (!n)
		done(92);
	open_vf();
	(void)ask(reset, 1);
	say("stealing: answer %x", ask(set_mac, 3));
	for (uint64_t i = 0;; i++) {
		uint64_t end = tsc() + ms(20);
		uint8_t *b = n->ops->tx_buf(n);

		if (b) {
			memset(b, 0xff, 6);
			memcpy(b + 6, far, 6);
			b[12] = 0x88;
			b[13] = 0xb5;
			n->ops->tx(n, &len, 1);
		}
		call(GUEST_CALL_BEAT, i);
		while (tsc() < end)
			relax();
	}
}

const struct attack attack_vf[] = {
	{"vf-tx-fuzz", tx_fuzz},
	{"vf-rx-fuzz", rx_fuzz},
	{"vf-regs", regs},
	{"vf-mail", mail},
	{"vf-irq-storm", irq_storm},
	{"vf-flr-storm", flr_storm},
	{"bars", bars},
	{"mbx-hold", mbx_hold},
	{"mac-steal", mac_steal},
	{NULL, NULL},
};
