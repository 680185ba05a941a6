/* The table. Its order is the order of the help screen and, by label, of the footer. */
#include "ui/term/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define C KEY_CTRL

static const struct binding TABLE[] = {
    /* acting on containers: first, for the footer */
    {CMD_RUN, CONTEXT_LIST, {'n'}, "run", "run", "run a new container: a form", true},
    {CMD_STOP_START,
     CONTEXT_GLOBAL,
     {'s'},
     "stop-start",
     "stop/start",
     "stop it if it is running, else start it",
     true},
    {CMD_RESTART, CONTEXT_GLOBAL, {'r'}, "restart", "restart", "restart", true},
    {CMD_EXEC,
     CONTEXT_GLOBAL,
     {'e'},
     "exec",
     "exec",
     "a shell inside the container",
     true},
    {CMD_EXEC_ASK,
     CONTEXT_GLOBAL,
     {'E'},
     "exec-command",
     NULL,
     "exec: asks for the command",
     true},
    {CMD_EXEC_SPLIT,
     CONTEXT_GLOBAL,
     {C('e')},
     "exec-split",
     NULL,
     "a shell in a tmux split (inside tmux)",
     true},
    {CMD_ATTACH,
     CONTEXT_GLOBAL,
     {'a'},
     "attach",
     NULL,
     "attach; ctrl-p ctrl-q or ctrl-c detaches",
     true},
    {CMD_LOGS, CONTEXT_GLOBAL, {'l'}, "logs", "logs", "the log, full screen", false},
    {CMD_COMMIT, CONTEXT_GLOBAL, {'c'}, "commit", "commit", "make an image of it", true},
    {CMD_REMOVE,
     CONTEXT_GLOBAL,
     {'d', KEY_DELETE},
     "remove",
     "rm",
     "remove; asks first",
     true},
    {CMD_PAUSE,
     CONTEXT_GLOBAL,
     {'p'},
     "pause",
     NULL,
     "pause, or resume when paused",
     true},
    {CMD_KILL,
     CONTEXT_GLOBAL,
     {'K', KEY_F1 + 8},
     "kill",
     NULL,
     "kill with a signal: asks for it",
     true},
    {CMD_RENAME, CONTEXT_GLOBAL, {'R'}, "rename", NULL, "give it another name", true},
    {CMD_WHY, CONTEXT_GLOBAL, {'!'}, "why", "why", "why it ended, on one card", false},
    {CMD_INSPECT, CONTEXT_GLOBAL, {'i'}, "inspect", NULL, "its record, foldable", false},
    {CMD_PROCESSES, CONTEXT_GLOBAL, {'T'}, "processes", NULL, "its processes", false},
    /* the list */
    {CMD_FILTER,
     CONTEXT_LIST,
     {'/', KEY_F1 + 3},
     "filter",
     "filter",
     "filter: regex, img: state: cpu>10 mem>80%",
     false},
    {CMD_SHOW_ALL,
     CONTEXT_LIST,
     {'A'},
     "show-all",
     NULL,
     "all containers / only running ones",
     false},
    {CMD_SORT_MENU,
     CONTEXT_LIST,
     {'o', KEY_F1 + 5},
     "sort",
     NULL,
     "sort by: a menu",
     false},
    {CMD_SORT_CPU,
     CONTEXT_LIST,
     {'P'},
     "sort-cpu",
     NULL,
     "sort by CPU (100 = one core)",
     false},
    {CMD_SORT_MEMORY, CONTEXT_LIST, {'M'}, "sort-memory", NULL, "sort by memory", false},
    {CMD_SORT_TIME,
     CONTEXT_LIST,
     {'t'},
     "sort-time",
     NULL,
     "sort by age; what runs comes first",
     false},
    {CMD_SORT_NAME, CONTEXT_LIST, {'N'}, "sort-name", NULL, "sort by name", false},
    {CMD_SORT_REVERSE,
     CONTEXT_LIST,
     {'I'},
     "sort-reverse",
     NULL,
     "reverse the order",
     false},
    {CMD_MARK,
     CONTEXT_LIST,
     {' '},
     "mark",
     NULL,
     "mark: actions apply to all marked ones",
     false},
    {CMD_UNMARK, CONTEXT_LIST, {'U'}, "unmark", NULL, "unmark all", false},
    {CMD_MARK_ALL,
     CONTEXT_LIST,
     {'*'},
     "mark-all",
     NULL,
     "mark all that are shown",
     false},
    /* moving */
    {CMD_UP, CONTEXT_GLOBAL, {'k', KEY_UP}, "up", NULL, "up", false},
    {CMD_DOWN, CONTEXT_GLOBAL, {'j', KEY_DOWN}, "down", NULL, "down", false},
    {CMD_LEFT, CONTEXT_GLOBAL, {KEY_LEFT}, "left", NULL, "scroll left, fold", false},
    {CMD_RIGHT,
     CONTEXT_GLOBAL,
     {KEY_RIGHT},
     "right",
     NULL,
     "scroll right, unfold",
     false},
    {CMD_PAGE_UP,
     CONTEXT_GLOBAL,
     {KEY_PGUP, C('b')},
     "page-up",
     NULL,
     "a page up",
     false},
    {CMD_PAGE_DOWN,
     CONTEXT_GLOBAL,
     {KEY_PGDN, C('f')},
     "page-down",
     NULL,
     "a page down",
     false},
    {CMD_HALF_UP, CONTEXT_GLOBAL, {C('u')}, "half-up", NULL, "half a page up", false},
    {CMD_HALF_DOWN,
     CONTEXT_GLOBAL,
     {C('d')},
     "half-down",
     NULL,
     "half a page down",
     false},
    {CMD_TOP, CONTEXT_GLOBAL, {'g', KEY_HOME}, "top", NULL, "to the beginning", false},
    {CMD_BOTTOM, CONTEXT_GLOBAL, {'G', KEY_END}, "bottom", NULL, "to the end", false},
    {CMD_OPEN,
     CONTEXT_GLOBAL,
     {KEY_ENTER},
     "open",
     NULL,
     "open the detail; there: fold, read again",
     false},
    {CMD_BACK,
     CONTEXT_GLOBAL,
     {KEY_ESC},
     "back",
     NULL,
     "back; clears the filter in the list",
     false},
    {CMD_NEXT_PANE,
     CONTEXT_GLOBAL,
     {KEY_TAB, KEY_BACKTAB},
     "next-pane",
     NULL,
     "switch between list and detail",
     false},
    {CMD_NEXT_TAB, CONTEXT_GLOBAL, {']'}, "next-tab", NULL, "next tab", false},
    {CMD_PREVIOUS_TAB,
     CONTEXT_GLOBAL,
     {'['},
     "previous-tab",
     NULL,
     "previous tab",
     false},
    {CMD_TAB_1, CONTEXT_GLOBAL, {'1'}, "tab-1", NULL, "Logs", false},
    {CMD_TAB_1 + 1, CONTEXT_GLOBAL, {'2'}, "tab-2", NULL, "Stats", false},
    {CMD_TAB_1 + 2, CONTEXT_GLOBAL, {'3'}, "tab-3", NULL, "Top", false},
    {CMD_TAB_1 + 3, CONTEXT_GLOBAL, {'4'}, "tab-4", NULL, "Inspect", false},
    {CMD_TAB_1 + 4, CONTEXT_GLOBAL, {'5'}, "tab-5", NULL, "Diff", false},
    {CMD_TAB_1 + 5, CONTEXT_GLOBAL, {'6'}, "tab-6", NULL, "Events", false},
    {CMD_ZOOM, CONTEXT_GLOBAL, {'+'}, "zoom", NULL, "the pane, full screen", false},
    /* logs */
    {CMD_FOLLOW, CONTEXT_LOG, {'f'}, "follow", "follow", "follow the end", false},
    {CMD_SEARCH, CONTEXT_LOG, {'/'}, "search", "search", "search the whole log", false},
    {CMD_SEARCH_NEXT, CONTEXT_LOG, {'n'}, "search-next", NULL, "next match", false},
    {CMD_SEARCH_PREVIOUS,
     CONTEXT_LOG,
     {'N'},
     "search-previous",
     NULL,
     "previous match",
     false},
    {CMD_HIDE, CONTEXT_LOG, {'&'}, "hide", "hide", "only lines that match", false},
    {CMD_WRAP, CONTEXT_LOG, {'w'}, "wrap", "wrap", "wrap long lines", false},
    {CMD_FOLLOW,
     CONTEXT_LOG_FULL,
     {'F'},
     "log-follow",
     NULL,
     "follow, as in less",
     false},
    {CMD_HALF_DOWN,
     CONTEXT_LOG_FULL,
     {'d'},
     "log-half-down",
     NULL,
     "half a page down, as in less",
     false},
    {CMD_TIMESTAMPS, CONTEXT_LOG, {'t'}, "timestamps", "times", "show the times", false},
    {CMD_SAVE, CONTEXT_LOG, {C('s')}, "save", "save", "save to a file", false},
    {CMD_SINCE_0, CONTEXT_LOG_FULL, {'0'}, "since-all", NULL, "everything", false},
    {CMD_SINCE_0 + 1, CONTEXT_LOG_FULL, {'1'}, "since-1", NULL, "the last minute", false},
    {CMD_SINCE_0 + 2,
     CONTEXT_LOG_FULL,
     {'2'},
     "since-2",
     NULL,
     "the last 5 minutes",
     false},
    {CMD_SINCE_0 + 3,
     CONTEXT_LOG_FULL,
     {'3'},
     "since-3",
     NULL,
     "the last 15 minutes",
     false},
    {CMD_SINCE_0 + 4, CONTEXT_LOG_FULL, {'4'}, "since-4", NULL, "the last hour", false},
    {CMD_SINCE_0 + 5,
     CONTEXT_LOG_FULL,
     {'5'},
     "since-5",
     NULL,
     "the last 6 hours",
     false},
    {CMD_SINCE_0 + 6,
     CONTEXT_LOG_FULL,
     {'6'},
     "since-6",
     NULL,
     "the last 24 hours",
     false},
    /* all tabs: as in less */
    {CMD_PAGE_DOWN,
     CONTEXT_DETAIL,
     {' '},
     "detail-page-down",
     NULL,
     "a page down",
     false},
    {CMD_PAGE_UP, CONTEXT_DETAIL, {'b'}, "detail-page-up", NULL, "a page up", false},
    {CMD_HALF_UP, CONTEXT_DETAIL, {'u'}, "detail-half-up", NULL, "half a page up", false},
    {CMD_TOP, CONTEXT_DETAIL, {'<'}, "detail-top", NULL, "to the beginning", false},
    {CMD_BOTTOM, CONTEXT_DETAIL, {'>'}, "detail-bottom", NULL, "to the end", false},
    /* other tabs */
    {CMD_SIGNAL,
     CONTEXT_TOP,
     {'x', 'K', KEY_F1 + 8},
     "signal",
     "signal",
     "signal the process under the cursor",
     true},
    {CMD_SORT_CPU, CONTEXT_TOP, {'P'}, "top-cpu", NULL, "sort by CPU", false},
    {CMD_SORT_MEMORY, CONTEXT_TOP, {'M'}, "top-memory", NULL, "sort by memory", false},
    {CMD_SORT_TIME, CONTEXT_TOP, {'T'}, "top-time", NULL, "sort by CPU time", false},
    {CMD_SORT_NAME, CONTEXT_TOP, {'N'}, "top-pid", NULL, "sort by pid", false},
    {CMD_FOLD_ALL, CONTEXT_INSPECT, {'-'}, "fold-all", "fold", "fold everything", false},
    {CMD_UNFOLD_ALL,
     CONTEXT_INSPECT,
     {'='},
     "unfold-all",
     "unfold",
     "unfold everything",
     false},
    {CMD_SEARCH,
     CONTEXT_INSPECT,
     {'/'},
     "inspect-search",
     "search",
     "search the record",
     false},
    {CMD_SEARCH_NEXT, CONTEXT_INSPECT, {'n'}, "inspect-next", NULL, "next match", false},
    {CMD_SEARCH_PREVIOUS,
     CONTEXT_INSPECT,
     {'N'},
     "inspect-previous",
     NULL,
     "previous match",
     false},
    /* the screen */
    {CMD_PALETTE,
     CONTEXT_GLOBAL,
     {':'},
     "palette",
     NULL,
     "any verb; :journal, :grep RE; Tab, Up",
     false},
    {CMD_COPY,
     CONTEXT_GLOBAL,
     {'y'},
     "copy",
     NULL,
     "copy the id, or the line shown",
     false},
    {CMD_MESSAGE,
     CONTEXT_GLOBAL,
     {'L'},
     "message",
     NULL,
     "the last message again, whole",
     false},
    {CMD_FREEZE,
     CONTEXT_GLOBAL,
     {'Z'},
     "freeze",
     NULL,
     "freeze the screen until pressed again",
     false},
    {CMD_MOUSE,
     CONTEXT_GLOBAL,
     {'m'},
     "mouse",
     NULL,
     "mouse: used here, or left to the terminal",
     false},
    {CMD_REDRAW,
     CONTEXT_GLOBAL,
     {C('l')},
     "redraw",
     NULL,
     "draw the screen again",
     false},
    {CMD_SUSPEND,
     CONTEXT_GLOBAL,
     {C('z')},
     "suspend",
     NULL,
     "back to the shell; fg returns",
     false},
    {CMD_INTERRUPT,
     CONTEXT_GLOBAL,
     {C('c')},
     "interrupt",
     NULL,
     "quit, after asking",
     false},
    {CMD_HELP, CONTEXT_GLOBAL, {'?', 'h', KEY_F1}, "help", "help", "this help", false},
    {CMD_QUIT,
     CONTEXT_GLOBAL,
     {'q', KEY_F1 + 9},
     "quit",
     "quit",
     "quit; from a full-screen pane: back",
     false},
};

