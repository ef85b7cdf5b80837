/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VMCS: its controls, its fields by name, and the names of VM-instruction errors. */
#include "vtx_priv.h"

#include "base/errno.h"

#define BITMAP_BITS_ALL 0xff
#define PLE_GAP		1024u /* TSC ticks between two PAUSEs of one loop, one that polls a ring, too */
#define PLE_WINDOW	4096u /* and of a loop before it exits: delays for a device do not; 26.1.3 */
/* Intercepted: #MC is the host's; #DB and #AC can recur while they are delivered, without end and
 * without an interrupt being taken (CVE-2015-8104, CVE-2015-5307). */
#define EXCEPTIONS_EXIT (BIT(X86_VEC_MC) | BIT(X86_VEC_DB) | BIT(X86_VEC_AC))

#define FIELD_NAME(name, code) {VMX_##name, #name},
static const struct {
	uint32_t code;
	const char *name;
} fields[] = {VMX_FIELDS(FIELD_NAME)};

#define ERROR_NAME(n, text) [n] = (text),
static const char *const errors[] = {VMX_ERROR_LIST(ERROR_NAME)};

const char *vtx_error_name(uint32_t n)
{
	return n < ARRAY_SIZE(errors) && errors[n] ? errors[n]
						   : "VM-instruction error without a name";
}

uint32_t vtx_error(void)
{
	uint64_t n;

	return vtx_read_ok(VMX_INSTRUCTION_ERROR, &n) ? (uint32_t)n : 0;
}

uint64_t vtx_begin(struct vtx_vcpu *x)
{
	uint64_t before;

	if (likely(x->loaded))
		return 0;
	before = vtx_vmptrst();
	vtx_vmptrld((uint64_t)(uintptr_t)x->vmcs);
	return before;
}

/* VMCLEAR: another CPU may load it next. */
void vtx_end(struct vtx_vcpu *x, uint64_t before)
{
	if (x->loaded)
		return;
	vtx_vmclear((uint64_t)(uintptr_t)x->vmcs);
	if (before != VTX_NO_VMCS)
		vtx_vmptrld(before);
}

/* MSRs that the guest has for itself: the VMCS or load and put switch them. EFER is read alone, its
 * writes exit; the time stamp counter likewise. */
static const struct {
	uint32_t msr;
	bool write;
} passed[] = {
	{X86_MSR_TSC, false},		{X86_MSR_EFER, false},	      {X86_MSR_SYSENTER_CS, true},
	{X86_MSR_SYSENTER_ESP, true},	{X86_MSR_SYSENTER_EIP, true}, {X86_MSR_PAT, true},
	{X86_MSR_STAR, true},		{X86_MSR_LSTAR, true},	      {X86_MSR_CSTAR, true},
	{X86_MSR_FMASK, true},		{X86_MSR_FS_BASE, true},      {X86_MSR_GS_BASE, true},
	{X86_MSR_KERNEL_GS_BASE, true},
};

static void pass_msr(uint8_t *map, uint32_t msr, bool write)
{
	uint8_t *byte = map + ((msr & 0x1fff) >> 3) + (msr >> 30 ? VMX_MSR_BITMAP_HIGH : 0);
	uint8_t keep = (uint8_t)~BIT(msr & 7);

	byte[0] &= keep;
	if (write)
		byte[VMX_MSR_BITMAP_WRITE] &= keep;
}

static void make_bitmaps(struct vtx_vcpu *x, const void *io_allow)
{
	const uint8_t *allow = io_allow;
	uint8_t *msrs = x->msrs;

	for (size_t i = 0; i < VCPU_PAGE; i++)
		msrs[i] = BITMAP_BITS_ALL;
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		pass_msr(msrs, passed[i].msr, passed[i].write);
	if (x->tsc_aux)
		pass_msr(msrs, X86_MSR_TSC_AUX, true);
	for (size_t i = 0; allow && i < 2 * (size_t)VCPU_PAGE; i++)
		((uint8_t *)x->io[i / VCPU_PAGE])[i % VCPU_PAGE] = (uint8_t)~allow[i];
}

struct setting {
	bool used; /* the field goes with a control that is on */
	uint32_t field;
	uint64_t val;
};

static bool write_all(const struct setting *s, size_t n)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		ok = (!s[i].used || vtx_write(s[i].field, s[i].val)) && ok;
	return ok;
}

static uint64_t address(const void *p)
{
	return (uintptr_t)p;
}

