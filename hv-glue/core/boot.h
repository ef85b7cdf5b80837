/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of the core's start share; boot.S and stubs.S include it for its numbers. */
#ifndef SLUICE_CORE_BOOT_H
#define SLUICE_CORE_BOOT_H

/* A CPU's own memory: its stack, the stacks of NMI, #DF and #MC with a guard page under each, and
 * the page of its GDT and TSS. */
#define AREA_SIZE  0xc000
#define AREA_STACK 0x5000 /* tops */
#define AREA_IST1  0x7000
#define AREA_IST2  0x9000
#define AREA_IST3  0xb000
#define AREA_GDT   0xb000 /* the page's start */
#define AREA_TSS   0xb100

#define AP_PAGE 0x8000 /* where the other CPUs start in real mode */

#define SEL_CODE 0x08
#define SEL_DATA 0x10
#define SEL_TSS	 0x18 /* code of 32 bits in the GDT of the start */

#ifndef __ASSEMBLER__
#include "host.h"

/* boot.S, core.ld */
extern uint8_t core_areas[CORE_CPUS][AREA_SIZE], core_pd[], core_low[], ap_code[], ap_code_end[];
extern uint8_t core_image[], core_text_end[], core_rodata_end[], core_image_end[], core_bss_end[];
extern uint32_t ap_slot;

/* ---- multiboot.c ----------------------------------------------------------------------------- */
#define BOOT_RANGES	128
#define MULTIBOOT_BOOT	0x2badb002u /* in EAX at the entry */
#define MULTIBOOT2_BOOT 0x36d76289u
#define BOOT_RAM	1u
#define BOOT_ACPI	3u /* reclaimable: tables */
#define BOOT_NVS	4u

struct boot_range {
	uint64_t base, len;
	uint32_t type;
};

/* Copies: what the loader left in memory may be overwritten afterwards, except for the modules. */
struct boot_info {
	char options[ARGS_LEN];
	struct boot_range range[BOOT_RANGES];
	unsigned int ranges, modules;
	struct module module[MODULES];
	char args[MODULES][ARGS_LEN];
	uint8_t rsdp[36]; /* ACPI's, when the loader says it; a shorter one ends in zeros */
};
extern struct boot_info boot;

/* The structure that a multiboot loader leaves at @info (Multiboot Specification 0.6.96, 3.3), read
 * where it lies. @image to @image_end: what no module may touch. 0, or -EINVAL with @why. */
int multiboot_parse(const void *info, uint64_t image, uint64_t image_end, struct boot_info *b,
		    char *why, size_t why_len) must_check;
/* As much by version 2 (Multiboot2 Specification 2.0, 3.6). */
int multiboot2_parse(const void *info, uint64_t image, uint64_t image_end, struct boot_info *b,
		     char *why, size_t why_len) must_check;
/* Whether the core's command line has this word. */
bool boot_option(const struct boot_info *b, const char *word);
/* Any of @len bytes at @base is RAM or firmware's memory in RAM. */
bool boot_in_ram(const struct boot_info *b, uint64_t base, uint64_t len);
/* The end of the last such range below 4 GiB. */
uint64_t boot_ram_top(const struct boot_info *b);

/* ---- acpi.c ---------------------------------------------------------------------------------- */

/* @len bytes of physical memory at @addr, or NULL when they are not all mapped. */
struct acpi_mem {
	const uint8_t *(*at)(void *ctx, uint64_t addr, uint64_t len);
	void *ctx;
	const uint8_t *rsdp; /* as struct boot_info has it; NULL: to be looked for */
};
/* Finds and checks the tables; a table that is missing leaves its facts 0. 0, or -EINVAL with @why:
 * which table breaks which rule. */
int acpi_read(const struct acpi_mem *m, struct acpi_facts *f, char *why, size_t why_len) must_check;

/* The VT-d unit in front of function @bdf, and so of its VFs: its scope names it or a bridge above
 * it, otherwise the one for all the rest. @buses: secondary and subordinate bus of a bridge; false:
 * it is none. 0, or -ENODEV with @why; also when firmware keeps a region of memory for it. */
int acpi_unit(const struct acpi_facts *f, uint16_t bdf,
	      bool (*buses)(void *ctx, unsigned int bdf, uint8_t bus[2]), void *ctx, uint64_t *unit,
	      char *why, size_t why_len) must_check;

/* ---- mem.c ----------------------------------------------------------------------------------- */
/* RAM that may be given out, then what is in use of it; below 4 GiB, the rest is ignored. Then
 * mem_ready(): pages are allocated from there on. */
void mem_add(uint64_t base, uint64_t len);
void mem_reserve(uint64_t base, uint64_t len);
void mem_ready(void);

/* ---- the rest -------------------------------------------------------------------------------- */

struct spin {
	uint32_t next, serving; /* atomic: tickets */
};
void spin_lock(struct spin *s);
void spin_unlock(struct spin *s);

/* Console; bytes as they are, bounded waits. Without a UART they are dropped. */
void serial_init(void);
void serial_write(const char *s, size_t len);
/* Until the last byte is on the line: a machine that ends takes it with it. */
void serial_flush(void);
/* Nobody holds the log any more: once the others are stopped, in a fault or at the end. */
void log_break(void);

/* The TSC's frequency into core.tsc_hz; refuses. */
void time_init(void);

/* The page tables: what is text, what is data, guards under the stacks, devices uncached. */
void page_init(void);

/* GDT, TSS, IDT, GS of the CPU that runs it. */
void trap_init(struct core_cpu *cpu);

/* Vectors of the core's own. */
enum { VEC_PIC = 0x20, VEC_FIRST = 0x30, VEC_LAST = 0xef, VEC_TIMER, VEC_KICK, VEC_STOP };
enum { VEC_ERROR = 0xfe, VEC_SPURIOUS };

/* The BSP's part (PICs silent, the timer's rate), then any CPU's own; refuses. */
void apic_init(void);
void apic_cpu_init(struct core_cpu *cpu);
/* An interprocessor interrupt; @icr: delivery mode and vector. */
void apic_ipi(uint32_t apic_id, uint32_t icr);
#define ICR_INIT  0x4500u
#define ICR_SIPI  0x4600u
#define ICR_NMI	  0x4400u
#define ICR_FIXED 0x4000u

/* Starts the other CPUs of acpi.apic_id[] with their back end on; refuses. */
void smp_start(void);
/* Lets them run guests. */
void smp_go(void);
/* stubs.S: interrupts on, HLT, and off again. */
void cpu_halt(void);
/* Halts all CPUs but this one, back end off, by interrupt and then by NMI. */
void smp_stop(void);
/* Called on a CPU that is being stopped: does not return when that is so. */
void smp_stop_here(void);
/* The lock is this CPU's, whoever held it: after smp_stop(). */
void core_lock_break(void);
_Noreturn void core_ap_main(struct core_cpu *cpu);

_Noreturn void core_main(uint32_t magic, const void *info);
#endif
#endif
