/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Frames through the virtio NIC in chains of any shape, and rings of a guest that does not mean
 * well. */
#include "fixture/virtio_nic.c"

/* ---- frames ---------------------------------------------------------------------------------- */

static void test_frames_leave_whole(void **state)
{
	static const uint32_t lens[] = {14, 15, 26, 60, 1000, 1514, 1517, 1518};
	uint32_t piece[VRING_PARTS];

	(void)state;
	up();
	for (unsigned int i = 0; i < FRAMES; i++) {
		uint32_t len = lens[i % ARRAY_SIZE(lens)];
		unsigned int n = 1 + (unsigned int)random() % VRING_PARTS;

		split(len + HDR, n, piece);
		send(len, piece, n);
		assert_int_equal(x.sent, i + 1);
		assert_int_equal(x.len, len);
		for (uint32_t b = 0; b < len; b++)
			assert_int_equal(x.frame[b], byte(b));
		assert_int_equal(used_idx(TX), i + 1);
		assert_int_equal(last_used(TX)->len, 0);
	}
	/* A byte a descriptor, as far as a chain goes. */
	for (unsigned int i = 0; i < VRING_PARTS; i++)
		piece[i] = i < VRING_PARTS - 1 ? 1 : HDR + 60 - (VRING_PARTS - 1);
	send(60, piece, VRING_PARTS);
	assert_int_equal(x.sent, FRAMES + 1);
	assert_int_equal(x.port->dropped, 0);
	assert_int_equal(status(), 0xf);
}

/* Given back and counted; the driver is not stopped for it. */
static void test_what_is_no_frame_is_dropped(void **state)
{
	static const uint32_t lens[] = {1, 11, HDR, HDR + 13, HDR + 1519, HDR + 9000};
	uint64_t at;
	unsigned int drops = 0;

	(void)state;
	up();
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		chain(TX, &lens[i], 1, &at);
		kick(TX);
		assert_int_equal(x.port->dropped, ++drops);
		assert_int_equal(used_idx(TX), drops);
	}
	put(TX, 0, DATA, HDR + 60, VIRTIO_D_WRITE, 0);
	offer(TX, 0);
	put(TX, 1, DATA, HDR + 60, VIRTIO_D_NEXT, 2);
	put(TX, 2, DATA, 60, VIRTIO_D_WRITE, 0);
	offer(TX, 1);
	kick(TX);
	assert_int_equal(x.port->dropped, drops + 2);
	assert_int_equal(used_idx(TX), drops + 2);
	assert_int_equal(x.sent, 0);
	assert_int_equal(status(), 0xf);
}

/* 5.1.6.4: header, num_buffers 1, the frame, and no byte more. */
static void test_frames_arrive_whole(void **state)
{
	static const uint32_t lens[] = {14, 60, 61, 1514, 1518};
	uint32_t piece[VRING_PARTS];
	uint64_t at[VRING_PARTS];

	(void)state;
	up();
	for (unsigned int i = 0; i < FRAMES; i++) {
		uint32_t len = lens[i % ARRAY_SIZE(lens)], extra = random() % 3 ? 0 : 5, pos = 0;
		unsigned int n = 1 + (unsigned int)random() % VRING_PARTS;

		split(len + HDR + extra, n, piece);
		memset(x.mem + DATA, 0xee, MEM - DATA);
		chain(RX, piece, n, at);
		assert_true(receive(len));
		assert_int_equal(used_idx(RX), i); /* shown with the batch's end */
		x.port->deliver_end(x.port->ctx);
		assert_int_equal(used_idx(RX), i + 1);
		assert_int_equal(last_used(RX)->id, 0);
		assert_int_equal(last_used(RX)->len, len + HDR);
		for (unsigned int k = 0; k < n; k++)
			for (uint32_t j = 0; j < piece[k]; j++, pos++) {
				uint8_t *b = &x.mem[at[k] + j];
				uint8_t want = pos >= len + HDR ? 0xee
					       : pos >= HDR	? byte(pos - HDR)
								: pos == VIRTIO_NET_HDR_NB;

				assert_int_equal(*b, want);
				*b = 0xee;
			}
		for (uint32_t b = DATA; b < MEM; b++)
			assert_int_equal(x.mem[b], 0xee);
	}
}

