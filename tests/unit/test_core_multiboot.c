/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a boot loader says is copied, checked and found again by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/errno.h"
#include "boot.h"

#define IMAGE	  0x100000u
#define IMAGE_END 0x300000u
#define AREA	  65536u

/* The loader's structures; 32-bit addresses, so below 4 GiB. */
static struct {
	uint32_t info[13];
	uint32_t mods[20][4];
	uint8_t map[4096];
	uint8_t tags[4096];
	char text[20][600];
} * mb;

enum { FLAGS, CMDLINE = 4, MODS, MODS_ADDR, MAP_LEN = 11, MAP_ADDR };

static char why[WHY_LEN];

static uint32_t addr(const void *p)
{
	assert_true((uintptr_t)p < UINT64_C(1) << 32);
	return (uint32_t)(uintptr_t)p;
}

static void add_range(uint64_t base, uint64_t len, uint32_t type, uint32_t size)
{
	uint8_t *at = mb->map + mb->info[MAP_LEN];

	memcpy(at, &size, 4);
	memcpy(at + 4, &base, 8);
	memcpy(at + 12, &len, 8);
	memcpy(at + 20, &type, 4);
	mb->info[MAP_LEN] += size + 4;
}

static void add_module(const char *text, uint32_t start, uint32_t end)
{
	uint32_t i = mb->info[MODS]++;

	strcpy(mb->text[i], text);
	mb->mods[i][0] = start;
	mb->mods[i][1] = end;
	mb->mods[i][2] = addr(mb->text[i]);
}

static int setup(void **state)
{
	(void)state;
	if (!mb)
		mb = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	memset(mb, 0, sizeof(*mb));
	memset(&boot, 0, sizeof(boot));
	mb->info[FLAGS] = 1 << 2 | 1 << 3 | 1 << 6;
	strcpy(mb->text[19], "build/core.bin exit=f4 word");
	mb->info[CMDLINE] = addr(mb->text[19]);
	mb->info[MODS_ADDR] = addr(mb->mods);
	mb->info[MAP_ADDR] = addr(mb->map);
	add_range(0, 0x9fc00, 1, 20);
	add_range(0xf0000, 0x10000, 2, 20);
	add_range(0x100000, 0x1fedf000, 1, 24); /* with ACPI 3.0's attributes */
	add_range(0x1ffdf000, 0x21000, 3, 20);
	add_range(0xb0000000, 0x10000000, 2, 20);
	return 0;
}

static int parse(void)
{
	why[0] = 0;
	return multiboot_parse(mb->info, IMAGE, IMAGE_END, &boot, why, sizeof(why));
}

static void test_all_is_found(void **state)
{
	(void)state;
	add_module("/boot/some/guest.bin count=5 \"a b\"", 0x400000, 0x401234);
	add_module("sluice.conf", 0x402000, 0x402000);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.ranges, 5);
	assert_true(boot.range[2].base == 0x100000 && boot.range[2].len == 0x1fedf000);
	assert_int_equal(boot.range[3].type, BOOT_ACPI);
	memset(mb->text, '#', sizeof(mb->text)); /* overwritten meanwhile */
	assert_ptr_equal(module_find("guest.bin"), module_at(0));
	assert_string_equal(module_at(0)->args, "count=5 \"a b\"");
	assert_ptr_equal(module_at(0)->data, (void *)0x400000);
	assert_int_equal(module_at(0)->len, 0x1234);
	assert_string_equal(module_find("sluice.conf")->args, "");
	assert_null(module_find("guest"));
	assert_null(module_find("guest.bin2"));
	assert_null(module_find(""));
	assert_null(module_at(2));
}

static void test_options_are_whole_words(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_true(boot_option(&boot, "exit=f4"));
	assert_true(boot_option(&boot, "word"));
	assert_false(boot_option(&boot, "wor"));
	assert_false(boot_option(&boot, "exit"));
	assert_false(boot_option(&boot, "ord"));
	assert_false(boot_option(&boot, "core.bin"));
	strcpy(boot.options, "reboot"); /* as GRUB has it, without the path */
	assert_true(boot_option(&boot, "reboot"));
	strcpy(boot.options, "");
	assert_false(boot_option(&boot, "reboot"));
}

static void test_ram_is_told_from_the_rest(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot_ram_top(&boot), 0x20000000);
	assert_true(boot_in_ram(&boot, 0x1fffffff, 1));
	assert_true(boot_in_ram(&boot, 0x9f000, 0x100000));
	assert_true(boot_in_ram(&boot, 0x50000000 - 0x40000000, 0x80000000));
	assert_false(boot_in_ram(&boot, 0x20000000, 0x1000));
	assert_false(boot_in_ram(&boot, 0xb0000000, 0x10000000));
	assert_false(boot_in_ram(&boot, 0xfed90000, 0x1000));
}

