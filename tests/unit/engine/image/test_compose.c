/* Images out of layers, configs and manifests, and what of them lies in the store. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/image/compose.h"
#include "imagestore.h"
#include "tarfile.h"

TestSuite(image_compose, .init = imagestore_start, .fini = imagestore_end);

/* The tar of one file, open for reading. */
static int open_tar(const char *file, const char *content, const char *filter)
{
    const struct tar_item items[] = {{file, S_IFREG | 0644, content}, {0}};
    struct tarfile t;
    tarfile_make(&t, items, filter, "");
    imagestore_write("stream", t.data, t.len);
    tarfile_done(&t);
    return openat(imagestore_dir.fd, "stream", O_RDONLY | O_CLOEXEC);
}

static struct image_layer receive(const char *file, const char *content,
                                  const char *filter, enum image_keep keep)
{
    struct image_layer l = {0};
    struct mtd_error err = {0};
    auto_fd int fd = open_tar(file, content, filter);
    struct image_layer_source src = {.fd = fd, .keep = keep};
    cr_assert_eq(image_layer_receive(&imagestore, &src, NULL, &l, &err), 0, "%s",
                 err.text);
    return l;
}

static char *compose(struct image_layer *layers, size_t n, const char *name)
{
    struct image_part parts[8] = {0};
    struct mtd_image_config config = {.user = (char *)"me"};
    struct mtd_error err = {0};
    struct strv names = {0};
    char *id = NULL;
    for (size_t i = 0; i < n; i++)
        parts[i].layer = &layers[i];
    cr_assert_eq(strv_add(&names, name), 0);
    struct image_compose c = {.config = &config,
                              .created_at = 1,
                              .parts = parts,
                              .n_parts = n,
                              .names = &names};
    cr_assert_eq(image_compose(&imagestore, &c, &id, &err), 0, "%s", err.text);
    for (size_t i = 0; i < n; i++)
        image_layer_done(&layers[i]);
    strv_done(&names);
    return id;
}

static void expect_counts(int layers, int blobs, int configs)
{
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), layers);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/info"), 2 * layers,
                 "a line and a recipe");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/blobs/sha256"), blobs);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/config"), configs);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
}

static void expect_digest(const char *path, const char *digest)
{
    auto_done(buf_done) struct buf b = {0};
    char is[SHA256_HEX_SIZE];
    cr_assert_eq(fs_read_at(imagestore_dir.fd, path, 1u << 20, &b), 0, "%s", path);
    archive_hash(b.data, b.len, is);
    cr_expect_str_eq(is, digest, "%s", path);
}

Test(image_compose, an_image_is_its_layers_blobs_config_and_manifest)
{
    struct image_layer l[2] = {receive("a", "1", "gzip", IMAGE_KEEP_AS_IS),
                               receive("b", "2", "zstd", IMAGE_KEEP_AS_IS)};
    cr_expect_eq(l[0].blob.media, OCI_LAYER_GZIP);
    cr_expect_eq(l[1].blob.media, OCI_LAYER_ZSTD);
    auto_free char *id = compose(l, 2, "mine:1");
    struct mtd_image image = imagestore_find("mine:1");
    char path[256];
    cr_expect_str_eq(image.id, id);
    cr_expect_str_eq(image.config_digest, id + 7, "the id is the config's digest");
    cr_expect_eq(image.layers.len, 2);
    cr_expect_eq(image.size, 2);
    expect_counts(2, 4, 1);
    snprintf(path, sizeof(path), "images/blobs/sha256/%s", image.config_digest);
    expect_digest(path, image.config_digest);
    snprintf(path, sizeof(path), "images/blobs/sha256/%s", image.manifest);
    expect_digest(path, image.manifest);
    mtd_image_done(&image);
}

/* A power loss may leave the name of a document without its text: whoever makes the image again
 * writes it again. */
