/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The card with its drivers: start, stop, sending, collecting. */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hw/igb.h"

#define PF_RING	    1024
#define VF_RING	    1024
#define ARRIVES_MS  5000
#define SERVE_MAX   1000
#define FENCE_TYPE  0x88b6 /* local experimental Ethertype 2: the rig's own marks */
#define FENCE_LEN   60
#define FRAME_SPACE 9728
#define PAYLOAD(f)  ((f) + sizeof(uint32_t))

const struct mac rig_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void event(void *ctx, const struct pf_event *ev)
{
	struct rig *r = ctx;

	r->events[ev->type]++;
	r->last_event = *ev;
}

static void idle(void *ctx)
{
	struct rig *r = ctx;

	if (r->pf)
		(void)!pf_service(r->pf);
}

void rig_serve(struct rig *r)
{
	for (int i = 0; i < SERVE_MAX; i++)
		if (pf_service(r->pf) == 0)
			return;
	fail_msg("pf_service() never comes to an end");
}

static void *mem_get(size_t len)
{
	size_t whole = (len + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	void *p = aligned_alloc(CACHE_LINE, whole);

	if (p)
		memset(p, 0, whole);
	return p;
}

void rig_vf_open(struct rig *r, unsigned int vf, const struct vf_config *cfg)
{
	struct vf_config c = *cfg;

	if (!c.queues)
		c.queues = 1;
	if (!c.rx_size)
		c.rx_size = VF_RING;
	if (!c.tx_size)
		c.tx_size = VF_RING;
	if (!c.buffers)
		c.buffers = c.queues * (c.rx_size + c.tx_size) + VFQ_BURST_MAX;
	r->queues = c.queues;
	r->vf_mem[vf] = mem_get(vf_size());
	assert_non_null(r->vf_mem[vf]);
	assert_int_equal(vf_init(r->vf_mem[vf], qemu_func(r->q, (int)vf), &c, &r->vf[vf]), 0);
	assert_int_equal(vf_reset(r->vf[vf]), 0);
	vf_mac(r->vf[vf], &r->mac[vf]);
}

void rig_vf_close(struct rig *r, unsigned int vf)
{
	if (r->vf[vf]) {
		vf_stop(r->vf[vf]);
		vf_fini(r->vf[vf]);
	}
	free(r->vf_mem[vf]);
	r->vf[vf] = NULL;
	r->vf_mem[vf] = NULL;
}

static int link_wait(struct rig *r)
{
	struct os_dev *dev = qemu_func(r->q, -1);
	uint64_t end = os_now_us(dev) + ARRIVES_MS * 1000;
	struct pf_link link;

	do {
		os_delay_us(dev, 1000);
		pf_link(r->pf, &link);
	} while (!link.up && os_now_us(dev) < end);
	return link.up ? 0 : -1;
}

static int pf_up(struct rig *r)
{
	const struct pf_config cfg = {
		.num_vfs = r->num_vfs, .pf_queue = PF_RING, .event = event, .ctx = r};

	r->pf_mem = mem_get(pf_size());
	if (!r->pf_mem || pf_init(r->pf_mem, qemu_func(r->q, -1), &cfg, &r->pf))
		return -1;
	if (pf_start(r->pf))
		return -1;
	qemu_on_idle(r->q, idle, r);
	pf_mac(r->pf, &r->mac[RIG_PF]);
	return link_wait(r);
}

int rig_start(struct rig *r, const struct rig_args *args)
{
	const struct qemu_args qa = {.num_vfs = args->num_vfs};
	const struct mac far_end = {{0x52, 0x54, 0, 0xaa, 0xbb, 0xcc}};
	struct os_err err = {0};

	memset(r, 0, sizeof(*r));
	r->num_vfs = args->num_vfs;
	r->open = args->open;
	r->mac[RIG_WIRE] = far_end;
	if (qemu_start(&qa, &r->q, &err)) {
		print_error("%s: %s (%s)\n", err.what, err.rule, err.mend);
		return -1;
	}
	if (pf_up(r)) {
		print_error("the PF did not start\n");
		return -1;
	}
	for (unsigned int i = 0; i < args->open; i++)
		rig_vf_open(r, i, &args->vf);
	rig_serve(r);
	return 0;
}

void rig_stop(struct rig *r)
{
	for (unsigned int i = 0; i < PF_VFS_MAX; i++)
		rig_vf_close(r, i);
	if (r->q)
		qemu_on_idle(r->q, NULL, NULL);
	if (r->pf) {
		pf_stop(r->pf);
		pf_fini(r->pf);
	}
	free(r->pf_mem);
	qemu_stop(r->q);
	memset(r, 0, sizeof(*r));
}

/* ---- sending */

static uint8_t pattern(uint32_t seq, unsigned int i)
{
	return (uint8_t)(seq * 7 + i);
}

unsigned int rig_frame_make(const struct rig *r, const struct rig_tx *t, uint32_t seq, uint8_t *f)
{
	unsigned int len = t->len ? t->len : 60, at = 12;

	memcpy(f, t->to->b, ETH_MAC_LEN);
	memcpy(f + 6, t->src ? t->src->b : r->mac[t->from].b, ETH_MAC_LEN);
	if (t->vlan) {
		f[at++] = 0x81;
		f[at++] = 0;
		f[at++] = (uint8_t)(t->vlan >> 8);
		f[at++] = (uint8_t)t->vlan;
	}
	f[at++] = RIG_TYPE >> 8;
	f[at++] = RIG_TYPE & 0xff;
	memcpy(f + at, &seq, sizeof(seq));
	at += (unsigned int)sizeof(seq);
	for (unsigned int i = 0; at < len; i++)
		f[at++] = pattern(seq, i);
	return len;
}

struct vfq_buf *rig_chain(struct rig *r, unsigned int from, const uint8_t *frame, unsigned int len,
			  unsigned int seg)
{
	struct vfq_buf *head = NULL, **link = &head;
	unsigned int done = 0;
	uint16_t n = 0;

	if (!seg || seg > VFQ_BUF_SIZE)
		seg = VFQ_BUF_SIZE;
	while (done < len) {
		unsigned int part = len - done < seg ? len - done : seg;
		struct vfq_buf *b = from == RIG_PF ? pf_buf_get(r->pf) : vf_buf_get(r->vf[from]);

		if (!b) {
			if (head)
				vfq_buf_put(head);
			return NULL;
		}
		memcpy(b->data, frame + done, part);
		b->len = (uint16_t)part;
		*link = b;
		link = &b->next;
		done += part;
		n++;
	}
	head->frame_len = (uint16_t)len;
	head->nsegs = n;
	return head;
}

unsigned int rig_tx_burst(struct rig *r, unsigned int from, unsigned int queue,
			  struct vfq_buf **bufs, unsigned int n)
{
	return from == RIG_PF ? pf_tx_burst(r->pf, bufs, n)
			      : vf_tx_burst(r->vf[from], queue, bufs, n);
}

static void wire_send(struct rig *r, const uint8_t *frame, unsigned int len)
{
	struct os_dev *dev = qemu_func(r->q, -1);
	uint64_t end = os_now_us(dev) + ARRIVES_MS * 1000;
	int ret;

	while ((ret = qemu_wire_tx(r->q, frame, len)) == -EAGAIN && os_now_us(dev) < end)
		rig_collect(r);
	assert_int_equal(ret, 0);
}

/* All of @bufs, by as many bursts as the ring's room asks for. */
static void push(struct rig *r, const struct rig_tx *t, struct vfq_buf **bufs, unsigned int n)
{
	struct os_dev *dev = qemu_func(r->q, -1);
	uint64_t end = os_now_us(dev) + ARRIVES_MS * 1000;
	unsigned int done = rig_tx_burst(r, t->from, t->queue, bufs, n);

	while (done < n && os_now_us(dev) < end) {
		os_flush(dev);
		rig_collect(r);
		done += rig_tx_burst(r, t->from, t->queue, bufs + done, n - done);
	}
	assert_int_equal(done, n);
	os_flush(dev);
}

void rig_send(struct rig *r, const struct rig_tx *t)
{
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	unsigned int n = t->n ? t->n : 1, held = 0;
	uint8_t f[FRAME_SPACE];

	for (unsigned int i = 0; i < n; i++) {
		unsigned int len = rig_frame_make(r, t, t->seq + i, f);

		if (t->from == RIG_WIRE) {
			wire_send(r, f, len);
			continue;
		}
		bufs[held] = rig_chain(r, t->from, f, len, t->seg);
		assert_non_null(bufs[held]);
		bufs[held]->flags = t->flags;
		bufs[held]->vlan = t->flag_vlan;
		if (++held < VFQ_BURST_MAX && i + 1 < n)
			continue;
		push(r, t, bufs, held);
		held = 0;
		rig_collect(r);
	}
}

void rig_send_bytes(struct rig *r, unsigned int from, const void *frame, unsigned int len)
{
	const struct rig_tx t = {.from = from};
	struct vfq_buf *b;

	if (from == RIG_WIRE) {
		wire_send(r, frame, len);
		return;
	}
	b = rig_chain(r, from, frame, len, 0);
	assert_non_null(b);
	push(r, &t, &b, 1);
}

/* ---- collecting */

/* Checks one of our own frames; @at is where its number starts. */
static void own_frame(struct rig_in *in, struct rig_frame *k, const uint8_t *f, unsigned int at)
{
	memcpy(&k->seq, f + at, sizeof(k->seq));
	if (in->n && k->seq != in->last + 1)
		in->disorder++;
	in->last = k->seq;
	at += (unsigned int)sizeof(k->seq);
	for (unsigned int i = 0; at < k->len; i++) {
		if (f[at++] != pattern(k->seq, i)) {
			in->spoiled++;
			return;
		}
	}
}

static unsigned int ether_type(const uint8_t *f, unsigned int at)
{
	return (unsigned int)f[at] << 8 | f[at + 1];
}

static void take(struct rig *r, unsigned int port, const uint8_t *f, struct rig_frame *k)
{
	struct rig_in *in = &r->in[port];
	unsigned int at = 12;

	if (ether_type(f, at) == FENCE_TYPE) {
		memcpy(&r->fence, f + 14, sizeof(r->fence));
		return;
	}
	if (ether_type(f, at) == 0x8100)
		at += 4;
	if (ether_type(f, at) == RIG_TYPE)
		own_frame(in, k, f, at + 2);
	memcpy(k->head, f, k->len < RIG_HEAD ? k->len : RIG_HEAD);
	if (in->n < RIG_KEEP)
		in->frame[in->n] = *k;
	in->n++;
}

static void take_buf(struct rig *r, unsigned int port, struct vfq_buf *b)
{
	struct rig_frame k = {
		.len = b->frame_len, .flags = b->flags, .vlan = b->vlan, .nsegs = b->nsegs};
	uint8_t f[FRAME_SPACE + VFQ_BUF_SIZE];
	unsigned int at = 0, segs = 0;

	for (const struct vfq_buf *s = b; s; s = s->next) {
		assert_true(at + s->len <= sizeof(f));
		memcpy(f + at, s->data, s->len);
		at += s->len;
		segs++;
	}
	assert_int_equal(at, k.len);
	assert_int_equal(segs, k.nsegs);
	vfq_buf_put(b);
	take(r, port, f, &k);
}

static void collect_queue(struct rig *r, unsigned int port, unsigned int queue)
{
	struct vfq_buf *bufs[VFQ_BURST_MAX];
	unsigned int n;

	do {
		n = port == RIG_PF ? pf_rx_burst(r->pf, bufs, VFQ_BURST_MAX)
				   : vf_rx_burst(r->vf[port], queue, bufs, VFQ_BURST_MAX);
		for (unsigned int i = 0; i < n; i++)
			take_buf(r, port, bufs[i]);
	} while (n);
}

void rig_collect(struct rig *r)
{
	uint8_t f[FRAME_SPACE];
	struct rig_frame k = {0};
	int n;

	for (unsigned int i = 0; i < r->num_vfs; i++)
		for (unsigned int queue = 0; r->vf[i] && queue < r->queues; queue++)
			collect_queue(r, i, queue);
	collect_queue(r, RIG_PF, 0);
	while ((n = qemu_wire_rx(r->q, f, sizeof(f))) > 0) {
		k = (struct rig_frame){.len = (unsigned int)n, .nsegs = 1};
		take(r, RIG_WIRE, f, &k);
	}
	assert_int_equal(n, 0);
}

/* One mark from @from to @to; all that was sent that way before it has arrived with it. */
static void fence(struct rig *r, unsigned int from, unsigned int to, uint32_t number)
{
	struct os_dev *dev = qemu_func(r->q, -1);
	uint64_t end = os_now_us(dev) + ARRIVES_MS * 1000;
	uint8_t f[FENCE_LEN] = {0};

	memcpy(f, r->mac[to].b, ETH_MAC_LEN);
	memcpy(f + 6, r->mac[from].b, ETH_MAC_LEN);
	f[12] = FENCE_TYPE >> 8;
	f[13] = FENCE_TYPE & 0xff;
	memcpy(f + 14, &number, sizeof(number));
	rig_send_bytes(r, from, f, sizeof(f));
	do {
		os_delay_us(dev, 20);
		rig_collect(r);
	} while (r->fence != number && os_now_us(dev) < end);
	assert_int_equal(r->fence, number);
}

void rig_settle(struct rig *r)
{
	os_flush(qemu_func(r->q, -1));
	fence(r, RIG_PF, RIG_WIRE, r->fence + 1);
	fence(r, RIG_WIRE, RIG_PF, r->fence + 1);
	/* What the wire brought before the mark was given to the VFs before the PF got the mark. */
	rig_collect(r);
}

void rig_clear(struct rig *r)
{
	rig_collect(r);
	for (unsigned int i = 0; i < RIG_PORTS; i++)
		r->in[i].n = r->in[i].spoiled = r->in[i].disorder = 0;
}

void rig_expect(struct rig *r, uint32_t ports, unsigned int n)
{
	for (unsigned int i = 0; i < RIG_PORTS; i++) {
		unsigned int want = ports >> i & 1 ? n : 0;

		if (r->in[i].n != want || r->in[i].spoiled)
			print_error("port %u got %u frames, %u expected, %u spoiled\n", i,
				    r->in[i].n, want, r->in[i].spoiled);
	}
	for (unsigned int i = 0; i < RIG_PORTS; i++) {
		assert_int_equal(r->in[i].n, ports >> i & 1 ? n : 0);
		assert_int_equal(r->in[i].spoiled, 0);
	}
}

void rig_check(struct rig *r, const struct rig_tx *t, uint32_t ports)
{
	rig_settle(r);
	rig_clear(r);
	rig_send(r, t);
	rig_settle(r);
	rig_expect(r, ports, t->n ? t->n : 1);
}
