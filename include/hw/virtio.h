/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* virtio over PCI and the split ring: Virtual I/O Device (VIRTIO) version 1.2, what is used of it. */
#ifndef SLUICE_HW_VIRTIO_H
#define SLUICE_HW_VIRTIO_H

#include "base/endian.h"

/* ---- PCI, 4.1 */
#define VIRTIO_VENDOR	  0x1af4
#define VIRTIO_DEV_NET	  0x1041 /* 0x1040 + device type 1 */
#define VIRTIO_SUBSYSTEM  0x40	 /* the least for a device of version 1 alone, 4.1.2.1 */
#define VIRTIO_CAP	  0x09	 /* vendor-specific capability, 4.1.4 */
#define VIRTIO_CAP_COMMON 1
#define VIRTIO_CAP_NOTIFY 2
#define VIRTIO_CAP_ISR	  3
#define VIRTIO_CAP_DEVICE 4
#define VIRTIO_NO_VECTOR  0xffff

/* the common configuration structure, 4.1.4.3: offsets */
#define VIRTIO_C_DFSELECT   0  /* RW 32 */
#define VIRTIO_C_DF	    4  /* RO 32 */
#define VIRTIO_C_GFSELECT   8  /* RW 32 */
#define VIRTIO_C_GF	    12 /* RW 32 */
#define VIRTIO_C_MSIX	    16 /* RW 16 */
#define VIRTIO_C_QUEUES	    18 /* RO 16 */
#define VIRTIO_C_STATUS	    20 /* RW 8 */
#define VIRTIO_C_GENERATION 21 /* RO 8 */
#define VIRTIO_C_QSELECT    22 /* RW 16 */
#define VIRTIO_C_QSIZE	    24 /* RW 16 */
#define VIRTIO_C_QMSIX	    26 /* RW 16 */
#define VIRTIO_C_QENABLE    28 /* RW 16 */
#define VIRTIO_C_QNOTIFY    30 /* RO 16 */
#define VIRTIO_C_QDESC	    32 /* RW 64 */
#define VIRTIO_C_QDRIVER    40 /* RW 64 */
#define VIRTIO_C_QDEVICE    48 /* RW 64 */
#define VIRTIO_C_LEN	    56

/* device status, 2.1 */
#define VIRTIO_S_ACK	      0x01
#define VIRTIO_S_DRIVER	      0x02
#define VIRTIO_S_DRIVER_OK    0x04
#define VIRTIO_S_FEATURES_OK  0x08
#define VIRTIO_S_NEEDS_RESET  0x40
#define VIRTIO_S_FAILED	      0x80

/* ISR status, 4.1.4.5 */
#define VIRTIO_I_QUEUE	0x1
#define VIRTIO_I_CONFIG 0x2

/* ---- features, 6 and 5.1.3: bit numbers */
#define VIRTIO_F_VERSION_1  32
#define VIRTIO_NET_F_MAC    5
#define VIRTIO_NET_F_STATUS 16

/* ---- the network device, 5.1 */
#define VIRTIO_NET_HDR	  12 /* bytes before each frame */
#define VIRTIO_NET_HDR_NB 10 /* offset of num_buffers */
#define VIRTIO_NET_LINK_UP 1

/* ---- the split ring, 2.7 */
#define VIRTIO_D_NEXT	  0x1
#define VIRTIO_D_WRITE	  0x2
#define VIRTIO_D_INDIRECT 0x4
#define VIRTIO_A_NO_IRQ	  0x1
#define VIRTIO_U_NO_KICK  0x1

struct virtio_desc {
	le64 addr;
	le32 len;
	le16 flags;
	le16 next;
};
_Static_assert(sizeof(struct virtio_desc) == 16, "layout");

struct virtio_avail {
	le16 flags;
	le16 idx;
	le16 ring[]; /* the queue's size of them */
};

struct virtio_used_elem {
	le32 id;
	le32 len;
};

struct virtio_used {
	le16 flags;
	le16 idx;
	struct virtio_used_elem ring[];
};

#endif
