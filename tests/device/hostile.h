/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A card on which VFs 0 and 1 behave, with our driver, and the rest attack by raw registers. In one
 * thread: whenever anybody waits, the attack has its turn and then the PF one round.
 */
#ifndef SLUICE_TESTS_DEVICE_HOSTILE_H
#define SLUICE_TESTS_DEVICE_HOSTILE_H

#include "rig.h"

#include "hw/igb.h"

#define VFS	7
#define GOOD	2 /* VFs 0 and 1 */
#define BAD	2 /* the first hostile one */
#define BAD_VFS (BIT(VFS) - BIT(GOOD))
#define P(n)	BIT(n)
#define RED	100
#define ADD	(1u << 16)

extern void (*hostile_attack)(void); /* before each round of the PF; may be NULL */
extern void (*hostile_ambush)(void); /* whenever the PF waits for a mailbox; may be NULL */
extern unsigned int hostile_rounds;  /* of the PF so far */

/* NULL when it does not start; hostile_stop() frees it. */
struct rig *hostile_start(void);
void hostile_stop(void);
/* A test's setup: default policies, good VFs reset, bad ones scrubbed and admitted anew. */
int hostile_each(void **state);
void hostile_serve(void); /* one round of the PF */
void hostile_quiet(void); /* ends attack and ambush, serves what is left of them */

struct os_dev *hostile_dev(unsigned int vf);
struct pf_vf_info hostile_info(unsigned int vf);
uint32_t hostile_random(void); /* from a seed that each test starts with */

/* Mailbox memory and V2PMAILBOX, whoever has the lock. */
void hostile_words(unsigned int vf, const uint32_t *msg, unsigned int n);
void hostile_bell(unsigned int vf, uint32_t bits);
/* Asks without the lock; word 0 of what is there after one round of the PF. */
uint32_t hostile_ask(unsigned int vf, const uint32_t *msg, unsigned int n);
uint32_t hostile_ask2(unsigned int vf, uint32_t word0, uint32_t word1);
void hostile_up(unsigned int vf); /* RESET, which must be answered */

/* What a hostile VF must not change: others' filters and pools, the card's switches. */
struct hostile_view {
	uint32_t ral[IGB_RARS], rah[IGB_RARS], vlvf[IGB_VLVFS], pool[2 * IGB_POOLS], rest[16];
};
void hostile_look(struct hostile_view *v);
void hostile_assert_same(const struct hostile_view *before);

/* Ten frames arrive at @ports and nowhere else. */
void hostile_exchange(unsigned int from, unsigned int to, unsigned int vlan, uint32_t ports);
/*
 * The two that behave ask and are answered in few rounds, join a VLAN, reach each other in it and
 * beside it, and the wire; nobody else gets their frames.
 */
void hostile_assert_good(void);

#endif
