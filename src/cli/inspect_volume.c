/* inspect_volume - docker's object for `volume inspect`. */

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/inspect.h"

static json_t *words_or_null(const struct strv *words)
{
    return words->len ? inspect_labels(words) : json_null();
}

/* docker gives whole seconds, in the local zone. */
json_t *inspect_volume(struct mtd_engine *e, const struct mtd_volume *v)
{
    char time[TIME_TEXT];
    auto_free char *path = mtd_volume_path(e, v->name);
    time_format_local(v->created_at, false, time);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "CreatedAt", time, "Driver",
                     "local", "Labels", words_or_null(&v->labels), "Mountpoint",
                     inspect_text(path), "Name", inspect_text(v->name), "Options",
                     words_or_null(&v->options), "Scope", "local");
}
