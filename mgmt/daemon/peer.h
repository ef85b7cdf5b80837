/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Who may speak to the daemon, and the socket they come by. */
#ifndef SLUICE_MGMT_DAEMON_PEER_H
#define SLUICE_MGMT_DAEMON_PEER_H

#include <sys/types.h>

#include "os/err.h"

/* Root, the daemon's own user, or a member of the group MGMT_GROUP (@group, (gid_t)-1: there is
 * none). */
bool mgmt_peer_allowed(uid_t uid, const gid_t *gids, unsigned int n, uid_t own, gid_t group);
/* The number of MGMT_GROUP, or (gid_t)-1; it may ask the network, so ask once. */
gid_t mgmt_peer_group(void);
/*
 * As the kernel says of the socket @fd's far end. 1: root or the daemon's own user, 0: a member of
 * @group, or -EPERM with the rule.
 */
int mgmt_peer_check(int fd, gid_t group, struct os_err *err) must_check;
/*
 * A listening socket at @path: its directory is made, a dead one's file replaced, a living daemon's
 * refused (-EADDRINUSE). Root and MGMT_GROUP may connect. The descriptor, or a negative errno.
 */
int mgmt_listen(const char *path, struct os_err *err) must_check;

#endif
