/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A device server from start to stop. */
#include "qemu_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM_MIB_MIN	64
#define RAM_MIB_MAX	1024 /* far from the hole below 4 GiB */
#define RAM_MIB_DEFAULT 256

static int args_check(const struct qemu_args *args, unsigned int mib, struct os_err *err)
{
	if (mib < RAM_MIB_MIN || mib > RAM_MIB_MAX)
		return os_err_set(err, -EINVAL, "memory is 64 to 1024 MiB", "choose a size in it",
				  "QEMU was not started with %u MiB", mib);
	if (args->num_vfs > QEMU_VFS_MAX)
		return os_err_set(err, -EINVAL, "the card offers 7 VFs, its last pool is the PF's",
				  "choose 0 to 7", "QEMU was not started with %u VFs",
				  args->num_vfs);
	return 0;
}

/* Why no answer came: what the child said tells a missing program from one without the card. */
static int start_failed(struct qemu *q, struct os_err *err)
{
	char said[160];

	qemu_child_said(q, said, sizeof(said));
	return os_err_set(err, -EIO, said[0] ? said : "it does not answer on its qtest socket",
			  "install QEMU 8.0 or later (it has the igb device), or name it by $QEMU",
			  "QEMU did not start");
}

int qemu_start(const struct qemu_args *args, struct qemu **out, struct os_err *err)
{
	unsigned int mib = args->ram_mib ? args->ram_mib : RAM_MIB_DEFAULT;
	struct qemu *q;
	int ret = args_check(args, mib, err);

	if (ret)
		return ret;
	q = calloc(1, sizeof(*q));
	if (!q)
		return os_err_set(err, -ENOMEM, "out of memory", "free some",
				  "QEMU was not started");
	q->conn.fd = -1;
	q->wire.fd = -1;
	q->log_fd = -1;
	q->ram_len = (uint64_t)mib << 20;
	q->num_vfs = args->num_vfs;
	q->func[0].q = q;
	q->func[0].vf = -1;
	snprintf(q->func[0].name, sizeof(q->func[0].name), "01:00.0");

	ret = qemu_child_start(q, args, err);
	if (ret)
		goto err_stop;
	ret = qemu_pci_enumerate(q, err);
	if (q->conn.dead)
		ret = start_failed(q, err);
	if (ret)
		goto err_stop;
	q->up = true;
	*out = q;
	return 0;
err_stop:
	qemu_stop(q);
	return ret;
}

void qemu_stop(struct qemu *q)
{
	if (!q)
		return;
	if (q->dma_live)
		os_log(&q->func[0], OS_LOG_WARN, "%zu pieces of DMA memory were not freed",
		       q->dma_live);
	qemu_child_end(q);
	qemu_dma_fini(q);
	free(q);
}

bool qemu_alive(const struct qemu *q)
{
	return !q->conn.dead;
}

pid_t qemu_pid(const struct qemu *q)
{
	return q->pid;
}
