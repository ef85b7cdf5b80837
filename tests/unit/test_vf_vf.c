/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The VF driver against a scripted PF: reset handshake, all requests, refusals, time-outs, late
 * and lost answers, PF resets and function-level resets.
 */
#include "tests/unit/vf_sim.h"

#include "abi/mbx.h"
#include "base/errno.h"
#include "drv/vf.h"

enum answer {
	PF_NORMAL,	/* ACK with CTS; to RESET its three words */
	PF_NACK,	/* NACK with CTS */
	PF_NACK_NO_CTS, /* it does not know us */
	PF_BARE_NACK,	/* the bit alone, as Linux igb answers a stray ack */
	PF_ACK_NO_CTS,	/* as DPDK's PF does */
	PF_SILENT,
	PF_LATE_FIRST, /* an answer to something else, then the right one */
	PF_PING_FIRST, /* PF_CONTROL with CTS, then the right one */
	PF_PING_RESET, /* PF_CONTROL without CTS */
	PF_PING_OVER,  /* its ping overwrote the request: NACK to 0x100, once */
	PF_RSTI,       /* it goes into reset */
	PF_RSTD,       /* it came out of reset */
	PF_HOLDS,      /* does not give the mailbox memory back */
};

/* The PF and the function's mailbox registers. */
struct pf_sim {
	enum answer answer;
	uint32_t v2p;	   /* as the device holds it */
	uint32_t queue[4]; /* first words that it will say, one at each look of the VF */
	unsigned int queued;
	uint32_t mac_lo, mac_hi;
	uint32_t last[MBX_WORDS]; /* the last request */
	unsigned int requests, acks, ctrl_resets;
	bool rsti_forever;
	bool link;
};

static void pf_say(struct pf_sim *pf, uint32_t word)
{
	assert_true(pf->queued < ARRAY_SIZE(pf->queue));
	pf->queue[pf->queued++] = word;
}

static void pf_request(struct os_dev *dev, struct pf_sim *pf)
{
	uint32_t ok = MBX_ACK | MBX_CTS, req;

	memcpy(pf->last, &dev->reg[IGB_VF_VMBMEM / 4], sizeof(pf->last));
	req = pf->last[0];
	pf->requests++;
	pf->v2p |= IGB_V2P_PFACK;
	if (field_get(MBX_ID, req) == MBX_RESET)
		ok = MBX_ACK;
	switch (pf->answer) {
	case PF_NORMAL:
		pf_say(pf, req | ok);
		break;
	case PF_NACK:
		pf_say(pf, req | MBX_NACK | (ok & MBX_CTS));
		break;
	case PF_NACK_NO_CTS:
		pf_say(pf, req | MBX_NACK);
		break;
	case PF_BARE_NACK:
		pf_say(pf, MBX_NACK);
		break;
	case PF_ACK_NO_CTS:
		pf_say(pf, req | MBX_ACK);
		break;
	case PF_LATE_FIRST:
		pf_say(pf, MBX_SET_PROMISC | MBX_ACK | MBX_CTS);
		pf_say(pf, req | ok);
		break;
	case PF_PING_FIRST:
		pf_say(pf, MBX_PF_CONTROL | MBX_CTS);
		pf_say(pf, req | ok);
		break;
	case PF_PING_RESET:
		pf_say(pf, MBX_PF_CONTROL);
		break;
	case PF_PING_OVER:
		pf_say(pf, MBX_PF_CONTROL | MBX_CTS | MBX_NACK);
		pf->answer = PF_NORMAL;
		break;
	case PF_RSTI:
		pf->v2p |= IGB_V2P_RSTI;
		break;
	case PF_RSTD:
		pf->v2p |= IGB_V2P_RSTD;
		break;
	case PF_HOLDS:
		pf->v2p |= IGB_V2P_PFU;
		pf_say(pf, req | ok);
		break;
	case PF_SILENT:
		break;
	}
}

