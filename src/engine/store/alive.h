/* alive - <run-root>/alive: one read tells whether a process that must not die unnoticed has.
 * Shape   a header, then one 32-bit word for each such process: 0 = free, else its thread id.
 *         The process maps its word and registers it as a robust futex, so that however it ends,
 *         SIGKILL included, the kernel itself puts FUTEX_OWNER_DIED in it. A process that leaves
 *         nothing behind puts 0 there. Free words are used again; the file never shrinks.
 * Who     monitors, from before they make a run directory until it is gone; a commit while it
 *         keeps a container frozen.
 * Trust   the words are those of one boot. A run directory whose monitor has no word (the file
 *         was removed, the program updated) shows in the number of links of the run root.
 * Locks   OFD locks of single bytes: 0 = the file is created, grows or gives a word away, 1 = dead
 *         words are being taken away. A process that waits for the first may hold the second.
 * Process a single thread of it: the robust list is the thread's.
 * Source  kernel robust-futexes.rst, robust-futex-ABI.rst
 */
#ifndef ENGINE_STORE_ALIVE_H
#define ENGINE_STORE_ALIVE_H

#include <linux/futex.h>

#include "engine/store/store.h"

/* Stays where it is from enter to leave. All zero: not entered. */
struct alive {
    struct robust_list_head head;
    struct robust_list link;
    struct robust_list_head *before; /* of the C library */
    uint32_t *word, *page;           /* the mapping: of the page, for the word */
};

/* Before the process makes what it must not leave behind. Entering twice is no error. */
int alive_enter(struct store *s, struct alive *a, struct mtd_error *err);
/* Nothing is left behind. Not entered: nothing happens. */
void alive_leave(struct alive *a);

/* Everything in the run root belongs to a living process. False when that cannot be told. */
bool alive_all(struct store *s, const char *boot_id);

/* The dead words, to be taken away when what their owners left has been put right. */
struct alive_dead {
    int fd; /* -1 = there is no such file, or another process is at it */
    off_t *words;
    size_t n;
    bool any; /* also when another process is at it */
};
void alive_find_dead(struct store *s, const char *boot_id, struct alive_dead *ret);
/* settled = all is put right; otherwise the next one to ask sees them again. */
void alive_forget_dead(struct alive_dead *d, bool settled);

#endif
