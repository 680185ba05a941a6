/* Dockerfiles become images: buildah and skopeo for real. What was built is looked at from inside
 * a container. Needs root, buildah, skopeo and a static program. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/closed.h"
#include "../support/registry.h"
#include "../support/state.h"
#include "../support/stopped.h"
#include "base/cleanup.h"
#include "base/fs.h"

static struct state s;
static char context[128];

/* From 1.33 on it needs netavark even where it makes no network. */
static bool has_helper(void)
{
    if (system("test -x /usr/lib/podman/netavark || buildah --version | "
               "grep -q '1\\.\\([12][0-9]\\|3[0-2]\\)\\.'") == 0)
        return true;
    fprintf(stderr, "[SKIP] netavark is not installed, which this buildah needs\n");
    return false;
}

static void set_up(void)
{
    static const char *const NEEDED[] = {"buildah", "skopeo", NULL};
    if (!is_root() || !programs_are_there(NEEDED) || !has_helper())
        cr_skip("needs root, buildah and skopeo");
    state_make(&s);
    setenv("HOME", s.dir.path, 1);
    snprintf(context, sizeof(context), "%s/context", s.dir.path);
    tempdir_put(&s.dir, "context/file", "from the context\n");
}

static void tear_down(void)
{
    closed_end();
    if (s.dir.path[0])
        state_done(&s);
}

/* What is skipped has no tear_down. */
static void need_static(void)
{
    if (program_is_static())
        return;
    state_done(&s);
    cr_skip("not static");
}

TestSuite(build, .init = set_up, .fini = tear_down, .timeout = 120);

#define DOCKERFILE(text) tempdir_put(&s.dir, "context/Dockerfile", text)

static void build_ok(const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_assert_eq(o.status, 0, "%s%s", o.out, o.err);
}
#define BUILD(...) build_ok((const char *const[]){"build", __VA_ARGS__, NULL})

static void expect_run(const char *image, const char *command, const char *out)
{
    char *said = ASK(&s, "run", "--rm", image, "sh", "-c", command);
    cr_expect_str_eq(said, out);
    free(said);
}

static void expect_nothing_left(void)
{
    free(ASK(&s, "create", "--name", "sweeper", "busybox", "true"));
    free(ASK(&s, "rm", "sweeper"));
    cr_expect_eq(tempdir_count(s.dir.fd, "root/images/tmp"), 0);
    cr_expect_eq(state_find_build(&s), 0, "buildah is left");
}

/* ---- what is built ----------------------------------------------------------------------- */

Test(build, three_stages_with_deletions)
{
    need_static();
    DOCKERFILE("ARG BASE=busybox\n"
               "FROM ${BASE} AS one\n"
               "RUN echo a >/a && mkdir /d && echo x >/d/x && echo y >/d/y\n"
               "RUN rm /d/x && rm /etc/group\n"
               "FROM one AS two\n"
               "RUN echo b >/b\n"
               "FROM one\n"
               "COPY --from=two /b /b\n"
               "COPY file /file\n"
               "ENV KEY=value\n"
               "HEALTHCHECK --interval=5s CMD [\"true\"]\n"
               "CMD [\"cat\",\"/a\",\"/b\"]\n");
    BUILD("-t", "three:1", "-t", "also", "--label", "a=b", context);
    char *out = ASK(&s, "run", "--rm", "three:1");
    cr_expect_str_eq(out, "a\nb");
    free(out);
    expect_run("also", "ls /d; test ! -e /etc/group && cat /file; echo $KEY",
               "y\nfrom the context\nvalue");
    out = ASK(&s, "inspect", "-f", "{{.Config.Labels.a}}", "three:1");
    cr_expect_str_eq(out, "b");
    free(out);
    char line[256];
    snprintf(
        line, sizeof(line),
        "skopeo inspect --config --raw oci:%s/root/images:docker.io/library/three:1 | "
        "grep -q '\"Healthcheck\":'",
        s.dir.path);
    cr_expect_eq(system(line), 0, "docker's form has health checks");
    expect_nothing_left();
}

