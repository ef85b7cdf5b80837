/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The numbered test frame that the packet tools send and count: Ethernet, an optional 802.1Q tag,
 * ethertype 0x88b5 (local experimental), a magic, the run's tag, the frame's number, a pattern.
 */
#ifndef SLUICE_PKT_FRAME_H
#define SLUICE_PKT_FRAME_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PKT_TYPE    0x88b5
#define PKT_MAGIC   0x534c5543u
#define PKT_MIN	    64	  /* bytes without FCS; holds the header with a tag */
#define PKT_MAX	    1518  /* without FCS, with a tag */
#define PKT_SEQ_MAX 65536 /* frames of a run */
#define PKT_VLAN    0x8100

/* Big-endian, behind the ethertype. */
struct pkt_body {
	uint32_t magic;
	uint32_t tag;
	uint32_t seq;
};

struct pkt_spec {
	uint8_t dst[6], src[6];
	unsigned int vlan; /* 0: untagged */
	uint32_t tag;
	unsigned int size;
};

/* What a receiver counted of one tag. */
struct pkt_count {
	uint32_t tag;
	unsigned int frames, distinct, bad;
	int vlan_min, vlan_max; /* 0: came untagged; -1: none came */
	uint8_t seen[PKT_SEQ_MAX / 8];
};

static inline bool pkt_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5]) == 6;
}

/* A decimal number in @lo..@hi, or the program ends with status 2. */
static inline unsigned int pkt_num(const char *what, const char *text, unsigned int lo,
				   unsigned int hi)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v < lo || v > hi) {
		fprintf(stderr, "%s: %s is not a number from %u to %u\n", what, text, lo, hi);
		exit(2);
	}
	return (unsigned int)v;
}

/* Writes frame number @seq to @buf; returns its length. */
static inline unsigned int pkt_build(const struct pkt_spec *spec, uint32_t seq, uint8_t *buf)
{
	struct pkt_body body = {htonl(PKT_MAGIC), htonl(spec->tag), htonl(seq)};
	uint16_t be;
	unsigned int off = 12;

	memcpy(buf, spec->dst, 6);
	memcpy(buf + 6, spec->src, 6);
	if (spec->vlan) {
		be = htons(PKT_VLAN);
		memcpy(buf + off, &be, 2);
		be = htons((uint16_t)spec->vlan);
		memcpy(buf + off + 2, &be, 2);
		off += 4;
	}
	be = htons(PKT_TYPE);
	memcpy(buf + off, &be, 2);
	memcpy(buf + off + 2, &body, sizeof(body));
	off += 2 + sizeof(body);
	for (; off < spec->size; off++)
		buf[off] = (uint8_t)(seq + off);
	return spec->size;
}

/*
 * Is it a test frame? Its tag and number, its VLAN (or @vlan, when hardware took the tag off), and
 * whether the pattern came through. A frame padded or moved by a tag keeps the pattern of its own
 * offsets, so the pattern is checked against the first pattern byte.
 */
static inline bool pkt_parse(const uint8_t *buf, unsigned int len, unsigned int *vlan,
			     struct pkt_body *out, bool *good)
{
	unsigned int off = 12, i;
	uint16_t be;

	if (len < off + 6 + sizeof(*out))
		return false;
	memcpy(&be, buf + off, 2);
	if (ntohs(be) == PKT_VLAN) {
		memcpy(&be, buf + off + 2, 2);
		*vlan = ntohs(be) & 0xfff;
		off += 4;
		memcpy(&be, buf + off, 2);
	}
	if (ntohs(be) != PKT_TYPE)
		return false;
	memcpy(out, buf + off + 2, sizeof(*out));
	if (ntohl(out->magic) != PKT_MAGIC)
		return false;
	out->tag = ntohl(out->tag);
	out->seq = ntohl(out->seq);
	off += 2 + sizeof(*out);
	*good = out->seq < PKT_SEQ_MAX;
	for (i = off + 1; i < len && *good; i++)
		*good = buf[i] == (uint8_t)(buf[off] + (i - off));
	return true;
}

static inline void pkt_count_one(struct pkt_count *c, const struct pkt_body *body,
				 unsigned int vlan, bool good)
{
	c->frames++;
	if (c->vlan_min < 0 || (int)vlan < c->vlan_min)
		c->vlan_min = (int)vlan;
	if ((int)vlan > c->vlan_max)
		c->vlan_max = (int)vlan;
	if (!good) {
		c->bad++;
		return;
	}
	if (!(c->seen[body->seq / 8] & (1u << body->seq % 8)))
		c->distinct++;
	c->seen[body->seq / 8] |= (uint8_t)(1u << body->seq % 8);
}

/* The receiver's one line. @stop: "expect", "until" or "wait", what ended it. */
static inline void pkt_report(const struct pkt_count *c, unsigned int other, const char *stop)
{
	printf("{\"tag\":%u,\"frames\":%u,\"distinct\":%u,\"bad\":%u,\"other\":%u,"
	       "\"vlan_min\":%d,\"vlan_max\":%d,\"stop\":\"%s\"}\n",
	       c->tag, c->frames, c->distinct, c->bad, other, c->vlan_min, c->vlan_max, stop);
	fflush(stdout);
}

#endif
