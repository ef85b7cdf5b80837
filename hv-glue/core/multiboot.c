/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What a multiboot loader says: the command line, the memory map, the modules; copied, checked. */
#include "boot.h"

#include "base/errno.h"

/* Multiboot Specification 0.6.96, 3.3. */
enum { MB_CMDLINE = 1 << 2, MB_MODS = 1 << 3, MB_MMAP = 1 << 6 };

struct mb_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr;
	uint32_t syms[4], mmap_len, mmap_addr;
};
_Static_assert(offsetof(struct mb_info, mmap_addr) == 48, "layout");

struct mb_module {
	uint32_t start, end, string, reserved;
};

struct mb_range {
	uint32_t size; /* of what follows */
	uint64_t base, len;
	uint32_t type;
} __attribute__((packed));

struct boot_info boot;

#define BELOW_4G (UINT64_C(1) << 32)

static const void *at(uint32_t addr)
{
	return (const void *)(uintptr_t)addr;
}

static bool copy_text(char *to, size_t len, const char *from)
{
	size_t n = 0;

	for (; n + 1 < len && from[n]; n++)
		to[n] = from[n];
	to[n] = 0;
	return !from[n];
}

/* "path/name words": the name, and what follows it. */
static bool module_name(struct module *m, char *args, const char *s)
{
	const char *name = s;
	size_t n = 0;

	for (; *s && *s != ' '; s++)
		name = *s == '/' ? s + 1 : name;
	for (; name + n < s && n + 1 < sizeof(m->name); n++)
		m->name[n] = name[n];
	m->name[n] = 0;
	m->args = args;
	return name + n == s && copy_text(args, ARGS_LEN, *s ? s + 1 : s);
}

static bool overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
	return a < b_end && b < a_end;
}

static int parse_module(const struct mb_module *mm, const char *text, const uint64_t image[2],
			struct boot_info *b, char *why, size_t why_len)
{
	struct module *m = &b->module[b->modules];
	const char *problem = NULL;

	if (b->modules == MODULES) {
		fmt(why, why_len, "more than %u modules are given", MODULES);
		return -EINVAL;
	}
	if (!module_name(m, b->args[b->modules], text))
		problem = "its name has more than 31 characters, or its words more than 255";
	else if (!m->name[0])
		problem = "it has no name; GRUB wants it twice: module /boot/NAME NAME";
	else if (mm->start > mm->end)
		problem = "it ends before it begins";
	else if (overlap(mm->start, mm->end, image[0], image[1]))
		problem = "it lies in the core's own memory; use another boot loader";
	for (unsigned int i = 0; !problem && i < b->modules; i++) {
		uintptr_t start = (uintptr_t)b->module[i].data;

		if (overlap(mm->start, mm->end, start, start + b->module[i].len))
			problem = "it lies in another one; use another boot loader";
	}
	if (problem) {
		fmt(why, why_len, "module %u (%s) at %x to %x: %s", b->modules + 1, m->name,
		    mm->start, mm->end, problem);
		return -EINVAL;
	}
	m->data = at(mm->start);
	m->len = mm->end - mm->start;
	b->modules++;
	return 0;
}

static int parse_modules(const struct mb_info *mb, const uint64_t image[2], struct boot_info *b,
			 char *why, size_t why_len)
{
	const struct mb_module *mm = at(mb->mods_addr);
	int err = 0;

	if (!(mb->flags & MB_MODS) || !mb->mods_count)
		return 0;
	for (uint32_t i = 0; !err && i < mb->mods_count; i++)
		err = parse_module(&mm[i], mm[i].string ? at(mm[i].string) : "", image, b, why,
				   why_len);
	return err;
}

static int have_map(const struct boot_info *b, char *why, size_t why_len)
{
	if (b->ranges)
		return 0;
	fmt(why, why_len, "the boot loader gives no memory map: use one that does (GRUB)");
	return -EINVAL;
}

/* An entry's size says where the next one is; firmware may give more than the loader's 20 bytes. */
static int parse_map(const struct mb_info *mb, struct boot_info *b, char *why, size_t why_len)
{
	uint64_t addr = mb->mmap_addr, end = addr + mb->mmap_len;

	while ((mb->flags & MB_MMAP) && addr + sizeof(struct mb_range) <= end && end <= BELOW_4G) {
		const struct mb_range *r = at((uint32_t)addr);

		if (r->size < sizeof(*r) - sizeof(r->size) || b->ranges == BOOT_RANGES)
			break;
		b->range[b->ranges++] =
			(struct boot_range){.base = r->base, .len = r->len, .type = r->type};
		addr += r->size + sizeof(r->size);
	}
	return have_map(b, why, why_len);
}

int multiboot_parse(const void *info, uint64_t image, uint64_t image_end, struct boot_info *b,
		    char *why, size_t why_len)
{
	const struct mb_info *mb = info;

	if ((mb->flags & MB_CMDLINE) && mb->cmdline)
		(void)copy_text(b->options, sizeof(b->options), at(mb->cmdline));
	if (parse_map(mb, b, why, why_len))
		return -EINVAL;
	return parse_modules(mb, (uint64_t[]){image, image_end}, b, why, why_len);
}

