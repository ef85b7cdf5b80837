/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's command line. */
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "abi/mgmt.h"
#include "drv/pf.h"
#include "text.h"

#define WHY_LEN 160

const char mgmt_usage[] =
	"usage: sluiced --pf BDF [options]\n"
	"  --pf BDF              the card's physical function, such as 0000:01:00.0\n"
	"  --vfs N               virtual functions to create, 1 to 7 (7)\n"
	"  --socket PATH         where clients connect (" MGMT_SOCKET ")\n"
	"  --state DIR           where intent is kept (" MGMT_STATE_DIR ")\n"
	"  --unsafe-interrupts   hand out VFs without interrupt remapping\n"
	"  --restore             at the end give the card back to its kernel driver\n"
	"  -v                    log more\n";

enum opt { OPT_PF = 256, OPT_VFS, OPT_SOCKET, OPT_STATE, OPT_UNSAFE, OPT_RESTORE };

static const struct option options[] = {
	{"pf", required_argument, NULL, OPT_PF},
	{"vfs", required_argument, NULL, OPT_VFS},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"state", required_argument, NULL, OPT_STATE},
	{"unsafe-interrupts", no_argument, NULL, OPT_UNSAFE},
	{"restore", no_argument, NULL, OPT_RESTORE},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* A decimal number up to 65535: whether the card has so many VFs is not for here. */
static int number(const char *text, unsigned int *out, char *why)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || v == 0 || v > UINT16_MAX) {
		mgmt_text(why, WHY_LEN, "--vfs takes a number from 1 to %u, not '%s'", PF_VFS_MAX,
			  text);
		return -EINVAL;
	}
	*out = (unsigned int)v;
	return 0;
}

static int take(int opt, struct mgmt_args *a, char *why)
{
	switch (opt) {
	case OPT_PF:
		a->pf = optarg;
		return 0;
	case OPT_VFS:
		return number(optarg, &a->vfs, why);
	case OPT_SOCKET:
		a->socket = optarg;
		return 0;
	case OPT_STATE:
		a->state_dir = optarg;
		return 0;
	case OPT_UNSAFE:
		a->unsafe_irq = true;
		return 0;
	case OPT_RESTORE:
		a->restore = true;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case 'h':
		a->help = true;
		return 0;
	}
	return -EINVAL;
}

int mgmt_args_parse(int argc, char **argv, struct mgmt_args *out, char *why)
{
	int opt, ret;

	*out = (struct mgmt_args){
		.vfs = PF_VFS_MAX,
		.socket = MGMT_SOCKET,
		.state_dir = MGMT_STATE_DIR,
	};
	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":vh", options, NULL)) != -1) {
		if (opt == '?' || opt == ':') {
			mgmt_text(why, WHY_LEN, "%s '%s'",
				  opt == ':' ? "a value is missing behind" : "unknown option",
				  argv[optind - 1]);
			return -EINVAL;
		}
		ret = take(opt, out, why);
		if (ret)
			return ret;
	}
	if (out->help)
		return 0;
	if (optind < argc || !out->pf || !out->pf[0]) {
		mgmt_text(why, WHY_LEN, "%s%s", out->pf ? "not understood: " : "--pf is missing",
			  out->pf && optind < argc ? argv[optind] : "");
		return -EINVAL;
	}
	if (out->socket[0] != '/' || strlen(out->socket) >= MGMT_PATH_LEN) {
		mgmt_text(why, WHY_LEN, "--socket takes an absolute path of less than %u bytes",
			  MGMT_PATH_LEN);
		return -EINVAL;
	}
	if (out->state_dir[0] != '/' || strlen(out->state_dir) >= MGMT_PATH_LEN - 16) {
		mgmt_text(why, WHY_LEN, "--state takes an absolute path of less than %u bytes",
			  MGMT_PATH_LEN - 16);
		return -EINVAL;
	}
	return 0;
}
