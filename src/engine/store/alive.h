/* alive - <run-root>/alive: one read tells whether a monitor or a commit was killed.
 * Shape   a header, then one 32-bit word for each such process: 0 = free, else its thread
 *         id. The process maps its word and registers it as a robust futex, so that
 *         however it ends, SIGKILL included, the kernel itself puts FUTEX_OWNER_DIED in
 *         it. A process that has nothing left to clean up puts 0 there. Free words are
 *         reused; the file never shrinks.
 * Users   monitors, from before they make a run directory until it is removed; a commit
 *         while it keeps a container frozen.
 * Trust   the words are those of one boot. A run directory whose monitor has no
 *         word (the file was removed, the program updated) shows in the number of
 *         links of the run root.
 * Locks   OFD locks of single bytes: 0 = the file is created, grown or a word is
 *         assigned, 1 = dead words are being cleared. A process that waits for the first
 *         may hold the second.
 * Process a single thread of it: the robust list is the thread's.
 * Source  kernel robust-futexes.rst, robust-futex-ABI.rst
 */
#ifndef ENGINE_STORE_ALIVE_H
#define ENGINE_STORE_ALIVE_H

#include <linux/futex.h>

#include "engine/store/store.h"

/* Must not move in memory from enter to leave. All zero = not entered. */
struct alive {
    struct robust_list_head head;
    struct robust_list link;
    struct robust_list_head *before; /* of the C library */
    uint32_t *word, *page;           /* the mapping: of the page, for the word */
    size_t size;                     /* of the page */
};

/* Call it before making what must not be left behind. Entering twice is no error. */
int alive_enter(struct store *s, struct alive *a, struct mtd_error *err);
/* Call it when nothing is left behind. Does nothing if not entered. */
void alive_leave(struct alive *a);
/* The same for a process that ends next: what it has mapped goes with it. */
void alive_end(struct alive *a);

/* Everything in the run root belongs to a running process; false also if
 * that is not known. */
bool alive_all(struct store *s, const char *boot_id);

/* The dead words, to be cleared when what their owners left has been cleaned up. */
struct alive_dead {
    int fd; /* -1 = there is no such file, or another process is clearing */
    off_t *words;
    size_t n;
    bool any; /* also set while another process is clearing */
};
void alive_find_dead(struct store *s, const char *boot_id, struct alive_dead *ret);
/* settled = all is cleaned up; otherwise the next process finds the words again. */
void alive_forget_dead(struct alive_dead *d, bool settled);

#endif
