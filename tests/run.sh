#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Runs test suites and adds up what they say: tests/run.sh SUITE=COMMAND... Every command speaks TAP on stdout and may
# be a list, separated by commas. The last line is `N passed, N failed, N skipped` over all of them; counts by suite go
# to build/report/test.json (or $REPORT.json). With CI set, a skipped test has failed: everything a test needs is installed there.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
[ $# -gt 0 ] || { sed -n '3,6p' "$0" >&2; exit 2; }
report=build/report
mkdir -p "$report" build/test/log
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# count_tap NAME LIVE: reads TAP, shows what failed or was skipped as it comes, and before a suite's first failure what
# it had said of it; prints "passed failed skipped plan".
count_tap() {
	local line p=0 f=0 s=0 plan=0 said=()
	while IFS= read -r line; do
		case $line in
		1..[0-9]*) plan=$((plan + ${line#1..})); said=(); continue ;;
		"not ok"*)
			[ "${#said[@]}" -le 25 ] || said=("${said[@]: -25}")
			[ "${#said[@]}" = 0 ] || printf '      | %.200s\n' "${said[@]}" >&2
			said=() f=$((f + 1))
			echo "    FAILED  $1: $line" >&2
			continue ;;
		ok*"# "[Ss][Kk][Ii][Pp]*) s=$((s + 1)); echo "    skipped $1: $line" >&2; continue ;;
		ok*) p=$((p + 1)) ;;
		"# suite"*) ;;
		*) said+=("$line"); continue ;;
		esac
		said=()
		[ -z "$2" ] || echo "    $line" >&2
	done
	echo "$p $f $s $plan"
}

total_p=0 total_f=0 total_s=0 suites=
for arg in "$@"; do
	suite=${arg%%=*}
	IFS=, read -r -a programs <<<"${arg#*=}"
	p=0 f=0 s=0 begin=$SECONDS
	# One long program is followed test by test, many short ones a line each.
	live=; [ "${#programs[@]}" -gt 1 ] || live=1
	for program in "${programs[@]}"; do
		name=$(basename "$program")
		log=build/test/log/$suite-$name.log
		start=$SECONDS
		# Output goes to the log and is counted as it comes; what goes wrong is shown at once.
		read -r a b c plan < <("$program" 2>"$log.err" | tee "$log" | count_tap "$suite/$name" "$live"; exit "${PIPESTATUS[0]}")
		wait $! ; status=$?
		: "${a:=0}" "${b:=0}" "${c:=0}" "${plan:=0}"
		missing=$((plan - a - b - c))
		if [ "$missing" -gt 0 ]; then
			echo "    FAILED  $suite/$name: ended early, $missing tests did not run" >&2
			b=$((b + missing))
		fi
		if [ $((a + b + c)) = 0 ] || { [ "$status" != 0 ] && [ "$b" = 0 ]; }; then
			echo "    FAILED  $suite/$name: exit status $status" >&2
			b=$((b + 1))
		fi
		if [ "$c" -gt 0 ] && [ -n "${CI:-}" ]; then
			b=$((b + c)) c=0
		fi
		[ "$b" = 0 ] || tail -n 30 "$log.err" | cut -c1-200 | sed 's/^/      | /' >&2
		printf '  %-34s %3d passed, %d failed, %d skipped  %4d s\n' "$suite/$name" "$a" "$b" "$c" $((SECONDS - start))
		p=$((p + a)) f=$((f + b)) s=$((s + c))
	done
	suites+="{\"suite\":\"$suite\",\"passed\":$p,\"failed\":$f,\"skipped\":$s,\"seconds\":$((SECONDS - begin))},"
	total_p=$((total_p + p)) total_f=$((total_f + f)) total_s=$((total_s + s))
done
printf '{"suites":[%s],"passed":%d,"failed":%d,"skipped":%d}\n' "${suites%,}" $total_p $total_f $total_s >"$report/${REPORT:-test}.json"
echo "$total_p passed, $total_f failed, $total_s skipped"
[ "$total_f" = 0 ]
