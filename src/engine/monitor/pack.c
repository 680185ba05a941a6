/* Rotated pieces of the log are compressed one at a time, by a process beside the monitor
 * (log/pack.h). The monitor only waits for its end, in the poll loop, and puts the piece in its
 * place. What is left when the container has ended a last process does alone. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "engine/attrs.h"
#include "engine/host/self.h"

static const char *mirror_name(const struct monitor *m)
{
    return m->mirror.name[0] ? m->mirror.name : NULL;
}

void monitor_open_packs(struct monitor *m)
{
    struct monitor_packs *p = &m->packs;
    if (p->lock_fd >= 0 || !mtd_log_compresses(&m->record.spec))
        return;
    auto_fd int lock = openat(m->dir_fd, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    char name[MTD_ID_SIZE + sizeof(MTD_JSON_LOG)];
    snprintf(name, sizeof(name), "%s" MTD_JSON_LOG, m->id);
    bool mirrored = m->record.spec.log_driver == MTD_LOG_JSON_FILE;
    if (lock < 0 || !log_pack_claim(m->dir_fd, lock, mirrored ? name : NULL))
        return;
    p->lock_fd = take_fd(&lock);
    p->due = true;
}

static pid_t spawn(char *const argv[], int from, int to)
{
    const int fds[] = {-1, -1, -1, from, to};
    auto_fd int self = self_open(NULL);
    return self < 0 ? self : self_spawn_fds(self, argv, fds, ARRAY_SIZE(fds), NULL, NULL);
}

/* The journal's or the mirror's place may be in a file that would get another inode number. */
static bool mirror_needs_old(const struct monitor *m)
{
    const struct log_mirror *x = m->log.mirror;
    return x && (x->behind || x->clean.log_ino != m->log.ino);
}

void monitor_pack(struct monitor *m)
{
    static char name[] = LOG_PACKER_NAME;
    struct monitor_packs *p = &m->packs;
    if (m->log.fd < 0 || mirror_needs_old(m))
        return;
    auto_fd int out = -1;
    m->log.unpacked = m->mirror.unpacked = p->due = false;
    if (!log_pack_begin(m->dir_fd, mirror_name(m), p->refused, &p->piece, &out))
        return;
    p->pid = spawn((char *const[]){name, NULL}, p->piece.in, out);
    p->pidfd = p->pid > 0 ? sys_pidfd_open(p->pid, 0) : -1;
    m->tidy = true;
    if (p->pidfd < 0)
        p->refused = log_pack_end(m->dir_fd, &p->piece, false, false);
}

/* One that could not be compressed is tried again by the next monitor. */
void monitor_end_pack(struct monitor *m)
{
    struct monitor_packs *p = &m->packs;
    int status = -1;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(take_fd(&p->pidfd));
    uint64_t ino = log_pack_end(m->dir_fd, &p->piece, status == 0, false);
    if (status != 0)
        p->refused = ino;
    p->due = status == 0;
    m->tidy = true;
}

/* The last act: who starts the container again, or removes it, does not wait for it. */
void monitor_pack_rest(struct monitor *m)
{
    static char name[] = LOG_PACKER_NAME, all[] = LOG_PACKER_ALL;
    struct monitor_packs *p = &m->packs;
    char none[] = "";
    if (p->lock_fd < 0)
        return;
    if (p->pidfd >= 0) {
        sys_pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
        monitor_end_pack(m);
    }
    struct flock first = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};
    bool left = log_pack_is_due(m->dir_fd, mirror_name(m));
    if (left && !m->auto_remove && fcntl(p->lock_fd, F_OFD_SETLK, &first) == 0)
        spawn((char *const[]){name, all, mirror_name(m) ? m->mirror.name : none, NULL},
              m->dir_fd, p->lock_fd);
    close(take_fd(&p->lock_fd));
}
