/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's image into its memory: a bare one (abi/guest.h), an ELF kernel, or a bzImage, the last
 * two by Linux's 64-bit boot protocol (Documentation/arch/x86/boot.rst, zero-page.rst). Modules are
 * foreign: every offset in them is checked.
 */
#include "abi/guest.h"
#include "base/errno.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"
#include "svm.h"

#define LOWEST	UINT64_C(0x100000) /* below are our own tables */
#define PAGE(x) (((x) + VCPU_PAGE - 1) & ~(uint64_t)(VCPU_PAGE - 1))

/* What is being loaded; the module is borrowed. */
struct load {
	struct guest *g;
	const struct module *m;
	const char *args;
	uint64_t entry, end; /* where it goes on, and its last byte + 1 */
};

static int bad(const struct load *l, const char *what)
{
	fmt(l->g->why, sizeof(l->g->why), "module %s %s", l->m->name, what);
	return -EINVAL;
}

static uint64_t field(const struct load *l, uint64_t off, unsigned int size)
{
	uint64_t v = 0;

	if (off > l->m->len || size > l->m->len - off)
		return 0;
	__builtin_memcpy(&v, l->m->data + off, size);
	return v;
}

/* @len bytes of the module at @off to @gpa, of @room that are its own. */
static int place(struct load *l, uint64_t off, uint64_t len, uint64_t gpa, uint64_t room)
{
	void *to = gpa >= LOWEST && len <= room ? guest_ptr(l->g, gpa, room) : NULL;

	if (!to)
		return bad(l, "does not fit into the guest's memory: give it more (mem=)");
	if (off > l->m->len || len > l->m->len - off)
		return bad(l, "is cut short");
	__builtin_memcpy(to, l->m->data + off, len);
	if (gpa + room > l->end)
		l->end = gpa + room;
	return 0;
}

static void put(struct guest *g, uint64_t gpa, uint64_t val, unsigned int size)
{
	__builtin_memcpy(guest_ptr(g, gpa, size), &val, size);
}

static size_t text(struct guest *g, uint64_t gpa, const char *s, size_t room)
{
	size_t n = 0;

	for (; s[n] && n + 1 < room; n++)
		put(g, gpa + n, (uint8_t)s[n], 1);
	put(g, gpa + n, 0, 1);
	return n;
}

/* ---- a bare guest --------------------------------------------------------------------------- */

static int load_bare(struct load *l)
{
	struct guest_image h;
	struct guest_boot *b = guest_ptr(l->g, GPA_BOOT, sizeof(*b));

	__builtin_memcpy(&h, l->m->data, sizeof(h));
	if ((h.load & (VCPU_PAGE - 1)) || h.entry - h.load >= h.size || h.size < l->m->len)
		return bad(l, "has a header that contradicts itself");
	if (place(l, 0, l->m->len, h.load, h.size))
		return -EINVAL;
	*b = (struct guest_boot){
		.magic = GUEST_BOOT_MAGIC,
		.mem = l->g->ram_len,
		.tsc_hz = core.tsc_hz,
		.ecam = GPA_ECAM,
		.cpus = l->g->cfg.cpus,
		.svm = core.ops == &svm_ops,
	};
	text(l->g, GPA_BOOT + offsetof(struct guest_boot, args), l->args, sizeof(b->args));
	l->entry = h.entry;
	return 0;
}

/* ---- kernels -------------------------------------------------------------------------------- */

/* The setup header and the zero page that it lies in, by their offsets. */
enum {
	ZP_RSDP = 0x070,
	ZP_E820_COUNT = 0x1e8,
	ZP_HEADER = 0x1f1,
	ZP_BOOT_FLAG = 0x1fe,
	ZP_JUMP = 0x201,
	ZP_MAGIC = 0x202,
	ZP_VERSION = 0x206,
	ZP_LOADER = 0x210,
	ZP_LOADFLAGS = 0x211,
	ZP_RAMDISK = 0x218,
	ZP_RAMDISK_SIZE = 0x21c,
	ZP_CMDLINE = 0x228,
	ZP_RAMDISK_MAX = 0x22c,
	ZP_XLOADFLAGS = 0x236,
	ZP_CMDLINE_SIZE = 0x238,
	ZP_INIT_SIZE = 0x260,
	ZP_E820 = 0x2d0,
};
#define HDRS	       0x53726448 /* "HdrS" */
#define VERSION_64     0x20c
#define LOADED_HIGH    0x01
#define XLF_KERNEL_64  0x01
#define ENTRY_64       0x200
#define SECTOR	       512u
#define LOADER_UNKNOWN 0xff
#define CMDLINE_ROOM   2048u
#define LOW_END	       UINT64_C(0x9f000)

