#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# starts.sh N [-j JOBS] [OPTION... [--] KERNEL [MODULE...]]: starts the machine N times, two at a time, each
# to its exit status 0. What follows N goes to machine.sh; without it the platform's test kernel is started
# on 1 and 2 CPUs in turn. TAP; the last line has the times of the starts in seconds of real time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$(cd "$here/../.." && pwd)/build/platform

[[ ${1:-} =~ ^[1-9][0-9]*$ ]] || { sed -n 's/^# //p' "$0" | sed -n 2,4p >&2; exit 2; }
count=$1 jobs=2
shift
if [ "${1:-}" = -j ]; then
	jobs=$2
	shift 2
fi
"$here/build.sh"
[ $# -gt 0 ] || "$here/build.sh" hello
mkdir -p "$built/run"
dir=$(mktemp -d "$built/run/starts.XXXXXX")
keep=0
pids=()
stop() {
	trap - EXIT
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || :
	wait
	[ "$keep" = 1 ] || rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' HUP INT TERM

# one N [ARGUMENT...]: leaves its status and milliseconds in DIR/N/result.
one() {
	local n=$1 begin=${EPOCHREALTIME/./} status=0
	shift
	mkdir "$dir/$n"
	"$here/machine.sh" --dir "$dir/$n" "$@" >"$dir/$n/said" 2>&1 &
	trap "kill $! 2>/dev/null || :" TERM
	wait $! || status=$?
	echo "$status $(((${EPOCHREALTIME/./} - begin) / 1000))" >"$dir/$n/result"
}

failed=0
times=()
report() {
	local n=$1 status ms
	if ! read -r status ms 2>/dev/null <"$dir/$n/result"; then
		status=none ms=0
	fi
	if [ "$status" = 0 ]; then
		printf 'ok %d - start %d\n' "$n" "$n"
		times+=("$ms")
		rm -rf "${dir:?}/$n"
		return
	fi
	printf 'not ok %d - start %d: status %s, see %s\n' "$n" "$n" "$status" "$dir/$n"
	sed 's/^/# /' "$dir/$n/said" 2>/dev/null || :
	failed=1 keep=1
}

echo "1..$count"
declare -A number
for ((n = 1; n <= count || ${#pids[@]} > 0;)); do
	if [ "$n" -le "$count" ] && [ ${#pids[@]} -lt "$jobs" ]; then
		args=("$@")
		[ $# -gt 0 ] || args=(--cpus $((2 - n % 2)) --append "cpus=$((2 - n % 2))" "$built/hello.bin")
		one "$n" "${args[@]}" &
		number[$!]=$n
		pids+=($!)
		n=$((n + 1))
		continue
	fi
	done=
	wait -n -p done "${pids[@]}" || :
	report "${number[$done]}"
	left=()
	for p in "${pids[@]}"; do
		[ "$p" = "$done" ] || left+=("$p")
	done
	pids=("${left[@]}")
done
if [ ${#times[@]} -gt 0 ]; then
	mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
	awk -v n="${#times[@]}" -v a="${times[0]}" -v b="${times[${#times[@]} / 2]}" -v c="${times[-1]}" \
		'BEGIN { printf "# %d starts, seconds: min %.2f, median %.2f, max %.2f\n",
			n, a / 1000, b / 1000, c / 1000 }'
fi
exit "$failed"
