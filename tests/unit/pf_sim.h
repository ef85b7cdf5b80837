/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* An 82576 as the PF driver's unit tests need it: reset, mailboxes, read-to-clear, on fake_os
 * hooks. */
#ifndef SLUICE_TESTS_UNIT_PF_SIM_H
#define SLUICE_TESTS_UNIT_PF_SIM_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "abi/mbx.h"
#include "drv/pf.h"
#include "fake_os.h"
#include "hw/igb.h"

#define SIM_VFS	   7
#define SIM_EVENTS 256

/* Made by sim_new(), in dev->user; switches are for tests to set, the rest to look at. */
struct sim {
	struct os_dev *dev;
	struct pf *pf;
	void *mem;
	struct pf_event ev[SIM_EVENTS];
	unsigned int nev;
	unsigned int replies[SIM_VFS]; /* STS seen */
	unsigned int taken[SIM_VFS];   /* ACK seen */
	size_t resets_at;	       /* index in the log of the last CTRL.RST */

	bool reset_sticks, no_mac, phy_error, vfu_sticks;
	uint32_t keeps;	      /* a register that ignores writes, 0: none */
	bool rate_kept;	      /* there is a rate limiter */
	uint32_t flood;	      /* VFs that ask again as soon as they are answered */
	uint32_t flr_on_word; /* VFs that reset themselves when their message is being read */
	uint8_t pf_mac[6];
};

static inline void sim_put(struct sim *s, uint32_t reg, uint32_t val)
{
	s->dev->reg[reg / 4] = val;
}

static inline uint32_t sim_get(const struct sim *s, uint32_t reg)
{
	return s->dev->reg[reg / 4];
}

uint32_t sim_write(struct os_dev *dev, uint32_t reg, uint32_t val);

unsigned int sim_events(const struct sim *s, enum pf_event_type type, unsigned int vf);

/* A PF that is initialised and not started. */
struct sim *sim_new(unsigned int num_vfs);

void sim_free(struct sim *s);

/* Serves until nothing is left, in a bounded number of rounds. */
void sim_serve(struct sim *s);

void sim_forget(struct sim *s);

/* The VF puts a message into its mailbox. */
void sim_put_request(struct sim *s, unsigned int vf, const uint32_t *msg, unsigned int n);

/*
 * Asks, is served once, reads the answer's first word; 0 when there was none. The log starts anew.
 */
uint32_t sim_ask(struct sim *s, unsigned int vf, const uint32_t *msg, unsigned int n);

uint32_t sim_ask2(struct sim *s, unsigned int vf, uint32_t word0, uint32_t word1);

uint32_t sim_ask_mac(struct sim *s, unsigned int vf, enum mbx_mac_op op, const uint8_t mac[6]);

void sim_vf_reset(struct sim *s, unsigned int vf);

/* Started, with the link up, its pings out of the way and forgotten. */
struct sim *sim_started(void);

int sim_setup(void **state);

int sim_teardown(void **state);

/* Only the mailbox was written: no filter, no queue, no gate. */
void sim_assert_nothing_done(struct sim *s);

struct pf_vf_info sim_info(struct sim *s, unsigned int vf);

static inline struct pf_vf_policy sim_policy(void)
{
	struct pf_vf_policy pol;

	pf_vf_policy_default(&pol);
	return pol;
}

int sim_set(struct sim *s, unsigned int vf, const struct pf_vf_policy *pol, enum pf_rule *rule);

/* The pools (bits) that get frames for @mac, by the registers. */
uint32_t sim_pools_of(struct sim *s, const uint8_t mac[6]);

/* The pools that get frames of @vid. */
uint32_t sim_pools_of_vlan(struct sim *s, unsigned int vid);

#define sim_test(f) cmocka_unit_test_setup_teardown(f, sim_setup, sim_teardown)

#endif