Test(image_compose, a_document_that_is_empty_is_written_again)
{
    struct image_layer first = receive("a", "1", "gzip", IMAGE_KEEP_AS_IS);
    auto_free char *id = compose(&first, 1, "mine:1");
    struct mtd_image image = imagestore_find("mine:1");
    const char *const documents[] = {image.config_digest, image.manifest};
    char path[256];
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        snprintf(path, sizeof(path), "images/blobs/sha256/%s", documents[i]);
        auto_fd int fd = openat(imagestore_dir.fd, path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        cr_assert_geq(fd, 0);
    }
    struct image_layer second = receive("a", "1", "gzip", IMAGE_KEEP_AS_IS);
    auto_free char *again = compose(&second, 1, "mine:2");
    cr_expect_str_eq(again, id);
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        snprintf(path, sizeof(path), "images/blobs/sha256/%s", documents[i]);
        expect_digest(path, documents[i]);
    }
    mtd_image_done(&image);
}

Test(image_compose, forms_that_are_no_media_type_are_kept_plain)
{
    struct image_layer l = receive("a", "1", "xz", IMAGE_KEEP_AS_IS);
    cr_expect_eq(l.blob.media, OCI_LAYER);
    cr_expect_str_eq(l.blob.digest, l.diff_id);
    auto_free char *id = compose(&l, 1, "mine");
    expect_counts(1, 3, 1);
}

Test(image_compose, the_index_names_every_image_in_full)
{
    auto_free char *one = imagestore_import("1", "mine:1"),
                   *two = imagestore_import("2", "reg.example.com:5000/a/b");
    auto_done(buf_done) struct buf text = {0};
    auto_done(oci_index_done) struct oci_index index = {0};
    struct mtd_error err = {0};
    cr_assert_eq(image_tag(&imagestore, "mine:1", "me/other:2", &err), 0);
    cr_assert_eq(fs_read_at(imagestore_dir.fd, "images/index.json", 1u << 20, &text), 0);
    cr_assert_eq(oci_index_decode(text.data, text.len, &index, &err), 0, "%s", err.text);
    cr_expect_eq(index.len, 3);
    static const char *const NAMES[] = {"docker.io/library/mine:1",
                                        "docker.io/me/other:2",
                                        "reg.example.com:5000/a/b:latest"};
    for (size_t n = 0; n < ARRAY_SIZE(NAMES); n++) {
        bool found = false;
        for (size_t i = 0; i < index.len; i++)
            found = found || strcmp(index.items[i].ref_name, NAMES[n]) == 0;
        cr_expect(found, "%s: %s", NAMES[n], text.data);
    }
    cr_expect_eq(faccessat(imagestore_dir.fd, "images/oci-layout", F_OK, 0), 0);
}

Test(image_compose, layers_that_are_there_are_not_received_again)
{
    struct image_layer l = receive("a", "1", "", IMAGE_KEEP_PLAIN);
    char diff_id[SHA256_HEX_SIZE], chain[SHA256_HEX_SIZE];
    memcpy(diff_id, l.diff_id, sizeof(diff_id));
    cr_expect(!image_layer_is_there(&imagestore, NULL, diff_id, chain));
    auto_free char *id = compose(&l, 1, "one");
    cr_expect(image_layer_is_there(&imagestore, NULL, diff_id, chain));
    struct image_part part = {.chain = chain};
    struct mtd_image_config config = {0};
    struct image_compose c = {.config = &config, .parts = &part, .n_parts = 1};
    struct mtd_error err = {0};
    char *second = NULL;
    cr_assert_eq(image_compose(&imagestore, &c, &second, &err), 0, "%s", err.text);
    cr_expect_str_neq(id, second);
    expect_counts(1, 5, 2);
    free(second);
}

