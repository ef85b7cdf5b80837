/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The virtio NIC's registers as its driver meets them, by virtio 1.2, and its life. */
#include "fixture/virtio_nic.c"

/* ---- registers ------------------------------------------------------------------------------- */

/* 4.1.2, 4.1.4. */
static void test_what_enumeration_finds(void **state)
{
	static const uint32_t least[] = {0, 56, 0, 1, 8};

	(void)state;
	assert_int_equal(cfg(PCI_VENDOR_ID, 2), 0x1af4);
	assert_int_equal(cfg(PCI_DEVICE_ID, 2), 0x1041);
	assert_true((cfg(PCI_CLASS_REV, 4) & 0xff) >= 1);
	assert_int_equal(cfg(PCI_CLASS_REV, 4) >> 8, 0x020000);
	assert_true(cfg(PCI_SUBSYSTEM + 2, 2) >= 0x40);
	assert_true(cfg(PCI_STATUS, 2) & PCI_STATUS_CAP_LIST);
	for (uint8_t t = 1; t <= 4; t++) {
		unsigned int c = cap_find(VIRTIO_CAP, t);
		uint32_t off = cfg(c + 8, 4), len = cfg(c + 12, 4), b = cfg(c + 4, 1);
		uint32_t size;

		assert_int_equal(c % 4, 0);
		assert_int_equal(cfg(c + 2, 1), t == VIRTIO_CAP_NOTIFY ? 20 : 16);
		assert_int_equal(cfg(c + 5, 1) | cfg(c + 6, 2), 0);
		assert_true(b <= 5);
		assert_int_equal(off % 4, 0);
		assert_true(len >= least[t]);
		cfg_write(PCI_BAR(b), 4, UINT32_MAX);
		size = ~(cfg(PCI_BAR(b), 4) & PCI_BAR_MEM_MASK) + 1;
		assert_true(off < size && len <= size - off);
	}
	/* 4.1.4.4.1: no multiplier that is odd, room for the bell of each queue. */
	assert_int_equal(x.mult & (x.mult - 1) & 1, 0);
	assert_true(cfg(cap_find(VIRTIO_CAP, VIRTIO_CAP_NOTIFY) + 12, 4) >= x.mult + 2);
}

/* 3.1.1 step 5, 2.2.2. */
static void test_features_are_negotiated(void **state)
{
	static const uint64_t bad[] = {0,
				       OFFERED & ~V1,
				       V1 | BIT64(0),
				       V1 | BIT64(15),
				       V1 | BIT64(29),
				       V1 | BIT64(33),
				       V1 | BIT64(34),
				       V1 | BIT64(63),
				       UINT64_MAX};
	static const uint64_t good[] = {V1, V1 | BIT64(5), V1 | BIT64(16), OFFERED};

	(void)state;
	assert_int_equal(rd(VIRTIO_C_DFSELECT, 8), (OFFERED & UINT32_MAX) << 32);
	wr(VIRTIO_C_DFSELECT, 4, 1);
	assert_int_equal(rd(VIRTIO_C_DF, 4), OFFERED >> 32);
	for (uint64_t s = 2; s <= UINT32_MAX; s = s * 3 + 1) {
		wr(VIRTIO_C_DFSELECT, 4, s);
		assert_int_equal(rd(VIRTIO_C_DFSELECT, 4), s);
		assert_int_equal(rd(VIRTIO_C_DF, 4), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		wr(VIRTIO_C_STATUS, 1, 0);
		wr(VIRTIO_C_STATUS, 1, 3);
		features(bad[i]);
		wr(VIRTIO_C_STATUS, 1, 0xb);
		assert_int_equal(status(), 3);
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		wr(VIRTIO_C_STATUS, 1, 0);
		wr(VIRTIO_C_STATUS, 1, 3);
		features(good[i]);
		wr(VIRTIO_C_STATUS, 1, 0xb);
		assert_int_equal(status(), 0xb);
		/* What is agreed on stays. */
		features(UINT64_MAX);
		assert_int_equal(rd(VIRTIO_C_GF, 4), good[i] >> 32);
		wr(VIRTIO_C_GFSELECT, 4, 0);
		assert_int_equal(rd(VIRTIO_C_GF, 4), good[i] & UINT32_MAX);
	}
	wr(VIRTIO_C_STATUS, 1, 0);
	features(V1);
	wr(VIRTIO_C_GFSELECT, 4, 2);
	wr(VIRTIO_C_GF, 4, UINT32_MAX);
	assert_int_equal(rd(VIRTIO_C_GF, 4), 0);
	wr(VIRTIO_C_STATUS, 1, 0xb);
	assert_int_equal(status(), 0xb);
}

static void test_queue_registers(void **state)
{
	static const uint64_t addr = UINT64_C(0x123456789abcdef0);

	(void)state;
	assert_int_equal(rd(VIRTIO_C_QUEUES, 2), 2);
	for (unsigned int q = 0; q < 2; q++) {
		wr(VIRTIO_C_QSELECT, 2, q);
		assert_int_equal(rd(VIRTIO_C_QSELECT, 2), q);
		assert_int_equal(rd(VIRTIO_C_QSIZE, 2), 256);
		assert_int_equal(rd(VIRTIO_C_QMSIX, 2), NO_VECTOR);
		assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 0);
		for (unsigned int r = VIRTIO_C_QDESC; r <= VIRTIO_C_QDEVICE; r += 8) {
			wr(r, 8, addr + q + r);
			assert_int_equal(rd(r, 8), addr + q + r);
			wr(r, 4, r);
			wr(r + 4, 4, q);
			assert_int_equal(rd(r, 4), r);
			assert_int_equal(rd(r + 4, 4), q);
		}
	}
	wr(VIRTIO_C_QSELECT, 2, 0);
	assert_int_equal(rd(VIRTIO_C_QDESC, 8), VIRTIO_C_QDESC);
}

