#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Rules that a text search can hold: licence line, file lengths, raw register access, doubtful words.
set -euo pipefail
cd "$(dirname "$0")/../.."
bad=0
refuse() {
	echo "$*" >&2
	bad=1
}
files() { git ls-files --cached --others --exclude-standard "$@"; }

for f in $(files '*.c' '*.h' '*.sh' '*.S' Makefile); do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause' || refuse "$f: no SPDX line"
done
for f in $(files '*.c' '*.h'); do
	n=$(wc -l <"$f")
	case $f in include/hw/*) max=700 ;; *.h) max=150 ;; *) max=800 ;; esac
	[ "$n" -le "$max" ] || refuse "$f: $n lines, at most $max"
	if grep -nE '^[[:space:]]*typedef[[:space:]]+(struct|union|enum)' "$f" >&2; then refuse "$f: a struct typedef"; fi
done
for f in $(files 'pf-driver/*.c' 'vf-driver/*.c' 'vmdq/*.c'); do
	if grep -nE '\b(volatile)\b' "$f" | grep -v asm >&2; then refuse "$f: volatile outside the seam"; fi
done
words='TODO|FIXME|XXX|HACK'
if files '*.c' '*.h' '*.sh' '*.md' Makefile | grep -v '^tests/check/text.sh$' | xargs grep -nE "\b($words)\b" >&2; then
	refuse "unfinished work is an issue, not a comment"
fi
if files 'tests/*.c' | xargs -r grep -nE '\b(u?sleep|nanosleep)[[:space:]]*\(' >&2; then
	refuse "a test polls with a bound, it does not sleep"
fi
[ "$bad" = 0 ] && echo "text rules: ok"
exit "$bad"
