/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Attacks by two CPUs of one guest: one uses what the core looks at, the other changes it
 * meanwhile. Without a second CPU they end with status 93.
 */
#include "attack.h"

#define DURATION 300 /* ms */

static volatile uint32_t *const apic = (volatile uint32_t *)0xfee00000;
static void (*volatile job)(void);
static volatile bool up, stop;
static volatile uint64_t ap_work;

static void ap_main(unsigned int id)
{
	(void)id;
	trap_load();
	up = true;
	while (!stop) {
		job();
		ap_work++;
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void ipi(uint32_t what)
{
	apic[0x310 / 4] = 1u << 24;
	apic[0x300 / 4] = what;
}

static void ap_wake(void)
{
	ipi(0x4500);
	ipi(0x4600 | AP_PAGE);
}

/* The other CPU does @fn over and over from now on. */
static void ap_run(void (*fn)(void))
{
	uint64_t end = tsc() + ms(2000);

	if (boot->cpus < 2) {
		say("it has one CPU");
		done(93);
	}
	ap_place(ap_main);
	apic[0xf0 / 4] = 0x1ff;
	job = fn;
	while (!up && tsc() < end) {
		ap_wake();
		for (uint64_t t = tsc() + ms(20); !up && tsc() < t;)
			relax();
	}
	if (!up) {
		say("its other CPU does not start");
		done(94);
	}
}

static bool going(void)
{
	static uint64_t end;

	if (!end)
		end = tsc() + ms(arg_num("ms", DURATION));
	call(GUEST_CALL_BEAT, ap_work);
	return tsc() < end;
}

static void finish(void)
{
	stop = true;
	say("%lu rounds of the other CPU", ap_work);
}

/* ---- code that changes between its exit and its decoding --------------------------------------
 */

static volatile uint8_t *code;

/* MOV and OR from memory, MOV to it by 1 and 4 bytes, ADD that nobody decodes, LOCK; then RET. */
static void change_code(void)
{
	static const uint8_t op[] = {0x8b, 0x89, 0x88, 0x0a, 0x3b, 0x8a};

	code[1] = op[rnd() % ARRAY_SIZE(op)];
	code[0] = rnd() & 1 ? 0x48 : 0x90;
}

static void run_code(void *ctx)
{
	uint64_t rax = 0;

	__asm__ volatile("call *%1" : "+a"(rax) : "r"(code), "D"(ctx) : "memory", "rcx", "rdx");
}

static void pair_code(void)
{
	static const uint8_t first[] = {0x90, 0x8b, 0x07, 0xc3};

	code = env.pages(4096);
	memcpy((void *)code, first, sizeof(first));
	ap_run(change_code);
	while (going())
		for (unsigned int i = 0; i < 50; i++)
			attempt(run_code, (void *)boot->ecam);
	finish();
}

/* ---- page tables that change under the core's walk ---------------------------------------------
 */

static volatile uint64_t *pte;

static void change_table(void)
{
	static const uint64_t e[] = {0x83, 0, 0x60000083, 0xfffffffff083, 0xb0000083};

	*pte = e[rnd() % ARRAY_SIZE(e)];
	*pte = 0x83;
}

/* A second name for its first 2 MiB, where it runs code that touches its bus: the entry changes. */
static void pair_walk(void)
{
	uint64_t *pml4, *pd, *pdpt = env.pages(4096);
	uint64_t cr3, base = 1ull << 39;

	pd = env.pages(4096);
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	pml4 = (uint64_t *)(cr3 & ~0xfffull);
	pml4[1] = (uint64_t)pdpt | 3;
	pdpt[0] = (uint64_t)pd | 3;
	pte = pd;
	code = env.pages(4096);
	memcpy((void *)code, "\x8b\x07\xc3", 3);
	*pte = ((uint64_t)code & ~0x1fffffull) | 0x83;
	code = (void *)(base | ((uint64_t)code & 0x1fffff));
	ap_run(change_table);
	while (going())
		for (unsigned int i = 0; i < 50; i++) {
			__asm__ volatile("invlpg (%0)" ::"r"(code) : "memory");
			attempt(run_code, (void *)boot->ecam);
		}
	finish();
}

/* ---- the rest ---------------------------------------------------------------------------------
 */

static void busy(void)
{
	(void)pci_rd32(8, 0);
	call(GUEST_CALL_EXITS, 0);
}

/* INIT, SIPI and NMI at all times, in the core and out of it. */
static void pair_init(void)
{
	unsigned int n = 0;

	ap_run(busy);
	while (going()) {
		for (unsigned int i = rnd() % 300; i; i--)
			relax();
		ipi(rnd() & 1 ? 0x4400 : 0x4500);
		if (rnd() & 1)
			ipi(0x4600 | AP_PAGE);
		n++;
	}
	say("%u INITs and NMIs", n);
	finish();
}

static void ipi_back(void)
{
	apic[0x310 / 4] = 0;
	apic[0x300 / 4] = 0x4400;
}

/* NMIs to each other, without end. */
static void pair_nmi(void)
{
	ap_run(ipi_back);
	while (going())
		for (unsigned int i = 0; i < 100; i++)
			ipi(0x4400);
	finish();
}

static void move_bars(void)
{
	for (unsigned int d = 1; d < 3; d++) {
		uint32_t was = pci_rd32(d << 3, 0x10);

		pci_wr32(d << 3, 4, 0);
		pci_wr32(d << 3, 0x10, 0xe8000000 | (rnd() & 0x1ff000));
		pci_wr32(d << 3, 4, 6);
		pci_wr32(d << 3, 0x10, was);
	}
}

/* BARs come and go while the registers behind them are used. */
static void pair_bars(void)
{
	uint64_t a = pci_bar(8, 0), b = pci_bar(16, 0);

	ap_run(move_bars);
	while (going())
		for (unsigned int i = 0; i < 50; i++) {
			*(volatile uint32_t *)(a + 0x1520) = rnd();
			(void)*(volatile uint32_t *)(b + (rnd() & 0x3ffc));
			*(volatile uint32_t *)(0xe8000000ull | (rnd() & 0x1ffffc)) = rnd();
		}
	finish();
}

static uint64_t ring;

/* Available index, descriptors, used index: while the core reads them. */
static void change_ring(void)
{
	volatile uint32_t *w = (volatile uint32_t *)ring;
	uint32_t r = rnd();

	w[(r & 0x1fff) / 4] = rnd() & 3 ? (uint32_t)ring + (r >> 16) : r;
	*(volatile uint16_t *)(ring + 0x4002) = (uint16_t)(r >> 8);
	*(volatile uint16_t *)(ring + 0x4004 + (r & 0xfe)) = (uint16_t)(r >> 16 & 0xff);
	*(volatile uint16_t *)(ring + 12 + (r & 0xff0)) = (uint16_t)(r & 3);
}

static void pair_virtio(void)
{
	struct net *n = net_virtio();
	uint64_t bar;

	if (!n) {
		say("no virtio");
		done(92);
	}
	bar = pci_bar(n->devfn, 0);
	ring = (uint64_t)env.pages(16 * 4096);
	ap_run(change_ring);
	while (going()) {
		*(volatile uint8_t *)(bar + 20) = 0;
		for (unsigned int q = 0; q < 2; q++) {
			*(volatile uint16_t *)(bar + 22) = (uint16_t)q;
			*(volatile uint32_t *)(bar + 32) = (uint32_t)ring;
			*(volatile uint32_t *)(bar + 40) = (uint32_t)ring + 0x4000;
			*(volatile uint32_t *)(bar + 48) = (uint32_t)ring + 0x8000;
			*(volatile uint16_t *)(bar + 28) = 1;
		}
		*(volatile uint8_t *)(bar + 20) = 15;
		for (unsigned int i = 0; i < 10; i++)
			*(volatile uint16_t *)(bar + 0x3004) = 1;
	}
	finish();
}

const struct attack attack_pair[] = {
	{"pair-code", pair_code},
	{"pair-walk", pair_walk},
	{"pair-init", pair_init},
	{"pair-nmi", pair_nmi},
	{"pair-bars", pair_bars},
	{"pair-virtio", pair_virtio},
	{NULL, NULL},
};
