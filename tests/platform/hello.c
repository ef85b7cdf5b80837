/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The platform's test kernel: looks at what the machine is made of, has the card's first VF
 * interrupt every CPU in its sleep, and ends the machine with status 0, or with the number of the
 * step that failed. Its command line's last character is the number of CPUs.
 */
#include "hw/igb.h"
#include "hw/pci.h"

/* Where the firmware puts them on this machine, and where this kernel puts the card's registers. */
#define ECAM	 0xb0000000u
#define ROOT_BDF 0x08u	/* 00:01.0 */
#define PF_BDF	 0x100u /* 01:00.0 */
#define VF_BDF	 0x180u /* 01:10.0 */
#define Q35_ID	 0x29c08086u
#define PF_BARS	 0xe0000000u /* 0: 128 KiB, 1: 128 KiB, 3: 16 KiB */
#define VF_BARS	 0xe0100000u
#define VF_MSIX	 0xe0180000u
#define WINDOW	 0xe010e000u /* of the root port: e0000000 to e01fffff */

#define LAPIC	      0xfee00000u
#define LAPIC_ID      0x20u
#define LAPIC_EOI     0xb0u
#define LAPIC_SVR     0xf0u
#define LAPIC_ICR     0x300u
#define LAPIC_LVT     0x320u
#define LAPIC_INITIAL 0x380u
#define LAPIC_CURRENT 0x390u
#define LAPIC_DIVIDE  0x3e0u
#define ICR_OTHERS    0x000c0000u
#define ICR_INIT      0x4500u
#define ICR_STARTUP   0x4600u
#define VEC_MSI	      0x51u
#define VEC_TIMER     0x52u
#define AP_PAGE	      0x8000u
#define FOREVER	      0x20000000u /* of the LAPIC's timer: seconds */

#define COM1	 0x3f8
#define EXIT	 0xf4
#define FW_DMA	 0x514
#define FW_SIG	 0x554d4551u /* "QEMU" */
#define CPUS_MAX 8

enum step {
	STEP_BRIDGE = 1,
	STEP_CARD,
	STEP_VF,
	STEP_CPUS,
	STEP_MSI,
	STEP_CODE,
};

struct multiboot {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};

extern const uint8_t ap_start[], ap_start_end[];
void stub_msi(void);
void stub_timer(void);
void on_msi(void);
void on_timer(void);
void ap_main(void);
void hello_main(uint32_t magic, const struct multiboot *mb);

static uint64_t idt[256] __attribute__((aligned(16)));
static volatile uint32_t msis[CPUS_MAX], awake;
static volatile bool timer_rang;

/* ---- the machine's instructions ---- */

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static uint32_t rd32(uint32_t addr)
{
	return *(volatile uint32_t *)addr;
}

static void wr32(uint32_t addr, uint32_t v)
{
	*(volatile uint32_t *)addr = v;
}

static uint32_t cfg(uint32_t bdf, uint32_t reg)
{
	return ECAM | bdf << 12 | reg;
}

static uint32_t me(void)
{
	return rd32(LAPIC + LAPIC_ID) >> 24 & (CPUS_MAX - 1);
}

/* ---- words ---- */

static void say(const char *s)
{
	for (; *s; s++) {
		while (!(inb(COM1 + 5) & 0x20))
			;
		outb(COM1, (uint8_t)*s);
	}
}

static void say_hex(const char *what, uint32_t v)
{
	char s[] = "00000000\n";

	for (int i = 7; i >= 0; i--, v >>= 4)
		s[i] = "0123456789abcdef"[v & 15];
	say(what);
	say(s);
}

static void finish(uint32_t status)
{
	say_hex("status ", status);
	for (;;)
		outb(EXIT, (uint8_t)status);
}

static void expect(enum step step, bool ok, const char *what, uint32_t value)
{
	say_hex(what, value);
	if (!ok)
		finish(step);
}

/* ---- interrupts ---- */

void on_msi(void)
{
	msis[me()]++;
	wr32(LAPIC + LAPIC_EOI, 0);
}

void on_timer(void)
{
	timer_rang = true;
	wr32(LAPIC + LAPIC_EOI, 0);
}

