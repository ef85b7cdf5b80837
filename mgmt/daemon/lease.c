/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Who has a VF: legal transitions, and processes that may die. */
#include "lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "abi/mgmt_msg.h"
#include "log.h"
#include "text.h"

/* Bit a state that may follow; the README says when each is taken. */
static const uint8_t follows[MGMT_STATES] = {
	[MGMT_FREE] = BIT(MGMT_PREPARING) | BIT(MGMT_SCRUBBING),
	[MGMT_PREPARING] = BIT(MGMT_FREE) | BIT(MGMT_RESERVED) | BIT(MGMT_ATTACHED) |
			   BIT(MGMT_SCRUBBING) | BIT(MGMT_BROKEN),
	[MGMT_RESERVED] = BIT(MGMT_ATTACHED) | BIT(MGMT_DETACHING),
	[MGMT_ATTACHED] = BIT(MGMT_DETACHING) | BIT(MGMT_SCRUBBING),
	[MGMT_DETACHING] = BIT(MGMT_ATTACHED) | BIT(MGMT_RESERVED) | BIT(MGMT_SCRUBBING),
	[MGMT_SCRUBBING] = BIT(MGMT_FREE) | BIT(MGMT_BROKEN),
	[MGMT_BROKEN] = BIT(MGMT_SCRUBBING),
};

bool mgmt_lease_may(enum mgmt_state from, enum mgmt_state to)
{
	return (unsigned int)from < MGMT_STATES && (unsigned int)to < MGMT_STATES &&
	       (follows[from] & BIT(to));
}

int mgmt_lease_move(struct mgmt_lease *l, enum mgmt_state to)
{
	if (!mgmt_lease_may(l->state, to)) {
		mgmt_log(OS_LOG_ERR, "%s: no way from %s to %s", l->bdf, mgmt_state_name(l->state),
			 mgmt_state_name(to));
		return -EPERM;
	}
	mgmt_log(OS_LOG_DEBUG, "%s: %s, then %s", l->bdf, mgmt_state_name(l->state),
		 mgmt_state_name(to));
	l->state = to;
	return 0;
}

bool mgmt_lease_busy(const struct mgmt_lease *l)
{
	return l->state == MGMT_PREPARING || l->state == MGMT_DETACHING ||
	       l->state == MGMT_SCRUBBING;
}

void mgmt_lease_clear(struct mgmt_lease *l)
{
	if (l->pidfd >= 0)
		close(l->pidfd);
	l->pidfd = -1;
	l->pid = 0;
	l->pid_start = 0;
	l->vm[0] = '\0';
	l->qmp[0] = '\0';
	l->cold = false;
	l->probing = false;
	l->gen++;
}

int mgmt_proc_start(pid_t pid, uint64_t *start)
{
	char path[32], text[1024], run;
	unsigned long long ticks;
	const char *p;
	long threads;
	size_t n;
	FILE *f;

	mgmt_text(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* The name in brackets may hold anything: the last bracket ends it. Fields 3, 20 and 22. */
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1,
			 " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %ld "
			 "%*d %llu",
			 &run, &threads, &ticks) != 3)
		return n ? -EIO : -ESRCH;
	/* Nobody has waited for it, but it holds nothing any more; unless other threads live on. */
	if ((run == 'Z' || run == 'X') && threads <= 1)
		return -ESRCH;
	*start = ticks;
	return 0;
}

bool mgmt_proc_alive(pid_t pid, uint64_t start)
{
	uint64_t now;
	int ret;

	if (pid <= 0)
		return false;
	ret = mgmt_proc_start(pid, &now);
	/* Without descriptors or memory nothing can be seen, which is no death. */
	return ret ? ret != -ESRCH : !start || now == start;
}

int mgmt_proc_watch(pid_t pid)
{
	/* glibc 2.36 has the call, older ones only its number. */
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}
