/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Accesses to guest-physical addresses without memory: which device's they are, and their
 * emulation. */
#include "base/errno.h"
#include "guest.h"
#include "hw/x86.h"

#define INSN_MAX 15u
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

static uint64_t load(const struct target *t, unsigned int size)
{
	uint64_t off = t->gpa & 0xfff;

	if (t->apic)
		return size == 4 && !(off & 15) ? lapic_read(t->c, (uint32_t)off) : 0;
	if (t->r)
		return t->r->read(t->r->ctx, t->c, t->gpa - t->r->gpa, size) & ones(size);
	t->c->guest->refused++;
	return ones(size);
}

static void store(const struct target *t, unsigned int size, uint64_t val)
{
	uint64_t off = t->gpa & 0xfff;

	if (t->apic && size == 4 && !(off & 15))
		lapic_write(t->c, (uint32_t)off, (uint32_t)val);
	else if (t->r)
		t->r->write(t->r->ctx, t->c, t->gpa - t->r->gpa, size, val & ones(size));
	else
		t->c->guest->refused++;
}

static uint64_t operand(const struct gcpu *c, const struct insn *in)
{
	if (in->imm)
		return in->value;
	return c->v->gpr[in->reg] >> (in->high ? 8 : 0);
}

/* As the CPU does: 32 bits clear the upper half, 8 and 16 leave the rest. */
static void set_operand(struct gcpu *c, const struct insn *in, uint64_t val)
{
	uint64_t *reg = &c->v->gpr[in->reg], mask = ones(in->reg_size);
	unsigned int shift = in->high ? 8 : 0;

	if (in->reg_size >= 4)
		*reg = val & mask;
	else
		*reg = (*reg & ~(mask << shift)) | (val & mask) << shift;
	/* RSP is written back only when told. */
	c->v->state_dirty = true;
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

static uint64_t combine(enum insn_op op, uint64_t a, uint64_t b)
{
	switch (op) {
	case INSN_OR:
		return a | b;
	case INSN_XOR:
		return a ^ b;
	default:
		return a & b;
	}
}

/* One STOS; false: the count of REP is not done, the instruction comes again. */
static bool stos(const struct target *t, const struct insn *in)
{
	struct vcpu *v = t->c->v;
	bool down = v->rflags & BIT(10);

	store(t, in->size, v->gpr[VCPU_RAX]);
	v->gpr[VCPU_RDI] += down ? -(uint64_t)in->size : in->size;
	return !in->rep || !--v->gpr[VCPU_RCX];
}

static void execute(const struct target *t, const struct insn *in)
{
	uint64_t mem, other = operand(t->c, in);

	if (in->op == INSN_MOV && in->write) {
		store(t, in->size, other);
		return;
	}
	mem = load(t, in->size);
	if (in->op == INSN_MOV) {
		set_operand(t->c, in, in->sign ? sign_extend(mem, in->size) : mem);
		return;
	}
	if (in->op == INSN_CMP) {
		set_flags(t->c->v, in->second ? other : mem, in->second ? mem : other, in->size,
			  true);
		return;
	}
	mem = combine(in->op, mem, other);
	set_flags(t->c->v, mem, 0, in->size, false);
	if (in->write)
		store(t, in->size, mem);
	else if (in->op != INSN_TEST)
		set_operand(t->c, in, mem);
}

/* ---- the instruction ------------------------------------------------------------------------ */

/* The bytes at RIP: in place within a page, else together in @buf. NULL: they cannot be read. */
static const uint8_t *fetch(struct gcpu *c, uint64_t rip, uint8_t *buf, size_t *n)
{
	size_t first = 4096 - (rip & 0xfff);
	const uint8_t *p, *q;
	uint64_t gpa;

	if (guest_walk(c, rip, &gpa))
		return NULL;
	*n = first < INSN_MAX ? first : INSN_MAX;
	p = guest_ptr(c->guest, gpa, *n);
	if (!p || first >= INSN_MAX)
		return p;
	for (size_t i = 0; i < first; i++)
		buf[i] = p[i];
	/* The next page is needed only when the instruction goes on there: decode finds out. */
	if (guest_walk(c, rip + first, &gpa))
		return buf;
	q = guest_ptr(c->guest, gpa, INSN_MAX - first);
	for (size_t i = first; q && i < INSN_MAX; i++)
		buf[i] = q[i - first];
	*n = q ? INSN_MAX : first;
	return buf;
}

static int instruction(struct gcpu *c, struct insn *in)
{
	uint64_t attr = c->v->ops->get(c->v, VCPU_CS_ATTR), rip = c->v->rip;
	uint8_t buf[INSN_MAX];
	unsigned int bits = 64;
	const uint8_t *p;
	size_t n;

	/* Outside of long mode L is reserved, SDM 3A 3.4.5. */
	if (!(attr & X86_SEG_L)) {
		bits = attr & X86_SEG_DB ? 32 : 16;
		rip = (uint32_t)(rip + c->v->ops->get(c->v, VCPU_CS_BASE));
	}
	p = fetch(c, rip, buf, &n);
	return p ? decode(p, n, bits, in) : -EFAULT;
}

enum exit_next mmio_access(struct gcpu *c, struct vcpu_exit *e, uint64_t gpa)
{
	struct guest *g = c->guest;
	struct target t = {.c = c, .gpa = gpa, .apic = gpa - GPA_APIC < 4096};
	const char *what = e->access & VCPU_X ? "runs" : e->access & VCPU_W ? "writes" : "reads";
	struct insn in;

	if (!t.apic)
		t.r = find(g, gpa);
	if (unlikely(!t.r && !t.apic && !in_window(gpa))) {
		guest_fail(g, c, "%s at 0x%llx, which is not its own", what,
			   (unsigned long long)gpa);
		return EXIT_BLOCK;
	}
	if (unlikely((e->access & VCPU_X) || instruction(c, &in))) {
		guest_fail(g, c, "%s at 0x%llx, a device, by an instruction that no driver uses",
			   what, (unsigned long long)gpa);
		return EXIT_BLOCK;
	}
	/* A write for an instruction that only reads: delivery of an event, or a page walk. */
	if (unlikely((e->access & VCPU_W) && !in.write)) {
		guest_fail(g, c, "has its stack or page tables at 0x%llx, a device",
			   (unsigned long long)gpa);
		return EXIT_BLOCK;
	}
	if (t.r && in.size > t.r->len - (gpa - t.r->gpa))
		t.r = NULL;
	if (in.op == INSN_STOS && !stos(&t, &in)) {
		c->v->state_dirty = true;
		return EXIT_RESUME;
	}
	if (in.op != INSN_STOS)
		execute(&t, &in);
	e->insn_len = in.len;
	c->v->ops->skip(c->v, e);
	return EXIT_RESUME;
}
