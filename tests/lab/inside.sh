# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced first by what runs in the lab: all that its scripts share. Outside of it, boots the lab with this very
# test in it.

if [ "${LAB:-0}" != 1 ]; then
	exec "$(dirname "${BASH_SOURCE[0]}")/test_all.sh" "$(basename "$0" .sh | sed 's/^test_//')"
fi
. tests/lab/steps.sh
. tests/lab/guest.sh
. tests/lab/host.sh
