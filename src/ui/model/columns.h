/* columns - which columns of the list fit into a width, and how wide each is. Pure.
 * Rule    a column has a priority; the lowest go first; the name is the last to shrink.
 *         On a very narrow screen only the state is left.
 */
#ifndef UI_MODEL_COLUMNS_H
#define UI_MODEL_COLUMNS_H

#include <stdbool.h>

enum column {
    COLUMN_STATE,
    COLUMN_NAME,
    COLUMN_ID,
    COLUMN_IMAGE,
    COLUMN_STATUS,
    COLUMN_CPU,
    COLUMN_HIST,
    COLUMN_MEMORY,
    COLUMN_PIDS,
    COLUMN_PORTS,
    COLUMN_NET,
    COLUMN_BLOCK,
    COLUMN_RESTARTS,
    COLUMN_COMMAND,
    COLUMN_COUNT
};

struct column_info {
    const char *name;    /* in the config file: "cpu" */
    const char *heading; /* "CPU%" */
    int min, ideal;      /* columns of text, without the blank after it */
    int priority;        /* higher stays longer */
    bool right;          /* aligned */
    bool grows;          /* takes more than ideal when there is room */
    bool shown;          /* by default */
};
extern const struct column_info COLUMNS[COLUMN_COUNT];

struct columns {
    unsigned enabled;          /* bit 1 << enum column */
    int longest[COLUMN_COUNT]; /* widest text there is, 0 = not known; bounds growing */
};
unsigned columns_default(void);
int columns_parse(const char *list, unsigned *ret); /* "name,image,cpu"; -EINVAL */
/* width[i] = 0: not shown. Returns the columns used, never more than cols. */
int columns_fit(const struct columns *c, int cols, int width[COLUMN_COUNT]);

#endif
