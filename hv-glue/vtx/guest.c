/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A guest's registers: the states it starts in, and get and set by name with checks. */
#include "vtx_priv.h"

#include "base/errno.h"

enum seg { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGS };

/* What a value has to be so that entry does not refuse it, or WRMSR fault; SDM 3C 27.3.1. */
enum check { ANY, CANONICAL, WORD, DWORD, PAT, SHADOWS };

static const struct {
	uint16_t field;
	uint8_t check;
} regs[VCPU_REGS] = {
	[VCPU_CR3] = {VMX_GUEST_CR3, ANY},
	[VCPU_EFER] = {VMX_GUEST_EFER, ANY},
	[VCPU_DR7] = {VMX_GUEST_DR7, DWORD},
	[VCPU_GS_BASE] = {VMX_GUEST_GS_BASE, CANONICAL},
	[VCPU_FS_BASE] = {VMX_GUEST_FS_BASE, CANONICAL},
	[VCPU_CS_BASE] = {VMX_GUEST_CS_BASE, DWORD},
	[VCPU_CS_SEL] = {VMX_GUEST_CS_SEL, WORD},
	[VCPU_CS_ATTR] = {VMX_GUEST_CS_ATTR, DWORD},
	[VCPU_SS_ATTR] = {VMX_GUEST_SS_ATTR, DWORD},
	[VCPU_DS_BASE] = {VMX_GUEST_DS_BASE, DWORD},
	[VCPU_ES_BASE] = {VMX_GUEST_ES_BASE, DWORD},
	[VCPU_SS_BASE] = {VMX_GUEST_SS_BASE, DWORD},
	[VCPU_GDT_BASE] = {VMX_GUEST_GDTR_BASE, CANONICAL},
	[VCPU_IDT_BASE] = {VMX_GUEST_IDTR_BASE, CANONICAL},
	[VCPU_PAT] = {VMX_GUEST_PAT, PAT},
	[VCPU_SYSENTER_CS] = {VMX_GUEST_SYSENTER_CS, DWORD},
	[VCPU_SYSENTER_ESP] = {VMX_GUEST_SYSENTER_ESP, CANONICAL},
	[VCPU_SYSENTER_EIP] = {VMX_GUEST_SYSENTER_EIP, CANONICAL},
	[VCPU_INTERRUPTIBILITY] = {VMX_GUEST_INTERRUPTIBILITY, SHADOWS},
};

#define CR0_OWNED                                                                      \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_WP | \
	 X86_CR0_AM | X86_CR0_PG)
#define CR4_OWNED                                                                           \
	(X86_CR4_VME | X86_CR4_PVI | X86_CR4_TSD | X86_CR4_DE | X86_CR4_PSE | X86_CR4_PAE | \
	 X86_CR4_PGE | X86_CR4_PCE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_UMIP |   \
	 X86_CR4_FSGSBASE | X86_CR4_PCIDE | X86_CR4_OSXSAVE | X86_CR4_SMEP | X86_CR4_SMAP)
#define EFER_KNOWN     (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE)
#define PDPTE_RESERVED UINT64_C(0x1e6) /* SDM 3A 4.4.1, where P is set */

/* CD and NW would slow the host down: an exit does not undo them (SDM 3C 28.5.1). */
uint64_t vtx_cr0_owned(const struct vtx_caps *c)
{
	(void)c; /* unrestricted guest: PE and PG are free, and no CPU fixes the others */
	return CR0_OWNED;
}

uint64_t vtx_cr4_owned(const struct vtx_caps *c)
{
	return CR4_OWNED & c->cr4_fixed1 & ~c->cr4_fixed0;
}

static bool canonical(uint64_t v)
{
	return (uint64_t)((int64_t)(v << 16) >> 16) == v;
}

static bool pat_ok(uint64_t v)
{
	for (; v; v >>= 8) {
		if ((v & 0xff) > 7 || (v & 0xff) == 2 || (v & 0xff) == 3)
			return false;
	}
	return true;
}

static bool value_ok(enum check check, uint64_t v)
{
	switch (check) {
	case CANONICAL:
		return canonical(v);
	case WORD:
		return v <= UINT16_MAX;
	case DWORD:
		return v <= UINT32_MAX;
	case PAT:
		return pat_ok(v);
	case SHADOWS:
		return !(v & ~(uint64_t)(VMX_BLOCK_STI | VMX_BLOCK_MOV_SS | VMX_BLOCK_NMI));
	default:
		return true;
	}
}

/* ---- control registers: the VMCS of @x is current ------------------------------------------- */

static uint64_t get_cr(uint32_t cr, uint32_t shadow, uint64_t owned)
{
	return (vtx_read(cr) & owned) | (vtx_read(shadow) & ~owned);
}