static uint32_t vsim_read(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct pf_sim *pf = dev->user;

	if (reg == IGB_V2PMAILBOX) {
		/* A word is there when the one before was taken. */
		if (pf->queued && !(pf->v2p & (IGB_V2P_VFU | IGB_V2P_PFSTS))) {
			dev->reg[IGB_VF_VMBMEM / 4] = pf->queue[0];
			dev->reg[IGB_VF_VMBMEM / 4 + 1] = pf->mac_lo;
			dev->reg[IGB_VF_VMBMEM / 4 + 2] = pf->mac_hi;
			memmove(pf->queue, pf->queue + 1, sizeof(pf->queue) - 4);
			pf->queued--;
			pf->v2p |= IGB_V2P_PFSTS;
		}
		val = pf->v2p;
		pf->v2p &= ~IGB_V2P_RC;
		return val;
	}
	if (reg == IGB_STATUS)
		return pf->link ? IGB_STATUS_LU | field_prep(IGB_STATUS_SPEED, 2) : 0;
	return val;
}

static uint32_t vsim_write(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct pf_sim *pf = dev->user;

	if (reg == IGB_CTRL && (val & IGB_CTRL_RST)) {
		pf->ctrl_resets++;
		for (unsigned int i = 0; i < VF_QUEUES; i++) {
			dev->reg[(IGB_VF_RXQ(i) + IGB_RXDCTL) / 4] = 0;
			dev->reg[(IGB_VF_TXQ(i) + IGB_TXDCTL) / 4] = 0;
		}
		return 0;
	}
	if (reg != IGB_V2PMAILBOX)
		return val;
	if (!(val & IGB_V2P_VFU))
		pf->v2p &= ~IGB_V2P_VFU;
	else if (!(pf->v2p & IGB_V2P_PFU))
		pf->v2p |= IGB_V2P_VFU;
	if (val & IGB_V2P_ACK)
		pf->acks++;
	if (val & IGB_V2P_REQ)
		pf_request(dev, pf);
	return 0;
}

struct fixture {
	struct os_dev *dev;
	struct pf_sim pf;
	void *mem;
	struct vf *vf;
};

static struct fixture *setup(unsigned int queues)
{
	struct fixture *fx = calloc(1, sizeof(*fx));
	struct vf_config cfg = {
		.queues = queues, .rx_size = 64, .tx_size = 64, .buffers = queues * 64 + 64};

	fx->dev = fake_new();
	fx->dev->user = &fx->pf;
	fx->dev->on_read = vsim_read;
	fx->dev->on_write = vsim_write;
	fx->pf.mac_lo = 0x33221102;
	fx->pf.mac_hi = 0x5544;
	fx->pf.link = true;
	fx->mem = vsim_mem(vf_size());
	assert_int_equal(vf_init(fx->mem, fx->dev, &cfg, &fx->vf), 0);
	return fx;
}

static struct fixture *setup_ready(void)
{
	struct fixture *fx = setup(1);

	assert_int_equal(vf_reset(fx->vf), 0);
	return fx;
}

static void teardown(struct fixture *fx)
{
	vf_fini(fx->vf);
	free(fx->mem);
	fake_free(fx->dev);
	free(fx);
}

static void test_init_checks_its_configuration(void **state)
{
	static const struct vf_config bad[] = {
		{.queues = 0, .rx_size = 64, .tx_size = 64, .buffers = 256},
		{.queues = 3, .rx_size = 64, .tx_size = 64, .buffers = 256},
		{.queues = 1, .rx_size = 60, .tx_size = 64, .buffers = 256},
		{.queues = 1, .rx_size = 64, .tx_size = 8192, .buffers = 256},
		{.queues = 1, .rx_size = UINT32_MAX, .tx_size = 64, .buffers = 256},
		{.queues = 2, .rx_size = 64, .tx_size = 64, .buffers = 128},
		{.queues = 1, .rx_size = 64, .tx_size = 64, .buffers = 256, .features = 4},
	};
	struct os_dev *dev = fake_new();
	void *mem = vsim_mem(vf_size());
	struct vf *vf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vf_init(mem, dev, &bad[i], &vf), -EINVAL);
	for (int i = 0; i < 6; i++) { /* two for the pool, one a ring */
		struct vf_config cfg = {.queues = 2, .rx_size = 64, .tx_size = 64, .buffers = 256};

		dev->dma_fail_after = i;
		assert_int_equal(vf_init(mem, dev, &cfg, &vf), -ENOMEM);
		assert_int_equal(dev->dma_live, 0);
	}
	free(mem);
	fake_free(dev);
}

