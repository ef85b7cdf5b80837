/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What the files of hv-glue/vm share. */
#ifndef SLUICE_VM_PRIV_H
#define SLUICE_VM_PRIV_H

#include "glue/vm.h"

/* A VF of a kernel-driven PF has no token: all zero. */
bool vm_has_token(const struct vm_nic *nic);
/* Its id must be one that QEMU takes. */
int vm_check_nic(const struct vm_nic *nic, struct os_err *err) must_check;

#endif
