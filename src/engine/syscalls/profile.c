/* A profile is a file of somebody else's, so each member is checked for kind and range,
 * and the error names the rule. Rules for other machines, kernels and capabilities are
 * dropped here, as docker does before it hands a profile to its runtime. */

#include "engine/syscalls/internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/parse.h"

struct reader {
    uint64_t caps;
    unsigned kernel[2];
    size_t n_names; /* so far */
    struct mtd_error *err;
};

static void cleanup_json(json_t **j)
{
    json_decref(*j);
}
#define auto_json __attribute__((cleanup(cleanup_json)))

static int no_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

static int find(enum profile_words words, const json_t *v, uint32_t *ret)
{
    const char *name = json_string_value(v);
    return name ? syscalls_find_word(words, name, ret) : -EINVAL;
}

static const char *shown(const json_t *v)
{
    return json_is_string(v) ? json_string_value(v) : v ? "(no text)" : "(missing)";
}

/* null and a missing member are the same. */
static const json_t *member(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    return json_is_null(v) ? NULL : v;
}

/* ---- actions and their errno ------------------------------------------------------- */

/* As for docker's runtime: the errno is EPERM unless one is named. */
static int read_action(struct reader *r, const char *where, const json_t *word,
                       const json_t *number, uint32_t *ret)
{
    uint32_t action = 0;
    if (find(PROFILE_ACTIONS, word, &action) < 0)
        return syscalls_wrong(r->err, "%s: \"%.40s\" is not an action", where,
                              shown(word));
    json_int_t data = number ? json_integer_value(number) : EPERM;
    bool errno_only = action == SCMP_ACT_ERRNO(0);
    if ((number && !json_is_integer(number)) || data < 0 ||
        data > (errno_only ? 4095 : UINT16_MAX))
        return syscalls_wrong(r->err, "%s: the errno is not a number from 0 to 4095",
                              where);
    if (errno_only || action == SCMP_ACT_TRACE(0))
        action |= (uint32_t)data;
    else if (number)
        return syscalls_wrong(r->err, "%s: %.40s has no errno", where, shown(word));
    *ret = action;
    return 0;
}

/* ---- conditions -------------------------------------------------------------------- */

/* docker's names of machines. */
static const char *machine(void)
{
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "";
#endif
}

/* "4.8" */
static int parse_version(const char *text, unsigned ret[2])
{
    uint64_t part[2] = {0};
    char first[8] = "";
    const char *dot = text ? strchr(text, '.') : NULL;
    if (!dot || dot - text >= (ptrdiff_t)sizeof(first))
        return -EINVAL;
    memcpy(first, text, (size_t)(dot - text));
    if (parse_u64(first, 255, &part[0]) < 0 || parse_u64(dot + 1, 255, &part[1]) < 0)
        return -EINVAL;
    ret[0] = (unsigned)part[0];
    ret[1] = (unsigned)part[1];
    return 0;
}

static void read_kernel(unsigned ret[2])
{
    struct utsname name;
    char text[16] = "";
    if (uname(&name) < 0)
        return;
    size_t len = strspn(name.release, "0123456789.");
    char *dot = memchr(name.release, '.', len);
    if (!dot)
        return;
    len = (size_t)(dot - name.release) + 1 + strspn(dot + 1, "0123456789");
    if (len < sizeof(text))
        memcpy(text, name.release, len);
    (void)parse_version(text, ret);
}

/* A capability that is not known is one that nobody has. */
static bool has_cap(const struct reader *r, const json_t *name)
{
    uint64_t bit = 0;
    const char *text = json_string_value(name);
    return text && mtd_cap_parse(text, &bit, NULL) == 0 && (r->caps & bit) != 0;
}

static bool is_machine(const struct reader *r, const json_t *name)
{
    (void)r;
    return strcmp(shown(name), machine()) == 0;
}

typedef bool matcher(const struct reader *r, const json_t *name);

