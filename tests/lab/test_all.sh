#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_all.sh [NAME...]: boots the lab once and runs the lab tests, or those named (igbvf, testpmd, ...), in it;
# unfit runs in machines of its own. TAP on stdout, a plan for each suite under a line "# suite lab/NAME";
# transcripts in build/report/lab-NAME.log.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
report=$top/build/report

[ $# -gt 0 ] || set -- igbvf testpmd vf_under_igb errors unfit
export LAB_TAP=1 PROGRESS=plain
rc=0

broken_off() {
	local plan ran
	plan=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$report/lab-$1.log" 2>/dev/null)
	ran=$(grep -cE '^(not )?ok ' "$report/lab-$1.log" 2>/dev/null)
	[ "${plan:-0}" -le "${ran:-0}" ] || echo "not ok $((ran + 1)) - lab/$1 was broken off" | tee -a "$report/lab-$1.log"
}

# lab SECONDS NAME...: one boot with these suites in it. An emulator that fell, its process ended or its machine standing
# still (README.md, what is known of that), has shown nothing either way: it is booted afresh, once, and said so. What
# stands still for a reason of ours does it again.
lab() {
	local seconds=$1 name try out
	shift
	out=$(mktemp)
	for try in 1 2; do
		for name; do rm -f "$report/lab-$name".*; done
		LAB_SECONDS=$seconds "$here/boot.sh" tests/lab/suites.sh "$@" >"$out" 2>&1 && break
		if [ $try = 1 ] && grep -qE '(not done within [0-9]+ s|the machine ended before its script did)' "$out"; then
			echo "# the emulated machine fell; booted afresh, once. It had said:"
			tail -n 40 "$out" | sed 's/^/# | /'
			continue
		fi
		rc=1
		break
	done
	cat "$out"
	rm -f "$out"
	# A suite that was broken off, or that the lab did not come to, is a failure and not nothing. What boot.sh says of
	# the machine stands before it.
	for name; do broken_off "$name"; done
	for name; do
		[ -s "$report/lab-$name.log" ] && continue
		printf '# suite lab/%s\n1..1\nnot ok 1 - lab/%s ran\n' "$name" "$name" | tee "$report/lab-$name.log"
		rc=1
	done
}

"$here/image.sh" | sed 's/^/# /' || exit 1
fit=() unfit=
for name; do
	[ -e "$here/test_$name.sh" ] || { echo "test_all: no test $name in tests/lab" >&2; exit 2; }
	if [ "$name" = unfit ]; then unfit=1; else fit+=("$name"); fi
done
[ "${#fit[@]}" = 0 ] || lab $((240 + 180 * ${#fit[@]})) "${fit[@]}"
if [ -n "$unfit" ]; then
	for LAB_UNFIT in no_iommu shared_group; do
		export LAB_UNFIT
		lab 300 unfit
		mv "$report/lab-unfit.log" "$report/lab-unfit-$LAB_UNFIT.log"
	done
fi
exit $rc
