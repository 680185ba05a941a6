/* logtty - a log view on generated logs of three containers (api, db, job).
 * Shape   one view a test. Whenever the screen is read, the view's pending work is done
 *         first, and no control byte may be on it.
 */
#ifndef LOGTTY_H
#define LOGTTY_H

#include "base/buf.h"
#include "tempdir.h"
#include "ui/log/view.h"

#define LOGTTY_NOW 1767323045000000000LL /* 2026-01-02T03:04:05Z */

extern struct logtty {
    struct tempdir dir;
    struct mtd_engine *engine;
    struct view *view;
    struct canvas canvas;
    struct mtd_summary sums[3];
    unsigned seconds[3]; /* after midnight, of the container's next record; 3 apart */
    char said[600], copied[70000], asked[300], jumped[100];
    int64_t jumped_to;
    void (*ask_changed)(void *arg, const char *text);
    void (*ask_answer)(void *arg, const char *text);
    void *ask_arg;
} logtty;

void logtty_setup(void);
void logtty_teardown(void);
void logtty_size(int rows, int cols);

char *logtty_path(int i);
void logtty_bytes(int i, const char *data, size_t len);
void logtty_record(struct buf *b, int i, const char *stream, char tag, const char *text,
                   size_t len); /* only into b */
void logtty_add(int i, const char *stream, char tag, const char *text, size_t len);
void logtty_line(int i, const char *text);
/* "line N", every hundredth from 42 on with " needle". */
void logtty_numbered(int i, unsigned from, unsigned to);

void logtty_select(int i);
void logtty_press(enum command cmd);  /* must be used */
void logtty_answer(const char *text); /* to what was asked last */
const char *logtty_screen(void);
const char *logtty_status(void);

#define SCREEN(text) cr_assert_str_eq(logtty_screen(), text, "%s", logtty_screen())
#define STATUS(text) cr_assert_str_eq(logtty_status(), text, "%s", logtty_status())

#endif
