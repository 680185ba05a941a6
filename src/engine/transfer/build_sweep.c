/* build_sweep - what a killed buildah, or one whose disk was full, has left in its storage. Later
 * versions keep the list of working containers, and of their layers, beside the storage, in the
 * directory of that one build; with it gone nobody else knows them. */

#include "engine/transfer/build_steps.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

#define STORAGE_ID_LEN 64

/* Directories below build/storage whose names are ids, and the list of those that are in use. */
static const struct {
    const char *dir, *list;
    bool may_lack; /* without a list nothing is in use */
} STORED[] = {{"overlay-containers", "overlay-containers/containers.json", true},
              {"vfs-containers", "vfs-containers/containers.json", true},
              {"overlay", "overlay-layers/layers.json", false},
              {"vfs/dir", "vfs-layers/layers.json", false}};

static bool is_listed(const json_t *list, const char *id)
{
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one)
    {
        const char *has = json_string_value(json_object_get(one, "id"));
        if (has && strcmp(has, id) == 0)
            return true;
    }
    return false;
}

/* NULL = it cannot be read: then nothing is known to be unused. */
static json_t *read_list(int storage, const char *name, bool may_lack)
{
    auto_fd int fd =
        openat(storage, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT && may_lack ? json_array() : NULL;
    json_t *list = json_loadfd(fd, 0, NULL);
    if (json_is_array(list))
        return list;
    json_decref(list);
    return NULL;
}

static void remove_unlisted(int dir_fd, const json_t *list)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const struct dirent64 *d; dir.fd >= 0 && (d = fs_dir_next(&dir));)
        if (hex_is_valid(d->d_name, STORAGE_ID_LEN) && !is_listed(list, d->d_name))
            (void)fs_remove_dir_at(dir_fd, d->d_name);
}

void build_sweep(const struct image_store *s)
{
    auto_fd int storage = fs_open_dir_at(s->root_fd, "build/storage");
    for (size_t i = 0; storage >= 0 && i < ARRAY_SIZE(STORED); i++) {
        auto_fd int dir = fs_open_dir_at(storage, STORED[i].dir);
        json_t *list =
            dir < 0 ? NULL : read_list(storage, STORED[i].list, STORED[i].may_lack);
        if (list)
            remove_unlisted(dir, list);
        json_decref(list);
    }
}
