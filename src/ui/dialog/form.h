/* form - a dialog of labelled fields; it shows the equivalent command line while typing.
 * Keys    Tab completes, else next field; up, down; Space ticks; Enter submits; Esc
 *         cancels.
 * Owner   the form copies initial texts; arg is malloc'ed and owned.
 */
#ifndef UI_DIALOG_FORM_H
#define UI_DIALOG_FORM_H

#include "ui/dialog/modal.h"
#include "ui/model/line.h"

struct form;
enum field_kind { FIELD_TEXT, FIELD_CHECK };
struct form_field {
    const char *label, *hint;
    enum field_kind kind;
};

struct form_ops {
    const char *title;
    const struct form_field *fields;
    size_t n_fields;
    /* Batch arguments out of the fields. -EINVAL: *ret_field is the invalid one, err says
     * why. Called after every key: no slow work. */
    int (*build)(const struct form *f, struct strv *ret, size_t *ret_field,
                 struct mtd_error *err);
    void (*submit)(struct form *f, const struct strv *argv);
    /* Everything possible in a field that begins with its text; may be NULL. */
    int (*complete)(const struct form *f, size_t field, struct strv *ret);
    enum modal_result (*update)(struct form *f); /* may be NULL */
    const char *(*note)(const struct form *f);   /* one more line, may be NULL */
};

struct form {
    struct modal modal;
    const struct form_ops *ops;
    struct line *lines; /* by field; ticks hold "x" or "" */
    size_t at, top;
    void *arg;
    char title[96];
};
struct modal *form_new(const struct form_ops *ops, const char *title, void *arg);
/* The form behind a modal, when it is one of these; else NULL. */
struct form *form_of(struct modal *m, const struct form_ops *ops);
const char *form_text(const struct form *f, size_t field);
bool form_ticked(const struct form *f, size_t field);
void form_set(struct form *f, size_t field, const char *text);

#endif
