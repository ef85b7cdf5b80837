/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Guests: their life, their CPUs' scheduling, their exits, their virtual APIC. */
#ifndef SLUICE_CORE_GUEST_H
#define SLUICE_CORE_GUEST_H

#include "core.h"

/* ---- life; lock held ------------------------------------------------------------------------- */

/* Takes a place for @cfg, checked already. -ENOSPC, -EEXIST: the name. */
int guest_add(const struct guest_config *cfg, struct guest **out) must_check;
struct guest *guest_find(const char *name);
/* Memory, devices, image, CPUs: runs from then on. @args NULL: the configured ones. 0 or a negative
 * errno with g->why; nothing is left behind. -EBUSY: runs. */
int guest_start(struct guest *g, const char *args) must_check;
/* Stops its CPUs, takes its devices back, zeroes and frees its memory. From a control request. */
void guest_stop(struct guest *g);
/* A guest's own fault: stopped as soon as its CPUs have left it, GUEST_FAILED with the reason; the
 * log names it with @g's registers. Called on the CPU that runs @c, or with @c NULL. */
void guest_fail(struct guest *g, struct gcpu *c, const char *f, ...) printf_like(3, 4);

/* Host memory behind @gpa when all of @len is the guest's RAM, otherwise NULL. Any guest address
 * that a device model uses comes through here. */
void *guest_ptr(const struct guest *g, uint64_t gpa, uint64_t len);

/* image.c: bare image, ELF kernel or bzImage into the guest's memory; fills @st. -EINVAL with why.
 */
int image_load(struct guest *g, const char *args, struct vcpu_start *st) must_check;
/* ACPI tables at GPA_ACPI: a hardware-reduced machine with its CPUs, its bus, its UART. */
void acpi_guest_make(struct guest *g);
/* The guest said itself that it ends: stopped without blame, @f says how. As guest_fail(). */
void guest_done(struct guest *g, const char *f, ...) printf_like(2, 3);
/* Frees what ended guests hold; CPU 0. */
void guest_reap(void);

/* ---- scheduling ------------------------------------------------------------------------------ */

/* The life of a CPU: service (CPU 0), guests round robin, idle. Does not return. */
_Noreturn void cpu_loop(struct core_cpu *cpu);
void sched_add(struct gcpu *c);
/* Waits until it has left its CPU; lock held, dropped meanwhile. -ETIMEDOUT: it runs on. */
int sched_del(struct gcpu *c) must_check;
/* For another CPU to look into one that does not run: its registers are in memory, and stay there
 * while the lock is held. Dropped meanwhile; -ETIMEDOUT. */
int sched_release(struct gcpu *c) must_check;
void sched_resume(struct gcpu *c); /* its CPU goes on */
/* From HALTED; any CPU, any state: it sees what is new. @nmi: also when it has interrupts off. */
void sched_wake(struct gcpu *c, bool nmi);
void sched_kill(struct gcpu *c); /* OFF from now on; any CPU, no lock; it may run on for a moment */
/* INIT and SIPI from another CPU of its guest; lock held. */
void sched_reset(struct gcpu *c);
void sched_sipi(struct gcpu *c, unsigned int vector);

/* ---- exits ----------------------------------------------------------------------------------- */

enum exit_next {
	EXIT_RESUME,
	EXIT_RESCHED, /* let another run, if there is one */
	EXIT_BLOCK,   /* halted, off or failed */
};
enum exit_next exit_handle(struct gcpu *c, struct vcpu_exit *e);
int mmio_add(struct guest *g,
	     const struct mmio_region *r) must_check; /* -EEXIST overlap, -ENOSPC */
void mmio_del(struct guest *g, uint64_t gpa);

/* An access of the CPU @c runs on to @gpa, which has no memory: decoded, done by its device, and
 * skipped. Lock held. */
enum exit_next mmio_access(struct gcpu *c, struct vcpu_exit *e, uint64_t gpa);

/* One decoded access to memory. */
enum insn_op { INSN_MOV, INSN_STOS, INSN_TEST, INSN_CMP, INSN_OR, INSN_AND, INSN_XOR };
enum insn_flags {
	INSN_WRITE = 1 << 0,  /* memory changes; OR, AND, XOR: is read before */
	INSN_SECOND = 1 << 1, /* memory is the second operand: a register is changed or compared */
	INSN_SIGN = 1 << 2,   /* MOVSX */
	INSN_IMM = 1 << 3,    /* the other operand is value, not reg */
	INSN_HIGH = 1 << 4,   /* AH, CH, DH, BH */
	INSN_REP = 1 << 5,    /* of STOS */
};
struct insn {
	uint8_t op, flags; /* enum insn_op, enum insn_flags */
	uint8_t size;	   /* of the access: 1, 2, 4, 8 bytes */
	uint8_t reg, reg_size;
	uint8_t len; /* bytes */
	uint64_t value;
};
/* @n bytes of which at most 15 are the instruction's; from 32 on they are not copied, and may
 * change meanwhile. @bits 16, 32, 64: of the code segment. 0; -EINVAL: not one of these. */
int decode(const uint8_t *bytes, size_t n, unsigned int bits, struct insn *in) must_check;
/* cpuid.c: what every guest gets to see, made once. */
void cpuid_init(void);
/* The CPUID instruction of @c: leaf and sub-leaf in its registers, which get the answer. */
void cpuid_exit(struct gcpu *c);
/* Bits of XCR0 that a guest may set; 0: it has no XSAVE. */
uint64_t cpuid_xcr0(void);

/* -EPERM: not for this guest (#GP). No lock. */
int msr_read(struct gcpu *c, uint32_t msr, uint64_t *val) must_check;
int msr_write(struct gcpu *c, uint32_t msr, uint64_t val) must_check;

/* ---- the virtual APIC and UART --------------------------------------------------------------- */

void lapic_init(struct gcpu *c);
void lapic_write(struct gcpu *c, uint32_t off, uint32_t val);
uint32_t lapic_read(struct gcpu *c, uint32_t off);
/* Any CPU: raises a vector of @c and wakes it. */
void lapic_raise(struct gcpu *c, uint8_t vector);
/* An MSI of a device of @g as the guest programmed it; false: it goes nowhere (counted). */
bool lapic_msi(struct guest *g, uint64_t addr, uint32_t data);
/* The target of such an MSI, for a hardware interrupt: its CPU and vector. */
struct gcpu *lapic_target(struct guest *g, uint64_t addr, uint32_t data, uint8_t *vector);
/* Before an entry: merges what others raised, timer due, offers an interrupt to the CPU. */
void lapic_prepare(struct gcpu *c);
/* True when an interrupt or NMI would end a HLT: nothing needs to be merged for it to be seen. */
bool lapic_pending(struct gcpu *c);
uint64_t lapic_next(const struct gcpu *c);	   /* TSC of its timer, UINT64_MAX: none */
void lapic_deadline(struct gcpu *c, uint64_t tsc); /* MSR TSC_DEADLINE */

struct uart *uart_new(struct guest *g);
void uart_free(struct uart *u);
uint8_t uart_in(struct uart *u, unsigned int reg);
void uart_out(struct uart *u, unsigned int reg, uint8_t val);
void uart_type(struct uart *u, const char *text, size_t len); /* keys for the guest */
#endif
