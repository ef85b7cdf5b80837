/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: a CPU without VT-x, or one whose firmware locked it off: a sentence, and no more. */
#include "base/errno.h"
#include "unit.h"
#include "vtx.h"

void unit_test(void)
{
	int ret;

	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.present())
		cpu_wrmsr(X86_MSR_FEATURE_CONTROL, X86_FEATURE_CONTROL_LOCK);
	ret = vtx_ops.cpu_on(&unit_host);
	unit_eq((uint64_t)-ret, vtx_ops.present() ? EACCES : ENODEV, "cpu_on refuses");
	unit_ok(unit_host.why != NULL, "and says why");
	unit_puts("# ");
	unit_puts(unit_host.why);
	unit_puts("\n");
	unit_eq(unit_host.caps, 0, "there are no capabilities");
	unit_eq(cpu_cr4() & X86_CR4_VMXE, 0, "CR4.VMXE stays off");
}
