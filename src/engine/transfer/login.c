/* A password goes to skopeo by a file without a name, never as an argument that other
 * users could see. skopeo tries it before it keeps it. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/transfer/skopeo.h"

static int password_file(const char *password)
{
    auto_fd int fd = memfd_create("password", MFD_CLOEXEC);
    int rc = fd < 0 ? -errno : fs_write_all(fd, password, strlen(password));
    return rc < 0 ? rc : lseek(fd, 0, SEEK_SET) < 0 ? -errno : take_fd(&fd);
}

int transfer_login(const struct mtd_registry *how, const char *host, const char *user,
                   const char *password, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_fd int in = password_file(password);
    if (in < 0)
        return mtd_fail_errno(err, -in, "cannot hand the password over");
    if (skopeo_args(&args, "login", "--username", user, "--password-stdin", NULL) < 0 ||
        skopeo_add_tls(how, host, "--tls-verify", &args) < 0 || strv_add(&args, host) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    const struct skopeo k = {.how = how, .host = host, .in = in};
    return skopeo_run(&k, &args, NULL, err);
}

int transfer_logout(const struct mtd_registry *how, const char *host,
                    struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    struct mtd_error said = {0};
    if (skopeo_args(&args, "logout", host, NULL) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    const struct skopeo k = {.how = how, .host = host, .in = -1};
    int rc = skopeo_run(&k, &args, NULL, &said);
    if (rc < 0 && strstr(said.text, "ot logged into"))
        return -ENOENT;
    return rc < 0 ? mtd_fail(err, said.code, "%s", said.text) : 0;
}

static int read_tags(const struct buf *answer, struct strv *ret)
{
    json_t *root = json_loadb(answer->data ? answer->data : "", answer->len,
                              JSON_REJECT_DUPLICATES, NULL);
    json_t *tags = json_object_get(root, "Tags"), *tag;
    size_t i;
    int rc = json_is_array(tags) ? 0 : -EINVAL;
    json_array_foreach(tags, i, tag)
    {
        if (rc == 0)
            rc = json_is_string(tag) ? strv_add(ret, json_string_value(tag)) : -EINVAL;
    }
    json_decref(root);
    return rc;
}

int transfer_tags(const struct mtd_registry *how, const char *ref, struct strv *ret,
                  struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_done(buf_done) struct buf answer = {0};
    struct remote r;
    char repo[REMOTE_REF_SIZE];
    int rc = remote_parse(ref, &r, err);
    if (rc < 0)
        return rc;
    snprintf(repo, sizeof(repo), "docker://%s", r.repo);
    if (skopeo_args(&args, "list-tags", NULL) < 0 ||
        skopeo_add_tls(how, r.host, "--tls-verify", &args) < 0 ||
        strv_add(&args, repo) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    const struct skopeo k = {.how = how, .host = r.host, .in = -1};
    rc = skopeo_run(&k, &args, &answer, err);
    if (rc == 0 && read_tags(&answer, ret) < 0)
        rc = mtd_fail(err, EPROTO, "the registry at %s sent no list of tags", r.host);
    mtd_context(rc < 0 ? err : NULL, "image %.150s", r.repo);
    return rc;
}
