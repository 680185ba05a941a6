/* The help screen is the table of keys, and what else a newcomer has to know. */
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

static const char NOTES[] =
    "\n\1Reading the list\n"
    "  CPU%: 100 is one core. HIST: the last samples. A dash: not known yet.\n"
    "  States: running, paused, exited (circle: status 0, cross: failed), created,\n"
    "  restarting, removing, broken (the record cannot be read).\n"
    "  Filters: a regex, and name: id: img: state: mnt: label: health: pid: port:,\n"
    "  each also with ! in front; cpu>10 mem>80% pids>20 restarts>2 age<5m.\n"
    "\n\1Files\n"
    "  $XDG_CONFIG_HOME/mytop-docker/config: scheme, columns, sort, refresh,\n"
    "  mouse, ascii; [keys] command = keys; [colors] meaning = colour.\n"
    "\n\1Palette\n"
    "  : runs any batch command line; :journal shows what was done, :grep RE\n"
    "  searches all logs, :q quits.\n";

static void add_keys(const struct binding *b, struct buf *out)
{
    char name[16];
    size_t start = out->len;
    buf_puts(out, "  ");
    for (int i = 0; i < BINDING_KEYS && b->keys[i]; i++)
        buf_printf(out, "%s%s", i ? " " : "", key_name(b->keys[i], name));
    for (int w = text_width(out->data + start, out->len - start); w < 20; w++)
        buf_putc(out, ' ');
}

static void add_context(const struct keys *keys, int context, struct buf *out)
{
    bool any = false;
    for (size_t i = 0; i < keys->len; i++) {
        const struct binding *b = &keys->table[i];
        if ((int)b->context != context)
            continue;
        if (!any)
            buf_printf(out, "%s\1%s\n", out->len ? "\n" : "",
                       context_name((enum context)context));
        any = true;
        add_keys(b, out);
        buf_printf(out, "%s\n", b->help);
    }
}

struct modal *help_new(const struct keys *keys, unsigned contexts)
{
    auto_done(buf_done) struct buf text = {0};
    for (int first = 1; first >= 0; first--)
        for (int c = 0; c < CONTEXT_COUNT; c++)
            if ((int)((contexts >> c) & 1u) == first)
                add_context(keys, c, &text);
    buf_puts(&text, NOTES);
    return pager_new("mytop-docker: keys", text.data ? text.data : "");
}
