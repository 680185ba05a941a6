/* The address book: a file for each address that is in use, whose making is the claim and whose
 * content is the id of who has it and the container's name. Round robin, so that an address is
 * not another container's a moment later: the host and peers remember connections to it. */

#include "engine/net/internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

#define BOOKS STORE_NETWORKS
#define NAMES "names"
#define NEXT "next" /* a hint: the number of the address to be tried first */
#define TEMP "/address.new"
#define ENTRY_SIZE (MTD_ID_SIZE + NAME_MAX + 2)

static int make_dir(int at, const char *name)
{
    int fd = fs_open_dir_at(at, name);
    if (fd == -ENOENT && (mkdirat(at, name, 0700) == 0 || errno == EEXIST))
        fd = fs_open_dir_at(at, name);
    return fd;
}

int net_book_open(struct store *s, const char *network, bool make)
{
    auto_fd int all =
        make ? make_dir(s->run_fd, BOOKS) : fs_open_dir_at(s->run_fd, BOOKS);
    if (all < 0)
        return all;
    return make ? make_dir(all, network) : fs_open_dir_at(all, network);
}

static int read_entry(int book, const char *address, char ret[ENTRY_SIZE])
{
    int n = fs_read_small_at(book, address, ret, ENTRY_SIZE);
    if (n < MTD_ID_LEN)
        return n < 0 ? n : -EBADMSG;
    return 0;
}

bool net_book_has(int book, const char *address, const char *id)
{
    char entry[ENTRY_SIZE];
    return read_entry(book, address, entry) == 0 && strncmp(entry, id, MTD_ID_LEN) == 0;
}

static int make_entry(int book, const char *address, const char *id, const char *name)
{
    char entry[ENTRY_SIZE];
    int n = snprintf(entry, sizeof(entry), "%s %s\n", id, name);
    return n >= (int)sizeof(entry)
               ? -ENAMETOOLONG
               : fs_make_whole_at(book, address, entry, (size_t)n, 0600, false);
}

int net_book_lock(int book)
{
    int rc;
    do
        rc = flock(book, LOCK_EX);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

void net_book_unlock(int book)
{
    (void)flock(book, LOCK_UN);
}

static int replace_dead(struct store *s, int book, const char *address, const char *id,
                        const char *name, char owner[MTD_ID_SIZE])
{
    char entry[ENTRY_SIZE];
    int rc = read_entry(book, address, entry);
    entry[rc == 0 ? MTD_ID_LEN : 0] = '\0';
    if (rc == 0 && net_is_live(s, entry)) {
        memcpy(owner, entry, MTD_ID_SIZE);
        return -EADDRINUSE;
    }
    (void)fault_point("network.takeover");
    if (rc != -ENOENT) {
        net_names_drop_address(book, address);
        unlinkat(book, address, 0);
    }
    return make_entry(book, address, id, name);
}

/* Under the lock nobody else replaces it, so what is dead stays dead until it is gone. */
static int take_over(struct store *s, int book, const char *address, const char *id,
                     const char *name, char owner[MTD_ID_SIZE])
{
    int rc = net_book_lock(book);
    if (rc < 0)
        return rc;
    rc = replace_dead(s, book, address, id, name, owner);
    net_book_unlock(book);
    return rc;
}

static int take_one(struct store *s, int book, const struct net_address *a,
                    const char *id, const char *name, char owner[MTD_ID_SIZE])
{
    char address[NET_TEXT];
    net_address_text(a, address);
    int rc = make_entry(book, address, id, name);
    if (rc == -EEXIST && net_book_has(book, address, id))
        return 0;
    return rc == -EEXIST ? take_over(s, book, address, id, name, owner) : rc;
}

static uint64_t read_hint(int book)
{
    char text[32];
    uint64_t n = 0;
    if (fs_read_small_at(book, NEXT, text, sizeof(text)) > 0)
        (void)parse_u64(text, UINT32_MAX, &n);
    return n;
}

/* Not replaced but written: a torn hint is another hint. */
static void write_hint(int book, uint64_t n)
{
    char text[32];
    auto_fd int fd =
        openat(book, NEXT, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int len = snprintf(text, sizeof(text), "%-10llu\n", (unsigned long long)n);
    if (fd >= 0)
        (void)!pwrite(fd, text, (size_t)len, 0);
}

static bool same(const struct net_address *a, const struct net_address *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* The first and, of IPv4, the last address of a subnet are no host's; those of a range in it
 * are. */
static bool is_hosts(const struct net_subnet *whole, const struct net_address *gateway,
                     const struct net_address *a)
{
    uint64_t n = net_subnet_index(whole, a);
    bool last = whole->base.len == 4 && n + 1 == net_subnet_size(whole);
    return !last && !same(a, &whole->base) && !same(a, gateway);
}

int net_book_take(struct store *s, int book, const struct net_subnet *whole,
                  const struct net_subnet *range, const struct net_address *gateway,
                  const struct net_address *wanted, const char *id, const char *name,
                  struct net_address *ret, char owner[MTD_ID_SIZE])
{
    if (wanted) {
        *ret = *wanted;
        return take_one(s, book, wanted, id, name, owner);
    }
    uint64_t size = net_subnet_size(range);
    uint64_t start = read_hint(book);
    for (uint64_t i = 0; i < size; i++) {
        uint64_t n = (start + 1 + i) % size;
        struct net_address a = net_subnet_at(range, n);
        if (!is_hosts(whole, gateway, &a))
            continue;
        int rc = take_one(s, book, &a, id, name, owner);
        if (rc == -EADDRINUSE || rc == -EEXIST)
            continue;
        if (rc == 0) {
            write_hint(book, n);
            *ret = a;
        }
        return rc;
    }
    return -ENOSPC;
}

/* The temp file goes with the container's run directory. */
int net_book_name(int book, const char *address, const char *id, const char *name)
{
    char entry[ENTRY_SIZE], temp[MTD_ID_SIZE + sizeof("../../" TEMP)];
    snprintf(temp, sizeof(temp), "../../%.64s" TEMP, id);
    int n = snprintf(entry, sizeof(entry), "%s %s\n", id, name);
    if (n >= (int)sizeof(entry))
        return -ENAMETOOLONG;
    return net_book_has(book, address, id)
               ? fs_replace_by_at(book, temp, address, entry, (size_t)n, false, false)
               : 0;
}

void net_book_give(int book, const char *address, const char *id)
{
    if (net_book_has(book, address, id))
        unlinkat(book, address, 0);
}

void net_book_each(int book, net_book_fn *fn, void *arg)
{
    struct net_address a;
    char entry[ENTRY_SIZE];
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_open(&dir, book);
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));) {
        if (net_address_parse(d->d_name, &a) < 0 ||
            read_entry(book, d->d_name, entry) < 0)
            continue;
        entry[MTD_ID_LEN] = '\0';
        fn(book, d->d_name, entry, arg);
    }
}

