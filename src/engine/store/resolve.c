/* A name may look like the beginning of an id, so the order decides: an exact id, an
 * exact name, then a unique prefix of an id; as in docker. */

#include "engine/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define MAX_LISTED 4

struct match {
    const char *prefix;
    size_t prefix_len, count;
    char id[MTD_ID_SIZE];
    char listed[MAX_LISTED * (MTD_SHORT_ID_LEN + 2) + 8];
};

static void add_match(struct match *m, const char *id)
{
    size_t used = strlen(m->listed);
    if (m->count++ == 0)
        memcpy(m->id, id, MTD_ID_SIZE);
    if (m->count <= MAX_LISTED)
        snprintf(m->listed + used, sizeof(m->listed) - used, "%s%.*s", used ? ", " : "",
                 MTD_SHORT_ID_LEN, id);
    else if (m->count == MAX_LISTED + 1)
        snprintf(m->listed + used, sizeof(m->listed) - used, ", ...");
}

static int match_prefix(struct store *s, struct match *m)
{
    int fd = openat(s->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    if (!dir)
        return -errno;
    while ((e = readdir(dir)))
        if (strncmp(e->d_name, m->prefix, m->prefix_len) == 0 &&
            hex_is_valid(e->d_name, MTD_ID_LEN))
            add_match(m, e->d_name);
    return 0;
}

static int resolve_prefix(struct store *s, const char *ref, char ret_id[MTD_ID_SIZE],
                          struct mtd_error *err)
{
    struct match m = {.prefix = ref, .prefix_len = strlen(ref)};
    if (m.prefix_len == 0 || m.prefix_len > MTD_ID_LEN ||
        !hex_is_valid(ref, m.prefix_len))
        return store_no_such(ref, err);
    int rc = match_prefix(s, &m);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read \"%s/containers\"", s->root);
    if (m.count == 0)
        return store_no_such(ref, err);
    if (m.count > 1)
        return mtd_fail(err, ENOTUNIQ, "multiple IDs found with provided prefix: %s: %s",
                        ref, m.listed);
    memcpy(ret_id, m.id, MTD_ID_SIZE);
    return 0;
}

int store_resolve(struct store *s, const char *ref, char ret_id[MTD_ID_SIZE],
                  struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    if (!store_is_there(s))
        return store_no_such(ref, err);
    if (hex_is_valid(ref, MTD_ID_LEN) && store_exists(s, ref)) {
        memcpy(ret_id, ref, MTD_ID_SIZE);
        return 0;
    }
    if (store_names_read(s, mtd_name_bare(ref), id) == 0 && store_exists(s, id)) {
        memcpy(ret_id, id, MTD_ID_SIZE);
        return 0;
    }
    return resolve_prefix(s, ref, ret_id, err);
}
