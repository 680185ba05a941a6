/* <root>/userns/<id> is a link to the ids that the container has on the host, "FIRST:COUNT" or
 * several, "auto " in front when they were chosen for it. Links are made and judged under the
 * lock of the directory, so that no two containers are given the same range. A container that
 * is gone has none: its link goes with its name, and one that a killed process left behind
 * with the next sweep, or here. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/idmap.h"
#include "engine/store/idpool.h"
#include "engine/store/internal.h"

#define DIR_NAME "userns"
#define AUTO "auto "
#define TEXT_MAX (MTD_IDMAP_RANGES * 24)

/* In this order: a container that is complete in between is seen the second time. */
static bool is_claimed(struct store *s, const char *id)
{
    return store_is_being_made(s, id) || store_exists(s, id);
}

/* Another container's ranges. */
typedef int (*claim_fn)(void *arg, const char *id, bool is_auto, uint64_t first,
                        uint64_t count, struct mtd_error *err);

static int each_range(const char *id, char *text, claim_fn fn, void *arg,
                      struct mtd_error *err)
{
    bool is_auto = strncmp(text, AUTO, strlen(AUTO)) == 0;
    char *rest = is_auto ? text + strlen(AUTO) : text;
    int rc = 0;
    for (char *one; rc == 0 && (one = strsep(&rest, ","));) {
        uint64_t first, count;
        const char *a = strsep(&one, ":");
        if (one && parse_u64(a, UINT32_MAX, &first) == 0 &&
            parse_u64(one, UINT32_MAX, &count) == 0)
            rc = fn(arg, id, is_auto, first, count, err);
    }
    return rc;
}

static int each_claim(struct store *s, int dir_fd, const char *own, claim_fn fn,
                      void *arg, struct mtd_error *err)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    const struct dirent64 *e;
    int rc = fs_dir_open(&dir, dir_fd);
    while (rc == 0 && (e = fs_dir_next(&dir))) {
        char text[TEXT_MAX + 1];
        ssize_t n = readlinkat(dir_fd, e->d_name, text, TEXT_MAX);
        if (n < 0 || !hex_is_valid(e->d_name, MTD_ID_LEN) || strcmp(e->d_name, own) == 0)
            continue;
        text[n] = '\0';
        if (is_claimed(s, e->d_name))
            rc = each_range(e->d_name, text, fn, arg, err);
        else
            unlinkat(dir_fd, e->d_name, 0);
    }
    return rc < 0 ? rc : dir.error;
}

static int take_range(void *arg, const char *id, bool is_auto, uint64_t first,
                      uint64_t count, struct mtd_error *err)
{
    struct idpool *p = arg;
    (void)id, (void)is_auto, (void)err;
    return id_ranges_add(&p->taken, first, count);
}

static int set_map(struct mtd_spec *spec, uint64_t first, uint64_t size)
{
    struct mtd_idrange *map = spec->idmap ? spec->idmap : malloc(sizeof(*map));
    if (!map)
        return -ENOMEM;
    map[0] = (struct mtd_idrange){0, first, size};
    spec->idmap = map;
    spec->n_idmap = 1;
    return 0;
}

/* Each state directory begins somewhere else: they do not know of each other. */
static uint64_t seed_of(struct store *s)
{
    struct stat st;
    if (fstat(s->root_fd, &st) < 0)
        return 0;
    return ((uint64_t)st.st_dev * 1000003u ^ st.st_ino) * 0x9e3779b97f4a7c15u >> 16;
}

static int choose(struct store *s, int dir_fd, int etc_fd, struct mtd_record *r,
                  struct mtd_error *err)
{
    auto_done(idpool_done) struct idpool pool = {0};
    struct mtd_spec *spec = &r->spec;
    uint64_t first = 0;
    int rc = idpool_load(&pool, etc_fd, err);
    if (rc == 0)
        rc = each_claim(s, dir_fd, r->id, take_range, &pool, err);
    if (rc < 0)
        return rc;
    rc = idpool_choose(&pool, idpool_start(&pool, seed_of(s)), spec->userns_size, &first);
    if (rc < 0)
        return mtd_fail(
            err, -rc,
            "no %llu ids in a row are free for the container; remove containers "
            "or give the user containers more in /etc/subuid and /etc/subgid",
            (unsigned long long)spec->userns_size);
    return set_map(spec, first, spec->userns_size);
}

