/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Machine checks: what the banks say, and whom it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "boot.h"
#include "hw/x86.h"

#define this_cpu()	  (&core.cpu[0])
#define SLUICE_GLUE_CPU_H /* the CPU's instructions are those below */

struct cpu_id {
	uint32_t eax, ebx, ecx, edx;
};

#define BANKS 12u
#define CAP   (X86_MCG_CAP_CTL | BANKS)

static uint32_t features;
static struct {
	uint64_t cap, status, global, ext, feature_control, bank[BANKS][4];
} hw;
static jmp_buf ended;
static char said[4096];

static struct cpu_id cpu_cpuid(uint32_t leaf, uint32_t sub)
{
	assert_int_equal(leaf, 1);
	assert_int_equal(sub, 0);
	return (struct cpu_id){.edx = features};
}

static uint64_t *msr_at(uint32_t msr)
{
	switch (msr) {
	case X86_MSR_MCG_CAP:
		return &hw.cap;
	case X86_MSR_MCG_STATUS:
		return &hw.status;
	case X86_MSR_MCG_CTL:
		return &hw.global;
	case X86_MSR_MCG_EXT_CTL:
		return &hw.ext;
	case X86_MSR_FEATURE_CONTROL:
		return &hw.feature_control;
	default:
		assert_in_range(msr, X86_MSR_MC_CTL(0), X86_MSR_MC_CTL(BANKS) - 1);
		return &hw.bank[(msr - X86_MSR_MC_CTL(0)) / 4][msr % 4];
	}
}

static uint64_t cpu_rdmsr(uint32_t msr)
{
	assert_true(features);
	/* #GP in a CPU that has no address or nothing more to say. */
	if (msr >= X86_MSR_MC_CTL(0) && msr < X86_MSR_MC_CTL(BANKS) && msr % 4 >= 2)
		assert_true(*msr_at(msr - msr % 4 + 1) &
			    (msr % 4 == 2 ? X86_MC_ADDRV : X86_MC_MISCV));
	return *msr_at(msr);
}

static void cpu_wrmsr(uint32_t msr, uint64_t v)
{
	assert_true(features);
	*msr_at(msr) = v;
}

struct core core;

void smp_stop(void)
{
}

void smp_stop_here(void)
{
	longjmp(ended, 1); /* once the core has its end, the next one waits for it here */
}

void log_break(void)
{
}

void core_log(enum os_log_level level, const char *f, ...)
{
	size_t at = strlen(said);
	va_list ap;

	(void)level;
	va_start(ap, f);
	vsnprintf(said + at, sizeof(said) - at, f, ap);
	va_end(ap);
	strcat(said, "\n");
}

_Noreturn void core_end(unsigned int s)
{
	longjmp(ended, (int)s);
}

#include "mce.c"

#define UNCORRECTED (X86_MC_VAL | X86_MC_UC)
static struct guest web = {.cfg.name = "web"};

static int setup(void **state)
{
	(void)state;
	features = X86_CPUID_1_EDX_MCE | X86_CPUID_1_EDX_MCA;
	hw.cap = CAP | X86_MCG_CAP_SER;
	hw.status = X86_MCG_MCIP | X86_MCG_RIPV;
	hw.global = hw.ext = hw.feature_control = 0;
	memset(hw.bank, 0, sizeof(hw.bank));
	memset(m, 0, sizeof(m));
	said[0] = 0;
	return 0;
}

enum { GOES_ON, HIT, ENDS };

/* What comes of @s in bank 3, with @mcg, on a guest or on the core itself. */
static int comes(const struct guest *g, uint64_t s, uint64_t mcg)
{
	setup(NULL);
	hw.bank[3][1] = s;
	hw.status = X86_MCG_MCIP | mcg;
	if (setjmp(ended))
		return ENDS;
	return mce_take(g) ? HIT : GOES_ON;
}

static void test_rule(void **state)
{
	static const struct {
		uint64_t status, mcg;
		int guest, core;
	} rule[] = {
		{0, X86_MCG_RIPV, GOES_ON, GOES_ON}, /* another CPU's */
		{X86_MC_VAL, X86_MCG_RIPV, GOES_ON, GOES_ON},
		{X86_MC_VAL | X86_MC_OVER, X86_MCG_RIPV, GOES_ON, GOES_ON},
		{UNCORRECTED, X86_MCG_RIPV, GOES_ON, GOES_ON}, /* action optional */
		{UNCORRECTED | X86_MC_AR, X86_MCG_RIPV, HIT, ENDS},
		{0, 0, HIT, ENDS},
		{UNCORRECTED, 0, ENDS, ENDS},
		{UNCORRECTED | X86_MC_OVER, X86_MCG_RIPV, ENDS, ENDS},
		{X86_MC_VAL | X86_MC_PCC, X86_MCG_RIPV, ENDS, ENDS},
		{X86_MC_PCC | X86_MC_UC, X86_MCG_RIPV, GOES_ON, GOES_ON}, /* not valid */
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rule); i++) {
		assert_int_equal(comes(&web, rule[i].status, rule[i].mcg), rule[i].guest);
		assert_int_equal(!!hw.status, rule[i].guest == ENDS);
		assert_int_equal(comes(NULL, rule[i].status, rule[i].mcg), rule[i].core);
		assert_int_equal(!!hw.status, rule[i].core == ENDS);
		assert_int_equal(hw.bank[3][1], rule[i].core == ENDS ? rule[i].status : 0);
	}
}

