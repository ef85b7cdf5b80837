/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The daemon's structs as text and as JSON. */
#ifndef SLUICE_MGMT_CLI_FORMAT_H
#define SLUICE_MGMT_CLI_FORMAT_H

#include <jansson.h>

#include "abi/mgmt_msg.h"

#define MGMT_MAC_TEXT 18

/* "02:00:00:00:00:10" into @out of MGMT_MAC_TEXT bytes, which is returned. */
const char *mgmt_mac_text(const struct mac *mac, char *out);
/* "3,11": the bits of @queues. */
const char *mgmt_queues_text(uint32_t queues, char *out, size_t size);
const char *mgmt_link_state_text(uint32_t link);

/* New references, or NULL without memory. */
/* Text that may be no UTF-8 (a path, an argument, what a cut left over): then '?' for its bytes. */
json_t *mgmt_text_json(const char *s);
/* {"error":{...}}, @no positive. */
json_t *mgmt_error_json(int no, const char *what, const char *rule, const char *mend);
json_t *mgmt_stats_json(const struct mgmt_stats *st);
json_t *mgmt_link_json(const struct mgmt_link *l);
json_t *mgmt_vf_json(const struct mgmt_vf *vf);

#endif
