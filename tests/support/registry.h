/* registry - Debian's docker-registry on loopback, for one test.
 * Shape   <dir>/registry: its configuration, storage and log; it dies with the test. The
 *         port is chosen by the kernel. Plain http.
 */
#ifndef TEST_REGISTRY_H
#define TEST_REGISTRY_H

#include <stdbool.h>
#include <sys/types.h>

#include "tempdir.h"

struct registry_box {
    char dir[128]; /* absolute */
    char host[32]; /* "127.0.0.1:PORT" */
    pid_t pid;
};
/* Whether all of these programs are there; prints the reason of the skip. Ended by NULL. */
bool programs_are_there(const char *const names[]);
/* password: of the user "me"; NULL = anybody may do anything. Aborts when it does not
 * start. */
void registry_start(struct registry_box *r, const struct tempdir *d,
                    const char *password);
void registry_stop(struct registry_box *r);
/* How many requests its log has that hold the text ("GET /v2/a/blobs/"). */
int registry_requests(const struct registry_box *r, const char *text);
/* Changes a byte in the middle of its largest blob. */
void registry_break(const struct registry_box *r);

#endif
