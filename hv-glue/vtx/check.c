/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Why the CPU refused an entry: the rules of SDM 3C 27.2 (controls, host) and 27.3.1 (guest) that a
 * driver's mistake or a guest's odd state may break, tried one by one. Pure logic.
 */
#include "vtx_priv.h"

struct vmcs {
	uint64_t (*read)(void *ctx, uint32_t field);
	void *ctx;
};

struct rule {
	bool broken;
	const char *clause;
};

#define FIRST_BROKEN(rules)                                         \
	do {                                                        \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(rules); i_++) { \
			if ((rules)[i_].broken)                     \
				return (rules)[i_].clause;          \
		}                                                   \
		return NULL;                                        \
	} while (0)

static uint64_t rd(const struct vmcs *m, uint32_t field)
{
	return m->read(m->ctx, field);
}

static bool bent(uint64_t address)
{
	return (uint64_t)((int64_t)(address << 16) >> 16) != address;
}

static bool off_page(const struct vmcs *m, uint32_t field)
{
	return rd(m, field) & (VCPU_PAGE - 1);
}

/* 27.2.1 */
static const char *check_controls(const struct vmcs *m)
{
	uint64_t pin = rd(m, VMX_PIN), proc = rd(m, VMX_PROC), proc2 = rd(m, VMX_PROC2);
	uint64_t event = rd(m, VMX_ENTRY_EVENT), type = event >> 8 & 7, eptp = rd(m, VMX_EPTP);
	bool valid = event & VMX_EVENT_VALID, vid = proc2 & VMX_PROC2_VID;
	const struct rule rules[] = {
		{(proc & VMX_PROC_IO_BITMAP) &&
			 (off_page(m, VMX_IO_BITMAP_A) || off_page(m, VMX_IO_BITMAP_B)),
		 "an I/O bitmap is no page"},
		{(proc & VMX_PROC_MSR_BITMAP) && off_page(m, VMX_MSR_BITMAP),
		 "the MSR bitmap is no page"},
		{(pin & VMX_PIN_VIRTUAL_NMI) && !(pin & VMX_PIN_NMI),
		 "virtual NMIs without NMI exiting"},
		{(proc & VMX_PROC_NMI_WINDOW) && !(pin & VMX_PIN_VIRTUAL_NMI),
		 "NMI window without virtual NMIs"},
		{(proc & VMX_PROC_TPR_SHADOW) && off_page(m, VMX_VIRTUAL_APIC),
		 "the virtual-APIC page is no page"},
		{!(proc & VMX_PROC_TPR_SHADOW) && (proc2 & (VMX_PROC2_APIC_REGS | VMX_PROC2_VID)),
		 "APIC virtualisation without TPR shadow"},
		{(proc2 & VMX_PROC2_APIC_ACCESS) && off_page(m, VMX_APIC_ACCESS),
		 "the APIC-access page is no page"},
		{vid && !(pin & VMX_PIN_IRQ),
		 "virtual-interrupt delivery without external-interrupt exiting"},
		{!vid && rd(m, VMX_TPR_THRESHOLD) > 15, "TPR threshold above 15"},
		{(proc2 & VMX_PROC2_VPID) && !rd(m, VMX_VPID), "VPID 0"},
		{(proc2 & VMX_PROC2_EPT) && ((eptp & 7) != VMX_EPTP_WB || (eptp >> 3 & 7) != 3),
		 "EPTP without write-back or four levels"},
		{(proc2 & VMX_PROC2_UNRESTRICTED) && !(proc2 & VMX_PROC2_EPT),
		 "unrestricted guest without EPT"},
		{valid && (type == 1 || type == 7), "the injected event has a reserved type"},
		{valid && type == VMX_EVENT_NMI && (event & VMX_EVENT_VECTOR) != X86_VEC_NMI,
		 "an injected NMI has another vector than 2"},
		{valid && type == VMX_EVENT_EXCEPTION && (event & VMX_EVENT_VECTOR) > 31,
		 "an injected exception has a vector above 31"},
		{valid && (event & VMX_EVENT_ERROR) &&
			 (type != VMX_EVENT_EXCEPTION || !(rd(m, VMX_GUEST_CR0) & X86_CR0_PE)),
		 "the injected event can have no error code"},
		{valid && type >= VMX_EVENT_SOFT_IRQ && rd(m, VMX_ENTRY_LENGTH) > 15,
		 "an injected software event has an instruction longer than 15 bytes"},
	};

	FIRST_BROKEN(rules);
}

