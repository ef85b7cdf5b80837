/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Accesses to guest-physical addresses without memory: which device's they are, and their
 * emulation. */
#include "base/errno.h"
#include "guest.h"
#include "hw/x86.h"

#define INSN_MAX 15u
#define IN_PLACE 32u /* so many bytes decode() reads where they are */
/* CF PF AF ZF SF OF */
#define FLAGS UINT64_C(0x8d5)

int mmio_add(struct guest *g, const struct mmio_region *r)
{
	if (!r->len || r->gpa + r->len < r->gpa)
		return -EEXIST;
	for (unsigned int i = 0; i < g->mmio_count; i++) {
		const struct mmio_region *o = &g->mmio[i];

		if (r->gpa < o->gpa + o->len && o->gpa < r->gpa + r->len)
			return -EEXIST;
	}
	if (g->mmio_count == GUEST_MMIO)
		return -ENOSPC;
	g->mmio[g->mmio_count++] = *r;
	return 0;
}

void mmio_del(struct guest *g, uint64_t gpa)
{
	for (unsigned int i = 0; i < g->mmio_count; i++) {
		if (g->mmio[i].gpa == gpa) {
			g->mmio[i] = g->mmio[--g->mmio_count];
			return;
		}
	}
}

static const struct mmio_region *find(const struct guest *g, uint64_t gpa)
{
	for (unsigned int i = 0; i < g->mmio_count; i++) {
		const struct mmio_region *r = &g->mmio[i];

		if (gpa - r->gpa < r->len)
			return r;
	}
	return NULL;
}

/* Its bus may be probed: what nobody answers there reads as ones. Elsewhere it has no business. */
static bool in_window(uint64_t gpa)
{
	return gpa - GPA_ECAM < UINT64_C(0x100000) || gpa - GPA_PCI < GPA_PCI_LEN;
}

static uint64_t ones(unsigned int size)
{
	return UINT64_MAX >> (64 - 8 * size);
}

/* ---- the access ----------------------------------------------------------------------------- */

/* Where an access goes, looked up once. */
struct target {
	struct gcpu *c;
	const struct mmio_region *r;
	uint64_t gpa;
	bool apic;
};

/* Not a region's: the APIC's registers are 32 bits on 16 bytes each; what is nobody's reads ones.
 */
static uint64_t load_other(const struct target *t, unsigned int size)
{
	uint64_t off = t->gpa & 0xfff;

	if (t->apic)
		return size == 4 && !(off & 15) ? lapic_read(t->c, (uint32_t)off) : 0;
	guest_refused(t->c->guest);
	return UINT64_MAX;
}

static void store_other(const struct target *t, unsigned int size, uint64_t val)
{
	uint64_t off = t->gpa & 0xfff;

	if (t->apic && size == 4 && !(off & 15))
		lapic_write(t->c, (uint32_t)off, (uint32_t)val);
	else
		guest_refused(t->c->guest);
}

static uint64_t load(const struct target *t, unsigned int size)
{
	if (likely(t->r))
		return t->r->read(t->r->ctx, t->c, t->gpa - t->r->gpa, size) & ones(size);
	return load_other(t, size) & ones(size);
}

static void store(const struct target *t, unsigned int size, uint64_t val)
{
	if (likely(t->r))
		t->r->write(t->r->ctx, t->c, t->gpa - t->r->gpa, size, val & ones(size));
	else
		store_other(t, size, val);
}

static uint64_t operand(const struct gcpu *c, const struct insn *in)
{
	if (in->flags & INSN_IMM)
		return in->value;
	return c->v->gpr[in->reg] >> (in->flags & INSN_HIGH ? 8 : 0);
}

/* As the CPU does: 32 bits clear the upper half, 8 and 16 leave the rest. RSP is written back only
 * when told. */
static void set_operand(struct gcpu *c, const struct insn *in, uint64_t val)
{
	uint64_t *reg = &c->v->gpr[in->reg], mask = ones(in->reg_size);
	unsigned int shift = in->flags & INSN_HIGH ? 8 : 0;

	if (in->reg_size >= 4)
		*reg = val & mask;
	else
		*reg = (*reg & ~(mask << shift)) | (val & mask) << shift;
	c->v->state_dirty |= in->reg == VCPU_RSP;
}

