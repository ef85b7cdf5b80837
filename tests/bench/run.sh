#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# make bench: every benchmark in turn, each beside its peer in the same run; merges their rows into
# build/report/bench.json. A figure is never a pass or a fail; a benchmark that could not measure is.
set -euo pipefail
cd "$(dirname "$0")/../.."
report=build/report
mkdir -p "$report"
parts=() bad=0
for script in tests/bench/ring.sh tests/bench/device.sh; do
	name=$(basename "$script" .sh)
	rm -f "$report/bench-$name.json"
	"$script" || { echo "bench: $script failed" >&2; bad=1; }
	[ ! -e "$report/bench-$name.json" ] || parts+=("$report/bench-$name.json")
done
[ "${#parts[@]}" -gt 0 ] || { echo "bench: nothing was measured" >&2; exit 1; }
jq -s '{rows: add}' "${parts[@]}" >"$report/bench.json"
echo "rows: $report/bench.json"
exit "$bad"
