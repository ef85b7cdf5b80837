# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced in the lab: runs named steps one after another, shows each with the evidence that it saw, ends with a
# table (or TAP, with LAB_TAP=1) and writes a report. After a step has failed the rest is not run, and not ok.

PROGRESS_MARK='       ... '
[ "${LAB_TAP:-0}" = 0 ] || { PROGRESS=plain PROGRESS_MARK='#    ... '; }
. tests/setup/progress.sh

steps_name=() steps_fn=() steps_ok=() steps_evidence=() steps_secs=() steps_bad=0

# step NAME FUNCTION: registers it. FUNCTION runs in this shell; it calls see, ends with 0, or calls fail.
step() {
	steps_name+=("$1")
	steps_fn+=("$2")
}

# The ticking line goes on below what is printed.
steps_line() {
	[ "$PROGRESS" != tty ] || printf '\r\033[K'
	if [ "${LAB_TAP:-0}" = 1 ]; then echo "#    $1"; else echo "       $1"; fi
}

# see TEXT: evidence, a figure that was seen: shown at once and kept for the report.
see() {
	steps_seen+="${steps_seen:+; }$1"
	steps_line "$1"
}

# note TEXT: shown, not kept.
note() { steps_line "$1"; }

# fail TEXT: why the step is not ok; used as `fail ... || return`.
fail() {
	steps_seen+="${steps_seen:+; }FAILED: $1"
	steps_line "FAILED: $1"
	return 1
}

# steps_why: called when a step has failed, to show what may tell why; host.sh has it.
steps_why() { :; }

# Its variables are globals with a prefix: those of a step's function would be in its way otherwise.
steps_one() {
	steps_at=$1 steps_number=$(($1 + 1)) steps_good=true
	steps_current=${steps_name[steps_at]} steps_seen=
	if [ "$steps_bad" -gt 0 ]; then
		steps_ok+=(false) steps_evidence+=("not run: step $steps_bad failed") steps_secs+=(0.0)
		[ "${LAB_TAP:-0}" = 0 ] || echo "not ok $steps_number - $steps_current (not run: step $steps_bad failed)"
		return
	fi
	[ "${LAB_TAP:-0}" = 1 ] || printf '[%2d/%d] %s\n' "$steps_number" "${#steps_name[@]}" "$steps_current"
	steps_t0=${EPOCHREALTIME/[.,]/}
	progress_start "$steps_current"
	"${steps_fn[steps_at]}" || steps_good=false
	progress_stop
	[ $steps_good = true ] || steps_why
	steps_time=$(((${EPOCHREALTIME/[.,]/} - steps_t0) / 100000))
	[ $steps_good = true ] || steps_bad=$steps_number
	steps_ok+=("$steps_good") steps_evidence+=("$steps_seen") steps_secs+=("$((steps_time / 10)).$((steps_time % 10))")
	case ${LAB_TAP:-0}$steps_good in
	1true) echo "ok $steps_number - $steps_current" ;;
	1false) echo "not ok $steps_number - $steps_current" ;;
	0true) echo "       ok, ${steps_secs[steps_at]} s" ;;
	0false) echo "       NOT OK, ${steps_secs[steps_at]} s" ;;
	esac
}

steps_report() {
	local i
	for i in "${!steps_name[@]}"; do
		printf '%s\037%s\037%s\037%s\037' "${steps_name[i]}" "${steps_ok[i]}" "${steps_evidence[i]}" "${steps_secs[i]}"
	done | jq -Rs 'split("\u001f")[:-1] | [range(0; length; 4) as $i | .[$i:$i + 4]
		| {name: .[0], ok: (.[1] == "true"), evidence: .[2], seconds: (.[3] | tonumber)}]
		| {steps: ., ok: (length > 0 and all(.ok))}' >"$1"
}

steps_table() {
	local i
	printf '\n%-3s %-7s %6s  %s\n' " #" "result" "s" "step: what was seen"
	for i in "${!steps_name[@]}"; do
		printf '%2d  %-7s %6s  %s\n' "$((i + 1))" "$([ "${steps_ok[i]}" = true ] && echo ok || echo "NOT OK")" \
			"${steps_secs[i]}" "${steps_name[i]}"
		fold -s -w 88 <<<"${steps_evidence[i]}" | sed 's/^/                      /'
	done
	echo
}

# steps_run REPORT: runs all that is registered; 0 when every one was ok.
steps_run() {
	[ "${LAB_TAP:-0}" = 0 ] || echo "1..${#steps_name[@]}"
	for ((steps_next = 0; steps_next < ${#steps_name[@]}; steps_next++)); do steps_one $steps_next; done
	steps_report "$1"
	[ "${LAB_TAP:-0}" = 1 ] || steps_table
	if [ "$steps_bad" -eq 0 ]; then
		[ "${LAB_TAP:-0}" = 1 ] || echo "all ${#steps_name[@]} steps ok, $SECONDS s in the lab"
		return 0
	fi
	[ "${LAB_TAP:-0}" = 1 ] || echo "step $steps_bad NOT OK: ${steps_name[steps_bad - 1]}"
	return 1
}
