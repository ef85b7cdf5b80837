/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A QMP server in a thread on a unix socket in a temporary directory, for the tests of hv-glue/vm:
 * either a small QEMU, or whatever a test's own serve() does with the connection.
 */
#include "vm_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct server srv;

static void say(FILE *f, json_t *msg)
{
	char *text = json_dumps(msg, JSON_COMPACT);

	fprintf(f, "%s\r\n", text); /* as QEMU ends its lines */
	fflush(f);
	free(text);
	json_decref(msg);
}

static void say_event(FILE *f, const char *name, const char *dev)
{
	say(f, json_pack("{s:s, s:{s:s, s:s}, s:{s:i, s:i}}", "event", name, "data", "device", dev,
			 "path", "/x", "timestamp", "seconds", 1, "microseconds", 2));
}

json_t *no(const char *class, const char *desc)
{
	return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", desc);
}

static json_t *yes(json_t *value)
{
	return json_pack("{s:o}", "return", value);
}

static json_t *qom_ports(const struct port *p, size_t n, const char *device)
{
	json_t *list = json_pack("[{s:s, s:s}]", "name", "type", "type", "string");

	for (size_t i = 0; i < n && p[i].name; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", p[i].name, "type",
						      p[i].type));
	if (device)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", device, "type",
						      "child<vfio-pci>"));
	return yes(list);
}

static json_t *qom_port(const struct port *ports, size_t n, const char *path)
{
	for (size_t i = 0; i < n && ports[i].name; i++) {
		const struct port *p = &ports[i];
		size_t len = strlen(p->name);

		if (strncmp(path, p->name, len))
			continue;
		if (!path[len])
			return yes(
				json_pack("[{s:s, s:s}]", "name", p->bus, "type", "child<PCIE>"));
		if (path[len] == '/' && !strcmp(path + len + 1, p->bus))
			return yes(p->occupied ? json_pack("[{s:s, s:s}]", "name", "child[0]",
							   "type", "link<virtio-net-pci>")
					       : json_array());
	}
	return no("DeviceNotFound", "no such path");
}

static json_t *qom_list_answer(const char *path)
{
	static const char dir[] = "/machine/peripheral";

	if (!strcmp(path, dir))
		return qom_ports(srv.ports, 4, srv.device);
	if (!strcmp(path, "/machine/peripheral-anon"))
		return qom_ports(srv.anon, 2, NULL);
	if (!strncmp(path, "/machine/peripheral-anon/", 25))
		return qom_port(srv.anon, 2, path + 25);
	if (!strncmp(path, "/machine/peripheral/", 20))
		return qom_port(srv.ports, 4, path + 20);
	return no("DeviceNotFound", "no such path");
}

static json_t *qom_get_answer(const char *path)
{
	for (size_t i = 0; i < 4 && srv.ports[i].name; i++)
		if (strstr(path, srv.ports[i].name))
			return yes(json_boolean(!srv.ports[i].no_hotplug));
	return no("GenericError", "Property 'hotplug' not found");
}

static json_t *add_answer(const json_t *args)
{
	const char *token = json_string_value(json_object_get(args, "vf-token"));

	srv.adds++;
	if (srv.add_error)
		return no("GenericError", srv.add_error);
	snprintf(srv.bus, sizeof(srv.bus), "%s", json_string_value(json_object_get(args, "bus")));
	snprintf(srv.host, sizeof(srv.host), "%s",
		 json_string_value(json_object_get(args, "host")));
	snprintf(srv.token, sizeof(srv.token), "%s", token ? token : "");
	return yes(json_object());
}

/* NULL: the connection ends. The event may come before the answer. */
static json_t *del_answer(FILE *f, const json_t *args)
{
	const char *id = json_string_value(json_object_get(args, "id"));

	srv.dels++;
	say_event(f, "DEVICE_DELETED", "another");
	if (!srv.device || strcmp(id, srv.device))
		return no("DeviceNotFound", "Device not found");
	if (srv.del == DEL_HANGUP)
		return NULL;
	if (srv.del == DEL_EVENT_FIRST)
		say_event(f, "DEVICE_DELETED", id);
	if (srv.del == DEL_PENDING)
		return no("GenericError", "Device vf is already in the process of unplug");
	if (srv.del == DEL_LOST)
		srv.device = NULL; /* and its event never comes */
	return yes(json_object());
}

