/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* An 82576 as the PF driver's unit tests need it, on fake_os hooks. */
#include "pf_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void device_reset(struct sim *s)
{
	memset(s->dev->reg, 0, sizeof(s->dev->reg));
	sim_put(s, IGB_VFRE, 0xff);
	sim_put(s, IGB_VFTE, 0xff);
	sim_put(s, IGB_EECD, IGB_EECD_AUTO_RD);
	sim_put(s, IGB_STATUS,
		IGB_STATUS_LU | IGB_STATUS_FD | IGB_STATUS_IOV | field_prep(IGB_STATUS_SPEED, 2) |
			field_prep(IGB_STATUS_NUM_VFS, SIM_VFS));
	if (s->no_mac)
		return;
	sim_put(s, IGB_RAL(0),
		s->pf_mac[0] | (uint32_t)s->pf_mac[1] << 8 | (uint32_t)s->pf_mac[2] << 16 |
			(uint32_t)s->pf_mac[3] << 24);
	sim_put(s, IGB_RAH(0), s->pf_mac[4] | (uint32_t)s->pf_mac[5] << 8 | IGB_RAH_AV);
}

static bool is_counter(uint32_t reg)
{
	if (reg == IGB_GORCL || reg == IGB_GOTCL)
		return false; /* the high half clears both */
	if (reg >= IGB_CRCERRS && reg <= IGB_BPTC)
		return true;
	for (unsigned int q = 0; q < IGB_QUEUES; q++)
		if (reg == IGB_RXQ(q) + IGB_RQDPC)
			return true;
	return reg == IGB_WVBR || reg == IGB_ICR;
}

static uint32_t on_read(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct sim *s = dev->user;

	for (unsigned int vf = 0; vf < SIM_VFS; vf++)
		if (reg == IGB_VMBMEM(vf) && (s->flr_on_word & BIT(vf))) {
			s->flr_on_word &= ~BIT(vf);
			dev->reg[IGB_VFLRE / 4] |= BIT(vf);
		}
	if (reg == IGB_SWSM)
		dev->reg[reg / 4] |= IGB_SWSM_SMBI;
	if (is_counter(reg))
		dev->reg[reg / 4] = 0;
	if (reg == IGB_GORCH || reg == IGB_GOTCH)
		dev->reg[reg / 4 - 1] = 0;
	return val;
}

static uint32_t write_mbx(struct sim *s, unsigned int vf, uint32_t val)
{
	uint32_t now = sim_get(s, IGB_P2VMAILBOX(vf)) & (IGB_P2V_VFU | IGB_P2V_PFU);
	uint32_t req = field_prep(IGB_MBVFICR_REQ, BIT(vf));

	if ((val & IGB_P2V_RVFU) && !s->vfu_sticks)
		now &= ~IGB_P2V_VFU;
	if (!(val & IGB_P2V_PFU))
		now &= ~IGB_P2V_PFU;
	else if (!(now & IGB_P2V_VFU))
		now |= IGB_P2V_PFU;
	if (val & IGB_P2V_STS) {
		s->replies[vf]++;
		if (s->flood & BIT(vf)) {
			sim_put(s, IGB_MBVFICR, sim_get(s, IGB_MBVFICR) | req);
			sim_put(s, IGB_VMBMEM(vf), MBX_SET_LPE);
		}
	}
	s->taken[vf] += !!(val & IGB_P2V_ACK);
	return now;
}

uint32_t sim_write(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	struct sim *s = dev->user;
	uint32_t now = dev->reg[reg / 4];

	for (unsigned int vf = 0; vf < SIM_VFS; vf++)
		if (reg == IGB_P2VMAILBOX(vf))
			return write_mbx(s, vf, val);
	if (s->keeps && reg == s->keeps)
		return now;
	switch (reg) {
	case IGB_CTRL:
		if (!(val & IGB_CTRL_RST))
			return val;
		s->resets_at = dev->nlog - 1;
		device_reset(s);
		return s->reset_sticks ? val : val & ~IGB_CTRL_RST;
	case IGB_MBVFICR:
	case IGB_VFLRE:
		return now & ~val;
	case IGB_MDIC:
		return val | IGB_MDIC_READY | (s->phy_error ? IGB_MDIC_ERROR : 0);
	case IGB_RTTBCNRC:
		return s->rate_kept ? val : 0;
	default:
		return val;
	}
}

static void on_event(void *ctx, const struct pf_event *ev)
{
	struct sim *s = ctx;

	assert_true(s->nev < SIM_EVENTS);
	s->ev[s->nev++] = *ev;
}

unsigned int sim_events(const struct sim *s, enum pf_event_type type, unsigned int vf)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->nev; i++)
		n += s->ev[i].type == type && s->ev[i].vf == vf;
	return n;
}

struct sim *sim_new(unsigned int num_vfs)
{
	struct sim *s = calloc(1, sizeof(*s));
	struct pf_config cfg = {.num_vfs = num_vfs, .event = on_event, .ctx = s};
	size_t len = (pf_size() + 63) & ~(size_t)63;

	assert_non_null(s);
	memcpy(s->pf_mac, (uint8_t[]){0x00, 0x1b, 0x21, 0x11, 0x22, 0x33}, 6);
	s->dev = fake_new();
	s->dev->user = s;
	s->dev->on_read = on_read;
	s->dev->on_write = sim_write;
	device_reset(s);
	s->mem = aligned_alloc(64, len);
	assert_non_null(s->mem);
	memset(s->mem, 0, len);
	assert_int_equal(pf_init(s->mem, s->dev, &cfg, &s->pf), 0);
	return s;
}

