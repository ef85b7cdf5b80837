/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Rates of VF to VF on the device server beside what the device itself allows, and what a VF's
 * reset costs in device operations. device JSON [READS WRITES REQUESTS]: the figures of the stock
 * driver.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drv/pf.h"
#include "drv/vf.h"
#include "hw/igb.h"
#include "os/qemu.h"
#include "tests/device/raw.h"

#define PAIRS	  15
#define SAMPLE_US 150000
#define LIMIT_US  5000000
#define FRAME	  64
#define RING	  1024
#define VFS	  4 /* 0 to 1 by our driver, 2 to 3 by hand */

/* All of the benchmark; in main's frame. */
struct bench {
	struct qemu *q;
	struct pf *pf;
	struct vf *vf[VFS];
	struct mac mac[VFS];
	struct raw raw[2]; /* of VFs 2 and 3 */
	void *mem[VFS + 1];
};

struct row {
	char name[64];
	const char *unit;
	double ours, peer;
	const char *peer_name; /* NULL: no peer */
	char method[160];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "device: %s\n", what);
	exit(1);
}

static void idle(void *ctx)
{
	(void)!pf_service(ctx);
}

static void *mem_get(size_t len)
{
	size_t whole = (len + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	void *p = aligned_alloc(CACHE_LINE, whole);

	if (!p)
		die("out of memory");
	return memset(p, 0, whole);
}

static void pf_up(struct bench *b)
{
	const struct pf_config cfg = {.num_vfs = VFS};
	struct os_dev *dev = qemu_func(b->q, -1);
	uint64_t end = os_now_us(dev) + LIMIT_US;
	struct pf_link link;

	b->mem[VFS] = mem_get(pf_size());
	if (pf_init(b->mem[VFS], dev, &cfg, &b->pf) || pf_start(b->pf))
		die("the PF did not start");
	qemu_on_idle(b->q, idle, b->pf);
	do {
		os_delay_us(dev, 1000);
		pf_link(b->pf, &link);
		if (os_now_us(dev) >= end)
			die("the link did not come up");
	} while (!link.up);
}

static void up(struct bench *b)
{
	const struct qemu_args args = {.num_vfs = VFS, .no_wire = true};
	const struct vf_config cfg = {
		.queues = 1, .rx_size = RING, .tx_size = RING, .buffers = 3 * RING};
	struct os_err err = {0};

	if (qemu_start(&args, &b->q, &err)) {
		fprintf(stderr, "device: %s: %s; %s\n", err.what, err.rule, err.mend);
		exit(1);
	}
	pf_up(b);
	for (unsigned int i = 0; i < VFS; i++) {
		b->mem[i] = mem_get(vf_size());
		if (vf_init(b->mem[i], qemu_func(b->q, (int)i), &cfg, &b->vf[i]) ||
		    vf_reset(b->vf[i]))
			die("a VF did not start");
		vf_mac(b->vf[i], &b->mac[i]);
	}
	/* The handshake has opened their pools; from here on their queues are driven by hand. */
	for (unsigned int i = 0; i < 2; i++)
		if (raw_open(&b->raw[i], qemu_func(b->q, 2 + (int)i), IGB_VF_RXQ(0), IGB_VF_TXQ(0),
			     RING))
			die("out of DMA memory");
}

static void down(struct bench *b)
{
	for (unsigned int i = 0; i < 2; i++)
		raw_close(&b->raw[i]);
	for (unsigned int i = 0; i < VFS; i++) {
		vf_stop(b->vf[i]);
		vf_fini(b->vf[i]);
	}
	qemu_on_idle(b->q, NULL, NULL);
	pf_stop(b->pf);
	pf_fini(b->pf);
	for (unsigned int i = 0; i <= VFS; i++)
		free(b->mem[i]);
	qemu_stop(b->q);
}

static void header(uint8_t *f, const struct mac *to, const struct mac *from)
{
	memcpy(f, to->b, ETH_MAC_LEN);
	memcpy(f + ETH_MAC_LEN, from->b, ETH_MAC_LEN);
	f[12] = 0x88;
	f[13] = 0xb5;
}

/* One burst from VF 0 to VF 1, received and given back. */
static unsigned int burst_ours(struct bench *b, unsigned int n, uint64_t end)
{
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	struct os_dev *dev = qemu_func(b->q, 0);
	unsigned int sent, got = 0;

	for (unsigned int i = 0; i < n; i++) {
		bufs[i] = vf_buf_get(b->vf[0]);
		if (!bufs[i])
			die("no buffer");
		header(bufs[i]->data, &b->mac[1], &b->mac[0]);
		bufs[i]->len = FRAME;
		bufs[i]->frame_len = FRAME;
		bufs[i]->nsegs = 1;
	}
	sent = vf_tx_burst(b->vf[0], 0, bufs, n);
	for (unsigned int i = sent; i < n; i++)
		vfq_buf_put(bufs[i]);
	while (got < sent) {
		unsigned int k = vf_rx_burst(b->vf[1], 0, bufs, n);

		for (unsigned int i = 0; i < k; i++)
			vfq_buf_put(bufs[i]);
		got += k;
		if (!k && os_now_us(dev) >= end)
			die("our driver lost a frame");
	}
	return sent;
}

/* The same from VF 2 to VF 3 with bare descriptors. */
static unsigned int burst_raw(struct bench *b, unsigned int n, uint64_t end)
{
	struct os_dev *dev = qemu_func(b->q, 2);
	unsigned int got = 0;

	for (unsigned int i = 0; i < n; i++) {
		header(raw_tx_buf(&b->raw[0]), &b->mac[3], &b->mac[2]);
		raw_tx(&b->raw[0], FRAME);
	}
	raw_kick(&b->raw[0]);
	while (got < n) {
		unsigned int k = raw_rx_skip(&b->raw[1], n);

		got += k;
		if (!k && os_now_us(dev) >= end)
			die("the bare loop lost a frame");
	}
	return n;
}

/* Thousand frames a second of bursts of @n for SAMPLE_US. */
static double sample(struct bench *b, unsigned int n,
		     unsigned int (*burst)(struct bench *, unsigned int, uint64_t))
{
	struct os_dev *dev = qemu_func(b->q, -1);
	uint64_t start, now, frames = 0;

	os_flush(dev);
	start = now = os_now_us(dev);
	while (now - start < SAMPLE_US) {
		frames += burst(b, n, now + LIMIT_US);
		now = os_now_us(dev);
	}
	return (double)frames * 1000 / (double)(now - start);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static void rate_row(struct bench *b, unsigned int n, struct row *row)
{
	double ours[PAIRS], raw[PAIRS], ratio[PAIRS];

	for (unsigned int i = 0; i < PAIRS; i++) {
		ours[i] = sample(b, n, burst_ours);
		raw[i] = sample(b, n, burst_raw);
		ratio[i] = ours[i] / raw[i];
	}
	snprintf(row->name, sizeof(row->name), "VF to VF, %u B, burst %u", FRAME, n);
	snprintf(row->method, sizeof(row->method),
		 "medians of %u interleaved pairs of %u ms, median ratio %.2f, all delivered",
		 PAIRS, SAMPLE_US / 1000, median(ratio, PAIRS));
	row->unit = "kpps";
	row->ours = median(ours, PAIRS);
	row->peer = median(raw, PAIRS);
	row->peer_name = "raw rings: the same descriptors and doorbells, no driver";
}

/* From the first write of the reset to the doorbell of the first frame, VF 0 alone. */
static void reset_rows(struct bench *b, char *const *stock, struct row row[3])
{
	static const char *const what[] = {"MMIO reads", "MMIO writes", "mailbox round trips"};
	struct os_dev *dev = qemu_func(b->q, 0);
	struct qemu_count c0, c1;
	struct vf_stats s0, s1;
	double ours[3];

	qemu_func_counts(dev, &c0);
	vf_stats(b->vf[0], &s0);
	if (vf_reset(b->vf[0]))
		die("the VF did not come back from its reset");
	if (burst_ours(b, 1, os_now_us(dev) + LIMIT_US) != 1)
		die("no frame after the reset");
	qemu_func_counts(dev, &c1);
	vf_stats(b->vf[0], &s1);
	ours[0] = (double)(c1.mmio_reads - c0.mmio_reads);
	ours[1] = (double)(c1.mmio_writes - c0.mmio_writes);
	ours[2] = (double)(s1.mbx_requests - s0.mbx_requests);
	for (unsigned int i = 0; i < 3; i++) {
		snprintf(row[i].name, sizeof(row[i].name), "VF reset to first frame, %s", what[i]);
		row[i].unit = "operations";
		row[i].ours = ours[i];
		row[i].peer = stock ? strtod(stock[i], NULL) : 0;
		row[i].peer_name = stock ? "stock igbvf" : NULL;
		snprintf(row[i].method, sizeof(row[i].method),
			 "counted from CTRL.RST to the doorbell; stock: trace of a Debian guest, "
			 "address given, IPv6 off");
	}
}

static void report(FILE *f, const struct row *row, unsigned int n)
{
	fputs("[\n", f);
	for (unsigned int i = 0; i < n; i++) {
		fprintf(f, "{\"name\":\"%s\",\"unit\":\"%s\",\"ours\":%.1f,", row[i].name,
			row[i].unit, row[i].ours);
		if (row[i].peer_name)
			fprintf(f, "\"peer\":%.1f,\"peer_name\":\"%s\",", row[i].peer,
				row[i].peer_name);
		else
			fputs("\"peer\":null,\"peer_name\":null,", f);
		fprintf(f, "\"method\":\"%s\"}%s\n", row[i].method, i + 1 < n ? "," : "");
	}
	fputs("]\n", f);
}

static void table(const struct row *row, unsigned int n)
{
	printf("%-46s %10s %10s %6s  %s\n", "", "ours", "peer", "ratio", "unit; peer");
	for (unsigned int i = 0; i < n; i++) {
		printf("%-46s %10.1f ", row[i].name, row[i].ours);
		if (row[i].peer_name && row[i].peer > 0)
			printf("%10.1f %6.2f  %s; %s\n", row[i].peer, row[i].ours / row[i].peer,
			       row[i].unit, row[i].peer_name);
		else
			printf("%10s %6s  %s\n", "-", "-", row[i].unit);
	}
}

int main(int argc, char **argv)
{
	static const unsigned int bursts[] = {1, 32, 128};
	struct row row[ARRAY_SIZE(bursts) + 3];
	struct bench b = {0};
	FILE *f;

	if (argc != 2 && argc != 5) {
		fprintf(stderr, "usage: device JSON [READS WRITES REQUESTS]\n");
		return 2;
	}
	up(&b);
	for (unsigned int i = 0; i < ARRAY_SIZE(bursts); i++)
		rate_row(&b, bursts[i], &row[i]);
	reset_rows(&b, argc == 5 ? argv + 2 : NULL, &row[ARRAY_SIZE(bursts)]);
	down(&b);
	f = fopen(argv[1], "w");
	if (!f)
		die("the report cannot be written");
	report(f, row, ARRAY_SIZE(row));
	if (fclose(f))
		die("the report cannot be written");
	table(row, ARRAY_SIZE(row));
	return 0;
}
