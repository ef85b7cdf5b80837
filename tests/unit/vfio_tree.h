/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A fabricated sysfs in a temporary directory, with a kernel that binds drivers and makes VFs when
 * an attribute is written. For the tests of hv-glue/host/vfio and hv-glue/vm; one tree at a time.
 */
#ifndef SLUICE_TESTS_UNIT_VFIO_TREE_H
#define SLUICE_TESTS_UNIT_VFIO_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv-glue/host/vfio/vfio_priv.h"

#define PF  "0000:01:00.0"
#define VF0 "0000:01:10.0"

struct vfio_tree {
	char root[128], sysfs[160], dev[160];
	struct vfio_paths saved;
	const char *fail_attr; /* a write to a path that ends so answers fail_no */
	int fail_no;
	bool lazy;	/* the kernel takes the write and does nothing */
	int busy_group; /* has been opened by somebody; -1: none */
	unsigned int writes;
};
extern struct vfio_tree tree;

void tree_mkdir(const char *fmt, ...);
void tree_put(const char *text, const char *fmt, ...);
void tree_link(const char *target, const char *fmt, ...);
const char *tree_get(const char *bdf, const char *attr);
const char *tree_driver(const char *bdf);
void tree_bind(const char *bdf, const char *driver);
void tree_unbind(const char *bdf);
void tree_func(const char *bdf, const char *device, const char *class, int group);
void tree_vfs(const char *pf, unsigned int n, const char *driver);
int tree_setup(void **state);
int tree_teardown(void **state);

#endif
