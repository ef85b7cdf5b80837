/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Why a virtual CPU stopped running: the kinds of exit, and what comes with each. Plain data. */
#ifndef SLUICE_GLUE_VCPU_EXIT_H
#define SLUICE_GLUE_VCPU_EXIT_H

#include "base/types.h"

enum vcpu_exit_kind {
	VCPU_EXIT_UNKNOWN, /* nobody's: the guest is stopped with a report */
	VCPU_EXIT_IRQ,	   /* a host interrupt: vector, or -1 when it is still pending at the CPU */
	VCPU_EXIT_TIMER,   /* set_timer's time has come */
	VCPU_EXIT_WINDOW,  /* the guest can take an interrupt now; asked for by want_window */
	VCPU_EXIT_CPUID,
	VCPU_EXIT_HLT,
	VCPU_EXIT_PAUSE,
	VCPU_EXIT_IO,
	VCPU_EXIT_RDMSR,
	VCPU_EXIT_WRMSR,
	VCPU_EXIT_CR, /* write of a bit that the guest does not own; CR8 never exits */
	VCPU_EXIT_XSETBV,
	VCPU_EXIT_MEM,	       /* second-level violation */
	VCPU_EXIT_MISCONFIG,   /* second-level entry that cannot be: the core's own mistake */
	VCPU_EXIT_APIC_WRITE,  /* VAPIC: the page already has the value; offset */
	VCPU_EXIT_APIC_ACCESS, /* an access to the APIC page that the hardware did not virtualise */
	VCPU_EXIT_EOI,	       /* VID: end of an interrupt whose bit was set in the EOI bitmap */
	VCPU_EXIT_CALL,	       /* VMCALL, VMMCALL */
	VCPU_EXIT_UNDEFINED,   /* an instruction that this guest does not have: gets #UD */
	VCPU_EXIT_GP,	       /* an operation that this guest may not do: gets #GP(0) */
	VCPU_EXIT_EXCEPTION,   /* intercepted exception: vector */
	VCPU_EXIT_NMI,	       /* a host NMI while the guest ran */
	VCPU_EXIT_TRIPLE,      /* triple fault, shutdown */
	VCPU_EXIT_INIT,
	VCPU_EXIT_SIPI,
	VCPU_EXIT_WBINVD,
	VCPU_EXIT_TASK,	 /* task switch */
	VCPU_EXIT_DR,	 /* debug registers */
	VCPU_EXIT_ENTRY, /* the CPU refused the guest's state; why says what */
	VCPU_EXIT_KINDS
};

/* Filled by run. Kind, reason, qualification and insn_len are set, the rest as the kind needs it.
 */
struct vcpu_exit {
	enum vcpu_exit_kind kind;
	uint32_t reason;	/* the hardware's basic reason, < VCPU_REASONS */
	uint64_t qualification; /* as the hardware gave it, for the log */
	unsigned int insn_len;	/* bytes, of instructions that exit; 0: not known */
	int vector;		/* IRQ, EXCEPTION, SIPI, EOI */
	uint64_t gpa;		/* MEM: guest-physical address; APIC_*: offset in the page */
	uint32_t access;	/* MEM, APIC_ACCESS: enum vcpu_perm of the attempt */
	struct {
		uint16_t port;
		uint8_t size; /* 1, 2, 4 */
		bool in, string, rep;
	} io;
	struct {
		uint8_t n;   /* 0, 3, 4 */
		uint8_t gpr; /* index into gpr[]; 0xff: CLTS, 0xfe: LMSW with value */
		bool write;
		uint16_t value;
	} cr;
	const char *why; /* ENTRY, UNKNOWN: a clause */
};
#define VCPU_REASONS 160

#endif
