/* What is pushed is a layout of hard links to our blobs: whatever happens to the image
 * meanwhile, its bytes stay until it is done. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/transfer/skopeo.h"

struct push {
    const struct image_store *store;
    const struct mtd_registry *how;
    struct remote to;
    struct mtd_image image;
    struct transfer_dir dir;
    struct oci_manifest manifest;
    struct oci_descriptor descriptor; /* of the manifest */
};

static void done_push(struct push *p)
{
    transfer_dir_done(&p->dir);
    mtd_image_done(&p->image);
    oci_manifest_done(&p->manifest);
}

/* ---- the copy ---- */

static int copy_args(const struct push *p, struct strv *args)
{
    char from[PATH_MAX + 16], to[REMOTE_REF_SIZE], file[PATH_MAX + 16];
    remote_ref(&p->to, "", to);
    snprintf(from, sizeof(from), "oci:%s:image", p->dir.path);
    snprintf(file, sizeof(file), "%s/digest", p->dir.path);
    int rc = skopeo_args(args, "copy", "--digestfile", file, NULL);
    if (rc == 0)
        rc = skopeo_add_tls(p->how, p->to.host, "--dest-tls-verify", args);
    return rc == 0 ? skopeo_args(args, from, to, NULL) : rc;
}

/* skopeo opens a blob when it has heard that the registry does not have it. -1 = cannot be
 * told. */
static int watch_opens(const struct push *p)
{
    char path[PATH_MAX + 16];
    auto_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    snprintf(path, sizeof(path), "%s/blobs/sha256", p->dir.path);
    return fd >= 0 && inotify_add_watch(fd, path, IN_OPEN) >= 0 ? take_fd(&fd) : -1;
}

static void list_opened(int fd, struct strv *ret)
{
    _Alignas(struct inotify_event) char block[4096];
    ssize_t n;
    while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
        for (char *at = block; at < block + n;) {
            const struct inotify_event *event = (const void *)at;
            if (event->len && !strv_contains(ret, event->name))
                (void)strv_add(ret, event->name);
            at += sizeof(*event) + event->len;
        }
}

static void tell_layers(const struct push *p, int opens)
{
    auto_done(strv_done) struct strv opened = {0};
    list_opened(opens, &opened);
    for (size_t i = 0; i < p->manifest.n_layers; i++) {
        const char *hex = p->manifest.layers[i].digest;
        bool pushed = opens < 0 || strv_contains(&opened, hex);
        registry_say(p->how, "%.12s: %s", hex,
                     pushed ? "Pushed" : "Layer already exists");
    }
}

static int copy(const struct push *p, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    auto_done(watch_done) struct watch watch = {.blobs_fd = -1};
    auto_fd int opens = watch_opens(p);
    if (copy_args(p, &args) < 0 || watch_open(&watch, p->how, &p->dir, &p->manifest) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    watch.what = "Pushing";
    struct skopeo k = {.how = p->how,
                       .host = p->to.host,
                       .tmp = p->dir.path,
                       .in = -1,
                       .pulse = watch_upload,
                       .arg = &watch,
                       .transfers = true};
    int rc = skopeo_run(&k, &args, NULL, err);
    if (rc == 0)
        tell_layers(p, opens);
    return rc;
}

/* The image is known by the digest it has there, too. */
static int note_digest(struct push *p, struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0}, digests = {0};
    auto_free char *id = NULL;
    char hex[SHA256_HEX_SIZE + 16], text[IMAGE_WHOLE_SIZE + 80];
    int rc = fs_read_small_at(p->dir.fd, "digest", hex, sizeof(hex));
    if (rc < 0 || strncmp(hex, "sha256:", 7) != 0 || !hex_is_valid(hex + 7, 64))
        return mtd_fail(err, EIO, "the digest it got is not known");
    snprintf(text, sizeof(text), "%.*s@%s", (int)p->to.name.repo_len, p->to.name.text,
             hex);
    if (strv_add(&digests, text) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    registry_say(p->how, "%s: digest: %s size: %llu",
                 p->to.name.text + p->to.name.repo_len + 1, hex,
                 (unsigned long long)p->descriptor.size);
    const struct image_take t = {.layout_fd = p->dir.fd,
                                 .manifest = p->descriptor.digest,
                                 .names = &names,
                                 .digests = &digests};
    return image_take(p->store, &t, NULL, &id, err);
}

static int push(struct push *p, struct mtd_error *err)
{
    int rc = transfer_dir_open(p->store, "push", &p->dir, err);
    if (rc == 0)
        rc = transfer_layout(&p->dir, p->how->progress, &p->image, &p->manifest,
                             &p->descriptor, err);
    if (rc == 0)
        rc = fault_point("push.layout");
    if (rc == 0)
        rc = copy(p, err);
    if (rc == 0)
        rc = fault_point("push.copied");
    return rc == 0 ? note_digest(p, err) : rc;
}

int transfer_push(const struct image_store *s, const struct mtd_registry *how,
                  const char *ref, struct mtd_error *err)
{
    struct image_transfer transfer;
    struct push p = {.store = s, .how = how, .dir = {.fd = -1}};
    int rc = remote_parse(ref, &p.to, err);
    if (rc == 0 && p.to.name.digest[0])
        rc = mtd_fail(err, EINVAL, "an image cannot be pushed to a digest");
    if (rc == 0)
        rc = image_find(s, p.to.name.text, &p.image, err);
    if (rc == 0)
        rc = tool_check(TOOL_SKOPEO, err);
    if (rc == 0)
        rc = image_transfer_begin(s, &transfer, err);
    if (rc == 0) {
        rc = push(&p, err);
        done_push(&p);
        image_transfer_end(&transfer);
    } else {
        done_push(&p);
        return rc;
    }
    if (rc == -EIO)
        mtd_fail(err, EIO, "failed"); /* a fault point has no sentence */
    mtd_context(rc < 0 ? err : NULL, "image %.150s", ref);
    return rc;
}