/* ---- version 2 ------------------------------------------------------------------------------- */

enum { MB2_END = 0, MB2_CMDLINE = 1, MB2_MODULE = 3, MB2_MMAP = 6, MB2_RSDP = 14, MB2_RSDP2 = 15 };

struct mb2_tag {
	uint32_t type, size;
	uint32_t word[2]; /* of a module: start, end; of the map: an entry's size, version */
};
#define MB2_HEAD  8u
#define MB2_BODY  16u /* a module's text, the map's entries */
#define MB2_ENTRY 20u /* of an entry, that are used */
#define MB2_LIMIT 0x100000u

static bool text_ends(const struct mb2_tag *t, uint32_t head)
{
	return t->size > head && !((const char *)t)[t->size - 1];
}

static void parse_map2(const struct mb2_tag *t, struct boot_info *b)
{
	const uint8_t *p = (const uint8_t *)t + MB2_BODY, *end = (const uint8_t *)t + t->size;

	while (t->word[0] >= MB2_ENTRY && p < end && (size_t)(end - p) >= t->word[0] &&
	       b->ranges < BOOT_RANGES) {
		struct boot_range *r = &b->range[b->ranges++];

		__builtin_memcpy(r, p, MB2_ENTRY);
		p += t->word[0];
	}
}
_Static_assert(offsetof(struct boot_range, type) == 16, "as in a map of version 2");

static int parse_tag(const struct mb2_tag *t, const uint64_t image[2], struct boot_info *b,
		     char *why, size_t why_len)
{
	const struct mb_module mm = {.start = t->word[0], .end = t->word[1]};
	const char *p = (const char *)t;
	uint32_t len = t->size - MB2_HEAD;

	switch (t->type) {
	case MB2_CMDLINE:
		if (text_ends(t, MB2_HEAD))
			(void)copy_text(b->options, sizeof(b->options), p + MB2_HEAD);
		return 0;
	case MB2_MODULE:
		if (t->size < MB2_BODY)
			return 0;
		return parse_module(&mm, text_ends(t, MB2_BODY) ? p + MB2_BODY : "", image, b, why,
				    why_len);
	case MB2_MMAP:
		if (t->size >= MB2_BODY)
			parse_map2(t, b);
		return 0;
	case MB2_RSDP:
	case MB2_RSDP2:
		if (t->type == MB2_RSDP2 || !b->rsdp[0])
			__builtin_memcpy(b->rsdp, p + MB2_HEAD,
					 len < sizeof(b->rsdp) ? len : sizeof(b->rsdp));
		return 0;
	default:
		return 0;
	}
}

int multiboot2_parse(const void *info, uint64_t image, uint64_t image_end, struct boot_info *b,
		     char *why, size_t why_len)
{
	const uint64_t own[] = {image, image_end};
	uint32_t total = *(const uint32_t *)info;
	int err = 0;

	total = total < MB2_LIMIT ? total : MB2_LIMIT;
	for (uint32_t off = MB2_HEAD; !err && total >= MB2_HEAD && off <= total - MB2_HEAD;) {
		const struct mb2_tag *t = (const void *)((const uint8_t *)info + off);

		if (t->type == MB2_END || t->size < MB2_HEAD || t->size > total - off)
			break;
		err = parse_tag(t, own, b, why, why_len);
		off += (t->size + 7) & ~7u;
	}
	return err ? err : have_map(b, why, why_len);
}

/* ---- what is asked of it --------------------------------------------------------------------- */

static bool is_word(const char *s, const char *word)
{
	while (*word && *s == *word)
		s++, word++;
	return !*word && (!*s || *s == ' ');
}

bool boot_option(const struct boot_info *b, const char *word)
{
	const char *s = b->options;

	/* QEMU puts the image's path first, GRUB does not. */
	if (is_word(s, word))
		return true;
	while (*s)
		if (*s++ == ' ' && is_word(s, word))
			return true;
	return false;
}

static bool in_ram(const struct boot_range *r)
{
	return r->type == BOOT_RAM || r->type == BOOT_ACPI || r->type == BOOT_NVS;
}

bool boot_in_ram(const struct boot_info *b, uint64_t base, uint64_t len)
{
	for (unsigned int i = 0; i < b->ranges; i++)
		if (in_ram(&b->range[i]) &&
		    overlap(base, base + len, b->range[i].base, b->range[i].base + b->range[i].len))
			return true;
	return false;
}

uint64_t boot_ram_top(const struct boot_info *b)
{
	uint64_t top = 0;

	for (unsigned int i = 0; i < b->ranges; i++) {
		uint64_t end = b->range[i].base + b->range[i].len;

		if (in_ram(&b->range[i]) && end <= BELOW_4G && end > top)
			top = end;
	}
	return top;
}

const struct module *module_at(unsigned int n)
{
	return n < boot.modules ? &boot.module[n] : NULL;
}

const struct module *module_find(const char *name)
{
	for (unsigned int i = 0; i < boot.modules; i++)
		if (text_equal(boot.module[i].name, name))
			return &boot.module[i];
	return NULL;
}
