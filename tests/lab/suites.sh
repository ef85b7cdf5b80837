#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# suites.sh NAME...: in the lab, runs the tests one after another; what each says goes to its transcript, too.
rc=0
for name; do
	echo "# suite lab/$name"
	bash "tests/lab/test_$name.sh" 2>&1 </dev/null | tee "/lab/report/lab-$name.log"
	[ "${PIPESTATUS[0]}" = 0 ] || rc=1
done
exit $rc
