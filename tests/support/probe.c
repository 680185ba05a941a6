/* probe - one static program which is a container's whole root file system.
 *
 * A test runs `/probe VERB ARGS` as a container's command and reads what the kernel shows
 * from the inside. Output is plain lines; a refused operation prints the errno's name
 * (`EPERM`) and exits 1; a wrong call exits 2. `/probe` alone lists the verbs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 0);
    if (end == text || *end) {
        fprintf(stderr, "probe: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

/* The result of a system call as a line and an exit status. */
static int report(long result)
{
    if (result < 0) {
        printf("%s\n", strerrorname_np(errno));
        return 1;
    }
    printf("ok\n");
    return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return 1;
        if (n > 0) {
            data += n;
            size -= n;
        }
    }
    return 0;
}

static int copy_fd(int fd)
{
    char data[65536];
    ssize_t n;
    while ((n = read(fd, data, sizeof data)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0 && write_all(STDOUT_FILENO, data, n))
            return 1;
    return n < 0;
}

static int copy_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report(fd);
    int status = copy_fd(fd);
    close(fd);
    return status;
}

/* The lines of /proc/self/status which start with one of the words. */
static int status_lines(const char *const *words)
{
    char line[4096];
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return report(-1);
    while (fgets(line, sizeof line, file))
        for (const char *const *word = words; *word; word++)
            if (!strncmp(line, *word, strlen(*word)))
                fputs(line, stdout);
    fclose(file);
    return 0;
}

static int signal_number(const char *name)
{
    if (!strncmp(name, "SIG", 3))
        name += 3;
    for (int sig = 1; sig < NSIG; sig++)
        if (sigabbrev_np(sig) && !strcmp(sigabbrev_np(sig), name))
            return sig;
    return (int)number(name);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void wait_for(double seconds)
{
    struct timespec ts = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
    while (nanosleep(&ts, &ts) && errno == EINTR)
        ;
}

/* ---- the verbs: argv[0] is the first argument after the verb ---- */

static int do_exit(int argc, char **argv)
{
    return (int)number(argv[0]);
}

static int do_fds(int argc, char **argv)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    if (!dir)
        return report(-1);
    while ((entry = readdir(dir))) {
        char target[4096];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (n < 0 || atoi(entry->d_name) == dirfd(dir))
            continue;
        target[n] = '\0';
        printf("%s %s\n", entry->d_name, target);
    }
    closedir(dir);
    return 0;
}

static int do_env(int argc, char **argv)
{
    for (char **var = environ; *var; var++)
        puts(*var);
    return 0;
}

static int do_args(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("[%s]\n", argv[i]);
    return 0;
}

static int do_caps(int argc, char **argv)
{
    static const char *const words[] = {"Cap", "NoNewPrivs", "Seccomp:", NULL};
    return status_lines(words);
}

static int do_signals(int argc, char **argv)
{
    static const char *const words[] = {"SigBlk", "SigIgn", "SigCgt", NULL};
    return status_lines(words);
}

/* write BYTES out|err [PATTERN]: the pattern repeated, by default all 256 byte values. */
static int do_write(int argc, char **argv)
{
    static char block[65536];
    int fd = !strcmp(argv[1], "err") ? STDERR_FILENO : STDOUT_FILENO;
    size_t length = argc > 2 ? strlen(argv[2]) : 256;
    size_t whole = sizeof block / length * length;
    for (size_t i = 0; i < whole; i++)
        block[i] = argc > 2 ? argv[2][i % length] : (char)i;
    for (long long left = number(argv[0]); left > 0; left -= whole)
        if (write_all(fd, block, left < (long long)whole ? (size_t)left : whole))
            return 1;
    return 0;
}