Test(build, options_reach_it)
{
    char path[160], id[128] = "";
    DOCKERFILE("FROM busybox AS first\nARG WHO=nobody\nRUN echo $WHO >/who\n"
               "FROM busybox\nRUN echo last >/who\n");
    snprintf(path, sizeof(path), "%s/iid", s.dir.path);
    char *quiet = ASK(&s, "build", "-q", "-t", "t", "--target", "first", "--build-arg",
                      "WHO=me", "--iidfile", path, context);
    cr_expect(strncmp(quiet, "sha256:", 7) == 0 && strlen(quiet) == 71, "%s", quiet);
    cr_expect_gt(fs_read_small_at(AT_FDCWD, path, id, sizeof(id)), 0);
    cr_expect_str_eq(id, quiet);
    free(quiet);
    if (program_is_static())
        expect_run("t", "cat /who", "me");
    DOCKERFILE("FROM busybox\nRUN { grep some.host /etc/hosts; ulimit -n; } >/seen\n");
    BUILD("-t", "seen", "--add-host", "some.host:10.1.2.3", "--ulimit", "nofile=77:88",
          "--compress", "-c", "5", "-m", "1g", context);
    if (program_is_static())
        expect_run("seen", "cat /seen", "10.1.2.3\tsome.host\n77");
    tempdir_put(&s.dir, "Other", "FROM busybox\nRUN touch /other\n");
    snprintf(path, sizeof(path), "%s/Other", s.dir.path);
    BUILD("-t", "other", "-f", path, context);
    if (program_is_static())
        expect_run("other", "ls /other", "/other");
}

/* RUN sees it, and neither the image nor the root holds it afterwards. */
Test(build, a_secret_is_seen_and_not_kept)
{
    static const char *const BAD[][2] = {
        {"id=key,src=/nowhere/at/all", "/nowhere/at/all"},
        {"id=key,env=MTD_NO_SUCH", "MTD_NO_SUCH is not set"},
        {"key", "is not id=NAME"},
        {"id=a/b,env=HOME", "is not id=NAME"},
    };
    char spec[200], find[300];
    tempdir_put(&s.dir, "key", "hide-me-4711\n");
    snprintf(spec, sizeof(spec), "id=key,src=%s/key", s.dir.path);
    setenv("MTD_TOKEN", "token-4712", 1);
    DOCKERFILE("FROM busybox\nRUN --mount=type=secret,id=key "
               "--mount=type=secret,id=token md5sum </run/secrets/key >/seen && "
               "md5sum </run/secrets/token >>/seen\n");
    BUILD("-t", "t", "--secret", spec, "--secret", "id=token,env=MTD_TOKEN", context);
    unsetenv("MTD_TOKEN");
    if (program_is_static())
        expect_run("t", "cat /seen; cat /run/secrets/key 2>/dev/null || true",
                   "28141f63724da22790e9a42274d2b527  -\n"
                   "649a00dcc5d0f3b84b75147c9eed5dd6  -");
    snprintf(find, sizeof(find), "grep -rqE 'hide-me-4711|token-4712' %s/root",
             s.dir.path);
    cr_expect_neq(system(find), 0, "it is still below the root");
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "build", "--secret", BAD[i][0], context);
        cr_expect_eq(o.status, 1, "%s", BAD[i][0]);
        cr_expect(strstr(o.err, BAD[i][1]), "%s: %s", BAD[i][0], o.err);
    }
}

Test(build, a_second_build_uses_the_first_ones_layers)
{
    DOCKERFILE("FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/uuid\n");
    char *one = ASK(&s, "build", "-q", context), *two = ASK(&s, "build", "-q", context);
    char *three = ASK(&s, "build", "-q", "--no-cache", context);
    cr_expect_str_eq(one, two);
    cr_expect_str_neq(one, three);
    free(one);
    free(two);
    free(three);
    char *df = ASK(&s, "system", "df", "--format", "{{.Type}} {{.Size}}");
    cr_expect(strstr(df, "Build Cache ") && !strstr(df, "Build Cache 0B"), "%s", df);
    free(df);
    char *prune = ASK(&s, "builder", "prune", "-f");
    cr_expect(strstr(prune, "Deleted build cache"), "%s", prune);
    free(prune);
    cr_expect_eq(tempdir_count(s.dir.fd, "root/build"), 1, "the lock");
    expect_nothing_left();
}

