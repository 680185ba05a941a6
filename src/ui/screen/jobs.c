/* Every action is a child process running the command line: it cannot block the screen,
 * and what is in the journal can be typed again. */
#include "ui/screen/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/words.h"
#include "ui/dialog/dialog.h"
#include "ui/draw/format.h"
#include "ui/draw/text.h"

struct job *job_new(struct ui *ui)
{
    struct job *j = calloc(1, sizeof(*j));
    if (j) {
        j->ui = ui;
        j->done = job_finish;
    }
    return j;
}

void job_free(struct job *j)
{
    if (!j)
        return;
    strv_done(&j->argv);
    strv_done(&j->ids);
    buf_done(&j->output);
    buf_done(&j->partial);
    free(j->title);
    free(j);
}

int job_arg(struct job *j, const char *arg)
{
    return j ? strv_add(&j->argv, arg) : -ENOMEM;
}

int job_about(struct job *j, const struct row *r)
{
    return j ? strv_add(&j->ids, r->s->id) : -ENOMEM;
}

#define OUTPUT_MAX (8u << 20)
#define LINE_LONGEST (64u << 10) /* a longer one is no step */

static void add_output(struct job *j, const char *data, size_t len)
{
    if (j->output.len < OUTPUT_MAX)
        buf_add(&j->output, data, len);
}

static void end_line(struct job *j)
{
    struct buf *p = &j->partial;
    size_t len = p->len && p->data[p->len - 1] == '\n' ? p->len - 1 : p->len;
    if (p->len && !j->line(j, p->data, len))
        add_output(j, p->data, p->len);
    p->len = 0;
}

void job_output(struct job *j, const char *data, size_t len)
{
    if (!j->line) {
        add_output(j, data, len);
        return;
    }
    while (len > 0) {
        const char *nl = memchr(data, '\n', len);
        size_t n = nl ? (size_t)(nl + 1 - data) : len;
        buf_add(&j->partial, data, n);
        if (nl || j->partial.len > LINE_LONGEST)
            end_line(j);
        data += n;
        len -= n;
    }
}

static bool is_id(const char *word)
{
    return strlen(word) == MTD_ID_LEN && strspn(word, "0123456789abcdef") == MTD_ID_LEN;
}

static int add_shown(const struct job *j, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < j->argv.len; i++)
        if (i == 0 || i != j->hidden)
            rc = strv_add(ret, j->argv.items[i]);
    return rc;
}

/* With ids as short as `ps` prints them. */
char *job_line(const struct job *j)
{
    struct buf b = {0};
    auto_done(strv_done) struct strv words = {0};
    if (add_shown(j, &words) < 0)
        return NULL;
    for (size_t i = 0; i < words.len; i++)
        if (is_id(words.items[i]))
            words.items[i][MTD_SHORT_ID_LEN] = '\0';
    if (!j->external)
        buf_puts(&b, "mytop-docker --batch ");
    words_join(&words, &b);
    return buf_take(&b);
}

/* Now, because names change and what is removed has none afterwards. */
static void set_title(struct job *j)
{
    struct buf b = {0};
    auto_done(strv_done) struct strv words = {0};
    if (add_shown(j, &words) == 0)
        model_words(&j->ui->model, &words, &b);
    j->title = buf_take(&b);
}

static void set_busy(struct ui *ui, const struct strv *ids, const char *text)
{
    for (size_t i = 0; i < ids->len; i++) {
        const struct row *r = model_find(&ui->model, ids->items[i]);
        if (r)
            snprintf(r->t->busy, sizeof(r->t->busy), "%s", text);
    }
}

void job_start(struct job *j, const char *busy)
{
    if (!j)
        return;
    struct ui *ui = j->ui;
    j->started_at = ui_now(ui);
    j->started_mono = ui->platform->mono_ns(ui->app);
    set_busy(ui, &j->ids, busy ? busy : "");
    ui->jobs++;
    set_title(j);
    int rc = ui->platform->start(ui->app, j);
    if (rc < 0) {
        buf_printf(&j->output, "cannot start a process: %s", strerror(-rc));
        j->done(j, 125);
    }
}

/* Without the words in front. */
static const char *skip(const char *text, const char *words)
{
    size_t len = strlen(words);
    return strncmp(text, words, len) == 0 ? text + len : text;
}

/* The line that says why: the last one that is not empty, without "mytop-docker: VERB: " in
 * front, since the verb is told anyway. */
static void last_line(const struct buf *output, const char *verb, char *ret, size_t size)
{
    size_t end = output->len, start;
    while (end > 0 && strchr("\r\n ", output->data[end - 1]))
        end--;
    for (start = end; start > 0 && output->data[start - 1] != '\n'; start--)
        ;
    char line[500];
    snprintf(line, sizeof(line), "%.*s", (int)(end - start),
             output->data ? output->data + start : "");
    const char *s = skip(line, "mytop-docker: "), *after = skip(s, verb);
    snprintf(ret, size, "%s", after > s ? skip(after, ": ") : s);
}

static void report(struct job *j, int status, int64_t took)
{
    char why[400];
    const char *title = j->title ? j->title : "";
    last_line(&j->output, j->argv.items[0], why, sizeof(why));
    if (j->terminal) { /* it printed to the terminal */
        if (status >= 125 && status <= 127)
            ui_say(j->ui, SAY_ERROR, "FAILED %d  %s", status, title);
    } else if (j->cancelled && status != 0)
        ui_say(j->ui, SAY_WARNING, "cancelled  %s", title);
    else if (status != 0 && why[0])
        ui_say(j->ui, SAY_ERROR, "FAILED %d  %s: %s", status, j->argv.items[0], why);
    else if (status != 0)
        ui_say(j->ui, SAY_ERROR, "FAILED %d  %s, without a message", status, title);
    else
        ui_say(j->ui, SAY_INFO, "done %.1f s  %s", (double)took / NS_PER_SEC, title);
}

/* One long line, as an error is, must be readable without scrolling to the right; tables
 * keep their lines. */
static void show_output(struct ui *ui, const char *title, const struct buf *output)
{
    auto_done(buf_done) struct buf rows = {0};
    const char *nl = memchr(output->data, '\n', output->len);
    bool one_line = !nl || nl + 1 == output->data + output->len;
    if (one_line)
        text_wrap(output->data, ui->cols > 12 ? ui->cols - 4 : 8, 0, &rows);
    ui_push(ui, pager_new(title, one_line && rows.data ? rows.data : output->data));
}

void job_finish(struct job *j, int status)
{
    struct ui *ui = j->ui;
    auto_free char *line = job_line(j);
    if (j->line)
        end_line(j);
    int64_t took = ui->platform->mono_ns(ui->app) - j->started_mono;
    set_busy(ui, &j->ids, "");
    ui->jobs--;
    if (line) {
        journal_add(&ui->journal, &(struct journal_entry){.line = line,
                                                          .result = j->output.data,
                                                          .started_at = j->started_at,
                                                          .took_ns = took,
                                                          .status = status});
    }
    report(j, status, took);
    bool said = j->output.data && j->output.len > 0;
    if (j->show && line && said && (status == 0 || strchr(j->output.data, '\n')))
        show_output(ui, j->title ? j->title : line, &j->output);
    job_free(j);
    ui_request(ui, REQUEST_REFRESH);
}
