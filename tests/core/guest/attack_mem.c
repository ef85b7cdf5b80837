/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Attacks on memory that is not the guest's: the CPU's own accesses, tables, code and stacks there.
 */
#include "attack.h"

static volatile uint64_t *at(uint64_t def)
{
	return (volatile uint64_t *)arg_num("addr", def);
}

static void mem_read(void)
{
	say("read %lx", *at(0x60000000));
}

static void mem_write(void)
{
	*at(0x60000000) = 0x5a5a5a5a5a5a5a5a;
}

/* One byte behind the last of its memory. */
static void mem_end(void)
{
	*(volatile uint8_t *)boot->mem = 1;
}

static void mem_exec(void)
{
	void (*f)(void) = (void (*)(void))arg_num("addr", 0x60000000);

	f();
}

/* Page tables where there is no memory: the walk itself faults. */
static void mem_cr3(void)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(arg_num("addr", 0x60000000)) : "memory");
	say("still there");
}

static void mem_stack(void)
{
	__asm__ volatile("mov %0, %%rsp; push %%rax; int3" ::"r"(arg_num("addr", 0x60001000)));
}

static void mem_idt(void)
{
	struct {
		uint16_t len;
		uint64_t base;
	} __attribute__((packed)) r = {4095, arg_num("addr", 0x60000000)};

	__asm__ volatile("lidt %0; int3" ::"m"(r));
}

/* Instructions that no device model knows, on trapped addresses. */
static void mem_odd(void)
{
	uint64_t ecam = boot->ecam;

	__asm__ volatile("lock; incl (%0)" ::"r"(ecam) : "memory");
}

static void mem_fpu(void)
{
	__asm__ volatile("fxsave (%0)" ::"r"(boot->ecam) : "memory");
}

static void mem_exec_ecam(void)
{
	void (*f)(void) = (void (*)(void))boot->ecam;

	f();
}

const struct attack attack_mem[] = {
	{"mem-read", mem_read}, {"mem-write", mem_write},
	{"mem-end", mem_end},	{"mem-exec", mem_exec},
	{"mem-cr3", mem_cr3},	{"mem-stack", mem_stack},
	{"mem-idt", mem_idt},	{"mem-odd", mem_odd},
	{"mem-fpu", mem_fpu},	{"mem-exec-ecam", mem_exec_ecam},
	{NULL, NULL},
};
