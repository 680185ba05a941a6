/* state - a state root for one test, the program run on it, and the check that nothing is
 * left.
 * Shape   state_make: a temporary directory with root/ and run/; state_done: removes all
 *         containers and the directory. Needs root.
 * Left    mounts naming the directory, cgroups and processes of any container that was
 *         ever made there (events.log knows them all), entries in containers, names,
 *         trash, run.
 */
#ifndef TEST_STATE_H
#define TEST_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tempdir.h"

/* How long anything is waited for that has to come: only a fault reaches it, and it is less than a
 * test may take. Both are MTD_TEST_SLOW times as long, for an emulated machine. */
#define PATIENCE_S (40 * state_slowness())
int state_slowness(void);

struct state {
    struct tempdir dir;
    const char *fault; /* NULL or the value of MTD_FAULT for the commands run */
    /* NULL or system calls, with commas between, which the commands run do not find:
     * ENOSYS, as on a kernel without them. "setns.pidfd" and "close_range.cloexec" are
     * these calls with an argument that came later: EINVAL; "socket.netfilter" is a kernel
     * without nf_tables. */
    const char *without;
};
void state_make(struct state *s);
void state_done(struct state *s);

struct outcome {
    int status;      /* exit status; 128+n when signal n ended it */
    char *out, *err; /* NUL-terminated; freed by outcome_done */
    size_t out_len, err_len;
};
void outcome_done(struct outcome *o);

/* mytop-docker --root .. --run-root .. ARGS with that input (NULL = /dev/null). */
struct outcome state_run_input(const struct state *s, const void *input, size_t len,
                               const char *const args[]);
#define RUN(s, ...) state_run_input(s, NULL, 0, (const char *const[]){__VA_ARGS__, NULL})
/* The same in the background, streams to /dev/null. */
pid_t state_spawn(const struct state *s, const char *const args[]);
/* The same on these three. */
pid_t state_spawn_on(const struct state *s, const int fds[3], const char *const args[]);
#define SPAWN(s, ...) state_spawn(s, (const char *const[]){__VA_ARGS__, NULL})
int state_reap(pid_t pid); /* exit status as above */

/* The same with what it writes kept: two commands at once, or one that is watched. */
struct running {
    pid_t pid;
    int out, err; /* files in memory */
};
struct running state_begin(const struct state *s, const char *const args[]);
#define BEGIN(s, ...) state_begin(s, (const char *const[]){__VA_ARGS__, NULL})
struct running state_begin_from(const struct state *s, int in, const char *const args[]);
struct outcome state_end(struct running *r); /* waits for it */
/* Waits until that one of the two holds the text. */
bool running_says(int stream_fd, const char *text);
bool running_has_said(int stream_fd, const char *text); /* the same without waiting */

/* Runs it, expects status 0, returns stdout without its last newline (caller frees). */
char *state_ask(const struct state *s, const char *const args[]);
#define ASK(s, ...) state_ask(s, (const char *const[]){__VA_ARGS__, NULL})

/* Makes /go in a container that waits for it. It may end of that, and the touch with it. */
void state_let_go(const struct state *s, const char *container);

/* A process whose command line has the test's directory and this in it; 0 = there is
 * none. A child that has not executed anything yet has its parent's: the parent is meant, whatever
 * the order of their numbers. */
pid_t state_find(const struct state *s, const char *word);

/* The only child, or one of them; 0 = none. */
pid_t state_child(pid_t pid);

/* A process that has the builds' storage mounted, as buildah alone has; 0 = there is none. */
pid_t state_find_build(const struct state *s);

/* What is left of the containers once made here; "" = nothing. Static text. With
 * keep_containers the containers' own directories and names may stay. Waits a moment for
 * processes that are already dying. */
const char *state_leftovers(const struct state *s, bool keep_containers);

/* The time that passes while nothing is in want of a processor or a disk: what a wait of some
 * seconds adds to, and a busy machine does not. */
int64_t state_idle_ns(void);

/* Polls until the condition is true, for PATIENCE_S at most. */
bool state_until(bool (*condition)(void *), void *arg);

/* Whether the kernel maps the ids of the state's file system (before Linux 6.3 it does not a
 * tmpfs's); prints the reason of the skip when not. */
bool state_maps_ids(const struct state *s);

/* A dynamic program cannot run inside a container; prints the reason of the skip. */
bool program_is_static(void);
bool is_root(void); /* prints the reason of the skip when not */

#endif