static void test_reset_learns_the_address(void **state)
{
	static const struct mac want = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
	struct fixture *fx = setup(2);
	struct mac mac;

	(void)state;
	assert_int_equal(vf_reset(fx->vf), 0);
	vf_mac(fx->vf, &mac);
	assert_true(mac_equal(&mac, &want));
	assert_int_equal(fx->pf.ctrl_resets, 1);
	assert_int_equal(fx->pf.acks, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(fx->dev->reg[(IGB_VF_RXQ(i) + IGB_RXDCTL) / 4] & IGB_RXDCTL_ENABLE);
		assert_true(fx->dev->reg[(IGB_VF_TXQ(i) + IGB_TXDCTL) / 4] & IGB_TXDCTL_ENABLE);
	}
	assert_int_equal(vf_link(fx->vf), VF_LINK_UP);
	assert_int_equal(vf_link_mbps(fx->vf), 1000);
	teardown(fx);
}

/* What a guest's start costs: one round trip, and few register accesses. */
static void test_reset_is_cheap(void **state)
{
	struct fixture *fx = setup(1);

	(void)state;
	assert_int_equal(vf_reset(fx->vf), 0);
	assert_int_equal(fx->pf.requests, 1);
	assert_true(fx->dev->nlog <= 21);
	assert_true(fx->dev->reads <= 10);
	teardown(fx);
}

static void test_queues_start_after_the_answer(void **state)
{
	struct fixture *fx = setup(1);
	long ack = -1;

	(void)state;
	assert_int_equal(vf_reset(fx->vf), 0);
	for (size_t i = 0; i < fx->dev->nlog; i++)
		if (fx->dev->log[i].reg == IGB_V2PMAILBOX && fx->dev->log[i].val == IGB_V2P_ACK)
			ack = (long)i;
	assert_true(ack > 0);
	assert_true(fake_log_find(fx->dev, IGB_VF_RXQ(0) + IGB_RXDCTL, 0) > ack);
	assert_true(fake_log_find(fx->dev, IGB_VF_TXQ(0) + IGB_TXDCTL, 0) > ack);
	teardown(fx);
}

static uint32_t rsti_for_a_while(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct pf_sim *pf = dev->user;

	if (reg == IGB_V2PMAILBOX && pf->rsti_forever)
		return IGB_V2P_RSTI;
	if (reg == IGB_V2PMAILBOX && dev->now_us < 5000)
		return IGB_V2P_RSTI;
	return vsim_read(dev, reg, val);
}

static void test_reset_waits_for_the_pf(void **state)
{
	struct fixture *fx = setup(1);

	(void)state;
	fx->pf.v2p = IGB_V2P_RSTD;
	fx->dev->on_read = rsti_for_a_while;
	assert_int_equal(vf_reset(fx->vf), 0);
	assert_true(fx->dev->now_us >= 5000);
	teardown(fx);
}

static void test_reset_wait_is_bounded(void **state)
{
	struct fixture *fx = setup(1);

	(void)state;
	fx->pf.rsti_forever = true;
	fx->dev->on_read = rsti_for_a_while;
	assert_int_equal(vf_reset(fx->vf), -ETIMEDOUT);
	assert_int_equal(fx->pf.requests, 0);
	assert_true(fx->dev->now_us < 200000);
	assert_int_equal(vf_link(fx->vf), VF_LINK_RESET);
	teardown(fx);
}

static void test_reset_failures(void **state)
{
	static const struct {
		enum answer answer;
		int err;
	} cases[] = {{PF_NACK, -EACCES},      {PF_NACK_NO_CTS, -EACCES},
		     {PF_SILENT, -ETIMEDOUT}, {PF_PING_RESET, -ETIMEDOUT},
		     {PF_RSTI, -ETIMEDOUT},   {PF_RSTD, -ETIMEDOUT},
		     {PF_HOLDS, -ETIMEDOUT},  {PF_BARE_NACK, -ETIMEDOUT}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *fx = setup(1);
		struct vfq_buf *bufs[1];

		fx->pf.answer = cases[i].answer;
		assert_int_equal(vf_reset(fx->vf), cases[i].err);
		assert_true(fx->dev->now_us < 5000000);
		assert_int_equal(vf_link(fx->vf), VF_LINK_RESET);
		assert_int_equal(vf_rx_burst(fx->vf, 0, bufs, 1), 0);
		fx->pf = (struct pf_sim){.mac_lo = 2, .link = true};
		assert_int_equal(vf_reset(fx->vf), 0); /* and it recovers */
		teardown(fx);
	}
}