#define ELF_MAGIC   0x464c457f
#define ELF_64_LE   0x0102 /* EI_CLASS, EI_DATA */
#define ELF_X86_64  62
#define ELF_PH_SIZE 56u
#define ELF_PT_LOAD 1

/* RAM, but for what is ours: ACPI's tables lie between. */
static void e820(struct guest *g)
{
	const struct {
		uint64_t base, len;
		uint32_t type;
	} map[] = {
		{0, LOW_END, 1},
		{LOW_END, LOWEST - LOW_END, 2},
		{LOWEST, g->ram_len - LOWEST, 1},
		{GPA_ECAM, 0x100000, 2},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(map); i++) {
		uint64_t at = GPA_BOOT + ZP_E820 + 20 * i;

		put(g, at, map[i].base, 8);
		put(g, at + 8, map[i].len, 8);
		put(g, at + 16, map[i].type, 4);
	}
	put(g, GPA_BOOT + ZP_E820_COUNT, ARRAY_SIZE(map), 1);
}

static int load_initrd(struct load *l, uint64_t max)
{
	const struct module *m = module_find(l->g->cfg.initrd);
	uint64_t top = l->g->ram_len, at;

	if (!l->g->cfg.initrd[0])
		return 0;
	if (!m) {
		fmt(l->g->why, sizeof(l->g->why), "there is no module %s", l->g->cfg.initrd);
		return -ENOENT;
	}
	if (max && max < top)
		top = max + 1;
	at = (top - PAGE(m->len)) & ~(uint64_t)(VCPU_PAGE - 1);
	l->m = m;
	if (m->len > top || at < l->end)
		return bad(l, "does not fit beside the kernel: give the guest more memory (mem=)");
	put(l->g, GPA_BOOT + ZP_RAMDISK, at, 4);
	put(l->g, GPA_BOOT + ZP_RAMDISK_SIZE, m->len, 4);
	return place(l, 0, m->len, at, m->len);
}

/* The TSC's frequency as a parameter too: CPUID's leaf for it is Intel's alone. */
static void command_line(struct load *l)
{
	char line[CMDLINE_ROOM];

	fmt(line, sizeof(line), "%s tsc_early_khz=%lu", l->args,
	    (unsigned long)(core.tsc_hz / 1000));
	text(l->g, GPA_CMDLINE, line, sizeof(line));
	put(l->g, GPA_BOOT + ZP_CMDLINE, GPA_CMDLINE, 4);
}

static int finish_kernel(struct load *l, uint64_t ramdisk_max)
{
	struct guest *g = l->g;

	put(g, GPA_BOOT + ZP_LOADER, LOADER_UNKNOWN, 1);
	put(g, GPA_BOOT + ZP_RSDP, GPA_ACPI, 8);
	e820(g);
	command_line(l);
	return load_initrd(l, ramdisk_max);
}

/* Segments by physical address; what they have in memory alone is zero, as all of it is. */
static int load_elf(struct load *l)
{
	uint64_t ph = field(l, 32, 8), n = field(l, 56, 2);

	if (field(l, 4, 2) != ELF_64_LE || field(l, 18, 2) != ELF_X86_64 ||
	    field(l, 54, 2) != ELF_PH_SIZE || n > 64)
		return bad(l, "is an ELF file, but no 64-bit x86 kernel");
	l->entry = field(l, 24, 8);
	for (uint64_t i = 0; i < n; i++, ph += ELF_PH_SIZE) {
		uint64_t filesz = field(l, ph + 32, 8), memsz = field(l, ph + 40, 8);

		if (ph > l->m->len)
			return bad(l, "has its program headers outside of the file");
		if (field(l, ph, 4) != ELF_PT_LOAD || !memsz)
			continue;
		if (place(l, field(l, ph + 8, 8), filesz, field(l, ph + 24, 8), memsz))
			return -EINVAL;
	}
	if (l->entry < LOWEST || l->entry >= l->end)
		return bad(l, "has its entry outside of its segments");
	put(l->g, GPA_BOOT + ZP_BOOT_FLAG, 0xaa55, 2);
	put(l->g, GPA_BOOT + ZP_MAGIC, HDRS, 4);
	put(l->g, GPA_BOOT + ZP_VERSION, VERSION_64, 2);
	put(l->g, GPA_BOOT + ZP_LOADFLAGS, LOADED_HIGH, 1);
	return finish_kernel(l, 0);
}

