/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest's ground: words by the virtual UART, arguments, memory, traps, calls to the core.
 */
#include "guest.h"

#define UART 0x3f8

uint64_t call_vmx(uint64_t nr, uint64_t a, uint64_t b);
uint64_t call_svm(uint64_t nr, uint64_t a, uint64_t b);
extern uint8_t image_end[], trap_stubs[];

const struct guest_boot *boot;
volatile uint64_t irq_count[256], irq_cpu[GUEST_CPUS_MAX][256];
void (*irq_hook)(unsigned int cpu, unsigned int vector);

/* ---- words ----------------------------------------------------------------------------------- */

static void put(char c)
{
	outb(UART, (uint8_t)c);
}

static void put_num(uint64_t v, unsigned int base)
{
	char b[24];
	unsigned int n = sizeof(b);

	do {
		b[--n] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n < sizeof(b))
		put(b[n++]);
}

static void say_v(const char *f, va_list ap)
{
	for (; *f; f++) {
		bool l = false;
		uint64_t v;

		if (*f != '%') {
			put(*f);
			continue;
		}
		while (*++f == 'l')
			l = true;
		if (*f == 's') {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(*s);
		} else if (*f == 'c') {
			put((char)va_arg(ap, int));
		} else if (*f == 'u' || *f == 'x' || *f == 'd') {
			v = l ? va_arg(ap, uint64_t) : va_arg(ap, uint32_t);
			if (*f == 'd' && !l && (int32_t)v < 0) {
				put('-');
				v = (uint64_t) - (int64_t)(int32_t)v;
			}
			put_num(v, *f == 'x' ? 16 : 10);
		} else {
			put(*f);
		}
	}
}

void say(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	say_v(f, ap);
	va_end(ap);
	put('\n');
}

/* ---- arguments ------------------------------------------------------------------------------- */

bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

const char *arg(const char *key, const char *def)
{
	static char val[64];
	const char *p = boot->args;
	size_t k = 0, n = 0;

	while (key[k])
		k++;
	while (*p) {
		while (*p == ' ')
			p++;
		if (!memcmp(p, key, k) && p[k] == '=') {
			for (p += k + 1; *p && *p != ' ' && n + 1 < sizeof(val); p++)
				val[n++] = *p;
			val[n] = 0;
			return val;
		}
		while (*p && *p != ' ')
			p++;
	}
	return def;
}

static unsigned int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	return 16;
}

uint64_t arg_num(const char *key, uint64_t def)
{
	const char *s = arg(key, NULL);
	unsigned int base = 10;
	uint64_t v = 0;

	if (!s)
		return def;
	if (s[0] == '0' && s[1] == 'x') {
		base = 16;
		s += 2;
	}
	for (; digit(*s) < base; s++)
		v = v * base + digit(*s);
	return v;
}

