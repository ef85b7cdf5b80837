/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The error numbers that freestanding code returns (negated); Linux's values, so that a hosted
 * caller may hand them to strerror().
 */
#ifndef SLUICE_BASE_ERRNO_H
#define SLUICE_BASE_ERRNO_H

#if __STDC_HOSTED__
#include <errno.h>
#else
#define EPERM	      1
#define ENOENT	      2
#define EIO	      5
#define ENXIO	      6
#define E2BIG	      7
#define EAGAIN	      11
#define ENOMEM	      12
#define EACCES	      13
#define EFAULT	      14
#define EBUSY	      16
#define EEXIST	      17
#define ENODEV	      19
#define EINVAL	      22
#define ENOSPC	      28
#define ERANGE	      34
#define EPROTO	      71
#define EMSGSIZE      90
#define EOPNOTSUPP    95
#define EADDRINUSE    98
#define EADDRNOTAVAIL 99
#define ENETDOWN      100
#define ECONNRESET    104
#define ENOBUFS	      105
#define ETIMEDOUT     110
#endif

#endif
