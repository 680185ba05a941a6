/* The form that runs a container. Everything is checked while typing with the same rules
 * the command line has, so that nothing starts which cannot work. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/words.h"
#include "ui/dialog/form.h"
#include "ui/dialog/forms.h"

enum {
    RUN_IMAGE,
    RUN_COMMAND,
    RUN_NAME,
    RUN_ENV,
    RUN_VOLUMES,
    RUN_MEMORY,
    RUN_CPUS,
    RUN_PORTS,
    RUN_TTY,
    RUN_REMOVE
};

static const struct form_field FIELDS[] = {
    [RUN_IMAGE] = {"image", "Tab completes", FIELD_TEXT},
    [RUN_COMMAND] = {"command", "the image's own", FIELD_TEXT},
    [RUN_NAME] = {"name", "a random one", FIELD_TEXT},
    [RUN_ENV] = {"-e", "NAME=VALUE ...", FIELD_TEXT},
    [RUN_VOLUMES] = {"-v", "/host:/inside[:ro,idmap] ...", FIELD_TEXT},
    [RUN_MEMORY] = {"-m", "no limit; 512m, 2g", FIELD_TEXT},
    [RUN_CPUS] = {"--cpus", "no limit; 0.5", FIELD_TEXT},
    [RUN_PORTS] = {"-p", "not yet: no networks but none and host", FIELD_TEXT},
    [RUN_TTY] = {"-it", "a terminal: a shell can be attached to", FIELD_CHECK},
    [RUN_REMOVE] = {"--rm", "remove it when it ends", FIELD_CHECK},
};

struct run_form {
    struct run_draft *draft;
    size_t n_images; /* for completion */
    char *images[];
};

/* A form's arg is freed with free(): the names are in one block, behind the pointers. */
static struct run_form *load_images(struct mtd_engine *e)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    auto_done(strv_done) struct strv names = {0};
    if (e)
        mtd_images(e, &list, NULL);
    for (size_t i = 0; i < list.len; i++)
        for (size_t j = 0; j < list.items[i].names.len; j++) {
            const char *name = list.items[i].names.items[j];
            size_t n = strlen(name), tag = strlen(":latest");
            if (n > tag && strcmp(name + n - tag, ":latest") == 0)
                n -= tag;
            strv_add_n(&names, name, n);
        }
    size_t bytes = 0;
    for (size_t i = 0; i < names.len; i++)
        bytes += strlen(names.items[i]) + 1;
    struct run_form *ret = calloc(1, sizeof(*ret) + names.len * sizeof(char *) + bytes);
    char *text = ret ? (char *)&ret->images[names.len] : NULL;
    for (size_t i = 0; ret && i < names.len; i++) {
        ret->images[ret->n_images++] = text;
        text = stpcpy(text, names.items[i]) + 1;
    }
    return ret;
}

static int run_form_complete(const struct form *f, size_t field, struct strv *ret)
{
    const struct run_form *run = f->arg;
    const char *text = form_text(f, RUN_IMAGE);
    for (size_t i = 0; field == RUN_IMAGE && i < run->n_images; i++)
        if (strncmp(run->images[i], text, strlen(text)) == 0)
            strv_add(ret, run->images[i]);
    return 0;
}

static int check_name(const struct form *f, const char *name, struct mtd_error *err)
{
    return form_check_name(f, name, NULL, err);
}

static int check_memory(const struct form *f, const char *text, struct mtd_error *err)
{
    uint64_t bytes;
    (void)f;
    if (parse_size(text, &bytes) < 0)
        return mtd_fail(err, EINVAL, "-m: \"%s\" is not a size like 512m", text);
    int rc = mtd_limit_memory((int64_t)bytes, err);
    mtd_context(err, "-m");
    return rc;
}

static int check_cpus(const struct form *f, const char *text, struct mtd_error *err)
{
    int64_t nano;
    (void)f;
    if (parse_decimal_nano(text, &nano) < 0)
        return mtd_fail(err, EINVAL, "--cpus: \"%s\" is not a number like 1.5", text);
    int rc = mtd_limit_cpus(nano, err);
    mtd_context(err, "--cpus");
    return rc;
}

static int check_image(const struct form *f, const char *text, struct mtd_error *err)
{
    if (!*text)
        return mtd_fail(err, EINVAL, "which image?");
    if (text[strcspn(text, " \t")])
        return mtd_fail(err, EINVAL, "an image name has no blanks");
    return 0;
}

/* A field that is one option with one value. */
static const struct {
    size_t field;
    const char *option;
    int (*check)(const struct form *f, const char *text, struct mtd_error *err);
} SINGLE[] = {
    {RUN_NAME, "--name", check_name},
    {RUN_MEMORY, "-m", check_memory},
    {RUN_CPUS, "--cpus", check_cpus},
};

static int check_env(const char *word, struct mtd_error *err)
{
    return *word == '=' ? mtd_fail(err, EINVAL, "-e: \"%s\" has no name", word) : 0;
}

