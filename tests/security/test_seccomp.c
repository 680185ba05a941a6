/* Which system calls a container can make: asked from inside by the program `calls`, which
 * tries each of them, of run's command, exec's, a health check's, and after a restart.
 * What is not refused must be answered as without a filter, by whatever kernel this is.
 * Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(seccomp, .init = set_up, .fini = tear_down, .timeout = 60);

#define CALLS MTD_CALLS ":/calls:ro"
#define STATUS "grep", "-h", "Seccomp:", "/proc/self/status"
#define FILTERED "Seccomp:\t2"

/* ---- what each call is answered ---------------------------------------------------- */

/* A name, or the beginning of several. Not listed = as without a filter. */
static const struct answer {
    const char *name, *by_default, *with_all_capabilities; /* NULL = as without one */
} ANSWERS[] = {
    {"socket:alg", "EPERM", "EPERM"},
    {"socket:vsock", "EPERM", "EPERM"},
    {"add_key", "EPERM", "EPERM"},
    {"request_key", "EPERM", "EPERM"},
    {"keyctl", "EPERM", "EPERM"},
    {"bpf", "EPERM", NULL},
    {"io_uring_", "EPERM", "EPERM"},
    {"userfaultfd", "EPERM", "EPERM"},
    {"perf_event_open", "EPERM", NULL},
    {"fanotify_init", "EPERM", NULL},
    {"unshare:", "EPERM", NULL},
    {"clone:user", "EPERM", NULL},
    {"clone:mount", "EPERM", NULL},
    {"clone:pid", "EPERM", NULL},
    {"clone:net", "EPERM", NULL},
    {"clone:cgroup", "EPERM", NULL},
    {"clone3", "ENOSYS", NULL},
    {"setns", "EPERM", NULL},
    {"mount", "EPERM", NULL}, /* and mount_setattr */
    {"umount2", "EPERM", NULL},
    {"pivot_root", "EPERM", "EPERM"},
    {"open_tree_attr", "ENOSYS", "ENOSYS"},
    {"open_tree", "EPERM", NULL},
    {"move_mount", "EPERM", NULL},
    {"fs", "EPERM", NULL}, /* fsopen, fsconfig, fsmount, fspick */
    {"quotactl", "EPERM", NULL},
    {"open_by_handle_at", "EPERM", NULL},
    {"kcmp", "EPERM", NULL},
    {"process_madvise", "EPERM", NULL},
    {"pidfd_getfd", "EPERM", NULL},
    {"migrate_pages", "EPERM", "EPERM"},
    {"move_pages", "EPERM", "EPERM"},
    {"mbind", "EPERM", NULL},
    {"get_mempolicy", "EPERM", NULL},
    {"set_mempolicy", "EPERM", NULL},
    {"reboot", "EPERM", NULL},
    {"kexec_", "EPERM", "EPERM"},
    {"init_module", "EPERM", NULL},
    {"finit_module", "EPERM", NULL},
    {"delete_module", "EPERM", NULL},
    {"swapo", "EPERM", "EPERM"},
    {"acct", "EPERM", NULL},
    {"syslog", "EPERM", NULL},
    {"settimeofday", "EPERM", NULL},
    {"clock_settime", "EPERM", NULL},
    {"sethostname", "EPERM", NULL},
    {"setdomainname", "EPERM", NULL},
    {"vhangup", "EPERM", NULL},
    {"personality:no-random", "EPERM", "EPERM"},
    {"personality:exec-reads", "EPERM", "EPERM"},
    {"lookup_dcookie", "EPERM", NULL},
    {"nfsservctl", "EPERM", "EPERM"},
    {"lsm_", "EPERM", NULL},
    {"unknown", "ENOSYS", "ENOSYS"},
    {"sysfs", "EPERM", "EPERM"},
    {"ustat", "EPERM", "EPERM"},
    {"uselib", "EPERM", "EPERM"},
    {"_sysctl", "EPERM", "EPERM"},
    {"iopl", "EPERM", NULL},
    {"ioperm", "EPERM", NULL},
    {"i386:socketcall", "ENOSYS", "ENOSYS"},
    {"i386:socket:alg", "EPERM", "EPERM"},
    {"i386:socket:vsock", "EPERM", "EPERM"},
    {"i386:add_key", "EPERM", "EPERM"},
    {"i386:keyctl", "EPERM", "EPERM"},
    {"i386:bpf", "EPERM", NULL},
    {"i386:io_uring_setup", "EPERM", "EPERM"},
    {"i386:userfaultfd", "EPERM", "EPERM"},
    {"i386:unshare:user", "EPERM", NULL},
    {"i386:clone:user", "EPERM", NULL},
    {"i386:clone3", "ENOSYS", NULL},
    {"i386:mount", "EPERM", NULL},
    {"i386:kcmp", "EPERM", NULL},
    {"i386:personality:exec-reads", "EPERM", "EPERM"},
    {"i386:vm86", "EPERM", "EPERM"},
    {"i386:unknown", "ENOSYS", "ENOSYS"},
    {"x32:", "EPERM", "EPERM"},
};

