/* The form that makes a network. The engine is asked about what is typed after every key, a
 * field at a time, so that the first wrong one is known; it makes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/catalog/internal.h"
#include "ui/dialog/forms.h"

enum {
    NET_NAME,
    NET_SUBNET,
    NET_GATEWAY,
    NET_RANGE,
    NET_SUBNET6,
    NET_IPV6,
    NET_INTERNAL,
    NET_ISOLATED
};

static const struct form_field FIELDS[] = {
    [NET_NAME] = {"name", "letters, digits, _ . -", FIELD_TEXT},
    [NET_SUBNET] = {"subnet", "one that is free; 172.30.0.0/16", FIELD_TEXT},
    [NET_GATEWAY] = {"gateway", "the first address of it", FIELD_TEXT},
    [NET_RANGE] = {"ip range", "all of it; 172.30.5.0/24", FIELD_TEXT},
    [NET_SUBNET6] = {"IPv6 subnet", "a random one, if IPv6", FIELD_TEXT},
    [NET_IPV6] = {"IPv6", "addresses of it as well", FIELD_CHECK},
    [NET_INTERNAL] = {"internal", "no way out, and none in", FIELD_CHECK},
    [NET_ISOLATED] = {"isolated", "its containers do not reach each other", FIELD_CHECK},
};

struct network_form {
    void (*done)(void *arg, int status, const char *output);
    void *arg;
    char *made;
};

/* In the order in which they are looked at. */
static const struct {
    size_t field, member;
    const char *option;
} TEXTS[] = {
    {NET_NAME, offsetof(struct mtd_net, name), NULL},
    {NET_SUBNET, offsetof(struct mtd_net, subnet), "--subnet"},
    {NET_GATEWAY, offsetof(struct mtd_net, gateway), "--gateway"},
    {NET_RANGE, offsetof(struct mtd_net, range), "--ip-range"},
    {NET_SUBNET6, offsetof(struct mtd_net, subnet6), "--subnet"},
};

static int check_first(const struct form *f, size_t n, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net net = {0};
    for (size_t i = 0; i < n; i++) {
        const char *text = form_text(f, TEXTS[i].field);
        char **at = (char **)((char *)&net + TEXTS[i].member);
        if (*text && !(*at = strdup(text)))
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return mtd_network_check(f->modal.around->engine, &net, err);
}

static int check_fields(const struct form *f, size_t *field, struct mtd_error *err)
{
    int rc = 0;
    if (!*form_text(f, NET_NAME)) {
        *field = NET_NAME;
        return mtd_fail(err, EINVAL, "the network needs a name");
    }
    for (size_t i = 0; f->modal.around->engine && i < ARRAY_SIZE(TEXTS) && rc == 0; i++) {
        *field = TEXTS[i].field;
        if (i == 0 || *form_text(f, *field))
            rc = check_first(f, i + 1, err);
    }
    return rc;
}

static int network_form_build(const struct form *f, struct strv *ret, size_t *field,
                              struct mtd_error *err)
{
    static const struct {
        size_t field;
        const char *words[2];
    } TICKS[] = {{NET_IPV6, {"--ipv6"}},
                 {NET_INTERNAL, {"--internal"}},
                 {NET_ISOLATED, {"--opt", "icc=false"}}};
    int rc = check_fields(f, field, err);
    if (rc < 0)
        return rc;
    strv_add(ret, "network");
    strv_add(ret, "create");
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++)
        if (TEXTS[i].option && *form_text(f, TEXTS[i].field)) {
            strv_add(ret, TEXTS[i].option);
            strv_add(ret, form_text(f, TEXTS[i].field));
        }
    for (size_t i = 0; i < ARRAY_SIZE(TICKS); i++)
        for (size_t k = 0; form_ticked(f, TICKS[i].field) && k < 2 && TICKS[i].words[k];
             k++)
            strv_add(ret, TICKS[i].words[k]);
    return strv_add(ret, form_text(f, NET_NAME));
}

static void network_form_submit(struct form *f, const struct strv *argv)
{
    const struct surroundings *s = f->modal.around;
    const struct network_form *own = f->arg;
    snprintf(own->made, 256, "%s", form_text(f, NET_NAME));
    s->run(s->app, &(struct errand){.argv = argv, .done = own->done, .arg = own->arg});
}

static const struct form_ops FORM = {
    .title = "network",
    .fields = FIELDS,
    .n_fields = ARRAY_SIZE(FIELDS),
    .build = network_form_build,
    .submit = network_form_submit,
};

void network_form(const struct surroundings *s,
                  void (*done)(void *arg, int status, const char *output), void *arg,
                  char made[256])
{
    struct network_form *own = calloc(1, sizeof(*own));
    if (!own)
        return;
    *own = (struct network_form){done, arg, made};
    s->push(s->app, form_new(&FORM, "create a network", own));
}