static int load_bzimage(struct load *l)
{
	uint64_t setup = (field(l, ZP_HEADER, 1) ? field(l, ZP_HEADER, 1) : 4) + 1;
	uint64_t init = field(l, ZP_INIT_SIZE, 4), body = setup * SECTOR;
	uint64_t header = ZP_MAGIC + field(l, ZP_JUMP, 1) - ZP_HEADER;
	uint64_t max = field(l, ZP_RAMDISK_MAX, 4);

	if (field(l, ZP_VERSION, 2) < VERSION_64 || !(field(l, ZP_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return bad(l,
			   "is a bzImage without a 64-bit entry: a kernel from 3.8 on is needed");
	if (l->m->len <= body || init < l->m->len - body || l->m->len < ZP_HEADER + header)
		return bad(l, "is cut short, or its header contradicts itself");
	__builtin_memcpy(guest_ptr(l->g, GPA_BOOT + ZP_HEADER, header), l->m->data + ZP_HEADER,
			 header);
	put(l->g, GPA_BOOT + ZP_LOADFLAGS, field(l, ZP_LOADFLAGS, 1) | LOADED_HIGH, 1);
	if (place(l, body, l->m->len - body, GPA_IMAGE, init))
		return -EINVAL;
	l->entry = GPA_IMAGE + ENTRY_64;
	return finish_kernel(l, max);
}

/* ---- any ------------------------------------------------------------------------------------ */

/* One to one up to 4 GiB by pages of 2 MiB; flat segments where the boot protocol wants them. */
static void make_tables(struct guest *g, struct vcpu_start *st)
{
	const uint64_t rights = X86_PTE_P | X86_PTE_W;

	put(g, GPA_TABLES, (GPA_TABLES + VCPU_PAGE) | rights, 8);
	for (uint64_t i = 0; i < 4; i++)
		put(g, GPA_TABLES + VCPU_PAGE + 8 * i, (GPA_TABLES + (2 + i) * VCPU_PAGE) | rights,
		    8);
	for (uint64_t i = 0; i < 2048; i++)
		put(g, GPA_TABLES + 2 * VCPU_PAGE + 8 * i, i << 21 | rights | X86_PTE_PS, 8);
	put(g, GPA_GDT + 0x10, UINT64_C(0x00af9b000000ffff), 8);
	put(g, GPA_GDT + 0x18, UINT64_C(0x00cf93000000ffff), 8);
	st->cr3 = GPA_TABLES;
	st->gdt = GPA_GDT;
	st->gdt_limit = 0x1f;
	st->rsp = GPA_BOOT;
	st->rsi = GPA_BOOT;
}

int image_load(struct guest *g, const char *args, struct vcpu_start *st)
{
	struct load l = {.g = g, .m = module_find(g->cfg.image), .args = args};
	int err;

	if (!l.m) {
		fmt(g->why, sizeof(g->why), "there is no module %s", g->cfg.image);
		return -ENOENT;
	}
	if (l.m->len >= sizeof(struct guest_image) && field(&l, 0, 8) == GUEST_IMAGE_MAGIC)
		err = load_bare(&l);
	else if (field(&l, 0, 4) == ELF_MAGIC)
		err = load_elf(&l);
	else if (field(&l, ZP_MAGIC, 4) == HDRS)
		err = load_bzimage(&l);
	else
		err = bad(&l, "is no kernel: neither a bare guest's image, nor ELF, nor a bzImage");
	if (err)
		return err;
	make_tables(g, st);
	st->rip = l.entry;
	return 0;
}
