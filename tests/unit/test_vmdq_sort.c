/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Random operations, seeded: after each, the registers sort every probe frame as the plain intent
 * says; between any two writes no frame is sorted to a pool that gets it neither before nor after;
 * and a restore into a card full of garbage gives the same registers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "drv/vmdq.h"
#include "fake_os.h"
#include "hw/igb.h"

#define NMAC	  30 /* more than the 24 entries */
#define NVID	  40 /* more than the 32 entries */
#define NHASH	  5
#define NDST	  (NMAC + NHASH + 2) /* stations, groups, an unknown station, broadcast */
#define STEPS	  1500
#define UNKNOWN	  (NMAC + NHASH)
#define BROADCAST (UNKNOWN + 1)

/* What was asked for, written down without any sharing. Pool 8 in mac[]: nobody's. */
struct intent {
	uint8_t mac[NMAC];
	bool vlan[8][VMDQ_OWNERS][NVID];
	unsigned int port[8]; /* index of the VID + 1, 0 none */
	bool hash[8][NHASH];
	uint32_t accept[8];
};

struct op {
	unsigned int kind, pool, a, b, who;
	uint32_t bits;
};

static uint64_t seed;

static unsigned int rnd(unsigned int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(seed >> 33) % n;
}

/* Neighbours in a word of VFTA and far ones. */
static unsigned int vid_of(unsigned int i)
{
	return i < NVID / 2 ? 90 + i : 4094 - 37 * (i - NVID / 2);
}

static struct mac dst_of(unsigned int i)
{
	if (i == BROADCAST)
		return (struct mac){{255, 255, 255, 255, 255, 255}};
	if (i >= NMAC && i < UNKNOWN)
		return (struct mac){{1, 0, 0x5e, 0, (uint8_t)(i << 4), (uint8_t)(i * 3)}};
	return (struct mac){{2, 0, 0, 0, (uint8_t)(i << 4), (uint8_t)i}};
}

/*
 * ---- the card, by its datasheet: 7.10.3.3, replication on, VLAN filter on ----------------------
 */

static unsigned int exact_pools(const uint32_t *reg, const struct mac *d)
{
	unsigned int i, pools = 0;
	uint32_t lo = d->b[0] | (uint32_t)d->b[1] << 8 | (uint32_t)d->b[2] << 16 |
		      (uint32_t)d->b[3] << 24;
	uint32_t hi = d->b[4] | (uint32_t)d->b[5] << 8;

	for (i = 0; i < 24; i++) {
		uint32_t rah = reg[IGB_RAH(i) / 4];

		if (rah >> 31 && (rah & 0xffff) == hi && reg[IGB_RAL(i) / 4] == lo)
			pools |= rah >> 18 & 0xff;
	}
	return pools;
}

static unsigned int pools_with(const uint32_t *reg, uint32_t vmolr)
{
	unsigned int p, pools = 0;

	for (p = 0; p < 8; p++)
		if (reg[IGB_VMOLR(p) / 4] & vmolr)
			pools |= 1u << p;
	return pools;
}

static bool hash_hit(const uint32_t *reg, uint32_t table, const struct mac *d)
{
	unsigned int h = d->b[4] >> 4 | d->b[5] << 4;

	return reg[table / 4 + h / 32] >> h % 32 & 1;
}

static unsigned int vlan_pools(const uint32_t *reg, unsigned int vid)
{
	unsigned int i, pools = 0;

	for (i = 0; i < 32; i++) {
		uint32_t e = reg[IGB_VLVF(i) / 4];

		if (e >> 31 && (e & 0xfff) == vid)
			pools |= e >> 12 & 0xff;
	}
	return pools;
}

