/* A word is given away under a lock, and only a free one; the owner frees it, or dies with it.
 * What is dead stays dead until the one process that holds the other lock has looked at all run
 * directories: so a word cannot be used again, and its second owner die, between its look and
 * its taking the first owner's mark away. */

#include "engine/store/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"

#define FILE_NAME "alive"
#define MAGIC 0x316576696c61746dULL /* "mtalive1" */
#define PAGE 4096
#define MAX_TRIES 16
#define GIVING 0
#define TAKING_AWAY 1

struct header {
    uint64_t magic;
    char boot_id[BOOT_ID_LEN + 4];
};
#define FIRST_WORD 64
_Static_assert(sizeof(struct header) <= FIRST_WORD, "words begin after the header");

/* ---- the file ---- */

static int lock_byte(int fd, off_t byte, short type, bool wait)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    int rc;
    do
        rc = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

static bool is_of_boot(const void *page, size_t len, const char *boot_id)
{
    const struct header *h = page;
    return len >= FIRST_WORD && h->magic == MAGIC &&
           strncmp(h->boot_id, boot_id, sizeof(h->boot_id)) == 0;
}

static int add_page(int fd, off_t at, const char *boot_id)
{
    char page[PAGE] = {0};
    struct header h = {.magic = MAGIC};
    memcpy(h.boot_id, boot_id, BOOT_ID_LEN);
    if (at == 0)
        memcpy(page, &h, sizeof(h));
    ssize_t n = pwrite(fd, page, PAGE, at);
    int rc = n == PAGE ? 0 : n < 0 ? -errno : -ENOSPC;
    if (rc < 0)
        (void)!ftruncate(fd, at);
    return rc;
}

/* ---- reading ---- */

typedef int (*word_fn)(uint32_t word, off_t at, void *arg);

/* All words until fn returns something else than 0, which is returned. -ESTALE: not of this boot. */
static int each_word(int fd, const char *boot_id, word_fn fn, void *arg)
{
    union {
        char bytes[4 * PAGE];
        uint32_t words[PAGE];
    } buf;
    off_t at = 0;
    ssize_t n;
    while ((n = pread(fd, buf.bytes, sizeof(buf), at)) > 0) {
        size_t i = at == 0 ? FIRST_WORD / sizeof(uint32_t) : 0;
        if (at == 0 && !is_of_boot(buf.bytes, (size_t)n, boot_id))
            return -ESTALE;
        for (; i < (size_t)n / sizeof(uint32_t); i++) {
            int rc = fn(buf.words[i], at + (off_t)(i * sizeof(uint32_t)), arg);
            if (rc != 0)
                return rc;
        }
        at += n;
        if ((size_t)n < sizeof(buf))
            return 0;
    }
    return n < 0 ? -errno : at == 0 ? -ESTALE : 0;
}

static int count_living(uint32_t word, off_t at, void *arg)
{
    (void)at;
    *(size_t *)arg += word != 0;
    return word & FUTEX_OWNER_DIED ? 1 : 0;
}

/* A directory has a link for its name, its "." and each ".." in it; some file systems do not
 * count and say 1. One may be that of the networks. */
