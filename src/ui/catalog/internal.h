/* catalog/internal.h - what images.c, volumes.c, networks.c and members.c have in common, and
 * transfer.c.
 * Shape   a kind is a table of what they differ in; catalog.c is the view of all. A view may
 *         change its kind: networks and who is on one are one view.
 */
#ifndef UI_CATALOG_INTERNAL_H
#define UI_CATALOG_INTERNAL_H

#include "ui/catalog/catalog.h"
#include "ui/catalog/table.h"
#include "ui/model/traffic.h"

struct catalog;

/* A command that takes long; lives until its process ended. */
struct transfer {
    struct catalog *owner;
    struct transfer *next;
    char title[96]; /* "pull alpine" */
    char id[64], what[32];
    uint64_t done, total, rate;
};

struct catalog_kind {
    struct view_ops ops;
    const struct catalog_column *columns;
    size_t n_columns;
    size_t sort_size, sort_age; /* the columns of these two */
    const char *empty;          /* what is said of an empty list */
    const char *one, *many;     /* "image", "images" */
    int (*load)(struct catalog *c, struct mtd_error *err);
    bool (*command)(struct catalog *c, enum command cmd);
    /* The right end of the line of views; NULL = how many there are, and their sizes. */
    void (*describe)(const struct catalog *c, char *out, size_t size);
    void (*figures)(
        struct catalog *c); /* there are new ones; only of kinds that have some */
    void (*free_extra)(void *extra); /* NULL = free() */
    const char *watched; /* what to watch below the root, besides events.log */
};

struct catalog {
    struct view view;
    const struct catalog_kind *kind;
    struct run_draft *draft;
    struct catalog_table table;
    struct transfer *transfers;
    struct mtd_error problem;
    char *watched[2];
    bool visible;
    void *extra; /* of the kind's */
};

struct view *catalog_new(const struct catalog_kind *kind,
                         const struct surroundings *around, struct run_draft *draft);
void catalog_reload(struct catalog *c);
/* Another list in the same view. at: the key of the row under the cursor; "" = the first. */
void catalog_become(struct catalog *c, const struct catalog_kind *kind, const char *at);

/* Operations of the view, for the kinds' tables. */
void catalog_view_show(struct view *v, bool visible);
bool catalog_view_update(struct view *v);
const char *catalog_view_watch(struct view *v, size_t i);
void catalog_view_draw(struct view *v, struct canvas *c, struct rect r, bool focused);
bool catalog_view_key(struct view *v, const struct key *k);
void catalog_view_free(struct view *v);
#define CATALOG_OPS(title_, context_)                                                 \
    {                                                                                 \
        .title = (title_), .context = (context_), .show = catalog_view_show,          \
        .update = catalog_view_update, .watch = catalog_view_watch,                   \
        .draw = catalog_view_draw, .key = catalog_view_key, .free = catalog_view_free \
    }

/* Runs "VERB WORDS... KEYS of the targets"; NULL-terminated. The list is read again after. */
void catalog_run(struct catalog *c, const char *const words[], bool with_targets);
/* Asks for a line, which arg's command is then given. */
void catalog_ask(struct catalog *c, const char *label, const char *initial,
                 void (*answer)(void *arg, const char *text));
/* Shows what a command that only looks prints about the selected row. */
void catalog_show(struct catalog *c, const char *title, const char *const words[]);
/* "yes" runs words with the targets, "force" the others; each NULL = not offered. */
struct catalog_question {
    const char *title, *text;
    const char *yes_label, *force_label;
    const char *const *yes, *const *force;
    bool with_targets;
};
void catalog_confirm(struct catalog *c, const struct catalog_question *q);

/* ---- joining.c, for networks.c and members.c ---- */

/* Of both kinds: what is known of the networks, and of the traffic. */
struct networks {
    const struct catalog_kind *lists; /* the networks, to go back to */
    struct mtd_net_list list;
    struct traffic traffic;
    char at[256];        /* members: of which network */
    char filter[128];    /* of the networks, while members are shown */
    char made[256];      /* the network that a form was filled in for */
    struct strv offered; /* what a menu asked about, by its rows: ids of containers */
};
extern const struct catalog_kind MEMBERS;
void networks_view_show(struct view *v, bool visible);
void networks_view_sample(struct view *v);
void networks_free_extra(void *extra);
/* "1.2M/88k" and both together; "-" = not known. */
void networks_set_rate(struct catalog_row *r, size_t column, double in, double out);
/* Asks for a container that is not on it, and connects that. */
void networks_connect(struct catalog *c, const char *network);
/* Asks which of those that are on it, if there are several, and whether to. */
void networks_disconnect(struct catalog *c, const char *network);
void networks_confirm_disconnect(struct catalog *c, const char *network, const char *id);
/* made: the name in it, once it is sent off. */
void network_form(const struct surroundings *s,
                  void (*done)(void *arg, int status, const char *output), void *arg,
                  char made[256]);

/* ---- transfer.c ---- */

/* Starts it: argv without --progress. */
void transfer_start(struct catalog *c, const struct strv *argv);
/* The one begun last. false = none is under way. */
bool transfer_cancel(struct catalog *c);
size_t transfer_count(const struct catalog *c);
void transfer_draw(const struct catalog *c, struct canvas *canvas, struct rect r);

#endif
