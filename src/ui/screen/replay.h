/* replay - a dashboard driven by a file instead of a person: for tests and for the manual's
 * screens. One step per line, '#' comments:
 *   key NAME ...      keys by name: j Enter ctrl-l (keys.h)
 *   type TEXT         every character of the rest of the line as a key
 *   resize ROWS COLS
 *   wait TEXT         until the screen shows TEXT (10 s at most, else the script fails)
 *   gone TEXT         until it does not
 *   clock RFC3339     the wall clock, which stands still (default 2026-01-02T03:04:05Z)
 *   dump [FILE]       the screen as text, to FILE or stdout
 *   styles [FILE]     its colours
 *   svg [FILE]        the screen as a picture (svg.h)
 *   quit
 * Pure: time and screen come from the caller.
 */
#ifndef UI_SCREEN_REPLAY_H
#define UI_SCREEN_REPLAY_H

#include "ui/screen/screen.h"

struct replay {
    char *text, *next;
    unsigned line;       /* number of the present step */
    int64_t clock_ns;    /* wall */
    const char *waiting; /* text waited for; NULL = not waiting */
    bool until_gone;
    int64_t deadline; /* monotonic ns */
    int status;       /* exit status once ended */
    bool ended;
    int rows, cols; /* wished for by resize */
};
int replay_load(struct replay *s, const char *path, struct mtd_error *err);
void replay_done(struct replay *s);
/* Runs steps until one has to wait or the script ended. Draws into c as needed. */
void replay_run(struct replay *s, struct ui *ui, struct canvas *c, int64_t mono_ns);

#endif
