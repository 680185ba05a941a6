/* inspect_text - texts, lists and times as inspect prints them. */

#include "cli/inspect.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/print.h"

json_t *inspect_text(const char *s)
{
    auto_done(buf_done) struct buf safe = {0};
    if (!s)
        s = "";
    json_t *text = json_string(s);
    if (text || print_visible(&safe, s, strlen(s), "\t\n\r") < 0)
        return text;
    return json_string(safe.data);
}

json_t *inspect_strings(const struct strv *v)
{
    json_t *list = json_array();
    for (size_t i = 0; i < v->len; i++)
        json_array_append_new(list, inspect_text(v->items[i]));
    return list;
}

json_t *inspect_time(int64_t wall_ns)
{
    char text[TIME_TEXT];
    time_format_rfc3339(wall_ns, text);
    return json_string(text);
}

json_t *inspect_labels(const struct strv *labels)
{
    json_t *map = json_object();
    for (size_t i = 0; i < labels->len; i++) {
        const char *text = labels->items[i];
        size_t len = strcspn(text, "=");
        json_object_setn_new(map, text, len,
                             inspect_text(text + len + (text[len] != '\0')));
    }
    return map;
}
