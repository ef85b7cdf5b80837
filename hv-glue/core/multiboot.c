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

static int parse_module(const struct mb_module *mm, const uint64_t image[2], struct boot_info *b,
			char *why, size_t why_len)
{
	struct module *m = &b->module[b->modules];
	const char *problem = NULL;

	if (!module_name(m, b->args[b->modules], mm->string ? at(mm->string) : ""))
		problem = "its name has more than 31 characters, or its words more than 255";
	else if (!m->name[0])
		problem = "it has no name; GRUB wants it twice: module /boot/NAME NAME";
	else if (mm->start > mm->end || !mm->start)
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
	if (mb->mods_count > MODULES) {
		fmt(why, why_len, "%u modules are given, at most %u are taken", mb->mods_count,
		    MODULES);
		return -EINVAL;
	}
	for (uint32_t i = 0; !err && i < mb->mods_count; i++)
		err = parse_module(&mm[i], image, b, why, why_len);
	return err;
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
	if (b->ranges)
		return 0;
	fmt(why, why_len, "the boot loader gives no memory map: use one that does (GRUB)");
	return -EINVAL;
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
	for (unsigned int i = 0; i < boot.modules; i++) {
		size_t n = 0;

		while (name[n] && boot.module[i].name[n] == name[n])
			n++;
		if (boot.module[i].name[n] == name[n])
			return &boot.module[i];
	}
	return NULL;
}
