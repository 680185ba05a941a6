/* Profiles in JSON, docker's and OCI's: what a filter made of them says, and what is refused. */

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/syscalls/syscalls.h"

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define NOSYS (SECCOMP_RET_ERRNO | ENOSYS)
#define CAP(name) (1ULL << (name))

/* The verdict of a profile on a call of this machine. */
static uint32_t judge(const char *profile, uint64_t caps, int nr, uint64_t a, uint64_t b)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    struct mtd_error err = {0};
    struct seccomp_data call = {.nr = nr, .arch = seccomp_arch_native(), .args = {a, b}};
    cr_assert_eq(syscalls_filter_make(&f, profile, NULL, caps, &err), 0, "%s: %s",
                 profile, err.text);
    return syscalls_filter_judge(&f, &call);
}

/* One rule about kill in a profile that allows all else, or refuses it. */
#define ALLOWING(rule) "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [" rule "]}"
#define REFUSING(rule) "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" rule "]}"
#define KILL(more) "{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ERRNO\"" more "}"
#define LET(more) "{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_ALLOW\"" more "}"

static void expect_kill(const char *profile, uint64_t caps, uint32_t want)
{
    uint32_t got = judge(profile, caps, SYS_kill, 0, 0);
    cr_expect_eq(got, want, "%s: %x, not %x", profile, got, want);
}

Test(profile, actions)
{
    expect_kill(ALLOWING(KILL("")), 0, REFUSED);
    expect_kill(ALLOWING(KILL(", \"errnoRet\": 99")), 0, SECCOMP_RET_ERRNO | 99);
    expect_kill(ALLOWING(KILL(", \"errnoRet\": null")), 0, REFUSED);
    expect_kill(REFUSING(LET("")), 0, SECCOMP_RET_ALLOW);
    static const struct {
        const char *name;
        uint32_t verdict;
    } ACTIONS[] = {
        {"KILL", SECCOMP_RET_KILL_THREAD}, {"KILL_THREAD", SECCOMP_RET_KILL_THREAD},
        {"TRAP", SECCOMP_RET_TRAP},        {"KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
        {"LOG", SECCOMP_RET_LOG},          {"TRACE", SECCOMP_RET_TRACE | EPERM},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ACTIONS); i++) {
        char text[200];
        snprintf(text, sizeof(text),
                 ALLOWING("{\"names\": [\"kill\"], \"action\": \"SCMP_ACT_%s\"}"),
                 ACTIONS[i].name);
        expect_kill(text, 0, ACTIONS[i].verdict);
    }
}

Test(profile, the_old_form_of_a_name)
{
    expect_kill(ALLOWING("{\"name\": \"kill\", \"action\": \"SCMP_ACT_ERRNO\"}"), 0,
                REFUSED);
}

Test(profile, unknown_names_are_ignored)
{
    expect_kill(ALLOWING("{\"names\": [\"no_such_call\", \"kill\"], \"action\": "
                         "\"SCMP_ACT_ERRNO\"}"),
                0, REFUSED);
}

Test(profile, a_rule_that_says_what_is_said_anyway_is_none)
{
    expect_kill(ALLOWING(LET("")), 0, SECCOMP_RET_ALLOW);
    expect_kill("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1, "
                "\"syscalls\": [" KILL("") "]}",
                0, REFUSED);
}

Test(profile, arguments)
{
#define ARG(op, value, more)                                                  \
    ALLOWING(KILL(", \"args\": [{\"index\": 1, \"op\": \"SCMP_CMP_" op "\", " \
                  "\"value\": " value more "}]"))
    static const struct {
        const char *profile;
        uint64_t argument;
        bool hits;
    } EACH[] = {
        {ARG("EQ", "9", ""), 9, true},
        {ARG("EQ", "9", ""), 8, false},
        {ARG("NE", "9", ""), 8, true},
        {ARG("NE", "9", ""), 9, false},
        {ARG("LT", "9", ""), 8, true},
        {ARG("LT", "9", ""), 9, false},
        {ARG("LE", "9", ""), 9, true},
        {ARG("LE", "9", ""), 10, false},
        {ARG("GT", "9", ""), 10, true},
        {ARG("GT", "9", ""), 9, false},
        {ARG("GE", "9", ""), 9, true},
        {ARG("GE", "9", ""), 8, false},
        {ARG("MASKED_EQ", "12", ", \"valueTwo\": 8"), 9, true},
        {ARG("MASKED_EQ", "12", ", \"valueTwo\": 8"), 12, false},
        {ARG("EQ", "4294967305", ""), 9, false}, /* all 64 bits */
    };
    for (size_t i = 0; i < ARRAY_SIZE(EACH); i++)
        cr_expect_eq(judge(EACH[i].profile, 0, SYS_kill, 0, EACH[i].argument),
                     EACH[i].hits ? REFUSED : SECCOMP_RET_ALLOW, "%s of %llu",
                     EACH[i].profile, (unsigned long long)EACH[i].argument);
}