Test(image_compose, what_came_damaged_is_refused_and_leaves_nothing)
{
    static const char WRONG[] =
        "0000000000000000000000000000000000000000000000000000000000000000";
    struct image_layer l = {0};
    struct mtd_error err = {0};
    auto_fd int fd = open_tar("a", "1", "gzip");
    struct image_layer_source src = {.fd = fd, .digest = WRONG, .keep = IMAGE_KEEP_AS_IS};
    cr_expect_eq(image_layer_receive(&imagestore, &src, NULL, &l, &err), -EBADMSG);
    cr_expect(strstr(err.text, "is damaged: its digest is"), "%s", err.text);
    err = (struct mtd_error){0};
    lseek(fd, 0, SEEK_SET);
    src = (struct image_layer_source){.fd = fd, .diff_id = WRONG};
    cr_expect_eq(image_layer_receive(&imagestore, &src, NULL, &l, &err), -EBADMSG);
    cr_expect(strstr(err.text, "unpacked its digest is"), "%s", err.text);
    expect_counts(0, 0, 0);
}

Test(image_compose, a_config_must_fit_the_layers)
{
    static const char CONFIG[] =
        "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:"
        "0000000000000000000000000000000000000000000000000000000000000000\"]}}";
    struct image_layer l = receive("a", "1", "", IMAGE_KEEP_PLAIN);
    struct image_part part = {.layer = &l};
    struct image_compose c = {.config_json = CONFIG,
                              .config_len = strlen(CONFIG),
                              .parts = &part,
                              .n_parts = 1};
    struct mtd_error err = {0};
    char *id = NULL;
    cr_expect_eq(image_compose(&imagestore, &c, &id, &err), -EBADMSG);
    cr_expect(strstr(err.text, "layer 1 of the image is damaged"), "%s", err.text);
    image_layer_done(&l);
    expect_counts(0, 0, 0);
}

Test(image_compose, a_dropped_blob_is_made_again)
{
    struct image_layer l = receive("a", "1", "", IMAGE_KEEP_PLAIN);
    auto_free char *id = compose(&l, 1, "mine");
    struct mtd_image image = imagestore_find("mine");
    struct oci_descriptor before, after;
    struct mtd_error err = {0};
    char path[256];
    cr_assert_eq(
        image_layer_blob(&imagestore, image.layers.items[0], NULL, &before, &err), 0);
    snprintf(path, sizeof(path), "images/blobs/sha256/%s", before.digest);
    cr_assert_eq(unlinkat(imagestore_dir.fd, path, 0), 0);
    cr_assert_eq(image_layer_blob(&imagestore, image.layers.items[0], NULL, &after, &err),
                 0, "%s", err.text);
    cr_expect_str_eq(after.digest, before.digest);
    expect_digest(path, before.digest);
    mtd_image_done(&image);
}

/* ---- layouts ---- */

/* The store's own layout is somebody's: taken into the same store with all of it gone but
 * blobs/. */
static void make_layout(const struct mtd_image *image)
{
    char from[256], to[256];
    auto_done(strv_done) struct strv names = {0};
    cr_assert_eq(mkdirat(imagestore_dir.fd, "layout", 0755), 0);
    (void)image;
    snprintf(from, sizeof(from), "images/blobs");
    snprintf(to, sizeof(to), "layout/blobs");
    cr_assert_eq(renameat(imagestore_dir.fd, from, imagestore_dir.fd, to), 0);
    cr_assert_eq(fs_remove_tree_at(imagestore_dir.fd, "images"), 0);
}

static int take(const char *manifest, const char *name, char **ret_id,
                struct mtd_error *err)
{
    struct strv names = {0}, digests = {0};
    struct image_transfer t;
    char digest[256];
    *err = (struct mtd_error){0};
    auto_fd int layout = fs_open_dir_at(imagestore_dir.fd, "layout");
    snprintf(digest, sizeof(digest), "%s@sha256:%s", name, manifest);
    cr_assert_eq(strv_add(&names, name), 0);
    cr_assert_eq(strv_add(&digests, digest), 0);
    cr_assert_eq(image_transfer_begin(&imagestore, &t, err), 0, "%s", err->text);
    struct image_take take = {
        .layout_fd = layout, .manifest = manifest, .names = &names, .digests = &digests};
    int rc = image_take(&imagestore, &take, NULL, ret_id, err);
    image_transfer_end(&t);
    strv_done(&names);
    strv_done(&digests);
    return rc;
}

