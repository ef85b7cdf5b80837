/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The bare guest: one image that plays the role its arguments name. One CPU, but in the role cpus.
 */
#ifndef SLUICE_TESTS_GUEST_H
#define SLUICE_TESTS_GUEST_H

#include "abi/guest.h"
#include "base/errno.h"
#include "base/mac.h"
#include "os/bare.h"

extern const struct guest_boot *boot;
extern struct bare_env env;

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* ---- words, arguments, calls ----------------------------------------------------------------- */

/* %s %d %u %x with l and ll, %c %%; to the virtual UART. */
void say(const char *f, ...) printf_like(1, 2);
/* The value of KEY=value in the arguments, at most 63 characters, or @def; the first word is the
 * role. */
const char *arg(const char *key, const char *def);
uint64_t arg_num(const char *key, uint64_t def); /* decimal or 0x */
bool arg_mac(const char *key, struct mac *m);
bool same(const char *a, const char *b);

uint64_t call(enum guest_call nr, uint64_t a);
_Noreturn void done(unsigned int status);

/* What was spent since the last mark, by the core's count: for the tables of figures. */
struct spent {
	uint64_t guest, root, exits, copies, vnic;
};
void spent_mark(struct spent *s);  /* starts */
void spent_since(struct spent *s); /* replaces the marks by the differences */

/* ---- traps ----------------------------------------------------------------------------------- */

#define GUEST_CPUS_MAX 4
#define APIC	       ((volatile uint32_t *)0xfee00000)

void trap_init(void);
void trap_load(void); /* on another CPU */
#define AP_PAGE 8u    /* a start-up interrupt's vector: where ap_place() has put the code for it */
/* CPUs that are started go on in @entry, with their number. */
void ap_place(void (*entry)(unsigned int id));
/* Runs @fn(@ctx); the exception that ended it, or -1. */
int attempt(void (*fn)(void *ctx), void *ctx);
extern volatile uint64_t irq_count[256];
/* Of a guest of several CPUs: by CPU; and what else is done with an interrupt of its own. */
extern volatile uint64_t irq_cpu[GUEST_CPUS_MAX][256];
extern void (*irq_hook)(unsigned int cpu, unsigned int vector);
void irq_on(void); /* the virtual APIC enabled, interrupts on */
void irq_off(void);

static inline uint64_t tsc(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d));
	return a | (uint64_t)d << 32;
}

static inline void relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline uint64_t ms(uint64_t n)
{
	return n * boot->tsc_hz / 1000;
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

/* ---- PCI ------------------------------------------------------------------------------------- */

/* The @n-th function of vendor and device on bus 0: its number (device << 3), or -ENODEV. */
int pci_find(uint16_t vendor, uint16_t device, unsigned int n);
/* ECAM's MOVs are plain ones: what the core has to decode. */
uint32_t pci_rd32(unsigned int devfn, unsigned int off);
void pci_wr32(unsigned int devfn, unsigned int off, uint32_t val);
uint64_t pci_bar(unsigned int devfn, unsigned int n);
unsigned int pci_cap(unsigned int devfn, uint8_t id); /* 0: none */
void pci_enable(unsigned int devfn);		      /* memory and mastering */
/* MSI-X on, vector @n to interrupt vector @v of this CPU. */
void pci_msix(unsigned int devfn, unsigned int n, uint8_t v);

/* ---- a network interface, a VF or virtio ------------------------------------------------------
 */

#define NET_BURST 32

struct net;
struct net_ops {
	const char *name;
	unsigned int (*rx)(struct net *n, uint8_t **data, uint16_t *len, unsigned int max);
	void (*rx_done)(struct net *n); /* gives back what the last rx lent */
	/* Copies nothing: takes buffers of tx_buf; how many of @count were taken. */
	uint8_t *(*tx_buf)(struct net *n);
	unsigned int (*tx)(struct net *n, const uint16_t *len, unsigned int count);
	unsigned int (*waiting)(struct net *n); /* frames in the receive ring, for figures */
	void (*irq)(struct net *n, bool on);
};
struct net {
	const struct net_ops *ops;
	struct mac mac;
	unsigned int devfn;
};
/* The first NIC that is there: nic=vf, nic=virtio or what comes first. NULL: none came up. */
struct net *net_open(void);
struct net *net_vf(void);
struct net *net_virtio(void);

/* ---- roles; each ends by done() ----------------------------------------------------------------
 */

void role_beat(void);
void role_echo(void);
void role_ping(void);
void role_source(void);
void role_sink(void);
void role_cost(void);
void role_attack(void);
void role_zero(void);
void role_cpus(void);
void role_spin(void);
void role_nap(void);
void role_keep(void);

#endif
