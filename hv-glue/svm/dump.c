/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The VMCB by field name. */
#include "svm_priv.h"

#define FIELD(f) {#f, offsetof(struct svm_vmcb, f), sizeof(((struct svm_vmcb *)NULL)->f)},
#define SEG(s)	 FIELD(s.selector) FIELD(s.attr) FIELD(s.limit) FIELD(s.base)

/* clang-format off */
static const struct field {
	const char *name;
	uint16_t off, size;
} fields[] = {
	FIELD(cr_read) FIELD(cr_write) FIELD(dr_read) FIELD(dr_write) FIELD(exceptions)
	FIELD(intercept1) FIELD(intercept2) FIELD(intercept3) FIELD(pause_count) FIELD(iopm)
	FIELD(msrpm) FIELD(tsc_offset) FIELD(asid) FIELD(tlb_control) FIELD(int_ctl)
	FIELD(int_state) FIELD(exit_code) FIELD(exit_info1) FIELD(exit_info2) FIELD(exit_int)
	FIELD(exit_int_error) FIELD(nested_ctl) FIELD(event) FIELD(event_error) FIELD(nested_cr3)
	FIELD(next_rip) SEG(es) SEG(cs) SEG(ss) SEG(ds) SEG(fs) SEG(gs) SEG(gdtr) SEG(ldtr)
	SEG(idtr) SEG(tr) FIELD(cpl) FIELD(efer) FIELD(cr0) FIELD(cr2) FIELD(cr3) FIELD(cr4)
	FIELD(dr6) FIELD(dr7) FIELD(rflags) FIELD(rip) FIELD(rsp) FIELD(rax) FIELD(star)
	FIELD(lstar) FIELD(cstar) FIELD(fmask) FIELD(kernel_gs_base) FIELD(sysenter_cs)
	FIELD(sysenter_esp) FIELD(sysenter_eip) FIELD(pat) FIELD(debugctl)
};
/* clang-format on */

void svm_dump(struct vcpu *v, void (*out)(void *ctx, const char *name, uint64_t val), void *ctx)
{
	struct svm_vmcb *vmcb = svm_of(v)->vmcb;
	const uint8_t *b = (const uint8_t *)vmcb;

	vmcb->rip = v->rip;
	vmcb->rsp = v->gpr[VCPU_RSP];
	vmcb->rax = v->gpr[VCPU_RAX];
	vmcb->rflags = v->rflags;
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t val = 0;

		for (unsigned int k = fields[i].size; k--;)
			val = val << 8 | b[fields[i].off + k];
		out(ctx, fields[i].name, val);
	}
}