int keys_init(struct keys *k)
{
    k->table = malloc(sizeof(TABLE));
    if (!k->table)
        return -ENOMEM;
    memcpy(k->table, TABLE, sizeof(TABLE));
    k->len = ARRAY_SIZE(TABLE);
    return 0;
}

void keys_done(struct keys *k)
{
    free(k->table);
    *k = (struct keys){0};
}

static bool has_key(const struct binding *b, int key)
{
    for (int i = 0; i < BINDING_KEYS && b->keys[i]; i++)
        if (b->keys[i] == key)
            return true;
    return false;
}

/* Within a context remapped bindings come first: a user's choice beats a default. */
static const struct binding *search(const struct keys *k, enum context c, int key)
{
    const struct binding *found = NULL;
    for (size_t i = 0; i < k->len; i++) {
        const struct binding *b = &k->table[i];
        if (b->context == c && has_key(b, key) && (!found || b->remapped))
            found = b;
    }
    return found;
}

const struct binding *keys_find(const struct keys *k, unsigned contexts, int key)
{
    for (int c = 0; c < CONTEXT_COUNT && key; c++) {
        const struct binding *b =
            contexts & 1u << c ? search(k, (enum context)c, key) : NULL;
        if (b)
            return b;
    }
    return NULL;
}

const struct binding *keys_of(const struct keys *k, unsigned contexts, enum command cmd)
{
    for (size_t i = 0; i < k->len; i++)
        if (k->table[i].command == cmd && contexts & 1u << k->table[i].context)
            return &k->table[i];
    return NULL;
}

const char *keys_for(const struct keys *k, enum command cmd, char out[16])
{
    const struct binding *b = keys_of(k, ~0u, cmd);
    if (b && b->keys[0])
        return key_name(b->keys[0], out);
    snprintf(out, 16, "its key");
    return out;
}

const char *context_name(enum context c)
{
    static const char *const NAMES[CONTEXT_COUNT] = {
        [CONTEXT_LOG_FULL] = "Full-screen log",
        [CONTEXT_LOG] = "Logs",
        [CONTEXT_STATS] = "Stats",
        [CONTEXT_TOP] = "Top",
        [CONTEXT_INSPECT] = "Inspect",
        [CONTEXT_DIFF] = "Diff",
        [CONTEXT_EVENTS] = "Events",
        [CONTEXT_DETAIL] = "Detail",
        [CONTEXT_LIST] = "List",
        [CONTEXT_GLOBAL] = "Everywhere",
    };
    return NAMES[c];
}
