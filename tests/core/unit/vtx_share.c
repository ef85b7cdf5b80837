/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: two virtual CPUs take turns on one CPU by the timer, and keep their state apart; what
 * a round trip costs in instructions (the TSC of a one-CPU Bochs counts them). */
#include "unit.h"
#include "vtx.h"

#define SLICE  20000u
#define TURNS  40u
#define ROUNDS 1000u

/* RDI is a number of its own: it goes into every register that a switch has to keep, and is
 * compared for ever; 0 in RBX: all is as it was. */
UNIT_CODE64(holder,
	    "mov %rdi, %rax\n movq %rax, %xmm7\n movq %rax, %xmm15\n"
	    "vpbroadcastq %xmm7, %ymm3\n mov %rax, %dr0\n mov %rax, %cr2\n"
	    "fninit\n mov %rdi, 0x10000\n fildq 0x10000\n"
	    "mov %rdi, %rax\n xor %edx, %edx\n mov $0xc0000081, %ecx\n wrmsr\n"
	    "mov $0xc0000102, %ecx\n wrmsr\n mov $0xc0000103, %ecx\n wrmsr\n mov %rdi, %r15\n"
	    "xor %ebx, %ebx\n xor %r14d, %r14d\n"
	    "1: movq %xmm7, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "movq %xmm15, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "vextracti128 $1, %ymm3, %xmm4\n movq %xmm4, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "mov %dr0, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "mov %cr2, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "mov $0xc0000081, %ecx\n rdmsr\n xor %edi, %eax\n or %rax, %rbx\n"
	    "mov $0xc0000102, %ecx\n rdmsr\n xor %edi, %eax\n or %rax, %rbx\n"
	    "rdtscp\n xor %edi, %ecx\n or %rcx, %rbx\n"
	    "mov %r15, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "fld %st(0)\n fistpq 0x10008\n mov 0x10008, %rax\n xor %rdi, %rax\n or %rax, %rbx\n"
	    "inc %r14\n jmp 1b");
UNIT_CODE64(cpuids, "1: cpuid\n jmp 1b");
UNIT_CODE64(clock, "xor %ebx, %ebx\n 1: inc %rbx\n jmp 1b");

static struct unit_guest a, b;

static void start_holder(struct unit_guest *g, uint64_t number)
{
	unit_code(g, holder, holder_end);
	g->v->gpr[VCPU_RDI] = number;
	if (vtx_ops.set(g->v, VCPU_CR4, X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXSAVE))
		unit_ok(false, "CR4 of a guest with AVX");
}

/* XCR0 is live between run and put: set as the core does at XSETBV. */
static void give_avx(struct unit_guest *g)
{
	vtx_ops.set_timer(g->v, 0);
	unit_run(g);
	cpu_xsetbv(X86_XCR0_X87 | X86_XCR0_SSE | X86_XCR0_AVX);
	vtx_ops.put(g->v);
}

static void test_turns(void)
{
	struct unit_guest *turn[2] = {&a, &b};
	bool timer = true;

	start_holder(&a, 0x1111111111);
	start_holder(&b, 0x2222222222);
	give_avx(&a);
	give_avx(&b);
	for (unsigned int i = 0; i < TURNS; i++) {
		struct unit_guest *g = turn[i & 1];

		vtx_ops.set_timer(g->v, SLICE);
		timer &= unit_run(g).kind == VCPU_EXIT_TIMER;
		vtx_ops.put(g->v);
	}
	unit_ok(timer, "every turn ended by the timer");
	unit_ok(a.v->gpr[VCPU_R14] > 50 && b.v->gpr[VCPU_R14] > 50, "both came on");
	unit_note("rounds of the first", a.v->gpr[VCPU_R14]);
	unit_note("rounds of the other", b.v->gpr[VCPU_R14]);
	unit_eq(a.v->gpr[VCPU_RBX], 0, "the first has its x87, SSE, AVX, debug registers and MSRs");
	unit_eq(b.v->gpr[VCPU_RBX], 0, "so has the other");
	unit_eq(vtx_ops.get(a.v, VCPU_STAR), 0x11111111, "STAR of one that is put");
	unit_eq(vtx_ops.get(b.v, VCPU_KERNEL_GS_BASE), 0x22222222, "KERNEL_GS_BASE likewise");
	unit_eq(vtx_ops.get(b.v, VCPU_CR2), 0x2222222222, "CR2 likewise");
	unit_eq((uint64_t)-vtx_ops.set(a.v, VCPU_FS_BASE, 0x77), 0, "set while the other ...");
	unit_eq(vtx_ops.get(a.v, VCPU_FS_BASE), 0x77, "... is put as well");
}

static void test_timer(void)
{
	struct vcpu_exit e;

	unit_code(&a, clock, clock_end);
	a.v->rflags |= X86_RFLAGS_IF;
	for (uint64_t ticks = 1000; ticks <= 100000; ticks *= 10) {
		uint64_t before = a.v->gpr[VCPU_RBX], t0 = cpu_rdtsc(), ran;

		vtx_ops.set_timer(a.v, ticks);
		e = unit_want(&a, VCPU_EXIT_TIMER, "the timer");
		unit_ok(a.v->tsc_exit - t0 >= ticks && a.v->tsc_exit - t0 < ticks + 400,
			"not early, at most 400 ticks late");
		ran = a.v->gpr[VCPU_RBX] - before;
		unit_note("ticks late", a.v->tsc_exit - t0 - ticks);
		unit_ok(ran > ticks / 8, "and the guest ran meanwhile");
	}
	(void)e;
}

/* get and set of a virtual CPU that is put, while another is loaded on this CPU. */
static void test_foreign(void)
{
	unit_code(&a, cpuids, cpuids_end);
	unit_code(&b, cpuids, cpuids_end);
	unit_want(&a, VCPU_EXIT_CPUID, "one is loaded");
	unit_eq((uint64_t)-vtx_ops.set(b.v, VCPU_GS_BASE, 0x4242), 0, "set of the other");
	unit_eq(vtx_ops.get(b.v, VCPU_GS_BASE), 0x4242, "get of the other");
	unit_eq(vtx_ops.get(a.v, VCPU_GS_BASE), 0, "get of the loaded one");
	vtx_ops.skip(a.v, &(struct vcpu_exit){.insn_len = 2});
	unit_want(&a, VCPU_EXIT_CPUID, "which runs on");
	vtx_ops.put(a.v);
	unit_want(&b, VCPU_EXIT_CPUID, "and the other runs");
	vtx_ops.put(b.v);
}

static void test_cost(void)
{
	struct vcpu_exit e;
	uint64_t before;

	unit_code(&a, cpuids, cpuids_end);
	a.v->rflags |= X86_RFLAGS_IF;
	e = unit_want(&a, VCPU_EXIT_CPUID, "CPUID in a loop");
	before = cpu_rdtsc();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		vtx_ops.skip(a.v, &e);
		vtx_ops.run(a.v, &e);
	}
	before = cpu_rdtsc() - before;
	unit_note("root and guest instructions of a CPUID exit, of which 2 are the guest's",
		  before / ROUNDS);
	unit_ok(before / ROUNDS <= 220, "at most 220, which leaves the core 80");
	vtx_ops.put(a.v);
}

void unit_test(void)
{
	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	unit_guest_make(&a, &vtx_ops, 1, NULL);
	unit_guest_make(&b, &vtx_ops, 2, NULL);
	test_turns();
	test_timer();
	test_foreign();
	test_cost();
	unit_guest_free(&a);
	unit_guest_free(&b);
}