static json_t *answer(FILE *f, const char *cmd, const json_t *args)
{
	const char *path = json_string_value(json_object_get(args, "path"));

	if (!strcmp(cmd, "qmp_capabilities"))
		return yes(json_object());
	if (!strcmp(cmd, "qom-list"))
		return qom_list_answer(path);
	if (!strcmp(cmd, "qom-get"))
		return qom_get_answer(path);
	if (!strcmp(cmd, "device-list-properties"))
		return yes(json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "host", "type", "str",
				     "name", srv.no_token ? "x-token" : "vf-token", "type", "str"));
	if (!strcmp(cmd, "device_add"))
		return add_answer(args);
	if (!strcmp(cmd, "device_del"))
		return del_answer(f, args);
	return no("CommandNotFound", "no such command");
}

void greet(FILE *f)
{
	say(f, json_pack("{s:{s:{s:{s:i, s:i, s:i}, s:s}, s:[s]}}", "QMP", "version", "qemu",
			 "major", srv.major, "minor", srv.minor, "micro", 2, "package", "",
			 "capabilities", "oob"));
}

/* A small QEMU. */
static void serve_qemu(FILE *f)
{
	char line[4096];

	greet(f);
	while (fgets(line, sizeof(line), f)) {
		json_t *msg = json_loads(line, 0, NULL), *out;
		const char *cmd = json_string_value(json_object_get(msg, "execute"));

		if (srv.noise)
			fputs(srv.noise, f);
		out = cmd ? answer(f, cmd, json_object_get(msg, "arguments")) : NULL;
		if (!out) {
			json_decref(msg);
			return;
		}
		json_object_set(out, "id", json_object_get(msg, "id"));
		say(f, out);
		if (!strcmp(cmd, "device_del") && srv.device) {
			if (srv.del == DEL_OK || (srv.del == DEL_PENDING && srv.dels > 1))
				say_event(f, "DEVICE_DELETED", srv.device);
			if (srv.del == DEL_GUEST_ERROR)
				say_event(f, "DEVICE_UNPLUG_GUEST_ERROR", srv.device);
		}
		json_decref(msg);
	}
}

static void *server_run(void *arg)
{
	FILE *f;
	int fd;

	(void)arg;
	while ((fd = accept(srv.lfd, NULL, NULL)) >= 0) {
		f = fdopen(fd, "r+");
		setvbuf(f, NULL, _IONBF, 0);
		srv.serve(f);
		fclose(f);
	}
	return NULL;
}

int server_setup(void **state)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	(void)state;
	memset(&srv, 0, sizeof(srv));
	srv.serve = serve_qemu;
	srv.major = 10;
	srv.ports[0] = (struct port){"rp1", "child<pcie-root-port>", "rp1", true, false};
	srv.ports[1] = (struct port){"rp3", "child<pcie-root-port>", "rp3", false, false};
	srv.ports[2] = (struct port){"rp2", "child<pcie-root-port>", "rp2", false, false};
	strcpy(srv.dir, "/tmp/sluice-qmp-XXXXXX");
	assert_non_null(mkdtemp(srv.dir));
	snprintf(srv.path, sizeof(srv.path), "%s/vm.qmp", srv.dir);
	strcpy(sa.sun_path, srv.path);
	srv.lfd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(srv.lfd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(srv.lfd, 1), 0);
	return pthread_create(&srv.thread, NULL, server_run, NULL);
}

int server_teardown(void **state)
{
	(void)state;
	shutdown(srv.lfd, SHUT_RDWR); /* accept() returns */
	pthread_join(srv.thread, NULL);
	close(srv.lfd);
	unlink(srv.path);
	return rmdir(srv.dir);
}
