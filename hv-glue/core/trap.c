/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Descriptor tables of each CPU, and what comes through them: interrupts go on to apic.c (below 32,
 * too, where interrupts are let in: stubs.S), an NMI is counted, a machine check is mce.c's, any
 * other exception is the core's own mistake and its end. */
#include "boot.h"
#include "glue/cpu.h"
#include "hw/x86.h"

/* As stubs.S leaves it. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

extern const uint8_t trap_stubs[256][16], irq_window_at[], cpu_halt_at[];
void trap_entry(const struct trap_frame *f);

struct gate {
	uint16_t low, selector, type, mid;
	uint32_t high, rest;
};
#define GATE_INTERRUPT 0x8e00 /* present, 64-bit interrupt gate; IST in bits 2:0, SDM 3A 6.14.1 */

static struct gate idt[256];
static uint64_t nmis[CORE_CPUS];

static const char *const names[] = {
	"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "?",   "#TS",
	"#NP", "#SS", "#GP", "#PF", "?",   "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
};

static void idt_init(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(idt); i++) {
		uintptr_t at = (uintptr_t)trap_stubs[i];
		unsigned int ist = i == X86_VEC_NMI ? 1 : i == X86_VEC_DF ? 2 : 0;

		ist = i == X86_VEC_MC ? 3 : ist;
		idt[i] = (struct gate){
			.low = (uint16_t)at,
			.selector = SEL_CODE,
			.type = (uint16_t)(GATE_INTERRUPT | ist),
			.mid = (uint16_t)(at >> 16),
			.high = (uint32_t)(at >> 32),
		};
	}
}

void trap_init(struct core_cpu *cpu)
{
	uint8_t *area = core_areas[cpu->id];
	uint64_t *gdt = (uint64_t *)(void *)(area + AREA_GDT), tss = (uintptr_t)area + AREA_TSS;
	uint32_t *t = (uint32_t *)(void *)(area + AREA_TSS);
	struct cpu_table g = {.limit = 5 * 8 - 1, .base = (uintptr_t)gdt};
	struct cpu_table i = {.limit = sizeof(idt) - 1, .base = (uintptr_t)idt};

	if (!cpu->id)
		idt_init();
	gdt[SEL_CODE / 8] = UINT64_C(0x00af9b000000ffff);
	gdt[SEL_DATA / 8] = UINT64_C(0x00cf93000000ffff);
	gdt[SEL_TSS / 8] =
		UINT64_C(0x0000890000000067) | (tss & 0xffffff) << 16 | (tss & 0xff000000) << 32;
	gdt[SEL_TSS / 8 + 1] = tss >> 32;
	/* IST 1 to 3 from byte 36, the I/O map's place at 102: none. SDM 3A 8.7. */
	t[9] = (uint32_t)(uintptr_t)area + AREA_IST1;
	t[11] = (uint32_t)(uintptr_t)area + AREA_IST2;
	t[13] = (uint32_t)(uintptr_t)area + AREA_IST3;
	t[25] = 104u << 16;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(g), "m"(i), "r"(SEL_TSS) : "memory");
	cpu->self = cpu;
	cpu_wrmsr(X86_MSR_GS_BASE, (uintptr_t)cpu);
	mce_init();
}

/* Compiled without frame pointers: what looks like a return address on the stack is shown. */
static void backtrace(uint64_t rsp, const uint8_t *area)
{
	const uint64_t *p = (const uint64_t *)(uintptr_t)(rsp & ~UINT64_C(7));
	const uint64_t *top = (const uint64_t *)(const void *)(area + AREA_STACK);
	unsigned int shown = 0;

	if (rsp < (uintptr_t)area + VCPU_PAGE || rsp >= (uintptr_t)top)
		return;
	for (; p < top && shown < 12; p++)
		if (*p > (uintptr_t)core_image && *p < (uintptr_t)core_text_end) {
			core_log(OS_LOG_ERR, "  on the stack: %lx", (unsigned long)*p);
			shown++;
		}
}

static _Noreturn void die(const struct trap_frame *f)
{
	static bool dying[CORE_CPUS];
	const struct core_cpu *cpu = this_cpu();
	unsigned long v[] = {f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp, f->r8,
			     f->r9,  f->r10, f->r11, f->r12, f->r13, f->r14, f->r15, cpu_cr2()};

	if (dying[cpu->id]) /* once more, on the way out */
		core_end(3);
	dying[cpu->id] = true;
	/* It may have happened within the log itself. */
	smp_stop();
	log_break();
	core_log(OS_LOG_ERR,
		 "core: exception %lu (%s) on CPU %u, error code %lx: a fault in the core",
		 (unsigned long)f->vector, f->vector < ARRAY_SIZE(names) ? names[f->vector] : "?",
		 cpu->id, (unsigned long)f->error);
	core_log(OS_LOG_ERR, "  rip %016lx rsp %016lx flags %lx", (unsigned long)f->rip,
		 (unsigned long)f->rsp, (unsigned long)f->rflags);
	core_log(OS_LOG_ERR, "  rax, rbx, rcx, rdx, rsi, rdi, rbp, r8 to r15, cr2:");
	for (unsigned int i = 0; i < ARRAY_SIZE(v); i += 4)
		core_log(OS_LOG_ERR, "  %016lx %016lx %016lx %016lx", v[i], v[i + 1], v[i + 2],
			 v[i + 3]);
	backtrace(f->rsp, core_areas[cpu->id]);
	core_end(3);
}

void trap_entry(const struct trap_frame *f)
{
	bool open = f->rip == (uintptr_t)irq_window_at || f->rip == (uintptr_t)cpu_halt_at;

	/* Without a check in progress the vector is forged, or raised by a mistake. */
	if (f->vector == X86_VEC_MC && mce_here()) {
		(void)mce_take(NULL);
	} else if (f->vector >= VEC_PIC || (open && f->vector != X86_VEC_NMI)) {
		irq_dispatch((int)f->vector);
	} else if (f->vector == X86_VEC_NMI) {
		nmis[this_cpu()->id]++;
		smp_stop_here();
	} else {
		die(f);
	}
}
