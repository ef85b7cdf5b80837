/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice attach: a VF for a VM that runs, or (--cold) for one that is to be started. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/msg.h>

#include "format.h"

#define SEQ 1

static int on_lease(void *ctx, const struct nlmsghdr *hdr, struct os_err *err)
{
	if (hdr->nlmsg_type != MGMT_MSG_NEWLEASE)
		return os_err_set(err, -EPROTO, "it is not of this client's protocol",
				  "use a daemon of this client's version",
				  "the daemon's answer was not understood");
	return mgmt_msg_lease_parse(hdr, ctx, err);
}

/* The daemon has another working directory than we. */
static bool absolute(const char *path, char *out, size_t size)
{
	char cwd[MGMT_PATH_LEN];
	int n;

	if (path[0] == '/')
		n = snprintf(out, size, "%s", path);
	else if (getcwd(cwd, sizeof(cwd)))
		n = snprintf(out, size, "%s/%s", cwd, path);
	else
		return false;
	return n > 0 && (size_t)n < size;
}

/* Options may stand between the words; false with the offending one in @bad. */
static bool options(int argc, char **argv, struct mgmt_lease_msg *m, const char **bad)
{
	static const struct option longs[] = {
		{"qmp", required_argument, NULL, 'q'},
		{"cold", no_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (opt == 'c')
			m->cold = true;
		else if (opt != 'q' || !absolute(optarg, m->qmp, sizeof(m->qmp))) {
			*bad = opt == 'q' ? optarg : argv[optind - 1];
			return false;
		}
	}
	return true;
}

static void print(const struct mgmt_lease_msg *m)
{
	if (m->cold) {
		printf("%s\n", m->args);
		fprintf(stderr, "sluice: VF %d (%s) is reserved for %s until it starts\n", m->vf,
			m->bdf, m->vm);
	} else {
		printf("VF %d (%s) is attached to %s\n", m->vf, m->bdf, m->vm);
	}
}

int mgmt_cmd_attach(struct mgmt_cli *cli, int argc, char **argv)
{
	struct mgmt_lease_msg m = {.vf = -1}, got = {.vf = -1};
	struct os_err err = {0};
	const char *bad = NULL;
	uint32_t vf;

	if (!options(argc, argv, &m, &bad))
		return mgmt_cli_usage(cli, "'%s' was not understood", bad);
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 2 || !mgmt_vm_name_ok(argv[0]))
		return mgmt_cli_usage(cli,
				      "attach takes the name of a VM (letters, digits, . _ -)");
	snprintf(m.vm, sizeof(m.vm), "%s", argv[0]);
	if (argc == 2) {
		if (!mgmt_cli_number(argv[1], &vf) || vf > INT32_MAX)
			return mgmt_cli_usage(cli, "'%s' is no VF", argv[1]);
		m.vf = (int32_t)vf;
	}
	if (mgmt_client_once(cli->socket,
			     mgmt_msg_lease(SEQ, MGMT_MSG_NEWLEASE, NLM_F_REQUEST | NLM_F_ACK, &m),
			     on_lease, &got, &err))
		return mgmt_cli_refused(cli, &err);
	if (!cli->json) {
		print(&got);
		return MGMT_EXIT_OK;
	}
	mgmt_cli_json(json_pack("{s:s,s:i,s:o,s:o,s:b,s:o}", "vm", got.vm, "vf", (int)got.vf, "bdf",
				mgmt_text_json(got.bdf), "qmp", mgmt_text_json(got.qmp), "cold",
				got.cold, "qemu_args",
				got.args[0] ? mgmt_text_json(got.args) : json_null()));
	return MGMT_EXIT_OK;
}
