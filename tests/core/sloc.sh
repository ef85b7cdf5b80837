#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Lines of C or assembly on standard input that are neither blank nor only comment.
exec awk '
	{
		line = $0; out = ""
		while (line != "") {
			if (inside) {
				i = index(line, "*/")
				if (!i) { line = ""; break }
				line = substr(line, i + 2); inside = 0
			} else {
				i = index(line, "/*")
				if (!i) { out = out line; break }
				out = out substr(line, 1, i - 1); line = substr(line, i + 2); inside = 1
			}
		}
		gsub(/[ \t]/, "", out)
		if (out != "" && out !~ /^\/\//) n++
	}
	END { print n + 0 }'
