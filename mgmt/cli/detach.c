/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice detach: takes a VF back from its VM. */
#include "cli.h"

#include <stdio.h>

#include <linux/netlink.h>

#define SEQ 1

int mgmt_cmd_detach(struct mgmt_cli *cli, int argc, char **argv)
{
	struct mgmt_lease_msg m = {.vf = -1};
	struct os_err err = {0};
	uint32_t vf;

	if (argc < 2 || argc > 3 || !mgmt_vm_name_ok(argv[1]))
		return mgmt_cli_usage(cli, "detach takes the name of a VM");
	snprintf(m.vm, sizeof(m.vm), "%s", argv[1]);
	if (argc == 3) {
		if (!mgmt_cli_number(argv[2], &vf) || vf > INT32_MAX)
			return mgmt_cli_usage(cli, "'%s' is no VF", argv[2]);
		m.vf = (int32_t)vf;
	}
	if (mgmt_client_once(cli->socket,
			     mgmt_msg_lease(SEQ, MGMT_MSG_DELLEASE, NLM_F_REQUEST | NLM_F_ACK, &m),
			     NULL, NULL, &err))
		return mgmt_cli_refused(cli, &err);
	if (cli->json)
		mgmt_cli_json(json_pack("{s:s,s:o}", "vm", m.vm, "vf",
					m.vf < 0 ? json_null() : json_integer(m.vf)));
	else
		printf("%s gave its VF back: reset, scrubbed, free\n", m.vm);
	return MGMT_EXIT_OK;
}