/* The pools that get the frame, bit each; @vid 0: untagged. */
static unsigned int card_sorts(const uint32_t *reg, const struct mac *d, unsigned int vid)
{
	uint32_t vt_ctl = reg[IGB_VT_CTL / 4];
	unsigned int pools;

	if (vid && !(reg[IGB_VFTA(vid / 32) / 4] >> vid % 32 & 1))
		return 0;
	if (d->b[0] == 0xff)
		pools = pools_with(reg, IGB_VMOLR_BAM);
	else
		pools = exact_pools(reg, d);
	if (!mac_is_multicast(d) && !pools && hash_hit(reg, IGB_UTA(0), d))
		pools = pools_with(reg, IGB_VMOLR_ROPE);
	if (mac_is_multicast(d) && d->b[0] != 0xff) {
		if (!pools && hash_hit(reg, IGB_MTA(0), d))
			pools = pools_with(reg, IGB_VMOLR_ROMPE);
		pools |= pools_with(reg, IGB_VMOLR_MPME);
	}
	pools &= vid ? vlan_pools(reg, vid) : pools_with(reg, IGB_VMOLR_AUPE);
	if (!pools && !mac_is_multicast(d) && !(vt_ctl & IGB_VT_CTL_DIS_DEF_POOL))
		pools = 1u << field_get(IGB_VT_CTL_DEF_POOL, vt_ctl);
	return pools;
}

/* ---- the same from the intent --------------------------------------------------------------- */

static unsigned int accepting(const struct intent *in, uint32_t accept)
{
	unsigned int p, pools = 0;

	for (p = 0; p < 8; p++)
		if (in->accept[p] & accept)
			pools |= 1u << p;
	return pools;
}

/* @v: index of the VID + 1, 0 untagged. */
static unsigned int members(const struct intent *in, unsigned int v)
{
	unsigned int p, pools = 0;

	for (p = 0; p < 8; p++) {
		bool in_it = v ? in->vlan[p][VMDQ_GUEST][v - 1] || in->vlan[p][VMDQ_ADMIN][v - 1]
			       : in->accept[p] & VMDQ_UNTAGGED;

		if (in->port[p] ? in->port[p] == v : in_it)
			pools |= 1u << p;
	}
	return pools;
}

static unsigned int intent_sorts(const struct intent *in, unsigned int dst, unsigned int v)
{
	unsigned int pools, in_vlan = members(in, v), p;

	if (v && !in_vlan)
		return 0;
	if (dst == BROADCAST)
		return accepting(in, VMDQ_BROADCAST) & in_vlan;
	if (dst >= NMAC && dst < UNKNOWN) {
		pools = accepting(in, VMDQ_MC_ALL);
		for (p = 0; p < 8; p++)
			if (in->hash[p][dst - NMAC])
				pools |= accepting(in, VMDQ_MC_HASH);
		return pools & in_vlan;
	}
	if (dst < NMAC && in->mac[dst] < 8)
		pools = 1u << in->mac[dst];
	else
		pools = accepting(in, VMDQ_UC_HASH);
	pools &= in_vlan;
	return pools ? pools : 1u << 7;
}

static unsigned int vids_wanted(const struct intent *in)
{
	unsigned int v, p, n = 0;

	for (v = 0; v < NVID; v++) {
		bool any = false;

		for (p = 0; p < 8; p++)
			any = any || in->vlan[p][0][v] || in->vlan[p][1][v] || in->port[p] == v + 1;
		n += any;
	}
	return n;
}

static unsigned int macs_of(const struct intent *in, unsigned int pool)
{
	unsigned int i, n = 0;

	for (i = 0; i < NMAC; i++)
		n += pool < 8 ? in->mac[i] == pool : in->mac[i] < 8;
	return n;
}

/*
 * ---- one operation, on the intent and on vmdq --------------------------------------------------
 */

enum { MAC_ADD, MAC_DEL, MAC_REPLACE, VLAN_ADD, VLAN_DEL, PORT, MC, ACCEPT, FORGET, CLEAR, KINDS };

static int intend_mac(struct intent *in, const struct op *o)
{
	uint8_t *a = &in->mac[o->a % NMAC], *b = &in->mac[o->b % NMAC];

	if (o->kind == MAC_ADD) {
		if (*a < 8)
			return *a == o->pool ? 0 : -EADDRINUSE;
		if (macs_of(in, 8) == VMDQ_MACS || macs_of(in, o->pool) == VMDQ_MACS_POOL)
			return -ENOSPC;
		*a = (uint8_t)o->pool;
		return 0;
	}
	if (o->kind == MAC_REPLACE && *b < 8 && *b != o->pool)
		return -EADDRINUSE;
	if (*a != o->pool)
		return -ENOENT;
	*a = 8;
	if (o->kind == MAC_REPLACE)
		*b = (uint8_t)o->pool;
	return 0;
}

