/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Private to hv-glue/vtx: a virtual CPU's VMCS and what is kept beside it. */
#ifndef SLUICE_VTX_VTX_PRIV_H
#define SLUICE_VTX_VTX_PRIV_H

#include "glue/cpu.h"
#include "glue/cpu_fpu.h"
#include "hw/vmx.h"
#include "hw/x86.h"
#include "vtx.h"
#include "vtx_insn.h"

#define VTX_NO_CPU   UINT32_MAX
#define VTX_NEVER    UINT64_MAX
#define VTX_LAZY_MSR 6

/* What differs between memory and the VMCS; written before the next entry. */
enum vtx_dirty {
	VTX_D_PROC = 1 << 0,
	VTX_D_IRQ = 1 << 1, /* guest interrupt status, or the TPR threshold */
};

/* init's caller gives the memory; touched by the CPU that runs it, or another while none does. */
struct vtx_vcpu {
	struct vcpu v;
	uint32_t dirty; /* enum vtx_dirty */
	uint32_t proc;	/* processor-based controls as they shall be */
	bool launched, loaded;
	uint8_t timer_rate;
	uint64_t timer_most; /* ticks of the TSC that its 32 bits hold */
	uint8_t threshold;
	uint16_t irq_status;
	uint32_t event, event_error, event_length; /* for the next entry, VMX_EVENT_VALID */
	uint32_t nmi;				   /* VMX_EVENT_VALID: one is due */
	uint64_t deadline;			   /* of the TSC */
	uint64_t generation;			   /* of the space at the last flush; 0: flush */
	uint32_t cpu;				   /* that it ran on last: its APIC ID */
	uint64_t eptp;
	struct vtx_fit fit;
	struct vtx_caps caps;
	bool tsc_aux, ibpb;
	uint16_t vpid;
	const struct vcpu_mem *mem;
	uint8_t *apic;
	void *vmcs, *msrs, *io[2];
	struct cpu_fpu fpu;
	uint64_t lazy[VTX_LAZY_MSR]; /* switched at load and put, in the order of vtx_lazy_msr */
	uint64_t dr[4], dr6, cr2;    /* likewise: the VMCS has no place for them */
};

extern const uint32_t vtx_lazy_msr[VTX_LAZY_MSR];

static inline struct vtx_vcpu *vtx_of(struct vcpu *v)
{
	return container_of(v, struct vtx_vcpu, v);
}

/* run.S: 0: an exit; 1: VMfailValid, 2: VMfailInvalid. */
int vtx_enter(struct vcpu *v, bool launched);
void vtx_exit(void);

/* caps.c */
extern const struct vcpu_format vtx_format;
bool vtx_present(void);
int vtx_cpu_on(struct vcpu_host *host) must_check;
void vtx_cpu_off(struct vcpu_host *host);

/* vmcs.c: makes a virtual CPU's VMCS current for a moment; end takes what begin gave. */
uint64_t vtx_begin(struct vtx_vcpu *x);
void vtx_end(struct vtx_vcpu *x, uint64_t before);
int vtx_setup(struct vtx_vcpu *x, const struct vcpu_config *cfg) must_check;
void vtx_share(struct vcpu *v, bool on);
void vtx_dump(struct vcpu *v, void (*out)(void *ctx, const char *name, uint64_t val), void *ctx);

/* host.c: this CPU's state goes to the current VMCS; the guest's that no VMCS holds, in and out. */
void vtx_host_state(void);
void vtx_load(struct vtx_vcpu *x);
void vtx_put(struct vcpu *v);
void vtx_flush_tlb(struct vtx_vcpu *x);

/* run.c */
void vtx_run(struct vcpu *v, struct vcpu_exit *e);

/* guest.c: as in struct vcpu_ops; the bits of CR0 and CR4 that a guest changes without an exit. */
void vtx_start(struct vcpu *v, const struct vcpu_start *st);
uint64_t vtx_get(struct vcpu *v, enum vcpu_reg r);
int vtx_set(struct vcpu *v, enum vcpu_reg r, uint64_t val) must_check;
uint64_t vtx_cr0_owned(const struct vtx_caps *c);
uint64_t vtx_cr4_owned(const struct vtx_caps *c);

/* event.c: as in struct vcpu_ops; and for run: all that is dirty goes to the current VMCS; an event
 * whose delivery an exit cut off is kept; the event of the next entry, an NMI among them. */
void vtx_inject(struct vcpu *v, int vector, int64_t error);
void vtx_inject_nmi(struct vcpu *v);
bool vtx_can_irq(struct vcpu *v);
void vtx_inject_irq(struct vcpu *v, int vector);
void vtx_want_window(struct vcpu *v, bool on);
void vtx_irq_sync(struct vcpu *v, int requested, int in_service);
void vtx_set_timer(struct vcpu *v, uint64_t ticks);
void vtx_skip(struct vcpu *v, const struct vcpu_exit *e);
void vtx_flush_dirty(struct vtx_vcpu *x);
void vtx_recover(struct vtx_vcpu *x, const struct vtx_raw *raw);
void vtx_write_event(struct vtx_vcpu *x);

/* exit.c: which fields beyond reason and length an exit brings; enum vtx_needs. */
enum vtx_needs {
	VTX_N_QUAL = 1 << 0,
	VTX_N_EVENT = 1 << 1, /* EXIT_EVENT */
	VTX_N_PHYS = 1 << 2,
	VTX_N_IDT = 1 << 3, /* may have cut off the delivery of an event */
	VTX_N_OWN = 1 << 4, /* looked at by the back end first */
};
struct vtx_kind {
	uint8_t kind, needs;
};
extern const struct vtx_kind vtx_kinds[VMX_REASONS];
const char *vtx_reason_name(uint32_t reason);

#endif
