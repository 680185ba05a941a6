/* The results are in the run directory, which is in memory: they come every few seconds
 * and are useless after the run. If another version of the program wrote them, the file's
 * size differs, and they are ignored. */

#include "engine/health/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define DIRECTORY "health"
#define LOCK "lock"
#define RESULTS "results"

struct results {
    uint64_t pid_start;
    int64_t pid;
    struct mtd_health health;
};

static struct flock byte_of(pid_t pid)
{
    return (struct flock){
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1};
}

int health_open_dir(struct store *s, const char *id)
{
    auto_fd int run = store_open_run(s, id, false, NULL);
    if (run < 0)
        return run;
    if (mkdirat(run, DIRECTORY, 0700) < 0 && errno != EEXIST)
        return -errno;
    return fs_open_dir_at(run, DIRECTORY);
}

int health_claim(int dir_fd, pid_t pid)
{
    auto_fd int fd =
        openat(dir_fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock byte = byte_of(pid);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &byte) < 0)
        return errno == EACCES ? -EAGAIN : -errno;
    return take_fd(&fd);
}

static int open_existing(struct store *s, const char *id)
{
    auto_fd int run = store_open_run(s, id, false, NULL);
    return run < 0 ? run : fs_open_dir_at(run, DIRECTORY);
}

bool health_is_watched(struct store *s, const char *id, pid_t pid)
{
    struct flock byte = byte_of(pid);
    auto_fd int dir = open_existing(s, id);
    auto_fd int fd = dir < 0 ? -1 : openat(dir, LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

static bool is_sound(const struct mtd_health *h)
{
    bool sound = h->n <= MTD_HEALTH_LOG;
    for (unsigned i = 0; sound && i < h->n; i++)
        sound = memchr(h->log[i].output, '\0', sizeof(h->log[i].output)) != NULL;
    return sound;
}

void health_read(struct store *s, const char *id, pid_t pid, uint64_t pid_start,
                 struct mtd_health *ret)
{
    auto_done(buf_done) struct buf text = {0};
    auto_fd int dir = open_existing(s, id);
    memset(ret, 0, sizeof(*ret));
    if (dir < 0 || fs_read_at(dir, RESULTS, sizeof(struct results), &text) < 0 ||
        text.len != sizeof(struct results))
        return;
    const struct results *r = (const struct results *)text.data;
    if (r->pid == pid && r->pid_start == pid_start && is_sound(&r->health))
        *ret = r->health;
}

int health_write(int dir_fd, pid_t pid, uint64_t pid_start, const struct mtd_health *h)
{
    struct results r = {.pid = pid, .pid_start = pid_start, .health = *h};
    return fs_replace_by_at(dir_fd, RESULTS ".new", RESULTS, &r, sizeof(r), false, false);
}
