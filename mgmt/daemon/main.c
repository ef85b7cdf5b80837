/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluiced: owns one card, its VFs, and who has them. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "core.h"
#include "log.h"
#include "peer.h"
#include "server.h"
#include "setup.h"

enum status { STATUS_OK = 0, STATUS_REFUSED = 1, STATUS_USAGE = 2 };

static void say(const struct os_err *err)
{
	fprintf(stderr, "sluiced: %s\n  rule: %s\n  mend: %s\n", err->what, err->rule, err->mend);
}

/* Every thread inherits this: the control thread alone takes them, by a descriptor. */
static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int serve(const struct mgmt_args *args, struct mgmt_core *core, int fd, struct os_err *err)
{
	struct mgmt_server *server;
	int ret = mgmt_server_init(core, fd, &server);

	if (ret)
		return os_err_set(err, ret, strerror(-ret), "free memory or descriptors",
				  "the server could not be set up");
	/* Where QMP sockets are by default; a VM may have its own elsewhere. */
	if (mkdir(MGMT_QMP_DIR, 0755) && errno != EEXIST)
		mgmt_log(OS_LOG_WARN, MGMT_QMP_DIR " was not made: %s", strerror(errno));
	mgmt_core_start(core);
	printf("sluiced: ready: PF %s, %u VFs, socket %s\n", core->link.bdf, core->num_vfs,
	       args->socket);
	fflush(stdout);
	mgmt_server_run(server);
	mgmt_server_fini(server);
	mgmt_core_stop(core);
	return 0;
}

/* A start that failed leaves the card as it was; one that served, as it was told. */
static enum mgmt_leave leave(const struct mgmt_args *args, const struct mgmt_core *core, int ret)
{
	if (ret)
		return MGMT_LEAVE_WAS;
	if (!args->restore)
		return MGMT_LEAVE_BOUND;
	if (!mgmt_core_attached(core))
		return MGMT_LEAVE_FIRST;
	mgmt_log(OS_LOG_WARN, "%s stays with vfio-pci: VFs of it have owners", core->link.bdf);
	return MGMT_LEAVE_BOUND;
}

int main(int argc, char **argv)
{
	static struct mgmt_core core;
	struct mgmt_setup su = {0};
	struct os_err err = {0};
	struct mgmt_args args;
	char why[160];
	int ret, fd;

	ret = mgmt_args_parse(argc, argv, &args, why);
	if (ret) {
		fprintf(stderr, "sluiced: %s\n%s", why, mgmt_usage);
		return STATUS_USAGE;
	}
	if (args.help) {
		fputs(mgmt_usage, stdout);
		return STATUS_OK;
	}
	if (args.verbose) {
		mgmt_log_level(OS_LOG_DEBUG);
		vfio_log_level(OS_LOG_DEBUG);
	}
	block_signals();
	/* The socket first: a second daemon, or a bad path, is refused before the card is reset. */
	fd = mgmt_listen(args.socket, &err);
	if (fd < 0) {
		say(&err);
		return STATUS_REFUSED;
	}
	ret = mgmt_setup(&args, &su, &core, &err);
	if (!ret)
		ret = serve(&args, &core, fd, &err);
	if (ret)
		say(&err);
	mgmt_setup_undo(&su, leave(&args, &core, ret));
	unlink(args.socket);
	close(fd);
	return ret ? STATUS_REFUSED : STATUS_OK;
}
