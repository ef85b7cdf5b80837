/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare host: registers, ECAM, pages and time over plain memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Beside the other seam of these tests: the same functions under names of their own. */
#define os_rd32	     bare_rd32
#define os_wr32	     bare_wr32
#define os_doorbell  bare_doorbell
#define os_flush     bare_flush
#define os_cfg_rd16  bare_cfg_rd16
#define os_cfg_wr16  bare_cfg_wr16
#define os_cfg_rd32  bare_cfg_rd32
#define os_cfg_wr32  bare_cfg_wr32
#define os_dma_alloc bare_dma_alloc
#define os_dma_free  bare_dma_free
#define os_now_us    bare_now_us
#define os_delay_us  bare_delay_us
#define os_log	     bare_log
#include "hv-glue/host/bare/bare.c"
#include "hv-glue/host/bare/os.c"

static size_t pages_asked, pages_given_back;
static bool no_pages;
static unsigned int idles;
static struct os_dev *idle_dev;
static char said[128];

static void *pages(size_t len)
{
	void *p;

	pages_asked = len;
	if (no_pages || posix_memalign(&p, 4096, len))
		return NULL;
	return memset(p, 0, len);
}

static void pages_free(void *p, size_t len)
{
	pages_given_back = len;
	free(p);
}

static uint64_t iova(const void *p)
{
	return (uintptr_t)p + 0x1000;
}

static void idle(void)
{
	idles++;
	if (idle_dev)
		os_delay_us(idle_dev, 1);
}

static void log_line(enum os_log_level level, const char *who, const char *fmt, va_list ap)
{
	int n = snprintf(said, sizeof(said), "%d %s: ", level, who);

	vsnprintf(said + n, sizeof(said) - (size_t)n, fmt, ap);
}

static struct bare_env env = {
	.pages = pages, .pages_free = pages_free, .log = log_line, .tsc_hz = 1000000000};

static uint32_t regs[16];

static void test_registers_are_plain_stores(void **state)
{
	struct os_dev d;

	(void)state;
	bare_mmio(&d, &env, (uintptr_t)regs, "a name that is too long");
	assert_string_equal(d.name, "a name that is ");
	os_wr32(&d, 8, 0x12345678);
	os_doorbell(&d, 12, 0x9abcdef0);
	os_flush(&d);
	assert_int_equal(regs[2], 0x12345678);
	assert_int_equal(os_rd32(&d, 12), 0x9abcdef0);
}

static void test_cfg_of_a_function_is_its_ecam_page(void **state)
{
	uint8_t *ecam = calloc(1, 0x182000);
	struct os_dev d;

	(void)state;
	assert_non_null(ecam);
	env.ecam = (uintptr_t)ecam;
	bare_func(&d, &env, 0x0181, (uintptr_t)regs);
	assert_string_equal(d.name, "01:10.1");
	os_cfg_wr32(&d, 0x10, 0xfebf0000);
	os_cfg_wr16(&d, 0xffe, 0x1234);
	assert_int_equal(ecam[0x181013], 0xfe);
	assert_int_equal(os_cfg_rd32(&d, 0x10), 0xfebf0000);
	assert_int_equal(os_cfg_rd16(&d, 0xffe), 0x1234);
	env.ecam = 0;
	free(ecam);
}

static void test_cfg_beyond_or_without_ecam_reads_ones(void **state)
{
	struct os_dev d;

	(void)state;
	bare_func(&d, &env, 0x08, (uintptr_t)regs);
	os_cfg_wr16(&d, 0, 0);
	os_cfg_wr32(&d, 0, 0);
	assert_int_equal(os_cfg_rd32(&d, 0), UINT32_MAX);
	d.cfg = (volatile uint8_t *)regs;
	assert_int_equal(os_cfg_rd16(&d, 4095), UINT16_MAX);
	assert_int_equal(os_cfg_rd32(&d, 4094), UINT32_MAX);
	os_cfg_wr32(&d, UINT32_MAX, 0);
}

static void test_dma_comes_in_whole_pages(void **state)
{
	struct os_dma a = {0}, gone = {0};
	struct os_dev d;

	(void)state;
	bare_mmio(&d, &env, (uintptr_t)regs, "x");
	env.iova = iova;
	assert_int_equal(os_dma_alloc(&d, 4097, 4096, &a), 0);
	assert_int_equal(pages_asked, 8192);
	assert_int_equal(a.iova, (uintptr_t)a.va + 0x1000);
	assert_int_equal(a.len, 4097);
	assert_int_equal(d.dma_live, 1);
	os_dma_free(&d, &a);
	assert_int_equal(pages_given_back, 8192);
	assert_null(a.va);
	os_dma_free(&d, &gone);
	assert_int_equal(d.dma_live, 0);
	env.iova = NULL;
}

static void test_dma_refusals_leave_nothing(void **state)
{
	struct os_dma a = {0};
	struct os_dev d;

	(void)state;
	bare_mmio(&d, &env, (uintptr_t)regs, "x");
	assert_int_equal(os_dma_alloc(&d, 0, 16, &a), -EINVAL);
	assert_int_equal(os_dma_alloc(&d, 16, 0, &a), -EINVAL);
	assert_int_equal(os_dma_alloc(&d, 16, 24, &a), -EINVAL);
	assert_int_equal(os_dma_alloc(&d, 16, 8192, &a), -EINVAL);
	assert_int_equal(os_dma_alloc(&d, SIZE_MAX, 16, &a), -EINVAL);
	no_pages = true;
	assert_int_equal(os_dma_alloc(&d, 16, 16, &a), -ENOMEM);
	no_pages = false;
	assert_null(a.va);
	assert_int_equal(d.dma_live, 0);
}

static void test_delay_lasts_and_idle_does_not_nest(void **state)
{
	struct os_dev d;
	uint64_t from;

	(void)state;
	bare_mmio(&d, &env, (uintptr_t)regs, "x");
	env.idle = idle;
	idle_dev = &d;
	from = os_now_us(&d);
	os_delay_us(&d, 50);
	assert_true(os_now_us(&d) - from >= 50);
	assert_true(idles >= 1);
	from = idles;
	os_delay_us(&d, 0);
	assert_int_equal(idles, from + 1);
	env.idle = NULL;
	os_delay_us(&d, 0);
	assert_int_equal(idles, from + 1);
}

static void test_log_names_the_function(void **state)
{
	struct os_dev d;

	(void)state;
	bare_func(&d, &env, 0xff7f, 0);
	os_log(&d, OS_LOG_WARN, "pool %d", 3);
	assert_string_equal(said, "1 ff:0f.7: pool 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_are_plain_stores),
		cmocka_unit_test(test_cfg_of_a_function_is_its_ecam_page),
		cmocka_unit_test(test_cfg_beyond_or_without_ecam_reads_ones),
		cmocka_unit_test(test_dma_comes_in_whole_pages),
		cmocka_unit_test(test_dma_refusals_leave_nothing),
		cmocka_unit_test(test_delay_lasts_and_idle_does_not_nest),
		cmocka_unit_test(test_log_names_the_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
