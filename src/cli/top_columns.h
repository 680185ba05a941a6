/* top_columns - the columns of ps by their names. */
#ifndef CLI_TOP_COLUMNS_H
#define CLI_TOP_COLUMNS_H

#include "cli/top.h"

/* "pid", "comm", "%cpu"; NULL = there is no such column. */
const struct top_column *top_column_find(const char *name, size_t len);

#endif
