#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Every header compiles alone, guarded, with gcc and clang; those of freestanding parts without a libc.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
mkdir -p build/check
pkgs=$(pkg-config --cflags libnl-3.0 libpci jansson sqlite3)
for h in $(git ls-files --cached --others --exclude-standard 'include/*.h' 'vmdq/*.h' 'pf-driver/*.h' \
	'vf-driver/*.h' 'hv-glue/*.h' 'mgmt/*.h'); do
	free=
	case $h in
	include/os/err.h | include/os/vfio.h | include/os/qemu.h) ;;
	include/base/* | include/hw/* | include/os/* | include/drv/* | include/abi/mbx.h | include/abi/core*.h | include/abi/guest.h | include/glue/vcpu*.h | vmdq/* | pf-driver/* | vf-driver/* | \
		hv-glue/vtd/* | hv-glue/vtx/* | hv-glue/svm/* | hv-glue/core/* | hv-glue/host/bare/*)
		free=-ffreestanding ;;
	esac
	for cc in gcc clang; do
		# Twice: the second inclusion must be empty.
		printf '#include "%s"\n#include "%s"\n' "$h" "$h" >build/check/header.c
		# shellcheck disable=SC2086
		$cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $free -I. -Iinclude -I"$(dirname "$h")" -Imgmt/backend -Ihv-glue/vtd -Ihv-glue/vtx -Ihv-glue/svm $pkgs \
			-fsyntax-only build/check/header.c || { echo "$h: does not compile alone ($cc)" >&2; bad=1; }
	done
done
[ "$bad" = 0 ] && echo "headers: ok"
exit "$bad"
