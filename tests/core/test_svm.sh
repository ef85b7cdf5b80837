#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The attack list, the VF moves and the guests' CPUs once more on AMD-V, and a stock Linux.
cd "$(dirname "$0")/../.." || exit 2
rc=0
echo "# suite core/attacks-svm"
tests/core/test_attacks.sh --svm --cpus 2 || rc=1
echo "# suite core/moves-svm"
tests/core/test_moves.sh --svm || rc=1
echo "# suite core/guests-svm"
tests/core/test_guests.sh --svm || rc=1
exit $rc
