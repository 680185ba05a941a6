/* How skopeo is called. */

#include "engine/transfer/skopeo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define TRANSFER_PATIENCE 4 /* times the time for an answer, when bytes should flow */

const char *const *mtd_registry_variables(void)
{
    return tool_variables;
}

void registry_say(const struct mtd_registry *how, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    if (!how->say)
        return;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    how->say(how->arg, line);
}

int remote_parse(const char *ref, struct remote *ret, struct mtd_error *err)
{
    struct remote r = {0};
    int rc = image_name_parse(ref, &r.name, err);
    if (rc < 0)
        return rc;
    image_name_to_whole(r.name.text, r.whole);
    snprintf(r.host, sizeof(r.host), "%.*s", (int)image_name_host_len(r.whole), r.whole);
    size_t tag = strlen(r.name.text) - r.name.repo_len;
    snprintf(r.repo, sizeof(r.repo), "%.*s", (int)(strlen(r.whole) - tag), r.whole);
    *ret = r;
    return 0;
}

void remote_ref(const struct remote *r, const char *hex, char out[REMOTE_REF_SIZE])
{
    if (hex[0])
        snprintf(out, REMOTE_REF_SIZE, "docker://%s@sha256:%s", r->repo, hex);
    else
        snprintf(out, REMOTE_REF_SIZE, "docker://%s", r->whole);
}

int skopeo_args(struct strv *ret, ...)
{
    va_list args;
    const char *word;
    int rc = 0;
    va_start(args, ret);
    while (rc == 0 && (word = va_arg(args, const char *)))
        rc = strv_add(ret, word);
    va_end(args);
    return rc;
}

int skopeo_add_tls(const struct mtd_registry *how, const char *host, const char *option,
                   struct strv *args)
{
    char text[64];
    int verify = how->tls_verify;
    if (verify < 0 && !image_name_is_loopback(host, strlen(host)))
        return 0;
    snprintf(text, sizeof(text), "%s=%s", option, verify > 0 ? "true" : "false");
    return strv_add(args, text);
}

/* Large files it puts into /var/tmp, whatever TMPDIR is, and a killed one leaves them there. */
static int add_globals(const struct skopeo *k, struct strv *ret)
{
    return k->tmp ? skopeo_args(ret, "--tmpdir", k->tmp, NULL) : 0;
}

int skopeo_run(const struct skopeo *k, const struct strv *args, struct buf *ret,
               struct mtd_error *err)
{
    auto_done(strv_done) struct strv all = {0};
    unsigned limit = k->how->timeout_s;
    struct tool_result result;
    if (add_globals(k, &all) < 0 || strv_add_all(&all, args) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    struct tool_run run = {.tool = TOOL_SKOPEO,
                           .args = &all,
                           .env = k->how->env,
                           .tmp = k->tmp,
                           .in = k->in,
                           .pulse = k->pulse,
                           .arg = k->arg,
                           .quiet_s = k->transfers ? limit * TRANSFER_PATIENCE : limit};
    int rc = tool_run(&run, &result, err);
    if (rc < 0)
        return rc;
    if (result.status != 0 || result.silent)
        rc = tool_fail(&result, k->host, err);
    if (rc == 0 && ret) {
        *ret = result.out;
        result.out = (struct buf){0};
    }
    tool_result_done(&result);
    return rc;
}

int skopeo_inspect(const struct skopeo *k, const char *ref, bool config, struct buf *ret,
                   struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    if (skopeo_args(&args, "inspect", "--raw", NULL) < 0 ||
        (config && strv_add(&args, "--config") < 0) ||
        skopeo_add_tls(k->how, k->host, "--tls-verify", &args) < 0 ||
        strv_add(&args, ref) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return skopeo_run(k, &args, ret, err);
}