static void test_no_room_to_receive(void **state)
{
	uint32_t piece = HDR + 59;
	uint64_t at;

	(void)state;
	up();
	assert_false(receive(60)); /* no chain at all */
	memset(x.mem + DATA, 0xee, MEM - DATA);
	chain(RX, &piece, 1, &at);
	assert_false(receive(60));
	put(RX, 0, DATA, 2000, 0, 0);
	offer(RX, 0);
	assert_false(receive(60)); /* nothing that may be written */
	x.port->deliver_end(x.port->ctx);
	assert_int_equal(used_idx(RX), 2);
	assert_int_equal(last_used(RX)->len, 0);
	for (uint32_t b = DATA; b < MEM; b++)
		assert_int_equal(x.mem[b], 0xee);
	assert_int_equal(status(), 0xf);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void burst(unsigned int n)
{
	uint32_t piece = HDR + 60;
	uint64_t at;

	for (unsigned int i = 0; i < n; i++)
		chain(TX, &piece, 1, &at);
	kick(TX);
}

static void test_one_interrupt_a_batch(void **state)
{
	uint32_t piece = HDR + 60;
	uint64_t at;

	(void)state;
	up();
	burst(5);
	assert_int_equal(x.sent, 5);
	assert_int_equal(x.flushed, 1);
	assert_int_equal(x.msi[0x41], 1);
	kick(TX); /* nothing there */
	kick(RX);
	assert_int_equal(x.flushed, 1);
	assert_int_equal(x.msi[0x41], 1);
	for (unsigned int i = 0; i < 4; i++)
		chain(RX, &piece, 1, &at);
	for (unsigned int i = 0; i < 4; i++)
		assert_true(receive(60));
	assert_int_equal(x.msi[0x40], 0);
	x.port->deliver_end(x.port->ctx);
	x.port->deliver_end(x.port->ctx);
	assert_int_equal(x.msi[0x40], 1);
	assert_int_equal(x.msi[0x42], 0);
	/* The driver of a ring to receive by needs no bell. */
	assert_int_equal(*(uint16_t *)(x.mem + USED(RX)), VIRTIO_U_NO_KICK);
	assert_int_equal(*(uint16_t *)(x.mem + USED(TX)), 0);
}

static void test_interrupts_only_when_wanted(void **state)
{
	(void)state;
	up();
	avail(TX)[0] = VIRTIO_A_NO_IRQ;
	burst(1);
	assert_int_equal(x.msi[0x41], 0);
	assert_int_equal(isr(), 0);
	avail(TX)[0] = 0;
	entry(1, PCI_MSIX_ENTRY_MASKED);
	burst(1);
	burst(1);
	assert_int_equal(x.msi[0x41], 0);
	entry(1, 0);
	assert_int_equal(x.msi[0x41], 1); /* what waited */
	msix(false);
	burst(1);
	msix(true);
	assert_int_equal(x.msi[0x41], 1);
	wr(VIRTIO_C_QSELECT, 2, TX);
	wr(VIRTIO_C_QMSIX, 2, NO_VECTOR);
	burst(1);
	assert_int_equal(x.msi[0x41], 1);
	/* 4.1.4.5: reading clears. */
	assert_int_equal(isr(), 1);
	assert_int_equal(isr(), 0);
	assert_int_equal(used_idx(TX), 5);
}

/* ---- a guest that does not mean well --------------------------------------------------------- */

/* What a good driver would have done is there too, behind it. */
static void ring_of(unsigned int q, unsigned int how)
{
	uint16_t w = q == RX ? VIRTIO_D_WRITE : 0;

	put(q, 0, DATA, 2000, w, 0);
	switch (how) {
	case 0: /* more than the ring holds */
		avail(q)[1] = SIZE + 1;
		return;
	case 1:
		avail(q)[1] = 0x8000;
		return;
	case 2:
		offer(q, SIZE);
		return;
	case 3:
		offer(q, 0xffff);
		return;
	case 4: /* a loop of one, of two, and out of the table */
		put(q, 0, DATA, 1, w | VIRTIO_D_NEXT, 0);
		break;
	case 5:
		put(q, 0, DATA, 1, w | VIRTIO_D_NEXT, 1);
		put(q, 1, DATA, 1, w | VIRTIO_D_NEXT, 0);
		break;
	case 6:
		put(q, 0, DATA, 1, w | VIRTIO_D_NEXT, SIZE);
		break;
	case 7:
		put(q, 0, DATA, 0, w, 0);
		break;
	case 8:
		put(q, 0, 0, UINT32_MAX, w, 0);
		break;
	case 9: /* lengths whose sum wraps */
		put(q, 0, DATA, 0x80000000, w | VIRTIO_D_NEXT, 1);
		put(q, 1, DATA, 0x80000040, w, 0);
		break;
	case 10:
		put(q, 0, MEM, 100, w, 0);
		break;
	case 11:
		put(q, 0, MEM - 99, 100, w, 0);
		break;
	case 12:
		put(q, 0, UINT64_MAX - 49, 100, w, 0);
		break;
	case 13:
		put(q, 0, UINT64_C(1) << 63 | DATA, 100, w, 0);
		break;
	case 14:
		put(q, 0, DATA, 64, w | VIRTIO_D_INDIRECT, 0);
		break;
	case 15: /* what is read after what is written */
		put(q, 0, DATA, 64, VIRTIO_D_WRITE | VIRTIO_D_NEXT, 1);
		put(q, 1, DATA, 64, 0, 0);
		break;
	}
	offer(q, 0);
}

static void test_broken_rings_stand_still(void **state)
{
	uint8_t *before = malloc(MEM);
	uint32_t piece = HDR + 60;
	uint64_t at;

	(void)state;
	for (unsigned int i = 0; i < 2 * 16; i++) {
		unsigned int q = i & 1;

		up();
		x.sent = 0;
		ring_of(q, i / 2);
		memcpy(before, x.mem, MEM);
		if (q == TX)
			kick(TX);
		else
			assert_false(receive(60));
		assert_int_equal(status(), 0xf | NEED_RESET);
		assert_int_equal(g->refused, i + 1);
		assert_int_equal(x.logs, i + 1);
		/* 2.1.2: the driver is told. */
		assert_int_equal(isr(), 2);
		assert_int_equal(x.msi[0x42], 1);
		assert_memory_equal(x.mem, before, MEM);
		/* Neither by better rings nor by its status does it go on. */
		wr(VIRTIO_C_STATUS, 1, 0xf);
		assert_int_equal(status(), 0xf | NEED_RESET);
		memset(x.mem + AVL(q), 0, 0x1000);
		chain(TX, &piece, 1, &at);
		kick(TX);
		chain(RX, &piece, 1, &at);
		assert_false(receive(60));
		x.port->deliver_end(x.port->ctx);
		assert_int_equal(x.sent | used_idx(RX) | used_idx(TX), 0);
		assert_int_equal(g->refused, i + 1);
	}
	up();
	send(60, &piece, 1);
	assert_int_equal(x.sent, 1);
	free(before);
}

static void test_rings_that_cannot_be(void **state)
{
	static const struct {
		unsigned int reg, size;
		uint64_t val;
	} bad[] = {
		{VIRTIO_C_QSIZE, 2, 0},
		{VIRTIO_C_QSIZE, 2, 3},
		{VIRTIO_C_QSIZE, 2, 512},
		{VIRTIO_C_QSIZE, 2, 0x8000},
		{VIRTIO_C_QDESC, 8, MEM},
		{VIRTIO_C_QDESC, 8, MEM - 16 * (SIZE - 1)},
		{VIRTIO_C_QDESC, 8, DESC(0) + 8},
		{VIRTIO_C_QDRIVER, 8, MEM - 4},
		{VIRTIO_C_QDRIVER, 8, AVL(0) + 1},
		{VIRTIO_C_QDEVICE, 8, MEM - 8 * SIZE},
		{VIRTIO_C_QDEVICE, 8, USED(0) + 2},
		{VIRTIO_C_QDESC, 8, UINT64_MAX - 15},
		{VIRTIO_C_QDRIVER + 4, 4, 1},
		{VIRTIO_C_QDEVICE + 4, 4, UINT32_MAX},
	};

	(void)state;
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
		unsigned int q = i & 1;

		negotiate();
		wr(VIRTIO_C_QSELECT, 2, q);
		wr(bad[i / 2].reg, bad[i / 2].size, bad[i / 2].val);
		wr(VIRTIO_C_QENABLE, 2, 1);
		assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 0);
		assert_int_equal(status(), 0xb | NEED_RESET);
		assert_int_equal(g->refused, i + 1);
		wr(VIRTIO_C_STATUS, 1, 0xf);
		kick(TX);
		assert_false(receive(60));
	}
	assert_int_equal(x.sent, 0);
}

