/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice: asks the daemon, and tells people or programs what it said. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

static const struct mgmt_command commands[] = {
	{"pf", mgmt_cmd_pf, "sluice [-j] pf"},
	{"vf", mgmt_cmd_vf,
	 "sluice [-j] vf [show [VF]]\n"
	 "       sluice [-j] vf set VF { mac LLADDR|auto | vlan VID [qos Q] | rate MBPS |\n"
	 "                   max_tx_rate MBPS | min_tx_rate MBPS | spoofchk on|off |\n"
	 "                   state auto|enable|disable | trust on|off } ...\n"
	 "       sluice [-j] vf reset VF"},
	{"attach", mgmt_cmd_attach, "sluice [-j] attach VM [VF] [--qmp PATH] [--cold]"},
	{"detach", mgmt_cmd_detach, "sluice [-j] detach VM [VF]"},
	{"doctor", mgmt_cmd_doctor, "sluice [-j] doctor [BDF]"},
};

static void print_usage(FILE *to)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "%s%s\n", i ? "       " : "usage: ", commands[i].usage);
	for (i = 0; i < mgmt_core_count; i++)
		fprintf(to, "       %s\n", mgmt_core_commands[i].usage);
	fprintf(to, "options: -j JSON, -s SOCKET (environment SLUICE_SOCKET, " MGMT_SOCKET ")\n"
		    "         --core SOCKET (environment SLUICE_CORE): a hypervisor core's control "
		    "line\n");
}

void mgmt_cli_json(json_t *value)
{
	if (!value) {
		fprintf(stderr, "sluice: no memory\n");
		return;
	}
	json_dumpf(value, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(value);
}

int mgmt_cli_refused(const struct mgmt_cli *cli, const struct os_err *err)
{
	fprintf(stderr, "sluice: %s\n", err->what);
	if (err->rule[0])
		fprintf(stderr, "  rule: %s\n", err->rule);
	if (err->mend[0])
		fprintf(stderr, "  mend: %s\n", err->mend);
	if (cli->json)
		mgmt_cli_json(mgmt_error_json(-err->no, err->what, err->rule, err->mend));
	return MGMT_EXIT_REFUSED;
}

int mgmt_cli_usage(const struct mgmt_cli *cli, const char *fmt, ...)
{
	char what[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	fprintf(stderr, "sluice: %s\n", what);
	if (cli->usage)
		fprintf(stderr, "usage: %s\n", cli->usage);
	else
		print_usage(stderr);
	if (cli->json)
		mgmt_cli_json(mgmt_error_json(EINVAL, what, "the command line", "sluice --help"));
	return MGMT_EXIT_USAGE;
}

int mgmt_dispatch(struct mgmt_cli *cli, const struct mgmt_command *table, unsigned int n, int argc,
		  char **argv)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (strcmp(table[i].name, argv[0]))
			continue;
		if (table[i].usage)
			cli->usage = table[i].usage;
		return table[i].run(cli, argc, argv);
	}
	return mgmt_cli_usage(cli, "unknown command '%s'", argv[0]);
}

static void help(const struct mgmt_cli *cli)
{
	char *text = NULL;
	size_t len;
	FILE *to = cli->json ? open_memstream(&text, &len) : NULL;

	print_usage(to ? to : stdout);
	if (to) {
		fclose(to);
		mgmt_cli_json(json_pack("{s:o}", "usage", mgmt_text_json(text)));
	}
	free(text);
}

/* The options in front of the command; false with a usage error. */
static bool options(struct mgmt_cli *cli, bool *wants_help, int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'},
		{"socket", required_argument, NULL, 's'},
		{"core", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "+:js:h", longs, NULL)) != -1) {
		switch (opt) {
		case 'j':
			cli->json = true;
			break;
		case 's':
			cli->socket = optarg;
			break;
		case 'c':
			cli->core = optarg;
			break;
		case 'h':
			*wants_help = true;
			break;
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	const char *env = getenv("SLUICE_SOCKET"), *core = getenv("SLUICE_CORE");
	struct mgmt_cli cli = {.socket = env && env[0] ? env : MGMT_SOCKET,
			       .core = core && core[0] ? core : NULL};
	bool wants_help = false;
	int ret = MGMT_EXIT_OK;

	if (!options(&cli, &wants_help, argc, argv))
		return mgmt_cli_usage(&cli, "option '%s' was not understood", argv[optind - 1]);
	if (optind == argc && !wants_help)
		return mgmt_cli_usage(&cli, "a command is missing");
	if (wants_help)
		help(&cli);
	else if (cli.core)
		ret = mgmt_dispatch(&cli, mgmt_core_commands, mgmt_core_count, argc - optind,
				    argv + optind);
	else
		ret = mgmt_dispatch(&cli, commands, ARRAY_SIZE(commands), argc - optind,
				    argv + optind);
	/* A full disk or a closed pipe behind stdout is no success. */
	if (fflush(stdout) || ferror(stdout))
		return ret ? ret : MGMT_EXIT_REFUSED;
	return ret;
}
