/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Controls fitted to what a CPU's capability MSRs say: what is there, what is not, what is fixed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/errno.h"
#include "vtx_priv.h"

/* Capability MSRs 480 to 490, as Bochs 2.7 has them for a Skylake-X, and a test's changes. */
static uint64_t msr[0x11];
static bool asked[0x11];

static uint64_t fake_rdmsr(uint32_t n)
{
	assert_in_range(n, 0x480, 0x490);
	asked[n - 0x480] = true;
	return msr[n - 0x480];
}

static int setup(void **state)
{
	static const uint64_t skylake[0x11] = {
		0x00d810000000002b, 0x0000007f00000016, 0xf7f9fffe0401e172, 0x007fffff00036dff,
		0x0000ffff000011ff, 0x00000000600401e0, 0x0000000080000021, 0x00000000ffffffff,
		0x0000000000002000, 0x00000000003727ff, 0x0000000000000034, 0x02177fff00000000,
		0x00000f0106334141, 0x0000007f00000016, 0xf7f9fffe04006172, 0x007fffff00036dfb,
		0x0000ffff000011fb,
	};

	(void)state;
	memcpy(msr, skylake, sizeof(msr));
	memset(asked, 0, sizeof(asked));
	return 0;
}

static int fit(struct vtx_fit *f, const char **why)
{
	struct vtx_caps c;

	*why = NULL;
	vtx_caps_read(&c, fake_rdmsr);
	return vtx_fit(&c, f, why);
}

/* The bit @b of the control MSR @n may no longer be 1; its true form likewise. */
static void take(uint32_t n, uint32_t b)
{
	static const uint8_t true_of[] = {0, 0xd, 0xe, 0xf, 0x10};

	msr[n - 0x480] &= ~((uint64_t)b << 32);
	if (n - 0x480 < ARRAY_SIZE(true_of))
		msr[true_of[n - 0x480]] &= ~((uint64_t)b << 32);
}

static void test_fit_full(void **state)
{
	struct vtx_fit f;
	const char *why;

	(void)state;
	assert_int_equal(fit(&f, &why), 0);
	assert_null(why);
	assert_int_equal(f.caps, VCPU_CAP_TIMER | VCPU_CAP_VAPIC | VCPU_CAP_VID | VCPU_CAP_2M |
					 VCPU_CAP_1G | VCPU_CAP_AD);
	assert_false(f.ctl[VTX_PROC] & (VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE));
	assert_true(f.ctl[VTX_PROC2] & VMX_PROC2_VPID);
	assert_false(f.ctl[VTX_ENTRY] & VMX_ENTRY_LONG);
}

/* Whatever the CPU says: bits that must be 1 are, bits that must be 0 are, or the fit fails. */
static void test_fit_stays_within_random_capabilities(void **state)
{
	uint64_t seed = 3;
	int good = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct vtx_caps c;
		struct vtx_fit f;
		const char *why = NULL;

		setup(NULL);
		for (int j = i % 4; j; j--) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			msr[seed >> 32 & 15] ^= BIT64(seed >> 40 & 63);
		}
		vtx_caps_read(&c, fake_rdmsr);
		if (vtx_fit(&c, &f, &why)) {
			assert_non_null(why);
			continue;
		}
		good++;
		for (size_t k = 0; k < VTX_CTLS; k++) {
			uint32_t on = (uint32_t)c.ctl[k], may = (uint32_t)(c.ctl[k] >> 32);

			assert_int_equal(f.ctl[k] & ~may, 0);
			/* Optional pieces are only taken away together with what needs them. */
			if (k != VTX_PROC2)
				assert_int_equal(on & may & ~f.ctl[k], 0);
		}
	}
	assert_true(good > 5000);
}

static void test_fit_without_true_controls(void **state)
{
	struct vtx_fit f;
	const char *why;

	(void)state;
	msr[0] &= ~VMX_BASIC_TRUE;
	/* Then CR3 accesses must exit, which this driver cannot have. */
	assert_int_equal(fit(&f, &why), -EOPNOTSUPP);
	assert_non_null(strstr(why, "CR3"));
	assert_false(asked[0xd] || asked[0xe] || asked[0xf] || asked[0x10]);
}