static uint64_t get_cr0(const struct vtx_vcpu *x)
{
	return get_cr(VMX_GUEST_CR0, VMX_CR0_SHADOW, vtx_cr0_owned(&x->caps));
}

static uint64_t get_cr4(const struct vtx_vcpu *x)
{
	return get_cr(VMX_GUEST_CR4, VMX_CR4_SHADOW, vtx_cr4_owned(&x->caps));
}

/* PAE paging without long mode reads its four entries when CR0, CR3 or CR4 is written. */
static int load_pdptes(struct vtx_vcpu *x, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	const uint64_t *e;

	if (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE) ||
	    (vtx_read(VMX_GUEST_EFER) & X86_EFER_LME))
		return 0;
	e = vcpu_memory(x->v.space, cr3 & UINT64_C(0xffffffe0));
	if (!e)
		return -EINVAL;
	for (uint32_t i = 0; i < 4; i++) {
		if ((e[i] & X86_PTE_P) && (e[i] & PDPTE_RESERVED))
			return -EINVAL;
	}
	for (uint32_t i = 0; i < 4; i++)
		vtx_write(VMX_GUEST_PDPTE0 + 2 * i, e[i]);
	return 0;
}

/* LMA follows LME and PG, and entry wants to know of it. */
static void set_lma(uint64_t efer, uint64_t cr0)
{
	bool on = (efer & X86_EFER_LME) && (cr0 & X86_CR0_PG);
	uint64_t entry = vtx_read(VMX_ENTRY) & ~(uint64_t)VMX_ENTRY_LONG;

	vtx_write(VMX_GUEST_EFER, on ? efer | X86_EFER_LMA : efer & ~X86_EFER_LMA);
	vtx_write(VMX_ENTRY, on ? entry | VMX_ENTRY_LONG : entry);
}

static bool in_64bit(void)
{
	return (vtx_read(VMX_GUEST_EFER) & X86_EFER_LMA) &&
	       (vtx_read(VMX_GUEST_CS_ATTR) & X86_SEG_L);
}

/* SDM 2B "MOV - move to/from control registers": what is #GP there is -EINVAL here. */
static int set_cr0(struct vtx_vcpu *x, uint64_t val)
{
	uint64_t cr4 = get_cr4(x), efer = vtx_read(VMX_GUEST_EFER), old = get_cr0(x);
	bool long_mode = efer & X86_EFER_LME;

	if (val > UINT32_MAX || ((val & X86_CR0_PG) && !(val & X86_CR0_PE)) ||
	    ((val & X86_CR0_NW) && !(val & X86_CR0_CD)))
		return -EINVAL;
	if ((val & X86_CR0_PG) && !(old & X86_CR0_PG) && long_mode &&
	    (!(cr4 & X86_CR4_PAE) || (vtx_read(VMX_GUEST_CS_ATTR) & X86_SEG_L)))
		return -EINVAL;
	if (!(val & X86_CR0_PG) && (in_64bit() || (cr4 & X86_CR4_PCIDE)))
		return -EINVAL;
	if (load_pdptes(x, val, vtx_read(VMX_GUEST_CR3), cr4))
		return -EINVAL;
	val = (val & X86_CR0_KNOWN) | X86_CR0_ET;
	vtx_write(VMX_CR0_SHADOW, val);
	/* The fixed bits but PE and PG, which an unrestricted guest has free (24.8). */
	val |= x->caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG);
	vtx_write(VMX_GUEST_CR0, val & x->caps.cr0_fixed1 & ~(X86_CR0_CD | X86_CR0_NW));
	set_lma(efer, val);
	return 0;
}

static int set_cr4(struct vtx_vcpu *x, uint64_t val)
{
	uint64_t cr0 = get_cr0(x), cr3 = vtx_read(VMX_GUEST_CR3), old = get_cr4(x);
	bool lma = vtx_read(VMX_GUEST_EFER) & X86_EFER_LMA;

	if (val & ~(vtx_cr4_owned(&x->caps) | X86_CR4_MCE))
		return -EINVAL;
	if (lma ? !(val & X86_CR4_PAE) : (val & X86_CR4_PCIDE) != 0)
		return -EINVAL;
	if ((val & ~old & X86_CR4_PCIDE) && (cr3 & 0xfff))
		return -EINVAL;
	if (load_pdptes(x, cr0, cr3, val))
		return -EINVAL;
	vtx_write(VMX_CR4_SHADOW, val);
	/* A machine check is the host's, whatever the guest thinks of it. */
	vtx_write(VMX_GUEST_CR4, val | X86_CR4_MCE | x->caps.cr4_fixed0);
	return 0;
}

