/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Who may speak to the daemon, and the socket they come by. */
#include "peer.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "abi/mgmt.h"
#include "text.h"

#define GROUPS_MAX 256
#define BACKLOG	   16

bool mgmt_peer_allowed(uid_t uid, const gid_t *gids, unsigned int n, uid_t own, gid_t group)
{
	unsigned int i;

	if (uid == 0 || uid == own)
		return true;
	for (i = 0; i < n && group != (gid_t)-1; i++)
		if (gids[i] == group)
			return true;
	return false;
}

gid_t mgmt_peer_group(void)
{
	struct group *g = getgrnam(MGMT_GROUP);

	return g ? g->gr_gid : (gid_t)-1;
}

int mgmt_peer_check(int fd, gid_t group, struct os_err *err)
{
	gid_t gids[GROUPS_MAX + 1];
	socklen_t len = sizeof(struct ucred), glen = GROUPS_MAX * sizeof(gids[0]);
	struct ucred who;
	unsigned int n = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		return os_err_set(err, -EPERM, "the kernel does not say who you are", "try again",
				  "permission denied");
	/* More groups than there is room for: the primary one alone counts. */
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &glen))
		n = glen / sizeof(gids[0]);
	gids[n++] = who.gid;
	if (mgmt_peer_allowed(who.uid, gids, n, geteuid(), group))
		return who.uid == 0 || who.uid == geteuid();
	return os_err_set(err, -EPERM,
			  "root, the daemon's own user and the group " MGMT_GROUP
			  " may ask the daemon",
			  "use sudo, or have yourself added to the group " MGMT_GROUP,
			  "user %u is not permitted", who.uid);
}

/* The directories above @path, as mkdir -p. */
static int make_parents(const char *path)
{
	char dir[MGMT_PATH_LEN];
	char *p;

	mgmt_copy(dir, path);
	for (p = dir + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return 0;
}

static int refused(struct os_err *err, int no, const char *path)
{
	return os_err_set(err, no, strerror(-no), "run as root, or name another path by --socket",
			  "clients cannot be heard at %s", path);
}

/* Makes way for a new socket. */
static int replace(const char *path, const struct sockaddr_un *sa, struct os_err *err)
{
	struct stat st;
	int fd, ret;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : refused(err, -errno, path);
	if (!S_ISSOCK(st.st_mode))
		return os_err_set(err, -EEXIST, "what is there is no socket",
				  "remove it, or name another path by --socket",
				  "clients cannot be heard at %s", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refused(err, -errno, path);
	ret = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? errno : 0;
	close(fd);
	/* Only what nobody listens at is a former daemon's; the rest may be another program's. */
	if (ret != ECONNREFUSED)
		return os_err_set(err, -EADDRINUSE, "another program listens there",
				  "end it, or name another path by --socket",
				  "clients cannot be heard at %s", path);
	return unlink(path) ? refused(err, -errno, path) : 0;
}

int mgmt_listen(const char *path, struct os_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	gid_t group = mgmt_peer_group();
	int fd, ret;

	mgmt_copy(sa.sun_path, path);
	ret = make_parents(path);
	if (ret)
		return refused(err, ret, path);
	ret = replace(path, &sa, err);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refused(err, -errno, path);
	/* Nobody can connect before listen(), so the mode has no gap. */
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)))
		goto err_close;
	if (group != (gid_t)-1 && chown(path, (uid_t)-1, group))
		goto err_unlink;
	if (chmod(path, group != (gid_t)-1 ? 0660 : 0600) || listen(fd, BACKLOG))
		goto err_unlink;
	return fd;
err_unlink:
	ret = refused(err, -errno, path);
	unlink(path);
	close(fd);
	return ret;
err_close:
	ret = refused(err, -errno, path);
	close(fd);
	return ret;
}
