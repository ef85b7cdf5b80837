/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Pools that the host holds itself, and further addresses of the uplink. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "drv/pf_pool.h"

#define VFS   2
#define QUEUE 128

static struct rig *r;
static void *mem[2];
static struct pf_pool *pool[2];
static const struct mac addr[2] = {{{2, 0x5a, 0, 0, 7, 1}}, {{2, 0x5a, 0, 0, 7, 2}}};

static int group_start(void **state)
{
	const struct rig_args args = {.num_vfs = VFS, .open = VFS};

	(void)state;
	r = calloc(1, sizeof(*r));
	return r ? rig_start(r, &args) : -1;
}

static int group_stop(void **state)
{
	(void)state;
	rig_stop(r);
	free(r);
	return 0;
}

static int each_start(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < VFS; i++)
		if (vf_reset(r->vf[i]))
			return -1;
	for (unsigned int i = 0; i < 2; i++) {
		mem[i] = aligned_alloc(64, (pf_pool_size() + 63) & ~63ul);
		pool[i] = NULL;
		if (!mem[i])
			return -1;
		if (pf_pool_open(r->pf, mem[i], &addr[i], QUEUE, &pool[i]) < 0)
			return -1;
	}
	return 0;
}

static int each_stop(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		if (pool[i] && pf_pool_close(pool[i]))
			return -1;
		free(mem[i]);
	}
	return 0;
}

/* Frames for the pool's address that have arrived there; they go back. */
static unsigned int got(struct pf_pool *p, const struct mac *to)
{
	struct vfq_buf *b[64];
	unsigned int n, ours = 0;

	rig_settle(r);
	n = pf_pool_rx_burst(p, b, 64);
	for (unsigned int i = 0; i < n; i++) {
		ours += !memcmp(b[i]->data, to->b, 6);
		vfq_buf_put(b[i]);
	}
	return ours;
}

static void test_each_address_has_its_pool(void **state)
{
	struct rig_tx t = {.from = 0, .to = &addr[0], .n = 9};

	(void)state;
	rig_clear(r);
	rig_send(r, &t);
	assert_int_equal(got(pool[0], &addr[0]), 9);
	assert_int_equal(got(pool[1], &addr[0]), 0);
	t.from = RIG_WIRE;
	t.to = &addr[1];
	rig_send(r, &t);
	assert_int_equal(got(pool[1], &addr[1]), 9);
	assert_int_equal(got(pool[0], &addr[1]), 0);
	rig_expect(r, 0, 0); /* nobody else has seen one */
}

static void test_pool_sends_to_a_vf_and_to_the_wire(void **state)
{
	const struct mac *to[] = {&r->mac[1], &r->mac[RIG_WIRE]};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct rig_tx t = {.from = RIG_PF, .to = to[i], .src = &addr[0], .seq = 1};
		struct vfq_buf *b = pf_pool_buf_get(pool[0]);

		assert_non_null(b);
		rig_clear(r);
		b->len = (uint16_t)rig_frame_make(r, &t, 1, b->data);
		assert_int_equal(pf_pool_tx_burst(pool[0], &b, 1), 1);
		rig_settle(r);
		rig_expect(r, i ? BIT(RIG_WIRE) : BIT(1), 1);
	}
}

static void test_pool_survives_a_pf_reset(void **state)
{
	struct rig_tx t = {.from = RIG_WIRE, .to = &addr[0], .n = 5};

	(void)state;
	assert_int_equal(pf_reset(r->pf), 0);
	for (unsigned int i = 0; i < VFS; i++)
		assert_int_equal(vf_reset(r->vf[i]), 0);
	rig_clear(r);
	rig_send(r, &t);
	assert_int_equal(got(pool[0], &addr[0]), 5);
}

static void test_closed_pool_gets_nothing(void **state)
{
	struct rig_tx t = {.from = 0, .to = &addr[0], .n = 4};

	(void)state;
	assert_int_equal(pf_pool_close(pool[0]), 0);
	pool[0] = NULL;
	rig_clear(r);
	rig_send(r, &t);
	assert_int_equal(got(pool[1], &addr[0]), 0);
	rig_expect(r, BIT(RIG_WIRE), 4); /* an address that nobody has */
}

static void test_pools_run_out(void **state)
{
	struct pf_pool *p;
	void *more = aligned_alloc(64, (pf_pool_size() + 63) & ~63ul);
	struct mac m = {{2, 0x5a, 0, 0, 8, 0}};
	struct pf_pool *extra[3] = {NULL};
	void *space[3];

	(void)state;
	assert_non_null(more);
	assert_int_equal(pf_pool_open(r->pf, more, &addr[0], QUEUE, &p), -EADDRINUSE);
	assert_int_equal(pf_pool_open(r->pf, more, &m, 7, &p), -EINVAL);
	for (unsigned int i = 0; i < 3; i++) {
		m.b[5] = (uint8_t)i;
		space[i] = aligned_alloc(64, (pf_pool_size() + 63) & ~63ul);
		assert_int_equal(pf_pool_open(r->pf, space[i], &m, QUEUE, &extra[i]), 4 + (int)i);
	}
	m.b[5] = 9;
	assert_int_equal(pf_pool_open(r->pf, more, &m, QUEUE, &p), -ENOSPC);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(pf_pool_close(extra[i]), 0);
		free(space[i]);
	}
	free(more);
}

static void test_uplink_takes_further_addresses(void **state)
{
	struct mac m = {{2, 0x5a, 0, 0, 9, 1}};
	struct rig_tx t = {.from = 0, .to = &m, .n = 6};

	(void)state;
	rig_check(r, &t, BIT(RIG_WIRE));
	assert_int_equal(pf_uplink_mac_add(r->pf, &m), 0);
	rig_check(r, &t, BIT(RIG_PF));
	assert_int_equal(pf_uplink_mac_add(r->pf, &r->mac[1]), -EADDRINUSE);
	assert_int_equal(pf_uplink_mac_del(r->pf, &m), 0);
	assert_int_equal(pf_uplink_mac_del(r->pf, &m), -ENOENT);
	assert_int_equal(pf_uplink_mac_del(r->pf, &r->mac[RIG_PF]), -EINVAL);
	rig_check(r, &t, BIT(RIG_WIRE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_address_has_its_pool, each_start,
						each_stop),
		cmocka_unit_test_setup_teardown(test_pool_sends_to_a_vf_and_to_the_wire, each_start,
						each_stop),
		cmocka_unit_test_setup_teardown(test_pool_survives_a_pf_reset, each_start,
						each_stop),
		cmocka_unit_test_setup_teardown(test_closed_pool_gets_nothing, each_start,
						each_stop),
		cmocka_unit_test_setup_teardown(test_pools_run_out, each_start, each_stop),
		cmocka_unit_test_setup_teardown(test_uplink_takes_further_addresses, each_start,
						each_stop),
	};

	return cmocka_run_group_tests_name("pf_pool", tests, group_start, group_stop);
}
