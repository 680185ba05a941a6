/* A restart policy can make an end a second: of a loop the first is told, until the container
 * has been up for a while. */
#include "ui/model/news.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define LONG_RUN (10 * NS_PER_SEC) /* as the restart policy has it */

static bool was_well(enum group g)
{
    return g == GROUP_UP || g == GROUP_PAUSED;
}

static void tell_end(const struct mtd_summary *s, const char *name, char *out,
                     size_t size)
{
    char cause[160];
    group_cause(s, cause, sizeof(cause));
    bool said = strncmp(cause, "status ", 7) == 0;
    snprintf(out, size, "%s died: exit %d%s%s%s", name, s->exit_code,
             cause[0] && !said ? ", " : "", said ? "" : cause,
             s->state == MTD_STATE_RESTARTING ? "; it is started again" : "");
}

/* false = nothing worth an interruption. */
static bool tell(const struct row *r, enum group was, enum group is, char *out,
                 size_t size)
{
    const char *name = r->s->name ? r->s->name : r->s->id;
    bool again = was == GROUP_UNHEALTHY || was_well(was);
    if (is == GROUP_UNHEALTHY)
        snprintf(out, size, "%s is unhealthy", name);
    else if (again && (is == GROUP_OOM || is == GROUP_FAILED || is == GROUP_RESTARTING ||
                       is == GROUP_DEAD))
        tell_end(r->s, name, out, size);
    else
        return false;
    return true;
}

unsigned news_read(struct model *m, char *out, size_t size)
{
    unsigned n = 0;
    enum group worst = GROUP_COUNT;
    out[0] = '\0';
    for (size_t i = 0; i < m->list.len; i++) {
        struct track *t = m->rows[i].t;
        enum group is = group_of(m->rows[i].s);
        enum group was = t->known ? t->group : is;
        char text[256];
        if (is == GROUP_UP && m->now_ns - m->rows[i].s->started_at > LONG_RUN)
            t->loop_told = false;
        bool again = is == GROUP_RESTARTING && t->loop_told;
        bool told = was != is && !t->busy[0] && !again &&
                    tell(&m->rows[i], was, is, text, sizeof(text));
        t->loop_told |= told && is == GROUP_RESTARTING;
        t->known = true;
        t->group = is;
        n += told;
        if (told && is < worst) {
            worst = is;
            snprintf(out, size, "%s", text);
        }
    }
    return n;
}
