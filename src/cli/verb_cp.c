/* verb_cp - cp: files between the host and a container. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/verb.h"

struct cp_values {
    bool archive, follow_link, quiet;
    enum progress_mode progress;
};

#define FIELD(f) offsetof(struct cp_values, f)
static const struct option_row CP_OPTIONS[] = {
    {"archive", 'a', OPTION_FLAG, FIELD(archive), NULL, NULL,
     "Keep owners, by number; else root's in a container, the caller's on the host"},
    {"follow-link", 'L', OPTION_FLAG, FIELD(follow_link), NULL, NULL,
     "Copy what SRC_PATH leads to if it is a link"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL,
     "Say nothing about how far it is and when it is done"},
    PROGRESS_OPTION(FIELD(progress)),
    OPTION_END,
};

/* One of the two operands. */
struct place {
    char *container; /* NULL = the host */
    const char *path;
};

static void place_done(struct place *p)
{
    free(p->container);
}

/* docker's splitCpArg: what begins with "/" or "." is a path, whatever colons are in it. */
static int parse(const char *text, struct place *ret, struct mtd_error *err)
{
    const char *colon = strchr(text, ':');
    *ret = (struct place){NULL, text};
    if (text[0] == '/' || text[0] == '.' || !colon)
        return 0;
    ret->container = strndup(text, (size_t)(colon - text));
    ret->path = colon + 1;
    return ret->container ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* docker's status for these is 1: they are no matter of usage. */
static int read_places(const struct operands *o, struct place *from, struct place *to,
                       struct mtd_error *err)
{
    if (!*o->items[0])
        return mtd_fail(err, EINVAL, "source can not be empty");
    if (!*o->items[1])
        return mtd_fail(err, EINVAL, "destination can not be empty");
    int rc = parse(o->items[0], from, err);
    if (rc == 0)
        rc = parse(o->items[1], to, err);
    if (rc < 0)
        return rc;
    if (from->container && to->container)
        return mtd_fail(err, EINVAL,
                        "copying between containers is not supported; pipe cp SRC - into "
                        "cp - DST");
    if (!from->container && !to->container)
        return mtd_fail(err, EINVAL,
                        "must specify at least one container source: CONTAINER:PATH");
    if (from->container && strcmp(to->path, "-") == 0 && isatty(STDOUT_FILENO))
        return mtd_fail(err, EINVAL,
                        "refusing to write a tar archive to a terminal; redirect stdout");
    return 0;
}

/* To stderr when somebody looks at it, as docker does. */
static void say_copied(const struct cp_values *v, uint64_t bytes, const char *to)
{
    char size[SIZE_TEXT];
    auto_done(buf_done) struct buf line = {0};
    if (!v->quiet && isatty(STDOUT_FILENO) &&
        buf_printf(&line, "Successfully copied %s to %s\n", size_decimal(bytes, size),
                   to) == 0)
        print_fd(STDERR_FILENO, line.data, line.len);
}

static int run_cp(struct cli *c, void *values, const struct operands *o)
{
    const struct cp_values *v = values;
    struct mtd_error err = {0};
    auto_done(place_done) struct place from = {0}, to = {0};
    uint64_t bytes = 0;
    int rc = read_places(o, &from, &to, &err);
    if (rc < 0)
        return report_error(c, STATUS_FAILED, &err);
    bool into = to.container;
    const char *outside = into ? from.path : to.path;
    bool stream = outside && strcmp(outside, "-") == 0;
    struct progress *progress = progress_new(v->quiet ? PROGRESS_NONE : v->progress);
    const struct mtd_copy copy = {.into = into,
                                  .path = into ? to.path : from.path,
                                  .host_path = stream ? NULL : outside,
                                  .tar_fd = into ? STDIN_FILENO : STDOUT_FILENO,
                                  .keep_owner = v->archive,
                                  .follow_link = v->follow_link,
                                  .progress = progress_of(progress)};
    rc = mtd_copy(c->engine, into ? to.container : from.container, &copy, &bytes, &err);
    progress_free(progress);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot copy");
    if (rc < 0)
        return report_error(c, STATUS_FAILED, &err);
    if (into || !stream)
        say_copied(v, bytes, o->items[1]);
    return 0;
}

const struct verb VERBS_CP[] = {
    {.name = "cp",
     .operands = "CONTAINER:SRC_PATH DEST_PATH|- or SRC_PATH|- CONTAINER:DEST_PATH",
     .summary = "Copy files between a container and the host",
     .group = GROUP_LIFECYCLE,
     .flags = VERB_EXISTING,
     .options = {{CP_OPTIONS}},
     .values_size = sizeof(struct cp_values),
     .min = 2,
     .max = 2,
     .run = run_cp},
    VERB_END,
};
