/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as data. Must never hold anything that table.h's lists don't say. */
#include "store/table.h"

#include "base/mem.h"

#define COMMA ,
#define DESCRIBE(kind_, name_) {.kind = COLUMN_##kind_, .name = #name_, .offset = offsetof(row_here, name_)}

/* Each table's columns are described inside a function of its own, where `row_here` names its structure. */
#define T(table_, sql_name, row, columns)                                             \
	static const struct table *describe_##table_(void)                            \
	{                                                                             \
		typedef struct row row_here;                                          \
		static const struct column list[] = {columns(DESCRIBE, COMMA)};       \
		static const struct table table = {.name = sql_name,                  \
						   .row_bytes = sizeof(row_here),     \
						   .column_count = ARRAY_LEN(list),   \
						   .column = list};                   \
		return &table;                                                        \
	}
TABLES(T)
#undef T

const struct table *table_get(enum table_id id)
{
	static const struct table *(*const describe[TABLE__COUNT])(void) = {
#define T(table_, sql_name, row, columns) [TABLE_##table_] = describe_##table_,
		TABLES(T)
#undef T
	};

	return describe[id]();
}