static bool has_more_runs(int run_fd, size_t living)
{
    struct stat st;
    if (fstat(run_fd, &st) < 0)
        return true;
    bool one = st.st_nlink == living + 3 &&
               faccessat(run_fd, STORE_NETWORKS, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    return st.st_nlink > living + 2 && !one;
}

bool alive_all(struct store *s, const char *boot_id)
{
    size_t living = 0;
    auto_fd int fd =
        s->run_fd < 0 ? -1
                      : openat(s->run_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && each_word(fd, boot_id, count_living, &living) == 0 &&
           !has_more_runs(s->run_fd, living);
}

/* ---- the dead ---- */

static int add_dead(uint32_t word, off_t at, void *arg)
{
    struct alive_dead *d = arg;
    if (!(word & FUTEX_OWNER_DIED))
        return 0;
    off_t *words = reallocarray(d->words, d->n + 1, sizeof(*words));
    if (!words)
        return -ENOMEM;
    d->words = words;
    d->words[d->n++] = at;
    return 0;
}

void alive_find_dead(struct store *s, const char *boot_id, struct alive_dead *ret)
{
    *ret = (struct alive_dead){.fd = -1};
    auto_fd int fd = s->run_fd < 0
                         ? -1
                         : openat(s->run_fd, FILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    bool mine = lock_byte(fd, TAKING_AWAY, F_WRLCK, false) == 0;
    each_word(fd, boot_id, add_dead, ret);
    ret->any = ret->n > 0;
    if (mine)
        ret->fd = take_fd(&fd);
}

void alive_forget_dead(struct alive_dead *d, bool settled)
{
    const uint32_t none = 0;
    for (size_t i = 0; settled && d->fd >= 0 && i < d->n; i++)
        (void)!pwrite(d->fd, &none, sizeof(none), d->words[i]);
    if (d->fd >= 0)
        close(take_fd(&d->fd));
    free(d->words);
    *d = (struct alive_dead){.fd = -1};
}

/* ---- the living ---- */

static int stop_at_free(uint32_t word, off_t at, void *arg)
{
    *(off_t *)arg = at;
    return word == 0;
}

/* Locked. Where there is a free word, made when there is none. */
static int find_free(int fd, const char *boot_id, off_t *ret)
{
    int rc = each_word(fd, boot_id, stop_at_free, ret);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    off_t end = lseek(fd, 0, SEEK_END);
    *ret = end;
    return end < 0 ? -errno : add_page(fd, end, boot_id);
}

/* Locked. -ESTALE: it is another boot's, or half written, and has been removed; whoever has it
 * mapped keeps it. */
static int check_file(int run_fd, int fd, const char *boot_id, off_t *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_nlink == 0)
        return -ESTALE;
    int rc = st.st_size == 0 ? add_page(fd, 0, boot_id) : 0;
    if (rc == 0)
        rc = st.st_size % PAGE == 0 ? find_free(fd, boot_id, ret) : -ESTALE;
    if (rc == -ESTALE)
        unlinkat(run_fd, FILE_NAME, 0);
    return rc;
}

/* Also where in it there is a free word. */
static int open_locked(int run_fd, const char *boot_id, off_t *ret_free)
{
    int rc = -ESTALE;
    for (int tries = 0; tries < MAX_TRIES && rc == -ESTALE; tries++) {
        auto_fd int fd =
            openat(run_fd, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        rc = fd < 0 ? -errno : lock_byte(fd, GIVING, F_WRLCK, true);
        if (rc == 0)
            rc = check_file(run_fd, fd, boot_id, ret_free);
        if (rc == 0)
            return take_fd(&fd);
    }
    return rc;
}

/* The list first: from the moment the word has our number, the kernel sees to it. The page is not
 * needed again before that, and a child has no use for it. */
static int take_word(struct alive *a, int fd, off_t at)
{
    size_t len = 0;
    a->size = (size_t)sysconf(_SC_PAGESIZE); /* the machine's may be larger than ours */
    off_t start = at - at % (off_t)a->size;
    a->page = mmap(NULL, a->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, start);
    if (a->page == MAP_FAILED)
        return -errno;
    a->word = a->page + (at - start) / (off_t)sizeof(uint32_t);
    a->link.next = &a->head.list;
    a->head = (struct robust_list_head){
        .list.next = &a->link, .futex_offset = (char *)a->word - (char *)&a->link};
    if (syscall(SYS_get_robust_list, 0, &a->before, &len) < 0 ||
        syscall(SYS_set_robust_list, &a->head, sizeof(a->head)) < 0) {
        int rc = -errno;
        munmap(a->page, a->size);
        return rc;
    }
    __atomic_store_n(a->word, (uint32_t)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    madvise(a->page, a->size, MADV_DONTFORK);
    madvise(a->page, a->size, MADV_DONTNEED);
    return 0;
}

int alive_enter(struct store *s, struct alive *a, struct mtd_error *err)
{
    char boot_id[BOOT_ID_LEN + 1] = "";
    off_t at = 0;
    if (a->word)
        return 0;
    int rc = proc_boot_id(boot_id);
    auto_fd int fd = rc < 0 ? -1 : open_locked(s->run_fd, boot_id, &at);
    if (rc == 0 && fd < 0)
        rc = fd;
    if (rc == 0)
        rc = take_word(a, fd, at);
    if (rc < 0) {
        *a = (struct alive){0};
        return mtd_fail_errno(
            err, -rc, "cannot enter this process in \"%s/" FILE_NAME "\"", s->run_root);
    }
    lock_byte(fd, GIVING, F_UNLCK, true); /* the mapping keeps what the lock belongs to */
    return 0;
}

void alive_end(struct alive *a)
{
    if (a->word)
        __atomic_store_n(a->word, 0, __ATOMIC_SEQ_CST);
}

void alive_leave(struct alive *a)
{
    if (!a->word)
        return;
    __atomic_store_n(a->word, 0, __ATOMIC_SEQ_CST);
    syscall(SYS_set_robust_list, a->before, sizeof(*a->before));
    munmap(a->page, a->size);
    *a = (struct alive){0};
}
