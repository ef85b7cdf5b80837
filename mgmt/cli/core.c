/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice --core SOCKET: guests, VFs, exits and the log of a hypervisor core. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "core_client.h"
#include "table.h"

static const char *const states[] = {"stopped", "running", "failed"};

/* A record of the core's, copied out so that it is aligned; false: none left. */
#define core_record(a, at, r)               \
	((at) + sizeof(*(r)) <= (a)->len && \
	 (memcpy((r), (a)->data + (at), sizeof(*(r))), (at) += sizeof(*(r)), true))

#define u64(x) ((json_int_t)le64_to_cpu(x))
#define u32(x) ((json_int_t)le32_to_cpu(x))

/* Connects, asks, closes; MGMT_EXIT_OK or what was refused, said. */
static int ask(struct mgmt_cli *cli, uint8_t type, const void *p, size_t len, struct core_answer *a)
{
	struct os_err err = {0};
	int fd, rc;

	fd = core_client_open(cli->core, &err);
	if (fd < 0)
		return mgmt_cli_refused(cli, &err);
	rc = core_client_ask(fd, type, p, len, a, &err);
	close(fd);
	return rc ? mgmt_cli_refused(cli, &err) : MGMT_EXIT_OK;
}

/* As ask, for requests without an answer's text. */
static int tell(struct mgmt_cli *cli, uint8_t type, const void *p, size_t len)
{
	struct core_answer a;
	int rc = ask(cli, type, p, len, &a);

	if (rc == MGMT_EXIT_OK) {
		free(a.data);
		if (cli->json)
			mgmt_cli_json(json_object());
	}
	return rc;
}

/* The name into a request; false: too long for one. */
static bool put_name(char to[CORE_NAME], const char *name)
{
	memset(to, 0, CORE_NAME);
	if (!name[0] || strlen(name) >= CORE_NAME)
		return false;
	memcpy(to, name, strlen(name));
	return true;
}

/* One argument, a guest's name, into @n. */
static int only_name(struct mgmt_cli *cli, int argc, char **argv, struct core_name *n)
{
	if (argc != 2 || !put_name(n->name, argv[1]))
		return mgmt_cli_usage(cli, "one guest's name is wanted");
	return MGMT_EXIT_OK;
}

static int cmd_info(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_answer a;
	struct core_hello h;
	size_t at = 0;
	int rc;

	if (argc > 1)
		return mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	rc = ask(cli, CORE_HELLO, NULL, 0, &a);
	if (rc)
		return rc;
	if (!core_record(&a, at, &h))
		memset(&h, 0, sizeof(h));
	free(a.data);
	if (cli->json) {
		mgmt_cli_json(json_pack(
			"{s:s#, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "backend",
			h.backend, (int)strnlen(h.backend, sizeof(h.backend)), "protocol",
			u32(h.protocol), "cpus", u32(h.cpus), "guests", u32(h.guests), "vfs",
			u32(h.vfs), "tsc_hz", u64(h.tsc_hz), "uptime_us", u64(h.uptime_us),
			"mem_free", u64(h.mem_free), "mem_total", u64(h.mem_total), "boot_ticks",
			u64(h.boot_ticks), "first_packet", u64(h.first_packet)));
		return MGMT_EXIT_OK;
	}
	mgmt_line("back end", "%.*s", (int)sizeof(h.backend), h.backend);
	mgmt_line("cpus", "%u", le32_to_cpu(h.cpus));
	mgmt_line("guests", "%u", le32_to_cpu(h.guests));
	mgmt_line("vfs", "%u", le32_to_cpu(h.vfs));
	mgmt_line("memory", "%" PRIu64 " of %" PRIu64 " MiB free", le64_to_cpu(h.mem_free) >> 20,
		  le64_to_cpu(h.mem_total) >> 20);
	mgmt_line("up", "%.3f s", (double)le64_to_cpu(h.uptime_us) / 1e6);
	return MGMT_EXIT_OK;
}

