/* What nearly every file of the screen needs: the message line, the stack of dialogs, the
 * clock. */
#include "ui/screen/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ui_say(struct ui *ui, enum say level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(ui->message.text, sizeof(ui->message.text), fmt, ap);
    va_end(ap);
    ui->message.level = level;
    if (ui->message.text[0])
        ui->last_message = ui->message;
}

void ui_push(struct ui *ui, struct modal *m)
{
    if (!m)
        return;
    m->around = &ui->around;
    m->below = ui->modal;
    ui->modal = m;
}

void ui_close(struct ui *ui, struct modal *m)
{
    for (struct modal **at = &ui->modal; *at; at = &(*at)->below)
        if (*at == m) {
            *at = m->below;
            m->ops->free(m);
            return;
        }
}

void ui_request(struct ui *ui, enum request r)
{
    ui->platform->request(ui->app, r);
}

struct line_history *ui_history(struct ui *ui, const char *label)
{
    for (size_t i = 0; i < QUESTIONS_MAX; i++) {
        struct answered *q = &ui->answers[i];
        if (q->label[0] == '\0')
            snprintf(q->label, sizeof(q->label), "%s", label);
        if (strcmp(q->label, label) == 0)
            return &q->history;
    }
    return NULL;
}

int64_t ui_now(const struct ui *ui)
{
    return ui->platform->wall_ns(ui->app);
}

struct view *ui_view(const struct ui *ui)
{
    return ui->page ? ui->pages[ui->page] : ui->tabs[ui->tab];
}

unsigned ui_contexts(const struct ui *ui)
{
    unsigned bits = 1u << CONTEXT_GLOBAL;
    if (ui->page)
        return bits | 1u << CONTEXT_LIST | 1u << ui_view(ui)->ops->context;
    bits |= 1u << CONTEXT_CONTAINER;
    bool detail = ui->layout.pane == PANE_DETAIL ||
                  (ui->layout.pane == PANE_BOTH && ui->focus_detail);
    if (!detail)
        return bits | 1u << CONTEXT_LIST;
    bits |= 1u << CONTEXT_DETAIL | 1u << ui->tabs[ui->tab]->ops->context;
    if (ui->tab == TAB_LOGS && ui->zoom)
        bits |= 1u << CONTEXT_LOG_FULL;
    return bits;
}
