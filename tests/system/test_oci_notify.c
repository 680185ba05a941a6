/* Bundles whose profile hands system calls to a listener: who it is told of, who answers, and what
 * becomes of them when nobody does. Needs root. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/notified.h"
#include "../support/ocibox.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

static void tear_down(void)
{
    ocibox_done();
    notified_end();
}

TestSuite(oci_notify, .init = ocibox_make, .fini = tear_down, .timeout = 60);

static const char MKDIR[] = "\"mkdir\",\"mkdirat\"";

/* Those calls are the listener's. */
static void notify(const char *names)
{
    char text[500];
    snprintf(text, sizeof(text),
             "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"%s\","
             "\"listenerMetadata\":\"of the test\",\"syscalls\":[{\"names\":[%s],"
             "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
             notified_path(), names);
    ocibox_set("linux.seccomp", text);
    ocibox_script("mkdir /made 2>&1 | sed 's/.*: //'");
}

static void expect_text(json_t *o, const char *key, const char *want)
{
    cr_expect_str_eq(json_string_value(json_object_get(o, key)), want, "%s", key);
}

static pid_t pid_of(json_t *o)
{
    return (pid_t)json_integer_value(json_object_get(o, "pid"));
}

/* The word that came with it: whose calls they are. */
static void expect_word(json_t *word, pid_t process, pid_t first, const char *status)
{
    json_t *state = json_object_get(word, "state"), *fds = json_object_get(word, "fds");
    expect_text(word, "metadata", "of the test");
    expect_text(word, "ociVersion", "1.0.2");
    cr_expect_eq(pid_of(word), process, "%d, not %d", pid_of(word), process);
    cr_expect_eq(json_array_size(fds), 1);
    cr_expect_str_eq(json_string_value(json_array_get(fds, 0)), "seccompFd");
    expect_text(state, "id", box.id);
    expect_text(state, "bundle", box.bundle);
    expect_text(state, "status", status);
    cr_expect_eq(pid_of(state), first);
    expect_text(json_object_get(state, "annotations"), "a.word", "kept");
    json_decref(word);
}

static pid_t create_and_start(void)
{
    ocibox_create();
    json_t *state = ocibox_state();
    pid_t pid = pid_of(state);
    json_decref(state);
    EXPECT_OK("start", box.id);
    return pid;
}

Test(oci_notify, a_call_is_answered_by_the_listener)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_set("annotations", "{\"a.word\":\"kept\"}");
    ocibox_says("No medium found\n");
    ocibox_set("process.noNewPrivileges", "false");
    ocibox_says("No medium found\n");
    ocibox_script("sleep 1000");
    pid_t pid = create_and_start();
    expect_word(notified_word(2), pid, pid, "created");
}

static void expect_exec(const char *const more[2])
{
    char path[200], text[16] = "";
    snprintf(path, sizeof(path), "%s/pid", box.state.dir.path);
    struct outcome o = OCI("exec", "--pid-file", path, box.id, more[0], more[1]);
    cr_expect_not_null(strstr(o.err, "No medium found"), "%s", o.err);
    cr_expect_eq(o.status, 1);
    outcome_done(&o);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
    close(fd);
    json_t *state = ocibox_state();
    expect_word(notified_word(1), atoi(text), pid_of(state), "running");
    json_decref(state);
}

static const char *const MAKE[] = {"mkdir", "/made"};

Test(oci_notify, exec_has_a_descriptor_of_its_own)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_set("annotations", "{\"a.word\":\"kept\"}");
    ocibox_script("sleep 1000");
    create_and_start();
    expect_exec(MAKE);
}

/* Then the joiner has the filter before there is a process in the container. */
Test(oci_notify, exec_has_one_where_processes_may_be_traced)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_set("annotations", "{\"a.word\":\"kept\"}");
    ocibox_set("process.capabilities.permitted", "[\"CAP_SYS_PTRACE\"]");
    ocibox_set("process.capabilities.bounding", "[\"CAP_SYS_PTRACE\"]");
    ocibox_script("sleep 1000");
    create_and_start();
    expect_exec(MAKE);
}

Test(oci_notify, in_a_user_namespace_as_well)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_append("linux.namespaces", "{\"type\":\"user\"}");
    ocibox_set("linux.uidMappings",
               "[{\"containerID\":0,\"hostID\":200000,\"size\":65536}]");
    ocibox_set("linux.gidMappings",
               "[{\"containerID\":0,\"hostID\":200000,\"size\":65536}]");
    ocibox_says("No medium found\n");
    ocibox_script("sleep 1000");
    create_and_start();
    struct outcome o = OCI("exec", box.id, "mkdir", "/made");
    cr_expect_not_null(strstr(o.err, "No medium found"), "%s", o.err);
    outcome_done(&o);
}

/* What the runtime's own process does behind the filter may be asked of the listener, too. */
Test(oci_notify, calls_up_to_the_command_may_be_the_listeners)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify("\"mkdir\",\"read\",\"close\",\"execve\",\"recvfrom\",\"sendmsg\",\"sendto\"");
    ocibox_says("No medium found\n");
    ocibox_script("sleep 1000");
    create_and_start();
    struct outcome o = OCI("exec", box.id, "echo", "there");
    cr_expect_str_eq(o.out, "there\n", "%s", o.err);
    outcome_done(&o);
}

Test(oci_notify, nothing_of_it_is_in_the_container)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_hook("startContainer", "ls -l /proc/self/fd >/hooked");
    ocibox_script("grep -c seccomp /hooked; ls -l /proc/self/fd | grep -c seccomp");
    ocibox_save();
    struct outcome o = OCI("run", "--bundle", box.bundle, box.id);
    cr_expect_str_eq(o.out, "0\n0\n", "%s", o.err);
    outcome_done(&o);
}

