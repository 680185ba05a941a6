/* Compressing 100 MB takes seconds, in which the monitor must go on reading the container's
 * output; so it is done by another process. The numbers in names change meanwhile, and are
 * looked up again, by inode, by the one process that changes them. */

#include "engine/log/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/log/gz.h"
#include "engine/log/internal.h"

#define TEMP_NAME LOG_NAME ".packing"
#define GZ ".gz"
#define NAME_SIZE 128
#define MIRROR_PIECES 1000 /* --log-opt max-file takes no more */
#define CLAIM_TRIES 10
#define DEATH_MS 10000
#define IO_IDLE (3 << 13) /* ioprio_set(2); glibc has no header for it */
#define IO_OF_PROCESS 1

/* ---- names ---- */

static const char *piece_name(const char *mirror, unsigned index, const char *suffix,
                              char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%s.%u%s", mirror ? mirror : LOG_NAME, index, suffix);
    return out;
}

static bool exists(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The mirror's have no gap but where one is compressed. */
static unsigned last_piece(int dir_fd, const char *mirror)
{
    char plain[NAME_SIZE], packed[NAME_SIZE];
    unsigned last = 0;
    if (!mirror)
        return log_oldest(dir_fd);
    while (last < MIRROR_PIECES &&
           (exists(dir_fd, piece_name(mirror, last + 1, "", plain)) ||
            exists(dir_fd, piece_name(mirror, last + 1, GZ, packed))))
        last++;
    return last;
}

/* ---- one piece ---- */

static bool is_busy(int dir_fd, const char *mirror, unsigned index)
{
    return !mirror && log_is_held(dir_fd, index);
}

static bool open_piece(int dir_fd, const char *mirror, unsigned index, uint64_t not,
                       struct log_piece *ret)
{
    char name[NAME_SIZE];
    struct stat st;
    struct log_gz_piece packed;
    auto_fd int fd = openat(dir_fd, piece_name(mirror, index, "", name),
                            O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_ino == not ||
        log_gz_is(fd, &packed) || is_busy(dir_fd, mirror, index))
        return false;
    *ret = (struct log_piece){.in = take_fd(&fd), .mirror = mirror};
    return true;
}

static bool choose(int dir_fd, const char *mirror, uint64_t not, struct log_piece *ret)
{
    unsigned last = last_piece(dir_fd, mirror);
    for (unsigned i = 1; i <= last; i++)
        if (open_piece(dir_fd, mirror, i, not, ret))
            return true;
    return false;
}

bool log_pack_begin(int dir_fd, const char *mirror, uint64_t not, struct log_piece *ret,
                    int *ret_out)
{
    if (!choose(dir_fd, NULL, not, ret) && (!mirror || !choose(dir_fd, mirror, not, ret)))
        return false;
    unlinkat(dir_fd, TEMP_NAME, 0);
    *ret_out = openat(dir_fd, TEMP_NAME,
                      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, LOG_MODE);
    if (*ret_out >= 0)
        return true;
    close(take_fd(&ret->in));
    return false;
}

bool log_pack_is_due(int dir_fd, const char *mirror)
{
    struct log_piece p = {.in = -1};
    if (!choose(dir_fd, NULL, 0, &p) && (!mirror || !choose(dir_fd, mirror, 0, &p)))
        return false;
    close(p.in);
    return true;
}

/* Its number now; 0 = it was dropped. */
static unsigned find_piece(int dir_fd, const char *mirror, uint64_t ino)
{
    char name[NAME_SIZE];
    struct stat st;
    unsigned last = last_piece(dir_fd, mirror);
    for (unsigned i = 1; i <= last; i++)
        if (fstatat(dir_fd, piece_name(mirror, i, "", name), &st, AT_SYMLINK_NOFOLLOW) ==
                0 &&
            st.st_ino == ino)
            return i;
    return 0;
}

/* Readers take the same lock before they rely on the file. */
static bool lock_out_readers(int fd, bool waits)
{
    struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    return fcntl(fd, waits ? F_OFD_SETLKW : F_OFD_SETLK, &first) == 0;
}

static bool put_in_place(int dir_fd, const struct log_piece *p, uint64_t ino)
{
    char plain[NAME_SIZE], packed[NAME_SIZE];
    unsigned index = find_piece(dir_fd, p->mirror, ino);
    if (index == 0)
        return false;
    piece_name(p->mirror, index, "", plain);
    piece_name(p->mirror, index, p->mirror ? GZ : "", packed);
    (void)fault_point("log.exchange");
    if (renameat(dir_fd, TEMP_NAME, dir_fd, packed) < 0)
        return false;
    (void)fault_point("log.exchanged");
    if (p->mirror)
        unlinkat(dir_fd, plain, 0);
    return true;
}

uint64_t log_pack_end(int dir_fd, struct log_piece *p, bool whole, bool waits)
{
    struct stat st = {0};
    bool may = whole && fstat(p->in, &st) == 0 && lock_out_readers(p->in, waits);
    if (!may || !put_in_place(dir_fd, p, st.st_ino))
        unlinkat(dir_fd, TEMP_NAME, 0);
    (void)fstat(p->in, &st);
    close(take_fd(&p->in));
    return st.st_ino;
}

/* ---- who may ---- */

static bool lock_writers(int fd, short type, int command, pid_t *ret_pid)
{
    struct flock first = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    bool done = fcntl(fd, command, &first) == 0;
    if (ret_pid)
        *ret_pid = first.l_type == F_UNLCK ? 0 : first.l_pid;
    return done;
}

/* It holds the lock before and after it was opened: so it is the process that has it. */
static void kill_packer(int lock_fd)
{
    pid_t pid = 0, again = 0;
    if (!lock_writers(lock_fd, F_WRLCK, F_OFD_GETLK, &pid) || pid <= 0)
        return;
    auto_fd int process = sys_pidfd_open(pid, 0);
    if (process < 0 || !lock_writers(lock_fd, F_WRLCK, F_OFD_GETLK, &again) ||
        again != pid)
        return;
    sys_pidfd_send_signal(process, SIGKILL, NULL, 0);
    (void)poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, DEATH_MS);
}

