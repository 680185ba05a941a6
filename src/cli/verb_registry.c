/* verb_registry - pull, push, login, logout. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/print.h"
#include "cli/registry.h"
#include "cli/report.h"

#define NO_TRUST "ignored; no image is signed by docker's content trust here"

/* ---- pull and push ---- */

struct move_values {
    bool all_tags, quiet, tls_verify;
    const char *platform;
    enum progress_mode progress;
};

#define FIELD(f) offsetof(struct move_values, f)
static const struct option_row PULL_OPTIONS[] = {
    {"all-tags", 'a', OPTION_FLAG, FIELD(all_tags), NULL, NULL,
     "Pull all tags of the repository"},
    {"disable-content-trust", 0, OPTION_IGNORE, 0, NULL, NULL, NO_TRUST},
    {"platform", 0, OPTION_TEXT, FIELD(platform), NULL, "OS/ARCH[/VARIANT]",
     "Pull the image for another platform than this machine's"},
    PROGRESS_OPTION(FIELD(progress)),
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only the name"},
    TLS_OPTION(FIELD(tls_verify)),
    OPTION_END,
};

static const struct option_row PUSH_OPTIONS[] = {
    {"all-tags", 'a', OPTION_FLAG, FIELD(all_tags), NULL, NULL,
     "Push all tags of the repository that are here"},
    {"disable-content-trust", 0, OPTION_IGNORE, 0, NULL, NULL, NO_TRUST},
    {"platform", 0, OPTION_IGNORE, 0, NULL, "PLATFORM",
     "ignored; an image has one platform"},
    PROGRESS_OPTION(FIELD(progress)),
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only the name"},
    TLS_OPTION(FIELD(tls_verify)),
    OPTION_END,
};

static void init_move(void *values)
{
    ((struct move_values *)values)->tls_verify = true;
}

static int check_move(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct move_values *v = values;
    struct mtd_image_name name;
    int rc = mtd_image_name(o->items[0], &name, err);
    if (rc == 0 && v->all_tags && (name.has_tag || name.has_digest))
        return mtd_fail(err, EINVAL, "tag can't be used with --all-tags/-a");
    return rc;
}

/* "host/path" and each tag. */
static int add_tags(struct strv *ret, const struct mtd_image_name *name,
                    const struct strv *tags)
{
    int rc = 0;
    for (size_t i = 0; i < tags->len && rc == 0; i++) {
        auto_free char *ref = NULL;
        rc = asprintf(&ref, "%.*s:%s", (int)name->repo_len, name->text, tags->items[i]);
        rc = rc < 0 ? -ENOMEM : strv_take(ret, take_ptr(&ref));
    }
    return rc;
}

/* What docker prints last. */
static int print_whole(const struct mtd_image_name *name, bool with_tag,
                       struct mtd_error *err)
{
    char text[sizeof(name->whole)];
    size_t len = with_tag ? strlen(name->whole) : name->whole_repo_len;
    snprintf(text, sizeof(text), "%.*s", (int)len, name->whole);
    return print_line(text, err);
}

static int pull_tags(struct cli *c, const struct move_values *v, const char *ref,
                     struct mtd_error *err)
{
    auto_done(strv_done) struct strv tags = {0}, refs = {0};
    struct mtd_image_name name;
    struct mtd_pulled pulled;
    struct registry r;
    int rc =
        registry_open(&r, v->progress, v->tls_verify, v->quiet ? -1 : STDOUT_FILENO, err);
    if (rc == 0)
        rc = mtd_image_name(ref, &name, err);
    if (rc == 0)
        rc = mtd_registry_tags(ref, &r.how, &tags, err);
    if (rc == 0 && add_tags(&refs, &name, &tags) < 0)
        rc = mtd_fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < refs.len && rc == 0; i++)
        rc = mtd_pull(c->engine, refs.items[i], v->platform, &r.how, &pulled, err);
    registry_close(&r);
    return rc < 0 ? rc : print_whole(&name, false, err);
}

static int pull_one(struct cli *c, const struct move_values *v, const char *ref,
                    struct mtd_error *err)
{
    struct mtd_image_name name;
    struct mtd_pulled pulled;
    struct registry r;
    int rc = mtd_image_name(ref, &name, err);
    if (rc == 0 && !v->quiet && !name.has_tag && !name.has_digest)
        rc = print_line("Using default tag: latest", err);
    if (rc == 0)
        rc = registry_open(&r, v->progress, v->tls_verify, v->quiet ? -1 : STDOUT_FILENO,
                           err);
    if (rc < 0)
        return rc;
    rc = mtd_pull(c->engine, ref, v->platform, &r.how, &pulled, err);
    registry_close(&r);
    return rc < 0 ? rc : print_line(pulled.whole, err);
}

