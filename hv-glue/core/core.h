/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The hypervisor core's own structures. One lock, core_lock(), guards all of them but what is said
 * to be a CPU's own; the exits that need none of it (CPUID, MSRs, control registers) do not take
 * it.
 */
#ifndef SLUICE_CORE_CORE_H
#define SLUICE_CORE_CORE_H

#include "glue/vcpu.h"
#include "config.h"
#include "os/os.h"

struct vtd;
struct vtd_domain;
struct pf;
struct guest;

/* ---- a virtual CPU --------------------------------------------------------------------------- */

enum gcpu_state {
	GCPU_OFF,  /* never started, or its guest was stopped */
	GCPU_WAIT, /* an application processor before its SIPI */
	GCPU_SIPI, /* it has come: started by its CPU, which has let go of it then */
	GCPU_READY,
	GCPU_RUNNING,
	GCPU_HALTED, /* HLT: until an interrupt */
};

/* One audited exit. */
struct exit_record {
	uint64_t tsc, rip, qualification;
	uint64_t reason;
};

/* Owned by its guest. While it runs only its CPU touches it; others set the atomic words. */
struct gcpu {
	struct vcpu *v;
	struct guest *guest;
	unsigned int index; /* and APIC id */
	struct core_cpu *cpu;
	enum gcpu_state state;
	uint8_t sipi;	/* GCPU_SIPI: where it starts */
	uint32_t *apic; /* the virtual APIC's page: registers at their architectural offsets */
	uint64_t apic_deadline; /* TSC of its timer's next tick, 0: off */
	uint64_t tsc_deadline_msr;
	uint64_t irr_new[4]; /* atomic: vectors raised by others, merged before entry */
	bool kicked;	     /* atomic: something of the above is there */
	uint64_t xcr0, apic_base;
	bool halted; /* since its last run: an interrupt that it takes, or an NMI, ends it */
	bool shares; /* others wait for its CPU, as its back end was told */
	uint64_t exits[VCPU_REASONS];
	uint64_t tsc_root, tsc_guest; /* ticks spent in the core for it, and in the guest */
	struct exit_record ring[EXIT_RING];
	uint32_t ring_next;
	struct gcpu *next; /* in its CPU's queue */
};

/* ---- a guest --------------------------------------------------------------------------------- */

enum guest_state { GUEST_STOPPED, GUEST_RUNNING, GUEST_FAILED };

/* A trapped range of guest-physical addresses. @size 1, 2, 4, 8. An access that the device does not
 * know reads as ones and is dropped; neither handler can fail. Called with the lock held. */
struct mmio_region {
	uint64_t gpa, len;
	uint64_t (*read)(void *ctx, struct gcpu *g, uint64_t off, unsigned int size);
	void (*write)(void *ctx, struct gcpu *g, uint64_t off, unsigned int size, uint64_t val);
	void *ctx;
};

struct vpci_func;

struct guest {
	struct guest_config cfg;
	enum guest_state state;
	char why[WHY_LEN]; /* GUEST_FAILED: the last words on it */
	struct vcpu_space space;
	uint64_t ram, ram_len; /* host-physical; zeroed before it is given */
	struct gcpu cpu[GUEST_CPUS];
	struct mmio_region mmio[GUEST_MMIO];
	unsigned int mmio_count;
	struct vpci_func *func[GUEST_FUNCS]; /* by device number, function 0 */
	struct uart *uart;
	uint64_t refused; /* accesses and requests that a rule refused */
	uint64_t beats;	  /* hypercall: the guest says that it goes on */
	uint64_t beat_value;
	uint64_t tsc_vnic; /* ticks of service rounds that served its vNICs */
	uint64_t started;  /* TSC */
	unsigned int starts;
};

/* ---- a physical CPU -------------------------------------------------------------------------- */

struct core_cpu {
	struct core_cpu *self; /* at GS:0 */
	unsigned int id;
	uint32_t apic_id;
	bool online;
	struct vcpu_host host;
	struct gcpu *queue, *running; /* round robin; guarded by the lock */
	bool release; /* another CPU wants what runs out of the registers; likewise */
	/* TSC: when to think who runs; the exit that is armed; until when exits go straight back.
	 */
	uint64_t slice_end, armed, due;
	uint64_t irqs, kicks;
};

struct core {
	const struct vcpu_ops *ops;
	struct core_cpu cpu[CORE_CPUS];
	unsigned int cpus;
	struct guest guest[GUESTS];
	unsigned int guests;
	struct vtd *vtd;
	struct nic *nic;	/* nic.h */
	uint64_t tsc_hz, slice; /* ticks of a second, of SLICE_US */
	uint64_t boot_tsc;
	struct vcpu_mem mem; /* page allocator as the back ends want it */
	void *apic_access;
};
extern struct core core;

/* Counts what a rule refused; any CPU, with or without the lock. */
static inline void guest_refused(struct guest *g)
{
	__atomic_fetch_add(&g->refused, 1, __ATOMIC_RELAXED);
}

static inline struct core_cpu *this_cpu(void)
{
	struct core_cpu *c;

	__asm__("mov %%gs:0, %0" : "=r"(c));
	return c;
}

void core_lock(void);
void core_unlock(void);
bool core_locked(void); /* by this CPU */

#endif
