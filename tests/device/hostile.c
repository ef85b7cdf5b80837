/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Hostile VFs among others: mailboxes without manners, and what must stay as it is. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#include "abi/mbx.h"

#define ROUNDS_MAX 4 /* of the PF, for one request of a VF that behaves */

static struct rig *r;
void (*hostile_attack)(void);
void (*hostile_ambush)(void);
unsigned int hostile_rounds;
static bool serving;
static uint32_t seed;

void hostile_serve(void)
{
	serving = true;
	hostile_rounds++;
	(void)!pf_service(r->pf);
	serving = false;
}

static void idle(void *ctx)
{
	(void)ctx;
	if (serving) {
		if (hostile_ambush)
			hostile_ambush();
		return;
	}
	if (hostile_attack)
		hostile_attack();
	hostile_serve();
}

void hostile_quiet(void)
{
	hostile_attack = NULL;
	hostile_ambush = NULL;
	for (unsigned int i = 0; i < 8; i++)
		hostile_serve();
}

struct rig *hostile_start(void)
{
	const struct rig_args args = {.num_vfs = VFS, .open = GOOD, .vf.features = VFQ_F_OFFLOAD};

	r = calloc(1, sizeof(*r));
	if (!r || rig_start(r, &args))
		return NULL;
	qemu_on_idle(r->q, idle, NULL);
	return r;
}

void hostile_stop(void)
{
	hostile_attack = NULL;
	hostile_ambush = NULL;
	if (r)
		rig_stop(r);
	free(r);
}

struct os_dev *hostile_dev(unsigned int vf)
{
	return qemu_func(r->q, (int)vf);
}

uint32_t hostile_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ---- a mailbox without manners */

void hostile_words(unsigned int vf, const uint32_t *msg, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		os_wr32(hostile_dev(vf), IGB_VF_VMBMEM + 4 * i, msg[i]);
}

void hostile_bell(unsigned int vf, uint32_t bits)
{
	os_doorbell(hostile_dev(vf), IGB_V2PMAILBOX, bits);
}

uint32_t hostile_ask(unsigned int vf, const uint32_t *msg, unsigned int n)
{
	hostile_words(vf, msg, n);
	hostile_bell(vf, IGB_V2P_REQ);
	os_flush(hostile_dev(vf));
	hostile_serve();
	return os_rd32(hostile_dev(vf), IGB_VF_VMBMEM);
}

uint32_t hostile_ask2(unsigned int vf, uint32_t word0, uint32_t word1)
{
	const uint32_t msg[2] = {word0, word1};

	return hostile_ask(vf, msg, 2);
}

void hostile_up(unsigned int vf)
{
	hostile_serve();
	hostile_bell(vf, 0);
	assert_int_equal(hostile_ask2(vf, MBX_RESET, 0), MBX_RESET | MBX_ACK);
}

struct pf_vf_info hostile_info(unsigned int vf)
{
	struct pf_vf_info i;

	assert_int_equal(pf_vf_info(r->pf, vf, &i), 0);
	return i;
}

int hostile_each(void **state)
{
	struct pf_vf_policy pol;

	(void)state;
	hostile_quiet();
	pf_vf_policy_default(&pol);
	for (unsigned int i = 0; i < VFS; i++) {
		if (i >= BAD && (qemu_flr(r->q, (int)i) || pf_vf_scrub(r->pf, i, NULL)))
			return -1;
		if (pf_vf_policy_set(r->pf, i, &pol, NULL))
			return -1;
		if (i < GOOD && vf_reset(r->vf[i]))
			return -1;
	}
	hostile_quiet();
	for (unsigned int i = BAD; i < VFS; i++)
		hostile_up(i);
	seed = 82576;
	return 0;
}

/* ---- what a hostile VF must not change */

void hostile_look(struct hostile_view *v)
{
	static const uint32_t regs[] = {IGB_RCTL,   IGB_TCTL, IGB_VT_CTL, IGB_MRQC, IGB_DTXSWC,
					IGB_RPLOLR, IGB_QDE,  IGB_CTRL,	  IGB_VET,  IGB_RLPML};
	struct os_dev *pf = qemu_func(r->q, -1);
	uint32_t bad_ra = field_prep(IGB_RAH_POOLS, BAD_VFS);

	memset(v, 0, sizeof(*v));
	for (unsigned int i = 0; i < IGB_RARS; i++) {
		uint32_t rah = os_rd32(pf, IGB_RAH(i));

		if (!(rah & IGB_RAH_AV) || (rah & bad_ra))
			continue;
		v->rah[i] = rah;
		v->ral[i] = os_rd32(pf, IGB_RAL(i));
	}
	for (unsigned int i = 0; i < IGB_VLVFS; i++) {
		uint32_t e = os_rd32(pf, IGB_VLVF(i)) & ~field_prep(IGB_VLVF_POOLS, BAD_VFS);

		v->vlvf[i] = field_get(IGB_VLVF_POOLS, e) ? e : 0;
	}
	for (unsigned int p = 0; p < IGB_POOLS; p++) {
		v->pool[2 * p] = BAD_VFS & BIT(p) ? 0 : os_rd32(pf, IGB_VMOLR(p));
		v->pool[2 * p + 1] = os_rd32(pf, IGB_VMVIR(p));
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		v->rest[i] = os_rd32(pf, regs[i]);
	v->rest[14] = os_rd32(pf, IGB_VFRE) & ~BAD_VFS;
	v->rest[15] = os_rd32(pf, IGB_VFTE) & ~BAD_VFS;
}

void hostile_assert_same(const struct hostile_view *before)
{
	struct hostile_view now;

	hostile_look(&now);
	assert_memory_equal(&now, before, sizeof(now));
}

static uint64_t timeouts(void)
{
	struct vf_stats a, b;

	vf_stats(r->vf[0], &a);
	vf_stats(r->vf[1], &b);
	return a.mbx_timeouts + b.mbx_timeouts;
}

void hostile_exchange(unsigned int from, unsigned int to, unsigned int vlan, uint32_t ports)
{
	const struct rig_tx t = {.from = from, .to = &r->mac[to], .vlan = vlan, .n = 10, .len = 90};

	rig_check(r, &t, ports);
}

void hostile_assert_good(void)
{
	uint64_t before = timeouts();

	for (unsigned int i = 0; i < GOOD; i++) {
		unsigned int from = hostile_rounds;

		assert_int_equal(vf_vlan_add(r->vf[i], RED), 0);
		assert_true(hostile_rounds - from <= ROUNDS_MAX);
	}
	hostile_exchange(0, 1, RED, P(1));
	hostile_exchange(RIG_WIRE, 0, RED, P(0));
	for (unsigned int i = 0; i < GOOD; i++) {
		unsigned int from = hostile_rounds;

		assert_int_equal(vf_vlan_del(r->vf[i], RED), 0);
		assert_true(hostile_rounds - from <= ROUNDS_MAX);
	}
	hostile_exchange(1, 0, 0, P(0));
	hostile_exchange(0, RIG_WIRE, 0, P(RIG_WIRE));
	hostile_exchange(RIG_WIRE, 1, 0, P(1));
	for (unsigned int i = 0; i < GOOD; i++)
		assert_int_equal(vf_link(r->vf[i]), VF_LINK_UP);
	assert_int_equal(timeouts(), before);
}
