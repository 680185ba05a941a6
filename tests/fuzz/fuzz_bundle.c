/* A config.json of the OCI runtime specification, as a whole, and its parts as exec and update read
 * them: what is accepted keeps what the steps inside a container rely on, and what is refused says so
 * in one line. */
#include <string.h>
#include <sys/mount.h>

#include "engine/bundle/bundle.h"
#include "fuzz.h"

static void check_failed(const struct mtd_error *err)
{
    CHECK(err->code != 0 && err->text[0] != '\0');
    CHECK(memchr(err->text, '\0', sizeof(err->text)));
}

/* Absolute, and of names alone. */
static void check_clean(const char *path)
{
    size_t len = strlen(path);
    CHECK(*path == '/' && !strstr(path, "//") && !strstr(path, "/./") &&
          !strstr(path, "/../"));
    CHECK(len == 1 || path[len - 1] != '/');
    CHECK(len < 2 || strcmp(path + len - 2, "/.") != 0);
    CHECK(len < 3 || strcmp(path + len - 3, "/..") != 0);
}

/* One of several: the kernel wants all of them cleared to set one. */
#define ATIME ((uint64_t)MOUNT_ATTR__ATIME)

static void check_mounts(const struct bundle *b)
{
    CHECK(b->n_mounts <= BUNDLE_MAX_ITEMS);
    for (size_t i = 0; i < b->n_mounts; i++) {
        const struct bundle_mount *m = &b->mounts[i];
        check_clean(m->destination);
        CHECK(m->destination[1] != '\0');
        CHECK(m->bind ? m->source != NULL && !m->options : m->type != NULL);
        CHECK((m->set & m->clear & ~ATIME) == 0);
        CHECK((m->all_set & m->all_clear & ~ATIME) == 0);
        CHECK((m->n_uids == 0) == (m->n_gids == 0));
    }
}

static void check_process(const struct bundle *b)
{
    const struct mtd_process *p = &b->process;
    CHECK(b->has_process && *p->cwd == '/' && p->args.len > 0);
    CHECK(p->user && strchr(p->user, ':') && p->umask <= 0777);
    for (size_t i = 0; i < p->env.len; i++)
        CHECK(strchr(p->env.items[i], '=') > p->env.items[i]);
    for (size_t i = 0; i < p->n_rlimits; i++)
        CHECK(memchr(p->rlimits[i].name, '\0', sizeof(p->rlimits[i].name)));
}

static void check_kernel(const struct bundle *b)
{
    CHECK(b->n_devices <= BUNDLE_MAX_ITEMS && b->n_rules <= BUNDLE_MAX_ITEMS);
    for (size_t i = 0; i < b->n_devices; i++) {
        check_clean(b->devices[i].path);
        CHECK(strchr("bcup", b->devices[i].type) && b->devices[i].mode <= 07777);
    }
    for (size_t i = 0; i < b->masked.len; i++)
        check_clean(b->masked.items[i]);
    for (size_t i = 0; i < b->read_only_paths.len; i++)
        check_clean(b->read_only_paths.items[i]);
    for (size_t i = 0; i < b->n_writes; i++) {
        const struct bundle_write *w = &b->writes[i];
        CHECK(w->file || w->file2);
        CHECK(!w->file || (!strchr(w->file, '/') && w->controller && w->value));
        CHECK(!w->file2 ||
              (!strchr(w->file2, '/') && strchr(w->file2, '.') && w->value2));
    }
    for (size_t i = 0; i < BUNDLE_NS_COUNT; i++) {
        const struct bundle_namespace *ns = &b->namespaces[i];
        CHECK(!ns->path || (ns->listed && *ns->path == '/'));
    }
}

static void check_hooks(const struct bundle *b)
{
    for (size_t kind = 0; kind < BUNDLE_HOOK_KINDS; kind++)
        for (size_t i = 0; i < b->hooks[kind].len; i++) {
            const struct bundle_hook *h = &b->hooks[kind].items[i];
            CHECK(*h->path == '/' && h->args.len > 0 && h->timeout >= 0);
        }
}

static void try_whole(const char *text, size_t len)
{
    struct bundle b = {0};
    struct mtd_error err = {0};
    if (bundle_parse(&b, text, len, &err) < 0) {
        check_failed(&err);
        CHECK(!b.version && !b.root && b.n_mounts == 0);
        return;
    }
    check_mounts(&b);
    check_process(&b);
    check_kernel(&b);
    check_hooks(&b);
    if (bundle_check(&b, &err) < 0)
        check_failed(&err);
    else
        CHECK(b.root && b.namespaces[BUNDLE_NS_MOUNT].listed);
    bundle_done(&b);
}

/* On top of what is there, as exec has it, and update twice. */
static void try_parts(const char *text, size_t len)
{
    struct bundle b = {0};
    struct mtd_error err = {0};
    if (bundle_parse_process(&b, text, len, &err) < 0)
        check_failed(&err);
    else
        check_process(&b);
    for (int i = 0; i < 2; i++) {
        err = (struct mtd_error){0};
        if (bundle_parse_resources(&b, text, len, &err) < 0)
            check_failed(&err);
        CHECK(b.n_rules == 0);
    }
    bundle_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    try_whole(text, size);
    try_parts(text, size);
    return 0;
}