static const struct answer *find_answer(const char *line)
{
    static const struct answer none;
    for (size_t i = 0; i < ARRAY_SIZE(ANSWERS); i++)
        if (strncmp(line, ANSWERS[i].name, strlen(ANSWERS[i].name)) == 0)
            return &ANSWERS[i];
    return &none;
}

/* How many lines are not what is wanted; says which. free: the answers without a filter. */
static int count_wrong(const char *who, const char *got, const char *free_text, bool all)
{
    auto_free char *lines = strdup(got), *others = strdup(free_text);
    char *rest = lines, *other = others, *line;
    int wrong = 0, n = 0;
    while ((line = strsep(&rest, "\n")) && *line) {
        const char *unconfined = strsep(&other, "\n");
        const struct answer *a = find_answer(line);
        const char *want = all ? a->with_all_capabilities : a->by_default;
        if (!want)
            want = unconfined && strchr(unconfined, ' ') ? strchr(unconfined, ' ') + 1
                                                         : "a line";
        const char *result = strchr(line, ' ');
        n++;
        if (!result || strcmp(result + 1, want) != 0)
            wrong++, printf("%s: %s, wanted %s\n", who, line, want);
    }
    cr_expect_gt(n, 100, "%s:\n%s", who, got);
    return wrong;
}

static void start_box(void)
{
    free(ASK(&s, "run", "-d", "--name", "box", "-v", CALLS, "busybox", "sleep", "1000"));
}

Test(seccomp, only_what_the_policy_allows_can_be_called)
{
    auto_free char *unconfined =
        ASK(&s, "run", "--rm", "--security-opt", "seccomp=unconfined", "-v", CALLS,
            "busybox", "/calls");
    auto_free char *run = ASK(&s, "run", "--rm", "-v", CALLS, "busybox", "/calls");
    start_box();
    auto_free char *exec = ASK(&s, "exec", "box", "/calls");
    cr_expect_eq(count_wrong("run", run, unconfined, false), 0);
    cr_expect_eq(count_wrong("exec", exec, unconfined, false), 0);
}

Test(seccomp, a_capability_opens_the_calls_it_is_for)
{
    auto_free char *unconfined =
        ASK(&s, "run", "--rm", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined",
            "-v", CALLS, "busybox", "/calls");
    auto_free char *run =
        ASK(&s, "run", "--rm", "--cap-add", "ALL", "-v", CALLS, "busybox", "/calls");
    cr_expect_eq(count_wrong("run", run, unconfined, true), 0);
    free(ASK(&s, "run", "-d", "--name", "box", "--cap-add", "ALL", "-v", CALLS, "busybox",
             "sleep", "1000"));
    auto_free char *exec = ASK(&s, "exec", "box", "/calls");
    cr_expect_eq(count_wrong("exec", exec, unconfined, true), 0);
}

/* exec gives the command all capabilities, as docker's; the container's filter stays. */
Test(seccomp, privileges_of_exec_lift_no_filter)
{
    start_box();
    char *got = ASK(&s, "exec", "--privileged", "box", "/calls", "unshare:user");
    cr_expect_str_eq(got, "unshare:user EPERM");
    free(got);
}

/* Families are ints: the kernel drops the other half of the register. */
Test(seccomp, high_bits_of_an_argument_hide_nothing)
{
    char *got = ASK(&s, "run", "--rm", "-v", CALLS, "busybox", "/calls", "socket:alg");
    cr_expect_str_eq(got, "socket:alg EPERM\nsocket:alg-high-bits EPERM");
    free(got);
}

/* ---- where it holds ---------------------------------------------------------------- */

static void expect_status(const char *want, const char *const args[])
{
    char *got = state_ask(&s, args);
    cr_expect_str_eq(got, want, "%s %s %s: %s", args[0], args[1], args[2], got);
    free(got);
}
#define EXPECT_STATUS(want, ...) \
    expect_status(want, (const char *const[]){__VA_ARGS__, NULL})