/* Rings over each other and over what they point at: bounded, and within the guest's memory. */
static void test_rings_over_each_other(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 500; i++) {
		wr(VIRTIO_C_STATUS, 1, 0);
		negotiate();
		for (unsigned int q = 0; q < 2; q++) {
			wr(VIRTIO_C_QSELECT, 2, q);
			for (unsigned int r = VIRTIO_C_QDESC; r < VIRTIO_C_LEN; r += 8)
				wr(r, 8, DATA + 16 * (uint64_t)(random() % 8));
			wr(VIRTIO_C_QENABLE, 2, 1);
			assert_int_equal(rd(VIRTIO_C_QENABLE, 2), 1);
		}
		wr(VIRTIO_C_STATUS, 1, 0xf);
		for (unsigned int b = 0; b < 0x400; b += 8) {
			uint64_t v = random() % 2 ? DATA + (uint64_t)random() % 0x200
						  : (uint64_t)random() % 0x40;

			memcpy(x.mem + DATA + b, &v, 8);
		}
		for (unsigned int k = 0; k < 8; k++) {
			kick(TX);
			(void)receive(14 + (uint32_t)random() % 1500);
			x.port->deliver_end(x.port->ctx);
		}
	}
}

static void random_access(void)
{
	unsigned int size = 1u << random() % 4;
	uint64_t off = (uint64_t)random() % 0x6000, val = (uint64_t)random();

	if (random() % 2)
		off = (off & ~UINT64_C(0xfff)) | (off & 0x3f);
	off &= ~(uint64_t)(size - 1);
	if (random() % 4 == 0)
		val = random() % 2 ? val << 32 | val : val & 0x1f;
	if (random() % 4 == 0)
		(void)look(bar(0) + off, size);
	/* A reset by chance would leave little to try. */
	else if (off > VIRTIO_C_STATUS || off + size <= VIRTIO_C_STATUS)
		poke(bar(0) + off, size, val);
}

