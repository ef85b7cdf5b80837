/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Plugs a VF into a running QEMU and takes it out again. */
#include "vm_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "qmp.h"

#define PROBE_MS  2000
#define PLUG_MS	  10000
#define PIN_MS	  60000 /* device_add pins all of the guest's memory before it answers */
#define REPEAT_MS 6000	/* QEMU ignores a second device_del of the same device for 5 s */

#define VERSION_MAJOR 8 /* vfio-pci has vf-token since QEMU 8.1 */
#define VERSION_MINOR 1

#define PERIPHERAL "/machine/peripheral"

/* Has @list, an answer of qom-list, an entry @name? */
static bool list_has(const json_t *list, const char *name)
{
	json_t *e;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, e)
	{
		const char *n = json_string_value(json_object_get(e, "name"));

		if (n && !strcmp(n, name))
			return true;
	}
	return false;
}

static int qom_list(struct qmp *q, const char *path, json_t **list, struct os_err *err)
{
	return qmp_call(q, "qom-list", json_pack("{s:s}", "path", path), list, err);
}

static int has_device(struct qmp *q, const char *id, bool *has, struct os_err *err)
{
	json_t *list;
	int ret = qom_list(q, PERIPHERAL, &list, err);

	if (ret)
		return ret;
	*has = list_has(list, id);
	json_decref(list);
	return 0;
}

int vm_probe(const char *qmp, const char *id, pid_t *pid, bool *has, struct os_err *err)
{
	struct qmp q;
	int ret = qmp_open(&q, qmp, PROBE_MS, err);

	if (ret)
		return ret;
	if (id && has)
		ret = has_device(&q, id, has, err);
	if (!ret && pid)
		*pid = q.pid;
	qmp_close(&q);
	return ret;
}

/* Can this QEMU hold a VF with a token? Its version tells why not, its properties whether. */
static int check_qemu(struct qmp *q, const struct vm_nic *nic, struct os_err *err)
{
	json_t *props;
	char rule[64];
	bool has;
	int ret;

	if (!vm_has_token(nic))
		return 0;
	snprintf(rule, sizeof(rule), "this one is %d.%d; vf-token came with %d.%d", q->major,
		 q->minor, VERSION_MAJOR, VERSION_MINOR);
	if (q->major < VERSION_MAJOR || (q->major == VERSION_MAJOR && q->minor < VERSION_MINOR))
		return os_err_set(err, -EOPNOTSUPP, rule, "use QEMU 8.1 or later",
				  "the QEMU at %s is too old", q->path);
	ret = qmp_call(q, "device-list-properties", json_pack("{s:s}", "typename", "vfio-pci"),
		       &props, err);
	if (ret && ret != -EREMOTEIO)
		return ret;
	has = !ret && list_has(props, "vf-token");
	if (!ret)
		json_decref(props);
	if (has)
		return 0;
	return os_err_set(err, -EOPNOTSUPP, "its vfio-pci is missing or has no vf-token",
			  "use a QEMU 8.1 or later built with VFIO",
			  "the QEMU at %s cannot take a VF", q->path);
}

static bool is_port(const char *type)
{
	static const char *const ports[] = {"child<pcie-root-port>", "child<ioh3420>",
					    "child<xio3130-downstream>"};

	for (size_t i = 0; type && i < ARRAY_SIZE(ports); i++)
		if (!strcmp(type, ports[i]))
			return true;
	return false;
}

/* A port's bus is a child of it; a device on the bus is a link "child[N]" of that. */
static int free_bus(struct qmp *q, const char *port, char bus[VM_ID_LEN * 2], struct os_err *err)
{
	char path[256];
	json_t *list, *e;
	size_t i;
	int ret = qom_list(q, port, &list, err);

	bus[0] = '\0';
	if (ret)
		return ret;
	json_array_foreach(list, i, e)
	{
		const char *type = json_string_value(json_object_get(e, "type"));
		const char *name = json_string_value(json_object_get(e, "name"));

		if (type && name && !strcmp(type, "child<PCIE>") && strlen(name) < VM_ID_LEN * 2)
			strcpy(bus, name);
	}
	json_decref(list);
	if (!bus[0])
		return 0;
	if (snprintf(path, sizeof(path), "%s/%s", port, bus) >= (int)sizeof(path))
		goto err_name;
	ret = qom_list(q, path, &list, err);
	if (ret)
		return ret;
	json_array_foreach(list, i, e)
	{
		const char *name = json_string_value(json_object_get(e, "name"));

		if (name && !strncmp(name, "child[", 6))
			bus[0] = '\0';
	}
	json_decref(list);
	return 0;

err_name:
	bus[0] = '\0'; /* too long for us to name: not a port that we can use */
	return 0;
}