/* Different arguments: all must be as said. One argument twice: either, as with runc. */
Test(profile, several_arguments)
{
    const char *both = ALLOWING(
        KILL(", \"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": 1}, "
             "{\"index\": 1, \"op\": \"SCMP_CMP_EQ\", \"value\": 2}]"));
    cr_expect_eq(judge(both, 0, SYS_kill, 1, 2), REFUSED);
    cr_expect_eq(judge(both, 0, SYS_kill, 1, 3), SECCOMP_RET_ALLOW);
    const char *either = ALLOWING(
        KILL(", \"args\": [{\"index\": 1, \"op\": \"SCMP_CMP_EQ\", \"value\": 1}, "
             "{\"index\": 1, \"op\": \"SCMP_CMP_EQ\", \"value\": 2}]"));
    cr_expect_eq(judge(either, 0, SYS_kill, 0, 1), REFUSED);
    cr_expect_eq(judge(either, 0, SYS_kill, 0, 2), REFUSED);
    cr_expect_eq(judge(either, 0, SYS_kill, 0, 3), SECCOMP_RET_ALLOW);
}

Test(profile, conditions)
{
    static const struct {
        const char *profile;
        uint64_t caps;
        bool hits;
    } EACH[] = {
#define IF(what) ALLOWING(KILL(", \"includes\": {" what "}"))
#define UNLESS(what) ALLOWING(KILL(", \"excludes\": {" what "}"))
#define BOTH "\"caps\": [\"CAP_KILL\", \"CAP_CHOWN\"]"
        {IF(BOTH), CAP(CAP_KILL), false},
        {IF(BOTH), CAP(CAP_KILL) | CAP(CAP_CHOWN), true},
        {UNLESS(BOTH), CAP(CAP_KILL), false},
        {UNLESS(BOTH), CAP(CAP_SYSLOG), true},
        {IF("\"caps\": [\"CAP_OF_TOMORROW\"]"), MTD_CAPS_ALL, false},
        {IF("\"minKernel\": \"4.8\""), 0, true},
        {IF("\"minKernel\": \"255.0\""), 0, false},
        {UNLESS("\"minKernel\": \"4.8\""), 0, false},
        {UNLESS("\"minKernel\": \"255.0\""), 0, true},
        {IF("\"arches\": [\"amd64\", \"arm64\"]"), 0, true},
        {IF("\"arches\": [\"s390x\"]"), 0, false},
        {UNLESS("\"arches\": [\"amd64\", \"arm64\"]"), 0, false},
        {UNLESS("\"arches\": [\"s390x\"]"), 0, true},
        {IF(""), 0, true},
        {UNLESS(""), 0, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(EACH); i++)
        expect_kill(EACH[i].profile, EACH[i].caps,
                    EACH[i].hits ? REFUSED : SECCOMP_RET_ALLOW);
}

Test(profile, calls_newer_than_the_profile_do_not_exist)
{
    const char *profile = REFUSING(LET(""));
    cr_expect_eq(judge(profile, 0, SYS_kill - 1, 0, 0), REFUSED);
    cr_expect_eq(judge(profile, 0, SYS_kill + 1, 0, 0), NOSYS);
    cr_expect_eq(judge(profile, 0, 900, 0, 0), NOSYS);
    cr_expect_eq(judge(ALLOWING(KILL("")), 0, 900, 0, 0), SECCOMP_RET_ALLOW);
}

#ifdef __x86_64__
static uint32_t judge_abi(const char *profile, uint32_t arch, int nr)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    struct seccomp_data call = {.nr = nr, .arch = arch};
    struct mtd_error err = {0};
    cr_assert_eq(syscalls_filter_make(&f, profile, NULL, 0, &err), 0, "%s", err.text);
    return syscalls_filter_judge(&f, &call);
}

