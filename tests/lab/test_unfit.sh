#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# A machine that is not fit, of the kind that LAB_UNFIT names: sluiced refuses the card, the doctor says why.
. "$(dirname "$0")/inside.sh"

case $LAB_UNFIT in
no_iommu) want='iommu' check=iommu ;;
shared_group) want='0000:01:00.0' check=group PF=0000:01:00.1 ;;
esac

refused() {
	local text rc=0
	modprobe vfio-pci && bind "$PF" vfio-pci
	text=$(timeout 60 sluiced --pf "$PF" --socket /run/s.sock --state /run/s 2>&1) || rc=$?
	[ "$rc" = 1 ] && grep -q '^  rule: ' <<<"$text" && grep -q '^  mend: ' <<<"$text" || { fail "status $rc: $text"; return; }
	grep -qi "$want" <<<"$text" || { fail "not '$want': $text"; return; }
	[ "$(cat "/sys/bus/pci/devices/$PF/sriov_numvfs")" = 0 ] && [ ! -e /run/s.sock ] || { fail "something is left"; return; }
	see "$(tr -s ' \n' ' ' <<<"$text")"
}

doctor() {
	local text rc=0
	text=$(timeout 60 sluice doctor "$PF" 2>&1) || rc=$?
	[ "$rc" = 1 ] && grep -qiE "FAIL.*$check|$check.*FAIL" <<<"$text" || { fail "status $rc: $text"; return; }
	see "$(grep -A1 FAIL <<<"$text" | head -n 4 | tr -s ' \n' ' ')"
}

step "$LAB_UNFIT: sluiced refuses the card, and leaves nothing behind" refused
step "$LAB_UNFIT: sluice doctor finds it" doctor
steps_run "/lab/report/lab-unfit-$LAB_UNFIT.json"
