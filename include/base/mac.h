/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Ethernet addresses: a value type and its predicates. */
#ifndef SLUICE_BASE_MAC_H
#define SLUICE_BASE_MAC_H

#include "base/types.h"

#define ETH_MAC_LEN  6
#define ETH_VLAN_MAX 4094 /* 4095 is reserved, IEEE 802.1Q-2018 table 9-2 */
#define ETH_QOS_MAX  7

/* First octet on the wire first. */
struct mac {
	uint8_t b[ETH_MAC_LEN];
};

static inline bool mac_is_zero(const struct mac *m)
{
	return (m->b[0] | m->b[1] | m->b[2] | m->b[3] | m->b[4] | m->b[5]) == 0;
}

/* Group addresses, the broadcast address among them: they cannot be a station's own. */
static inline bool mac_is_multicast(const struct mac *m)
{
	return m->b[0] & 1;
}

static inline bool mac_is_usable(const struct mac *m)
{
	return !mac_is_zero(m) && !mac_is_multicast(m);
}

static inline bool mac_equal(const struct mac *a, const struct mac *b)
{
	uint32_t a4, b4;
	uint16_t a2, b2;

	__builtin_memcpy(&a4, a->b, 4);
	__builtin_memcpy(&b4, b->b, 4);
	__builtin_memcpy(&a2, a->b + 4, 2);
	__builtin_memcpy(&b2, b->b + 4, 2);
	return ((a4 ^ b4) | (uint32_t)(a2 ^ b2)) == 0;
}

#endif
