/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Aligned tables for people. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 13

void mgmt_cell(struct mgmt_table *t, unsigned int row, unsigned int col, const char *fmt, ...)
{
	va_list ap;

	if (row >= MGMT_ROWS_MAX || col >= MGMT_COLS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(t->cell[row][col], MGMT_CELL_LEN, fmt, ap);
	va_end(ap);
	if (row >= t->rows)
		t->rows = row + 1;
	if (col >= t->cols)
		t->cols = col + 1;
}

void mgmt_table_print(const struct mgmt_table *t)
{
	unsigned int r, c, total = 0, gap = 2;
	int width[MGMT_COLS_MAX] = {0};

	for (c = 0; c < t->cols; c++) {
		for (r = 0; r < t->rows; r++)
			if ((int)strlen(t->cell[r][c]) > width[c])
				width[c] = (int)strlen(t->cell[r][c]);
		total += (unsigned int)width[c] + (c ? gap : 0);
	}
	if (total > MGMT_WIDTH)
		gap = 1;
	for (r = 0; r < t->rows; r++) {
		for (c = 0; c < t->cols; c++) {
			bool last = c == t->cols - 1;
			int w = t->right[c] ? width[c] : last ? 0 : -width[c];

			printf("%*s%*s", c ? (int)gap : 0, "", w, t->cell[r][c]);
		}
		putchar('\n');
	}
}

void mgmt_line(const char *name, const char *fmt, ...)
{
	va_list ap;

	printf("%-*s ", NAME_WIDTH, name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}
