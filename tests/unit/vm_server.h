/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A QMP server in a thread on a unix socket in a temporary directory, for the tests of hv-glue/vm:
 * either a small QEMU, or whatever a test's own serve() does with the connection.
 */
#ifndef SLUICE_TESTS_UNIT_VM_SERVER_H
#define SLUICE_TESTS_UNIT_VM_SERVER_H

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "glue/vm.h"

enum del_mode {
	DEL_OK,
	DEL_EVENT_FIRST,
	DEL_SILENT,
	DEL_GUEST_ERROR,
	DEL_PENDING,
	DEL_LOST,
	DEL_HANGUP
};

struct port {
	const char *name, *type, *bus;
	bool occupied, no_hotplug;
};

struct server {
	char dir[64], path[96];
	int lfd;
	pthread_t thread;
	void (*serve)(FILE *f);
	int major, minor;
	bool no_token;
	struct port ports[4], anon[2];
	const char *device;    /* its id, NULL: none plugged */
	const char *add_error; /* QEMU's text */
	enum del_mode del;
	unsigned int dels, adds;
	char bus[64], host[32], token[40]; /* of the last device_add */
	const char *noise;		   /* sent before every answer */
};
extern struct server srv;

json_t *no(const char *class, const char *desc);
void greet(FILE *f);
int server_setup(void **state);
int server_teardown(void **state);

#endif
