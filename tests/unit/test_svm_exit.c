/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Exits as a VMCB has them decoded; the instruction read through a guest's tables; events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "svm_priv.h"

#define RAM   0x10000u
#define CODE  0x3000u
#define LIN   UINT64_C(0x4000)
#define USED  (X86_PTE_P | X86_PTE_W)
#define ERROR SVM_EVENT_ERROR

static struct svm_vcpu s;
static struct svm_vmcb vmcb;
static uint8_t *ram;
static uint8_t apic[VCPU_PAGE] __attribute__((aligned(8)));

static void *page(void *ctx)
{
	void *p;

	(void)ctx;
	return posix_memalign(&p, 4096, 4096) ? NULL : memset(p, 0, 4096);
}

static void page_free(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

static const struct vcpu_mem mem = {page, page_free, NULL};
static const struct vcpu_ops ops = {.get = svm_get};
static struct vcpu_space space;

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	memset(&vmcb, 0, sizeof(vmcb));
	memset(apic, 0, sizeof(apic));
	s.vmcb = &vmcb;
	s.v.ops = &ops;
	s.v.space = &space;
	s.apic = apic;
	s.cr4_allowed = X86_CR4_PAE | X86_CR4_PSE | X86_CR4_MCE | X86_CR4_OSXSAVE | X86_CR4_PCIDE;
	if (posix_memalign((void **)&ram, 4096, RAM) ||
	    vcpu_space_init(&space, &svm_format, &mem, 0))
		return -1;
	memset(ram, 0, RAM);
	return vcpu_map(&space, 0, (uintptr_t)ram, RAM, VCPU_R | VCPU_W | VCPU_X, VCPU_WB);
}

static int teardown(void **state)
{
	(void)state;
	vcpu_space_fini(&space);
	free(ram);
	return 0;
}

/* In 64-bit mode with @code at LIN, which is the page CODE; its second page is not mapped. */
static void long_mode(const void *code, size_t len)
{
	uint64_t *t = (uint64_t *)(void *)(ram + 0x5000);

	svm_start(&s.v, &(struct vcpu_start){.rip = LIN, .cr3 = 0x5000});
	t[0] = 0x6000 | USED;
	t[512] = 0x7000 | USED;
	t[1024] = 0x8000 | USED;
	t[1536 + (LIN >> 12)] = CODE | USED | X86_PTE_NX;
	memcpy(ram + CODE, code, len);
}

static struct vcpu_exit decode(uint64_t code, uint64_t info1, uint64_t info2)
{
	struct vcpu_exit e = {0};

	vmcb.exit_code = code;
	vmcb.exit_info1 = info1;
	vmcb.exit_info2 = info2;
	svm_decode(&s, &e);
	assert_true(e.reason < VCPU_REASONS);
	assert_true(e.kind < VCPU_EXIT_KINDS);
	return e;
}

static void test_msr_map_lets_the_guests_own_through(void **state)
{
	static const uint32_t own[] = {
		X86_MSR_SYSENTER_CS, X86_MSR_SYSENTER_ESP,   X86_MSR_SYSENTER_EIP, X86_MSR_STAR,
		X86_MSR_LSTAR,	     X86_MSR_CSTAR,	     X86_MSR_FMASK,	   X86_MSR_FS_BASE,
		X86_MSR_GS_BASE,     X86_MSR_KERNEL_GS_BASE, X86_MSR_TSC_AUX};
	static const uint32_t banks[] = {0, 0xc0000000, 0xc0010000};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(banks) * 8192; i++) {
		uint32_t msr = banks[i / 8192] + i % 8192, bits = svm_msrpm[i / 4] >> i % 4 * 2 & 3;
		uint32_t want = msr == X86_MSR_TSC ? 2 : 3;

		for (unsigned int k = 0; k < ARRAY_SIZE(own); k++)
			want = own[k] == msr ? 0 : want;
		assert_int_equal(bits, want);
	}
	for (unsigned int i = 0; i < SVM_IOPM_SIZE; i++)
		assert_int_equal(svm_iopm_closed[i], 0xff);
}

