/* Every word is a row of one table. */

#include "cli/spec_security.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/spec_seccomp.h"

/* value: NULL = the word stands alone. */
typedef int (*set_fn)(struct mtd_spec *s, const char *value, struct mtd_error *err);

static int wrong_value(const char *word, const char *value, struct mtd_error *err)
{
    if (!value)
        return mtd_fail(err, EINVAL, "%s needs a value", word);
    return mtd_fail(err, EINVAL, "%s=\"%.60s\": not a value of it", word, value);
}

static int set_no_new_privs(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    s->process.no_new_privs = true;
    if (value && parse_bool(value, &s->process.no_new_privs) < 0)
        return wrong_value("no-new-privileges", value, err);
    return 0;
}

static int set_seccomp(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    return value ? spec_seccomp(&s->process.seccomp, value, err)
                 : wrong_value("seccomp", value, err);
}

/* What a profile may be called is asked of the engine, at create. */
static int set_apparmor(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    if (!value || !*value)
        return wrong_value("apparmor", value, err);
    free(s->process.apparmor);
    s->process.apparmor = strdup(value);
    return s->process.apparmor ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* Whether the host has SELinux is asked of the engine, at create. */
static int set_label(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    if (!value || !*value)
        return wrong_value("label", value, err);
    return strv_add(&s->label_words, value) < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                                                : 0;
}

/* ---- the kernel's files ---- */

static int set_mask(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    return value ? mtd_mask_add(&s->mask, value, err) : wrong_value("mask", value, err);
}

static int set_unmask(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    return value ? mtd_unmask_add(&s->unmask, value, err)
                 : wrong_value("unmask", value, err);
}

static int set_system_paths(struct mtd_spec *s, const char *value, struct mtd_error *err)
{
    if (!value || strcmp(value, "unconfined") != 0)
        return wrong_value("systempaths", value, err);
    return mtd_unmask_add(&s->unmask, "ALL", err);
}

static const struct {
    const char *word;
    set_fn set;
} WORDS[] = {
    {"apparmor", set_apparmor}, {"label", set_label},
    {"mask", set_mask},         {"no-new-privileges", set_no_new_privs},
    {"seccomp", set_seccomp},   {"systempaths", set_system_paths},
    {"unmask", set_unmask},
};

static int set_one(struct mtd_spec *s, const char *text, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++) {
        size_t len = strlen(WORDS[i].word);
        if (strncmp(text, WORDS[i].word, len) != 0 || !strchr("=:", text[len]))
            continue; /* strchr finds the NUL as well */
        return WORDS[i].set(s, text[len] ? text + len + 1 : NULL, err);
    }
    return mtd_fail(err, EOPNOTSUPP,
                    "\"%.80s\" is not supported; no-new-privileges, "
                    "seccomp=FILE|builtin|unconfined, apparmor=NAME, label=, "
                    "systempaths=unconfined, mask= and unmask= are",
                    text);
}

int spec_security(struct mtd_spec *s, const struct option_list *list,
                  struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < list->len && rc == 0; i++)
        rc = set_one(s, list->items[i], err);
    mtd_context(rc < 0 ? err : NULL, "--security-opt");
    return rc;
}