static json_t *guest_json(const struct core_guest *g)
{
	uint32_t s = le32_to_cpu(g->state);

	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "name",
			 g->name, "state", s < 3 ? states[s] : "?", "cpus", u32(g->cpus), "mem_mib",
			 u32(g->mem_mib), "starts", u32(g->starts), "beats", u64(g->beats),
			 "beat_value", u64(g->beat_value), "exits", u64(g->exits), "refused",
			 u64(g->refused), "ticks_guest", u64(g->ticks_guest), "ticks_root",
			 u64(g->ticks_root), "why", g->why);
}

static void guest_row(struct mgmt_table *t, unsigned int r, const struct core_guest *g)
{
	uint32_t s = le32_to_cpu(g->state);

	mgmt_cell(t, r, 0, "%s", g->name);
	mgmt_cell(t, r, 1, "%s", s < 3 ? states[s] : "?");
	mgmt_cell(t, r, 2, "%u", le32_to_cpu(g->cpus));
	mgmt_cell(t, r, 3, "%u MiB", le32_to_cpu(g->mem_mib));
	mgmt_cell(t, r, 4, "%u", le32_to_cpu(g->starts));
	mgmt_cell(t, r, 5, "%" PRIu64, le64_to_cpu(g->exits));
	mgmt_cell(t, r, 6, "%" PRIu64, le64_to_cpu(g->beats));
	mgmt_cell(t, r, 7, "%" PRIu64, le64_to_cpu(g->refused));
}

static int cmd_guests(struct mgmt_cli *cli, int argc, char **argv)
{
	static const char *const heads[] = {"GUEST",  "STATE", "CPUS",	"MEMORY",
					    "STARTS", "EXITS", "BEATS", "REFUSED"};
	struct mgmt_table *t = calloc(1, sizeof(*t));
	json_t *list = json_array();
	struct core_answer a = {0};
	struct core_guest g;
	unsigned int r = 1;
	size_t at = 0;
	int rc;

	if (argc > 1)
		rc = mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	else
		rc = ask(cli, CORE_GUESTS, NULL, 0, &a);
	for (unsigned int i = 0; t && i < ARRAY_SIZE(heads); i++) {
		mgmt_cell(t, 0, i, "%s", heads[i]);
		t->right[i] = i > 1;
	}
	while (!rc && core_record(&a, at, &g)) {
		g.name[sizeof(g.name) - 1] = g.why[sizeof(g.why) - 1] = 0;
		json_array_append_new(list, guest_json(&g));
		if (t)
			guest_row(t, r++, &g);
	}
	if (!rc && cli->json)
		mgmt_cli_json(json_incref(list));
	else if (!rc && t)
		mgmt_table_print(t);
	for (at = 0; !rc && !cli->json && core_record(&a, at, &g);)
		if (g.why[0])
			printf("%s: %.*s\n", g.name, (int)sizeof(g.why), g.why);
	json_decref(list);
	free(a.data);
	free(t);
	return rc;
}

static json_t *vf_json(const struct core_vf *v, const char *mac)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "vf",
			 u32(v->vf), "source", u32(v->source), "owner", v->owner, "mac", mac,
			 "ready", (int)(le32_to_cpu(v->state) == 1), "handovers", u32(v->handovers),
			 "faults", u64(v->faults), "rx_packets", u64(v->rx_packets), "tx_packets",
			 u64(v->tx_packets), "rx_bytes", u64(v->rx_bytes), "tx_bytes",
			 u64(v->tx_bytes));
}