static void test_every_code_decodes_to_something(void **state)
{
	uint8_t hlt = 0xf4;

	(void)state;
	long_mode(&hlt, 1);
	for (uint64_t code = 0; code < 0x500; code++)
		decode(code, UINT64_MAX, UINT64_MAX);
	assert_int_equal(decode(UINT64_MAX, 0, 0).kind, VCPU_EXIT_ENTRY);
	assert_int_equal(decode(UINT32_MAX, 0, 0).kind, VCPU_EXIT_ENTRY);
	assert_int_equal(decode(0x5f, 0, 0).kind, VCPU_EXIT_UNKNOWN);
	assert_non_null(decode(0x8f, 0, 0).why);
	assert_non_null(decode(0xa7, 0, 0).why);
	assert_non_null(decode(SVM_EXIT_FERR, 0, 0).why);
	assert_int_equal(decode(SVM_EXIT_TLBSYNC, 0, 0).kind, VCPU_EXIT_UNDEFINED);
	assert_string_equal(svm_reason_name(decode(SVM_EXIT_NPF, 0, 0).reason), "NPF");
	assert_string_equal(svm_reason_name(decode(SVM_EXIT_INVLPGB, 0, 0).reason), "INVLPGB");
	assert_string_equal(svm_reason_name(VCPU_REASONS), "UNNAMED");
}

static void test_io_is_decoded(void **state)
{
	struct vcpu_exit e;

	(void)state;
	s.v.rip = 0x1000;
	e = decode(SVM_EXIT_IOIO, 0x03f80000 | SVM_IO_INFO_IN | 4 << 4, 0x1002);
	assert_int_equal(e.kind, VCPU_EXIT_IO);
	assert_int_equal(e.io.port, 0x3f8);
	assert_int_equal(e.io.size, 4);
	assert_true(e.io.in && !e.io.string && !e.io.rep);
	assert_int_equal(e.insn_len, 2);
	e = decode(SVM_EXIT_IOIO, 0xffff0000 | SVM_IO_INFO_STRING | SVM_IO_INFO_REP | 1 << 4,
		   0x1003);
	assert_true(!e.io.in && e.io.string && e.io.rep);
	assert_int_equal(decode(SVM_EXIT_IOIO, 0, 0x1010).insn_len, 0);
	assert_int_equal(decode(SVM_EXIT_IOIO, 0, 0xfff).insn_len, 0);
}

static void test_memory_is_decoded(void **state)
{
	struct vcpu_exit e = decode(SVM_EXIT_NPF, 0x100000000, 0xfee00300);

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_MEM);
	assert_int_equal(e.gpa, 0xfee00300);
	assert_int_equal(e.access, VCPU_R);
	assert_int_equal(decode(SVM_EXIT_NPF, SVM_NPF_WRITE, 0).access, VCPU_W);
	assert_int_equal(decode(SVM_EXIT_NPF, SVM_NPF_FETCH, 0).access, VCPU_X);
	assert_int_equal(decode(SVM_EXIT_NPF, SVM_NPF_RESERVED, 0).kind, VCPU_EXIT_MISCONFIG);
}

static void test_privileged_instructions_of_a_user_are_gp(void **state)
{
	uint8_t hlt = 0xf4;

	(void)state;
	long_mode(&hlt, 1);
	vmcb.cr4 |= X86_CR4_OSXSAVE;
	assert_int_equal(decode(SVM_EXIT_XSETBV, 0, 0).kind, VCPU_EXIT_XSETBV);
	vmcb.cpl = 3;
	assert_int_equal(decode(SVM_EXIT_XSETBV, 0, 0).kind, VCPU_EXIT_GP);
	assert_int_equal(decode(SVM_EXIT_MSR, 1, 0).kind, VCPU_EXIT_GP);
	assert_int_equal(decode(SVM_EXIT_CPUID, 0, 0).kind, VCPU_EXIT_CPUID);
}

