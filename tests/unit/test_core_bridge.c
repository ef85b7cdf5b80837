/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The switch: whose frames go where, and which addresses nobody can take. */
#include "fixture/ports.c"
#include "hv-glue/core/bridge.c"

int vmdq_open(struct port *p)
{
	(void)p;
	return -EINVAL;
}

/* ---- where frames go ------------------------------------------------------------------------- */

static void test_unicast_between_ports(void **state)
{
	uint8_t want[1514];

	(void)state;
	plug_bridge(3);
	assert_true(put(0, own(2), own(0), 1514));
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(got(3), 1);
	assert_int_equal(w.sents, 0);
	make(want, own(2), own(0), 1514);
	assert_int_equal(e[2].len, 1514);
	assert_memory_equal(e[2].frame, want, 1514);
	assert_int_equal(e[2].ends, 1);
	assert_int_equal(e[0].port.tx, 1);
	assert_int_equal(e[0].port.tx_bytes, 1514);
	assert_int_equal(e[2].port.rx, 1);
	assert_int_equal(e[2].port.rx_bytes, 1514);
	assert_int_equal(e[0].port.copies + e[1].port.copies + e[2].port.copies, 1);
	/* To itself: nowhere. */
	assert_true(send(0, own(0), own(0)));
	assert_int_equal(got(3), 1);
	assert_int_equal(w.sents, 0);
}

static void test_multicast_goes_everywhere_once(void **state)
{
	const struct mac to[] = {all, group};

	(void)state;
	plug_bridge(3);
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(send(1, to[i], own(1)));
		assert_int_equal(got(3), 101 * (i + 1));
		assert_int_equal(w.sents, i + 1);
		assert_memory_equal(w.sent[i]->data, to[i].b, 6);
		assert_int_equal(w.sent[i]->len, 60);
	}
	assert_int_equal(e[1].port.copies, 2); /* to the uplink */
	assert_int_equal(e[0].port.copies, 2);
	from_wire(all, afar);
	from_wire(group, afar);
	assert_int_equal(got(3), 424);
}

static void test_the_uplink_both_ways(void **state)
{
	uint8_t want[1514];

	(void)state;
	plug_bridge(2);
	assert_true(put(0, afar, own(0), 1514));
	assert_int_equal(w.sents, 0); /* with the batch's end */
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(w.sents, 1);
	make(want, afar, own(0), 1514);
	assert_int_equal(w.sent[0]->len, 1514);
	assert_memory_equal(w.sent[0]->data, want, 1514);
	assert_int_equal(got(2), 0);
	assert_int_equal(e[0].port.copies, 1);
	from_wire(own(1), afar);
	assert_int_equal(got(2), 1);
	assert_int_equal(e[1].port.copies, 1);
	from_wire(addr(7, 7, 7), afar); /* nobody's */
	assert_int_equal(got(2), 1);
	/* More than a buffer, and less than a header. */
	arrives(own(1), afar, 60)->nsegs = 2;
	arrives(own(1), afar, 13);
	assert_true(port_poll_all());
	assert_false(port_poll_all());
	assert_int_equal(got(2), 1);
	assert_int_equal(bufs_lent(), 0);
}

static void test_batches(void **state)
{
	(void)state;
	plug_bridge(3);
	for (unsigned int i = 0; i < 70; i++)
		assert_true(put(0, i % 7 ? afar : own(1), own(0), 60));
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(w.sents, 60);
	assert_true(w.bursts <= 3);
	assert_int_equal(e[1].got, 10);
	assert_int_equal(e[1].ends, 1);
	e[0].ends = e[1].ends = 0;
	for (unsigned int i = 0; i < 20; i++)
		arrives(own(i % 2), afar, 60);
	w.polls = 0;
	assert_true(port_poll_all());
	assert_int_equal(w.polls, 1);
	assert_int_equal(e[0].ends, 1);
	assert_int_equal(e[1].ends, 1);
	assert_int_equal(e[0].got, 10);
	assert_true(e[0].guest.tsc_vnic > 0); /* the first served for all */
	assert_int_equal(e[1].guest.tsc_vnic, 0);
}

