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
    RUN_NETWORK,
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
    [RUN_NETWORK] = {"--network", "the usual one; bridge, none, host, NAME ...",
                     FIELD_TEXT},
    [RUN_PORTS] = {"-p", "8080:80 127.0.0.1:53:53/udp ...", FIELD_TEXT},
    [RUN_TTY] = {"-it", "a terminal: a shell can be attached to", FIELD_CHECK},
    [RUN_REMOVE] = {"--rm", "remove it when it ends", FIELD_CHECK},
};

/* Whether a port can be had is asked of the host once per text, not with every drawing. */
struct port_answer {
    char text[256];
    struct mtd_error err;
};

struct run_form {
    struct run_draft *draft;
    struct port_answer ports;
    size_t n_images, n_networks; /* for completion; the images come first */
    char *names[];
};

static void list_images(struct mtd_engine *e, struct strv *names)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    if (e)
        mtd_images(e, &list, NULL);
    for (size_t i = 0; i < list.len; i++)
        for (size_t j = 0; j < list.items[i].names.len; j++) {
            const char *name = list.items[i].names.items[j];
            size_t n = strlen(name), tag = strlen(":latest");
            if (n > tag && strcmp(name + n - tag, ":latest") == 0)
                n -= tag;
            strv_add_n(names, name, n);
        }
}

