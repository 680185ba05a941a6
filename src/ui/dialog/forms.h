/* forms - the forms of run, commit and rename: each opens a dialog and runs its command.
 */
#ifndef UI_DIALOG_FORMS_H
#define UI_DIALOG_FORMS_H

#include "base/strv.h"
#include "ui/dialog/form.h"
#include "ui/view/surroundings.h"

/* What was filled in, until a run has succeeded; kept by the caller, all zero =
 * nothing. */
struct run_draft {
    struct strv fields;
    struct model *model; /* selects what was started */
};
void form_run(const struct surroundings *s, struct run_draft *draft);
/* With this image or volume filled in, whatever the draft has; NULL = as form_run(). */
void form_run_with(const struct surroundings *s, struct run_draft *draft,
                   const char *image, const char *volume);

/* The same with this network. */
void form_run_on(const struct surroundings *s, struct run_draft *draft,
                 const char *network);

/* A container's name that only `of` (NULL = none) may have already. */
int form_check_name(const struct form *f, const char *typed, const struct row *of,
                    struct mtd_error *err);

/* About the selected container. */
void form_commit(const struct surroundings *s);
void form_rename(const struct surroundings *s);

#endif
