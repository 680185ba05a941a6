/* exec, end to end: what the command sees, what it may not see, and how it ends. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "exec_box.h"

TestSuite(exec, .init = box_make, .fini = box_delete, .timeout = 60);

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *p = text; (p = strstr(p, line)); p++)
        if ((p == text || p[-1] == '\n') && (p[len] == '\n' || p[len] == '\0'))
            return true;
    return false;
}

static void expect_output(struct result *r, const char *out)
{
    cr_expect_eq(r->status, 0, "status %d: %s", r->status, r->err);
    cr_expect_str_eq(r->out, out);
}

/* ---- what the command gets -------------------------------------------------------------- */

Test(exec, arguments_arrive_as_they_are)
{
    struct result r;
    EXEC(&r, "box", "/probe", "args", "a b", "", "'\"\\", "$HOME", "*", "\n", "--", "-i");
    expect_output(&r, "[a b]\n[]\n['\"\\]\n[$HOME]\n[*]\n[\n]\n[--]\n[-i]\n");
}

Test(exec, environment_is_the_configured_one_and_its_own)
{
    struct result r;
    setenv("SECRET", "host", 1);
    EXEC(&r, "-e", "OWN=1", "-e", "COLOUR=red", "box", "/probe", "env");
    cr_expect(has_line(r.out, "OWN=1"));
    cr_expect(has_line(r.out, "COLOUR=red"));
    cr_expect(has_line(r.out, "HOME=/root"));
    cr_expect_not(has_line(r.out, "COLOUR=blue"));
    cr_expect_null(strstr(r.out, "SECRET"));
    cr_expect_null(strstr(r.out, "TERM="));
    EXEC(&r, "box", "/probe", "env");
    cr_expect(has_line(r.out, "COLOUR=blue"), "and it does not stick");
    cr_expect_null(strstr(r.out, "OWN="));
}

/* The books' engines run host-root code from these. */
Test(exec, no_variable_steers_the_engine)
{
    struct result r;
    char mark[128], command[200];
    snprintf(mark, sizeof(mark), "%s/mark", box_home());
    snprintf(command, sizeof(command), "mydocker_cmd=touch %s", mark);
    EXEC(&r, "-e", "mydocker_pid=1", "-e", command, "-e", "LD_PRELOAD=/tmp/evil.so", "-e",
         "MTD_FAULT=exec.user:fail", "-e", "GLIBC_TUNABLES=x", "box", "/probe", "env");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(has_line(r.out, "mydocker_pid=1"));
    cr_expect(has_line(r.out, "LD_PRELOAD=/tmp/evil.so"));
    setenv("mydocker_pid", "1", 1);
    setenv("mydocker_cmd", command + strlen("mydocker_cmd="), 1);
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 0);
    cr_expect_neq(access(mark, F_OK), 0, "the command of a variable was run on the host");
}

Test(exec, no_descriptor_of_the_host)
{
    struct result r;
    int high = fcntl(open(box_home(), O_RDONLY), F_DUPFD, 50); /* not close-on-exec */
    EXEC(&r, "box", "/probe", "fds");
    cr_expect(has_line(r.out, "0 /dev/null"));
    int lines = 0;
    for (const char *p = r.out; (p = strchr(p, '\n')); p++)
        lines++;
    cr_expect_eq(lines, 3, "%s", r.out);
    cr_expect_null(strstr(r.out, box_home()));
    close(high);
}

Test(exec, stands_in_the_containers_cgroups_and_namespaces)
{
    static const char *const NS[] = {"mnt", "pid", "uts", "ipc", "net", "cgroup"};
    struct result r, one;
    EXEC(&r, "box", "cat", "/proc/self/cgroup");
    EXEC(&one, "box", "cat", "/proc/1/cgroup");
    cr_expect_eq(r.status, 0);
    cr_expect_str_eq(r.out, one.out);
    cr_expect_null(strstr(r.out, ".."), "outside of the namespace's root: %s", r.out);
    for (size_t i = 0; i < sizeof(NS) / sizeof(NS[0]); i++) {
        char own[64], first[64];
        snprintf(own, sizeof(own), "/proc/self/ns/%s", NS[i]);
        snprintf(first, sizeof(first), "/proc/1/ns/%s", NS[i]);
        EXEC(&r, "box", "/probe", "readlink", own);
        EXEC(&one, "box", "/probe", "readlink", first);
        cr_expect_eq(r.status, 0, "%s: %s", own, r.out);
        cr_expect_str_eq(r.out, one.out, "%s", NS[i]);
    }
}