static void test_fit_refuses_what_lacks_a_must(void **state)
{
	static const struct {
		uint32_t msr, bit;
		const char *word;
	} cases[] = {
		{VMX_MSR_PIN, VMX_PIN_IRQ, "interrupts"},
		{VMX_MSR_PIN, VMX_PIN_VIRTUAL_NMI, "NMI"},
		{VMX_MSR_PROC, VMX_PROC_PROC2, "secondary"},
		{VMX_MSR_PROC, VMX_PROC_TPR_SHADOW, "TPR"},
		{VMX_MSR_PROC, VMX_PROC_MSR_BITMAP, "MSR"},
		{VMX_MSR_PROC2, VMX_PROC2_EPT, "extended page tables"},
		{VMX_MSR_PROC2, VMX_PROC2_UNRESTRICTED, "unrestricted"},
		{VMX_MSR_EXIT, VMX_EXIT_LOAD_EFER, "EFER"},
		{VMX_MSR_ENTRY, VMX_ENTRY_LOAD_PAT, "PAT"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vtx_fit f;
		const char *why;

		setup(NULL);
		take(cases[i].msr, cases[i].bit);
		assert_int_equal(fit(&f, &why), -EOPNOTSUPP);
		assert_non_null(strstr(why, cases[i].word));
	}
}

static void test_fit_refuses_ept_without_invept(void **state)
{
	struct vtx_fit f;
	const char *why;

	(void)state;
	msr[0xc] &= ~VMX_EPT_VPID_INVEPT;
	assert_int_equal(fit(&f, &why), -EOPNOTSUPP);
	assert_non_null(strstr(why, "INVEPT"));
}

static void test_fit_does_without_options(void **state)
{
	static const struct {
		uint32_t msr, bit, caps_lost;
	} cases[] = {
		{VMX_MSR_PIN, VMX_PIN_TIMER, VCPU_CAP_TIMER},
		{VMX_MSR_PROC2, VMX_PROC2_VID, VCPU_CAP_VID},
		{VMX_MSR_PROC2, VMX_PROC2_APIC_REGS, VCPU_CAP_VAPIC | VCPU_CAP_VID},
		{VMX_MSR_PROC2, VMX_PROC2_APIC_ACCESS, VCPU_CAP_VAPIC | VCPU_CAP_VID},
		{VMX_MSR_EXIT, VMX_EXIT_ACK_IRQ, VCPU_CAP_VID},
		{VMX_MSR_PROC2, VMX_PROC2_PAUSE_LOOP, 0},
		{VMX_MSR_PROC2, VMX_PROC2_RDTSCP, 0},
	};
	struct vtx_fit full, f;
	const char *why;

	(void)state;
	assert_int_equal(fit(&full, &why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		setup(NULL);
		take(cases[i].msr, cases[i].bit);
		assert_int_equal(fit(&f, &why), 0);
		assert_int_equal(f.caps, full.caps & ~cases[i].caps_lost);
		if (!(f.caps & VCPU_CAP_VAPIC))
			assert_false(f.ctl[VTX_PROC2] &
				     (VMX_PROC2_APIC_ACCESS | VMX_PROC2_APIC_REGS | VMX_PROC2_VID));
	}
	setup(NULL);
	msr[0xc] &= ~(VMX_EPT_VPID_INVVPID | VMX_EPT_VPID_AD | VMX_EPT_VPID_1G);
	assert_int_equal(fit(&f, &why), 0);
	assert_false(f.ctl[VTX_PROC2] & VMX_PROC2_VPID);
	assert_int_equal(f.caps, full.caps & ~(uint32_t)(VCPU_CAP_AD | VCPU_CAP_1G));
}

/* The core may do without what the CPU has. */
static void test_limit(void **state)
{
	struct vtx_fit f;
	const char *why;

	(void)state;
	assert_int_equal(fit(&f, &why), 0);
	vtx_limit(&f, f.caps & ~(uint32_t)VCPU_CAP_VID);
	assert_false(f.caps & VCPU_CAP_VID);
	assert_int_equal(f.ctl[VTX_PROC2] & (VMX_PROC2_VID | VMX_PROC2_APIC_REGS),
			 VMX_PROC2_APIC_REGS);
	vtx_limit(&f, VCPU_CAP_VID);
	assert_int_equal(f.caps, 0);
	assert_false(f.ctl[VTX_PROC2] & (VMX_PROC2_APIC_REGS | VMX_PROC2_APIC_ACCESS));
	assert_false(f.ctl[VTX_PIN] & VMX_PIN_TIMER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fit_full, setup),
		cmocka_unit_test_setup(test_fit_stays_within_random_capabilities, setup),
		cmocka_unit_test_setup(test_fit_without_true_controls, setup),
		cmocka_unit_test_setup(test_fit_refuses_what_lacks_a_must, setup),
		cmocka_unit_test_setup(test_fit_refuses_ept_without_invept, setup),
		cmocka_unit_test_setup(test_fit_does_without_options, setup),
		cmocka_unit_test_setup(test_limit, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