static int do_lines(int argc, char **argv)
{
    long long count = number(argv[0]);
    for (long long i = 1; i <= count; i++) {
        char line[64];
        int n = snprintf(line, sizeof line, "out %lld\n", i);
        if (write_all(STDOUT_FILENO, line, n))
            return 1;
        n = snprintf(line, sizeof line, "err %lld\n", i);
        if (write_all(STDERR_FILENO, line, n))
            return 1;
    }
    return 0;
}

/* Lines "WRITER NUMBER xxx", in blocks a pipe takes whole. */
static int write_numbered(int writer, int fd, long long *number_of_line, long long *left)
{
    static const char pad[] =
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    char block[4096];
    int used = 0;
    while (used < (int)sizeof block - 100 && *left > 0) {
        long long line = ++*number_of_line;
        int n = snprintf(block + used, 100, "%d %lld %.*s\n", writer, line,
                         (int)(line % sizeof pad), pad);
        used += n;
        *left -= n;
    }
    return write_all(fd, block, used);
}

static int do_writers(int argc, char **argv)
{
    int writers = (int)number(argv[0]), status, failed = 0;
    for (int w = 0; w < writers; w++) {
        if (fork() > 0)
            continue;
        long long left[2] = {number(argv[1]), number(argv[1])}, line[2] = {0, 0};
        while (left[0] > 0 || left[1] > 0)
            for (int i = 0; i < 2; i++)
                if (left[i] > 0 &&
                    write_numbered(w, STDOUT_FILENO + i, &line[i], &left[i]))
                    _exit(1);
        _exit(0);
    }
    while (wait(&status) > 0)
        failed |= status;
    return failed != 0;
}

static int do_echo(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("%s%s", i ? " " : "", argv[i]);
    putchar('\n');
    return 0;
}

static int do_cat(int argc, char **argv)
{
    return argc > 0 ? copy_file(argv[0]) : copy_fd(STDIN_FILENO);
}

static int do_mounts(int argc, char **argv)
{
    return copy_file("/proc/self/mountinfo");
}

static int do_alloc(int argc, char **argv)
{
    size_t size = (size_t)number(argv[0]);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return report(-1);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
    printf("allocated %zu\n", size);
    if (argc > 1)
        wait_for((double)number(argv[1]));
    return 0;
}

static int do_sleep(int argc, char **argv)
{
    if (argc > 0)
        wait_for(strtod(argv[0], NULL));
    else
        for (;;)
            pause();
    return 0;
}

static int do_spin(int argc, char **argv)
{
    double end = argc > 0 ? now() + strtod(argv[0], NULL) : 1e18;
    while (now() < end)
        ;
    return 0;
}

/* trap SIGNAL...: "ready", then the name of the first one that arrives. */
static int do_trap(int argc, char **argv)
{
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < argc; i++)
        sigaddset(&set, signal_number(argv[i]));
    sigprocmask(SIG_BLOCK, &set, NULL);
    puts("ready");
    int sig = sigwaitinfo(&set, NULL);
    printf("SIG%s\n", sig > 0 && sigabbrev_np(sig) ? sigabbrev_np(sig) : "?");
    return 0;
}

static int do_raise(int argc, char **argv)
{
    return report(raise(signal_number(argv[0])));
}

/* fork N [SECONDS]: the children live as long as this process. */
static int do_fork(int argc, char **argv)
{
    long long wanted = number(argv[0]), made = 0;
    int code = 0;
    for (; made < wanted; made++) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        if (pid < 0) {
            code = errno;
            break;
        }
    }
    printf("forked %lld %s\n", made, code ? strerrorname_np(code) : "ok");
    if (argc > 1)
        wait_for(strtod(argv[1], NULL));
    return code ? 1 : 0;
}

/* orphans N: children whose parent ends first; PID 1 has to reap them. */
static int do_orphans(int argc, char **argv)
{
    for (long long i = number(argv[0]); i > 0; i--) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(fork() < 0);
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    return 0;
}

static int do_id(int argc, char **argv)
{
    gid_t groups[256];
    int count = getgroups(256, groups);
    printf("uid %u %u gid %u %u groups", getuid(), geteuid(), getgid(), getegid());
    for (int i = 0; i < count; i++)
        printf(" %u", groups[i]);
    putchar('\n');
    return 0;
}

