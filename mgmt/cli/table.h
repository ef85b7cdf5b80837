/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Aligned tables for people, made to fit 100 columns. */
#ifndef SLUICE_MGMT_CLI_TABLE_H
#define SLUICE_MGMT_CLI_TABLE_H

#include "base/types.h"

#define MGMT_COLS_MAX 14
#define MGMT_ROWS_MAX 16
#define MGMT_CELL_LEN 72
#define MGMT_WIDTH    100

/* The caller's; zeroed, then filled with mgmt_cell(). */
struct mgmt_table {
	unsigned int cols, rows;
	bool right[MGMT_COLS_MAX]; /* numbers are set flush right */
	char cell[MGMT_ROWS_MAX][MGMT_COLS_MAX][MGMT_CELL_LEN];
};

/* Sets a cell; the table grows to hold it. Out of range: ignored. */
void mgmt_cell(struct mgmt_table *t, unsigned int row, unsigned int col, const char *fmt, ...)
	printf_like(4, 5);
/* Two spaces between columns, one when it would be wider than MGMT_WIDTH; no space at line ends. */
void mgmt_table_print(const struct mgmt_table *t);
/* "name        value", names padded alike. */
void mgmt_line(const char *name, const char *fmt, ...) printf_like(2, 3);

#endif