Test(exec, is_a_session_of_its_own_with_clean_signals)
{
    struct result r;
    int pid, ppid, pgid, sid;
    EXEC(&r, "box", "/probe", "pid");
    cr_assert_eq(sscanf(r.out, "pid %d ppid %d pgid %d sid %d", &pid, &ppid, &pgid, &sid),
                 4);
    cr_expect_gt(pid, 1);
    cr_expect_eq(ppid, 0);
    cr_expect_eq(pgid, pid);
    cr_expect_eq(sid, pid);
    signal(SIGHUP, SIG_IGN);
    EXEC(&r, "box", "/probe", "signals");
    cr_expect_not_null(strstr(r.out, "SigBlk:\t0000000000000000"));
    cr_expect_not_null(strstr(r.out, "SigIgn:\t0000000000000000"));
}

Test(exec, capabilities_are_the_containers)
{
    struct result r;
    EXEC(&r, "box", "/probe", "caps");
    cr_expect(has_line(r.out, "CapInh:\t0000000000000000"));
    cr_expect(has_line(r.out, "CapAmb:\t0000000000000000"));
    cr_expect(has_line(r.out, "CapBnd:\t00000000a80425fb"));
    cr_expect(has_line(r.out, "CapEff:\t00000000a80425fb"));
    EXEC(&r, "-u", "1000", "box", "/probe", "caps");
    cr_expect(has_line(r.out, "CapEff:\t0000000000000000"));
    cr_expect(has_line(r.out, "CapPrm:\t0000000000000000"));
    EXEC(&r, "--privileged", "box", "/probe", "caps");
    cr_expect_not(has_line(r.out, "CapEff:\t00000000a80425fb"));
    cr_expect_not_null(strstr(r.out, "CapEff:\t000001ff"), "%s", r.out);
    cr_expect(has_line(r.out, "CapInh:\t0000000000000000"));
}

Test(exec, user_and_directory)
{
    struct result r;
    EXEC(&r, "-u", "1000:7", "-w", "/tmp", "box", "/probe", "id");
    cr_expect_not_null(strstr(r.out, "uid 1000 1000 gid 7 7"));
    EXEC(&r, "-w", "/tmp", "box", "pwd");
    expect_output(&r, "/tmp\n");
    EXEC(&r, "-u", "1", "box", "/probe", "id");
    cr_expect_not_null(strstr(r.out, "uid 1 1 "), "CVE-2026-30892: %s", r.out);
    EXEC(&r, "-u", "4294967296", "box", "true");
    cr_expect_eq(r.status, 126);
    EXEC(&r, "-u", "nosuch", "box", "true");
    cr_expect_eq(r.status, 126);
    cr_expect_not_null(strstr(r.err, "unable to find user nosuch"));
}

/* CVE-2024-21626 */
Test(exec, no_directory_by_a_descriptor)
{
    struct result r;
    for (int fd = 3; fd < 12; fd++) {
        char path[32];
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        EXEC(&r, "-w", path, "box", "true");
        cr_expect(r.status == 126 || r.status == 127, "%s: status %d", path, r.status);
    }
}

/* ---- how it ends ------------------------------------------------------------------------ */

Test(exec, statuses)
{
    struct result r;
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 0);
    EXEC(&r, "box", "/probe", "exit", "37");
    cr_expect_eq(r.status, 37);
    EXEC(&r, "box", "/probe", "exit", "125");
    cr_expect_eq(r.status, 125);
    cr_expect_str_empty(r.err);
    EXEC(&r, "box", "/probe", "raise", "KILL");
    cr_expect_eq(r.status, 137);
    EXEC(&r, "box", "/probe", "raise", "TERM");
    cr_expect_eq(r.status, 143);
    EXEC(&r, "box", "nosuch");
    cr_expect_eq(r.status, 127);
    cr_expect_not_null(strstr(r.err, "executable file not found in $PATH"));
    EXEC(&r, "box", "/nosuch");
    cr_expect_eq(r.status, 127);
    EXEC(&r, "box", "/etc");
    cr_expect_eq(r.status, 126);
    EXEC(&r, "box", "/etc/passwd");
    cr_expect_eq(r.status, 126);
    EXEC(&r, "-w", "/nosuch", "box", "true");
    cr_expect_eq(r.status, 127);
    EXEC(&r, "-w", "/etc/passwd", "box", "true");
    cr_expect_eq(r.status, 126);
}

