/* What queries print, value by value as docker's. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/archive/hash.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "create", "--name", "web", "busybox", "sh", "-c", "echo 'a  b'"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(values, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is not in %s", part, text);
}

static bool running_says_now(int fd, const char *text)
{
    char data[65536] = "";
    return pread(fd, data, sizeof(data) - 1, 0) > 0 && strstr(data, text);
}

/* POSIX forms, which need no time zone files. */
Test(values, times_are_local)
{
    static const struct {
        const char *zone, *created, *event;
    } CASES[] = {{"AAA-5:30", " +0530 AAA", "+05:30 container create "},
                 {"UTC", " +0000 UTC", "Z container create "}};
    for (size_t i = 0; i < 2; i++) {
        setenv("TZ", CASES[i].zone, 1);
        auto_free char *ps = ASK(&s, "ps", "-a", "--format", "{{.CreatedAt}}");
        expect_part(ps, CASES[i].created);
        auto_free char *images = ASK(&s, "images", "--format", "{{.CreatedAt}}");
        expect_part(images, CASES[i].created);
        auto_free char *events = ASK(&s, "events", "--since", "1h", "--until", "0s");
        expect_part(events, CASES[i].event);
        /* What one command prints, another takes, without its zone. */
        ps[10] = 'T';
        ps[19] = '\0';
        auto_free char *until = ASK(&s, "events", "--since", "1h", "--until", ps);
        cr_expect_str_empty(until);
        auto_free char *since = ASK(&s, "events", "--since", ps, "--until", "0s");
        expect_part(since, CASES[i].event);
    }
}

/* ---- events ---- */

static void expect_events(const char *want, const char *filter)
{
    EXPECT_OUTPUT(&s, 0, want, "events", "--since", "1h", "--until", "0s", "--filter",
                  filter, "--format",
                  "{{.Action}}{{range $k, $v := .Actor.Attributes}}{{if eq $k \"signal\" "
                  "\"exitCode\" \"oldName\"}} {{$k}}={{$v}}{{end}}{{end}}");
}

/* The container's runs follow one another: their whole seconds are no more than passed. */
static void expect_durations(const char *lines, int64_t passed_ns)
{
    int64_t sum = 0;
    cr_expect_eq(strspn(lines, "0123456789\n"), strlen(lines), "%s", lines);
    cr_expect(*lines);
    for (const char *p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n')
        sum += strtoll(p, NULL, 10);
    cr_expect_leq(sum, passed_ns / NS_PER_SEC, "%s", lines);
}

Test(values, events_of_a_container)
{
    int64_t began = clock_mono_ns();
    free(ASK(&s, "run", "-d", "--name", "long", "busybox", "sleep", "1000"));
    EXPECT_OUTPUT(&s, 3, "", "exec", "long", "sh", "-c", "exit 3");
    free(ASK(&s, "restart", "-t", "0", "long"));
    free(ASK(&s, "kill", "long"));
    free(ASK(&s, "wait", "long"));
    free(ASK(&s, "rename", "long", "short"));
    free(ASK(&s, "rm", "short"));
    auto_free char *id =
        ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter", "container=long",
            "--filter", "event=create", "--format", "container={{.ID}}");
    auto_free char *lasted =
        ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter", "event=die",
            "--format", "{{.Actor.Attributes.execDuration}}");
    expect_durations(lasted, clock_mono_ns() - began);
    expect_events("create\nstart\n"
                  "exec_create: sh -c exit 3\nexec_start: sh -c exit 3\n"
                  "exec_die exitCode=3\n"
                  "kill signal=15\nkill signal=9\ndie exitCode=137\nstop\n"
                  "start\nrestart\n"
                  "kill signal=9\ndie exitCode=137\nrename oldName=/long\ndestroy\n",
                  id);
}

