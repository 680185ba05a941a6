/* The help screen is the table of keys, and what else a newcomer has to know. */
#include <string.h>

#include "base/cleanup.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/text.h"

/* No line is wider than 56: two columns fit on 120. */
static const char NOTES[] = "\n\1Reading the list\n"
                            "  CPU%: 100 is one core. HIST: the last samples.\n"
                            "  A dash: not known yet. Bold: wants a look.\n"
                            "  up, unhealthy (triangle), in 24s (11): starts again\n"
                            "  then, for the 11th time, exit 137 2m: ended so and\n"
                            "  then (circle: status 0, cross: failed), paused,\n"
                            "  created, broken record (it cannot be read).\n"
                            "  PORTS: * is reached from outside, dim is not.\n"
                            "\n\1Filters\n"
                            "  A regex; name: id: img: state: mnt: label: health:\n"
                            "  pid: port: ip: net:, each also with ! in front;\n"
                            "  cpu>10 mem>80% pids>20 restarts>2 age<5m exit=137.\n"
                            "\n\1Files\n"
                            "  $XDG_CONFIG_HOME/mytop-docker/config: scheme,\n"
                            "  columns, sort, refresh, mouse, ascii;\n"
                            "  [keys] command = keys; [colors] meaning = colour.\n"
                            "\n\1Palette\n"
                            "  : runs any batch command line; :journal shows what\n"
                            "  was done, :grep RE searches all logs, :q quits.\n";

static void add_keys(const struct binding *b, struct buf *out)
{
    char name[16];
    size_t start = out->len;
    buf_puts(out, "  ");
    for (int i = 0; i < BINDING_KEYS && b->keys[i]; i++)
        buf_printf(out, "%s%s", i ? " " : "", key_name(b->keys[i], name));
    for (int w = text_width(out->data + start, out->len - start); w < 15; w++)
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
