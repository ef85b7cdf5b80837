/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Exits decoded from what the CPU reports, names of reasons and errors, and explained entries. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vtx_priv.h"

/* run.S is no code for a hosted program. */
int vtx_enter(struct vcpu *v, bool launched)
{
	(void)v;
	(void)launched;
	fail();
	return 0;
}

void vtx_exit(void)
{
	fail();
}

static struct vcpu_exit decode(struct vtx_raw raw)
{
	struct vcpu_exit e = {0};

	vtx_decode(&raw, &e);
	return e;
}

static void test_decode_io(void **state)
{
	struct vcpu_exit e = decode((struct vtx_raw){
		.reason = VMX_REASON_IO, .length = 2, .qualification = 0x03f80000 | 0x38 | 1});

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_IO);
	assert_int_equal(e.insn_len, 2);
	assert_int_equal(e.io.port, 0x3f8);
	assert_int_equal(e.io.size, 2);
	assert_true(e.io.in && e.io.string && e.io.rep);
	e = decode((struct vtx_raw){.reason = VMX_REASON_IO, .qualification = 0xffff0003});
	assert_int_equal(e.io.port, 0xffff);
	assert_int_equal(e.io.size, 4);
	assert_false(e.io.in || e.io.string || e.io.rep);
}

static void test_decode_cr(void **state)
{
	struct vcpu_exit e =
		decode((struct vtx_raw){.reason = VMX_REASON_CR, .qualification = 0x0f04});

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_CR);
	assert_true(e.cr.n == 4 && e.cr.gpr == VCPU_R15 && e.cr.write);
	e = decode((struct vtx_raw){.reason = VMX_REASON_CR, .qualification = 0x0313});
	assert_true(e.cr.n == 3 && e.cr.gpr == VCPU_RBX && !e.cr.write);
	e = decode((struct vtx_raw){.reason = VMX_REASON_CR, .qualification = 0x20});
	assert_true(e.cr.n == 0 && e.cr.gpr == 0xff && e.cr.write);
	e = decode((struct vtx_raw){.reason = VMX_REASON_CR, .qualification = 0xabcd0030});
	assert_true(e.cr.gpr == 0xfe && e.cr.value == 0xabcd && e.cr.write);
}

static void test_decode_memory(void **state)
{
	struct vtx_raw raw = {
		.reason = VMX_REASON_EPT_VIOLATION, .qualification = 0x82, .phys = 0xfeb00004};
	struct vcpu_exit e = decode(raw);

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_MEM);
	assert_int_equal(e.gpa, 0xfeb00004);
	assert_int_equal(e.access, VCPU_W);
	raw.qualification = 4;
	e = decode(raw);
	assert_int_equal(e.access, VCPU_X);
	e = decode((struct vtx_raw){.reason = VMX_REASON_EPT_MISCONFIG, .phys = 0x1000});
	assert_int_equal(e.kind, VCPU_EXIT_MISCONFIG);
	assert_int_equal(e.gpa, 0x1000);
}

static void test_decode_apic(void **state)
{
	struct vcpu_exit e = decode((struct vtx_raw){
		.reason = VMX_REASON_APIC_WRITE, .qualification = 0x300, .length = 7});

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_APIC_WRITE);
	assert_int_equal(e.gpa, 0x300);
	assert_int_equal(e.access, VCPU_W);
	assert_int_equal(e.insn_len, 0); /* nothing to skip */
	e = decode((struct vtx_raw){.reason = VMX_REASON_APIC_ACCESS, .qualification = 0x2fff});
	assert_int_equal(e.gpa, 0xfff);
	assert_int_equal(e.access, VCPU_X);
	e = decode((struct vtx_raw){.reason = VMX_REASON_EOI, .qualification = 0x41});
	assert_int_equal(e.kind, VCPU_EXIT_EOI);
	assert_int_equal(e.vector, 0x41);
}

static void test_decode_events(void **state)
{
	struct vcpu_exit e =
		decode((struct vtx_raw){.reason = VMX_REASON_EXCEPTION, .event = 0x80000202});

	(void)state;
	assert_int_equal(e.kind, VCPU_EXIT_NMI);
	e = decode((struct vtx_raw){.reason = VMX_REASON_EXCEPTION, .event = 0x80000b11});
	assert_int_equal(e.kind, VCPU_EXIT_EXCEPTION);
	assert_int_equal(e.vector, X86_VEC_AC);
	e = decode((struct vtx_raw){.reason = VMX_REASON_IRQ, .event = 0x800000ef});
	assert_int_equal(e.kind, VCPU_EXIT_IRQ);
	assert_int_equal(e.vector, 0xef);
	e = decode((struct vtx_raw){.reason = VMX_REASON_IRQ, .event = 0});
	assert_int_equal(e.vector, -1);
}