/* docker's order; nobody attaches to what runs in the background. */
Test(values, events_of_who_attaches)
{
    free(ASK(&s, "run", "--name", "long", "busybox", "true"));
    free(ASK(&s, "start", "long"));
    free(ASK(&s, "wait", "long"));
    free(ASK(&s, "start", "-a", "long"));
    expect_events("create\nattach\nstart\ndie exitCode=0\nstart\ndie exitCode=0\n"
                  "attach\nstart\ndie exitCode=0\n",
                  "container=long");
}

Test(values, events_of_exec_in_the_background)
{
    free(ASK(&s, "run", "-d", "--name", "long", "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "-d", "long", "sh", "-c", "exit 4"));
    struct running follow =
        BEGIN(&s, "events", "--since", "1h", "--filter", "event=exec_die", "--format",
              "{{.Actor.Attributes.exitCode}}.");
    cr_expect(running_says(follow.out, "4."));
    kill(follow.pid, SIGKILL);
    struct outcome o = state_end(&follow);
    outcome_done(&o);
}

Test(values, events_of_images)
{
    free(ASK(&s, "commit", "web", "mine:1"));
    free(ASK(&s, "tag", "mine:1", "mine:2"));
    free(ASK(&s, "rmi", "mine:1", "mine:2"));
    expect_events("tag\ntag\nuntag\nuntag\ndelete\n", "type=image");
    auto_free char *tags = ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter",
                               "image=mine", "--format", "{{.Actor.Attributes.name}}");
    cr_expect_str_eq(tags, "mine:1\nmine:2");
}

Test(values, events_have_labels_and_are_found_by_them)
{
    free(ASK(&s, "create", "--name", "one", "-l", "a=1", "-l", "b=2", "busybox"));
    free(ASK(&s, "create", "--name", "two", "-l", "a=1", "busybox"));
    free(ASK(&s, "create", "--name", "three", "-l", "zone=1", "-l", "hue=2", "busybox"));
    auto_free char *three = ASK(&s, "events", "--since", "1h", "--until", "0s",
                                "--filter", "container=three");
    expect_part(three, " (hue=2, image=busybox, name=three, zone=1)"); /* by name */
    auto_free char *one = ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter",
                              "label=a=1", "--filter", "label=b");
    expect_part(one, " (a=1, b=2, image=busybox, name=one)");
    cr_expect_not(strchr(one, '\n') || strstr(one, "two"), "%s", one);
    EXPECT_OUTPUT(&s, 0, "one\n", "ps", "-a", "--filter", "label=a", "--filter",
                  "label=b=2", "--format", "{{.Names}}");
}

/* What is named is not older or newer than itself. */
Test(values, before_and_since_leave_out_the_one_they_name)
{
    static const char *const CASES[][2] = {
        {"before=bx", "ax\n"}, {"since=bx", "cx\n"}, {"before=ax", ""}, {"since=cx", ""}};
    for (const char *name = "abc"; *name; name++)
        free(ASK(&s, "create", "--name", (const char[]){*name, 'x', '\0'}, "busybox"));
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        EXPECT_OUTPUT(&s, 0, CASES[i][1], "ps", "--filter", CASES[i][0], "--filter",
                      "name=^.x$", "--format", "{{.Names}}");
}

/* docker's daemon looks at the keys that it knows, and at numbers of lines that are some. */
Test(values, what_docker_does_not_judge_is_no_mistake)
{
    free(ASK(&s, "run", "--name", "one", "busybox", "seq", "3"));
    auto_free char *all = ASK(&s, "events", "--since", "1h", "--until", "0s");
    EXPECT_OUTPUT(&s, 0, "1\n2\n3\n", "logs", "--tail", "few", "one");
    EXPECT_OUTPUT(&s, 0, "3\n", "logs", "--tail", "1", "one");
    auto_free char *keys = ASK(&s, "events", "--since", "1h", "--until", "0s", "--filter",
                               "nosuch=1", "--filter", "scope=local");
    cr_expect(strstr(keys, "name=one") && strstr(all, keys), "%s", keys);
    EXPECT_OUTPUT(&s, 0, "", "events", "--since", "1h", "--until", "0s", "--filter",
                  "daemon=x");
    EXPECT_OUTPUT(&s, 0, "", "events", "--until", "0");
    EXPECT_OUTPUT(&s, 0, "one\n", "ps", "-a", "--filter", "isolation=default", "--filter",
                  "name=one", "--format", "{{.Names}}");
}