void sim_free(struct sim *s)
{
	pf_fini(s->pf);
	free(s->mem);
	fake_free(s->dev);
	free(s);
}

void sim_serve(struct sim *s)
{
	for (int i = 0; i < 32; i++)
		if (pf_service(s->pf) == 0)
			return;
	fail_msg("pf_service() does not come to an end");
}

void sim_forget(struct sim *s)
{
	fake_log_clear(s->dev);
	s->nev = 0;
	memset(s->replies, 0, sizeof(s->replies));
	memset(s->taken, 0, sizeof(s->taken));
}

void sim_put_request(struct sim *s, unsigned int vf, const uint32_t *msg, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		sim_put(s, IGB_VMBMEM(vf) + 4 * i, msg[i]);
	sim_put(s, IGB_MBVFICR, sim_get(s, IGB_MBVFICR) | field_prep(IGB_MBVFICR_REQ, BIT(vf)));
}

uint32_t sim_ask(struct sim *s, unsigned int vf, const uint32_t *msg, unsigned int n)
{
	sim_forget(s);
	sim_put_request(s, vf, msg, n);
	assert_true(pf_service(s->pf) >= 1);
	assert_false(sim_get(s, IGB_P2VMAILBOX(vf)) & IGB_P2V_PFU);
	if (!s->replies[vf])
		return 0;
	sim_put(s, IGB_MBVFICR, sim_get(s, IGB_MBVFICR) | field_prep(IGB_MBVFICR_ACK, BIT(vf)));
	return sim_get(s, IGB_VMBMEM(vf));
}

uint32_t sim_ask2(struct sim *s, unsigned int vf, uint32_t word0, uint32_t word1)
{
	return sim_ask(s, vf, (uint32_t[]){word0, word1}, 2);
}

uint32_t sim_ask_mac(struct sim *s, unsigned int vf, enum mbx_mac_op op, const uint8_t mac[6])
{
	uint32_t msg[3] = {MBX_SET_MAC | field_prep(MBX_INFO, op), 0, 0};

	for (unsigned int i = 0; i < 6; i++)
		msg[1 + i / 4] |= (uint32_t)mac[i] << 8 * (i % 4);
	return sim_ask(s, vf, msg, 3);
}

void sim_vf_reset(struct sim *s, unsigned int vf)
{
	uint32_t msg = MBX_RESET;

	assert_int_equal(sim_ask(s, vf, &msg, 1), MBX_RESET | MBX_ACK);
}

struct sim *sim_started(void)
{
	struct sim *s = sim_new(SIM_VFS);

	assert_int_equal(pf_start(s->pf), 0);
	sim_serve(s);
	s->dev->now_us += 1000000;
	sim_serve(s);
	memset(&s->dev->reg[IGB_VMBMEM(0) / 4], 0, SIM_VFS * MBX_WORDS * 4);
	sim_forget(s);
	return s;
}

int sim_setup(void **state)
{
	*state = sim_started();
	return 0;
}

int sim_teardown(void **state)
{
	sim_free(*state);
	return 0;
}

void sim_assert_nothing_done(struct sim *s)
{
	for (size_t i = 0; i < s->dev->nlog; i++) {
		uint32_t reg = s->dev->log[i].reg;
		bool mbx = reg == IGB_MBVFICR ||
			   (reg >= IGB_P2VMAILBOX(0) && reg <= IGB_P2VMAILBOX(SIM_VFS)) ||
			   (reg >= IGB_VMBMEM(0) && reg < IGB_VMBMEM(8));

		if (!mbx)
			fail_msg("register %05x was written with %08x", reg, s->dev->log[i].val);
	}
}

struct pf_vf_info sim_info(struct sim *s, unsigned int vf)
{
	struct pf_vf_info info;

	assert_int_equal(pf_vf_info(s->pf, vf, &info), 0);
	return info;
}

int sim_set(struct sim *s, unsigned int vf, const struct pf_vf_policy *pol, enum pf_rule *rule)
{
	sim_forget(s);
	return pf_vf_policy_set(s->pf, vf, pol, rule);
}

uint32_t sim_pools_of(struct sim *s, const uint8_t mac[6])
{
	uint32_t low =
		mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;
	uint32_t high = mac[4] | (uint32_t)mac[5] << 8;
	uint32_t pools = 0;

	for (unsigned int i = 0; i < IGB_RARS; i++) {
		uint32_t rah = sim_get(s, IGB_RAH(i));

		if ((rah & IGB_RAH_AV) && sim_get(s, IGB_RAL(i)) == low &&
		    (rah & IGB_RAH_ADDR) == high)
			pools |= field_get(IGB_RAH_POOLS, rah);
	}
	return pools;
}

uint32_t sim_pools_of_vlan(struct sim *s, unsigned int vid)
{
	for (unsigned int i = 0; i < IGB_VLVFS; i++) {
		uint32_t vlvf = sim_get(s, IGB_VLVF(i));

		if ((vlvf & IGB_VLVF_EN) && field_get(IGB_VLVF_VID, vlvf) == vid)
			return field_get(IGB_VLVF_POOLS, vlvf);
	}
	return 0;
}