/* 27.2.2 to 27.2.4 */
static const char *check_host(const struct vmcs *m)
{
	uint64_t selectors = 0;

	for (uint32_t f = VMX_HOST_ES_SEL; f <= VMX_HOST_TR_SEL; f += 2)
		selectors |= rd(m, f);

	const struct rule rules[] = {
		{!(rd(m, VMX_EXIT) & VMX_EXIT_HOST64), "the host is not said to be in 64-bit mode"},
		{!(rd(m, VMX_HOST_CR4) & X86_CR4_VMXE), "host CR4.VMXE is 0"},
		{!(rd(m, VMX_HOST_CR4) & X86_CR4_PAE), "host CR4.PAE is 0"},
		{!(rd(m, VMX_HOST_EFER) & X86_EFER_LMA), "host EFER.LMA is 0"},
		{selectors & 7, "a host selector has RPL or TI set"},
		{!rd(m, VMX_HOST_CS_SEL), "host CS is null"},
		{!rd(m, VMX_HOST_TR_SEL), "host TR is null"},
		{bent(rd(m, VMX_HOST_FS_BASE)) || bent(rd(m, VMX_HOST_GS_BASE)) ||
			 bent(rd(m, VMX_HOST_TR_BASE)) || bent(rd(m, VMX_HOST_GDTR_BASE)) ||
			 bent(rd(m, VMX_HOST_IDTR_BASE)),
		 "a host base is not canonical"},
		{bent(rd(m, VMX_HOST_RIP)), "host RIP is not canonical"},
	};

	FIRST_BROKEN(rules);
}