Test(seccomp, every_process_has_a_filter)
{
    EXPECT_STATUS(FILTERED, "run", "--rm", "busybox", STATUS);
    EXPECT_STATUS(FILTERED, "run", "--rm", "-u", "1000", "busybox", STATUS);
    EXPECT_STATUS(FILTERED, "run", "--rm", "--security-opt", "no-new-privileges",
                  "busybox", STATUS);
    EXPECT_STATUS(FILTERED, "run", "--rm", "--security-opt", "no-new-privileges", "-u",
                  "1000", "busybox", STATUS);
    EXPECT_STATUS(FILTERED, "run", "--rm", "--init", "busybox", "grep", "-h",
                  "Seccomp:", "/proc/1/status");
    EXPECT_STATUS(FILTERED, "run", "--rm", "--cap-drop", "ALL", "busybox", STATUS);
    start_box();
    EXPECT_STATUS(FILTERED, "exec", "box", STATUS);
    EXPECT_STATUS(FILTERED, "exec", "-u", "1000", "box", STATUS);
    EXPECT_STATUS(FILTERED, "exec", "--privileged", "box", STATUS);
    EXPECT_STATUS(FILTERED, "exec", "box", "grep", "-h", "Seccomp:", "/proc/1/status");
    free(ASK(&s, "restart", "-t", "0", "box"));
    EXPECT_STATUS(FILTERED, "exec", "box", "grep", "-h", "Seccomp:", "/proc/1/status");
}

Test(seccomp, a_health_check_has_the_filter)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--health-interval", "200ms",
             "--health-cmd", "grep Seccomp: /proc/self/status >>/checked", "busybox",
             "sh", "-c",
             "until [ -s /checked ]; do sleep 0.1; done; cat /checked; sleep 1000"));
    struct running logs = BEGIN(&s, "logs", "-f", "box");
    cr_expect(running_says(logs.out, FILTERED));
    free(ASK(&s, "rm", "-f", "box"));
    auto_done(outcome_done) struct outcome o = state_end(&logs);
}

Test(seccomp, the_restarted_command_has_the_filter)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--restart", "on-failure:2", "busybox",
             "sh", "-c", "grep Seccomp: /proc/1/status; exit 1"));
    char *code = ASK(&s, "wait", "box");
    char *got = ASK(&s, "logs", "box");
    cr_expect_str_eq(got, FILTERED "\n" FILTERED "\n" FILTERED);
    free(code);
    free(got);
}

Test(seccomp, loading_it_leaves_no_capability)
{
    static const char want[] = "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
                               "CapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n"
                               "CapAmb:\t0000000000000000";
    char *got = ASK(&s, "run", "--rm", "-u", "1000", "busybox", "grep", "Cap",
                    "/proc/self/status");
    cr_expect_str_eq(got, want);
    free(got);
    start_box();
    got = ASK(&s, "exec", "-u", "1000", "box", "grep", "Cap", "/proc/self/status");
    cr_expect_str_eq(got, want);
    free(got);
    got = ASK(&s, "exec", "box", "grep", "CapPrm", "/proc/self/status");
    cr_expect_str_eq(got, "CapPrm:\t00000000a80425fb");
    free(got);
}

Test(seccomp, unconfined_and_privileged_have_none)
{
    EXPECT_STATUS("Seccomp:\t0", "run", "--rm", "--security-opt", "seccomp=unconfined",
                  "busybox", STATUS);
    EXPECT_STATUS("Seccomp:\t0", "run", "--rm", "--privileged", "busybox", STATUS);
    EXPECT_STATUS(FILTERED, "run", "--rm", "--privileged", "--security-opt",
                  "seccomp=builtin", "busybox", STATUS);
    free(ASK(&s, "run", "-d", "--name", "box", "--privileged", "busybox", "sleep", "9"));
    EXPECT_STATUS("Seccomp:\t0", "exec", "box", STATUS);
}