Test(exec, not_in_a_container_that_does_not_run)
{
    struct result r;
    EXEC(&r, "nosuch", "true");
    cr_expect_eq(r.status, 1);
    BOX(&r, "pause", "box");
    cr_expect_eq(r.status, 0);
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 1);
    cr_expect_not_null(strstr(r.err, "is paused, unpause the container before exec"));
    BOX(&r, "unpause", "box");
    BOX(&r, "stop", "-t", "0", "box");
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 1);
    cr_expect_not_null(strstr(r.err, "is not running"));
}

Test(exec, dies_with_its_front_end)
{
    static const char *const COMMAND[] = {"exec", "box", "sleep", "4711", NULL};
    static const char *const ON_TTY[] = {"exec", "-it", "box", "sleep", "4712", NULL};
    int master;
    pid_t front = box_start(COMMAND), inside = box_await("sleep 4711");
    cr_assert_gt(inside, 0);
    kill(front, SIGKILL);
    box_wait(front);
    cr_expect(box_gone(inside));
    front = box_start_on_tty(&master, 24, 80, ON_TTY);
    inside = box_await("sleep 4712");
    cr_assert_gt(inside, 0);
    kill(front, SIGKILL);
    box_wait(front);
    cr_expect(box_gone(inside));
}

Test(exec, signals_go_to_the_command)
{
    static const char *const COMMAND[] = {"exec", "box", "sleep", "4713", NULL};
    pid_t front = box_start(COMMAND), inside = box_await("sleep 4713");
    cr_assert_gt(inside, 0);
    kill(front, SIGTERM);
    cr_expect_eq(box_wait(front), 143);
    cr_expect(box_gone(inside));
}

Test(exec, detached)
{
    struct result r;
    EXEC(&r, "-d", "box", "sleep", "4714");
    cr_expect_eq(r.status, 0);
    cr_expect_str_empty(r.out);
    pid_t inside = box_find("sleep 4714");
    cr_expect_gt(inside, 0);
    kill(inside, SIGKILL);
    cr_expect(box_gone(inside));
    EXEC(&r, "-d", "-t", "box", "sh", "-c", "test -t 1 && exec sleep 4715");
    cr_expect_eq(r.status, 0);
    inside = box_await("sleep 4715");
    cr_expect_gt(inside, 0);
    EXEC(&r, "-d", "box", "nosuch");
    cr_expect_eq(r.status, 127);
    cr_expect_not_null(strstr(r.err, "not found"));
    BOX(&r, "stop", "-t", "0", "box");
    cr_expect_eq(r.status, 0, "%s", r.err);
    cr_expect(box_gone(inside), "it ends with the container");
}

/* ---- streams ---------------------------------------------------------------------------- */

Test(exec, binary_input_and_output_by_pipe)
{
    static const char *const COMMAND[] = {"exec", "-i", "box", "cat", NULL};
    struct result r;
    char data[40000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 + i / 256);
    box_run(&r, data, sizeof(data), COMMAND);
    cr_expect_eq(r.status, 0);
    cr_expect_eq(r.out_len, sizeof(data));
    cr_expect_eq(memcmp(r.out, data, sizeof(data)), 0);
}

Test(exec, input_only_when_asked)
{
    static const char *const COMMAND[] = {"exec", "box", "cat", NULL};
    struct result r;
    box_run(&r, "x", 1, COMMAND);
    expect_output(&r, "");
}

Test(exec, both_streams_apart)
{
    struct result r;
    EXEC(&r, "box", "sh", "-c", "echo a; echo b >&2");
    expect_output(&r, "a\n");
    cr_expect_str_eq(r.err, "b\n");
}

