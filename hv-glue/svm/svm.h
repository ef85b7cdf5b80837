/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * AMD-V behind struct vcpu_ops: one VMCB a virtual CPU, nested paging, an ASID each.
 *
 * Beyond glue/vcpu.h: put() a virtual CPU before another runs on its CPU. After map and unmap,
 * every other CPU that runs in that space must exit once; the next run flushes. XCR0 of the guest
 * stays in the CPU between run and put: the core answers VCPU_EXIT_XSETBV with cpu_xsetbv(), inside
 * of cpu_fpu_mask() (glue/cpu_fpu.h). The host's TSC_AUX and DR0 to DR3 are not kept.
 *
 * Every write of CR4 exits (VCPU_EXIT_CR); set() refuses what this CPU does not have. CR0, CR3 and
 * the debug registers never exit, CR8 only inside of run. A guest's TPR is in its APIC page at each
 * exit.
 */
#ifndef SLUICE_SVM_SVM_H
#define SLUICE_SVM_SVM_H

#include "glue/vcpu.h"

extern const struct vcpu_ops svm_ops;

#endif
