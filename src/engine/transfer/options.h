/* transfer/options - how to talk with registries, and what comes of it: what the callers
 * of engine.h see of this room.
 * Units   seconds.
 * Owner   all is borrowed for the call.
 */
#ifndef ENGINE_TRANSFER_OPTIONS_H
#define ENGINE_TRANSFER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strv.h"
#include "engine/progress.h"
#include "engine/types.h"

struct mtd_registry {
    const struct strv *env; /* "NAME=value" of mtd_registry_variables(); NULL = none */
    int tls_verify;         /* 0 or 1; -1 = 1, but for a registry on this machine */
    unsigned timeout_s;     /* without an answer; 0 = for ever */
    const struct mtd_progress *progress;
    void (*say)(void *arg, const char *line); /* what docker prints; NULL = nothing */
    void *arg;
};
/* The variables of the environment that matter, ended by NULL: the engine asks for none
 * itself. */
const char *const *mtd_registry_variables(void);

struct mtd_pulled {
    char id[80];     /* "sha256:..." */
    char whole[400]; /* "docker.io/library/busybox:latest" */
    bool changed;    /* false = it was here as it is there */
};

/* What is to be built. Paths are absolute. */
/* What RUN --mount=type=secret,id=ID sees, and no image has. */
struct mtd_secret {
    char *id, *data;
    size_t len;
};

struct mtd_build {
    const struct mtd_secret *secrets;
    size_t n_secrets;
    const char
        *context; /* a directory; NULL = `in` is a Dockerfile or a tar of a context */
    int in;
    const char *file; /* the Dockerfile; NULL = the context's. In a tar: relative to it */
    const struct strv *names;      /* of the image; may be empty */
    const struct strv *build_args; /* "NAME=value", "NAME" */
    const struct strv *labels;
    const struct strv *hosts, *ulimits; /* "NAME:IP", "nofile=64:64", for RUN */
    const char *target, *platform;      /* NULL = the last stage, the host's */
    bool no_cache, pull;
    struct mtd_resources limits; /* of the build as a whole; its texts are borrowed */
    int64_t shm_size;            /* of RUN's /dev/shm, in bytes; 0 = the default */
    bool no_network;             /* RUN has loopback only, not the host's network */
    void (*wrote)(void *arg, int stream, const char *text, size_t len); /* 1, 2; NULL */
    void *arg;
};

#endif
