/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The words behind `sluice vf set VF`, which are iproute2's. */
#ifndef SLUICE_MGMT_CLI_WORDS_H
#define SLUICE_MGMT_CLI_WORDS_H

#include "abi/mgmt_msg.h"

#define MGMT_WHY_LEN 160

struct mgmt_words {
	struct mgmt_vf_set set; /* vf is the caller's */
	bool max, min;		/* which of max_tx_rate and min_tx_rate was said */
};

/*
 * Reads @n words. Numbers are checked for being numbers alone: the daemon knows the ranges and
 * their rules. 0, or -EINVAL with a sentence in @why (MGMT_WHY_LEN).
 */
int mgmt_words_parse(int n, char **words, struct mgmt_words *out, char *why) must_check;

#endif