static void list_networks(struct mtd_engine *e, struct strv *names)
{
    static const char *const MODES[] = {MTD_NET_DEFAULT, "none", "host"};
    auto_done(mtd_net_list_done) struct mtd_net_list list = {0};
    if (e)
        mtd_network_list(e, &list, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        strv_add(names, MODES[i]);
    for (size_t i = 0; i < list.len; i++)
        if (strcmp(list.items[i].name, MTD_NET_DEFAULT) != 0)
            strv_add(names, list.items[i].name);
}

/* A form's arg is freed with free(): the names are in one block, behind the pointers. */
static struct run_form *load_names(struct mtd_engine *e)
{
    auto_done(strv_done) struct strv names = {0};
    list_images(e, &names);
    size_t n_images = names.len, bytes = 0;
    list_networks(e, &names);
    for (size_t i = 0; i < names.len; i++)
        bytes += strlen(names.items[i]) + 1;
    struct run_form *ret = calloc(1, sizeof(*ret) + names.len * sizeof(char *) + bytes);
    char *text = ret ? (char *)&ret->names[names.len] : NULL;
    for (size_t i = 0; ret && i < names.len; i++) {
        ret->names[i] = text;
        text = stpcpy(text, names.items[i]) + 1;
    }
    if (ret) {
        ret->n_images = n_images;
        ret->n_networks = names.len - n_images;
    }
    return ret;
}

/* Of several words the last one is completed. */
static void complete_word(const char *text, char *const *names, size_t n,
                          struct strv *ret)
{
    const char *last = strrchr(text, ' ');
    size_t before = last ? (size_t)(last - text) + 1 : 0;
    for (size_t i = 0; i < n; i++) {
        auto_done(buf_done) struct buf whole = {0};
        if (strncmp(names[i], text + before, strlen(text + before)) == 0 &&
            buf_printf(&whole, "%.*s%s", (int)before, text, names[i]) == 0)
            strv_add(ret, whole.data);
    }
}

static int run_form_complete(const struct form *f, size_t field, struct strv *ret)
{
    const struct run_form *run = f->arg;
    if (field == RUN_IMAGE)
        complete_word(form_text(f, field), run->names, run->n_images, ret);
    else if (field == RUN_NETWORK)
        complete_word(form_text(f, field), run->names + run->n_images, run->n_networks,
                      ret);
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

static int check_env(const struct form *f, const char *word, struct mtd_error *err)
{
    (void)f;
    return *word == '=' ? mtd_fail(err, EINVAL, "-e: \"%s\" has no name", word) : 0;
}

static int check_volume(const struct form *f, const char *word, struct mtd_error *err)
{
    (void)f;
    const char *colon = strchr(word, ':');
    if ((colon && colon[1] != '/') || (!colon && *word != '/'))
        return mtd_fail(err, EINVAL, "-v: \"%s\" is not /host:/inside", word);
    auto_free char *host = colon ? strndup(word, (size_t)(colon - word)) : NULL;
    if (host && *host == '/' && access(host, F_OK) < 0)
        return mtd_fail(err, ENOENT, "-v: %s does not exist here", host);
    return 0;
}

/* "container:NAME"; what has options of its own is left to the command. */
static int check_network(const struct form *f, const char *word, struct mtd_error *err)
{
    static const char OTHER[] = "container:";
    const struct run_form *run = f->arg;
    const struct mtd_list *l = &f->modal.around->model->list;
    bool other = strncmp(word, OTHER, strlen(OTHER)) == 0;
    for (size_t i = 0; i < run->n_networks; i++)
        if (strcmp(run->names[run->n_images + i], word) == 0)
            return 0;
    for (size_t i = 0; i < l->len; i++)
        if (other && l->items[i].name &&
            strcmp(l->items[i].name, word + strlen(OTHER)) == 0)
            return 0;
    if (other)
        return mtd_fail(err, ENOENT, "--network: there is no container %.80s",
                        word + strlen(OTHER));
    if (strpbrk(word, ":=,") || strcmp(word, "default") == 0)
        return 0;
    return mtd_fail(err, ENOENT, "--network: there is no network %.80s", word);
}

enum { PORTS_ASKED = 64 };

static int ask_ports(const struct form *f, const char *word, struct mtd_error *err)
{
    struct mtd_engine *e = f->modal.around->engine;
    struct mtd_port *ports = NULL;
    size_t n = 0;
    int rc = mtd_port_parse(word, NULL, &ports, &n, err);
    for (size_t i = 0; e && i < n && i < PORTS_ASKED && rc == 0; i++)
        rc = mtd_port_check(e, &ports[i], err);
    mtd_ports_done(&ports, &n);
    mtd_context(rc < 0 ? err : NULL, "-p");
    return rc;
}

static int check_port(const struct form *f, const char *word, struct mtd_error *err)
{
    static const char *const WITHOUT[] = {"none", "host"};
    struct port_answer *known = &((struct run_form *)f->arg)->ports;
    for (size_t i = 0; i < ARRAY_SIZE(WITHOUT); i++)
        if (strcmp(form_text(f, RUN_NETWORK), WITHOUT[i]) == 0)
            return mtd_fail(err, EINVAL, "-p has no effect with --network %s",
                            WITHOUT[i]);
    if (strcmp(known->text, word) != 0) {
        known->err = (struct mtd_error){0};
        (void)ask_ports(f, word, &known->err);
        snprintf(known->text, sizeof(known->text), "%s", word);
    }
    if (known->err.code)
        *err = known->err;
    return known->err.code ? -known->err.code : 0;
}

/* A field of words, each an option of its own. */
static const struct {
    size_t field;
    const char *option;
    int (*check)(const struct form *f, const char *word, struct mtd_error *err);
} MANY[] = {
    {RUN_ENV, "-e", check_env},
    {RUN_VOLUMES, "-v", check_volume},
    {RUN_NETWORK, "--network", check_network},
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
            rc = MANY[i].check(f, words.items[j], err);
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

/* field < 0: nothing is filled in. */
static void open_form(const struct surroundings *s, struct run_draft *draft,
                      const char *image, int field, const char *text)
{
    struct run_form *run = load_names(s->engine);
    if (!run)
        return;
    run->draft = draft;
    struct modal *m = form_new(&RUN, "run a container", run);
    if (m && draft->fields.len == ARRAY_SIZE(FIELDS))
        for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
            form_set(form_of(m, &RUN), i, draft->fields.items[i]);
    if (m && image)
        form_set(form_of(m, &RUN), RUN_IMAGE, image);
    if (m && field >= 0)
        form_set(form_of(m, &RUN), (size_t)field, text);
    s->push(s->app, m);
}

void form_run_with(const struct surroundings *s, struct run_draft *draft,
                   const char *image, const char *volume)
{
    auto_free char *mount = NULL;
    if (volume && asprintf(&mount, "%s:/data", volume) < 0)
        return;
    open_form(s, draft, image, mount ? RUN_VOLUMES : -1, mount);
}

void form_run_on(const struct surroundings *s, struct run_draft *draft,
                 const char *network)
{
    open_form(s, draft, NULL, network ? RUN_NETWORK : -1, network);
}

void form_run(const struct surroundings *s, struct run_draft *draft)
{
    open_form(s, draft, NULL, -1, NULL);
}