/* A file handed in as it is could be opened again for writing, a directory is a way out. */
Test(exec, files_stay_outside)
{
    struct result r;
    char path[128];
    snprintf(path, sizeof(path), "%s/input", box_home());
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(write(fd, "host\n", 5), 5);
    close(fd);
    int saved = dup(0);
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            char root[128], run[128];
            int in = open(i ? "/" : path, O_RDONLY), out = open("/dev/null", O_WRONLY);
            snprintf(root, sizeof(root), "%s/root", box_home());
            snprintf(run, sizeof(run), "%s/run", box_home());
            dup2(in, 0);
            dup2(out, 2);
            execl(MTD_PROGRAM, MTD_PROGRAM, "--root", root, "--run-root", run, "exec",
                  "-i", "box", "sh", "-c",
                  "echo evil > /proc/self/fd/0; cd /proc/self/fd/0 && exit 33; exit 0",
                  (char *)NULL);
            _exit(99);
        }
        cr_expect_eq(box_wait(pid), 0);
    }
    close(saved);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    memset(&r, 0, sizeof(r));
    cr_assert_eq(read(fd, r.out, sizeof(r.out)), 5);
    cr_expect_str_eq(r.out, "host\n");
    close(fd);
}

/* ---- terminals -------------------------------------------------------------------------- */

Test(exec, a_terminal_has_its_size_before_the_first_byte)
{
    static const char *const COMMAND[] = {"exec", "-t", "box", "/probe", "tty", NULL};
    int master;
    pid_t pid = box_start_on_tty(&master, 33, 101, COMMAND);
    cr_expect(box_expect(master, "2 /dev/pts/0 33 101"));
    cr_expect_eq(box_wait(pid), 0);
}

Test(exec, a_terminal_follows_its_size)
{
    static const char *const COMMAND[] = {
        "exec",
        "-it",
        "box",
        "sh",
        "-c",
        "trap '/probe ttysize; exit 5' WINCH; echo ready; while :; do sleep 0.05; done",
        NULL};
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80, COMMAND);
    cr_expect(box_expect(master, "ready"));
    struct winsize size = {.ws_row = 11, .ws_col = 22};
    cr_assert_eq(ioctl(master, TIOCSWINSZ, &size), 0);
    cr_expect(box_expect(master, "11 22"));
    cr_expect_eq(box_wait(pid), 5);
}

/* TIOCSTI: what runs inside never holds the terminal of the person in front. */
Test(exec, the_hosts_terminal_stays_outside)
{
    static const char *const PLAIN[] = {"exec", "-i", "box", "/probe", "tty", NULL};
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80, PLAIN);
    cr_expect(box_expect(master, "0 no\r\n1 no\r\n2 no"));
    cr_expect_eq(box_wait(pid), 0);
}

Test(exec, control_c_is_a_byte)
{
    static const char *const COMMAND[] = {
        "exec", "-it", "box", "sh", "-c", "echo ready; exec sleep 4716", NULL};
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80, COMMAND);
    cr_expect(box_expect(master, "ready"));
    cr_assert_gt(box_await("sleep 4716"), 0);
    cr_assert_eq(write(master, "\3", 1), 1);
    cr_expect_eq(box_wait(pid), 130);
}

/* With the exit code where the kernel still has it, or a zombie was seen. */
static bool has_exec_die(void *said)
{
    struct result r;
    BOX(&r, "events", "--since", "1h", "--until", "0s", "--filter", "event=exec_die",
        "--format", "{{.Action}}");
    snprintf(said, 64, "%s", r.out);
    return strcmp(r.out, "exec_die\n") == 0;
}

struct keeper {
    pid_t front, pid;
};

/* It has its name a moment after it was started. */
static bool find_keeper(void *arg)
{
    struct keeper *k = arg;
    char path[64], name[32];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)k->front,
             (int)k->front);
    auto_file FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%d", &child) == 1) {
        snprintf(path, sizeof(path), "/proc/%d/comm", child);
        if (fs_read_small_at(AT_FDCWD, path, name, sizeof(name)) > 0 &&
            strncmp(name, "mtd:keeper", 10) == 0)
            k->pid = child;
    }
    return k->pid > 0;
}