static void test_reset_survives_noise(void **state)
{
	static const enum answer noise[] = {PF_LATE_FIRST, PF_PING_FIRST, PF_PING_OVER};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(noise); i++) {
		struct fixture *fx = setup(1);

		fx->pf.answer = noise[i];
		assert_int_equal(vf_reset(fx->vf), 0);
		teardown(fx);
	}
}

static void test_reset_refuses_bad_addresses(void **state)
{
	struct fixture *fx = setup(1);

	(void)state;
	fx->pf.mac_lo = 0;
	fx->pf.mac_hi = 0;
	assert_int_equal(vf_reset(fx->vf), -EACCES);
	fx->pf.mac_lo = 1; /* a group address */
	assert_int_equal(vf_reset(fx->vf), -EACCES);
	teardown(fx);
}

static uint32_t queue_off(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	if (reg == IGB_VF_TXQ(0) + IGB_TXDCTL)
		return 0;
	return vsim_read(dev, reg, val);
}

static void test_queue_that_does_not_start(void **state)
{
	struct fixture *fx = setup(1);

	(void)state;
	fx->dev->on_read = queue_off;
	assert_int_equal(vf_reset(fx->vf), -EIO);
	assert_int_equal(vf_link(fx->vf), VF_LINK_RESET);
	fx->dev->on_read = vsim_read;
	assert_int_equal(vf_reset(fx->vf), 0);
	teardown(fx);
}

static void test_buffers_held_by_the_caller(void **state)
{
	struct fixture *fx = setup(1);
	struct vfq_buf *held[65];

	(void)state;
	for (unsigned int i = 0; i < 65; i++)
		held[i] = vf_buf_get(fx->vf);
	assert_int_equal(vf_reset(fx->vf), -ENOBUFS);
	for (unsigned int i = 0; i < 65; i++)
		vfq_buf_put(held[i]);
	assert_int_equal(vf_reset(fx->vf), 0);
	teardown(fx);
}

static void test_requests_as_the_protocol_has_them(void **state)
{
	static const struct mac a = {{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}};
	struct fixture *fx = setup_ready();
	struct mac mac;

	(void)state;
	assert_int_equal(vf_mac_set(fx->vf, &a), 0);
	assert_int_equal(fx->pf.last[0], 0x02);
	assert_int_equal(fx->pf.last[1], 0xccbbaa02);
	assert_int_equal(fx->pf.last[2], 0xeedd);
	vf_mac(fx->vf, &mac);
	assert_true(mac_equal(&mac, &a));
	assert_int_equal(vf_mac_add(fx->vf, &a), 0);
	assert_int_equal(fx->pf.last[0], 0x02 | 2 << 16);
	assert_int_equal(vf_mac_clear(fx->vf), 0);
	assert_int_equal(fx->pf.last[0], 0x02 | 1 << 16);
	assert_int_equal(fx->pf.last[1] | fx->pf.last[2], 0);
	assert_int_equal(vf_vlan_add(fx->vf, 4094), 0);
	assert_int_equal(fx->pf.last[0], 0x04 | 1 << 16);
	assert_int_equal(fx->pf.last[1], 4094);
	assert_int_equal(vf_vlan_del(fx->vf, 0), 0);
	assert_int_equal(fx->pf.last[0], 0x04);
	assert_int_equal(vf_frame_max_set(fx->vf, 9018), 0);
	assert_int_equal(fx->pf.last[0], 0x05);
	assert_int_equal(fx->pf.last[1], 9018);
	assert_int_equal(vf_promisc_set(fx->vf, true, false), 0);
	assert_int_equal(fx->pf.last[0], 0x06 | 1 << 16);
	assert_int_equal(vf_promisc_set(fx->vf, false, true), 0);
	assert_int_equal(fx->pf.last[0], 0x06 | 2 << 16);
	assert_int_equal(vf_promisc_set(fx->vf, false, false), 0);
	assert_int_equal(fx->pf.last[0], 0x06);
	teardown(fx);
}

