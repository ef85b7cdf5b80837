/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Private to hv-glue/vtx: the VM instructions, SDM 3C chapter 31; in VMX root mode only. */
#ifndef SLUICE_VTX_VTX_INSN_H
#define SLUICE_VTX_VTX_INSN_H

#include "base/types.h"

#define VTX_NO_VMCS UINT64_MAX /* as VMPTRST gives it */

/* False: the CPU refused; vtx_error() says why when there is a current VMCS. */
#define VTX_INSN(name, insn)                                                     \
	static inline bool vtx_##name(uint64_t pa)                               \
	{                                                                        \
		bool ok;                                                         \
                                                                                 \
		__asm__ volatile(insn " %1" : "=@cca"(ok) : "m"(pa) : "memory"); \
		return ok;                                                       \
	}
VTX_INSN(vmxon, "vmxon")
VTX_INSN(vmclear, "vmclear")
VTX_INSN(vmptrld, "vmptrld")

static inline bool vtx_write(uint32_t field, uint64_t val)
{
	bool ok;

	__asm__ volatile("vmwrite %2, %1"
			 : "=@cca"(ok)
			 : "r"((uint64_t)field), "rm"(val)
			 : "memory");
	return ok;
}

/* A field that every CPU has, or that a control in use goes with. */
static inline uint64_t vtx_read(uint32_t field)
{
	uint64_t val;

	__asm__ volatile("vmread %1, %0" : "=r"(val) : "r"((uint64_t)field) : "cc", "memory");
	return val;
}

/* Any field: false, and *@val is 0, for one that this CPU does not have. */
static inline bool vtx_read_ok(uint32_t field, uint64_t *val)
{
	bool ok;

	*val = 0;
	__asm__ volatile("vmread %2, %1"
			 : "=@cca"(ok), "+r"(*val)
			 : "r"((uint64_t)field)
			 : "memory");
	return ok;
}

static inline uint64_t vtx_vmptrst(void)
{
	uint64_t pa;

	__asm__ volatile("vmptrst %0" : "=m"(pa) : : "cc");
	return pa;
}

#endif
