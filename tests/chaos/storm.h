/* storm - what the storm's files share.
 * Shape   storm.c workers, killer, counts; images.c what they pull, load and build; truth.c compares what the program says with what the
 *         kernel shows, networks.c the same of networks, and what is left with what was there before.
 * Owner   everything happens below one temporary directory, whose name is an argument of every
 *         process of ours: a process is touched only after its arguments were read through its
 *         pidfd's life time.
 */
#ifndef CHAOS_STORM_H
#define CHAOS_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct storm {
    const char *program;
    char dir[64], root[80], run[80]; /* dir holds root and run */
    bool networks;                   /* containers may be on one */
    pid_t registry;                  /* 0 = there is none */
    char **before;                   /* entries of root before the storm, sorted */
    size_t n_before;
};

/* Namespaces of the storm's own; false = none can be made, and containers are on no network. */
bool storm_networks_begin(struct storm *s);

#define STORM_ARGS 32
/* The program with these words; out and err (NULL = /dev/null) are descriptors, borrowed. */
pid_t storm_spawn(const struct storm *s, const char *const words[], int out, int err);
/* The same, waited for: exit status, or 128 + signal. ret_out NULL = not wanted. */
int storm_ask(const struct storm *s, const char *const words[], struct buf *ret_out);
#define ASK(s, out, ...) storm_ask(s, (const char *const[]){__VA_ARGS__, NULL}, out)

/* The arguments of a process, separated by blanks; "" = it is gone or a zombie. */
void arguments_of(pid_t pid, char *text, size_t size);
/* Calls f for every process but our own; until it returns true. */
void each_process(bool (*f)(pid_t pid, void *arg), void *arg);

/* ---- images.c: a registry, an archive and a Dockerfile below dir ---- */

#define STORM_PULLED "127.0.0.1:5005/pulled"
#define STORM_LOADED "loaded"
void storm_images_begin(struct storm *s);
void storm_images_remove(const struct storm *s); /* those of the two names */
void storm_images_end(struct storm *s);

/* Both print what they find and return how much it is. */
unsigned truth_of_states(struct storm *s);    /* ps against the kernel */
unsigned truth_of_leftovers(struct storm *s); /* after the last rm */
unsigned
truth_of_networks(struct storm *s); /* what is said of them against nft, ip, files */
unsigned truth_of_network_leftovers(struct storm *s);
void truth_remember(struct storm *s); /* root as it is before */

#endif
