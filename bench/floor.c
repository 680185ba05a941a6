/* floor LOWER COMMAND [ARG...] - the least a container costs on this machine.
 *
 * Overlay over LOWER, clone3 with mount, pid, uts, ipc, net and cgroup namespaces,
 * pivot_root, /proc, one cgroup, exec, wait, undo; no state, no log, no limits, nothing
 * confined. bench/run compares everything else to it. The cgroup is made in the hierarchy
 * that holds the memory controller, and the child gets into it the cheap way: on v2 by
 * CLONE_INTO_CGROUP, on v1 by moving itself, because to move another process waits for a
 * grace period. The overlay is mounted by the child, so that the end of its namespace
 * unmounts it; upper and work directories are made beside LOWER.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct floor {
    const char *lower;
    char **argv;
    char dir[1024], upper[1100], work[1100], root[1100]; /* dir/upper, ... */
    char cgroup[1024];
    int is_v2;
};

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(125);
}

/* The mount point of v1's memory hierarchy, or else of the v2 tree. */
static void find_cgroup(struct floor *f)
{
    static const char root[] = "%*d %*d %*s / %511s %*[^-]- %31s %*s %255s";
    char line[2048], path[512], type[32], options[256], base[512] = "";
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (!file)
        die("mountinfo");
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, root, path, type, options) != 3)
            continue;
        if (!strcmp(type, "cgroup2") && !*base) {
            f->is_v2 = 1;
            strcpy(base, path);
        } else if (!strcmp(type, "cgroup") && strstr(options, "memory")) {
            f->is_v2 = 0;
            strcpy(base, path);
        }
    }
    fclose(file);
    snprintf(f->cgroup, sizeof f->cgroup, "%s/floor-%d", base, getpid());
}

static void make_dirs(struct floor *f)
{
    snprintf(f->dir, sizeof f->dir, "%s.floor.XXXXXX", f->lower);
    if (!mkdtemp(f->dir))
        die(f->dir);
    snprintf(f->upper, sizeof f->upper, "%s/upper", f->dir);
    snprintf(f->work, sizeof f->work, "%s/work", f->dir);
    snprintf(f->root, sizeof f->root, "%s/root", f->dir);
    if (mkdir(f->upper, 0755) || mkdir(f->work, 0755) || mkdir(f->root, 0755))
        die("mkdir");
    if (mkdir(f->cgroup, 0755))
        die(f->cgroup);
}

/* "0" in tasks: the one thread that writes it. */
static void enter_v1_cgroup(const struct floor *f)
{
    char path[1100];
    snprintf(path, sizeof path, "%s/tasks", f->cgroup);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "0", 1) != 1)
        die(path);
    close(fd);
}

static void child(const struct floor *f)
{
    char options[4096];
    if (!f->is_v2)
        enter_v1_cgroup(f);
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s,workdir=%s", f->lower,
             f->upper, f->work);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        die("private");
    if (mount("overlay", f->root, "overlay", 0, options) || chdir(f->root))
        die("overlay");
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        die("proc");
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        die("pivot_root");
    execvp(f->argv[0], f->argv);
    die(f->argv[0]);
}

static pid_t start(struct floor *f)
{
    int cgroup_fd = open(f->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
                 CLONE_NEWCGROUP | (f->is_v2 ? CLONE_INTO_CGROUP : 0),
        .exit_signal = SIGCHLD,
        .cgroup = f->is_v2 ? (uint64_t)cgroup_fd : 0,
    };
    if (cgroup_fd < 0)
        die(f->cgroup);
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        die("clone3");
    if (pid == 0)
        child(f);
    close(cgroup_fd);
    return pid;
}

static void undo(const struct floor *f)
{
    char inner[1200];
    snprintf(inner, sizeof inner, "%s/work", f->work); /* overlay's own */
    rmdir(inner);
    rmdir(f->work);
    rmdir(f->upper);
    rmdir(f->root);
    if (rmdir(f->dir) || rmdir(f->cgroup))
        die("rmdir");
}

int main(int argc, char **argv)
{
    struct floor f = {0};
    int status;
    if (argc < 3) {
        fprintf(stderr, "usage: floor LOWER COMMAND [ARG...]\n");
        return 125;
    }
    f.lower = argv[1];
    f.argv = argv + 2;
    find_cgroup(&f);
    make_dirs(&f);
    pid_t pid = start(&f);
    if (waitpid(pid, &status, 0) < 0)
        die("wait");
    undo(&f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