static void vf_row(struct mgmt_table *t, unsigned int r, const struct core_vf *v, const char *mac)
{
	uint32_t s = le32_to_cpu(v->source);

	mgmt_cell(t, r, 0, "%u", le32_to_cpu(v->vf));
	mgmt_cell(t, r, 1, "%02x:%02x.%x", s >> 8, s >> 3 & 31, s & 7);
	mgmt_cell(t, r, 2, "%s", v->owner[0] ? v->owner : "-");
	mgmt_cell(t, r, 3, "%s", mac);
	mgmt_cell(t, r, 4, "%s", le32_to_cpu(v->state) == 1 ? "ready" : "off");
	mgmt_cell(t, r, 5, "%" PRIu64, le64_to_cpu(v->rx_packets));
	mgmt_cell(t, r, 6, "%" PRIu64, le64_to_cpu(v->tx_packets));
	mgmt_cell(t, r, 7, "%" PRIu64, le64_to_cpu(v->faults));
	mgmt_cell(t, r, 8, "%u", le32_to_cpu(v->handovers));
}

static int cmd_vfs(struct mgmt_cli *cli, int argc, char **argv)
{
	static const char *const heads[] = {"VF", "FUNCTION", "OWNER",	"MAC",	 "STATE",
					    "RX", "TX",	      "FAULTS", "HANDED"};
	struct mgmt_table *t = calloc(1, sizeof(*t));
	json_t *list = json_array();
	struct core_answer a = {0};
	struct core_vf v;
	unsigned int r = 1;
	char mac[24];
	size_t at = 0;
	int rc;

	if (argc > 1)
		rc = mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	else
		rc = ask(cli, CORE_VFS, NULL, 0, &a);
	for (unsigned int i = 0; t && i < ARRAY_SIZE(heads); i++) {
		mgmt_cell(t, 0, i, "%s", heads[i]);
		t->right[i] = i == 0 || i > 4;
	}
	while (!rc && core_record(&a, at, &v)) {
		v.owner[sizeof(v.owner) - 1] = 0;
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", v.mac[0], v.mac[1],
			 v.mac[2], v.mac[3], v.mac[4], v.mac[5]);
		json_array_append_new(list, vf_json(&v, mac));
		if (t)
			vf_row(t, r++, &v, mac);
	}
	if (!rc && cli->json)
		mgmt_cli_json(json_incref(list));
	else if (!rc && t)
		mgmt_table_print(t);
	json_decref(list);
	free(a.data);
	free(t);
	return rc;
}

/* A guest's name, then the rest of the line as one text. */
static int named_text(struct mgmt_cli *cli, uint8_t type, int argc, char **argv, const char *end)
{
	char p[CORE_PAYLOAD_MAX];
	size_t n = CORE_NAME;

	if (argc < 2 || !put_name(p, argv[1]))
		return mgmt_cli_usage(cli, "a guest's name of 1 to %d characters is wanted",
				      CORE_NAME - 1);
	for (int i = 2; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (n + len + 2 > sizeof(p))
			return mgmt_cli_usage(cli, "the text is too long");
		if (i > 2)
			p[n++] = ' ';
		memcpy(p + n, argv[i], len);
		n += len;
	}
	memcpy(p + n, end, strlen(end));
	return tell(cli, type, p, n + strlen(end));
}

static int cmd_start(struct mgmt_cli *cli, int argc, char **argv)
{
	return named_text(cli, CORE_START, argc, argv, "");
}

static int cmd_type(struct mgmt_cli *cli, int argc, char **argv)
{
	return named_text(cli, CORE_TYPE, argc, argv, "\n");
}

static int cmd_stop(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_name n;
	int rc = only_name(cli, argc, argv, &n);

	return rc ? rc : tell(cli, CORE_STOP, &n, sizeof(n));
}

static int cmd_attach(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_attach a = {.vf = cpu_to_le32(UINT32_MAX)};
	const char *tier = argc > 2 ? argv[2] : "vf";
	uint32_t vf;

	if (argc < 2 || argc > 3 || !put_name(a.name, argv[1]))
		return mgmt_cli_usage(cli, "a guest's name is wanted, and a tier");
	if (!strcmp(tier, "vmdq")) {
		a.tier = cpu_to_le32(2);
	} else if (!strcmp(tier, "bridge")) {
		a.tier = cpu_to_le32(3);
	} else if (!strcmp(tier, "vf")) {
		a.tier = cpu_to_le32(1);
	} else if (!strncmp(tier, "vf:", 3) && mgmt_cli_number(tier + 3, &vf)) {
		a.tier = cpu_to_le32(1);
		a.vf = cpu_to_le32(vf);
	} else {
		return mgmt_cli_usage(cli, "'%s' is no tier", tier);
	}
	return tell(cli, CORE_ATTACH, &a, sizeof(a));
}

