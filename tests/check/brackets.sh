#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The include brackets: which folder may include what. A folder may always include itself. System headers
# (<...>) are free for hosted parts; freestanding ones may use the compiler's own alone.
set -euo pipefail
cd "$(dirname "$0")/../.."

# folder|first path elements of include/ that it may name|other folders|freestanding
rules='
include/base||free
include/hw|base|free
include/os|base|
include/abi|base|
include/drv|base os hw drv|free
include/glue|base hw os|
vmdq|base hw os drv|free
pf-driver|base hw os abi drv|free
vf-driver|base hw os abi drv|free
hv-glue/host|base hw os|
hv-glue/host/bare|base hw os|free
hv-glue/vtd|base hw os|free
hv-glue/cpu|base hw glue|free
hv-glue/vtx|base hw glue|free
hv-glue/svm|base hw glue|free
hv-glue/core|base hw os abi drv glue|free
hv-glue/vm|base os glue|
mgmt/backend|base hw os abi drv glue|
mgmt/daemon|base hw os abi drv glue|
mgmt/cli|base os abi|
'
compiler='^(stdint|stddef|stdbool|stdarg|limits|stdalign|float|iso646|stdnoreturn)\.h$'
bad=0

# The longest rule whose folder holds the file.
rule_of() {
	local best='' line dir
	while IFS= read -r line; do
		dir=${line%%|*}
		[ -n "$dir" ] || continue
		case $1 in "$dir"/*) [ "${#dir}" -gt "${#best}" ] && best=$dir && found=$line ;; esac
	done <<<"$rules"
	[ -n "$best" ]
}

# The core may include the public header of what it ties together: vtd.h, vtx.h, svm.h.
beside() {
	local d
	for d; do [ "$target" = "$d.h" ] && [ -e "hv-glue/$d/$target" ] && return; done
	return 1
}

refuse() {
	echo "$1:$2: $3" >&2
	bad=1
}

check_file() {
	local file=$1 found dir allow free n text target
	rule_of "$file" || { refuse "$file" 1 "no bracket for this folder"; return; }
	IFS='|' read -r dir allow free <<<"$found"
	while IFS=: read -r n text; do
		if [[ $text =~ \<([^\>]+)\> ]]; then
			target=${BASH_REMATCH[1]}
			[ "$free" != free ] || [[ $target =~ $compiler ]] ||
				[[ $file == include/base/errno.h && $target == errno.h ]] ||
				refuse "$file" "$n" "freestanding, yet includes <$target>"
			continue
		fi
		[[ $text =~ \"([^\"]+)\" ]] || continue
		target=${BASH_REMATCH[1]}
		case $target in
		*../*) refuse "$file" "$n" "\"$target\": no \"../\" in an include" ;;
		*/*)
			[ -e "include/$target" ] || { refuse "$file" "$n" "\"$target\" is not in include/"; continue; }
			case " $allow ${dir#include/} " in
			*" ${target%%/*} "*) ;;
			*) refuse "$file" "$n" "\"$target\": $dir may include [$allow]" ;;
			esac ;;
		*)
			[ -e "$(dirname "$file")/$target" ] || [ -e "$dir/$target" ] ||
				{ [ "$dir" = mgmt/daemon ] && [ -e "mgmt/backend/$target" ]; } ||
				{ [ "$dir" = hv-glue/core ] && beside vtd vtx svm; } ||
				refuse "$file" "$n" "\"$target\" is not in $dir" ;;
		esac
	done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file")
}

while IFS= read -r f; do
	check_file "$f"
done < <(git ls-files --cached --others --exclude-standard '*.c' '*.h' | grep -v '^tests/')
[ "$bad" = 0 ] && echo "include brackets: ok"
exit "$bad"
