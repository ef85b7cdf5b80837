/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The serial control line: frames (include/abi/core.h), requests, and the configuration module. */
#ifndef SLUICE_CORE_CONTROL_H
#define SLUICE_CORE_CONTROL_H

#include "abi/core.h"
#include "base/errno.h"
#include "core.h"

/* ---- frames; no state of the core ------------------------------------------------------------ */

/* CRC-32 of IEEE 802.3 over @len bytes, on from @crc (0 at first). */
uint32_t frame_crc(uint32_t crc, const void *p, size_t len);
/* Header for @payload into @f. */
void frame_seal(struct core_frame *f, uint8_t type, uint8_t flags, uint16_t seq,
		const void *payload, size_t len);

/* A receiver: bytes in, whole frames out. */
struct frame_rx {
	uint8_t buf[sizeof(struct core_frame) + CORE_PAYLOAD_MAX];
	size_t have;
	uint64_t dropped; /* bytes that were no frame */
};
/* True when a frame is whole: header and payload lie in rx->buf until the next call. */
bool frame_byte(struct frame_rx *rx, uint8_t b);

/* ---- the configuration ----------------------------------------------------------------------- */

struct config {
	unsigned int vfs; /* 0..7 */
	struct guest_config guest[GUESTS];
	unsigned int guests;
};

/*
 * Lines: "vfs N", "guest NAME KEY=VALUE ...", '#' begins a comment; a value with spaces stands in
 * double quotes. 0, or -EINVAL with @why: the line, the word, the rule.
 */
int config_parse(const char *text, size_t len, struct config *c, char *why,
		 size_t why_len) must_check;

/* Reads the module whose name ends in ".conf", refuses (core_refuse) what is not there. */
void config_load(void);
unsigned int config_vfs(void);
/* Adds the configured guests and starts those without "manual". */
void config_start(void);

/* ---- the line -------------------------------------------------------------------------------- */

void control_init(void);
/* CPU 0, lock not held: serves what has come, at most one request. True when there was one. */
bool control_poll(void);

#endif