static int cmd_detach(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_attach a = {.tier = cpu_to_le32(1)};
	uint32_t vf;

	if (argc != 2 || !mgmt_cli_number(argv[1], &vf))
		return mgmt_cli_usage(cli, "the number of one VF is wanted");
	a.vf = cpu_to_le32(vf);
	return tell(cli, CORE_DETACH, &a, sizeof(a));
}

static int cmd_exits(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_answer a;
	struct core_name n;
	struct core_exit e;
	json_t *list;
	size_t at = 0;
	int rc = only_name(cli, argc, argv, &n);

	if (!rc)
		rc = ask(cli, CORE_EXITS, &n, sizeof(n), &a);
	if (rc)
		return rc;
	list = json_array();
	while (core_record(&a, at, &e)) {
		e.name[sizeof(e.name) - 1] = 0;
		if (!cli->json)
			printf("%12" PRIu64 "  %s\n", le64_to_cpu(e.count), e.name);
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", e.name, "reason",
						      u32(e.reason), "count", u64(e.count)));
	}
	free(a.data);
	if (cli->json)
		mgmt_cli_json(list);
	else
		json_decref(list);
	return MGMT_EXIT_OK;
}

/* The name of @reason in what CORE_EXITS answered, into @to of 32 bytes; its number when it came
 * after. */
static const char *reason_name(const struct core_answer *exits, le32 reason, char *to)
{
	struct core_exit e;
	size_t at = 0;

	snprintf(to, sizeof(e.name), "%u", le32_to_cpu(reason));
	while (core_record(exits, at, &e))
		if (le32_to_cpu(e.reason) == le32_to_cpu(reason))
			snprintf(to, sizeof(e.name), "%.31s", e.name);
	return to;
}

static json_t *audit_row(const struct mgmt_cli *cli, const struct core_audit *e, const char *name)
{
	if (!cli->json)
		printf("%8u  %16" PRIu64 "  %-16s  %16" PRIx64 "  %" PRIx64 "\n",
		       le32_to_cpu(e->seq), le64_to_cpu(e->tsc), name, le64_to_cpu(e->rip),
		       le64_to_cpu(e->qualification));
	return json_pack("{s:I, s:I, s:I, s:s, s:I, s:I}", "seq", u32(e->seq), "tsc", u64(e->tsc),
			 "reason", u32(e->reason), "name", name, "rip", u64(e->rip),
			 "qualification", u64(e->qualification));
}

static int cmd_audit(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_answer a, exits;
	struct core_audit e;
	char name[CORE_NAME];
	struct core_name n;
	json_t *list;
	size_t at = 0;
	int rc = only_name(cli, argc, argv, &n);

	if (!rc)
		rc = ask(cli, CORE_AUDIT, &n, sizeof(n), &a);
	if (rc)
		return rc;
	rc = ask(cli, CORE_EXITS, &n, sizeof(n), &exits);
	if (rc) {
		free(a.data);
		return rc;
	}
	if (!cli->json)
		printf("%8s  %16s  %-16s  %16s  %s\n", "SEQ", "TSC", "REASON", "RIP",
		       "QUALIFICATION");
	list = json_array();
	while (core_record(&a, at, &e))
		json_array_append_new(list,
				      audit_row(cli, &e, reason_name(&exits, e.reason, name)));
	free(exits.data);
	free(a.data);
	if (cli->json)
		mgmt_cli_json(list);
	else
		json_decref(list);
	return MGMT_EXIT_OK;
}

