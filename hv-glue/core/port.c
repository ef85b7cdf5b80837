/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Ports of software vNICs: who is plugged in, and whose turn it is. */
#include "base/errno.h"
#include "glue/cpu.h"
#include "host.h"
#include "vnic.h"

#define PORTS (GUESTS * GUEST_NICS)

static struct port *ports[PORTS];

bool port_gather(void *to, uint32_t room, const struct port_part *part, unsigned int n,
		 uint32_t len)
{
	uint8_t *d = to;

	if (len > room)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		__builtin_memcpy(d, part[i].p, part[i].len);
		d += part[i].len;
	}
	return true;
}

int port_open(enum nic_tier tier, struct port *p)
{
	unsigned int i = 0;
	int err;

	while (i < PORTS && ports[i])
		i++;
	if (i == PORTS)
		return -ENOSPC;
	if (!core.nic)
		return -ENODEV;
	err = tier == NIC_BRIDGE ? bridge_open(p) : tier == NIC_VMDQ ? vmdq_open(p) : -EINVAL;
	if (!err)
		ports[i] = p;
	return err;
}

void port_close(struct port *p)
{
	for (unsigned int i = 0; i < PORTS; i++)
		if (ports[i] == p)
			ports[i] = NULL;
	p->ops->close(p);
}

bool port_poll_all(void)
{
	bool work = false;

	for (unsigned int i = 0; i < PORTS; i++) {
		struct port *p = ports[i];
		uint64_t t;

		if (!p)
			continue;
		/* The time is its guest's, as that of an exit is. */
		t = cpu_rdtsc();
		if (p->ops->poll(p)) {
			work = true;
			p->guest->tsc_vnic += cpu_rdtsc() - t;
		}
	}
	return work;
}
