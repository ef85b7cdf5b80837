/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* From a command line to a running card, and back. */
#ifndef SLUICE_MGMT_DAEMON_SETUP_H
#define SLUICE_MGMT_DAEMON_SETUP_H

#include "args.h"
#include "core.h"

/* What the start made; main's, zeroed, undone by mgmt_setup_undo() however far it got. */
struct mgmt_setup {
	struct mgmt_store *store;
	struct mgmt_hw *hw;
	bool bound;
	struct vfio_func was;	/* the PF before this start */
	struct vfio_func first; /* before the first daemon took it */
};

/* May this function be partitioned into @vfs VFs? Looks only; 0 or why not. */
int mgmt_setup_check(const char *pf, unsigned int vfs, struct mgmt_core *core,
		     struct os_err *err) must_check;
/* Store, token, binding, VFs, driver; fills @core but for its server. 0 or why not. */
int mgmt_setup(const struct mgmt_args *args, struct mgmt_setup *su, struct mgmt_core *core,
	       struct os_err *err) must_check;

/* Where the card is left. */
enum mgmt_leave {
	MGMT_LEAVE_BOUND, /* with vfio-pci, for the next daemon */
	MGMT_LEAVE_WAS,	  /* as this start found it */
	MGMT_LEAVE_FIRST, /* with the driver that it had before the first daemon */
};
void mgmt_setup_undo(struct mgmt_setup *su, enum mgmt_leave leave);

#endif
