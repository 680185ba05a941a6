/* podmanbox - podman with this program as its runtime, in mount and network namespaces of its own.
 * Shape   a holder has the namespaces: an empty /run and /dev/shm (podman's locks), ranges of ids
 *         for --userns=auto. All of podman's is in the state's directory; its groups are below one
 *         that has the test's name. podmanbox_done ends and removes all of it. Skips with a reason.
 */
#ifndef TEST_PODMANBOX_H
#define TEST_PODMANBOX_H

#include "ocibox.h"

void podmanbox_make(void); /* ocibox_make() as well: box.bundle has the root */
void podmanbox_done(void);

/* podman ARGS, with the state's streams as files. */
struct outcome podmanbox_run(const char *const args[]);
#define PODMAN(...) podmanbox_run((const char *const[]){__VA_ARGS__, NULL})
/* Status 0; stdout without its last newline, the caller's. */
char *podmanbox_ask(const char *const args[]);
#define PODMAN_ASK(...) podmanbox_ask((const char *const[]){__VA_ARGS__, NULL})
/* podman run OPTIONS --rootfs ROOT COMMAND; both lists end with NULL. */
struct outcome podmanbox_container(const char *const options[],
                                   const char *const command[]);
/* "run" COMMAND, with that root, or another verb, on a terminal of 33 rows: what it shows and its
 * status. input is typed when the prompt is seen; both may be NULL. */
struct outcome podmanbox_terminal(const char *const args[], const char *prompt,
                                  const char *input);
/* The value in a file of the only container's group; "" = this host has it elsewhere. */
const char *podmanbox_limit(const char *controller, const char *file);

#endif
