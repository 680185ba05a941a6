/* verb_archive - commit, import, export: containers to images and tar files. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/output.h"
#include "base/parse.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/verb.h"

/* ---- commit ---- */

struct commit_values {
    const char *message, *author, *platform;
    struct option_list changes;
    bool pause;
    enum progress_mode progress;
};

#define FIELD(f) offsetof(struct commit_values, f)
static const struct option_row COMMIT_OPTIONS[] = {
    {"author", 'a', OPTION_TEXT, FIELD(author), NULL, "NAME", "Author of the image"},
    {"change", 'c', OPTION_LIST, FIELD(changes), NULL, "INSTRUCTION",
     "Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, "
     "ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR"},
    {"message", 'm', OPTION_TEXT, FIELD(message), NULL, "TEXT", "Comment on the image"},
    {"pause", 'p', OPTION_FLAG, FIELD(pause), NULL, NULL,
     "Pause the container during the commit (default true)"},
    PROGRESS_OPTION(FIELD(progress)),
    {"imageName", 0, OPTION_LAST},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_commit(void *values)
{
    ((struct commit_values *)values)->pause = true;
}

static int copy_list(struct strv *ret, const struct option_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        if (strv_add(ret, list->items[i]) < 0)
            return -ENOMEM;
    return 0;
}

static int print_image(struct cli *c, int rc, const char *id, struct mtd_error *err)
{
    if (rc == 0)
        rc = print_line(id, err);
    mtd_fail_errno(rc < 0 ? err : NULL, -rc, "cannot create the image");
    return rc < 0 ? report_error(c, STATUS_FAILED, err) : 0;
}

static int run_commit(struct cli *c, void *values, const struct operands *o)
{
    const struct commit_values *v = values;
    struct mtd_error err = {0};
    auto_done(strv_done) struct strv changes = {0};
    auto_free char *id = NULL;
    struct progress *progress = progress_new(v->progress);
    struct mtd_commit commit = {.name = o->len > 1 ? o->items[1] : NULL,
                                .message = v->message,
                                .author = v->author,
                                .changes = &changes,
                                .pause = v->pause,
                                .progress = progress_of(progress)};
    int rc = copy_list(&changes, &v->changes);
    if (rc == 0)
        rc = mtd_commit(c->engine, o->items[0], &commit, &id, &err);
    progress_free(progress);
    return print_image(c, rc, id, &err);
}

/* ---- import ---- */

static const struct option_row IMPORT_OPTIONS[] = {
    {"change", 'c', OPTION_LIST, FIELD(changes), NULL, "INSTRUCTION",
     "Apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, "
     "ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR"},
    {"message", 'm', OPTION_TEXT, FIELD(message), NULL, "TEXT", "Comment on the image"},
    PROGRESS_OPTION(FIELD(progress)),
    {"platform", 0, OPTION_TEXT, FIELD(platform), NULL, "OS/ARCH",
     "Platform of the image (default: this machine's)"},
    OPTION_END,
};

static int check_import(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)values;
    if (strstr(o->items[0], "://"))
        return mtd_fail(err, EOPNOTSUPP,
                        "\"%.80s\" is a URL; nothing is downloaded, give a file or -",
                        o->items[0]);
    if (strcmp(o->items[0], "-") != 0 && access(o->items[0], R_OK) < 0)
        return mtd_fail_errno(err, errno, "cannot read %.120s", o->items[0]);
    return 0;
}

static int run_import(struct cli *c, void *values, const struct operands *o)
{
    const struct commit_values *v = values;
    struct mtd_error err = {0};
    auto_done(strv_done) struct strv changes = {0};
    auto_free char *id = NULL;
    bool from_stdin = strcmp(o->items[0], "-") == 0;
    auto_fd int file = from_stdin ? -1 : open(o->items[0], O_RDONLY | O_CLOEXEC);
    if (!from_stdin && file < 0)
        return report_fail(c, STATUS_FAILED, "cannot read %.120s: %s", o->items[0],
                           strerror(errno));
    struct progress *progress = progress_new(v->progress);
    struct mtd_commit commit = {.name = o->len > 1 ? o->items[1] : NULL,
                                .message = v->message,
                                .changes = &changes,
                                .platform = v->platform,
                                .progress = progress_of(progress)};
    int rc = copy_list(&changes, &v->changes);
    if (rc == 0)
        rc = mtd_import(c->engine, from_stdin ? STDIN_FILENO : file, &commit, &id, &err);
    progress_free(progress);
    return print_image(c, rc, id, &err);
}

/* ---- export ---- */

struct export_values {
    const char *output;
    enum progress_mode progress;
};

static const struct option_row EXPORT_OPTIONS[] = {
    {"output", 'o', OPTION_TEXT, offsetof(struct export_values, output), NULL, "FILE",
     "Write to a file instead of stdout"},
    PROGRESS_OPTION(offsetof(struct export_values, progress)),
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static int check_export(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)o;
    if (!((struct export_values *)values)->output && isatty(STDOUT_FILENO))
        return mtd_fail(err, EINVAL,
                        "refusing to write a tar archive to a terminal; use -o "
                        "FILE or redirect stdout");
    return 0;
}

static int export_file(struct cli *c, const char *ref, const char *path,
                       const struct mtd_progress *progress, struct mtd_error *err)
{
    auto_done(output_done) struct output out;
    int rc = output_open(&out, path, 0600, OUTPUT_REPLACE, err);
    if (rc == 0)
        rc = mtd_export(c->engine, ref, out.fd, progress, err);
    return rc < 0 ? rc : output_commit(&out, true, err);
}

static int run_export(struct cli *c, void *values, const struct operands *o)
{
    const struct export_values *v = values;
    struct mtd_error err = {0};
    struct progress *p = progress_new(v->progress);
    int rc = v->output ? export_file(c, o->items[0], v->output, progress_of(p), &err)
                       : mtd_export(c->engine, o->items[0], STDOUT_FILENO, progress_of(p),
                                    &err);
    progress_free(p);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "%.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_ARCHIVE[] = {
    {.name = "commit",
     .operands = "CONTAINER [NAME[:TAG]]",
     .summary = "Create an image from a container's changes",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .options = {{COMMIT_OPTIONS}},
     .values_size = sizeof(struct commit_values),
     .min = 1,
     .max = 2,
     .init = init_commit,
     .run = run_commit},
    {.name = "import",
     .operands = "FILE|- [NAME[:TAG]]",
     .summary = "Create an image from a tar archive of a root file system",
     .group = GROUP_IMAGE,
     .options = {{IMPORT_OPTIONS}},
     .values_size = sizeof(struct commit_values),
     .min = 1,
     .max = 2,
     .check = check_import,
     .run = run_import},
    {.name = "export",
     .operands = "CONTAINER",
     .summary = "Export a container's file system as a tar archive",
     .flags = VERB_EXISTING,
     .group = GROUP_IMAGE,
     .options = {{EXPORT_OPTIONS}},
     .values_size = sizeof(struct export_values),
     .min = 1,
     .max = 1,
     .check = check_export,
     .run = run_export},
    VERB_END,
};