/* The tests above would notice if no filter were loaded. */
Test(seccomp, a_missing_filter_is_noticed)
{
#ifndef MTD_FAULTS
    cr_skip("needs a program with fault points");
#endif
    auto_free char *unconfined =
        ASK(&s, "run", "--rm", "--security-opt", "seccomp=unconfined", "-v", CALLS,
            "busybox", "/calls");
    s.fault = "inside.no-filter:fail:*";
    auto_free char *run = ASK(&s, "run", "--rm", "-v", CALLS, "busybox", "/calls");
    start_box();
    auto_free char *exec = ASK(&s, "exec", "box", "/calls");
    cr_expect_gt(count_wrong("run", run, unconfined, false), 50);
    cr_expect_gt(count_wrong("exec", exec, unconfined, false), 50);
    EXPECT_STATUS("Seccomp:\t0", "exec", "box", STATUS);
}

/* ---- a profile of the user's ------------------------------------------------------- */

static const char *profile(const char *text)
{
    static char option[200];
    tempdir_put(&s.dir, "profile.json", text);
    snprintf(option, sizeof(option), "seccomp=%s/profile.json", s.dir.path);
    return option;
}

static void forget_profile(void)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/profile.json", s.dir.path);
    cr_assert_eq(unlink(path), 0);
}

#define NO_MKDIR                                                          \
    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": " \
    "[\"mkdir\", \"mkdirat\"], \"action\": \"SCMP_ACT_ERRNO\", \"errnoRet\": 99}]}"

/* 99 is EADDRNOTAVAIL, which no kernel says of mkdir. */
static void expect_no_mkdir(const char *verb, const char *name)
{
    auto_done(outcome_done) struct outcome o = RUN(&s, verb, name, "mkdir", "/made");
    cr_expect_eq(o.status, 1);
    cr_expect_not_null(strstr(o.err, "Cannot assign requested address"), "%s", o.err);
}

Test(seccomp, a_profile_is_kept_with_the_container)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--security-opt", profile(NO_MKDIR),
             "busybox", "sleep", "1000"));
    forget_profile();
    expect_no_mkdir("exec", "box");
    free(ASK(&s, "restart", "-t", "0", "box"));
    expect_no_mkdir("exec", "box");
    char *shown = ASK(&s, "inspect", "-f", "{{index .HostConfig.SecurityOpt 0}}", "box");
    cr_expect_str_eq(shown, "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":"
                            "[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":"
                            "\"SCMP_ACT_ERRNO\",\"errnoRet\":99}]}");
    free(shown);
}

