/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The mailbox protocol between an 82576 PF and its VFs, as Linux igb/igbvf and DPDK speak it.
 * A message is 1 to 16 words in VMBMEM. Word 0: bits 15:0 the request, 23:16 its info, 31:29 the
 * answer.
 */
#ifndef SLUICE_ABI_MBX_H
#define SLUICE_ABI_MBX_H

#include "base/field.h"

#define MBX_WORDS 16

#define MBX_ACK	 BIT(31)
#define MBX_NACK BIT(30) /* alone, without CTS and request: the PF forgot you, reset yourself */
#define MBX_CTS	 BIT(29) /* clear to send: RESET was done since the last reset of either side */
#define MBX_INFO GENMASK(23, 16)
#define MBX_ID	 GENMASK(15, 0)

enum mbx_id {
	MBX_RESET = 0x01,	  /* reply: ACK without CTS, then the MAC in words 1 and 2 */
	MBX_SET_MAC = 0x02,	  /* MAC in words 1 and 2; info: enum mbx_mac_op */
	MBX_SET_MULTICAST = 0x03, /* info: MBX_MC_ fields; from word 1: 16-bit hashes, two a word */
	MBX_SET_VLAN = 0x04,	  /* word 1: VID; info: 1 adds, 0 removes */
	MBX_SET_LPE = 0x05,	  /* word 1: largest frame in bytes, CRC included */
	MBX_SET_PROMISC = 0x06,	  /* info: MBX_PROMISC_ bits */
	MBX_PF_CONTROL = 0x100,	  /* PF to VF: something changed; without CTS: reset yourself */
};

enum mbx_mac_op {
	MBX_MAC_SET = 0,
	MBX_MAC_CLEAR = 1, /* all secondary addresses; the payload is not looked at */
	MBX_MAC_ADD = 2,
};

#define MBX_MC_COUNT	GENMASK(4, 0)
#define MBX_MC_OVERFLOW BIT(7)
#define MBX_MC_MAX	30
#define MBX_PROMISC_UC	BIT(0)
#define MBX_PROMISC_MC	BIT(1)

#endif
