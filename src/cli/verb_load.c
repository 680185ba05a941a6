/* verb_load - load, save: images from and to archives. */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/output.h"
#include "cli/image_text.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/verb.h"

/* ---- load ---- */

struct load_values {
    const char *input, *platform;
    bool quiet;
    enum progress_mode progress;
};

#define FIELD(f) offsetof(struct load_values, f)
static const struct option_row LOAD_OPTIONS[] = {
    {"input", 'i', OPTION_TEXT, FIELD(input), NULL, "FILE|DIR",
     "Read an archive, or an OCI layout's directory, instead of stdin"},
    {"platform", 0, OPTION_TEXT, FIELD(platform), NULL, "OS/ARCH",
     "Load only images of this platform"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Show no progress"},
    PROGRESS_OPTION(FIELD(progress)),
    OPTION_END,
};
#undef FIELD

static int check_load(void *values, const struct operands *o, struct mtd_error *err)
{
    const char *input = ((struct load_values *)values)->input;
    (void)o;
    if (input && strcmp(input, "-") != 0 && access(input, R_OK) < 0)
        return mtd_fail_errno(err, errno, "cannot read %.120s", input);
    if (!input && isatty(STDIN_FILENO))
        return mtd_fail(err, EINVAL,
                        "stdin is a terminal; use -i FILE or redirect stdin");
    return 0;
}

static int print_loaded(const struct strv *loaded, struct mtd_error *err)
{
    for (size_t i = 0; i < loaded->len; i++) {
        auto_free char *line = NULL;
        const char *name = loaded->items[i];
        const char *what = strncmp(name, "sha256:", 7) == 0 ? " ID" : "";
        if (asprintf(&line, "Loaded image%s: %s", what, name) < 0) {
            line = NULL;
            return mtd_fail_errno(err, ENOMEM, "cannot load");
        }
        int rc = print_line(line, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A layout often has a tag alone for a name; podman, too, takes it for a repository. */
static bool is_like_a_tag(const char *name)
{
    const char *number = name + (name[0] == 'v');
    size_t len = strcspn(name, ":/");
    return strcmp(name + len, ":latest") == 0 &&
           (isdigit((unsigned char)*number) || strcmp(name, "latest:latest") == 0);
}

static void doubt_names(const struct cli *c, const struct strv *loaded)
{
    for (size_t i = 0; i < loaded->len; i++) {
        const char *name = loaded->items[i];
        int len = (int)strcspn(name, ":");
        if (is_like_a_tag(name))
            report_warning(c,
                           "the archive names its image \"%.*s\", which looks like a tag "
                           "alone; name it with: tag %s NAME:%.*s",
                           len, name, name, len, name);
    }
}

static int run_load(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    const struct load_values *v = values;
    struct mtd_error err = {0}, late = {0};
    auto_done(strv_done) struct strv loaded = {0};
    bool from_stdin = !v->input || strcmp(v->input, "-") == 0;
    auto_fd int file = from_stdin ? -1 : open(v->input, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (!from_stdin && file < 0)
        return report_fail(c, STATUS_FAILED, "cannot read %.120s: %s", v->input,
                           strerror(errno));
    struct progress *progress = progress_new(v->quiet ? PROGRESS_NONE : v->progress);
    int rc = mtd_load(c->engine, from_stdin ? STDIN_FILENO : file, v->platform,
                      progress_of(progress), &loaded, &err);
    progress_free(progress);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot load");
    int printed = print_loaded(&loaded, &late);
    if (rc < 0) {
        mtd_context(&err, "%.120s", from_stdin ? "stdin" : v->input);
        return report_error(c, STATUS_FAILED, &err);
    }
    doubt_names(c, &loaded);
    return printed < 0 ? report_error(c, STATUS_FAILED, &late) : 0;
}

/* ---- save ---- */

struct save_values {
    const char *output;
    enum mtd_save_form format;
    enum mtd_compress compress;
    enum progress_mode progress;
};

struct word {
    const char *text;
    int value;
};

static int set_word(const struct word *words, size_t n, const char *value, int *ret)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i].text, value) == 0) {
            *ret = words[i].value;
            return 0;
        }
    return -EINVAL;
}

static int set_format(void *field, const char *value, struct mtd_error *err)
{
    static const struct word WORDS[] = {{"docker-archive", MTD_SAVE_DOCKER},
                                        {"oci-archive", MTD_SAVE_OCI},
                                        {"oci-dir", MTD_SAVE_LAYOUT}};
    int form;
    if (set_word(WORDS, ARRAY_SIZE(WORDS), value, &form) < 0)
        return mtd_fail(err, EINVAL,
                        "\"%.40s\" is not docker-archive, oci-archive or oci-dir", value);
    *(enum mtd_save_form *)field = (enum mtd_save_form)form;
    return 0;
}

static int set_compress(void *field, const char *value, struct mtd_error *err)
{
    static const struct word WORDS[] = {{"none", MTD_COMPRESS_NONE},
                                        {"gzip", MTD_COMPRESS_GZIP},
                                        {"zstd", MTD_COMPRESS_ZSTD}};
    int how;
    if (set_word(WORDS, ARRAY_SIZE(WORDS), value, &how) < 0)
        return mtd_fail(err, EINVAL, "\"%.40s\" is not gzip, zstd or none", value);
    *(enum mtd_compress *)field = (enum mtd_compress)how;
    return 0;
}

#define FIELD(f) offsetof(struct save_values, f)
static const struct option_row SAVE_OPTIONS[] = {
    {"compress", 0, OPTION_VALUE, FIELD(compress), set_compress, "KIND",
     "Compress the archive: gzip, zstd or none (default none)"},
    {"format", 0, OPTION_VALUE, FIELD(format), set_format, "FORM",
     "docker-archive (default), oci-archive or oci-dir"},
    {"output", 'o', OPTION_TEXT, FIELD(output), NULL, "FILE|DIR",
     "Write to a file, or with oci-dir to a new directory, instead of stdout"},
    PROGRESS_OPTION(FIELD(progress)),
    {"platform", 0, OPTION_IGNORE, 0, NULL, "PLATFORM", ONE_PLATFORM},
    OPTION_END,
};
#undef FIELD

static int check_save(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)o;
    const struct save_values *v = values;
    bool is_dir = v->format == MTD_SAVE_LAYOUT;
    if (is_dir && !v->output)
        return mtd_fail(err, EINVAL, "the format oci-dir needs -o DIR");
    if (is_dir && v->compress != MTD_COMPRESS_NONE)
        return mtd_fail(err, EINVAL, "--compress is for archives, not for oci-dir");
    if (!v->output && isatty(STDOUT_FILENO))
        return mtd_fail(err, EINVAL,
                        "refusing to write an archive to a terminal; use -o FILE or "
                        "redirect stdout");
    return 0;
}

