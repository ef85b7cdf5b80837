/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* sluice pf: the card. */
#include "cli.h"

#include <inttypes.h>

#include "format.h"
#include "table.h"

static void print_link(const struct mgmt_link *l)
{
	const struct mgmt_stats *st = &l->stats;
	char mac[MGMT_MAC_TEXT];

	mgmt_line("card", "%s  %s", l->bdf, l->device);
	mgmt_line("driver", "sluiced, over %s%s", l->driver,
		  l->unsafe ? ", without interrupt remapping" : "");
	mgmt_line("mac", "%s", mgmt_mac_text(&l->mac, mac));
	if (l->up)
		mgmt_line("link", "up, %u Mb/s, %s duplex", l->mbps,
			  l->full_duplex ? "full" : "half");
	else
		mgmt_line("link", "down");
	mgmt_line("vfs", "%u of %u", l->num_vfs, l->total_vfs);
	mgmt_line("default pool", "%u", l->pool);
	mgmt_line("received",
		  "%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " multicast, %" PRIu64
		  " dropped",
		  st->rx_packets, st->rx_bytes, st->rx_multicast, st->rx_dropped);
	mgmt_line("sent", "%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " dropped",
		  st->tx_packets, st->tx_bytes, st->tx_dropped);
	mgmt_line("state", "%s", l->state_dir);
}

int mgmt_cmd_pf(struct mgmt_cli *cli, int argc, char **argv)
{
	struct mgmt_view view;
	struct os_err err = {0};

	if (argc > 1)
		return mgmt_cli_usage(cli, "'%s' is one word too many", argv[1]);
	if (mgmt_client_view(cli->socket, &view, &err))
		return mgmt_cli_refused(cli, &err);
	if (cli->json)
		mgmt_cli_json(mgmt_link_json(&view.link));
	else
		print_link(&view.link);
	return MGMT_EXIT_OK;
}
