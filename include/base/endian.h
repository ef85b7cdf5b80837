/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Conversions between the CPU's order and the little-endian order of descriptors and registers. */
#ifndef SLUICE_BASE_ENDIAN_H
#define SLUICE_BASE_ENDIAN_H

#include "base/types.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LE_SWAP(bits, v) (v)
#else
#define LE_SWAP(bits, v) __builtin_bswap##bits(v)
#endif

static inline le16 cpu_to_le16(uint16_t v)
{
	return (__force le16)LE_SWAP(16, v);
}

static inline le32 cpu_to_le32(uint32_t v)
{
	return (__force le32)LE_SWAP(32, v);
}

static inline le64 cpu_to_le64(uint64_t v)
{
	return (__force le64)LE_SWAP(64, v);
}

static inline uint16_t le16_to_cpu(le16 v)
{
	return LE_SWAP(16, (__force uint16_t)v);
}

static inline uint32_t le32_to_cpu(le32 v)
{
	return LE_SWAP(32, (__force uint32_t)v);
}

static inline uint64_t le64_to_cpu(le64 v)
{
	return LE_SWAP(64, (__force uint64_t)v);
}

#endif