/* Every reason there may ever be: a kind in range, and unknown ones say so. */
static void test_decode_any_reason(void **state)
{
	(void)state;
	for (uint32_t r = 0; r <= 0xffff; r++) {
		struct vcpu_exit e = decode((struct vtx_raw){
			.reason = r, .qualification = UINT64_MAX, .event = UINT32_MAX});

		assert_true(e.kind < VCPU_EXIT_KINDS);
		if (r < VCPU_REASONS) {
			assert_int_equal(e.reason, r);
		} else {
			assert_int_equal(e.reason, VCPU_REASONS - 1);
			assert_int_equal(e.qualification, r);
		}
		assert_non_null(vtx_reason_name(r));
		if (e.kind == VCPU_EXIT_UNKNOWN)
			assert_non_null(e.why);
		else
			assert_string_not_equal(vtx_reason_name(r), "UNNAMED");
	}
	assert_int_equal(decode((struct vtx_raw){.reason = 0x80000021}).kind, VCPU_EXIT_ENTRY);
	assert_string_equal(vtx_reason_name(10), "CPUID");
}

static void test_error_names(void **state)
{
	static const char *const reserved = "VM-instruction error without a name";

	(void)state;
	for (uint32_t n = 1; n <= 28; n++) {
		bool gap = n == 14 || n == 21 || n == 27; /* SDM 31.4 has none */

		assert_int_equal(!strcmp(vtx_error_name(n), reserved), gap);
	}
	assert_string_equal(vtx_error_name(0), reserved);
	assert_string_equal(vtx_error_name(UINT32_MAX), reserved);
	assert_string_equal(vtx_error_name(7), "VM entry with invalid control fields");
}

/* ---- entries explained --------------------------------------------------------------------------
 */

static struct {
	uint32_t field;
	uint64_t val;
} fake[40];
static size_t fakes;

static void put(uint32_t field, uint64_t val)
{
	for (size_t i = 0; i < fakes; i++) {
		if (fake[i].field == field) {
			fake[i].val = val;
			return;
		}
	}
	assert_true(fakes < ARRAY_SIZE(fake));
	fake[fakes].field = field;
	fake[fakes++].val = val;
}

static uint64_t fake_read(void *ctx, uint32_t field)
{
	(void)ctx;
	for (size_t i = 0; i < fakes; i++) {
		if (fake[i].field == field)
			return fake[i].val;
	}
	return 0;
}

static void good_vmcs(void)
{
	fakes = 0;
	put(VMX_EXIT, VMX_EXIT_HOST64);
	put(VMX_HOST_CR4, X86_CR4_VMXE | X86_CR4_PAE);
	put(VMX_HOST_EFER, X86_EFER_LMA);
	put(VMX_HOST_CS_SEL, 8);
	put(VMX_HOST_TR_SEL, 24);
	put(VMX_GUEST_CR0, X86_CR0_PE | X86_CR0_NE | X86_CR0_PG);
	put(VMX_GUEST_CR4, X86_CR4_VMXE | X86_CR4_PAE);
	put(VMX_GUEST_EFER, X86_EFER_LME | X86_EFER_LMA);
	put(VMX_ENTRY, VMX_ENTRY_LONG);
	for (uint32_t i = 0; i <= 10; i += 2) {
		put(VMX_GUEST_ES_ATTR + i, i == 2 ? 0xa09b : 0xc093);
		put(VMX_GUEST_ES_LIMIT + i, UINT32_MAX);
	}
	put(VMX_GUEST_LDTR_ATTR, VMX_ATTR_UNUSABLE);
	put(VMX_GUEST_TR_ATTR, 0x8b);
	put(VMX_GUEST_RFLAGS, X86_RFLAGS_ONE);
	put(VMX_VMCS_LINK, UINT64_MAX);
}

static void test_explain(void **state)
{
	static const struct {
		uint32_t field;
		uint64_t val;
		const char *word;
	} cases[] = {
		{VMX_PROC2, VMX_PROC2_VPID, "VPID"},
		{VMX_ENTRY_EVENT, 0x80000800, "error code"},
		{VMX_HOST_CR4, X86_CR4_PAE, "host CR4"},
		{VMX_GUEST_CR0, X86_CR0_PG | X86_CR0_NE, "CR0.PG"},
		{VMX_GUEST_RIP, BIT64(60), "RIP"},
		{VMX_GUEST_RFLAGS, 0, "RFLAGS"},
		{VMX_GUEST_RFLAGS, X86_RFLAGS_ONE | X86_RFLAGS_VM, "virtual-8086"},
		{VMX_ENTRY_EVENT, 0x80000040, "RFLAGS.IF"},
		{VMX_GUEST_INTERRUPTIBILITY, 3, "shadow"},
		{VMX_GUEST_SS_ATTR, 0xc092, "accessed"},
		{VMX_GUEST_TR_ATTR, VMX_ATTR_UNUSABLE, "TR"},
	};

	(void)state;
	good_vmcs();
	assert_null(vtx_explain(fake_read, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *why;

		good_vmcs();
		put(cases[i].field, cases[i].val);
		why = vtx_explain(fake_read, NULL);
		assert_non_null(why);
		assert_non_null(strstr(why, cases[i].word));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_io),     cmocka_unit_test(test_decode_cr),
		cmocka_unit_test(test_decode_memory), cmocka_unit_test(test_decode_apic),
		cmocka_unit_test(test_decode_events), cmocka_unit_test(test_decode_any_reason),
		cmocka_unit_test(test_error_names),   cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
