/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The CPU's own instructions as functions: MSRs, control registers, CPUID, ports, descriptor
 * tables. Freestanding, inline; all but CPUID, RDTSC and PAUSE need ring 0.
 */
#ifndef SLUICE_GLUE_CPU_H
#define SLUICE_GLUE_CPU_H

#include "base/types.h"

struct cpu_id {
	uint32_t eax, ebx, ecx, edx;
};

/* As SGDT, SIDT, LGDT and LIDT have it in memory. */
struct cpu_table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static inline struct cpu_id cpu_cpuid(uint32_t leaf, uint32_t sub)
{
	struct cpu_id r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(sub));
	return r;
}

/* cpu_rdmsr(msr): #GP for one that the CPU does not have. */
#define CPU_READ64(n, args, insn, in)                                  \
	static inline uint64_t cpu_##n(args)                           \
	{                                                              \
		uint32_t lo, hi;                                       \
                                                                       \
		__asm__ volatile(insn : "=a"(lo), "=d"(hi) : "c"(in)); \
		return lo | (uint64_t)hi << 32;                        \
	}
CPU_READ64(rdmsr, uint32_t msr, "rdmsr", msr)
CPU_READ64(rdtsc, void, "rdtsc", 0)
CPU_READ64(xgetbv, void, "xgetbv", 0) /* XCR0 */

static inline void cpu_wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline void cpu_xsetbv(uint64_t v)
{
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

/* cpu_cr0(), cpu_cr0_set() and their like. */
#define CPU_CONTROL(n)                                                       \
	static inline uint64_t cpu_##n(void)                                 \
	{                                                                    \
		uint64_t v;                                                  \
                                                                             \
		__asm__ volatile("mov %%" #n ", %0" : "=r"(v) : : "memory"); \
		return v;                                                    \
	}                                                                    \
	static inline void cpu_##n##_set(uint64_t v)                         \
	{                                                                    \
		__asm__ volatile("mov %0, %%" #n : : "r"(v) : "memory");     \
	}
CPU_CONTROL(cr0)
CPU_CONTROL(cr2)
CPU_CONTROL(cr3)
CPU_CONTROL(cr4)
CPU_CONTROL(dr6)

/* Each is an exit or a round trip, never in a tight loop. */
static inline uint8_t cpu_inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline void cpu_outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

/* cpu_cs() and their like: the selector. */
#define CPU_SELECTOR(n, insn)                     \
	static inline uint16_t cpu_##n(void)      \
	{                                         \
		uint16_t v;                       \
                                                  \
		__asm__ volatile(insn : "=r"(v)); \
		return v;                         \
	}
CPU_SELECTOR(cs, "mov %%cs, %0")
CPU_SELECTOR(ss, "mov %%ss, %0")
CPU_SELECTOR(ds, "mov %%ds, %0")
CPU_SELECTOR(es, "mov %%es, %0")
CPU_SELECTOR(fs, "mov %%fs, %0")
CPU_SELECTOR(gs, "mov %%gs, %0")
CPU_SELECTOR(tr, "str %0")

/* Operations without a result: cpu_pause(), cpu_cli(), ... */
#define CPU_PLAIN(n, insn)                             \
	static inline void cpu_##n(void)               \
	{                                              \
		__asm__ volatile(insn : : : "memory"); \
	}
CPU_PLAIN(pause, "pause")
CPU_PLAIN(hlt, "hlt")
CPU_PLAIN(cli, "cli")
CPU_PLAIN(sti, "sti")

/* DR0 to DR3, a guest's breakpoints. */
static inline void cpu_dr_load(const uint64_t dr[4])
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3"
			 :
			 : "r"(dr[0]), "r"(dr[1]), "r"(dr[2]), "r"(dr[3])
			 : "memory");
}

static inline void cpu_dr_save(uint64_t dr[4])
{
	__asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
			 : "=r"(dr[0]), "=r"(dr[1]), "=r"(dr[2]), "=r"(dr[3]));
}

/* cpu_gdt(), cpu_idt(): where they are now. */
#define CPU_TABLE(n)                                      \
	static inline struct cpu_table cpu_##n(void)      \
	{                                                 \
		struct cpu_table t;                       \
                                                          \
		__asm__ volatile("s" #n " %0" : "=m"(t)); \
		return t;                                 \
	}
CPU_TABLE(gdt)
CPU_TABLE(idt)

#endif
