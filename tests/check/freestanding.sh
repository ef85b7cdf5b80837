#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The freestanding parts, linked together, need the seam (os_*) and memcpy, memmove, memset, memcmp, nothing
# else; and they hold no writable data. Arguments: their objects.
set -euo pipefail
[ $# -gt 0 ] || { echo "freestanding.sh OBJECT..." >&2; exit 2; }
out=build/check/drivers.o
mkdir -p build/check
ld -r -o "$out" "$@"
extra=$(nm -u "$out" | awk '{print $2}' | grep -vE '^(os_[a-z0-9_]+|mem(cpy|move|set|cmp))$' || true)
[ -z "$extra" ] || { printf 'freestanding parts use: %s\n' $extra >&2; exit 1; }
# Constant tables of pointers sit in .data.rel.ro of a position-independent build: read-only once relocated.
data=$(nm -f sysv "$out" | awk -F'|' '$3 ~ /^ *[bBdDcC] *$/ && $7 !~ /^\.data\.rel\.ro/ {print $1}')
[ -z "$data" ] || { printf 'freestanding parts hold writable data: %s\n' $data >&2; exit 1; }
echo "freestanding symbols: ok ($# objects)"
