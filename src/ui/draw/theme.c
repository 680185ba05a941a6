/* Schemes as tables. Blue and orange stay apart for every common kind of colour
 * blindness; red and green are never opposites. */
#include "ui/draw/theme.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static const char *const NAMES[] = {
    "text",    "dim",     "bar",    "heading", "border", "key",    "selected",   "marked",
    "running", "paused",  "exited", "failed",  "busy",   "graph",  "graph-high", "limit",
    "info",    "warning", "error",  "input",   "match",  "stderr", "alert",
};
_Static_assert(ARRAY_SIZE(NAMES) == COLOR_LANE, "every semantic colour has a name");

static const struct look DEFAULT[COLOR_COUNT] = {
    [COLOR_TEXT] = {-1, -1, 0},
    [COLOR_DIM] = {244, -1, 0},
    [COLOR_BAR] = {255, 236, 0},
    [COLOR_HEADING] = {75, -1, ATTR_BOLD},
    [COLOR_BORDER] = {240, -1, 0},
    [COLOR_KEY] = {214, -1, ATTR_BOLD},
    [COLOR_SELECTED] = {255, 24, 0},
    [COLOR_MARKED] = {226, -1, ATTR_BOLD},
    [COLOR_RUNNING] = {39, -1, 0},
    [COLOR_PAUSED] = {226, -1, 0},
    [COLOR_EXITED] = {244, -1, 0},
    [COLOR_FAILED] = {208, -1, ATTR_BOLD},
    [COLOR_BUSY] = {141, -1, 0},
    [COLOR_GRAPH] = {39, -1, 0},
    [COLOR_GRAPH_HIGH] = {208, -1, 0},
    [COLOR_LIMIT] = {226, -1, 0},
    [COLOR_INFO] = {75, -1, 0},
    [COLOR_WARNING] = {226, -1, 0},
    [COLOR_ERROR] = {231, 124, ATTR_BOLD},
    [COLOR_INPUT] = {255, 238, 0},
    [COLOR_MATCH] = {16, 226, 0},
    [COLOR_STDERR] = {216, -1, 0},
    [COLOR_ALERT] = {214, 236, ATTR_BOLD},
};

static const struct look MONOCHROME[COLOR_COUNT] = {
    [COLOR_DIM] = {-1, -1, ATTR_DIM},
    [COLOR_BAR] = {-1, -1, ATTR_REVERSE},
    [COLOR_HEADING] = {-1, -1, ATTR_BOLD},
    [COLOR_KEY] = {-1, -1, ATTR_BOLD},
    [COLOR_SELECTED] = {-1, -1, ATTR_REVERSE},
    [COLOR_MARKED] = {-1, -1, ATTR_BOLD},
    [COLOR_FAILED] = {-1, -1, ATTR_BOLD},
    [COLOR_ALERT] = {-1, -1, ATTR_REVERSE | ATTR_BOLD},
    [COLOR_LIMIT] = {-1, -1, ATTR_BOLD},
    [COLOR_WARNING] = {-1, -1, ATTR_BOLD},
    [COLOR_ERROR] = {-1, -1, ATTR_REVERSE | ATTR_BOLD},
    [COLOR_INPUT] = {-1, -1, ATTR_UNDERLINE},
    [COLOR_MATCH] = {-1, -1, ATTR_REVERSE},
    [COLOR_STDERR] = {-1, -1, ATTR_UNDERLINE},
};

