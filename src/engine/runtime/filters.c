/* What is made of a seccomp profile takes longer than all else of a create, and callers send the same
 * few profiles again and again: it is kept beside the containers, in a directory whose name no
 * container can have, under the digest of the profile and the capabilities it is for. Whoever could
 * write there could write states of containers as well. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/hash.h"
#include "engine/syscalls/syscalls.h"

#define FILTERS "@filters"
#define MOST 64 /* then all go: profiles of one host are few */
#define FILTER_MAX (256u << 10)

static int name_of(const struct mtd_process *p, char ret[SHA256_HEX_SIZE])
{
    auto_done(buf_done) struct buf key = {0};
    int rc = buf_printf(&key, "%" PRIx64 " %s", p->caps, p->seccomp);
    if (rc == 0)
        archive_hash(key.data, key.len, ret);
    return rc;
}

static size_t count(int dir)
{
    struct fs_dir d;
    size_t n = 0;
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    fs_dir_init(&d, fd);
    while (fs_dir_next(&d))
        n++;
    fs_dir_done(&d);
    return n;
}

/* Made where it is missing. */
static int open_filters(int root)
{
    for (int try = 0; try < 2; try++) {
        if (mkdirat(root, FILTERS, 0700) < 0 && errno != EEXIST)
            return -errno;
        auto_fd int dir = fs_open_dir_at(root, FILTERS);
        if (dir < 0 || count(dir) <= MOST)
            return dir < 0 ? dir : take_fd(&dir);
        fs_remove_tree_at(root, FILTERS);
    }
    return -ENOENT;
}

static int find(int dir, const char *name, struct mtd_process *p)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_at(dir, name, FILTER_MAX, &text);
    if (rc < 0 || text.len == 0)
        return -ENOENT;
    if (!syscalls_kept_is_for(text.data, p->seccomp, p->caps))
        return unlinkat(dir, name, 0), -ENOENT;
    p->seccomp_made = buf_take(&text);
    return p->seccomp_made ? 0 : -ENOMEM;
}

int runtime_find_filter(const struct runtime *r, struct mtd_process *p,
                        struct mtd_error *err)
{
    char name[SHA256_HEX_SIZE];
    auto_fd int root = *p->seccomp == '{' ? runtime_open_root(r, true, err) : -ENOENT;
    if (root < 0 && root != -ENOENT)
        return root;
    auto_fd int dir = root < 0 || name_of(p, name) < 0 ? -ENOENT : open_filters(root);
    if (dir >= 0 && find(dir, name, p) == 0)
        return 0;
    int rc = syscalls_check(p->seccomp, p->caps, true, &p->seccomp_made, err);
    if (rc == 0 && dir >= 0 && p->seccomp_made)
        (void)fs_make_whole_at(dir, name, p->seccomp_made, strlen(p->seccomp_made), 0600,
                               false);
    return rc;
}
