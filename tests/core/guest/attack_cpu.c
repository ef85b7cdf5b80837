/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Attacks with instructions: VMX, SVM and SMM, MSRs, ports, control registers, storms, endings. */
#include "attack.h"

#define INSN(name, text)                                                                         \
	static void name(void *ctx)                                                              \
	{                                                                                        \
		uint64_t page = 0x2000;                                                          \
                                                                                                 \
		(void)ctx;                                                                       \
		__asm__ volatile(text ::"m"(page), "a"(&page), "c"(0), "d"(0) : "memory", "cc"); \
	}
INSN(i_vmxon, "vmxon %0")
INSN(i_vmclear, "vmclear %0")
INSN(i_vmptrld, "vmptrld %0")
INSN(i_vmptrst, "vmptrst %0")
INSN(i_vmlaunch, "vmlaunch")
INSN(i_vmresume, "vmresume")
INSN(i_vmxoff, "vmxoff")
INSN(i_vmread, "vmread %%rcx, %%rdx")
INSN(i_vmwrite, "vmwrite %%rcx, %%rdx")
INSN(i_invept, "invept %0, %%rcx")
INSN(i_invvpid, "invvpid %0, %%rcx")
INSN(i_vmfunc, ".byte 0x0f, 0x01, 0xd4")
INSN(i_vmrun, "vmrun")
INSN(i_vmload, "vmload")
INSN(i_vmsave, "vmsave")
INSN(i_stgi, "stgi")
INSN(i_clgi, "clgi")
INSN(i_skinit, ".byte 0x0f, 0x01, 0xde")
INSN(i_invlpga, ".byte 0x0f, 0x01, 0xdf")
INSN(i_rsm, "rsm")
INSN(i_getsec, ".byte 0x0f, 0x37")
INSN(i_monitor, "monitor")
INSN(i_mwait, "mwait")
INSN(i_xsetbv, "xsetbv")
INSN(i_rdpmc, "rdpmc")
INSN(i_hvcall, ".byte 0x0f, 0x01, 0xc0")
INSN(i_encls, ".byte 0x0f, 0x01, 0xcf")
INSN(i_enclu, ".byte 0x0f, 0x01, 0xd7")
INSN(i_pconfig, ".byte 0x0f, 0x01, 0xc5")
INSN(i_rdpkru, ".byte 0x0f, 0x01, 0xee")
INSN(i_xsetbv_1, "mov $1, %%ecx; mov $1, %%eax; xsetbv")
INSN(i_xgetbv_9, "mov $9, %%ecx; xgetbv")
INSN(i_umwait, ".byte 0xf2, 0x0f, 0xae, 0xf1")
INSN(i_rdpru, ".byte 0x0f, 0x01, 0xfd")
INSN(i_mcommit, ".byte 0xf3, 0x0f, 0x01, 0xfa")
INSN(i_invlpgb, ".byte 0x0f, 0x01, 0xfe")
INSN(i_tlbsync, ".byte 0x0f, 0x01, 0xff")
INSN(i_ltr, "ltr %%ax")
INSN(i_cr5, ".byte 0x0f, 0x22, 0xe8") /* to CR5 */
INSN(i_dr4, "mov $0x3408, %%eax; mov %%rax, %%cr4; mov %%db4, %%rax")
INSN(i_cr3, "mov $-1, %%rax; mov %%rax, %%cr3")

/* Each has to end in #UD or #GP; XSETBV of XCR0 = the page's address is #GP. VMCALL may return. */
static void insns(void)
{
	static void (*const all[])(void *) = {
		i_vmxon,   i_vmclear,  i_vmptrld,  i_vmptrst, i_vmlaunch, i_vmresume, i_vmxoff,
		i_vmread,  i_vmwrite,  i_invept,   i_invvpid, i_vmfunc,	  i_vmrun,    i_vmload,
		i_vmsave,  i_stgi,     i_clgi,	   i_skinit,  i_invlpga,  i_rsm,      i_getsec,
		i_monitor, i_mwait,    i_xsetbv,   i_rdpmc,   i_encls,	  i_enclu,    i_pconfig,
		i_rdpkru,  i_xsetbv_1, i_xgetbv_9, i_umwait,  i_rdpru,	  i_mcommit,  i_invlpgb,
		i_tlbsync, i_ltr,      i_cr5,	   i_dr4,     i_cr3,
	};
	unsigned int bad = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		int v = attempt(all[i], NULL);

		/* QEMU's AMD takes some of VT-x's instructions with a memory operand for nothing at
		 * all: no exception, no exit, no effect. */
		if (boot->svm && v < 0 && i < 4)
			continue;
		if (v != 6 && v != 13) {
			say("instruction %u: vector %d", i, v);
			bad++;
		}
	}
	attempt(i_hvcall, NULL);
	if (bad)
		done(1);
}

