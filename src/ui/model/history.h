/* line_history - the lines answered to one kind of question, as a shell keeps them:
 * newest last, no line twice, kept as long as the program runs. Never written to a file:
 * a command line may hold a password.
 * Owner   line_history_done frees; all zero is an empty history.
 */
#ifndef UI_MODEL_HISTORY_H
#define UI_MODEL_HISTORY_H

#include "ui/model/line.h"

#define LINE_HISTORY_MAX 100
struct line_history {
    char *at[LINE_HISTORY_MAX];
    size_t len;
};
/* A line of blanks only is not kept; one that is there already moves to the end. */
void line_history_add(struct line_history *h, const char *text);
void line_history_done(struct line_history *h);

/* One walk through the history, from one question: all zero at its beginning. */
struct line_recall {
    size_t back; /* 0 = the line being typed, 1 = the newest one ... */
    char typed[LINE_MAX_BYTES];
};
/* To the line before (older) or after; after the newest comes what had been typed. false
 * = there is none in that direction. */
bool line_recall(const struct line_history *h, struct line_recall *r, struct line *l,
                 bool older);

#endif
