/* guard - the terminal is given back however the dashboard ends.
 * Shape   the program forks before it takes the terminal: the child is the dashboard, the
 *         parent waits. Whichever survives gives the terminal back: the parent after
 *         SIGSEGV, SIGABRT or SIGKILL of the child; the child (PR_SET_PDEATHSIG) when the
 *         parent was killed. A shell started by `exec` gets SIGHUP then, so that none is
 *         left behind.
 * Rule    the parent allocates nothing and knows nothing but the terminal; signals sent
 *         to it are passed on to the child.
 */
#ifndef UI_TERM_GUARD_H
#define UI_TERM_GUARD_H

#include <sys/types.h>

#include "ui/term/term.h"

/* One page shared by the two. */
struct guard {
    volatile pid_t handover; /* the process that has the terminal instead; 0 = none */
    volatile int entered;    /* the dashboard holds the terminal */
};

/* 0 in the child, its pid in the parent, or -errno. */
pid_t guard_fork(struct guard **ret);
/* Ends the shell that has the terminal, and waits for that (2 s at most). */
void guard_hang_up(struct guard *g);
/* The parent: waits, restores, returns the exit status. */
int guard_watch(pid_t child, struct guard *g, struct terminal *t);

#endif