static void refused(const char *word)
{
	assert_int_equal(parse(), -EINVAL);
	if (!strstr(why, word))
		fail_msg("not named: %s in \"%s\"", word, why);
}

static void test_no_map(void **state)
{
	(void)state;
	mb->info[FLAGS] &= ~(1u << 6);
	refused("memory map");
}

static void test_map_that_does_not_go_on(void **state)
{
	(void)state;
	memset(mb->map, 0, sizeof(mb->map)); /* sizes of 0 */
	refused("memory map");
}

static void test_map_of_too_many_is_cut(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 140; i++)
		add_range(UINT64_C(0x100000000) + i * 0x1000, 0x1000, 1, 20);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.ranges, BOOT_RANGES);
}

static void test_map_behind_4_gib_is_not_read(void **state)
{
	(void)state;
	mb->info[MAP_ADDR] = UINT32_MAX - 30;
	refused("memory map");
}

static void test_modules_out_of_place(void **state)
{
	(void)state;
	add_module("a", IMAGE_END - 1, IMAGE_END + 5);
	refused("core's own memory");
	setup(state);
	add_module("a", IMAGE - 10, UINT32_MAX);
	refused("core's own memory");
	setup(state);
	add_module("backwards", 0x500000, 0x4fffff);
	refused("backwards");
	setup(state);
	add_module("one", 0x500000, 0x510000);
	add_module("two", 0x50ffff, 0x520000);
	refused("module 2 (two)");
	setup(state);
	add_module("beside", IMAGE_END, IMAGE_END + 5);
	add_module("before", IMAGE - 5, IMAGE);
	assert_int_equal(parse(), 0);
}

static void test_module_names_that_do_not_fit(void **state)
{
	char s[600];

	(void)state;
	add_module("x234567890123456789012345678901", 0x500000, 0x510000);
	assert_int_equal(parse(), 0);
	setup(state);
	add_module("x2345678901234567890123456789012", 0x500000, 0x510000);
	refused("31 characters");
	setup(state);
	add_module("", 0x500000, 0x510000);
	refused("GRUB");
	setup(state);
	memset(s, 'y', sizeof(s));
	s[1] = ' ';
	s[ARGS_LEN + 2] = 0;
	add_module(s, 0x500000, 0x510000);
	refused("255");
}

static void test_too_many_modules(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 17; i++)
		add_module("m", 0x500000 + i * 0x1000, 0x500800 + i * 0x1000);
	refused("more than 16 modules");
}

static void test_long_command_line_is_cut(void **state)
{
	(void)state;
	memset(mb->text[18], 'z', sizeof(mb->text[18]) - 1);
	mb->info[CMDLINE] = addr(mb->text[18]);
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(boot.options), ARGS_LEN - 1);
}

/* ---- version 2 ------------------------------------------------------------------------------- */

static uint32_t tags_len;

/* A tag: two words, then what @p holds. */
static void add_tag(uint32_t type, uint32_t a, uint32_t b, const void *p, uint32_t len)
{
	const uint32_t head[] = {type, 16 + len, a, b};

	memcpy(mb->tags + tags_len, head, 16);
	memcpy(mb->tags + tags_len + 16, p, len);
	tags_len += (16 + len + 7) & ~7u;
}

static void add_text(uint32_t type, const char *text)
{
	const uint32_t head[] = {type, 8 + (uint32_t)strlen(text) + 1};

	memcpy(mb->tags + tags_len, head, 8);
	strcpy((char *)mb->tags + tags_len + 8, text);
	tags_len += (head[1] + 7) & ~7u;
}

static void add_map2(uint32_t entry)
{
	static const uint64_t map[][2] = {{0, 0x9fc00}, {0x100000, 0x1fedf000}};
	uint8_t p[64] = {0};

	for (unsigned int i = 0; i < 2; i++) {
		memcpy(p + i * 24, map[i], 16);
		p[i * 24 + 16] = BOOT_RAM;
	}
	add_tag(6, entry, 0, p, 48);
}

static int setup2(void **state)
{
	setup(state);
	tags_len = 8;
	add_text(1, "reboot word");
	add_map2(24);
	return 0;
}

