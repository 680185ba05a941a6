/* The process of a container or of an exec. Capabilities that this program does not know are
 * left out with a warning, as the specification wants it: older kernels have fewer. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
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

/* ---- scheduling ---- */

struct word {
    const char *name;
    uint64_t value;
};
static const struct word POLICIES[] = {{"SCHED_OTHER", SCHED_OTHER},
                                       {"SCHED_FIFO", SCHED_FIFO},
                                       {"SCHED_RR", SCHED_RR},
                                       {"SCHED_BATCH", SCHED_BATCH},
                                       {"SCHED_ISO", 4},
                                       {"SCHED_IDLE", SCHED_IDLE},
                                       {"SCHED_DEADLINE", 6},
                                       {NULL, 0}};
/* linux/sched.h, which glibc's cannot be beside */
static const struct word FLAGS[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}, {NULL, 0}};
static const struct word CLASSES[] = {{"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
                                      {"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
                                      {"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
                                      {NULL, 0}};

static const struct word *find_word(const struct word *words, const char *name)
{
    for (; words->name; words++)
        if (strcmp(words->name, name) == 0)
            return words;
    return NULL;
}

struct asked {
    char *policy, *class;
    struct strv flags;
    int64_t nice, priority;
    uint64_t runtime, deadline, period;
};

static void asked_done(struct asked *a)
{
    free(a->policy);
    free(a->class);
    strv_done(&a->flags);
}

static int read_scheduler(json_t *o, struct schedule *s, struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"policy", BUNDLE_TEXT, offsetof(struct asked, policy), .required = true},
        {"nice", BUNDLE_NUMBER, offsetof(struct asked, nice), -20, 19},
        {"priority", BUNDLE_NUMBER, offsetof(struct asked, priority), 0, 99},
        {"flags", BUNDLE_STRINGS, offsetof(struct asked, flags)},
        {"runtime", BUNDLE_BIG, offsetof(struct asked, runtime)},
        {"deadline", BUNDLE_BIG, offsetof(struct asked, deadline)},
        {"period", BUNDLE_BIG, offsetof(struct asked, period)},
        BUNDLE_END};
    static const char WHERE[] = "process.scheduler";
    auto_done(asked_done) struct asked a = {0};
    json_t *from;
    int rc = bundle_member(o, "process", "scheduler", JSON_OBJECT, &from, err);
    if (rc < 0 || !from)
        return rc;
    rc = bundle_fields(from, WHERE, FIELDS, &a, err);
    if (rc < 0)
        return rc;
    const struct word *policy = find_word(POLICIES, a.policy);
    if (!policy)
        return bundle_bad(err, WHERE, "policy", "there is no such policy");
    for (size_t i = 0; i < a.flags.len && rc == 0; i++) {
        const struct word *flag = find_word(FLAGS, a.flags.items[i]);
        rc = flag ? 0 : bundle_bad(err, WHERE, "flags", "there is no such flag");
        s->flags |= flag ? flag->value : 0;
    }
    if (rc < 0)
        return rc;
    s->sets_policy = true;
    s->policy = (uint32_t)policy->value;
    s->nice = (int32_t)a.nice;
    s->priority = (uint32_t)a.priority;
    s->runtime = a.runtime;
    s->deadline = a.deadline;
    s->period = a.period;
    return 0;
}

static int read_io_priority(json_t *o, struct schedule *s, struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"class", BUNDLE_TEXT, offsetof(struct asked, class), .required = true},
        {"priority", BUNDLE_NUMBER, offsetof(struct asked, priority), 0, 7, true},
        BUNDLE_END};
    auto_done(asked_done) struct asked a = {0};
    json_t *from;
    int rc = bundle_member(o, "process", "ioPriority", JSON_OBJECT, &from, err);
    if (rc < 0 || !from)
        return rc;
    rc = bundle_fields(from, "process.ioPriority", FIELDS, &a, err);
    if (rc < 0)
        return rc;
    const struct word *class = find_word(CLASSES, a.class);
    if (!class)
        return bundle_bad(err, "process.ioPriority", "class", "there is no such class");
    s->sets_io = true;
    s->io = IOPRIO_PRIO_VALUE((int)class->value, (int)a.priority);
    return 0;
}

/* Of exec: create ignores it, as the specification says. */
static int read_cpus(json_t *o, struct bundle *b, struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"initial", BUNDLE_TEXT, offsetof(struct bundle, cpus_first)},
        {"final", BUNDLE_TEXT, offsetof(struct bundle, cpus)},
        BUNDLE_END};
    json_t *from;
    int rc = bundle_member(o, "process", "execCPUAffinity", JSON_OBJECT, &from, err);
    if (rc == 0)
        rc = bundle_fields(from, "process.execCPUAffinity", FIELDS, b, err);
    const char *const lists[] = {b->cpus_first, b->cpus};
    for (size_t i = 0; i < ARRAY_SIZE(lists) && rc == 0; i++)
        if (lists[i] && *lists[i] &&
            parse_cpu_list(lists[i], SCHEDULE_CPUS_MAX, NULL) < 0)
            rc = bundle_bad(err, "process.execCPUAffinity", i ? "final" : "initial",
                            "must be a list of CPUs like 0-3,7");
    return rc;
}

static int read_schedule(json_t *o, struct bundle *b, struct mtd_error *err)
{
    free(take_ptr(&b->cpus_first));
    free(take_ptr(&b->cpus));
    b->schedule = (struct schedule){0};
    int rc = read_scheduler(o, &b->schedule, err);
    if (rc == 0)
        rc = read_io_priority(o, &b->schedule, err);
    return rc == 0 ? read_cpus(o, b, err) : rc;
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
        rc = read_schedule(o, b, err);
    if (rc == 0)
        rc = check_process(p, err);
    b->has_process = rc == 0;
    return rc;
}
