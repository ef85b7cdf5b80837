/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The manager's protocol on the wire: netlink messages in rtnetlink's vocabulary, and private
 * numbers for what rtnetlink has no word for. One packet of a unix seqpacket socket holds one
 * message or more.
 *
 * - RTM_GETLINK answers RTM_NEWLINK as the kernel does, with RTEXT_FILTER_VF in IFLA_EXT_MASK also
 *   IFLA_VFINFO_LIST. MGMT_EXT_PRIVATE in the mask adds the private nests, MGMT_EXT_PAGED with
 *   NLM_F_DUMP sends one message for each VF.
 *
 * - RTM_SETLINK takes IFLA_VFINFO_LIST as the kernel does, but all of the message or nothing is
 *   applied.
 *
 * - MGMT_MSG_...: struct mgmt_hdr, then MGMT_A_ attributes.
 *
 * - Errors and acks are NLMSG_ERROR with NLM_F_CAPPED | NLM_F_ACK_TLVS: NLMSGERR_ATTR_MSG,
 *   MGMT_ERR_RULE, MGMT_ERR_MEND.
 *
 * Numbers are only ever added.
 */
#ifndef SLUICE_ABI_MGMT_H
#define SLUICE_ABI_MGMT_H

#include "base/types.h"

#define MGMT_VERSION	 1
#define MGMT_SOCKET	 "/run/sluice/sluiced.sock"
#define MGMT_STATE_DIR	 "/var/lib/sluice"
#define MGMT_QMP_DIR	 "/run/sluice"
#define MGMT_GROUP	 "sluice" /* its members may speak to the daemon, as may root */
#define MGMT_REQUEST_MAX 8192	  /* bytes of a request's packet */
#define MGMT_ANSWER_MAX	 16384	  /* bytes of an answer's packet */
#define MGMT_IFINDEX	 1	  /* the PF has no netdev; 0, -1 and this all name it */

/* Bounds of text on the wire, terminator counted. */
#define MGMT_BDF_LEN	16
#define MGMT_VM_LEN	64
#define MGMT_PATH_LEN	108 /* what sockaddr_un takes */
#define MGMT_REASON_LEN 192
#define MGMT_ARGS_LEN	512
#define MGMT_VFS_MAX	7

/* In IFLA_EXT_MASK, far above the kernel's RTEXT_FILTER_ bits. */
#define MGMT_EXT_PRIVATE BIT(30)
#define MGMT_EXT_PAGED	 BIT(31)

/* Private message types, above RTM_MAX, in rtnetlink's groups of four: new, del, get, set. */
enum mgmt_msg_type {
	MGMT_MSG_NEWLEASE = 0x400, /* attach; the answer has the same type and is then acked */
	MGMT_MSG_DELLEASE = 0x401, /* detach */
	MGMT_MSG_RESETVF = 0x407,
};

/* In front of the attributes of a private message. */
struct mgmt_hdr {
	uint8_t version; /* MGMT_VERSION */
	uint8_t pad[3];	 /* 0 */
};

enum mgmt_attr {
	MGMT_A_UNSPEC,
	MGMT_A_VM,   /* string, mgmt_vm_name_ok() */
	MGMT_A_VF,   /* u32; attach: absent for the first free one */
	MGMT_A_QMP,  /* string, absolute path; absent: MGMT_QMP_DIR/VM.qmp */
	MGMT_A_COLD, /* flag: reserve, the VM is started later */
	MGMT_A_ARGS, /* string, answer to a cold attach: QEMU's arguments */
	MGMT_A_BDF,  /* string, answer to an attach */
	MGMT_A_MAX = MGMT_A_BDF,
};

/* Private nests inside RTM_NEWLINK and inside IFLA_VF_INFO; apart from the kernel's numbers. */
#define MGMT_IFLA_LINK 0x1000
#define MGMT_IFLA_VF   0x1000
/* In an IFLA_VF_INFO of a request, u32 VF: the address is no longer fixed, the VF may choose. */
#define MGMT_IFLA_VF_FREE 0x1001

enum mgmt_link_attr {
	MGMT_L_UNSPEC,
	MGMT_L_VERSION, /* u32 */
	MGMT_L_DRIVER,	/* string: what the PF is bound to */
	MGMT_L_DEVICE,	/* string: what libpci calls it */
	MGMT_L_SPEED,	/* u32 Mb/s */
	MGMT_L_DUPLEX,	/* u8: 1 full */
	MGMT_L_TOTAL,	/* u32: VFs that can be had */
	MGMT_L_POOL,	/* u32: the PF's own and the default pool */
	MGMT_L_STATE,	/* string: state directory */
	MGMT_L_UNSAFE,	/* flag: without interrupt remapping */
	MGMT_L_MAX = MGMT_L_UNSAFE,
};

enum mgmt_vf_attr {
	MGMT_V_UNSPEC,
	MGMT_V_BDF,	   /* string */
	MGMT_V_GROUP,	   /* s32, -1 none */
	MGMT_V_POOL,	   /* u32 */
	MGMT_V_QUEUES,	   /* u32, bit a queue of the card */
	MGMT_V_POLICY_MAC, /* 6 bytes; absent: the VF may choose */
	MGMT_V_STATE,	   /* u32, enum mgmt_state */
	MGMT_V_OWNER,	   /* string: the VM */
	MGMT_V_QMP,	   /* string */
	MGMT_V_REASON,	   /* string: why it is broken, or what went wrong last */
	MGMT_V_COLD,	   /* flag */
	MGMT_V_PID,	   /* u32: QEMU's */
	MGMT_V_READY,	   /* flag: a driver in it has done its RESET */
	MGMT_V_FRAME_MAX,  /* u32 bytes with CRC */
	MGMT_V_VLANS,	   /* u32: VLANs that the guest asked for */
	MGMT_V_UC_PROMISC, /* flag */
	MGMT_V_MC_ALL,	   /* flag */
	MGMT_V_RESETS,	   /* u64 */
	MGMT_V_REQUESTS,   /* u64 mailbox requests served */
	MGMT_V_REFUSED,	   /* u64 of them refused */
	MGMT_V_REFUSAL,	   /* string: the rule of the last one */
	MGMT_V_MAX = MGMT_V_REFUSAL,
};

/* In NLMSG_ERROR beside NLMSGERR_ATTR_MSG. */
#define MGMT_ERR_RULE 0x1000 /* string */
#define MGMT_ERR_MEND 0x1001 /* string */

/* Who has a VF and how far it is; the daemon's README has the transitions. */
enum mgmt_state {
	MGMT_FREE,
	MGMT_PREPARING, /* being reset and scrubbed, then given to its VM */
	MGMT_RESERVED,	/* clean, waits for its VM to start */
	MGMT_ATTACHED,
	MGMT_DETACHING, /* QEMU was asked to let go */
	MGMT_SCRUBBING,
	MGMT_BROKEN, /* could not be shown clean: not handed out */
	MGMT_STATES
};

#endif
