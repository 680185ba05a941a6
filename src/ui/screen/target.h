/* target - which containers a key acts on.
 * Rule    commands and questions name a container by its id, because a name can become
 *         another container's at any moment; messages name it by its name.
 */
#ifndef UI_SCREEN_TARGET_H
#define UI_SCREEN_TARGET_H

#include "ui/dialog/dialog.h"
#include "ui/screen/state.h"

struct targets {
    const struct row *rows[CONFIRM_MAX]; /* valid until the list is read again */
    size_t n;
};
/* The marked ones, else the selected one. false = there is none; the message line says
 * so. */
bool targets_find(struct ui *ui, struct targets *ret);
/* Those of the subjects that are still there. */
void targets_again(const struct ui *ui, const struct subject *s, size_t n,
                   struct targets *ret);

/* r when it is running; else NULL, and the message line says why. r may be NULL. */
const struct row *target_running(struct ui *ui, const struct row *r, const char *verb);
const struct row *target_selected_running(struct ui *ui, const char *verb);

#endif