/* Chosen ranges are nobody else's, given ones may be shared. */
static int refuse_overlap(void *arg, const char *id, bool is_auto, uint64_t first,
                          uint64_t count, struct mtd_error *err)
{
    const struct mtd_spec *spec = arg;
    bool exclusive = is_auto || spec->userns == MTD_USERNS_AUTO;
    for (size_t i = 0; exclusive && i < spec->n_idmap; i++)
        if (first < spec->idmap[i].host + spec->idmap[i].count &&
            spec->idmap[i].host < first + count)
            return mtd_fail(err, EBUSY,
                            "ids %llu to %llu of the host are those of container %.12s; "
                            "choose others",
                            (unsigned long long)first,
                            (unsigned long long)(first + count - 1), id);
    return 0;
}

static int make_link(int dir_fd, const struct mtd_record *r, struct mtd_error *err)
{
    const struct mtd_spec *spec = &r->spec;
    char text[TEXT_MAX + 1];
    size_t used = 0;
    if (spec->userns == MTD_USERNS_AUTO)
        used = (size_t)snprintf(text, sizeof(text), AUTO);
    for (size_t i = 0; i < spec->n_idmap && used < TEXT_MAX; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%llu:%llu",
                                 i ? "," : "", (unsigned long long)spec->idmap[i].host,
                                 (unsigned long long)spec->idmap[i].count);
    int rc = used > TEXT_MAX ? -ENAMETOOLONG : fault_point("store.create.userns");
    if (rc == 0)
        unlinkat(dir_fd, r->id, 0); /* of a try with another name */
    if (rc == 0 && symlinkat(text, dir_fd, r->id) < 0)
        rc = -errno;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot claim ids for the container") : 0;
}

int store_userns_claim(struct store *s, int etc_fd, struct mtd_record *r,
                       struct mtd_error *err)
{
    struct mtd_spec *spec = &r->spec;
    auto_fd int dir = store_lock_claims(s, DIR_NAME);
    int rc = dir;
    if (dir >= 0 && spec->userns == MTD_USERNS_AUTO)
        rc = choose(s, dir, etc_fd, r, err);
    else if (dir >= 0)
        rc = each_claim(s, dir, r->id, refuse_overlap, spec, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot claim ids for the container");
    return make_link(dir, r, err);
}

void store_userns_drop(struct store *s, const char *id)
{
    char path[sizeof(DIR_NAME) + MTD_ID_SIZE];
    snprintf(path, sizeof(path), DIR_NAME "/%s", id);
    unlinkat(s->root_fd, path, 0);
}

void store_userns_list(struct store *s,
                       void (*fn)(struct store *s, const char *id, void *arg), void *arg)
{
    auto_fd int fd = fs_open_dir_at(s->root_fd, DIR_NAME);
    auto_done(fs_dir_done) struct fs_dir dir;
    const struct dirent64 *e;
    if (fd < 0 || fs_dir_open(&dir, fd) < 0)
        fs_dir_init(&dir, -1);
    while ((e = fs_dir_next(&dir)))
        if (hex_is_valid(e->d_name, MTD_ID_LEN))
            fn(s, e->d_name, arg);
}

bool store_userns_has(struct store *s, const char *id)
{
    char path[sizeof(DIR_NAME) + MTD_ID_SIZE];
    snprintf(path, sizeof(path), DIR_NAME "/%s", id);
    return faccessat(s->root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_userns_restore(struct store *s, const struct mtd_record *r,
                         struct mtd_error *err)
{
    auto_fd int dir = store_lock_claims(s, DIR_NAME);
    int rc =
        dir < 0 ? dir : each_claim(s, dir, r->id, refuse_overlap, (void *)&r->spec, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot claim ids for the container");
    return make_link(dir, r, err);
}
