/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * CPUID as guests see it: the CPU's own answers cut down to what the core virtualises, made once so
 * that an exit is a look into a table. What no line below allows reads as 0. SDM 2A "CPUID".
 */
#include "glue/cpu.h"
#include "guest.h"
#include "host.h"
#include "hw/x86.h"

#define BASIC_MAX    0x16u
#define EXTENDED     UINT32_C(0x80000000)
#define EXTENDED_MAX UINT32_C(0x80000008)
#define OURS	     UINT32_C(0x40000000)
#define ARAT	     BIT(2) /* leaf 6: the APIC's timer never stops */
/* Of no use without AVX's state: leaf 1 FMA, AVX, F16C; leaf 7 AVX2; VAES, VPCLMULQDQ. */
#define NEED_AVX_1   (BIT(12) | BIT(28) | BIT(29))
#define NEED_AVX_7B  BIT(5)
#define NEED_AVX_7C  (BIT(9) | BIT(10))
#define XCR0_OFFERED (X86_XCR0_X87 | X86_XCR0_SSE | X86_XCR0_AVX)

enum { EAX, EBX, ECX, EDX };

/*
 * Bits that pass. Leaf 1: no DTES64, MONITOR, VMX, SMX, EIST, TM2, SDBG, PDCM, DCA, x2APIC; no
 * MTRR, PSN, DS, ACPI, TM, PBE. Leaf 7: no TSC_ADJUST, SGX, TSX, MPX, RDT, AVX-512, PT, PKU, LA57,
 * CET, UINTR, AMX, SPEC_CTRL. 80000001: no SVM, IBS, SKINIT, WDT, LWP, counters, MWAITX, FFXSR.
 */
static const struct {
	uint32_t leaf, sub, mask[4];
} allow[] = {
	{0x0, 0, {0, ~0u, ~0u, ~0u}},
	{0x1, 0, {~0u, 0x0000ff00, 0x76da3203, 0x0f8bebff}},
	{0x2, 0, {~0u, ~0u, ~0u, ~0u}},
	{0x4, 0, {0x3ff, ~0u, ~0u, ~0u}},
	{0x4, 1, {0x3ff, ~0u, ~0u, ~0u}},
	{0x4, 2, {0x3ff, ~0u, ~0u, ~0u}},
	{0x4, 3, {0x3ff, ~0u, ~0u, ~0u}},
	{0x6, 0, {0, 0, 0, 0}},
	{0x7, 0, {0, 0x219c27e9, 0x00400604, 0x00000010}},
	{0xd, 0, {0, 0, 0, 0}},
	{0xd, 1, {BIT(0) | BIT(1) | BIT(2), 0, 0, 0}},
	{0xd, 2, {~0u, ~0u, 0, 0}},
	{0x15, 0, {0, 0, 0, 0}},
	{0x16, 0, {0, 0, 0, 0}},
	{EXTENDED + 1, 0, {~0u, 0, 0x000001e1, 0x2c500800}},
	{EXTENDED + 2, 0, {~0u, ~0u, ~0u, ~0u}},
	{EXTENDED + 3, 0, {~0u, ~0u, ~0u, ~0u}},
	{EXTENDED + 4, 0, {~0u, ~0u, ~0u, ~0u}},
	{EXTENDED + 5, 0, {~0u, ~0u, ~0u, ~0u}},
	{EXTENDED + 6, 0, {~0u, ~0u, ~0u, ~0u}},
	{EXTENDED + 7, 0, {0, 0, 0, BIT(8)}}, /* the TSC does not change its speed */
	{EXTENDED + 8, 0, {0xffff, 0, 0, 0}},
};

/* The answers, behind one of zeros in the order of allow[]; found by leaf without a search. */
static struct answer {
	struct cpu_id r;
	bool own __attribute__((
		aligned(16))); /* something in it depends on who asks, or on the sub-leaf */
} answer[1 + ARRAY_SIZE(allow)] = {[0] = {.own = true}};
static uint8_t place[64]; /* of 32 basic and 32 extended leaves: index in answer[], 0: none */
static uint64_t xcr0;
static uint32_t area[2]; /* XSAVE's bytes with x87 and SSE, with AVX too */

uint64_t cpuid_xcr0(void)
{
	return xcr0;
}

/* SDM 1 13.2: leaf 0DH says what the XSAVE area holds, by what may be enabled. */
static void make_xsave(void)
{
	struct cpu_id d;

	if (!(cpu_cpuid(1, 0).ecx & X86_CPUID_1_ECX_XSAVE))
		return;
	xcr0 = cpu_cpuid(0xd, 0).eax & XCR0_OFFERED;
	area[0] = 576; /* legacy area and header, 13.4 */
	d = cpu_cpuid(0xd, 2);
	area[1] = xcr0 & X86_XCR0_AVX ? d.eax + d.ebx : area[0];
}

static void fill(unsigned int i, struct cpu_id *r)
{
	uint64_t khz = core.tsc_hz / 1000;

	switch (allow[i].leaf) {
	case 0:
		r->eax = BASIC_MAX;
		break;
	case 1:
		r->ecx |= X86_CPUID_1_ECX_HYPERVISOR | X86_CPUID_1_ECX_TSC_DEADLINE;
		r->ecx &= xcr0 ? ~0u : ~X86_CPUID_1_ECX_XSAVE;
		r->ecx &= xcr0 & X86_XCR0_AVX ? ~0u : ~NEED_AVX_1;
		break;
	case 6:
		r->eax = ARAT;
		break;
	case 7:
		r->ebx &= xcr0 & X86_XCR0_AVX ? ~0u : ~NEED_AVX_7B;
		r->ecx &= xcr0 & X86_XCR0_AVX ? ~0u : ~NEED_AVX_7C;
		break;
	case 0xd:
		if (!xcr0 || (allow[i].sub == 2 && !(xcr0 & X86_XCR0_AVX)))
			*r = (struct cpu_id){0};
		else if (!allow[i].sub)
			*r = (struct cpu_id){.eax = (uint32_t)xcr0, .ecx = area[1]};
		break;
	case 0x15: /* the crystal is the TSC, and the APIC's timer counts it */
		*r = (struct cpu_id){1, 1, core.tsc_hz <= UINT32_MAX ? (uint32_t)core.tsc_hz : 0,
				     0};
		break;
	case 0x16:
		*r = (struct cpu_id){(uint32_t)(khz / 1000), (uint32_t)(khz / 1000), 100, 0};
		break;
	default:
		break;
	}
}