static void test_multicast_by_hash_and_overflow(void **state)
{
	struct fixture *fx = setup_ready();
	struct mac list[31];

	(void)state;
	for (unsigned int i = 0; i < 31; i++)
		list[i] = (struct mac){{0x01, 0, 0x5e, 0, (uint8_t)(0x30 + (i << 4)), 0x12}};
	assert_int_equal(vf_multicast_set(fx->vf, list, 3), 0);
	assert_int_equal(fx->pf.last[0], 0x03 | 3 << 16);
	/* address bits 47:36: the last byte, then the high half of the one before */
	assert_int_equal(fx->pf.last[1], 0x123 | 0x124 << 16);
	assert_int_equal(fx->pf.last[2], 0x125);
	assert_int_equal(vf_multicast_set(fx->vf, list, 30), 0);
	assert_int_equal(fx->pf.last[0], 0x03 | 30 << 16);
	assert_int_equal(vf_multicast_set(fx->vf, list, 31), 0);
	assert_int_equal(fx->pf.last[0], 0x03 | (30 | 0x80) << 16);
	assert_int_equal(vf_multicast_set(fx->vf, NULL, 0), 0);
	assert_int_equal(fx->pf.last[0], 0x03);
	list[1].b[0] = 0x02;
	assert_int_equal(vf_multicast_set(fx->vf, list, 3), -EINVAL);
	teardown(fx);
}

static void test_bad_arguments_send_nothing(void **state)
{
	static const struct mac zero, group = {{0x01, 0, 0, 0, 0, 1}};
	struct fixture *fx = setup_ready();
	unsigned int before = fx->pf.requests;

	(void)state;
	assert_int_equal(vf_mac_set(fx->vf, &zero), -EINVAL);
	assert_int_equal(vf_mac_set(fx->vf, &group), -EINVAL);
	assert_int_equal(vf_mac_add(fx->vf, &group), -EINVAL);
	assert_int_equal(vf_vlan_add(fx->vf, 4095), -EINVAL);
	assert_int_equal(vf_vlan_del(fx->vf, 70000), -EINVAL);
	assert_int_equal(vf_frame_max_set(fx->vf, 63), -EINVAL);
	assert_int_equal(vf_frame_max_set(fx->vf, 9729), -EINVAL);
	assert_int_equal(fx->pf.requests, before);
	teardown(fx);
}

