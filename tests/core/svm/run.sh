#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# run.sh [IMAGE]: runs the AMD-V unit image (build/core/svm.bin) on QEMU alone. TAP on stdout; exits with the image's
# status, 124 when it did not end within 60 s. SVM_CPU: another CPU model.
set -euo pipefail
image=${1:-$(dirname "$0")/../../../build/core/svm.bin}
[ -r "$image" ] || { echo "run.sh: there is no image $image; make it first" >&2; exit 2; }
status=0
timeout -k 5 60 "${QEMU:-qemu-system-x86_64}" -machine q35,accel=tcg -cpu "${SVM_CPU:-EPYC-v4,+svm,+npt}" -m 128 -nodefaults -icount shift=0,sleep=off \
	-display none -no-reboot -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 -kernel "$image" </dev/null ||
	status=$?
# QEMU ends with twice the value that was written, and one.
[ "$status" = 124 ] || status=$((status > 0 ? status / 2 : 125))
exit "$status"
