/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's command line. */
#ifndef SLUICE_MGMT_DAEMON_ARGS_H
#define SLUICE_MGMT_DAEMON_ARGS_H

#include "base/types.h"

struct mgmt_args {
	const char *pf; /* as given */
	unsigned int vfs;
	const char *socket, *state_dir;
	bool unsafe_irq, restore, verbose, help;
};

extern const char mgmt_usage[];

/* Pointers in @out borrow from @argv. 0, or -EINVAL with a sentence in @why (160 bytes). */
int mgmt_args_parse(int argc, char **argv, struct mgmt_args *out, char *why) must_check;

#endif
