#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# run.sh IMAGE: runs the AMD-V unit image on QEMU alone. TAP on stdout; exits with the image's status, 124 when it
# did not end within 60 s.
set -euo pipefail
[ $# = 1 ] || { sed -n '3,4p' "$0" >&2; exit 2; }
status=0
timeout -k 5 60 "${QEMU:-qemu-system-x86_64}" -machine q35,accel=tcg -cpu "${SVM_CPU:-EPYC-v4,+svm,+npt}" -m 128 -nodefaults -icount shift=0,sleep=off \
	-display none -no-reboot -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$1" </dev/null ||
	status=$?
# QEMU ends with twice the value that was written, and one.
[ "$status" = 124 ] || status=$((status > 0 ? status / 2 : 125))
exit "$status"
