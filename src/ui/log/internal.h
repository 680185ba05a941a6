/* internal - what the files of the log view share. */
#ifndef UI_LOG_INTERNAL_H
#define UI_LOG_INTERNAL_H

#include "ui/log/grep.h"
#include "ui/log/pane.h"
#include "ui/log/save.h"

struct logname { /* a source, as the screen names it */
    char id[MTD_ID_SIZE];
    char *name;
    char *dir; /* where its files are: watched for changes */
};

struct logview {
    struct view view;
    bool visible;
    bool merged;
    bool alone; /* a jump went to a log that is not among the merged ones */
    char selected[MTD_ID_SIZE]; /* whose log is shown when not merged; "" = none */
    char *selected_name;
    char asked[LOG_SOURCES][MTD_ID_SIZE]; /* merged: these, in any order */
    size_t n_asked;
    struct logname names[LOG_SOURCES];
    struct logsources logs;
    char problem[160]; /* why nothing is shown; "" = no problem */
    struct logpane pane;
    struct logindex_query *match, *hide;
    struct logmerge find; /* a search under way */
    bool finding, find_backward;
    int find_more;  /* n (+) and N (-) typed while it is under way */
    unsigned since; /* preset */
    struct logsave *save;
    struct loggrep *grep;
    bool grep_shown;
    unsigned jump_nth; /* which of the hits of one time a jump means */
};

void logview_changed(struct logview *v);

/* log/logs.c: which logs are open */
void logview_select(struct view *view, const struct mtd_summary *s);
void logview_close_logs(struct logview *v);

/* log/find.c: what the keys of the log do */
void logview_ask_search(struct logview *v);
void logview_ask_hide(struct logview *v);
void logview_ask_save(struct logview *v);
void logview_find_next(struct logview *v, bool backward);
void logview_stop_finding(struct logview *v);
bool logview_find_work(struct logview *v); /* true = there is more to do */
bool logview_save_work(struct logview *v);
void logview_since(struct logview *v, unsigned preset);
void logview_copy(struct logview *v);
const char *logview_since_name(unsigned preset); /* "5m" */

#endif
