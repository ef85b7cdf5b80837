#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The attack list, the VF moves and the guests' CPUs once more on AMD-V, and a stock Linux. On one CPU: QEMU 10.0's XRSTOR
# of any CPU changes CPU 0's flags of nested paging without a lock, and the machine falls now and then.
cd "$(dirname "$0")/../.." || exit 2
rc=0
echo "# suite core/attacks-svm"
tests/core/test_attacks.sh --svm || rc=1
echo "# suite core/moves-svm"
tests/core/test_moves.sh --svm || rc=1
echo "# suite core/guests-svm"
tests/core/test_guests.sh --svm || rc=1
exit $rc