#define RULES "\"defaultAction\": \"SCMP_ACT_ERRNO\", \"syscalls\": [" LET("") "]"

Test(profile, other_abis_of_this_machine)
{
    static const char *const EACH[] = {
        "{" RULES ", \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", "
        "\"SCMP_ARCH_X32\"]}",
        "{" RULES ", \"archMap\": [{\"architecture\": \"SCMP_ARCH_X86_64\", "
        "\"subArchitectures\": [\"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"]}, "
        "{\"architecture\": \"SCMP_ARCH_S390X\", \"subArchitectures\": "
        "[\"SCMP_ARCH_S390\"]}]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(EACH); i++) {
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86, 37), SECCOMP_RET_ALLOW);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86, 36), REFUSED);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86, 38), NOSYS);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86_64, 62), SECCOMP_RET_ALLOW);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86_64, 0x40000000 | 62),
                     SECCOMP_RET_ALLOW);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86_64, 0x40000000 | 61), REFUSED);
        cr_expect_eq(judge_abi(EACH[i], SCMP_ARCH_X86_64, 0x40000000 | 63), NOSYS);
    }
    uint32_t not_named = judge_abi("{" RULES "}", SCMP_ARCH_X86, 37);
    cr_expect_neq(not_named, SECCOMP_RET_ALLOW, "%x", not_named);
}
#endif

Test(profile, flags)
{
    static const struct {
        const char *profile;
        unsigned flags;
    } EACH[] = {
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\"}", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": []}", 0},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_LOG\", "
         "\"SECCOMP_FILTER_FLAG_TSYNC\"]}",
         SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC},
    };
    for (size_t i = 0; i < ARRAY_SIZE(EACH); i++) {
        auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
        cr_assert_eq(syscalls_filter_make(&f, EACH[i].profile, NULL, 0, NULL), 0);
        cr_expect_eq(f.flags, EACH[i].flags);
    }
}

/* ---- what is refused --------------------------------------------------------------- */

static void expect_wrong(const char *profile, const char *says)
{
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    struct mtd_error err = {0};
    cr_expect_eq(syscalls_filter_make(&f, profile, NULL, 0, &err), -EINVAL, "%.80s",
                 profile);
    cr_expect_eq(strncmp(err.text, "seccomp profile: ", 17), 0, "%s", err.text);
    cr_expect_not_null(strstr(err.text, says), "%.80s: %s", profile, err.text);
    cr_expect_null(strchr(err.text, '\n'));
    cr_expect_eq(err.about, MTD_ABOUT_SECCOMP);
    cr_expect_null(f.insns);
}

Test(profile, what_is_wrong_is_said)
{
    static const struct {
        const char *profile, *says;
    } WRONG[] = {
        {"", "line 1"},
        {"nonsense", "line 1"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\"} more", "line 1"},
        {"[]", "it is no JSON object"},
        {"{}", "defaultAction: \"(missing)\" is not an action"},
        {"{\"defaultAction\": 7}", "defaultAction: \"(no text)\" is not an action"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"defaultAction\": \"SCMP_ACT_ERRNO\"}",
         "duplicate"},
        {"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 5000}",
         "defaultAction: the errno is not"},
        {ALLOWING("7"), "rule 1 is no object"},
        {ALLOWING(LET("") ", " KILL(", \"errnoRet\": -1")), "rule 2: the errno"},
        {ALLOWING("{\"names\": \"kill\", \"action\": \"SCMP_ACT_LOG\"}"), "not a list"},
        {ALLOWING("{\"names\": [1], \"action\": \"SCMP_ACT_LOG\"}"), "a name is no text"},
        {ALLOWING("{\"name\": \"kill\", \"names\": [], \"action\": \"SCMP_ACT_LOG\"}"),
         "both \"name\" and \"names\""},
        {ALLOWING("{\"names\": [\"kill\"]}"), "rule 1: \"(missing)\" is not an action"},
        {ALLOWING("{\"names\": [\"write\"], \"action\": \"SCMP_ACT_NOTIFY\"}"),
         "rule 1: SCMP_ACT_NOTIFY cannot be used for the write syscall"},
        {"{\"defaultAction\": \"SCMP_ACT_NOTIFY\"}", "cannot be used as default action"},
        {ALLOWING(KILL(", \"args\": {}")), "args is not a list"},
        {ALLOWING(KILL(", \"args\": [1]")), "an argument is no object"},
        {ALLOWING(KILL(", \"args\": [{\"index\": 6, \"op\": \"SCMP_CMP_EQ\"}]")),
         "the index of an argument is 0 to 5"},
        {ALLOWING(KILL(", \"args\": [{\"index\": 0, \"op\": \"EQ\"}]")),
         "\"EQ\" is not a comparison"},
        {ALLOWING(KILL(
             ", \"args\": [{\"index\": 0, \"op\": \"SCMP_CMP_EQ\", \"value\": -1}]")),
         "a value is not a number"},
        {ALLOWING(KILL(", \"includes\": []")), "are lists in an object"},
        {ALLOWING(KILL(", \"excludes\": {\"minKernel\": \"5\"}")), "minKernel \"5\""},
        {ALLOWING(KILL(", \"excludes\": {\"minKernel\": \"5.1.2\"}")), "minKernel"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"VAX\"]}",
         "\"VAX\" is not an architecture"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": "
         "[\"SCMP_ARCH_S390X\"]}",
         "an architecture that this machine does not run"},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"architectures\": [\"SCMP_ARCH_X86\"], "
         "\"archMap\": [{}]}",
         "both \"architectures\" and \"archMap\""},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": "
         "[\"SECCOMP_FILTER_FLAG_NEW_LISTENER\"]}",
         "the flag \"SECCOMP_FILTER_FLAG_NEW_LISTENER\" is not supported"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(WRONG); i++)
        expect_wrong(WRONG[i].profile, WRONG[i].says);
}