/* Ends by SIGSEGV, also as pid 1, whose own signals do not reach it. */
static int do_fault(int argc, char **argv)
{
    char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)none = 1;
    return 1;
}

static int do_pid(int argc, char **argv)
{
    printf("pid %d ppid %d pgid %d sid %d\n", getpid(), getppid(), getpgrp(), getsid(0));
    return 0;
}

static int do_tty(int argc, char **argv)
{
    for (int fd = 0; fd < 3; fd++) {
        char name[256];
        struct winsize size;
        if (ttyname_r(fd, name, sizeof name) != 0)
            snprintf(name, sizeof name, "%s", isatty(fd) ? "unnamed" : "no");
        printf("%d %s", fd, name);
        if (!ioctl(fd, TIOCGWINSZ, &size))
            printf(" %d %d", size.ws_row, size.ws_col);
        putchar('\n');
    }
    return 0;
}

static int do_ttysize(int argc, char **argv)
{
    struct winsize size;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
        return report(-1);
    printf("%d %d\n", size.ws_row, size.ws_col);
    return 0;
}

static int do_stat(int argc, char **argv)
{
    static const char types[] = "?pc?d?b?-?l?s???";
    struct stat st;
    if (lstat(argv[0], &st))
        return report(-1);
    printf("%c %04o %u %u %lld %u:%u\n", types[st.st_mode >> 12 & 15], st.st_mode & 07777,
           st.st_uid, st.st_gid, (long long)st.st_size, major(st.st_rdev),
           minor(st.st_rdev));
    return 0;
}

static int do_ls(int argc, char **argv)
{
    struct dirent **entries;
    int count = scandir(argv[0], &entries, NULL, alphasort);
    if (count < 0)
        return report(-1);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") && strcmp(name, ".."))
            puts(name);
        free(entries[i]);
    }
    free(entries);
    return 0;
}

static int do_readlink(int argc, char **argv)
{
    char target[4096];
    ssize_t n = readlink(argv[0], target, sizeof target - 1);
    if (n < 0)
        return report(-1);
    printf("%.*s\n", (int)n, target);
    return 0;
}

/* tryopen PATH [r|w|rw|c]: c creates. */
static int do_tryopen(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "r";
    int flags = O_RDONLY;
    if (*how == 'w')
        flags = O_WRONLY;
    else if (!strcmp(how, "rw"))
        flags = O_RDWR;
    else if (*how == 'c')
        flags = O_WRONLY | O_CREAT;
    return report(open(argv[0], flags | O_CLOEXEC, 0644));
}

/* put PATH TEXT: the file is replaced by the text. */
static int do_put(int argc, char **argv)
{
    int fd = open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return report(fd);
    return report(write(fd, argv[1], strlen(argv[1])));
}

static int do_mkdir(int argc, char **argv)
{
    return report(mkdir(argv[0], 0755));
}

static int do_unlink(int argc, char **argv)
{
    return report(remove(argv[0]));
}

static int do_chown(int argc, char **argv)
{
    return report(lchown(argv[0], (uid_t)number(argv[1]), (gid_t)number(argv[2])));
}

static int do_symlink(int argc, char **argv)
{
    return report(symlink(argv[0], argv[1]));
}

/* mknod PATH c|b|p MAJOR MINOR */
static int do_mknod(int argc, char **argv)
{
    mode_t type = *argv[1] == 'c' ? S_IFCHR : *argv[1] == 'b' ? S_IFBLK : S_IFIFO;
    dev_t device = makedev((unsigned)number(argv[2]), (unsigned)number(argv[3]));
    return report(mknod(argv[0], type | 0644, device));
}

