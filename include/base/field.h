/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Fields of a register by their mask; no shift is written twice. */
#ifndef SLUICE_BASE_FIELD_H
#define SLUICE_BASE_FIELD_H

#include "base/types.h"

/* Bits hi..lo set, 31 >= hi >= lo >= 0. */
#define GENMASK(hi, lo) ((UINT32_MAX >> (31 - (hi))) & (UINT32_MAX << (lo)))

/* The value of the field @mask of @reg, shifted down; @mask is not 0. */
static inline uint32_t field_get(uint32_t mask, uint32_t reg)
{
	return (reg & mask) >> __builtin_ctz(mask);
}

/* @val placed in the field @mask, the rest 0; what does not fit is cut off. @mask is not 0. */
static inline uint32_t field_prep(uint32_t mask, uint32_t val)
{
	return (val << __builtin_ctz(mask)) & mask;
}

/* @reg with its field @mask replaced by @val. */
static inline uint32_t field_set(uint32_t reg, uint32_t mask, uint32_t val)
{
	return (reg & ~mask) | field_prep(mask, val);
}

#endif
