/* A network is a file, written once and never changed: <root>/networks/NAME.json. Who makes or
 * removes one holds the directory's lock, so that two subnets chosen at once do not overlap. */

#include "engine/net/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/archive/hash.h"
#include "engine/spec/spec.h"

#define RECORD_MAX (1u << 20)
#define SUFFIX ".json"

static int open_records(struct store *s, bool make)
{
    if (s->root_fd < 0)
        return -ENOENT; /* nothing has been made here yet */
    int fd = openat(s->root_fd, NET_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && make &&
        (mkdirat(s->root_fd, NET_DIR, 0700) == 0 || errno == EEXIST))
        fd = openat(s->root_fd, NET_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

static int file_of(const char *name, char ret[NAME_MAX + 1])
{
    int n = snprintf(ret, NAME_MAX + 1, "%s" SUFFIX, name);
    return n > NAME_MAX ? -ENAMETOOLONG : 0;
}

static int read_one(int dir, const char *name, struct mtd_net *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    char file[NAME_MAX + 1];
    int rc = name_is_valid(name) ? file_of(name, file) : -ENOENT;
    if (rc == 0)
        rc = fs_read_at(dir, file, RECORD_MAX, &text);
    if (rc < 0)
        return rc;
    rc = spec_decode_net(text.data, text.len, ret, err);
    mtd_context(rc < 0 ? err : NULL, "the record of network %s is broken", name);
    return rc;
}

/* ---- all of them ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mtd_net *)a)->name, ((const struct mtd_net *)b)->name);
}

static int add(struct mtd_net_list *l, int dir, const char *file)
{
    size_t len = strlen(file);
    if (len <= strlen(SUFFIX) || strcmp(file + len - strlen(SUFFIX), SUFFIX) != 0)
        return 0;
    auto_free char *name = strndup(file, len - strlen(SUFFIX));
    struct mtd_net *more = name ? realloc(l->items, (l->len + 1) * sizeof(*more)) : NULL;
    if (!more)
        return -ENOMEM;
    l->items = more;
    more[l->len] = (struct mtd_net){0};
    if (read_one(dir, name, &more[l->len], NULL) == 0)
        l->len++;
    return 0;
}

static int list_in(int dir_fd, struct mtd_net_list *ret)
{
    struct mtd_net_list l = {0};
    auto_done(fs_dir_done) struct fs_dir dir;
    int rc = fs_dir_open(&dir, dir_fd);
    for (const struct dirent64 *d; rc == 0 && (d = fs_dir_next(&dir));)
        rc = add(&l, dir_fd, d->d_name);
    if (rc < 0) {
        mtd_net_list_done(&l);
        return rc;
    }
    if (l.len)
        qsort(l.items, l.len, sizeof(*l.items), by_name);
    *ret = l;
    return 0;
}

/* ---- making and removing ---- */

static int save(int dir, const struct mtd_net *n, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    char file[NAME_MAX + 1];
    int rc = spec_encode_net(n, &text, err);
    if (rc < 0)
        return rc;
    rc = file_of(n->name, file);
    if (rc == 0)
        rc = fs_make_whole_at(dir, file, text.data, text.len, 0600, true);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write network %.80s", n->name) : 0;
}

static bool is_default(const char *name)
{
    return strcmp(name, MTD_NET_DEFAULT) == 0;
}

/* By the place of the state root, so that it is the same before that is made and after. */
static void default_id(const struct store *s, char ret[MTD_ID_SIZE])
{
    auto_free char *path = strdup(s->root);
    auto_done(buf_done) struct buf place = {0};
    struct stat st = {0};
    while (path && stat(*path ? path : "/", &st) < 0 && *path)
        *strrchr(path, '/') = '\0';
    (void)buf_printf(&place, "%s %llx %s", MTD_NET_DEFAULT, (unsigned long long)st.st_dev,
                     s->root);
    archive_hash(place.data, place.len, ret);
}

/* What is missing is chosen; nothing is made. dir < 0: there are no others. */
static int fill(struct store *s, int dir, struct mtd_net *n, struct mtd_error *err)
{
    auto_done(mtd_net_list_done) struct mtd_net_list others = {0};
    auto_done(netlink_close) struct netlink route = NETLINK_NONE;
    bool six = n->subnet6 != NULL;
    if (six && !*n->subnet6) { /* any */
        free(n->subnet6);
        n->subnet6 = NULL;
    }
    int rc = dir < 0 ? 0 : list_in(dir, &others);
    if (rc == 0 && is_default(n->name))
        default_id(s, n->id);
    else if (rc == 0)
        rc = store_new_id(n->id);
    if (rc == 0)
        rc = netlink_open(&route, NETLINK_ROUTE);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot make network %.80s", n->name);
    rc = net_driver_of(n)->name(s, &route, n, &others, err);
    if (rc == 0)
        rc = net_plan_subnets(n, six, &others, &route, err);
    n->created_at = clock_wall_ns();
    return rc;
}

static int make(struct store *s, int dir, struct mtd_net *n, struct mtd_error *err)
{
    int rc = fill(s, dir, n, err);
    (void)fault_point("network.create");
    return rc < 0 ? rc : save(dir, n, err);
}

static int lock_records(struct store *s, struct mtd_error *err)
{
    auto_fd int dir = open_records(s, true);
    if (dir < 0 || flock(dir, LOCK_EX) < 0)
        return mtd_fail_errno(err, dir < 0 ? -dir : errno, "cannot open the networks");
    return take_fd(&dir);
}

static int check_new(int dir, const char *name, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net old = {0};
    if (dir < 0 || read_one(dir, name, &old, NULL) == -ENOENT)
        return 0;
    return mtd_fail(err, EEXIST, "network with name %.80s already exists", name);
}

static bool is_reserved(const char *name)
{
    static const char *const WORDS[] = {"none", "host", "container", "default"};
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(WORDS[i], name) == 0)
            return true;
    return false;
}

int net_check_name(const char *name, struct mtd_error *err)
{
    if (!name_is_valid(name))
        return mtd_fail(err, EINVAL,
                        "\"%.80s\" is not a name for a network: letters, digits, _ . -",
                        name);
    if (is_reserved(name))
        return mtd_fail(err, EPERM, "operation is not permitted on predefined %s network",
                        name);
    return 0;
}

int net_create(struct store *s, struct mtd_net *n, struct mtd_error *err)
{
    int rc = net_check_name(n->name, err);
    auto_fd int dir = rc < 0 ? rc : lock_records(s, err);
    if (dir >= 0)
        rc = check_new(dir, n->name, err);
    return dir < 0 ? dir : rc < 0 ? rc : make(s, dir, n, err);
}

int net_check(struct store *s, struct mtd_net *n, struct mtd_error *err)
{
    int rc = net_check_name(n->name, err);
    auto_fd int dir = open_records(s, false);
    if (rc == 0)
        rc = check_new(dir, n->name, err);
    return rc < 0 ? rc : fill(s, dir, n, err);
}

/* ---- finding ---- */

static int make_default(struct store *s, struct mtd_net *ret, struct mtd_error *err)
{
    auto_fd int dir = lock_records(s, err);
    int rc = dir < 0 ? dir : read_one(dir, MTD_NET_DEFAULT, ret, err);
    if (rc != -ENOENT)
        return rc;
    mtd_net_done(ret);
    ret->name = strdup(MTD_NET_DEFAULT);
    return ret->name ? make(s, dir, ret, err) : mtd_fail(err, ENOMEM, "out of memory");
}

/* As it would be made now. */
static int plan_default(struct store *s, int dir, struct mtd_net *ret,
                        struct mtd_error *err)
{
    mtd_net_done(ret);
    ret->name = strdup(MTD_NET_DEFAULT);
    int rc = ret->name ? fill(s, dir, ret, err) : mtd_fail(err, ENOMEM, "out of memory");
    ret->created_at = 0;
    return rc;
}

static bool has_default(int dir)
{
    return dir >= 0 &&
           faccessat(dir, MTD_NET_DEFAULT SUFFIX, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* By its name, or the beginning of the id that it is to have. */
static bool means_default(const struct store *s, int dir, const char *name)
{
    char id[MTD_ID_SIZE];
    if (is_default(name))
        return true;
    default_id(s, id);
    return *name && strncmp(id, name, strlen(name)) == 0 && !has_default(dir);
}

/* It is listed before it is made. */
static int add_default(struct store *s, int dir, struct mtd_net_list *l)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    if (has_default(dir) || plan_default(s, dir, &n, NULL) < 0)
        return 0;
    struct mtd_net *more = realloc(l->items, (l->len + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    l->items = more;
    more[l->len++] = n;
    n = (struct mtd_net){0};
    qsort(l->items, l->len, sizeof(*l->items), by_name);
    return 0;
}

int net_list(struct store *s, struct mtd_net_list *ret, struct mtd_error *err)
{
    auto_fd int dir = open_records(s, false);
    int rc = dir == -ENOENT ? 0 : dir < 0 ? dir : list_in(dir, ret);
    if (rc == 0 && (rc = add_default(s, dir, ret)) < 0)
        mtd_net_list_done(ret);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot list the networks") : 0;
}

static int find_id(int dir, const char *id, struct mtd_net *ret)
{
    auto_done(mtd_net_list_done) struct mtd_net_list l = {0};
    size_t len = strlen(id), found = 0, at = 0;
    int rc = len ? list_in(dir, &l) : -ENOENT;
    for (size_t i = 0; rc == 0 && i < l.len; i++)
        if (strncmp(l.items[i].id, id, len) == 0) {
            found++;
            at = i;
        }
    if (rc < 0 || found != 1)
        return rc < 0 ? rc : -ENOENT;
    mtd_net_done(ret);
    *ret = l.items[at];
    l.items[at] = (struct mtd_net){0};
    return 0;
}

int net_load(struct store *s, const char *name, struct mtd_net *ret,
             struct mtd_error *err)
{
    auto_fd int dir = open_records(s, false);
    int rc = dir < 0 ? dir : read_one(dir, name, ret, err);
    if (rc == -ENOENT && dir >= 0)
        rc = find_id(dir, name, ret);
    if (rc == -ENOENT && means_default(s, dir, name))
        rc = s->read_only ? plan_default(s, dir, ret, err) : make_default(s, ret, err);
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT,
                        "network %.80s not found; make it with: network create %.80s",
                        name, name);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read network %.80s", name) : rc;
}

/* ---- the end ---- */

/* The first look makes the default network, which takes the lock alone. */
int net_load_locked(struct store *s, const char *name, struct mtd_net *ret, int *ret_lock,
                    struct mtd_error *err)
{
    int rc = net_load(s, name, ret, err);
    auto_fd int dir = rc < 0 ? rc : open_records(s, false);
    if (rc < 0)
        return rc;
    if (dir < 0 || flock(dir, LOCK_SH) < 0)
        return mtd_fail_errno(err, dir < 0 ? -dir : errno, "cannot open the networks");
    auto_free char *own = take_ptr(&ret->name);
    mtd_net_done(ret);
    rc = read_one(dir, own, ret, err);
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "network %.80s not found: it has just been removed",
                        own);
    if (rc == 0)
        *ret_lock = take_fd(&dir);
    return rc;
}

struct users {
    struct store *s;
    char id[MTD_ID_SIZE];
};

static void note_user(int book, const char *address, const char *id, void *arg)
{
    struct users *u = arg;
    (void)book, (void)address;
    if (!u->id[0] && net_is_live(u->s, id))
        snprintf(u->id, sizeof(u->id), "%s", id);
}

static int check_unused(struct store *s, const struct mtd_net *n, struct mtd_error *err)
{
    struct users u = {.s = s};
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int book = net_book_open(s, n->name, false);
    if (book >= 0)
        net_book_each(book, note_user, &u);
    if (!u.id[0])
        return 0;
    const char *name = store_load(s, u.id, &r, NULL) == 0 ? r.name : u.id;
    return mtd_fail(err, EBUSY,
                    "network %.80s has active endpoints: container %.80s is on it; stop "
                    "it, or disconnect it",
                    n->name, name);
}

int net_remove(struct store *s, const struct mtd_net *n, struct mtd_error *err)
{
    char file[NAME_MAX + 1], book[NAME_MAX + 8];
    auto_done(netlink_close) struct netlink route = NETLINK_NONE, nf = NETLINK_NONE;
    auto_fd int dir = lock_records(s, err);
    int rc = dir < 0 ? dir : check_unused(s, n, err);
    if (rc < 0)
        return rc;
    /* The record last: a killed process has left it, and the command is given again. Before it the
     * table: a bridge that is there must be known to it, or it is no border. */
    if (netlink_open(&route, NETLINK_ROUTE) == 0)
        net_driver_of(n)->remove(&route, n);
    (void)fault_point("network.rm");
    if (net_driver_of(n)->routed && netlink_open(&nf, NETLINK_NETFILTER) == 0)
        net_table_remove(&nf, n);
    snprintf(book, sizeof(book), "net/%s", n->name);
    fs_remove_tree_at(s->run_fd, book);
    (void)fault_point("network.removed");
    file_of(n->name, file);
    if (unlinkat(dir, file, 0) < 0 && errno != ENOENT)
        return mtd_fail_errno(err, errno, "cannot remove network %.80s", n->name);
    return 0;
}