/* The first test: the core has one end, which only the first one speaks of. */
static void test_end_keeps_the_banks(void **state)
{
	(void)state;
	assert_int_equal(comes(&web, UNCORRECTED | X86_MC_PCC, X86_MCG_RIPV), ENDS);
	assert_int_equal(hw.bank[3][1], UNCORRECTED | X86_MC_PCC);
	assert_non_null(strstr(said, "guest web: machine check on CPU 0: bank 3, "));
	assert_non_null(strstr(said, "that it cannot go on from"));
}

/* A CPU that does not tell what may wait from what may not. */
static void test_guest_without_recovery(void **state)
{
	(void)state;
	hw.cap = CAP;
	hw.bank[3][1] = UNCORRECTED;
	assert_true(mce_take(&web));
	assert_int_equal(hw.status, 0);
	hw.status = X86_MCG_MCIP | X86_MCG_RIPV;
	hw.bank[3][1] = UNCORRECTED;
	(void)mce_take(NULL);
	assert_int_equal(hw.status, 0);
}

static void test_report_once(void **state)
{
	(void)state;
	hw.bank[3][1] = X86_MC_VAL | X86_MC_ADDRV;
	hw.bank[3][2] = 0x1234;
	hw.bank[11][1] = X86_MC_VAL | X86_MC_MISCV;
	hw.bank[11][3] = 0x55;
	assert_false(mce_take(&web));
	assert_string_equal(said, "");
	mce_report();
	assert_string_equal(said, "guest web: machine check on CPU 0: bank 3, status "
				  "0x8400000000000000, address 0x1234, misc 0x0, MCG_STATUS 0x5\n"
				  "guest web: machine check on CPU 0: bank 11, status "
				  "0x8800000000000000, address 0x0, misc 0x55, MCG_STATUS 0x5\n");
	said[0] = 0;
	mce_report();
	assert_string_equal(said, "");
}

/* A storm between two reports is cut to what can be kept; afterwards all is as before. */
static void test_storm(void **state)
{
	unsigned int lines = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		hw.status = X86_MCG_MCIP | X86_MCG_RIPV;
		hw.bank[1][1] = X86_MC_VAL;
		assert_false(mce_take(NULL));
	}
	mce_report();
	for (const char *p = said; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, KEPT);
	said[0] = 0;
	hw.status = X86_MCG_MCIP | X86_MCG_RIPV;
	hw.bank[2][1] = X86_MC_VAL;
	assert_false(mce_take(NULL));
	mce_report();
	assert_non_null(strstr(said, "core: machine check on CPU 0: bank 2, "));
}

static void test_init(void **state)
{
	(void)state;
	hw.bank[0][1] = UNCORRECTED | X86_MC_PCC; /* of the last start */
	mce_init();
	assert_int_equal(hw.global, UINT64_MAX);
	for (unsigned int i = 0; i < BANKS; i++) {
		assert_int_equal(hw.bank[i][0], UINT64_MAX);
		assert_int_equal(hw.bank[i][1], 0);
	}
	assert_int_equal(hw.status, 0);
	assert_int_equal(hw.ext, 0);
	mce_report();
	assert_non_null(strstr(said, "on CPU 0, from before the start: bank 0, "));
	hw.cap |= X86_MCG_CAP_LMCE;
	mce_init();
	assert_int_equal(hw.ext, 0);
	hw.feature_control = X86_FEATURE_CONTROL_LOCK | X86_FEATURE_CONTROL_LMCE;
	mce_init();
	assert_int_equal(hw.ext, X86_MCG_EXT_CTL_LMCE);
}

static void test_no_banks(void **state)
{
	(void)state;
	features = 0;
	mce_init();
	assert_false(mce_here());
	assert_true(mce_take(&web));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_end_keeps_the_banks, setup),
		cmocka_unit_test_setup(test_rule, setup),
		cmocka_unit_test_setup(test_guest_without_recovery, setup),
		cmocka_unit_test_setup(test_report_once, setup),
		cmocka_unit_test_setup(test_storm, setup),
		cmocka_unit_test_setup(test_init, setup),
		cmocka_unit_test_setup(test_no_banks, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
