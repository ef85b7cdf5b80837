/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice vf show: a line a VF, or all of one. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "format.h"
#include "table.h"

static void print_row(struct mgmt_table *t, unsigned int row, const struct mgmt_vf *vf)
{
	char mac[MGMT_MAC_TEXT], queues[32];

	mgmt_cell(t, row, 0, "%u", vf->vf);
	mgmt_cell(t, row, 1, "%s", vf->bdf);
	mgmt_cell(t, row, 2, "%d", vf->group);
	mgmt_cell(t, row, 3, "%u", vf->pool);
	mgmt_cell(t, row, 4, "%s", mgmt_queues_text(vf->queues, queues, sizeof(queues)));
	mgmt_cell(t, row, 5, "%s", mgmt_mac_text(&vf->mac, mac));
	if (!vf->vlan)
		mgmt_cell(t, row, 6, "-");
	else if (vf->qos)
		mgmt_cell(t, row, 6, "%u/%u", vf->vlan, vf->qos);
	else
		mgmt_cell(t, row, 6, "%u", vf->vlan);
	mgmt_cell(t, row, 7, "%s", vf->spoofchk ? "on" : "off");
	mgmt_cell(t, row, 8, "%s", vf->trust ? "on" : "off");
	mgmt_cell(t, row, 9, "%s", mgmt_link_state_text(vf->link));
	mgmt_cell(t, row, 10, "%s", vf->owner[0] ? vf->owner : "-");
	mgmt_cell(t, row, 11, "%s", mgmt_state_name(vf->state));
}

static void print_table(const struct mgmt_vf *vf, unsigned int n)
{
	static const char *const heads[] = {"VF",   "BDF",   "GROUP", "POOL", "QUEUES", "MAC",
					    "VLAN", "SPOOF", "TRUST", "LINK", "OWNER",	"STATE"};
	static struct mgmt_table t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(heads); i++)
		mgmt_cell(&t, 0, i, "%s", heads[i]);
	t.right[0] = t.right[2] = t.right[3] = true;
	for (i = 0; i < n; i++)
		print_row(&t, i + 1, &vf[i]);
	mgmt_table_print(&t);
}

static void print_more(const struct mgmt_vf *vf)
{
	const struct mgmt_stats *st = &vf->stats;
	char mac[MGMT_MAC_TEXT];

	putchar('\n');
	mgmt_line("mac policy", "%s",
		  mac_is_zero(&vf->policy_mac) ? "the VF may choose"
					       : mgmt_mac_text(&vf->policy_mac, mac));
	if (vf->rate_max)
		mgmt_line("rate", "%u Mb/s", vf->rate_max);
	if (vf->owner[0])
		mgmt_line("vm", "%s, %s, process %u", vf->owner, vf->qmp, vf->pid);
	if (vf->reason[0])
		mgmt_line("reason", "%s", vf->reason);
	mgmt_line("guest driver",
		  "%s, %" PRIu64 " resets, %" PRIu64 " requests, %" PRIu64 " refused",
		  vf->ready ? "up" : "down", vf->resets, vf->requests, vf->refused);
	if (vf->refusal[0])
		mgmt_line("last refusal", "%s", vf->refusal);
	mgmt_line("guest asked", "frames to %u bytes, %u VLANs%s%s", vf->frame_max, vf->vlans,
		  vf->uc_promisc ? ", promiscuous" : "", vf->mc_all ? ", all multicast" : "");
	mgmt_line("received",
		  "%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " multicast, %" PRIu64
		  " dropped",
		  st->rx_packets, st->rx_bytes, st->rx_multicast, st->rx_dropped);
	mgmt_line("sent", "%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " dropped",
		  st->tx_packets, st->tx_bytes, st->tx_dropped);
}

/* The only one that was asked for, moved to the front. */
static bool pick(struct mgmt_view *v, uint32_t vf)
{
	unsigned int i;

	for (i = 0; i < v->num_vfs; i++) {
		if (v->vf[i].vf != vf)
			continue;
		v->vf[0] = v->vf[i];
		v->num_vfs = 1;
		return true;
	}
	return false;
}

static void print_json(const struct mgmt_view *v)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < v->num_vfs; i++)
		json_array_append_new(list, mgmt_vf_json(&v->vf[i]));
	mgmt_cli_json(list);
}

int mgmt_cmd_vf_show(struct mgmt_cli *cli, int argc, char **argv)
{
	struct os_err err = {0};
	struct mgmt_view view;
	uint32_t vf = 0;

	if (argc > 2 || (argc == 2 && !mgmt_cli_number(argv[1], &vf)))
		return mgmt_cli_usage(cli, "'%s' is no VF", argv[argc - 1]);
	if (mgmt_client_view(cli->socket, &view, &err))
		return mgmt_cli_refused(cli, &err);
	if (argc == 2 && !pick(&view, vf)) {
		(void)os_err_set(&err, -EINVAL, "the card has fewer", "sluice vf lists them",
				 "there is no VF %u", vf);
		return mgmt_cli_refused(cli, &err);
	}
	if (cli->json) {
		print_json(&view);
		return MGMT_EXIT_OK;
	}
	print_table(view.vf, view.num_vfs);
	if (argc == 2)
		print_more(&view.vf[0]);
	return MGMT_EXIT_OK;
}
