/* The power goes at any point of a command: the root lies on an ext4 of its own, which is shut down
 * without a last write while the command stands at a fault point, or after it said that it is done,
 * and is mounted again. What was not synced is lost. Once the journal is lost as well, and once it
 * is kept, so that names are there whose contents are not. Afterwards a state is that of
 * before or that of after, and that of after if the command had answered. Needs root, loop devices,
 * mkfs.ext4 and, for the points inside, fault points. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

#define POINTS_MAX 100
#define SHUT_DOWN _IOR('X', 125, uint32_t) /* EXT4_IOC_SHUTDOWN, of Linux 4.11 */
#define KEEP_JOURNAL 1U
#define LOSE_JOURNAL 2U

static struct state s;
static bool is_mounted;

static bool succeeds(const char *command)
{
    auto_free char *text = NULL;
    cr_assert(asprintf(&text, "cd %s && exec 2>/dev/null; %s", s.dir.path, command) > 0);
    int status = system(text);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* No write but of what is synced: the journal's own is minutes away, and a file that takes
 * another's place is not written for that. */
#define MOUNT "mount -o loop,commit=300,noauto_da_alloc disk root"

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    if (access("/sbin/mkfs.ext4", X_OK) < 0 || access("/dev/loop-control", R_OK) < 0)
        cr_skip("needs mkfs.ext4 and loop devices");
    cr_assert_eq(unshare(CLONE_NEWNS | CLONE_NEWNET), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    state_make(&s);
    if (!succeeds("/sbin/mkfs.ext4 -q -F disk 64M && mkdir root && " MOUNT))
        cr_skip("an ext4 on a loop device cannot be mounted here");
    is_mounted = true;
}

static bool is_off(void *arg)
{
    char root[96];
    (void)arg;
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    is_mounted = is_mounted && umount2(root, 0) < 0 && errno == EBUSY;
    return !is_mounted;
}

static void take_off(void)
{
    cr_assert(state_until(is_off, NULL), "somebody still uses it");
}

static void tear_down(void)
{
    if (is_mounted)
        take_off();
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(powercut, .init = set_up, .fini = tear_down, .timeout = 60);

static void put_on(void)
{
    cr_assert(succeeds(MOUNT), "what is on the disk cannot be mounted");
    is_mounted = true;
}

static void cut(uint32_t how)
{
    auto_fd int fd = openat(s.dir.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(ioctl(fd, SHUT_DOWN, &how), 0);
}

/* ---- commands ---- */

struct row {
    const char *set_up, *command, *query, *before, *after;
    const char *told; /* by system check; NULL = nothing */
    bool is_not_kept; /* what is removed may come back, but whole; a create may be lost */
};

static pid_t begin(const char *command)
{
    auto_free char *copy = strdup(command);
    const char *args[16] = {NULL};
    char *rest = NULL;
    size_t n = 0;
    for (char *w = strtok_r(copy, " ", &rest); w && n < 15;
         w = strtok_r(NULL, " ", &rest))
        args[n++] = w;
    return state_spawn(&s, args);
}

static char *ask_status(const char *command, int *ret_status)
{
    auto_free char *text = NULL;
    char block[4096] = "";
    cr_assert(asprintf(&text, "exec %s --root %s/root --run-root %s/run --batch %s 2>&1",
                       MTD_PROGRAM, s.dir.path, s.dir.path, command) > 0);
    FILE *f = popen(text, "re");
    cr_assert(f);
    size_t n = fread(block, 1, sizeof(block) - 1, f);
    int status = pclose(f);
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    block[n > 0 && block[n - 1] == '\n' ? n - 1 : n] = '\0';
    return strdup(block);
}

static char *ask(const char *command)
{
    int status;
    char *said = ask_status(command, &status);
    cr_expect_eq(status, 0, "%s: %s", command, said);
    return said;
}

static bool stands_or_has_ended(void *pid)
{
    siginfo_t info = {0};
    return stopped_now(*(pid_t *)pid) || (waitid(P_PID, (id_t) * (pid_t *)pid, &info,
                                                 WEXITED | WNOHANG | WNOWAIT) == 0 &&
                                          info.si_pid != 0);
}

static void expect_whole(const struct row *r, unsigned n, uint32_t how, bool answered)
{
    static const char *const WORKS[] = {"ps -a", "images", "volume ls", "network ls"};
    int status;
    for (size_t i = 0; i < ARRAY_SIZE(WORKS); i++)
        free(ask(WORKS[i]));
    auto_free char *found = ask_status("system check", &status);
    cr_expect(status == 0 || (r->told && strstr(found, r->told)), "%s, point %u: %s",
              r->command, n, found);
    bool must = answered && !r->is_not_kept;
    auto_free char *now = ask(r->query);
    cr_expect(strcmp(now, r->after) == 0 || (!must && strcmp(now, r->before) == 0),
              "%s, cut at point %u, the journal %s: \"%s\"%s", r->command, n,
              how == KEEP_JOURNAL ? "kept" : "lost", now,
              must ? ", and it had answered" : "");
}

/* true = it had answered. n: 0 = after that. */
static bool cut_at(const struct row *r, unsigned n, uint32_t how)
{
    char fault[32];
    cr_assert(succeeds("cp --sparse=always base disk"));
    put_on();
    snprintf(fault, sizeof(fault), "*:stop:%u", n);
    s.fault = n ? fault : NULL;
    pid_t pid = begin(r->command);
    s.fault = NULL;
    cr_assert(state_until(stands_or_has_ended, &pid), "%s, point %u", r->command, n);
    bool answered = !stopped_now(pid);
    cut(how);
    kill(pid, SIGKILL);
    int status = state_reap(pid);
    cr_assert(!answered || status == 0, "%s: status %d", r->command, status);
    take_off();
    put_on();
    expect_whole(r, n, how, answered);
    take_off();
    return answered;
}

static void cut_everywhere(const struct row *r)
{
    if (*r->set_up)
        free(ask(r->set_up));
    free(ask("create --name first busybox"));
    free(ask("rm first"));
    take_off();
    cr_assert(succeeds("cp --sparse=always disk base"));
    cut_at(r, 0, LOSE_JOURNAL);
    cut_at(r, 0, KEEP_JOURNAL);
#ifdef MTD_FAULTS
    unsigned n = 1;
    while (n < POINTS_MAX && !cut_at(r, n, n % 2 ? KEEP_JOURNAL : LOSE_JOURNAL))
        n++;
    cr_expect_gt(n, 1, "%s passes no point", r->command);
#endif
}

#define CUT(name, ...)                             \
    Test(powercut, name)                           \
    {                                              \
        static const struct row ROW = __VA_ARGS__; \
        cut_everywhere(&ROW);                      \
    }

#define NAMES "ps -a --format '{{.Names}}'"

/* A container that was made and never ran means nothing after a power loss; a half made one is told. */
#define HALF "is broken: config.json"

/* clang-format off */
CUT(create, {"", "create --name a busybox", NAMES, "", "a", .told = HALF, .is_not_kept = true})
CUT(rename, {"create --name a busybox", "rename a b", NAMES, "a", "b"})
CUT(rm, {"create --name a busybox", "rm a", NAMES, "a", "", .is_not_kept = true})
CUT(update, {"create --name a busybox", "update --restart always a",
             "inspect -f '{{.HostConfig.RestartPolicy.Name}}' a", "no", "always"})
CUT(volume_create, {"", "volume create --label x=y v",
                    "volume ls --filter label=x=y -q", "", "v"})
CUT(volume_rm, {"volume create v", "volume rm v", "volume ls -q", "v", "", .is_not_kept = true})
CUT(network_create, {"", "network create --label x=y n",
                     "network ls -q --filter label=x=y | wc -l", "0", "1"})
CUT(network_rm, {"network create n", "network rm n",
                 "network ls -q --filter type=custom | wc -l", "1", "0", .is_not_kept = true})
CUT(tag, {"", "tag busybox mine:1", "images --format '{{.Repository}}' mine", "", "mine"})
CUT(rmi, {"tag busybox mine:1", "rmi mine:1", "images --format '{{.Repository}}' mine",
          "mine", "", .is_not_kept = true})
CUT(commit, {"create --name a busybox", "commit a mine:1",
             "images --format '{{.Repository}}' mine", "", "mine",
             .told = "a damaged blob: images/blobs/"})
/* clang-format on */
