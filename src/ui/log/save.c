/* A log may have gigabytes: it is written in pieces between keys, and only up to where it
 * ended when saving began. */
#include "ui/log/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/output.h"

#define PIECE (64u << 10)

struct logsave {
    struct output file;
    const struct logsources *logs;
    struct strv names;
    struct logindex_query *hide;
    struct logmerge merge;
    struct logplace end; /* what is written later is not saved */
    bool times;
    uint64_t lines;
    struct logref ref; /* being written */
    uint64_t written;  /* bytes of it; UINT64_MAX = none is */
    struct buf out;
};

int logsave_new(struct logsave **ret, const struct logsave_spec *spec,
                struct mtd_error *err)
{
    struct logsave *s = calloc(1, sizeof(*s));
    if (!s)
        return mtd_fail_errno(err, ENOMEM, "save");
    s->file = OUTPUT_NONE;
    s->logs = spec->logs;
    s->times = spec->times;
    s->written = UINT64_MAX;
    int r = spec->hide ? logindex_query_new(&s->hide, spec->hide, err) : 0;
    for (size_t i = 0; r == 0 && i < spec->logs->n; i++)
        r = strv_add(&s->names, spec->names[i]);
    if (r == 0)
        r = output_open(&s->file, spec->path, 0600, OUTPUT_NEW, err);
    if (r < 0) {
        logsave_free(s);
        return mtd_fail_errno(err, -r, "save to \"%s\"", spec->path);
    }
    logplace_end(s->logs, &s->end);
    logmerge_forward(&s->merge, s->logs, s->hide, spec->from);
    *ret = s;
    return 0;
}

static int begin_line(struct logsave *s)
{
    char time[TIME_TEXT];
    s->written = 0;
    s->lines++;
    if (s->logs->n > 1)
        buf_printf(&s->out, "%s ", s->names.items[s->ref.source]);
    if (s->times && s->ref.line.time) {
        time_format_rfc3339(s->ref.line.time, time);
        buf_printf(&s->out, "%s ", time);
    }
    return 0;
}

/* One piece of the line; 1 = it is complete. */
static int add_text(struct logsave *s)
{
    const struct log_line *line = &s->ref.line;
    int r = buf_reserve(&s->out, PIECE);
    if (r < 0)
        return r;
    ssize_t n = logindex_text(s->logs->index[s->ref.source], line, s->written,
                              s->out.data + s->out.len, PIECE);
    if (n < 0)
        return (int)n;
    s->out.len += (size_t)n;
    s->written += (uint64_t)n;
    if (n > 0 && s->written < line->len)
        return 0;
    s->written = UINT64_MAX;
    return buf_putc(&s->out, '\n') < 0 ? -ENOMEM : 1;
}

/* 1 = a piece was taken, 0 = there is no more. */
static int take(struct logsave *s, size_t budget)
{
    int r = 1;
    if (s->written == UINT64_MAX) {
        r = logmerge_next(&s->merge, budget, &s->ref);
        if (r <= 0)
            return r;
        if (s->ref.line.start >= s->end.at[s->ref.source])
            return 0;
        begin_line(s);
    }
    r = add_text(s);
    return r < 0 ? r : 1;
}

int logsave_work(struct logsave *s, size_t budget, struct mtd_error *err)
{
    for (size_t spent = 0; spent < budget;) {
        size_t before = s->out.len;
        int r = take(s, budget);
        if (r == -EAGAIN)
            return r;
        if (r < 0)
            return mtd_fail_errno(err, -r, "reading the log");
        spent += s->out.len - before + 64;
        if (r == 0 || s->out.len >= PIECE) {
            int w = fs_write_all(s->file.fd, s->out.data, s->out.len);
            s->out.len = 0;
            if (w < 0)
                return mtd_fail_errno(err, -w, "writing \"%s\"", s->file.path);
        }
        if (r == 0)
            return output_commit(&s->file, false, err);
    }
    return -EAGAIN;
}

uint64_t logsave_lines(const struct logsave *s)
{
    return s->lines;
}

const char *logsave_path(const struct logsave *s)
{
    return s->file.path;
}

void logsave_free(struct logsave *s)
{
    if (!s)
        return;
    output_done(&s->file);
    logindex_query_free(s->hide);
    strv_done(&s->names);
    buf_done(&s->out);
    free(s);
}
