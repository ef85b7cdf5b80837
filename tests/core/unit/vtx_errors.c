/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Test image: every VM-instruction error that can be provoked outside of SMM, named; entries that
 * the CPU refuses, explained; the VMCS by field name; what the controls were fitted to. */
#include "unit.h"
#include "vtx_priv.h"

static struct unit_guest g;
static struct vtx_vcpu *x;

UNIT_CODE64(loop, "1: cpuid\n jmp 1b");

static uint64_t pa(const void *p)
{
	return (uintptr_t)p;
}

static void named(bool ok, uint32_t n, const char *name)
{
	unit_ok(!ok, "refused:");
	unit_eq(vtx_error(), n, "its number");
	unit_text(vtx_error_name(vtx_error()), name, name);
}

static bool raw_entry(bool launch, bool mov_ss)
{
	bool ok;

	if (mov_ss)
		__asm__ volatile("mov %%ss, %%eax; mov %%eax, %%ss; vmlaunch"
				 : "=@cca"(ok)
				 :
				 : "rax", "memory");
	else if (launch)
		__asm__ volatile("vmlaunch" : "=@cca"(ok) : : "memory");
	else
		__asm__ volatile("vmresume" : "=@cca"(ok) : : "memory");
	return ok;
}

static bool vmcall(void)
{
	bool ok;

	__asm__ volatile("vmcall" : "=@cca"(ok) : : "memory");
	return ok;
}

static bool invept(uint64_t type)
{
	uint64_t d[2] = {0, 0};
	bool ok;

	__asm__ volatile("invept %1, %2" : "=@cca"(ok) : "m"(d), "r"(type) : "memory");
	return ok;
}

static void test_errors(void)
{
	uint32_t *page = unit_mem.alloc(NULL);

	unit_code(&g, loop, loop_end);
	unit_want(&g, VCPU_EXIT_CPUID, "a VMCS is current and launched");
	/* 1 where SMM has no monitor; Bochs acts as if it had one. */
	if (!vmcall() && vtx_error() == 1)
		named(vmcall(), 1, "VMCALL executed in VMX root operation");
	else
		named(vmcall(), 19, "VMCALL with non-clear VMCS");
	named(vtx_vmclear(pa(page) + 8), 2, "VMCLEAR with invalid physical address");
	named(vtx_vmclear(pa(unit_host.region)), 3, "VMCLEAR with VMXON pointer");
	named(raw_entry(true, false), 4, "VMLAUNCH with non-clear VMCS");
	named(vtx_vmptrld(pa(page) + 8), 9, "VMPTRLD with invalid physical address");
	named(vtx_vmptrld(pa(unit_host.region)), 10, "VMPTRLD with VMXON pointer");
	named(vtx_vmptrld(pa(page)), 11, "VMPTRLD with incorrect VMCS revision identifier");
	named(vtx_write(0x6fff, 0), 12, "VMREAD or VMWRITE from or to unsupported VMCS component");
	if (!(cpu_rdmsr(VMX_MSR_MISC) & BIT64(29)))
		named(vtx_write(VMX_REASON, 0), 13, "VMWRITE to read-only VMCS component");
	named(vtx_vmxon(pa(page)), 15, "VMXON executed in VMX root operation");
	named(raw_entry(true, true), 26, "VM entry with events blocked by MOV SS");
	named(invept(9), 28, "INVEPT or INVVPID with invalid operand");

	*page = *(uint32_t *)x->vmcs;
	unit_ok(vtx_vmclear(pa(page)) && vtx_vmptrld(pa(page)), "a VMCS of zeros");
	named(raw_entry(false, false), 5, "VMRESUME with non-launched VMCS");
	named(raw_entry(true, false), 7, "VM entry with invalid control fields");
	unit_ok(vtx_vmclear(pa(page)), "VMCLEAR of the current one");
	unit_eq(vtx_vmptrst(), VTX_NO_VMCS, "leaves none");
	unit_ok(!vtx_write(VMX_VPID, 1), "VMWRITE without one is refused");
	unit_eq(vtx_error(), 0, "without a number");
	unit_ok(vtx_vmptrld(pa(x->vmcs)), "back to the guest's");
	unit_run(&g);
	unit_want(&g, VCPU_EXIT_CPUID, "which runs on");
	unit_mem.free(NULL, page);
}

