#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Bad input, end to end: each is refused with what, rule and mend, and afterwards all is as before.
. "$(dirname "$0")/inside.sh"

STATE_DISK=/run/state-disk

# What must not change: the card's drivers and VFs, and, when sluiced runs, policies, leases and its descriptors.
snapshot() {
	echo "driver $(driver_of "$PF"), VFs $(cat "/sys/bus/pci/devices/$PF/sriov_numvfs")"
	[ -z "${sluiced_pid:-}" ] || {
		echo "descriptors $(ls "/proc/$sluiced_pid/fd" | wc -l)"
		sluice -j vf | jq -cS 'map({vf, mac, owner, qmp, state, policy})'
	}
}
unchanged() { [ "$(snapshot)" = "$before" ]; }

# refuse WORDS COMMAND...: it ends with status 1, its message has a rule and a remedy and, somewhere, WORDS; then
# nothing has changed.
refuse() {
	local want=$1 text rc=0
	shift
	before=$(snapshot)
	text=$(timeout 60 "$@" 2>&1 </dev/null) || rc=$?
	[ "$rc" = 1 ] || { fail "$*: status $rc, $text"; return; }
	grep -q '^  rule: [^ ]' <<<"$text" && grep -q '^  mend: [^ ]' <<<"$text" || { fail "$*: no rule or no remedy: $text"; return; }
	grep -qiE -- "$want" <<<"$text" || { fail "$*: not '$want': $text"; return; }
	# A client's connection is closed a moment after the client has gone.
	until_true 5 unchanged || { fail "$*: $(diff <(echo "$before") <(snapshot))"; return; }
	see "$(grep -vE '^  mend' <<<"$text" | grep -B1 '^  rule:' | sed 's/^  rule/rule/; s/^sluiced\{0,1\}: //' | paste -sd '|' | sed 's/|/; /g')"
}

daemon() { refuse "$1" sluiced --pf "${2:-$PF}" --socket $SLUICE_SOCKET --state $SLUICE_STATE "${@:3}"; }

# Without privileges, and from where anybody may read.
as_nobody=(chroot --userspec=65534:65534 / env PATH=/run/bin:/usr/bin:/bin)
nobody_can() {
	mkdir -p /run/bin && cp build/bin/sluice build/bin/sluiced /run/bin/ && chmod -R a+rX /run/bin
}

no_card() {
	local other n
	host_up && bind "$PF" vfio-pci || return
	for n in /sys/bus/pci/devices/*; do [ "$(cat "$n/device")" = 0x10d3 ] && other=${n##*/}; done
	mkdir -p "${SLUICE_SOCKET%/*}"
	daemon 'no.*(function|device|card)|not there' 0000:7f:00.0 && daemon '82576|sr-iov' "$other" && daemon 'format|BDF|address|no.*(function|device)' nonsense
}

too_many_vfs() { daemon '7' "$PF" --vfs 9; }

kernel_vfs() {
	modprobe igb && bind "$PF" igb && echo 2 >"/sys/bus/pci/devices/$PF/sriov_numvfs" || { fail "igb did not take the PF"; return; }
	daemon 'igb' || return
	echo 0 >"/sys/bus/pci/devices/$PF/sriov_numvfs"
	bind "$PF" vfio-pci
}

no_right() {
	nobody_can || return
	refuse 'permission|privilege|root' "${as_nobody[@]}" sluiced --pf "$PF" --socket /run/nobody.sock --state /run/nobody || return
	refuse 'daemon|sluiced' sluice -s /run/none.sock vf
}

start() {
	mkdir -p $STATE_DISK
	mount -t tmpfs -o size=512k state $STATE_DISK || return
	SLUICE_STATE=$STATE_DISK/sluice
	sluiced_start --vfs 7 || { fail "$(tail -n 5 "$sluiced_log")"; return; }
	daemon 'running|lock|another|use' || return
	refuse 'permission|group|root' "${as_nobody[@]}" sluice -s $SLUICE_SOCKET vf
}

addresses() {
	refuse 'group|multicast|unicast' sluice vf set 0 mac 01:00:5e:00:00:01 && refuse 'zero|usable|address' sluice vf set 0 mac 00:00:00:00:00:00 &&
		refuse 'VF 1' sluice vf set 0 mac "$(vf 1 .mac)" && refuse 'PF' sluice vf set 0 mac "$(sluice -j pf | jq -r .mac)"
}

vlans() {
	refuse '4094' sluice vf set 0 vlan 4095 && refuse '7|priority|qos' sluice vf set 0 vlan 5 qos 8 &&
		refuse 'mac|address' sluice vf set 0 vlan 5 spoofchk off mac 00:00:00:00:00:00
}

cannot() {
	refuse 'rate' sluice vf set 0 rate 100 && refuse 'rate' sluice vf set 0 max_tx_rate 100 min_tx_rate 10 &&
		refuse 'link' sluice vf set 0 state enable && refuse 'VF' sluice vf set 7 vlan 5
}