/* The answer's text from @skip on, as it is. */
static int show_text(struct mgmt_cli *cli, struct core_answer *a, size_t skip)
{
	if (a->len > skip && cli->json)
		mgmt_cli_json(
			json_pack("{s:s#}", "text", (char *)a->data + skip, (int)(a->len - skip)));
	else if (a->len > skip)
		fwrite(a->data + skip, 1, a->len - skip, stdout);
	else if (cli->json)
		mgmt_cli_json(json_pack("{s:s}", "text", ""));
	free(a->data);
	return MGMT_EXIT_OK;
}

/* All of the ring: asked for until nothing new comes. */
static int cmd_log(struct mgmt_cli *cli, int argc, char **argv)
{
	struct core_answer all = {0}, a;
	le64 seq = 0;
	int rc;

	if (argc > 1)
		return mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	for (unsigned int i = 0; i < 1024; i++) {
		uint8_t *d;

		rc = ask(cli, CORE_LOG, &seq, sizeof(seq), &a);
		if (rc)
			break;
		if (a.len <= sizeof(seq)) {
			free(a.data);
			break;
		}
		memcpy(&seq, a.data, sizeof(seq));
		d = realloc(all.data, all.len + a.len);
		if (d) {
			memcpy(d + all.len, a.data + sizeof(seq), a.len - sizeof(seq));
			all.data = d;
			all.len += a.len - sizeof(seq);
		}
		free(a.data);
	}
	if (rc) {
		free(all.data);
		return rc;
	}
	return show_text(cli, &all, 0);
}

static int cmd_dump(struct mgmt_cli *cli, int argc, char **argv)
{
	struct {
		struct core_name n;
		le32 cpu;
	} q = {.cpu = 0};
	struct core_answer a;
	uint32_t cpu = 0;
	int rc;

	if (argc < 2 || argc > 3 || !put_name(q.n.name, argv[1]) ||
	    (argc == 3 && !mgmt_cli_number(argv[2], &cpu)))
		return mgmt_cli_usage(cli, "a guest's name is wanted, and perhaps a virtual CPU");
	q.cpu = cpu_to_le32(cpu);
	rc = ask(cli, CORE_DUMP, &q, sizeof(q), &a);
	return rc ? rc : show_text(cli, &a, 0);
}

static int cmd_shutdown(struct mgmt_cli *cli, int argc, char **argv)
{
	if (argc > 1)
		return mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	return tell(cli, CORE_SHUTDOWN, NULL, 0);
}

const struct mgmt_command mgmt_core_commands[] = {
	{"info", cmd_info, "sluice [-j] --core SOCKET info"},
	{"guests", cmd_guests, "sluice [-j] --core SOCKET guests"},
	{"vfs", cmd_vfs, "sluice [-j] --core SOCKET vfs"},
	{"start", cmd_start, "sluice [-j] --core SOCKET start GUEST [ARGUMENT ...]"},
	{"stop", cmd_stop, "sluice [-j] --core SOCKET stop GUEST"},
	{"attach", cmd_attach, "sluice [-j] --core SOCKET attach GUEST [vf|vf:N|vmdq|bridge]"},
	{"detach", cmd_detach, "sluice [-j] --core SOCKET detach VF"},
	{"exits", cmd_exits, "sluice [-j] --core SOCKET exits GUEST"},
	{"audit", cmd_audit, "sluice [-j] --core SOCKET audit GUEST"},
	{"log", cmd_log, "sluice [-j] --core SOCKET log"},
	{"dump", cmd_dump, "sluice [-j] --core SOCKET dump GUEST [CPU]"},
	{"type", cmd_type, "sluice [-j] --core SOCKET type GUEST TEXT ..."},
	{"shutdown", cmd_shutdown, "sluice [-j] --core SOCKET shutdown"},
};
const unsigned int mgmt_core_count = ARRAY_SIZE(mgmt_core_commands);
