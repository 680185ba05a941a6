/* tool - runs the two programs of others that this one uses: Debian's skopeo, which talks
 * with registries, and buildah, which reads Dockerfiles.
 * Shape   found in fixed directories, never by PATH, and only where root alone can change
 *         it. It runs in PID and mount namespaces of its own, so that whatever it starts
 *         dies and whatever it mounts is gone with it, and it dies with its caller, in
 *         whatever way that ends. Its environment is made: PATH, TMPDIR, and of the
 *         caller's what tool_variables names. Limits and signals are a new process's; it
 *         has no terminal.
 * Units   seconds, bytes.
 * Errors  -ENOENT = not installed; err names the package. -errno of starting it. That it
 *         ran and failed is its status: tool_fail() makes a sentence of it.
 * Owner   tool_result_done() frees.
 * Process a front end with one thread.
 */
#ifndef ENGINE_TOOL_TOOL_H
#define ENGINE_TOOL_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

enum tool { TOOL_SKOPEO, TOOL_BUILDAH };

/* What of the caller's environment is passed on: HOME, the proxies, where logins are kept.
 * Ended by NULL. */
extern const char *const tool_variables[];

#define TOOL_OUT_MAX ((size_t)8 << 20) /* of an answer that is kept */

struct tool_run {
    enum tool tool;
    const struct strv *args; /* without the program's name */
    const struct strv *env;  /* the caller's, "NAME=value"; NULL = none */
    const char *tmp;         /* TMPDIR; NULL = none is set */
    int in;                  /* -1 = /dev/null */
    /* Gets what it writes, stream 1 or 2. NULL = its answer is kept in the result. */
    void (*wrote)(void *arg, int stream, const char *text, size_t len);
    /* Asked ten times a second: any number that changes as long as it gets on. */
    uint64_t (*pulse)(void *arg, pid_t pid);
    void *arg;
    /* Called in the program's process before it is executed, with namespaces of its own and
     * descriptors that are closed then: what confines it further. NULL = nothing. */
    int (*inside)(void *arg, struct mtd_error *err);
    unsigned quiet_s; /* killed when it has not got on for so long; 0 = never */
};

struct tool_result {
    int status;      /* exit status, or 128 and the signal */
    unsigned silent; /* it was killed after so many seconds; 0 = it was not */
    struct buf out;  /* what it wrote to stdout, unless wrote() got it */
    struct buf said; /* the end of what it wrote to stderr */
};

/* Whether it is installed. */
int tool_check(enum tool t, struct mtd_error *err);
int tool_run(const struct tool_run *r, struct tool_result *ret, struct mtd_error *err);
void tool_result_done(struct tool_result *r);

/* Why it failed, in our words: about the registry at host ("docker.io"; NULL = none is
 * involved). What is not known is said in its own words. -ENOENT = no such image, -EACCES
 * = refused, -ETIMEDOUT = no answer, -ECONNREFUSED and -EHOSTUNREACH = not there, -EBADMSG
 * = what came is damaged, -ENOSPC; -EIO = anything else. */
int tool_fail(const struct tool_result *r, const char *host, struct mtd_error *err);

#endif
