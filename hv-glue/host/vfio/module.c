/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Loads VFIO's kernel modules when they are missing, and sets their parameters. */
#include "vfio_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS	       5
#define UNSAFE_PARAM   "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define MSG_MODULE_FIX "run as root; install the kernel's modules; modprobe -v says more"

extern char **environ;

static void pause_ms(unsigned int ms)
{
	struct timespec ts = {.tv_nsec = (long)ms * 1000000};

	nanosleep(&ts, NULL);
}

int vfio_wait(unsigned int limit, bool (*done)(const void *arg), const void *arg)
{
	struct timespec now, start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		bool last;
		int64_t ms;

		clock_gettime(CLOCK_MONOTONIC, &now);
		ms = (int64_t)(now.tv_sec - start.tv_sec) * 1000 +
		     (now.tv_nsec - start.tv_nsec) / 1000000;
		last = ms >= limit;
		if (done(arg))
			return 0;
		if (last)
			return -ETIMEDOUT;
		pause_ms(POLL_MS);
	}
}

/* A child that was started here; its status once it has ended. */
struct child {
	pid_t pid;
	int *status;
};

static bool child_ended(const void *arg)
{
	const struct child *c = arg;
	pid_t pid = waitpid(c->pid, c->status, WNOHANG);

	return pid == c->pid || (pid < 0 && errno != EINTR);
}

/* Runs the first of the programs that exists. 0, -errno, or -EIO when it failed. */
static int modprobe(const char *module)
{
	static const char *const places[] = {"/sbin/modprobe", "/usr/sbin/modprobe"};
	char *argv[] = {"modprobe", "-q", NULL, NULL};
	char name[VFIO_NAME_LEN];
	int ret = -ENOENT, status = -1;
	struct child c = {.status = &status};

	snprintf(name, sizeof(name), "%s", module);
	argv[2] = name;
	if (vfio_paths.modprobe)
		ret = -posix_spawn(&c.pid, vfio_paths.modprobe, NULL, NULL, argv, environ);
	for (size_t i = 0; !vfio_paths.modprobe && ret == -ENOENT && i < ARRAY_SIZE(places); i++)
		ret = -posix_spawn(&c.pid, places[i], NULL, NULL, argv, environ);
	if (ret)
		return ret;
	if (vfio_wait(vfio_paths.wait_ms, child_ended, &c)) {
		kill(c.pid, SIGKILL);
		waitpid(c.pid, &status, 0);
		return -ETIMEDOUT;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int vfio_module_need(const char *module, const char *rel, struct os_err *err)
{
	int ret;

	if (vfio_sysfs_exists(rel))
		return 0;
	ret = modprobe(module);
	if (vfio_sysfs_exists(rel))
		return 0;
	if (!ret)
		ret = -ENOENT;
	return os_err_set(err, ret == -EIO ? -ENODEV : ret, "VFIO is a module of the kernel",
			  MSG_MODULE_FIX, "the kernel module %s could not be loaded", module);
}

int vfio_unsafe_interrupts(struct os_err *err)
{
	char val[8];
	int ret = vfio_module_need("vfio_iommu_type1", "module/vfio_iommu_type1", err);

	if (ret)
		return ret;
	if (!vfio_sysfs_read(UNSAFE_PARAM, val, sizeof(val)) && val[0] == 'Y')
		return 0;
	ret = vfio_sysfs_write(UNSAFE_PARAM, "Y");
	if (!ret)
		return 0;
	return os_err_set(err, ret, strerror(-ret), "as root: echo Y > /sys/" UNSAFE_PARAM,
			  "VFIO could not be told to do without interrupt remapping");
}