static void intend_drop(struct intent *in, const struct op *o)
{
	unsigned int p = o->pool, i;

	memset(in->hash[p], 0, sizeof(in->hash[p]));
	memset(in->vlan[p][VMDQ_GUEST], 0, sizeof(in->vlan[p][VMDQ_GUEST]));
	in->accept[p] &= VMDQ_BROADCAST | VMDQ_UNTAGGED | VMDQ_VLAN_STRIP;
	if (o->kind == FORGET)
		return;
	memset(in->vlan[p][VMDQ_ADMIN], 0, sizeof(in->vlan[p][VMDQ_ADMIN]));
	in->port[p] = 0;
	in->accept[p] = VMDQ_BROADCAST | VMDQ_UNTAGGED;
	for (i = 0; i < NMAC; i++)
		if (in->mac[i] == p)
			in->mac[i] = 8;
}

/* The result to expect; the intent is as before when it is an error. */
static int intend(struct intent *in, const struct op *o)
{
	struct intent was = *in;
	unsigned int i;

	switch (o->kind) {
	case MAC_ADD:
	case MAC_DEL:
	case MAC_REPLACE:
		return intend_mac(in, o);
	case VLAN_ADD:
	case VLAN_DEL:
		in->vlan[o->pool][o->who][o->a] = o->kind == VLAN_ADD;
		break;
	case PORT:
		in->port[o->pool] = o->b % 3 ? o->a + 1 : 0;
		break;
	case MC:
		for (i = 0; i < NHASH; i++)
			in->hash[o->pool][i] = o->bits >> i & 1;
		break;
	case ACCEPT:
		in->accept[o->pool] = o->bits;
		break;
	default:
		intend_drop(in, o);
	}
	if (vids_wanted(in) <= VMDQ_VLANS)
		return 0;
	*in = was;
	return -ENOSPC;
}

static int perform(struct vmdq *v, const struct op *o)
{
	struct mac a = dst_of(o->a % NMAC), b = dst_of(o->b % NMAC);
	uint16_t hash[NHASH];
	unsigned int i, n = 0;

	switch (o->kind) {
	case MAC_ADD:
		return vmdq_mac_add(v, o->pool, &a);
	case MAC_DEL:
		return vmdq_mac_del(v, o->pool, &a);
	case MAC_REPLACE:
		return vmdq_mac_replace(v, o->pool, &a, &b);
	case VLAN_ADD:
		return vmdq_vlan_add(v, o->pool, o->who, vid_of(o->a));
	case VLAN_DEL:
		return vmdq_vlan_del(v, o->pool, o->who, vid_of(o->a));
	case PORT:
		return vmdq_port_vlan(v, o->pool, o->b % 3 ? vid_of(o->a) : 0, 0);
	case MC:
		for (i = 0; i < NHASH; i++) {
			struct mac m = dst_of(NMAC + i);

			if (o->bits >> i & 1)
				hash[n++] = vmdq_mc_hash(&m);
		}
		return vmdq_mc_set(v, o->pool, hash, n);
	case ACCEPT:
		return vmdq_accept(v, o->pool, o->bits);
	case FORGET:
		return vmdq_pool_forget_guest(v, o->pool);
	default:
		return vmdq_pool_clear(v, o->pool);
	}
}

/* Adding is likelier than taking away, so that the tables fill up. */
static struct op any_op(void)
{
	static const uint8_t kinds[] = {MAC_ADD,     MAC_ADD,  MAC_ADD,	 MAC_ADD,  MAC_DEL,
					MAC_REPLACE, VLAN_ADD, VLAN_ADD, VLAN_ADD, VLAN_ADD,
					VLAN_ADD,    VLAN_ADD, VLAN_DEL, VLAN_DEL, PORT,
					PORT,	     MC,       ACCEPT,	 FORGET};
	struct op o = {.kind = kinds[rnd(ARRAY_SIZE(kinds))],
		       .pool = rnd(8),
		       .a = rnd(NVID),
		       .b = rnd(NVID),
		       .who = rnd(VMDQ_OWNERS),
		       .bits = rnd(64)};

	if (o.kind == FORGET && rnd(3) == 0)
		o.kind = CLEAR;
	return o;
}

/*
 * ---- checks ------------------------------------------------------------------------------------
 */