Test(oci_notify, without_such_calls_nobody_need_listen)
{
    notified_begin(NOTIFIED_GONE, 0);
    notify(MKDIR);
    ocibox_set("linux.seccomp.syscalls", "[]");
    ocibox_script("mkdir /made && echo made");
    ocibox_says("made\n");
}

Test(oci_notify, a_listener_that_leaves_leaves_no_call_waiting)
{
    notified_begin(NOTIFIED_LEAVES, 0);
    notify(MKDIR);
    ocibox_says("Function not implemented\n");
}

/* ---- what create refuses ---- */

#define RULE(name, action) \
    "[{\"names\":[\"" name "\"],\"action\":\"SCMP_ACT_" action "\"}]"

Test(oci_notify, what_cannot_be_listened_to_is_refused)
{
    static const struct ocibox_row ROWS[] = {
        {"linux.seccomp.listenerPath", "\"\"", "listenerMetadata"},
        {"linux.seccomp.listenerPath", "\"socket\"", "must be an absolute path"},
        {"linux.seccomp.listenerPath", "\"@abstract\"", "must be an absolute path"},
        {"linux.seccomp.listenerPath", "7", "must be a string"},
        {"linux.seccomp.listenerPath", "\"/nowhere/x\"", "cannot find the seccomp"},
        {"linux.seccomp.listenerPath", "\"/etc/passwd\"", "is not a socket"},
        {"linux.seccomp.syscalls", RULE("write", "NOTIFY"),
         "SCMP_ACT_NOTIFY cannot be used for the write syscall"},
        {"linux.seccomp.defaultAction", "\"SCMP_ACT_NOTIFY\"",
         "SCMP_ACT_NOTIFY cannot be used as default action"},
    };
    notified_begin(NOTIFIED_ANSWERS, 0);
    notify(MKDIR);
    ocibox_refuses_each(ROWS, sizeof(ROWS) / sizeof(ROWS[0]));
}

/* The second time what is made of the profile is there already. */
Test(oci_notify, without_a_listener_it_is_refused_each_time)
{
    notified_begin(NOTIFIED_ANSWERS, ENOMEDIUM);
    notify(MKDIR);
    ocibox_says("No medium found\n");
    ocibox_set("linux.seccomp.listenerPath", "null");
    ocibox_set("linux.seccomp.listenerMetadata", "null");
    ocibox_save();
    for (int i = 0; i < 2; i++)
        ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1,
                       "SCMP_ACT_NOTIFY needs a listener");
    ocibox_nothing_left("create");
}

Test(oci_notify, a_profile_must_let_the_descriptor_be_taken)
{
    notified_begin(NOTIFIED_ANSWERS, 0);
    notify(MKDIR);
    ocibox_append("linux.seccomp.syscalls",
                  "{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\"}");
    ocibox_save();
    ocibox_refused(OCI("create", "--bundle", box.bundle, box.id), 1, "it forbids read");
    ocibox_nothing_left("create");
}

/* ---- nobody takes it ---- */

/* The start fails in one line, nothing runs, and a deletion finds all of it. */
static void expect_no_start(const char *text)
{
    ocibox_script("touch /ran; sleep 1000");
    ocibox_create();
    ocibox_refused(OCI("start", box.id), 1, text);
    cr_expect(state_until(ocibox_has_stopped, NULL));
    char path[300];
    snprintf(path, sizeof(path), "%s/rootfs/ran", box.bundle);
    cr_expect_neq(access(path, F_OK), 0, "the command ran");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("delete");
    ocibox_save();
    ocibox_refused(OCI("run", "--bundle", box.bundle, box.id), 1, text);
    ocibox_nothing_left("run");
}

Test(oci_notify, a_listener_that_is_gone_is_an_error)
{
    notified_begin(NOTIFIED_GONE, 0);
    notify(MKDIR);
    expect_no_start("cannot connect to the seccomp listener");
}

Test(oci_notify, a_listener_that_takes_no_connection_is_given_up)
{
    notified_begin(NOTIFIED_BUSY, 0);
    notify(MKDIR);
    expect_no_start("has not answered within 5 seconds");
}

Test(oci_notify, a_listener_that_lets_the_command_wait_is_given_up)
{
    notified_begin(NOTIFIED_IGNORES, 0);
    notify("\"execve\",\"exit_group\"");
    expect_no_start("has not let the command begin within 5 seconds");
}

Test(oci_notify, an_exec_that_nobody_listens_to_ends)
{
    notified_begin(NOTIFIED_ANSWERS, 0);
    notify(MKDIR);
    ocibox_script("sleep 1000");
    create_and_start();
    notified_end();
    notified_begin(NOTIFIED_GONE, 0);
    ocibox_refused(OCI("exec", box.id, "touch", "/ran"), 255,
                   "cannot connect to the seccomp listener");
    struct outcome o = OCI("ps", "--format", "json", box.id);
    cr_expect_null(strchr(o.out, ','), "more than the first process: %s", o.out);
    outcome_done(&o);
    cr_expect(ocibox_is("running"));
}

Test(oci_notify, a_start_killed_before_it_is_sent_leaves_what_can_be_deleted)
{
#ifndef MTD_FAULTS
    cr_skip("needs fault points");
#endif
    notified_begin(NOTIFIED_ANSWERS, 0);
    notify(MKDIR);
    ocibox_script("touch /ran; sleep 1000");
    ocibox_create();
    box.state.fault = "oci.listener:kill";
    struct outcome o = OCI("start", box.id);
    box.state.fault = NULL;
    cr_expect_neq(o.status, 0);
    outcome_done(&o);
    cr_expect(state_until(ocibox_has_stopped, NULL), "its first process waits for ever");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("delete");
}
