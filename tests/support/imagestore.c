#include "imagestore.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "tarfile.h"

struct tempdir imagestore_dir;
struct image_store imagestore;

void imagestore_start(void)
{
    tempdir_make(&imagestore_dir);
    imagestore = (struct image_store){imagestore_dir.path, imagestore_dir.fd};
}

void imagestore_end(void)
{
    tempdir_done(&imagestore_dir);
}

void imagestore_write(const char *path, const void *data, size_t len)
{
    int fd =
        openat(imagestore_dir.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(fs_write_all(fd, data, len), 0);
    close(fd);
}

void imagestore_drop_tar(const char *name, const char *file, const char *content)
{
    const struct tar_item items[] = {{file, S_IFREG | 0755, content}, {0}};
    struct tarfile t;
    char path[64];
    snprintf(path, sizeof(path), "image/%s.tar", name);
    mkdirat(imagestore_dir.fd, "image", 0700);
    tarfile_make(&t, items, "", "");
    imagestore_write(path, t.data, t.len);
    tarfile_done(&t);
}

char *imagestore_import(const char *content, const char *name)
{
    const struct tar_item items[] = {{"f", S_IFREG | 0644, content}, {0}};
    struct tarfile t;
    struct mtd_error err = {0};
    struct mtd_image_config config = {.user = (char *)"me"};
    char *id = NULL;
    tarfile_make(&t, items, "gzip", "");
    imagestore_write("import", t.data, t.len);
    tarfile_done(&t);
    int fd = openat(imagestore_dir.fd, "import", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(image_import(&imagestore, fd,
                              &(struct image_new){.config = &config, .name = name}, &id,
                              &err),
                 0, "%s", err.text);
    close(fd);
    return id;
}

struct mtd_image imagestore_find(const char *ref)
{
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    cr_assert_eq(image_find(&imagestore, ref, &image, &err), 0, "%s: %s", ref, err.text);
    return image;
}

void imagestore_expect_none(const char *ref, int code, const char *text)
{
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    cr_expect_eq(image_find(&imagestore, ref, &image, &err), -code, "%s: %s", ref,
                 err.text);
    cr_expect(strstr(err.text, text), "%s", err.text);
}

void imagestore_expect_content(const struct mtd_image *i, const char *file,
                               const char *content)
{
    char path[256], text[64];
    snprintf(path, sizeof(path), "images/layers/%s/%s",
             i->layers.items[i->layers.len - 1], file);
    cr_assert(fs_read_small_at(imagestore_dir.fd, path, text, sizeof(text)) >= 0, "%s",
              path);
    cr_expect_str_eq(text, content);
}
