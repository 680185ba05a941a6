/* config - $XDG_CONFIG_HOME/mytop-docker/config (or ~/.config/...).
 * Shape   lines of base/settings.h. Sections: keys
 *         (command = keys), colors (meaning = look), and the unnamed first one: scheme,
 *         columns, sort, refresh (seconds), mouse, ascii.
 * Errors  a wrong line is named by file and number and ignored; the first is kept for the
 *         screen. A missing file is no error.
 */
#ifndef UI_MODEL_CONFIG_H
#define UI_MODEL_CONFIG_H

#include "base/error.h"
#include "ui/draw/theme.h"
#include "ui/model/model.h"
#include "ui/term/keys.h"

struct config {
    struct theme theme;
    unsigned columns; /* bits 1 << enum column */
    enum sort sort;
    bool mouse;
    bool ascii;
    int64_t refresh_ns;
    struct mtd_error problem; /* the first wrong line; code 0 = none */
    unsigned wrong;           /* lines ignored */
};
void config_init(struct config *c); /* the defaults, with regard to NO_COLOR */
int config_load(struct config *c, struct keys *k, const char *path);
/* Parses a text as if it were the file; messages call it name. */
void config_parse(struct config *c, struct keys *k, const char *name, char *text);
char *config_path(void); /* caller frees; NULL = no home */

#endif
