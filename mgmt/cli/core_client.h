/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Speaks with a hypervisor core over its control line, a serial port behind a unix socket. */
#ifndef SLUICE_MGMT_CLI_CORE_CLIENT_H
#define SLUICE_MGMT_CLI_CORE_CLIENT_H

#include "abi/core.h"
#include "os/err.h"

/* What an answer brought: its payloads, one after another. The caller frees data. */
struct core_answer {
	uint8_t *data;
	size_t len;
};

/* Connects; a descriptor, or a negative errno. */
int core_client_open(const char *path, struct os_err *err) must_check;
/*
 * Sends a request of @type with @len bytes of payload (CORE_PAYLOAD_MAX at most) and gathers its
 * answer in @a. 0; what the core refused, with its own sentence; -ETIMEDOUT, -EPROTO. Frames of
 * earlier requests are passed over.
 */
int core_client_ask(int fd, uint8_t type, const void *payload, size_t len, struct core_answer *a,
		    struct os_err *err) must_check;

#endif