static uint64_t sign_extend(uint64_t v, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (uint64_t)((int64_t)(v << shift) >> shift);
}

/* SDM 1 3.4.3.1, for a result of @size bytes; @cmp: of @a - @b, else of a logical operation. */
static void set_flags(struct vcpu *v, uint64_t a, uint64_t b, unsigned int size, bool cmp)
{
	uint64_t mask = ones(size), sign = mask ^ mask >> 1, f = 0;
	uint64_t res = (cmp ? a - b : a) & mask;

	f |= __builtin_parity((unsigned int)res & 0xff) ? 0 : BIT(2);
	f |= res ? 0 : BIT(6);
	f |= res & sign ? BIT(7) : 0;
	if (cmp) {
		a &= mask;
		b &= mask;
		f |= a < b ? BIT(0) : 0;
		f |= (a ^ b ^ res) & 0x10 ? BIT(4) : 0;
		f |= (a ^ b) & (a ^ res) & sign ? BIT(11) : 0;
	}
	v->rflags = (v->rflags & ~FLAGS) | f;
	v->state_dirty = true;
}

/* CMP, TEST, OR, AND, XOR. */
static void arithmetic(const struct target *t, const struct insn *in)
{
	uint64_t mem = load(t, in->size), other = operand(t->c, in);
	bool second = in->flags & INSN_SECOND;

	if (in->op == INSN_CMP) {
		set_flags(t->c->v, second ? other : mem, second ? mem : other, in->size, true);
		return;
	}
	if (in->op == INSN_OR)
		mem |= other;
	else if (in->op == INSN_XOR)
		mem ^= other;
	else
		mem &= other;
	set_flags(t->c->v, mem, 0, in->size, false);
	if (in->flags & INSN_WRITE)
		store(t, in->size, mem);
	else if (in->op != INSN_TEST)
		set_operand(t->c, in, mem);
}

/* One of REP's; false: more are to come, by the same instruction. */
static bool stos(const struct target *t, const struct insn *in)
{
	struct vcpu *v = t->c->v;
	bool down = v->rflags & BIT(10);

	store(t, in->size, v->gpr[VCPU_RAX]);
	v->gpr[VCPU_RDI] += down ? -(uint64_t)in->size : in->size;
	return !(in->flags & INSN_REP) || !--v->gpr[VCPU_RCX];
}

/* False: the instruction is not done yet. */
static bool execute(const struct target *t, const struct insn *in)
{
	uint64_t mem;

	if (in->op == INSN_STOS)
		return stos(t, in);
	if (in->op != INSN_MOV) {
		arithmetic(t, in);
	} else if (in->flags & INSN_WRITE) {
		store(t, in->size, operand(t->c, in));
	} else {
		mem = load(t, in->size);
		set_operand(t->c, in, in->flags & INSN_SIGN ? sign_extend(mem, in->size) : mem);
	}
	return true;
}

/* ---- the instruction ------------------------------------------------------------------------ */

/* The entry of @linear in @table, whose index is at bit @shift; *@e: what it says. False: absent.
 */
static inline bool step(const struct guest *g, uint64_t table, uint64_t linear, unsigned int shift,
			uint64_t *e)
{
	uint64_t at = (table & X86_PTE_ADDR) + (linear >> shift & 511) * 8;

	/* RAM is whole pages. */
	if (unlikely(at >= g->ram_len))
		return false;
	*e = *(const volatile uint64_t *)(uintptr_t)(g->ram + at);
	return *e & X86_PTE_P;
}

static int page(uint64_t e, uint64_t linear, unsigned int shift, uint64_t *gpa)
{
	uint64_t low = (UINT64_C(1) << shift) - 1;

	*gpa = (e & X86_PTE_ADDR & ~low) | (linear & low);
	return 0;
}

