/* Files of the host, with limits all the same: a line that does not concern us is skipped, but
 * not one of the user "containers" that cannot be read. */

#include "engine/store/idpool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/idmap.h"

#define OWNER "containers"
#define OWN_FIRST 1879048192u
#define OWN_COUNT 268304384u
#define FILE_MAX (16u << 20)

static void ranges_done(struct id_ranges *r)
{
    free(r->items);
    *r = (struct id_ranges){0};
}

void idpool_done(struct idpool *p)
{
    ranges_done(&p->free);
    ranges_done(&p->taken);
}

int id_ranges_add(struct id_ranges *r, uint64_t first, uint64_t count)
{
    if (r->len == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct id_range *items = reallocarray(r->items, room, sizeof(*items));
        if (!items)
            return -ENOMEM;
        r->items = items;
        r->room = room;
    }
    r->items[r->len++] = (struct id_range){first, first + count};
    return 0;
}

/* ---- files ---- */

struct reading {
    const char *file;
    struct id_ranges *own, *others; /* of subuid and subgid */
    struct id_ranges *ids;          /* of passwd and group */
    struct mtd_error *err;
};

/* "name:first:count" */
static int take_sub(struct reading *r, char *line)
{
    uint64_t first = 0, count = 0;
    const char *name = strsep(&line, ":");
    const char *a = strsep(&line, ":"), *b = strsep(&line, ":");
    bool ours = strcmp(name, OWNER) == 0;
    bool ok = a && b && parse_u64(a, UINT32_MAX - 1, &first) == 0 &&
              parse_u64(b, UINT32_MAX - first, &count) == 0;
    if (!ok && ours)
        return mtd_fail(r->err, EINVAL,
                        "/etc/%s: the line of " OWNER " is not NAME:FIRST:COUNT",
                        r->file);
    return ok && count ? id_ranges_add(ours ? r->own : r->others, first, count) : 0;
}

/* "name:x:id:..." */
static int take_user(struct reading *r, char *line)
{
    uint64_t id;
    strsep(&line, ":");
    strsep(&line, ":");
    const char *text = strsep(&line, ":");
    return text && parse_u64(text, UINT32_MAX - 1, &id) == 0
               ? id_ranges_add(r->ids, id, 1)
               : 0;
}

static int read_lines(int etc_fd, struct reading *r,
                      int (*take)(struct reading *r, char *line))
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_at(etc_fd, r->file, FILE_MAX, &text);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return mtd_fail_errno(r->err, -rc, "/etc/%s", r->file);
    char *rest = text.len ? text.data : NULL;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n"));)
        if (*line && *line != '#')
            rc = take(r, line);
    return rc == -ENOMEM ? mtd_fail(r->err, ENOMEM, "out of memory") : rc;
}

static int add_common(struct id_ranges *ret, const struct id_ranges *a,
                      const struct id_ranges *b)
{
    int rc = 0;
    for (size_t i = 0; i < a->len; i++)
        for (size_t j = 0; j < b->len && rc == 0; j++) {
            uint64_t first = a->items[i].first, end = a->items[i].end;
            if (first < b->items[j].first)
                first = b->items[j].first;
            if (end > b->items[j].end)
                end = b->items[j].end;
            if (first < end)
                rc = id_ranges_add(ret, first, end - first);
        }
    return rc;
}

static int add_all(struct id_ranges *to, const struct id_ranges *from)
{
    int rc = 0;
    for (size_t i = 0; i < from->len && rc == 0; i++)
        rc = id_ranges_add(to, from->items[i].first,
                           from->items[i].end - from->items[i].first);
    return rc;
}

static int settle(struct idpool *p, const struct id_ranges *users,
                  const struct id_ranges *groups, const struct id_ranges *others,
                  struct mtd_error *err)
{
    if (users->len == 0 && groups->len == 0) {
        int rc = id_ranges_add(&p->free, OWN_FIRST, OWN_COUNT);
        rc = rc < 0 ? rc : add_all(&p->taken, others);
        return rc < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
    }
    if (add_common(&p->free, users, groups) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (p->free.len == 0)
        return mtd_fail(err, EINVAL,
                        "/etc/subuid and /etc/subgid give the user " OWNER
                        " no ids in common; give it the same ones in both, or none");
    return 0;
}

int idpool_load(struct idpool *ret, int etc_fd, struct mtd_error *err)
{
    auto_done(idpool_done) struct idpool p = {0};
    auto_done(ranges_done) struct id_ranges users = {0};
    auto_done(ranges_done) struct id_ranges groups = {0};
    auto_done(ranges_done) struct id_ranges others = {0};
    struct reading files[] = {{"subuid", &users, &others, NULL, err},
                              {"subgid", &groups, &others, NULL, err},
                              {"passwd", NULL, NULL, &p.taken, err},
                              {"group", NULL, NULL, &p.taken, err}};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(files) && rc == 0; i++)
        rc = read_lines(etc_fd, &files[i], files[i].ids ? take_user : take_sub);
    if (rc == 0)
        rc = settle(&p, &users, &groups, &others, err);
    if (rc < 0)
        return rc;
    *ret = p;
    p = (struct idpool){0};
    return 0;
}

/* ---- choosing ---- */

static int compare(const void *a, const void *b)
{
    const struct id_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void sort(struct id_ranges *r)
{
    if (r->len > 1)
        qsort(r->items, r->len, sizeof(*r->items), compare);
}

/* In [from, end); taken is sorted by its beginnings. */
static bool fits(const struct id_ranges *taken, uint64_t from, uint64_t end,
                 uint64_t size, uint64_t *ret)
{
    for (size_t i = 0; i < taken->len; i++) {
        const struct id_range *t = &taken->items[i];
        if (t->end <= from)
            continue;
        if (t->first >= from + size)
            break;
        from = t->end;
    }
    *ret = from;
    return from + size <= end;
}

static bool choose_from(const struct idpool *p, uint64_t from, uint64_t size,
                        uint64_t *ret_first)
{
    for (size_t i = 0; i < p->free.len; i++) {
        const struct id_range *f = &p->free.items[i];
        if (f->end > from &&
            fits(&p->taken, f->first > from ? f->first : from, f->end, size, ret_first))
            return true;
    }
    return false;
}

int idpool_choose(struct idpool *p, uint64_t from, uint64_t size, uint64_t *ret_first)
{
    sort(&p->free);
    sort(&p->taken);
    return choose_from(p, from, size, ret_first) || choose_from(p, 0, size, ret_first)
               ? 0
               : -ENOSPC;
}

uint64_t idpool_start(const struct idpool *p, uint64_t seed)
{
    const struct id_range *f = &p->free.items[0];
    uint64_t places = (f->end - f->first) / MTD_IDMAP_SIZE;
    return f->first + (places ? seed % places : 0) * MTD_IDMAP_SIZE;
}