/* It may be that nobody follows yet when they are made. */
static bool is_followed(void *out)
{
    free(ASK(&s, "create", "--name", "late", "busybox"));
    free(ASK(&s, "rm", "late"));
    return running_says_now(*(int *)out, "late");
}

/* From now on, for ever: what was before it is not shown, what comes after it is. */
Test(values, events_go_on_without_until)
{
    struct running follow =
        BEGIN(&s, "events", "--format", "{{.Actor.Attributes.name}}.");
    auto_done(outcome_done) struct outcome o = {0};
    cr_expect(state_until(is_followed, &follow.out));
    kill(follow.pid, SIGKILL);
    o = state_end(&follow);
    expect_part(o.out, "late.");
    cr_expect_not(strstr(o.out, "web"), "%s", o.out);
}

/* ---- smaller ones ---- */

Test(values, top_takes_the_options_of_ps)
{
    free(ASK(&s, "run", "-d", "--name", "long", "busybox", "sleep", "1000"));
    auto_free char *pid = field(&s, "long", "{{.State.Pid}}");
    auto_free char *monitor = field(&s, "long", "{{.MonitorPid}}");
    char want[256];
    snprintf(want, sizeof(want),
             "PID       COMMAND   PPID      COMMAND\n%-10ssleep     "
             "%-10ssleep 1000\n",
             pid, monitor);
    EXPECT_OUTPUT(&s, 0, want, "top", "long", "-o", "pid,comm", "-o", "ppid,args");
    auto_free char *aux = ASK(&s, "top", "long", "aux");
    expect_part(aux, "USER      PID       %CPU      %MEM      VSZ       RSS       TTY");
    EXPECT_OUTPUT(&s, 1, "", "top", "long", "-o", "comm");
    EXPECT_OUTPUT(&s, 1, "", "top", "long", "-o", "pid,nope");
}

/* Nothing is written, so only the time can end it. */
Test(values, logs_of_a_silent_container_end_at_until)
{
    free(ASK(&s, "run", "-d", "--name", "long", "busybox", "sleep", "1000"));
    EXPECT_OUTPUT(&s, 0, "", "logs", "-f", "--until", "-1s", "long");
    EXPECT_OUTPUT(&s, 0, "", "logs", "-f", "--until", "1s", "long");
    auto_free char *state = field(&s, "long", "{{.State.Status}}");
    cr_expect_str_eq(state, "running");
}

Test(values, times_without_end_are_times)
{
    free(ASK(&s, "start", "web"));
    free(ASK(&s, "wait", "web"));
    EXPECT_OUTPUT(&s, 0, "", "logs", "--since", "9999-01-01", "web");
    EXPECT_OUTPUT(&s, 0, "a  b\n", "logs", "--until", "9999-01-01", "web");
    EXPECT_OUTPUT(&s, 0, "a  b\n", "logs", "--since", "9999999h", "web");
}

Test(values, names_beyond_ascii_need_no_private_header)
{
    EXPECT_OUTPUT(&s, 0, "", "run", "--name", "names", "busybox", "touch",
                  "/root/\xc3\xa9");
    auto_done(outcome_done) struct outcome tar = RUN(&s, "export", "names");
    cr_assert_eq(tar.status, 0, "%s", tar.err);
    cr_expect(memmem(tar.out, tar.out_len, "path=root/\xc3\xa9\n", 13));
    cr_expect_null(memmem(tar.out, tar.out_len, "hdrcharset", 10));
}