#define SAVING ".mytop-docker-save" /* is locked by who writes there, and goes last */

static void clear_dir(int fd)
{
    static const char *const MADE[] = {"oci-layout", "blobs", "index.json",
                                       "manifest.json", SAVING};
    for (size_t i = 0; i < ARRAY_SIZE(MADE); i++)
        fs_remove_tree_at(fd, MADE[i]);
}

static bool is_empty(int fd)
{
    struct fs_dir list;
    fs_dir_open(&list, fd);
    bool empty = !fs_dir_next(&list);
    fs_dir_done(&list);
    return empty;
}

/* What a killed save left there is removed; what is not ours is not. Returns the lock. */
static int claim_dir(int fd, const char *path, struct mtd_error *err)
{
    auto_fd int lock = openat(fd, SAVING, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
        return mtd_fail(err, EBUSY, "%.120s is being written by another save", path);
    if (lock >= 0)
        clear_dir(fd);
    if (!is_empty(fd))
        return mtd_fail(err, EEXIST, "%.120s is not empty; give a new directory", path);
    auto_fd int mark =
        openat(fd, SAVING, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (mark < 0 || flock(mark, LOCK_EX | LOCK_NB) < 0)
        return mtd_fail_errno(err, errno, "cannot write %.120s", path);
    return take_fd(&mark);
}

static int save_dir(struct cli *c, const char *path, struct mtd_save *s,
                    struct mtd_error *err)
{
    bool is_new = mkdir(path, 0755) == 0;
    if (!is_new && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create %.120s", path);
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot open %.120s", path);
    auto_fd int claim = claim_dir(fd, path, err);
    if (claim < 0)
        return claim;
    s->fd = fd;
    int rc = mtd_save(c->engine, s, err);
    if (rc < 0)
        clear_dir(fd);
    else
        unlinkat(fd, SAVING, 0);
    if (rc < 0 && is_new)
        rmdir(path);
    return rc;
}

static int save_file(struct cli *c, const char *path, struct mtd_save *s,
                     struct mtd_error *err)
{
    auto_done(output_done) struct output out;
    int rc = output_open(&out, path, 0600, OUTPUT_REPLACE, err);
    s->fd = out.fd;
    if (rc == 0)
        rc = mtd_save(c->engine, s, err);
    return rc < 0 ? rc : output_commit(&out, true, err);
}

static int save(struct cli *c, const struct save_values *v, struct mtd_save *s,
                struct mtd_error *err)
{
    if (v->format == MTD_SAVE_LAYOUT)
        return save_dir(c, v->output, s, err);
    if (v->output)
        return save_file(c, v->output, s, err);
    s->fd = STDOUT_FILENO;
    return mtd_save(c->engine, s, err);
}

static int run_save(struct cli *c, void *values, const struct operands *o)
{
    const struct save_values *v = values;
    struct mtd_error err = {0};
    auto_done(strv_done) struct strv refs = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->len; i++)
        rc = strv_add(&refs, o->items[i]);
    struct progress *progress = progress_new(v->progress);
    struct mtd_save s = {.refs = &refs,
                         .form = v->format,
                         .compress = v->compress,
                         .progress = progress_of(progress)};
    if (rc == 0)
        rc = save(c, v, &s, &err);
    progress_free(progress);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot save");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_LOAD[] = {
    {.name = "load",
     .operands = "",
     .summary = "Load images from an archive",
     .group = GROUP_IMAGE,
     .options = {{LOAD_OPTIONS}},
     .values_size = sizeof(struct load_values),
     .check = check_load,
     .run = run_load},
    {.name = "save",
     .operands = "IMAGE [IMAGE...]",
     .summary = "Save images to an archive",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .options = {{SAVE_OPTIONS}},
     .values_size = sizeof(struct save_values),
     .min = 1,
     .max = VERB_MANY,
     .check = check_save,
     .run = run_save},
    VERB_END,
};