static void test_answers_to_a_request(void **state)
{
	static const struct {
		enum answer answer;
		int err;
		bool lost;
	} cases[] = {
		{PF_NORMAL, 0, false},
		{PF_NACK, -EACCES, false},
		{PF_ACK_NO_CTS, 0, false},
		{PF_LATE_FIRST, 0, false},
		{PF_PING_FIRST, 0, false},
		{PF_PING_OVER, 0, false},
		{PF_NACK_NO_CTS, -ECONNRESET, true},
		{PF_BARE_NACK, -ECONNRESET, true},
		{PF_PING_RESET, -ECONNRESET, true},
		{PF_RSTI, -ECONNRESET, true},
		{PF_RSTD, -ECONNRESET, true},
		{PF_SILENT, -ETIMEDOUT, true},
		{PF_HOLDS, -ETIMEDOUT, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture *fx = setup_ready();
		unsigned int sent;

		fx->pf.answer = cases[i].answer;
		assert_int_equal(vf_vlan_add(fx->vf, 5), cases[i].err);
		sent = fx->pf.requests;
		fx->pf = (struct pf_sim){.mac_lo = 2, .link = true, .requests = sent};
		assert_int_equal(vf_link(fx->vf), cases[i].lost ? VF_LINK_RESET : VF_LINK_UP);
		if (cases[i].lost) {
			/* Nothing is asked of a PF that does not know us, until RESET. */
			assert_int_equal(vf_vlan_add(fx->vf, 6), -ECONNRESET);
			assert_int_equal(fx->pf.requests, sent);
			assert_int_equal(vf_reset(fx->vf), 0);
		}
		assert_int_equal(vf_vlan_add(fx->vf, 6), 0);
		teardown(fx);
	}
}

static void test_refused_address_is_not_taken(void **state)
{
	static const struct mac a = {{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}};
	struct fixture *fx = setup_ready();
	struct vf_stats st;
	struct mac mac;

	(void)state;
	fx->pf.answer = PF_NACK;
	assert_int_equal(vf_mac_set(fx->vf, &a), -EACCES);
	vf_mac(fx->vf, &mac);
	assert_false(mac_equal(&mac, &a));
	vf_stats(fx->vf, &st);
	assert_int_equal(st.mbx_requests, 2);
	assert_int_equal(st.mbx_refused, 1);
	assert_int_equal(st.mbx_timeouts, 0);
	assert_int_equal(st.resets, 1);
	teardown(fx);
}

static void test_late_answer_to_a_dead_request_is_ignored(void **state)
{
	struct fixture *fx = setup_ready();

	(void)state;
	fx->pf.answer = PF_SILENT;
	assert_int_equal(vf_vlan_add(fx->vf, 5), -ETIMEDOUT);
	pf_say(&fx->pf, MBX_SET_VLAN | MBX_NACK | MBX_CTS | BIT(16));
	fx->pf.answer = PF_NORMAL;
	assert_int_equal(vf_reset(fx->vf), 0);
	assert_int_equal(vf_vlan_add(fx->vf, 5), 0);
	teardown(fx);
}

static void test_link_follows_the_port(void **state)
{
	struct fixture *fx = setup_ready();

	(void)state;
	fx->pf.link = false;
	assert_int_equal(vf_link(fx->vf), VF_LINK_DOWN);
	assert_int_equal(vf_link_mbps(fx->vf), 0);
	fx->pf.link = true;
	pf_say(&fx->pf, MBX_PF_CONTROL | MBX_CTS); /* a ping is no reset */
	assert_int_equal(vf_link(fx->vf), VF_LINK_UP);
	teardown(fx);
}

static void test_link_sees_resets(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct fixture *fx = setup_ready();

		if (i == 0)
			pf_say(&fx->pf, MBX_PF_CONTROL);
		else if (i == 1)
			fx->pf.v2p |= IGB_V2P_RSTI;
		else if (i == 2)
			fx->pf.v2p |= IGB_V2P_RSTD;
		else if (i == 3)
			pf_say(&fx->pf, MBX_NACK);
		else /* function-level reset by the host */
			vsim_write(fx->dev, IGB_CTRL, IGB_CTRL_RST);
		assert_int_equal(vf_link(fx->vf), VF_LINK_RESET);
		fx->pf.v2p &= ~IGB_V2P_RSTI;
		assert_int_equal(vf_link(fx->vf), VF_LINK_RESET); /* until vf_reset() */
		assert_int_equal(vf_reset(fx->vf), 0);
		assert_int_equal(vf_link(fx->vf), VF_LINK_UP);
		teardown(fx);
	}
}

/* A reset bit that a poll for something else happened to read is not lost. */
static void test_read_to_clear_bits_are_kept(void **state)
{
	struct fixture *fx = setup_ready();

	(void)state;
	fx->pf.v2p |= IGB_V2P_PFSTS | IGB_V2P_RSTD;
	/* Locking for the request reads the register, and with it clears both. */
	assert_int_equal(vf_vlan_add(fx->vf, 5), -ECONNRESET);
	teardown(fx);
}

static void test_reset_with_frames_in_flight_leaks_nothing(void **state)
{
	struct fixture *fx = setup_ready();
	unsigned int n;

	(void)state;
	for (unsigned int round = 0; round < 10; round++) {
		struct vfq_buf *bufs[20];

		for (n = 0; n < 20; n++) {
			bufs[n] = vf_buf_get(fx->vf);
			assert_non_null(bufs[n]);
			bufs[n]->len = 64;
		}
		assert_int_equal(vf_tx_burst(fx->vf, 0, bufs, 20), 20);
		assert_int_equal(vf_reset(fx->vf), 0);
	}
	for (n = 0; vf_buf_get(fx->vf); n++)
		;
	assert_int_equal(n, 64);
	teardown(fx);
}

/* Only the function's reset turns these queues off. */
static uint32_t stays_enabled(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	if ((reg == IGB_VF_RXQ(0) + IGB_RXDCTL || reg == IGB_VF_TXQ(0) + IGB_TXDCTL) && !val)
		return dev->reg[reg / 4];
	return vsim_write(dev, reg, val);
}