/* Also when its keeper hears of both at once, that it may live and that it has ended. */
Test(exec, detach_keys_leave_it_alive)
{
    static const char *const COMMAND[] = {
        "exec", "-it", "box", "sh", "-c", "echo ready; exec sleep 4717", NULL};
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80, COMMAND);
    cr_expect(box_expect(master, "ready"), "before that ctrl-q is the terminal's");
    pid_t inside = box_await("sleep 4717");
    cr_assert_gt(inside, 0);
    cr_assert(box_await_raw(master));
    struct keeper keeper = {.front = pid};
    cr_assert(state_until(find_keeper, &keeper));
    kill(keeper.pid, SIGSTOP);
    cr_assert_eq(write(master, "\x10\x11", 2), 2);
    cr_expect_eq(box_wait(pid), 0);
    close(master);
    cr_expect_gt(box_find("sleep 4717"), 0, "it died with the front end");
    kill(inside, SIGKILL);
    cr_expect(box_gone(inside));
    kill(keeper.pid, SIGCONT);
    char said[64];
    cr_expect(state_until(has_exec_die, said), "%s", said);
}

/* The keeper has the terminal then, and what is written to it goes nowhere. */
Test(exec, a_detached_command_can_write_all_it_wants)
{
    static const char *const COMMAND[] = {
        "exec",
        "-it",
        "box",
        "sh",
        "-c",
        "echo ready; while [ ! -e /tmp/go ]; do usleep 1000; done; "
        "seq 30000; exec sleep 4731",
        NULL};
    struct result r;
    int master;
    pid_t pid = box_start_on_tty(&master, 24, 80, COMMAND);
    cr_expect(box_expect(master, "ready"));
    cr_assert(box_await_raw(master));
    cr_assert_eq(write(master, "\x10\x11", 2), 2);
    cr_expect_eq(box_wait(pid), 0);
    close(master);
    EXEC(&r, "box", "touch", "/tmp/go");
    pid_t inside = box_await("sleep 4731");
    cr_expect_gt(inside, 0, "it waits for somebody to read");
    if (inside > 0)
        kill(inside, SIGKILL);
}

#ifdef MTD_FAULTS
/* It takes signals: whatever was to end it has done so by then. */
static bool takes_signals(void *arg)
{
    char path[64], text[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)*(pid_t *)arg);
    return fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0 &&
           strstr(text, "\nSigBlk:\t0000000000000000\n") && !strstr(text, "\tZ (");
}

/* The hang-up of the terminal reaches the keeper, too, until it has a session of its own. */
Test(exec, a_terminal_that_is_closed_right_after_the_detach)
{
    static const char *const COMMAND[] = {
        "exec", "-it", "box", "sh", "-c", "echo ready; exec sleep 4733", NULL};
    int master;
    setenv("MTD_FAULT", "exec.keeper:stop", 1);
    pid_t pid = box_start_on_tty(&master, 24, 80, COMMAND);
    unsetenv("MTD_FAULT");
    cr_expect(box_expect(master, "ready"));
    cr_assert(box_await_raw(master));
    pid_t keeper = stopped_await(pid);
    cr_assert_gt(keeper, 0);
    cr_assert_eq(write(master, "\x10\x11", 2), 2);
    cr_expect_eq(box_wait(pid), 0);
    close(master);
    kill(keeper, SIGCONT);
    pid_t inside = box_find("sleep 4733");
    cr_assert_gt(inside, 0, "it died with the front end");
    cr_expect(state_until(takes_signals, &keeper), "the keeper is gone");
    cr_expect_gt(box_find("sleep 4733"), 0, "it died with its keeper");
    kill(inside, SIGKILL);
    cr_expect(box_gone(inside));
}
#endif

/* ---- the way in ------------------------------------------------------------------------- */

/* Under the constructor's name, but without a sealed request: an error, nothing else. */
Test(exec, the_inner_name_is_of_no_use_outside)
{
    static char name[] = "mtd:exec";
    static char *const EMPTY[] = {NULL}, *const ARGV[] = {name, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
        execve(MTD_PROGRAM, ARGV, EMPTY);
        _exit(99);
    }
    cr_expect_eq(box_wait(pid), 125);
}

static int pid_inside(pid_t pid)
{
    char path[64], line[256];
    int inner = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "NSpid: %*d %d", &inner) == 1)
            break;
    if (f)
        fclose(f);
    return inner;
}

/* CVE-2019-5736: a container that gets hold of our executable keeps it open, waits until it is
 * no longer being run, and writes. */