owners() {
	refuse 'attached' sluice detach vm1 && refuse 'attached' sluice detach vm1 3 || return
	sluice attach vm1 3 --cold >/dev/null 2>&1 || { fail "a cold attach was refused"; return; }
	refuse 'vm1|owner' sluice attach vm2 3 --cold && refuse 'already|once' sluice attach vm1 3 --cold &&
		refuse 'vm1|owner' sluice detach vm2 3 && refuse 'vm1|attached|reserved' sluice vf reset 3 || return
	sluice detach vm1 3 >/dev/null 2>&1 || { fail "a reservation could not be given back"; return; }
}

fake() {
	: >/run/fake.out
	qmp_fake "$1" "$2" >/run/fake.out 2>&1 &
	fake_pid=$!
	until_true 10 grep -q ready /run/fake.out
}

fake_end() {
	kill $fake_pid
	wait $fake_pid 2>/dev/null || :
}

qmp() {
	local kind want
	refuse 'qmp|socket|listen' sluice attach vm1 2 --qmp /run/no-such.qmp || return
	fake /run/dead.qmp silent || return
	fake_end
	refuse 'qmp|socket|listen' sluice attach vm1 2 --qmp /run/dead.qmp || return
	for kind in other:qmp silent:qmp old:'7\.2'; do
		want=${kind#*:} kind=${kind%%:*}
		fake "/run/$kind.qmp" "$kind" || return
		refuse "$want" sluice attach vm1 2 --qmp "/run/$kind.qmp" || return
		fake_end
	done
}

# raw WORDS BYTES: a packet that no client sends; the answer is an error, or the connection's end.
raw() {
	local text
	before=$(snapshot)
	text=$(printf "$2" | timeout 30 seq_send $SLUICE_SOCKET 2>&1) || { fail "packet '$2': $text"; return; }
	grep -qiE "$1" <<<"$text" || { fail "packet '$2': not '$1': $text"; return; }
	until_true 5 unchanged || { fail "packet '$2': $(diff <(echo "$before") <(snapshot))"; return; }
	see "$(head -n 3 <<<"$text" | tr -s ' \n' ' ')"
}

messages() {
	local big
	# 10 bytes; a header that promises 4096 bytes; a netlink error type unknown; more than 8192 bytes.
	raw 'error|closed' '\x0a\0\0\0\x12\0\x01\0\0\0' || return
	raw 'error|closed' '\0\x10\0\0\x12\0\x01\0\0\0\0\0\0\0\0\0' || return
	raw 'error' '\x10\0\0\0\xff\x0f\x01\0\0\0\0\0\0\0\0\0' || return
	big=$(printf '\\0%.0s' {1..9000})
	raw 'error|closed' "$big" || return
	sluice vf >/dev/null 2>&1 || fail "sluiced does not answer any more"
}

full_disk() {
	dd if=/dev/zero of=$STATE_DISK/fill bs=4096 2>/dev/null
	refuse 'disk|space|full' sluice vf set 0 vlan 5 && refuse 'disk|space|full' sluice attach vm1 2 --cold || return
	rm $STATE_DISK/fill
	sluice vf set 0 vlan 5 >/run/sluice.out 2>&1 && [ "$(vf 0 .policy.vlan)" = 5 ] ||
		{ fail "with room again: $(cat /run/sluice.out)"; return; }
	see "with room again, VF 0 took VLAN 5"
}

json() {
	local text
	text=$(sluice -j vf set 0 vlan 4095 2>/dev/null) && { fail "VLAN 4095 was taken"; return; }
	jq -e '.error | .errno and .what and .rule and .mend' <<<"$text" >/dev/null || { fail "$text"; return; }
	see "$(jq -c .error.rule <<<"$text")"
	sluice vf set 0 vlan >/run/sluice.out 2>&1
	[ $? = 2 ] || { fail "wrong usage: $(cat /run/sluice.out)"; return; }
	see "wrong usage: status 2"
}

alive() {
	kill -0 "$sluiced_pid" && [ "$(sluice -j vf | jq 'map(select(.state == "free")) | length')" = 7 ] || { fail "$(sluice vf 2>&1)"; return; }
	sluiced_stop || { fail "sluiced ended with status $?"; return; }
	see "the same daemon answers, 7 VFs free; it ends with status 0"
}

step "no such card, not an SR-IOV card" no_card
step "more VFs than the card has" too_many_vfs
step "a PF whose kernel driver has VFs" kernel_vfs
step "no permission, and no daemon" no_right
step "a second daemon, a client without the right" start
step "addresses: group, zero, taken" addresses
step "VLAN 4095, a wrong priority, one bad word among good" vlans
step "what the card cannot do" cannot
step "attached, not attached, another's" owners
step "QMP: dead, not QMP, silent, too old" qmp
step "truncated, lying, unknown and oversized messages" messages
step "a full disk" full_disk
step "errors as JSON, and usage" json
step "after all that the daemon is well" alive
steps_run /lab/report/lab-errors.json
rc=$?
[ "$rc" = 0 ] || cp "$sluiced_log" /lab/report/lab-errors.sluiced.log 2>/dev/null
host_reset
umount $STATE_DISK 2>/dev/null
exit $rc