struct fixture {
	struct os_dev *dev, *fresh;
	struct vmdq v;
	struct intent in;
	uint32_t before[FAKE_REGS], now[FAKE_REGS];
};

static void check_all(const struct fixture *f, unsigned int step)
{
	for (unsigned int d = 0; d < NDST; d++) {
		struct mac m = dst_of(d);

		for (unsigned int v = 0; v <= NVID; v++) {
			unsigned int got = card_sorts(f->dev->reg, &m, v ? vid_of(v - 1) : 0);
			unsigned int want = intent_sorts(&f->in, d, v);

			if (got != want)
				fail_msg("step %u: frame %u vlan %u to pools %02x, not %02x", step,
					 d, v, got, want);
		}
	}
}

/* Every state between two writes of the log, for some frames, those of the operation among them. */
static void check_between(struct fixture *f, const struct op *o, unsigned int step)
{
	unsigned int dst[8] = {o->a % NMAC, o->b % NMAC, BROADCAST, UNKNOWN};
	unsigned int vlan[8] = {0, o->a + 1};

	for (unsigned int i = 4; i < 8; i++)
		dst[i] = rnd(NDST);
	for (unsigned int i = 2; i < 8; i++)
		vlan[i] = f->in.port[i] ? f->in.port[i] : rnd(NVID + 1);
	memcpy(f->now, f->before, sizeof(f->now));
	for (size_t w = 0; w < f->dev->nlog; w++) {
		f->now[f->dev->log[w].reg / 4] = f->dev->log[w].val;
		for (unsigned int i = 0; i < 64; i++) {
			struct mac m = dst_of(dst[i / 8]);
			unsigned int vid = vlan[i % 8] ? vid_of(vlan[i % 8] - 1) : 0;
			unsigned int may =
				card_sorts(f->before, &m, vid) | card_sorts(f->dev->reg, &m, vid);
			unsigned int got = card_sorts(f->now, &m, vid);

			if (got & ~may)
				fail_msg("step %u kind %u write %zu (%05x): frame %u vid %u to "
					 "pools %02x, only %02x may",
					 step, o->kind, w, f->dev->log[w].reg, dst[i / 8], vid, got,
					 may);
		}
	}
}

/* The registers of vmdq, and none of those between them. */
static bool owned(uint32_t off)
{
	static const struct {
		uint32_t first, last;
	} range[] = {
		{0x3500, 0x3500}, {0x3700, 0x371c}, {0x5200, 0x53fc}, {0x5400, 0x547c},
		{0x54e0, 0x551c}, {0x5600, 0x57fc}, {0x5818, 0x581c}, {0x5ad0, 0x5af0},
		{0x5d00, 0x5d7c}, {0xa000, 0xa1fc},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(range); i++)
		if (off >= range[i].first && off <= range[i].last)
			return true;
	return false;
}

static void check_restore(struct fixture *f)
{
	struct vmdq copy = f->v;

	copy.dev = f->fresh;
	for (uint32_t i = 0; i < FAKE_REGS; i++)
		f->fresh->reg[i] = owned(4 * i) ? 0xdeadbeef ^ i : 0;
	fake_log_clear(f->fresh);
	vmdq_restore(&copy);
	assert_memory_equal(f->fresh->reg, f->dev->reg, sizeof(f->dev->reg));
	copy.dev = f->dev;
	assert_memory_equal(&copy, &f->v, sizeof(copy));
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	memset(f->in.mac, 8, sizeof(f->in.mac));
	for (unsigned int p = 0; p < 8; p++)
		f->in.accept[p] = VMDQ_BROADCAST | VMDQ_UNTAGGED;
	f->dev = fake_new();
	f->fresh = fake_new();
	assert_int_equal(vmdq_init(&f->v, f->dev, 7), 0);
	vmdq_restore(&f->v);
}

static void run(struct fixture *f, unsigned int count[3])
{
	for (unsigned int step = 0; step < STEPS; step++) {
		struct op o = any_op();
		struct vmdq was = f->v;
		int want = intend(&f->in, &o), got;

		memcpy(f->before, f->dev->reg, sizeof(f->before));
		fake_log_clear(f->dev);
		got = perform(&f->v, &o);
		if (got != want)
			fail_msg("step %u kind %u: %d, not %d", step, o.kind, got, want);
		count[got == 0 ? 0 : got == -ENOSPC ? 1 : 2]++;
		if (got) {
			assert_int_equal(f->dev->nlog, 0);
			assert_memory_equal(&was, &f->v, sizeof(was));
			continue;
		}
		check_between(f, &o, step);
		if (step % 4 == 0)
			check_all(f, step);
		if (step % 20 == 0)
			check_restore(f);
	}
}

