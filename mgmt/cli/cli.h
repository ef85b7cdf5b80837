/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the subcommands share: options, errors, the daemon's answers. */
#ifndef SLUICE_MGMT_CLI_CLI_H
#define SLUICE_MGMT_CLI_CLI_H

#include <jansson.h>

#include "abi/mgmt_msg.h"
#include "os/err.h"

enum mgmt_exit { MGMT_EXIT_OK = 0, MGMT_EXIT_REFUSED = 1, MGMT_EXIT_USAGE = 2 };

/* The command line's options; main's. */
struct mgmt_cli {
	bool json;
	const char *socket;
	const char *core;  /* of a hypervisor core, NULL: the daemon is asked */
	const char *usage; /* of the subcommand that runs */
};

/* A subcommand: argv[0] is its own name. Returns an enum mgmt_exit. */
struct mgmt_command {
	const char *name;
	int (*run)(struct mgmt_cli *cli, int argc, char **argv);
	const char *usage;
};

int mgmt_cmd_pf(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_vf(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_vf_show(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_vf_set(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_vf_reset(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_attach(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_detach(struct mgmt_cli *cli, int argc, char **argv);
int mgmt_cmd_doctor(struct mgmt_cli *cli, int argc, char **argv);

/* The commands behind --core. */
extern const struct mgmt_command mgmt_core_commands[];
extern const unsigned int mgmt_core_count;

/* Runs the entry of @table (@n of them) that @argv[0] names. */
int mgmt_dispatch(struct mgmt_cli *cli, const struct mgmt_command *table, unsigned int n, int argc,
		  char **argv);

/* Says what was refused, and why; returns MGMT_EXIT_REFUSED. */
int mgmt_cli_refused(const struct mgmt_cli *cli, const struct os_err *err);
/* Says what of the command line was not understood; returns MGMT_EXIT_USAGE. */
int mgmt_cli_usage(const struct mgmt_cli *cli, const char *fmt, ...) printf_like(2, 3);
/* A decimal number of 32 bits out of @text; false when it is none. */
bool mgmt_cli_number(const char *text, uint32_t *out);
/* Prints @value (taken over, NULL: no memory) as one line of JSON. */
void mgmt_cli_json(json_t *value);

/* The card and its VFs as the daemon knows them. */
struct mgmt_view {
	struct mgmt_link link;
	struct mgmt_vf vf[MGMT_VFS_MAX];
	unsigned int num_vfs;
};

/* Connects to the daemon; a descriptor, or a negative errno. */
int mgmt_client_open(const char *socket, struct os_err *err) must_check;
/*
 * Sends @req (taken over) and waits for its end; @on (may be NULL) gets each answer that is no ack,
 * and returns 0 or a negative errno with @err filled. 0, or what was refused.
 */
int mgmt_client_request(int fd, struct nl_msg *req,
			int (*on)(void *ctx, const struct nlmsghdr *hdr, struct os_err *err),
			void *ctx, struct os_err *err) must_check;
/* Connects, asks for everything, closes. */
int mgmt_client_view(const char *socket, struct mgmt_view *view, struct os_err *err) must_check;
/* Connects, sends @req, closes; as mgmt_client_request(). */
int mgmt_client_once(const char *socket, struct nl_msg *req,
		     int (*on)(void *ctx, const struct nlmsghdr *hdr, struct os_err *err),
		     void *ctx, struct os_err *err) must_check;

#endif
