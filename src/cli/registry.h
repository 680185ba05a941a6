/* registry - what the verbs share that talk with registries.
 * Shape   registry_open() reads the environment and the administrator's file, and makes
 *         the progress; registry_close() ends the progress and prints what is left to say.
 * Owner   the struct owns all of it; it must not move while it is open.
 */
#ifndef CLI_REGISTRY_H
#define CLI_REGISTRY_H

#include "cli/progress.h"
#include "cli/verb.h"

struct registry {
    struct mtd_registry how; /* for the engine */
    struct mtd_defaults defaults;
    struct strv env;
    enum progress_mode mode;
    struct progress *progress;
    struct mtd_progress steps; /* passes reports on, and notes that there were any */
    bool has_begun;
    struct strv late; /* lines that came while bars were on the screen */
    int fd;           /* for what docker says; -1 = nobody wants to read it */
};

/* fd: where docker's words go, STDOUT_FILENO or STDERR_FILENO; -1 = nowhere. */
int registry_open(struct registry *r, enum progress_mode mode, bool tls_verify, int fd,
                  struct mtd_error *err);
/* Before something else is written to the terminal in between: bars so far become lines. */
void registry_pause(struct registry *r);
/* Before an error is reported or the result is printed. */
void registry_close(struct registry *r);

/* --tls-verify, a bool that is true unless the user says otherwise. */
#define TLS_OPTION(offset)                                                          \
    {                                                                               \
        "tls-verify", 0, OPTION_FLAG, (offset), NULL, NULL,                         \
            "Require https and a trusted certificate (default true, but not for a " \
            "registry on this machine)"                                             \
    }

/* What run and create do about an image that is not there, or with --pull always in any
 * case. err: the engine's, that it is not there; replaced by why it cannot be pulled. */
int registry_pull_for_run(const struct cli *c, const char *image, const char *platform,
                          bool quiet, struct mtd_error *err);

#endif
