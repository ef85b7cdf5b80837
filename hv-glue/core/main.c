/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The core's start, step by step; each step finds what it needs or says what is missing. */
#include "boot.h"
#include "control.h"
#include "glue/cpu.h"
#include "guest.h"
#include "hw/acpi.h"
#include "hw/x86.h"
#include "nic.h"
#include "svm.h"
#include "vtx.h"

#define NEED_MIB 32u /* beside what guests get */
#define LOW_END	 0x100000u
#define PER_MIB	 (1024u * 1024 / VCPU_PAGE)

struct core core;
struct acpi_facts acpi;

static void *page_alloc(void *ctx)
{
	(void)ctx;
	return mem_alloc(1, 1);
}

static void page_free(void *ctx, void *page)
{
	(void)ctx;
	mem_free(page, 1);
}

static void loader_init(uint32_t magic, const void *info)
{
	char why[WHY_LEN];
	int err;

	if (magic != MULTIBOOT_BOOT && magic != MULTIBOOT2_BOOT)
		core_refuse("the boot loader is none by the multiboot specification: use GRUB's "
			    "command multiboot or multiboot2, or QEMU's -kernel");
	err = (magic == MULTIBOOT_BOOT ? multiboot_parse : multiboot2_parse)(
		info, (uintptr_t)core_image, (uintptr_t)core_bss_end, &boot, why, sizeof(why));
	if (err)
		core_refuse("%s", why);
}

static void backend_init(void)
{
	if (vtx_ops.present())
		core.ops = &vtx_ops;
	else if (svm_ops.present())
		core.ops = &svm_ops;
	else
		core_refuse("this CPU shows neither VT-x nor AMD-V: enable \"Intel Virtualization "
			    "Technology\" or \"SVM Mode\" in the firmware's setup, or take QEMU's "
			    "-cpu EPYC-v4,+svm,+npt");
	core_log(OS_LOG_INFO, "CPU: %s", core.ops->name);
}

/* GRUB under UEFI puts modules from page 0 on: that page will not be mapped, and the other CPUs
 * start in another one. */
static void module_up(struct module *m)
{
	const uint8_t *from = m->data;
	uint8_t *to = mem_alloc((m->len + VCPU_PAGE - 1) / VCPU_PAGE, 1);

	if (!to)
		core_refuse("no memory for module %s: give the machine more", m->name);
	__asm__("" : "+r"(from)); /* the compiler believes that nothing is at 0 */
	for (size_t i = 0; i < m->len; i++)
		to[i] = from[i];
	m->data = to;
}

static void memory_init(void)
{
	size_t mib;

	for (unsigned int i = 0; i < boot.ranges; i++)
		if (boot.range[i].type == BOOT_RAM)
			mem_add(boot.range[i].base, boot.range[i].len);
	/* Maps overlap on some machines: what is not RAM in one entry is not RAM. */
	for (unsigned int i = 0; i < boot.ranges; i++)
		if (boot.range[i].type != BOOT_RAM)
			mem_reserve(boot.range[i].base, boot.range[i].len);
	mem_reserve((uintptr_t)core_image, (uintptr_t)core_bss_end - (uintptr_t)core_image);
	for (unsigned int i = 0; i < boot.modules; i++) {
		const struct module *m = &boot.module[i];

		mem_reserve((uintptr_t)m->data, m->len);
		core_log(OS_LOG_INFO, "module %s: %lu bytes", m->name, m->len);
	}
	mem_ready();
	for (unsigned int i = 0; i < boot.modules; i++)
		if ((uintptr_t)boot.module[i].data < LOW_END && boot.module[i].len)
			module_up(&boot.module[i]);
	mib = mem_total_pages() / PER_MIB;
	if (mib < NEED_MIB)
		core_refuse(
			"%lu MiB of memory are free below 4 GiB, and the core needs %u MiB beside "
			"its guests': give the machine more",
			mib, NEED_MIB);
	core_log(OS_LOG_INFO, "memory: %lu MiB free below 4 GiB", mib);
	core.mem = (struct vcpu_mem){.alloc = page_alloc, .free = page_free};
}

/* Tables lie in a range of the memory map, or in the first MiB; never among device registers. */
static const uint8_t *acpi_at(void *ctx, uint64_t addr, uint64_t len)
{
	uint64_t end = addr + len;

	(void)ctx;
	if (end < addr || end > UINT64_C(1) << 32 || addr < ACPI_EBDA_SEG)
		return NULL;
	for (unsigned int i = 0; end > 0x100000 && i < boot.ranges; i++) {
		const struct boot_range *r = &boot.range[i];

		if (addr >= r->base && len <= r->len && addr - r->base <= r->len - len)
			return (const uint8_t *)addr;
	}
	return end > 0x100000 ? NULL : (const uint8_t *)addr;
}

static void acpi_init(void)
{
	const struct acpi_mem mem = {.at = acpi_at, .rsdp = boot.rsdp};
	char why[WHY_LEN];

	if (acpi_read(&mem, &acpi, why, sizeof(why)))
		core_refuse("ACPI: %s", why);
	if (!acpi.cpus)
		core_refuse("ACPI: no table MADT with a CPU in it: update the firmware");
	if (!acpi.ecam)
		core_refuse(
			"ACPI: no table MCFG for bus 0: the machine needs PCI Express, and under "
			"QEMU -machine q35");
	if (!acpi.dmars)
		core_refuse(
			"no VT-d (ACPI has no table DMAR): enable \"VT-d\" (Intel Virtualization "
			"Technology for Directed I/O) in the firmware's setup, or take QEMU's "
			"-device intel-iommu,intremap=on");
	if (!acpi.dmar_intremap)
		core_refuse("VT-d without interrupt remapping (DMAR flags): enable it, often as "
			    "\"x2APIC\", in the firmware's setup, or take QEMU's -device "
			    "intel-iommu,intremap=on");
	if (boot_in_ram(&boot, acpi.ecam, (acpi.ecam_end_bus + 1u) * UINT64_C(0x100000)))
		core_refuse(
			"ACPI: table MCFG puts the configuration space into RAM, at 0x%lx: update "
			"the firmware",
			(unsigned long)acpi.ecam);
	core_log(OS_LOG_INFO, "ACPI: %u CPUs, ECAM at %lx for buses 0 to %u, %u VT-d units",
		 acpi.cpus + acpi.cpus_left, (unsigned long)acpi.ecam, acpi.ecam_end_bus,
		 acpi.dmars);
}

static void cpus_init(void)
{
	struct core_cpu *cpu = &core.cpu[0];

	cpu->host.region = mem_alloc(1, 1);
	core.apic_access = mem_alloc(1, 1);
	if (!cpu->host.region || !core.apic_access)
		core_refuse("no memory for CPU 0");
	if (core.ops->cpu_on(&cpu->host))
		core_refuse("%s", cpu->host.why);
	smp_start();
}

/* From boot.S, with what the loader left in EAX and EBX. */
_Noreturn void core_main(uint32_t magic, const void *info)
{
	trap_init(&core.cpu[0]);
	serial_init();
	core_log(OS_LOG_INFO, "Sluice hypervisor core, control protocol %u", CORE_PROTOCOL);
	loader_init(magic, info);
	time_init();
	backend_init();
	memory_init();
	acpi_init();
	page_init();
	apic_init();
	cpus_init();
	config_load();
	nic_init(config_vfs());
	control_init();
	core.boot_tsc = core_now();
	core_log(OS_LOG_INFO, "core up");
	config_start();
	smp_go();
	cpu_loop(&core.cpu[0]);
}
