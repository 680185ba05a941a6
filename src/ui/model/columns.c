/* First which columns are shown (by minimum width and priority), then which grow. */
#include "ui/model/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* EXTRAS: below this priority a column gets only what the others leave. */
enum { NAME_MAX_COLUMNS = 30, EXTRAS = 25 };

const struct column_info COLUMNS[COLUMN_COUNT] = {
    [COLUMN_STATE] = {"state", "S", 2, 2, 100, false, false, true},
    [COLUMN_NAME] = {"name", "NAME", 16, 16, 99, false, true, true},
    [COLUMN_ID] = {"id", "ID", 12, 12, 40, false, false, false},
    [COLUMN_IMAGE] = {"image", "IMAGE", 8, 16, 60, false, true, true},
    [COLUMN_STATUS] = {"status", "STATUS", 9, 16, 80, false, true, true},
    [COLUMN_CPU] = {"cpu", "CPU%", 5, 5, 90, true, false, true},
    [COLUMN_HIST] = {"hist", "HIST", 7, 7, 20, false, false, true},
    [COLUMN_MEMORY] = {"memory", "MEM / LIMIT", 11, 13, 70, true, false, true},
    [COLUMN_PIDS] = {"pids", "PIDS", 4, 4, 35, true, false, true},
    [COLUMN_PORTS] = {"ports", "PORTS", 10, 18, 50, false, true, true},
    [COLUMN_NET] = {"net", "NET I/O", 9, 11, 30, true, false, true},
    [COLUMN_BLOCK] = {"block", "BLOCK I/O", 9, 11, 28, true, false, false},
    [COLUMN_RESTARTS] = {"restarts", "RESTARTS", 8, 8, 25, true, false, false},
    [COLUMN_COMMAND] = {"command", "COMMAND", 20, 30, 22, false, true, true},
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

static int next_by_priority(const bool done[COLUMN_COUNT])
{
    int at = -1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (!done[i] && (at < 0 || COLUMNS[i].priority > COLUMNS[at].priority))
            at = i;
    return at;
}

/* The most important ones first, each that still fits: a narrow one of little importance may
 * take the room that a wide one would not find. The state and the name shrink instead.
 * Those below `least` and those taken before are left as they are. */
static void take_what_fits(int cols, int least, const int min[COLUMN_COUNT],
                           int width[COLUMN_COUNT])
{
    bool done[COLUMN_COUNT] = {false};
    for (int at; (at = next_by_priority(done)) >= 0;) {
        int room = cols - used(width) - (used(width) ? 1 : 0);
        bool shrinks = at == COLUMN_STATE || at == COLUMN_NAME;
        done[at] = true;
        if (width[at] || COLUMNS[at].priority < least)
            continue;
        if (min[at] && (min[at] <= room || shrinks))
            width[at] = min[at] <= room ? min[at] : room > 0 ? room : 0;
    }
}

static void grow(int cols, int width[COLUMN_COUNT], const int goal[COLUMN_COUNT])
{
    static const enum column ORDER[] = {COLUMN_NAME,  COLUMN_STATUS, COLUMN_MEMORY,
                                        COLUMN_IMAGE, COLUMN_PORTS,  COLUMN_NET,
                                        COLUMN_BLOCK, COLUMN_COMMAND};
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
    if (column == COLUMN_NAME) { /* whole, before any other is shown */
        *min = *ideal = *longest = text < NAME_MAX_COLUMNS ? text : NAME_MAX_COLUMNS;
        return;
    }
    if (text < *ideal)
        *ideal = *longest = text;
    else if (info->grows)
        *longest = text;
    if (*min > *ideal)
        *min = *ideal;
}

int columns_fit(const struct columns *c, int cols, int width[COLUMN_COUNT])
{
    int min[COLUMN_COUNT], ideal[COLUMN_COUNT], longest[COLUMN_COUNT];
    for (int i = 0; i < COLUMN_COUNT; i++) {
        wishes(c, i, &min[i], &ideal[i], &longest[i]);
        min[i] = c->enabled & 1u << i ? min[i] : 0;
        width[i] = 0;
    }
    take_what_fits(cols, EXTRAS, min, width);
    grow(cols, width, ideal);
    grow(cols, width, longest);
    take_what_fits(cols, 0, min, width);
    grow(cols, width, ideal);
    grow(cols, width, longest);
    return used(width);
}
