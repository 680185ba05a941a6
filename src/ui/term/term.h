/* term - the terminal: the only place that knows ncurses (its terminfo layer).
 * Shape   term_prepare() learns the capabilities and saves the line settings;
 *         term_enter() takes the screen, term_restore() gives it back. term_paint()
 *         compares the canvas with what the terminal shows and emits only changed cells.
 *         Output is UTF-8 by our own encoder, so neither a locale nor wide-character
 *         tables need to be installed; without a terminfo file a built-in xterm, vt100 or
 *         linux description is used.
 * Rule    term_restore() is the one function that gives a terminal back. It uses only
 *         write() and tcsetattr(), may be called any number of times, and by the guard.
 * Owner   the descriptors remain the caller's; term_done frees buffers.
 */
#ifndef UI_TERM_TERM_H
#define UI_TERM_TERM_H

#include <termios.h>

#include "ui/draw/canvas.h"
#include "ui/draw/theme.h"

#define TERM_RESTORE_MAX 256
struct term_caps; /* strings by capability, in term.c */

struct terminal {
    int fd;               /* the terminal; -1 = none */
    struct termios saved; /* as it was found */
    bool have_saved, entered, mouse;
    bool utf8;          /* by LC_ALL, LC_CTYPE, LANG */
    int colors;         /* 0, 8, 16, 256 */
    bool xterm_like;    /* knows mouse, bracketed paste, OSC 52 */
    const char *notice; /* shown once as a message: "unknown terminal..."; NULL */
    struct term_caps *caps;
    char restore[TERM_RESTORE_MAX];
    size_t restore_len;
    struct canvas shown; /* what the terminal shows; rows 0 = unknown */
    struct style style;  /* in force; color COLOR_COUNT = unknown */
    int row, col;        /* of the terminal's cursor; -1 = unknown */
    bool cursor_on;
    struct buf out; /* not yet written */
    size_t out_done;
    struct theme theme;
};

/* 0, -ENOTTY, -EOPNOTSUPP = the terminal cannot address its cursor (dumb). term is
 * $TERM. */
int term_prepare(struct terminal *t, int fd, const char *term, const struct theme *theme);
void term_set_theme(struct terminal *t, const struct theme *theme);
void term_done(struct terminal *t);
int term_enter(struct terminal *t, bool mouse);
void term_restore(struct terminal *t);

/* Queues what changed; returns bytes queued (0 = nothing changed). */
int term_paint(struct terminal *t, const struct canvas *c);
void term_forget(struct terminal *t); /* the next paint redraws every cell */
void term_set_mouse(struct terminal *t, bool on);
/* The clipboard, by OSC 52; false = this terminal does not know it. */
bool term_copy(struct terminal *t, const char *text, size_t n);
/* Writes queued output: 1 = all written, 0 = the terminal does not take more now,
 * -EIO... */
int term_flush(struct terminal *t);
/* -ENOTTY when unknown. */
int term_size(int fd, int *rows, int *cols);

#endif
