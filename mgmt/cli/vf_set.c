/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice vf set: what a VF may do. */
#include "cli.h"
#include "words.h"

#define SEQ 1

/* One of the two rates alone: the other stays what it is, as with iproute2. */
static int other_rate(const struct mgmt_cli *cli, struct mgmt_words *w, struct os_err *err)
{
	struct mgmt_view view;
	unsigned int i;
	int ret;

	if (w->max == w->min)
		return 0;
	ret = mgmt_client_view(cli->socket, &view, err);
	for (i = 0; !ret && i < view.num_vfs; i++) {
		if (view.vf[i].vf != w->set.vf)
			continue;
		if (w->max)
			w->set.rate_min = view.vf[i].rate_min;
		else
			w->set.rate_max = view.vf[i].rate_max;
	}
	return ret;
}

int mgmt_cmd_vf_set(struct mgmt_cli *cli, int argc, char **argv)
{
	struct os_err err = {0};
	struct mgmt_words w;
	char why[MGMT_WHY_LEN];
	uint32_t vf;
	int ret;

	if (argc < 2 || !mgmt_cli_number(argv[1], &vf))
		return mgmt_cli_usage(cli, "'%s' is no VF", argc < 2 ? "" : argv[1]);
	if (mgmt_words_parse(argc - 2, argv + 2, &w, why))
		return mgmt_cli_usage(cli, "%s", why);
	w.set.vf = vf;
	ret = other_rate(cli, &w, &err);
	if (!ret)
		ret = mgmt_client_once(cli->socket, mgmt_msg_setlink(SEQ, "", &w.set), NULL, NULL,
				       &err);
	if (ret)
		return mgmt_cli_refused(cli, &err);
	if (cli->json)
		mgmt_cli_json(json_pack("{s:i}", "vf", (int)vf));
	return MGMT_EXIT_OK;
}
