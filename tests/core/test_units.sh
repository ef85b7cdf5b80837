#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The CPU back ends by themselves: VT-x images on Bochs alone, the AMD-V image on QEMU alone. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
rc=0
echo "# suite core/vtx"
tests/core/unit/run.sh build/core/unit/*.bin || rc=1
echo "# suite core/svm"
tests/core/svm/run.sh build/core/svm.bin || rc=1
exit $rc
