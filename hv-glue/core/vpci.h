/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A guest's PCI bus 0: ECAM that holds the functions given to it and nothing else. A function is a
 * device number with function 0: a VF handed through, or a virtio NIC. Lock held in all calls.
 */
#ifndef SLUICE_CORE_VPCI_H
#define SLUICE_CORE_VPCI_H

#include "core.h"

#define VPCI_BARS 6
#define VPCI_CFG  256 /* bytes that a function has; the extended space reads as 0 */

struct vpci_msix;

struct vpci_bar {
	uint32_t len;		 /* a power of two of 4 KiB at least; 0: none. 32 bits, memory */
	uint64_t hpa;		 /* mapped to the guest directly; 0: all of it is trapped */
	uint64_t trap, trap_len; /* of a mapped one: the page range that is trapped all the same */
	/* vpci.c's own */
	struct vpci_func *func;
	uint64_t addr; /* where it is mapped; what the guest wrote is in cfg */
	bool mapped;
};

/* The owner embeds it, zeroed, fills guest, bar and the calls, and vpci_add()s it. */
struct vpci_func {
	struct guest *guest;
	struct vpci_msix *msix;		/* by vpci_msix_init(); NULL: none */
	unsigned int dev;		/* device number */
	uint8_t cfg[VPCI_CFG];		/* what is read */
	uint8_t mask[VPCI_CFG];		/* bits that the guest may write */
	unsigned int cap_last, cap_end; /* vpci_cap()'s own */
	struct vpci_bar bar[VPCI_BARS];
	/* After a write has gone through the mask, with what @len bytes at @off were before. */
	void (*written)(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t old);
	/* Trapped parts of BARs. */
	uint64_t (*bar_read)(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			     unsigned int size);
	void (*bar_write)(struct vpci_func *f, struct gcpu *c, unsigned int bar, uint64_t off,
			  unsigned int size, uint64_t val);
	/* The guest is stopped, or the function is taken: give everything back. */
	void (*remove)(struct vpci_func *f);
};

/* The bus itself: ECAM's region. 0, -ENOSPC. */
int vpci_init(struct guest *g) must_check;
/* Removes all functions. */
void vpci_fini(struct guest *g);
/* @dev -1: the first free, from 1 on (0 is a host bridge's by custom). BARs get addresses in the
 * window, as firmware would give them; memory is not enabled (the guest's driver does it).
 * -ENOSPC: no number, or no room for its BARs; -EBUSY: the number is taken. */
int vpci_add(struct guest *g, struct vpci_func *f, int dev) must_check;
/* Reads as absent from then on; its BARs read as ones. Calls f->remove, which may free @f, and may
 * drop the lock meanwhile. */
void vpci_del(struct vpci_func *f);
/* What a reset of the function does: command register 0, BARs unmapped, MSI-X off and masked. */
void vpci_reset(struct vpci_func *f);

/* Configuration space as the guest reads it: @off of 1, 2 or 4 bytes within it. */
uint32_t vpci_get(const struct vpci_func *f, unsigned int off, unsigned int len);
void vpci_put(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t val);
/* Lets the guest write the bits @mask there. */
void vpci_allow(struct vpci_func *f, unsigned int off, unsigned int len, uint32_t mask);

/* Helpers for capabilities: appended in order, linked. Offset, or -ENOSPC. */
int vpci_cap(struct vpci_func *f, uint8_t id, unsigned int len);
/* Standard header: IDs, class (24 bits), revision, subsystem; command and status writable bits. */
void vpci_header(struct vpci_func *f, uint16_t vendor, uint16_t device, uint32_t class, uint8_t rev,
		 uint16_t sub_vendor, uint16_t sub_device);

#define VPCI_MSIX_MAX 16

/* MSI-X, software side: the table as the guest wrote it. */
struct vpci_msix {
	unsigned int cap, bar, count;
	uint32_t table_off, pba_off;
	struct {
		uint64_t addr;
		uint32_t data, ctrl;
	} entry[VPCI_MSIX_MAX];
	uint32_t pending;
};
int vpci_msix_init(struct vpci_func *f, struct vpci_msix *m, unsigned int count, unsigned int bar,
		   uint32_t table_off, uint32_t pba_off) must_check;
void vpci_msix_reset(struct vpci_msix *m);
/* @off from the table's start, 4 or 8 bytes, aligned; others, and beyond the table, read as 0. */
uint64_t vpci_msix_read(const struct vpci_msix *m, uint64_t off, unsigned int size);
/* The entry that changed, or -1. */
int vpci_msix_write(struct vpci_msix *m, uint64_t off, unsigned int size, uint64_t val);
bool vpci_msix_on(const struct vpci_func *f, const struct vpci_msix *m, unsigned int entry);
/* Raises it in the guest, or leaves it pending while masked; nothing while MSI-X is off. */
void vpci_msix_raise(struct vpci_func *f, struct vpci_msix *m, unsigned int entry);
/* Its control register has changed: what waited for a mask to go comes now. */
void vpci_msix_control(struct vpci_func *f, struct vpci_msix *m);

#endif
