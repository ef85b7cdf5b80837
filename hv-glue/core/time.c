/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The TSC, and how fast it runs: as CPUID says, or measured against the interval timer. */
#include "boot.h"
#include "glue/cpu.h"

/* 8254 channel 2, its gate and output at port 61; 1,193,182 Hz. */
#define PIT_MODE	0x43
#define PIT_MODE_2_ONCE 0xb0 /* channel 2, both bytes, mode 0 */
#define PIT_CH2		0x42
#define PIT_HZ		UINT64_C(1193182)
#define PIT_COUNT	5966u /* 5 ms */
#define TRIES		20u   /* an emulator on a busy host is stopped now and then */
#define GATE		0x61
#define GATE_ON		0x01
#define GATE_SPEAKER	0x02
#define GATE_OUT	0x20
#define READS		UINT64_C(2000000) /* of port 61; one takes at least 10 ns */

#define LEAF_TSC   0x15 /* SDM 2A "CPUID": EBX / EAX: the TSC's ratio to the crystal, ECX: its Hz */
#define LEAF_POWER 0x80000007u
#define INVARIANT  BIT(8)
#define SLOWEST	   UINT64_C(10000000)
#define FASTEST	   UINT64_C(10000000000)

uint64_t core_now(void)
{
	return cpu_rdtsc();
}

static uint64_t from_cpuid(void)
{
	struct cpu_id id;

	if (cpu_cpuid(0, 0).eax < LEAF_TSC)
		return 0;
	id = cpu_cpuid(LEAF_TSC, 0);
	return id.eax && id.ebx ? (uint64_t)id.ecx * id.ebx / id.eax : 0;
}

/* Ticks while the timer counts down once. UINT64_MAX: it does not; 0: it was done before the first
 * look, as when an emulator had to wait for its turn. */
static uint64_t measure(void)
{
	uint8_t gate = cpu_inb(GATE) & (uint8_t) ~(GATE_SPEAKER | GATE_ON);
	uint64_t begin, reads = 0;

	cpu_outb(GATE, gate);
	cpu_outb(PIT_MODE, PIT_MODE_2_ONCE);
	cpu_outb(PIT_CH2, PIT_COUNT & 0xff);
	cpu_outb(PIT_CH2, PIT_COUNT >> 8);
	cpu_outb(GATE, gate | GATE_ON);
	begin = core_now();
	while (!(cpu_inb(GATE) & GATE_OUT))
		if (++reads == READS)
			return UINT64_MAX;
	return reads ? core_now() - begin : 0;
}

void time_init(void)
{
	uint64_t hz = from_cpuid();
	const char *how = "CPUID";

	if (!hz) {
		/* What comes between only makes it longer: the shortest, when two are alike. */
		uint64_t best = 0, apart = UINT64_MAX;

		for (unsigned int i = 0; i < TRIES && apart > best / 256; i++) {
			uint64_t ticks = measure();

			if (ticks == UINT64_MAX)
				break;
			if (!ticks)
				continue;
			apart = ticks > best ? ticks - best : best - ticks;
			best = !best || ticks < best ? ticks : best;
		}
		hz = best / PIT_COUNT * PIT_HZ + best % PIT_COUNT * PIT_HZ / PIT_COUNT;
		how = "the interval timer";
	}
	if (hz < SLOWEST || hz > FASTEST)
		core_refuse("no clock: CPUID does not give the TSC's frequency (leaf 15), and the "
			    "interval timer (8254) does not count; enable it in the firmware's "
			    "setup (\"8254 clock gating\" off)");
	core.tsc_hz = hz;
	core.slice = us_to_tsc(SLICE_US);
	core_log(OS_LOG_INFO, "clock: TSC at %lu kHz by %s", (unsigned long)hz / 1000, how);
	if (cpu_cpuid(0x80000000u, 0).eax < LEAF_POWER ||
	    !(cpu_cpuid(LEAF_POWER, 0).edx & INVARIANT))
		core_log(OS_LOG_WARN, "clock: this CPU does not promise a TSC of constant rate: "
				      "times may drift when it saves power");
}
