/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The core's page tables, one to one below 4 GiB: only text can be executed, only data written,
 * page 0 and a page under each stack are not there, and what is no RAM is not cached.
 */
#include "boot.h"
#include "glue/cpu.h"
#include "hw/x86.h"

#define LARGE	 UINT64_C(0x200000)
#define LOW_END	 UINT64_C(0x400000) /* in pages of 4 KiB; core.ld sees to it that the image fits */
#define BELOW_4G (UINT64_C(1) << 32)
#define DATA	 (X86_PTE_P | X86_PTE_W | X86_PTE_NX)
#define UNCACHED (X86_PTE_PCD | X86_PTE_PWT)

static bool is_guard(uint64_t at)
{
	uint64_t off = at - (uintptr_t)core_areas;

	if (at < VCPU_PAGE)
		return true;
	if (at < (uintptr_t)core_areas || off >= (uint64_t)CORE_CPUS * AREA_SIZE)
		return false;
	off %= AREA_SIZE;
	return !off || off == AREA_STACK || off == AREA_IST1 || off == AREA_IST2;
}

static uint64_t low_flags(uint64_t at)
{
	if (is_guard(at))
		return 0;
	if (at >= (uintptr_t)core_image && at < (uintptr_t)core_text_end)
		return X86_PTE_P;
	if (at >= (uintptr_t)core_image && at < (uintptr_t)core_rodata_end)
		return X86_PTE_P | X86_PTE_NX;
	return DATA;
}

void page_init(void)
{
	uint64_t *low = (uint64_t *)(void *)core_low, *pd = (uint64_t *)(void *)core_pd;
	uint64_t top = boot_ram_top(&boot);

	for (uint64_t at = 0; at < LOW_END; at += VCPU_PAGE)
		low[at / VCPU_PAGE] = at | low_flags(at);
	for (uint64_t at = 0; at < BELOW_4G; at += LARGE) {
		uint64_t flags = at < top ? DATA : DATA | UNCACHED;

		pd[at / LARGE] = at | flags | X86_PTE_PS;
	}
	for (uint64_t at = 0; at < LOW_END; at += LARGE)
		pd[at / LARGE] = (uintptr_t)&low[at / VCPU_PAGE] | X86_PTE_P | X86_PTE_W;
	cpu_cr3_set(cpu_cr3());
}
