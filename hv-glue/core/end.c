/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's end: refused, by request, or by a fault of its own; the machine is left usable. */
#include "boot.h"
#include "glue/cpu.h"
#include "nic.h"

#define EXIT_PORT  0xf4 /* an emulated machine's; the value is its exit status */
#define RESET_PORT 0xcf9
#define RESET_HARD 0x06
#define KBD_PORT   0x64
#define KBD_RESET  0xfe
#define REFUSED	   1

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

/* Not all machines have both, and a halted one is as good as it gets. */
static _Noreturn void reset(void)
{
	cpu_outb(RESET_PORT, RESET_HARD & ~4);
	cpu_outb(RESET_PORT, RESET_HARD);
	cpu_outb(KBD_PORT, KBD_RESET);
	halt();
}

_Noreturn void core_end(unsigned int status)
{
	static uint32_t ender = UINT32_MAX;
	struct core_cpu *cpu = this_cpu();
	uint32_t first = UINT32_MAX;

	cpu_cli();
	if (__atomic_compare_exchange_n(&ender, &first, cpu->id, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		smp_stop();
		log_break();
		/* Whoever held the lock is halted. After a shut-down the card is quiet already. */
		core_lock_break();
		if (status && core.nic)
			nic_fini();
		if (core.ops && cpu->host.caps)
			core.ops->cpu_off(&cpu->host);
	} else if (first != cpu->id) {
		/* Another CPU is at it, and stops this one. */
		smp_stop_here();
		halt();
	}
	if (!boot_option(&boot, "exit=f4") && !boot_option(&boot, "reboot"))
		core_log(OS_LOG_INFO, "halted: reset the machine, or start it with another entry");
	log_drain(UINT32_MAX);
	serial_flush();
	if (boot_option(&boot, "exit=f4"))
		cpu_outb(EXIT_PORT, (uint8_t)status);
	if (boot_option(&boot, "reboot"))
		reset();
	halt();
}

_Noreturn void core_refuse(const char *f, ...)
{
	char s[256];
	va_list ap;

	va_start(ap, f);
	fmt_v(s, sizeof(s), f, ap);
	va_end(ap);
	core_log(OS_LOG_ERR, "core: refused: %s", s);
	core_end(REFUSED);
}
