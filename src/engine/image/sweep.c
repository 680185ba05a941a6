/* Killed processes leave entries in tmp/ that no process locks, and layers without their
 * image. Under the lock no process is in the middle of an
 * operation, so what has no image has no owner.
 *
 * A process that publishes or removes has an entry in tmp/ meanwhile, and so has one that
 * fills blobs/. So a command that finds none there has nothing to sweep, nor has one that
 * finds them all locked. */

#include "engine/image/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

int image_list_left(const struct image_store *s, struct strv *ret)
{
    auto_done(strv_done) struct strv names = {0};
    int rc = image_disk_list(s, "images/tmp", &names);
    for (size_t i = 0; i < names.len && rc == 0; i++) {
        char path[64 + IMAGE_TMP_NAME];
        snprintf(path, sizeof(path), "images/tmp/%.64s", names.items[i]);
        auto_fd int fd =
            openat(s->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 ? flock(fd, LOCK_EX | LOCK_NB) == 0 : errno == ELOOP)
            rc = strv_add(ret, names.items[i]);
    }
    return rc;
}

/* Earlier versions wrote to hidden names. */
static void sweep_hidden(const struct image_store *s)
{
    static const char *const DIRS[] = {"images", "images/config", "images/info"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++) {
        int fd = fs_open_dir_at(s->root_fd, DIRS[i]);
        auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        for (const struct dirent *d; dir && (d = readdir(dir));)
            if (d->d_name[0] == '.' && strlen(d->d_name) > 2)
                unlinkat(fd, d->d_name, 0);
    }
}

int image_list_needed(const struct image_store *s, struct strv *ret)
{
    auto_done(strv_done) struct strv ids = {0};
    int rc = image_disk_list_ids(s, "", &ids);
    for (size_t i = 0; i < ids.len && rc == 0; i++) {
        auto_done(mtd_image_done) struct mtd_image image = {0};
        rc = image_disk_load(s, ids.items[i], &image, NULL);
        if (rc == 0)
            rc = strv_add_all(ret, &image.layers);
    }
    return rc < 0 || !s->used_layers ? rc : s->used_layers(s->arg, &ids, ret);
}

/* What is named after a layer or an image that is gone. */
static void sweep_infos(const struct image_store *s)
{
    auto_done(strv_done) struct strv infos = {0};
    image_disk_list(s, "images/info", &infos);
    for (size_t i = 0; i < infos.len; i++) {
        char chain[SHA256_HEX_SIZE]; /* a recipe's name goes on after it */
        snprintf(chain, sizeof(chain), "%s", infos.items[i]);
        if (!image_disk_has_layer(s, chain))
            image_info_drop(s, chain);
    }
}

void image_sweep_layers(const struct image_store *s)
{
    auto_done(strv_done) struct strv layers = {0}, needed = {0}, tmp = {0};
    if (image_disk_list(s, "images/layers", &layers) < 0 ||
        image_list_needed(s, &needed) < 0)
        return;
    image_disk_sort(&needed);
    for (size_t i = 0; i < layers.len; i++)
        if (!image_disk_sorted_has(&needed, layers.items[i]))
            image_disk_retire_layer(s, layers.items[i], &tmp);
    image_disk_drop_tmp(s, &tmp);
    sweep_infos(s);
}

bool image_sweep_all(const struct image_store *s)
{
    sweep_hidden(s);
    image_sweep_layers(s);
    image_disk_drop_links(s, IMAGE_DIGESTS, NULL);
    image_disk_drop_links(s, IMAGE_IDS, NULL);
    bool all = image_blob_sweep(s);
    image_index_write(s, NULL);
    return all;
}

/* The entries in tmp go last: killed before, the next command sweeps again. So it does when a
 * transfer kept the blobs from being looked at. */
void image_sweep_found(const struct image_store *s)
{
    auto_done(strv_done) struct strv left = {0};
    image_list_left(s, &left);
    if (left.len == 0)
        return;
    for (size_t i = 0; i < left.len; i++)
        image_mark_finish(s, left.items[i]);
    bool all = image_sweep_all(s);
    fault_point("image.sweep");
    if (all)
        image_disk_drop_tmp(s, &left);
}