static int set_efer(struct vtx_vcpu *x, uint64_t val)
{
	uint64_t cr0 = get_cr0(x), old = vtx_read(VMX_GUEST_EFER);

	if ((val & ~EFER_KNOWN) || (((val ^ old) & X86_EFER_LME) && (cr0 & X86_CR0_PG)))
		return -EINVAL;
	set_lma(val, cr0);
	return 0;
}

static int set_cr3(struct vtx_vcpu *x, uint64_t val)
{
	/* Bit 63 asks not to flush, SDM 2B; the flush is what it costs. */
	val &= ~BIT64(63);
	if ((val & ~(X86_PTE_ADDR | 0xfff)) || load_pdptes(x, get_cr0(x), val, get_cr4(x)))
		return -EINVAL;
	vtx_write(VMX_GUEST_CR3, val);
	return 0;
}

/* ---- what no VMCS holds --------------------------------------------------------------------- */

static uint64_t *lazy_slot(struct vtx_vcpu *x, enum vcpu_reg r, uint32_t *msr)
{
	size_t i = (size_t)r - VCPU_STAR;

	if (r < VCPU_STAR || r > VCPU_KERNEL_GS_BASE)
		return NULL;
	*msr = vtx_lazy_msr[i];
	return &x->lazy[i];
}

uint64_t vtx_get(struct vcpu *v, enum vcpu_reg r)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint64_t before, val = 0, *slot;
	uint32_t msr;

	if (likely(x->loaded && r < VCPU_REGS)) {
		if (regs[r].field)
			return vtx_read(regs[r].field);
		if (r == VCPU_CR4)
			return get_cr4(x);
	}
	slot = lazy_slot(x, r, &msr);
	if (slot)
		return x->loaded ? cpu_rdmsr(msr) : *slot;
	if (r == VCPU_CR2)
		return x->loaded ? cpu_cr2() : x->cr2;
	before = vtx_begin(x);
	if (r == VCPU_CR0)
		val = get_cr0(x);
	else if (r == VCPU_CR4)
		val = get_cr4(x);
	else if (r < VCPU_REGS)
		val = vtx_read(regs[r].field);
	vtx_end(x, before);
	return val;
}

static int set_field(struct vtx_vcpu *x, enum vcpu_reg r, uint64_t val)
{
	switch (r) {
	case VCPU_CR0:
		return set_cr0(x, val);
	case VCPU_CR3:
		return set_cr3(x, val);
	case VCPU_CR4:
		return set_cr4(x, val);
	case VCPU_EFER:
		return set_efer(x, val);
	default:
		if (r >= VCPU_REGS || !value_ok(regs[r].check, val))
			return -EINVAL;
		return vtx_write(regs[r].field, val) ? 0 : -EINVAL;
	}
}

int vtx_set(struct vcpu *v, enum vcpu_reg r, uint64_t val)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint64_t before, *slot;
	uint32_t msr;
	int ret;

	slot = lazy_slot(x, r, &msr);
	if (slot) {
		bool address = r == VCPU_LSTAR || r == VCPU_CSTAR || r == VCPU_KERNEL_GS_BASE;

		if (address ? !canonical(val) : r == VCPU_FMASK && val > UINT32_MAX)
			return -EINVAL;
		*slot = val;
		if (x->loaded)
			cpu_wrmsr(msr, val);
		return 0;
	}
	if (r == VCPU_CR2) {
		x->cr2 = val;
		if (x->loaded)
			cpu_cr2_set(val);
		return 0;
	}
	/* What a write of these flushes in the guest is flushed at the next entry (SDM 3A 4.10.4).
	 */
	if (r == VCPU_CR0 || r == VCPU_CR3 || r == VCPU_CR4)
		x->generation = 0;
	before = vtx_begin(x);
	ret = set_field(x, r, val);
	vtx_end(x, before);
	return ret;
}

/* ---- start -------------------------------------------------------------------------------- */

static void set_seg(enum seg s, uint16_t sel, uint64_t base, uint32_t limit, uint32_t attr)
{
	uint32_t i = s * VMX_SEG_STEP;

	vtx_write(VMX_GUEST_ES_SEL + i, sel);
	vtx_write(VMX_GUEST_ES_BASE + i, base);
	vtx_write(VMX_GUEST_ES_LIMIT + i, limit);
	vtx_write(VMX_GUEST_ES_ATTR + i, attr);
}

