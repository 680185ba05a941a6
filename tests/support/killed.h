/* killed - a program that is killed at its nth system call that changes something.
 * Shape   the program, all that it starts and one more process are traced until it ends; their calls are counted in the
 *         order in which they come. Whoever makes the nth gets SIGKILL before it is done. What is left
 *         when the program has ended goes on untraced.
 * Counted what makes, writes or removes files, mounts, groups, sockets, processes and namespaces, sends, and
 *         the end of each process.
 */
#ifndef TEST_KILLED_H
#define TEST_KILLED_H

#include <sys/types.h>

struct killed {
    int count;   /* of the calls that came */
    int status;  /* exit status of the program; 128+n when signal n ended it */
    int call;    /* the number of the nth; -1 = there were fewer */
    int process; /* whose it was: 0 = the program's, else one that it has started */
};
/* n: from 1; 0 = none is killed. other: a process that is there already and traced as well; 0 = none.
 * Streams are /dev/null. */
struct killed killed_at(const char *const argv[], pid_t other, int n);

#endif