/* ---- names: names/NAME/ADDRESS, an empty file; lower case ---- */

static int path_of(char ret[PATH_MAX], const char *name, const char *address)
{
    size_t len = strlen(name);
    if (len == 0 || len > NET_NAME_MAX || name[0] == '.' || strchr(name, '/'))
        return -EINVAL;
    int n = snprintf(ret, PATH_MAX, NAMES "/%s%s%s", name, address ? "/" : "",
                     address ? address : "");
    for (char *c = ret + strlen(NAMES "/"); *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Another container that ends may remove the directory between the two calls. */
int net_name_add(int book, const char *name, const char *address)
{
    char dir[PATH_MAX], file[PATH_MAX];
    if (path_of(dir, name, NULL) < 0 || path_of(file, name, address) < 0)
        return 0; /* a name that no question can have */
    for (int i = 0; i < 100; i++) {
        int fd = openat(book, file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0)
            return close(fd), 0;
        if (errno != ENOENT)
            return -errno;
        if (mkdirat(book, dir, 0700) < 0 && errno == ENOENT)
            mkdirat(book, NAMES, 0700);
    }
    return -EBUSY;
}

void net_name_drop(int book, const char *name, const char *address)
{
    char path[PATH_MAX];
    if (path_of(path, name, address) == 0)
        unlinkat(book, path, 0);
    if (path_of(path, name, NULL) == 0)
        unlinkat(book, path, AT_REMOVEDIR);
}

void net_names_drop_address(int book, const char *address)
{
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_init(&dir, fs_open_dir_at(book, NAMES));
    for (const struct dirent64 *d; (d = fs_dir_next(&dir));)
        if (d->d_name[0] != '.')
            net_name_drop(book, d->d_name, address);
}

/* ---- for questions ---- */

static int open_at_once(int run_fd, const char *network, const char *rest)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), BOOKS "/%s/%s", network, rest);
    return n >= (int)sizeof(path) ? -ENAMETOOLONG : fs_open_dir_at(run_fd, path);
}

int net_find_name(int run_fd, const char *network, const char *name, net_address_fn *fn,
                  void *arg)
{
    char rest[PATH_MAX];
    int found = 0;
    auto_done(fs_dir_done) struct fs_dir dir;
    int rc = path_of(rest, name, NULL);
    fs_dir_init(&dir, rc < 0 ? -1 : open_at_once(run_fd, network, rest));
    for (const struct dirent64 *d; (d = fs_dir_next(&dir)); found++)
        fn(d->d_name, arg);
    return found;
}

int net_find_address(int run_fd, const char *network, const char *address,
                     char ret[NET_NAME_MAX + 1])
{
    char path[PATH_MAX], entry[ENTRY_SIZE];
    int n = snprintf(path, sizeof(path), BOOKS "/%s/%s", network, address);
    int rc = n >= (int)sizeof(path) ? -ENAMETOOLONG : read_entry(run_fd, path, entry);
    if (rc < 0)
        return rc;
    const char *name = entry[MTD_ID_LEN] ? entry + MTD_ID_LEN + 1 : "";
    if (!*name || strlen(name) > NET_NAME_MAX)
        return -ENOENT;
    memcpy(ret, name, strlen(name) + 1);
    return 0;
}