static void idt_set(uint32_t vec, void (*stub)(void))
{
	uint32_t a = (uint32_t)stub;

	idt[vec] = (uint64_t)(a >> 16 << 16 | 0x8e00) << 32 | 8u << 16 | (a & 0xffff);
}

static void cpu_init(void)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint32_t base;
	} idtr = {sizeof(idt) - 1, (uint32_t)idt};

	__asm__ volatile("lidt %0" : : "m"(idtr));
	wr32(LAPIC + LAPIC_SVR, 0x1ff);
}

void ap_main(void)
{
	cpu_init();
	__atomic_fetch_add(&awake, 1, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("sti; hlt" : : : "memory");
}

/* Rings once if it is not stopped: no wait in here is without an end. */
static void timer_start(void)
{
	timer_rang = false;
	wr32(LAPIC + LAPIC_DIVIDE, 0xb);
	wr32(LAPIC + LAPIC_LVT, VEC_TIMER);
	wr32(LAPIC + LAPIC_INITIAL, FOREVER);
}

/* Sleeps until *@count is @want, or the timer rings. */
static bool wait_for(volatile uint32_t *count, uint32_t want)
{
	timer_start();
	while (*count < want && !timer_rang)
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	wr32(LAPIC + LAPIC_INITIAL, 0);
	return *count >= want;
}

/* ---- steps ---- */

static void check_bridge(void)
{
	uint32_t id;

	outl(0xcf8, 0x80000000);
	id = inl(0xcfc);
	expect(STEP_BRIDGE, id == Q35_ID, "host bridge by port ", id);
	id = rd32(cfg(0, 0));
	expect(STEP_BRIDGE, id == Q35_ID, "host bridge by ECAM ", id);
}

static void check_card(void)
{
	uint32_t v;

	wr32(cfg(ROOT_BDF, PCI_BUSES), 0x10100);
	wr32(cfg(ROOT_BDF, PCI_MEM_WIN), WINDOW);
	wr32(cfg(ROOT_BDF, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	v = rd32(cfg(PF_BDF, 0));
	expect(STEP_CARD, v == 0x10c98086, "card ", v);
	wr32(cfg(PF_BDF, PCI_BAR(0)), PF_BARS);
	wr32(cfg(PF_BDF, PCI_BAR(1)), PF_BARS + 0x20000);
	wr32(cfg(PF_BDF, PCI_BAR(3)), PF_BARS + 0x40000);
	wr32(cfg(PF_BDF, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	v = rd32(PF_BARS + IGB_STATUS);
	expect(STEP_CARD, v != UINT32_MAX, "its STATUS ", v);
}

static uint32_t sriov_cap(void)
{
	uint32_t at = PCI_EXT_CAP_START, v;

	for (int i = 0; i < 16 && at >= PCI_EXT_CAP_START; i++) {
		v = rd32(cfg(PF_BDF, at));
		if (field_get(PCI_EXT_CAP_ID, v) == PCI_EXT_CAP_ID_SRIOV)
			return at;
		at = field_get(PCI_EXT_CAP_NEXT, v);
	}
	return 0;
}

static void make_vf(void)
{
	uint32_t sr = sriov_cap(), v;

	expect(STEP_VF, sr != 0, "SR-IOV capability at ", sr);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_BAR(0)), VF_BARS);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_BAR(1)), 0);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_BAR(3)), VF_MSIX);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_BAR(4)), 0);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_NUM_VF), 7);
	wr32(cfg(PF_BDF, sr + PCI_SRIOV_CTRL),
	     PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	wr32(cfg(VF_BDF, PCI_COMMAND), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	v = rd32(VF_BARS + IGB_STATUS);
	expect(STEP_VF, v != UINT32_MAX, "VF's STATUS ", v);
	wr32(PF_BARS + IGB_GPIE, IGB_GPIE_NSICR | IGB_GPIE_MULTIPLE_MSIX);
}

static void start_cpus(uint32_t cpus)
{
	uint8_t *page = (uint8_t *)AP_PAGE;

	for (uint32_t i = 0; i < (uint32_t)(ap_start_end - ap_start); i++)
		page[i] = ap_start[i];
	if (cpus > 1) {
		wr32(LAPIC + LAPIC_ICR, ICR_OTHERS | ICR_INIT);
		for (int i = 0; i < 10000; i++)
			__asm__ volatile("pause");
		wr32(LAPIC + LAPIC_ICR, ICR_OTHERS | ICR_STARTUP | AP_PAGE >> 12);
	}
	timer_start();
	while (awake + 1 < cpus && rd32(LAPIC + LAPIC_CURRENT))
		__asm__ volatile("pause");
	wr32(LAPIC + LAPIC_INITIAL, 0);
	expect(STEP_CPUS, awake + 1 == cpus, "CPUs ", awake + 1);
}

static uint32_t msix_cap(void)
{
	uint32_t at = rd32(cfg(VF_BDF, PCI_CAP_PTR)) & 0xff;

	while (at && (rd32(cfg(VF_BDF, at)) & 0xff) != PCI_CAP_ID_MSIX)
		at = rd32(cfg(VF_BDF, at)) >> 8 & 0xff;
	return at;
}

/* The VF's vector 0 goes to each CPU in turn. This one sleeps meanwhile, and is woken by itself. */
static void interrupt_all(uint32_t cpus)
{
	uint32_t cap = msix_cap();

	wr32(cfg(VF_BDF, cap), rd32(cfg(VF_BDF, cap)) | PCI_MSIX_CTRL_ENABLE << 16);
	for (uint32_t turn = 1; turn <= 3; turn++) {
		for (uint32_t cpu = cpus; cpu-- > 0;) {
			bool came;

			wr32(VF_MSIX + PCI_MSIX_ENTRY_CTRL, PCI_MSIX_ENTRY_MASKED);
			wr32(VF_MSIX + PCI_MSIX_ENTRY_ADDR_LO, LAPIC | cpu << 12);
			wr32(VF_MSIX + PCI_MSIX_ENTRY_DATA, VEC_MSI);
			wr32(VF_MSIX + PCI_MSIX_ENTRY_CTRL, 0);
			wr32(VF_BARS + IGB_EICR, 7);
			wr32(VF_BARS + IGB_EIMS, 7);
			wr32(VF_BARS + IGB_EICS, 1);
			if (cpu == me()) {
				came = wait_for(&msis[cpu], turn);
			} else {
				timer_start();
				while (msis[cpu] < turn && rd32(LAPIC + LAPIC_CURRENT))
					__asm__ volatile("pause");
				wr32(LAPIC + LAPIC_INITIAL, 0);
				came = msis[cpu] == turn;
			}
			expect(STEP_MSI, came, "VF's interrupt at CPU ", cpu);
		}
	}
}

/* Code that a device wrote over code that has run: fw_cfg's DMA puts "QEMU" into the operand of a
 * MOV. */
static void overwrite_code(void)
{
	static uint8_t code[16] = {0xb8, 1, 0, 0, 0, 0xc3};
	static volatile uint32_t dma[4] __attribute__((aligned(16)));
	uint32_t (*volatile call)(void) = (uint32_t(*)(void))(uint32_t)code;
	uint32_t v = 0;

	for (int i = 0; i < 10; i++)
		v = call();
	expect(STEP_CODE, v == 1, "code says ", v);
	dma[0] = __builtin_bswap32(0x0a); /* select item 0, the signature; read */
	dma[1] = __builtin_bswap32(4);
	dma[2] = 0;
	dma[3] = __builtin_bswap32((uint32_t)(code + 1));
	outl(FW_DMA, 0);
	outl(FW_DMA + 4, __builtin_bswap32((uint32_t)dma));
	v = call();
	expect(STEP_CODE, v == FW_SIG, "code that a device wrote says ", v);
}

void hello_main(uint32_t magic, const struct multiboot *mb)
{
	const char *end = (const char *)mb->cmdline;
	uint32_t cpus = 1;

	say_hex("hello from the joined machine, booted by ", magic);
	while (*end && end[1])
		end++;
	if (*end >= '1' && *end <= '8')
		cpus = (uint32_t)(*end - '0');
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	idt_set(VEC_MSI, stub_msi);
	idt_set(VEC_TIMER, stub_timer);
	cpu_init();
	check_bridge();
	check_card();
	make_vf();
	start_cpus(cpus);
	interrupt_all(cpus);
	overwrite_code();
	finish(0);
}
