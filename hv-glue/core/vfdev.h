/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A VF as a function of a guest: what vf.c hands over. Lock held. */
#ifndef SLUICE_CORE_VFDEV_H
#define SLUICE_CORE_VFDEV_H

#include "hw/igb.h"
#include "nic.h"
#include "vpci.h"

/* An MSI-X entry of the function in hardware. */
struct vec {
	uint32_t target; /* atomic: guest << 16 | virtual CPU << 8 | its vector */
	int irte;	 /* -1: none */
	int vector;	 /* the host's, on cpu */
	struct core_cpu *cpu;
};

/* One for each VF from nic_init() on; used while it has an owner. */
struct passthrough {
	struct vpci_func f;
	struct vpci_msix msix;
	struct nic_vf *vf;
	unsigned int n;
	uint32_t real_exp, real_msix; /* capabilities of the VF itself */
	uint32_t table_off;
	unsigned int exp; /* that of the function in the guest */
	struct vec vec[IGB_VF_MSIX_VECTORS];
};

/* The VF's own capabilities, which its guest never sees; -ENODEV: not those of an 82576's VF. */
int vfdev_probe(struct passthrough *pt, const struct nic *n) must_check;
/* The function that the guest is going to see; -ENOSPC. Its owner says what removes it. */
int vfdev_init(struct passthrough *pt, void (*remove)(struct vpci_func *f)) must_check;

/* The VF's own bus mastering. Memory is always enabled in it: on the card the PF's enable counts,
 * in QEMU the VF's does. */
void vfdev_master(struct passthrough *pt, bool on);
/* Waits, 100 ms at most, until it answers and has no transaction pending. */
bool vfdev_quiet(struct passthrough *pt) must_check;
/* Begins a function-level reset, once it is quiet and its mastering off; false: a bit that only the
 * reset clears could not be set before, so nothing will prove it. */
bool vfdev_flr(struct passthrough *pt) must_check;
/* Waits, 100 ms at most, until that bit is clear; true when mastering and MSI-X read as off. */
bool vfdev_reset(struct passthrough *pt) must_check;
/* Masks its table and gives all interrupts back. -EIO, -ETIMEDOUT: one may still come. */
int vfdev_irqs_free(struct passthrough *pt) must_check;
/* How many entries of its own table are not masked. */
unsigned int vfdev_irqs_open(struct passthrough *pt);

#endif
