/* notified - a listener for seccomp's notified calls, as an agent on a host is one.
 * Shape   a child of the test at a socket in the directory of `box` (ocibox.h). It takes one descriptor
 *         after the other and writes down the word that came along; mkdir it answers with the number
 *         of the test, all else passes.
 */
#ifndef TEST_NOTIFIED_H
#define TEST_NOTIFIED_H

#include <jansson.h>
#include <stdbool.h>

enum notified_manner {
    NOTIFIED_ANSWERS,
    NOTIFIED_IGNORES, /* takes the descriptor and lets all calls wait */
    NOTIFIED_LEAVES,  /* takes it and ends */
    NOTIFIED_BUSY,    /* never takes a connection, and has one waiting */
    NOTIFIED_GONE,    /* its socket is there, and nobody listens */
};
/* error: of mkdir. */
void notified_begin(enum notified_manner how, int error);
void notified_end(void);
const char *notified_path(void);
/* The word number i (from 0) that came; waits for it. To be freed. */
json_t *notified_word(int i);

#endif
