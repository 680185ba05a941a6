/* Lines of several records in the bytes of one block.
 *
 * Output that a program buffers arrives in chunks, and each ends in the middle of a line: so
 * nearly every block of a busy log has a few P records, though nearly all its lines are whole.
 * Where both halves of such a line stand next to each other it is put together from the bytes;
 * reading the table of the block for it would take longer than all the rest of the search.
 */
#include <errno.h>
#include <string.h>

#include "engine/log/log.h"
#include "engine/logindex/internal.h"

#define TAG_AT 37u /* " P " or " F " in a head */

void logindex_region_partials(struct logindex_region *g)
{
    struct logindex_needle tag;
    struct log_record r;
    logindex_needle_init(&tag, " P ", 3, false);
    const char *p = g->text, *end = g->text + g->len;
    for (g->n_partials = 0; (p = logindex_needle_find(&tag, p, (size_t)(end - p))); p++) {
        const char *head = p - TAG_AT;
        if (head < g->text || (head > g->text && head[-1] != '\n') ||
            end - head < (ptrdiff_t)LOG_HEAD || log_parse(head, LOG_HEAD, &r) < 0)
            continue;
        if (g->n_partials == LOG_PARTIALS) {
            g->n_partials++;
            return;
        }
        g->partials[g->n_partials++] = (uint32_t)(head - g->text);
    }
}

/* The record at text. false = none that is whole and undamaged begins there. */
static bool record_at(const struct logindex_region *g, const char *at,
                      struct log_record *ret)
{
    const char *end = g->text + g->len;
    const char *nl = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    return nl && nl - at < (ptrdiff_t)LOG_RECORD_MAX &&
           log_parse(at, (size_t)(nl - at), ret) == 0;
}

static bool record_before(const struct logindex_region *g, const char *at,
                          struct log_record *ret)
{
    if (at == g->text)
        return false;
    const char *nl = memrchr(g->text, '\n', (size_t)(at - 1 - g->text));
    return record_at(g, nl ? nl + 1 : g->text, ret);
}

ssize_t logindex_region_joined(const struct logindex_region *g, size_t i, char *out,
                               size_t size)
{
    const char *at = g->text + g->partials[i];
    struct log_record before, first, second;
    if (!record_at(g, at, &first) || !record_before(g, at, &before) ||
        before.stream != first.stream)
        return -EAGAIN;
    if (!before.full)
        return 0; /* it goes on with that one's line */
    if (!record_at(g, first.text + first.len + 1, &second) ||
        second.stream != first.stream || !second.full || first.len + second.len > size)
        return -EAGAIN;
    memcpy(out, first.text, first.len);
    memcpy(out + first.len, second.text, second.len);
    return (ssize_t)(first.len + second.len);
}