/* A port made with hotplug=off is of no use. */
static int can_hotplug(struct qmp *q, const char *port, bool *can, struct os_err *err)
{
	json_t *val;
	int ret = qmp_call(q, "qom-get",
			   json_pack("{s:s, s:s}", "path", port, "property", "hotplug"), &val, err);

	*can = ret == -EREMOTEIO || (!ret && !json_is_false(val));
	if (!ret)
		json_decref(val);
	return ret == -EREMOTEIO ? 0 : ret;
}

/* The first free port of @list by name (QEMU lists in no order); a shorter name is before. */
static int scan_ports(struct qmp *q, const char *dir, char best[VM_ID_LEN * 2], struct os_err *err)
{
	char bus[VM_ID_LEN * 2], path[192];
	json_t *list, *e;
	bool can;
	size_t i;
	int ret = qom_list(q, dir, &list, err);

	if (ret)
		return ret == -EREMOTEIO ? 0 : ret;
	json_array_foreach(list, i, e)
	{
		const char *name = json_string_value(json_object_get(e, "name"));

		if (!name || !is_port(json_string_value(json_object_get(e, "type"))) ||
		    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
			continue;
		ret = free_bus(q, path, bus, err);
		if (!ret && bus[0])
			ret = can_hotplug(q, path, &can, err);
		if (ret && ret != -EREMOTEIO)
			break;
		if (ret || !bus[0] || !can)
			continue;
		if (!best[0] || strlen(bus) < strlen(best) ||
		    (strlen(bus) == strlen(best) && strcmp(bus, best) < 0))
			strcpy(best, bus);
	}
	json_decref(list);
	return ret == -EREMOTEIO ? 0 : ret;
}

static int find_port(struct qmp *q, char bus[VM_ID_LEN * 2], struct os_err *err)
{
	int ret;

	bus[0] = '\0';
	ret = scan_ports(q, PERIPHERAL, bus, err);
	if (!ret && !bus[0])
		ret = scan_ports(q, PERIPHERAL "-anon", bus, err);
	if (ret || bus[0])
		return ret;
	return os_err_set(
		err, -ENOSPC, "a device is plugged into a PCIe root port of its own",
		"start the VM (-M q35) with -device pcie-root-port,id=rp1,chassis=1,slot=1",
		"the VM at %s has no free hot-plug port", q->path);
}

/* QEMU's refusal of a device_add; its class is GenericError for all, so the text has to do. */
static int add_refused(const struct qmp *q, const struct vm_nic *nic, struct os_err *err)
{
	static const struct {
		const char *text;
		int no;
		const char *mend;
	} known[] = {
		{"uplicate device ID", -EEXIST, "detach it first"},
		{"error getting device", -EACCES, /* the group opened: the token was refused */
		 "is it the token that the PF was opened with?"},
		{"ermission denied", -EACCES,
		 "QEMU's user must be able to open the VF's group in /dev/vfio"},
		{"resource busy", -EBUSY, "end what uses the VF"},
		{"already attached", -EBUSY, "detach it first"},
		{"annot allocate memory", -ENOMEM,
		 "raise the VM's memory lock limit (ulimit -l) above its RAM"},
		{"o such file", -ENODEV, "is the VF there, and bound to vfio-pci?"},
		{"o such host device", -ENODEV, "is the VF there, and bound to vfio-pci?"},
	};
	const char *mend = "look at the VM's log";
	char rule[160];
	int no = -EIO;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(q->desc, known[i].text)) {
			no = known[i].no;
			mend = known[i].mend;
			break;
		}
	snprintf(rule, sizeof(rule), "QEMU says: %s", q->desc);
	return os_err_set(err, no, rule, mend, "%s was not plugged into the VM at %s", nic->bdf,
			  q->path);
}

static int add_device(struct qmp *q, const struct vm_nic *nic, const char *bus, struct os_err *err)
{
	json_t *args = json_pack("{s:s, s:s, s:s, s:s}", "driver", "vfio-pci", "id", nic->id,
				 "host", nic->bdf, "bus", bus);
	char uuid[37];
	int ret;

	if (args && vm_has_token(nic)) {
		vfio_token_format(&nic->token, uuid);
		json_object_set_new(args, "vf-token", json_string(uuid));
	}
	qmp_extend(q, PIN_MS);
	ret = qmp_call(q, "device_add", args, NULL, err);
	return ret == -EREMOTEIO ? add_refused(q, nic, err) : ret;
}

