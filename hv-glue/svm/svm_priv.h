/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Private to hv-glue/svm: a virtual CPU's VMCB and what is kept beside it. */
#ifndef SLUICE_SVM_SVM_PRIV_H
#define SLUICE_SVM_SVM_PRIV_H

#include "glue/cpu.h"
#include "glue/cpu_fpu.h"
#include "hw/svm.h"
#include "hw/x86.h"
#include "svm.h"

/* init's caller gives the memory; touched by the CPU that runs it, or another while none does. */
struct svm_vcpu {
	struct vcpu v;
	struct svm_vmcb *vmcb;
	void *host; /* VMSAVE's part of the host's state, as VMCB */
	uint8_t *apic;
	const struct vcpu_mem *mem;
	uint64_t generation; /* of the space at the last flush */
	uint64_t cr4_allowed;
	uint32_t cpuid; /* SVM_CPUID_ bits that this CPU has */
	bool loaded, flush;
	bool window;
	bool nmi, nmi_masked, nmi_hold; /* one is due; none until IRET; none before the next exit */
	bool tsc_aux, ibpb;
	uint64_t tsc_aux_val, dr[4];
	struct cpu_fpu fpu;
	/* For what init aligns in it: I/O permissions of its own. */
	uint8_t iopm[SVM_IOPM_SIZE + VCPU_PAGE];
};

static inline struct svm_vcpu *svm_of(struct vcpu *v)
{
	return container_of(v, struct svm_vcpu, v);
}

/* RFLAGS.IF is set and no instruction holds interrupts back. */
static inline bool svm_open(const struct svm_vcpu *s)
{
	return (s->v.rflags & X86_RFLAGS_IF) && !(s->vmcb->int_state & SVM_SHADOW);
}

static inline bool svm_code64(const struct svm_vcpu *s)
{
	return (s->vmcb->efer & X86_EFER_LMA) && (s->vmcb->cs.attr & SVM_ATTR_L);
}

/* maps.c: what every virtual CPU shares, made for the hardware to read; nested page tables. */
extern const uint8_t svm_iopm_closed[SVM_IOPM_SIZE], svm_msrpm[SVM_MSRPM_SIZE];
extern const struct vcpu_format svm_format;

/* run.S: @vmcb and @host are physical addresses. */
void svm_enter(struct vcpu *v, uint64_t vmcb, uint64_t host);

/* guest.c: as in struct vcpu_ops. */
void svm_start(struct vcpu *v, const struct vcpu_start *st);
uint64_t svm_get(struct vcpu *v, enum vcpu_reg r);
int svm_set(struct vcpu *v, enum vcpu_reg r, uint64_t val) must_check;
/* Why VMRUN would refuse the state, a clause; NULL: nothing known. */
const char *svm_state_fault(const struct svm_vcpu *s);

/* run.c */
void svm_put(struct vcpu *v);
void svm_run(struct vcpu *v, struct vcpu_exit *e);

/* event.c: as in struct vcpu_ops; before an entry, and after an exit. */
void svm_inject(struct vcpu *v, int vector, int64_t error);
void svm_inject_nmi(struct vcpu *v);
bool svm_can_irq(struct vcpu *v);
void svm_inject_irq(struct vcpu *v, int vector);
void svm_want_window(struct vcpu *v, bool on);
void svm_irq_sync(struct vcpu *v, int requested, int in_service);
void svm_skip(struct vcpu *v, const struct vcpu_exit *e);
void svm_event_entry(struct svm_vcpu *s);
void svm_event_exit(struct svm_vcpu *s);
void svm_set_tpr(struct svm_vcpu *s, unsigned int tpr);

/* exit.c: @e is zeroed by the caller, but for why. */
void svm_decode(struct svm_vcpu *s, struct vcpu_exit *e);
const char *svm_reason_name(uint32_t reason);
void svm_dump(struct vcpu *v, void (*out)(void *ctx, const char *name, uint64_t val), void *ctx);

/*
 * fetch.c: the instruction at RIP: up to @len of its bytes by the guest's own page tables; how
 * many. insn_len: of one whose operation takes @op bytes behind its prefixes. mov_cr: the control
 * register that a MOV writes and in *@gpr from where; -1: it is none.
 */
unsigned int svm_insn_len(struct svm_vcpu *s, unsigned int op);
int svm_mov_cr(struct svm_vcpu *s, uint8_t *gpr);

#endif
