/* app - the event loop around the screen: terminal, timers, file events, children,
 * signals. The only place that knows libuv.
 */
#ifndef UI_APP_APP_H
#define UI_APP_APP_H

#include "ui/screen/replay.h"
#include "ui/screen/screen.h"
#include "ui/term/guard.h"
#include "ui/term/term.h"

struct app_setup {
    const struct ui_setup *ui; /* platform and app are filled in */
    struct terminal *term;     /* prepared; NULL with a script */
    struct guard *guard;       /* NULL with a script */
    struct replay *script;     /* NULL = a person */
};
/* Runs until the end; the terminal is restored. Returns the exit status. */
int app_run(const struct app_setup *setup);

#endif