/* 27.3.1.1 */
static const char *check_registers(const struct vmcs *m)
{
	uint64_t cr0 = rd(m, VMX_GUEST_CR0), cr4 = rd(m, VMX_GUEST_CR4);
	uint64_t efer = rd(m, VMX_GUEST_EFER), pat = rd(m, VMX_GUEST_PAT);
	bool lng = rd(m, VMX_ENTRY) & VMX_ENTRY_LONG, pat_bad = false;

	for (; pat; pat >>= 8)
		pat_bad |= (pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3;

	const struct rule rules[] = {
		{(cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE), "CR0.PG without CR0.PE"},
		{!(cr0 & X86_CR0_NE), "CR0.NE is 0"},
		{!(cr4 & X86_CR4_VMXE), "CR4.VMXE is 0"},
		{lng && !(cr4 & X86_CR4_PAE), "long mode without CR4.PAE"},
		{lng && !(cr0 & X86_CR0_PG), "long mode without CR0.PG"},
		{!lng && (cr4 & X86_CR4_PCIDE), "CR4.PCIDE outside of long mode"},
		{rd(m, VMX_GUEST_CR3) & ~(X86_PTE_ADDR | 0xfff), "CR3 has reserved bits"},
		{rd(m, VMX_GUEST_DR7) >> 32, "DR7 is wider than 32 bits"},
		{bent(rd(m, VMX_GUEST_SYSENTER_ESP)) || bent(rd(m, VMX_GUEST_SYSENTER_EIP)),
		 "a SYSENTER address is not canonical"},
		{pat_bad, "PAT has a reserved memory type"},
		{lng != !!(efer & X86_EFER_LMA), "EFER.LMA and the entry control differ"},
		{(cr0 & X86_CR0_PG) && !!(efer & X86_EFER_LMA) != !!(efer & X86_EFER_LME),
		 "EFER.LMA and EFER.LME differ with paging on"},
	};

	FIRST_BROKEN(rules);
}

/* 27.3.1.2, of one segment register that is usable. */
static const char *check_segment(const struct vmcs *m, uint32_t i, bool v86)
{
	uint64_t attr = rd(m, VMX_GUEST_ES_ATTR + i), base = rd(m, VMX_GUEST_ES_BASE + i);
	uint64_t limit = rd(m, VMX_GUEST_ES_LIMIT + i);
	bool code = i == VMX_GUEST_CS_SEL - VMX_GUEST_ES_SEL;
	bool tr = i == VMX_GUEST_TR_SEL - VMX_GUEST_ES_SEL;
	bool system = tr || i == VMX_GUEST_LDTR_SEL - VMX_GUEST_ES_SEL;

	if ((attr & VMX_ATTR_UNUSABLE) && !code && !tr)
		return NULL;
	if (v86 && !system)
		return attr == 0xf3 && limit == 0xffff ? NULL : "a virtual-8086 segment is odd";

	const struct rule rules[] = {
		{attr & VMX_ATTR_UNUSABLE, "CS or TR is unusable"},
		{!(attr & X86_SEG_P), "a segment is not present"},
		{!!(attr & X86_SEG_S) == system, "a segment has the wrong S bit"},
		{!system && !(attr & 1), "a segment's type is not \"accessed\""},
		{code && !(attr & 8) && (attr & 15) != 3, "CS is no code segment"},
		{(attr & X86_SEG_G) ? (limit & 0xfff) != 0xfff : limit > 0xfffff,
		 "a segment's limit and granularity do not fit"},
		{attr & 0xfffe0f00, "a segment's attributes have reserved bits"},
		{code && (attr & X86_SEG_L) && (attr & X86_SEG_DB), "CS has both L and D"},
		{tr && (attr & 15) != X86_SEG_TSS && (attr & 15) != X86_SEG_TSS16,
		 "TR is no busy TSS"},
		{bent(base), "a segment's base is not canonical"},
	};

	FIRST_BROKEN(rules);
}

/* 27.3.1.3 to 27.3.1.5 */
static const char *check_rest(const struct vmcs *m)
{
	uint64_t flags = rd(m, VMX_GUEST_RFLAGS), block = rd(m, VMX_GUEST_INTERRUPTIBILITY);
	uint64_t event = rd(m, VMX_ENTRY_EVENT), type = event >> 8 & 7;
	bool irq = (event & VMX_EVENT_VALID) && type == VMX_EVENT_IRQ;
	bool nmi = (event & VMX_EVENT_VALID) && type == VMX_EVENT_NMI;
	bool lng = rd(m, VMX_ENTRY) & VMX_ENTRY_LONG, in64;

	in64 = lng && (rd(m, VMX_GUEST_CS_ATTR) & X86_SEG_L);

	const struct rule rules[] = {
		{rd(m, VMX_GUEST_GDTR_LIMIT) > 0xffff || rd(m, VMX_GUEST_IDTR_LIMIT) > 0xffff,
		 "the GDT's or the IDT's limit is above ffff"},
		{bent(rd(m, VMX_GUEST_GDTR_BASE)) || bent(rd(m, VMX_GUEST_IDTR_BASE)),
		 "the GDT's or the IDT's base is not canonical"},
		{!in64 && rd(m, VMX_GUEST_RIP) >> 32, "RIP is wider than 32 bits"},
		{in64 && bent(rd(m, VMX_GUEST_RIP)), "RIP is not canonical"},
		{(flags & ~X86_RFLAGS_KNOWN) || !(flags & X86_RFLAGS_ONE),
		 "RFLAGS has reserved bits"},
		{lng && (flags & X86_RFLAGS_VM), "virtual-8086 in long mode"},
		{irq && !(flags & X86_RFLAGS_IF), "an interrupt is injected with RFLAGS.IF 0"},
		{rd(m, VMX_GUEST_ACTIVITY) > 3, "the activity state is unknown"},
		{(block & VMX_BLOCK_STI) && (block & VMX_BLOCK_MOV_SS), "two shadows at once"},
		{(block & VMX_BLOCK_STI) && !(flags & X86_RFLAGS_IF),
		 "STI's shadow with RFLAGS.IF 0"},
		{irq && (block & (VMX_BLOCK_STI | VMX_BLOCK_MOV_SS)),
		 "an interrupt is injected into a shadow"},
		{nmi && (block & (VMX_BLOCK_NMI | VMX_BLOCK_MOV_SS)),
		 "an NMI is injected while NMIs are blocked"},
		{rd(m, VMX_VMCS_LINK) != UINT64_MAX, "the VMCS link pointer is set"},
	};

	FIRST_BROKEN(rules);
}

const char *vtx_explain(uint64_t (*read)(void *ctx, uint32_t field), void *ctx)
{
	const struct vmcs m = {read, ctx};
	bool v86 = rd(&m, VMX_GUEST_RFLAGS) & X86_RFLAGS_VM;
	const char *clause = check_controls(&m);

	if (!clause)
		clause = check_host(&m);
	if (!clause)
		clause = check_registers(&m);
	for (uint32_t s = 0; !clause && s < 8; s++)
		clause = check_segment(&m, s * VMX_SEG_STEP, v86);
	return clause ? clause : check_rest(&m);
}
