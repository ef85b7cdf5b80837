/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Machine checks, SDM 3B chapter 16: the hardware has found an error of its own. What the banks say
 * is kept where it is found, and CPU 0 says it later: the trap may have come within the log.
 */
#include "boot.h"
#include "glue/cpu.h"
#include "hw/x86.h"

#define KEPT 8u /* a CPU, until CPU 0 says them; more is a storm, and nothing new */

static struct {
	struct record {
		const struct guest *guest; /* that ran; NULL: the core */
		unsigned int bank;
		uint64_t mcg, status, addr, misc;
	} kept[KEPT];
	uint32_t found;	       /* by its CPU alone */
	uint32_t to_say, said; /* atomic: by its CPU, by the one that logs */
} m[CORE_CPUS];

/* 0: this CPU has no banks. */
static uint64_t capabilities(void)
{
	const uint32_t need = X86_CPUID_1_EDX_MCE | X86_CPUID_1_EDX_MCA;

	return (cpu_cpuid(1, 0).edx & need) == need ? cpu_rdmsr(X86_MSR_MCG_CAP) : 0;
}

/* Keeps what the banks have; the flags of all errors, and in *@uc of those that are uncorrected. */
static uint64_t look(const struct guest *g, uint64_t cap, uint64_t mcg, uint64_t *uc)
{
	unsigned int cpu = this_cpu()->id;
	uint64_t all = 0;

	*uc = 0;
	for (uint32_t i = 0; i < (cap & X86_MCG_CAP_COUNT); i++) {
		struct record r = {g, i, mcg, cpu_rdmsr(X86_MSR_MC_STATUS(i)), 0, 0};

		if (!(r.status & X86_MC_VAL))
			continue;
		/* 16.3.2.3, 16.3.2.4: #GP where there is none. */
		if (r.status & X86_MC_ADDRV)
			r.addr = cpu_rdmsr(X86_MSR_MC_ADDR(i));
		if (r.status & X86_MC_MISCV)
			r.misc = cpu_rdmsr(X86_MSR_MC_MISC(i));
		if (m[cpu].found - __atomic_load_n(&m[cpu].said, __ATOMIC_ACQUIRE) < KEPT)
			m[cpu].kept[m[cpu].found++ % KEPT] = r;
		all |= r.status;
		*uc |= r.status & X86_MC_UC ? r.status : 0;
	}
	return all;
}

static void publish(void)
{
	__atomic_store_n(&m[this_cpu()->id].to_say, m[this_cpu()->id].found, __ATOMIC_RELEASE);
}

/* Ready for the next one: with MCIP it would be a shutdown, 16.3.1.2. */
static void clear(uint64_t cap)
{
	for (uint32_t i = 0; i < (cap & X86_MCG_CAP_COUNT); i++)
		cpu_wrmsr(X86_MSR_MC_STATUS(i), 0);
	cpu_wrmsr(X86_MSR_MCG_STATUS, 0);
	publish();
}

static void say(unsigned int cpu, const struct record *r)
{
	core_log(OS_LOG_ERR,
		 "%s%s: machine check on CPU %u%s: bank %u, status 0x%016lx, address 0x%lx, misc "
		 "0x%lx, MCG_STATUS 0x%lx",
		 r->guest ? "guest " : "core", r->guest ? r->guest->cfg.name : "", cpu,
		 r->mcg & X86_MCG_MCIP ? "" : ", from before the start", r->bank,
		 (unsigned long)r->status, (unsigned long)r->addr, (unsigned long)r->misc,
		 (unsigned long)r->mcg);
}

void mce_report(void)
{
	for (unsigned int i = 0; i < CORE_CPUS; i++)
		while (m[i].said != __atomic_load_n(&m[i].to_say, __ATOMIC_ACQUIRE)) {
			say(i, &m[i].kept[m[i].said % KEPT]);
			__atomic_store_n(&m[i].said, m[i].said + 1, __ATOMIC_RELEASE);
		}
}

/* The banks stay as they are, for whoever starts next. */
static _Noreturn void end(uint64_t mcg)
{
	static bool ending;

	/* It comes to all CPUs at once: one speaks, and stops the others. */
	while (__atomic_exchange_n(&ending, true, __ATOMIC_SEQ_CST))
		smp_stop_here();
	smp_stop();
	log_break();
	publish();
	mce_report();
	core_log(OS_LOG_ERR,
		 "core: machine check on CPU %u that it cannot go on from (MCG_STATUS 0x%lx): the "
		 "hardware failed; the banks name the part to replace",
		 this_cpu()->id, (unsigned long)mcg);
	core_end(3);
}

bool mce_here(void)
{
	return capabilities() && (cpu_rdmsr(X86_MSR_MCG_STATUS) & X86_MCG_MCIP);
}

/*
 * It comes to each CPU, and most have no part in it. What was interrupted has when it would consume
 * the error (AR; AMD's TCC is the same bit), when it cannot be gone on with (no RIPV), or when
 * the CPU does not tell the one from the other. 16.6.3, 16.9.3.2.
 */
bool mce_take(const struct guest *g)
{
	uint64_t cap = capabilities(), mcg, all, uc;
	bool valid, hit;

	if (!mce_here())
		return true; /* no banks to ask */
	mcg = cpu_rdmsr(X86_MSR_MCG_STATUS);
	all = look(g, cap, mcg, &uc);
	valid = mcg & X86_MCG_RIPV;
	hit = !valid || (uc & X86_MC_AR);
	if ((all & X86_MC_PCC) || (uc & X86_MC_OVER) || (uc && !valid) || (!g && hit))
		end(mcg);
	clear(cap);
	return hit || (uc && !(cap & X86_MCG_CAP_SER));
}

/* 16.8; firmware or the boot have set CR4.MCE. What it finds is of the time before. */
void mce_init(void)
{
	const uint64_t lmce = X86_FEATURE_CONTROL_LOCK | X86_FEATURE_CONTROL_LMCE;
	uint64_t cap = capabilities(), uc;

	if (!cap)
		return;
	if (cap & X86_MCG_CAP_CTL)
		cpu_wrmsr(X86_MSR_MCG_CTL, UINT64_MAX);
	if ((cap & X86_MCG_CAP_LMCE) && (cpu_rdmsr(X86_MSR_FEATURE_CONTROL) & lmce) == lmce)
		cpu_wrmsr(X86_MSR_MCG_EXT_CTL, X86_MCG_EXT_CTL_LMCE);
	for (uint32_t i = 0; i < (cap & X86_MCG_CAP_COUNT); i++)
		cpu_wrmsr(X86_MSR_MC_CTL(i), UINT64_MAX);
	(void)look(NULL, cap, 0, &uc);
	clear(cap);
}