static void test_next_rip_and_decode_assists_are_used(void **state)
{
	struct vcpu_exit e;

	(void)state;
	s.cpuid = SVM_CPUID_NRIP | SVM_CPUID_DECODE;
	s.v.rip = 0x1000;
	vmcb.next_rip = 0x1004;
	e = decode(SVM_EXIT_CR_WRITE + 4, BIT64(63) | 9, 0);
	assert_int_equal(e.kind, VCPU_EXIT_CR);
	assert_int_equal(e.cr.gpr, 9);
	assert_int_equal(e.insn_len, 4);
	vmcb.next_rip = 0x2000;
	assert_int_equal(decode(SVM_EXIT_CPUID, 0, 0).insn_len, 0);
}

static void test_instructions_are_read_through_the_tables(void **state)
{
	static const uint8_t cr4[] = {0x66, 0x41, 0x0f, 0x22, 0xe7}; /* from R15 */
	static const uint8_t cr8[] = {0xf0, 0x0f, 0x22, 0xc1};	     /* LOCK: CR8 from RCX */
	uint8_t gpr = 0xee;

	(void)state;
	long_mode(cr4, sizeof(cr4));
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	assert_int_equal(gpr, 15);
	assert_int_equal(svm_insn_len(&s, 3), 5);
	assert_int_equal(decode(SVM_EXIT_CR_WRITE + 4, 0, 0).cr.gpr, 15);
	assert_int_equal(decode(SVM_EXIT_CR_WRITE + 3, 0, 0).kind, VCPU_EXIT_UNKNOWN);
	long_mode(cr8, sizeof(cr8));
	s.v.gpr[VCPU_RCX] = 7;
	assert_int_equal(decode(SVM_EXIT_CR_WRITE + 8, 0, 0).kind, VCPU_EXIT_WINDOW);
	assert_int_equal(apic[0x80], 0x70);
	assert_int_equal(s.v.rip, LIN + 4);
	s.v.rip = LIN;
	s.v.gpr[VCPU_RCX] = 16;
	assert_int_equal(decode(SVM_EXIT_CR_WRITE + 8, 0, 0).kind, VCPU_EXIT_GP);
	/* The last byte of the page, and what follows is not there. */
	s.v.rip = LIN + 0xfff;
	ram[CODE + 0xfff] = 0x66;
	assert_int_equal(svm_mov_cr(&s, &gpr), -1);
	assert_int_equal(svm_insn_len(&s, 2), 2);
	memset(ram + CODE, 0x66, 4096);
	s.v.rip = LIN;
	assert_int_equal(svm_insn_len(&s, 2), 2);
}

static void test_tables_that_lead_nowhere_are_survived(void **state)
{
	static const uint64_t evil[] = {0, 0xffffffffffffffff, 0x1000 | USED, 0x8000 | USED,
					0xfffffffff000 | USED};
	uint64_t *t;
	uint8_t gpr;

	(void)state;
	long_mode("\x0f\x22\xe0", 3);
	t = (uint64_t *)(void *)(ram + 0x5000);
	for (unsigned int level = 0; level < 4; level++)
		for (unsigned int i = 0; i < ARRAY_SIZE(evil); i++) {
			uint64_t *e = &t[level * 512 + (level == 3 ? LIN >> 12 : 0)], was = *e;

			*e = evil[i];
			svm_mov_cr(&s, &gpr);
			*e = was;
		}
	for (unsigned int i = 0; i < ARRAY_SIZE(evil); i++) {
		vmcb.cr3 = evil[i];
		svm_mov_cr(&s, &gpr);
	}
	vmcb.cr3 = 0x5000;
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	s.v.rip = UINT64_MAX - 1;
	svm_mov_cr(&s, &gpr);
}

