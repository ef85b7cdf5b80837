/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The device's side of both rings, for the queue tests. */
#include "vf_sim.h"

void *vsim_mem(size_t size)
{
	void *mem = aligned_alloc(64, (size + 63) & ~(size_t)63);

	assert_non_null(mem);
	memset(mem, 0, size);
	return mem;
}

struct vsim *vsim_new(uint32_t features, unsigned int buffers)
{
	struct vsim *s = calloc(1, sizeof(*s));
	struct vfq_config cfg = {
		.regs = IGB_VF_RXQ(0),
		.size = SIM_RING,
		.features = features,
		.pool = &s->pool,
	};

	s->dev = fake_new();
	assert_int_equal(vfq_pool_init(&s->pool, s->dev, buffers), 0);
	s->rx_mem = vsim_mem(vfq_rx_size());
	s->tx_mem = vsim_mem(vfq_tx_size());
	assert_int_equal(vfq_rx_init(s->rx_mem, s->dev, &cfg, &s->rx), 0);
	cfg.regs = IGB_VF_TXQ(0);
	assert_int_equal(vfq_tx_init(s->tx_mem, s->dev, &cfg, &s->tx), 0);
	assert_int_equal(vfq_rx_start(s->rx), 0);
	assert_int_equal(vfq_tx_start(s->tx), 0);
	s->dev->reads = 0;
	s->dev->doorbells = 0;
	fake_log_clear(s->dev);
	return s;
}

void vsim_free(struct vsim *s)
{
	assert_int_equal(vfq_rx_stop(s->rx), 0);
	assert_int_equal(vfq_tx_stop(s->tx), 0);
	assert_int_equal(s->pool.nfree, s->pool.count);
	for (unsigned int i = 0; i < s->pool.count; i++) {
		assert_int_equal(s->pool.free[i]->nsegs, 1);
		assert_null(s->pool.free[i]->next);
	}
	vfq_rx_fini(s->rx);
	vfq_tx_fini(s->tx);
	vfq_pool_fini(&s->pool);
	free(s->rx_mem);
	free(s->tx_mem);
	fake_free(s->dev);
	free(s);
}

uint32_t vsim_reg(const struct vsim *s, uint32_t reg)
{
	return s->dev->reg[reg / 4];
}

bool vsim_rx_desc(struct vsim *s, const void *data, uint16_t len, uint32_t status)
{
	union igb_rx_desc *d = &s->rx->ring[s->rx_head];
	void *buf;

	if (s->rx_head == vsim_reg(s, IGB_VF_RXQ(0) + IGB_RDT))
		return false;
	assert_int_equal(d->read.hdr_addr, 0);
	buf = (void *)(uintptr_t)d->read.pkt_addr;
	if (data)
		memcpy(buf, data, len);
	memset(d, 0, sizeof(*d));
	d->wb.length = cpu_to_le16(len);
	d->wb.status_error = cpu_to_le32(status);
	s->rx_head = (s->rx_head + 1) % SIM_RING;
	return true;
}

bool vsim_rx_frame(struct vsim *s, uint8_t fill, uint16_t len)
{
	uint8_t data[VFQ_BUF_SIZE];

	memset(data, fill, sizeof(data));
	return vsim_rx_desc(s, data, len, IGB_RXD_DD | IGB_RXD_EOP);
}

bool vsim_tx_frame(struct vsim *s, struct vsim_frame *f, bool done)
{
	*f = (struct vsim_frame){0};
	while (s->tx_head != vsim_reg(s, IGB_VF_TXQ(0) + IGB_TDT)) {
		union igb_tx_desc *d = &s->tx->ring[s->tx_head];
		uint32_t cmd = le32_to_cpu(d->read.cmd_type_len), len = cmd & IGB_TXD_DTALEN;
		unsigned int idx;

		s->tx_head = (s->tx_head + 1) % SIM_RING;
		assert_true(cmd & IGB_TXD_DEXT);
		if ((cmd & GENMASK(23, 20)) == IGB_TXD_DTYP_CTX) {
			idx = field_get(IGB_TXD_CTX_IDX, le32_to_cpu(d->ctx.mss_l4len_idx));
			assert_in_range(idx, 0, 1);
			s->ctx_lens[idx] = le32_to_cpu(d->ctx.vlan_macip_lens);
			s->ctx_tucmd[idx] = cmd;
			s->contexts++;
			continue;
		}
		assert_int_equal(cmd & GENMASK(23, 20), IGB_TXD_DTYP_DATA);
		assert_true(cmd & IGB_TXD_IFCS);
		assert_in_range(len, 1, VFQ_BUF_SIZE);
		if (!f->segs) {
			f->cmd = cmd;
			f->olinfo = le32_to_cpu(d->read.olinfo_status);
			f->paylen = field_get(IGB_TXD_PAYLEN, f->olinfo);
		}
		memcpy(f->data + f->len, (void *)(uintptr_t)d->read.addr, len);
		f->len += len;
		f->segs++;
		if ((cmd & IGB_TXD_RS) && done)
			d->wb.status = cpu_to_le32(IGB_TXD_DD);
		if (cmd & IGB_TXD_EOP)
			return true;
	}
	assert_int_equal(f->segs, 0);
	return false;
}

struct vfq_buf *vsim_buf(struct vsim *s, uint8_t fill, uint16_t len)
{
	struct vfq_buf *buf = vfq_buf_get(&s->pool);

	assert_non_null(buf);
	memset(buf->data, fill, len);
	buf->len = len;
	return buf;
}

struct vfq_buf *vsim_chain(struct vsim *s, unsigned int n, uint16_t len)
{
	struct vfq_buf *first = vsim_buf(s, 1, len), *last = first;

	for (unsigned int i = 1; i < n; i++) {
		last->next = vsim_buf(s, (uint8_t)(i + 1), len);
		last = last->next;
	}
	first->nsegs = (uint16_t)n;
	return first;
}
