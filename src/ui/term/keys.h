/* keys - ONE table of commands and their keys drives the handler, the footer, the help
 * screen, the manual page and the remap file. Nothing else in the screen knows which key
 * does what.
 * Shape   a key is a Unicode code point, a control code (1..31, 127) or one of enum
 *         key_code, or-ed with KEY_ALT. A binding belongs to a context; the innermost
 *         context wins ('n' is "run" in the list and "next match" in a log).
 * Names   "a", "ctrl-a", "alt-a", "F1", "Up", "PgDn", "Space", "Enter", "Esc", "Tab".
 */
#ifndef UI_TERM_KEYS_H
#define UI_TERM_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

enum key_code {
    KEY_NONE = 0,
    KEY_TAB = 9,
    KEY_ENTER = 13,
    KEY_ESC = 27,
    KEY_BACKSPACE = 127,
    KEY_FIRST = 0x200000, /* above Unicode */
    KEY_UP,
    KEY_DOWN,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_PGUP,
    KEY_PGDN,
    KEY_INSERT,
    KEY_DELETE,
    KEY_BACKTAB,
    KEY_F1, /* ... KEY_F1 + 11 */
    KEY_F12 = KEY_F1 + 11,
    KEY_MOUSE, /* position and button are in struct key */
    KEY_PASTE_BEGIN,
    KEY_PASTE_END,
    KEY_LAST,
    KEY_ALT = 0x400000
};
#define KEY_CTRL(letter) ((letter)&31)

enum mouse { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };

/* Innermost first; a focused view is asked before the screen around it. */
enum context {
    CONTEXT_IMAGES, /* these four fill the screen, with the list's keys below theirs */
    CONTEXT_VOLUMES,
    CONTEXT_NETWORKS,
    CONTEXT_MEMBERS,  /* who is on a network */
    CONTEXT_LOG_FULL, /* the log, full screen */
    CONTEXT_LOG,
    CONTEXT_STATS,
    CONTEXT_TOP,
    CONTEXT_INSPECT,
    CONTEXT_DIFF,
    CONTEXT_EVENTS,
    CONTEXT_DETAIL, /* any tab has the focus */
    CONTEXT_LIST,
    CONTEXT_CONTAINER, /* what acts on the selected container, or shows it */
    CONTEXT_GLOBAL,
    CONTEXT_COUNT
};

enum command {
    CMD_NONE,
    /* moving: goes to whatever has the focus */
    CMD_UP,
    CMD_DOWN,
    CMD_LEFT,
    CMD_RIGHT,
    CMD_PAGE_UP,
    CMD_PAGE_DOWN,
    CMD_HALF_UP,
    CMD_HALF_DOWN,
    CMD_TOP,
    CMD_BOTTOM,
    /* list */
    CMD_FILTER,
    CMD_SORT_MENU,
    CMD_SORT_CPU,
    CMD_SORT_MEMORY,
    CMD_SORT_TIME,
    CMD_SORT_NAME,
    CMD_SORT_REVERSE,
    CMD_SHOW_ALL,
    CMD_MARK,
    CMD_UNMARK,
    CMD_MARK_ALL,
    CMD_OPEN, /* Enter: the detail, or fold / unfold there */
    /* panes */
    CMD_BACK,
    CMD_NEXT_PANE,
    CMD_NEXT_TAB,
    CMD_PREVIOUS_TAB,
    CMD_TAB_1, /* ... CMD_TAB_1 + 8 */
    CMD_TAB_9 = CMD_TAB_1 + 8,
    CMD_ZOOM,
    CMD_LOGS,
    CMD_INSPECT,
    CMD_PROCESSES,
    CMD_WHY,
    /* actions */
    CMD_RUN,
    CMD_STOP_START,
    CMD_RESTART,
    CMD_PAUSE,
    CMD_KILL,
    CMD_REMOVE,
    CMD_COMMIT,
    CMD_RENAME,
    CMD_EXEC,
    CMD_EXEC_ASK,
    CMD_EXEC_SPLIT,
    CMD_ATTACH,
    CMD_SIGNAL, /* a process in Top */
    /* images, volumes and networks */
    CMD_TAG,
    CMD_PULL,
    CMD_PUSH,
    CMD_LOAD,
    CMD_SAVE_IMAGE,
    CMD_BUILD,
    CMD_PRUNE,
    CMD_CREATE,
    CMD_CONNECT,
    CMD_DISCONNECT,
    CMD_CANCEL,
    /* text in views */
    CMD_SEARCH,
    CMD_SEARCH_NEXT,
    CMD_SEARCH_PREVIOUS,
    CMD_HIDE, /* '&': only matching lines */
    CMD_FOLLOW,
    CMD_WRAP,
    CMD_TIMESTAMPS,
    CMD_SAVE,
    CMD_SINCE_0, /* ... CMD_SINCE_0 + 6: everything, then presets */
    CMD_SINCE_6 = CMD_SINCE_0 + 6,
    CMD_FOLD,
    CMD_FOLD_ALL,
    CMD_UNFOLD_ALL,
    /* screen */
    CMD_VIEWS, /* containers, images, volumes, networks */
    CMD_PALETTE,
    CMD_HELP,
    CMD_REDRAW,
    CMD_COPY,
    CMD_MESSAGE, /* the last message, whole */
    CMD_FREEZE,
    CMD_MOUSE,
    CMD_INTERRUPT, /* ctrl-c: asks */
    CMD_SUSPEND,
    CMD_QUIT,
    CMD_COUNT
};

/* A key that was pressed, and its command in the contexts of that moment. */
struct key {
    int key;
    enum command command; /* CMD_NONE: not bound */
    int row, col;         /* KEY_MOUSE: relative to the rectangle of the receiver */
    enum mouse button;
};

#define BINDING_KEYS 6
struct binding {
    enum command command;
    enum context context;
    int keys[BINDING_KEYS]; /* KEY_NONE-terminated unless full */
    const char *name;       /* in the remap file: "stop-start" */
    const char *label; /* in the footer, short: "stop/start"; NULL = not in the footer */
    const char *help;  /* one line */
    bool acts;         /* changes something: locked by --read-only */
    bool remapped;
};

struct keys {
    struct binding *table; /* in the order of the help screen */
    size_t len;
};
int keys_init(struct keys *k); /* the default table; -ENOMEM */
void keys_done(struct keys *k);

/* The command of a key for the active contexts (a bit 1 << enum context each), innermost
 * first; NULL = none. */
const struct binding *keys_find(const struct keys *k, unsigned contexts, int key);
/* The binding of a command that applies; NULL = none. */
const struct binding *keys_of(const struct keys *k, unsigned contexts, enum command cmd);

/* What to press for it, for advice: "s"; "its key" when it was left without one. Returns
 * out. */
const char *keys_for(const struct keys *k, enum command cmd, char out[16]);

int key_parse(const char *name, int *ret);   /* -EINVAL */
const char *key_name(int key, char out[16]); /* returns out */
/* "stop-start = s,ctrl-x": replaces the command's keys; taken from others of the
 * context. */
int keys_remap(struct keys *k, const char *command, const char *list,
               struct mtd_error *err);

const char *context_name(enum context c); /* "Logs" */

/* The table as text: for the manual page (troff) and docs/dashboard.md (Markdown). */
int keys_print(const struct keys *k, bool markdown, struct buf *ret);

#endif
