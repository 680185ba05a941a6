/* A row has room for one line: the cause, and the last line of the log. */
#include "ui/model/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/ansi.h"
#include "ui/model/group.h"

enum { LINE_BYTES = 500 };

/* As the log view shows it: a progress bar in its last state. */
static int add_text(const char *text, size_t n, struct buf *out)
{
    while (n && text[n - 1] == '\r')
        n--;
    const char *last = memrchr(text, '\r', n);
    size_t from = last ? (size_t)(last + 1 - text) : 0;
    n = n - from > LINE_BYTES ? from + LINE_BYTES : n;
    return ansi_plain(text + from, n - from, out);
}

static int open_log(struct mtd_engine *e, const char *id)
{
    auto_free char *path = e ? mtd_path(e, id, "log") : NULL;
    char *slash = path ? strrchr(path, '/') : NULL;
    if (!slash)
        return -ENOENT;
    *slash = '\0';
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int notes_last_lines(struct mtd_engine *e, const char *id, unsigned lines,
                     const char *out_mark, const char *err_mark, struct buf *ret)
{
    auto_fd int dir = open_log(e, id);
    struct log_reader reader;
    struct log_record rec;
    bool fresh = true;
    int n = 0, rc = dir < 0 ? dir : log_reader_open(&reader, dir, false, 0, NULL);
    if (rc < 0)
        return rc;
    log_reader_tail(&reader, lines);
    for (; log_reader_next(&reader, &rec) == 1; fresh = rec.full) {
        if (fresh)
            buf_puts(ret, rec.stream == LOG_STDERR ? err_mark : out_mark);
        n += fresh;
        add_text(rec.text, rec.len, ret);
        if (rec.full)
            buf_putc(ret, '\n');
    }
    log_reader_close(&reader);
    if (!fresh)
        buf_putc(ret, '\n');
    return n;
}

/* What a probe printed may be many lines: the first says what is wrong. */
static void note_probe(struct mtd_engine *e, const char *id, struct buf *out)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_free struct mtd_health *h = calloc(1, sizeof(*h));
    mtd_record_init(&r);
    if (!h || mtd_inspect(e, id, &r, NULL) < 0)
        return;
    mtd_health(e, &r, h);
    if (h->n == 0)
        return;
    const struct mtd_health_result *last = &h->log[h->n - 1];
    size_t n = strcspn(last->output, "\r\n");
    if (n)
        ansi_plain(last->output, n, out);
    else
        buf_printf(out,
                   last->exit_code < 0 ? "the probe took too long"
                                       : "the probe ended with status %d",
                   last->exit_code);
    buf_printf(out, " (%u in a row)", h->failing_streak);
}

static void note_end(struct mtd_engine *e, const struct mtd_summary *s, struct buf *out)
{
    auto_done(buf_done) struct buf line = {0};
    char cause[200];
    group_cause(s, cause, sizeof(cause));
    buf_puts(out, cause);
    if (s->error || s->state == MTD_STATE_CREATED ||
        notes_last_lines(e, s->id, 1, "", "", &line) < 1 || line.len < 2)
        return;
    buf_printf(out, "%s%.*s", cause[0] ? ": " : "", (int)line.len - 1, line.data);
}

static bool has_note(const struct mtd_summary *s)
{
    return group_of(s) == GROUP_UNHEALTHY || !mtd_state_is_live(s->state);
}

/* A stopped one's does not change until it is started; a probe's with every check. */
static bool is_current(const struct row *r)
{
    const struct track *t = r->t;
    return !mtd_state_is_live(r->s->state) && t->note && t->note_state == r->s->state &&
           t->note_finished == r->s->finished_at;
}

bool notes_is_missing(const struct row *r)
{
    return has_note(r->s) && !r->t->note;
}

static void read_one(struct mtd_engine *e, const struct row *r)
{
    struct buf text = {0};
    struct track *t = r->t;
    if (is_current(r))
        return;
    if (has_note(r->s) && mtd_state_is_live(r->s->state))
        note_probe(e, r->s->id, &text);
    else if (has_note(r->s))
        note_end(e, r->s, &text);
    free(t->note);
    t->note = has_note(r->s) ? buf_take(&text) : NULL;
    t->note_state = r->s->state;
    t->note_finished = r->s->finished_at;
}

void notes_read(struct model *m, struct mtd_engine *e, size_t first, size_t n)
{
    for (size_t i = first; e && i < first + n && i < m->n_shown; i++)
        read_one(e, m->shown[i]);
}