Test(image_compose, a_layout_is_taken_with_its_id)
{
    struct image_layer l[2] = {receive("a", "1", "gzip", IMAGE_KEEP_AS_IS),
                               receive("b", "2", "gzip", IMAGE_KEEP_AS_IS)};
    auto_free char *id = compose(l, 2, "mine"), *taken = NULL;
    struct mtd_image image = imagestore_find("mine");
    struct mtd_error err;
    char ref[256];
    make_layout(&image);
    cr_assert_eq(take(image.manifest, "theirs", &taken, &err), 0, "%s", err.text);
    cr_expect_str_eq(taken, id);
    expect_counts(2, 4, 1);
    snprintf(ref, sizeof(ref), "theirs@sha256:%s", image.manifest);
    struct mtd_image found = imagestore_find(ref);
    cr_expect_str_eq(found.id, id);
    cr_expect_str_eq(found.digests.items[0], ref);
    imagestore_expect_content(&found, "b", "2");
    mtd_image_done(&found);
    snprintf(ref, sizeof(ref), "another@sha256:%s", image.manifest);
    imagestore_expect_none(ref, ENOENT, "not found");
    mtd_image_done(&image);
}

Test(image_compose, a_layout_with_a_wrong_or_missing_blob_leaves_nothing)
{
    struct image_layer l = receive("a", "1", "gzip", IMAGE_KEEP_AS_IS);
    char path[256], digest[SHA256_HEX_SIZE];
    memcpy(digest, l.blob.digest, sizeof(digest));
    auto_free char *id = compose(&l, 1, "mine"), *taken = NULL;
    struct mtd_image image = imagestore_find("mine");
    struct mtd_error err;
    make_layout(&image);
    snprintf(path, sizeof(path), "layout/blobs/sha256/%s", digest);
    auto_fd int fd = open_tar("a", "2", "gzip");
    cr_assert_eq(renameat(imagestore_dir.fd, "stream", imagestore_dir.fd, path), 0);
    cr_expect_eq(take(image.manifest, "x", &taken, &err), -EBADMSG, "%s", err.text);
    cr_expect(strstr(err.text, "layer "), "%s", err.text);
    expect_counts(0, 0, 0);
    cr_assert_eq(unlinkat(imagestore_dir.fd, path, 0), 0);
    cr_assert_eq(symlinkat("/etc/passwd", imagestore_dir.fd, path), 0);
    cr_expect_eq(take(image.manifest, "x", &taken, &err), -ENOENT, "%s", err.text);
    cr_expect(strstr(err.text, "is missing"), "%s", err.text);
    expect_counts(0, 0, 0);
    mtd_image_done(&image);
}

Test(image_compose, the_last_image_takes_its_blobs_along)
{
    struct strv report = {0};
    auto_free char *one = imagestore_import("same", "one"),
                   *two = imagestore_import("same", "two");
    expect_counts(1, 5, 2);
    cr_assert_eq(image_remove(&imagestore, "one", false, NULL, &report, NULL), 0);
    expect_counts(1, 3, 1);
    cr_assert_eq(image_remove(&imagestore, "two", false, NULL, &report, NULL), 0);
    expect_counts(0, 0, 0);
    strv_done(&report);
}

Test(image_compose, while_a_transfer_runs_no_blob_goes)
{
    struct image_transfer t;
    struct strv report = {0};
    struct mtd_error err = {0};
    auto_free char *one = imagestore_import("1", "one");
    cr_assert_eq(image_transfer_begin(&imagestore, &t, &err), 0, "%s", err.text);
    cr_assert_eq(image_remove(&imagestore, "one", false, NULL, &report, NULL), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/blobs/sha256"), 3);
    image_transfer_end(&t);
    expect_counts(0, 0, 0);
    strv_done(&report);
}
