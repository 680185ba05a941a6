/* The order of the groups is that of the header: what wants a look first. */
#include "ui/model/group.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "ui/draw/format.h"

static const struct {
    enum shape shape;
    enum color color;
    const char *word;
} GROUPS[GROUP_COUNT] = {
    [GROUP_UNHEALTHY] = {SHAPE_UNHEALTHY, COLOR_FAILED, "unhealthy"},
    [GROUP_RESTARTING] = {SHAPE_RESTARTING, COLOR_FAILED, "restarting"},
    [GROUP_OOM] = {SHAPE_FAILED, COLOR_FAILED, "OOM"},
    [GROUP_DEAD] = {SHAPE_FAILED, COLOR_FAILED, "dead"},
    [GROUP_BROKEN] = {SHAPE_BROKEN, COLOR_FAILED, "broken"},
    [GROUP_UP] = {SHAPE_RUNNING, COLOR_RUNNING, "up"},
    [GROUP_PAUSED] = {SHAPE_PAUSED, COLOR_PAUSED, "paused"},
    [GROUP_FAILED] = {SHAPE_FAILED, COLOR_FAILED, "failed"},
    [GROUP_EXITED] = {SHAPE_EXITED, COLOR_EXITED, "exited"},
    [GROUP_CREATED] = {SHAPE_CREATED, COLOR_EXITED, "created"},
    [GROUP_REMOVING] = {SHAPE_REMOVING, COLOR_BUSY, "removing"},
};

static enum group ended(const struct mtd_summary *s)
{
    if (s->oom_killed)
        return GROUP_OOM;
    return s->exit_code != 0 || s->error ? GROUP_FAILED : GROUP_EXITED;
}

enum group group_of(const struct mtd_summary *s)
{
    switch (s->state) {
    case MTD_STATE_RUNNING:
        return s->health && strcmp(s->health, "unhealthy") == 0 ? GROUP_UNHEALTHY
                                                                : GROUP_UP;
    case MTD_STATE_PAUSED: return GROUP_PAUSED;
    case MTD_STATE_RESTARTING: return GROUP_RESTARTING;
    case MTD_STATE_EXITED: return ended(s);
    case MTD_STATE_CREATED: return s->error ? GROUP_FAILED : GROUP_CREATED;
    case MTD_STATE_REMOVING: return GROUP_REMOVING;
    case MTD_STATE_DEAD: return GROUP_DEAD;
    default: return GROUP_BROKEN;
    }
}

bool group_needs_look(enum group g)
{
    return g <= GROUP_BROKEN;
}

enum shape group_shape(enum group g)
{
    return GROUPS[g].shape;
}

enum color group_color(enum group g)
{
    return GROUPS[g].color;
}

const char *group_word(enum group g)
{
    return GROUPS[g].word;
}

void group_cause(const struct mtd_summary *s, char *out, size_t size)
{
    char limit[FORMAT_MAX];
    out[0] = '\0';
    if (mtd_state_is_live(s->state))
        return;
    if (s->error)
        snprintf(out, size, "%s", s->error);
    else if (s->oom_killed && s->memory_limit > 0)
        snprintf(out, size, "out of memory at %s",
                 format_size((uint64_t)s->memory_limit, limit));
    else if (s->oom_killed)
        snprintf(out, size, "out of memory");
    else if (s->exit_signal)
        snprintf(out, size, "%s", signal_name(s->exit_signal));
    else if (s->state == MTD_STATE_RESTARTING)
        snprintf(out, size, "status %d", s->exit_code);
}
