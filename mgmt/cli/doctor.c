/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice doctor: is this machine fit, and does the daemon answer? */
#include "cli.h"

#include <stdio.h>

#include "abi/mgmt_doctor.h"
#include "format.h"

static bool check_daemon(const struct mgmt_cli *cli, struct mgmt_view *view, struct mgmt_check *c)
{
	struct os_err err = {0};

	c->name = "daemon";
	c->ok = !mgmt_client_view(cli->socket, view, &err);
	c->mend[0] = '\0';
	if (c->ok)
		snprintf(c->found, sizeof(c->found), "answers for %s with %u VFs, protocol %u",
			 view->link.bdf, view->num_vfs, view->link.version);
	else
		snprintf(c->found, sizeof(c->found), "%s: %s", err.what, err.rule);
	if (!c->ok)
		snprintf(c->mend, sizeof(c->mend), "%s", err.mend);
	return c->ok;
}

static void print(const struct mgmt_check *c)
{
	printf("%-4s  %-10s  %s\n", c->ok ? "ok" : "FAIL", c->name, c->found);
	if (!c->ok)
		printf("      %-10s  mend: %s\n", "", c->mend);
}

static json_t *check_json(const struct mgmt_check *c)
{
	return json_pack("{s:s,s:b,s:o,s:o}", "name", c->name, "ok", c->ok, "found",
			 mgmt_text_json(c->found), "mend",
			 c->ok ? json_null() : mgmt_text_json(c->mend));
}

int mgmt_cmd_doctor(struct mgmt_cli *cli, int argc, char **argv)
{
	static struct mgmt_check check[MGMT_CHECKS_MAX + 1];
	const char *bdf = argc > 1 ? argv[1] : NULL, *state = MGMT_STATE_DIR;
	json_t *list = json_array();
	struct mgmt_view view;
	unsigned int i, n;
	bool ok = true;

	if (argc > 2) {
		json_decref(list);
		return mgmt_cli_usage(cli, "'%s' is one word too many", argv[2]);
	}
	/* The daemon knows which card and directory it is about. */
	if (check_daemon(cli, &view, &check[MGMT_CHECKS_MAX])) {
		state = view.link.state_dir[0] ? view.link.state_dir : state;
		bdf = bdf ? bdf : view.link.bdf;
	}
	n = mgmt_doctor(bdf, state, check);
	check[n++] = check[MGMT_CHECKS_MAX];
	for (i = 0; i < n; i++) {
		ok &= check[i].ok;
		if (cli->json)
			json_array_append_new(list, check_json(&check[i]));
		else
			print(&check[i]);
	}
	if (cli->json)
		mgmt_cli_json(json_pack("{s:b,s:O}", "ok", ok, "checks", list));
	json_decref(list);
	return ok ? MGMT_EXIT_OK : MGMT_EXIT_REFUSED;
}
