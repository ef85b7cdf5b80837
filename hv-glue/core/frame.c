/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Frames of the control line: check sum, header, and a receiver that finds its step again. */
#include "control.h"

#define HDR sizeof(struct core_frame)

uint32_t frame_crc(uint32_t crc, const void *p, size_t len)
{
	const uint8_t *b = p;

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= b[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t sum(const struct core_frame *f, const void *payload, size_t len)
{
	return frame_crc(frame_crc(0, f, offsetof(struct core_frame, crc)), payload, len);
}

void frame_seal(struct core_frame *f, uint8_t type, uint8_t flags, uint16_t seq,
		const void *payload, size_t len)
{
	f->magic = cpu_to_le16(CORE_MAGIC);
	f->type = type;
	f->flags = flags;
	f->seq = cpu_to_le16(seq);
	f->len = cpu_to_le16((uint16_t)len);
	f->crc = cpu_to_le32(sum(f, payload, len));
}

/* Drops the first byte and what cannot begin a frame after it. */
static void resync(struct frame_rx *rx)
{
	size_t i = 1;

	while (i < rx->have && rx->buf[i] != (CORE_MAGIC & 0xff))
		i++;
	rx->dropped += i;
	rx->have -= i;
	for (size_t k = 0; k < rx->have; k++)
		rx->buf[k] = rx->buf[i + k];
}

bool frame_byte(struct frame_rx *rx, uint8_t b)
{
	const struct core_frame *f = (const void *)rx->buf;

	/* What was whole at the last call has been looked at. */
	if (rx->have >= HDR && rx->have == HDR + le16_to_cpu(f->len))
		rx->have = 0;
	rx->buf[rx->have++] = b;
	/* After a loss of step the bytes that are there may hold a whole frame, or the start of
	 * one. */
	while (rx->have) {
		size_t len;

		if (rx->buf[0] != (CORE_MAGIC & 0xff) ||
		    (rx->have > 1 && rx->buf[1] != CORE_MAGIC >> 8)) {
			resync(rx);
			continue;
		}
		if (rx->have < HDR)
			return false;
		len = le16_to_cpu(f->len);
		if (len > CORE_PAYLOAD_MAX) {
			resync(rx);
			continue;
		}
		if (rx->have < HDR + len)
			return false;
		/* Bytes behind it cannot be: each is looked at when it comes. After a resync they
		 * can, and then they are dropped with the rest. */
		if (le32_to_cpu(f->crc) == sum(f, rx->buf + HDR, len)) {
			rx->have = HDR + len;
			return true;
		}
		resync(rx);
	}
	return false;
}
