# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The shell of `make lab`, inside: the card is sluiced's, and a few words make virtual machines.
. tests/lab/inside.sh

progress_start "sluiced takes the card"
host_up && sluiced_start --vfs 7 || { progress_stop; cat "$sluiced_log"; }
progress_stop
sluice vf

# What a user types here: a VM with a VF from the start, or one that gets its VF later.
vm_new() {
	local args=
	[ $# -eq 1 ] || args=$(sluice attach "$1" "$2" --cold) || return
	eval "vm_start $1 $args" && vm_ready "$1" && echo "$1 runs"
}
vm_do() {
	local rc=0
	vm "$@" || rc=$?
	echo "$vm_said"
	return $rc
}
cat <<'EOF'

This is the lab: a machine with VT-d and an 82576, whose files are this machine's, read-only under an overlay.
  sluice vf, sluice pf, sluice doctor     the card
  vm_new NAME [VF]                        a VM, with a VF or without (30 s)
  sluice attach NAME --qmp /run/vm/NAME/qmp, sluice detach NAME
  vm_do NAME 'up 10.9.0.11; ping -c 2 10.9.0.2'     a command in it; wire COMMAND: at the port's far end
  exit, or Ctrl-a x                       ends the lab
EOF
set +e
PS1='lab:\w# '