static void test_no_room_is_counted(void **state)
{
	(void)state;
	plug_bridge(2);
	e[1].full = true;
	(void)send(0, own(1), own(0));
	from_wire(own(1), afar);
	assert_int_equal(e[1].port.dropped, 2);
	assert_int_equal(e[1].port.rx | e[1].port.copies, 0);
	w.tx_room = 5;
	for (unsigned int i = 0; i < 8; i++)
		assert_true(put(0, afar, own(0), 60));
	e[0].port.ops->flush(&e[0].port);
	assert_int_equal(w.sents, 5);
	assert_int_equal(e[0].port.dropped, 3);
	assert_int_equal(bufs_lent(), 0);
	w.tx_room = 100;
	w.no_buf = true;
	(void)send(0, afar, own(0));
	assert_int_equal(w.sents, 5);
	assert_int_equal(e[0].port.dropped, 4);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static void test_three_more_addresses(void **state)
{
	(void)state;
	plug_bridge(2);
	for (uint8_t i = 0; i < 3; i++)
		assert_true(send(0, afar, addr(1, 0, i)));
	assert_int_equal(w.uplinks, 5);
	assert_int_equal(w.sents, 3);
	assert_false(send(0, afar, addr(1, 0, 3)));
	assert_int_equal(w.uplinks, 5);
	assert_int_equal(w.sents, 3);
	assert_int_equal(e[0].guest.refused, 1);
	assert_int_equal(e[0].port.dropped, 1);
	assert_true(send(0, afar, addr(1, 0, 2)));
	assert_true(send(0, afar, own(0)));
	from_wire(addr(1, 0, 1), afar);
	assert_true(send(1, addr(1, 0, 0), own(1)));
	from_wire(addr(1, 0, 3), afar);
	assert_int_equal(got(2), 20);
	/* The other has its own three. */
	assert_true(send(1, afar, addr(1, 0, 3)));
}

static void test_no_more_addresses_where_a_guest_may_not_learn(void **state)
{
	(void)state;
	plug_bridge(1);
	e[0].guest.cfg.learn = false;
	assert_false(send(0, afar, addr(1, 0, 0)));
	assert_int_equal(w.uplinks, 1);
	assert_int_equal(e[0].guest.refused, 1);
	assert_true(send(0, afar, own(0)));
}

/* Who used a port's address while it was not there does not keep it. */
static void test_a_port_gets_its_own_address(void **state)
{
	(void)state;
	plug_bridge(1);
	assert_true(send(0, afar, own(1)));
	assert_int_equal(plug(1, NIC_BRIDGE, own(1)), 0);
	assert_false(send(0, afar, own(1)));
	from_wire(all, own(2));
	assert_int_equal(plug(2, NIC_BRIDGE, own(2)), 0);
	assert_true(send(2, afar, own(2)));
}

/* @m stays whose it is, whatever port 0 says. */
static void cannot_take(struct mac m)
{
	uint64_t refused = e[0].guest.refused;
	unsigned int sents = w.sents, uplinks = w.uplinks, before = got(3);

	assert_false(send(0, afar, m));
	assert_false(send(0, all, m));
	assert_int_equal(e[0].guest.refused, refused + 2);
	assert_int_equal(w.sents, sents);
	assert_int_equal(w.uplinks, uplinks);
	assert_int_equal(got(3), before);
}

static void test_nobody_takes_anothers_address(void **state)
{
	static const struct mac zero;

	(void)state;
	plug_bridge(3);
	assert_true(send(1, afar, addr(1, 1, 1)));
	from_wire(own(2), afar);
	cannot_take(own(1));
	cannot_take(addr(1, 1, 1));
	cannot_take(w.vf);
	cannot_take(afar);
	cannot_take(all);
	cannot_take(group);
	cannot_take(zero);
	assert_true(send(2, addr(1, 1, 1), own(2)));
	assert_true(send(2, own(1), own(2)));
	assert_int_equal(e[1].got, 2);
	assert_int_equal(e[0].got, 0);
	/* Nor does the wire: such a frame has been sent by the port itself, or is forged. */
	from_wire(all, own(1));
	from_wire(own(2), addr(1, 1, 1));
	assert_int_equal(got(3), 21);
	assert_true(send(2, own(1), own(2)));
	assert_int_equal(e[1].got, 3);
	/* A new port neither. */
	assert_int_equal(plug(3, NIC_BRIDGE, own(1)), -EADDRINUSE);
	assert_int_equal(plug(3, NIC_BRIDGE, w.vf), -EADDRINUSE);
	assert_int_equal(plug(3, NIC_BRIDGE, group), -EADDRINUSE);
	e[3].port.ops = NULL;
}

static void test_addresses_age(void **state)
{
	struct mac m = addr(2, 2, 2);

	(void)state;
	plug_bridge(3);
	assert_true(send(1, afar, m));
	from_wire(own(2), afar);
	w.now += AGE - 1;
	cannot_take(m);
	cannot_take(afar);
	assert_true(send(1, afar, m)); /* seen: young again */
	w.now += AGE - 1;
	cannot_take(m);
	assert_true(send(0, all, afar)); /* not seen since */
	assert_int_equal(w.uplinks, 5);
	w.now += 1;
	assert_true(send(0, all, m));
	assert_int_equal(w.uplinks, 5);
	w.now += 10 * AGE;
	cannot_take(own(1));
	/* It moved to the wire. */
	from_wire(own(2), m);
	assert_int_equal(w.uplinks, 4);
	cannot_take(m);
}

/* The places that an address may have are all taken by stations that are there. */
static void test_a_fresh_station_is_not_pushed_out(void **state)
{
	(void)state;
	assert_int_equal(plug(0, NIC_BRIDGE, addr(0, 0, 40)), 0);
	for (uint8_t i = 0; i < 8; i++) {
		from_wire(group, addr(0, 0, i));
		w.now++;
	}
	cannot_take(addr(0, 8, 0));
	for (uint8_t i = 0; i < 8; i++)
		cannot_take(addr(0, 0, i));
	/* A port's own address comes before a station, and one that left makes room. */
	assert_int_equal(plug(1, NIC_BRIDGE, addr(0, 16, 0)), 0);
	from_wire(addr(0, 16, 0), addr(0, 0, 7));
	assert_int_equal(e[1].got, 1);
	w.now += AGE;
	assert_true(send(0, afar, addr(0, 8, 0)));
}

/* As many as there are places and more, on the wire: the ports' own stay. */
static void test_a_full_table(void **state)
{
	(void)state;
	plug_bridge(3);
	for (unsigned int i = 0; i < 1000; i++) {
		from_wire(own(i % 3), addr(3, (uint8_t)(i >> 8), (uint8_t)i));
		assert_int_equal(e[i % 3].got, i / 3 + 1);
	}
	for (uint8_t i = 0; i < 200; i++)
		(void)send(0, afar, addr(4, 0, i));
	assert_true(w.uplinks <= 3 + 3);
	assert_true(send(0, own(1), own(0)));
	assert_int_equal(e[1].got, 334);
}

static void test_a_port_that_closes_is_forgotten(void **state)
{
	struct mac m = addr(2, 2, 2);

	(void)state;
	plug_bridge(2);
	assert_true(send(0, afar, m));
	assert_int_equal(w.uplinks, 3);
	port_close(&e[0].port);
	e[0].port.ops = NULL;
	assert_int_equal(w.uplinks, 1);
	from_wire(m, afar);
	from_wire(own(0), afar);
	from_wire(all, afar);
	assert_int_equal(got(2), 1);
	assert_true(send(1, own(0), m));
	assert_int_equal(w.sents, 2);
	assert_int_equal(plug(0, NIC_BRIDGE, own(0)), 0);
	from_wire(own(0), afar);
	assert_int_equal(got(2), 11);
}

static void test_what_cannot_be_opened(void **state)
{
	(void)state;
	core.nic = NULL;
	assert_int_equal(plug(0, NIC_BRIDGE, own(0)), -ENODEV);
	core.nic = &w.nic;
	assert_int_equal(plug(0, NIC_VF, own(0)), -EINVAL);
	w.uplink_max = 0;
	for (unsigned int i = 0; i <= PORTS; i++) /* nothing is left behind */
		assert_int_equal(plug(0, NIC_BRIDGE, own(0)), -ENOSPC);
	w.uplink_max = PORTS;
	plug_bridge(PORTS);
	assert_int_equal(plug(PORTS, NIC_BRIDGE, own(PORTS)), -ENOSPC);
	/* Nor is one more address learned. */
	assert_false(send(0, afar, addr(1, 1, 1)));
	assert_int_equal(e[0].guest.refused, 1);
}

/* Ports, stations and the time at random: nobody's own address is ever lost, and the uplink has as
 * many as are allowed. */
static void test_random_traffic(void **state)
{
	unsigned int taken = 0;

	(void)state;
	srandom(11);
	plug_bridge(4);
	for (unsigned int i = 0; i < 20000; i++) {
		struct mac a = addr(0, (uint8_t)(random() % 3), (uint8_t)(random() % 24));
		struct mac b = random() % 8 ? own((unsigned int)random() % 4) : all;
		unsigned int to = (unsigned int)random() % 4, before = e[to].got;

		if (random() % 3)
			taken += send((unsigned int)random() % 4, b, a);
		else
			from_wire(b, a);
		w.now += (uint64_t)random() % (AGE / 64);
		before = e[to].got;
		from_wire(own(to), afar);
		assert_int_equal(e[to].got, before + 1);
		assert_in_range(w.uplinks, 4, 4 + 4 * 3);
		for (unsigned int p = 0; p < 4; p++) {
			struct mac m = own(p);

			assert_true(has(&m));
		}
		assert_int_equal(bufs_lent(), 0);
	}
	assert_true(taken > 1000);
}

static void test_gather_is_bounded(void **state)
{
	uint8_t to[8] = {0};
	struct port_part part[] = {{"abc", 3}, {"defgh", 5}};

	(void)state;
	assert_false(port_gather(to, 7, part, 2, 8));
	assert_int_equal(to[0], 0);
	assert_true(port_gather(to, 8, part, 2, 8));
	assert_memory_equal(to, "abcdefgh", 8);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(unicast_between_ports),
		T(multicast_goes_everywhere_once),
		T(the_uplink_both_ways),
		T(batches),
		T(no_room_is_counted),
		T(three_more_addresses),
		T(no_more_addresses_where_a_guest_may_not_learn),
		T(a_port_gets_its_own_address),
		T(nobody_takes_anothers_address),
		T(addresses_age),
		T(a_fresh_station_is_not_pushed_out),
		T(a_full_table),
		T(a_port_that_closes_is_forgotten),
		T(what_cannot_be_opened),
		T(random_traffic),
		T(gather_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
