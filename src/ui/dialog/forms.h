/* forms - the forms of run, commit and rename: each opens a dialog and runs its command.
 */
#ifndef UI_DIALOG_FORMS_H
#define UI_DIALOG_FORMS_H

#include "base/strv.h"
#include "ui/view/surroundings.h"

/* What was filled in, until a run has succeeded; kept by the caller, all zero = nothing. */
struct run_draft {
    struct strv fields;
    struct model *model; /* selects what was started */
};
void form_run(const struct surroundings *s, struct run_draft *draft);

/* About the selected container. */
void form_commit(const struct surroundings *s);
void form_rename(const struct surroundings *s);

#endif
