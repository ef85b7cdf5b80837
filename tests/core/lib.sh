# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced: a machine with the hypervisor core on it, its control line, its console, its wire. Run from the
# checkout's top.
. tests/lab/steps.sh

core_bin=${CORE_BIN:-build/core/core.bin}
core_guest=build/core/guest.bin

# A port left free on the bus, a MAC that a bare guest's VF gets: asked from the core, never assumed.

# core_up NAME CONF [OPTION... of machine.sh] [-- MODULE...]: boots the core with the configuration text CONF
# and waits until it answers. The machine goes on in the background.
core_up() {
	local name=$1 conf=$2 opts=() seconds=${CORE_SECONDS:-240}
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do opts+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	core_dir=build/core/run/$name
	rm -rf "$core_dir"
	mkdir -p "$core_dir"
	printf '%s\n' "$conf" >"$core_dir/sluice.conf"
	tests/platform/machine.sh --dir "$core_dir" --seconds "$seconds" --append "exit=f4 ${CORE_APPEND:-}" "${opts[@]}" \
		-- $core_bin "$core_dir/sluice.conf" $core_guest "$@" >"$core_dir/machine.log" 2>&1 &
	core_pid=$!
	core_log=$core_dir/console.log
	core_mark=0
	until_true 240 core_answers || return 1
}

core_alive() { kill -0 "${core_pid:-0}" 2>/dev/null; }
core_answers() {
	core_alive || return 0
	[ -S "$core_dir/control.sock" ] && grep -q 'core up' "$core_log" 2>/dev/null && c info >/dev/null 2>&1
}

# c COMMAND...: sluice to the core.
c() { build/bin/sluice --core "$core_dir/control.sock" "$@"; }
cj() { build/bin/sluice -j --core "$core_dir/control.sock" "$@"; }

# core_down: ends the machine as a user does; its exit status is the result.
core_down() {
	local rc=0
	core_alive && c shutdown >/dev/null 2>&1
	wait "$core_pid" || rc=$?
	core_pid=
	return $rc
}

# core_kill: for the end of a test that went wrong.
core_kill() {
	[ -z "${core_pid:-}" ] || { kill "$core_pid" 2>/dev/null; wait "$core_pid" 2>/dev/null; }
	core_pid=
}
trap core_kill EXIT

# until_true SECONDS COMMAND...: polls until it holds, or the machine is gone.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] && core_alive || return 1
		progress_pause 0.1
	done
}

# guest NAME FIELD: a fact of a guest.
guest() { cj guests | jq -r ".[] | select(.name == \"$1\") | .$2"; }
guest_is() { [ "$(guest "$1" state)" = "$2" ]; }
guest_ends() { ! guest_is "$1" running; }
vf_of() { cj vfs | jq -r ".[] | select(.owner == \"$1\") | .$2"; }
vf_fact() { cj vfs | jq -r ".[] | select(.vf == $1) | .$2"; }

# Lines of the console since the last mark.
mark() { core_mark=$(wc -c <"$core_log"); }
since() { tail -c +$((core_mark + 1)) "$core_log"; }
says() { since | grep -aqE -- "$1"; }

# monitor_open NAME: QEMU's monitor in two pipes, a line of JSON to each line; $monitor for machine.sh's --qemu.
monitor_open() {
	local pipe=build/core/run/$1.mon
	mkdir -p build/core/run
	rm -f $pipe.in $pipe.out
	mkfifo $pipe.in $pipe.out
	exec 7<>$pipe.in 8<>$pipe.out
	monitor="-chardev pipe,id=pipe,path=../$1.mon -mon chardev=pipe,mode=control"
	echo '{"execute": "qmp_capabilities"}' >&7
}
monitor_close() { exec 7>&- 8>&-; rm -f build/core/run/*.mon.in build/core/run/*.mon.out; }

# ask COMMAND: QEMU's answer, as its monitor gives it to a person.
ask() {
	local line
	jq -cn --arg c "$1" '{execute: "human-monitor-command", arguments: {"command-line": $c}}' >&7
	while IFS= read -r -t 10 line <&8; do
		jq -er '.return | strings' <<<"$line" && return
	done
	return 1
}

# wire VERB ARGUMENT...: the far end of the card's wire; its JSON on stdout.
wire() { build/bin/wire "$core_dir/wire.sock" "$@"; }

# The console's last lines, as evidence of what went wrong.
core_tail() {
	local l
	while IFS= read -r l; do note "console: $l"; done < <(tail -n "${1:-12}" "$core_log" 2>/dev/null | cut -c1-180)
	while IFS= read -r l; do note "machine: $l"; done < <(tail -n 6 "$core_dir/machine.log" 2>/dev/null | cut -c1-180)
}
