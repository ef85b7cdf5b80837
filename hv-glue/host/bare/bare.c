/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare host's devices: where their registers are and what they are called. No os_ functions. */
#include "os/bare.h"

#include "base/field.h"

static char hex(unsigned int digit)
{
	return "0123456789abcdef"[digit & 15];
}

void bare_func(struct os_dev *dev, const struct bare_env *env, uint16_t bdf, uint64_t regs)
{
	unsigned int bus = bdf >> 8, slot = (bdf >> 3) & 31;
	/* As lspci writes it: 01:10.0 */
	const char name[] = {hex(bus >> 4), hex(bus), ':',	    hex(slot >> 4),
			     hex(slot),	    '.',      hex(bdf & 7), 0};

	bare_mmio(dev, env, regs, name);
	dev->bdf = bdf;
	/* ECAM: 4 KiB for each function in the order of their numbers, PCIe 4.0 7.2.2. */
	if (env->ecam)
		dev->cfg = (volatile uint8_t *)(uintptr_t)(env->ecam + ((uint64_t)bdf << 12));
}

void bare_mmio(struct os_dev *dev, const struct bare_env *env, uint64_t regs, const char *name)
{
	*dev = (struct os_dev){.regs = (volatile uint8_t *)(uintptr_t)regs, .env = env};
	for (size_t i = 0; i < sizeof(dev->name) - 1 && name[i]; i++)
		dev->name[i] = name[i];
}