/* SDM 3A table 10-1, column INIT; but CR0 without CD and NW, whose clearing would exit. */
static void start_common(struct vtx_vcpu *x)
{
	static const uint16_t zero[] = {
		VMX_GUEST_INTERRUPTIBILITY, VMX_GUEST_ACTIVITY,	    VMX_GUEST_PENDING_DEBUG,
		VMX_GUEST_DEBUGCTL,	    VMX_GUEST_CR3,	    VMX_GUEST_SYSENTER_CS,
		VMX_GUEST_SYSENTER_ESP,	    VMX_GUEST_SYSENTER_EIP, VMX_GUEST_GDTR_BASE,
		VMX_GUEST_IDTR_BASE,	    VMX_ENTRY_EVENT, /* of an entry that failed */
	};

	for (size_t i = 0; i < ARRAY_SIZE(zero); i++)
		vtx_write(zero[i], 0);
	vtx_write(VMX_GUEST_DR7, X86_DR7_INIT);
	vtx_write(VMX_GUEST_PAT, X86_PAT_INIT);
	vtx_write(VMX_GUEST_GDTR_LIMIT, 0xffff);
	vtx_write(VMX_GUEST_IDTR_LIMIT, 0xffff);
	vtx_write(VMX_CR0_SHADOW, X86_CR0_ET);
	vtx_write(VMX_CR4_SHADOW, 0);
	vtx_write(VMX_GUEST_CR4, X86_CR4_MCE | x->caps.cr4_fixed0);
	vtx_write(VMX_GUEST_CR0, X86_CR0_ET | (x->caps.cr0_fixed0 & ~(X86_CR0_PE | X86_CR0_PG)));
	set_lma(0, 0);
	set_seg(LDTR, 0, 0, 0xffff, X86_SEG_P | X86_SEG_LDT);
	set_seg(TR, 0, 0, 0xffff, X86_SEG_P | X86_SEG_TSS);
}

static void start_real(struct vcpu *v, unsigned int vector)
{
	uint16_t cs = vector > 0xff ? 0xf000 : (uint16_t)(vector << 8);
	uint64_t base = vector > 0xff ? UINT64_C(0xffff0000) : (uint64_t)vector << 12;

	for (enum seg s = ES; s <= GS; s++)
		set_seg(s, 0, 0, 0xffff, X86_SEG_P | X86_SEG_S | X86_SEG_DATA);
	set_seg(CS, cs, base, 0xffff, X86_SEG_P | X86_SEG_S | X86_SEG_CODE);
	v->rip = vector > 0xff ? 0xfff0 : 0;
	v->gpr[VCPU_RDX] = cpu_cpuid(1, 0).eax;
}

static void start_long(struct vtx_vcpu *x, const struct vcpu_start *st)
{
	const uint32_t flat = X86_SEG_P | X86_SEG_S | X86_SEG_G;
	uint64_t cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_MP | X86_CR0_NE | X86_CR0_WP;

	for (enum seg s = ES; s <= GS; s++)
		set_seg(s, 0x18, 0, UINT32_MAX, flat | X86_SEG_DB | X86_SEG_DATA);
	set_seg(CS, 0x10, 0, UINT32_MAX, flat | X86_SEG_L | X86_SEG_CODE);
	vtx_write(VMX_GUEST_GDTR_BASE, st->gdt);
	vtx_write(VMX_GUEST_GDTR_LIMIT, st->gdt_limit);
	vtx_write(VMX_GUEST_CR3, st->cr3);
	vtx_write(VMX_CR0_SHADOW, cr0);
	vtx_write(VMX_GUEST_CR0, cr0 | x->caps.cr0_fixed0);
	vtx_write(VMX_CR4_SHADOW, X86_CR4_PAE);
	vtx_write(VMX_GUEST_CR4, X86_CR4_PAE | X86_CR4_MCE | x->caps.cr4_fixed0);
	set_lma(X86_EFER_LME, cr0);
	x->v.rip = st->rip;
	x->v.gpr[VCPU_RSP] = st->rsp;
	x->v.gpr[VCPU_RSI] = st->rsi;
}

/* The virtual CPU leaves its physical one first: all of its state is in memory then. */
void vtx_start(struct vcpu *v, const struct vcpu_start *st)
{
	struct vtx_vcpu *x = vtx_of(v);
	uint64_t before;

	vtx_put(v);
	x->event = 0;
	x->nmi = 0;
	x->irq_status = 0;
	x->threshold = 0;
	x->deadline = VTX_NEVER;
	x->generation = 0;
	x->proc &= ~(uint32_t)(VMX_PROC_IRQ_WINDOW | VMX_PROC_NMI_WINDOW);
	x->dirty = VTX_D_PROC | VTX_D_IRQ;
	x->dr[0] = x->dr[1] = x->dr[2] = x->dr[3] = x->cr2 = 0;
	x->dr6 = X86_DR6_INIT;
	for (size_t i = 0; i < ARRAY_SIZE(v->gpr); i++)
		v->gpr[i] = 0;
	v->rflags = X86_RFLAGS_ONE;
	before = vtx_begin(x);
	start_common(x);
	if (st->real)
		start_real(v, st->vector);
	else
		start_long(x, st);
	v->state_dirty = true;
	vtx_end(x, before);
}