static const struct look HIGH_CONTRAST[COLOR_COUNT] = {
    [COLOR_TEXT] = {15, 0, 0},
    [COLOR_DIM] = {15, 0, 0},
    [COLOR_BAR] = {0, 15, ATTR_BOLD},
    [COLOR_HEADING] = {15, 0, ATTR_BOLD | ATTR_UNDERLINE},
    [COLOR_BORDER] = {15, 0, 0},
    [COLOR_KEY] = {11, 0, ATTR_BOLD},
    [COLOR_SELECTED] = {0, 11, ATTR_BOLD},
    [COLOR_MARKED] = {11, 0, ATTR_BOLD},
    [COLOR_RUNNING] = {14, 0, ATTR_BOLD},
    [COLOR_PAUSED] = {11, 0, ATTR_BOLD},
    [COLOR_EXITED] = {15, 0, 0},
    [COLOR_FAILED] = {15, 1, ATTR_BOLD},
    [COLOR_BUSY] = {13, 0, ATTR_BOLD},
    [COLOR_GRAPH] = {14, 0, ATTR_BOLD},
    [COLOR_GRAPH_HIGH] = {11, 0, ATTR_BOLD},
    [COLOR_LIMIT] = {11, 0, ATTR_BOLD},
    [COLOR_INFO] = {14, 0, ATTR_BOLD},
    [COLOR_WARNING] = {11, 0, ATTR_BOLD},
    [COLOR_ERROR] = {15, 1, ATTR_BOLD},
    [COLOR_INPUT] = {0, 15, 0},
    [COLOR_MATCH] = {0, 11, ATTR_BOLD},
    [COLOR_STDERR] = {11, 0, 0},
    [COLOR_ALERT] = {15, 1, ATTR_BOLD},
};

static const short LANES[8] = {39, 208, 141, 226, 79, 213, 250, 110};

static const struct {
    const char *name;
    const struct look *looks;
} SCHEMES[SCHEME_COUNT] = {
    [SCHEME_DEFAULT] = {"default", DEFAULT},
    [SCHEME_MONOCHROME] = {"monochrome", MONOCHROME},
    [SCHEME_HIGH_CONTRAST] = {"high-contrast", HIGH_CONTRAST},
};

int scheme_parse(const char *name, enum scheme *ret)
{
    for (int i = 0; i < SCHEME_COUNT; i++)
        if (strcmp(name, SCHEMES[i].name) == 0) {
            *ret = (enum scheme)i;
            return 0;
        }
    return -EINVAL;
}

void theme_init(struct theme *t, enum scheme s)
{
    bool mono = s == SCHEME_MONOCHROME;
    for (int i = 0; i < COLOR_COUNT; i++) {
        t->looks[i] = SCHEMES[s].looks[i];
        if (mono)
            t->looks[i].fg = t->looks[i].bg = -1;
    }
    for (int i = 0; i < 8 && !mono; i++)
        t->looks[COLOR_LANE + i] = (struct look){LANES[i], -1, 0};
    for (int i = 0; i < 16 && !mono; i++)
        t->looks[COLOR_ANSI + i] = (struct look){(short)i, -1, 0};
}

static int parse_color(const char *word, short *ret)
{
    static const char *const BASIC[] = {"black", "red",     "green", "yellow",
                                        "blue",  "magenta", "cyan",  "white"};
    for (size_t i = 0; i < ARRAY_SIZE(BASIC); i++)
        if (strcmp(word, BASIC[i]) == 0) {
            *ret = (short)i;
            return 0;
        }
    if (strcmp(word, "default") == 0) {
        *ret = -1;
        return 0;
    }
    uint64_t n;
    int rc = parse_u64(word, 255, &n);
    if (rc == 0)
        *ret = (short)n;
    return rc < 0 ? -EINVAL : 0;
}

static int parse_attr(const char *word)
{
    static const struct {
        const char *name;
        int attr;
    } ATTRS[] = {{"bold", ATTR_BOLD},
                 {"dim", ATTR_DIM},
                 {"underline", ATTR_UNDERLINE},
                 {"reverse", ATTR_REVERSE},
                 {"none", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(ATTRS); i++)
        if (strcmp(word, ATTRS[i].name) == 0)
            return ATTRS[i].attr;
    return -EINVAL;
}

int theme_set(struct theme *t, const char *color, const char *text)
{
    struct look look = {-1, -1, 0};
    auto_free char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    short *next = &look.fg;
    char *save = NULL;
    for (char *w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        int attr = parse_attr(w);
        if (attr >= 0)
            look.attrs |= (uint8_t)attr;
        else if (strcmp(w, "on") == 0)
            next = &look.bg;
        else if (parse_color(w, next) < 0)
            return -EINVAL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(color, NAMES[i]) == 0) {
            t->looks[i] = look;
            return 0;
        }
    return -EINVAL;
}