static void repeat(struct buf *b, const char *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(buf_puts(b, what), 0);
}

Test(profile, sizes_are_bounded)
{
    auto_done(buf_done) struct buf deep = {0};
    auto_done(buf_done) struct buf large = {0};
    auto_done(buf_done) struct buf rules = {0};
    auto_done(buf_done) struct buf names = {0};
    repeat(&deep, "[", 100000);
    expect_wrong(deep.data, "depth");
    repeat(&large, " ", MTD_SECCOMP_MAX_BYTES + 1);
    expect_wrong(large.data, "larger than 256 kB");
    buf_puts(&rules, "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [1");
    repeat(&rules, ",1", SYSCALLS_MAX_RULES);
    buf_puts(&rules, "]}");
    expect_wrong(rules.data, "more than 1024 rules");
    buf_puts(&names, "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": "
                     "[{\"action\": \"SCMP_ACT_LOG\", \"names\": [\"\"");
    repeat(&names, ",\"\"", SYSCALLS_MAX_NAMES);
    buf_puts(&names, "]}]}");
    expect_wrong(names.data, "more than 8192 names");
}

Test(profile, a_filter_that_no_command_could_start_under_is_refused)
{
    struct mtd_error err = {0};
    auto_free char *kept = NULL;
    cr_expect_eq(syscalls_check("builtin", 0, false, NULL, NULL), 0);
    cr_expect_eq(syscalls_check("unconfined", 0, false, NULL, NULL), 0);
    cr_expect_eq(syscalls_check(ALLOWING(KILL("")), 0, false, &kept, NULL), 0);
    cr_expect_eq(syscalls_check(REFUSING(LET("")), 0, false, &kept, &err), -EINVAL);
    cr_expect_str_eq(err.text, "seccomp profile: it forbids execve, without which no "
                               "command can start");
}

#define NOTIFIED(names)                                                                   \
    "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": [\"SECCOMP_FILTER_FLAG_TSYNC\", " \
    "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"], \"syscalls\": [{\"names\": [" names     \
    "], \"action\": \"SCMP_ACT_NOTIFY\"}]}"

static unsigned flags_of(const char *profile)
{
    struct syscalls_filter f;
    cr_assert_eq(syscalls_filter_make(&f, profile, NULL, 0, NULL), 0);
    unsigned flags = f.flags;
    syscalls_filter_done(&f);
    return flags;
}

