/* The process of a container or of an exec. Capabilities that this program does not know are
 * left out with a warning, as the specification wants it: older kernels have fewer. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/limits.h"

struct numbers {
    int64_t uid, gid, umask, oom, rows, cols;
};

static const struct bundle_field PROCESS[] = {
    {"terminal", BUNDLE_BOOL, offsetof(struct mtd_process, tty)},
    {"cwd", BUNDLE_TEXT, offsetof(struct mtd_process, cwd), .required = true},
    {"env", BUNDLE_STRINGS, offsetof(struct mtd_process, env)},
    {"args", BUNDLE_STRINGS, offsetof(struct mtd_process, args), .required = true},
    {"noNewPrivileges", BUNDLE_BOOL, offsetof(struct mtd_process, no_new_privs)},
    {"apparmorProfile", BUNDLE_TEXT, offsetof(struct mtd_process, apparmor)},
    {"selinuxLabel", BUNDLE_REFUSED,
     .why = "labels of SELinux are not supported; leave it out, or disable them"},
    {"scheduler", BUNDLE_REFUSED, .why = "is not supported"},
    {"ioPriority", BUNDLE_REFUSED, .why = "is not supported"},
    {"execCPUAffinity", BUNDLE_REFUSED, .why = "is not supported"},
    BUNDLE_END,
};

static const struct bundle_field USER[] = {
    {"uid", BUNDLE_NUMBER, offsetof(struct numbers, uid), 0, BUNDLE_ID_MAX},
    {"gid", BUNDLE_NUMBER, offsetof(struct numbers, gid), 0, BUNDLE_ID_MAX},
    {"umask", BUNDLE_NUMBER, offsetof(struct numbers, umask), 0, 0777},
    BUNDLE_END,
};

static const struct bundle_field OOM[] = {
    {"oomScoreAdj", BUNDLE_NUMBER, offsetof(struct numbers, oom), -1000, 1000},
    BUNDLE_END,
};

static const struct bundle_field CONSOLE[] = {
    {"height", BUNDLE_NUMBER, offsetof(struct numbers, rows), 0, UINT16_MAX, true},
    {"width", BUNDLE_NUMBER, offsetof(struct numbers, cols), 0, UINT16_MAX, true},
    BUNDLE_END,
};

static int read_groups(json_t *user, struct mtd_process *p, struct mtd_error *err)
{
    json_t *list, *one;
    size_t i;
    int rc =
        bundle_member(user, "process.user", "additionalGids", JSON_ARRAY, &list, err);
    if (rc < 0 || !list)
        return rc;
    json_array_foreach(list, i, one)
    {
        int64_t gid;
        char text[16];
        if (bundle_number(one, 0, BUNDLE_ID_MAX, &gid) < 0)
            return bundle_bad(err, "process.user", "additionalGids",
                              "must be an array of group ids");
        snprintf(text, sizeof(text), "%lld", (long long)gid);
        if (strv_add(&p->group_add, text) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

static int read_user(json_t *o, struct mtd_process *p, struct mtd_error *err)
{
    json_t *user;
    struct numbers n = {.umask = -1};
    int rc = bundle_member(o, "process", "user", JSON_OBJECT, &user, err);
    if (rc == 0)
        rc = bundle_fields(user, "process.user", USER, &n, err);
    if (rc == 0)
        rc = read_groups(user, p, err);
    if (rc < 0)
        return rc;
    p->sets_umask = n.umask >= 0;
    p->umask = p->sets_umask ? (unsigned)n.umask : 022;
    free(p->user);
    if (asprintf(&p->user, "%lld:%lld", (long long)n.uid, (long long)n.gid) < 0)
        p->user = NULL;
    return p->user ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int add_cap(struct bundle *b, const char *name, uint64_t *to,
                   struct mtd_error *err)
{
    uint64_t bit;
    if (strncmp(name, "CAP_", 4) != 0 || mtd_cap_parse(name, &bit, NULL) < 0)
        return bundle_warn(b, err, "ignoring the unknown capability %.40s", name);
    *to |= bit;
    return 0;
}

static int read_caps(json_t *o, struct bundle *b, struct mtd_error *err)
{
    struct mtd_process *p = &b->process;
    const struct {
        const char *name;
        uint64_t *to;
    } SETS[] = {
        {"bounding", &p->caps},
        {"effective", &p->sets.effective},
        {"permitted", &p->sets.permitted},
        {"inheritable", &p->sets.inheritable},
        {"ambient", &p->sets.ambient},
    };
    json_t *caps;
    int rc = bundle_member(o, "process", "capabilities", JSON_OBJECT, &caps, err);
    for (size_t i = 0; i < ARRAY_SIZE(SETS) && rc == 0; i++) {
        struct bundle_field row[] = {{SETS[i].name, BUNDLE_STRINGS, 0}, BUNDLE_END};
        auto_done(strv_done) struct strv names = {0};
        *SETS[i].to = 0;
        rc = bundle_fields(caps, "process.capabilities", row, &names, err);
        for (size_t k = 0; k < names.len && rc == 0; k++)
            rc = add_cap(b, names.items[k], SETS[i].to, err);
    }
    return rc;
}

struct limit {
    char *type;
    uint64_t soft, hard;
};

static int read_limit(json_t *item, const char *where, size_t i, void *to,
                      struct mtd_error *err)
{
    static const struct bundle_field LIMIT[] = {
        {"type", BUNDLE_TEXT, offsetof(struct limit, type), .required = true},
        {"soft", BUNDLE_BIG, offsetof(struct limit, soft), .required = true},
        {"hard", BUNDLE_BIG, offsetof(struct limit, hard), .required = true},
        BUNDLE_END,
    };
    struct mtd_process *p = to;
    struct limit l = {0};
    (void)i;
    int rc = bundle_fields(item, where, LIMIT, &l, err);
    auto_free char *type = l.type;
    if (rc < 0)
        return rc;
    struct mtd_rlimit *r =
        bundle_grow((void **)&p->rlimits, &p->n_rlimits, sizeof(*r), err);
    if (!r)
        return -ENOMEM;
    const char *name = strncmp(type, "RLIMIT_", 7) == 0 ? type + 7 : "";
    for (size_t k = 0; name[k] && k < sizeof(r->name) - 1; k++)
        r->name[k] = (char)(name[k] | 0x20);
    r->soft = l.soft;
    r->hard = l.hard;
    for (size_t k = 0; k + 1 < p->n_rlimits; k++)
        if (strcmp(p->rlimits[k].name, r->name) == 0)
            return bundle_bad(err, where, "type", "this limit is given twice");
    struct mtd_error why = {0};
    return mtd_limit_rlimit(r, &why) < 0 ? bundle_bad(err, where, "type", why.text) : 0;
}

static int read_console(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *size;
    struct numbers n = {0};
    int rc = bundle_member(o, "process", "consoleSize", JSON_OBJECT, &size, err);
    if (rc < 0 || !size)
        return rc;
    rc = bundle_fields(size, "process.consoleSize", CONSOLE, &n, err);
    b->rows = n.rows;
    b->cols = n.cols;
    return rc;
}

static int check_process(const struct mtd_process *p, struct mtd_error *err)
{
    if (*p->cwd != '/')
        return bundle_bad(err, "process", "cwd", "must be an absolute path");
    if (p->args.len == 0)
        return bundle_bad(err, "process", "args", "must not be empty");
    for (size_t i = 0; i < p->env.len; i++)
        if (*p->env.items[i] == '=' || !strchr(p->env.items[i], '='))
            return bundle_bad(err, "process", "env", "each must be NAME=VALUE");
    return 0;
}

int bundle_process(json_t *o, struct bundle *b, struct mtd_error *err)
{
    struct mtd_process *p = &b->process;
    struct numbers n = {0};
    p->exact = true;
    int rc = bundle_fields(o, "process", PROCESS, p, err);
    if (rc == 0)
        rc = bundle_fields(o, "process", OOM, &n, err);
    p->oom_score_adj = (int)n.oom;
    b->sets_oom_score = json_is_number(json_object_get(o, "oomScoreAdj"));
    if (rc == 0)
        rc = read_user(o, p, err);
    if (rc == 0)
        rc = read_caps(o, b, err);
    if (rc == 0)
        rc = bundle_each(o, "process", "rlimits", read_limit, p, err);
    if (rc == 0)
        rc = read_console(o, b, err);
    if (rc == 0)
        rc = check_process(p, err);
    b->has_process = rc == 0;
    return rc;
}