Test(build, stdin_is_a_dockerfile_or_a_tar)
{
    static const char TEXT[] = "FROM busybox\nRUN touch /from-stdin\n";
    char line[512];
    auto_done(outcome_done) struct outcome o = state_run_input(
        &s, TEXT, strlen(TEXT), (const char *const[]){"build", "-t", "text", "-", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    DOCKERFILE("FROM busybox\nCOPY file /from-tar\n");
    snprintf(line, sizeof(line), "tar czf %s/tar.gz -C %s .", s.dir.path, context);
    cr_assert_eq(system(line), 0);
    snprintf(line, sizeof(line), "%s/tar.gz", s.dir.path);
    auto_fd int in = open(line, O_RDONLY | O_CLOEXEC);
    struct running r =
        state_begin_from(&s, in, (const char *const[]){"build", "-t", "tar", "-", NULL});
    auto_done(outcome_done) struct outcome tar = state_end(&r);
    cr_expect_eq(tar.status, 0, "%s", tar.err);
    if (!program_is_static())
        return;
    expect_run("text", "ls /from-stdin", "/from-stdin");
    expect_run("tar", "cat /from-tar", "from the context");
}

Test(build, an_image_of_ours_is_a_base_as_it_is_now)
{
    need_static();
    for (int i = 1; i <= 2; i++) {
        char text[32], out[16];
        snprintf(text, sizeof(text), "echo %d >/n", i);
        snprintf(out, sizeof(out), "%d", i);
        free(ASK(&s, "run", "--name", "c", "busybox", "sh", "-c", text));
        free(ASK(&s, "commit", "c", "base"));
        free(ASK(&s, "rm", "c"));
        DOCKERFILE("FROM base\nRUN cp /n /copy\n");
        BUILD("-t", "built", context);
        expect_run("built", "cat /copy", out);
    }
}

/* ---- refusals ---------------------------------------------------------------------------- */

static void expect_refused(const char *words, const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    cr_expect_eq(o.status, 1, "%s", o.err);
    cr_expect(strstr(o.err, words), "expected \"%s\": %s", words, o.err);
}
#define REFUSED(words, ...) \
    expect_refused(words, (const char *const[]){__VA_ARGS__, NULL})

Test(build, what_cannot_be_built_says_why)
{
    REFUSED("has no Dockerfile", "build", context);
    REFUSED("No such file or directory", "build", "/nonexistent");
    REFUSED("nothing is downloaded", "build", "https://example/x.git");
    REFUSED("must be lower case", "build", "-t", "UPPER", context);
    DOCKERFILE("\n");
    REFUSED("the Dockerfile is empty", "build", context);
    DOCKERFILE("FROM busybox\nRUN echo out; exit 7\n");
    REFUSED("mytop-docker: build: building at STEP \"RUN echo out", "build", context);
    DOCKERFILE("FROM localhost:1/nosuch\n");
    REFUSED("image localhost:1/nosuch: the registry at localhost:1 is not there", "build",
            context);
    expect_nothing_left();
}

/* skopeo and buildah think of /var/tmp, where what a killed one leaves stays for ever. */
Test(build, nothing_is_written_beside_the_root)
{
    free(ASK(&s, "run", "--rm", "busybox", "true"));
    DOCKERFILE(
        "FROM busybox AS one\nRUN echo x >/x\nFROM busybox\nCOPY --from=one /x /x\n"
        "COPY file /file\n");
    closed_begin(&s.dir);
    BUILD("--no-cache", "-t", "x", context);
    expect_nothing_left();
}

/* ---- killed ------------------------------------------------------------------------------ */

/* Another run of this test may be under way: so for a time that is this one's. */
static int own_time(void)
{
    return 900000000 + getpid();
}

static bool sleeps(void *arg)
{
    char command[64];
    snprintf(command, sizeof(command), "grep -qszx %d /proc/[0-9]*/cmdline", own_time());
    return system(command) == 0;
}

static bool sleeps_no_more(void *arg)
{
    return !sleeps(arg);
}

/* What RUN has said last, when it ends, may be lost: buildah's process that leads its output on
 * ends without looking. So this one ends when it was heard. */
Test(build, what_run_says_is_passed_on_while_it_runs)
{
    char text[128];
    snprintf(text, sizeof(text),
             "FROM busybox\nRUN echo out; echo reason >&2; sleep %d\n", own_time());
    DOCKERFILE(text);
    struct running build = BEGIN(&s, "build", context);
    cr_expect(running_says(build.out, "out\n"));
    cr_expect(running_says(build.err, "reason\n"));
    cr_assert(state_until(sleeps, NULL));
    /* the brackets: not grep itself */
    snprintf(text, sizeof(text),
             "kill -9 $(grep -lszx '[9]%08d' /proc/[0-9]*/cmdline | cut -d/ -f3)",
             own_time() % 100000000);
    cr_expect_eq(system(text), 0);
    auto_done(outcome_done) struct outcome o = state_end(&build);
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "mytop-docker: build: building at STEP"), "%s", o.err);
}