static bool depends(uint32_t leaf)
{
	return leaf == 1 || leaf == 4 || leaf == 7 || leaf == 0xd || leaf == EXTENDED + 8;
}

void cpuid_init(void)
{
	uint32_t max = cpu_cpuid(0, 0).eax, ext = cpu_cpuid(EXTENDED, 0).eax;

	if (place[0])
		return;
	make_xsave();
	for (unsigned int i = 0; i < ARRAY_SIZE(allow); i++) {
		uint32_t leaf = allow[i].leaf;
		struct cpu_id r = {0};

		if (leaf <= (leaf < EXTENDED ? max : ext))
			r = cpu_cpuid(leaf, allow[i].sub);
		r.eax &= allow[i].mask[EAX];
		r.ebx &= allow[i].mask[EBX];
		r.ecx &= allow[i].mask[ECX];
		r.edx &= allow[i].mask[EDX];
		fill(i, &r);
		answer[i + 1].r = r;
		answer[i + 1].own = depends(leaf);
		if (!allow[i].sub)
			place[(leaf >= EXTENDED ? 32 : 0) + (leaf & 31)] = (uint8_t)(i + 1);
	}
}

static unsigned int log2_up(unsigned int n)
{
	return n > 1 ? 32 - (unsigned int)__builtin_clz(n - 1) : 0;
}

/* Leaf 0BH: one thread a core, all cores in one package. */
static void topology(const struct gcpu *c, uint32_t sub, struct cpu_id *r)
{
	unsigned int cpus = c->guest->cfg.cpus;

	*r = (struct cpu_id){.ecx = sub, .edx = c->index};
	if (!sub)
		*r = (struct cpu_id){0, 1, 1 << 8, c->index};
	else if (sub == 1)
		*r = (struct cpu_id){log2_up(cpus), cpus, 1 | 2 << 8, c->index};
}

static const struct answer *look(uint32_t leaf)
{
	if (leaf < 32)
		return &answer[place[leaf]];
	leaf -= EXTENDED;
	return &answer[leaf < 32 ? place[32 + leaf] : 0];
}

static inline void put(uint64_t *gpr, const struct cpu_id *r)
{
	gpr[VCPU_RAX] = r->eax;
	gpr[VCPU_RBX] = r->ebx;
	gpr[VCPU_RCX] = r->ecx;
	gpr[VCPU_RDX] = r->edx;
}

static void own_leaf_1(struct gcpu *c)
{
	unsigned int cpus = c->guest->cfg.cpus;
	struct vcpu *v = c->v;

	v->gpr[VCPU_RBX] |= c->index << 24 | cpus << 16;
	if (cpus > 1)
		v->gpr[VCPU_RDX] |= BIT(28);
	if (xcr0 && (v->ops->get(v, VCPU_CR4) & X86_CR4_OSXSAVE))
		v->gpr[VCPU_RCX] |= X86_CPUID_1_ECX_OSXSAVE;
}

/* Sub-leaves of one leaf stand together in allow[]; what is not there is zeros. */
static const struct cpu_id *sub_leaf(uint32_t leaf, uint32_t sub)
{
	unsigned int i = place[leaf & 31] + sub;

	if (sub > 8 || i > ARRAY_SIZE(allow) || allow[i - 1].leaf != leaf)
		i = 0;
	return &answer[i].r;
}

/* What depends on the CPU that asks, on its state or on the sub-leaf; and leaves that are not in
 * the table. */
static void own(struct gcpu *c, uint32_t leaf, uint32_t sub)
{
	unsigned int cpus = c->guest->cfg.cpus;
	struct cpu_id r = {0};

	if (leaf == 4 || leaf == 7 || leaf == 0xd)
		r = *sub_leaf(leaf, sub);
	switch (leaf) {
	case 4:
		if (r.eax & 0x1f)
			r.eax |= (cpus - 1) << 26;
		break;
	case 0xb:
		topology(c, sub, &r);
		break;
	case 0xd:
		if (sub < 2 && xcr0) /* AVX follows the header: compacted or not is the same */
			r.ebx = area[c->xcr0 & X86_XCR0_AVX ? 1 : 0];
		break;
	case EXTENDED:
		r = cpu_cpuid(0, 0);
		r.eax = EXTENDED_MAX;
		break;
	case OURS:
		r = (struct cpu_id){OURS, 0x69756c53, 0x6c536563, 0x65636975};
		break;
	case EXTENDED + 8:
		r = look(leaf)->r;
		r.ecx = cpus - 1;
		break;
	default:
		break;
	}
	put(c->v->gpr, &r);
}

void cpuid_exit(struct gcpu *c)
{
	uint64_t *gpr = c->v->gpr;
	uint32_t leaf = (uint32_t)gpr[VCPU_RAX], sub = (uint32_t)gpr[VCPU_RCX];
	const struct answer *a = look(leaf);

	put(gpr, &a->r);
	if (likely(!a->own))
		return;
	if (leaf == 1)
		own_leaf_1(c);
	else
		own(c, leaf, sub);
}