static void test_refused_entries(void)
{
	static const struct {
		uint32_t field;
		uint64_t value;
		const char *why;
	} cases[] = {
		{VMX_HOST_CR4, 0, "host CR4.VMXE is 0"},
		{VMX_HOST_TR_SEL, 0, "host TR is null"},
		{VMX_HOST_CS_SEL, 0x0b, "a host selector has RPL or TI set"},
		{VMX_HOST_GS_BASE, BIT64(60), "a host base is not canonical"},
		{VMX_EPTP, 0, "EPTP without write-back or four levels"},
		{VMX_VPID, 0, "VPID 0"},
		{VMX_MSR_BITMAP, 1, "the MSR bitmap is no page"},
		{VMX_ENTRY_EVENT, 0x80000100, "the injected event has a reserved type"},
		{VMX_ENTRY_EVENT, 0x80000203, "an injected NMI has another vector than 2"},
		{VMX_GUEST_CR0, X86_CR0_PG | X86_CR0_NE, "CR0.PG without CR0.PE"},
		{VMX_GUEST_CR0, X86_CR0_PG | X86_CR0_PE, "CR0.NE is 0"},
		{VMX_GUEST_CR4, X86_CR4_VMXE, "long mode without CR4.PAE"},
		{VMX_GUEST_CR3, BIT64(62), "CR3 has reserved bits"},
		{VMX_GUEST_DR7, BIT64(33), "DR7 is wider than 32 bits"},
		{VMX_GUEST_PAT, 2, "PAT has a reserved memory type"},
		{VMX_GUEST_EFER, 0, "EFER.LMA and the entry control differ"},
		{VMX_GUEST_SYSENTER_EIP, BIT64(60), "a SYSENTER address is not canonical"},
		{VMX_GUEST_CS_ATTR, 0x209b, "a segment's limit and granularity do not fit"},
		{VMX_GUEST_CS_ATTR, 0xe09b, "CS has both L and D"},
		{VMX_GUEST_CS_ATTR, 0xa01b, "a segment is not present"},
		{VMX_GUEST_TR_ATTR, 0x89, "TR is no busy TSS"},
		{VMX_GUEST_FS_BASE, BIT64(60), "a segment's base is not canonical"},
		{VMX_GUEST_IDTR_LIMIT, 0x10000, "the GDT's or the IDT's limit is above ffff"},
		{VMX_GUEST_ACTIVITY, 9, "the activity state is unknown"},
		{VMX_GUEST_INTERRUPTIBILITY, 1, "STI's shadow with RFLAGS.IF 0"},
		{VMX_VMCS_LINK, 0, "the VMCS link pointer is set"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vcpu_exit e;
		uint64_t before;

		unit_code(&g, loop, loop_end);
		unit_run(&g);
		before = vtx_read(cases[i].field);
		vtx_write(cases[i].field, cases[i].value);
		e = unit_run(&g);
		unit_eq(e.kind, VCPU_EXIT_ENTRY, "refused:");
		unit_text(e.why, cases[i].why, cases[i].why);
		vtx_write(cases[i].field, before);
	}
	unit_code(&g, loop, loop_end);
	vtx_ops.inject_irq(g.v, 0x40);
	unit_text(unit_run(&g).why, "an interrupt is injected with RFLAGS.IF 0",
		  "an interrupt is injected with RFLAGS.IF 0");
	unit_code(&g, loop, loop_end);
	unit_want(&g, VCPU_EXIT_CPUID, "after all that a guest runs");
}

/* ---- the dump ------------------------------------------------------------------------------- */

struct seen {
	unsigned int count;
	uint64_t rip, cr3, link;
};

static void see(void *ctx, const char *name, uint64_t val)
{
	struct seen *s = ctx;

	s->count++;
	if (unit_same(name, "GUEST_RIP"))
		s->rip = val;
	if (unit_same(name, "GUEST_CR3"))
		s->cr3 = val;
	if (unit_same(name, "VMCS_LINK"))
		s->link = val;
}

static void test_dump(void)
{
	struct seen loaded = {0}, away = {0};

	unit_code(&g, loop, loop_end);
	unit_run(&g);
	vtx_ops.dump(g.v, see, &loaded);
	vtx_ops.put(g.v);
	vtx_ops.dump(g.v, see, &away);
	unit_note("fields", loaded.count);
	unit_ok(loaded.count >= 128, "every field that is used has a line");
	unit_ok(loaded.rip == UNIT_CODE && loaded.cr3 == UNIT_TABLE && loaded.link == UINT64_MAX,
		"with its value");
	unit_ok(away.count == loaded.count && away.rip == UNIT_CODE && away.cr3 == UNIT_TABLE,
		"the same of one that is put");
	unit_eq(vtx_vmptrst(), VTX_NO_VMCS, "whose VMCS is nobody's then");
	unit_text(vtx_ops.reason_name(48), "EPT_VIOLATION", "a reason's name");
	unit_text(vtx_ops.reason_name(35), "UNNAMED", "and of one that has none");
}

static void test_controls(void)
{
	static const char *const names[] = {"pin", "proc", "proc2", "exit", "entry"};
	bool in = true;

	for (size_t i = 0; i < VTX_CTLS; i++) {
		uint32_t on = (uint32_t)x->caps.ctl[i], may = (uint32_t)(x->caps.ctl[i] >> 32);

		unit_note(names[i], x->fit.ctl[i]);
		in &= !(on & ~x->fit.ctl[i]) && !(x->fit.ctl[i] & ~may);
	}
	unit_ok(in, "every control field is within what the CPU allows");
	unit_ok(x->caps.basic & VMX_BASIC_TRUE, "the true controls were there");
	unit_eq(x->proc & (VMX_PROC_CR3_LOAD | VMX_PROC_CR3_STORE | VMX_PROC_INVLPG), 0,
		"CR3 and INVLPG do not exit");
	unit_eq(cpu_rdmsr(X86_MSR_FEATURE_CONTROL) & 5, 5, "FEATURE_CONTROL is locked with VMX on");
	unit_note("capabilities of EPT and VPID", x->caps.ept_vpid);
}

void unit_test(void)
{
	unit_host.region = unit_mem.alloc(NULL);
	if (vtx_ops.cpu_on(&unit_host)) {
		unit_ok(false, unit_host.why);
		return;
	}
	unit_guest_make(&g, &vtx_ops, 1, NULL);
	x = vtx_of(g.v);
	test_controls();
	test_errors();
	test_refused_entries();
	test_dump();
	unit_guest_free(&g);
	unit_host.region = unit_mem.alloc(NULL);
	unit_ok(vtx_ops.cpu_on(&unit_host) < 0 && unit_host.why, "a second VMXON is refused");
}
