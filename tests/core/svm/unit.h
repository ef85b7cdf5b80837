/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the tests of the AMD-V unit image share: TAP on COM1, pages, a small guest machine. */
#ifndef SLUICE_TESTS_CORE_SVM_UNIT_H
#define SLUICE_TESTS_CORE_SVM_UNIT_H

#include "glue/vcpu.h"

/* ---- unit.c */
void ok(bool cond, const char *what);
/* As ok(), and shows both numbers when they differ. */
void is(uint64_t got, uint64_t want, const char *what);
void note(const char *text, uint64_t val);
_Noreturn void bail(const char *why);
extern const struct vcpu_mem unit_mem;
extern size_t unit_pages; /* in use */
extern volatile uint64_t unit_irqs[256];
/* The local APIC's timer, one shot, vector 0x40, after @ticks of its clock. */
void unit_timer(uint32_t ticks);

/* ---- machine.c: 4 MiB from guest-physical 0, code at VM_CODE, tables that map 4 GiB one to one.
 */
#define VM_RAM	  0x400000u
#define VM_CODE	  0x1000u
#define VM_REAL	  0x8000u /* real mode: vector 8 */
#define VM_STACK  0x7000u /* RSP at the start */
#define VM_IDT	  0x20000u
#define VM_TABLES 0x10000u
#define VM_HOLE	  0x300000u /* to VM_RAM: not mapped by vm_new() */

struct vm {
	struct vcpu_space space;
	uint8_t *ram;
	void *apic;
	struct vcpu *v;
	struct vcpu_exit e;
	unsigned int hidden; /* host interrupts that vm_run() took meanwhile */
};

#define CODE(name) name, (size_t)(name##_end - name)
/* A guest with its code from @code; ends the tests when it cannot be made. */
void vm_new(struct vm *m, const uint8_t *code, size_t len);
void vm_new_real(struct vm *m, const uint8_t *code, size_t len);
void vm_free(struct vm *m);
/* Until an exit that is no host interrupt; its kind. */
enum vcpu_exit_kind vm_run(struct vm *m);
/* Runs, wants @kind, and goes behind the instruction. */
void vm_expect(struct vm *m, enum vcpu_exit_kind kind, const char *what);
void vm_skip(struct vm *m);
struct vcpu *vm_vcpu(struct vm *m, uint16_t id, const void *io_allow);
void vm_drop(struct vcpu *v);
extern struct vcpu_host unit_host;

/* ---- the tests, and guests.S */
void test_exits(void);
void test_refused(void);
void test_starts(void);
void test_npt(void);
void test_events(void);
void test_switch(void);
void test_random(void);

#define GUEST(name) extern const uint8_t name[], name##_end[]
GUEST(g_exits);
GUEST(g_refused);
GUEST(g_quiet);
GUEST(g_start);
GUEST(g_real);
GUEST(g_memory);
GUEST(g_events);
GUEST(g_cut);
GUEST(g_handlers);
GUEST(g_fpu);
GUEST(g_tpr);
GUEST(g_user);

#endif
