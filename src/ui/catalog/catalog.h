/* catalog - the lists of images, volumes and networks, each a view that fills the screen.
 * Shape   what a list does on a key is a command line, run by errands; what takes long is a
 *         transfer, whose progress is read from its output (--progress json) and shown below
 *         the list until it ends or is cancelled.
 * Owner   the surroundings and the draft are borrowed and outlive them. view_free() frees.
 */
#ifndef UI_CATALOG_CATALOG_H
#define UI_CATALOG_CATALOG_H

#include "ui/dialog/forms.h"
#include "ui/view/view.h"

struct view *images_view_new(const struct surroundings *around, struct run_draft *draft);
struct view *volumes_view_new(const struct surroundings *around, struct run_draft *draft);
struct view *networks_view_new(const struct surroundings *around,
                               struct run_draft *draft);

#endif
