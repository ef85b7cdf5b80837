/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of the QEMU host share: the server, a function of its card, and their parts. */
#ifndef SLUICE_QEMU_PRIV_H
#define SLUICE_QEMU_PRIV_H

#include <sys/types.h>

#include "os/qemu.h"

#define QEMU_VFS_MAX   7
#define QEMU_FUNCS     (QEMU_VFS_MAX + 1)
#define QEMU_MMIOS     4
#define QEMU_VECS      32 /* words kept for the MSI-X vectors of one function */
#define QEMU_NAME_LEN  24
#define QEMU_WAIT_S    10   /* a server that answers nothing for so long is dead */
#define QEMU_FRAME_MAX 9728 /* the card's largest frame, with CRC */
#define QEMU_WIRE_BUF  65536

/* The emulated machine's memory map, all below 4 GiB: QEMU decodes VF BARs in 32 bits alone. */
#define QEMU_MSIX_WORDS	  UINT64_C(0x00100000) /* RAM that MSI-X vectors write to */
#define QEMU_VECTOR_WORDS UINT32_C(0x00102000) /* where the processor counts interrupts */
#define QEMU_DMA_BASE	  UINT64_C(0x01000000) /* os_dma_alloc() from here to the end of RAM */
#define QEMU_ECAM	  UINT64_C(0xb0000000)
#define QEMU_PF_BAR	  UINT64_C(0xe0000000)
#define QEMU_PF_MSIX	  UINT64_C(0xe0040000)
#define QEMU_VF_BAR	  UINT64_C(0xe8000000)
#define QEMU_VF_MSIX	  UINT64_C(0xe8100000)

/* One function. Lives in struct qemu; a struct os_dev of other hosts is another thing. */
struct os_dev {
	struct qemu *q;
	int vf; /* -1: the PF, -2: registers that no function has */
	char name[QEMU_NAME_LEN];
	uint64_t bar, msix, cfg; /* physical addresses */
	struct qemu_count count;
};

/* A piece of DMA memory that is given out; a list sorted by address. */
struct qemu_extent {
	struct qemu_extent *next;
	uint64_t phys, len;
};

/* The qtest connection: commands not sent yet, and answers not taken yet. */
struct qemu_conn {
	int fd;
	bool dead;
	size_t out_len, in_len, in_pos;
	unsigned int posted; /* commands of which the answer is not taken */
	char out[8192];
	char in[8192];
};

/* The wire's far end. */
struct qemu_wire {
	int fd; /* -1: none */
	bool dead;
	size_t in_len, in_pos;
	size_t rest_len, rest_pos; /* of a frame that the socket took in part */
	uint8_t in[QEMU_WIRE_BUF];
	uint8_t rest[QEMU_FRAME_MAX + 4];
};

/*
 * The server. qemu_start() allocates it, qemu_stop() frees it; one thread uses it.
 * The child is ended with its parent thread (PR_SET_PDEATHSIG).
 */
struct qemu {
	pid_t pid; /* 0: none */
	bool up;   /* started; before, the caller is told by an error */
	int log_fd;
	char log_path[128]; /* empty: none */
	uint8_t *ram;
	uint64_t ram_len;
	unsigned int num_vfs;
	uint32_t sriov; /* offset of the PF's capability */
	struct os_dev func[QEMU_FUNCS];
	struct os_dev mmio[QEMU_MMIOS]; /* handed out so far: num_mmios */
	unsigned int num_mmios;
	struct qemu_conn conn;
	struct qemu_wire wire;
	struct qemu_extent *dma;
	size_t dma_live;
	void (*idle)(void *ctx);
	void *idle_ctx;
	bool in_idle;
};

/* qtest.c: posted writes, and reads that wait. A dead server swallows writes and reads all ones. */
void qemu_conn_post(struct qemu *q, const char *op, uint64_t addr, uint32_t val);
uint32_t qemu_conn_read(struct qemu *q, const char *op, uint64_t addr);
/* Sends what is buffered; waits for no answer. */
void qemu_conn_send(struct qemu *q);
/* Sends what is buffered and takes every answer. */
void qemu_conn_drain(struct qemu *q);

/* pci.c: root port, PF and VFs get their addresses and are switched on. */
int qemu_pci_enumerate(struct qemu *q, struct os_err *err) must_check;

/* child.c: starts the process with its memory and sockets. */
int qemu_child_start(struct qemu *q, const struct qemu_args *args, struct os_err *err) must_check;
void qemu_child_end(struct qemu *q);
/* The last line that the child wrote to its standard error; empty when there is none. */
void qemu_child_said(const struct qemu *q, char *line, size_t len);

/* bios.c: a memory file with the processor's program, or -1 with errno. */
int qemu_bios_make(void) must_check;

/* dma.c */
void qemu_dma_fini(struct qemu *q);

#endif