/* The parser gets a copy of just that length, for the sanitizer to see a read beyond it. */
static int parse2(void)
{
	const uint32_t end[] = {0, 8};
	uint8_t *copy = malloc(tags_len + 8);
	int err;

	memcpy(mb->tags + tags_len, end, 8);
	memcpy(copy, mb->tags, tags_len + 8);
	*(uint32_t *)copy = tags_len + 8;
	why[0] = 0;
	err = multiboot2_parse(copy, IMAGE, IMAGE_END, &boot, why, sizeof(why));
	free(copy);
	return err;
}

static void refused2(const char *word)
{
	assert_int_equal(parse2(), -EINVAL);
	if (!strstr(why, word))
		fail_msg("not named: %s in \"%s\"", word, why);
}

static void test_2_all_is_found(void **state)
{
	(void)state;
	add_text(14, "RSD PTR old, of 20b");
	add_text(15, "RSD PTR new, of the length of 36");
	add_text(14, "RSD PTR old, of 20b");
	add_text(2, "GRUB");
	add_tag(3, 0x400000, 0x401234, "some/guest.bin a b", 19);
	add_tag(3, 0x402000, 0x402000, "sluice.conf", 12);
	assert_int_equal(parse2(), 0);
	assert_true(boot_option(&boot, "reboot") && boot_option(&boot, "word"));
	assert_int_equal(boot.ranges, 2);
	assert_true(boot.range[1].base == 0x100000 && boot.range[1].len == 0x1fedf000);
	assert_int_equal(boot.range[1].type, BOOT_RAM);
	assert_string_equal((char *)boot.rsdp, "RSD PTR new, of the length of 36");
	assert_ptr_equal(module_find("guest.bin"), module_at(0));
	assert_string_equal(module_at(0)->args, "a b");
	assert_int_equal(module_at(0)->len, 0x1234);
	assert_ptr_equal(module_find("sluice.conf"), module_at(1));
}

static void test_2_what_is_refused(void **state)
{
	static const uint32_t entries[] = {0, 19, 49, UINT32_MAX};

	for (unsigned int i = 0; i < ARRAY_SIZE(entries); i++) {
		setup2(state);
		tags_len = 8;
		add_map2(entries[i]);
		refused2("memory map");
	}
	setup2(state);
	add_tag(3, 0x400000, 0x401234, "no end", 6);
	refused2("it has no name");
	setup2(state);
	add_tag(3, 0x400000, 0x401234, "", 0);
	refused2("it has no name");
	setup2(state);
	add_tag(3, IMAGE, IMAGE + 1, "a", 2);
	refused2("core's own memory");
	setup2(state);
	for (uint32_t i = 0; i < 17; i++)
		add_tag(3, 0x500000 + i * 0x1000, 0x500800 + i * 0x1000, "m", 2);
	refused2("more than 16 modules");
}

/* Sizes that cannot be end the reading; what was read before them counts. */
static void test_2_tags_of_impossible_size(void **state)
{
	static const uint32_t sizes[] = {0, 7, 4096, UINT32_MAX, UINT32_MAX - 7};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		setup2(state);
		memcpy(mb->tags + tags_len, (uint32_t[]){3, sizes[i], 0x400000, 0x500000}, 16);
		tags_len += 16;
		assert_int_equal(parse2(), 0);
		assert_int_equal(boot.modules, 0);
		assert_int_equal(boot.ranges, 2);
	}
}

static void test_2_damage(void **state)
{
	srand(5);
	for (unsigned int i = 0; i < 50000; i++) {
		setup2(state);
		add_text(14, "RSD PTR old, of 20b");
		add_tag(3, 0x400000, 0x401234, "some/guest.bin a b", 19);
		for (int k = rand() % 8; k >= 0; k--)
			mb->tags[8 + (uint32_t)rand() % (tags_len - 8)] = (uint8_t)rand();
		assert_true(!parse2() || why[0]);
		assert_true(boot.ranges <= BOOT_RANGES && boot.modules <= MODULES);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_all_is_found),
		T(test_options_are_whole_words),
		T(test_ram_is_told_from_the_rest),
		T(test_no_map),
		T(test_map_that_does_not_go_on),
		T(test_map_of_too_many_is_cut),
		T(test_map_behind_4_gib_is_not_read),
		T(test_modules_out_of_place),
		T(test_module_names_that_do_not_fit),
		T(test_too_many_modules),
		T(test_long_command_line_is_cut),
		cmocka_unit_test_setup(test_2_all_is_found, setup2),
		cmocka_unit_test_setup(test_2_what_is_refused, setup2),
		cmocka_unit_test_setup(test_2_tags_of_impossible_size, setup2),
		cmocka_unit_test_setup(test_2_damage, setup2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
