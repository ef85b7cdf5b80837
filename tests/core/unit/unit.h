/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Bare test images: TAP on COM1, a page allocator, one guest after another on the CPU. An image is
 * this, the back end under test, and one file that has unit_test(). No libc, one CPU.
 */
#ifndef SLUICE_TESTS_CORE_UNIT_H
#define SLUICE_TESTS_CORE_UNIT_H

#include "glue/cpu.h"
#include "glue/vcpu.h"
#include "hw/x86.h"

/* ---- TAP -------------------------------------------------------------------------------- */

void unit_puts(const char *s);
void unit_hex(uint64_t v);
/* "# text value": a diagnostic. */
void unit_note(const char *text, uint64_t v);
/* One result. */
void unit_ok(bool ok, const char *what);
/* A result, and both values when they differ. */
void unit_eq(uint64_t got, uint64_t want, const char *what);
bool unit_same(const char *a, const char *b);
/* A result, and the text when it is another. */
void unit_text(const char *got, const char *want, const char *what);
/* Ends the machine; status 1 when a result was bad. */
_Noreturn void unit_end(void);

/* The image's own. */
void unit_test(void);

/* ---- the machine ---------------------------------------------------------------------------- */

extern const struct vcpu_mem unit_mem;
extern unsigned int unit_pages;	 /* that are allocated now */
extern unsigned int unit_budget; /* allocations until alloc fails; UINT_MAX: never */
extern unsigned int unit_irqs;	 /* host interrupts taken, by the handler */
extern int unit_irq_last;
extern volatile bool unit_fault_expected; /* the next exception of the host is skipped to ... */
extern volatile uint64_t unit_fault_rip;  /* ... here */
extern volatile int unit_fault_vector;

/* ---- a guest: 4 MiB of memory at 0, and a virtual CPU ---------------------------------------- */

#define UNIT_RAM   0x400000u
#define UNIT_CODE  0x8000u  /* where unit_code() puts code */
#define UNIT_DATA  0x10000u /* free for the guest */
#define UNIT_STACK 0x7000u
#define UNIT_TABLE 0x1000u  /* PML4, PDPT, PD for 0 to 1 GiB, PD for 3 to 4 GiB */
#define UNIT_GDT   0x500u   /* 10: code, 18: data, 20: 32-bit code, 28: 16-bit code */
#define UNIT_IDT   0x6000u  /* 256 gates to UNIT_TRAPS + 16 * vector */
#define UNIT_TRAPS 0x20000u /* mov al, vector; out 0x80, al; ... see unit_code() */
#define UNIT_APIC  0xfee00000u

struct unit_guest {
	struct vcpu *v;
	struct vcpu_space space;
	uint8_t *ram;
	uint8_t *apic; /* the virtual APIC's page */
	void *access;
	void *mem; /* of struct vcpu */
};

extern struct vcpu_host unit_host;

/* Allocates and maps; ends the test when something of it fails. @io: bitmap or NULL. */
void unit_guest_make(struct unit_guest *g, const struct vcpu_ops *ops, uint16_t id, const void *io);
void unit_guest_free(struct unit_guest *g);
/* Puts code at UNIT_CODE, and starts there in 64-bit mode. Gate v of the IDT leads to code that
 * writes v to port 0x80. */
void unit_code(struct unit_guest *g, const void *code, const void *end);
/* Runs to the next exit, whatever it is. */
struct vcpu_exit unit_run(struct unit_guest *g);
/* Runs to the next exit and compares its kind. */
struct vcpu_exit unit_want(struct unit_guest *g, enum vcpu_exit_kind kind, const char *what);

/* Guest code: unit_code(&g, name, name_end). */
#define UNIT_CODE_BITS(bits, name, text)                                             \
	__asm__(".pushsection .rodata\n" #name ":\n.code" #bits "\n" text "\n" #name \
		"_end:\n.code64\n.popsection");                                      \
	extern const uint8_t name[], name##_end[]
#define UNIT_CODE64(name, text) UNIT_CODE_BITS(64, name, text)
#define UNIT_CODE16(name, text) UNIT_CODE_BITS(16, name, text)

#endif