static size_t count(const struct reader *r, const json_t *list, matcher *matches)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += matches(r, json_array_get(list, i));
    return n;
}

/* What a rule's "includes" or "excludes" says of this container. */
struct verdict {
    bool all_caps, any_cap, machine, kernel; /* true where nothing is said */
    bool says_machine, says_kernel;
};

static int read_filter(struct reader *r, const char *where, const json_t *f,
                       struct verdict *ret)
{
    const json_t *caps = member(f, "caps"), *arches = member(f, "arches"),
                 *min = member(f, "minKernel");
    unsigned version[2] = {0};
    if ((f && !json_is_object(f)) || (caps && !json_is_array(caps)) ||
        (arches && !json_is_array(arches)))
        return syscalls_wrong(r->err, "%s: caps and arches are lists in an object",
                              where);
    if (min && *shown(min) && parse_version(json_string_value(min), version) < 0)
        return syscalls_wrong(r->err, "%s: minKernel \"%.20s\" is not like \"4.8\"",
                              where, shown(min));
    size_t held = count(r, caps, has_cap);
    *ret = (struct verdict){
        .all_caps = held == json_array_size(caps),
        .any_cap = held > 0,
        .says_machine = json_array_size(arches) > 0,
        .machine = json_array_size(arches) == 0 || count(r, arches, is_machine) > 0,
        .says_kernel = version[0] || version[1],
        .kernel = r->kernel[0] > version[0] ||
                  (r->kernel[0] == version[0] && r->kernel[1] >= version[1])};
    return 0;
}

static int applies(struct reader *r, const char *where, const json_t *rule, bool *ret)
{
    struct verdict in, ex;
    int rc = read_filter(r, where, member(rule, "includes"), &in);
    if (rc == 0)
        rc = read_filter(r, where, member(rule, "excludes"), &ex);
    if (rc < 0)
        return rc;
    bool excluded =
        ex.any_cap || (ex.says_machine && ex.machine) || (ex.says_kernel && ex.kernel);
    *ret = !excluded && in.all_caps && in.machine && in.kernel;
    return 0;
}

/* ---- rules ------------------------------------------------------------------------- */

static int read_names(struct reader *r, const char *where, const json_t *rule,
                      struct strv *ret)
{
    const json_t *name = member(rule, "name"), *names = member(rule, "names");
    if (name && names)
        return syscalls_wrong(r->err, "%s: both \"name\" and \"names\" are given", where);
    if (name && json_is_string(name))
        return strv_add(ret, json_string_value(name)) < 0 ? no_memory(r->err) : 0;
    if (name || (names && !json_is_array(names)))
        return syscalls_wrong(r->err, "%s: names is not a list", where);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        if (!one)
            return syscalls_wrong(r->err, "%s: a name is no text", where);
        if (++r->n_names > SYSCALLS_MAX_NAMES)
            return syscalls_wrong(r->err, "it has more than %u names",
                                  SYSCALLS_MAX_NAMES);
        if (strv_add(ret, one) < 0)
            return no_memory(r->err);
    }
    return 0;
}

static int read_number(const json_t *v, json_int_t max, uint64_t *ret)
{
    json_int_t n = json_integer_value(v);
    if (v && (!json_is_integer(v) || n < 0 || n > max))
        return -EINVAL;
    *ret = (uint64_t)n; /* 0 when it is missing */
    return 0;
}

static int read_arg(struct reader *r, const char *where, const json_t *arg,
                    struct scmp_arg_cmp *ret)
{
    uint64_t index = 0, value = 0, second = 0;
    uint32_t op = 0;
    if (!json_is_object(arg))
        return syscalls_wrong(r->err, "%s: an argument is no object", where);
    if (read_number(member(arg, "index"), PROFILE_ARGS - 1, &index) < 0)
        return syscalls_wrong(r->err, "%s: the index of an argument is 0 to 5", where);
    if (read_number(member(arg, "value"), INT64_MAX, &value) < 0 ||
        read_number(member(arg, "valueTwo"), INT64_MAX, &second) < 0)
        return syscalls_wrong(r->err, "%s: a value is not a number from 0 to 2^63 - 1",
                              where);
    if (find(PROFILE_OPERATORS, member(arg, "op"), &op) < 0)
        return syscalls_wrong(r->err, "%s: \"%.40s\" is not a comparison", where,
                              shown(member(arg, "op")));
    *ret = (struct scmp_arg_cmp){(unsigned)index, (enum scmp_compare)op, value, second};
    return 0;
}