static int check_volume(const char *word, struct mtd_error *err)
{
    const char *colon = strchr(word, ':');
    if ((colon && colon[1] != '/') || (!colon && *word != '/'))
        return mtd_fail(err, EINVAL, "-v: \"%s\" is not /host:/inside", word);
    auto_free char *host = colon ? strndup(word, (size_t)(colon - word)) : NULL;
    if (host && *host == '/' && access(host, F_OK) < 0)
        return mtd_fail(err, ENOENT, "-v: %s does not exist here", host);
    return 0;
}

static int check_port(const char *word, struct mtd_error *err)
{
    return mtd_fail(err, EOPNOTSUPP,
                    "-p %s: port publishing needs a network; only none and host exist",
                    word);
}

/* A field of words, each an option of its own. */
static const struct {
    size_t field;
    const char *option;
    int (*check)(const char *word, struct mtd_error *err);
} MANY[] = {
    {RUN_ENV, "-e", check_env},
    {RUN_VOLUMES, "-v", check_volume},
    {RUN_PORTS, "-p", check_port},
};

static int add_single(const struct form *f, struct strv *ret, size_t *field,
                      struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(SINGLE); i++) {
        const char *text = form_text(f, SINGLE[i].field);
        if (!*text)
            continue;
        *field = SINGLE[i].field;
        int rc = SINGLE[i].check(f, text, err);
        if (rc < 0)
            return rc;
        strv_add(ret, SINGLE[i].option);
        strv_add(ret, text);
    }
    return 0;
}

static int add_many(const struct form *f, struct strv *ret, size_t *field,
                    struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(MANY); i++) {
        auto_done(strv_done) struct strv words = {0};
        *field = MANY[i].field;
        int rc = words_split(form_text(f, MANY[i].field), &words, err);
        for (size_t j = 0; rc == 0 && j < words.len; j++) {
            rc = MANY[i].check(words.items[j], err);
            strv_add(ret, MANY[i].option);
            strv_add(ret, words.items[j]);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int run_form_build(const struct form *f, struct strv *ret, size_t *field,
                          struct mtd_error *err)
{
    strv_add(ret, "run");
    strv_add(ret, "-d");
    if (form_ticked(f, RUN_TTY))
        strv_add(ret, "-it");
    if (form_ticked(f, RUN_REMOVE))
        strv_add(ret, "--rm");
    int rc = add_single(f, ret, field, err);
    if (rc == 0)
        rc = add_many(f, ret, field, err);
    if (rc < 0)
        return rc;
    *field = RUN_IMAGE;
    rc = check_image(f, form_text(f, RUN_IMAGE), err);
    if (rc < 0)
        return rc;
    strv_add(ret, form_text(f, RUN_IMAGE));
    *field = RUN_COMMAND;
    rc = words_split(form_text(f, RUN_COMMAND), ret, err);
    if (rc < 0)
        mtd_context(err, "command");
    return rc;
}

/* What was started gets the selection, so that its log is shown next. */
static void started(void *arg, int status, const char *output)
{
    struct run_draft *draft = arg;
    size_t n = strspn(output, "0123456789abcdef");
    if (status != 0)
        return;
    if (n == MTD_ID_LEN)
        snprintf(draft->model->wanted, sizeof(draft->model->wanted), "%.*s", (int)n,
                 output);
    strv_done(&draft->fields);
}

/* A run that fails for a reason only the engine knows loses nothing: the form opens again
 * as it was filled in. */
static void keep_draft(const struct form *f, struct run_draft *draft)
{
    draft->model = f->modal.around->model;
    strv_done(&draft->fields);
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
        if (strv_add(&draft->fields, form_text(f, i)) < 0)
            strv_done(&draft->fields);
}

static void run_form_submit(struct form *f, const struct strv *argv)
{
    const struct surroundings *s = f->modal.around;
    struct run_draft *draft = ((struct run_form *)f->arg)->draft;
    keep_draft(f, draft);
    s->say(s->app, SAY_INFO, "starting...");
    s->run(s->app, &(struct errand){.argv = argv, .done = started, .arg = draft});
}

static const struct form_ops RUN = {
    .title = "run",
    .fields = FIELDS,
    .n_fields = ARRAY_SIZE(FIELDS),
    .build = run_form_build,
    .submit = run_form_submit,
    .complete = run_form_complete,
};

void form_run_with(const struct surroundings *s, struct run_draft *draft,
                   const char *image, const char *volume)
{
    auto_free char *mount = NULL;
    if (volume && asprintf(&mount, "%s:/data", volume) < 0)
        return;
    struct run_form *run = load_images(s->engine);
    if (!run)
        return;
    run->draft = draft;
    struct modal *m = form_new(&RUN, "run a container", run);
    if (m && draft->fields.len == ARRAY_SIZE(FIELDS))
        for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
            form_set(form_of(m, &RUN), i, draft->fields.items[i]);
    if (m && image)
        form_set(form_of(m, &RUN), RUN_IMAGE, image);
    if (m && mount)
        form_set(form_of(m, &RUN), RUN_VOLUMES, mount);
    s->push(s->app, m);
}

void form_run(const struct surroundings *s, struct run_draft *draft)
{
    form_run_with(s, draft, NULL, NULL);
}
