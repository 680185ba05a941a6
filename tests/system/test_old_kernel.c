/* Kernels older than this one, played by a filter that does not know a system call: a container
 * runs all the same, as confined as ever, or its start is refused in one line that names what
 * is missing. Needs root. (scripts/guest boots real ones.) */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"

/* What stands in for each is in base/sys.c, base/fs_root.c, engine/mountfd.c, engine/self.c
 * and nsenter/join.c. */
static const char *const DONE_WITHOUT[] = {
    "close_range",         /* 5.9 */
    "close_range.cloexec", /* 5.11 */
    "mount_setattr",       /* 5.12 */
    "openat2",             /* 5.6 */
    "setns.pidfd",         /* 5.8 */
    "faccessat2,epoll_pwait2,copy_file_range",
    "close_range,mount_setattr,openat2,setns.pidfd,faccessat2",
};

static const char *const NEEDED[] = {
    "execveat", "memfd_create", "pidfd_send_signal", "fsopen", "fsconfig",
    "fsmount",  "open_tree",    "move_mount",        "clone3", "pidfd_open",
    "statx",
};

#define COUNT(table) (sizeof(table) / sizeof(table[0]))

/* A worker is a new process: a pointer would not be valid there, a number is. */
static struct criterion_test_params numbers(size_t n)
{
    static size_t all[COUNT(DONE_WITHOUT) + COUNT(NEEDED)];
    for (size_t i = 0; i < n; i++)
        all[i] = i;
    return cr_make_param_array(size_t, all, n);
}

/* Runs a script in a container with all kinds of mounts. */
static struct outcome try_run(const struct state *s, const char *script)
{
    char ro[128], named[] = "kept:/named";
    snprintf(ro, sizeof(ro), "%s:/ro:ro", s->dir.path);
    return RUN(s, "run", "--rm", "-i", "--init", "-m", "64m", "--read-only", "--tmpfs",
               "/scratch", "-v", ro, "-v", named, "busybox", "sh", "-c", script);
}

ParameterizedTestParameters(old_kernel, runs_without)
{
    return numbers(COUNT(DONE_WITHOUT));
}

ParameterizedTest(size_t *number, old_kernel, runs_without)
{
    struct state s;
    if (!is_root())
        return;
    state_make(&s);
    s.without = DONE_WITHOUT[*number];
    struct outcome o = try_run(
        &s, "touch /ro/x; touch /y; touch /sys/z; echo 1 >/proc/sys/vm/swappiness;"
            "cat /proc/interrupts; touch /named/x && touch /scratch/x && echo ok;"
            "ls -l /proc/self/fd | wc -l");
    cr_expect_str_eq(o.out, "ok\n5\n", "%s: %s%s", s.without, o.out, o.err);
    static const char *const REFUSED[] = {"/ro/x: Read-only", "/y: Read-only",
                                          "/sys/z: Read-only",
                                          "vm/swappiness: Read-only"};
    for (size_t i = 0; i < COUNT(REFUSED); i++)
        cr_expect_not_null(strstr(o.err, REFUSED[i]), "%s: no %s in %s", s.without,
                           REFUSED[i], o.err);
    outcome_done(&o);
    state_done(&s);
}

ParameterizedTestParameters(old_kernel, lives_without)
{
    return numbers(COUNT(DONE_WITHOUT));
}

/* The other verbs which touch the kernel. */
ParameterizedTest(size_t *number, old_kernel, lives_without)
{
    struct state s;
    if (!is_root())
        return;
    state_make(&s);
    s.without = DONE_WITHOUT[*number];
    free(ASK(&s, "run", "-d", "--name", "c", "busybox", "sleep", "1000"));
    char *said = ASK(&s, "exec", "-t", "c", "tty");
    cr_expect_str_eq(said, "/dev/pts/0\r", "%s: %s", s.without, said);
    free(said);
    free(ASK(&s, "exec", "-d", "c", "sleep", "1000"));
    free(ASK(&s, "pause", "c"));
    free(ASK(&s, "unpause", "c"));
    free(ASK(&s, "commit", "c", "image"));
    free(ASK(&s, "stop", "-t", "0", "c"));
    struct outcome o = RUN(&s, "export", "c");
    cr_expect_eq(o.status, 0, "%s: %s", s.without, o.err);
    cr_expect_gt(o.out_len, 100000);
    outcome_done(&o);
    free(ASK(&s, "rm", "c"));
    state_done(&s);
}

ParameterizedTestParameters(old_kernel, refuses_to_start_without)
{
    return numbers(COUNT(NEEDED));
}

ParameterizedTest(size_t *number, old_kernel, refuses_to_start_without)
{
    struct state s;
    char expected[256];
    if (!is_root())
        return;
    state_make(&s);
    free(ASK(&s, "create", "--name", "made", "busybox", "true"));
    s.without = NEEDED[*number];
    const char *tail =
        "is not available, so no container can run; this needs Linux 5.10 or newer, "
        "and no filter that blocks the call\n";
    struct outcome o = try_run(&s, "echo ran");
    snprintf(expected, sizeof(expected), "mytop-docker: run: the system call %s %s",
             s.without, tail);
    cr_expect_eq(o.status, 125);
    cr_expect_str_eq(o.err, expected, "%s", o.err);
    outcome_done(&o);
    o = RUN(&s, "start", "made");
    snprintf(expected, sizeof(expected), "mytop-docker: start: the system call %s %s",
             s.without, tail);
    cr_expect_eq(o.status, 1);
    cr_expect_str_eq(o.err, expected, "%s", o.err);
    outcome_done(&o);
    s.without = NULL;
    char *names = ASK(&s, "ps", "-a", "--format", "{{.Names}}");
    cr_expect_str_eq(names, "made", "%s", names);
    free(names);
    free(ASK(&s, "start", "-a", "made"));
    state_done(&s);
}
