/* One pattern is searched in the logs of many containers, one log open at a time, so that
 * their number costs neither memory nor descriptors. */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <stdlib.h>

#include "base/strv.h"
#include "engine/logindex/internal.h"

struct logindex_grep {
    struct strv paths;
    struct logindex_query *query;
    int64_t since;
    size_t source;          /* being searched */
    struct logindex *index; /* its log; NULL = not open yet */
    struct logindex_search search;
    uint64_t scanned; /* in the logs before it */
};

int logindex_grep_new(struct logindex_grep **ret, const char *const *paths, size_t n,
                      const char *pattern, int64_t since, struct mtd_error *err)
{
    struct logindex_grep *g = calloc(1, sizeof(*g));
    if (!g)
        return mtd_fail_errno(err, ENOMEM, "grep");
    g->since = since;
    int rc = logindex_query_new(&g->query, pattern, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        if ((rc = strv_add(&g->paths, paths[i])) < 0)
            mtd_fail_errno(err, -rc, "grep");
    if (rc < 0) {
        logindex_grep_free(g);
        return rc;
    }
    *ret = g;
    return 0;
}

void logindex_grep_free(struct logindex_grep *g)
{
    if (!g)
        return;
    logindex_close(g->index);
    logindex_query_free(g->query);
    strv_done(&g->paths);
    free(g);
}

static int open_source(struct logindex_grep *g)
{
    int rc = logindex_open(&g->index, g->paths.items[g->source], NULL);
    uint64_t at = 0;
    if (rc == 0 && g->since > 0)
        rc = logindex_seek_time(g->index, g->since, &at);
    if (rc == 0)
        logindex_search_init(&g->search, g->index, g->query, at, false);
    return rc;
}

static void next_source(struct logindex_grep *g)
{
    g->scanned += g->search.scanned;
    g->search.scanned = 0;
    logindex_close(g->index);
    g->index = NULL;
    g->source++;
}

/* Where an excerpt of size bytes begins, so that the match is in it. */
static uint64_t excerpt_start(struct logindex_grep *g, const struct log_line *line,
                              size_t size)
{
    struct logindex *x = g->index;
    size_t start = 0, end;
    if (line->len <= size || (!x->joined && !(x->joined = malloc(LOG_LINE_MAX))))
        return 0;
    ssize_t n = logindex_text(x, line, 0, x->joined, LOG_LINE_MAX);
    if (n <= 0 ||
        !logindex_query_match(g->query, x->joined, (size_t)n, 0, &start, &end) ||
        end <= size)
        return 0;
    return start > size / 4 ? start - size / 4 : 0;
}

static int report(struct logindex_grep *g, struct log_hit *ret, char *text, size_t size,
                  size_t *ret_len)
{
    uint64_t from = text ? excerpt_start(g, &ret->line, size - 1) : 0;
    ssize_t n = text ? logindex_text(g->index, &ret->line, from, text, size - 1) : 0;
    if (n < 0)
        n = 0; /* the line is there all the same */
    if (text)
        text[n] = '\0';
    if (ret_len)
        *ret_len = (size_t)n;
    ret->source = g->source;
    return 1;
}

int logindex_grep_next(struct logindex_grep *g, size_t budget, struct log_hit *ret,
                       char *text, size_t size, size_t *ret_len)
{
    uint64_t start = logindex_grep_scanned(g), spent = 0;
    while (g->source < g->paths.len) {
        int rc = g->index ? 0 : open_source(g);
        if (rc == 0 && spent < budget)
            rc = logindex_search_next(&g->search, budget - (size_t)spent, &ret->line);
        else if (rc == 0)
            return -EAGAIN;
        if (rc > 0)
            return report(g, ret, text, size, ret_len);
        if (rc == -ENOMEM)
            return rc;
        if (rc == -EAGAIN)
            return rc;
        next_source(g); /* searched to its end, or it cannot be read */
        spent = logindex_grep_scanned(g) - start;
    }
    return 0;
}

void logindex_grep_skip(struct logindex_grep *g)
{
    if (g->index)
        next_source(g);
}

uint64_t logindex_grep_scanned(const struct logindex_grep *g)
{
    return g->scanned + g->search.scanned;
}

const struct logindex_query *logindex_grep_query(const struct logindex_grep *g)
{
    return g->query;
}