static void test_registers_stand_still_while_on(void **state)
{
	uint64_t before[2][4];

	(void)state;
	up();
	for (unsigned int q = 0; q < 2; q++) {
		wr(VIRTIO_C_QSELECT, 2, q);
		for (unsigned int i = 0; i < 4; i++)
			before[q][i] = rd(VIRTIO_C_QSIZE + 8 * i, 8);
		wr(VIRTIO_C_QSIZE, 2, 8);
		wr(VIRTIO_C_QENABLE, 2, 0);
		for (unsigned int r = VIRTIO_C_QDESC; r < VIRTIO_C_LEN; r += 4)
			wr(r, 4, UINT32_MAX);
		wr(VIRTIO_C_QENABLE, 2, 1);
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(rd(VIRTIO_C_QSIZE + 8 * i, 8), before[q][i]);
		assert_int_equal(rd(VIRTIO_C_QSIZE, 2), SIZE);
		assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 1);
	}
	assert_int_equal(status(), 0xf);
}

static void test_a_queue_that_is_not_there(void **state)
{
	(void)state;
	negotiate();
	for (uint32_t q = 2; q <= 0xffff; q = 2 * q + 1) {
		wr(VIRTIO_C_QSELECT, 2, q);
		assert_int_equal(rd(VIRTIO_C_QSIZE, 2), 0);
		for (unsigned int r = VIRTIO_C_QSIZE; r < VIRTIO_C_LEN; r += 2)
			wr(r, 2, 1);
		assert_int_equal(rd(VIRTIO_C_QSIZE, 2), 0);
		assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 0);
		assert_int_equal(rd(VIRTIO_C_QMSIX, 2), NO_VECTOR);
		assert_int_equal(rd(VIRTIO_C_QDESC, 8), 0);
		poke(x.at[VIRTIO_CAP_NOTIFY] + 4 * (q & 0x3ff), 2, q);
	}
	for (unsigned int q = 0; q < 2; q++) {
		wr(VIRTIO_C_QSELECT, 2, q);
		assert_int_equal(rd(VIRTIO_C_QSIZE, 2), SIZE);
		assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 0);
		assert_int_equal(rd(VIRTIO_C_QDESC, 8), DESC(q));
	}
	assert_int_equal(status(), 0xb);
}

/* 4.1.5.1.2.1: a vector that is not there reads back as none. */
static void test_vectors(void **state)
{
	unsigned int n = (cfg(cap_find(PCI_CAP_ID_MSIX, 0) + PCI_MSIX_CTRL, 2) & 0x7ff) + 1;

	(void)state;
	for (unsigned int v = 0; v <= NO_VECTOR; v += v < 32 ? 1 : 97) {
		unsigned int is = v < n ? v : NO_VECTOR;

		wr(VIRTIO_C_MSIX, 2, v);
		assert_int_equal(rd(VIRTIO_C_MSIX, 2), is);
		for (unsigned int q = 0; q < 2; q++) {
			wr(VIRTIO_C_QSELECT, 2, q);
			wr(VIRTIO_C_QMSIX, 2, v);
			assert_int_equal(rd(VIRTIO_C_QMSIX, 2), is);
		}
	}
}

