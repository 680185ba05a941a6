/* As shells do it: recalling starts at the newest line, and the line being typed is
 * kept. */
#include "ui/model/history.h"

#include <stdlib.h>
#include <string.h>

static void take_out(struct line_history *h, size_t i)
{
    free(h->at[i]);
    h->len--;
    memmove(h->at + i, h->at + i + 1, (h->len - i) * sizeof(h->at[0]));
}

void line_history_add(struct line_history *h, const char *text)
{
    if (text[strspn(text, " ")] == '\0')
        return;
    char *copy = strdup(text);
    if (!copy)
        return;
    for (size_t i = 0; i < h->len; i++)
        if (strcmp(h->at[i], text) == 0) {
            take_out(h, i);
            break;
        }
    if (h->len == LINE_HISTORY_MAX)
        take_out(h, 0);
    h->at[h->len++] = copy;
}

void line_history_done(struct line_history *h)
{
    for (size_t i = 0; i < h->len; i++)
        free(h->at[i]);
    h->len = 0;
}

bool line_recall(const struct line_history *h, struct line_recall *r, struct line *l,
                 bool older)
{
    if (older ? r->back >= h->len : r->back == 0)
        return false;
    if (r->back == 0)
        memcpy(r->typed, l->text, sizeof(r->typed));
    r->back += older ? 1 : (size_t)-1;
    line_set(l, r->back ? h->at[h->len - r->back] : r->typed);
    return true;
}
