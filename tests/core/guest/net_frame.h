/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Test frames of the bare guest: ethertype 0x88b5, the packet tools' magic, a tag, a number; and
 * behind them a byte that says whether an answer is wanted.
 */
#ifndef SLUICE_TESTS_NET_FRAME_H
#define SLUICE_TESTS_NET_FRAME_H

#include "guest.h"

#define FRAME_MAGIC 0x534c5543u
#define FRAME_KIND  26 /* offset */
enum frame_kind { FRAME_PLAIN, FRAME_ASK, FRAME_REPLY };

struct frame_spec {
	struct mac dst, src;
	uint32_t tag;
	uint16_t len;
	uint8_t kind;
};

static inline uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}
static inline void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}
static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static inline bool frame_is(const uint8_t *f, uint16_t len)
{
	return len >= 60 && be16(f + 12) == 0x88b5 && be32(f + 14) == FRAME_MAGIC;
}
static inline uint32_t frame_tag(const uint8_t *f)
{
	return be32(f + 18);
}
static inline bool frame_wants_echo(const uint8_t *f)
{
	return f[FRAME_KIND] == FRAME_ASK;
}

/* The payload beyond the header is left as the buffer has it: a source sends, it does not fill. */
static inline uint16_t frame_build(uint8_t *b, const struct frame_spec *s, uint32_t seq)
{
	memcpy(b, s->dst.b, 6);
	memcpy(b + 6, s->src.b, 6);
	put16(b + 12, 0x88b5);
	put32(b + 14, FRAME_MAGIC);
	put32(b + 18, s->tag);
	put32(b + 22, seq);
	b[FRAME_KIND] = s->kind;
	return s->len;
}

#endif
