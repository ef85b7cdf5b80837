/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The machine under the core: memory, log, time, CPUs, interrupts. boot's side of the core. */
#ifndef SLUICE_CORE_HOST_H
#define SLUICE_CORE_HOST_H

#include <stdarg.h>

#include "core.h"

/* ---- memory ---------------------------------------------------------------------------------- */

/* Pages by number, contiguous, zeroed, aligned to @align pages (a power of two); NULL. */
void *mem_alloc(size_t pages, size_t align);
/* Zeroes them first: nobody reads a former owner's data. */
void mem_free(void *p, size_t pages);
size_t mem_free_pages(void);
size_t mem_total_pages(void); /* that were free at the start */

/* A multiboot module by its name (the last part of its path), NULL: none. */
struct module {
	char name[NAME_LEN];
	const char *args; /* what followed the name */
	const uint8_t *data;
	size_t len;
};
const struct module *module_find(const char *name);
const struct module *module_at(unsigned int n);

/* ---- words ----------------------------------------------------------------------------------- */

/* Bounded printf into @buf, always terminated: %s %c %d %u %x %p %% with l ll z and width, 0, -.
 * Returns the length that it has. */
size_t fmt(char *buf, size_t len, const char *f, ...) printf_like(3, 4);
size_t fmt_v(char *buf, size_t len, const char *f, va_list ap);
static inline bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}
/* One line to the ring log and the console; any CPU. Rate limits are the caller's. */
void core_log(enum os_log_level level, const char *f, ...) printf_like(2, 3);
/* Culprit's line: "guest NAME: ...", at most 8 a second a guest, the rest counted. */
void guest_log(struct guest *g, const char *f, ...) printf_like(2, 3);
/* A line of @g's own console, @len characters: into the ring, for log_drain() to print, since the
 * caller has the lock; what is too much is left out, and that is said. */
void guest_console(struct guest *g, const char *text, size_t len);
/* Prints up to @lines that the console has not had, when others wrote them while it was busy. */
void log_drain(unsigned int lines);
/* The ring log from @seq on into @buf, whole lines; *@seq moves on. Bytes. */
size_t log_read(uint64_t *seq, char *buf, size_t len);
/* Says what is missing and where to switch it on, then leaves the machine usable: devices quiet,
 * VMX off, CPUs halted. The exit port ends an emulated machine. Does not return. */
_Noreturn void core_refuse(const char *f, ...) printf_like(1, 2);
/* An exception in the core itself: registers on the console, stop. */
_Noreturn void core_end(unsigned int status);

/* ---- mce.c ----------------------------------------------------------------------------------- */

/* A machine check is in progress on this CPU. */
bool mce_here(void);
/* Takes it off its banks: true: what it interrupted, @g, cannot go on; NULL: the core, which ends
 * then. No lock. */
bool mce_take(const struct guest *g);
/* Says what was found since; CPU 0. */
void mce_report(void);
void mce_init(void); /* this CPU's banks */

/* ---- time and interrupts --------------------------------------------------------------------- */

uint64_t core_now(void); /* TSC */
static inline uint64_t us_to_tsc(uint64_t us)
{
	return us * core.tsc_hz / 1000000;
}

/* A host vector (0x30..0xef) of @cpu; @fn runs on it with interrupts off and without the lock.
 * -ENOSPC. irq_free: the device no longer raises it. */
int irq_alloc(struct core_cpu *cpu, void (*fn)(void *ctx), void *ctx) must_check;
void irq_free(struct core_cpu *cpu, int vector);
/* Runs the handler of @vector of this CPU and ends it at the local APIC. */
void irq_dispatch(int vector);
/* Takes interrupts that wait at this CPU (a short window with interrupts on). */
void irq_window(void);
/* The local APICs are in x2APIC mode: their ids have 32 bits in interrupt entries and MSIs. */
bool apic_is_x2(void);
/* This CPU's local APIC timer, one shot at @tsc; 0: off. */
void apic_timer(uint64_t tsc);
/* Makes @cpu leave its guest or its HLT; cheap when it is this one. */
void cpu_kick(struct core_cpu *cpu);
/* HLT until an interrupt or @tsc, interrupts on meanwhile. */
void cpu_idle(uint64_t tsc);

/* A function, or a bridge with all that is below it, to which DMAR gives a remapping unit or a
 * region of memory: by a bus, and a device and function number (devfn) for each hop down. */
struct acpi_scope {
	uint64_t base; /* of the unit's registers, or of the region */
	bool region, bridge;
	uint8_t bus, hops, devfn[6];
};

/* What ACPI says, checked; zero where there is none. */
struct acpi_facts {
	uint64_t ecam, dmar_rest; /* the unit for what no scope names */
	struct acpi_scope scope[128];
	uint8_t ecam_start_bus, ecam_end_bus;
	unsigned int dmars, scopes, cpus;
	unsigned int scopes_left, cpus_left; /* for which there is no place */
	uint32_t apic_id[CORE_CPUS];
	bool dmar_intremap, dmar_x2apic_opt_out;
};
extern struct acpi_facts acpi;

#endif
