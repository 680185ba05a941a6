/* forms - the forms of run, commit and rename. */
#ifndef UI_DIALOG_FORMS_H
#define UI_DIALOG_FORMS_H

#include "ui/screen/state.h"

void form_run(struct ui *ui);
void form_commit(struct ui *ui);
void form_rename(struct ui *ui);

#endif
