/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice vf: show, set, reset. */
#include "cli.h"

int mgmt_cmd_vf(struct mgmt_cli *cli, int argc, char **argv)
{
	static const struct mgmt_command commands[] = {
		{"show", mgmt_cmd_vf_show, NULL},
		{"set", mgmt_cmd_vf_set, NULL},
		{"reset", mgmt_cmd_vf_reset, NULL},
	};

	if (argc == 1)
		return mgmt_cmd_vf_show(cli, argc, argv);
	return mgmt_dispatch(cli, commands, ARRAY_SIZE(commands), argc - 1, argv + 1);
}