static int run_pull(struct cli *c, void *values, const struct operands *o)
{
    const struct move_values *v = values;
    struct mtd_error err = {0};
    int rc = v->all_tags ? pull_tags(c, v, o->items[0], &err)
                         : pull_one(c, v, o->items[0], &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot pull %.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* The names of ours that are of the repository. */
static int list_tags(struct cli *c, const struct mtd_image_name *repo, struct strv *ret,
                     struct mtd_error *err)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    int rc = mtd_images(c->engine, &list, err);
    for (size_t i = 0; i < list.len && rc == 0; i++)
        for (size_t k = 0; k < list.items[i].names.len && rc == 0; k++) {
            const char *text = list.items[i].names.items[k];
            if (strncmp(text, repo->text, repo->repo_len + 1) == 0 &&
                !strchr(text + repo->repo_len + 1, '/'))
                rc = strv_add(ret, text);
        }
    if (rc == 0 && ret->len == 0)
        rc = mtd_fail(err, ENOENT, "no image here is called %.*s", (int)repo->repo_len,
                      repo->text);
    return rc;
}

static int push(struct cli *c, const struct move_values *v, const char *ref,
                struct mtd_error *err)
{
    auto_done(strv_done) struct strv refs = {0};
    struct mtd_image_name name;
    struct registry r;
    char line[400];
    int rc = mtd_image_name(ref, &name, err);
    if (rc == 0)
        rc = v->all_tags ? list_tags(c, &name, &refs, err) : strv_add(&refs, ref);
    if (rc == 0 && !v->quiet) {
        snprintf(line, sizeof(line), "The push refers to repository [%.*s]",
                 (int)name.whole_repo_len, name.whole);
        rc = print_line(line, err);
    }
    if (rc == 0)
        rc = registry_open(&r, v->progress, v->tls_verify, v->quiet ? -1 : STDOUT_FILENO,
                           err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < refs.len && rc == 0; i++)
        rc = mtd_push(c->engine, refs.items[i], &r.how, err);
    registry_close(&r);
    return rc < 0 || !v->quiet ? rc : print_whole(&name, !v->all_tags, err);
}

static int run_push(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    int rc = push(c, values, o->items[0], &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot push %.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

/* ---- login and logout ---- */

#define DEFAULT_REGISTRY "docker.io"
#define PASSWORD_MAX 4096

struct login_values {
    const char *user, *password;
    bool from_stdin, tls_verify;
};

#undef FIELD
#define FIELD(f) offsetof(struct login_values, f)
static const struct option_row LOGIN_OPTIONS[] = {
    {"password", 'p', OPTION_TEXT, FIELD(password), NULL, "PASSWORD",
     "Password; other users of this machine can see it, --password-stdin is safer"},
    {"password-stdin", 0, OPTION_FLAG, FIELD(from_stdin), NULL, NULL,
     "Take the password from stdin"},
    TLS_OPTION(FIELD(tls_verify)),
    {"username", 'u', OPTION_TEXT, FIELD(user), NULL, "NAME", "User name"},
    OPTION_END,
};

static void init_login(void *values)
{
    ((struct login_values *)values)->tls_verify = true;
}

static int check_login(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct login_values *v = values;
    (void)o;
    if (v->from_stdin && v->password)
        return mtd_fail(err, EINVAL,
                        "--password and --password-stdin are mutually exclusive");
    if (v->from_stdin && !v->user)
        return mtd_fail(err, EINVAL, "must provide --username with --password-stdin");
    return 0;
}

/* A whole line, or all there is; the newline is dropped. */
static int read_text(int fd, char *ret, size_t size)
{
    size_t len = 0;
    char c = 0;
    ssize_t n;
    while ((n = read(fd, &c, 1)) == 1 && c != '\n' && c != '\x03')
        if (len + 1 < size)
            ret[len++] = c;
        else
            return -E2BIG;
    if (n < 0 || c == '\x03')
        return n < 0 ? -errno : -ECANCELED;
    while (len > 0 && ret[len - 1] == '\r')
        len--;
    ret[len] = '\0';
    return len > 0 ? 0 : -ENODATA;
}

/* A ctrl-c is read, not delivered, so that the terminal is always given back. */
static int ask(const char *question, bool hidden, char *ret, size_t size)
{
    struct termios before, quiet;
    if (tcgetattr(STDIN_FILENO, &before) < 0)
        return -errno;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ISIG | (hidden ? ECHO : 0));
    tcsetattr(STDIN_FILENO, TCSAFLUSH,
              &quiet); /* first: who sees the question answers it */
    print_fd(STDERR_FILENO, question, strlen(question));
    int rc = read_text(STDIN_FILENO, ret, size);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    if (hidden || rc == -ECANCELED)
        print_fd(STDERR_FILENO, "\n", 1);
    return rc;
}

static int get_words(const struct login_values *v, char user[PASSWORD_MAX],
                     char password[PASSWORD_MAX], struct mtd_error *err)
{
    bool asks = !v->user || (!v->password && !v->from_stdin);
    int rc = 0;
    if (asks && !isatty(STDIN_FILENO))
        return mtd_fail(err, ENOTTY,
                        "stdin is no terminal to ask on; use --username and "
                        "--password-stdin");
    if (v->user)
        snprintf(user, PASSWORD_MAX, "%s", v->user);
    else
        rc = ask("Username: ", false, user, PASSWORD_MAX);
    if (rc == 0 && v->password)
        snprintf(password, PASSWORD_MAX, "%s", v->password);
    else if (rc == 0)
        rc = v->from_stdin ? read_text(STDIN_FILENO, password, PASSWORD_MAX)
                           : ask("Password: ", true, password, PASSWORD_MAX);
    if (rc == -ENODATA)
        return mtd_fail(err, EINVAL, "%s",
                        user[0] ? "the password is empty" : "the user name is empty");
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read the password") : 0;
}

/* docker's old spelling of its own registry, and what people copy from a browser. */
static int find_host(const struct operands *o, char ret[256], struct mtd_error *err)
{
    const char *host = o->len ? o->items[0] : DEFAULT_REGISTRY;
    const char *scheme = strstr(host, "://");
    host = scheme ? scheme + 3 : host;
    size_t len = strcspn(host, "/");
    if (strncmp(host, "index.docker.io", len) == 0 && len == 15)
        host = DEFAULT_REGISTRY, len = strlen(DEFAULT_REGISTRY);
    snprintf(ret, 256, "%.*s", (int)len, host);
    if (!ret[0] || ret[0] == '-' ||
        ret[strspn(ret, "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.:-[]")])
        return mtd_fail(err, EINVAL, "\"%.80s\" is no registry; HOST[:PORT] is expected",
                        o->items[0]);
    return 0;
}

static int run_login(struct cli *c, void *values, const struct operands *o)
{
    const struct login_values *v = values;
    struct mtd_error err = {0};
    struct registry r;
    char host[256], user[PASSWORD_MAX] = "", password[PASSWORD_MAX] = "";
    if (v->password)
        report_warning(c, "--password is seen by other users of this machine; "
                          "--password-stdin is safer");
    int rc = find_host(o, host, &err);
    if (rc == 0)
        rc = get_words(v, user, password, &err);
    if (rc == 0 &&
        (rc = registry_open(&r, PROGRESS_NONE, v->tls_verify, -1, &err)) == 0) {
        rc = mtd_login(host, user, password, &r.how, &err);
        registry_close(&r);
    }
    explicit_bzero(password, sizeof(password));
    if (rc == 0)
        rc = print_line("Login Succeeded", &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot log in");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static int run_logout(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    struct registry r;
    char host[256], line[320];
    (void)values;
    int rc = find_host(o, host, &err);
    if (rc == 0 && (rc = registry_open(&r, PROGRESS_NONE, true, -1, &err)) == 0) {
        rc = mtd_logout(host, &r.how, &err);
        registry_close(&r);
    }
    bool was_in = rc == 0;
    if (rc == -ENOENT && !err.code)
        rc = 0;
    snprintf(line, sizeof(line), "%s %s",
             was_in ? "Removing login credentials for" : "Not logged in to", host);
    if (rc == 0)
        rc = print_line(line, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot log out");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_REGISTRY[] = {
    {.name = "pull",
     .operands = "NAME[:TAG|@DIGEST]",
     .summary = "Download an image from a registry",
     .flags = VERB_EXISTING,
     .group = GROUP_IMAGE,
     .options = {{PULL_OPTIONS}},
     .values_size = sizeof(struct move_values),
     .min = 1,
     .max = 1,
     .init = init_move,
     .check = check_move,
     .run = run_pull},
    {.name = "push",
     .operands = "IMAGE",
     .summary = "Upload an image to a registry",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .options = {{PUSH_OPTIONS}},
     .values_size = sizeof(struct move_values),
     .min = 1,
     .max = 1,
     .init = init_move,
     .check = check_move,
     .run = run_push},
    {.name = "login",
     .operands = "[HOST[:PORT]]",
     .summary = "Log in to a registry",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .options = {{LOGIN_OPTIONS}},
     .values_size = sizeof(struct login_values),
     .max = 1,
     .init = init_login,
     .check = check_login,
     .run = run_login},
    {.name = "logout",
     .operands = "[HOST[:PORT]]",
     .summary = "Log out from a registry",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .max = 1,
     .run = run_logout},
    VERB_END,
};
