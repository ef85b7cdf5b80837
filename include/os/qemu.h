/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The QEMU host: a stock QEMU as device server, driven over its qtest socket; the 82576's functions
 * are struct os_dev, DMA memory is a file that both map, the wire is a unix socket. One server a
 * process is enough for all functions; one thread uses it.
 */
#ifndef SLUICE_OS_QEMU_H
#define SLUICE_OS_QEMU_H

#include <sys/types.h>

#include "os/err.h"
#include "os/os.h"

struct qemu;

struct qemu_args {
	const char *binary;   /* NULL: $QEMU, else qemu-system-x86_64 */
	const char *dir;      /* for QEMU's log, created if missing; NULL: kept in memory */
	unsigned int ram_mib; /* 64..1024; 0: 256 */
	unsigned int num_vfs; /* 0..7, enabled at start */
	bool vtd;	      /* with intel-iommu, all of it off until somebody drives it */
	bool no_wire;	      /* no peer: frames to the wire are lost */
};

/* Starts QEMU, enumerates, enables SR-IOV and all functions' memory and mastering; 10 s at most. */
int qemu_start(const struct qemu_args *args, struct qemu **out, struct os_err *err) must_check;
/*
 * Ends the QEMU that was started, by its id, and removes its log. NULL is ignored. Its DMA memory
 * and every struct os_dev of it are gone.
 */
void qemu_stop(struct qemu *q);
/* False once the connection broke or QEMU hung for 10 s: reads answer all ones, writes vanish. */
bool qemu_alive(const struct qemu *q);
/* The process that was started; ends with the thread that called qemu_start(). */
pid_t qemu_pid(const struct qemu *q);
/*
 * @fn(@ctx) is called from within os_delay_us(), never from within itself: a program of one thread
 * serves the PF in it while a VF waits for its mailbox. NULL ends it.
 */
void qemu_on_idle(struct qemu *q, void (*fn)(void *ctx), void *ctx);
/* DMA allocations that are not freed. */
size_t qemu_dma_live(const struct qemu *q);
/* The PF (-1) or VF 0..num_vfs-1; lives until qemu_stop(). */
struct os_dev *qemu_func(struct qemu *q, int vf);
/* Function-level reset by the function's own capability, then memory and mastering on again. */
int qemu_flr(struct qemu *q, int vf) must_check;
/* Registers at @phys that no function has (VT-d); iova is the physical address; lives until
 * qemu_stop(). NULL: too many. */
struct os_dev *qemu_mmio(struct qemu *q, uint64_t phys);

/*
 * The wire's far end, lossless with up to QEMU_WIRE_QUEUE frames not taken yet (see the README).
 * tx: 0, -EAGAIN (peer full), -EMSGSIZE, -ENETDOWN. rx: bytes of one frame, 0 when there is none at
 * once, -EMSGSIZE (the frame is dropped), -ENETDOWN. What a function has sent is there after
 * os_flush(); what is sent to one arrives later: wait for it.
 */
#define QEMU_WIRE_QUEUE 4096
int qemu_wire_tx(struct qemu *q, const void *frame, size_t len) must_check;
int qemu_wire_rx(struct qemu *q, void *frame, size_t len) must_check;
/* As rx, but waits up to @ms for one. */
int qemu_wire_wait(struct qemu *q, void *frame, size_t len, unsigned int ms) must_check;

/* MSI-X vector @vec of a function writes @data into a word of shared memory; *@word polls it. */
int qemu_msix_set(struct qemu *q, int vf, unsigned int vec, uint32_t data,
		  const volatile uint32_t **word) must_check;

/* Vector @vec is the message @data to @addr. */
int qemu_msix_msg(struct qemu *q, int vf, unsigned int vec, uint64_t addr,
		  uint32_t data) must_check;
/* How often the processor has taken interrupt @vector by its local APIC (id 0); poll it. */
const volatile uint32_t *qemu_vector(struct qemu *q, uint8_t vector);

/* What the device was asked so far, all functions: for counting a procedure's cost. */
struct qemu_count {
	uint64_t mmio_reads, mmio_writes, cfg_ops, flushes;
};
void qemu_counts(const struct qemu *q, struct qemu_count *c);
void qemu_func_counts(const struct os_dev *dev, struct qemu_count *c); /* of one function */

/* Physical memory of the emulated machine, for a VT-d driver's tables and for snooping tests;
 * NULL: out of range. rd32 and wr32 reach memory and registers alike. */
void *qemu_ram(struct qemu *q, uint64_t phys, size_t len);
uint32_t qemu_phys_rd32(struct qemu *q, uint64_t phys);
void qemu_phys_wr32(struct qemu *q, uint64_t phys, uint32_t val);

#endif