/* As vcpu_linear(), for 64-bit code: each access to a device comes here. */
static inline int walk64(const struct guest *g, uint64_t e, uint64_t linear, uint64_t *gpa)
{
	if (!step(g, e, linear, 39, &e) || !step(g, e, linear, 30, &e))
		return -EFAULT;
	if (e & X86_PTE_PS)
		return page(e, linear, 30, gpa);
	if (!step(g, e, linear, 21, &e))
		return -EFAULT;
	if (e & X86_PTE_PS)
		return page(e, linear, 21, gpa);
	if (!step(g, e, linear, 12, &e))
		return -EFAULT;
	return page(e, linear, 12, gpa);
}

/* An instruction that may go on in the next page: the bytes that there are, in @buf. */
static size_t fetch_both(struct gcpu *c, uint64_t rip, const uint8_t *p, size_t first, uint8_t *buf)
{
	const uint8_t *q = NULL;
	uint64_t gpa;

	first = first < INSN_MAX ? first : INSN_MAX;
	for (size_t i = 0; i < first; i++)
		buf[i] = p[i];
	/* Whether the next page is needed, decode finds out. */
	if (first < INSN_MAX && vcpu_linear(c->v, rip + first, &gpa))
		q = guest_ptr(c->guest, gpa, INSN_MAX - first);
	for (size_t i = first; q && i < INSN_MAX; i++)
		buf[i] = q[i - first];
	return q ? INSN_MAX : first;
}

static int instruction(struct gcpu *c, struct insn *in)
{
	uint64_t attr = c->v->ops->get(c->v, VCPU_CS_ATTR), rip = c->v->rip, gpa;
	size_t first = 4096 - (rip & 0xfff);
	uint8_t buf[INSN_MAX];
	unsigned int bits = 64;
	const uint8_t *p;

	/* Outside of long mode L is reserved, SDM 3A 3.4.5. */
	if (likely(attr & X86_SEG_L)) {
		if (walk64(c->guest, c->v->ops->get(c->v, VCPU_CR3), rip, &gpa))
			return -EFAULT;
	} else {
		bits = attr & X86_SEG_DB ? 32 : 16;
		rip = (uint32_t)(rip + c->v->ops->get(c->v, VCPU_CS_BASE));
		first = 4096 - (rip & 0xfff);
		if (!vcpu_linear(c->v, rip, &gpa))
			return -EFAULT;
	}
	/* To the end of its page it is all RAM, or not. */
	p = guest_ptr(c->guest, gpa, first);
	if (!p)
		return -EFAULT;
	if (likely(first >= IN_PLACE))
		return decode(p, first, bits, in);
	first = fetch_both(c, rip, p, first, buf);
	return decode(buf, first, bits, in);
}

/* What no guest that means well does ends it; @e says what it was about to do. */
static enum exit_next end(struct gcpu *c, const struct vcpu_exit *e, uint64_t gpa, const char *why)
{
	guest_fail(c->guest, c, "%s at 0x%llx, %s",
		   e->access & VCPU_X	? "runs"
		   : e->access & VCPU_W ? "writes"
					: "reads",
		   (unsigned long long)gpa, why);
	return EXIT_BLOCK;
}

enum exit_next mmio_access(struct gcpu *c, struct vcpu_exit *e, uint64_t gpa)
{
	struct target t = {.c = c, .gpa = gpa, .r = find(c->guest, gpa)};
	struct insn in;

	t.apic = !t.r && gpa - GPA_APIC < 4096;
	if (unlikely(!t.r && !t.apic && !in_window(gpa)))
		return end(c, e, gpa, "which is not its own");
	if (unlikely((e->access & VCPU_X) || instruction(c, &in)))
		return end(c, e, gpa, "a device, by an instruction that no driver uses");
	/* A write for an instruction that only reads: delivery of an event, or a page walk. */
	if (unlikely((e->access & VCPU_W) && !(in.flags & INSN_WRITE)))
		return end(c, e, gpa, "a device, for its stack or page tables");
	if (unlikely(t.r && in.size > t.r->len - (gpa - t.r->gpa)))
		t.r = NULL;
	if (execute(&t, &in)) {
		e->insn_len = in.len;
		c->v->ops->skip(c->v, e);
	}
	return EXIT_RESUME;
}