static void random_chain(void)
{
	unsigned int q = (unsigned int)random() % 2, i = (unsigned int)random() % SIZE;
	uint16_t flags = (uint16_t)((q == RX ? VIRTIO_D_WRITE : 0) | (random() & VIRTIO_D_NEXT));

	put(q, i, DATA + (uint64_t)random() % (MEM - DATA - 1600), (uint32_t)random() % 1600 + 1,
	    random() % 64 ? flags : (uint16_t)random(), (uint16_t)(random() % SIZE));
	if (random() % 256 == 0)
		put(q, i, (uint64_t)random() << random() % 33, (uint32_t)random(), flags, 0);
	offer(q, (uint16_t)(random() % 512 ? i : (unsigned int)random() % 64));
}

/* Any access to any register, over rings of chains that are mostly good. */
static void test_random_accesses(void **state)
{
	unsigned int got = 0;

	(void)state;
	for (unsigned int i = 0; i < 60000; i++) {
		if (i % 100 == 0) {
			up();
			for (unsigned int d = 0; d < 2 * SIZE; d++)
				put(d & 1, d / 2, DATA, 1600, d & 1 ? 0 : VIRTIO_D_WRITE, 0);
		}
		random_access();
		random_chain();
		if (random() % 4 == 0)
			kick(TX);
		got += receive(14 + (uint32_t)random() % 1500);
		if (random() % 8 == 0)
			x.port->deliver_end(x.port->ctx);
	}
	/* It did more than refuse. */
	assert_true(x.sent > 1000);
	assert_true(got > 1000);
	assert_true(g->refused > 100);
	up();
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(frames_leave_whole),	     T(what_is_no_frame_is_dropped),
		T(frames_arrive_whole),	     T(no_room_to_receive),
		T(one_interrupt_a_batch),    T(interrupts_only_when_wanted),
		T(broken_rings_stand_still), T(rings_that_cannot_be),
		T(rings_over_each_other),    T(random_accesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
