/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The other CPUs: started one after another, stopped together. And the locks between them. */
#include "boot.h"
#include "glue/cpu.h"
#include "guest.h"
#include "hw/x86.h"

#define INIT_US	 10000
#define SIPI_US	 1000
#define UP_US	 1000000
#define STOP_US	 100000
#define NO_OWNER UINT32_MAX

static struct {
	struct spin lock;
	uint32_t owner;	       /* atomic: CPU that holds it */
	bool go, stopping;     /* atomic */
	bool gone[CORE_CPUS];  /* atomic: stopped */
	bool taken;	       /* atomic: a CPU runs on the stack that was put out */
	int status[CORE_CPUS]; /* of its back end */
	uint64_t sent;	       /* TSC of the last start-up interrupt */
} s = {.owner = NO_OWNER};

/* ---- locks ----------------------------------------------------------------------------------- */

void spin_lock(struct spin *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}

void spin_unlock(struct spin *l)
{
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

void core_lock(void)
{
	const struct core_cpu *cpu = this_cpu();

	if (__atomic_load_n(&s.owner, __ATOMIC_RELAXED) == cpu->id) {
		core_log(OS_LOG_ERR,
			 "core: CPU %u takes the lock twice, from %p: a fault in the core", cpu->id,
			 __builtin_return_address(0));
		core_end(3);
	}
	spin_lock(&s.lock);
	__atomic_store_n(&s.owner, cpu->id, __ATOMIC_RELAXED);
}

void core_unlock(void)
{
	__atomic_store_n(&s.owner, NO_OWNER, __ATOMIC_RELAXED);
	spin_unlock(&s.lock);
}

bool core_locked(void)
{
	return __atomic_load_n(&s.owner, __ATOMIC_RELAXED) == this_cpu()->id;
}

void core_lock_break(void)
{
	s.lock.serving = __atomic_fetch_add(&s.lock.next, 1, __ATOMIC_RELAXED);
	s.owner = this_cpu()->id;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Until *@flag is set, @us at most. */
static bool wait_for(const bool *flag, uint64_t us)
{
	uint64_t begin = core_now();

	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (core_now() - begin > us_to_tsc(us))
			return false;
		cpu_pause();
	}
	return true;
}

static void pause_us(uint64_t us)
{
	static const bool never;

	(void)wait_for(&never, us);
}

/* SDM 3A 9.4.4: INIT, 10 ms, start-up interrupt, and once more when nothing came of it. */
static bool start_one(struct core_cpu *cpu, uint32_t apic_id)
{
	uint64_t *top = (uint64_t *)(void *)(core_areas[cpu->id] + AREA_STACK);

	top[-1] = (uintptr_t)cpu;
	s.taken = false;
	cpu->host.region = cpu->host.region ? cpu->host.region : mem_alloc(1, 1);
	if (!cpu->host.region)
		core_refuse("no memory for CPU %u", cpu->id);
	__atomic_store_n(&ap_slot, (uint32_t)(uintptr_t)(top - 1), __ATOMIC_RELEASE);
	apic_ipi(apic_id, ICR_INIT);
	pause_us(INIT_US);
	for (unsigned int i = 0; i < 2 && !s.taken; i++) {
		s.sent = core_now();
		apic_ipi(apic_id, ICR_SIPI | AP_PAGE >> 12);
		if (wait_for(&s.taken, i ? UP_US : SIPI_US))
			break;
	}
	if (__atomic_exchange_n(&ap_slot, 0, __ATOMIC_ACQ_REL))
		return false; /* nobody came, and who comes now finds no stack */
	if (!wait_for(&cpu->online, UP_US))
		core_refuse("CPU %u (APIC id %u) started, and then stood still", cpu->id, apic_id);
	if (s.status[cpu->id])
		core_refuse("CPU %u: %s", cpu->id, cpu->host.why);
	return true;
}

static bool ram(uint64_t base, uint64_t len)
{
	for (unsigned int i = 0; i < boot.ranges; i++) {
		const struct boot_range *r = &boot.range[i];

		if (r->type == BOOT_RAM && base >= r->base && base + len <= r->base + r->len)
			return true;
	}
	return false;
}

void smp_start(void)
{
	size_t len = (uintptr_t)ap_code_end - (uintptr_t)ap_code;
	uint8_t *page = (uint8_t *)AP_PAGE;

	core.cpu[0].online = true;
	core.cpus = 1;
	if (!ram(AP_PAGE, VCPU_PAGE)) {
		core_log(OS_LOG_WARN,
			 "the memory map has no RAM at 0x%x, where the other CPUs would "
			 "start: this one works alone",
			 AP_PAGE);
		return;
	}
	__asm__("" : "+r"(page)); /* the compiler has no idea of what lies there */
	for (size_t i = 0; i < len; i++)
		page[i] = ap_code[i];
	for (unsigned int i = 0; i < acpi.cpus; i++) {
		struct core_cpu *cpu = &core.cpu[core.cpus];

		if (acpi.apic_id[i] == core.cpu[0].apic_id)
			continue;
		if (core.cpus == CORE_CPUS) {
			acpi.cpus_left++;
			continue;
		}
		cpu->id = core.cpus;
		if (start_one(cpu, acpi.apic_id[i]))
			core.cpus++;
		else
			core_log(OS_LOG_WARN, "CPU with APIC id %u does not start: left alone",
				 acpi.apic_id[i]);
	}
	if (acpi.cpus_left)
		core_log(OS_LOG_WARN, "%u more CPUs than the core has a place for are left alone",
			 acpi.cpus_left);
	core_log(OS_LOG_INFO, "CPUs: %u", core.cpus);
}

void smp_go(void)
{
	__atomic_store_n(&s.go, true, __ATOMIC_RELEASE);
	for (unsigned int i = 1; i < core.cpus; i++)
		cpu_kick(&core.cpu[i]);
}

_Noreturn void core_ap_main(struct core_cpu *cpu)
{
	uint64_t now = core_now();

	trap_init(cpu);
	__atomic_store_n(&s.taken, true, __ATOMIC_RELEASE);
	apic_cpu_init(cpu);
	if (now < s.sent)
		core_log(OS_LOG_WARN, "CPU %u: its TSC is behind CPU 0's by %lu ticks", cpu->id,
			 (unsigned long)(s.sent - now));
	s.status[cpu->id] = core.ops->cpu_on(&cpu->host);
	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&s.go, __ATOMIC_ACQUIRE))
		cpu_idle(core_now() + us_to_tsc(UP_US));
	cpu_loop(cpu);
}

/* ---- stop ------------------------------------------------------------------------------------ */

void smp_stop_here(void)
{
	struct core_cpu *cpu = this_cpu();

	if (!__atomic_load_n(&s.stopping, __ATOMIC_ACQUIRE) || s.gone[cpu->id])
		return;
	if (core.ops && cpu->host.caps)
		core.ops->cpu_off(&cpu->host);
	__atomic_store_n(&s.gone[cpu->id], true, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

void smp_stop(void)
{
	static const uint32_t how[] = {ICR_FIXED | VEC_STOP, ICR_NMI};
	const struct core_cpu *me = this_cpu();

	s.gone[me->id] = true; /* so that an NMI does not stop this one */
	__atomic_store_n(&s.stopping, true, __ATOMIC_RELEASE);
	for (unsigned int h = 0; h < ARRAY_SIZE(how); h++) {
		for (unsigned int i = 0; i < core.cpus; i++)
			if (!__atomic_load_n(&s.gone[i], __ATOMIC_ACQUIRE))
				apic_ipi(core.cpu[i].apic_id, how[h]);
		for (unsigned int i = 0; i < core.cpus; i++)
			(void)wait_for(&s.gone[i], STOP_US);
	}
}