Test(profile, a_listener_is_asked_for_by_what_notifies)
{
    auto_free char *kept = NULL;
    struct mtd_error err = {0};
    cr_expect_eq(syscalls_check(NOTIFIED("\"execve\",\"read\""), 0, true, &kept, NULL),
                 0);
    cr_expect_eq(syscalls_check(NOTIFIED("\"kill\""), 0, false, &kept, &err), -EINVAL);
    cr_expect_not_null(strstr(err.text, "needs a listener"), "%s", err.text);
    cr_expect_eq(flags_of(NOTIFIED("\"kill\"")),
                 SECCOMP_FILTER_FLAG_NEW_LISTENER |
                     SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    cr_expect_eq(flags_of("{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"flags\": "
                          "[\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}"),
                 0);
}

/* ---- what is kept of it ------------------------------------------------------------ */

static void expect_refuses_kill(const char *profile, const char *kept, uint64_t caps,
                                bool refuses)
{
    struct syscalls_filter f;
    cr_assert_eq(syscalls_filter_make(&f, profile, kept, caps, NULL), 0);
    cr_expect_neq(syscalls_filter_lets(&f, SYS_kill, 0), refuses, "%s", kept);
    syscalls_filter_done(&f);
}

#define NO_KILL ALLOWING(KILL(""))
#define ALL_ALLOWED ALLOWING("")

Test(profile, what_was_made_is_the_same_read_back)
{
    auto_free char *kept = NULL;
    struct syscalls_filter made, read;
    cr_assert_eq(syscalls_check(NO_KILL, 5, false, &kept, NULL), 0);
    cr_assert_eq(syscalls_filter_make(&made, NO_KILL, NULL, 5, NULL), 0);
    cr_assert_eq(syscalls_filter_make(&read, NO_KILL, kept, 5, NULL), 0);
    cr_expect_eq(made.flags, read.flags);
    cr_assert_eq(made.len, read.len);
    cr_expect_eq(memcmp(made.insns, read.insns, made.len * sizeof(*made.insns)), 0);
    syscalls_filter_done(&made);
    syscalls_filter_done(&read);
}

/* The text of another profile, or of other capabilities, in its place: made anew. What is used
 * shows by text that was changed. */
Test(profile, what_is_kept_counts_for_what_it_was_made_of)
{
    auto_free char *kept = NULL, *open = NULL;
    cr_assert_eq(syscalls_check(NO_KILL, 5, false, &kept, NULL), 0);
    cr_assert_eq(syscalls_check(ALL_ALLOWED, 5, false, &open, NULL), 0);
    expect_refuses_kill(NO_KILL, kept, 5, true);
    expect_refuses_kill(NO_KILL, open, 5, true);
    auto_free char *mixed = NULL;
    const char *key = strrchr(kept, ' '), *insns = strrchr(open, ' ');
    cr_assert_gt(asprintf(&mixed, "%.*s%s", (int)(key - kept), kept, insns), 0);
    expect_refuses_kill(NO_KILL, mixed, 5, false); /* it is read */
    expect_refuses_kill(NO_KILL, mixed, 4, true);
    mixed[2] = '0'; /* another kernel */
    expect_refuses_kill(NO_KILL, mixed, 5, true);
}

Test(profile, what_is_kept_and_damaged_is_made_anew)
{
    auto_free char *kept = NULL;
    cr_assert_eq(syscalls_check(NO_KILL, 0, false, &kept, NULL), 0);
    size_t len = strlen(kept);
    for (size_t cut = 0; cut < len; cut++) {
        auto_free char *part = strndup(kept, cut);
        if ((len - cut) % 16 || strrchr(part, ' ') != part + (strrchr(kept, ' ') - kept))
            expect_refuses_kill(NO_KILL, part, 0, true);
    }
    kept[len - 1] = 'x';
    expect_refuses_kill(NO_KILL, kept, 0, true);
}

Test(profile, only_of_json_something_is_kept)
{
    auto_free char *kept = NULL;
    cr_expect_eq(syscalls_check("builtin", 0, false, &kept, NULL), 0);
    cr_expect_eq(syscalls_check("unconfined", 0, false, &kept, NULL), 0);
    cr_expect_null(kept);
}

Test(profile, which_one_a_container_has)
{
    struct mtd_process p = {0};
    cr_expect_str_eq(syscalls_profile(&p), "builtin");
    p.privileged = true;
    cr_expect_str_eq(syscalls_profile(&p), "unconfined");
    p.seccomp = (char *)"builtin";
    cr_expect_str_eq(syscalls_profile(&p), "builtin");
    cr_expect_eq(syscalls_caps(&p), MTD_CAPS_ALL);
}