/* 5.1.4: the address, then the link. */
static void test_device_configuration(void **state)
{
	uint8_t is[24] = {0};

	(void)state;
	memcpy(is, x.mac, 6);
	is[6] = VIRTIO_NET_LINK_UP;
	assert_false(x.mac[0] & 1);
	assert_true(x.mac[0] & 2);
	for (unsigned int size = 1; size <= 8; size *= 2)
		for (unsigned int off = 0; off < 16; off++) {
			uint64_t want = 0;

			memcpy(&want, is + off, size);
			poke(x.at[VIRTIO_CAP_DEVICE] + off, size, UINT64_MAX);
			assert_int_equal(look(x.at[VIRTIO_CAP_DEVICE] + off, size), want);
		}
	assert_int_equal(look(x.at[VIRTIO_CAP_DEVICE] + 0xffc, 8), 0);
	assert_memory_equal(x.port->mac, x.mac, 6);
}

static void test_after_reset_as_at_start(void **state)
{
	uint32_t piece[] = {HDR + 60};
	uint8_t start[2 * VIRTIO_C_LEN], now[2 * VIRTIO_C_LEN];

	(void)state;
	for (unsigned int i = 0; i < sizeof(start); i++) {
		if (i % VIRTIO_C_LEN == 0)
			wr(VIRTIO_C_QSELECT, 2, i / VIRTIO_C_LEN);
		start[i] = (uint8_t)rd(i % VIRTIO_C_LEN, 1);
	}
	up();
	wr(VIRTIO_C_DFSELECT, 4, 1);
	send(60, piece, 1);
	put(TX, 0, MEM, 1, 0, 0);
	offer(TX, 0);
	kick(TX);
	assert_true(status() & NEED_RESET);
	wr(VIRTIO_C_STATUS, 1, 0);
	for (unsigned int i = 0; i < sizeof(now); i++) {
		if (i == 0)
			assert_int_equal(rd(VIRTIO_C_QSELECT, 2), 0);
		if (i == VIRTIO_C_LEN)
			wr(VIRTIO_C_QSELECT, 2, 1);
		now[i] = (uint8_t)rd(i % VIRTIO_C_LEN, 1);
	}
	assert_memory_equal(now, start, sizeof(start));
	assert_int_equal(isr(), 0);
	assert_false(receive(60));
	up();
	send(60, piece, 1);
	assert_int_equal(x.sent, 2);
	assert_int_equal(used_idx(TX), 1);
}

/* 2.1.2: nothing is consumed and nobody interrupted before DRIVER_OK. */
static void test_nothing_before_driver_ok(void **state)
{
	uint32_t piece[] = {HDR + 60};
	uint64_t at;

	(void)state;
	negotiate();
	for (unsigned int q = 0; q < 2; q++) {
		wr(VIRTIO_C_QSELECT, 2, q);
		wr(VIRTIO_C_QENABLE, 2, 1);
	}
	send(60, piece, 1);
	chain(RX, piece, 1, &at);
	assert_false(receive(60));
	assert_int_equal(used_idx(RX) | used_idx(TX) | x.sent, 0);
	wr(VIRTIO_C_STATUS, 1, 0xf);
	kick(TX);
	assert_true(receive(60));
	assert_int_equal(x.sent, 1);
	assert_int_equal(used_idx(TX), 1);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void test_what_cannot_be_attached(void **state)
{
	const char *why = NULL;

	(void)state;
	x.open_err = -ENOSPC;
	assert_int_equal(virtio_attach(g, NIC_BRIDGE, -1, &why), -ENOSPC);
	assert_non_null(why);
	x.open_err = 0;
	assert_int_equal(x.opened - x.closed, 1);
	assert_int_equal(x.allocs - x.frees, 1);
	assert_int_equal(virtio_attach(g, NIC_BRIDGE, 1, &why), -EBUSY);
	assert_int_equal(x.opened - x.closed, 1);
	assert_int_equal(x.allocs - x.frees, 1);
}

/* A second NIC of the guest has an address of its own; copies are the sum. */
static void test_two_nics(void **state)
{
	const char *why = NULL;

	(void)state;
	x.port->copies = 5;
	assert_int_equal(virtio_attach(g, NIC_BRIDGE, -1, &why), 0);
	assert_memory_not_equal(x.port->mac, x.mac, 6);
	x.port->copies = 7;
	assert_int_equal(virtio_copies(g), 12);
	vpci_del(g->func[2]);
	assert_int_equal(virtio_copies(g), 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_enumeration_finds),
		T(features_are_negotiated),
		T(queue_registers),
		T(registers_stand_still_while_on),
		T(a_queue_that_is_not_there),
		T(vectors),
		T(device_configuration),
		T(after_reset_as_at_start),
		T(nothing_before_driver_ok),
		T(what_cannot_be_attached),
		T(two_nics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