static bool write_controls(const struct vtx_vcpu *x, const struct vcpu_config *cfg)
{
	const uint32_t *ctl = x->fit.ctl, proc2 = ctl[VTX_PROC2];
	const bool io = x->proc & VMX_PROC_IO_BITMAP, vid = proc2 & VMX_PROC2_VID;
	const bool ple = proc2 & VMX_PROC2_PAUSE_LOOP;
	const struct setting all[] = {
		{true, VMX_PIN, ctl[VTX_PIN]},
		{true, VMX_PROC, x->proc},
		{true, VMX_PROC2, proc2 & ~(uint32_t)VMX_PROC2_PAUSE_LOOP},
		{true, VMX_EXIT, ctl[VTX_EXIT]},
		{true, VMX_ENTRY, ctl[VTX_ENTRY]},
		{true, VMX_EXCEPTIONS, EXCEPTIONS_EXIT},
		{true, VMX_PF_MASK, 0}, /* with bit 14 of EXCEPTIONS 0: no #PF exits */
		{true, VMX_PF_MATCH, 0},
		{true, VMX_CR3_TARGETS, 0},
		{true, VMX_EXIT_STORE_COUNT, 0},
		{true, VMX_EXIT_LOAD_COUNT, 0},
		{true, VMX_ENTRY_LOAD_COUNT, 0},
		{true, VMX_TPR_THRESHOLD, 0},
		{true, VMX_VMCS_LINK, UINT64_MAX},
		{true, VMX_CR0_MASK, ~vtx_cr0_owned(&x->caps)},
		{true, VMX_CR4_MASK, ~vtx_cr4_owned(&x->caps)},
		{true, VMX_EPTP, x->eptp},
		{true, VMX_MSR_BITMAP, address(x->msrs)},
		{true, VMX_VIRTUAL_APIC, address(cfg->apic_page)},
		{io, VMX_IO_BITMAP_A, address(x->io[0])},
		{io, VMX_IO_BITMAP_B, address(x->io[1])},
		{proc2 & VMX_PROC2_VPID, VMX_VPID, x->vpid},
		{proc2 & VMX_PROC2_APIC_ACCESS, VMX_APIC_ACCESS, address(cfg->apic_access)},
		{vid, VMX_EOI_EXIT_0, 0},
		{vid, VMX_EOI_EXIT_1, 0},
		{vid, VMX_EOI_EXIT_2, 0},
		{vid, VMX_EOI_EXIT_3, 0},
		{vid, VMX_GUEST_IRQ_STATUS, 0},
		{ple, VMX_PLE_GAP, PLE_GAP},
		{ple, VMX_PLE_WINDOW, PLE_WINDOW},
		{proc2 & VMX_PROC2_XSAVES, VMX_XSS_EXIT, UINT64_MAX},
		{proc2 & VMX_PROC2_ENCLS, VMX_ENCLS_EXIT, UINT64_MAX},
	};

	return write_all(all, ARRAY_SIZE(all));
}

/* The VMCS of a virtual CPU whose pages are there; its guest state is start's, its host state
 * load's. SDM 3C 25.11.3: VMCLEAR before the first VMPTRLD. 0 or -EOPNOTSUPP. */
int vtx_setup(struct vtx_vcpu *x, const struct vcpu_config *cfg)
{
	uint64_t before;
	bool ok;

	x->proc = x->fit.ctl[VTX_PROC];
	if (!cfg->io_allow)
		x->proc &= ~VMX_PROC_IO_BITMAP;
	make_bitmaps(x, x->proc & VMX_PROC_IO_BITMAP ? cfg->io_allow : NULL);
	*(uint32_t *)x->vmcs = (uint32_t)x->caps.basic & VMX_BASIC_REVISION;
	if (!vtx_vmclear((uint64_t)(uintptr_t)x->vmcs))
		return -EOPNOTSUPP;
	before = vtx_begin(x);
	ok = write_controls(x, cfg);
	vtx_end(x, before);
	return ok ? 0 : -EOPNOTSUPP;
}

void vtx_share(struct vcpu *v, bool on)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint32_t without = on ? 0 : VMX_PROC2_PAUSE_LOOP;
	uint64_t before = vtx_begin(x);

	vtx_write(VMX_PROC2, x->fit.ctl[VTX_PROC2] & ~without);
	vtx_end(x, before);
}

void vtx_dump(struct vcpu *v, void (*out)(void *ctx, const char *name, uint64_t val), void *ctx)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint64_t before = vtx_begin(x), val;

	vtx_flush_dirty(x);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (vtx_read_ok(fields[i].code, &val))
			out(ctx, fields[i].name, val);
	}
	vtx_end(x, before);
}