bool arg_mac(const char *key, struct mac *m)
{
	const char *s = arg(key, NULL);

	for (unsigned int i = 0; s && i < ETH_MAC_LEN; i++, s += 3) {
		if (digit(s[0]) > 15 || digit(s[1]) > 15)
			return false;
		m->b[i] = (uint8_t)(digit(s[0]) << 4 | digit(s[1]));
		if (!s[2])
			return i == ETH_MAC_LEN - 1;
	}
	return s != NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

uint64_t call(enum guest_call nr, uint64_t a)
{
	return boot->svm ? call_svm(nr, a, 0) : call_vmx(nr, a, 0);
}

void done(unsigned int status)
{
	say("done %u", status);
	for (;;) {
		call(GUEST_CALL_DONE, status);
		__asm__ volatile("hlt");
	}
}

void spent_mark(struct spent *s)
{
	s->copies = call(GUEST_CALL_COPIES, 0);
	s->vnic = call(GUEST_CALL_VNIC, 0);
	s->exits = call(GUEST_CALL_EXITS, 0);
	s->root = call(GUEST_CALL_ROOT, 0);
	s->guest = call(GUEST_CALL_TICKS, 0);
}

/* The calls of mark and since cost exits and ticks themselves: those of an empty pair are taken
 * off. */
void spent_since(struct spent *s)
{
	struct spent now, own = {0}, again;

	spent_mark(&now);
	spent_mark(&own);
	spent_mark(&again);
	s->copies = now.copies - s->copies;
	s->vnic = now.vnic - s->vnic;
	s->exits = now.exits - s->exits - (again.exits - own.exits);
	s->root = now.root - s->root - (again.root - own.root);
	s->guest = now.guest - s->guest - (again.guest - own.guest);
}

/* ---- the seam's memory and log --------------------------------------------------------------- */

/* Never freed: a role ends with its guest. */
static void *pages(size_t len)
{
	static uint8_t *next;
	uint8_t *p;

	if (!next)
		next = image_end;
	len = (len + 4095) & ~(size_t)4095;
	if ((uint64_t)(next + len) > boot->mem)
		return NULL;
	p = next;
	next += len;
	memset(p, 0, len);
	return p;
}

static void pages_free(void *p, size_t len)
{
	(void)p;
	(void)len;
}

static void log_line(enum os_log_level level, const char *who, const char *f, va_list ap)
{
	if (level > OS_LOG_WARN)
		return;
	for (; *who; who++)
		put(*who);
	put(' ');
	say_v(f, ap);
	put('\n');
}

struct bare_env env = {.pages = pages, .pages_free = pages_free, .log = log_line};

/* ---- traps ----------------------------------------------------------------------------------- */

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

static struct {
	uint64_t lo, hi;
} idt[256] __attribute__((aligned(16)));
static void *volatile landing[5];
static volatile bool landing_set;
static volatile int landed;

void trap(struct trap_frame *f);

void trap(struct trap_frame *f)
{
	if (boot->cpus > 1 && (f->vector >= 32 || f->vector == 2)) {
		unsigned int cpu = APIC[0x20 / 4] >> 24;

		irq_cpu[cpu & (GUEST_CPUS_MAX - 1)][f->vector]++;
		if (irq_hook)
			irq_hook(cpu, (unsigned int)f->vector);
	}
	if (f->vector >= 32) {
		irq_count[f->vector]++;
		APIC[0xb0 / 4] = 0;
		return;
	}
	if (f->vector == 2) {
		irq_count[2]++;
		return;
	}
	if (landing_set) {
		landing_set = false;
		landed = (int)f->vector;
		__builtin_longjmp((void **)landing, 1);
	}
	say("exception %lu error %lx rip %lx", f->vector, f->error, f->rip);
	done(90);
}

int attempt(void (*fn)(void *ctx), void *ctx)
{
	uint64_t flags;

	__asm__ volatile("pushfq; pop %0" : "=r"(flags));
	landed = -1;
	if (!__builtin_setjmp((void **)landing)) {
		landing_set = true;
		fn(ctx);
		landing_set = false;
	}
	__asm__ volatile("push %0; popfq" ::"r"(flags) : "cc", "memory");
	return landed;
}

void trap_load(void)
{
	struct {
		uint16_t len;
		uint64_t base;
	} __attribute__((packed)) r = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" ::"m"(r));
}

void trap_init(void)
{
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	for (unsigned int i = 0; i < 256; i++) {
		uint64_t a = (uint64_t)(trap_stubs + 16 * i);

		idt[i].lo = (a & 0xffff) | (uint64_t)cs << 16 | UINT64_C(0x8e00) << 32 |
			    (a >> 16 & 0xffff) << 48;
		idt[i].hi = a >> 32;
	}
	trap_load();
}

extern const uint8_t ap_code[], ap_code_end[]; /* cpus.S, which goes on at ap_entry */

void (*ap_entry)(unsigned int id);

void ap_place(void (*entry)(unsigned int id))
{
	uint8_t *page = (uint8_t *)(uint64_t)(AP_PAGE << 12);

	__asm__("" : "+r"(page)); /* an address that no compiler takes for NULL and a bit */
	memcpy(page, ap_code, (size_t)(ap_code_end - ap_code));
	ap_entry = entry;
}

void irq_on(void)
{
	APIC[0xf0 / 4] = 0x1ff;
	__asm__ volatile("sti" ::: "memory");
}

void irq_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}
