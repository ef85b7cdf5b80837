/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The software vNICs as the rest of the core sees them. Lock held. */
#ifndef SLUICE_CORE_VNIC_H
#define SLUICE_CORE_VNIC_H

#include "nic.h"

/* A round for all ports: what the card received goes to its guests. True when there was work. */
bool port_poll_all(void);
/* Copies that the frames of @g's vNICs took so far. */
uint64_t virtio_copies(const struct guest *g);

/* bridge.c, vmdq.c: called by port_open() with the port's guest, address and calls filled in. */
int bridge_open(struct port *p) must_check;
int vmdq_open(struct port *p) must_check;

/* Gathers the parts into @to of @room bytes; false: more than that. */
bool port_gather(void *to, uint32_t room, const struct port_part *part, unsigned int n,
		 uint32_t len);

#endif
