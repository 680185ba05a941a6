/* model - what the list shows: containers by identity, filtered, sorted, with figures.
 * Shape   a list of summaries (replaced whole when something changed) and per identity a
 *         track that outlives it: mark, pending action, samples. `shown` is the list
 *         after filter and sort. The selection belongs to an id; when that is gone, the
 *         row at the same place is selected.
 * Units   CPU in percent of one core; bytes and bytes per second; -1 = not known yet.
 * Owner   model_done frees; rows are valid until the next model_take().
 */
#ifndef UI_MODEL_MODEL_H
#define UI_MODEL_MODEL_H

#include "base/buf.h"
#include "engine/engine.h"
#include "ui/model/filter.h"
#include "ui/model/group.h"

#define MODEL_HISTORY 120

enum series {
    SERIES_CPU,
    SERIES_THROTTLED, /* percent of the periods */
    SERIES_MEMORY,
    SERIES_PIDS,
    SERIES_BLK_READ, /* per second, as the next three */
    SERIES_BLK_WRITE,
    SERIES_NET_RX,
    SERIES_NET_TX,
    SERIES_PSI_CPU, /* percent of the time */
    SERIES_PSI_MEMORY,
    SERIES_PSI_IO,
    SERIES_COUNT
};

struct sample {
    float value[SERIES_COUNT]; /* < 0 = not known */
};

struct history {
    struct sample at[MODEL_HISTORY]; /* a ring */
    unsigned head, len;              /* head = where the next one goes */
};

struct track {
    char id[MTD_ID_SIZE];
    bool marked, alive;
    char busy[24];           /* "stopping": an action under way; "" = none */
    struct mtd_stats last;   /* taken_at 0 = none */
    struct sample now;       /* rates between the last two */
    struct history *history; /* NULL until the first sample */
    bool known;              /* group is what news_read() saw last */
    bool loop_told;          /* that it restarts was news already */
    enum group group;
    char *note;                /* notes.h; NULL = none */
    enum mtd_state note_state; /* what it was read for */
    int64_t note_finished;
};

struct row {
    const struct mtd_summary *s;
    struct track *t;
};

enum sort {
    SORT_TIME,
    SORT_NAME,
    SORT_CPU,
    SORT_MEMORY,
    SORT_PIDS,
    SORT_STATE,
    SORT_IMAGE,
    SORT_COUNT
};
const char *sort_name(enum sort s); /* "time" */
int sort_parse(const char *name, enum sort *ret);

struct model {
    struct mtd_list list;
    struct row *rows; /* all, in the list's order */
    struct row **shown;
    size_t n_shown;
    struct track **tracks; /* by id */
    size_t n_tracks;
    size_t cursor; /* index into shown */
    char selected[MTD_ID_SIZE];
    char wanted[MTD_ID_SIZE]; /* selected as soon as it is there; "" = none */
    bool at_top; /* sorted anew and not moved since: the first row stays selected */
    enum sort sort;
    bool reverse, running_only;
    struct filter filter;
    int64_t sample_ns; /* between two readings: for the axis of time */
    int64_t now_ns;    /* wall; set with every reading: for filters by age */
    unsigned count[MTD_STATE_COUNT], groups[GROUP_COUNT];
    bool stale;        /* a process of the list has ended since: read it again */
    char problem[248]; /* why the list could not be read; "" = it could */
};

void model_init(struct model *m);
void model_done(struct model *m);
int model_refresh(struct model *m, struct mtd_engine *e); /* -errno: problem says why */
int model_take(struct model *m, struct mtd_list *list);   /* moves it in; -ENOMEM */
void model_arrange(struct model *m); /* filter and sort again; the selection stays */

int model_filter(struct model *m, const char *text, struct mtd_error *err);
/* The same again reverses. The first row is selected: that is what was asked for. */
void model_sort(struct model *m, enum sort s);

const struct row *model_selected(const struct model *m); /* NULL = nothing shown */
/* Also finds hidden ones. */
const struct row *model_find(const struct model *m, const char *id);
/* A command line for people: ids of containers in it become their names. */
int model_words(const struct model *m, const struct strv *argv, struct buf *ret);
void model_move(struct model *m, int delta);
void model_select(struct model *m, size_t index);
bool model_select_id(struct model *m, const char *id); /* false = not shown */

/* The rows an action applies to: the marked ones that are shown, in the order of the
 * screen, else the selected one. At most max; none while all marked ones are hidden. */
size_t model_targets(const struct model *m, const struct row **ret, size_t max);
size_t model_marked(const struct model *m);
size_t model_marked_shown(const struct model *m); /* of those: not hidden by a filter */
void model_mark_all(struct model *m, bool on);    /* the shown ones */

/* Takes figures of shown rows first..first+n; of all that run when sorted by a figure. */
void model_sample(struct model *m, struct mtd_engine *e, size_t first, size_t n);
void model_sample_row(struct model *m, struct mtd_engine *e, const struct row *r);
/* Feeds one reading: the arithmetic of model_sample, without a kernel. */
void track_feed(struct track *t, const struct mtd_stats *s);
/* i = 0 is the newest; NULL = there are not that many. */
const struct sample *track_sample(const struct track *t, unsigned i);

const char *model_common_image(const struct model *m); /* NULL = not all are of one */

static inline bool row_is_alive(const struct row *r)
{
    return mtd_state_is_live(r->s->state);
}

#endif