static void test_random_operations_sort_as_intended(void **state)
{
	static struct fixture f;
	unsigned int count[3] = {0};

	(void)state;
	for (unsigned int s = 1; s <= 8; s++) {
		seed = s;
		setup(&f);
		run(&f, count);
		fake_free(f.dev);
		fake_free(f.fresh);
	}
	/* The run is worth something only if it met all three kinds of answer often. */
	print_message("# %u done, %u without space, %u refused\n", count[0], count[1], count[2]);
	assert_true(count[0] > 1000 && count[1] > 50 && count[2] > 50);
}

/* A card fresh from reset: its own address at entry 0, no VMDq, default pool 0. */
static void reset_card(struct os_dev *dev)
{
	memset(dev->reg, 0, sizeof(dev->reg));
	dev->reg[IGB_RAL(0) / 4] = 2;
	dev->reg[IGB_RAH(0) / 4] = IGB_RAH_AV | 0x1000; /* station 1's, as if it were the port's */
	for (unsigned int p = 0; p < 8; p++)
		dev->reg[IGB_VMOLR(p) / 4] = IGB_VMOLR_STRCRC | 0x2600;
}

static void some_ops(struct fixture *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct op o = any_op();
		int want = intend(&f->in, &o);

		assert_int_equal(perform(&f->v, &o), want);
	}
}

/*
 * Restores over what the card holds. From the write to MRQC on, which makes the card sort into
 * pools at all, a frame goes where it goes in the end, or where @stale registers had it go, or
 * nowhere.
 */
static void restore_and_check(struct fixture *f, bool stale)
{
	long mrqc;

	memcpy(f->before, f->dev->reg, sizeof(f->before));
	memcpy(f->now, f->before, sizeof(f->now));
	fake_log_clear(f->dev);
	vmdq_restore(&f->v);
	check_all(f, 0);
	mrqc = fake_log_find(f->dev, IGB_MRQC, 0);
	assert_true(mrqc >= 0 && mrqc > fake_log_find(f->dev, IGB_VT_CTL, 0));
	for (size_t w = 0; w < f->dev->nlog; w++) {
		f->now[f->dev->log[w].reg / 4] = f->dev->log[w].val;
		for (unsigned int d = w % 3; d < NDST && (long)w >= mrqc; d += 3) {
			struct mac m = dst_of(d);

			for (unsigned int v = w % 4; v <= NVID; v += 4) {
				unsigned int vid = v ? vid_of(v - 1) : 0;
				unsigned int may = card_sorts(f->dev->reg, &m, vid);

				if (stale)
					may |= card_sorts(f->before, &m, vid);
				assert_int_equal(card_sorts(f->now, &m, vid) & ~may, 0);
			}
		}
	}
}

static void test_restore_after_reset_opens_nothing_early(void **state)
{
	static struct fixture f;

	(void)state;
	seed = 99;
	setup(&f);
	some_ops(&f, 200);
	reset_card(f.dev);
	restore_and_check(&f, false);
	fake_free(f.dev);
	fake_free(f.fresh);
}

/* A card that another driver left running: its tables and ours never mix. */
static void test_restore_over_foreign_tables_mixes_nothing(void **state)
{
	static struct fixture f, other;

	(void)state;
	for (unsigned int s = 100; s < 104; s++) {
		seed = s;
		setup(&other);
		some_ops(&other, 200);
		setup(&f);
		some_ops(&f, 200);
		memcpy(f.dev->reg, other.dev->reg, sizeof(f.dev->reg));
		restore_and_check(&f, true);
		fake_free(f.dev);
		fake_free(f.fresh);
		fake_free(other.dev);
		fake_free(other.fresh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations_sort_as_intended),
		cmocka_unit_test(test_restore_after_reset_opens_nothing_early),
		cmocka_unit_test(test_restore_over_foreign_tables_mixes_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vmdq_sort", tests, NULL, NULL);
}
