/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a CPU back end (hv-glue/vtx, hv-glue/svm) gives the hypervisor core: virtual CPUs that run
 * until they exit, and the format of a guest's second-level page tables. One struct vcpu_ops each.
 *
 * Freestanding. The caller gives all memory; a page's address is its physical address (the core
 * maps memory one to one). A struct vcpu is touched by the CPU that runs it, or by another while it
 * does not run. Nothing here logs or stops: errors are returned with a clause that says why.
 */
#ifndef SLUICE_GLUE_VCPU_H
#define SLUICE_GLUE_VCPU_H

#include "glue/vcpu_exit.h"
#include "glue/vcpu_space.h"
#include "glue/vcpu_state.h"

/* What this machine's back end can do beyond the least; struct vcpu_host.caps. */
enum vcpu_caps {
	VCPU_CAP_TIMER = 1 << 0, /* set_timer works: an exit after so many TSC ticks */
	VCPU_CAP_VAPIC = 1 << 1, /* the guest's APIC page is virtual in hardware: reads do not exit,
				    writes exit after the fact as VCPU_EXIT_APIC_WRITE */
	VCPU_CAP_VID = 1 << 2,	 /* pending interrupts are delivered by hardware, and EOI does not
				    exit; irq_sync tells it of new ones */
	VCPU_CAP_2M = 1 << 3,	 /* second-level pages of 2 MiB */
	VCPU_CAP_1G = 1 << 4,
	VCPU_CAP_AD = 1 << 5, /* second-level accessed and dirty bits */
};

/* One physical CPU in guest-running mode. Its memory is the caller's, a page-aligned page each. */
struct vcpu_host {
	void *region;	 /* VMXON region or host save area */
	uint32_t caps;	 /* enum vcpu_caps; set by cpu_on */
	const char *why; /* cpu_on: a sentence, what is missing and where to switch it on */
};

/* ---- a virtual CPU --------------------------------------------------------------------------- */

/* The part that assembly code and both back ends share; first in their own struct. */
struct vcpu {
	uint64_t gpr[16]; /* the guest's while it does not run; RSP too */
	uint64_t rip, rflags;
	bool state_dirty; /* rip, rflags or RSP changed since the exit: written back by run */
	/* Atomic: set by run before it looks at the space's generation, until the exit. Whoever
	 * takes pages away changes the generation first, then waits for those that are inside. */
	bool inside;
	/* TSC at the last exit and entry. */
	uint64_t tsc_exit, tsc_entry;
	const struct vcpu_ops *ops;
	struct vcpu_space *space;
};

/* hv-glue/cpu/linear.c: guest-linear to guest-physical by the guest's own page tables; rights are
 * not looked at. False: not mapped, or by tables that are not in its memory. */
bool vcpu_linear(struct vcpu *v, uint64_t lin, uint64_t *gpa) must_check;

struct vcpu_config {
	struct vcpu_space *space;
	const struct vcpu_mem *mem;
	uint16_t id;	      /* VPID: unique over all virtual CPUs, 1.. */
	void *apic_page;      /* the virtual APIC's registers, a page */
	uint64_t apic_gpa;    /* where the guest sees it, 0xfee00000 */
	void *apic_access;    /* a page that is mapped there with VAPIC, one for all */
	const void *io_allow; /* bitmap of 65536 ports, 8 KiB: bit set: no exit; NULL: all exit */
};

struct vcpu_ops {
	const char *name;	 /* "VT-x", "AMD-V" */
	size_t size;		 /* of its struct vcpu, 64-aligned */
	unsigned int vcpu_pages; /* what init takes from mem, for planning */
	const struct vcpu_format *format;

	/* True when this CPU has it at all, whatever firmware did with it. */
	bool (*present)(void);
	/* Turns it on for this physical CPU. 0; -ENODEV, -EACCES: locked off by firmware,
	 * -EOPNOTSUPP: a control is missing; host->why is set. */
	int (*cpu_on)(struct vcpu_host *host) must_check;
	void (*cpu_off)(struct vcpu_host *host);

	/* @mem: size bytes, zeroed. 0, -ENOMEM, -EOPNOTSUPP. On a CPU that is on. */
	int (*init)(void *mem, const struct vcpu_config *cfg, const struct vcpu_host *host,
		    struct vcpu **out) must_check;
	void (*fini)(struct vcpu *v);
	void (*start)(struct vcpu *v, const struct vcpu_start *st);
	/* Leaves this CPU: state goes to memory, so that another may run it. */
	void (*put)(struct vcpu *v);
	/* Enters the guest, host interrupts off; returns at its next exit. Never fails: see
	 * VCPU_EXIT_ENTRY. */
	void (*run)(struct vcpu *v, struct vcpu_exit *e);

	uint64_t (*get)(struct vcpu *v, enum vcpu_reg r);
	int (*set)(struct vcpu *v, enum vcpu_reg r, uint64_t val) must_check; /* -EINVAL */
	/* An exception for the next entry; @error -1: none. */
	void (*inject)(struct vcpu *v, int vector, int64_t error);
	void (*inject_nmi)(struct vcpu *v);
	/* Without VID: an external interrupt, only when can_irq says so. */
	bool (*can_irq)(struct vcpu *v);
	void (*inject_irq)(struct vcpu *v, int vector);
	void (*want_window)(struct vcpu *v, bool on);
	/* With VID: the highest vector requested in the APIC page (-1: none) and the highest in
	 * service; tells the hardware. */
	void (*irq_sync)(struct vcpu *v, int requested, int in_service);
	/* @on: others wait for its CPU, and loops of PAUSE exit; at first off. */
	void (*share)(struct vcpu *v, bool on);
	/* An exit after @ticks of the TSC of running; UINT64_MAX: never. */
	void (*set_timer)(struct vcpu *v, uint64_t ticks);
	/* The instruction that exited is done: RIP goes behind it, interrupt shadow ends. */
	void (*skip)(struct vcpu *v, const struct vcpu_exit *e);

	const char *(*reason_name)(uint32_t reason);
	/* The control structure by field name, a line each; @out is called with (ctx, name, value).
	 */
	void (*dump)(struct vcpu *v, void (*out)(void *ctx, const char *name, uint64_t val),
		     void *ctx);
};

#endif
