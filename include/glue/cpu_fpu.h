/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's x87, SSE, AVX and AVX-512 registers and its XCR0, kept in memory while another virtual
 * CPU has the CPU's. The host is compiled to use none of them. Freestanding, ring 0.
 *
 * SDM 1 chapter 13: save and load name every component that a guest may ever have enabled, since a
 * component that it switched off meanwhile still holds its values.
 */
#ifndef SLUICE_GLUE_CPU_FPU_H
#define SLUICE_GLUE_CPU_FPU_H

#include "glue/cpu.h"
#include "hw/x86.h"

#define CPU_FPU_AREA 4096u /* bytes; 2,688 with AVX-512 */

struct cpu_fpu {
	void *area;    /* CPU_FPU_AREA, 64-aligned, the caller's */
	uint64_t mask; /* XCR0 bits that are switched; 0: no XSAVE, FXSAVE is used */
	uint64_t xcr0;
};

/* The bits of XCR0 that a guest may set on this CPU; 0: no XSAVE. */
static inline uint64_t cpu_fpu_mask(void)
{
	if (!(cpu_cpuid(1, 0).ecx & X86_CPUID_1_ECX_XSAVE))
		return 0;
	return cpu_cpuid(0xd, 0).eax &
	       (X86_XCR0_X87 | X86_XCR0_SSE | X86_XCR0_AVX | X86_XCR0_AVX512);
}

/* A guest's XSETBV of @val: SDM 2D "XSETBV", and within cpu_fpu_mask(). */
static inline bool cpu_fpu_xcr0_ok(uint64_t val)
{
	uint64_t avx512 = val & X86_XCR0_AVX512;

	if (!(val & X86_XCR0_X87) || (val & ~cpu_fpu_mask()))
		return false;
	if ((val & X86_XCR0_AVX) && !(val & X86_XCR0_SSE))
		return false;
	return !avx512 || (avx512 == X86_XCR0_AVX512 && (val & X86_XCR0_AVX));
}

/* What a CPU needs before the first load: once a CPU. */
static inline void cpu_fpu_on(void)
{
	uint64_t cr4 = cpu_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;

	cpu_cr4_set(cpu_fpu_mask() ? cr4 | X86_CR4_OSXSAVE : cr4);
	cpu_cr0_set((cpu_cr0() | X86_CR0_MP | X86_CR0_NE) & ~(X86_CR0_EM | X86_CR0_TS));
}

/* @area is zeroed: with the header's XSTATE_BV 0 every component is loaded as after reset. */
static inline void cpu_fpu_init(struct cpu_fpu *f, void *area)
{
	f->area = area;
	f->mask = cpu_fpu_mask();
	f->xcr0 = X86_XCR0_X87;
	*(uint16_t *)area = 0x37f;		   /* FCW */
	*(uint32_t *)((char *)area + 24) = 0x1f80; /* MXCSR */
}

static inline void cpu_fpu_load(const struct cpu_fpu *f)
{
	if (!f->mask) {
		__asm__ volatile("fxrstor64 (%0)" : : "r"(f->area) : "memory");
		return;
	}
	cpu_xsetbv(f->mask);
	__asm__ volatile("xrstor64 (%0)"
			 :
			 : "r"(f->area), "a"((uint32_t)f->mask), "d"((uint32_t)(f->mask >> 32))
			 : "memory");
	cpu_xsetbv(f->xcr0);
}

static inline void cpu_fpu_save(struct cpu_fpu *f)
{
	if (!f->mask) {
		__asm__ volatile("fxsave64 (%0)" : : "r"(f->area) : "memory");
		return;
	}
	f->xcr0 = cpu_xgetbv();
	cpu_xsetbv(f->mask);
	__asm__ volatile("xsave64 (%0)"
			 :
			 : "r"(f->area), "a"((uint32_t)f->mask), "d"((uint32_t)(f->mask >> 32))
			 : "memory");
}

#endif
