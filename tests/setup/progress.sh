# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced: shows that something long is under way; a line that ticks on a terminal, plain lines elsewhere.
# PROGRESS=tty or PROGRESS=plain says which; without it, standard output is looked at.

[ -n "${PROGRESS:-}" ] || { if [ -t 1 ]; then PROGRESS=tty; else PROGRESS=plain; fi; }

# Seconds that pass without a process being started: a read of a pipe that nobody writes to.
progress_pause() {
	if [ -n "${progress_fd:-}" ] || { exec {progress_fd}<> <(:); } 2>/dev/null; then
		read -r -t "$1" -u "$progress_fd" _ || :
	else
		sleep "$1"
	fi
}

# progress_start TEXT [FILE [DONE]]: ticks until progress_stop, or a file DONE is there; FILE's last line is
# shown beside it. PROGRESS_MARK opens the lines.
progress_start() {
	progress_t0=$SECONDS
	(
		trap 'exit 0' TERM
		last=0 t0=$SECONDS
		while progress_pause 1; do
			if [ -n "${3:-}" ] && [ -e "$3" ]; then break; fi
			t=$((SECONDS - t0)) line=
			[ -z "${2:-}" ] || line=$(tail -n 1 "$2" 2>/dev/null | tr -cd '[:print:]' | cut -c1-60)
			if [ "$PROGRESS" = tty ]; then
				[ "$t" -lt 2 ] || printf '\r\033[K%s%s, %d s  %s' "${PROGRESS_MARK:-  ... }" "$1" "$t" "$line"
			elif [ $((t - last)) -ge "$((last ? 15 : 2))" ]; then
				printf '%s%s, %d s  %s\n' "${PROGRESS_MARK:-  ... }" "$1" "$t" "$line"
				last=$t
			fi
		done
		[ "$PROGRESS" != tty ] || printf '\r\033[K'
	) &
	progress_pid=$!
}

progress_stop() {
	[ -n "${progress_pid:-}" ] || return 0
	kill "$progress_pid" 2>/dev/null || :
	wait "$progress_pid" 2>/dev/null || :
	progress_pid=
	[ "$PROGRESS" != tty ] || printf '\r\033[K'
}

# progress_run TEXT LOG COMMAND...: runs it with its output in LOG; when it fails, shows the end of LOG.
progress_run() {
	local text=$1 log=$2 rc=0
	shift 2
	progress_start "$text" "$log"
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	progress_stop
	if [ "$rc" -ne 0 ]; then
		tail -n 20 "$log" >&2
		return "$rc"
	fi
	printf '  %s: %d s\n' "$text" "$((SECONDS - progress_t0))"
}