Test(exec, our_executable_cannot_be_written)
{
    static const char *const OURS[] = {"exec",           "-i",      "box",
                                       "/proc/self/exe", "--batch", NULL};
    struct result r;
    struct stat before, after;
    char command[256];
    int input[2];
    EXEC(&r, "box", "/proc/self/exe", "--version");
    if (r.status == 127) {
        box_delete(); /* a skipped test is left at once */
        cr_skip_test("a dynamically linked program does not start in the container");
    }
    cr_assert_eq(stat(MTD_PROGRAM, &before), 0);
    cr_assert_eq(pipe2(input, O_CLOEXEC), 0);
    pid_t front = fork();
    if (front == 0) {
        dup2(input[0], 0);
        box_become(OURS);
    }
    pid_t inside = box_await("/proc/self/exe --batch");
    cr_assert_gt(inside, 0);
    snprintf(command, sizeof(command),
             "exec 9< /proc/%d/exe; kill -9 %d; sleep 0.2; echo evil > /proc/self/fd/9",
             pid_inside(inside), pid_inside(inside));
    EXEC(&r, "box", "sh", "-c", command);
    cr_expect_eq(box_wait(front), 137);
    cr_expect_neq(r.status, 0);
    /* a read-only mount, or a sealed copy before Linux 5.12 */
    cr_expect(strstr(r.err, "Read-only file system") ||
                  strstr(r.err, "Operation not permitted"),
              "%s", r.err);
    cr_assert_eq(stat(MTD_PROGRAM, &after), 0);
    cr_expect_eq(before.st_size, after.st_size);
    cr_expect_eq(before.st_mtime, after.st_mtime);
    close(input[0]);
    close(input[1]);
}

static int count_sessions(void)
{
    char path[256];
    int n = 0;
    snprintf(path, sizeof(path), "%s/run", box_home());
    DIR *run = opendir(path);
    for (struct dirent *e; run && (e = readdir(run));) {
        snprintf(path, sizeof(path), "%s/run/%s/exec", box_home(), e->d_name);
        DIR *d = e->d_name[0] != '.' ? opendir(path) : NULL;
        for (struct dirent *s; d && (s = readdir(d));)
            n += strlen(s->d_name) == 64;
        if (d)
            closedir(d);
    }
    if (run)
        closedir(run);
    return n;
}

static bool is_without_sessions(void *arg)
{
    (void)arg;
    return count_sessions() == 0;
}

Test(exec, sessions_are_listed_while_they_live)
{
    struct result r;
    EXEC(&r, "box", "true");
    cr_expect_eq(count_sessions(), 0);
    EXEC(&r, "-d", "box", "sleep", "4718");
    cr_expect_eq(count_sessions(), 1);
    pid_t inside = box_find("sleep 4718");
    cr_assert_gt(inside, 0);
    kill(inside, SIGKILL);
    cr_expect(state_until(is_without_sessions, NULL));
}

/* ---- limits ----------------------------------------------------------------------------- */

Test(exec, limits_are_the_containers)
{
    struct result r;
    BOX(&r, "rm", "-f", "box");
    BOX(&r, "run", "-d", "--name", "box", "--ulimit", "nofile=123:456", "--security-opt",
        "no-new-privileges", "-u", "1000", "-w", "/tmp", "-m", "8m", "-v",
        MTD_PROBE ":/probe:ro", "busybox", "sleep", "100000");
    cr_assert_eq(r.status, 0, "%s", r.err);
    EXEC(&r, "box", "sh", "-c", "ulimit -Sn; ulimit -Hn; pwd; id -u");
    expect_output(&r, "123\n456\n/tmp\n1000\n");
    EXEC(&r, "box", "/probe", "caps");
    cr_expect(has_line(r.out, "NoNewPrivs:\t1"));
    EXEC(&r, "-u", "root", "box", "/probe", "alloc", "64000000");
    cr_expect_eq(r.status, 137, "the memory limit holds for it too: %d", r.status);
    EXEC(&r, "box", "true");
    cr_expect_eq(r.status, 0, "and the container lives: %s", r.err);
}

Test(exec, no_room_for_a_process)
{
    struct result r;
    BOX(&r, "rm", "-f", "box");
    BOX(&r, "run", "-d", "--name", "box", "--pids-limit", "1", "busybox", "sleep",
        "100000");
    cr_assert_eq(r.status, 0, "%s", r.err);
    EXEC(&r, "box", "true");
    cr_expect_neq(r.status, 0);
    cr_expect_not_null(strstr(r.err, "Resource temporarily unavailable"), "%s", r.err);
}
