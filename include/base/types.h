/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Basic types and macros that every part shares; compiler headers only. */
#ifndef SLUICE_BASE_TYPES_H
#define SLUICE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sparse checks that little-endian values are converted before use. */
#ifdef __CHECKER__
#define __bitwise __attribute__((bitwise))
#define __force	  __attribute__((force))
#else
#define __bitwise
#define __force
#endif

typedef uint16_t __bitwise le16;
typedef uint32_t __bitwise le32;
typedef uint64_t __bitwise le64;

#define BIT(n)	 (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The result must be looked at: an ignored error is a compile error. cppcheck cannot parse it
 * behind a pointer to a function. */
#ifdef __cppcheck__
#define must_check
#else
#define must_check __attribute__((warn_unused_result))
#endif

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define NOINLINE    __attribute__((noinline)) /* keeps a rare case out of a fast path's frame */

#define CACHE_LINE    64
#define cache_aligned __attribute__((aligned(CACHE_LINE)))

#endif
