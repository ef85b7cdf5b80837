/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A port on a pool of its own. */
#include "fixture/ports.c"
#include "hv-glue/core/vmdq.c"

int bridge_open(struct port *p)
{
	(void)p;
	return -EINVAL;
}

static void test_pool_sends_with_its_own_address(void **state)
{
	(void)state;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), 0);
	assert_false(send(0, all, own(1)));
	assert_false(send(0, all, all));
	assert_int_equal(w.sents, 0);
	assert_int_equal(e[0].port.dropped, 2);
	assert_int_equal(e[0].guest.refused, 2);
	for (unsigned int i = 0; i < 70; i++)
		assert_true(put(0, afar, own(0), 60 + i));
	e[0].port.ops->flush(&e[0].port);
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(w.sents, 70);
	assert_true(w.bursts <= 3);
	assert_int_equal(w.sent[69]->len, 129);
	assert_int_equal(e[0].port.tx, 70);
	assert_int_equal(e[0].port.copies, 70);
	assert_int_equal(e[0].port.dropped, 2);
}

static void test_pool_without_room(void **state)
{
	(void)state;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), 0);
	w.tx_room = 5;
	for (unsigned int i = 0; i < 8; i++)
		assert_true(put(0, afar, own(0), 60));
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(w.sents, 5);
	assert_int_equal(e[0].port.dropped, 3);
	assert_int_equal(bufs_lent(), 0);
	w.no_buf = true;
	assert_false(send(0, afar, own(0)));
	assert_int_equal(e[0].port.dropped, 4);
}

static void test_pool_receives(void **state)
{
	(void)state;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), 0);
	arrives(own(0), afar, 60);
	arrives(own(0), afar, 1514);
	arrives(own(0), afar, 60)->nsegs = 2;
	assert_true(port_poll_all());
	assert_int_equal(e[0].got, 2);
	assert_int_equal(e[0].len, 1514);
	assert_int_equal(e[0].ends, 1);
	assert_int_equal(e[0].port.rx_bytes, 1574);
	assert_int_equal(e[0].port.copies, 2);
	assert_int_equal(e[0].port.dropped, 1);
	e[0].full = true;
	arrives(own(0), afar, 60);
	assert_true(port_poll_all());
	assert_int_equal(e[0].port.dropped, 2);
	assert_int_equal(bufs_lent(), 0);
	assert_false(port_poll_all());
	assert_int_equal(e[0].ends, 2);
}

static void test_pools_that_do_not_open_or_close(void **state)
{
	(void)state;
	w.no_mem = true;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), -ENOMEM);
	w.no_mem = false;
	w.pool_err = -ENOSPC;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), -ENOSPC);
	assert_int_equal(w.allocs, w.frees);
	w.pool_err = 0;
	assert_int_equal(plug(0, NIC_VMDQ, own(0)), 0);
	/* The device may still write there: the memory is not given to anybody. */
	w.close_err = -ETIMEDOUT;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pool_sends_with_its_own_address),
		T(pool_without_room),
		T(pool_receives),
		T(pools_that_do_not_open_or_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