/* Killed between rename and unlink. */
static void drop_doubles(int dir_fd, const char *mirror)
{
    char plain[NAME_SIZE], packed[NAME_SIZE];
    unsigned last = last_piece(dir_fd, mirror);
    for (unsigned i = 1; i <= last; i++)
        if (exists(dir_fd, piece_name(mirror, i, GZ, packed)))
            unlinkat(dir_fd, piece_name(mirror, i, "", plain), 0);
}

bool log_pack_claim(int dir_fd, int lock_fd, const char *mirror)
{
    bool mine = false;
    for (int i = 0; i < CLAIM_TRIES && !mine; i++) {
        mine = lock_writers(lock_fd, F_WRLCK, F_OFD_SETLK, NULL);
        if (!mine)
            kill_packer(lock_fd);
    }
    if (!mine)
        return false;
    unlinkat(dir_fd, TEMP_NAME, 0);
    if (mirror)
        drop_doubles(dir_fd, mirror);
    return true;
}

/* ---- the process ---- */

#define FD_FROM 3
#define FD_TO 4

/* Behind everything else on the machine. */
static void stand_back(void)
{
    struct sched_param none = {0};
    proc_set_name(LOG_PACKER_NAME);
    signal(SIGXFSZ, SIG_IGN);
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    (void)syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IO_IDLE);
}

/* With a POSIX lock, which tells whose it is. */
static int pack_all(int dir_fd, int lock_fd, const char *mirror)
{
    struct log_piece p = {.in = -1};
    int out = -1, rc = 0;
    if (!lock_writers(lock_fd, F_WRLCK, F_SETLK, NULL))
        return 0;
    while (rc == 0 && log_pack_begin(dir_fd, *mirror ? mirror : NULL, 0, &p, &out)) {
        rc = log_gz_write(p.in, out);
        close(out);
        log_pack_end(dir_fd, &p, rc == 0, true);
    }
    return rc;
}

int log_packer_main(int argc, char **argv)
{
    stand_back();
    if (argc == 3 && strcmp(argv[1], LOG_PACKER_ALL) == 0)
        return pack_all(FD_FROM, FD_TO, argv[2]) < 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return argc != 1 || log_gz_write(FD_FROM, FD_TO) < 0;
}
