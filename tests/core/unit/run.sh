#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Runs test images on Bochs, one after the other; their TAP as one. Arguments: images.
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit 2
[ $# -gt 0 ] || { echo "run.sh IMAGE..." >&2; exit 2; }
count=0 bad=0

# one NAME COMMAND...: numbers a run's results on, and adds one for its end.
one() {
	local name=$1 out line rc=0 results=0
	shift
	out=$("$@" 2>&1) || rc=$?
	while IFS= read -r line; do
		case $line in
		"ok "* | "not ok "*)
			results=$((results + 1))
			count=$((count + 1))
			[[ $line == ok* ]] || bad=1
			echo "${line%% [0-9]*} $count - $name: ${line#* - }" ;;
		"1.."*)
			[ "${line#1..}" = "$results" ] || { echo "# $name: $results results of ${line#1..}"; rc=1; } ;;
		*) echo "# $name: ${line#\# }" ;;
		esac
	done <<<"$out"
	count=$((count + 1))
	[ "$rc" = 0 ] && echo "ok $count - $name: ended well" && return
	echo "not ok $count - $name: ended with status $rc"
	bad=1
}

for image; do
	name=$(basename "$image" .bin)
	one "$name" tests/platform/unit.sh "$image"
	[ "$name" != vtx_refused ] || one "$name, a CPU without VT-x" \
		tests/platform/unit.sh --cpu phenom_8650_toliman "$image"
done
echo "1..$count"
exit "$bad"
