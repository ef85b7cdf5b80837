/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice vf reset: a VF that nobody has is reset and scrubbed. */
#include "cli.h"

#include <stdio.h>

#include <linux/netlink.h>

#define SEQ 1

int mgmt_cmd_vf_reset(struct mgmt_cli *cli, int argc, char **argv)
{
	struct mgmt_lease_msg m = {.vf = -1};
	struct os_err err = {0};
	uint32_t vf = 0;

	if (argc != 2 || !mgmt_cli_number(argv[1], &vf) || vf > INT32_MAX)
		return mgmt_cli_usage(cli, "reset takes the number of a VF");
	m.vf = (int32_t)vf;
	if (mgmt_client_once(cli->socket,
			     mgmt_msg_lease(SEQ, MGMT_MSG_RESETVF, NLM_F_REQUEST | NLM_F_ACK, &m),
			     NULL, NULL, &err))
		return mgmt_cli_refused(cli, &err);
	if (cli->json)
		mgmt_cli_json(json_pack("{s:i}", "vf", (int)vf));
	else
		printf("VF %u is reset, scrubbed and clean\n", vf);
	return MGMT_EXIT_OK;
}