static void rd(void *ctx)
{
	uint32_t a, d;

	__asm__ volatile("rdmsr" : "=a"(a), "=d"(d) : "c"(*(uint32_t *)ctx));
}

static void wr(void *ctx)
{
	__asm__ volatile("wrmsr" ::"a"(0xdeadbeef), "d"(0x5a5a5a5a), "c"(*(uint32_t *)ctx));
}

/* Every MSR in the four ranges that have some, and a few outside; those of its own state excepted.
 */
static void msrs(void)
{
	static const struct {
		uint32_t from, to;
	} range[] = {{0, 0x1fff},
		     {0x40000000, 0x400000ff},
		     {0xc0000000, 0xc0001fff},
		     {0xc0010000, 0xc0011fff},
		     {0xffffff00, 0xfffffffe}};
	uint32_t faults = 0, passed = 0;

	for (unsigned int r = 0; r < ARRAY_SIZE(range); r++)
		for (uint32_t m = range[r].from; m <= range[r].to; m++) {
			if (attempt(rd, &m) < 0)
				passed++;
			else
				faults++;
			/* FS, GS and their kin are its own to ruin; the bases hold no noncanonical.
			 */
			if (attempt(wr, &m) < 0)
				passed++;
			else
				faults++;
			if (!(m & 0xff))
				call(GUEST_CALL_BEAT, m);
		}
	say("msrs: %u refused, %u passed", faults, passed);
}

static void ports(void)
{
	for (uint32_t p = 0; p < 0x10000; p++) {
		uint16_t port = (uint16_t)p;
		uint32_t v;

		/* Its own console, and the ports that ask for a reset. */
		if ((p >= 0x3f5 && p <= 0x3ff) || p == 0x64 || p == 0xcf9 || p == 0x92)
			continue;
		__asm__ volatile("inb %1, %b0; inw %1, %w0; inl %1, %0" : "=&a"(v) : "d"(port));
		__asm__ volatile("outb %b0, %1; outw %w0, %1; outl %0, %1" ::"a"(0), "d"(port));
		if (!(p & 0xff))
			call(GUEST_CALL_BEAT, p);
	}
}

static void port_strings(void)
{
	uint64_t di = 0x70000000, cx = 1000000;

	/* INSB to memory that is nobody's, with a count that has no end. */
	__asm__ volatile("rep insb" : "+D"(di), "+c"(cx) : "d"(0x3f8) : "memory");
}