Test(build, run_dies_with_a_killed_build)
{
    char dockerfile[64];
    snprintf(dockerfile, sizeof(dockerfile), "FROM busybox\nRUN sleep %d\n", own_time());
    DOCKERFILE(dockerfile);
    pid_t pid = SPAWN(&s, "build", context);
    cr_assert(state_until(sleeps, NULL), "RUN does not start");
    kill(pid, SIGKILL);
    cr_expect_eq(state_reap(pid), 128 + SIGKILL);
    cr_expect(state_until(sleeps_no_more, NULL), "RUN outlives its build");
    DOCKERFILE("FROM busybox\nRUN touch /x\n");
    BUILD("-t", "after", context);
    cr_expect_eq(system("test -z \"$(grep build/storage /proc/self/mountinfo)\""), 0);
    expect_nothing_left();
    char path[160];
    snprintf(path, sizeof(path),
             "ls -d %s/root/build/storage/*-containers/*/ 2>/dev/null", s.dir.path);
    cr_expect_neq(system(path), 0, "working containers are left");
}

/* As later buildahs leave it when they are killed: the list is gone with the build's own directory.
 * What is listed stays: the second build has its layers from there. */
Test(build, what_no_list_of_the_storage_has_is_removed)
{
    static const char *const LEFT[] = {"vfs-containers", "overlay-containers", "vfs/dir",
                                       "overlay"};
    char command[400], id[65];
    DOCKERFILE("FROM busybox\nRUN touch /x\n");
    BUILD("-t", "first", context);
    memset(id, 'f', 64);
    id[64] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(LEFT); i++) {
        snprintf(command, sizeof(command),
                 "cd %s/root/build/storage && { [ ! -d %s ] || mkdir -p %s/%s/d/e; }",
                 s.dir.path, LEFT[i], LEFT[i], id);
        cr_assert_eq(system(command), 0);
    }
    snprintf(command, sizeof(command),
             "test -n \"$(find %s/root/build/storage -name %s)\"", s.dir.path, id);
    cr_assert_eq(system(command), 0);
    char *said = ASK(&s, "build", "-t", "second", context);
    cr_expect(strstr(said, "Using cache"), "%s", said);
    free(said);
    cr_expect_neq(system(command), 0, "it is still there");
}

#ifdef MTD_FAULTS
/* Other builds share them, and go on. */
static void expect_groups_made_again(const char *removal)
{
    DOCKERFILE("FROM busybox\nRUN touch /x\n");
    s.fault = "build.groups:stop";
    struct running build = BEGIN(&s, "build", "-q", "-t", "x", context);
    s.fault = NULL;
    pid_t stopped = stopped_await(build.pid);
    cr_assert_gt(stopped, 0);
    cr_expect_eq(system(removal), 0);
    kill(stopped, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&build);
    cr_expect_eq(o.status, 0, "%s: %s", removal, o.err);
}

/* All of them, and those that are entered last. */
Test(build, groups_that_somebody_removes_are_made_again)
{
    expect_groups_made_again("find /sys/fs/cgroup -maxdepth 4 -depth -path "
                             "'*/mytop-docker/builds*' -type d -exec rmdir {} \\; "
                             "2>/dev/null; :");
    expect_groups_made_again("rmdir /sys/fs/cgroup/freezer/mytop-docker/builds/* "
                             "/sys/fs/cgroup/pids/mytop-docker/builds/* 2>/dev/null; :");
}

Test(build, killed_at_any_step_the_next_one_does_it)
{
    static const char *const POINTS[] = {
        "build.storage",  "build.context",  "build.images",  "build.built",
        "build.exported", "layer.received", "image.composed"};
    DOCKERFILE("FROM busybox\nRUN touch /x\n");
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        s.fault = fault;
        auto_done(outcome_done) struct outcome o = RUN(&s, "build", "-t", "x", context);
        s.fault = NULL;
        cr_expect_eq(o.status, 128 + SIGKILL, "%s is not passed: %s", POINTS[i], o.err);
        BUILD("-t", "x", context);
        expect_nothing_left();
        free(ASK(&s, "rmi", "x"));
    }
}
#endif
