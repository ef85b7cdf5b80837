/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The ring benchmark's side of DPDK: its igb driver's own burst and queue functions, compiled from
 * Debian's source package, which ring.sh fetches into build/.
 */
#include "igb_rxtx.c"

#include "ring_bench.h"

int e1000_logtype_init; /* the log of a file of the driver that is not built */

static uint16_t rx(void *q, void **frames, uint16_t n)
{
	return eth_igb_recv_pkts(q, (struct rte_mbuf **)frames, n);
}

static uint16_t rx_scattered(void *q, void **frames, uint16_t n)
{
	return eth_igb_recv_scattered_pkts(q, (struct rte_mbuf **)frames, n);
}

static uint16_t tx(void *q, void **frames, uint16_t n)
{
	return eth_igb_xmit_pkts(q, (struct rte_mbuf **)frames, n);
}

static void ask(void *frame)
{
	struct rte_mbuf *m = frame;

	m->ol_flags |= RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_TCP_CKSUM |
		       RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->vlan_tci = 7;
}

static bool eal_up(void)
{
	char *args[] = {
		"ring",		  "--no-huge",	    "-m", "64", "--no-pci",	 "--no-shconf",
		"--no-telemetry", "--iova-mode=va", "-l", "0",	"--log-level=3", NULL};

	return rte_eal_init((int)ARRAY_SIZE(args) - 1, args) >= 0;
}

static void *zeroed(size_t len)
{
	return rte_zmalloc(NULL, len, 128);
}

static struct igb_rx_queue *rx_queue(struct rte_mempool *pool, volatile uint32_t *rdt)
{
	struct igb_rx_queue *q = zeroed(sizeof(*q));

	q->mb_pool = pool;
	q->rx_ring = zeroed(RING_SIZE * sizeof(*q->rx_ring));
	q->sw_ring = zeroed(RING_SIZE * sizeof(*q->sw_ring));
	q->nb_rx_desc = RING_SIZE;
	q->rx_free_thresh = RING_HOLD;
	q->rdt_reg_addr = rdt;
	igb_reset_rx_queue(q);
	if (igb_alloc_rx_queue_mbufs(q))
		return NULL;
	*rdt = RING_SIZE - 1;
	return q;
}

static struct igb_tx_queue *tx_queue(volatile uint32_t *tdt)
{
	static struct e1000_adapter adapter = {.hw.mac.type = e1000_vfadapt};
	static struct rte_eth_dev_data data = {.dev_private = &adapter};
	static struct rte_eth_dev dev = {.data = &data};
	struct igb_tx_queue *q = zeroed(sizeof(*q));

	q->tx_ring = zeroed(RING_SIZE * sizeof(*q->tx_ring));
	q->sw_ring = zeroed(RING_SIZE * sizeof(*q->sw_ring));
	q->nb_tx_desc = RING_SIZE;
	q->tdt_reg_addr = tdt;
	igb_reset_tx_queue(q, &dev);
	return q;
}

bool ring_side(struct ring_side *side, const char *variant)
{
	static volatile uint32_t rdt, tdt;
	bool scattered = !strcmp(variant, "scattered");
	struct rte_mempool *pool;
	struct igb_rx_queue *rxq;
	struct igb_tx_queue *txq;

	if ((!scattered && strcmp(variant, "simple")) || !eal_up())
		return false;
	pool = rte_pktmbuf_pool_create("ring", RING_BUFFERS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	rxq = pool ? rx_queue(pool, &rdt) : NULL;
	if (!rxq)
		return false;
	txq = tx_queue(&tdt);
	*side = (struct ring_side){
		.rx_ring = (void *)(uintptr_t)rxq->rx_ring,
		.tx_ring = (void *)(uintptr_t)txq->tx_ring,
		.rdt = &rdt,
		.tdt = &tdt,
		.rxq = rxq,
		.txq = txq,
		.rx = scattered ? rx_scattered : rx,
		.tx = tx,
		.ask = ask,
	};
	return true;
}