static void test_legacy_paging_and_none(void **state)
{
	uint32_t *t32;
	uint8_t gpr;

	(void)state;
	svm_start(&s.v, &(struct vcpu_start){.real = true, .vector = 3});
	memcpy(ram + CODE, "\x0f\x22\xe0", 3);
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	/* 32 bits: 4 KiB by two levels, then 4 MiB by one. */
	t32 = (uint32_t *)(void *)(ram + 0x5000);
	vmcb.cr0 |= X86_CR0_PE | X86_CR0_PG;
	vmcb.cr4 = X86_CR4_PSE;
	vmcb.cr3 = 0x5000;
	vmcb.cs.base = 0;
	s.v.rip = LIN;
	t32[0] = 0x6000 | USED;
	t32[1024 + (LIN >> 12)] = CODE | USED;
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	t32[0] = 0x0 | USED | X86_PTE_PS;
	s.v.rip = CODE;
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	/* PAE: three levels, the first of four entries. */
	memset(t32, 0, 0x3000);
	vmcb.cr4 = X86_CR4_PAE;
	((uint64_t *)(void *)(ram + 0x5020))[0] = 0x6000 | X86_PTE_P;
	((uint64_t *)(void *)(ram + 0x6000))[0] = 0x7000 | USED;
	((uint64_t *)(void *)(ram + 0x7000))[LIN >> 12] = CODE | USED;
	vmcb.cr3 = 0x5020;
	s.v.rip = LIN;
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	/* The first level has no pages of its own: the bit that says so elsewhere is reserved. */
	((uint64_t *)(void *)(ram + 0x5020))[0] |= X86_PTE_PS;
	assert_int_equal(svm_mov_cr(&s, &gpr), 4);
	/* Tables in a device's page, or behind all memory, are not read. */
	vmcb.cr3 = RAM;
	assert_int_equal(svm_mov_cr(&s, &gpr), -1);
	assert_int_equal(vcpu_map(&space, RAM, (uintptr_t)ram + 0x5000, 0x1000, VCPU_R, VCPU_UC),
			 0);
	vmcb.cr3 = RAM + 0x20;
	assert_int_equal(svm_mov_cr(&s, &gpr), -1);
}

static uint32_t after_exit(uint32_t exit_int)
{
	vmcb.exit_code = SVM_EXIT_NPF;
	vmcb.exit_int = exit_int;
	vmcb.exit_int_error = 0x77;
	svm_event_exit(&s);
	return vmcb.event;
}

static void test_what_an_exit_cut_off_comes_again(void **state)
{
	const uint32_t v = SVM_EVENT_VALID;

	(void)state;
	assert_int_equal(after_exit(v | 0x80), v | 0x80);
	assert_int_equal(vmcb.event_error, 0x77);
	assert_int_equal(after_exit(v | ERROR | 3 << 8 | 14), v | ERROR | 3 << 8 | 14);
	assert_int_equal(after_exit(v | 2 << 8 | 2), v | 2 << 8 | 2);
	assert_int_equal(after_exit(v | 4 << 8 | 0x80), 0);	   /* INT n */
	assert_int_equal(after_exit(v | 3 << 8 | X86_VEC_BP), 0);  /* INT3 */
	assert_int_equal(after_exit(v | 3 << 8 | 0x80), v | 0x80); /* QEMU's interrupt */
	assert_int_equal(after_exit(0x80), 0);
}

static void test_injected_events_have_the_hardware_form(void **state)
{
	(void)state;
	vmcb.cr0 = X86_CR0_PE;
	svm_inject(&s.v, X86_VEC_GP, 0x10);
	assert_int_equal(vmcb.event, SVM_EVENT_VALID | ERROR | 3 << 8 | 13);
	assert_int_equal(vmcb.event_error, 0x10);
	svm_inject(&s.v, X86_VEC_UD, 5);
	assert_int_equal(vmcb.event, SVM_EVENT_VALID | 3 << 8 | 6);
	vmcb.cr0 = 0;
	svm_inject(&s.v, X86_VEC_GP, 0x10);
	assert_int_equal(vmcb.event, SVM_EVENT_VALID | 3 << 8 | 13);
	assert_false(svm_can_irq(&s.v));
	vmcb.event = 0;
	s.v.rflags = X86_RFLAGS_IF;
	assert_true(svm_can_irq(&s.v));
	vmcb.int_state = SVM_SHADOW;
	assert_false(svm_can_irq(&s.v));
	svm_skip(&s.v, &(struct vcpu_exit){.insn_len = 2});
	assert_true(svm_can_irq(&s.v));
	s.v.rflags |= X86_RFLAGS_TF;
	svm_skip(&s.v, &(struct vcpu_exit){.insn_len = 2});
	assert_int_equal(vmcb.event, SVM_EVENT_VALID | 3 << 8 | X86_VEC_DB);
}

