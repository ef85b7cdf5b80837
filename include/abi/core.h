/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The hypervisor core's control protocol: frames on a serial line, little-endian. A request has one
 * answer with the same number; an answer may be several frames, the last without MORE. A receiver
 * that is out of step drops bytes until a header with the magic and a right check sum comes.
 */
#ifndef SLUICE_ABI_CORE_H
#define SLUICE_ABI_CORE_H

#include "base/endian.h"

#define CORE_MAGIC	 0x5a43u /* "CZ" */
#define CORE_PAYLOAD_MAX 1024u
#define CORE_PROTOCOL	 1

struct core_frame {
	le16 magic;
	uint8_t type;  /* enum core_type */
	uint8_t flags; /* CORE_F_ */
	le16 seq;      /* the request's number, back in its answer */
	le16 len;      /* bytes of payload */
	le32 crc;      /* CRC-32 (IEEE 802.3) of the 8 bytes before it and of the payload */
};
_Static_assert(sizeof(struct core_frame) == 12, "layout");

#define CORE_F_ANSWER 0x01
#define CORE_F_MORE   0x02
#define CORE_F_ERROR  0x04 /* payload: le32 errno, then a sentence */

enum core_type {
	CORE_HELLO = 1, /* answer: struct core_hello */
	CORE_GUESTS,	/* answer: struct core_guest each, frames of several */
	CORE_VFS,	/* answer: struct core_vf each */
	CORE_START,	/* struct core_name, then arguments as text (none: the configured ones) */
	CORE_STOP,	/* struct core_name */
	CORE_ATTACH,	/* struct core_attach */
	CORE_DETACH,	/* struct core_attach; name may be empty */
	CORE_EXITS,	/* struct core_name; answer: struct core_exit each, counts by reason */
	CORE_AUDIT,	/* struct core_name; answer: struct core_audit each, newest last */
	CORE_LOG,	/* le64 first sequence number; answer: le64 next, then text */
	CORE_DUMP,	/* struct core_name, le32 cpu; answer: text, a field a line */
	CORE_TYPE,	/* struct core_name, then keys for the guest's console */
	CORE_SHUTDOWN,	/* guests stopped, devices quiet, machine ended (exit port) or halted */
};

#define CORE_NAME 32
struct core_name {
	char name[CORE_NAME]; /* zero-padded */
};

struct core_hello {
	le32 protocol;
	char backend[12]; /* "VT-x", "AMD-V" */
	le32 cpus, guests, vfs;
	le64 tsc_hz, uptime_us, mem_free, mem_total, boot_ticks; /* TSC from reset to core up */
	le64 first_packet; /* TSC of the first frame of a guest's VF since boot, as the PF counted
			      it; 0 */
};

struct core_guest {
	char name[CORE_NAME];
	le32 state; /* 0 stopped, 1 running, 2 failed */
	le32 cpus, mem_mib, starts;
	le64 beats, exits, refused, ticks_guest, ticks_root, beat_value;
	char why[160];
};

struct core_vf {
	le32 vf, source;
	char owner[CORE_NAME];
	uint8_t mac[8];
	le32 state; /* enum pf_vf_state */
	le32 handovers;
	le64 faults, rx_packets, tx_packets, rx_bytes, tx_bytes;
};

struct core_attach {
	char name[CORE_NAME];
	le32 tier; /* 1 vf, 2 vmdq, 3 bridge */
	le32 vf;   /* UINT32_MAX: any free one */
};

struct core_exit {
	le32 reason, pad;
	le64 count;
	char name[32];
};

struct core_audit {
	le64 tsc, rip, qualification;
	le32 reason, seq;
};

#endif
