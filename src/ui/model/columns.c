/* First which columns stay (by minimum width and priority), then which grow. */
#include "ui/model/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const struct column_info COLUMNS[COLUMN_COUNT] = {
    [COLUMN_STATE] = {"state", "S", 2, 2, 100, false, false, true},
    [COLUMN_NAME] = {"name", "NAME", 8, 16, 99, false, true, true},
    [COLUMN_ID] = {"id", "ID", 12, 12, 40, false, false, false},
    [COLUMN_IMAGE] = {"image", "IMAGE", 8, 16, 60, false, true, true},
    [COLUMN_STATUS] = {"status", "STATUS", 10, 16, 80, false, true, true},
    [COLUMN_CPU] = {"cpu", "CPU%", 5, 5, 90, true, false, true},
    [COLUMN_HIST] = {"hist", "HIST", 7, 7, 20, false, false, true},
    [COLUMN_MEMORY] = {"memory", "MEM / LIMIT", 11, 13, 70, true, false, true},
    [COLUMN_PIDS] = {"pids", "PIDS", 4, 4, 35, true, false, true},
    [COLUMN_NET] = {"net", "NET I/O", 9, 11, 30, true, false, true},
    [COLUMN_BLOCK] = {"block", "BLOCK I/O", 9, 11, 28, true, false, false},
    [COLUMN_RESTARTS] = {"restarts", "RESTARTS", 8, 8, 25, true, false, false},
    [COLUMN_COMMAND] = {"command", "COMMAND", 20, 30, 10, false, true, true},
};

unsigned columns_default(void)
{
    unsigned bits = 0;
    for (int i = 0; i < COLUMN_COUNT; i++)
        bits |= (unsigned)COLUMNS[i].shown << i;
    return bits;
}

static int find(const char *name)
{
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (strcmp(COLUMNS[i].name, name) == 0)
            return i;
    return -EINVAL;
}

int columns_parse(const char *list, unsigned *ret)
{
    unsigned bits = 1u << COLUMN_STATE | 1u << COLUMN_NAME;
    auto_free char *copy = strdup(list);
    char *save = NULL;
    for (char *w = copy ? strtok_r(copy, ", \t", &save) : NULL; w;
         w = strtok_r(NULL, ", \t", &save)) {
        int i = find(w);
        if (i < 0)
            return i;
        bits |= 1u << i;
    }
    if (!copy)
        return -ENOMEM;
    *ret = bits;
    return 0;
}

/* Columns taken: every shown one and a blank between two. */
static int used(const int width[COLUMN_COUNT])
{
    int sum = 0;
    for (int i = 0; i < COLUMN_COUNT; i++)
        sum += width[i] ? width[i] + 1 : 0;
    return sum ? sum - 1 : 0;
}

static int weakest(const int width[COLUMN_COUNT])
{
    int at = -1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (width[i] && (at < 0 || COLUMNS[i].priority < COLUMNS[at].priority))
            at = i;
    return at;
}

static void drop_what_does_not_fit(int cols, int width[COLUMN_COUNT])
{
    while (used(width) > cols) {
        int at = weakest(width);
        if (at == COLUMN_STATE) { /* alone */
            width[at] = cols > 0 ? cols : 0;
            return;
        }
        int others = used(width) - width[at];
        if (at == COLUMN_NAME && cols - others >= 1) { /* the last to shrink */
            width[at] = cols - others;
            return;
        }
        width[at] = 0;
    }
}

static void grow(int cols, int width[COLUMN_COUNT], const int goal[COLUMN_COUNT])
{
    static const enum column ORDER[] = {COLUMN_NAME,   COLUMN_STATUS, COLUMN_MEMORY,
                                        COLUMN_IMAGE,  COLUMN_NET,    COLUMN_BLOCK,
                                        COLUMN_COMMAND};
    for (size_t i = 0; i < ARRAY_SIZE(ORDER); i++) {
        int *w = &width[ORDER[i]], room = cols - used(width);
        int more = goal[ORDER[i]] - *w;
        if (*w && more > 0 && room > 0)
            *w += more < room ? more : room;
    }
}

/* What a column wants when its texts are shorter, or longer, than usual. */
static void wishes(const struct columns *c, int column, int *min, int *ideal,
                   int *longest)
{
    const struct column_info *info = &COLUMNS[column];
    int text = c->longest[column], heading = (int)strlen(info->heading);
    *min = info->min;
    *ideal = *longest = info->ideal;
    if (text <= 0)
        return;
    if (text < heading)
        text = heading;
    if (text < *ideal)
        *ideal = *longest = text;
    else if (info->grows)
        *longest = text;
    if (*min > *ideal)
        *min = *ideal;
}

int columns_fit(const struct columns *c, int cols, int width[COLUMN_COUNT])
{
    int ideal[COLUMN_COUNT], longest[COLUMN_COUNT];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        int min;
        wishes(c, i, &min, &ideal[i], &longest[i]);
        width[i] = c->enabled & 1u << i ? min : 0;
    }
    drop_what_does_not_fit(cols, width);
    grow(cols, width, ideal);
    grow(cols, width, longest);
    return used(width);
}