static void test_registers_refuse_what_the_cpu_would(void **state)
{
	static const struct {
		enum vcpu_reg r;
		uint64_t val;
	} bad[] = {
		{VCPU_CR0, X86_CR0_NW | X86_CR0_PE},
		{VCPU_CR0, X86_CR0_PG},
		{VCPU_CR0, BIT64(32)},
		{VCPU_CR3, BIT64(60)},
		{VCPU_CR4, X86_CR4_VMXE | X86_CR4_PAE},
		{VCPU_CR4, 0},
		{VCPU_EFER, X86_EFER_SVME | X86_EFER_LME},
		{VCPU_EFER, 0},
		{VCPU_DR7, BIT64(32)},
		{VCPU_PAT, 0x0200},
		{VCPU_PAT, 0x0800},
		{VCPU_GS_BASE, BIT64(47)},
		{VCPU_SYSENTER_EIP, BIT64(63)},
		{VCPU_REGS, 0},
	};

	(void)state;
	long_mode("", 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t before = svm_get(&s.v, bad[i].r);

		assert_int_not_equal(svm_set(&s.v, bad[i].r, bad[i].val), 0);
		assert_int_equal(svm_get(&s.v, bad[i].r), before);
	}
	/* Machine checks stay on. */
	assert_int_equal(svm_set(&s.v, VCPU_CR4, X86_CR4_PAE), 0);
	assert_int_equal(svm_get(&s.v, VCPU_CR4), X86_CR4_PAE | X86_CR4_MCE);
	assert_int_equal(svm_set(&s.v, VCPU_EFER, X86_EFER_LME | X86_EFER_SCE), 0);
	assert_int_equal(svm_get(&s.v, VCPU_EFER), X86_EFER_LME | X86_EFER_SCE | X86_EFER_LMA);
	assert_int_equal(svm_set(&s.v, VCPU_GS_BASE, UINT64_C(0xffff800000000000)), 0);
	assert_int_equal(svm_set(&s.v, VCPU_SS_ATTR, 0xc0f3), 0);
	assert_int_equal(svm_get(&s.v, VCPU_SS_ATTR), 0xc0f3);
	assert_int_equal(vmcb.ss.attr, 0xcf3);
	assert_int_equal(vmcb.cpl, 3);
	assert_null(svm_state_fault(&s));
}

static void test_state_faults_are_named(void **state)
{
	(void)state;
	long_mode("", 0);
	assert_null(svm_state_fault(&s));
	vmcb.efer &= ~X86_EFER_SVME;
	assert_non_null(svm_state_fault(&s));
	vmcb.efer |= X86_EFER_SVME;
	vmcb.cr0 |= X86_CR0_NW;
	assert_non_null(svm_state_fault(&s));
	vmcb.cr0 &= ~X86_CR0_NW;
	vmcb.cs.attr |= SVM_ATTR_DB;
	assert_non_null(svm_state_fault(&s));
	vmcb.cs.attr &= (uint16_t)~SVM_ATTR_DB;
	vmcb.event = SVM_EVENT_VALID | 1 << 8;
	assert_non_null(svm_state_fault(&s));
	vmcb.event = SVM_EVENT_VALID | 3 << 8 | 2;
	assert_non_null(svm_state_fault(&s));
	vmcb.event = SVM_EVENT_VALID | 3 << 8 | 32;
	assert_non_null(svm_state_fault(&s));
	vmcb.event = 0;
	vmcb.cr4 = 0;
	assert_non_null(svm_state_fault(&s));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_msr_map_lets_the_guests_own_through),
		TEST(test_every_code_decodes_to_something),
		TEST(test_io_is_decoded),
		TEST(test_memory_is_decoded),
		TEST(test_privileged_instructions_of_a_user_are_gp),
		TEST(test_next_rip_and_decode_assists_are_used),
		TEST(test_instructions_are_read_through_the_tables),
		TEST(test_tables_that_lead_nowhere_are_survived),
		TEST(test_legacy_paging_and_none),
		TEST(test_what_an_exit_cut_off_comes_again),
		TEST(test_injected_events_have_the_hardware_form),
		TEST(test_registers_refuse_what_the_cpu_would),
		TEST(test_state_faults_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
