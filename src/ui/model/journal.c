/* An array, not a ring: a memmove per action costs nothing, and printing is a plain
 * loop. */
#include "ui/model/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ui/draw/format.h"

static void entry_done(struct journal_entry *e)
{
    free(e->line);
    free(e->result);
}

void journal_done(struct journal *j)
{
    for (size_t i = 0; i < j->len; i++)
        entry_done(&j->at[i]);
    j->len = 0;
}

void journal_add(struct journal *j, const struct journal_entry *entry)
{
    if (j->len == JOURNAL_MAX) {
        entry_done(&j->at[0]);
        memmove(j->at, j->at + 1, sizeof(j->at[0]) * (JOURNAL_MAX - 1));
        j->len--;
    }
    struct journal_entry e = *entry;
    e.line = strdup(entry->line);
    e.result = strdup(entry->result ? entry->result : "");
    if (e.line && e.result)
        j->at[j->len++] = e;
    else
        entry_done(&e);
}

int journal_print(const struct journal *j, struct buf *out)
{
    char when[FORMAT_MAX];
    if (j->len == 0)
        return buf_puts(out, "nothing was done yet\n");
    for (size_t i = j->len; i-- > 0;) {
        const struct journal_entry *e = &j->at[i];
        format_time(e->started_at, when);
        buf_printf(out, "%s  %s\n    ", when, e->line);
        if (e->status == 0)
            buf_puts(out, "ok");
        else
            buf_printf(out, "FAILED with status %d", e->status);
        buf_printf(out, " after %lld ms\n", (long long)(e->took_ns / NS_PER_MS));
        for (const char *s = e->result; *s;) {
            size_t n = strcspn(s, "\n");
            buf_printf(out, "    | %.*s\n", (int)n, s);
            s += n + (s[n] == '\n');
        }
    }
    return 0;
}
