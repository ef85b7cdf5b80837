#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# How Bochs is started, and how its end is waited for. Sourced by machine.sh and unit.sh.

# Children end with the script, also when it is killed.
bochs_pid='' timer_pid=''
leash='setpriv --pdeathsig KILL'

# bochs_start ROM MODEL CPUS MiB MIPS NAME=VALUE...: starts Bochs in the working directory with the bridge,
# which is told what the NAMEs say. Leaves its process in bochs_pid. Devices of its own are off as far as it
# lets them be; ROM ends at 4 GiB.
bochs_start() {
	local rom=$1 model=$2 cpus=$3 ram=$4 mips=$5
	shift 5
	cat >bochsrc <<-END
		plugin_ctrl: bridge=1
		display_library: term
		config_interface: textconfig
		cpu: model=$model, count=$cpus:1:1, ips=${mips}000000, reset_on_triple_fault=0
		memory: guest=$ram, host=32
		pci: enabled=0
		vga: extension=none
		romimage: file=$rom
		com1: enabled=0
		parport1: enabled=0
		ata0: enabled=0
		ata1: enabled=0
		clock: sync=none
		sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
		speaker: enabled=0
		log: bochs.log
		panic: action=fatal
		error: action=report
		info: action=report
		debug: action=ignore
	END
	# Debian's Bochs has its debugger built in, which waits for a command to go on.
	echo c >bochs.rc
	$leash env TERM=vt100 LTDL_LIBRARY_PATH="$built/plugins:/usr/lib/x86_64-linux-gnu/bochs/plugins" "$@" \
		bochs-bin -q -f bochsrc -rc bochs.rc </dev/null >bridge.log 2>&1 &
	bochs_pid=$!
}

# default_mips CPUS: about as many as Bochs does, so that virtual time goes by like real time. On several CPUs
# Debian's counts a tick at a time while all are halted, which is as slow.
default_mips() {
	if [ "$1" = 1 ]; then echo 100; else echo 50; fi
}

# wait_first SECONDS: waits for the first child to end, SECONDS at most. Leaves its process in ended, empty
# when time was up, and its status in status. The timer is in timer_pid.
wait_first() {
	$leash sleep "$1" &
	timer_pid=$!
	status=0
	wait -n -p ended || status=$?
	if [ "$ended" = "$timer_pid" ]; then
		ended='' timer_pid=''
	fi
}

# end_all PID...: kills and reaps those of the children that are named.
end_all() {
	local p
	for p; do
		kill -KILL "$p" 2>/dev/null || :
	done
	for p; do
		wait "$p" 2>/dev/null || :
	done
}