int vm_plug(const char *qmp, const struct vm_nic *nic, pid_t *pid, struct os_err *err)
{
	char bus[VM_ID_LEN * 2];
	struct qmp q;
	bool has;
	int ret = vm_check_nic(nic, err);

	if (ret)
		return ret;
	ret = qmp_open(&q, qmp, PLUG_MS, err);
	if (ret)
		return ret;
	ret = check_qemu(&q, nic, err);
	if (!ret)
		ret = has_device(&q, nic->id, &has, err);
	if (!ret && has)
		ret = os_err_set(err, -EEXIST, "a device's id is used once", "detach it first",
				 "the VM at %s has a device %s already", qmp, nic->id);
	if (!ret)
		ret = find_port(&q, bus, err);
	if (!ret)
		ret = add_device(&q, nic, bus, err);
	if (!ret && pid)
		*pid = q.pid;
	if (!ret && err)
		err->no = 0;
	qmp_close(&q);
	return ret;
}

/* What has been heard of the device that is to go. */
struct unplug {
	const char *id;
	bool heard;   /* something: stop waiting and look */
	bool deleted; /* it is gone */
	bool refused; /* the guest said no */
	unsigned int repeat_ms;
};

static void unplug_event(void *user, const char *name, const json_t *data)
{
	const char *dev = json_string_value(json_object_get(data, "device"));
	struct unplug *u = user;

	if (!dev || strcmp(dev, u->id))
		return;
	if (!strcmp(name, "DEVICE_DELETED"))
		u->deleted = true;
	else if (!strcmp(name, "DEVICE_UNPLUG_GUEST_ERROR"))
		u->refused = true;
	u->heard = u->deleted || u->refused;
}

/*
 * One request, and the wait for its outcome. 0: gone, -EAGAIN: ask again, -ENOENT: QEMU knows no
 * such device. "already in the process of unplug" and "guest is busy" are waits, not failures.
 */
static int unplug_once(struct qmp *q, struct unplug *u, struct os_err *err)
{
	int ret = qmp_call(q, "device_del", json_pack("{s:s}", "id", u->id), NULL, err);

	if (ret == -EREMOTEIO) {
		if (!strcmp(q->class, "DeviceNotFound"))
			return u->deleted ? 0 : -ENOENT;
		if (!strstr(q->desc, "in the process of unplug") && !strstr(q->desc, "busy"))
			return os_err_set(err, -EIO, q->desc, "look at the VM's log",
					  "%s was not unplugged", u->id);
	} else if (ret) {
		return ret;
	}
	if (!u->heard) {
		ret = qmp_wait(q, &u->heard, u->repeat_ms, err);
		if (ret && ret != -ETIMEDOUT)
			return ret;
	}
	if (u->deleted)
		return 0;
	if (u->refused)
		return os_err_set(err, -EBUSY, "the guest refused to let the device go",
				  "end what uses it in the guest", "%s is still in the VM", u->id);
	return -EAGAIN;
}

int vm_unplug(const char *qmp, const char *id, unsigned int ms, struct os_err *err)
{
	/* A short limit has room for a second request too: a guest that boots misses the first. */
	struct unplug u = {.id = id, .repeat_ms = ms / 2 < REPEAT_MS ? ms / 2 : REPEAT_MS};
	bool asked = false;
	struct qmp q;
	int ret = qmp_open(&q, qmp, ms, err);

	if (ret)
		return ret;
	q.on_event = unplug_event;
	q.user = &u;
	do {
		ret = unplug_once(&q, &u, err);
		/* It went between two requests. */
		if (ret == -ENOENT && asked)
			ret = 0;
		asked = true;
	} while (ret == -EAGAIN && qmp_left(&q));
	if (ret == -ENOENT)
		ret = os_err_set(err, ret, "QEMU knows no such device",
				 "sluice vf shows who has it", "%s is not in the VM at %s", id,
				 qmp);
	if (ret == -EAGAIN || (ret == -ETIMEDOUT && asked))
		ret = os_err_set(err, -ETIMEDOUT, "the guest did not release it in time",
				 "is the guest up, with PCIe hot-plug? Else end the VM",
				 "%s is still in the VM at %s", id, qmp);
	if (!ret && err)
		err->no = 0;
	qmp_close(&q);
	return ret;
}