Test(values, port_of_a_container_without_ports)
{
    EXPECT_OUTPUT(&s, 0, "", "port", "web");
    EXPECT_OUTPUT(&s, 1, "", "port", "nosuch");
}

/* ---- inspect, history ---- */

/* "A.B C": all members in docker's order, and their values where nothing was asked for. */
Test(values, inspect_has_dockers_members)
{
    static const char *const CASES[][2] = {
        {"{{.Path}} {{.Args}}", "sh [-c echo 'a  b']"},
        {"{{.HostConfig.CpuQuota}} {{.HostConfig.ShmSize}} {{.HostConfig.PidMode}}.",
         "0 67108864 ."},
        {"{{json .HostConfig.PortBindings}} {{.HostConfig.MemorySwap}}", "{} 0"},
        {"{{json .HostConfig.Links}} {{.HostConfig.UsernsMode}}.", "null ."},
        {"{{.Config.OpenStdin}} {{json .Config.Volumes}} {{json .Config.OnBuild}}",
         "false null null"},
        {"{{.NetworkSettings.SandboxID}}.{{json .NetworkSettings.Ports}}", ".{}"},
        {"{{range .NetworkSettings.Networks}}{{.IPPrefixLen}}{{end}}", "0"},
        {"{{.MountLabel}}.{{.AppArmorProfile}}", "."},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        expect_field(&s, "web", CASES[i][0], CASES[i][1]);
    expect_field(&s, "busybox", "{{.Os}} {{.RootFS.Type}} {{.Config.AttachStdin}}",
                 "linux layers false");
    auto_free char *machine = field(&s, "busybox", "{{.Architecture}}.");
    cr_expect(strlen(machine) > 1);
    auto_free char *json = ASK(&s, "inspect", "-f", "json", "web");
    cr_expect(strncmp(json, "[{\"Id\":", 7) == 0, "%.40s", json);
}

Test(values, swap_is_twice_the_memory_and_the_environment_dockers)
{
    free(ASK(&s, "create", "--name", "limited", "-m", "64m", "-e", "B=1", "-e", "A=2",
             "-t", "busybox"));
    expect_field(&s, "limited", "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}",
                 "67108864 134217728");
    expect_field(&s, "limited", "{{range .Config.Env}}{{slice . 0 3}} {{end}}",
                 "B=1 A=2 PAT ");
}

/* As given, and only where they were: docker leaves the rest out. */
Test(values, inspect_shows_what_was_asked_for)
{
    free(ASK(&s, "create", "-i", "--name", "x", "-a", "stdin", "-a", "STDOUT",
             "--stop-signal", "INT", "--stop-timeout", "7", "--health-cmd", "true",
             "--health-retries", "2", "busybox"));
    free(ASK(&s, "create", "--name", "nine", "--stop-signal", "9", "busybox"));
    static const char *const CASES[][3] = {
        {"x", "{{.Config.StopSignal}} {{.Config.StopTimeout}}", "INT 7"},
        {"nine", "{{.Config.StopSignal}}", "9"},
        {"web", "{{.Config.StopSignal}}.{{json .Config.StopTimeout}}", ".null"},
        {"x", "{{json .Config.Healthcheck}}",
         "{\"Test\":[\"CMD-SHELL\",\"true\"],\"Retries\":2}"},
        {"x", "{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}}",
         "true true false"},
        {"web", "{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.StdinOnce}}",
         "false true false"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        expect_field(&s, CASES[i][0], CASES[i][1], CASES[i][2]);
}

/* docker has each mount where it was asked for, and all but --tmpfs in Mounts. */
Test(values, mounts_are_shown_as_they_were_asked_for)
{
    free(ASK(&s, "create", "--name", "x", "-v", "named:/named", "-v", "/anon", "--tmpfs",
             "/t1:size=1m", "--mount", "type=tmpfs,dst=/t2,tmpfs-size=1m,tmpfs-mode=700",
             "--mount", "type=volume,src=other,dst=/vb,readonly", "busybox"));
    free(ASK(&s, "create", "--name", "y", "--volumes-from", "x:ro", "busybox"));
    static const char *const CASES[][3] = {
        {"x", "{{json .HostConfig.Binds}}", "[\"named:/named\"]"},
        {"x", "{{json .HostConfig.Tmpfs}}", "{\"/t1\":\"size=1m\"}"},
        {"x", "{{json .HostConfig.Mounts}}",
         "[{\"Type\":\"tmpfs\",\"Target\":\"/t2\",\"TmpfsOptions\":{\"SizeBytes\":1048576,"
         "\"Mode\":448}},{\"Type\":\"volume\",\"Source\":\"other\",\"Target\":\"/vb\","
         "\"ReadOnly\":true}]"},
        {"x", "{{json .Config.Volumes}}", "{\"/anon\":{}}"},
        {"x", "{{range .Mounts}}{{.Destination}}[{{.Mode}}]{{.RW}} {{end}}",
         "/named[z]true /anon[]true /t2[]true /vb[z]false "},
        {"y", "{{json .HostConfig.VolumesFrom}} {{json .HostConfig.Binds}}",
         "[\"x:ro\"] null"},
        {"y", "{{json .Config.Volumes}} {{len .Mounts}}", "null 3"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        expect_field(&s, CASES[i][0], CASES[i][1], CASES[i][2]);
}

Test(values, inspect_knows_which_type_was_asked_for)
{
    EXPECT_OUTPUT(&s, 1, "[]\n", "container", "inspect", "busybox");
    EXPECT_OUTPUT(&s, 1, "[]\n", "image", "inspect", "web");
    EXPECT_OUTPUT(&s, 0, "web\n", "container", "inspect", "-f", "{{slice .Name 1}}",
                  "web");
    EXPECT_OUTPUT(&s, 0, "[busybox:latest]\n", "image", "inspect", "-f", "{{.RepoTags}}",
                  "busybox");
}

Test(values, commands_are_quoted_where_they_have_spaces)
{
    EXPECT_OUTPUT(&s, 0, "\"sh -c 'echo 'a  b''\"\n", "ps", "-a", "--no-trunc",
                  "--format", "{{.Command}}");
    EXPECT_OUTPUT(&s, 0, "\"sh -c 'echo 'a  b''\"\n", "ps", "-a", "--format",
                  "{{.Command}}");
}

Test(values, history_says_what_each_layer_is)
{
    EXPECT_OUTPUT(&s, 0, "", "run", "--name", "three", "busybox", "sh", "-c",
                  "echo ab >/root/x");
    free(ASK(&s, "commit", "-m", "note", "three", "mine"));
    auto_free char *base = field(&s, "busybox", "{{.Size}}");
    char want[256];
    snprintf(want, sizeof(want), "note 3 sh -c echo ab >/root/x\n %s sh\n", base);
    EXPECT_OUTPUT(&s, 0, want, "history", "--human=false", "--format",
                  "{{.Comment}} {{.Size}} {{.CreatedBy}}", "mine");
    /* The embedded busybox is that of the system on which the program was built. */
    auto_free char *size = ASK(&s, "images", "--format", "{{.Size}}", "busybox");
    snprintf(want, sizeof(want), "3B\n%s\n", size);
    EXPECT_OUTPUT(&s, 0, want, "history", "--format", "{{.Size}}", "mine");
    setenv("TZ", "AAA-5:30", 1);
    auto_free char *at = ASK(&s, "history", "--format", "{{.CreatedAt}}", "mine");
    cr_expect(strlen(at) == 51 && strcmp(at + 45, "+05:30") == 0 && at[10] == 'T', "%s",
              at);
    auto_free char *since =
        ASK(&s, "history", "--human=false", "--format", "{{.CreatedSince}}", "mine");
    cr_expect_str_eq(since, at);
}
/* docker: what was done first, then what went wrong, both as they were typed. */
Test(values, names_come_before_errors)
{
    static const char *const VERBS[] = {"start", "stop", "rm"};
    free(ASK(&s, "create", "--name", "x", "busybox", "true"));
    free(ASK(&s, "create", "--name", "y", "busybox", "true"));
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
        int both = memfd_create("both", MFD_CLOEXEC);
        const char *const args[] = {VERBS[i], "nosuch1", "x", "nosuch2", "y", NULL};
        pid_t pid = state_spawn_on(&s, (const int[]){both, both, both}, args);
        cr_expect_eq(state_reap(pid), 1);
        char text[1024] = "", want[256];
        cr_expect_gt(pread(both, text, sizeof(text) - 1, 0), 0);
        close(both);
        snprintf(want, sizeof(want),
                 "x\ny\nmytop-docker: %s: No such container: nosuch1\n"
                 "mytop-docker: %s: No such container: nosuch2\n",
                 VERBS[i], VERBS[i]);
        cr_expect_str_eq(text, want);
    }
}

/* Also where the directory above could be written. */
Test(values, reading_makes_nothing)
{
    static const char *const VERBS[][3] = {
        {"images"},          {"info"},
        {"system", "df"},    {"events", "--until", "0s"},
        {"inspect", "none"}, {"ps", "-a"},
        {"wait", "none"},    {"history", "none"},
        {"diff", "none"},    {"logs", "none"},
        {"port", "none"},    {"stats", "--no-stream"}};
    char root[300], run[300];
    snprintf(root, sizeof(root), "%s/other", s.dir.path);
    snprintf(run, sizeof(run), "%s/other-run", s.dir.path);
    for (size_t i = 0; i < ARRAY_SIZE(VERBS); i++) {
        struct outcome o = RUN(&s, "--root", root, "--run-root", run, VERBS[i][0],
                               VERBS[i][1], VERBS[i][2]);
        cr_expect_lt(o.status, 2, "%s: %s", VERBS[i][0], o.err);
        outcome_done(&o);
        cr_expect_eq(access(root, F_OK), -1, "%s made the root", VERBS[i][0]);
        cr_expect_eq(access(run, F_OK), -1, "%s made the run root", VERBS[i][0]);
    }
}

/* Go's names of docker's fields, which differ from those in JSON by their case. */
Test(values, names_of_go_are_found)
{
    auto_free char *id = ASK(&s, "inspect", "-f", "{{.ID}}", "web");
    cr_expect_eq(strlen(id), 64, "%s", id);
    auto_free char *event =
        ASK(&s, "events", "--until", "0s", "--filter", "container=web", "--format",
            "{{.Status}} {{.From}} {{.Scope}} {{eq .ID .Actor.ID}}");
    cr_expect_str_eq(event, "create busybox local true");
    auto_free char *json = ASK(&s, "events", "--until", "0s", "--filter", "container=web",
                               "--format", "{{json .}}");
    cr_expect(strstr(json, "\"id\":") && !strstr(json, "\"Type\":\"container\",\"ID\""),
              "%s", json);
    struct outcome o = RUN(&s, "inspect", "-f", "{{.Id}}", "nosuch");
    cr_expect_str_eq(o.out, "\n");
    cr_expect_eq(o.status, 1);
    outcome_done(&o);
}

Test(values, what_does_not_run_uses_nothing)
{
    auto_free char *row =
        ASK(&s, "stats", "--no-stream", "--format",
            "{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.NetIO}} {{.BlockIO}} {{.PIDs}}",
            "web");
    cr_expect_str_eq(row, "0.00% 0B / 0B 0.00% 0B / 0B 0B / 0B 0");
}

/* Bytes of a file of the container's; 0 = it is not there. */
static long size_of(const char *id, const char *name)
{
    char path[400];
    struct stat st;
    snprintf(path, sizeof(path), "%s/root/containers/%s/%s", s.dir.path, id, name);
    return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

static bool has_a_log(void *id)
{
    return size_of(id, "container.log") > 0;
}

/* A record has 41 bytes beside its text, so the twelve fill three files of about 200 bytes. The
 * container that never ran has no log, the running one's is in use. */
Test(values, logs_count_with_their_rotated_files)
{
    free(ASK(&s, "run", "--name", "x", "--log-opt", "max-size=200b", "--log-opt",
             "max-file=3", "busybox", "seq", "1", "12"));
    free(ASK(&s, "run", "-d", "--name", "y", "busybox", "sh", "-c",
             "echo up; exec sleep 1000"));
    auto_free char *x = ASK(&s, "inspect", "-f", "{{.Id}}", "x");
    auto_free char *y = ASK(&s, "inspect", "-f", "{{.Id}}", "y");
    cr_expect(state_until(has_a_log, y));
    const long parts[] = {size_of(x, "container.log"), size_of(x, "container.log.1"),
                          size_of(x, "container.log.2"), size_of(y, "container.log")};
    char want[64];
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        cr_expect_gt(parts[i], 0, "file %zu", i);
    snprintf(want, sizeof(want), "Logs 2 1 %ldB %ldB",
             parts[0] + parts[1] + parts[2] + parts[3], parts[0] + parts[1] + parts[2]);
    auto_free char *df =
        ASK(&s, "system", "df", "--format",
            "{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}");
    char *logs = strstr(df, "Logs");
    cr_assert(logs, "%s", df);
    cr_expect_eq(strncmp(logs, want, strlen(want)), 0, "%s, not %s", logs, want);
}

Test(values, exec_in_a_relative_directory_cannot_be_run)
{
    free(ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000"));
    struct outcome o = RUN(&s, "exec", "-w", "rel", "x", "true");
    cr_expect_eq(o.status, 126);
    cr_expect(strstr(o.err, "must be an absolute path"), "%s", o.err);
    outcome_done(&o);
}

/* Whether it was unpacked already, which a list does not do. */
Test(values, an_image_has_one_size)
{
    char root[300], run[300];
    snprintf(root, sizeof(root), "%s/other", s.dir.path);
    snprintf(run, sizeof(run), "%s/other-run", s.dir.path);
    struct outcome fresh =
        RUN(&s, "--root", root, "--run-root", run, "images", "--format", "{{.Size}}");
    auto_free char *used = ASK(&s, "images", "--format", "{{.Size}}");
    fresh.out[strcspn(fresh.out, "\n")] = '\0';
    cr_expect_str_eq(fresh.out, used);
    outcome_done(&fresh);
}

/* OCI's: what a layer holds, whatever is below it. Docker names the same layers so. */
Test(values, layers_are_named_by_what_they_hold)
{
    free(ASK(&s, "run", "--name", "c", "busybox", "touch", "/x"));
    free(ASK(&s, "commit", "c", "one"));
    auto_free char *base = field(&s, "busybox", "{{join .RootFS.Layers \" \"}}");
    auto_free char *all = field(&s, "one", "{{join .RootFS.Layers \" \"}}");
    cr_expect_eq(strlen(base), 71, "%s", base);
    cr_expect_eq(strlen(all), 2 * 71 + 1, "%s", all);
    cr_expect_eq(strncmp(all, base, 71), 0, "%s, not %s", all, base);
    char chain[SHA256_HEX_SIZE], path[400];
    archive_hash_chain(base + 7, all + 72 + 7, chain);
    snprintf(path, sizeof(path), "%s/root/images/layers/%s", s.dir.path, chain);
    cr_expect_eq(access(path, F_OK), 0, "%s are not those of a layer", all);
}