/* mount SOURCE TARGET TYPE FLAGS: the flags as a number, MS_REMOUNT|MS_BIND is 0x1020. */
static int do_mount(int argc, char **argv)
{
    return report(
        mount(argv[0], argv[1], argv[2], (unsigned long)number(argv[3]), argv[4]));
}

static int do_umount(int argc, char **argv)
{
    return report(umount2(argv[0], MNT_DETACH));
}

static int do_syscall(int argc, char **argv)
{
    long arg[6] = {0};
    for (int i = 1; i < argc && i <= 6; i++)
        arg[i - 1] = (long)number(argv[i]);
    return report(
        syscall((long)number(argv[0]), arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

static int do_hostname(int argc, char **argv)
{
    char name[256] = "";
    if (argc > 0)
        return report(sethostname(argv[0], strlen(argv[0])));
    gethostname(name, sizeof name - 1);
    puts(name);
    return 0;
}

static int do_cwd(int argc, char **argv)
{
    char path[4096];
    if (!getcwd(path, sizeof path))
        return report(-1);
    puts(path);
    return 0;
}

static int do_interfaces(int argc, char **argv)
{
    struct if_nameindex *list = if_nameindex();
    if (!list)
        return report(-1);
    for (struct if_nameindex *one = list; one->if_index; one++)
        puts(one->if_name);
    if_freenameindex(list);
    return 0;
}

/* exec PATH ARGS: argv[0] becomes PATH. */
static int do_exec(int argc, char **argv)
{
    execv(argv[0], argv);
    return report(-1);
}

/* key NAME: looks for it in the session keyring, as possessor of what that links to. */
static int do_key(int argc, char **argv)
{
    return report(
        syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", argv[0], 0));
}

/* unshare FLAGS PROGRAM ARG...: becomes the program in namespaces of its own. */
static int do_unshare(int argc, char **argv)
{
    if (unshare((int)number(argv[0])))
        return report(-1);
    execvp(argv[1], argv + 1);
    return report(-1);
}

/* which FILE: writes there what descriptors 0 to 2 are, "FD DEVICE INODE TYPE" each. */
static int do_which(int argc, char **argv)
{
    FILE *f = fopen(argv[0], "we");
    if (!f)
        return report(-1);
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0)
            fprintf(f, "%d %llu %llu %o\n", fd, (unsigned long long)st.st_dev,
                    (unsigned long long)st.st_ino, st.st_mode >> 12);
    }
    return fclose(f) != 0;
}

/* Changes all about descriptors 0 to 2 that can be changed through them. */
static int do_spoil(int argc, char **argv)
{
    for (int fd = 0; fd < 3; fd++) {
        fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT | O_APPEND);
        fcntl(fd, F_SETPIPE_SZ, 8192);
        fchmod(fd, 0777);
        fchown(fd, 4321, 4321);
    }
    return 0;
}

/* turn PATH TEXT: opens it for both directions, prints what can be read, writes TEXT. */
static int do_turn(int argc, char **argv)
{
    char data[4096];
    int fd = open(argv[0], O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return report(fd);
    ssize_t n = read(fd, data, sizeof(data));
    printf("read: %.*s\n", n > 0 ? (int)n : 0, data);
    fflush(stdout);
    return write(fd, argv[1], strlen(argv[1])) < 0;
}

/* leave PATH: gets out of a root that chroot made, as whoever may call chroot can; then whether
 * PATH is there. */
static int do_leave(int argc, char **argv)
{
    int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mkdir("/below", 0700);
    int rc = chroot("/below");
    printf("chroot %s\n", rc < 0 ? strerror(errno) : "ok");
    for (int i = 0; i < 64 && rc == 0; i++)
        rc = i == 0 ? fchdir(top) : chdir("..");
    if (rc == 0 && chroot(".") < 0)
        puts("no way back");
    printf("%s\n", access(argv[0], F_OK) == 0 ? "there" : "not there");
    return 0;
}

/* reach NAME: connects to the socket that has the name and no file. */
static int do_reach(int argc, char **argv)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(argv[0]);
    memcpy(to.sun_path + 1, argv[0], len);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len));
    printf("%s\n", rc < 0 ? strerror(errno) : "reached");
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    int least; /* arguments */
    const char *usage;
} VERBS[] = {
    {"exit", do_exit, 1, "N"},
    {"fds", do_fds, 0, "open descriptors"},
    {"env", do_env, 0, "environment"},
    {"args", do_args, 0, "ARG... in brackets"},
    {"echo", do_echo, 0, "ARG..."},
    {"caps", do_caps, 0, "capabilities, seccomp"},
    {"signals", do_signals, 0, "blocked, ignored, caught"},
    {"sigign", do_signals, 0, "the same"},
    {"write", do_write, 2, "BYTES out|err [PATTERN]"},
    {"lines", do_lines, 1, "N on both streams"},
    {"writers", do_writers, 2, "N BYTES of numbered lines each, on either stream"},
    {"cat", do_cat, 0, "[FILE]"},
    {"mounts", do_mounts, 0, "mountinfo"},
    {"alloc", do_alloc, 1, "BYTES [SECONDS]"},
    {"sleep", do_sleep, 0, "[SECONDS]"},
    {"spin", do_spin, 0, "[SECONDS]"},
    {"trap", do_trap, 1, "SIGNAL..."},
    {"raise", do_raise, 1, "SIGNAL"},
    {"fork", do_fork, 1, "N [SECONDS]"},
    {"orphans", do_orphans, 1, "N"},
    {"id", do_id, 0, "users and groups"},
    {"pid", do_pid, 0, "pid ppid pgid sid"},
    {"fault", do_fault, 0, "ends by SIGSEGV"},
    {"key", do_key, 1, "NAME"},
    {"unshare", do_unshare, 2, "FLAGS PROGRAM ARG..."},
    {"which", do_which, 1, "FILE: devices and inodes of descriptors 0 to 2"},
    {"spoil", do_spoil, 0, "flags, size, mode and owner of descriptors 0 to 2"},
    {"turn", do_turn, 2, "PATH TEXT: reads and writes what is there"},
    {"tty", do_tty, 0, "of descriptors 0 to 2"},
    {"ttysize", do_ttysize, 0, "rows columns"},
    {"stat", do_stat, 1, "PATH"},
    {"ls", do_ls, 1, "DIR"},
    {"readlink", do_readlink, 1, "PATH"},
    {"tryopen", do_tryopen, 1, "PATH [r|w|rw|c]"},
    {"put", do_put, 2, "PATH TEXT"},
    {"mkdir", do_mkdir, 1, "PATH"},
    {"unlink", do_unlink, 1, "PATH, an empty dir as well"},
    {"chown", do_chown, 3, "PATH UID GID"},
    {"symlink", do_symlink, 2, "TARGET PATH"},
    {"mknod", do_mknod, 4, "PATH c|b|p MAJOR MINOR"},
    {"mount", do_mount, 4, "SOURCE TARGET TYPE FLAGS"},
    {"umount", do_umount, 1, "TARGET"},
    {"syscall", do_syscall, 1, "NUMBER ARG..."},
    {"hostname", do_hostname, 0, "[NEW]"},
    {"cwd", do_cwd, 0, "working directory"},
    {"interfaces", do_interfaces, 0, "network interfaces"},
    {"leave", do_leave, 1, "PATH: out of a chroot"},
    {"reach", do_reach, 1, "NAME: of a socket without a file"},
    {"exec", do_exec, 1, "PATH ARG..."},
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; argc > 1 && i < sizeof VERBS / sizeof *VERBS; i++)
        if (!strcmp(argv[1], VERBS[i].name) && argc - 2 >= VERBS[i].least)
            return VERBS[i].run(argc - 2, argv + 2);
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; i++)
        fprintf(stderr, "probe %s %s\n", VERBS[i].name, VERBS[i].usage);
    return 2;
}