static void cr0_set(void *ctx)
{
	__asm__ volatile("mov %0, %%cr0" ::"r"(*(uint64_t *)ctx) : "memory");
}
static void cr4_set(void *ctx)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(*(uint64_t *)ctx) : "memory");
}
static void xcr_set(void *ctx)
{
	uint64_t v = *(uint64_t *)ctx;

	__asm__ volatile("xsetbv" ::"a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(0));
}
static void efer_set(void *ctx)
{
	uint64_t v = *(uint64_t *)ctx;

	__asm__ volatile("wrmsr" ::"a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(0xc0000080));
}

/* Every bit of CR0, CR4, XCR0 and EFER by itself; those that end 64-bit mode are left alone. */
static void crs(void)
{
	uint64_t cr0, cr4, efer_lo, efer_hi, v;
	unsigned int took[4] = {0};

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("rdmsr" : "=a"(efer_lo), "=d"(efer_hi) : "c"(0xc0000080));
	for (unsigned int b = 0; b < 64; b++) {
		v = cr0 ^ BIT64(b);
		if (b != 0 && b != 31)
			took[0] += attempt(cr0_set, &v) < 0;
		attempt(cr0_set, &cr0);
		v = cr4 ^ BIT64(b);
		if (b != 5 && b != 12)
			took[1] += attempt(cr4_set, &v) < 0;
		attempt(cr4_set, &cr4);
		v = (efer_lo | efer_hi << 32) ^ BIT64(b);
		if (b != 8 && b != 10)
			took[2] += attempt(efer_set, &v) < 0;
		v = efer_lo | efer_hi << 32;
		attempt(efer_set, &v);
		v = 1 | BIT64(b);
		took[3] += attempt(xcr_set, &v) < 0;
	}
	say("bits taken: CR0 %u CR4 %u EFER %u XCR0 %u", took[0], took[1], took[2], took[3]);
	if (cr4 & BIT(13) || took[3] > 4)
		done(1);
}

static void no_idt(void)
{
	struct {
		uint16_t len;
		uint64_t base;
	} __attribute__((packed)) none = {0, 0};

	__asm__ volatile("lidt %0" ::"m"(none));
}

static void triple(void)
{
	no_idt();
	__asm__ volatile("ud2");
}

/* What comes to it, it cannot take. */
static void deaf(void)
{
	no_idt();
	for (;;)
		__asm__ volatile("");
}

static volatile uint32_t *const apic = (volatile uint32_t *)0xfee00000;

static void nmi_storm(void)
{
	apic[0xf0 / 4] = 0x1ff;
	for (unsigned int i = 0; i < 20000; i++)
		apic[0x300 / 4] = 0x44400; /* NMI to itself */
	call(GUEST_CALL_BEAT, irq_count[2]);
}

static void mc(void *ctx)
{
	(void)ctx;
	__asm__ volatile("int $18");
}

static void int_mc(void)
{
	for (unsigned int i = 0; i < 20000; i++)
		attempt(mc, NULL);
}

/* An exception whose delivery raises it again, for ever: the gate's stack is not aligned, AC is on.
 */
static void db_loop(void)
{
	uint64_t v = 0x2400;

	/* A data breakpoint on the stack that #DB itself pushes to. */
	__asm__ volatile("mov %%rsp, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%db0" ::"r"((v - 0x100) & ~7ull));
	__asm__ volatile("mov %0, %%db7" ::"r"(0xd0303ull));
	for (uint64_t i = 0; i < 100000; i++)
		__asm__ volatile("int3" ::: "memory");
}

static void ud2(void *ctx)
{
	(void)ctx;
	__asm__ volatile("ud2");
}
static void icebp(void *ctx)
{
	(void)ctx;
	__asm__ volatile(".byte 0xf1");
}
static void int3(void *ctx)
{
	(void)ctx;
	__asm__ volatile("int3");
}
static void step(void *ctx)
{
	(void)ctx;
	/* Over what exits, over a shadow, into HLT's neighbour. */
	__asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop" ::: "memory", "cc");
}
static void step_cpuid(void *ctx)
{
	uint32_t a = 0, c = 0;

	(void)ctx;
	__asm__ volatile("pushf; orl $0x100, (%%rsp); popf; cpuid"
			 : "+a"(a), "+c"(c)
			 :
			 : "ebx", "edx", "memory", "cc");
}
static void step_shadow(void *ctx)
{
	(void)ctx;
	__asm__ volatile("mov %%ss, %%eax; pushf; orl $0x100, (%%rsp); popf; mov %%eax, %%ss; "
			 "cpuid" ::
				 : "eax", "ebx", "ecx", "edx", "memory", "cc");
}

/* Traps by all ways there are; each has to come, and to come to the guest. */
static void trap_storm(void)
{
	static const struct {
		void (*fn)(void *);
		int vector;
	} t[] = {{ud2, 6}, {icebp, 1}, {int3, 3}, {step, 1}, {step_cpuid, 1}, {step_shadow, 1}};
	unsigned int bad = 0;

	for (unsigned int i = 0; i < 12000; i++) {
		int v = attempt(t[i % ARRAY_SIZE(t)].fn, NULL);

		if (v != t[i % ARRAY_SIZE(t)].vector && bad++ < 8)
			say("trap %lu: vector %d", i % ARRAY_SIZE(t), v);
	}
	if (bad)
		done(1);
}

/* What asks firmware for a system management interrupt, and what its handler would end with. */
static void smi(void)
{
	apic[0xf0 / 4] = 0x1ff;
	for (unsigned int i = 0; i < 2000; i++) {
		outb(0xb2, (uint8_t)i);
		outb(0xb3, (uint8_t)i);
		apic[0x300 / 4] = 0x44200;
		apic[0x300 / 4] = 0xc0200;
		attempt(i_rsm, NULL);
	}
}

static void uart_flood(void)
{
	for (unsigned int i = 0; i < 3000; i++)
		say("guest victim: stopped: a flood of words");
}

/* Exits without end, each of a kind that is done at once. */
static void exits(void)
{
	for (uint32_t a = 0;; a = 0) {
		uint32_t b, c = 0, d;

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	}
}

/* As above, each with the core's lock. */
static void exits_locked(void)
{
	for (;;)
		(void)inb(0x71);
}

static void asleep(void)
{
	for (;;)
		__asm__ volatile("sti; hlt");
}

static void hlt_storm(void)
{
	apic[0xf0 / 4] = 0x1ff;
	apic[0x3e0 / 4] = 0xb;
	apic[0x320 / 4] = 0x20050; /* periodic */
	apic[0x380 / 4] = 200;
	for (unsigned int i = 0; i < 2000; i++)
		__asm__ volatile("sti; hlt");
}

static void pause_storm(void)
{
	for (uint64_t i = 0; i < 5000000; i++)
		relax();
}

static void hlt_dead(void)
{
	__asm__ volatile("cli; hlt");
}

static void spin(void)
{
	__asm__ volatile("cli");
	for (;;)
		__asm__ volatile("");
}

static void hypercalls(void)
{
	uint64_t x = 88172645463325252u;

	for (unsigned int i = 0; i < 50000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if ((x & 0xff) != GUEST_CALL_DONE)
			call((enum guest_call)(i & 1 ? x : x & 0xff), x >> 8);
	}
}

static void timer_storm(void)
{
	apic[0xf0 / 4] = 0x1ff;
	apic[0x3e0 / 4] = 0xb;
	apic[0x320 / 4] = 0x20050;
	apic[0x380 / 4] = 1; /* the shortest period there is */
	__asm__ volatile("sti");
	for (uint64_t end = tsc() + ms(50); tsc() < end;)
		relax();
	__asm__ volatile("cli");
	say("timer storm: %lu interrupts", irq_count[0x50]);
}

static void apic_fuzz(void)
{
	uint64_t x = 362436069362436069u;

	for (unsigned int i = 0; i < 20000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		/* No INIT to itself: that ends the try. */
		if ((x & 0xff0) != 0x300)
			apic[(x & 0xff0) / 4] = (uint32_t)(x >> 20);
		(void)apic[(x >> 12 & 0xff0) / 4];
	}
}

static void cpuids(void)
{
	for (uint32_t l = 0; l < 0x60; l++)
		for (uint32_t hi = 0; hi < 4; hi++)
			for (uint32_t s = 0; s < 16; s++) {
				uint32_t a = l | hi << 30, b, c = s, d;

				__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
			}
}

static void wbinvds(void)
{
	for (unsigned int i = 0; i < 2000; i++)
		__asm__ volatile("wbinvd" ::: "memory");
}

const struct attack attack_cpu[] = {
	{"insns", insns},
	{"msrs", msrs},
	{"ports", ports},
	{"port-strings", port_strings},
	{"crs", crs},
	{"triple", triple},
	{"deaf", deaf},
	{"nmi-storm", nmi_storm},
	{"int-mc", int_mc},
	{"db-loop", db_loop},
	{"hlt-storm", hlt_storm},
	{"pause-storm", pause_storm},
	{"hlt-dead", hlt_dead},
	{"spin", spin},
	{"hypercalls", hypercalls},
	{"timer-storm", timer_storm},
	{"apic-fuzz", apic_fuzz},
	{"cpuids", cpuids},
	{"wbinvds", wbinvds},
	{"trap-storm", trap_storm},
	{"smi", smi},
	{"uart-flood", uart_flood},
	{"exits", exits},
	{"exits-locked", exits_locked},
	{"asleep", asleep},
	{NULL, NULL},
};