static void test_queues_that_do_not_stop_leak_nothing(void **state)
{
	struct fixture *fx = setup_ready();
	unsigned int n = 0;

	(void)state;
	fx->dev->on_write = stays_enabled;
	assert_int_equal(vf_reset(fx->vf), 0);
	vf_stop(fx->vf);
	while (vf_buf_get(fx->vf))
		n++;
	assert_int_equal(n, 128);
	teardown(fx);
}

static void test_empty_pool_takes_sent_buffers_back(void **state)
{
	struct fixture *fx = setup_ready();
	struct vfq_buf *bufs[64];

	(void)state;
	for (unsigned int i = 0; i < 60; i++) {
		bufs[i] = vf_buf_get(fx->vf);
		bufs[i]->len = 64;
	}
	assert_int_equal(vf_tx_burst(fx->vf, 0, bufs, 60), 60);
	for (unsigned int i = 0; i < 4; i++)
		bufs[i] = vf_buf_get(fx->vf);
	assert_null(vf_buf_get(fx->vf));
	vf_txq(fx->vf, 0)->ring[59].wb.status = cpu_to_le32(IGB_TXD_DD);
	bufs[4] = vf_buf_get(fx->vf);
	assert_non_null(bufs[4]);
	for (unsigned int i = 0; i < 5; i++)
		vfq_buf_put(bufs[i]);
	teardown(fx);
}

static void test_no_such_queue(void **state)
{
	struct fixture *fx = setup_ready();
	struct vfq_buf *bufs[1];

	(void)state;
	assert_int_equal(vf_rx_burst(fx->vf, 1, bufs, 1), 0);
	assert_int_equal(vf_tx_burst(fx->vf, 1, bufs, 1), 0);
	assert_null(vf_rxq(fx->vf, 1));
	assert_null(vf_txq(fx->vf, 1));
	assert_non_null(vf_rxq(fx->vf, 0));
	teardown(fx);
}

static void test_stop_disables_and_resets(void **state)
{
	struct fixture *fx = setup_ready();
	unsigned int resets = fx->pf.ctrl_resets;

	(void)state;
	vf_stop(fx->vf);
	assert_int_equal(fx->pf.ctrl_resets, resets + 1);
	assert_int_equal(fx->dev->reg[(IGB_VF_RXQ(0) + IGB_RXDCTL) / 4], 0);
	assert_int_equal(vf_vlan_add(fx->vf, 1), -ECONNRESET);
	assert_int_equal(vf_link(fx->vf), VF_LINK_RESET);
	assert_int_equal(vf_reset(fx->vf), 0);
	teardown(fx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_checks_its_configuration),
		cmocka_unit_test(test_reset_learns_the_address),
		cmocka_unit_test(test_reset_is_cheap),
		cmocka_unit_test(test_queues_start_after_the_answer),
		cmocka_unit_test(test_reset_waits_for_the_pf),
		cmocka_unit_test(test_reset_wait_is_bounded),
		cmocka_unit_test(test_reset_failures),
		cmocka_unit_test(test_reset_survives_noise),
		cmocka_unit_test(test_reset_refuses_bad_addresses),
		cmocka_unit_test(test_queue_that_does_not_start),
		cmocka_unit_test(test_buffers_held_by_the_caller),
		cmocka_unit_test(test_requests_as_the_protocol_has_them),
		cmocka_unit_test(test_multicast_by_hash_and_overflow),
		cmocka_unit_test(test_bad_arguments_send_nothing),
		cmocka_unit_test(test_answers_to_a_request),
		cmocka_unit_test(test_refused_address_is_not_taken),
		cmocka_unit_test(test_late_answer_to_a_dead_request_is_ignored),
		cmocka_unit_test(test_link_follows_the_port),
		cmocka_unit_test(test_link_sees_resets),
		cmocka_unit_test(test_read_to_clear_bits_are_kept),
		cmocka_unit_test(test_reset_with_frames_in_flight_leaks_nothing),
		cmocka_unit_test(test_queues_that_do_not_stop_leak_nothing),
		cmocka_unit_test(test_empty_pool_takes_sent_buffers_back),
		cmocka_unit_test(test_no_such_queue),
		cmocka_unit_test(test_stop_disables_and_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
