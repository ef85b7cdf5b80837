/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The device's side of a virtio ring, against a guest that is honest and one that is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/errno.h"
#include "vring.h"

#define MEM  0x10000u
#define SIZE 16u
#define DESC 0x1000u
#define AVL  0x2000u
#define USED 0x3000u

/* Exactly as long as the guest's memory, so that ASan sees a step beyond. */
static uint8_t *mem;
static struct vring ring;

static void *ptr(const void *ctx, uint64_t gpa, uint64_t len)
{
	(void)ctx;
	return gpa < MEM && len <= MEM - gpa ? mem + gpa : NULL;
}

static struct virtio_desc *desc(unsigned int i)
{
	return (struct virtio_desc *)(mem + DESC) + i;
}
static uint16_t *avail(void)
{
	return (uint16_t *)(mem + AVL);
}
static uint16_t *used(void)
{
	return (uint16_t *)(mem + USED);
}

static void put(unsigned int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	*desc(i) = (struct virtio_desc){cpu_to_le64(addr), cpu_to_le32(len), cpu_to_le16(flags),
					cpu_to_le16(next)};
}

static void offer(uint16_t head)
{
	avail()[2 + avail()[1] % SIZE] = head;
	avail()[1]++;
}

static int setup(void **state)
{
	(void)state;
	mem = calloc(1, MEM);
	ring = (struct vring){.ptr = ptr};
	vring_reset(&ring);
	ring.size = SIZE;
	ring.desc_gpa = DESC;
	ring.avail_gpa = AVL;
	ring.used_gpa = USED;
	return mem ? vring_on(&ring) : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

static void test_chain_of_reads_then_writes(void **state)
{
	struct vring_chain c;

	(void)state;
	put(3, 0x4000, 12, VIRTIO_D_NEXT, 5);
	put(5, 0x5000, 100, VIRTIO_D_NEXT, 1);
	put(1, 0x6000, 50, VIRTIO_D_WRITE, 0);
	assert_int_equal(vring_pop(&ring, &c), 0);
	offer(3);
	assert_true(vring_ready(&ring));
	assert_int_equal(vring_pop(&ring, &c), 1);
	assert_int_equal(c.head, 3);
	assert_int_equal(c.n_out, 2);
	assert_int_equal(c.n_in, 1);
	assert_int_equal(c.len_out, 112);
	assert_int_equal(c.len_in, 50);
	assert_ptr_equal(c.part[1].p, mem + 0x5000);
	assert_int_equal(vring_pop(&ring, &c), 0);
	vring_push(&ring, 3, 50);
	assert_int_equal(used()[1], 0); /* not shown yet */
	assert_true(vring_publish(&ring));
	assert_int_equal(used()[1], 1);
	assert_int_equal(*(uint32_t *)(used() + 2), 3);
	assert_int_equal(*(uint32_t *)(used() + 4), 50);
	assert_false(vring_publish(&ring)); /* nothing new */
}

static void test_interrupt_only_when_wanted(void **state)
{
	struct vring_chain c;

	(void)state;
	put(0, 0x4000, 64, 0, 0);
	offer(0);
	avail()[0] = VIRTIO_A_NO_IRQ;
	assert_int_equal(vring_pop(&ring, &c), 1);
	vring_push(&ring, 0, 0);
	assert_false(vring_publish(&ring));
	assert_int_equal(used()[1], 1);
	vring_no_kick(&ring, true);
	assert_int_equal(used()[0], VIRTIO_U_NO_KICK);
}

static void test_index_wraps(void **state)
{
	struct vring_chain c;

	(void)state;
	put(0, 0x4000, 64, 0, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		offer(0);
		assert_int_equal(vring_pop(&ring, &c), 1);
		vring_push(&ring, c.head, 0);
		vring_publish(&ring);
	}
	assert_int_equal(used()[1], 70000 & 0xffff);
}

static void test_what_is_refused(void **state)
{
	struct vring_chain c;
	struct {
		uint64_t addr;
		uint32_t len;
		uint16_t flags, next;
	} bad[] = {
		{0x4000, 0, 0, 0},				 /* no bytes */
		{MEM, 1, 0, 0},					 /* behind the end */
		{MEM - 1, 2, 0, 0},				 /* across it */
		{UINT64_MAX - 3, 8, 0, 0},			 /* wraps */
		{0x4000, UINT32_MAX, 0, 0},			 /* more than there is */
		{0x4000, 64, VIRTIO_D_INDIRECT, 0},		 /* not offered */
		{0x4000, 64, VIRTIO_D_NEXT, 0},			 /* itself: no end */
		{0x4000, 64, VIRTIO_D_NEXT, SIZE},		 /* no such descriptor */
		{0x4000, 64, VIRTIO_D_WRITE | VIRTIO_D_NEXT, 1}, /* read behind written */
	};

	(void)state;
	put(1, 0x4000, 64, 0, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		put(0, bad[i].addr, bad[i].len, bad[i].flags, bad[i].next);
		offer(0);
		assert_int_equal(vring_pop(&ring, &c), -EINVAL);
		ring.next_avail = avail()[1];
	}
	offer(SIZE); /* a head beyond */
	assert_int_equal(vring_pop(&ring, &c), -EINVAL);
	avail()[1] = (uint16_t)(ring.next_avail + SIZE + 1); /* more than the ring holds */
	assert_int_equal(vring_pop(&ring, &c), -EINVAL);
}

static void test_ring_addresses_are_checked(void **state)
{
	static const struct {
		uint64_t desc, avail, used;
		uint16_t size;
	} bad[] = {
		{DESC + 8, AVL, USED, SIZE}, {DESC, AVL + 1, USED, SIZE},
		{DESC, AVL, USED + 2, SIZE}, {MEM - 16, AVL, USED, SIZE},
		{DESC, MEM - 4, USED, SIZE}, {DESC, AVL, MEM - 8, SIZE},
		{DESC, AVL, USED, 0},	     {DESC, AVL, USED, 3},
		{DESC, AVL, USED, 512},	     {UINT64_MAX - 15, AVL, USED, SIZE},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		vring_reset(&ring);
		ring.desc_gpa = bad[i].desc;
		ring.avail_gpa = bad[i].avail;
		ring.used_gpa = bad[i].used;
		ring.size = bad[i].size;
		assert_int_equal(vring_on(&ring), -EINVAL);
		assert_false(ring.on);
	}
}

/* A guest that writes anything anywhere in its rings: no step beyond its memory, no endless walk.
 */
static void test_garbage(void **state)
{
	unsigned int seed = 7, popped = 0;
	struct vring_chain c;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		for (unsigned int i = 0; i < 24; i++) {
			unsigned int r = (unsigned int)rand_r(&seed);

			put(r % SIZE, (r & 64 ? (unsigned int)rand_r(&seed) : r) % (MEM + 64),
			    (unsigned int)rand_r(&seed) % (r & 128 ? 200000 : 2000),
			    (uint16_t)(r >> 8 & 3), (uint16_t)(r >> 12 & 15));
		}
		offer((uint16_t)(rand_r(&seed) % (SIZE + 1)));
		switch (vring_pop(&ring, &c)) {
		case 1:
			popped++;
			for (unsigned int i = 0; i < c.n_out + c.n_in; i++)
				c.part[i].p[c.part[i].len - 1] ^= 0; /* ASan: it is there */
			vring_push(&ring, c.head, 1);
			vring_publish(&ring);
			break;
		case -EINVAL:
			ring.next_avail = avail()[1];
			break;
		}
		assert_true(c.n_out + c.n_in <= VRING_PARTS);
	}
	assert_true(popped > 1000); /* the fuzz is not all noise */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_chain_of_reads_then_writes),
		T(test_interrupt_only_when_wanted),
		T(test_index_wraps),
		T(test_what_is_refused),
		T(test_ring_addresses_are_checked),
		T(test_garbage),
	};

	return cmocka_run_group_tests_name("core_vring", tests, NULL, NULL);
}
