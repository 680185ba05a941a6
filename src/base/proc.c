/* proc - a pid is reused, a start time is not: a process is opened first, then its start
 * time is compared, so that what is signalled is what was meant. */

#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/sys.h"

/* linux/pidfd.h of Linux 6.15, newer than the headers this is built with. */
struct pidfd_info_v0 {
    uint64_t mask, cgroupid;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
};
#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info_v0)
#define INFO_EXIT (1u << 3)

#define STAT_MAX 1024

static int read_proc(const char *path, char *out, size_t size)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n;
    do
        n = read(fd, out, size - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    out[n] = '\0';
    return (int)n;
}

/* The command name in field 2 may hold blanks and parentheses: fields are counted from
 * the last ')', which ends field 2. Source: proc(5). */
static int parse_stat(char *text, char *ret_state, uint64_t *ret_start)
{
    char *p = strrchr(text, ')');
    if (!p || p[1] != ' ')
        return -EINVAL;
    *ret_state = p[2];
    char *save = NULL;
    const char *field = strtok_r(p + 1, " \n", &save);
    for (int n = 3; field && n < 22; n++)
        field = strtok_r(NULL, " \n", &save);
    return field ? parse_u64(field, UINT64_MAX, ret_start) : -EINVAL;
}

int proc_start_time(pid_t pid, bool live_only, uint64_t *ret)
{
    if (pid <= 0)
        return -ESRCH;
    char path[32], text[1024], state = 0;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int rc = read_proc(path, text, sizeof(text));
    if (rc < 0)
        return rc;
    uint64_t start;
    rc = parse_stat(text, &state, &start);
    if (rc < 0)
        return rc;
    if (live_only && strchr("ZXx", state))
        return -ESRCH;
    *ret = start;
    return 0;
}

bool proc_is(pid_t pid, uint64_t start_time)
{
    uint64_t start;
    return proc_start_time(pid, true, &start) == 0 && start == start_time;
}

int proc_open(pid_t pid, uint64_t start_time)
{
    if (pid <= 0)
        return -ESRCH;
    auto_fd int fd = sys_pidfd_open(pid, 0); /* always close-on-exec */
    if (fd < 0)
        return errno == EINVAL ? -ESRCH : -errno;
    uint64_t start;
    int rc = proc_start_time(pid, false, &start);
    if (rc < 0)
        return rc;
    return start == start_time ? take_fd(&fd) : -ESRCH;
}

/* The exit status of a zombie that is not our child is the last field of its stat. */
static int zombie_status(pid_t pid, int *ret)
{
    char path[48], text[STAT_MAX];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int n = read_proc(path, text, sizeof(text));
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    const char *last = n > 0 ? strrchr(text, ' ') : NULL;
    if (!state || strncmp(state, ") Z", 3) != 0 || !last)
        return -ESRCH;
    *ret = (int)strtol(last, NULL, 10);
    return 0;
}

/* After it was reaped, the pidfd has the status (Linux 6.15). */
static int pidfd_status(int pidfd, int *ret)
{
    struct pidfd_info_v0 info = {.mask = INFO_EXIT};
    if (ioctl(pidfd, GET_INFO, &info) < 0)
        return -errno;
    if (!(info.mask & INFO_EXIT))
        return -ENODATA;
    *ret = info.exit_code;
    return 0;
}

int proc_ended_status(pid_t pid, int pidfd, int *ret)
{
    int rc = zombie_status(pid, ret);
    return rc < 0 ? pidfd_status(pidfd, ret) : 0;
}

/* Read once: no process lives through a boot. */
static char boot_id[BOOT_ID_LEN + 1];

void proc_know_boot_id(const char id[BOOT_ID_LEN + 1])
{
    memcpy(boot_id, id, BOOT_ID_LEN);
}

int proc_boot_id(char out[BOOT_ID_LEN + 1])
{
    char text[64];
    if (!boot_id[0]) {
        int n = read_proc("/proc/sys/kernel/random/boot_id", text, sizeof(text));
        if (n < BOOT_ID_LEN)
            return n < 0 ? n : -EINVAL;
        proc_know_boot_id(text);
    }
    memcpy(out, boot_id, sizeof(boot_id));
    return 0;
}

uint64_t proc_ignored_signals(void)
{
    static const char label[] = "\nSigIgn:\t";
    char text[4096]; /* more than there is, unless the process is in hundreds of groups */
    const char *line = read_proc("/proc/self/status", text, sizeof(text)) < 0
                           ? NULL
                           : strstr(text, label);
    const char *hex = line ? line + sizeof(label) - 1 : NULL;
    char *end = NULL;
    uint64_t mask = hex ? strtoull(hex, &end, 16) : 0;
    return end && end != hex && *end == '\n' ? mask : UINT64_MAX;
}

void proc_set_name(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

#define INSIST_NS (2 * NS_PER_SEC)

/* docker's client leaves at the third, however late. */
bool proc_is_insisted(int64_t asked[2], int sig)
{
    if (sig != SIGINT && sig != SIGTERM)
        return false;
    int64_t now = clock_mono_ns();
    bool third = asked[0] && now - asked[0] < INSIST_NS;
    asked[0] = asked[1];
    asked[1] = now;
    return third;
}
