/* A kill between an image's config and its names would leave an image without a name, which
 * nobody asked for, and so would one between the names that rmi removes and the config. So the
 * mark, an entry of images/tmp, says what it is to be named or that it is to go, and whoever
 * finds it does so. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

#define MARK_MAX (1u << 20)

int image_mark_write(int fd, const struct image_ref *ref, const struct strv *names,
                     const struct strv *digests)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = buf_printf(&text, "%s %s\n", ref->hex, ref->stamp);
    for (size_t i = 0; i < names->len && rc == 0; i++)
        rc = buf_printf(&text, "name %s\n", names->items[i]);
    for (size_t i = 0; i < digests->len && rc == 0; i++)
        rc = buf_printf(&text, "digest %s\n", digests->items[i]);
    return rc < 0 ? rc : fs_write_all(fd, text.data, text.len);
}

int image_mark_removal(int fd, const char *hex, const struct strv *names)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = buf_printf(&text, "%s \n", hex);
    for (size_t i = 0; i < names->len && rc == 0; i++)
        rc = buf_printf(&text, "untag %s\n", names->items[i]);
    if (rc == 0)
        rc = buf_puts(&text, "remove\n");
    return rc < 0 ? rc : fs_write_all(fd, text.data, text.len);
}

/* Unless somebody has moved it to another image since. */
static void untag(const struct image_store *s, const char *hex, const char *name)
{
    struct image_ref is;
    if (image_disk_read_ref(s, name, &is) == 0 && strcmp(is.hex, hex) == 0)
        image_disk_drop_ref(s, name, NULL);
}

/* Unless somebody has given it another name since. Layers and blobs are swept. */
static void remove_nameless(const struct image_store *s, const char *hex)
{
    auto_done(strv_done) struct strv names = {0}, ids = {0};
    if (image_disk_list_refs(s, &names, &ids) < 0 || strv_contains(&ids, hex))
        return;
    image_disk_drop_links(s, IMAGE_DIGESTS, hex);
    image_disk_drop_links(s, IMAGE_IDS, hex);
    image_disk_drop_config(s, hex);
}

/* An image that was there before has it only if its own file was written again. */
static bool has_digest(const struct mtd_image *i, const char *hex)
{
    for (size_t n = 0; n < i->digests.len; n++) {
        const char *at = strrchr(i->digests.items[n], ':');
        if (at && strcmp(at + 1, hex) == 0)
            return true;
    }
    return false;
}

static void finish_line(const struct image_store *s, const struct image_ref *ref,
                        const struct mtd_image *image, const char *line)
{
    struct image_name name;
    if (strncmp(line, "name ", 5) == 0 &&
        image_name_parse_new(line + 5, &name, NULL) == 0)
        image_disk_write_ref(s, name.text, ref, NULL);
    else if (strncmp(line, "untag ", 6) == 0 &&
             image_name_parse_new(line + 6, &name, NULL) == 0)
        untag(s, ref->hex, name.text);
    else if (strcmp(line, "remove") == 0)
        remove_nameless(s, ref->hex);
    else if (strncmp(line, "digest ", 7) == 0 &&
             hex_is_valid(line + 7, SHA256_HEX_SIZE - 1) &&
             strlen(line + 7) == SHA256_HEX_SIZE - 1 && has_digest(image, line + 7))
        image_disk_write_link(s, IMAGE_DIGESTS, line + 7, ref->hex);
}

void image_mark_finish(const struct image_store *s, const char *tmp_name)
{
    auto_done(buf_done) struct buf text = {0};
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct image_ref ref = {{0}, ""};
    char path[64 + IMAGE_TMP_NAME];
    snprintf(path, sizeof(path), "images/tmp/%.64s", tmp_name);
    if (strncmp(tmp_name, "publish-", 8) != 0 ||
        fs_read_at(s->root_fd, path, MARK_MAX, &text) < 0 || text.len == 0)
        return;
    char *rest = text.data, *line = strsep(&rest, "\n");
    char *stamp = strchr(line, ' ');
    if (!stamp || stamp - line != SHA256_HEX_SIZE - 1 ||
        strlen(stamp + 1) >= sizeof(ref.stamp))
        return;
    *stamp = '\0';
    snprintf(ref.hex, sizeof(ref.hex), "%s", line);
    snprintf(ref.stamp, sizeof(ref.stamp), "%s", stamp + 1);
    if (!hex_is_valid(ref.hex, SHA256_HEX_SIZE - 1))
        return;
    (void)image_disk_read_link(s, IMAGE_IDS, ref.hex, ref.hex);
    if (image_disk_load(s, ref.hex, &image, NULL) < 0)
        return; /* it was not made: nothing is named */
    while ((line = strsep(&rest, "\n")))
        finish_line(s, &ref, &image, line);
}
