#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Runs a bare unit image on Bochs alone: VT-x without a chipset, at once. The image is flat, linked at 1 MiB
# and entered at its byte 0x20 in 32-bit protected mode (flat segments, no paging, interrupts off).
set -euo pipefail

usage() {
	cat <<-'END'
	unit.sh [--cpus N] [--ram MiB] [--seconds N] [--cpu MODEL] [--mips N] IMAGE
	Prints what the image sends to COM1; exits with the status that it wrote to port 0xf4, 124 when the time
	was up (30 s of real time), 125 when Bochs ended without a status.
	END
	exit 2
}

complain() {
	printf 'unit: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 125
}

cpus=1 ram=512 seconds=30 cpu=corei7_skylake_x mips=''
while [ $# -gt 1 ]; do
	case $1 in
	--cpus) cpus=$2 ;;
	--ram) ram=$2 ;;
	--seconds) seconds=$2 ;;
	--cpu) cpu=$2 ;;
	--mips) mips=$2 ;;
	*) usage ;;
	esac
	shift 2
done
{ [ $# = 1 ] && [[ $1 != -* ]]; } || usage

here=$(cd "$(dirname "$0")" && pwd)
built=$(cd "$here/../.." && pwd)/build/platform
. "$here/bochs.sh"
image=$(realpath -e -- "$1" 2>/dev/null) || complain "there is no image $1" "build it first"
"$here/build.sh" || complain "the bridge does not build" "see above; tests/setup/install core"
mkdir -p "$built/run"
dir=$(mktemp -d "$built/run/unit.XXXXXX")
ram_file=$(mktemp /dev/shm/sluice-platform.XXXXXX)
stop() {
	trap - EXIT
	# shellcheck disable=SC2086
	end_all $timer_pid $bochs_pid
	rm -rf "$dir" "$ram_file"
}
trap stop EXIT
trap 'exit 125' HUP INT TERM
cd "$dir"

truncate -s "${ram}M" "$ram_file"
dd if="$image" of="$ram_file" bs=1M seek=1 conv=notrunc status=none
bochs_start "$built/unit.rom" "$cpu" "$cpus" "$ram" "${mips:-$(default_mips "$cpus")}" \
	BRIDGE_ALONE=1 BRIDGE_RAM="$ram_file"
wait_first "$seconds"
[ ! -e console.log ] || cat console.log
[ ! -s exit ] || exit "$(cat exit)"
if [ -z "$ended" ]; then
	echo "unit: no exit status within $seconds s" >&2
	exit 124
fi
echo "unit: Bochs ended without an exit status of the image (its own: $status)" >&2
{ tail -n 3 bridge.log; grep -v 'i\[' bochs.log | tail -n 5; } | cut -c1-160 >&2
exit 125