/* All that the engine does on the way to a command comes before the filter. */
Test(seccomp, a_profile_need_not_allow_what_the_engine_does)
{
    const char *option = profile(
        "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"setsid\", "
        "\"capset\", \"capget\", \"setresuid\", \"setresgid\", \"setgroups\", "
        "\"close_range\", \"dup2\", \"sendto\", \"sendmsg\", \"seccomp\", \"chdir\", "
        "\"umask\", \"rt_sigprocmask\", \"setrlimit\", \"prctl\", \"poll\"], \"action\": "
        "\"SCMP_ACT_ERRNO\"}]}");
    free(ASK(&s, "run", "-d", "--name", "box", "-u", "1000", "--security-opt", option,
             "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "box", "true"));
}

/* The file cannot be executed; the name of a volume that has it. */
static const char *no_program(void)
{
    static char volume[200];
    char path[200];
    tempdir_put(&s.dir, "text", "no program");
    snprintf(path, sizeof(path), "%s/text", s.dir.path);
    snprintf(volume, sizeof(volume), "%s:/text:ro", path);
    cr_assert_eq(chmod(path, 0755), 0);
    return volume;
}

static void expect_format_error(const struct outcome *o)
{
    cr_expect_eq(o->status, 126);
    cr_expect_not_null(strstr(o->err, "exec: \"/text\": Exec format error"), "%s",
                       o->err);
}

/* What a static program needs to begin, sleep and end. Any other call kills. */
static const char LITTLE[] =
    "{\"defaultAction\": \"SCMP_ACT_KILL_PROCESS\", \"syscalls\": [{\"names\": ["
    "\"execve\", \"write\", \"exit_group\", \"brk\", \"arch_prctl\", \"prctl\", "
    "\"set_tid_address\", \"set_robust_list\", \"rseq\", \"mprotect\", \"prlimit64\", "
    "\"readlink\", \"readlinkat\", \"getrandom\", \"fstat\", \"newfstatat\", "
    "\"getuid\", \"getgid\", \"setuid\", \"setgid\", \"clock_nanosleep\"], \"action\": \"SCMP_ACT_ALLOW\"}]}";

Test(seccomp, a_profile_may_kill_for_nearly_all_there_is)
{
    const char *option = profile(LITTLE), *volume = no_program();
    free(ASK(&s, "run", "--rm", "--security-opt", option, "busybox", "true"));
    auto_done(outcome_done) struct outcome run = RUN(
        &s, "run", "--rm", "-v", volume, "--security-opt", option, "busybox", "/text");
    expect_format_error(&run);
    free(ASK(&s, "run", "-d", "--name", "box", "-v", volume, "--security-opt", option,
             "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "-u", "1000", "box", "true"));
    auto_done(outcome_done) struct outcome exec = RUN(&s, "exec", "box", "/text");
    expect_format_error(&exec);
    auto_done(outcome_done) struct outcome killed =
        RUN(&s, "exec", "box", "mkdir", "/made");
    cr_expect_eq(killed.status, 128 + 31, "%d %s", killed.status, killed.err);
}

Test(seccomp, dockers_profile_for_this_machine_is_understood)
{
    if (access("/usr/share/containers/seccomp.json", R_OK) < 0)
        cr_skip("/usr/share/containers/seccomp.json is missing (the package "
                "golang-github-containers-common)");
    char *got = ASK(&s, "run", "--rm", "-v", CALLS, "--security-opt",
                    "seccomp=/usr/share/containers/seccomp.json", "busybox", "sh", "-c",
                    "grep -h Seccomp: /proc/self/status; /calls bpf; /calls add_key; "
                    "/calls socket:unix");
    cr_expect_str_eq(got, FILTERED "\nbpf EPERM\nadd_key ENOSYS\n"
                                   "socket:unix ok");
    free(got);
}

Test(seccomp, a_bad_profile_starts_nothing)
{
    static const struct {
        const char *text, *says;
    } BAD[] = {
        {"", "line 1"},
        {"{", "line 1"},
        {"[]", "it is no JSON object"},
        {"{}", "\"(missing)\" is not an action"},
        {"{\"defaultAction\": \"ALLOW\"}", "\"ALLOW\" is not an action"},
        {"{\"defaultAction\": \"SCMP_ACT_ERRNO\"}", "forbids execve"},
        {"{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "as default action"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"/run/x\", "
         "\"syscalls\": [{\"names\": [\"mkdir\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}",
         "SCMP_ACT_NOTIFY needs a listener"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"X\"]}", "flag \"X\""},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"kill\"], "
         "\"action\": \"SCMP_ACT_ERRNO\", \"args\": [{\"index\": 6, \"op\": "
         "\"SCMP_CMP_EQ\"}]}]}",
         "rule 1: the index"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": "
         "[\"SCMP_ARCH_S390X\"]}",
         "architecture"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        auto_done(outcome_done) struct outcome o = RUN(
            &s, "run", "--security-opt", profile(BAD[i].text), "busybox", "echo", "ran");
        cr_expect_eq(o.status, 125, "%s", BAD[i].text);
        cr_expect_str_empty(o.out);
        cr_expect_not_null(strstr(o.err, BAD[i].says), "%s: %s", BAD[i].text, o.err);
        cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "%s", o.err);
    }
    char *left = ASK(&s, "ps", "-aq");
    cr_expect_str_empty(left);
    free(left);
}

/* ---- a kernel that has no filters -------------------------------------------------- */

Test(seccomp, nothing_runs_when_the_filter_cannot_be_loaded)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "1000"));
    char *info = ASK(&s, "info", "--format", "{{json .SecurityOptions}}");
    cr_expect_str_eq(info, "[\"name=seccomp,profile=builtin\",\"name=cgroupns\"]");
    free(info);
    s.without = "seccomp";
    info = ASK(&s, "info", "--format", "{{json .SecurityOptions}}");
    cr_expect_str_eq(info, "[\"name=cgroupns\"]");
    free(info);
    const char *const run[] = {"run", "--rm", "busybox", "echo", "ran", NULL};
    const char *const exec[] = {"exec", "box", "echo", "ran", NULL};
    const char *const *const each[] = {run, exec};
    for (size_t i = 0; i < ARRAY_SIZE(each); i++) {
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, each[i]);
        cr_expect_neq(o.status, 0);
        cr_expect_str_empty(o.out);
        cr_expect_not_null(strstr(o.err, "this kernel has no seccomp filters"), "%s",
                           o.err);
    }
    char *got = ASK(&s, "run", "--rm", "--security-opt", "seccomp=unconfined", "busybox",
                    "echo", "ran");
    cr_expect_str_eq(got, "ran");
    free(got);
}