static int read_args(struct reader *r, const char *where, const json_t *args,
                     struct profile_rule *ret)
{
    if (args && (!json_is_array(args) || json_array_size(args) > PROFILE_ARGS))
        return syscalls_wrong(r->err, "%s: args is not a list of up to 6", where);
    for (; ret->n_args < json_array_size(args); ret->n_args++) {
        int rc = read_arg(r, where, json_array_get(args, ret->n_args),
                          &ret->args[ret->n_args]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A listener gets its descriptor from a process that has the filter already, and says so by
 * write: whoever had to ask the listener for that would wait for ever. */
static int check_notify(struct reader *r, const char *where,
                        const struct profile_rule *rule)
{
    if (rule->action == SCMP_ACT_NOTIFY && strv_contains(&rule->names, "write"))
        return syscalls_wrong(
            r->err, "%s: SCMP_ACT_NOTIFY cannot be used for the write syscall", where);
    return 0;
}

/* A rule that does not apply is checked all the same. It goes again at the end. */
static int read_rule(struct reader *r, size_t i, const json_t *in, struct profile *p)
{
    char where[24];
    struct profile_rule *rule = &p->rules[p->n_rules++];
    bool used = false;
    snprintf(where, sizeof(where), "rule %zu", i + 1);
    if (!json_is_object(in))
        return syscalls_wrong(r->err, "%s is no object", where);
    int rc = read_names(r, where, in, &rule->names);
    if (rc == 0)
        rc = read_action(r, where, member(in, "action"), member(in, "errnoRet"),
                         &rule->action);
    if (rc == 0)
        rc = check_notify(r, where, rule);
    if (rc == 0)
        rc = read_args(r, where, member(in, "args"), rule);
    if (rc == 0)
        rc = applies(r, where, in, &used);
    if (rc == 0 && !used) {
        strv_done(&rule->names);
        p->rules[--p->n_rules] = (struct profile_rule){0};
    }
    return rc;
}

static int read_rules(struct reader *r, const json_t *rules, struct profile *p)
{
    size_t n = json_array_size(rules);
    if (rules && !json_is_array(rules))
        return syscalls_wrong(r->err, "syscalls is not a list");
    if (n > SYSCALLS_MAX_RULES)
        return syscalls_wrong(r->err, "it has more than %u rules", SYSCALLS_MAX_RULES);
    p->rules = calloc(n + 1, sizeof(*p->rules));
    if (!p->rules)
        return no_memory(r->err);
    for (size_t i = 0; i < n; i++) {
        int rc = read_rule(r, i, json_array_get(rules, i), p);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- machines, flags --------------------------------------------------------------- */

static int add_arch(struct reader *r, const json_t *name, struct profile *p)
{
    uint32_t arch;
    if (find(PROFILE_ARCHES, name, &arch) < 0)
        return syscalls_wrong(r->err, "\"%.40s\" is not an architecture", shown(name));
    if (p->n_arches == PROFILE_MAX_ARCHES)
        return syscalls_wrong(r->err, "it has more than %d architectures",
                              PROFILE_MAX_ARCHES);
    if (arch != seccomp_arch_native())
        p->arches[p->n_arches++] = arch;
    return 0;
}

static int add_arches(struct reader *r, const json_t *list, struct profile *p)
{
    if (list && !json_is_array(list))
        return syscalls_wrong(r->err, "the architectures are not a list");
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = add_arch(r, json_array_get(list, i), p);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* OCI names the architectures; docker has a map from each machine's to those that it runs
 * too. */
static int read_arches(struct reader *r, const json_t *in, struct profile *p)
{
    const json_t *list = member(in, "architectures"), *map = member(in, "archMap");
    if (json_array_size(list) && json_array_size(map))
        return syscalls_wrong(r->err, "both \"architectures\" and \"archMap\" are given");
    if (map && !json_is_array(map))
        return syscalls_wrong(r->err, "archMap is not a list");
    for (size_t i = 0; i < json_array_size(map); i++) {
        const json_t *entry = json_array_get(map, i);
        uint32_t arch = 0;
        if (find(PROFILE_ARCHES, member(entry, "architecture"), &arch) == 0 &&
            arch == seccomp_arch_native())
            return add_arches(r, member(entry, "subArchitectures"), p);
    }
    return add_arches(r, list, p);
}

/* Without any, that one flag is set, as by docker's runtime. */
static int read_flags(struct reader *r, const json_t *flags, struct profile *p)
{
    p->flags = flags ? 0 : SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    if (flags && !json_is_array(flags))
        return syscalls_wrong(r->err, "flags is not a list");
    for (size_t i = 0; i < json_array_size(flags); i++) {
        uint32_t flag = 0;
        const json_t *name = json_array_get(flags, i);
        if (find(PROFILE_FLAGS, name, &flag) < 0)
            return syscalls_wrong(r->err, "the flag \"%.40s\" is not supported",
                                  shown(name));
        p->flags |= flag;
    }
    return 0;
}

/* ---- the profile ------------------------------------------------------------------- */

void syscalls_profile_done(struct profile *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        strv_done(&p->rules[i].names);
    free(p->rules);
    *p = (struct profile){0};
}

/* Who loads it has one thread, and with a listener the kernel has no room for the answer of TSYNC;
 * without one it knows nothing to be killed while waiting. */
static void set_listener(struct profile *p)
{
    bool notifies = false;
    for (size_t i = 0; i < p->n_rules; i++)
        notifies |= p->rules[i].action == SCMP_ACT_NOTIFY;
    if (notifies)
        p->flags =
            (p->flags & ~SECCOMP_FILTER_FLAG_TSYNC) | SECCOMP_FILTER_FLAG_NEW_LISTENER;
    else
        p->flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

static int read_profile(struct reader *r, const json_t *in, struct profile *p)
{
    if (!json_is_object(in))
        return syscalls_wrong(r->err, "it is no JSON object");
    int rc = read_action(r, "defaultAction", member(in, "defaultAction"),
                         member(in, "defaultErrnoRet"), &p->action);
    if (rc == 0 && p->action == SCMP_ACT_NOTIFY)
        rc = syscalls_wrong(r->err, "SCMP_ACT_NOTIFY cannot be used as default action");
    if (rc == 0)
        rc = read_arches(r, in, p);
    if (rc == 0)
        rc = read_flags(r, member(in, "flags"), p);
    if (rc == 0)
        rc = read_rules(r, member(in, "syscalls"), p);
    if (rc == 0)
        set_listener(p);
    return rc;
}

int syscalls_profile_read(struct profile *ret, const char *text, uint64_t caps,
                          struct mtd_error *err)
{
    struct reader r = {.caps = caps, .err = err};
    auto_done(syscalls_profile_done) struct profile p = {0};
    json_error_t at;
    size_t len = strlen(text);
    *ret = (struct profile){0};
    if (len > MTD_SECCOMP_MAX_BYTES)
        return syscalls_wrong(err, "it is larger than %u kB",
                              MTD_SECCOMP_MAX_BYTES >> 10);
    auto_json json_t *in = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
    if (!in)
        return syscalls_wrong(err, "line %d: %.100s", at.line, at.text);
    read_kernel(r.kernel);
    int rc = read_profile(&r, in, &p);
    if (rc < 0)
        return rc;
    *ret = p;
    p = (struct profile){0};
    return 0;
}
